#include "cmd.h"
#include "confirm.h"
#include "manifests.h"
#include "passphrase.h"
#include "print.h"

#include "attest/pcr.h"
#include "base/file.h"
#include "base/file_guard.h"
#include "base/text.h"
#include "cluster/seen.h"
#include "crypto/bip39.h"

#include <stdio.h>
#include <string.h>

#define PATH_LEN_MAX 4096 /* Linux's PATH_MAX */

struct approve_args {
	const char *file, *key, *quorum_key, *out;
	bool yes;
	int64_t passphrase_fd;
};

static const struct opt opts[] = {
	{ .name = "key",
	  .kind = OPT_FILE,
	  .metavar = "KEY",
	  .is_required = true,
	  .offset = offsetof(struct approve_args, key),
	  .doc = "the member's .secret" },
	{ .name = "quorum-key",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct approve_args, quorum_key),
	  .doc = "the quorum_key.pub of the genesis; KEY.seen and the state know it after one" },
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct approve_args, out),
	  .doc =
	      "where the approval goes; ALIAS-NAMESPACE-NONCE.approval beside FILE unless given" },
	{ .name = "yes",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct approve_args, yes),
	  .doc = "do not ask" },
	PASSPHRASE_FD_OPT(approve_args, passphrase_fd),
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct approve_args, file),
	  .doc = "the manifest envelope" },
};

struct approved {
	struct buf member, file, check_phrase;
	uint8_t manifest_hash[32];
	int64_t nonce;
	bool kept; /* it was there already */
	struct wire_list checks;
};
static const struct wire_field approved_fields[] = {
	JSON_TEXT(approved, member),
	JSON_TEXT(approved, file),
	JSON_HEX_FIXED(approved, manifest_hash),
	JSON_NUMBER(approved, nonce),
	JSON_TEXT(approved, check_phrase),
	JSON_BOOL(approved, kept),
	JSON_LIST(approved, checks, match_row_schema),
};
static const struct wire_schema approved_schema = JSON_SCHEMA(approved, approved_fields);
WIRE_DROP(approved);

/* What an approval is made from. */
struct approving {
	struct manifest_file file;
	struct key_set *key;
	const struct member *self; /* in file's manifest set */
	struct seen known, now;
};
static void approving_drop(struct approving *a)
{
	manifest_file_drop(&a->file);
	key_set_drop(&a->key);
}

static const struct manifest *manifest_of(const struct approving *a)
{
	return &a->file.envelope.manifest;
}

static struct view name_of(const struct approving *a)
{
	return buf_view(&manifest_of(a)->namespace.name);
}

static int find_self(struct approving *a, const char *key_path, struct err *e)
{
	const struct member_set *set = &manifest_of(a)->manifest_set;
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		if (view_equal(buf_view(&members[i].pub_key),
		               public_key_view(key_set_public(a->key))))
			a->self = &members[i];
	if (!a->self)
		return err_set(e, ERR_DATA,
		               "'%s' is the key of no member of the manifest set: its approval "
		               "would not count",
		               key_path);
	return 0;
}

static int load(struct context *c, const struct approve_args *args, struct approving *a,
                struct err *e)
{
	AUTO(passphrases) struct passphrases p = { 0 };

	TRY(manifest_read_v1(args->file, &a->file, e));
	TRY(manifest_check(&a->file.envelope, /* allow_keyless= */ false, e));
	TRY(key_set_read_own(args->key, passphrases_begin(&p, c, args->passphrase_fd), &a->key, e));
	TRY(find_self(a, args->key, e));
	TRY(seen_read(args->key, name_of(a), &a->known, e));
	a->now.has_nonce = true;
	a->now.nonce = manifest_of(a)->namespace.nonce;
	a->now.has_manifest = true;
	a->now.manifest = a->file.hash;
	a->now.has_quorum_key = true;
	return manifest_quorum_key(manifest_of(a), &a->now.quorum_key, e);
}

static int match_key(const struct approving *a, const struct public_key *expected,
                     const char *whose, size_t *count, struct wire_list *rows, struct err *e)
{
	bool is_same = public_key_equal(expected, &a->now.quorum_key);

	(*count)++;
	return match_add(rows, "quorum_key", is_same, e, "%s %s", is_same ? "as in" : "not that of",
	                 whose);
}

/* What the member was given at genesis has it, his key's memory, the state of his own machine, or
 * the cluster file (is_named: its row is there already). All that are there must agree, and one
 * must be. */
static int match_quorum_key(struct context *c, const struct approve_args *args,
                            const struct approving *a, bool is_named, struct wire_list *rows,
                            struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct public_key given;
	bool is_kept = false;
	size_t count = is_named;

	if (args->quorum_key) {
		TRY(public_key_read(args->quorum_key, &given, e));
		TRY(match_key(a, &given, args->quorum_key, &count, rows, e));
	}
	if (a->known.has_quorum_key)
		TRY(match_key(a, &a->known.quorum_key, "KEY.seen", &count, rows, e));
	TRY(state_load_genesis(&c->state, &is_kept, &kept, e));
	if (is_kept)
		TRY(match_key(a, &kept.quorum_key, "the state", &count, rows, e));
	if (count)
		return 0;
	context_hint(c, "--quorum-key names the quorum_key.pub that genesis wrote");
	return err_set(e, ERR_NO_INPUT,
	               "there is nothing to compare the manifest's quorum key with");
}

static int match_seen(const struct approving *a, struct wire_list *rows, struct err *e)
{
	struct err why;

	if (!a->known.has_nonce)
		return match_add(rows, "seen", true, e, "the first of this namespace");
	if (seen_check(&a->known, &a->now, &why) < 0 && strcmp(why.reason, "nonce") == 0)
		return match_add(rows, "nonce", false, e, "%s", why.text);
	return match_add(rows, "seen", true, e,
	                 "nonce %lld; the highest that this key has sealed to or approved is %lld",
	                 (long long)a->now.nonce, (long long)a->known.nonce);
}

/* Where nothing but the image is another: a member's pins are his word, and he alone changes it. */
static void hint_pins(struct context *c, const struct wire_list *rows)
{
	const struct match_row *items = rows->items;
	bool is_image = false;

	for (size_t i = 0; i < rows->count; i++) {
		if (items[i].passed)
			continue;
		if (!pcr_is_policy_reason(buf_text(&items[i].check)))
			return;
		is_image = true;
	}
	if (is_image)
		context_hint(c, "if you mean this image to be the next: have enclave.image of your "
		                "own file name it, run teectl measure --write --next, and approve "
		                "again");
}

/* Every check that the member can make for himself. */
static int check(struct context *c, const struct approve_args *args, const struct approving *a,
                 struct wire_list *rows, struct err *e)
{
	AUTO(match_expect) struct match_expect x = { 0 };

	TRY(match_expect_load(&c->cluster, &c->state, &x, e));
	TRY(match_manifest(&c->cluster, &x, manifest_of(a), rows, e));
	TRY(match_quorum_key(c, args, a, x.has_quorum_key, rows, e));
	TRY(match_seen(a, rows, e));
	TRY(matches_print(c, rows, e));
	hint_pins(c, rows);
	return match_judge(rows, "this is not what your cluster file says", e);
}

/* "KEY.NAMESPACE.approved": the manifest that was approved last, to show the next one beside. */
static int last_path(const char *key, struct view namespace_name, char to[static PATH_LEN_MAX],
                     struct err *e)
{
	AUTO(text) char *real = NULL;
	int len;

	TRY(path_real(key, &real, e));
	len = snprintf(to, PATH_LEN_MAX, "%s.%.*s.approved", real, (int)namespace_name.len,
	               (const char *)namespace_name.data);
	if (len < 0 || len >= PATH_LEN_MAX)
		return err_set(e, ERR_DATA, "'%s': too long a name", key);
	for (char *at = to + strlen(real); *at; at++)
		if (*at == '/')
			*at = '-';
	return 0;
}

/* Where it can't be read there is nothing to compare with; that is said, and no hindrance: KEY.seen
 * is what decides. One that an earlier teectl wrote has no hash, and this file stands in for it. */
static int show_changes(struct context *c, const struct approve_args *args,
                        const struct approving *a, struct err *e)
{
	AUTO(manifest_file) struct manifest_file last = { 0 };
	AUTO(diff_report) struct diff_report r = { 0 };
	char path[PATH_LEN_MAX];
	struct err unread;

	TRY(last_path(args->key, name_of(a), path, e));
	if (!file_is_there(path))
		return 0;
	if (path_check_guarded(path, "", &unread) < 0 || manifest_read(path, &last, &unread) < 0) {
		progress_say(&c->progress, "no comparison with what you approved last: %s",
		             unread.text);
		return 0;
	}
	TRY(diff_make(&last, &a->file, &r, e));
	print_line(c, "Against the manifest that you approved last (nonce %lld):",
	           (long long)r.from_nonce);
	TRY(diff_print(c, &r, e));
	if (r.same || r.from_nonce != r.to_nonce ||
	    !view_equal(name_of(a), buf_view(&last.envelope.manifest.namespace.name)))
		return 0;
	return err_reason(e, ERR_REFUSED, "nonce",
	                  "nonce %lld: you have approved another manifest of that nonce, and two "
	                  "would part the quorum: the next one needs a higher nonce",
	                  (long long)r.to_nonce);
}

static int show(struct context *c, const struct approve_args *args, const struct approving *a,
                const char *phrase, struct err *e)
{
	TRY(show_changes(c, args, a, e));
	print_line(c,
	           "You are %s. With your approval, %lld of %zu like it let enclaves that "
	           "measure these PCRs have the quorum key.",
	           buf_text(&a->self->alias), (long long)manifest_of(a)->manifest_set.threshold,
	           manifest_of(a)->manifest_set.members.count);
	print_line(c, "Compare these words with the other members: %s", phrase);
	return 0;
}

static int sign(const struct approving *a, struct approval *ret, struct err *e)
{
	struct signature signature;

	TRY(key_set_sign(a->key, VIEW_OF(a->file.hash.bytes), &signature, e));
	TRY(wire_set(&ret->signature, VIEW_OF(signature.bytes), e));
	TRY(wire_set(&ret->member.alias, buf_view(&a->self->alias), e));
	return wire_set(&ret->member.pub_key, buf_view(&a->self->pub_key), e);
}

static int settle_out(const struct approve_args *args, const struct approving *a, char **ret,
                      struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(PATH_LEN_MAX);
	AUTO(text) char *folder = NULL;

	if (args->out)
		return text_dup(args->out, ret, e);
	TRY(approval_file_name(buf_view(&a->self->alias), &manifest_of(a)->namespace, &name, e));
	TRY(path_folder(args->file, &folder, e));
	return path_join(folder, buf_text(&name), ret, e);
}

/* Is an approval of this very manifest by this member there? Another file is not overwritten. */
static int look(const struct approving *a, const char *out, bool *ret_kept, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(APPROVAL_FILE_MAX);
	AUTO(approval) struct approval there = { 0 };

	*ret_kept = false;
	if (!file_is_there(out))
		return 0;
	if (file_read_regular(out, &content, e) < 0 ||
	    approval_file_parse(buf_view(&content), &there, e) < 0 ||
	    approval_check(&there, &a->file.hash, &manifest_of(a)->manifest_set, e) < 0 ||
	    !view_equal(buf_view(&there.member.pub_key), buf_view(&a->self->pub_key)))
		return err_set(e, ERR_DATA,
		               "'%s' is there already, is no approval of this manifest by you, and "
		               "is not overwritten",
		               out);
	*ret_kept = true;
	return 0;
}

/* What was seen is written first: an approval that nobody remembers must not leave the machine. */
static int write_approval(const struct approve_args *args, const struct approving *a,
                          const char *out, struct err *e)
{
	AUTO(approval) struct approval approval = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(APPROVAL_FILE_MAX);
	char last[PATH_LEN_MAX];

	TRY(sign(a, &approval, e));
	TRY(wire_encode(&approval_file_schema, &approval, &text, e));
	TRY(seen_write(args->key, name_of(a), &a->now, e));
	TRY(last_path(args->key, name_of(a), last, e));
	TRY(manifest_write(last, &a->file.envelope, /* may_replace= */ true, e));
	return file_create(out, buf_view(&text), 0644, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(approving) struct approving a = { 0 };
	AUTO(approved) struct approved r = { 0 };
	AUTO(text) char *out = NULL;
	const struct approve_args *args = arguments;
	char phrase[BIP39_CHECK_TEXT_MAX];

	TRY(load(c, args, &a, e));
	TRY(manifest_print(c, &a.file, e));
	TRY(check(c, args, &a, &r.checks, e));
	TRY(settle_out(args, &a, &out, e));
	TRY(look(&a, out, &r.kept, e));
	bip39_check_phrase(&a.file.hash, phrase);
	TRY(show(c, args, &a, phrase, e));
	if (!r.kept) {
		TRY(confirm(c, args->yes, "Approve this manifest?", e));
		TRY(write_approval(args, &a, out, e));
	}
	r.nonce = a.now.nonce;
	memcpy(r.manifest_hash, a.file.hash.bytes, sizeof(r.manifest_hash));
	TRY(wire_set(&r.member, buf_view(&a.self->alias), e));
	TRY(wire_set_text(&r.file, out, e));
	TRY(wire_set_text(&r.check_phrase, phrase, e));
	print_line(c, "%s: %s", out, r.kept ? "there already" : "approved");
	TRY(print_next_file(c, "manifest collect FILE", out, ", by the operator, to whom it goes",
	                    e));
	return print_json(c, &approved_schema, &r, e);
}

const struct cmd cmd_manifest_approve = {
	.name = "manifest approve",
	.summary = "approve a manifest with a member's key",
	.details =
	    "For the member's own machine; no network is needed. Holds the manifest against your "
	    "own copy of the cluster file: namespace, both sets with their thresholds, PCRs "
	    "(pinned, or measured from the image named), trust anchor, pivot; against the quorum key "
	    "that you know; and against the highest nonce that your key has sealed to or approved, of which it takes "
	    "no second manifest. What does not fit is named, and nothing is signed (5). Then it shows what you are "
	    "about to approve, what has changed since the manifest that you approved last, and six "
	    "words to compare with the other members, and asks.\n\n"
	    "Writes QuorumOS's approval file, which goes to the operator. Beside the key are kept "
	    "KEY.seen, one line of JSON with the highest nonce, its manifest's hash and the quorum key "
	    "of each namespace, and KEY.NAMESPACE.approved, the manifest that was approved last. Without a "
	    "terminal, and with -o json, --yes is needed (64); any answer but yes ends with 2.",
	.examples = { { "teectl manifest approve next.json --key alice.secret",
	                "look, compare, approve" },
	              { "teectl manifest approve next.json --key alice.secret --quorum-key "
	                "quorum_key.pub --yes",
	                "for a script" } },
	.exits = { 2, 5, 65, 66, 130 },
	.is_members = true,
	.needs = NEEDS_CLUSTER | NEEDS_STATE | NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct approve_args),
	.run = run,
};

#include "cmd.h"
#include "confirm.h"
#include "manifests.h"
#include "passphrase.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/bip39.h"
#include "orchestrate/seal.h"

#include <string.h>

struct seal_args {
	const char *request, *share, *key, *quorum_key, *out;
	bool yes;
	int64_t passphrase_fd;
};

static const struct opt opts[] = {
	{ .name = "request",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct seal_args, request),
	  .doc = "the operator's request" },
	{ .name = "share",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct seal_args, share),
	  .doc = "the member's .share" },
	{ .name = "key",
	  .kind = OPT_FILE,
	  .metavar = "KEY",
	  .is_required = true,
	  .offset = offsetof(struct seal_args, key),
	  .doc = "the member's .secret" },
	{ .name = "quorum-key",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct seal_args, quorum_key),
	  .doc = "the quorum_key.pub of the genesis; KEY.seen knows it after the first time" },
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "BUNDLE",
	  .is_required = true,
	  .offset = offsetof(struct seal_args, out),
	  .doc = "where the bundle for the operator goes" },
	{ .name = "yes",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct seal_args, yes),
	  .doc = "do not ask" },
	PASSPHRASE_FD_OPT(seal_args, passphrase_fd),
};

struct sealed_target {
	struct buf node, attested;
	uint8_t document_hash[32];
	bool debug;
};
static const struct wire_field sealed_target_fields[] = {
	JSON_TEXT(sealed_target, node),
	JSON_TEXT(sealed_target, attested),
	JSON_HEX_FIXED(sealed_target, document_hash),
	JSON_BOOL(sealed_target, debug),
};
static const struct wire_schema sealed_target_schema =
    JSON_SCHEMA(sealed_target, sealed_target_fields);

struct sealed {
	struct buf member, file, check_phrase, expires;
	uint8_t request_hash[32], manifest_hash[32];
	int64_t nonce;
	struct wire_list targets, checks;
};
static const struct wire_field sealed_fields[] = {
	JSON_TEXT(sealed, member),
	JSON_TEXT(sealed, file),
	JSON_HEX_FIXED(sealed, request_hash),
	JSON_HEX_FIXED(sealed, manifest_hash),
	JSON_NUMBER(sealed, nonce),
	JSON_TEXT(sealed, check_phrase),
	JSON_TEXT(sealed, expires),
	JSON_LIST(sealed, targets, sealed_target_schema),
	JSON_LIST(sealed, checks, match_row_schema),
};
static const struct wire_schema sealed_schema = JSON_SCHEMA(sealed, sealed_fields);
WIRE_DROP(sealed);

/* Whose it is to mend: the member's own files, or the request. */
static void hint_refused(struct context *c, bool is_judged, const struct err *why)
{
	if (why->code == ERR_USAGE || why->code == ERR_INTERRUPTED)
		return;
	if (is_judged)
		context_hint(c,
		             "nothing was sealed; key, passphrase and share are your own: look for "
		             "those of this quorum, and seal again");
	else if (strcmp(why->reason, STATE_NO_ROOT) == 0)
		context_hint(c,
		             "set attestation.root of your cluster file to the root.der that you "
		             "were given");
	else if (strcmp(why->reason, "quorum_key") == 0 && why->code == ERR_NO_INPUT)
		context_hint(c, "--quorum-key names the quorum_key.pub that you were given");
	else if (why->code == ERR_NO_INPUT || why->code == ERR_CONFIG)
		context_hint(c,
		             "your cluster file and what it names are your own: root.der and the "
		             "members' .pub files have to be on this machine");
	else
		context_hint(c, "nothing was sealed; ask whoever sent the request, by another way "
		                "than it came");
}

/* What is asked for, and that it can be given: nothing is written yet. */
static int judge(struct context *c, const struct seal_input *in, struct sealed *r,
                 struct sealing *s, struct err *e)
{
	bool is_judged = seal_judge(in, &r->checks, s, e) == 0;
	bool is_good = is_judged && seal_open(in, &r->checks, s, e) == 0;
	struct err unshown;

	if (is_good)
		return matches_print(c, &r->checks, e);
	(void)!matches_print(c, &r->checks, &unshown);
	hint_refused(c, is_judged, e);
	return -1;
}

static int show_targets(struct context *c, const struct sealing *s, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("TEE", "ATTESTED", "DOCUMENT", "DEBUG");
	char time[TIME_TEXT_LEN], hash[65];

	for (size_t i = 0; i < s->target_count; i++) {
		const struct seal_target *target = &s->targets[i];

		time_format(target->timestamp_ms, time);
		hex_write(VIEW_OF(target->document.bytes), hash);
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", target->node));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", time));
		TRY(table_cell(&t, TONE_FAINT, e, "%.16s", hash));
		TRY(table_cell(&t, target->is_debug ? TONE_BAD : TONE_PLAIN, e, "%s",
		               target->is_debug ? "DEBUG: proves nothing" : "no"));
	}
	table_print(c, &t);
	return 0;
}

static int show(struct context *c, const struct sealing *s, const char *phrase, struct err *e)
{
	const struct manifest *m = &s->request.manifest_envelope.manifest;
	char key[17];

	hex_write(view_new(s->quorum_key.bytes + 1, 8), key);
	print_line(c,
	           "You are %s. Your share of the quorum key %s… of %s (nonce %lld) is about to be "
	           "sealed to %zu TEE%s:",
	           buf_text(&s->self->alias), key, buf_text(&m->namespace.name),
	           (long long)m->namespace.nonce, s->target_count, s->target_count == 1 ? "" : "s");
	TRY(show_targets(c, s, e));
	print_line(c,
	           "%lld shares of %zu give each of them the quorum key. The bundle is good until "
	           "%s.",
	           (long long)m->share_set.threshold, m->share_set.members.count,
	           buf_text(&s->request.expires));
	print_line(c, "Compare these words with the operator and the other members: %s", phrase);
	return 0;
}

static int add_targets(const struct sealing *s, struct sealed *r, struct err *e)
{
	char time[TIME_TEXT_LEN];

	for (size_t i = 0; i < s->target_count; i++) {
		struct sealed_target *target;

		TRY(wire_list_add(&r->targets, &sealed_target_schema, &target, e));
		time_format(s->targets[i].timestamp_ms, time);
		TRY(wire_set_text(&target->node, s->targets[i].node, e));
		TRY(wire_set_text(&target->attested, time, e));
		memcpy(target->document_hash, s->targets[i].document.bytes,
		       sizeof(target->document_hash));
		target->debug = s->targets[i].is_debug;
	}
	return 0;
}

static int report(const struct seal_args *args, const struct sealing *s, const char *phrase,
                  struct sealed *r, struct err *e)
{
	r->nonce = s->seen.nonce;
	memcpy(r->request_hash, s->request_hash.bytes, sizeof(r->request_hash));
	memcpy(r->manifest_hash, s->manifest_hash.bytes, sizeof(r->manifest_hash));
	TRY(wire_set(&r->member, buf_view(&s->self->alias), e));
	TRY(wire_set_text(&r->file, args->out, e));
	TRY(wire_set_text(&r->check_phrase, phrase, e));
	TRY(wire_set(&r->expires, buf_view(&s->request.expires), e));
	return add_targets(s, r, e);
}

static int write_bundle(const char *out, const struct seal_input *in, const struct sealing *s,
                        struct err *e)
{
	AUTO(share_bundle) struct share_bundle bundle = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(BUNDLE_FILE_MAX);

	TRY(seal_finish(in, s, &bundle, e));
	TRY(share_bundle_format(&bundle, &text, e));
	return file_create(out, buf_view(&text), 0644, e);
}

static int seal(struct context *c, const struct seal_args *args, const struct seal_input *in,
                struct err *e)
{
	AUTO(sealed) struct sealed r = { 0 };
	AUTO(sealing) struct sealing s = { 0 };
	char phrase[BIP39_CHECK_TEXT_MAX];

	TRY(judge(c, in, &r, &s, e));
	bip39_check_phrase(&s.request_hash, phrase);
	TRY(show(c, &s, phrase, e));
	TRY(confirm(c, args->yes, "Seal your share to these TEEs?", e));
	TRY(write_bundle(args->out, in, &s, e));
	TRY(report(args, &s, phrase, &r, e));
	print_line(c, "%s: sealed; it goes to the operator, and holds no secret", args->out);
	TRY(print_next_file(c, "share submit", args->out, ", by the operator", e));
	return print_json(c, &sealed_schema, &r, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(buf) struct buf request = BUF_INIT(REQUEST_FILE_MAX);
	const struct seal_args *args = arguments;
	AUTO(passphrases) struct passphrases p = { 0 };
	struct public_key quorum_key;
	struct seal_input in = {
		.cluster = &c->cluster,
		.state = &c->state,
		.key_path = args->key,
		.share_path = args->share,
		.passphrases = passphrases_begin(&p, c, args->passphrase_fd),
	};

	TRY(context_check_new(c, "--out ", args->out, e));
	if (args->quorum_key) {
		TRY(public_key_read(args->quorum_key, &quorum_key, e));
		in.quorum_key = &quorum_key;
	}
	TRY(file_read(args->request, &request, e));
	in.request = buf_view(&request);
	return seal(c, args, &in, e);
}

const struct cmd cmd_share_seal = {
	.name = "share seal",
	.summary = "seal a share to the TEEs of a request",
	.details =
	    "For the member's own machine; no network is needed. Holds the request against your own "
	    "copy of the cluster file (-f), not against what the operator says: namespace, both "
	    "sets with their thresholds, PCRs (pinned, or measured from the image named), trust "
	    "anchor and pivot of the manifest; the genesis by its document; where the manifest is a later "
	    "one, its approvals, and the quorum key that you know; every TEE by its attestation "
	    "document: chain, age (attestation.requestMaxAge), not debug, PCRs, this manifest, a "
	    "committed setup key; and the highest nonce that your key has sealed to or approved. "
	    "What does not fit is named, and nothing is written (5; 65 where the request itself "
	    "is malformed or has expired).\n\n"
	    "Then it opens the share, compares it with what the genesis attested, shows what is "
	    "about to be done with six words to compare with the operator and the other members "
	    "(BIP-39 words of SHA-256 of the request's file), and asks. Without a terminal, and "
	    "with -o json, --yes is needed (64); any answer but yes ends with 2. The share is "
	    "sealed to each TEE and signed; it is never written in the clear. Beside the key "
	    "KEY.seen remembers nonce, manifest and quorum key.\n\n"
	    "BUNDLE is one line of JSON: kind (teectl-share-bundle), version (1), cluster, alias, "
	    "manifestHash, requestHash, expires, and shares, for each TEE node (a hint), "
	    "documentHash, setupKeyHash, encryptedShare (130 bytes) and signature (64), all "
	    "hashes SHA-256, all bytes hex. It works for this manifest and for these boots of "
	    "these TEEs, and holds no secret. attestation.root must name the root on this machine: "
	    "aws-nitro, or a certificate's file.",
	.examples = { { "teectl share seal --request request.json --share alice.share --key "
	                "alice.secret --out alice.bundle",
	                "look, compare, seal" },
	              { "teectl share seal --request r.json --share a.share --key a.secret --out a.bundle "
	                "--yes",
	                "for a script" } },
	.exits = { 2, 5, 65, 66, 130 },
	.is_members = true,
	.needs = NEEDS_CLUSTER | NEEDS_STATE | NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct seal_args),
	.run = run,
};

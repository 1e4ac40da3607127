#include "cluster/match.h"

#include "attest/chain.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/expect.h"
#include "proto/borsh.h"
#include "proto/row.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_MAX 2048
#define ROWS_MAX   16 /* of one judgement */

/* clang-format off */

#define THIS match_row
SCHEMA(match_row,
	TEXT("check", check, 0, DETAIL_MAX, "its name", REQUIRED),
	BOOL("passed", passed, "whether it passed", REQUIRED),
	TEXT("detail", detail, 0, DETAIL_MAX, "what was found", REQUIRED));
#undef THIS

/* clang-format on */

void match_rows_drop(struct wire_list *rows)
{
	wire_list_release(&match_row_schema, rows);
}

void match_expect_drop(struct match_expect *x)
{
	member_set_drop(&x->manifest_set);
	member_set_drop(&x->share_set);
	buf_drop(&x->root);
}

int cluster_root(const struct cluster *c, const struct state *s, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(ROOT_CERTIFICATE_MAX);

	switch (c->attestation.root) {
	case ROOT_SIMULATED:
		return state_simulated_root(s, ret, e);
	case ROOT_AWS:
		return buf_set(ret, chain_aws_root, e);
	case ROOT_FILE:
		if (file_read_guarded(c->attestation.root_path, /* may_be_pipe= */ false, &file,
		                      e) < 0)
			return err_wrap(e, "attestation.root");
		if (chain_root_parse(buf_view(&file), ret, e) < 0)
			return err_wrap(e, "attestation.root: '%s'", c->attestation.root_path);
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "root kind %d", (int)c->attestation.root);
}

int match_expect_load(const struct cluster *c, const struct state *s, struct match_expect *ret,
                      struct err *e)
{
	AUTO(match_expect) struct match_expect x = { .root = BUF_INIT(ROOT_CERTIFICATE_MAX) };

	TRY(cluster_member_set(&c->manifest_set, &x.manifest_set, e));
	TRY(cluster_member_set(&c->quorum.members, &x.share_set, e));
	TRY(cluster_expect(c, &x.pcrs, e));
	TRY(cluster_root(c, s, &x.root, e));
	x.has_quorum_key = c->quorum.public_key != NULL;
	if (x.has_quorum_key)
		TRY(cluster_quorum_key(c, &x.quorum_key, e));
	*ret = MOVE(x);
	return 0;
}

int match_add(struct wire_list *rows, const char *check, bool passed, struct err *e,
              const char *format, ...)
{
	char detail[DETAIL_MAX];
	struct match_row *row;
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	text_tame(detail);
	TRY(wire_list_add(rows, &match_row_schema, &row, e));
	TRY(wire_set_text(&row->check, check, e));
	row->passed = passed;
	return wire_set_text(&row->detail, detail, e);
}

static const struct member *find_key(const struct member_set *set, const struct buf *key)
{
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		if (view_equal(buf_view(&members[i].pub_key), buf_view(key)))
			return &members[i];
	return NULL;
}

/* "; …" of a difference, as many as fit. */
static PRINTF_LIKE(2, 3) void add_difference(struct buf *to, const char *format, ...)
{
	char text[2 * ALIAS_MAX + 128];
	struct err full;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (to->len + sizeof(text) < to->max)
		(void)!buf_add_format(to, &full, "%s%s", to->len ? "; " : "", text);
}

/* The members are compared by their keys; but the enclaves' pins name the aliases too. */
static void compare_members(const struct member_set *file, const struct member_set *manifest,
                            struct buf *to)
{
	const struct member *theirs = manifest->members.items, *ours = file->members.items;

	for (size_t i = 0; i < manifest->members.count; i++) {
		const struct member *own = find_key(file, &theirs[i].pub_key);

		if (!own)
			add_difference(to, "the cluster file has no member with the key of '%.*s'",
			               ALIAS_MAX, buf_text(&theirs[i].alias));
		else if (!view_equal(buf_view(&own->alias), buf_view(&theirs[i].alias)))
			add_difference(to, "'%.*s' is called '%s' in the cluster file", ALIAS_MAX,
			               buf_text(&theirs[i].alias), buf_text(&own->alias));
	}
	for (size_t i = 0; i < file->members.count; i++)
		if (!find_key(manifest, &ours[i].pub_key))
			add_difference(to, "the manifest has no member with the key of '%s'",
			               buf_text(&ours[i].alias));
}

static int match_set(const char *check, const struct member_set *file,
                     const struct member_set *manifest, struct wire_list *rows, struct err *e)
{
	AUTO(buf) struct buf differences = BUF_INIT(DETAIL_MAX);

	if (member_set_equal(file, manifest))
		return match_add(rows, check, true, e, "%lld of %zu, as in the cluster file",
		                 (long long)manifest->threshold, manifest->members.count);
	if (file->threshold != manifest->threshold)
		add_difference(&differences, "threshold %lld expected, %lld found",
		               (long long)file->threshold, (long long)manifest->threshold);
	compare_members(file, manifest, &differences);
	if (file->members.count != manifest->members.count)
		add_difference(&differences, "%zu members expected, %zu found", file->members.count,
		               manifest->members.count);
	return match_add(rows, check, false, e, "%s", buf_text(&differences));
}

static int match_quorum_key(const struct match_expect *x, const struct manifest *m,
                            struct wire_list *rows, struct err *e)
{
	struct view found = buf_view(&m->namespace.quorum_key);
	bool is_same = view_equal(public_key_view(&x->quorum_key), found);

	return match_add(rows, "quorum_key", is_same, e, "%s",
	                 is_same ? "as the cluster file names it (quorum.publicKey)"
	                         : "not the one that the cluster file names (quorum.publicKey)");
}

int match_sets(const struct match_expect *x, const struct manifest *m, struct wire_list *rows,
               struct err *e)
{
	if (x->has_quorum_key)
		TRY(match_quorum_key(x, m, rows, e));
	TRY(match_set("manifest_set", &x->manifest_set, &m->manifest_set, rows, e));
	return match_set("share_set", &x->share_set, &m->share_set, rows, e);
}

static int match_namespace(const struct cluster *c, const struct manifest_namespace *n,
                           struct wire_list *rows, struct err *e)
{
	const char *name = c->manifest.namespace_name;
	bool is_same = view_equal(buf_view(&n->name), view_text(name));

	if (is_same)
		TRY(match_add(rows, "namespace", true, e, "%s", name));
	else
		TRY(match_add(rows, "namespace", false, e, "'%s' expected, '%s' found", name,
		              buf_text(&n->name)));
	if (n->nonce >= c->manifest.nonce)
		return match_add(rows, "nonce", true, e, "%lld", (long long)n->nonce);
	return match_add(rows, "nonce", false, e, "%lld is below the cluster file's %lld",
	                 (long long)n->nonce, (long long)c->manifest.nonce);
}

static int match_pcr(const struct match_expect *x, const struct manifest *m, unsigned index,
                     struct wire_list *rows, struct err *e)
{
	const struct pcr *expected = &x->pcrs.values[index];
	struct view found = buf_view(&m->enclave.pcrs[index]);
	char reason[ERR_REASON_MAX], want[2 * PCR_MAX_LEN + 1], have[2 * PCR_MAX_LEN + 1];

	pcr_reason(index, reason);
	if (view_equal(pcr_view(expected), found))
		return match_add(rows, reason, true, e, "%s", pcr_name(index));
	hex_write(pcr_view(expected), want);
	hex_write(view_new(found.data, found.len < PCR_MAX_LEN ? found.len : PCR_MAX_LEN), have);
	return match_add(rows, reason, false, e, "%s: %s expected, %s found", pcr_name(index), want,
	                 have);
}

static int match_anchor(const struct match_expect *x, const struct manifest *m,
                        struct wire_list *rows, struct err *e)
{
	struct view found = buf_view(&m->enclave.aws_root_certificate);
	struct hash256 want, have;
	char want_hex[65], have_hex[65];

	TRY(sha256(buf_view(&x->root), &want, e));
	TRY(sha256(found, &have, e));
	hex_write(VIEW_OF(want.bytes), want_hex);
	hex_write(VIEW_OF(have.bytes), have_hex);
	if (view_equal(buf_view(&x->root), found))
		return match_add(rows, "anchor", true, e, "%s",
		                 chain_root_is_aws(found) ? "AWS Nitro Enclaves Root-G1"
		                                          : "simulated, not AWS's");
	return match_add(rows, "anchor", false, e, "root with SHA-256 %s expected, %s found",
	                 want_hex, have_hex);
}

/* Of the first argument that differs, as much as tells which is meant. */
#define ARGUMENT_SHOWN 64

static int match_arguments(const struct cluster *c, const struct pivot *p, struct wire_list *rows,
                           struct err *e)
{
	size_t expected = c->manifest.pivot_arg_count, found = p->args.count;
	const struct text_item *args = p->args.items;

	for (size_t i = 0; i < expected && i < found; i++)
		if (!view_equal(buf_view(&args[i].text), view_text(c->manifest.pivot_args[i])))
			return match_add(
			    rows, "pivot", false, e,
			    "argument %zu: '%.*s' expected, '%.*s' found (manifest.pivot.args)",
			    i + 1, ARGUMENT_SHOWN, c->manifest.pivot_args[i], ARGUMENT_SHOWN,
			    buf_text(&args[i].text));
	if (expected == found)
		return match_add(rows, "pivot", true, e,
		                 "as the cluster file names it; arguments: %zu", found);
	return match_add(rows, "pivot", false, e,
	                 "arguments: %zu expected, %zu found (manifest.pivot.args)", expected,
	                 found);
}

static int match_pivot(const struct cluster *c, const struct pivot *p, struct wire_list *rows,
                       struct err *e)
{
	struct view want = VIEW_OF(c->manifest.pivot_hash.bytes), have = VIEW_OF(p->hash);
	char want_hex[65], have_hex[65];

	if (view_equal(want, have))
		return match_arguments(c, p, rows, e);
	hex_write(want, want_hex);
	hex_write(have, have_hex);
	return match_add(
	    rows, "pivot", false, e, "SHA-256 %s expected, %s found%s", want_hex, have_hex,
	    view_is_zero(want) ? "; the cluster file names none (manifest.pivot)" : "");
}

/* What the cluster file has no words for is as a genesis writes it. A quorum that was born
 * elsewhere brings its own: then it is said, for whoever approves to compare. */
static int match_pivot_mode(const struct cluster *c, const struct manifest *m,
                            struct wire_list *rows, struct err *e)
{
	const struct pivot *p = &m->pivot;
	bool is_plain =
	    p->restart == MANIFEST_RESTART_NEVER && p->bridge_config.count == 0 && !p->debug_mode;
	bool is_foreign = c->quorum.public_key != NULL;

	return match_add(
	    rows, "pivot_mode", is_plain || is_foreign, e,
	    "restart %s, %zu bridges, debug mode %s, QuorumOS commit '%.*s'%s",
	    manifest_restart_words[p->restart], p->bridge_config.count,
	    p->debug_mode ? "on" : "off", ARGUMENT_SHOWN, buf_text(&m->enclave.qos_commit),
	    is_plain     ? ""
	    : is_foreign ? ": of the quorum born elsewhere; the cluster file has no "
	                   "words for it, compare it yourself"
	                 : "; a genesis has: restart Never, no bridges, no debug mode");
}

int match_manifest(const struct cluster *c, const struct match_expect *x, const struct manifest *m,
                   struct wire_list *rows, struct err *e)
{
	TRY(match_namespace(c, &m->namespace, rows, e));
	TRY(match_sets(x, m, rows, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		TRY(match_pcr(x, m, i, rows, e));
	TRY(match_anchor(x, m, rows, e));
	TRY(match_pivot(c, &m->pivot, rows, e));
	return match_pivot_mode(c, m, rows, e);
}

int match_judge(const struct wire_list *rows, const char *what, struct err *e)
{
	AUTO(buf)
	struct buf text = BUF_INIT(2 * DETAIL_MAX * ROWS_MAX) /* check and detail of each */;
	const struct match_row *items = rows->items;
	const char *reason = NULL;

	for (size_t i = 0; i < rows->count; i++) {
		if (items[i].passed)
			continue;
		TRY(buf_add_format(&text, e, "%s%s: %s", text.len ? "; " : "",
		                   buf_text(&items[i].check), buf_text(&items[i].detail)));
		reason = reason ? reason : buf_text(&items[i].check);
	}
	if (!reason)
		return 0;
	return err_reason(e, ERR_REFUSED, reason, "%s: %s", what, buf_text(&text));
}

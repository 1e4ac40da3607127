#include "manifests.h"

#include "attest/chain.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/bip39.h"
#include "orchestrate/report.h"
#include "print.h"
#include "proto/file_kind.h"

#include <stdio.h>
#include <string.h>

#define VALUE_SHOWN_MAX (2 * CELL_MAX) /* print_line takes twice that, with the label */
#define KEY_DIGITS      16             /* of a fingerprint, as member_set_format has them */

/* A value after its label. One that is too long for a line is cut, and says so with its hash: what
 * stands behind the cut is not approved unseen, nor taken for the same. */
static int print_value(struct context *c, const char *label, const struct buf *text, struct err *e)
{
	char hex[2 * sizeof(struct hash256) + 1];
	struct hash256 hash;

	if (text->len <= VALUE_SHOWN_MAX) {
		print_line(c, "%s %s", label, buf_text(text));
		return 0;
	}
	TRY(sha256(buf_view(text), &hash, e));
	hex_write(VIEW_OF(hash.bytes), hex);
	print_line(c, "%s %.*s… CUT HERE: %zu bytes, SHA-256 %s", label, VALUE_SHOWN_MAX,
	           buf_text(text), text->len, hex);
	return 0;
}

int manifest_read(const char *path, struct manifest_file *ret, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(MANIFEST_FILE_MAX);

	TRY(file_read(path, &content, e));
	if (manifest_file_parse(buf_view(&content), ret, e) == 0)
		return 0;
	file_kind_wrap(FILE_KIND_MANIFEST, buf_view(&content), e);
	return err_wrap(e, "'%s'", path);
}

int manifest_read_v1(const char *path, struct manifest_file *ret, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };

	TRY(manifest_read(path, &f, e));
	if (f.version != 1)
		return err_set(e, ERR_DATA,
		               "'%s' is a manifest of version %d, and enclaves take version 1: "
		               "teectl manifest new --from makes a successor of it",
		               path, f.version);
	*ret = MOVE(f);
	return 0;
}

int manifest_read_current(struct context *c, const struct state *state, struct manifest_file *ret,
                          struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	bool is_found = false;

	TRY(state_load_genesis(state, &is_found, &kept, e));
	if (!is_found)
		return err_set(e, ERR_NOT_DESIRED,
		               "there has been no genesis of '%s': the state has no manifest",
		               c->cluster.name);
	ret->version = 1;
	ret->is_envelope = true;
	ret->hash = kept.manifest_hash;
	ret->envelope = MOVE(kept.envelope);
	return 0;
}

int manifest_read_or_current(struct context *c, const char *path, struct manifest_file *ret,
                             struct err *e)
{
	AUTO(state) struct state state = { .lock = -1 };

	if (path)
		return manifest_read(path, ret, e);
	TRY(cluster_read(c->global.file, &c->cluster, e));
	TRY(state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name, &state,
	               e));
	return manifest_read_current(c, &state, ret, e);
}

int manifest_write(const char *path, const struct manifest_envelope *envelope, bool may_replace,
                   struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_FILE_MAX);

	TRY(manifest_file_format(envelope, &text, e));
	if (may_replace)
		return file_write_named(path, buf_view(&text), 0644, e);
	return file_create(path, buf_view(&text), 0644, e);
}

/* --- approvals */

static int add_alias(struct wire_list *list, const struct buf *alias, struct err *e)
{
	struct alias_item *item;

	TRY(wire_list_add(list, &alias_item_schema, &item, e));
	return wire_set(&item->alias, buf_view(alias), e);
}

int approvals_count(const struct manifest_file *f, struct wire_list *ret_approved,
                    struct wire_list *ret_missing, struct err *e)
{
	const struct member_set *set = &f->envelope.manifest.manifest_set;
	const struct wire_list *approvals = &f->envelope.manifest_set_approvals;
	const struct member *members = set->members.items;

	TRY(approvals_check(approvals, &f->hash, set, /* needed= */ 0, e));
	for (size_t i = 0; i < set->members.count; i++)
		TRY(add_alias(approvals_find(approvals, buf_view(&members[i].alias)) ? ret_approved
		                                                                     : ret_missing,
		              &members[i].alias, e));
	return 0;
}

static int name_all(const struct wire_list *aliases, struct buf *to, struct err *e)
{
	const struct alias_item *items = aliases->items;

	for (size_t i = 0; i < aliases->count; i++)
		TRY(buf_add_format(to, e, "%s%s", i ? ", " : "", buf_text(&items[i].alias)));
	return 0;
}

int approvals_wait(struct context *c, const struct manifest_file *f,
                   const struct wire_list *approved, const struct wire_list *missing, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(MEMBERS_MAX * (ALIAS_MAX + 2));
	int64_t threshold = f->envelope.manifest.manifest_set.threshold;
	char needed[NEEDED_TEXT_MAX];

	if ((int64_t)approved->count >= threshold)
		return 0;
	TRY(name_all(missing, &names, e));
	context_hint(c, "each of them: teectl manifest approve; then teectl manifest collect");
	report_say_needed(threshold - (int64_t)approved->count, missing->count, needed);
	return err_reason(e, ERR_WAITING, "approval:count", "%zu of %lld approvals; %s%s",
	                  approved->count, (long long)threshold, needed, buf_text(&names));
}

/* --- differences */

static const struct wire_field field_change_fields[] = {
	JSON_TEXT(field_change, field),
	JSON_TEXT(field_change, words),
	JSON_TEXT(field_change, from),
	JSON_TEXT(field_change, to),
	JSON_BOOL(field_change, lawful),
	JSON_MAYBE(field_change, cure, struct buf, has_cure, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
};
static const struct wire_schema field_change_schema =
    JSON_SCHEMA(field_change, field_change_fields);

static const struct wire_field diff_report_fields[] = {
	JSON_NUMBER(diff_report, from_nonce),
	JSON_NUMBER(diff_report, to_nonce),
	JSON_HEX_FIXED(diff_report, from_hash),
	JSON_HEX_FIXED(diff_report, to_hash),
	JSON_BOOL(diff_report, same),
	JSON_BOOL(diff_report, lawful),
	JSON_WORD(diff_report, needs, manifest_change_words),
	JSON_NUMBER(diff_report, threshold),
	JSON_LIST(diff_report, approved, alias_item_schema),
	JSON_LIST(diff_report, may_approve, alias_item_schema),
	JSON_LIST(diff_report, changes, field_change_schema),
};
const struct wire_schema diff_report_schema = JSON_SCHEMA(diff_report, diff_report_fields);

static int set_value(const struct manifest_field *f, const struct manifest *m, struct buf *to,
                     struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_FIELD_TEXT_MAX);

	TRY(f->format(m, &text, e));
	return wire_set(to, buf_view(&text), e);
}

static int add_change(const struct manifest_field *f, const struct manifest *own,
                      const struct manifest *next, bool is_unlawful, struct wire_list *to,
                      struct err *e)
{
	struct field_change *change;

	TRY(wire_list_add(to, &field_change_schema, &change, e));
	TRY(wire_set_text(&change->field, f->name, e));
	TRY(wire_set_text(&change->words, f->words, e));
	TRY(set_value(f, own, &change->from, e));
	TRY(set_value(f, next, &change->to, e));
	change->lawful = !is_unlawful;
	change->has_cure = is_unlawful;
	return is_unlawful ? wire_set_text(&change->cure, f->cure, e) : 0;
}

int diff_make(const struct manifest_file *own, const struct manifest_file *next,
              struct diff_report *ret, struct err *e)
{
	const struct manifest *a = &own->envelope.manifest, *b = &next->envelope.manifest;
	AUTO(diff_report) struct diff_report r = { 0 };
	struct manifest_diff d;

	manifest_compare(a, b, &d);
	r.from_nonce = a->namespace.nonce;
	r.to_nonce = b->namespace.nonce;
	memcpy(r.from_hash, own->hash.bytes, sizeof(r.from_hash));
	memcpy(r.to_hash, next->hash.bytes, sizeof(r.to_hash));
	r.same = manifest_diff_is_empty(&d) &&
	         view_equal(VIEW_OF(own->hash.bytes), VIEW_OF(next->hash.bytes));
	r.lawful = d.is_lawful;
	r.needs = (int)d.need;
	/* The same fields in another version, or what only version 2 has: another hash. */
	if (manifest_diff_is_empty(&d) && !r.same) {
		r.lawful = false;
		r.needs = CHANGE_BY_DRAFT;
	}
	r.threshold = b->manifest_set.threshold;
	for (size_t i = 0; !r.same && i < MANIFEST_FIELD_COUNT; i++)
		if (d.differs[i] || d.is_unlawful[i])
			TRY(add_change(&manifest_fields[i], a, b, d.is_unlawful[i], &r.changes, e));
	TRY(approvals_count(next, &r.approved, &r.may_approve, e));
	*ret = MOVE(r);
	return 0;
}

static void print_need(struct context *c, const struct diff_report *r, const char *approved,
                       const char *others)
{
	switch ((enum manifest_change)r->needs) {
	case CHANGE_NONE:
		print_line(c, "the same manifest: nobody has to act");
		return;
	case CHANGE_BY_APPROVAL:
		print_line(c,
		           "a lawful successor, once %lld of %zu approve it; approved by: %s; may "
		           "approve: %s",
		           (long long)r->threshold, r->approved.count + r->may_approve.count,
		           *approved ? approved : "nobody yet", *others ? others : "-");
		return;
	case CHANGE_BY_CEREMONY:
		print_line(c, "unlawful: enclaves that have the key will refuse it; it takes a "
		              "ceremony");
		return;
	case CHANGE_BY_DRAFT:
		print_line(c, "unlawful: enclaves that have the key will refuse it; it takes "
		              "another draft");
		return;
	case CHANGE_COUNT:
		return;
	}
}

int diff_print(struct context *c, const struct diff_report *r, struct err *e)
{
	AUTO(buf) struct buf approved = BUF_INIT(MEMBERS_MAX * (ALIAS_MAX + 2));
	AUTO(buf) struct buf others = BUF_INIT(MEMBERS_MAX * (ALIAS_MAX + 2));
	const struct field_change *changes = r->changes.items;

	for (size_t i = 0; i < r->changes.count; i++) {
		print_line(c, "%s (%s)%s", buf_text(&changes[i].field), buf_text(&changes[i].words),
		           changes[i].lawful ? "" : ": UNLAWFUL");
		TRY(print_value(c, "  -", &changes[i].from, e));
		TRY(print_value(c, "  +", &changes[i].to, e));
		if (changes[i].has_cure)
			print_line(c, "  it takes %s", buf_text(&changes[i].cure));
	}
	TRY(name_all(&r->approved, &approved, e));
	TRY(name_all(&r->may_approve, &others, e));
	print_need(c, r, buf_text(&approved), buf_text(&others));
	return 0;
}

/* --- one manifest */

/* Also of those who are no members; verify refuses the envelope for one of them. */
static void print_bad(struct context *c, const struct manifest_file *f)
{
	const struct wire_list *approvals = &f->envelope.manifest_set_approvals;
	const struct member_set *set = &f->envelope.manifest.manifest_set;
	const struct approval *items = approvals->items;
	struct err bad;

	for (size_t i = 0; i < approvals->count; i++)
		if (approval_check(&items[i], &f->hash, set, &bad) < 0)
			print_line(c, "BAD approval   %s", bad.text);
}

static int print_member(struct table *t, const struct manifest_file *f, const char *set,
                        const struct member *m, bool approves, struct err *e)
{
	const struct approval *a =
	    approvals_find(&f->envelope.manifest_set_approvals, buf_view(&m->alias));
	char hex[2 * sizeof(struct hash256) + 1];
	struct hash256 print;
	struct err bad;

	TRY(sha256(buf_view(&m->pub_key), &print, e));
	hex_write(VIEW_OF(print.bytes), hex);
	TRY(table_cell(t, TONE_PLAIN, e, "%s", set));
	TRY(table_cell(t, TONE_PLAIN, e, "%s", buf_text(&m->alias)));
	TRY(table_cell(t, TONE_FAINT, e, "%.*s", KEY_DIGITS, hex));
	if (!approves)
		return table_cell(t, TONE_FAINT, e, "-");
	if (!a)
		return table_cell(t, TONE_WAIT, e, "not yet");
	if (approval_check(a, &f->hash, &f->envelope.manifest.manifest_set, &bad) < 0)
		return table_cell(t, TONE_BAD, e, "BAD");
	return table_cell(t, TONE_GOOD, e, "approved");
}

static int print_set(struct table *t, const struct manifest_file *f, const char *name,
                     const struct member_set *set, bool approves, struct err *e)
{
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		TRY(print_member(t, f, name, &members[i], approves, e));
	return 0;
}

static int print_sets(struct context *c, const struct manifest_file *f, struct err *e)
{
	const struct manifest *m = &f->envelope.manifest;
	AUTO(table) struct table t = TABLE_INIT("SET", "MEMBER", "FINGERPRINT", "APPROVAL");

	print_line(c, "manifest set   %lld of %zu", (long long)m->manifest_set.threshold,
	           m->manifest_set.members.count);
	print_line(c, "share set      %lld of %zu", (long long)m->share_set.threshold,
	           m->share_set.members.count);
	TRY(print_set(&t, f, "manifest", &m->manifest_set, true, e));
	TRY(print_set(&t, f, "share", &m->share_set, false, e));
	table_print(c, &t);
	print_bad(c, f);
	return 0;
}

static int print_pcrs(struct context *c, const struct manifest *m, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("PCR", "MEASURES", "VALUE");
	char hex[2 * PCR_MAX_LEN + 1];

	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		struct view value = buf_view(&m->enclave.pcrs[i]);

		if (value.len > PCR_MAX_LEN)
			return err_set(e, ERR_DATA, "enclave.pcr%u: %zu bytes", i, value.len);
		hex_write(value, hex);
		TRY(table_cell(&t, TONE_PLAIN, e, "%u", i));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", pcr_name(i)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", hex));
	}
	table_print(c, &t);
	return 0;
}

static int print_fields(struct context *c, const struct manifest *m, const char *prefix,
                        struct err *e)
{
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++) {
		AUTO(buf) struct buf text = BUF_INIT(MANIFEST_FIELD_TEXT_MAX);
		const struct manifest_field *f = &manifest_fields[i];
		char label[32];

		if (strncmp(f->name, prefix, strlen(prefix)) != 0)
			continue;
		TRY(f->format(m, &text, e));
		snprintf(label, sizeof(label), "%-28s", f->name);
		if (text.len)
			TRY(print_value(c, label, &text, e));
	}
	return 0;
}

int manifest_print(struct context *c, const struct manifest_file *f, struct err *e)
{
	const struct manifest *m = &f->envelope.manifest;
	char hex[2 * sizeof(f->hash) + 1], phrase[BIP39_CHECK_TEXT_MAX];

	hex_write(VIEW_OF(f->hash.bytes), hex);
	bip39_check_phrase(&f->hash, phrase);
	print_line(c, "namespace      %s", buf_text(&m->namespace.name));
	print_line(c, "nonce          %lld", (long long)m->namespace.nonce);
	print_line(c, "manifest hash  %s (version %d)", hex, f->version);
	print_line(c, "check phrase   %s", phrase);
	TRY(print_fields(c, m, "namespace.quorumKey", e));
	TRY(print_sets(c, f, e));
	TRY(print_pcrs(c, m, e));
	TRY(print_fields(c, m, "enclave.awsRootCertificate", e));
	TRY(print_fields(c, m, "enclave.qosCommit", e));
	TRY(print_fields(c, m, "pivot.", e));
	if (f->env_count || f->has_dns)
		print_line(c, "of v2          env of %zu variables, %s", f->env_count,
		           f->has_dns ? "dns resolvers" : "no dns");
	if (f->has_unknown)
		print_line(c,
		           "not shown      fields that version 0 does not know: they are ignored, "
		           "and the hash is not of them");
	return print_fields(c, m, "patchSet", e);
}

int matches_print(struct context *c, const struct wire_list *rows, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("CHECK", "RESULT", "DETAIL");
	const struct match_row *items = rows->items;

	t.keeps_last = true;
	for (size_t i = 0; i < rows->count; i++) {
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&items[i].check)));
		TRY(table_cell(&t, items[i].passed ? TONE_GOOD : TONE_BAD, e, "%s",
		               items[i].passed ? "ok" : "FAILED"));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&items[i].detail)));
	}
	table_print(c, &t);
	return 0;
}

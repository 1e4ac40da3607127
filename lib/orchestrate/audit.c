#include "orchestrate/audit.h"

#include "base/text.h"
#include "orchestrate/audit_internal.h"
#include "proto/row.h"

#include <stdio.h>
#include <string.h>

#define HASH_LEN sizeof(struct hash256)

/* clang-format off */
#define THIS audit_manifest
SCHEMA(audit_manifest, OBJECT("envelope", envelope, manifest_envelope, "", REQUIRED));
#undef THIS
#define THIS audit_boot
SCHEMA(audit_boot, TEXT("node", node, 0, WIRE_TEXT_MAX, "", REQUIRED),
	TEXT("module_id", module_id, 0, WIRE_TEXT_MAX, "", REQUIRED));
#undef THIS
#define THIS audit_export
SCHEMA(audit_export, TEXT("source", source, 0, WIRE_TEXT_MAX, "", REQUIRED));
#undef THIS
/* clang-format on */
const struct wire_schema audit_document_schema = { "audit_document", sizeof(struct audit_document),
	                                           NULL, 0 };
const struct wire_schema audit_receipt_schema = { "audit_receipt", sizeof(struct audit_receipt),
	                                          NULL, 0 };

void audit_drop(struct audit *a)
{
	buf_drop(&a->root);
	wire_list_release(&audit_manifest_schema, &a->manifests);
	wire_list_release(&audit_document_schema, &a->documents);
	wire_list_release(&audit_boot_schema, &a->boots);
	wire_list_release(&audit_export_schema, &a->exports);
	wire_list_release(&audit_receipt_schema, &a->receipts);
	*a = (struct audit){ 0 };
}

int audit_head_parse(const char *text, struct audit_head *ret, struct err *e)
{
	struct audit_head head = { 0 };
	const char *colon = strchr(text, ':'), *hex = colon ? colon + 1 : text;
	char number[24] = "";
	uint64_t sequence;
	struct err why;

	if (colon && (size_t)(colon - text) < sizeof(number))
		memcpy(number, text, (size_t)(colon - text));
	if ((colon && number_parse(number, "", 1, INT64_MAX, &sequence, &why) < 0) ||
	    hex_parse_exact(view_text(hex), head.hash.bytes, HASH_LEN, &why) < 0)
		return err_set(e, ERR_USAGE,
		               "--head must be what teectl audit head prints: "
		               "SEQUENCE:SHA-256, or SHA-256 alone");
	if (colon)
		head.sequence = (int64_t)sequence;
	*ret = head;
	return 0;
}

/* One refusal: what does not hold, with its reason for machines. */
int audit_refuse(const char *reason, const char *what, struct err *e)
{
	return err_reason(e, ERR_REFUSED, reason, "%s", what);
}

/* --- what has been seen */

struct audit_manifest *audit_find_manifest(const struct audit *a, struct view hash)
{
	struct audit_manifest *manifests = a->manifests.items;

	for (size_t i = 0; i < a->manifests.count; i++)
		if (view_equal(VIEW_OF(manifests[i].hash.bytes), hash))
			return &manifests[i];
	return NULL;
}

const struct audit_document *audit_find_document(const struct audit *a, const struct hash256 *hash)
{
	const struct audit_document *documents = a->documents.items;

	for (size_t i = 0; i < a->documents.count; i++)
		if (hash_equal(&documents[i].hash, hash))
			return &documents[i];
	return NULL;
}

struct audit_boot *audit_find_boot(const struct audit *a, const struct hash256 *setup_key,
                                   struct view module_id)
{
	struct audit_boot *boots = a->boots.items;

	for (size_t i = 0; i < a->boots.count; i++) {
		if (setup_key && boots[i].has_setup_key &&
		    hash_equal(&boots[i].setup_key, setup_key))
			return &boots[i];
		if (!setup_key && view_equal(buf_view(&boots[i].module_id), module_id))
			return &boots[i];
	}
	return NULL;
}

size_t audit_boot_index(const struct audit *a, const struct audit_boot *boot)
{
	return (size_t)(boot - (const struct audit_boot *)a->boots.items);
}

static int add_boot(struct audit *a, const struct hash256 *setup_key, struct view module_id,
                    struct audit_boot **ret, struct err *e)
{
	struct audit_boot *boot;

	TRY(wire_list_add(&a->boots, &audit_boot_schema, &boot, e));
	TRY(wire_set(&boot->module_id, module_id, e));
	boot->has_setup_key = setup_key != NULL;
	if (setup_key)
		boot->setup_key = *setup_key;
	*ret = boot;
	return 0;
}

int audit_meet_boot(struct audit *a, const struct journal_entry *entry,
                    const struct hash256 *setup_key, struct view module_id, struct audit_boot **ret,
                    struct err *e)
{
	struct audit_boot *boot = audit_find_boot(a, setup_key, module_id);

	if (!boot)
		TRY(add_boot(a, setup_key, module_id, &boot, e));
	TRY(wire_set(&boot->node, buf_view(&entry->line.node), e));
	boot->number = entry->number;
	*ret = boot;
	return 0;
}

/* A step is teectl's own word, a mended line the reader's matter. */
static int replay_step(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	const char *outcome = buf_text(&entry->line.outcome);

	(void)e;
	a->counts.failed_steps +=
	    strcmp(outcome, JOURNAL_BEGIN) != 0 && strcmp(outcome, JOURNAL_DONE) != 0;
	return 0;
}

static int replay_mended(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	(void)a;
	(void)entry;
	(void)e;
	return 0;
}

static int (*const replays[JOURNAL_KIND_COUNT])(struct audit *a, const struct journal_entry *entry,
                                                struct err *e) = {
	[JOURNAL_MENDED] = replay_mended,           [JOURNAL_STEP] = replay_step,
	[JOURNAL_DOCUMENT] = audit_replay_document, [JOURNAL_GENESIS] = audit_replay_genesis,
	[JOURNAL_MANIFEST] = audit_replay_manifest, [JOURNAL_SHARE] = audit_replay_share,
	[JOURNAL_EXPORT] = audit_replay_export,     [JOURNAL_RECEIPT] = audit_replay_receipt,
	[JOURNAL_PROOF] = audit_replay_proof,
};

/* --- the passes */

/* Whatever it was: the journal does not show what it says. */
static int name_line(const struct journal_entry *entry, struct err *e)
{
	if (e->code != ERR_INTERNAL)
		e->code = ERR_REFUSED;
	if (!e->reason[0])
		snprintf(e->reason, sizeof(e->reason), "%s", journal_kind_names[entry->line.kind]);
	return err_wrap(e, "line %zu (%s%s%s)", entry->number, journal_kind_names[entry->line.kind],
	                entry->line.node.len ? ", " : "", buf_text(&entry->line.node));
}

static int gather_manifest(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct audit_manifest *manifest;
	struct hash256 hash;

	if (entry->line.envelope.len == 0)
		return 0;
	TRY(manifest_envelope_decode(buf_view(&entry->line.envelope), &envelope, e));
	TRY(manifest_hash(&envelope.manifest, &hash, e));
	if (audit_find_manifest(a, VIEW_OF(hash.bytes)))
		return 0;
	TRY(wire_list_add(&a->manifests, &audit_manifest_schema, &manifest, e));
	manifest->hash = hash;
	manifest->envelope = MOVE(envelope);
	TRY(manifest_pcrs(&manifest->envelope.manifest, &manifest->pcrs, e));
	TRY(manifest_quorum_key(&manifest->envelope.manifest, &manifest->quorum_key, e));
	if (!public_key_equal(&manifest->quorum_key,
	                      &((struct audit_manifest *)a->manifests.items)->quorum_key))
		return audit_refuse("quorum_key", "it is a manifest of another quorum key", e);
	return 0;
}

/* met: becomes the sequence of the line that is the head */
static int check_head(const struct audit_head *head, const struct journal_entry *entry,
                      int64_t *met, struct err *e)
{
	char expected[2 * HASH_LEN + 1], found[2 * HASH_LEN + 1];

	if (!head || (head->sequence && head->sequence != entry->line.sequence))
		return 0;
	if (hash_equal(&head->hash, &entry->hash)) {
		*met = entry->line.sequence;
		return 0;
	}
	if (!head->sequence)
		return 0;
	hex_write(VIEW_OF(head->hash.bytes), expected);
	hex_write(VIEW_OF(entry->hash.bytes), found);
	return err_reason(e, ERR_REFUSED, "head",
	                  "line %zu: sequence %lld has SHA-256 %s, the head that was noted is %s",
	                  entry->number, (long long)head->sequence, found, expected);
}

/* A crash may leave the beginning of a line, which whoever appends next names; until then nobody
 * can tell it from what was added by hand. Where a head was noted that is not passed over. */
static int check_end(const struct audit *a, size_t last, int64_t met, struct err *e)
{
	if (!met)
		return err_reason(e, ERR_REFUSED, "head",
		                  "the journal ends at sequence %lld without the head that was "
		                  "noted: lines are missing at its end, or it was written anew",
		                  (long long)a->sequence);
	if (!a->torn_len)
		return 0;
	return err_reason(
	    e, ERR_REFUSED, "torn",
	    "line %zu: %zu byte%s behind the last line %s none: cut short by a crash, "
	    "which the next run that writes names, or added by hand",
	    last + 1, a->torn_len, a->torn_len == 1 ? "" : "s", a->torn_len == 1 ? "is" : "are");
}

/* First the file alone: chain, manifests, and the head. */
static int gather(struct audit *a, struct view text, const struct audit_options *options,
                  struct err *e)
{
	struct journal_reader reader = journal_reader_new(text);
	bool is_found = true;
	int64_t met = 0;

	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		TRY(journal_next(&reader, &entry, &is_found, e));
		if (!is_found)
			break;
		if (gather_manifest(a, &entry, e) < 0)
			return name_line(&entry, e);
		TRY(check_head(options->head, &entry, &met, e));
	}
	a->sequence = reader.sequence;
	a->head = reader.head;
	a->torn_len = reader.torn_len;
	a->after_head = a->sequence - met;
	return options->head ? check_end(a, reader.number, met, e) : 0;
}

static int settle_root(struct audit *a, struct view given, struct err *e)
{
	const struct audit_manifest *manifests = a->manifests.items;
	const struct buf *named;

	a->is_root_given = given.len > 0;
	if (given.len)
		return wire_set(&a->root, given, e);
	if (a->manifests.count == 0)
		return err_set(e, ERR_USAGE,
		               "the journal has no manifest that names a root: --root");
	named = &manifests[0].envelope.manifest.enclave.aws_root_certificate;
	return wire_set(&a->root, buf_view(named), e);
}

/* What was replayed is what the head was compared with: whoever may write the file could do so
 * while it is read. */
static int check_unchanged(const struct audit *a, const struct journal_reader *reader,
                           struct err *e)
{
	if (reader->sequence == a->sequence &&
	    view_equal(VIEW_OF(reader->head.bytes), VIEW_OF(a->head.bytes)))
		return 0;
	return err_reason(e, ERR_REFUSED, "changed",
	                  "the journal was written anew while it was read: at first its last line "
	                  "was %lld, then %lld",
	                  (long long)a->sequence, (long long)reader->sequence);
}

int audit_replay(struct view text, const struct audit_options *options, struct audit *ret,
                 struct err *e)
{
	AUTO(audit) struct audit a = { .is_head_given = options->head != NULL };
	struct journal_reader reader = journal_reader_new(text);
	bool is_found = true;

	TRY(gather(&a, text, options, e));
	TRY(settle_root(&a, options->root, e));
	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		TRY(journal_next(&reader, &entry, &is_found, e));
		if (!is_found)
			break;
		if (replays[entry.line.kind](&a, &entry, e) < 0)
			return name_line(&entry, e);
		a.counts.kinds[entry.line.kind]++;
	}
	TRY(check_unchanged(&a, &reader, e));
	*ret = MOVE(a);
	return 0;
}

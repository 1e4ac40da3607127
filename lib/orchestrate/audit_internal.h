/* What the parts of a journal's replay share: what has been seen so far, and a line of each kind.
 */
#ifndef TEECTL_ORCHESTRATE_AUDIT_INTERNAL_H
#define TEECTL_ORCHESTRATE_AUDIT_INTERNAL_H

#include "orchestrate/audit.h"

#include <string.h>

extern const struct wire_schema audit_manifest_schema, audit_document_schema, audit_boot_schema,
    audit_export_schema, audit_receipt_schema;

/* One refusal: what does not hold, with its reason for machines. Always -1. */
MUST_CHECK int audit_refuse(const char *reason, const char *what, struct err *e);

static inline struct hash256 hash_of_field(const struct buf *field)
{
	struct hash256 hash;

	memcpy(hash.bytes, field->data, sizeof(hash.bytes)); /* the schema has seen to its length */
	return hash;
}

static inline bool hash_equal(const struct hash256 *a, const struct hash256 *b)
{
	return view_equal(VIEW_OF(a->bytes), VIEW_OF(b->bytes));
}

/* NULL: it has not been seen. */
struct audit_manifest *audit_find_manifest(const struct audit *a, struct view hash);
const struct audit_document *audit_find_document(const struct audit *a, const struct hash256 *hash);
/* By its setup key, if it has one here, else by its NSM. */
struct audit_boot *audit_find_boot(const struct audit *a, const struct hash256 *setup_key,
                                   struct view module_id);
size_t audit_boot_index(const struct audit *a, const struct audit_boot *boot);
/* The same, or a new one; the line is the last to tell of it. */
MUST_CHECK int audit_meet_boot(struct audit *a, const struct journal_entry *entry,
                               const struct hash256 *setup_key, struct view module_id,
                               struct audit_boot **ret, struct err *e);

/* A line of that kind, held against those before it. fails  with what does not hold */
typedef int audit_replay_line(struct audit *a, const struct journal_entry *entry, struct err *e);
audit_replay_line audit_replay_document, audit_replay_proof, audit_replay_genesis,
    audit_replay_manifest; /* audit_document.c */
audit_replay_line audit_replay_share, audit_replay_export, audit_replay_receipt; /* audit_key.c */

#endif

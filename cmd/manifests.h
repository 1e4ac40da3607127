/* What the manifest verbs share: reading a manifest file, and showing a manifest, its approvals and
 * its differences from another. */
#ifndef TEECTL_CMD_MANIFESTS_H
#define TEECTL_CMD_MANIFESTS_H

#include "cmd.h"

#include "cluster/match.h"
#include "proto/manifest_diff.h"
#include "proto/message.h"

/* What the status says where that is all that was asked. */
#define MANIFESTS_DIFFER "manifests-differ"

/* Any form of QOS's (manifest_file_parse); - is standard input. Errors name the file. */
MUST_CHECK int manifest_read(const char *path, struct manifest_file *ret, struct err *e);
/* The same, but an envelope or manifest of version 1, which is what our enclaves take. */
MUST_CHECK int manifest_read_v1(const char *path, struct manifest_file *ret, struct err *e);
/* The state's current one, in the same form. ERR_NOT_DESIRED: there has been no genesis. */
MUST_CHECK int manifest_read_current(struct context *c, const struct state *state,
                                     struct manifest_file *ret, struct err *e);

/* The file's; or, without one, the current one of the state that the cluster file has. */
MUST_CHECK int manifest_read_or_current(struct context *c, const char *path,
                                        struct manifest_file *ret, struct err *e);

/* A field that differs, as manifest_compare judges it. */
struct field_change {
	struct buf field, words, from, to;
	bool lawful;
	bool has_cure;
	struct buf cure;
};

struct diff_report {
	int64_t from_nonce, to_nonce;
	uint8_t from_hash[32], to_hash[32];
	struct wire_list changes; /* struct field_change */
	bool same, lawful;
	int needs; /* enum manifest_change */
	int64_t threshold;
	struct wire_list approved, may_approve; /* struct alias_item: of the manifest set */
};
extern const struct wire_schema diff_report_schema;
WIRE_DROP(diff_report);

/* Approvals of next count where they are valid. */
MUST_CHECK int diff_make(const struct manifest_file *own, const struct manifest_file *next,
                         struct diff_report *ret, struct err *e);
/* The changes as a table, and who must act as a sentence. */
MUST_CHECK int diff_print(struct context *c, const struct diff_report *r, struct err *e);

/* Valid approvals, and those members of the own manifest set who have given none.
 * fails  ERR_APPROVAL: one is bad */
MUST_CHECK int approvals_count(const struct manifest_file *f, struct wire_list *ret_approved,
                               struct wire_list *ret_missing, struct err *e);
/* ERR_WAITING naming who has not approved, where there are fewer than the threshold. */
MUST_CHECK int approvals_wait(struct context *c, const struct manifest_file *f,
                              const struct wire_list *approved, const struct wire_list *missing,
                              struct err *e);

/* Namespace, hash, keys and all else in lines and tables, with who has approved. */
MUST_CHECK int manifest_print(struct context *c, const struct manifest_file *f, struct err *e);
/* Every check as a table: CHECK, RESULT, DETAIL. */
MUST_CHECK int matches_print(struct context *c, const struct wire_list *rows, struct err *e);
/* Writes the envelope as v1 JSON to a new file, or over it. */
MUST_CHECK int manifest_write(const char *path, const struct manifest_envelope *envelope,
                              bool may_replace, struct err *e);

#endif

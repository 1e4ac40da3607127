/* A manifest held against the cluster file, check by check: what its owner means against what he
 * was handed (design.md, "Trust"). No network; files that the cluster file names, and no others. */
#ifndef TEECTL_CLUSTER_MATCH_H
#define TEECTL_CLUSTER_MATCH_H

#include "cluster/config.h"
#include "cluster/state.h"

/* What the cluster file and its surroundings expect. */
struct match_expect {
	struct member_set manifest_set, share_set;
	struct pcr_set pcrs;
	struct buf root;
	bool has_quorum_key; /* the file names it */
	struct public_key quorum_key;
};
void match_expect_drop(struct match_expect *x);

/* Reads the members' keys and the root, takes the pinned PCRs and measures the others.
 * fails  ERR_NO_INPUT, ERR_DATA, ERR_CONFIG, and as cluster_root */
MUST_CHECK int match_expect_load(const struct cluster *c, const struct state *s,
                                 struct match_expect *ret, struct err *e);

/* One check: its name is the reason of a refusal ("share_set"); detail says what was found, and
 * where it failed what differs. */
struct match_row {
	struct buf check;
	bool passed;
	struct buf detail;
};
extern const struct wire_schema match_row_schema;
void match_rows_drop(struct wire_list *rows);

/* Adds a row; detail as printf has it. */
MUST_CHECK int match_add(struct wire_list *rows, const char *check, bool passed, struct err *e,
                         const char *format, ...) PRINTF_LIKE(5, 6);
/* Adds the rows namespace, nonce, quorum_key if the file names it, manifest_set, share_set,
 * pcr0..3, anchor, and pivot: hash and arguments. */
MUST_CHECK int match_manifest(const struct cluster *c, const struct match_expect *x,
                              const struct manifest *m, struct wire_list *rows, struct err *e);
/* Adds the rows of quorum key and sets alone. */
MUST_CHECK int match_sets(const struct match_expect *x, const struct manifest *m,
                          struct wire_list *rows, struct err *e);
/* ERR_REFUSED naming every check that failed; the reason is the first's. */
MUST_CHECK int match_judge(const struct wire_list *rows, const char *what, struct err *e);

/* The certificate that documents must lead to: STATE/pki/root.der, AWS's, or the file's.
 * fails  ERR_NOT_DESIRED: no simulated root yet; ERR_NO_INPUT, ERR_DATA */
MUST_CHECK int cluster_root(const struct cluster *c, const struct state *s, struct buf *ret,
                            struct err *e);

#endif

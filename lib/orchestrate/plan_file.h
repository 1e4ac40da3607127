/* A plan that was saved, to be carried out only while the world is as it was seen: the digest of
 * the cluster file, what each node said of itself, and what was to be done with it. The plan itself
 * is made anew, and held against this; nothing is done because a file says so. */
#ifndef TEECTL_ORCHESTRATE_PLAN_FILE_H
#define TEECTL_ORCHESTRATE_PLAN_FILE_H

#include "orchestrate/plan.h"

#define PLAN_FILE_ID_MAX    64 /* bytes of a start's id, each of which JSON may write as six */
#define PLAN_FILE_PHASE_MAX 32
#define PLAN_FILE_STEPS_MAX 128
#define PLAN_FILE_KEYS_MAX  192 /* of one node, with a hash and what stands between */
/* Of as many nodes as a cluster file may have, each as long as its rows allow. */
#define PLAN_FILE_NODE_MAX                                                                         \
	(CLUSTER_NAME_MAX + 6 * PLAN_FILE_ID_MAX + PLAN_FILE_PHASE_MAX + PLAN_FILE_STEPS_MAX +     \
	 PLAN_FILE_KEYS_MAX)
#define PLAN_FILE_MAX (CLUSTER_NODES_MAX * PLAN_FILE_NODE_MAX + 1024)

struct plan_file_node {
	struct buf name, phase; /* as `now` of plan_report.h */
	struct buf instance_id; /* of this start of it */
	bool has_manifest_hash;
	uint8_t manifest_hash[32];
	bool is_chosen;
	struct buf steps; /* "launch verify forward prove"; "!" behind one that is refused */
};

struct plan_file {
	int64_t version;
	struct buf cluster, made; /* made: RFC 3339 */
	uint8_t cluster_file[32]; /* SHA-256 of its bytes */
	int topology;             /* that was asked for */
	bool is_of_all;           /* no nodes were chosen */
	bool has_manifest_hash;   /* there was a genesis: the current manifest's */
	uint8_t manifest_hash[32];
	struct wire_list nodes; /* struct plan_file_node, in the cluster file's order */
};
extern const struct wire_schema plan_file_schema;
WIRE_DROP(plan_file);

MUST_CHECK int plan_file_make(const struct cluster *cluster, const struct observation *seen,
                              const struct goal *goal, const struct plan *plan, int64_t now_ms,
                              struct plan_file *ret, struct err *e);
/* Appends it as JSON. to: PLAN_FILE_MAX */
MUST_CHECK int plan_file_format(const struct plan_file *f, struct buf *to, struct err *e);
/* fails  ERR_DATA: it is no saved plan */
MUST_CHECK int plan_file_parse(struct view text, struct plan_file *ret, struct err *e);

#define PLAN_STALE "stale-plan" /* the reason of what follows */
/* Is the cluster file that was read the same, byte by byte? fails  ERR_NOT_DESIRED */
MUST_CHECK int plan_file_check_cluster(const struct plan_file *f, const struct cluster *cluster,
                                       struct err *e);
/* Is all as it was? now: made of what is seen now, with the same goal. fails  ERR_NOT_DESIRED,
 * naming what differs */
MUST_CHECK int plan_file_check(const struct plan_file *f, const struct plan_file *now,
                               struct err *e);
/* The nodes that it is about, one flag each; ret NULL: all. The caller frees it. */
MUST_CHECK int plan_file_targets(const struct plan_file *f, bool **ret, struct err *e);

#endif

/* What a run found, for people and machines: one struct, one schema, for status, verify and the
 * ends of the other verbs. */
#ifndef TEECTL_ORCHESTRATE_REPORT_H
#define TEECTL_ORCHESTRATE_REPORT_H

#include "orchestrate/run.h"

/* Three different words everywhere: not ready, failed, waiting for people. */
enum node_state {
	NODE_READY,     /* has the key */
	NODE_NOT_READY, /* on its way: the next verb brings it on */
	NODE_WAITING,   /* for people: shares */
	NODE_FAILED,    /* refused, occupied, broken */
	NODE_GONE,      /* absent or unreachable */
	NODE_OLD,       /* an older manifest: to be upgraded; whether it has the key is its phase */
};

struct node_report {
	struct buf name, url, instance_id;
	int state; /* enum node_state */
	int phase; /* enum phase, when there is an answer */
	bool has_phase;
	bool verified;   /* by a live attestation */
	bool key_proved; /* by prove-key */
	bool debug;
	bool has_pid;
	int64_t pid;             /* of its hypervisor, where it was launched here and runs */
	bool is_late;            /* node_is_late; not in the schema: reason says it */
	bool is_denied;          /* by its access control; not in the schema: reason says it */
	size_t index;            /* of the cluster file; not in the schema */
	struct wire_list labels; /* struct alias_item: "region=eu" */
	struct buf reason;       /* why not verified, for machines: pcr0, freshness, … */
	struct buf note;         /* and for people */
	bool has_manifest_hash, has_quorum_public_key;
	uint8_t manifest_hash[32];
	uint8_t quorum_public_key[PUBLIC_KEY_LEN];
};

extern const struct wire_schema node_report_schema;

/* An error for machines, wherever one is told in JSON. verb, cause and hint are the program's. */
struct error_report {
	struct buf name; /* stable: "attestation" */
	bool has_code;
	int64_t code; /* contract.md's, where an enclave has refused */
	int64_t exit_status;
	struct buf verb;
	bool has_reason, has_cause, has_hint;
	struct buf reason; /* which check: "pcr0" */
	struct buf text;
	struct buf cause, hint; /* for people: why, and what to do next */
};
extern const struct wire_schema error_report_schema;

/* Nodes of one label `region`. */
struct region_report {
	struct buf name;
	int64_t node_count, holder_count, distance;
};
extern const struct wire_schema region_report_schema;

/* One that runs here and is in no line of the cluster file (orphans.h). */
struct orphan_report {
	struct buf name;
	int64_t pid;
};
extern const struct wire_schema orphan_report_schema;

struct cluster_report {
	struct buf cluster;
	struct buf
	    outcome; /* of a verb that changes something: "done", "nothing to do", "failed" */
	bool has_error;
	struct error_report error;
	struct buf trust; /* ROOT_AWS_NAME or ROOT_SIMULATED_NAME: whose documents are believed */
	struct buf
	    basis; /* of the quorum key: "genesis", "cluster-file", or empty: there is none */
	int64_t node_count, ready_count, verified_count; /* of those nodes */
	/* distance.h */
	bool has_distance;
	int64_t distance, keep_ready;
	int64_t holder_count;     /* ready and verified; not in the schema */
	struct wire_list regions; /* struct region_report */
	bool has_manifest_hash, has_quorum_public_key, has_dr_key;
	uint8_t manifest_hash[32];
	uint8_t quorum_public_key[PUBLIC_KEY_LEN];
	uint8_t dr_key[32]; /* SHA-256 of the disaster-recovery key that the genesis wrapped to */
	struct wire_list waiting_for; /* struct alias_item: members */
	int64_t waiting_need;         /* how many of those are enough; not in the schema */
	struct wire_list nodes;       /* struct node_report; of run_options.chosen those */
	struct wire_list orphans;     /* struct orphan_report */
	bool has_next_pins;           /* of an image whose manifest is not the current one: nobody
	                               * was judged; not in the schema: missing says it */
	bool is_lost;                 /* observation_is_lost, or the chosen have no key and no other
	                               * runs; not in the schema: missing says it */
	bool has_not_shared;
	struct buf not_shared; /* why etcd was not given what the run has changed */
	struct buf missing;    /* what is missing, one sentence; empty: nothing */
	struct buf next;       /* what to type next; empty: nothing */
};
extern const struct wire_schema cluster_report_schema;
WIRE_DROP(cluster_report);

/* All but verb, cause and hint. ret: zeroed; dropped by the caller with what it stands in. */
MUST_CHECK int error_report_make(const struct err *failure, struct error_report *ret,
                                 struct err *e);
MUST_CHECK int report_make(const struct run *r, struct cluster_report *ret, struct err *e);
/* What the verb came to: done with a note of why there was nothing to do, or failed. */
MUST_CHECK int report_outcome(struct cluster_report *report, const char *outcome,
                              const struct err *failure, struct err *e);
/* The exit status of `status` as an error: 0 when all are ready and verified; ERR_REFUSED when one
 * was refused, ERR_ACCESS when one did not let this client look, ERR_TRY_AGAIN when the command's
 * time was up before one answered, else ERR_NOT_DESIRED. */
MUST_CHECK int report_judge(const struct cluster_report *report, struct err *e);
#define NEEDED_TEXT_MAX 48
/* "waiting for 2 of: ", before the names of those whose shares are missing; all of them, where
 * there are no more than are needed. */
void report_say_needed(int64_t needed, size_t named, char to[static NEEDED_TEXT_MAX]);
const char *node_state_name(enum node_state state); /* "ready", "not ready", … */

#endif

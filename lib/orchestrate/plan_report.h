/* What a plan says, for people and machines: one struct, one schema. */
#ifndef TEECTL_ORCHESTRATE_PLAN_REPORT_H
#define TEECTL_ORCHESTRATE_PLAN_REPORT_H

#include "orchestrate/people.h"
#include "orchestrate/run.h"

struct plan_step_report {
	int64_t number; /* in the plan, from 1 */
	int step;       /* enum step_kind */
	bool has_needs, has_after, has_source;
	int64_t needs;     /* the step that must have been done before */
	int64_t after;     /* that must merely have ended before */
	struct buf source; /* of a forward, as foretold, */
	int64_t round;     /* and in which round */
	int who;           /* enum people_kind: whose turn it is */
	bool is_refused;
	struct buf reason, refusal; /* why it can't be done: for machines, for people */
};

struct plan_node_report {
	struct buf name;
	struct buf now;         /* its phase, or that it is not there */
	struct buf missing;     /* "TEE, quorum key"; empty: nothing */
	struct buf why;         /* it is missing */
	bool is_changing;       /* some step does more than look; not in the schema */
	struct wire_list steps; /* struct plan_step_report */
};

struct plan_count {
	int step;
	int64_t count, refused;
};

struct plan_way_report {
	int topology;
	int64_t forwards, rounds, parallel, regions;
};

/* estimate.h */
struct plan_time {
	int step;
	int64_t count, each_us, path_us;
};

struct plan_estimate_report {
	int64_t total_us;
	struct wire_list parts; /* struct plan_time, of the kinds of step that the plan has */
};

enum plan_outcome {
	PLAN_NOTHING,
	PLAN_CHANGES,
	PLAN_PEOPLE,
	PLAN_REFUSED,
	PLAN_UPGRADE,
	PLAN_IMAGE
};

/* The image here is not what a launched node is held to. */
struct plan_image_report {
	struct buf reason, text; /* for machines, for people */
};

struct plan_report {
	struct buf cluster;
	int outcome;             /* enum plan_outcome */
	int64_t older;           /* TEEs of an older manifest */
	int64_t change_count;    /* steps that do more than look, and can be done */
	struct buf nothing;      /* why there is none */
	struct wire_list counts; /* struct plan_count */
	struct wire_list people; /* struct people */
	bool has_way;
	struct plan_way_report way;
	struct plan_estimate_report estimate;
	bool has_image;
	struct plan_image_report image;
	struct wire_list nodes; /* struct plan_node_report */
};
extern const struct wire_schema plan_report_schema;
WIRE_DROP(plan_report);

/* "not running", "no answer", "occupied", or the phase that it says it is in. */
const char *node_now(const struct observation *seen, size_t node);

/* people: of people_schema; taken over. ret: zeroed */
MUST_CHECK int plan_report_make(const struct cluster *cluster, const struct observation *seen,
                                const struct plan *plan, struct wire_list *people,
                                struct plan_report *ret, struct err *e);
/* Measures the image that the cluster file names, if any, and compares it with the current
 * manifest, or before there is one with the pins, as far as they go. What differs is put into the
 * report and *ret_why; where the plan launches something its outcome is then PLAN_REFUSED: each
 * launched node would be refused, and stopped; where nothing else is to be done, PLAN_IMAGE.
 * ret_why->text is empty where it does not differ. */
MUST_CHECK int plan_report_image(struct run *r, const struct plan *plan, struct plan_report *report,
                                 struct err *ret_why, struct err *e);

#endif

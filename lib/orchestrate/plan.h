/* Plan: from cluster file, observation and goal to the steps that are missing. A pure function: no
 * I/O, no clock, so that it is tested as a table. */
#ifndef TEECTL_ORCHESTRATE_PLAN_H
#define TEECTL_ORCHESTRATE_PLAN_H

#include "orchestrate/observe.h"
#include "orchestrate/way.h"

enum goal_kind {
	GOAL_UP,
	GOAL_GENESIS,
	GOAL_INJECT,
	GOAL_REQUEST, /* the documents of all TEEs that wait for shares */
	GOAL_SUBMIT,  /* bundles to all of them */
	GOAL_RECOVER,
	GOAL_PROPAGATE,
	GOAL_UPGRADE,
	GOAL_RETIRE,
	GOAL_VERIFY,
	GOAL_STATUS,
	GOAL_APPLY,
	GOAL_WATCH, /* those that answer are attested, and prove the key that they claim */
	GOAL_HEAL   /* like GOAL_APPLY, without what people have a part in */
};

struct goal {
	enum goal_kind kind;
	enum topology topology; /* of GOAL_PROPAGATE and GOAL_APPLY */
	bool has_source;        /* --from; of a drill also GOAL_RECOVER's */
	size_t source;
	/* One flag a node; NULL: all. Of GOAL_UP, GOAL_INJECT, GOAL_REQUEST,
	 * GOAL_PROPAGATE, GOAL_VERIFY, GOAL_STATUS, GOAL_APPLY and GOAL_WATCH; of GOAL_RETIRE:
	 * those that go; of GOAL_UPGRADE: those that are upgraded now; of GOAL_RECOVER: those that
	 * one of is restarted, or all of with restarts_all. */
	const bool *targets;
	bool restarts_all;      /* of GOAL_RECOVER: also beside one that waits for shares */
	size_t first, parallel; /* of GOAL_UPGRADE: nodes before all others, then at once */
	bool retires;           /* of GOAL_UPGRADE: old ones launched elsewhere are told to wipe */
	bool lose_key;          /* of GOAL_RETIRE: also the last that has it */
	/* Of GOAL_PROPAGATE and GOAL_APPLY: one a node, each below region_count; NULL: as their
	 * labels say (regions.h). */
	const uint16_t *regions;
	size_t region_count;
	/* Of GOAL_HEAL, one flag a node; NULL: none. Barred: neither source nor target. Resting:
	 * not launched yet, since it ended again and again. */
	const bool *barred, *resting;
};

enum step_kind {
	STEP_LAUNCH,
	STEP_VERIFY,
	STEP_GENESIS,
	STEP_BOOT,
	STEP_INJECT,
	STEP_REQUEST,
	STEP_SUBMIT,
	STEP_FORWARD,
	STEP_PROVE,
	STEP_RETIRE,
	STEP_KIND_COUNT
};

#define STEP_NONE   SIZE_MAX
#define NOTHING_MAX ERR_TEXT_MAX
/* The reason of a step that is for those who launched the node elsewhere: no failure of ours. */
#define STEP_ELSEWHERE "elsewhere"

struct step {
	enum step_kind kind;
	unsigned round; /* of a forward, as foretold: from 1 */
	size_t node;
	size_t source; /* of a forward, as foretold: which one it will be shows in the doing */
	size_t needs;  /* the step that must have been done before */
	/* The step that must merely have ended before, as in a chain, where a hop that failed
	 * leaves the next to an earlier source. */
	size_t after;
	/* Of a verify: of one that is to give up the key, and says that it holds nothing. */
	bool is_leaving;
	/* Of a verify: nobody asked for it but to see states. One that could not say of its node
	 * that it has given up the key does not become the last one seen there. */
	bool is_glance;
	/* Why it can't be done: it fails without being started. Of plan's refusals; NULL: it can.
	 */
	const struct err *refusal;
};

struct plan {
	struct step *steps;
	size_t count;
	struct way way; /* where there are forwards */
	struct err *refusals;
	size_t refusal_count, refusal_max; /* max: for so many there is room */
	size_t
	    older; /* of GOAL_APPLY: asked for, and of an older manifest, which GOAL_UPGRADE ends */
	bool goes_on; /* after it the nodes are looked at again, for the next part of the way */
	/* Why nothing is to be done: there are no steps, or they only look and all went well. */
	char nothing[NOTHING_MAX];
};

void plan_drop(struct plan *p);
const char *step_name(enum step_kind kind);
bool step_is_repeatable(enum step_kind kind); /* done twice, it does no harm */
extern const char *const step_words[];        /* by kind, NULL-terminated */

/* fails  ERR_NOT_DESIRED, ERR_REFUSED or ERR_UNREACHABLE: what stands in the way, and what to type
 */
MUST_CHECK int plan_make(const struct cluster *cluster, const struct observation *seen,
                         const struct goal *goal, struct plan *ret, struct err *e);

/* May these nodes be stopped, or replaced? Not where one of them has the key, and fewer than
 * keep_ready of those that stay do; nor where one may have it, and none that stays has. One that
 * lacks the key may always go.
 *
 * leaving  one flag a node */
bool plan_may_leave(const struct observation *seen, const bool *leaving, size_t keep_ready);

#endif

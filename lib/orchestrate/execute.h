/* Execute: runs a plan's steps, each as soon as what it needs is done, all on one event loop. A
 * step that fails fails what needs it, not the rest; what is done is journaled before the next
 * begins. A forward waits for a source that has the key and is free (sources.h). */
#ifndef TEECTL_ORCHESTRATE_EXECUTE_H
#define TEECTL_ORCHESTRATE_EXECUTE_H

#include "orchestrate/run.h"

enum step_status { STEP_PENDING, STEP_RUNNING, STEP_DONE, STEP_FAILED };

struct step_state {
	enum step_status status;
	bool is_considered;    /* in the list of steps to be looked at */
	bool waits_for_source; /* a forward */
	bool is_untold;        /* failed, and to be told with those that fail of the same */
	bool is_queued;        /* a forward: prepared once it is its turn, or it was */
	bool is_begin_written; /* to the journal, when it was prepared */
	size_t source;         /* of a forward under way; else SOURCE_NONE */
	size_t last_source;    /* of a forward with a failure: that failed */
	/* Of a failed one, and of a forward that another source is to do. */
	const struct err *failure;
	int64_t started_us;
	int64_t elapsed_us; /* of a failed one: it is told later */
	char *detail;       /* of a done one, for people: "from tee1"; may be NULL */
	void *prepared;     /* of a forward that has not begun: the world's; NULL: nothing is */
	/* The steps that need this one, and those that come after it: chained through themselves.
	 */
	size_t first_needing, next_needing, first_after, next_after;
};

struct execution;

/* What steps act on: the enclaves of a cluster, or simulated ones (simulate.c). */
struct world {
	/* Each begins its step and, sooner or later, calls execution_done or execution_failed
	 * exactly once; where it fails at once it returns -1 and calls neither. */
	int (*start[STEP_KIND_COUNT])(struct execution *x, size_t step, struct err *e);
	/* Of a forward, what needs no source: begun while the key is on its way elsewhere, and kept
	 * in step_state.prepared; both NULL: nothing is prepared. What fails of it fails the step
	 * when that begins. abandon: the step will not begin. */
	void (*prepare)(struct execution *x, size_t step);
	void (*abandon)(void *prepared);
	/* Until nothing is under way. */
	int (*loop)(struct execution *x, struct err *e);
	int64_t (*now_us)(const struct execution *x);
	/* Was its document refused in this run? Then nothing comes from it. */
	bool (*is_refused)(const struct execution *x, size_t node);
	/* Of one that has the key, before it gives it to the next: was what it showed found wrong
	 * meanwhile? ERR_ATTESTATION, with words; NULL: it can't be. */
	int (*check_source)(const struct execution *x, size_t node, struct err *e);
};

struct execution {
	struct run *run;
	const struct plan *plan;
	const struct world *world;
	void *context;             /* the world's */
	struct step_state *states; /* as plan->steps */
	struct sources *sources;
	size_t *forward_of; /* node -> its forward */
	size_t *queue;      /* forwards that are to be prepared, in the order of their turn */
	size_t queue_first, queue_end, prepared_count;
	size_t *considered; /* a stack of steps to be looked at */
	size_t considered_count;
	size_t *proofs; /* another, of those that prove the key: after all others */
	size_t proof_count;
	size_t *untold; /* steps whose failure is to be told */
	size_t untold_count;
	size_t running;   /* steps that are */
	size_t births;    /* steps not ended that bring the key into the cluster */
	struct err birth; /* why the first of those that failed did */
	size_t birth_node;
	bool has_source;  /* one had the key to begin with */
	bool is_settling; /* advancing now: a step that ends at once does not recurse */
	struct err lost;  /* a source that failed while another took its place */
};

/* Runs it all. Failures of steps are in the result, one err for the whole: 0 when all are done,
 * else the worst of them; ERR_PARTIAL when some are done and the worst is an ordinary failure;
 * ERR_INTERRUPTED after Ctrl-C. */
MUST_CHECK int execute(struct run *run, const struct plan *plan, struct err *e);
MUST_CHECK int execute_in(const struct world *world, void *context, struct run *run,
                          const struct plan *plan, struct err *e);

/* What prepare has left in the step's state, from then on the caller's; NULL: nothing. */
void *execution_take_prepared(struct execution *x, size_t step);
/* A step that begins; execute calls it, and a step that begins others beside itself. */
void execution_begun(struct execution *x, size_t step);
void execution_done(struct execution *x, size_t step, const char *format, ...) PRINTF_LIKE(3, 4);
void execution_failed(struct execution *x, size_t step, const struct err *why);
/* Before the first of them: nothing follows from this step after all, and what needs it, which may
 * only be STEP_PROVE, counts as done, untold. */
void execution_skip_followers(struct execution *x, size_t step);
/* In place of the two: the source of a forward did not give the key. Another takes its place, if
 * there is one.
 *
 * is_lost  it is asked for nobody else either */
void execution_source_failed(struct execution *x, size_t step, bool is_lost, const struct err *why);
/* From the world's loop: a person wants no more. What is under way is finished, nothing begins. */
void execution_interrupt(struct execution *x);

MUST_CHECK int step_launch_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_verify_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_genesis_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_boot_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_inject_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_request_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_submit_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_forward_start(struct execution *x, size_t step, struct err *e);
void step_forward_prepare(struct execution *x, size_t step);
void step_forward_abandon(void *prepared);
MUST_CHECK int step_prove_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_retire_start(struct execution *x, size_t step, struct err *e);

#endif

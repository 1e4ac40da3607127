/* Execute: runs a plan's steps, each as soon as what it needs is done, all on one event loop. A
 * step that fails fails what needs it, not the rest; what is done is journaled before the next
 * begins. */
#ifndef TEECTL_ORCHESTRATE_EXECUTE_H
#define TEECTL_ORCHESTRATE_EXECUTE_H

#include "orchestrate/run.h"

enum step_status { STEP_PENDING, STEP_RUNNING, STEP_DONE, STEP_FAILED };

struct step_state {
	enum step_status status;
	struct err failure;
	int64_t started_us;
	char detail[96]; /* of a done one, for people: "from tee1" */
};

struct execution {
	struct run *run;
	const struct plan *plan;
	struct step_state *states; /* as plan->steps */
	bool is_settling;          /* advancing now: a step that ends at once does not recurse */
	struct err lost;           /* a source that failed while another took its place */
};

/* Runs it all. Failures of steps are in the result, one err for the whole: 0 when all are done,
 * else the worst of them; ERR_PARTIAL when some are done and the worst is an ordinary failure;
 * ERR_INTERRUPTED after Ctrl-C. */
MUST_CHECK int execute(struct run *run, const struct plan *plan, struct err *e);

/* A step that begins; execute calls it, and a step that begins others beside itself. */
void execution_begun(struct execution *x, size_t step);
/* For the steps: each start function begins its step and, sooner or later, calls one of the two
 * below exactly once; where it fails at once it returns -1 and calls neither. */
void execution_done(struct execution *x, size_t step, const char *format, ...) PRINTF_LIKE(3, 4);
void execution_failed(struct execution *x, size_t step, const struct err *why);

MUST_CHECK int step_launch_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_verify_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_genesis_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_inject_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_forward_start(struct execution *x, size_t step, struct err *e);
MUST_CHECK int step_prove_start(struct execution *x, size_t step, struct err *e);

#endif

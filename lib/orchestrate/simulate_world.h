/* The world that a simulation's executions run in: what teectl is doing with each node. */
#ifndef TEECTL_ORCHESTRATE_SIMULATE_WORLD_H
#define TEECTL_ORCHESTRATE_SIMULATE_WORLD_H

#include "orchestrate/execute.h"
#include "orchestrate/simulate_tee.h"
#include "orchestrate/timeline.h"

#define DEALING_NONE UINT32_MAX

enum dealing_state {
	DEALING_IDLE,
	DEALING_QUEUED, /* for a connection */
	DEALING_ASKING,
	DEALING_PAUSING, /* before it is tried again */
	DEALING_LAUNCHING,
};

/* With one node at a time one thing is done. */
struct dealing {
	uint32_t step, next; /* next: in the queue */
	uint8_t state, exchange, attempt, answer;
	uint8_t key;     /* what a source exported */
	uint8_t exports; /* forwards under way from it */
	/* What teectl has been shown in this run. */
	bool has_shown_key, is_verified, is_refused;
};

struct step_trace {
	uint32_t cause; /* by whose end it began; DEALING_NONE: it waited for none */
	int64_t us;
};

struct world_of_tees {
	const struct simulation_options *options;
	struct tees tees;
	struct timeline timeline;
	struct dealing *dealings;
	uint32_t queue_first, queue_last;
	size_t in_flight;
	int64_t now_us; /* teectl's: it handles events one after the other */
	bool is_kept;   /* a genesis was done, and its manifest kept */
	bool was_stopped;
	uint64_t events;
	struct run run;
	struct execution *x;       /* NULL: teectl looks */
	struct step_trace *traces; /* of an estimate, one a step; else NULL */
	uint32_t cause;            /* the step that ended last; DEALING_NONE: none has */
	struct simulation *result;
};

MUST_CHECK int world_open(struct world_of_tees *w, const struct simulation_options *options,
                          struct simulation *result, struct err *e);
void world_drop(struct world_of_tees *w);
/* Asks all nodes for their status; run.seen is what they say. */
MUST_CHECK int world_look(struct world_of_tees *w, struct err *e);
/* As execute_in says; ERR_TRY_AGAIN when teectl was killed. */
MUST_CHECK int world_execute(struct world_of_tees *w, const struct plan *plan, struct err *e);

/* simulate_rules.c: what must hold at a step's start, and at the end of it all. */
void rules_check_start(struct world_of_tees *w, size_t step);
void rules_check_end(struct world_of_tees *w);

#endif

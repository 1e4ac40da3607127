/* What each step asks of whom, and what that costs: of the simulation and of plan's estimate. */
#ifndef TEECTL_ORCHESTRATE_COSTS_H
#define TEECTL_ORCHESTRATE_COSTS_H

#include "orchestrate/plan.h"
#include "proto/api.h"

#define EXCHANGES_MAX 4 /* of one step */

struct exchange {
	enum api api;
	bool is_at_source; /* of a forward: the source is asked, not the target */
	/* A server and teectl each do one thing at a time. */
	int64_t node_us, own_us;
};

struct costs {
	struct exchange exchanges[STEP_KIND_COUNT][EXCHANGES_MAX];
	struct exchange status;
	int64_t launch_us; /* until a launched enclave serves */
};

/* As measured (costs.c). */
struct costs costs_default(void);
size_t costs_exchange_count(enum step_kind kind); /* 0 of a launch */
/* "forward=20000": what a node does for such a step takes so many µs in all. "launch=200000".
 * "teectl=500": teectl's own work for each exchange.
 * fails  ERR_USAGE */
MUST_CHECK int costs_set(struct costs *c, const char *text, struct err *e);

#endif

#include "orchestrate/estimate.h"

#include "orchestrate/simulate_world.h"

#include <stdlib.h>

/* From the step that ends last back to one that waited for nothing. */
static void follow_path(const struct world_of_tees *w, const struct plan *plan,
                        struct estimate *ret)
{
	for (uint32_t step = w->cause; step != DEALING_NONE; step = w->traces[step].cause)
		ret->parts[plan->steps[step].kind].path_us += w->traces[step].us;
}

static void sum_up(const struct world_of_tees *w, const struct plan *plan, struct estimate *ret)
{
	*ret = (struct estimate){ .total_us = w->result->ready_us };
	for (size_t kind = 0; kind < STEP_KIND_COUNT; kind++) {
		const struct simulated_steps *steps = &w->result->steps[kind];

		ret->parts[kind].count = (size_t)steps->done;
		if (steps->done)
			ret->parts[kind].each_us = steps->us / (int64_t)steps->done;
	}
	follow_path(w, plan, ret);
}

int estimate_make(const struct cluster *cluster, const struct observation *seen,
                  const struct plan *plan, struct estimate *ret, struct err *e)
{
	const struct simulation_options options = { .cluster = cluster,
		                                    .costs = costs_default(),
		                                    .seen = seen };
	struct simulation result = { 0 };
	AUTO(world) struct world_of_tees w = { .options = &options };

	TRY(world_open(&w, &options, &result, e));
	w.traces = calloc(plan->count ? plan->count : 1, sizeof(*w.traces));
	if (!w.traces)
		return err_set(e, ERR_INTERNAL, "no memory for %zu steps", plan->count);
	/* What the plan refuses takes no time. */
	if (world_execute(&w, plan, e) < 0 && e->code == ERR_INTERNAL)
		return -1;
	sum_up(&w, plan, ret);
	return 0;
}

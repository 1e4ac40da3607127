/* launch: starts a local enclave. All launches of a plan begin together, so the first of them to be
 * started starts them all and waits for each one's readiness. */
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>

struct launch_batch {
	size_t *steps, *nodes;
	struct launch_result *results;
	size_t count;
};

static void launch_batch_drop(struct launch_batch *b)
{
	free(b->steps);
	free(b->nodes);
	free(b->results);
}

static int gather(struct execution *x, struct launch_batch *b, struct err *e)
{
	size_t most = x->plan->count;

	b->steps = calloc(most, sizeof(*b->steps));
	b->nodes = calloc(most, sizeof(*b->nodes));
	b->results = calloc(most, sizeof(*b->results));
	if (!b->steps || !b->nodes || !b->results)
		return err_set(e, ERR_INTERNAL, "no memory for %zu launches", most);
	for (size_t i = 0; i < most; i++) {
		if (x->plan->steps[i].kind != STEP_LAUNCH || x->states[i].status > STEP_RUNNING)
			continue;
		if (x->states[i].status == STEP_PENDING)
			execution_begun(x, i);
		b->steps[b->count] = i;
		b->nodes[b->count++] = x->plan->steps[i].node;
	}
	return 0;
}

int step_launch_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(launch_batch) struct launch_batch batch = { 0 };
	struct run *r = x->run;

	(void)step;
	TRY(gather(x, &batch, e));
	/* Before the start: what is verified later is held against what was measured now. */
	if (policy_measure(r, e) < 0 ||
	    launcher_start(r->cluster, &r->state, batch.nodes, batch.count, r->deadline_ms,
	                   r->options.interrupt_fd, batch.results, e) < 0) {
		/* The caller fails the first of them. */
		for (size_t i = 0; i < batch.count; i++)
			if (batch.steps[i] != step)
				execution_failed(x, batch.steps[i], e);
		return -1;
	}
	for (size_t i = 0; i < batch.count; i++) {
		struct node_seen *seen = &r->seen.nodes[batch.nodes[i]];
		const struct cluster_node *node = &r->cluster->nodes[batch.nodes[i]];

		if (batch.results[i].is_started &&
		    launcher_url(r->cluster, &r->state, node, &seen->url,
		                 &batch.results[i].failure) == 0) {
			seen->presence = NODE_PRESENT;
			execution_done(x, batch.steps[i], "%s", seen->url);
		} else {
			/* The signal itself is read by whoever waits next, if anyone does. */
			if (batch.results[i].failure.code == ERR_INTERRUPTED)
				r->is_interrupted = true;
			execution_failed(x, batch.steps[i], &batch.results[i].failure);
		}
	}
	return 0;
}

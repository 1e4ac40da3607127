/* launch: starts a local enclave. All launches of a plan that may begin now begin together: the
 * first of them to be started starts them all and waits for each one's readiness. */
#include "orchestrate/execute.h"
#include "base/text.h"
#include "cluster/match.h"
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

static bool is_due(const struct execution *x, size_t step)
{
	const struct step *s = &x->plan->steps[step];

	return s->kind == STEP_LAUNCH && !s->refusal && x->states[step].status <= STEP_RUNNING &&
	       (s->needs == STEP_NONE || x->states[s->needs].status == STEP_DONE);
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
		if (!is_due(x, i))
			continue;
		if (x->states[i].status == STEP_PENDING)
			execution_begun(x, i);
		b->steps[b->count] = i;
		b->nodes[b->count++] = x->plan->steps[i].node;
	}
	return 0;
}

/* A launch makes a simulated root where there is none. Beside enclaves of the old one, or a
 * manifest that names it, that would make a cluster that nobody believes. */
static int check_root(const struct run *r, struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	bool is_used = r->seen.has_genesis;

	if (r->cluster->attestation.root != ROOT_SIMULATED)
		return cluster_root(r->cluster, &r->state, &root, e);
	for (size_t i = 0; i < r->seen.count; i++)
		is_used |= r->seen.nodes[i].presence == NODE_PRESENT;
	if (!is_used)
		return 0;
	if (state_simulated_root(&r->state, &root, e) < 0)
		return err_wrap(
		    e, "nothing is launched under a new root beside this cluster's old one");
	return 0;
}

/* The launcher has only seen the signal: it is read here, or whoever waits next would take it for a
 * second one. */
static void note_interrupt(struct run *r)
{
	if (!r->is_interrupted && r->options.on_interrupt)
		(void)r->options.on_interrupt(r->options.interrupt_context);
	r->is_interrupted = true;
}

/* One that is broken beyond repair runs still: the plan's maker saw that the key does not go with
 * it. Where it can't be stopped, its start says that it runs. */
static void stop_broken(struct run *r, const struct launch_batch *batch)
{
	bool is_stopped;
	struct err e;

	for (size_t i = 0; i < batch->count; i++) {
		size_t node = batch->nodes[i];

		if (node_standing(&r->seen, node) != STANDS_BROKEN)
			continue;
		if (launcher_stop(&r->state, &r->cluster->nodes[node], r->deadline_ms, &is_stopped,
		                  &e) < 0)
			run_note(r, node, "could not be stopped: %s", e.text);
		text_drop(&r->seen.nodes[node].url);
		r->seen.nodes[node].presence = NODE_ABSENT;
	}
}

int step_launch_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(launch_batch) struct launch_batch batch = { 0 };
	struct run *r = x->run;

	(void)step;
	TRY(gather(x, &batch, e));
	stop_broken(r, &batch);
	/* Before the start: what is verified later is held against what was measured now. */
	if (check_root(r, e) < 0 || policy_measure(r, e) < 0 ||
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
			if (batch.results[i].failure.code == ERR_INTERRUPTED)
				note_interrupt(r);
			execution_failed(x, batch.steps[i], &batch.results[i].failure);
		}
	}
	return 0;
}

#include "orchestrate/observe.h"

#include <stdlib.h>
#include <string.h>

void observation_drop(struct observation *o)
{
	for (size_t i = 0; i < o->count; i++) {
		free(o->nodes[i].url);
		status_reply_drop(&o->nodes[i].status);
	}
	free(o->nodes);
	kept_genesis_drop(&o->genesis);
	*o = (struct observation){ 0 };
}

static void on_status(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct node_seen *seen = context;

	(void)elapsed_us;
	if (failure) {
		seen->presence = NODE_UNREACHABLE;
		seen->why = *failure;
		return;
	}
	seen->presence = NODE_PRESENT;
	seen->status = MOVE(*(struct status_reply *)reply);
}

static int ask(const struct cluster *cluster, const struct state *state, struct client *client,
               int64_t timeout_ms, size_t node, struct node_seen *seen, struct err *e)
{
	struct client_exchange exchange = {
		.node = cluster->nodes[node].name,
		.api = API_STATUS,
		.on_done = on_status,
		.context = seen,
		.timeout_ms = timeout_ms,
		.attempts = 1,
	};

	if (launcher_url(cluster, state, &cluster->nodes[node], &seen->url, &seen->why) < 0) {
		seen->presence = NODE_ABSENT;
		return 0;
	}
	exchange.url = seen->url;
	return client_start(client, &exchange, e);
}

int observe(const struct cluster *cluster, const struct state *state, struct client *client,
            const struct look *look, struct observation *ret, struct err *e)
{
	AUTO(observation) struct observation o = { 0 };

	TRY(state_load_genesis(state, &o.has_genesis, &o.genesis, e));
	o.nodes = calloc(cluster->node_count, sizeof(*o.nodes));
	if (!o.nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", cluster->node_count);
	o.count = cluster->node_count;
	for (size_t i = 0; i < o.count; i++)
		TRY(ask(cluster, state, client, look->timeout_ms, i, &o.nodes[i], e));
	TRY(client_run(client, look->deadline_ms, look->interrupt_fd, look->on_interrupt,
	               look->context, e));
	*ret = MOVE(o);
	return 0;
}

enum phase node_phase(const struct observation *o, size_t node)
{
	return (enum phase)o->nodes[node].status.phase;
}

enum standing node_standing(const struct observation *o, size_t node)
{
	const struct node_seen *seen = &o->nodes[node];
	const struct status_reply *status = &seen->status;

	if (seen->presence != NODE_PRESENT)
		return STANDS_APART;
	if (node_phase(o, node) == PHASE_UNRECOVERABLE)
		return STANDS_BROKEN;
	if (!status->has_manifest_hash)
		return STANDS_EMPTY;
	if (!o->has_genesis ||
	    !view_equal(VIEW_OF(status->manifest_hash), VIEW_OF(o->genesis.manifest_hash.bytes)))
		return STANDS_OCCUPIED;
	if (status->has_quorum_public_key && !view_equal(VIEW_OF(status->quorum_public_key),
	                                                 public_key_view(&o->genesis.quorum_key)))
		return STANDS_OCCUPIED;
	return node_phase(o, node) == PHASE_READY ? STANDS_READY : STANDS_WAITING;
}

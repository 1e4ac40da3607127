#include "orchestrate/observe.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define URL_MAX 320 /* a scheme and an address */

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

/* One question, and where its answer goes. */
struct question {
	const struct cluster_node *node;
	struct node_seen *seen;
	bool is_stray;
};

static void questions_drop(struct question **questions)
{
	free(*questions);
}

static void on_status(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct question *q = context;
	struct node_seen *seen = q->seen;

	(void)elapsed_us;
	if (q->is_stray) {
		/* Nothing is there: it is absent, as the launcher said. */
		if (failure && (failure->code == ERR_UNREACHABLE || failure->code == ERR_TRY_AGAIN))
			return;
		seen->presence = NODE_STRAY;
		(void)err_reason(
		    &seen->why, ERR_REFUSED, "occupied",
		    "%s: something answers on %s that this state folder did not launch: "
		    "another cluster's enclave, or the folder was lost (--state)",
		    q->node->name, q->node->listen);
	} else if (failure) {
		seen->presence = NODE_UNREACHABLE;
		seen->why = *failure;
		if (failure->code == ERR_TRY_AGAIN || failure->code == ERR_UNREACHABLE)
			(void)err_set(&seen->why, ERR_UNREACHABLE, "%s does not answer (%s)",
			              q->node->name, failure->text);
	} else {
		seen->presence = NODE_PRESENT;
		seen->status = MOVE(*(struct status_reply *)reply);
	}
}

/* A node that the launcher does not know of may have been launched from another state folder: where
 * the file names a port, whoever has it is asked. */
static int find_url(const struct cluster *cluster, const struct state *state, struct question *q,
                    char **ret, struct err *e)
{
	AUTO(buf) struct buf url = BUF_INIT(URL_MAX);
	const char *port;

	if (launcher_url(cluster, state, q->node, ret, &q->seen->why) == 0)
		return 0;
	port = q->node->listen ? strrchr(q->node->listen, ':') : NULL;
	if (!port || strcmp(port, ":0") == 0)
		return 0;
	q->is_stray = true;
	TRY(buf_add_format(&url, e, "%s://%s", cluster->tls.server_cert ? "https" : "http",
	                   q->node->listen));
	return text_dup(buf_text(&url), ret, e);
}

static int ask(const struct cluster *cluster, const struct state *state, struct client *client,
               const struct observe_options *options, struct question *q, struct err *e)
{
	AUTO(text) char *url = NULL;
	struct client_exchange exchange = {
		.node = q->node->name,
		.api = API_STATUS,
		.on_done = on_status,
		.context = q,
		.timeout_ms = options->timeout_ms,
		.attempts = options->attempts,
	};

	TRY(find_url(cluster, state, q, &url, e));
	if (!url)
		return 0;
	if (q->is_stray)
		exchange.attempts = 1;
	exchange.url = url;
	TRY(client_start(client, &exchange, e));
	if (!q->is_stray)
		q->seen->url = MOVE(url);
	return 0;
}

static int ask_all(const struct cluster *cluster, const struct state *state, struct client *client,
                   const struct observe_options *options, struct question *questions,
                   struct observation *o, struct err *e)
{
	for (size_t i = 0; i < o->count; i++) {
		if (options->only && *options->only != i) {
			(void)err_set(&o->nodes[i].why, ERR_NOT_DESIRED, "%s was not asked",
			              cluster->nodes[i].name);
			continue;
		}
		questions[i] = (struct question){ &cluster->nodes[i], &o->nodes[i], false };
		TRY(ask(cluster, state, client, options, &questions[i], e));
	}
	return client_run(client, options->deadline_ms, options->interrupt_fd,
	                  options->on_interrupt, options->interrupt_context, e);
}

int observe(const struct cluster *cluster, const struct state *state, struct client *client,
            const struct observe_options *options, struct observation *ret, struct err *e)
{
	AUTO(observation) struct observation o = { 0 };
	AUTO(questions) struct question *questions = NULL;

	TRY(state_load_genesis(state, &o.has_genesis, &o.genesis, e));
	o.nodes = calloc(cluster->node_count, sizeof(*o.nodes));
	questions = calloc(cluster->node_count, sizeof(*questions));
	if (!o.nodes || !questions)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", cluster->node_count);
	o.count = cluster->node_count;
	TRY(ask_all(cluster, state, client, options, questions, &o, e));
	*ret = MOVE(o);
	return 0;
}

bool observation_is_lost(const struct observation *o)
{
	for (size_t i = 0; i < o->count; i++) {
		enum standing standing = node_standing(o, i);

		/* One that waits for the key to be forwarded can't bring it back. */
		if (o->nodes[i].presence == NODE_UNREACHABLE || standing == STANDS_READY ||
		    (standing == STANDS_WAITING && node_phase(o, i) != PHASE_WAITING_FOR_KEY))
			return false;
	}
	return o->has_genesis;
}

enum phase node_phase(const struct observation *o, size_t node)
{
	return (enum phase)o->nodes[node].status.phase;
}

enum standing node_standing(const struct observation *o, size_t node)
{
	const struct node_seen *seen = &o->nodes[node];
	const struct status_reply *status = &seen->status;

	if (seen->presence == NODE_STRAY)
		return STANDS_OCCUPIED;
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

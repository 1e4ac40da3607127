#include "orchestrate/observe.h"

#include "base/clock.h"
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
	kept_manifests_drop(&o->older);
	*o = (struct observation){ 0 };
}

/* One question, and where its answer goes. */
struct question {
	const struct state *state;
	const struct cluster_node *node;
	struct node_seen *seen;
	const struct observe_options *options;
	bool is_stray;
};

/* Another run may have begun to start it since the launcher was asked. */
static bool is_launched_now(const struct question *q)
{
	struct local_node local;
	struct err ignored;

	return launcher_look(q->state, q->node, &local, &ignored) == 0 && local.is_running;
}

/* "tee1: status: WHY" is about to be told of tee1, as an answer to status. */
static const char *without_origin(const struct question *q, const char *text)
{
	size_t node = strlen(q->node->name), operation = strlen(api_table[API_STATUS].name);

	if (strncmp(text, q->node->name, node) != 0 || strncmp(text + node, ": ", 2) != 0)
		return text;
	text += node + 2;
	return strncmp(text, api_table[API_STATUS].name, operation) == 0 &&
	               strncmp(text + operation, ": ", 2) == 0
	           ? text + operation + 2
	           : text;
}

static void questions_drop(struct question **questions)
{
	free(*questions);
}

/* That the look's time is up says nothing of what is wrong with the node. */
static const char *its_reason(const struct err *failure)
{
	return strcmp(failure->reason, CLIENT_NO_TIME) == 0 ? "" : failure->reason;
}

/* Did it end because the whole command's time did? libcurl may say so in words of its own. */
static bool is_late(const struct question *q, const struct err *failure)
{
	return q->options->is_cut_short && (failure->code == ERR_TRY_AGAIN ||
	                                    (failure->code == ERR_UNREACHABLE &&
	                                     clock_monotonic_ms() >= q->options->deadline_ms));
}

/* One that wants to be asked again may be so after the time that there is. */
static void tell_late(struct question *q, const struct err *failure)
{
	if (clock_monotonic_ms() >= q->options->deadline_ms)
		(void)err_reason(&q->seen->why, ERR_TRY_AGAIN, OBSERVATION_LATE,
		                 "%s had not answered when the command's time was up",
		                 q->node->name);
	else
		(void)err_reason(&q->seen->why, ERR_TRY_AGAIN, OBSERVATION_LATE,
		                 "%s had not answered in the command's time (%s)", q->node->name,
		                 without_origin(q, failure->text));
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
		if (is_launched_now(q)) {
			seen->presence = NODE_UNREACHABLE;
			(void)err_set(&seen->why, ERR_UNREACHABLE, "%s is just being started",
			              q->node->name);
			return;
		}
		seen->presence = NODE_STRAY;
		(void)err_reason(
		    &seen->why, ERR_REFUSED, "occupied",
		    "%s: something answers on %s that this state folder did not launch: "
		    "another cluster's enclave, or the folder was lost",
		    q->node->name, q->node->listen);
	} else if (failure) {
		seen->presence = NODE_UNREACHABLE;
		seen->why = *failure;
		seen->is_silent = failure->code == ERR_TRY_AGAIN || is_late(q, failure);
		if (is_late(q, failure))
			tell_late(q, failure);
		else if (failure->code == ERR_TRY_AGAIN || failure->code == ERR_UNREACHABLE)
			(void)err_reason(&seen->why, ERR_UNREACHABLE, its_reason(failure),
			                 "%s does not answer (%s)", q->node->name,
			                 without_origin(q, failure->text));
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
	if (!port || strcmp(port, ":0") == 0 || is_launched_now(q))
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
		.ret_round_trip_us = &q->seen->rtt_us,
		.is_refusal_final = true,
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
		if ((options->only && *options->only != i) ||
		    (options->chosen && !options->chosen[i])) {
			/* Nothing is known of it: it may have the key. */
			o->nodes[i].presence = NODE_UNREACHABLE;
			(void)err_set(&o->nodes[i].why, ERR_NOT_DESIRED, "%s was not asked",
			              cluster->nodes[i].name);
			continue;
		}
		questions[i] = (struct question){ .state = state,
			                          .node = &cluster->nodes[i],
			                          .seen = &o->nodes[i],
			                          .options = options };
		TRY(ask(cluster, state, client, options, &questions[i], e));
	}
	return client_run(client, options->deadline_ms, options->interrupt_fd,
	                  options->on_interrupt, options->interrupt_context, e);
}

/* A file of ours that TLS can't use is no fault of the nodes. */
static int check_own_files(const struct observation *o, struct err *e)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->nodes[i].presence == NODE_UNREACHABLE &&
		    strcmp(o->nodes[i].why.reason, CLIENT_TLS_FILE) == 0) {
			*e = o->nodes[i].why;
			return -1;
		}
	return 0;
}

int observe(const struct cluster *cluster, const struct state *state, struct client *client,
            const struct observe_options *options, struct observation *ret, struct err *e)
{
	AUTO(observation) struct observation o = { 0 };
	AUTO(questions) struct question *questions = NULL;

	TRY(state_load_genesis(state, &o.has_genesis, &o.genesis, e));
	if (o.has_genesis) {
		TRY(state_load_older(state, &o.genesis, &o.older, e));
		state_drop_strangers(&o.genesis, &o.older);
	}
	o.nodes = calloc(cluster->node_count, sizeof(*o.nodes));
	questions = calloc(cluster->node_count, sizeof(*questions));
	if (!o.nodes || !questions)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", cluster->node_count);
	o.count = cluster->node_count;
	o.asked_ms = clock_monotonic_ms();
	TRY(ask_all(cluster, state, client, options, questions, &o, e));
	TRY(check_own_files(&o, e));
	*ret = MOVE(o);
	return 0;
}

bool node_may_have_key(const struct observation *o, size_t node)
{
	if (o->nodes[node].presence == NODE_UNREACHABLE)
		return true;
	return node_has_key(o, node) || (node_standing(o, node) == STANDS_WAITING &&
	                                 node_phase(o, node) != PHASE_WAITING_FOR_KEY);
}

bool observation_may_have_key(const struct observation *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (node_may_have_key(o, i))
			return true;
	return false;
}

bool observation_is_lost(const struct observation *o)
{
	return o->has_genesis && !observation_may_have_key(o);
}

bool observation_goes_with(const struct observation *o, const bool *leaving)
{
	bool is_held = false;

	for (size_t i = 0; i < o->count; i++) {
		bool is_ready = node_has_key(o, i);

		if (!leaving[i] && is_ready)
			return false;
		is_held |= leaving[i] && (is_ready || o->nodes[i].presence == NODE_UNREACHABLE);
	}
	return o->has_genesis && is_held;
}

bool node_is_late(const struct observation *o, size_t node)
{
	return o->nodes[node].presence == NODE_UNREACHABLE &&
	       strcmp(o->nodes[node].why.reason, OBSERVATION_LATE) == 0;
}

enum phase node_phase(const struct observation *o, size_t node)
{
	return (enum phase)o->nodes[node].status.phase;
}

const struct manifest *observation_manifest(const struct observation *o, struct view hash)
{
	if (!o->has_genesis)
		return NULL;
	if (view_equal(hash, VIEW_OF(o->genesis.manifest_hash.bytes)))
		return &o->genesis.envelope.manifest;
	for (size_t i = 0; i < o->older.count; i++)
		if (view_equal(hash, VIEW_OF(o->older.items[i].hash.bytes)))
			return &o->older.items[i].envelope.manifest;
	return NULL;
}

struct hash256 node_manifest(const struct observation *o, size_t node)
{
	const struct status_reply *status = &o->nodes[node].status;
	struct hash256 hash = o->genesis.manifest_hash;

	if (status->has_manifest_hash && observation_manifest(o, VIEW_OF(status->manifest_hash)))
		memcpy(hash.bytes, status->manifest_hash, sizeof(hash.bytes));
	return hash;
}

bool node_has_key(const struct observation *o, size_t node)
{
	enum standing standing = node_standing(o, node);

	return standing == STANDS_READY ||
	       (standing == STANDS_OLD && node_phase(o, node) == PHASE_READY);
}

enum standing node_standing(const struct observation *o, size_t node)
{
	const struct node_seen *seen = &o->nodes[node];
	const struct status_reply *status = &seen->status;
	const struct manifest *held;

	if (seen->presence == NODE_STRAY)
		return STANDS_OCCUPIED;
	if (seen->presence != NODE_PRESENT)
		return STANDS_APART;
	if (node_phase(o, node) == PHASE_UNRECOVERABLE)
		return STANDS_BROKEN;
	if (!status->has_manifest_hash)
		return STANDS_EMPTY;
	held = observation_manifest(o, VIEW_OF(status->manifest_hash));
	if (!held)
		return STANDS_OCCUPIED;
	if (status->has_quorum_public_key && !view_equal(VIEW_OF(status->quorum_public_key),
	                                                 public_key_view(&o->genesis.quorum_key)))
		return STANDS_OCCUPIED;
	if (held != &o->genesis.envelope.manifest)
		return STANDS_OLD;
	return node_phase(o, node) == PHASE_READY ? STANDS_READY : STANDS_WAITING;
}

bool node_is_in_genesis(const struct observation *o, size_t node)
{
	return !o->has_genesis && node < o->count && o->nodes[node].presence == NODE_PRESENT &&
	       node_phase(o, node) == PHASE_GENESIS_BOOTED;
}

bool node_waits_for_shares(const struct observation *o, size_t node)
{
	enum phase phase = node_phase(o, node);

	return node_standing(o, node) == STANDS_WAITING &&
	       (phase == PHASE_GENESIS_BOOTED || phase == PHASE_WAITING_FOR_SHARES);
}

#include "cmd.h"
#include "print.h"

#include "base/text.h"
#include "cluster/launcher.h"

#include <stdlib.h>

#define STOP_TIMEOUT_MS 15000 /* an enclave leaves within a second; a busy machine is slower */

#define SHORT_KEY_LEN   4 /* bytes shown of a key: enough to tell two apart at a glance */

enum outcome { OUTCOME_STOPPED, OUTCOME_NOT_RUNNING, OUTCOME_ELSEWHERE, OUTCOME_FAILED };
static const char *const outcome_names[] = { "stopped", "not running", "elsewhere", "failed",
	                                     NULL };
static const enum tone outcome_tones[] = { TONE_GOOD, TONE_FAINT, TONE_FAINT, TONE_BAD };

struct down_args {
	struct text_list nodes;
};

static const struct opt opts[] = {
	{ .kind = OPT_NODE,
	  .metavar = "NODE",
	  .is_list = true,
	  .offset = offsetof(struct down_args, nodes),
	  .doc = "only these; all unless given" },
};

struct down_node {
	struct buf name, note;
	int outcome;
};
static const struct wire_field down_node_fields[] = {
	JSON_TEXT(down_node, name),
	JSON_WORD(down_node, outcome, outcome_names),
	JSON_TEXT(down_node, note),
};
static const struct wire_schema down_node_schema = JSON_SCHEMA(down_node, down_node_fields);

struct down_reply {
	struct wire_list nodes;
};
static const struct wire_field down_reply_fields[] = {
	JSON_LIST(down_reply, nodes, down_node_schema),
};
static const struct wire_schema down_reply_schema = JSON_SCHEMA(down_reply, down_reply_fields);
WIRE_DROP(down_reply);

static int stop(struct context *c, const struct cluster_node *node, struct down_node *ret,
                struct err *e)
{
	struct err failure;
	bool stopped = false;

	TRY(wire_set_text(&ret->name, node->name, e));
	if (!node->listen) {
		ret->outcome = OUTCOME_ELSEWHERE;
		return wire_set_text(&ret->note, "who launched it stops it", e);
	}
	progress_set(&c->progress, 0, 0, "stopping %s", node->name);
	if (launcher_stop(&c->state, node, c->deadline_ms, &stopped, &failure) < 0) {
		ret->outcome = OUTCOME_FAILED;
		return wire_set_text(&ret->note, failure.text, e);
	}
	ret->outcome = stopped ? OUTCOME_STOPPED : OUTCOME_NOT_RUNNING;
	return 0;
}

static void indices_drop(size_t **indices)
{
	free(*indices);
	*indices = NULL;
}

static int stop_all(struct context *c, const struct text_list *names, struct down_reply *ret,
                    struct err *e)
{
	AUTO(indices) size_t *nodes = calloc(c->cluster.node_count, sizeof(*nodes));
	size_t count;

	if (!nodes)
		return err_set(e, ERR_INTERNAL, "no memory for the nodes");
	TRY(context_nodes(c, names, nodes, &count, e));
	for (size_t i = 0; i < count; i++) {
		struct down_node *node;

		TRY(wire_list_add(&ret->nodes, &down_node_schema, &node, e));
		TRY(stop(c, &c->cluster.nodes[nodes[i]], node, e));
	}
	return 0;
}

static int print(struct context *c, const struct down_reply *reply, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("NODE", "OUTCOME", "NOTE");
	const struct down_node *nodes = reply->nodes.items;

	for (size_t i = 0; i < reply->nodes.count; i++) {
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&nodes[i].name)));
		TRY(table_cell(&t, outcome_tones[nodes[i].outcome], e, "%s",
		               outcome_names[nodes[i].outcome]));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&nodes[i].note)));
	}
	table_print(c, &t);
	return print_json(c, &down_reply_schema, reply, e);
}

static int count_running(const struct context *c, size_t *ret, struct err *e)
{
	*ret = 0;
	for (size_t i = 0; i < c->cluster.node_count; i++) {
		struct local_node here = { 0 };

		if (c->cluster.nodes[i].listen)
			TRY(launcher_look(&c->state, &c->cluster.nodes[i], &here, e));
		/* Of one that others launched nothing is known here. */
		*ret += here.is_running || !c->cluster.nodes[i].listen;
	}
	return 0;
}

/* The key dies with the last TEE that has it. That was asked for, but may not have been meant. */
static int tell_lost_key(struct context *c, const struct down_reply *reply, struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis genesis = { 0 };
	const struct down_node *nodes = reply->nodes.items;
	char key[2 * SHORT_KEY_LEN + 1];
	size_t stopped = 0, running;
	bool is_found = false;

	for (size_t i = 0; i < reply->nodes.count; i++)
		stopped += nodes[i].outcome == OUTCOME_STOPPED;
	TRY(count_running(c, &running, e));
	if (stopped == 0 || running > 0)
		return 0;
	TRY(state_load_genesis(&c->state, &is_found, &genesis, e));
	if (!is_found)
		return 0;
	/* Byte 0 of a key says that it is a point; what tells keys apart comes after it. */
	hex_write(view_new(genesis.quorum_key.bytes + 1, SHORT_KEY_LEN), key);
	progress_say(&c->progress,
	             "no TEE holds quorum key %s… any more; this version can't bring it back from "
	             "the shares (keep %s and the members' keys)",
	             key, c->state.folder);
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(down_reply) struct down_reply reply = { 0 };
	const struct down_args *args = arguments;
	const struct down_node *nodes;
	size_t failed = 0;

	TRY(stop_all(c, &args->nodes, &reply, e));
	TRY(print(c, &reply, e));
	TRY(tell_lost_key(c, &reply, e));
	nodes = reply.nodes.items;
	for (size_t i = 0; i < reply.nodes.count; i++)
		failed += nodes[i].outcome == OUTCOME_FAILED;
	if (failed)
		return err_set(e, ERR_PARTIAL, "%zu of %zu nodes could not be stopped", failed,
		               reply.nodes.count);
	return 0;
}

const struct cmd cmd_down = {
	.name = "down",
	.summary = "stop the enclaves that run here",
	.details = "Stops the enclaves that `up` has launched from this cluster file, all or those "
	           "named: first they are asked to finish what is in flight, and at the deadline "
	           "they are killed. Their keys are gone with them; what is in the state "
	           "directory stays. Nodes that others launched are left alone. Where nothing "
	           "runs, there is nothing to do.\n\n"
	           "When the last one of a cluster with a quorum key stops, that is told: this "
	           "version can't bring the key back from its shares.",
	.examples = { { "teectl down", "stop all" }, { "teectl down tee2 tee3", "stop two" } },
	.exits = { 4 },
	.needs = NEEDS_CLUSTER | NEEDS_CHANGE,
	.timeout_ms = STOP_TIMEOUT_MS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct down_args),
	.run = run,
};

#include "session.h"

#include <stdlib.h>

struct propagate_args {
	int topology;
	const char *from;
	struct text_list to;
};

static const struct opt opts[] = {
	{ .name = "topology",
	  .kind = OPT_WORD,
	  .metavar = "WAY",
	  .offset = offsetof(struct propagate_args, topology),
	  .words = topology_names,
	  .doc = "the key's way; in this version: chain" },
	{ .name = "from",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .offset = offsetof(struct propagate_args, from),
	  .doc = "the first source, which must have the key" },
	{ .name = "to",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .is_list = true,
	  .offset = offsetof(struct propagate_args, to),
	  .doc = "only to these nodes" },
};

/* No names: all. */
static int fill_targets(const struct context *c, const struct text_list *names, bool *targets,
                        struct err *e)
{
	for (size_t i = 0; i < c->cluster.node_count; i++)
		targets[i] = names->count == 0;
	for (size_t i = 0; i < names->count; i++) {
		size_t node = 0;

		TRY(context_node(c, names->items[i], &node, e));
		targets[node] = true;
	}
	return 0;
}

static int reach(struct context *c, const struct propagate_args *args, bool *targets, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	struct goal goal = { .kind = GOAL_PROPAGATE,
		             .topology = c->cluster.propagate.topology,
		             .targets = targets };

	TRY(fill_targets(c, &args->to, targets, e));
	if (args->topology >= 0)
		goal.topology = (enum topology)args->topology;
	goal.has_source = args->from != NULL;
	if (goal.has_source)
		TRY(context_node(c, args->from, &goal.source, e));
	TRY(session_open(c, /* to_change= */ true, NULL, &r, e));
	return session_reach(c, &r, &goal, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	bool *targets = calloc(c->cluster.node_count, sizeof(*targets));
	int result;

	if (!targets)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	result = reach(c, arguments, targets, e);
	free(targets);
	return result;
}

const struct cmd cmd_propagate = {
	.name = "propagate",
	.summary = "forward the key to the TEEs that lack it",
	.details =
	    "Forwards the quorum key from a TEE that has it along the chain of nodes, in the "
	    "file's order. One forward is: the manifest to the target; the target's attestation "
	    "with a fresh nonce, verified here before the source is asked for anything; the "
	    "export at the source, which verifies the same document for itself; the injection at "
	    "the target; and, beside the next forward, a key proof with a fresh challenge. What "
	    "passes through is sealed to the target's attested setup key.\n\n"
	    "A target that fails does not hold up the rest: the next gets the key from the last "
	    "TEE of the chain that has it (exit 4, and which node). Run again, it does what is "
	    "missing.",
	.examples = { { "teectl propagate", "to all that lack the key" },
	              { "teectl propagate --from tee1 --to tee3", "one hop" } },
	.exits = { 2, 4, 5, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 120000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct propagate_args),
	.run = run,
};

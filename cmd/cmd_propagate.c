#include "choose.h"

struct propagate_args {
	int topology;
	const char *from, *trace;
	struct text_list to, only;
};

static const struct opt opts[] = {
	OPT_TOPOLOGY(propagate_args),
	{ .name = "from",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .offset = offsetof(struct propagate_args, from),
	  .doc = "the first source, which must have the key" },
	{ .name = "to",
	  .kind = OPT_SELECTOR,
	  .metavar = "SELECTOR",
	  .is_list = true,
	  .offset = offsetof(struct propagate_args, to),
	  .doc = "only to these nodes: names, labels, states; see SELECTORS in teectl(1)" },
	OPT_ONLY(propagate_args),
	OPT_TRACE(propagate_args),
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct propagate_args *args = arguments;
	struct goal goal = { .kind = GOAL_PROPAGATE,
		             .topology = session_topology(c, args->topology),
		             .has_source = args->from != NULL };

	if (args->to.count && args->only.count)
		return err_set(e, ERR_USAGE, "--to and --only choose the same: one of the two");
	if (goal.has_source)
		TRY(context_node(c, args->from, &goal.source, e));
	TRY(session_trace(c, args->trace, e));
	TRY(choice_open_whole(c, args->to.count ? &args->to : &args->only, &choice, &r, &goal, e));
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_propagate = {
	.name = "propagate",
	.summary = "forward the key to the TEEs that lack it",
	.details =
	    "Forwards the quorum key from a TEE that has it to those that lack it: along the "
	    "chain of nodes in the file's order; in a star, from the source to all; or as a "
	    "tree, from every TEE that has it, at most propagate.parallel forwards from one at "
	    "once. One forward is: the manifest to the target; the target's attestation "
	    "with a fresh nonce, verified here before the source is asked for anything; the "
	    "export at the source, which verifies the same document for itself; the injection at "
	    "the target; and, beside the next forward, a key proof with a fresh challenge. What "
	    "passes through is sealed to the target's attested setup key.\n\n"
	    "A target that fails does not hold up the rest (exit 4, and which node); of a source "
	    "that fails another TEE that has the key takes the place. Run again, it does what "
	    "is missing.",
	.examples = { { "teectl propagate", "to all that lack the key" },
	              { "teectl propagate --from tee1 --to tee3", "one hop" },
	              { "teectl propagate --to region=eu", "to the nodes of a region" },
	              { "teectl propagate --topology tree",
	                "every TEE that has it passes it on" } },
	.exits = { 2, 4, 5, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 120000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct propagate_args),
	.run = run,
};

#include "choose.h"

struct up_args {
	struct text_list only, nodes;
};

static const struct opt opts[] = {
	OPT_ONLY(up_args),
	{ .kind = OPT_SELECTOR,
	  .metavar = "SELECTOR",
	  .is_list = true,
	  .offset = offsetof(struct up_args, nodes),
	  .doc = "the same as --only" },
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct up_args *args = arguments;
	const struct text_list *chosen = args->only.count ? &args->only : &args->nodes;
	struct goal goal = { .kind = GOAL_UP };

	if (args->only.count && args->nodes.count)
		return err_set(e, ERR_USAGE, "nodes are named as operands or by --only, not both");
	TRY(choice_open(c, /* to_change= */ true, CHOICE_ALONE, chosen, &choice, &r, e));
	goal.targets = choice.flags;
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_up = {
	.name = "up",
	.summary = "launch the enclaves of this machine and verify all",
	.details =
	    "Measures the image, launches the nodes that the cluster file gives a listen address "
	    "and that do not run yet, waits until each one serves, and verifies every node by a "
	    "live attestation with a fresh nonce: the chain to the pinned root, PCR0 to PCR3, "
	    "age, not debug. A node that was just launched and fails is stopped and named (exit "
	    "5); one that ran before is only named, since it may be the last that holds the "
	    "key.\n\n"
	    "What is expected of PCR0 to PCR3 is the manifest's once there is one, else what the "
	    "cluster file pins (teectl measure --write), else what is measured here and now.",
	.examples = { { "teectl up", "launch and verify what cluster.yaml names" },
	              { "teectl up tee2 tee3", "launch and verify those two" },
	              { "teectl up @gone", "launch what is not running" },
	              { "teectl -f prod.yaml up --timeout 30s",
	                "another file, another deadline" } },
	.exits = { 4, 5, 66, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct up_args),
	.run = run,
};

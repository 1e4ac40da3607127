#include "choose.h"

struct status_args {
	struct text_list only;
	bool wide;
};

static const struct opt opts[] = {
	OPT_ONLY(status_args),
	OPT_WIDE(status_args),
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct status_args *args = arguments;
	struct goal goal = { .kind = GOAL_STATUS };

	c->is_wide = args->wide;
	TRY(choice_open(c, /* to_change= */ false, CHOICE_ALONE, &args->only, &choice, &r, e));
	goal.targets = choice.flags;
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_status = {
	.name = "status",
	.summary = "show every node, what is missing, what to type next",
	.details =
	    "Asks every node for its phase and, with a fresh nonce, for a live attestation. "
	    "PHASE, MANIFEST and QUORUM KEY are what the node says of itself; VERIFIED says "
	    "whether its document holds against the cluster's policy, and if not, which check "
	    "failed. Every node is one of: ready, not ready, waiting for people, failed, gone. "
	    "Ends with what is missing and the command that comes next; status 0 only when all "
	    "are ready and verified.\n\n"
	    "Of more than forty nodes a count of each state comes first, then those that are not "
	    "ready and verified, the worst first and at most forty; --wide shows all, and -o json "
	    "always has them, in the file's order. --wide and -o json have the pid too, of the "
	    "hypervisor of each node that was launched here: who ends that one ends the enclave. "
	    "--wide tells the enclaves' role, and whether seeds are for whoever asks, which under "
	    "AWS's root is always told. "
	    "Where nodes have a label region, each region is "
	    "counted by itself. With --only it is about the nodes chosen, and so is the status.\n\n"
	    "Where the trust anchor is not AWS's, attestation is called simulated.",
	.examples = { { "teectl status", "the table" },
	              { "teectl status --only region=eu,@failed", "what failed in a region" },
	              { "teectl status -o json | jq -r .next", "what to type next" } },
	.exits = { 2, 5, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct status_args),
	.run = run,
};

#include "session.h"

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;

	(void)arguments;
	TRY(session_open(c, /* to_change= */ false, NULL, &r, e));
	return session_reach(c, &r, &(struct goal){ .kind = GOAL_STATUS }, e);
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
	    "Where the trust anchor is not AWS's, attestation is called simulated.",
	.examples = { { "teectl status", "the table" },
	              { "teectl status -o json | jq -r .next", "what to type next" } },
	.exits = { 2, 5, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 30000,
	.run = run,
};

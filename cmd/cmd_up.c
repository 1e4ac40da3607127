#include "session.h"

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;

	(void)arguments;
	TRY(session_open(c, /* to_change= */ true, NULL, &r, e));
	return session_reach(c, &r, &(struct goal){ .kind = GOAL_UP }, e);
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
	              { "teectl -f prod.yaml up --timeout 30s",
	                "another file, another deadline" } },
	.exits = { 4, 5, 66, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.run = run,
};

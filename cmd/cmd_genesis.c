#include "session.h"

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;

	(void)arguments;
	TRY(session_open(c, /* to_change= */ true, NULL, &r, e));
	return session_reach(c, &r, &(struct goal){ .kind = GOAL_GENESIS }, e);
}

const struct cmd cmd_genesis = {
	.name = "genesis",
	.summary = "have the quorum key born in the source TEE",
	.details =
	    "Asks the source TEE (propagate.source) to make the quorum key and to seal one share "
	    "of it to each member. The answer is believed by its attestation document alone: "
	    "root, PCRs, no nonce, no key, not older than the question; what it attests must be "
	    "the cluster file's share set, thresholds, disaster-recovery key, namespace and "
	    "pivot. A second document must commit to the manifest. Without both nothing is kept "
	    "(exit 5).\n\n"
	    "Kept in the state: the manifest envelope, the genesis output and its document, and "
	    "shares/NAME.share for each member, which only that member's key opens. A second "
	    "genesis over a living quorum is refused.",
	.examples = { { "teectl genesis", "once in the life of a cluster" } },
	.exits = { 2, 5, 66, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.run = run,
};

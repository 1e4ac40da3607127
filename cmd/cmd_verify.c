#include "session.h"

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;

	(void)arguments;
	TRY(session_open(c, /* to_change= */ false, NULL, &r, e));
	return session_reach(c, &r, &(struct goal){ .kind = GOAL_VERIFY }, e);
}

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "prove by attestation that every TEE holds the key",
	.details =
	    "Takes from every node a live attestation with a fresh nonce and a key proof with a "
	    "fresh challenge, and checks root, chain, nonce, age, PCR0 to PCR3, manifest hash and "
	    "the quorum key's signature over the proof's own document. The proof can't be fetched "
	    "from another TEE. No seed phrase is asked for.",
	.examples = { { "teectl verify", "status 0: all hold the same key" },
	              { "teectl verify -o json | jq '.nodes[] | {name, key_proved}'",
	                "for a script" } },
	.exits = { 2, 4, 5, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.run = run,
};

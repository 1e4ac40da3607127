#include "choose.h"

struct verify_args {
	struct text_list only;
	bool wide;
};

static const struct opt opts[] = {
	OPT_ONLY(verify_args),
	OPT_WIDE(verify_args),
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct verify_args *args = arguments;
	struct goal goal = { .kind = GOAL_VERIFY };

	c->is_wide = args->wide;
	TRY(choice_open(c, /* to_change= */ false, CHOICE_ALONE, &args->only, &choice, &r, e));
	goal.targets = choice.flags;
	r.options.records = true;
	return session_reach(c, &r, &goal, e);
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
	              { "teectl verify --only role=canary", "status 0: those do" },
	              { "teectl verify -o json | jq '.nodes[] | {name, key_proved}'",
	                "for a script" } },
	.exits = { 2, 4, 5, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct verify_args),
	.run = run,
};

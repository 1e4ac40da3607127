#include "choose.h"
#include "passphrase.h"

struct inject_args {
	int64_t passphrase_fd;
	struct text_list only;
};

static const struct opt opts[] = {
	OPT_ONLY(inject_args),
	PASSPHRASE_FD_OPT(inject_args, passphrase_fd),
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct inject_args *args = arguments;
	struct goal goal = { .kind = GOAL_INJECT };
	AUTO(passphrases) struct passphrases p = { 0 };

	c->passphrases = passphrases_begin(&p, c, args->passphrase_fd);
	TRY(choice_open_whole(c, &args->only, &choice, &r, &goal, e));
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_inject = {
	.name = "inject",
	.summary = "give the TEE the members' shares that are here",
	.details =
	    "Opens the shares of the members whose keys the cluster file names and that are here, "
	    "compares each with the hash that the genesis attested, and seals it to the setup key "
	    "that the waiting TEE has committed to in a fresh attestation document. No more "
	    "shares are opened than are needed; none is ever written in the clear.\n\n"
	    "With too few it ends with status 3 and names the members who are waited for; run "
	    "again when another key is here, it goes on from there. A wrong share names its "
	    "member, and the good ones count.\n\n"
	    "With --only the shares go to the first of those nodes that waits for them; where "
	    "none of them does, no share is opened. One that waits gets them beside a TEE that has "
	    "the key too: it is forwarded nothing. Where nobody began it on purpose (teectl "
	    "recover --to), start it anew instead, which needs no shares: whoever reaches a fresh "
	    "TEE can have it wait, once a manifest with approvals is out.",
	.examples = { { "teectl inject", "with the keys that are on this machine" },
	              { "teectl inject --only tee2", "to this one, where several wait" },
	              { "teectl inject -o json | jq .waiting_for", "whom to call" } },
	.exits = { 2, 3, 5, 65, 66, 69, 75, 77 },
	.needs = NEEDS_RUN | NEEDS_SECRETS,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct inject_args),
	.run = run,
};

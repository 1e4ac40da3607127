#include "choose.h"
#include "drill.h"
#include "passphrase.h"

struct recover_args {
	int practice; /* index into practices, or -1 */
	int64_t passphrase_fd;
	struct text_list only, to;
};

static const char *const practices[] = { "drill", NULL };

static const struct opt opts[] = {
	{ .name = "to",
	  .kind = OPT_SELECTOR,
	  .metavar = "SELECTOR",
	  .is_list = true,
	  .offset = offsetof(struct recover_args, to),
	  .doc = "the fresh TEEs to restart the quorum on: each of them" },
	OPT_ONLY(recover_args),
	PASSPHRASE_FD_OPT(recover_args, passphrase_fd),
	{ .kind = OPT_WORD,
	  .metavar = "drill",
	  .offset = offsetof(struct recover_args, practice),
	  .words = practices,
	  .doc = "practise it, with throw-away enclaves and a key of their own" },
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct recover_args *args = arguments;
	AUTO(passphrases) struct passphrases p = { 0 };
	struct goal goal = { .kind = GOAL_RECOVER, .restarts_all = args->to.count > 0 };

	if (args->practice >= 0 && (args->to.count || args->only.count))
		return err_set(e, ERR_USAGE, "%s is of a recovery: a drill has nodes of its own",
		               args->to.count ? "--to" : "--only");
	if (args->to.count && args->only.count)
		return err_set(e, ERR_USAGE,
		               "--to names the TEEs to restart the quorum on, and --only those "
		               "that it may be: one of the two");
	c->passphrases = passphrases_begin(&p, c, args->passphrase_fd);
	if (args->practice >= 0)
		return drill_verb(c, e);
	TRY(choice_open_whole(c, args->to.count ? &args->to : &args->only, &choice, &r, &goal, e));
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_recover = {
	.name = "recover",
	.summary = "bring the quorum key back after every TEE is lost",
	.details =
	    "Restarts the quorum on a fresh TEE (teectl up launches one): verifies it by attestation, "
	    "sends it the manifest with the approvals of the manifest set, verifies that it has "
	    "committed to that manifest and a setup key, seals the members' shares to that key, and has "
	    "it prove that it holds the same quorum key as before. Then teectl propagate does the rest.\n\n"
	    "Approvals that are kept with the manifest count; what is missing is signed by those members "
	    "of the manifest set whose keys are here. Too few end with status 3 and the names of those who "
	    "must approve. Shares are taken as by teectl inject, from the state or from NAME.share "
	    "beside NAME.secret: too few end with status 3 and the names, and teectl inject goes on from "
	    "there, or, where the members live elsewhere, teectl share request and teectl share "
	    "submit. A wrong share names its member and stops nobody.\n\n"
	    "Where a TEE has the key there is nothing to recover, and where one waits for shares they go "
	    "to that one: no quorum is restarted beside one that lives. A node that does not answer is "
	    "not waited for. With --only the quorum is restarted on one of those nodes: the cluster "
	    "file's propagate.source if it is a fresh one of them, else the first that is; where a TEE "
	    "that is none of them waits for shares, it is refused.\n\n"
	    "With --to it is restarted on each of those nodes, beside one that waits for shares too: "
	    "they have one manifest, and can have no key but that of before. The shares that are here "
	    "go to each of them. Where the members live elsewhere, teectl share request asks them for "
	    "all that wait, and the loss of one of them costs no second call.\n\n"
	    "teectl recover drill checks the share of each member whose key is here as teectl share "
	    "check does: it opens and is the one that the genesis attested. Then everything is done "
	    "for real, with another key: two throw-away enclaves of the file's image are launched on "
	    "free ports, a genesis seals shares of a key of its own to the same members, the members' "
	    "keys open them, every TEE is stopped, and on a fresh one the key is brought back and "
	    "proved. The cluster's own TEEs are not asked anything, and its state is only read; what "
	    "the drill makes lies in the folder `drill` of the state, and is gone at the end. A drill "
	    "that was killed is cleared away by the next. As many keys must be here as a recovery "
	    "needs, else it ends with status 3 and names the members; a share that is wrong is told "
	    "at the end (status 65), even if the others would do.",
	.examples = { { "teectl recover", "between teectl up and teectl propagate" },
	              { "teectl recover --to tee2", "on a TEE of your choice" },
	              { "teectl recover --to tee1,tee2", "on two, so that one may be lost" },
	              { "teectl recover --only region=eu", "on one of a region" },
	              { "teectl recover drill", "practise it, with the keys that are here" },
	              { "teectl recover -o json | jq .waiting_for", "whom to call" } },
	.exits = { 2, 3, 5, 65, 66, 69, 75 },
	.needs = NEEDS_RUN | NEEDS_SECRETS,
	.timeout_ms = 120000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct recover_args),
	.run = run,
};

#include "choose.h"
#include "session.h"

struct retire_args {
	bool lose_key;
	struct text_list nodes;
};

static const struct opt opts[] = {
	{ .name = "lose-key",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct retire_args, lose_key),
	  .doc = "also those with which the quorum key is gone" },
	{ .kind = OPT_SELECTOR,
	  .metavar = "SELECTOR",
	  .is_list = true,
	  .is_required = true,
	  .offset = offsetof(struct retire_args, nodes),
	  .doc = "who gives up the key: names, labels, states" },
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct retire_args *args = arguments;

	TRY(choice_open(c, /* to_change= */ true, CHOICE_OF_WHOLE, &args->nodes, &choice, &r, e));
	r.options.chosen = NULL; /* the report is of all: those that stay have the key */
	return session_reach(c, &r,
	                     &(struct goal){ .kind = GOAL_RETIRE,
	                                     .targets = choice.flags,
	                                     .lose_key = args->lose_key },
	                     e);
}

const struct cmd cmd_retire = {
	.name = "retire",
	.summary = "have TEEs give up the quorum key for good",
	.details =
	    "Ends the nodes named, when all others that have the quorum key have been verified and "
	    "have proved it with a fresh challenge. A node that runs here is stopped. One that "
	    "others launched is told to wipe the key (/enclave/retire, with mutual TLS as operator), "
	    "and its receipt, signed by the key before it went, is verified and kept. One that does "
	    "not answer, or lets nobody tell it, is named for those who launched it (status 2).\n\n"
	    "The last that has the key is not retired, unless --lose-key is given: then nobody is "
	    "asked for a proof, and the members' shares must bring the key back (teectl recover). "
	    "A node that holds nothing is left as it is.",
	.examples = { { "teectl retire tee1 tee2", "after an upgrade onto nodes beside them" },
	              { "teectl retire tee1 && teectl up", "start one anew" } },
	.exits = { 2, 4, 5, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct retire_args),
	.run = run,
};

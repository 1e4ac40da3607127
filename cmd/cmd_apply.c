#include "choose.h"
#include "passphrase.h"

#include "base/clock.h"
#include "base/file.h"
#include "orchestrate/plan_file.h"

#include <stdlib.h>

struct apply_args {
	struct text_list only;
	int topology;
	int64_t passphrase_fd;
	const char *plan, *trace;
};

static const struct opt opts[] = {
	OPT_ONLY(apply_args),
	OPT_TOPOLOGY(apply_args),
	{ .name = "plan",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct apply_args, plan),
	  .doc = "what teectl plan --out has saved: only while all is as it was seen" },
	OPT_TRACE(apply_args),
	PASSPHRASE_FD_OPT(apply_args, passphrase_fd),
};

/* --- a plan that was saved --- */

static int read_plan(const char *path, struct plan_file *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PLAN_FILE_MAX);

	TRY(file_read_guarded(path, /* may_be_pipe= */ true, &text, e));
	if (plan_file_parse(buf_view(&text), ret, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

/* Under the state's lock, and with the very look that the steps are then made from. */
static int check_plan(const struct run *r, const struct plan_file *saved, const struct goal *goal,
                      struct err *e)
{
	AUTO(plan_file) struct plan_file now = { 0 };
	AUTO(plan) struct plan plan = { 0 };

	TRY(plan_make(r->cluster, &r->seen, goal, &plan, e));
	TRY(plan_file_make(r->cluster, &r->seen, goal, &plan, clock_unix_ms(), &now, e));
	return plan_file_check(saved, &now, e);
}

static int apply_saved(struct context *c, const struct apply_args *args, struct err *e)
{
	AUTO(plan_file) struct plan_file saved = { 0 };
	AUTO(flags) bool *targets = NULL;
	AUTO(run) struct run r = RUN_INIT;
	struct goal goal = { .kind = GOAL_APPLY };

	if (args->topology >= 0 || args->only.count)
		return err_set(
		    e, ERR_USAGE,
		    "--plan says the way and the nodes: --topology and --only exclude it");
	TRY(read_plan(args->plan, &saved, e));
	TRY(plan_file_check_cluster(&saved, &c->cluster, e));
	TRY(plan_file_targets(&saved, &targets, e));
	goal.topology = (enum topology)saved.topology;
	goal.targets = targets;
	TRY(session_open(c, /* to_change= */ true, NULL, &r, e));
	TRY(check_plan(&r, &saved, &goal, e));
	return session_reach(c, &r, &goal, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct apply_args *args = arguments;
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	struct goal goal = { .kind = GOAL_APPLY, .topology = session_topology(c, args->topology) };
	AUTO(passphrases) struct passphrases p = { 0 };

	c->passphrases = passphrases_begin(&p, c, args->passphrase_fd);
	TRY(session_trace(c, args->trace, e));
	if (args->plan)
		return apply_saved(c, args, e);
	TRY(choice_open(c, /* to_change= */ true, CHOICE_DESIRED, &args->only, &choice, &r, e));
	goal.targets = choice.flags;
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_apply = {
	.name = "apply",
	.summary = "make the cluster what the file says",
	.details =
	    "Does what is missing, all of it, as far as nothing stands in the way: launches the "
	    "nodes of this machine that do not run, verifies every node, and brings the quorum "
	    "key to each. Where no key is yet, a genesis gives birth to one; where all TEEs that "
	    "had it are gone, boot-standard and the members' shares bring it back; where one has "
	    "it, it is forwarded from TEE to TEE. Everything whose needs are met runs at once. "
	    "Each node proves at the end that it holds the key.\n\n"
	    "A node that fails does not hold up the rest (exit 4, and which). Where shares or "
	    "approvals are missing, it says whose (exit 3). Interrupted or killed at any moment, "
	    "the same command goes on from there; when nothing is missing it does nothing and "
	    "says so. It never makes a second key: a genesis is refused beside a living quorum.\n\n"
	    "With --only it launches and forwards to the nodes chosen alone; a genesis is done only "
	    "where its node is among them. With --plan it does what teectl plan --out has saved, if "
	    "the cluster file and every node are still as they were; else it says what differs "
	    "(status 2) and does nothing.\n\n"
	    "TEEs of an older manifest stay as they are: their turn is teectl upgrade, which is "
	    "named at the end (status 2). So is an image of the file that is not the current "
	    "manifest's, where it is on this machine: it needs a manifest of its own first.\n\n"
	    "On a terminal a bar shows how far it is, the round of the key's way, the rate and "
	    "the time left; elsewhere it is a line a change, and one when nothing has changed for "
	    "ten seconds. With -o ndjson each event is a line of JSON on standard output, and the "
	    "report after them, and behind that, where it failed, the error. --trace writes how "
	    "long each step and each exchange took.",
	.examples = { { "teectl apply", "from nothing to a cluster that shares its key" },
	              { "teectl apply --topology tree", "by another way than the file's" },
	              { "teectl apply --only region=eu", "some nodes" },
	              { "teectl apply --plan plan.json", "what plan --out has saved, or nothing" },
	              { "teectl apply -o ndjson | jq -r 'select(.event == \"failed\").node'",
	                "what fails, while it happens" } },
	.exits = { 2, 3, 4, 5, 65, 66, 69, 75, 77 },
	.needs = NEEDS_RUN | NEEDS_SECRETS,
	.timeout_ms = 600000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct apply_args),
	.run = run,
};

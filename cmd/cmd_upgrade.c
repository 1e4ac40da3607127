#include "choose.h"

#define AT_ONCE_MAX 64 /* as upgrade.parallel of the cluster file */

struct upgrade_args {
	int64_t first, parallel;
	bool retire;
	struct text_list only;
};

static const struct opt opts[] = {
	OPT_ONLY(upgrade_args),
	{ .name = "first",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  .min = 1,
	  .max = CLUSTER_NODES_MAX,
	  .offset = offsetof(struct upgrade_args, first),
	  .doc = "nodes to prove the key before all others; else upgrade.first of the file" },
	{ .name = "parallel",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  .min = 1,
	  .max = AT_ONCE_MAX,
	  .offset = offsetof(struct upgrade_args, parallel),
	  .doc = "nodes at once after those; else upgrade.parallel of the file" },
	{ .name = "retire",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct upgrade_args, retire),
	  .doc = "tell old nodes that others launched to wipe, when it is their turn" },
};

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct upgrade_args *args = arguments;
	struct goal goal = {
		.kind = GOAL_UPGRADE,
		.first = (size_t)(args->first < 0 ? c->cluster.upgrade.first : args->first),
		.parallel =
		    (size_t)(args->parallel < 0 ? c->cluster.upgrade.parallel : args->parallel),
		.retires = args->retire,
	};

	TRY(choice_open_whole(c, &args->only, &choice, &r, &goal, e));
	return session_reach(c, &r, &goal, e);
}

const struct cmd cmd_upgrade = {
	.name = "upgrade",
	.summary = "bring all TEEs to the current manifest, a few first",
	.details =
	    "Takes every node to the manifest that teectl manifest adopt made the current one, "
	    "without a ceremony: each gets the key by forwarding from a TEE that has it. First one "
	    "node (upgrade.first of the cluster file), and when it has proved the key on the new "
	    "image the rest, a few at once (upgrade.parallel). One that fails ends it: what has "
	    "not been touched goes on as it was.\n\n"
	    "Before a node is touched, all that stay are verified and prove the key with a fresh "
	    "challenge, and the image is measured and compared with the manifest. A node that runs "
	    "here is then stopped, started on the new image, verified by attestation, given the "
	    "key, and has to prove it. Nodes without the key come first, never more than half of "
	    "those that have it go at once, and the only one that has it is not stopped: add "
	    "another to the file, which then takes the key first.\n\n"
	    "Nodes that others launched (`url`) are named when all else is done and it is their "
	    "turn: what is to be started and where (status 2). It goes on when it is there, or "
	    "when the node was taken out of the file since another stands beside it. With "
	    "--retire they are told to wipe first (teectl retire); one that can't be told is named "
	    "until it is gone.\n\n"
	    "With --only no other node is stopped or started, nor given the key; that those that "
	    "stay prove it, and how many must, is of all nodes as ever. A state chooses by how "
	    "nodes stand at the start.\n\n"
	    "Where the file names another image than the manifest's, and it is on this machine, "
	    "that is said when all else is done (status 2): it needs a manifest of its own, adopted, "
	    "before an upgrade brings it to the TEEs.\n\n"
	    "Whatever has ended it, the same command goes on from there.",
	.examples = { { "teectl upgrade", "after manifest adopt" },
	              { "teectl upgrade --first 2 --parallel 8", "two first, then eight at once" },
	              { "teectl upgrade --only region=eu", "a region now, the rest another day" },
	              { "teectl upgrade -o json | jq -r '.nodes[] | select(.state == \"old "
	                "manifest\").name'",
	                "who is left" } },
	.exits = { 2, 4, 5, 66, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 600000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct upgrade_args),
	.run = run,
};

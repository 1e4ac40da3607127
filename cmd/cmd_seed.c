#include "print.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>

struct seed_args {
	const char *node, *type, *data;
	int strength; /* in strengths */
};

static const char *const strengths[] = { "128", "160", "192", "224", "256", NULL };
static const int64_t strength_bits[] = { 128, 160, 192, 224, 256 };

static const struct opt opts[] = {
	{ .name = "node",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .offset = offsetof(struct seed_args, node),
	  .doc = "the TEE to ask; the file's source unless given" },
	{ .name = "type",
	  .kind = OPT_TEXT,
	  .metavar = "TEXT",
	  .offset = offsetof(struct seed_args, type),
	  .doc = "what the phrase is for, 1 to 128 bytes" },
	{ .name = "data",
	  .kind = OPT_TEXT,
	  .may_be_empty = true,
	  .metavar = "TEXT",
	  .offset = offsetof(struct seed_args, data),
	  .doc = "which one of its type, at most 4096 bytes" },
	{ .name = "strength",
	  .kind = OPT_WORD,
	  .metavar = "BITS",
	  .offset = offsetof(struct seed_args, strength),
	  .fallback = "256",
	  .words = strengths,
	  .doc = "bits of the phrase" },
};

/* Nothing is asked of a TEE that has not just proved that it holds this cluster's key. */
static int prove_node(struct run *r, size_t node, struct err *e)
{
	bool *targets = calloc(r->cluster->node_count, sizeof(*targets));
	struct goal goal = { .kind = GOAL_VERIFY, .targets = targets };
	char nothing[NOTHING_MAX];
	int result;

	if (!targets)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	targets[node] = true;
	result = drive(r, &goal, nothing, e);
	free(targets);
	return result;
}

static int fill_request(const struct seed_args *args, struct generate_seed_request *q,
                        struct err *e)
{
	if (!args->type != !args->data)
		return err_set(e, ERR_USAGE, "--type and --data go together");
	if (args->type) {
		q->has_type = q->has_data = true;
		TRY(wire_set_text(&q->seed_type, args->type, e));
		TRY(wire_set_text(&q->seed_data, args->data, e));
	}
	q->has_strength = true;
	q->strength = strength_bits[args->strength];
	return 0;
}

static int ask(struct context *c, struct run *r, size_t node, const struct generate_seed_request *q,
               struct err *e)
{
	AUTO(generate_seed_reply) struct generate_seed_reply answer = { 0 };
	const struct client_exchange exchange = {
		.node = c->cluster.nodes[node].name,
		.url = r->seen.nodes[node].url,
		.api = API_GENERATE_SEED,
		.request = q,
	};

	if (!c->cluster.nodes[node].listen && strncmp(exchange.url, "http:", 5) == 0)
		progress_say(&c->progress,
		             "note: %s has no TLS: whoever is between it and here can read the "
		             "phrase, and answer with one of his own",
		             exchange.node);
	TRY(client_call(r->client, &exchange, r->deadline_ms, &answer, e));
	progress_clear(&c->progress);
	print_line(c, "%s", buf_text(&answer.seed_phrase));
	return print_json(c, &generate_seed_reply_schema, &answer, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(generate_seed_request) struct generate_seed_request q = { 0 };
	const struct seed_args *args = arguments;
	size_t node = c->cluster.propagate.source;

	TRY(fill_request(args, &q, e));
	if (args->node)
		TRY(context_node(c, args->node, &node, e));
	TRY(session_open(c, /* to_change= */ false, &node, &r, e));
	TRY(prove_node(&r, node, e));
	return ask(c, &r, node, &q, e);
}

const struct cmd cmd_seed = {
	.name = "seed",
	.summary = "ask a TEE for a BIP-39 seed phrase",
	.details =
	    "Has the TEE derive a seed phrase from the quorum key, once the TEE has proved that "
	    "it holds the key. Every TEE of the cluster gives the same phrase for the same type, "
	    "data and strength; another cluster gives another. Without --type and --data the "
	    "phrase is made of fresh entropy and can't be had again.\n\n"
	    "The phrase is printed on standard output. Unless the node has TLS it travels to here "
	    "in the clear, and whoever is between can put another in its place: what the TEE proved "
	    "is its key, and nothing binds the phrase to it. An enclave that is not in debug mode answers a client of the "
	    "role app (tls.cert, see teectl pki issue), or with insecureOpenSeed everybody.",
	.examples = { { "teectl seed --type wallet --data 7", "the same on every node" },
	              { "teectl seed --node tee3 --type wallet --data 7", "ask that node" } },
	.exits = { 2, 5, 65, 69, 75, 77 },
	.needs = NEEDS_RUN | NEEDS_SECRETS,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct seed_args),
	.run = run,
};

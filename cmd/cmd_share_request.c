#include "print.h"
#include "session.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/bip39.h"
#include "orchestrate/ceremony.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request_args {
	const char *out;
	int64_t expires_ms;
	struct text_list nodes;
};

static const struct opt opts[] = {
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct request_args, out),
	  .doc = "where the request goes" },
	{ .name = "expires",
	  .kind = OPT_DURATION,
	  .metavar = "DURATION",
	  .fallback = "24h",
	  .offset = offsetof(struct request_args, expires_ms),
	  .doc = "how long bundles may be handed over, at most 30d" },
	{ .kind = OPT_NODE,
	  .is_list = true,
	  .metavar = "NODE",
	  .offset = offsetof(struct request_args, nodes),
	  .doc = "only these; else every TEE that waits for shares" },
};

struct requested {
	struct buf file, created, expires, check_phrase;
	uint8_t request_hash[32], manifest_hash[32];
	struct wire_list targets; /* struct alias_item: nodes */
};
static const struct wire_field requested_fields[] = {
	JSON_TEXT(requested, file),
	JSON_HEX_FIXED(requested, request_hash),
	JSON_HEX_FIXED(requested, manifest_hash),
	JSON_TEXT(requested, check_phrase),
	JSON_TEXT(requested, created),
	JSON_TEXT(requested, expires),
	JSON_LIST(requested, targets, alias_item_schema),
};
static const struct wire_schema requested_schema = JSON_SCHEMA(requested, requested_fields);
WIRE_DROP(requested);

static int name_targets(const struct context *c, const struct text_list *names, bool *ret,
                        struct err *e)
{
	size_t node;

	for (size_t i = 0; i < names->count; i++) {
		TRY(context_node(c, names->items[i], &node, e));
		ret[node] = true;
	}
	return 0;
}

/* Every TEE that waits gives a document, or nothing is written: whoever is left out would be lost
 * to a ceremony that people have come together for. */
static int gather(struct context *c, const struct request_args *args, struct run *r,
                  struct share_request *ret, struct err *e)
{
	AUTO(flags) bool *targets = calloc(c->cluster.node_count, sizeof(*targets));
	struct goal goal = { .kind = GOAL_REQUEST };
	char nothing[NOTHING_MAX];

	if (!targets)
		return err_set(e, ERR_INTERNAL, "no memory for nodes");
	if (args->nodes.count) {
		TRY(name_targets(c, &args->nodes, targets, e));
		goal.targets = targets;
	}
	TRY(session_open(c, /* to_change= */ false, NULL, r, e));
	TRY(drive(r, &goal, nothing, e));
	return ceremony_request(r, clock_unix_ms() + args->expires_ms, ret, e);
}

static int report(const struct run *r, const struct share_request *q, struct requested *ret,
                  struct err *e)
{
	const struct request_target *targets = q->targets.items;

	memcpy(ret->manifest_hash, r->seen.genesis.manifest_hash.bytes, sizeof(ret->manifest_hash));
	TRY(wire_set(&ret->created, buf_view(&q->created), e));
	TRY(wire_set(&ret->expires, buf_view(&q->expires), e));
	for (size_t i = 0; i < q->targets.count; i++) {
		struct alias_item *item;

		TRY(wire_list_add(&ret->targets, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, buf_view(&targets[i].node), e));
	}
	return 0;
}

static int write_request(const char *out, struct share_request *q, struct requested *ret,
                         struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(REQUEST_FILE_MAX);
	char phrase[BIP39_CHECK_TEXT_MAX];
	struct hash256 hash;

	TRY(request_format(q, &text, e));
	TRY(sha256(buf_view(&text), &hash, e));
	bip39_check_phrase(&hash, phrase);
	TRY(file_create(out, buf_view(&text), 0644, e));
	memcpy(ret->request_hash, hash.bytes, sizeof(ret->request_hash));
	TRY(wire_set_text(&ret->file, out, e));
	return wire_set_text(&ret->check_phrase, phrase, e);
}

static int say_next(struct context *c, const char *out, const struct member_set *set, struct err *e)
{
	char who[160];

	snprintf(who, sizeof(who),
	         " --share SHARE --key KEY --out BUNDLE, by %lld of the %zu members, each with a "
	         "copy of it",
	         (long long)set->threshold, set->members.count);
	return print_next_file(c, "share seal --request", out, who, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(share_request) struct share_request q = { 0 };
	AUTO(requested) struct requested done = { 0 };
	const struct request_args *args = arguments;

	if (args->expires_ms < 1 || args->expires_ms > REQUEST_EXPIRY_MAX_MS)
		return err_set(e, ERR_USAGE, "--expires must be 1ms to 30d");
	TRY(context_check_new(c, "--out ", args->out, e));
	TRY(gather(c, args, &r, &q, e));
	TRY(write_request(args->out, &q, &done, e));
	TRY(report(&r, &q, &done, e));
	print_line(c, "%s: asks for shares for %zu TEE%s, until %s", args->out, q.targets.count,
	           q.targets.count == 1 ? "" : "s", buf_text(&q.expires));
	print_line(c, "words to compare with the members: %s", buf_text(&done.check_phrase));
	TRY(say_next(c, args->out, &r.seen.genesis.envelope.manifest.share_set, e));
	return print_json(c, &requested_schema, &done, e);
}

const struct cmd cmd_share_request = {
	.name = "share request",
	.summary = "ask members without network for their shares",
	.details =
	    "For the operator. Takes a live attestation document with a fresh nonce of every TEE "
	    "that waits for shares, judges it, and writes one file that the members need to judge "
	    "for themselves. With several TEEs one bundle of a member serves them all, and the loss "
	    "of one loses nothing. If a document is refused, nothing is written. The members run "
	    "`teectl share seal`; what comes back goes to `teectl share submit`.\n\n"
	    "FILE is one line of JSON, 4 MiB at most: kind (teectl-share-request), version (1), "
	    "cluster (a hint), created and expires (RFC 3339), manifestEnvelope (QuorumOS's JSON, "
	    "v1), genesis with output and document (left out where the quorum came from QuorumOS), "
	    "and targets, 1 to 32, each with node (a hint) and document. Bytes are hex. It holds "
	    "no secret. Members compare six words: BIP-39 words of SHA-256 of the file.",
	.examples = { { "teectl share request --out request.json", "of all that wait" },
	              { "teectl share request --out request.json --expires 3d tee1 tee2",
	                "of two, with three days' time" } },
	.exits = { 2, 4, 5, 65, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct request_args),
	.run = run,
};

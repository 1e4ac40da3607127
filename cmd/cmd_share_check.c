#include "base/file.h"
#include "orchestrate/share.h"
#include "print.h"

struct share_check_args {
	const char *key, *share, *genesis;
};

static const struct opt opts[] = {
	{ .name = "key",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct share_check_args, key),
	  .doc = "the member's .secret" },
	{ .name = "share",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct share_check_args, share),
	  .doc = "the member's .share" },
	{ .name = "genesis-output",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct share_check_args, genesis),
	  .doc = "the genesis_output; the state's unless given" },
};

struct share_check {
	struct buf member;
	bool opens, attested;
};
static const struct wire_field fields[] = { JSON_TEXT(share_check, member),
	                                    JSON_BOOL(share_check, opens),
	                                    JSON_BOOL(share_check, attested) };
static const struct wire_schema share_check_schema = JSON_SCHEMA(share_check, fields);
WIRE_DROP(share_check);

/* A file that the member was handed needs no cluster; the state's was believed when it was kept. */
static int load_output(struct context *c, const char *path, struct genesis_output *ret,
                       struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(GENESIS_OUTPUT_MAX);
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	AUTO(state) struct state state = { .lock = -1 };
	bool is_found;

	if (path) {
		TRY(file_read(path, &file, e));
		if (genesis_output_decode(buf_view(&file), ret, e) < 0)
			return err_wrap(e, "'%s'", path);
		return 0;
	}
	TRY(cluster_read(c->global.file, &c->cluster, e));
	TRY(state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name, &state,
	               e));
	TRY(state_load_genesis(&state, &is_found, &kept, e));
	if (!is_found)
		return err_set(e, ERR_NOT_DESIRED,
		               "there has been no genesis: teectl genesis, or --genesis-output");
	return genesis_output_decode(buf_view(&kept.output), ret, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(share_check) struct share_check result = { .opens = true, .attested = true };
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(key_set) struct key_set *opened_with = NULL;
	AUTO(secret) struct secret share = { 0 };
	const struct share_check_args *args = arguments;
	const struct encrypted_share *attested;

	TRY(load_output(c, args->genesis, &output, e));
	TRY(key_set_read(args->key, &key, e));
	attested = share_find(&output, key_set_public(key));
	if (!attested)
		return err_set(e, ERR_SHARE, "the genesis was for no member with the key '%s'",
		               args->key);
	TRY(share_open(attested, args->key, args->share, &opened_with, &share, e));
	TRY(wire_set(&result.member, buf_view(&attested->share_set_member.alias), e));
	print_line(c, "the share of %s opens with its key and is the one that the genesis attested",
	           buf_text(&result.member));
	return print_json(c, &share_check_schema, &result, e);
}

const struct cmd cmd_share_check = {
	.name = "share check",
	.summary = "prove to yourself that a share still opens",
	.details =
	    "Opens a member's share with the member's key and compares it with the hash that the "
	    "genesis attested. Nothing is revealed, nothing is written, and no network is needed: "
	    "with --genesis-output not even a cluster file.",
	.examples = { { "teectl share check --key alice.secret --share alice.share "
	                "--genesis-output genesis_output",
	                "on the member's own machine" },
	              { "teectl share check --key members/member1.secret --share "
	                ".teectl/demo/shares/member1.share",
	                "against the state of the cluster" } },
	.exits = { 2, 65, 66, 78 },
	.needs = NEEDS_FILE | NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct share_check_args),
	.run = run,
};

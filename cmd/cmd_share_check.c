#include "base/file.h"
#include "orchestrate/seal.h"
#include "orchestrate/share.h"
#include "passphrase.h"
#include "print.h"

struct share_check_args {
	const char *key, *share, *genesis, *request;
	int64_t passphrase_fd;
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
	{ .name = "request",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct share_check_args, request),
	  .doc = "a request, whose genesis is believed by its document as share seal does" },
	PASSPHRASE_FD_OPT(share_check_args, passphrase_fd),
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

static int load_file(const char *path, struct genesis_output *ret, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(GENESIS_OUTPUT_MAX);

	TRY(file_read(path, &file, e));
	if (genesis_output_decode(buf_view(&file), ret, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

static int load_state(const struct state *state, struct genesis_output *ret, struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	bool is_found;

	TRY(state_load_genesis(state, &is_found, &kept, e));
	if (!is_found)
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "there has been no genesis here: --genesis-output names what one gave, "
		    "or --request the operator's request");
	if (kept.is_foreign)
		return err_set(e, ERR_NOT_DESIRED,
		               "the quorum was born elsewhere, and no genesis here attests its "
		               "shares: --genesis-output");
	return genesis_output_decode(buf_view(&kept.output), ret, e);
}

static int load_request(struct context *c, const struct state *state, const char *path,
                        struct genesis_output *ret, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(REQUEST_FILE_MAX);
	struct seal_input in = { .cluster = &c->cluster, .state = state };

	TRY(file_read(path, &file, e));
	in.request = buf_view(&file);
	if (seal_genesis(&in, ret, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

/* A file that the member was handed needs no cluster; the state's was believed when it was kept,
 * and a request's is believed here. */
static int load_output(struct context *c, const struct share_check_args *args,
                       struct genesis_output *ret, struct err *e)
{
	AUTO(state) struct state state = { .lock = -1 };

	if (args->genesis && args->request)
		return err_set(e, ERR_USAGE,
		               "--genesis-output and --request: one of them says what is attested");
	if (args->genesis)
		return load_file(args->genesis, ret, e);
	TRY(cluster_read(c->global.file, &c->cluster, e));
	TRY(state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name, &state,
	               e));
	return args->request ? load_request(c, &state, args->request, ret, e)
	                     : load_state(&state, ret, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(share_check) struct share_check result = { .opens = true, .attested = true };
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(secret) struct secret share = { 0 };
	const struct share_check_args *args = arguments;
	const struct encrypted_share *attested;
	AUTO(passphrases) struct passphrases p = { 0 };

	TRY(load_output(c, args, &output, e));
	TRY(key_set_read_own(args->key, passphrases_begin(&p, c, args->passphrase_fd), &key, e));
	attested = share_find(&output, key_set_public(key));
	if (!attested)
		return err_set(e, ERR_SHARE, "the genesis was for no member with the key '%s'",
		               args->key);
	TRY(share_open(&attested->share_set_member, attested, args->key, key, args->share, &share,
	               e));
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
	    "with --genesis-output not even a cluster file. With --request the genesis is the one "
	    "that an operator's request carries, believed by its attestation document and your own "
	    "copy of the cluster file, however old it is.",
	.examples = { { "teectl share check --key alice.secret --share alice.share "
	                "--genesis-output genesis_output",
	                "on the member's own machine" },
	              { "teectl share check --key alice.secret --share alice.share --request "
	                "request.json",
	                "what the share seal would find, before a ceremony" },
	              { "teectl share check --key members/member1.secret --share "
	                ".teectl/demo/shares/member1.share",
	                "against the state of the cluster" } },
	.exits = { 2, 5, 65, 66, 78, 130 },
	.is_members = true,
	.needs = NEEDS_FILE | NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct share_check_args),
	.run = run,
};

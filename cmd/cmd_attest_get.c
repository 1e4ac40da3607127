#include "base/base64.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrate/fetch.h"
#include "print.h"
#include "session.h"

#include <string.h>

#define COMMAND_MAX 16384 /* two paths and the PCRs */

struct get_args {
	const char *node, *out;
};

static const struct opt opts[] = {
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct get_args, out),
	  .doc = "write the document there, raw; else it is printed in base64" },
	{ .kind = OPT_NODE,
	  .metavar = "NODE",
	  .is_required = true,
	  .offset = offsetof(struct get_args, node),
	  .doc = "the node of the cluster file to ask" },
};

struct get_reply {
	struct buf node, document, file, verify;
	uint8_t nonce[NONCE_LEN], sha256[32];
	bool has_file;
};
static const struct wire_field get_reply_fields[] = {
	JSON_TEXT(get_reply, node),
	JSON_HEX_FIXED(get_reply, nonce),
	JSON_HEX_FIXED(get_reply, sha256),
	JSON_TEXT(get_reply, document),
	JSON_MAYBE(get_reply, file, struct buf, has_file, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
	JSON_TEXT(get_reply, verify),
};
static const struct wire_schema get_reply_schema = JSON_SCHEMA(get_reply, get_reply_fields);
WIRE_DROP(get_reply);

static int add_root(const struct run *r, struct buf *to, struct err *e)
{
	AUTO(text) char *path = NULL;

	switch (r->cluster->attestation.root) {
	case ROOT_AWS:
		return 0;
	case ROOT_SIMULATED:
		TRY(state_path(&r->state, "pki/root.der", &path, e));
		TRY(buf_add_text(to, " --root ", e));
		return text_add_shell_word(path, to, e);
	case ROOT_FILE:
		TRY(buf_add_text(to, " --root ", e));
		return text_add_shell_word(r->cluster->attestation.root_path, to, e);
	}
	return err_set(e, ERR_INTERNAL, "root kind %d", (int)r->cluster->attestation.root);
}

/* The command that judges the document as it was judged here, on a machine that has the root. A
 * debug enclave has no values to compare with. */
static int add_command(const struct run *r, const struct fetched *f, const char *file,
                       struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, "teectl attest verify ", e));
	TRY(text_add_shell_word(file ? file : "-", to, e));
	TRY(add_root(r, to, e));
	TRY(buf_add_text(to, " --nonce ", e));
	TRY(hex_format(VIEW_OF(f->nonce), to, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT && !f->proof.is_debug; i++) {
		TRY(buf_add_format(to, e, " --pcr %u=", i));
		TRY(hex_format(pcr_view(&r->pcrs.values[i]), to, e));
	}
	return 0;
}

static int describe(const struct run *r, const struct fetched *f, const struct get_args *args,
                    struct get_reply *ret, struct err *e)
{
	struct hash256 hash;

	TRY(wire_set_text(&ret->node, args->node, e));
	memcpy(ret->nonce, f->nonce, sizeof(ret->nonce));
	TRY(sha256(buf_view(&f->document), &hash, e));
	memcpy(ret->sha256, hash.bytes, sizeof(ret->sha256));
	ret->document = BUF_INIT(2 * DOCUMENT_MAX);
	TRY(base64_format(buf_view(&f->document), &ret->document, e));
	ret->has_file = args->out != NULL;
	if (ret->has_file)
		TRY(wire_set_text(&ret->file, args->out, e));
	ret->verify = BUF_INIT(COMMAND_MAX);
	return add_command(r, f, args->out, &ret->verify, e);
}

/* A line for each PCR, as a shell reads it: no line of progress has room for all. */
static void print_command(struct context *c, const char *command)
{
	static const char option[] = " --pcr ";
	const char *next;

	progress_say(&c->progress, "elsewhere, within three hours:");
	for (; (next = strstr(command + 1, option)); command = next)
		progress_say(&c->progress, "%.*s \\", (int)(next - command), command);
	progress_say(&c->progress, "%s", command);
}

/* Standard output is the document alone, so that it can be piped on, unless that went to a file. */
static int print(struct context *c, const struct get_reply *reply, struct err *e)
{
	char nonce[2 * NONCE_LEN + 1];

	hex_write(VIEW_OF(reply->nonce), nonce);
	progress_clear(&c->progress);
	if (c->global.output == OUTPUT_TABLE && !reply->has_file) {
		print_raw(buf_view(&reply->document));
		print_raw(view_text("\n"));
	}
	if (reply->has_file)
		print_line(c, "%s: verified; the document is in %s", buf_text(&reply->node),
		           buf_text(&reply->file));
	else
		progress_say(&c->progress, "%s: verified", buf_text(&reply->node));
	progress_say(&c->progress, "nonce %s", nonce);
	print_command(c, buf_text(&reply->verify));
	return print_json(c, &get_reply_schema, reply, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(fetched) struct fetched f = { 0 };
	AUTO(get_reply) struct get_reply reply = { 0 };
	const struct get_args *args = arguments;
	size_t node;

	TRY(context_node(c, args->node, &node, e));
	TRY(session_open(c, /* to_change= */ false, &node, &r, e));
	TRY(fetch_document(&r, node, &f, e));
	TRY(describe(&r, &f, args, &reply, e));
	if (args->out)
		TRY(file_write_named(args->out, buf_view(&f.document), 0644, e));
	return print(c, &reply, e);
}

const struct cmd cmd_attest_get = {
	.name = "attest get",
	.summary = "fetch a live attestation document of a node",
	.details =
	    "Asks a node of the cluster file for an attestation document with a nonce that was "
	    "drawn for it, and verifies it as teectl verify does: root, chain, age, PCR0 to PCR3, "
	    "nonce, and what the enclave holds. One that is refused is neither printed nor "
	    "written.\n\n"
	    "With --out the document goes to a file, raw; else standard output has it in base64. "
	    "Standard error tells the nonce, and the command that verifies the document on another "
	    "machine, which needs the root and no network.",
	.examples = { { "teectl attest get tee1 --out tee1.cose", "for someone else to verify" },
	              { "teectl attest get tee1 | teectl attest show -", "look at it" } },
	.exits = { 2, 5, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct get_args),
	.run = run,
};

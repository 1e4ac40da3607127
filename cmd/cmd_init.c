#include "cmd.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PROGRAM_NAME  "teectl-enclave"
#define IMAGE_DEFAULT "build/" PROGRAM_NAME
#define NODES_MAX     1024 /* a file with more is written by a program of one's own */
#define LINE_MAX_LEN  1024
#define COMMENT_WIDTH 88

struct init_args {
	const char *name, *image;
	int64_t nodes, members, threshold, port;
};

static const struct opt opts[] = {
	{ .name = "name",
	  .kind = OPT_TEXT,
	  .metavar = "NAME",
	  .fallback = "demo",
	  .offset = offsetof(struct init_args, name),
	  .doc = "what the cluster is called" },
	{ .name = "nodes",
	  .kind = OPT_NUMBER,
	  .metavar = "NUMBER",
	  .min = 1,
	  .max = NODES_MAX,
	  .fallback = "3",
	  .offset = offsetof(struct init_args, nodes),
	  .doc = "how many enclaves to launch here" },
	{ .name = "members",
	  .kind = OPT_NUMBER,
	  .metavar = "NUMBER",
	  .min = 2,
	  .max = MEMBERS_MAX,
	  .fallback = "3",
	  .offset = offsetof(struct init_args, members),
	  .doc = "how many people get a share" },
	{ .name = "threshold",
	  .kind = OPT_NUMBER,
	  .metavar = "NUMBER",
	  .min = 2,
	  .max = MEMBERS_MAX,
	  .offset = offsetof(struct init_args, threshold),
	  .doc = "how many shares bring the key back; more than half unless given" },
	{ .name = "port",
	  .kind = OPT_NUMBER,
	  .metavar = "NUMBER",
	  .max = 65535,
	  .fallback = "9000",
	  .offset = offsetof(struct init_args, port),
	  .doc = "the first node's port, the others follow; 0 has the system choose them" },
	{ .name = "image",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct init_args, image),
	  .doc = "the enclave's executable, a path from here; the " PROGRAM_NAME
	         " beside teectl unless given" },
};

struct init_reply {
	struct buf file, text; /* text: where it is not written to a file */
	bool has_text;
	int64_t nodes, members, threshold;
};
static const struct wire_field init_reply_fields[] = {
	JSON_TEXT(init_reply, file),
	JSON_NUMBER(init_reply, nodes),
	JSON_NUMBER(init_reply, members),
	JSON_NUMBER(init_reply, threshold),
	JSON_MAYBE(init_reply, text, struct buf, has_text, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_schema init_reply_schema = JSON_SCHEMA(init_reply, init_reply_fields);
WIRE_DROP(init_reply);

/* A comment, wrapped between words. */
static int add_comment(struct buf *to, int indent, const char *text, struct err *e)
{
	while (*text) {
		size_t room = COMMENT_WIDTH - (size_t)indent, len = strlen(text);

		if (len > room)
			for (len = room; len > 0 && text[len] != ' ';)
				len--;
		len = len ? len : strlen(text);
		TRY(buf_add_format(to, e, "%*s# %.*s\n", indent, "", (int)len, text));
		text += len + strspn(text + len, " ");
	}
	return 0;
}

/* One key of the file, below a comment that is its row's doc. */
PRINTF_LIKE(4, 5)
static int add_key(struct buf *to, struct err *e, const char *path, const char *format, ...)
{
	int indent = (int)strspn(format, " ");
	char line[LINE_MAX_LEN];
	const char *doc = NULL;
	va_list args;

	for (size_t i = 0; i < config_row_count; i++)
		if (strcmp(config_rows[i].path, path) == 0)
			doc = config_rows[i].doc;
	if (!doc)
		return err_set(e, ERR_INTERNAL, "the cluster file has no key '%s'", path);
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	TRY(add_comment(to, indent, doc, e));
	return buf_add_format(to, e, "%s\n", line);
}

/* A name that YAML would take for a number, a truth value or null stands between quotes. Its own
 * charset has no quote. */
static const char *quote_for(const char *name)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
		                             "off",  "null",  "y",   "n",  NULL };

	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(words[i], name) == 0)
			return "\"";
	return (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ? "" : "\"";
}

static int add_head(struct buf *to, const struct init_args *args, struct err *e)
{
	TRY(buf_add_text(to,
	                 "# What the cluster should be. teectl-cluster(5) explains every key, "
	                 "and\n"
	                 "# `teectl validate` checks the file. Paths are relative to it.\n"
	                 "apiVersion: teectl/v1\n"
	                 "kind: Cluster\n\n",
	                 e));
	TRY(add_key(to, e, "metadata", "metadata:"));
	TRY(add_key(to, e, "metadata.name", "  name: %s%s%s\n", quote_for(args->name), args->name,
	            quote_for(args->name)));
	TRY(add_key(to, e, "enclave", "enclave:"));
	TRY(add_key(to, e, "enclave.image", "  image: \"%s\"", args->image));
	TRY(add_key(to, e, "enclave.role", "  role: %s-operators", args->name));
	TRY(add_key(to, e, "enclave.insecureOpenSeed", "  insecureOpenSeed: true\n"));
	TRY(add_key(to, e, "attestation", "attestation:"));
	TRY(add_key(to, e, "attestation.root", "  root: simulated"));
	TRY(add_key(to, e, "attestation.maxAge", "  maxAge: 5m"));
	return add_key(to, e, "attestation.allowDebug", "  allowDebug: false\n");
}

static int add_quorum(struct buf *to, const struct init_args *args, struct err *e)
{
	TRY(add_key(to, e, "quorum", "quorum:"));
	TRY(add_key(to, e, "quorum.threshold", "  threshold: %lld", (long long)args->threshold));
	TRY(add_key(to, e, "quorum.members", "  members:"));
	TRY(buf_add_text(
	    to,
	    "    # `pub:` says who the member is; `key:` names his key file, where it is on\n"
	    "    # this machine.\n",
	    e));
	for (int64_t i = 1; i <= args->members; i++)
		TRY(buf_add_format(to, e,
		                   "    - { name: member%lld, key: members/member%lld.secret, pub: "
		                   "members/member%lld.pub }\n",
		                   (long long)i, (long long)i, (long long)i));
	return buf_add_text(to, "\n", e);
}

static int add_nodes(struct buf *to, const struct init_args *args, struct err *e)
{
	TRY(add_key(to, e, "nodes", "nodes:"));
	TRY(buf_add_text(to,
	                 "  # `listen:` for an enclave that `teectl up` launches here;\n"
	                 "  # `url: https://tee.example:8443` for one that others launch.\n",
	                 e));
	for (int64_t i = 0; i < args->nodes; i++)
		TRY(buf_add_format(to, e, "  - { name: tee%lld, listen: \"127.0.0.1:%lld\" }\n",
		                   (long long)i + 1, (long long)(args->port ? args->port + i : 0)));
	return buf_add_text(to, "\n", e);
}

static int add_tail(struct buf *to, const struct init_args *args, struct err *e)
{
	TRY(add_key(to, e, "manifest", "manifest:"));
	TRY(add_key(to, e, "manifest.namespace", "  namespace: %s%s%s", quote_for(args->name),
	            args->name, quote_for(args->name)));
	TRY(add_key(to, e, "manifest.nonce", "  nonce: 0\n"));
	TRY(add_nodes(to, args, e));
	TRY(add_key(to, e, "propagate", "propagate:"));
	TRY(add_key(to, e, "propagate.topology", "  topology: auto"));
	TRY(add_key(to, e, "propagate.source", "  source: tee1"));
	return add_key(to, e, "propagate.parallel", "  parallel: 4");
}

static int write_text(struct buf *to, const struct init_args *args, struct err *e)
{
	TRY(add_head(to, args, e));
	TRY(add_quorum(to, args, e));
	return add_tail(to, args, e);
}

/* path as the cluster file names it: relative to the file's folder if it is below that. */
static int relative_to(const char *file, const char *path, char **ret, struct err *e)
{
	AUTO(text) char *folder = NULL;
	char above[PATH_MAX] = "";
	size_t len;

	TRY(path_folder(strcmp(file, "-") == 0 ? "." : file, &folder, e));
	len = realpath(folder, above) ? strlen(above) : 0;
	if (len && strncmp(path, above, len) == 0 && path[len] == '/')
		return text_dup(path + len + 1, ret, e);
	return text_dup(path, ret, e);
}

/* The enclave beside the running teectl; what a checkout has if that can't be found. */
static int find_image(const char *file, char **ret, struct err *e)
{
	AUTO(text) char *folder = NULL, *image = NULL;
	char program[PATH_MAX] = "";

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) <= 0)
		return text_dup(IMAGE_DEFAULT, ret, e);
	TRY(path_folder(program, &folder, e));
	TRY(path_join(folder, PROGRAM_NAME, &image, e));
	if (!file_is_there(image))
		return text_dup(IMAGE_DEFAULT, ret, e);
	return relative_to(file, image, ret, e);
}

static int check_quotes(const char *image, struct err *e)
{
	if (strpbrk(image, "\"\\"))
		return err_set(e, ERR_USAGE,
		               "--image '%s': quotes and backslashes can't be written", image);
	return 0;
}

/* The one that was asked for, a path from here like any that is typed. */
static int take_image(const char *file, const char *given, char **ret, struct err *e)
{
	char image[PATH_MAX];

	TRY(check_quotes(given, e));
	if (!realpath(given, image))
		return err_sys(e, ERR_NO_INPUT, errno, "--image '%s'", given);
	return relative_to(file, image, ret, e);
}

static int check_folder(const struct context *c, struct err *e)
{
	AUTO(text) char *folder = NULL;

	TRY(path_folder(c->global.file, &folder, e));
	if (strcmp(c->global.file, "-") != 0 && !file_is_there(folder))
		return err_set(e, ERR_NO_INPUT, "there is no folder '%s' to write '%s' in", folder,
		               c->global.file);
	return 0;
}

/* Whoever has one goes on with it, unless he names another. */
static int refuse_existing(struct context *c, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(FILE_FREE_NAME_MAX);
	AUTO(buf) struct buf word = BUF_INIT(HINT_MAX / 2);

	if (file_free_name(c->global.file, &name, e) == 0 &&
	    text_add_shell_word(buf_text(&name), &word, e) == 0)
		context_hint(c,
		             "teectl validate checks the one that is there; -f %s writes another "
		             "beside it",
		             buf_text(&word));
	return err_set(e, ERR_DATA, "'%s' is there already; it is never overwritten",
	               c->global.file);
}

static int check(struct context *c, struct init_args *args, struct err *e)
{
	if (args->threshold < 0)
		args->threshold = args->members / 2 + 1;
	if (args->threshold > args->members)
		return err_set(e, ERR_USAGE, "--threshold %lld is above --members %lld",
		               (long long)args->threshold, (long long)args->members);
	if (args->port && args->port + args->nodes - 1 > 65535)
		return err_set(e, ERR_USAGE, "--port %lld leaves no room for %lld nodes",
		               (long long)args->port, (long long)args->nodes);
	TRY(check_quotes(args->image, e));
	if (strcmp(c->global.file, "-") != 0 && file_is_there(c->global.file))
		return refuse_existing(c, e);
	return check_folder(c, e);
}

/* What is written must be what teectl reads. */
static int check_text(const struct context *c, const struct buf *text, struct err *e)
{
	AUTO(cluster) struct cluster cluster = { 0 };

	if (cluster_parse(c->global.file, buf_view(text), &cluster, e) < 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	return 0;
}

/* What comes next, to be typed as it is here; the keys' paths are relative to the file's folder. */
static int say_next(struct context *c, const struct init_args *args, struct err *e)
{
	AUTO(text) char *folder = NULL, *prefix = NULL;
	AUTO(buf) struct buf word = BUF_INIT(FILE_OPTION_MAX);
	AUTO(buf) struct buf command = BUF_INIT(FILE_OPTION_MAX + 64);

	TRY(path_folder(c->global.file, &folder, e));
	TRY(path_join(folder, "members/member", &prefix, e));
	TRY(text_add_shell_word(prefix, &word, e));
	TRY(buf_add_format(&command, e, "teectl member keygen %s{1..%lld}", buf_text(&word),
	                   (long long)args->members));
	print_next(c, buf_text(&command));
	context_say(c, "      teectl measure --write");
	context_say(c, "      teectl up");
	return 0;
}

static int print(struct context *c, const struct init_args *args, const struct buf *text,
                 struct err *e)
{
	AUTO(init_reply) struct init_reply reply = { 0 };

	reply.nodes = args->nodes;
	reply.members = args->members;
	reply.threshold = args->threshold;
	reply.has_text = strcmp(c->global.file, "-") == 0;
	TRY(wire_set_text(&reply.file, c->global.file, e));
	if (reply.has_text)
		TRY(wire_set_text(&reply.text, buf_text(text), e));
	TRY(print_json(c, &init_reply_schema, &reply, e));
	if (c->global.output != OUTPUT_TABLE)
		return 0;
	if (reply.has_text) {
		print_raw(buf_view(text));
		return 0;
	}
	print_line(c, "%s: %lld nodes, %lld of %lld members", c->global.file,
	           (long long)args->nodes, (long long)args->threshold, (long long)args->members);
	return say_next(c, args, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX);
	struct init_args args = *(const struct init_args *)arguments;
	AUTO(text) char *image = NULL;

	if (args.image)
		TRY(take_image(c->global.file, args.image, &image, e));
	else
		TRY(find_image(c->global.file, &image, e));
	args.image = image;
	TRY(check(c, &args, e));
	TRY(write_text(&text, &args, e));
	TRY(check_text(c, &text, e));
	if (strcmp(c->global.file, "-") != 0)
		TRY(file_write_named(c->global.file, buf_view(&text), 0644, e));
	return print(c, &args, &text, e);
}

const struct cmd cmd_init = {
	.name = "init",
	.summary = "write a commented cluster file",
	.details = "Writes a cluster file for enclaves on this machine, with a comment above each "
	           "key. It is a start: edit it, and check it with `teectl validate`. A file that "
	           "is there already is never overwritten; -f - prints the text instead.\n\n"
	           "The members' key files that it names are made by `teectl member keygen`.",
	.examples = { { "teectl init", "write ./cluster.yaml: three nodes, two of three members" },
	              { "teectl init -f prod.yaml --name prod --nodes 4 --members 5 --threshold 3",
	                "write another one" },
	              { "teectl init -f - | less", "look at it first" } },
	.exits = { 65, 66 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct init_args),
	.run = run,
};

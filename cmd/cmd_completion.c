#include "cmd.h"
#include "help.h"
#include "print.h"

#include "cluster/select.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

struct completion_args {
	bool nodes, selectors;
	int shell;
};

static const struct opt opts[] = {
	{ .name = "nodes",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct completion_args, nodes),
	  .doc = "print the names of the cluster file's nodes: the scripts ask for them" },
	{ .name = "selectors",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct completion_args, selectors),
	  .doc = "print what selectors are made of: names, labels and states, likewise" },
	{ .kind = OPT_WORD,
	  .metavar = "SHELL",
	  .words = shells,
	  .offset = offsetof(struct completion_args, shell),
	  .doc = "the shell" },
};

#define WORD_MAX 512 /* a label's name and value */

struct completion_script {
	struct buf shell, text;
};
static const struct wire_field completion_script_fields[] = {
	JSON_TEXT(completion_script, shell),
	JSON_TEXT(completion_script, text),
};
static const struct wire_schema completion_script_schema =
    JSON_SCHEMA(completion_script, completion_script_fields);
WIRE_DROP(completion_script);

struct completion_nodes {
	struct wire_list nodes;
};
static const struct wire_field completion_nodes_fields[] = {
	JSON_LIST(completion_nodes, nodes, printed_line_schema),
};
static const struct wire_schema completion_nodes_schema =
    JSON_SCHEMA(completion_nodes, completion_nodes_fields);
WIRE_DROP(completion_nodes);

/* Whether an earlier node has the label too. */
static bool is_known(const struct cluster *c, size_t node, const struct cluster_label *label)
{
	for (size_t i = 0; i < node; i++) {
		const char *value = cluster_node_label(&c->nodes[i], label->name);

		if (value && strcmp(value, label->value) == 0)
			return true;
	}
	return false;
}

static int add_word(struct context *c, struct completion_nodes *reply, struct err *e,
                    const char *format, ...) PRINTF_LIKE(4, 5);

static int add_word(struct context *c, struct completion_nodes *reply, struct err *e,
                    const char *format, ...)
{
	struct printed_line *word;
	char text[WORD_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	TRY(wire_list_add(&reply->nodes, &printed_line_schema, &word, e));
	TRY(wire_set_text(&word->text, text, e));
	print_line(c, "%s", text);
	return 0;
}

static int add_labels(struct context *c, const struct cluster *cluster,
                      struct completion_nodes *reply, struct err *e)
{
	for (size_t i = 0; i < cluster->node_count; i++)
		for (size_t k = 0; k < cluster->nodes[i].label_count; k++) {
			const struct cluster_label *label = &cluster->nodes[i].labels[k];

			if (!is_known(cluster, i, label))
				TRY(add_word(c, reply, e, "%s=%s", label->name, label->value));
		}
	return 0;
}

static int print_nodes(struct context *c, bool with_selectors, struct err *e)
{
	AUTO(completion_nodes) struct completion_nodes reply = { 0 };
	AUTO(cluster) struct cluster cluster = { 0 };

	TRY(cluster_read(c->global.file, &cluster, e));
	for (size_t i = 0; i < cluster.node_count; i++)
		TRY(add_word(c, &reply, e, "%s", cluster.nodes[i].name));
	if (with_selectors) {
		TRY(add_labels(c, &cluster, &reply, e));
		for (size_t i = 0; select_states[i]; i++)
			TRY(add_word(c, &reply, e, "@%s", select_states[i]));
		TRY(add_word(c, &reply, e, "@local"));
	}
	return print_json(c, &completion_nodes_schema, &reply, e);
}

static int print_script(struct context *c, int shell, struct err *e)
{
	static int (*const write[])(struct buf * to, struct err * e) = {
		complete_bash,
		complete_zsh,
		complete_fish,
	};
	AUTO(completion_script) struct completion_script reply = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);

	TRY(write[shell](&text, e));
	if (c->global.output == OUTPUT_TABLE)
		print_raw(buf_view(&text));
	TRY(wire_set_text(&reply.shell, shells[shell], e));
	TRY(wire_set_text(&reply.text, buf_text(&text), e));
	return print_json(c, &completion_script_schema, &reply, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct completion_args *args = arguments;

	if (args->nodes || args->selectors)
		return print_nodes(c, args->selectors, e);
	if (args->shell < 0)
		return err_set(e, ERR_USAGE, "SHELL is required: bash, zsh or fish");
	return print_script(c, args->shell, e);
}

const struct cmd cmd_completion = {
	.name = "completion",
	.summary = "print the completion script of a shell",
	.details =
	    "Prints a script that lets the shell complete verbs, options, their values and the "
	    "names of nodes. `make install` puts the scripts where the shells look for them; "
	    "without an installation, source the output. With -o json it is the `text` of an "
	    "object.",
	.examples = { { "source <(teectl completion bash)", "for this bash" },
	              { "teectl completion zsh > ~/.zfunc/_teectl",
	                "for zsh, with ~/.zfunc in fpath" },
	              { "teectl completion fish | source", "for this fish" } },
	.exits = { 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct completion_args),
	.run = run,
};

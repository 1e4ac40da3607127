#include "cmd.h"
#include "help.h"
#include "print.h"

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

struct completion_args {
	bool nodes;
	int shell;
};

static const struct opt opts[] = {
	{ .name = "nodes",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct completion_args, nodes),
	  .doc = "print the names of the cluster file's nodes: the scripts ask for them" },
	{ .kind = OPT_WORD,
	  .metavar = "SHELL",
	  .words = shells,
	  .offset = offsetof(struct completion_args, shell),
	  .doc = "the shell" },
};

static int print_nodes(const struct context *c, struct err *e)
{
	AUTO(cluster) struct cluster cluster = { 0 };

	TRY(cluster_read(c->global.file, &cluster, e));
	for (size_t i = 0; i < cluster.node_count; i++) {
		print_raw(view_text(cluster.nodes[i].name));
		print_raw(view_text("\n"));
	}
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	static int (*const write[])(struct buf * to, struct err * e) = {
		complete_bash,
		complete_zsh,
		complete_fish,
	};
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);
	const struct completion_args *args = arguments;

	if (args->nodes)
		return print_nodes(c, e);
	if (args->shell < 0)
		return err_set(e, ERR_USAGE, "SHELL is required: bash, zsh or fish");
	TRY(write[args->shell](&text, e));
	print_raw(buf_view(&text));
	return 0;
}

const struct cmd cmd_completion = {
	.name = "completion",
	.summary = "print the completion script of a shell",
	.details =
	    "Prints a script that lets the shell complete verbs, options, their values and the "
	    "names of nodes. `make install` puts the scripts where the shells look for them; "
	    "without an installation, source the output. The script is printed as it is with "
	    "every -o.",
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

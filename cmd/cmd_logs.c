#include "choose.h"
#include "print.h"
#include "terminal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_LEN 65536
#define LINE_LEN                                                                                   \
	8192 /* the enclave's own lines have at most 1 KiB; longer ones are shown in parts */
#define EVENTS_LEN 4096

struct logs_args {
	bool follow;
	int64_t lines;
	struct text_list nodes;
};

static const struct opt opts[] = {
	{ .name = "follow",
	  .letter = 'F',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct logs_args, follow),
	  .doc = "go on with what is written, until interrupted" },
	{ .name = "lines",
	  .letter = 'n',
	  .kind = OPT_NUMBER,
	  .metavar = "NUMBER",
	  .max = INT32_MAX,
	  .offset = offsetof(struct logs_args, lines),
	  .doc = "only that many lines from the end" },
	{ .kind = OPT_SELECTOR,
	  .metavar = "NODE",
	  .is_required = true,
	  .is_refused_late = true,
	  .is_list = true,
	  .offset = offsetof(struct logs_args, nodes),
	  .doc = "the node, or several by a selector; see SELECTORS in teectl(1)" },
};

struct log_entry {
	struct buf node, line;
};
static const struct wire_field log_entry_fields[] = {
	JSON_TEXT(log_entry, node),
	JSON_TEXT(log_entry, line),
};
static const struct wire_schema log_entry_schema = JSON_SCHEMA(log_entry, log_entry_fields);
WIRE_DROP(log_entry);

struct logs_reply {
	struct buf node, path;
	struct wire_list lines;
};
static const struct wire_field logs_reply_fields[] = {
	JSON_TEXT(logs_reply, node),
	JSON_TEXT(logs_reply, path),
	{ .name = "lines",
	  .kind = WIRE_LIST,
	  .offset = offsetof(struct logs_reply, lines),
	  .presence = SIZE_MAX,
	  .max = INT32_MAX,
	  .schema = &printed_line_schema },
};
static const struct wire_schema logs_reply_schema = JSON_SCHEMA(logs_reply, logs_reply_fields);
WIRE_DROP(logs_reply);

/* The log as it is being read: a line is shown when its end is there. */
struct reading {
	struct context *c;
	const char *node, *path;
	int fd;
	char line[LINE_LEN];
	size_t len;
	struct logs_reply reply; /* of -o json */
};

static int show_line(struct reading *r, struct err *e)
{
	AUTO(log_entry) struct log_entry entry = { 0 };
	struct printed_line *line;

	r->line[r->len] = 0;
	r->len = 0;
	/* What ran there may have printed anything. */
	text_tame(r->line);
	if (r->c->global.output == OUTPUT_TABLE) {
		print_raw(view_text(r->line));
		print_raw(view_text("\n"));
		return 0;
	}
	if (r->c->global.output == OUTPUT_JSON) {
		TRY(wire_list_add(&r->reply.lines, &printed_line_schema, &line, e));
		return wire_set_text(&line->text, r->line, e);
	}
	TRY(wire_set_text(&entry.node, r->node, e));
	TRY(wire_set_text(&entry.line, r->line, e));
	return print_json(r->c, &log_entry_schema, &entry, e);
}

static int show_rest(struct reading *r, struct err *e)
{
	char bytes[READ_LEN];
	ssize_t got;

	while ((got = read(r->fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] != '\n')
				r->line[r->len++] = bytes[i];
			if (bytes[i] == '\n' || r->len == sizeof(r->line) - 1)
				TRY(show_line(r, e));
		}
	}
	if (got < 0 && errno != EINTR)
		return err_sys(e, ERR_NO_INPUT, errno, "reading '%s'", r->path);
	fflush(stdout);
	return 0;
}

static int open_log(struct reading *r, struct err *e)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		context_hint(r->c, "teectl up launches it");
		return err_set(e, ERR_NO_INPUT, "node '%s' has no log here: it was never launched",
		               r->node);
	}
	if (fd < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", r->path);
	fd_drop(&r->fd);
	r->fd = fd;
	return 0;
}

/* Where the last `lines` lines begin; the newline at the very end closes the last of them. */
static int find_tail(const struct reading *r, int64_t lines, off_t end, off_t *ret, struct err *e)
{
	char bytes[READ_LEN];
	int64_t seen = 0;
	off_t at = end;

	while (at > 0) {
		size_t len = at < READ_LEN ? (size_t)at : READ_LEN;

		at -= (off_t)len;
		if (pread(r->fd, bytes, len, at) != (ssize_t)len)
			return err_set(e, ERR_NO_INPUT, "'%s' was cut while it was read", r->path);
		for (size_t i = len; i > 0; i--) {
			if (bytes[i - 1] != '\n' || at + (off_t)i == end || ++seen < lines)
				continue;
			*ret = at + (off_t)i;
			return 0;
		}
	}
	*ret = 0;
	return 0;
}

static int skip_to_tail(struct reading *r, int64_t lines, struct err *e)
{
	off_t end = lseek(r->fd, 0, SEEK_END), at = lines < 0 ? 0 : end;

	if (lines > 0)
		TRY(find_tail(r, lines, end, &at, e));
	if (lseek(r->fd, at, SEEK_SET) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", r->path);
	return 0;
}

/* A new launch may have begun the file anew: it is then shorter than what was read, or another. */
static int follow_file(struct reading *r, struct err *e)
{
	struct stat named, open_one;

	if (stat(r->path, &named) < 0)
		return 0;
	if (fstat(r->fd, &open_one) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", r->path);
	if (named.st_ino != open_one.st_ino || named.st_dev != open_one.st_dev) {
		TRY(show_rest(r, e));
		return open_log(r, e);
	}
	if (open_one.st_size < lseek(r->fd, 0, SEEK_CUR) && lseek(r->fd, 0, SEEK_SET) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", r->path);
	return 0;
}

/* -1: for ever */
static int wait_ms(const struct context *c)
{
	int64_t left = c->deadline_ms - clock_monotonic_ms();

	if (c->deadline_ms == INT64_MAX)
		return -1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Watches the folder, so that a file that takes the log's place is seen too. */
static int follow(struct reading *r, struct err *e)
{
	AUTO(fd) int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	AUTO(text) char *folder = NULL;
	char unread[EVENTS_LEN];

	TRY(path_folder(r->path, &folder, e));
	if (events < 0 ||
	    inotify_add_watch(events, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "watching '%s'", folder);
	for (;;) {
		struct pollfd fds[] = { { events, POLLIN, 0 }, { r->c->interrupt_fd, POLLIN, 0 } };
		int ready;

		TRY(follow_file(r, e));
		TRY(show_rest(r, e));
		/* Whoever read the pipe is gone. */
		if (ferror(stdout))
			return 0;
		ready = poll(fds, COUNT(fds), wait_ms(r->c));
		if (ready == 0)
			return 0;
		if (fds[1].revents)
			return 0;
		if (ready > 0 && read(events, unread, sizeof(unread)) < 0 && errno != EAGAIN)
			return err_sys(e, ERR_INTERNAL, errno, "watching '%s'", folder);
	}
}

static int show(struct reading *r, const struct logs_args *args, struct err *e)
{
	TRY(open_log(r, e));
	TRY(skip_to_tail(r, args->lines, e));
	TRY(args->follow ? follow(r, e) : show_rest(r, e));
	if (r->len)
		TRY(show_line(r, e));
	if (r->c->global.output != OUTPUT_JSON)
		return 0;
	TRY(wire_set_text(&r->reply.node, r->node, e));
	TRY(wire_set_text(&r->reply.path, r->path, e));
	return print_json(r->c, &logs_reply_schema, &r->reply, e);
}

/* One that was killed could not write so itself. */
static void tell_gone(struct context *c, const struct cluster_node *node)
{
	struct local_node local;
	struct err ignored;

	if (launcher_look(&c->state, node, &local, &ignored) < 0 || !local.pid || local.is_running)
		return;
	fflush(stdout);
	context_say(c,
	            "%s: its process, pid %d, is gone, and was not stopped by teectl; teectl up "
	            "starts it anew",
	            node->name, local.pid);
}

static int refuse_no_node(const struct context *c, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
	struct err full;

	for (size_t i = 0; i < c->cluster.node_count; i++)
		if (buf_add_format(&names, &full, "%s%s", i ? ", " : "", c->cluster.nodes[i].name) <
		    0)
			break;
	return err_set(e, ERR_USAGE, "NODE is required, one of: %s", buf_text(&names));
}

/* The log of one node; of several each begins with its name, as tail has it. */
static int show_node(struct context *c, const struct logs_args *args, size_t node, bool is_one,
                     struct err *e)
{
	struct reading r = { .c = c, .node = c->cluster.nodes[node].name, .fd = -1 };
	AUTO(text) char *path = NULL;
	int failed;

	if (!c->cluster.nodes[node].listen) {
		context_hint(c, "ask whoever launched it");
		return err_set(e, ERR_NO_INPUT,
		               "node '%s' is launched elsewhere, and so is its log", r.node);
	}
	TRY(launcher_log_path(&c->state, &c->cluster.nodes[node], &path, e));
	r.path = path;
	if (!is_one)
		print_line(c, "==> %s <==", r.node);
	failed = show(&r, args, e);
	fd_drop(&r.fd);
	logs_reply_drop(&r.reply);
	if (failed == 0)
		tell_gone(c, &c->cluster.nodes[node]);
	return failed;
}

/* Those without a log here are told, and do not keep the others from being shown. */
static int show_several(struct context *c, const struct logs_args *args,
                        const struct choice *choice, struct err *e)
{
	size_t failed = 0;

	if (args->follow)
		return err_set(e, ERR_USAGE, "--follow is of one node, and %zu are chosen",
		               choice->count);
	if (c->global.output == OUTPUT_JSON)
		return err_set(e, ERR_USAGE,
		               "%zu nodes are chosen: their lines take -o ndjson, not json",
		               choice->count);
	for (size_t i = 0; i < c->cluster.node_count; i++) {
		struct err why;

		if (!choice->flags[i] || show_node(c, args, i, /* is_one= */ false, &why) == 0)
			continue;
		progress_say(&c->progress, "%s", why.text);
		failed++;
	}
	if (failed == choice->count)
		return err_set(e, ERR_NO_INPUT, "none of %zu nodes has a log here", failed);
	return failed ? err_set(e, ERR_PARTIAL, "%zu of %zu nodes have no log here", failed,
	                        choice->count)
	              : 0;
}

#define LOOK_MS 30000 /* as status: a selector may ask how the nodes stand */

static int choose(struct context *c, const struct logs_args *args, struct choice *choice,
                  struct err *e)
{
	struct run_options options = session_options(c, /* to_change= */ false, NULL);
	AUTO(run) struct run r = RUN_INIT;

	TRY(choice_make(c, &args->nodes, choice, e));
	if (!selection_has_states(&choice->selection))
		return 0;
	options.timeout_ms = options.timeout_ms < LOOK_MS ? options.timeout_ms : LOOK_MS;
	TRY(run_open(&c->cluster, &options, &r, e));
	TRY(choice_settle(&r, choice, e));
	progress_clear(&c->progress);
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	const struct logs_args *args = arguments;
	size_t node = 0;

	if (args->follow && c->global.output == OUTPUT_JSON)
		return err_set(e, ERR_USAGE,
		               "--follow has no end, so it takes -o ndjson, not json");
	if (args->nodes.count == 0)
		return refuse_no_node(c, e);
	TRY(choose(c, args, &choice, e));
	if (choice.count == 0)
		print_line(c, "nothing to do: no node is in the state that was asked for");
	if (choice.count > 1)
		return show_several(c, args, &choice, e);
	while (choice.count && !choice.flags[node])
		node++;
	return choice.count ? show_node(c, args, node, /* is_one= */ true, e) : 0;
}

const struct cmd cmd_logs = {
	.name = "logs",
	.summary = "show what an enclave launched here has logged",
	.details =
	    "Prints the log of a node, which holds what its hypervisor and its enclave have "
	    "written: time, level, request, operation, phase before and after, outcome, duration. "
	    "It never holds secret bytes. TEECTL_LOG=debug at `up` has more written. Of several "
	    "nodes each log stands under a line with the node's name.\n\n"
	    "With --follow it goes on until it is interrupted or --timeout has passed, also over "
	    "a new launch of the node. With -o ndjson every line is an object with node and line.",
	.examples = { { "teectl logs tee1", "all of it" },
	              { "teectl logs tee2 -n 20", "the last 20 lines" },
	              { "teectl logs @failed -n 5", "the last lines of every node that failed" },
	              { "teectl logs tee1 --follow | grep export-key", "watch one operation" } },
	.exits = { 4 },
	.needs = NEEDS_CLUSTER | NEEDS_STATE | NEEDS_SIGNALS | NEEDS_DEADLINE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct logs_args),
	.run = run,
};

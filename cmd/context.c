#include "cmd.h"
#include "help.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/select.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

void context_hint(struct context *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->hint, sizeof(c->hint), format, args);
	va_end(args);
	text_tame(c->hint);
}

/* The verb whose name text begins with: the longest, of "manifest" and "manifest new". */
static const struct cmd *verb_at(const char *text)
{
	const struct cmd *found = NULL;

	for (size_t i = 0; cmd_table[i]; i++) {
		size_t len = strlen(cmd_table[i]->name);

		if (strncmp(text, cmd_table[i]->name, len) == 0 &&
		    !isalnum((unsigned char)text[len]) && text[len] != '-' &&
		    (!found || len > strlen(found->name)))
			found = cmd_table[i];
	}
	return found;
}

/* " -f FILE --state DIR", as far as they were given and the verb takes them. */
static int add_globals(const struct context *c, const struct cmd *verb, struct buf *to,
                       struct err *e)
{
	const struct {
		const char *option, *value;
	} given[] = {
		{ "file", c->global.file },
		{ "state", c->global.state },
	};

	for (size_t i = 0; i < COUNT(given); i++) {
		const struct opt *opt = global_opts;

		while (strcmp(opt->name, given[i].option) != 0)
			opt++;
		if (!given[i].value || !help_lists_global(verb, opt) ||
		    (opt->fallback && strcmp(given[i].value, opt->fallback) == 0))
			continue;
		if (opt->letter)
			TRY(buf_add_format(to, e, " -%c ", opt->letter));
		else
			TRY(buf_add_format(to, e, " --%s ", opt->name));
		TRY(text_add_shell_word(given[i].value, to, e));
	}
	return 0;
}

int context_commands(const struct context *c, const char *text, struct buf *to, struct err *e)
{
	static const char program[] = "teectl ";
	const char *at;

	while ((at = strstr(text, program))) {
		const char *after = at + strlen(program);
		const struct cmd *verb = verb_at(after);
		bool is_word = at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '/');

		TRY(buf_add(to, view_new(text, (size_t)(after - text) - 1), e));
		if (verb && !is_word)
			TRY(add_globals(c, verb, to, e));
		TRY(buf_add_text(to, " ", e));
		text = after;
	}
	return buf_add_text(to, text, e);
}

void context_say(struct context *c, const char *format, ...)
{
	AUTO(buf) struct buf full = BUF_INIT(PROGRESS_LINE_MAX);
	char text[PROGRESS_LINE_MAX];
	va_list args;
	struct err e;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Where there is no memory for the options, what there is is told. */
	progress_say(&c->progress, "%s",
	             context_commands(c, text, &full, &e) < 0 ? text : buf_text(&full));
}

bool context_tell_once(struct context *c, const char *text)
{
	struct text_list *told = &c->told;
	char **items, *copy;

	for (size_t i = 0; i < told->count; i++)
		if (strcmp(told->items[i], text) == 0)
			return false;
	/* Without memory it is told twice. */
	copy = strdup(text);
	items = copy ? reallocarray(told->items, told->count + 1, sizeof(*items)) : NULL;
	if (!items) {
		free(copy);
		return true;
	}
	items[told->count++] = copy;
	told->items = items;
	return true;
}

/* From here on the two signals wait in the descriptor; a child that is started must unblock them.
 */
static int open_signals(int *ret_fd, struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "blocking signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "signalfd");
	*ret_fd = fd;
	return 0;
}

static void hint_no_file(struct context *c)
{
	for (size_t i = 0; i < c->cmd->opt_count; i++)
		if (c->cmd->opts[i].letter == 'F') {
			context_hint(c, "-f names the cluster file; -F is --%s",
			             c->cmd->opts[i].name);
			return;
		}
	context_hint(c, "teectl init writes a cluster file; -f names another");
}

int context_open(struct context *c, struct err *e)
{
	unsigned needs = c->cmd->needs;
	int64_t timeout_ms = c->global.timeout_ms < 0 ? c->cmd->timeout_ms : c->global.timeout_ms;

	c->interrupt_fd = -1;
	c->state.lock = -1;
	c->progress = progress_new();
	c->deadline_ms = c->global.timeout_ms < 0 && timeout_ms == 0
	                     ? INT64_MAX
	                     : clock_monotonic_ms() + timeout_ms;
	if (needs & (NEEDS_CLUSTER | NEEDS_STATE | NEEDS_CHANGE | NEEDS_RUN)) {
		if (cluster_read(c->global.file, &c->cluster, e) < 0) {
			if (e->code == ERR_NO_INPUT)
				hint_no_file(c);
			return -1;
		}
	}
	if (needs & (NEEDS_STATE | NEEDS_CHANGE))
		TRY(state_open(&c->cluster, c->global.state, needs & NEEDS_CHANGE, c->cmd->name,
		               &c->state, e));
	if (needs & (NEEDS_SIGNALS | NEEDS_RUN))
		TRY(open_signals(&c->interrupt_fd, e));
	return 0;
}

void context_drop(struct context *c)
{
	if (c->interrupt_fd >= 0)
		close(c->interrupt_fd);
	c->interrupt_fd = -1;
	if (c->state.folder)
		state_drop(&c->state);
	cluster_drop(&c->cluster);
	follow_drop(&c->follow);
	for (size_t i = 0; i < c->told.count; i++)
		free(c->told.items[i]);
	free(c->told.items);
	c->told = (struct text_list){ 0 };
}

int64_t context_timeout_ms(const struct context *c)
{
	int64_t now = clock_monotonic_ms();

	if (c->deadline_ms == INT64_MAX)
		return INT64_MAX - now;
	return c->deadline_ms > now ? c->deadline_ms - now : 0;
}

int context_check_new(struct context *c, const char *option, const char *path, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(FILE_FREE_NAME_MAX);
	AUTO(buf) struct buf word = BUF_INIT(HINT_MAX);

	if (!file_is_there(path))
		return 0;
	if (file_free_name(path, &name, e) == 0 &&
	    text_add_shell_word(buf_text(&name), &word, e) == 0)
		context_hint(c, "%s%s writes beside it; or move the old one away", option,
		             buf_text(&word));
	return err_set(e, ERR_DATA, "'%s' is there already, and is not overwritten", path);
}

/* The nodes that a selector chooses, where one was wanted. */
static int refuse_several(const struct context *c, const struct selection *s, const char *text,
                          size_t count, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
	struct err full;

	for (size_t i = 0; i < c->cluster.node_count; i++)
		if (selection_has(s, &c->cluster.nodes[i], SELECT_STATE_UNKNOWN) &&
		    buf_add_format(&names, &full, "%s%s", names.len ? ", " : "",
		                   c->cluster.nodes[i].name) < 0)
			break;
	return err_set(e, ERR_USAGE, "'%s' chooses %zu nodes, and one is wanted: %s", text, count,
	               buf_text(&names));
}

int context_node(const struct context *c, const char *name, size_t *ret, struct err *e)
{
	AUTO(selection) struct selection s = { 0 };
	size_t count = 0, found = 0;

	TRY(selection_add(&s, name, e));
	TRY(selection_check(&s, &c->cluster, e));
	if (selection_has_states(&s))
		return err_set(e, ERR_USAGE, "'%s': one node is wanted, by name or label", name);
	for (size_t i = 0; i < c->cluster.node_count; i++)
		if (selection_has(&s, &c->cluster.nodes[i], SELECT_STATE_UNKNOWN)) {
			found = i;
			count++;
		}
	if (count != 1)
		return refuse_several(c, &s, name, count, e);
	*ret = found;
	return 0;
}

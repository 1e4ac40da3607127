#include "cmd.h"

#include "base/clock.h"
#include "base/text.h"

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
}

void context_file_option(const struct context *c, char to[static FILE_OPTION_MAX])
{
	const char *file = c->global.file;
	bool is_default = !file || strcmp(file, CLUSTER_FILE_DEFAULT) == 0;

	snprintf(to, FILE_OPTION_MAX, "%s%s", is_default ? "" : " -f ", is_default ? "" : file);
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

int context_node(const struct context *c, const char *name, size_t *ret, struct err *e)
{
	const struct cluster_node *node = cluster_find_node(&c->cluster, name);
	const char **names, *nearest;

	if (node) {
		*ret = (size_t)(node - c->cluster.nodes);
		return 0;
	}
	names = calloc(c->cluster.node_count + 1, sizeof(*names));
	if (!names)
		return err_set(e, ERR_INTERNAL, "no memory for the nodes' names");
	for (size_t i = 0; i < c->cluster.node_count; i++)
		names[i] = c->cluster.nodes[i].name;
	nearest = text_nearest(name, names);
	free(names);
	if (nearest)
		return err_set(e, ERR_USAGE, "'%s' has no node '%s'; did you mean '%s'?",
		               c->cluster.path, name, nearest);
	return err_set(e, ERR_USAGE, "'%s' has no node '%s'", c->cluster.path, name);
}

int context_nodes(const struct context *c, const struct text_list *names, size_t *ret,
                  size_t *ret_count, struct err *e)
{
	size_t count = names->count ? names->count : c->cluster.node_count;

	if (count > c->cluster.node_count)
		return err_set(e, ERR_USAGE, "%zu nodes are named, '%s' has %zu", count,
		               c->cluster.path, c->cluster.node_count);
	for (size_t i = 0; i < count; i++) {
		ret[i] = i;
		if (names->count == 0)
			continue;
		TRY(context_node(c, names->items[i], &ret[i], e));
		for (size_t earlier = 0; earlier < i; earlier++)
			if (ret[earlier] == ret[i])
				return err_set(e, ERR_USAGE, "node '%s' is named twice",
				               names->items[i]);
	}
	*ret_count = count;
	return 0;
}

#include "cluster/orphans.h"

#include "cluster/config_internal.h"
#include "cluster/launcher.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void orphans_drop(struct orphans *o)
{
	free(o->items);
	*o = (struct orphans){ 0 };
}

static bool is_launched_here(const struct cluster *c, const char *name)
{
	const struct cluster_node *node = cluster_find_node(c, name);

	return node && node->listen;
}

static int add(struct orphans *to, const char *name, int pid, struct err *e)
{
	struct orphan *items;

	if (to->count == CLUSTER_NODES_MAX)
		return err_set(e, ERR_DATA, "more than %d enclaves of other cluster files run here",
		               CLUSTER_NODES_MAX);
	items = reallocarray(to->items, to->count + 1, sizeof(*items));
	if (!items)
		return err_set(e, ERR_INTERNAL, "no memory for the enclaves that run here");
	to->items = items;
	memset(&items[to->count], 0, sizeof(*items));
	memcpy(items[to->count].name, name, strlen(name));
	items[to->count++].pid = pid;
	return 0;
}

struct search {
	const struct cluster *cluster;
	const struct state *state;
	struct orphans *to;
};

/* What is no pid file of teectl's is none of an enclave that runs. */
static int consider(void *context, const char *name, struct err *e)
{
	const struct search *search = context;
	const struct cluster_node node = { .name = (char *)name };
	struct local_node local;
	struct err ignored;

	if (!config_is_name(name) || is_launched_here(search->cluster, name) ||
	    launcher_look(search->state, &node, &local, &ignored) < 0 || !local.is_running)
		return 0;
	return add(search->to, name, local.pid, e);
}

/* A file whose writing was cut short has the pid of one that is known by its own name. */
static void drop_known(const struct cluster *c, const struct state *s, struct orphans *o)
{
	size_t count = 0;

	for (size_t i = 0; i < o->count; i++)
		if (!(count && o->items[count - 1].pid == o->items[i].pid) &&
		    !launcher_remembers(c, s, o->items[i].pid))
			o->items[count++] = o->items[i];
	o->count = count;
}

/* The shorter name of two of one process is the one that it was given. */
static int compare(const void *a, const void *b)
{
	const struct orphan *left = a, *right = b;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return strcmp(left->name, right->name);
}

int orphans_find(const struct cluster *c, const struct state *s, struct orphans *ret, struct err *e)
{
	AUTO(text) char *path = NULL;
	AUTO(orphans) struct orphans found = { 0 };
	struct search search = { c, s, &found };

	TRY(state_path(s, "pids", &path, e));
	TRY(folder_each(path, path, /* may_lack= */ true, consider, &search, e));
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), compare);
	drop_known(c, s, &found);
	*ret = MOVE(found);
	return 0;
}

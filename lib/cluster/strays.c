#include "cluster/strays.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/hypervisor.h"
#include "cluster/launcher.h"
#include "cluster/orphans.h"
#include "proto/launch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CMDLINE_MAX (64u << 10)

static bool is_hypervisor(const char *program)
{
	const char *name = strrchr(program, '/');

	return strcmp(name ? name + 1 : program, HYPERVISOR) == 0;
}

/* "--NAME=VALUE": VALUE; NULL: it is another option, or none. */
static const char *option_value(const char *argument, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, len) != 0 ||
	    argument[2 + len] != '=')
		return NULL;
	return argument + 2 + len + 1;
}

const char *stray_pki(struct view cmdline)
{
	const char *at = (const char *)cmdline.data, *end = at + cmdline.len, *pki = NULL;

	/* Each argument ends with a zero. */
	if (!cmdline.len || end[-1] || !is_hypervisor(at))
		return NULL;
	for (; at < end && !pki; at += strlen(at) + 1)
		pki = option_value(at, hv_option_table[HV_PKI].name);
	return pki;
}

struct search {
	const struct cluster *cluster;
	const struct state *state;
	struct orphans orphans;
	char *pki; /* of the state, whole */
	struct strays *to;
};

static void search_drop(struct search *s)
{
	orphans_drop(&s->orphans);
	text_drop(&s->pki);
}

/* By a pid file of the state, under the name of a node or of one that was. */
static bool is_known(const struct search *s, int pid)
{
	for (size_t i = 0; i < s->orphans.count; i++)
		if (s->orphans.items[i].pid == pid)
			return true;
	return launcher_remembers(s->cluster, s->state, pid);
}

/* Another user's process calls itself what it likes, and can make whoever reads its command line
 * wait. */
static bool is_own(int pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) == 0 && st.st_uid == geteuid();
}

static int consider(void *context, const char *name, struct err *e)
{
	struct search *s = context;
	AUTO(buf) struct buf cmdline = BUF_INIT(CMDLINE_MAX);
	struct err ignored;
	const char *pki;
	char path[32];
	uint64_t pid;

	(void)e;
	/* Processes come and go: what can't be read is none of ours. */
	if (number_parse(name, "a pid", 1, INT_MAX, &pid, &ignored) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (!is_own((int)pid) || file_read(path, &cmdline, &ignored) < 0)
		return 0;
	/* It is not dumpable: the folder that it was started in shows to root alone, and so the
	 * launcher tells it the whole path. */
	pki = stray_pki(buf_view(&cmdline));
	if (!pki || strcmp(pki, s->pki) != 0 || is_known(s, (int)pid))
		return 0;
	if (s->to->count < STRAYS_MAX)
		s->to->pids[s->to->count] = (int)pid;
	s->to->count++;
	return 0;
}

void strays_find(const struct cluster *c, const struct state *s, struct strays *ret)
{
	AUTO(search) struct search search = { .cluster = c, .state = s, .to = ret };
	struct err ignored;

	*ret = (struct strays){ 0 };
	if (state_whole_path(s, "pki", &search.pki, &ignored) == 0 &&
	    orphans_find(c, s, &search.orphans, &ignored) == 0)
		(void)!folder_each("/proc", "/proc", /* may_lack= */ true, consider, &search,
		                   &ignored);
}

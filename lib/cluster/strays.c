#include "cluster/strays.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/launcher.h"
#include "cluster/orphans.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HYPERVISOR  "teectl-hv"
#define PKI         "--pki="
#define CMDLINE_MAX (64u << 10)

static bool is_hypervisor(const char *program)
{
	const char *name = strrchr(program, '/');

	return strcmp(name ? name + 1 : program, HYPERVISOR) == 0;
}

const char *stray_pki(struct view cmdline)
{
	const char *at = (const char *)cmdline.data, *end = at + cmdline.len;

	/* Each argument ends with a zero. */
	if (!cmdline.len || end[-1] || !is_hypervisor(at))
		return NULL;
	for (; at < end; at += strlen(at) + 1)
		if (strncmp(at, PKI, strlen(PKI)) == 0)
			return at + strlen(PKI);
	return NULL;
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
	struct local_node local;
	struct err ignored;

	for (size_t i = 0; i < s->cluster->node_count; i++)
		if (s->cluster->nodes[i].listen &&
		    launcher_look(s->state, &s->cluster->nodes[i], &local, &ignored) == 0 &&
		    local.pid == pid)
			return true;
	for (size_t i = 0; i < s->orphans.count; i++)
		if (s->orphans.items[i].pid == pid)
			return true;
	return false;
}

/* By a user of this host who is another one it can be called as he likes, and to read its command
 * line may take as long as he likes. */
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
	const char *pki;
	char path[32];
	uint64_t pid;

	/* Processes come and go: what can't be read is none of ours. */
	if (number_parse(name, "a pid", 1, INT_MAX, &pid, e) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (!is_own((int)pid) || file_read(path, &cmdline, e) < 0)
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

/* As the launcher found it, though it may be gone: by what is there of it. */
static int find_whole(const char *path, char **ret, struct err *e)
{
	AUTO(text) char *there = NULL;
	AUTO(text) char *above = NULL;
	const char *slash = strrchr(path, '/');

	there = realpath(path, NULL);
	if (there) {
		*ret = MOVE(there);
		return 0;
	}
	if (!path[0] || slash == path)
		return text_dup(path, ret, e);
	TRY(path_folder(path, &above, e));
	TRY(find_whole(above, &there, e));
	return path_join(there, slash ? slash + 1 : path, ret, e);
}

void strays_find(const struct cluster *c, const struct state *s, struct strays *ret)
{
	AUTO(search) struct search search = { .cluster = c, .state = s, .to = ret };
	AUTO(text) char *pki = NULL;
	struct err ignored;

	*ret = (struct strays){ 0 };
	if (state_path(s, "pki", &pki, &ignored) == 0 &&
	    find_whole(pki, &search.pki, &ignored) == 0 &&
	    orphans_find(c, s, &search.orphans, &ignored) == 0)
		(void)!folder_each("/proc", "/proc", /* may_lack= */ true, consider, &search,
		                   &ignored);
}

/* Preflight: the state folder. */
#include "orchestrate/preflight_internal.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NODE_DISK    (64u << 10) /* pid, log and journal lines of a node's first day */
#define CLUSTER_DISK (4u << 20)  /* manifests, documents, shares, journal */

/* What is there of the path: the folder itself, or the nearest above it. */
static int nearest_folder(const char *path, char **ret, struct err *e)
{
	AUTO(text) char *at = NULL;
	bool is_there;

	TRY(text_dup(path, &at, e));
	TRY(file_look(at, &is_there, e));
	while (!is_there) {
		AUTO(text) char *above = NULL;

		TRY(path_folder(at, &above, e));
		text_drop(&at);
		at = MOVE(above);
		TRY(file_look(at, &is_there, e));
	}
	*ret = MOVE(at);
	return 0;
}

static int check_writable(const char *folder, struct err *e)
{
	if (access(folder, W_OK | X_OK) < 0)
		return err_sys(e, ERR_NOT_DESIRED, errno, "writing to '%s'", folder);
	return 0;
}

int preflight_space(uint64_t available_bytes, size_t nodes, struct err *e)
{
	uint64_t wanted = CLUSTER_DISK + (uint64_t)nodes * NODE_DISK;

	if (available_bytes >= wanted)
		return 0;
	return err_reason(e, ERR_NOT_DESIRED, ERR_SPACE,
	                  "%llu KiB are left on its disk, and %zu nodes take %llu KiB",
	                  (unsigned long long)available_bytes >> 10, nodes,
	                  (unsigned long long)wanted >> 10);
}

static int check_space(const struct preflight *p, const char *folder, struct err *e)
{
	struct statvfs s;

	if (statvfs(folder, &s) < 0)
		return err_sys(e, ERR_NOT_DESIRED, errno, "the disk of '%s'", folder);
	return preflight_space((uint64_t)s.f_bavail * s.f_frsize, p->chosen, e);
}

static int check_lock(struct preflight *p, struct err *e)
{
	bool is_locked;
	struct err why;

	TRY(state_is_locked(&p->state, &is_locked, e));
	if (!is_locked)
		return preflight_add_ok(p, "state", "lock", e, "free");
	state_name_holder(&p->state, &why);
	return preflight_add_failed(
	    p, "state", "lock", &why,
	    err_has_mark(&why, STATE_HEALING)
	        ? "that watch holds it only while it heals: try again in a moment"
	        : "wait until that run has ended",
	    e);
}

int preflight_check_state(struct preflight *p, struct err *e)
{
	AUTO(text) char *folder = NULL;
	struct err why;
	int result;

	if (state_open(p->c, p->options->state_folder, /* to_change= */ false, p->options->verb,
	               &p->state, &why) < 0)
		return preflight_add_failed(
		    p, "state", "folder", &why,
		    "make the folder yours alone (mode 0700), or name another: --state", e);
	TRY(nearest_folder(p->state.folder, &folder, e));
	result = check_writable(folder, &why);
	TRY(preflight_add_result(p, "state", "folder", result, &why,
	                         strcmp(folder, p->state.folder) == 0 ? "private and writable"
	                                                              : "made when it is needed",
	                         "make the folder yours to write to, or name another: --state", e));
	result = check_space(p, folder, &why);
	TRY(preflight_add_result(p, "state", "space", result, &why, "enough",
	                         "make room on that disk", e));
	TRY(check_lock(p, e));
	if (state_load_genesis(&p->state, &p->has_genesis, &p->genesis, &why) == 0)
		return 0;
	return preflight_add_failed(p, "state", "genesis", &why,
	                            "bring the folder back from a backup", e);
}

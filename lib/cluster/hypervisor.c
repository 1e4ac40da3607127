#include "cluster/hypervisor.h"

#include "base/file.h"
#include "base/file_guard.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* *ret: NULL when there is none */
static int find_beside(char **ret, struct err *e)
{
	AUTO(text) char *folder = NULL;
	AUTO(text) char *path = NULL;
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return err_sys(e, ERR_INTERNAL, errno, "/proc/self/exe");
	self[len] = 0;
	TRY(path_folder(self, &folder, e));
	TRY(path_join(folder, HYPERVISOR, &path, e));
	if (is_program(path))
		*ret = MOVE(path);
	return 0;
}

/* As a shell does: an empty entry is the folder one is in. */
static int find_on_path(char **ret, struct err *e)
{
	AUTO(text) char *folders = NULL;
	const char *all = getenv("PATH"), *folder;
	char *rest;

	if (!all)
		return 0;
	TRY(text_dup(all, &folders, e));
	rest = folders;
	while (!*ret && (folder = strsep(&rest, ":"))) {
		AUTO(text) char *path = NULL;

		TRY(path_join(*folder ? folder : ".", HYPERVISOR, &path, e));
		if (is_program(path))
			*ret = MOVE(path);
	}
	return 0;
}

int hypervisor_find(char **ret, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(find_beside(&path, e));
	if (!path)
		TRY(find_on_path(&path, e));
	if (!path)
		return err_set(e, ERR_NO_INPUT,
		               "there is no '" HYPERVISOR "' beside teectl or on the PATH");
	/* It is run by this path: nobody else can put another there any more. */
	TRY(path_check_guarded(path, "hypervisor", e));
	*ret = MOVE(path);
	return 0;
}

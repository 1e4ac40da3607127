#include "attest/search.h"

#include "attest/elf.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/file_guard.h"

#include <limits.h>
#include <string.h>

#define SEARCH_MAX (64u << 10)
#define ORIGIN     "$ORIGIN"
#define ORIGIN_2   "${ORIGIN}"

/* The loader looks in each folder before it comes to where it found a library: nobody else may make
 * one there before the enclave is started.
 * origin  the folder of what names it; NULL: the image, which has none when it is run */
static int check_search(const char *folder, const char *origin, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(2 * PATH_MAX);
	size_t skipped = strncmp(folder, ORIGIN, strlen(ORIGIN)) == 0       ? strlen(ORIGIN)
	                 : strncmp(folder, ORIGIN_2, strlen(ORIGIN_2)) == 0 ? strlen(ORIGIN_2)
	                                                                    : 0;
	char *variable;

	if ((skipped && !origin) || (!skipped && folder[0] != '/'))
		return err_set(e, ERR_DATA,
		               "it has libraries looked for in '%.200s', which is another folder "
		               "when it is run (DT_RPATH, DT_RUNPATH)",
		               folder);
	if (skipped)
		TRY(buf_add_text(&path, origin, e));
	TRY(buf_add_text(&path, folder + skipped, e));
	/* $LIB, $PLATFORM: up to the folder in which it names one. */
	variable = strchr((char *)path.data, '$');
	while (variable && *variable != '/')
		*variable-- = 0;
	return folder_check_guarded(buf_text(&path), "its search folder", e);
}

int search_check_file(struct view file, const char *origin, bool *ret_has_any, struct err *e)
{
	AUTO(buf) struct buf folders = BUF_INIT(SEARCH_MAX);
	char *rest, *folder;

	TRY(elf_search_folders(file, &folders, e));
	if (!folders.len)
		return 0;
	*ret_has_any = true;
	TRY(buf_add_u8(&folders, 0, e));
	/* Behind each list. */
	folders.data[folders.len - 2] = 0;
	rest = (char *)folders.data;
	while ((folder = strsep(&rest, ":")))
		TRY(check_search(folder, origin, e));
	return 0;
}

/* Which of its own folders a loader means by a path that begins elsewhere, or in the image as it is
 * open here, is another one when it is run. */
static int check_place(const char *path, const char *what, struct err *e)
{
	static const char here[] = "/proc/";

	if (*path == '/' && strncmp(path, here, strlen(here)) != 0)
		return 0;
	return err_set(e, ERR_DATA, "%s '%.200s', which is another one when it is run", what, path);
}

static const char looks_for[] = "the image's loader looks for",
                  looks_in[] = "the image's loader looks in";

int search_check_tried(const char *path, struct err *e)
{
	TRY(check_place(path, looks_for, e));
	return path_check_guarded(path, looks_for, e);
}

int search_check_folders(const char *list, struct err *e)
{
	AUTO(buf) struct buf folder = BUF_INIT(PATH_MAX);

	for (; *list; list += *list == ':') {
		size_t len = strcspn(list, ":");

		TRY(buf_set(&folder, view_new(list, len), e));
		list += len;
		if (!len)
			continue;
		TRY(check_place(buf_text(&folder), looks_in, e));
		TRY(folder_check_guarded(buf_text(&folder), looks_in, e));
	}
	return 0;
}

#include "attest/listing.h"

#include <string.h>

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* One of that name that a path leads to is a file as any. */
static bool is_vdso(const char *path)
{
	static const char prefix[] = "linux-vdso.so.";

	return strncmp(path, prefix, strlen(prefix)) == 0 && !strchr(path, '/');
}

static int refuse(const char *line, struct err *e)
{
	return err_set(e, ERR_DATA, "the loader says of the image: %.200s", line);
}

/* "name => /path (address)", "/path (address)", or "linux-vdso.so.1 (address)". *ret_path: NULL for
 * the last. */
static int take_line(char *line, const char **ret_name, const char **ret_path, struct err *e)
{
	char *arrow = strstr(line, " => "), *end = strrchr(line, '('), *path = line;

	if (arrow)
		path = arrow + strlen(" => ");
	if (arrow && strncmp(path, "not found", strlen("not found")) == 0) {
		*arrow = 0;
		return err_set(e, ERR_DATA, "the image's library '%s' is not found", line);
	}
	if (!end || end <= path || end[-1] != ' ')
		return refuse(line, e);
	end[-1] = 0;
	if (is_vdso(path) && !arrow) {
		*ret_path = NULL;
		return 0;
	}
	if (*path != '/')
		return refuse(line, e);
	if (arrow)
		*arrow = 0;
	if (!*path_base(line) || !*path_base(path))
		return refuse(line, e);
	*ret_name = path_base(line);
	*ret_path = path;
	return 0;
}

int listing_next(char **rest, const char **ret_name, const char **ret_path, struct err *e)
{
	char *line;

	*ret_path = NULL;
	while (!*ret_path && (line = strsep(rest, "\n"))) {
		line += strspn(line, " \t");
		if (*line)
			TRY(take_line(line, ret_name, ret_path, e));
	}
	return 0;
}

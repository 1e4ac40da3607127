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

/* "name => /path (address)", "/path (address)", or "linux-vdso.so.1 (address)", which is none. */
static int take_library(char *line, struct listed *ret, struct err *e)
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
	if (is_vdso(path) && !arrow)
		return 0;
	if (*path != '/')
		return refuse(line, e);
	if (arrow)
		*arrow = 0;
	if (!*path_base(line) || !*path_base(path))
		return refuse(line, e);
	*ret = (struct listed){ LISTED_LIBRARY, path_base(line), path };
	return 0;
}

/* What glibc's tells beside its list begins with "PID:", a tab, and a depth of spaces. */
static char *find_told(char *line)
{
	size_t digits = strspn(line, "0123456789");

	if (!digits || line[digits] != ':' || line[digits + 1] != '\t')
		return NULL;
	line += digits + 2;
	return line + strspn(line, " ");
}

static bool take_word(char *told, const char *word, char **ret)
{
	size_t len = strlen(word);

	*ret = told + len;
	return strncmp(told, word, len) == 0;
}

/* "trying file=PATH", "search path=FOLDERS\t\t(why)", and others, which say nothing of where. */
static int take_told(char *told, struct listed *ret, struct err *e)
{
	char *value, *why;

	if (take_word(told, "trying file=", &value)) {
		*ret = (struct listed){ .kind = LISTED_TRIED, .path = value };
		return 0;
	}
	if (!take_word(told, "search path=", &value))
		return 0;
	why = strstr(value, "\t\t(");
	if (!why || strchr(value, '\t') != why)
		return refuse(told, e);
	*why = 0;
	*ret = (struct listed){ .kind = LISTED_SEARCHED, .path = value };
	return 0;
}

int listing_next(char **rest, struct listed *ret, struct err *e)
{
	char *line, *told;

	*ret = (struct listed){ .kind = LISTED_END };
	while (ret->kind == LISTED_END && (line = strsep(rest, "\n"))) {
		line += strspn(line, " \t");
		told = find_told(line);
		if (told)
			TRY(take_told(told, ret, e));
		else if (*line)
			TRY(take_library(line, ret, e));
	}
	return 0;
}

#include "proto/file_kind.h"

#include <string.h>

/* In the order of their trial: a request has a manifest in it, and that one approvals. */
static const struct {
	const char *name;
	const char *marks[2]; /* words that all of its kind have, in any layout */
} kinds[FILE_KIND_COUNT] = {
	[FILE_KIND_REQUEST] = { "a share request", { "\"teectl-share-request\"", NULL } },
	[FILE_KIND_BUNDLE] = { "a share bundle", { "\"teectl-share-bundle\"", NULL } },
	[FILE_KIND_MANIFEST] = { "a manifest", { "\"namespace\"", "\"pivot\"" } },
	[FILE_KIND_APPROVAL] = { "an approval", { "\"signature\"", "\"member\"" } },
};

static bool has(struct view content, const char *mark)
{
	return !mark || memmem(content.data, content.len, mark, strlen(mark)) != NULL;
}

enum file_kind file_kind_guess(struct view content)
{
	for (unsigned i = 0; content.len && i < FILE_KIND_COUNT; i++)
		if (has(content, kinds[i].marks[0]) && has(content, kinds[i].marks[1]))
			return (enum file_kind)i;
	return FILE_KIND_COUNT;
}

void file_kind_wrap(enum file_kind expected, struct view content, struct err *e)
{
	enum file_kind found = file_kind_guess(content);

	if (e->code == ERR_INTERNAL || found == expected)
		return;
	if (found == FILE_KIND_COUNT)
		(void)err_wrap(e, "%s was expected", kinds[expected].name);
	else
		(void)err_wrap(e, "%s was expected, and this looks like %s", kinds[expected].name,
		               kinds[found].name);
}

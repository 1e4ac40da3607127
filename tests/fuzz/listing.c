/* listing_next: whatever a loader says, a library is a name without folders and an absolute path,
 * and nothing is of two lines. */
#include "attest/listing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool is_inside(const char *part, const char *text, size_t size)
{
	return part >= text && part + strlen(part) <= text + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text;
	struct listed item;
	struct err e;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	while (listing_next(&rest, &item, &e) == 0 && item.kind != LISTED_END) {
		check(is_inside(item.path, text, size) && !strchr(item.path, '\n'));
		if (item.kind != LISTED_LIBRARY)
			continue;
		check(is_inside(item.name, text, size));
		check(*item.name && !strpbrk(item.name, "/\n"));
		check(*item.path == '/' && *path_base(item.path));
	}
	free(text);
	return 0;
}

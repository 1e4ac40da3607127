/* listing_next: whatever a loader says, a name without folders and an absolute path, of one line.
 */
#include "attest/listing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text;
	const char *name = NULL, *path = NULL;
	struct err e;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	while (listing_next(&rest, &name, &path, &e) == 0 && path) {
		check(name >= text && name + strlen(name) <= text + size);
		check(path >= text && path + strlen(path) <= text + size);
		check(*name && !strpbrk(name, "/\n"));
		check(*path == '/' && *path_base(path) && !strchr(path, '\n'));
	}
	free(text);
	return 0;
}

/* free and realloc that wipe, for the programs (libteectl leaves its host's allocator alone).
 *
 * json-c, libcurl and libmicrohttpd keep copies of message bodies in ordinary memory; this leaves
 * none of them readable once freed. Left out under AddressSanitizer and valgrind, which replace the
 * allocator themselves (the Makefile decides). */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void __libc_free(void *block);

void free(void *block)
{
	if (!block)
		return;
	explicit_bzero(block, malloc_usable_size(block));
	__libc_free(block);
}

void *realloc(void *block, size_t size)
{
	size_t old = block ? malloc_usable_size(block) : 0;
	void *moved;

	if (block && size && size <= old && size > old / 2)
		return block;
	if (block && !size) {
		free(block);
		return NULL;
	}
	moved = malloc(size);
	if (!moved)
		return NULL;
	if (block) {
		memcpy(moved, block, old < size ? old : size);
		free(block);
	}
	return moved;
}

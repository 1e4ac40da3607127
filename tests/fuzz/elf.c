/* elf_interpreter: an image's loader, whatever its headers say. */
#include "attest/elf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view path = { 0 };
	struct err e;

	if (elf_interpreter(view_new(data, size), &path, &e) == 0 && path.len &&
	    (path.data < data || path.len >= size || path.data[0] != '/'))
		abort();
	return 0;
}

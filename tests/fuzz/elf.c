/* elf_interpreter and elf_check_names: an image's loader, and whether the names in it can be
 * listed, whatever its headers say. */
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
	if (elf_check_names(view_new(data, size), &e) < 0 && e.code != ERR_DATA)
		abort();
	return 0;
}

/* Any bytes, as a file that somebody handed in instead of another: the guess does not change, and
 * a refusal keeps its code, ends with its own words, and tells of the guess if it is another. */
#include "proto/file_kind.h"

#include <stdlib.h>
#include <string.h>

#define WORDS "its own words"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct view content = view_new(data, len);
	enum file_kind guess = file_kind_guess(content);
	struct err e;

	if (guess > FILE_KIND_COUNT || (len == 0 && guess != FILE_KIND_COUNT))
		abort();
	for (unsigned kind = 0; kind < FILE_KIND_COUNT; kind++) {
		(void)err_set(&e, ERR_DATA, WORDS);
		file_kind_wrap((enum file_kind)kind, content, &e);
		if (e.code != ERR_DATA || strlen(e.text) < strlen(WORDS) ||
		    strcmp(e.text + strlen(e.text) - strlen(WORDS), WORDS) != 0)
			abort();
		if ((strcmp(e.text, WORDS) == 0) != (kind == guess))
			abort();
		if ((strstr(e.text, "looks like") != NULL) !=
		    (guess != FILE_KIND_COUNT && kind != guess))
			abort();
	}
	return 0;
}

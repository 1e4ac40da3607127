/* Node patterns: what is accepted has each of its texts, and none has a bracket left that is no
 * address's. */
#include "cluster/pattern.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX 4096
#define TEXT_MAX  4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];
	struct pattern p;
	struct err e;

	if (size >= sizeof(text) || memchr(data, 0, size))
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (pattern_parse(text, TEXTS_MAX, &p, &e) < 0)
		return 0;
	if (p.count == 0 || p.count > TEXTS_MAX)
		abort();
	for (size_t i = 0; i < p.count; i++) {
		AUTO(buf) struct buf one = BUF_INIT(TEXT_MAX);

		if (pattern_add(&p, i, &one, &e) < 0)
			abort();
		if (p.brackets == 0 && strcmp(buf_text(&one), text) != 0)
			abort();
		if (strchr(buf_text(&one), '[') && !strchr(buf_text(&one), ':'))
			abort();
	}
	return 0;
}

/* pcr_source_parse: expected PCRs from whatever other tools print. */
#include "cluster/pcr_source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcr_set set = { 0 };
	unsigned listed = 0;
	struct err e = { 0 };

	if (pcr_source_parse("fuzz", view_new(data, size), &set, &e) < 0) {
		if (e.code != ERR_DATA || !e.text[0])
			abort();
		return 0;
	}
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		uint8_t len = set.values[i].len;

		if (len && len != 32 && len != 48 && len != 64)
			abort();
		listed += len != 0;
	}
	if (listed == 0)
		abort();
	return 0;
}

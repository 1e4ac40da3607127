/* Any bytes, as a member's KEY.seen: what is read of a namespace refuses what is lower and another
 * manifest of the same nonce, and nothing else. */
#include <stdlib.h>

#include "cluster/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen known, now;
	struct err e;

	if (seen_parse(view_new(data, len), view_text("prod"), &known, &e) < 0) {
		if (e.code != ERR_DATA)
			abort();
		return 0;
	}
	now = known;
	if (seen_check(&known, &now, &e) < 0)
		abort();
	now.manifest.bytes[0] ^= 1;
	if ((seen_check(&known, &now, &e) < 0) != known.has_manifest)
		abort();
	now.nonce--;
	if (known.has_nonce && seen_check(&known, &now, &e) == 0)
		abort();
	return 0;
}

/* Any bytes, as a member's bundle: what is read is the same after it was written and read again. */
#include <stdlib.h>

#include "proto/share_bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(share_bundle) struct share_bundle b = { 0 };
	AUTO(share_bundle) struct share_bundle again = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(8 * BUNDLE_FILE_MAX);
	uint8_t message[STATEMENT_LEN];
	struct err e;

	if (share_bundle_parse(view_new(data, len), &b, &e) < 0) {
		if (e.code != ERR_DATA)
			abort();
		return 0;
	}
	if (share_bundle_statement(&b, b.items.items, message, &e) < 0 ||
	    share_bundle_format(&b, &text, &e) < 0 ||
	    share_bundle_parse(buf_view(&text), &again, &e) < 0 ||
	    again.expires_ms != b.expires_ms || again.items.count != b.items.count)
		abort();
	return 0;
}

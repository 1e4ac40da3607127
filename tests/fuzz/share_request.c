/* Any bytes, as an operator's request: what is read is the same after it was written and read
 * again.
 */
#include <stdlib.h>

#include "proto/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(share_request) struct share_request q = { 0 };
	AUTO(share_request) struct share_request again = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(8 * REQUEST_FILE_MAX);
	struct hash256 hash, hash_again;
	struct err e;

	if (request_parse(view_new(data, len), &q, &e) < 0) {
		if (e.code != ERR_DATA)
			abort();
		return 0;
	}
	if (manifest_hash(&q.manifest_envelope.manifest, &hash, &e) < 0 ||
	    request_format(&q, &text, &e) < 0 || request_parse(buf_view(&text), &again, &e) < 0 ||
	    manifest_hash(&again.manifest_envelope.manifest, &hash_again, &e) < 0 ||
	    !view_equal(VIEW_OF(hash.bytes), VIEW_OF(hash_again.bytes)) ||
	    again.expires_ms != q.expires_ms || again.targets.count != q.targets.count)
		abort();
	return 0;
}

/* Any bytes, as one of QOS's manifest files: what is read as version 1 is the same manifest after
 * it was written and read again, in JSON and in borsh. */
#include <stdlib.h>
#include <string.h>

#include "proto/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect_hash(struct view content, const struct hash256 *hash)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	struct err e;

	if (manifest_file_parse(content, &f, &e) < 0 ||
	    !view_equal(VIEW_OF(f.hash.bytes), VIEW_OF(hash->bytes)))
		abort();
}

/* Borsh may hold longer names than JSON's rows allow: no fault. */
static void rewrite(const struct manifest_file *f, bool is_json)
{
	AUTO(buf) struct buf json = BUF_INIT(8 * WIRE_TEXT_MAX);
	AUTO(manifest_envelope) struct manifest_envelope copy = { 0 };
	struct hash256 hash;
	struct err e;

	if (manifest_hash(&f->envelope.manifest, &hash, &e) < 0)
		abort();
	if (f->version == 1 && !view_equal(VIEW_OF(hash.bytes), VIEW_OF(f->hash.bytes)))
		abort();
	if (manifest_copy(&f->envelope, &copy, &e) < 0 ||
	    manifest_file_format(&copy, &json, &e) < 0)
		abort();
	if (is_json)
		expect_hash(buf_view(&json), &hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	struct err e;

	if (manifest_file_parse(view_new(data, len), &f, &e) == 0) {
		rewrite(&f,
		        memchr(data, '{', len) && memchr(data, '"', len) && !memchr(data, 0, len));
		if (manifest_check(&f.envelope, true, &e) == 0 &&
		    manifest_check(&f.envelope, false, &e) < 0 && e.code != ERR_MANIFEST)
			abort();
	}
	return 0;
}

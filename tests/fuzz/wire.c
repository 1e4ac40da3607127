/* Any text, as the body of every request and response: what is read is written, and then read and
 * written the same; canonical JSON is its own canonical form. */
#include <stdlib.h>
#include <string.h>

#include "proto/api.h"
#include "proto/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* false: not a message of this schema. */
static bool rewrite(const struct wire_schema *schema, struct view text, struct buf *to)
{
	void *message = calloc(1, schema->size);
	bool is_read;
	struct err e;

	if (!message)
		abort();
	is_read = wire_decode(schema, text, message, &e) == 0;
	if (is_read && wire_encode(schema, message, to, &e) < 0)
		abort();
	if (is_read)
		wire_release(schema, message);
	free(message);
	return is_read;
}

static void try_schema(const struct wire_schema *schema, struct view text)
{
	AUTO(buf) struct buf once = BUF_INIT(8 * WIRE_TEXT_MAX);
	AUTO(buf) struct buf twice = BUF_INIT(8 * WIRE_TEXT_MAX);

	if (!schema || !rewrite(schema, text, &once))
		return;
	if (!rewrite(schema, buf_view(&once), &twice) ||
	    !view_equal(buf_view(&once), buf_view(&twice)))
		abort();
}

/* No longer than it was, and JSON still: each schema reads it so. */
static void try_pack(struct view object)
{
	AUTO(buf) struct buf packed = BUF_INIT(WIRE_TEXT_MAX + PACK_SPARE);
	struct err e;

	if (json_pack(object, &packed, &e) < 0 || packed.len > object.len)
		abort();
}

static void try_canonical(struct view text)
{
	AUTO(buf) struct buf once = BUF_INIT(8 * WIRE_TEXT_MAX);
	AUTO(buf) struct buf twice = BUF_INIT(8 * WIRE_TEXT_MAX);
	struct err e;

	if (wire_canonical(text, &once, &e) < 0)
		return;
	if (wire_canonical(buf_view(&once), &twice, &e) < 0 ||
	    !view_equal(buf_view(&once), buf_view(&twice)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct view text = view_new(data, len), object;
	struct err e;

	if (json_scan(text, &scan_request, &object, &e) < 0)
		return 0;
	try_pack(object);
	for (unsigned i = 0; i < API_COUNT; i++) {
		try_schema(api_table[i].request, text);
		try_schema(api_table[i].response, text);
	}
	try_schema(&error_reply_schema, text);
	try_canonical(text);
	return 0;
}

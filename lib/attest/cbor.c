#include "attest/cbor.h"

#include "base/text.h"

#include <string.h>

#include <cbor.h>

/* cbor_stream_decode reads one head at a time, checks every length against the input and allocates
 * nothing. cbor_load would ask for gigabytes at the word of five bytes. */

struct head {
	enum { HEAD_REFUSED, HEAD_ITEM, HEAD_OPEN, HEAD_CHUNKS, HEAD_BREAK } what;
	struct cbor_item item;
};

static void set_item(void *context, enum cbor_kind kind, uint64_t number, struct view bytes)
{
	*(struct head *)context = (struct head){
		.what = HEAD_ITEM,
		.item = { .kind = kind, .span = 1, .number = number, .bytes = bytes },
	};
}

static void set_uint8(void *context, uint8_t value)
{
	set_item(context, CBOR_UINT, value, (struct view){ 0 });
}

static void set_uint16(void *context, uint16_t value)
{
	set_item(context, CBOR_UINT, value, (struct view){ 0 });
}

static void set_uint32(void *context, uint32_t value)
{
	set_item(context, CBOR_UINT, value, (struct view){ 0 });
}

static void set_uint64(void *context, uint64_t value)
{
	set_item(context, CBOR_UINT, value, (struct view){ 0 });
}

static void set_negative8(void *context, uint8_t value)
{
	set_item(context, CBOR_NEGATIVE, value, (struct view){ 0 });
}

static void set_negative16(void *context, uint16_t value)
{
	set_item(context, CBOR_NEGATIVE, value, (struct view){ 0 });
}

static void set_negative32(void *context, uint32_t value)
{
	set_item(context, CBOR_NEGATIVE, value, (struct view){ 0 });
}

static void set_negative64(void *context, uint64_t value)
{
	set_item(context, CBOR_NEGATIVE, value, (struct view){ 0 });
}

static void set_bytes(void *context, cbor_data data, size_t len)
{
	set_item(context, CBOR_BYTES, 0, view_new(data, len));
}

static void set_text(void *context, cbor_data data, size_t len)
{
	struct view text = view_new(data, len);

	if (utf8_is_valid(text))
		set_item(context, CBOR_TEXT, 0, text);
}

static void set_array(void *context, size_t count)
{
	set_item(context, CBOR_ARRAY, count, (struct view){ 0 });
}

static void set_map(void *context, size_t pairs)
{
	set_item(context, CBOR_MAP, pairs, (struct view){ 0 });
}

static void set_open_array(void *context)
{
	set_array(context, 0);
	((struct head *)context)->what = HEAD_OPEN;
}

static void set_open_map(void *context)
{
	set_map(context, 0);
	((struct head *)context)->what = HEAD_OPEN;
}

static void set_byte_chunks(void *context)
{
	set_item(context, CBOR_BYTES, 0, (struct view){ 0 });
	((struct head *)context)->what = HEAD_CHUNKS;
}

static void set_text_chunks(void *context)
{
	set_item(context, CBOR_TEXT, 0, (struct view){ 0 });
	((struct head *)context)->what = HEAD_CHUNKS;
}

static void set_break(void *context)
{
	((struct head *)context)->what = HEAD_BREAK;
}

static void set_bool(void *context, bool value)
{
	set_item(context, CBOR_BOOL, value, (struct view){ 0 });
}

static void set_null(void *context)
{
	set_item(context, CBOR_NULL, 0, (struct view){ 0 });
}

/* What the formats here never have leaves the head as it is: HEAD_REFUSED. */
static void refuse(void *context)
{
	(void)context;
}

static void refuse_tag(void *context, uint64_t tag)
{
	(void)context;
	(void)tag;
}

static void refuse_float(void *context, float value)
{
	(void)context;
	(void)value;
}

static void refuse_double(void *context, double value)
{
	(void)context;
	(void)value;
}

static const struct cbor_callbacks head_callbacks = {
	.uint8 = set_uint8,
	.uint16 = set_uint16,
	.uint32 = set_uint32,
	.uint64 = set_uint64,
	.negint8 = set_negative8,
	.negint16 = set_negative16,
	.negint32 = set_negative32,
	.negint64 = set_negative64,
	.byte_string_start = set_byte_chunks,
	.byte_string = set_bytes,
	.string = set_text,
	.string_start = set_text_chunks,
	.indef_array_start = set_open_array,
	.array_start = set_array,
	.indef_map_start = set_open_map,
	.map_start = set_map,
	.tag = refuse_tag,
	.float2 = refuse_float,
	.float4 = refuse_float,
	.float8 = refuse_double,
	.undefined = refuse,
	.null = set_null,
	.boolean = set_bool,
	.indef_break = set_break,
};

static int read_head(struct view *rest, struct head *ret, struct err *e)
{
	struct head head = { 0 };
	struct cbor_decoder_result result;

	result = cbor_stream_decode(rest->data, rest->len, &head_callbacks, &head);
	if (result.status == CBOR_DECODER_NEDATA)
		return err_set(e, ERR_DATA, "CBOR is cut short");
	if (result.status != CBOR_DECODER_FINISHED || head.what == HEAD_REFUSED)
		return err_set(e, ERR_DATA, "CBOR has an item that is not allowed here");
	*rest = view_new(rest->data + result.read, rest->len - result.read);
	*ret = head;
	return 0;
}

static bool key_equal(const struct cbor_item *a, const struct cbor_item *b)
{
	return a->kind == b->kind && a->number == b->number && view_equal(a->bytes, b->bytes);
}

static int check_keys(const struct cbor_item *map, struct err *e)
{
	const struct cbor_item *key = cbor_first(map), *other;

	for (uint64_t i = 0; i < map->number; i++, key = cbor_after(cbor_after(key))) {
		if (key->kind > CBOR_TEXT)
			return err_set(e, ERR_DATA, "a CBOR map has a key that is no name");
		other = cbor_first(map);
		for (; other != key; other = cbor_after(cbor_after(other)))
			if (key_equal(key, other))
				return err_set(e, ERR_DATA, "a CBOR map has a key twice");
	}
	return 0;
}

/* RFC 8949 3.2.3: chunks are strings of the same kind and of stated length, up to a break. */
static int read_chunks(struct cbor *c, struct cbor_item *string, struct err *e)
{
	struct head head = { 0 };
	uint8_t *start, *at;

	if (!c->joined)
		return err_set(e, ERR_DATA, "CBOR has an item that is not allowed here");
	/* All that may still be joined, at once: what was joined before must not move. */
	TRY(buf_reserve(c->joined, c->rest.len, &start, e));
	at = start;
	for (;;) {
		TRY(read_head(&c->rest, &head, e));
		if (head.what == HEAD_BREAK)
			break;
		if (head.what != HEAD_ITEM || head.item.kind != string->kind)
			return err_set(e, ERR_DATA, "CBOR has a string with a chunk that is none");
		if (head.item.bytes.len)
			memcpy(at, head.item.bytes.data, head.item.bytes.len);
		at += head.item.bytes.len;
	}
	string->bytes = view_new(start, (size_t)(at - start));
	buf_commit(c->joined, string->bytes.len);
	return 0;
}

/* *ret_break tells that a break stood there; NULL where none may. */
static int read_item(struct cbor *c, unsigned depth, bool *ret_break, struct err *e);

static int read_children(struct cbor *c, const struct head *head, struct cbor_item *container,
                         unsigned depth, struct err *e)
{
	bool is_open = head->what == HEAD_OPEN, ends = false;
	uint64_t per = container->kind == CBOR_MAP ? 2 : 1, count = container->number, i;

	/* an item takes at least a byte */
	if (count > c->rest.len / per)
		return err_set(e, ERR_DATA, "CBOR is cut short");
	for (i = 0; is_open || i < count * per; i++) {
		TRY(read_item(c, depth, is_open && i % per == 0 ? &ends : NULL, e));
		if (ends)
			break;
	}
	container->number = i / per;
	container->span = (uint32_t)(&c->items[c->count] - container);
	return container->kind == CBOR_MAP ? check_keys(container, e) : 0;
}

static int read_item(struct cbor *c, unsigned depth, bool *ret_break, struct err *e)
{
	struct cbor_item *item;
	struct head head = { 0 };

	TRY(read_head(&c->rest, &head, e));
	if (head.what == HEAD_BREAK) {
		if (!ret_break)
			return err_set(e, ERR_DATA, "CBOR has a break where there can be none");
		*ret_break = true;
		return 0;
	}
	if (c->count == CBOR_ITEMS_MAX)
		return err_set(e, ERR_DATA, "CBOR has more than %d items", CBOR_ITEMS_MAX);
	item = &c->items[c->count++];
	*item = head.item;
	if (head.what == HEAD_CHUNKS)
		return read_chunks(c, item, e);
	if (item->kind != CBOR_ARRAY && item->kind != CBOR_MAP)
		return 0;
	if (depth == CBOR_DEPTH_MAX)
		return err_set(e, ERR_DATA, "CBOR is nested deeper than %d", CBOR_DEPTH_MAX);
	return read_children(c, &head, item, depth + 1, e);
}

int cbor_parse(struct view bytes, struct cbor *ret, struct err *e)
{
	return cbor_parse_joining(bytes, NULL, ret, e);
}

int cbor_parse_joining(struct view bytes, struct buf *joined, struct cbor *ret, struct err *e)
{
	ret->count = 0;
	ret->rest = bytes;
	ret->joined = joined;
	return read_item(ret, 0, NULL, e);
}

const struct cbor_item *cbor_first(const struct cbor_item *container)
{
	return container + 1;
}

const struct cbor_item *cbor_after(const struct cbor_item *item)
{
	return item + item->span;
}

bool cbor_is_text(const struct cbor_item *item, const char *text)
{
	return item->kind == CBOR_TEXT && view_equal(item->bytes, view_text(text));
}

const struct cbor_item *cbor_find(const struct cbor_item *map, const char *key)
{
	const struct cbor_item *at = cbor_first(map);

	if (map->kind != CBOR_MAP)
		return NULL;
	for (uint64_t i = 0; i < map->number; i++, at = cbor_after(cbor_after(at)))
		if (cbor_is_text(at, key))
			return cbor_after(at);
	return NULL;
}

#define HEAD_LEN_MAX 9 /* initial byte and a 64-bit argument */

/* Every kind of head that is written has an argument, and libcbor a function of this shape. */
static int add_head(struct buf *to, size_t (*encode)(uint64_t, unsigned char *, size_t),
                    uint64_t value, struct err *e)
{
	uint8_t head[HEAD_LEN_MAX];

	return buf_add(to, view_new(head, encode(value, head, sizeof(head))), e);
}

int cbor_add_uint(struct buf *to, uint64_t value, struct err *e)
{
	return add_head(to, cbor_encode_uint, value, e);
}

int cbor_add_bytes(struct buf *to, struct view bytes, struct err *e)
{
	TRY(add_head(to, cbor_encode_bytestring_start, bytes.len, e));
	return buf_add(to, bytes, e);
}

int cbor_add_text(struct buf *to, struct view text, struct err *e)
{
	TRY(add_head(to, cbor_encode_string_start, text.len, e));
	return buf_add(to, text, e);
}

int cbor_add_key(struct buf *to, const char *key, struct err *e)
{
	return cbor_add_text(to, view_text(key), e);
}

int cbor_add_array(struct buf *to, size_t count, struct err *e)
{
	return add_head(to, cbor_encode_array_start, count, e);
}

int cbor_add_map(struct buf *to, size_t pairs, struct err *e)
{
	return add_head(to, cbor_encode_map_start, pairs, e);
}

int cbor_add_bool(struct buf *to, bool value, struct err *e)
{
	return buf_add_u8(to, value ? 0xf5 : 0xf4, e);
}

int cbor_add_null(struct buf *to, struct err *e)
{
	return buf_add_u8(to, 0xf6, e);
}

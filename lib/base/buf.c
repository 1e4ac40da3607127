#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view view_text(const char *text)
{
	return (struct view){ (const uint8_t *)text, strlen(text) };
}

struct view view_new(const void *data, size_t len)
{
	return (struct view){ data, len };
}

bool view_equal(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool view_is_zero(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] != 0)
			return false;
	return true;
}

static void wipe_and_free(uint8_t *data, size_t len)
{
	if (data)
		explicit_bzero(data, len);
	free(data);
}

void buf_drop(struct buf *b)
{
	wipe_and_free(b->data, b->cap);
	*b = BUF_INIT(b->max);
}

void buf_clear(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	b->len = 0;
}

struct view buf_view(const struct buf *b)
{
	return (struct view){ b->data, b->len };
}

const char *buf_text(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

int buf_reserve(struct buf *b, size_t len, uint8_t **ret, struct err *e)
{
	size_t need, cap;
	uint8_t *data;

	if (len > b->max - b->len)
		return err_set(e, ERR_TOO_LARGE, "more than %zu bytes", b->max);
	need = b->len + len + 1; /* the NUL behind the contents */
	if (need > b->cap) {
		cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
		/* To the maximum at once: byte by byte from half of it would cost its square. */
		if (cap > b->max)
			cap = b->max + 1;
		if (cap < need)
			cap = need;
		data = malloc(cap);
		if (!data)
			return err_set(e, ERR_INTERNAL, "no memory for %zu bytes", cap);
		if (b->len)
			memcpy(data, b->data, b->len);
		wipe_and_free(b->data, b->cap);
		memset(data + b->len, 0, cap - b->len);
		b->data = data;
		b->cap = cap;
	}
	*ret = b->data + b->len;
	return 0;
}

void buf_commit(struct buf *b, size_t len)
{
	b->len += len;
	b->data[b->len] = 0;
}

int buf_add(struct buf *b, struct view v, struct err *e)
{
	uint8_t *to;

	TRY(buf_reserve(b, v.len, &to, e));
	if (v.len)
		memcpy(to, v.data, v.len);
	buf_commit(b, v.len);
	return 0;
}

int buf_add_text(struct buf *b, const char *text, struct err *e)
{
	return buf_add(b, view_text(text), e);
}

static int add_le(struct buf *b, uint64_t value, size_t len, struct err *e)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	return buf_add(b, view_new(bytes, len), e);
}

int buf_add_u8(struct buf *b, uint8_t value, struct err *e)
{
	return add_le(b, value, 1, e);
}

int buf_add_le16(struct buf *b, uint16_t value, struct err *e)
{
	return add_le(b, value, 2, e);
}

int buf_add_le32(struct buf *b, uint32_t value, struct err *e)
{
	return add_le(b, value, 4, e);
}

int buf_add_vec(struct buf *b, struct view v, struct err *e)
{
	uint8_t *to;

	if (v.len > UINT32_MAX)
		return err_set(e, ERR_TOO_LARGE, "more than 2^32 - 1 bytes in a Vec");
	TRY(buf_reserve(b, v.len + 4, &to, e)); /* both parts or none */
	TRY(buf_add_le32(b, (uint32_t)v.len, e));
	return buf_add(b, v, e);
}

int buf_add_format(struct buf *b, struct err *e, const char *format, ...)
{
	va_list args, again;
	uint8_t *to;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || buf_reserve(b, (size_t)len, &to, e) < 0) {
		va_end(again);
		return len < 0 ? err_set(e, ERR_INTERNAL, "a format failed") : -1;
	}
	vsnprintf((char *)to, (size_t)len + 1, format, again);
	va_end(again);
	buf_commit(b, (size_t)len);
	return 0;
}

int buf_set(struct buf *b, struct view v, struct err *e)
{
	struct buf fresh = BUF_INIT(b->max);

	TRY(buf_add(&fresh, v, e));
	buf_drop(b);
	*b = fresh;
	return 0;
}

struct reader reader_new(struct view v)
{
	return (struct reader){ .rest = v };
}

struct view reader_bytes(struct reader *r, size_t len)
{
	struct view taken = { r->rest.data, len };

	if (r->failed || len > r->rest.len) {
		r->failed = true;
		return (struct view){ 0 };
	}
	if (len) {
		r->rest.data += len;
		r->rest.len -= len;
	}
	return taken;
}

static uint64_t read_le(struct reader *r, size_t len)
{
	struct view v = reader_bytes(r, len);
	uint64_t value = 0;

	for (size_t i = v.len; i > 0; i--)
		value = value << 8 | v.data[i - 1];
	return value;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)read_le(r, 1);
}

uint16_t reader_le16(struct reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t reader_le32(struct reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t reader_le64(struct reader *r)
{
	return read_le(r, 8);
}

struct view reader_vec(struct reader *r)
{
	return reader_bytes(r, reader_le32(r));
}

uint32_t reader_count(struct reader *r, size_t min_size)
{
	uint32_t count = reader_le32(r);

	if (count > r->rest.len / min_size) {
		r->failed = true;
		return 0;
	}
	return count;
}

void reader_copy(struct reader *r, void *to, size_t len)
{
	struct view v = reader_bytes(r, len);

	if (r->failed)
		memset(to, 0, len);
	else if (len)
		memcpy(to, v.data, len);
}

int reader_done(const struct reader *r, enum err_code code, const char *what, struct err *e)
{
	if (r->failed)
		return err_set(e, code, "%s: cut short", what);
	if (r->rest.len)
		return err_set(e, code, "%s: %zu bytes left over", what, r->rest.len);
	return 0;
}

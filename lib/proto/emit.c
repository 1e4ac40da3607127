#include "proto/emit.h"
#include "base/base64.h"

#include <string.h>

#include "base/text.h"
#include "proto/wire.h"

struct emit {
	struct buf *to;
	bool is_pretty;
	unsigned depth;
	struct err *e;
};

static int emit_value(struct emit *m, const struct wire_field *f, const uint8_t *member);

static int emit_escape(uint8_t c, struct buf *to, struct err *e)
{
	static const char names[] = "\"\\bfnrt", meanings[] = "\"\\\b\f\n\r\t";
	const char *meaning = memchr(meanings, c, sizeof(meanings) - 1);

	if (!meaning)
		return buf_add_format(to, e, "\\u%04x", c);
	return buf_add_format(to, e, "\\%c", names[meaning - meanings]);
}

/* How many bytes at the start of text are plain: no quote, no backslash, no control, UTF-8. */
static size_t plain_length(struct view text)
{
	size_t i = 0, len;

	while (i < text.len) {
		uint8_t c = text.data[i];

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (len > text.len - i || !utf8_is_valid(view_new(text.data + i, len)))
			break;
		i += len;
	}
	return i;
}

int emit_text(struct view text, struct buf *to, struct err *e)
{
	TRY(buf_add_u8(to, '"', e));
	while (text.len) {
		size_t plain = plain_length(text);

		TRY(buf_add(to, view_new(text.data, plain), e));
		text.data += plain;
		text.len -= plain;
		if (!text.len)
			break;
		if (*text.data < 0x80)
			TRY(emit_escape(*text.data, to, e));
		else
			TRY(buf_add_text(to, "\xef\xbf\xbd", e));
		text.data++;
		text.len--;
	}
	return buf_add_u8(to, '"', e);
}

static size_t write_decimal(uint8_t byte, uint8_t *to)
{
	size_t len = 0;

	if (byte >= 100)
		to[len++] = (uint8_t)('0' + byte / 100);
	if (byte >= 10)
		to[len++] = (uint8_t)('0' + byte / 10 % 10);
	to[len++] = (uint8_t)('0' + byte % 10);
	return len;
}

static size_t decimal_length(struct view bytes)
{
	size_t len = bytes.len ? bytes.len + 1 : 2; /* commas and brackets */

	for (size_t i = 0; i < bytes.len; i++)
		len += 1u + (bytes.data[i] >= 10) + (bytes.data[i] >= 100);
	return len;
}

static int emit_bytes(struct view bytes, struct buf *to, struct err *e)
{
	size_t at = 0, len = decimal_length(bytes);
	uint8_t *text;

	TRY(buf_reserve(to, len, &text, e));
	text[at++] = '[';
	for (size_t i = 0; i < bytes.len; i++) {
		if (i)
			text[at++] = ',';
		at += write_decimal(bytes.data[i], text + at);
	}
	text[at++] = ']';
	buf_commit(to, at);
	return 0;
}

static int emit_hex(struct view bytes, struct buf *to, struct err *e)
{
	TRY(buf_add_u8(to, '"', e));
	TRY(hex_format(bytes, to, e));
	return buf_add_u8(to, '"', e);
}

static int emit_base64(struct view bytes, struct buf *to, struct err *e)
{
	TRY(buf_add_u8(to, '"', e));
	TRY(base64_format(bytes, to, e));
	return buf_add_u8(to, '"', e);
}

static int emit_line(struct emit *m)
{
	if (!m->is_pretty)
		return 0;
	TRY(buf_add_u8(m->to, '\n', m->e));
	for (unsigned i = 0; i < m->depth; i++)
		TRY(buf_add_text(m->to, "  ", m->e));
	return 0;
}

static int emit_open(struct emit *m, char bracket)
{
	m->depth++;
	return buf_add_u8(m->to, (uint8_t)bracket, m->e);
}

static int emit_close(struct emit *m, char bracket, bool is_empty)
{
	m->depth--;
	if (!is_empty)
		TRY(emit_line(m));
	return buf_add_u8(m->to, (uint8_t)bracket, m->e);
}

static int emit_key(struct emit *m, bool *is_empty, struct view key)
{
	if (!*is_empty)
		TRY(buf_add_u8(m->to, ',', m->e));
	*is_empty = false;
	TRY(emit_line(m));
	TRY(emit_text(key, m->to, m->e));
	return buf_add_text(m->to, m->is_pretty ? ": " : ":", m->e);
}

static bool is_there(const struct wire_field *f, const uint8_t *base)
{
	const void *member = base + f->offset;

	if (!(f->flags & (WIRE_OPTIONAL | WIRE_NULLABLE)))
		return true;
	if (f->presence != SIZE_MAX)
		return *(const bool *)(base + f->presence);
	if (f->kind == WIRE_LIST || f->kind == WIRE_MAP)
		return ((const struct wire_list *)member)->count > 0;
	return ((const struct buf *)member)->len > 0;
}

static int emit_fields(struct emit *m, const struct wire_schema *schema, const uint8_t *base)
{
	bool is_empty = true;

	TRY(emit_open(m, '{'));
	for (size_t i = 0; i < schema->count; i++) {
		const struct wire_field *f = &schema->fields[i];
		bool there = is_there(f, base);

		if (!*f->name || (!there && f->flags & WIRE_OPTIONAL))
			continue;
		TRY(emit_key(m, &is_empty, view_text(f->name)));
		if (there)
			TRY(emit_value(m, f, base + f->offset));
		else
			TRY(buf_add_text(m->to, "null", m->e));
	}
	return emit_close(m, '}', is_empty);
}

static int emit_list(struct emit *m, const struct wire_schema *schema, const struct wire_list *list)
{
	const struct wire_field *first = &schema->fields[0];
	const uint8_t *item = list->items;

	TRY(emit_open(m, '['));
	for (size_t i = 0; i < list->count; i++, item += schema->size) {
		if (i)
			TRY(buf_add_u8(m->to, ',', m->e));
		TRY(emit_line(m));
		if (schema->count == 1 && !*first->name)
			TRY(emit_value(m, first, item + first->offset));
		else
			TRY(emit_fields(m, schema, item));
	}
	return emit_close(m, ']', list->count == 0);
}

static int emit_map(struct emit *m, const struct wire_schema *schema, const struct wire_list *list)
{
	const uint8_t *item = list->items;
	bool is_empty = true;

	TRY(emit_open(m, '{'));
	for (size_t i = 0; i < list->count; i++, item += schema->size) {
		const void *key = item + schema->fields[0].offset;

		TRY(emit_key(m, &is_empty, buf_view(key)));
		TRY(emit_fields(m, schema, item));
	}
	return emit_close(m, '}', is_empty);
}

static int emit_word(struct emit *m, const struct wire_field *f, int word)
{
	for (int i = 0; f->words[i]; i++)
		if (i == word)
			return emit_text(view_text(f->words[i]), m->to, m->e);
	return err_set(m->e, ERR_INTERNAL, "%s has no word %d", f->name, word);
}

static int emit_value(struct emit *m, const struct wire_field *f, const uint8_t *member)
{
	const void *value = member;

	switch (f->kind) {
	case WIRE_BYTES:
		return emit_bytes(buf_view(value), m->to, m->e);
	case WIRE_HEX:
		return emit_hex(buf_view(value), m->to, m->e);
	case WIRE_BASE64:
		return emit_base64(buf_view(value), m->to, m->e);
	case WIRE_FIXED:
		return emit_bytes(view_new(value, (size_t)f->max), m->to, m->e);
	case WIRE_FIXED_HEX:
		return emit_hex(view_new(value, (size_t)f->max), m->to, m->e);
	case WIRE_TEXT:
	case WIRE_NAME:
		return emit_text(buf_view(value), m->to, m->e);
	case WIRE_NUMBER:
		return buf_add_format(m->to, m->e, "%lld", (long long)*(const int64_t *)value);
	case WIRE_BOOL:
		return buf_add_text(m->to, *(const bool *)value ? "true" : "false", m->e);
	case WIRE_WORD:
		return emit_word(m, f, *(const int *)value);
	case WIRE_OBJECT:
		return emit_fields(m, f->schema, member);
	case WIRE_LIST:
		return emit_list(m, f->schema, value);
	case WIRE_MAP:
		return emit_map(m, f->schema, value);
	}
	return err_set(m->e, ERR_INTERNAL, "a schema row of no kind");
}

int wire_encode(const struct wire_schema *schema, const void *message, struct buf *to,
                struct err *e)
{
	return emit_fields(&(struct emit){ .to = to, .e = e }, schema, message);
}

int wire_encode_pretty(const struct wire_schema *schema, const void *message, struct buf *to,
                       struct err *e)
{
	return emit_fields(&(struct emit){ .to = to, .e = e, .is_pretty = true }, schema, message);
}

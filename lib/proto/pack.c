#include "proto/pack.h"

#include <string.h>

static const char opening[] = "\"\\u0000";

static const uint8_t *skip_space(const uint8_t *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
		at++;
	return at;
}

/* An integer as json_scan leaves them; NULL: it is none from 0 to 255. */
static const uint8_t *read_byte(const uint8_t *at, unsigned *ret)
{
	const uint8_t *start = at;
	unsigned value = 0;

	for (; *at >= '0' && *at <= '9' && at - start < 4; at++)
		value = value * 10 + (unsigned)(*at - '0');
	if (at == start || value > 255)
		return NULL;
	*ret = value;
	return at;
}

/* The array at its bracket: behind it, and *ret what was written; NULL: it stays as it is. What is
 * scanned closes its brackets, so that no end is asked for. */
static const uint8_t *pack_array(const uint8_t *array, uint8_t *to, size_t *ret)
{
	const uint8_t *at = skip_space(array + 1);
	size_t len = strlen(opening);
	unsigned byte;

	memcpy(to, opening, len);
	for (;; at = skip_space(at + 1)) {
		at = read_byte(at, &byte);
		if (!at)
			return NULL;
		to[len++] = (uint8_t)('a' + (byte >> 4));
		to[len++] = (uint8_t)('a' + (byte & 0xf));
		at = skip_space(at);
		if (*at == ']')
			break;
		if (*at != ',')
			return NULL;
	}
	to[len++] = '"';
	at++;
	if (len > (size_t)(at - array))
		return NULL;
	*ret = len;
	return at;
}

/* From quote to quote. */
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *quote = at, *escape = at;

	for (;;) {
		quote = memchr(quote + 1, '"', (size_t)(end - quote - 1));
		/* An even number of backslashes before it escape one another. */
		for (escape = quote; escape[-1] == '\\'; escape--)
			;
		if ((quote - escape) % 2 == 0)
			return quote + 1;
	}
}

int json_pack(struct view object, struct buf *to, struct err *e)
{
	const uint8_t *at = object.data, *end = object.data + object.len, *next, *kept = at;
	size_t len = 0, packed;
	uint8_t *out;

	TRY(buf_reserve(to, object.len + PACK_SPARE, &out, e));
	while (at < end) {
		next = *at == '[' ? pack_array(at, out + len + (at - kept), &packed) : NULL;
		if (next) {
			memcpy(out + len, kept, (size_t)(at - kept));
			len += (size_t)(at - kept) + packed;
			kept = next;
		}
		at = next ? next : *at == '"' ? string_end(at, end) : at + 1;
	}
	memcpy(out + len, kept, (size_t)(end - kept));
	buf_commit(to, len + (size_t)(end - kept));
	return 0;
}

bool pack_is(struct view string)
{
	return string.len > 0 && string.data[0] == 0;
}

size_t pack_len(struct view packed)
{
	return (packed.len - 1) / 2;
}

void pack_read(struct view packed, uint8_t *to)
{
	const uint8_t *letters = packed.data + 1;

	for (size_t i = 0; i < pack_len(packed); i++)
		to[i] = (uint8_t)((letters[2 * i] - 'a') << 4 | (letters[2 * i + 1] - 'a'));
}

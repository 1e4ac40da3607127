#include "base/base64.h"

#define BITS 6 /* of a character */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_format(struct view bytes, struct buf *to, struct err *e)
{
	size_t len = (bytes.len + 2) / 3 * 4;
	uint8_t *at;

	TRY(buf_reserve(to, len, &at, e));
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;

		group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
		group |= left > 2 ? bytes.data[i + 2] : 0;
		*at++ = (uint8_t)alphabet[group >> 18];
		*at++ = (uint8_t)alphabet[group >> 12 & 63];
		*at++ = left > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=';
		*at++ = left > 2 ? (uint8_t)alphabet[group & 63] : '=';
	}
	buf_commit(to, len);
	return 0;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* 0..63; -1: no digit of the standard alphabet */
static int digit_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct decoder {
	uint32_t bits;              /* read and not yet written */
	unsigned count;             /* how many of them */
	size_t digits;              /* characters that carry bits */
	size_t padding;             /* signs of equality at the end */
	bool has_standard, has_url; /* characters that only one alphabet has */
};

/* The same, of either alphabet. */
static int any_value(struct decoder *d, uint8_t c)
{
	d->has_standard |= c == '+' || c == '/';
	d->has_url |= c == '-' || c == '_';
	return c == '-' ? 62 : c == '_' ? 63 : digit_value(c);
}

static int take(struct decoder *d, uint8_t c, size_t place, struct buf *to, struct err *e)
{
	int value;

	if (c == '=') {
		d->padding++;
		return 0;
	}
	value = any_value(d, c);
	if (value < 0 || d->padding)
		return err_set(e, ERR_DATA, "base64: character %zu %s", place + 1,
		               value < 0 ? "is none of its alphabet" : "stands after the padding");
	d->bits = d->bits << BITS | (uint32_t)value;
	d->count += BITS;
	d->digits++;
	if (d->count < 8)
		return 0;
	d->count -= 8;
	TRY(buf_add_u8(to, (uint8_t)(d->bits >> d->count), e));
	d->bits &= (1u << d->count) - 1;
	return 0;
}

static int check_end(const struct decoder *d, struct err *e)
{
	size_t over = d->digits % 4;

	if (d->has_standard && d->has_url)
		return err_set(e, ERR_DATA, "base64: characters of both alphabets, '+/' and '-_'");
	if (over == 1 || d->bits)
		return err_set(e, ERR_DATA, "base64: it is cut short");
	if (d->padding && (over == 0 || d->padding != 4 - over))
		return err_set(e, ERR_DATA, "base64: %zu signs of padding after %zu characters",
		               d->padding, d->digits);
	return 0;
}

int base64_parse(struct view text, struct buf *to, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(to->max);
	struct decoder d = { 0 };

	for (size_t i = 0; i < text.len; i++)
		if (!is_space(text.data[i]))
			TRY(take(&d, text.data[i], i, &bytes, e));
	TRY(check_end(&d, e));
	return buf_add(to, buf_view(&bytes), e);
}

/* Four digits, the last pad of which are '='. */
static int canonical_group(const uint8_t *digits, size_t pad, uint8_t *to)
{
	uint32_t three = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pad ? digit_value(digits[i]) : 0;

		if (value < 0)
			return -1;
		three = three << BITS | (uint32_t)value;
	}
	if ((pad == 1 && three & 0xff) || (pad == 2 && three & 0xffff))
		return -1;
	for (size_t i = 0; i < 3 - pad; i++)
		to[i] = (uint8_t)(three >> (16 - 8 * i));
	return 0;
}

int base64_parse_canonical(struct view text, struct buf *to, struct err *e)
{
	size_t pad = 0, len;
	uint8_t *at;

	if (text.len % 4)
		return err_set(e, ERR_DATA, "base64: %zu characters are no multiple of 4",
		               text.len);
	while (pad < 2 && pad < text.len && text.data[text.len - 1 - pad] == '=')
		pad++;
	len = text.len / 4 * 3 - pad;
	TRY(buf_reserve(to, len, &at, e));
	for (size_t i = 0; i < text.len; i += 4, at += 3)
		if (canonical_group(text.data + i, i + 4 == text.len ? pad : 0, at) < 0)
			return err_set(e, ERR_DATA, "base64: not four digits at character %zu",
			               i + 1);
	buf_commit(to, len);
	return 0;
}

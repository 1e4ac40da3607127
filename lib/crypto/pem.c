#include "crypto/pem.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define LINE_LEN 64 /* RFC 7468 2 */
#define MARK_MAX 64 /* "-----BEGIN PRIVATE KEY-----" */

/* Each comparison is a mask: of a negative number the bits from the eighth on are ones. */
static uint8_t digit_of(int value)
{
	int digit = value + 'A';

	digit += ((25 - value) >> 8) & ('a' - 'A' - 26);
	digit += ((51 - value) >> 8) & ('0' - 'a' - 26);
	digit += ((61 - value) >> 8) & ('+' - '0' - 10);
	digit += ((62 - value) >> 8) & ('/' - '+' - 1);
	return (uint8_t)digit;
}

/* All ones if low <= digit <= high. */
static int within(int digit, int low, int high)
{
	return ((low - 1 - digit) & (digit - high - 1)) >> 8;
}

/* -1: none */
static int value_of(int digit)
{
	int value = -1;

	value += within(digit, 'A', 'Z') & (digit - 'A' + 1);
	value += within(digit, 'a', 'z') & (digit - 'a' + 26 + 1);
	value += within(digit, '0', '9') & (digit - '0' + 52 + 1);
	value += within(digit, '+', '+') & (62 + 1);
	value += within(digit, '/', '/') & (63 + 1);
	return value;
}

struct marks {
	char begin[MARK_MAX], end[MARK_MAX];
};

static struct marks marks_of(const char *label)
{
	struct marks m;

	snprintf(m.begin, sizeof(m.begin), "-----BEGIN %s-----\n", label);
	snprintf(m.end, sizeof(m.end), "-----END %s-----", label);
	return m;
}

static uint8_t *format_group(const uint8_t *from, size_t len, uint8_t *to)
{
	uint32_t bits = (uint32_t)from[0] << 16 | (len > 1 ? (uint32_t)from[1] << 8 : 0) |
	                (len > 2 ? from[2] : 0);

	for (size_t i = 0; i < 4; i++)
		*to++ = i <= len ? digit_of(bits >> (18 - 6 * i) & 63) : '=';
	return to;
}

int pem_format_secret(const char *label, const struct secret *der, struct secret *ret,
                      struct err *e)
{
	size_t digits = (der->len + 2) / 3 * 4, lines = (digits + LINE_LEN - 1) / LINE_LEN;
	struct marks m = marks_of(label);
	AUTO(secret) struct secret pem = { 0 };
	uint8_t *at;

	TRY(secret_alloc(strlen(m.begin) + digits + lines + strlen(m.end) + 1, &pem, e));
	at = mempcpy(pem.data, m.begin, strlen(m.begin));
	for (size_t i = 0; i < der->len; i += 3) {
		if (i && i % (LINE_LEN / 4 * 3) == 0)
			*at++ = '\n';
		at = format_group(der->data + i, der->len - i < 3 ? der->len - i : 3, at);
	}
	*at++ = '\n';
	at = mempcpy(at, m.end, strlen(m.end));
	*at = '\n';
	*ret = MOVE(pem);
	return 0;
}

/* What stands between the marks. */
static int find_digits(const char *label, struct view text, struct view *ret, struct err *e)
{
	struct marks m = marks_of(label);
	size_t begin = strlen(m.begin), end = strlen(m.end);

	text = text_trim(text);
	if (text.len < begin + end || memcmp(text.data, m.begin, begin) != 0 ||
	    memcmp(text.data + text.len - end, m.end, end) != 0)
		return err_set(e, ERR_DATA, "not PEM with one '%s'", label);
	*ret = view_new(text.data + begin, text.len - begin - end);
	return 0;
}

/* Where a line ends, and that padding ends it all, is public: it follows from the length. */
static int parse_digits(struct view text, struct secret *to, size_t *ret_len, struct err *e)
{
	size_t len = 0, digits = 0, padding = 0;
	uint32_t bits = 0;
	int wrong = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value;

		if (text.data[i] == '\n' || text.data[i] == '\r')
			continue;
		padding += text.data[i] == '=';
		value = padding ? (text.data[i] == '=' ? 0 : -1) : value_of(text.data[i]);
		wrong |= value;
		bits = bits << 6 | (value & 63);
		if (++digits % 4)
			continue;
		for (int shift = 16; shift >= 0 && len < to->len; shift -= 8)
			to->data[len++] = (uint8_t)(bits >> shift);
	}
	if (wrong < 0 || digits % 4 || padding > 2 || digits / 4 * 3 > to->len || digits == 0)
		return err_set(e, ERR_DATA, "its base64 is malformed or too long");
	*ret_len = len - padding;
	return 0;
}

int pem_parse_secret(const char *label, const struct secret *pem, size_t max, struct secret *ret,
                     struct err *e)
{
	AUTO(secret) struct secret der = { 0 };
	struct view digits;
	size_t len = 0;

	TRY(find_digits(label, secret_view(pem), &digits, e));
	TRY(secret_alloc(max + 2, &der, e)); /* padding is cut off at the end */
	TRY(parse_digits(digits, &der, &len, e));
	if (len > max)
		return err_set(e, ERR_DATA, "%zu bytes, at most %zu", len, max);
	return secret_copy(view_new(der.data, len), ret, e);
}

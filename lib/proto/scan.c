#include "proto/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define PATH_TEXT_MAX  200
#define NAME_SHOWN_MAX 64 /* of a key from outside */
#define BRACKET_COST   16 /* in commas: what json-c allocates for a container */

const struct scan_limits scan_request = { WIRE_TEXT_MAX, WIRE_COST_MAX, WIRE_KEYS_MAX };
const struct scan_limits scan_reply = { WIRE_REPLY_TEXT_MAX, WIRE_REPLY_COST_MAX, WIRE_KEYS_MAX };

struct scan {
	const struct scan_limits *limits;
	const uint8_t *start, *at, *end;
	size_t cost;
	unsigned depth;
	struct buf *keys; /* struct key, of the objects that are still open */
	struct err *e;
};

struct key {
	uint64_t hash; /* of the text behind the escapes */
	struct view text;
};

static int scan_value(struct scan *s, const struct place *here);

static void add_path(const struct place *here, char path[static PATH_TEXT_MAX])
{
	size_t len, shown;

	if (!here->up)
		return;
	add_path(here->up, path);
	len = strlen(path);
	shown = here->name.len < NAME_SHOWN_MAX ? here->name.len : NAME_SHOWN_MAX;
	if (here->name.data && !here->name.len)
		snprintf(path + len, PATH_TEXT_MAX - len, "%s\"\"", len ? "." : "");
	else if (here->name.data)
		snprintf(path + len, PATH_TEXT_MAX - len, "%s%.*s", len ? "." : "", (int)shown,
		         (const char *)here->name.data);
	else
		snprintf(path + len, PATH_TEXT_MAX - len, "[%zu]", here->index);
}

int place_fail(const struct place *here, struct err *e, const char *format, ...)
{
	char path[PATH_TEXT_MAX] = "", text[ERR_TEXT_MAX - PATH_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_path(here, path);
	return err_set(e, ERR_REQUEST, "%s%s%s", path, *path ? ": " : "", text);
}

static int fail(struct scan *s, const struct place *here, const char *what)
{
	return place_fail(here, s->e, "byte %zu: %s", (size_t)(s->at - s->start), what);
}

/* -1 at the end. */
static int peek(const struct scan *s)
{
	return s->at < s->end ? *s->at : -1;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static int pay(struct scan *s, const struct place *here, size_t cost)
{
	if (cost > s->limits->cost - s->cost)
		return place_fail(here, s->e, "more than %zu commas and brackets (these count %d)",
		                  s->limits->cost, BRACKET_COST);
	s->cost += cost;
	return 0;
}

/* FNV-1a. */
static void hash_byte(uint64_t *hash, unsigned byte)
{
	*hash = (*hash ^ (byte & 0xff)) * 0x100000001b3;
}

static void hash_code_point(uint64_t *hash, uint32_t c)
{
	if (c < 0x80) {
		hash_byte(hash, c);
		return;
	}
	if (c < 0x800) {
		hash_byte(hash, 0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			hash_byte(hash, 0xe0 | c >> 12);
		} else {
			hash_byte(hash, 0xf0 | c >> 18);
			hash_byte(hash, 0x80 | (c >> 12 & 0x3f));
		}
		hash_byte(hash, 0x80 | (c >> 6 & 0x3f));
	}
	hash_byte(hash, 0x80 | (c & 0x3f));
}

/* The four digits after \u. */
static int scan_unit(struct scan *s, const struct place *here, uint32_t *ret)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++, s->at++) {
		int c = peek(s);

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f' && c > 0)
			unit = unit << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return fail(s, here, "four hex digits expected");
	}
	*ret = unit;
	return 0;
}

static int scan_unicode(struct scan *s, const struct place *here, uint64_t *hash)
{
	uint32_t unit, low;

	TRY(scan_unit(s, here, &unit));
	if (unit == 0)
		return fail(s, here, "\\u0000 in a string");
	if (unit < 0xd800 || unit > 0xdfff) {
		hash_code_point(hash, unit);
		return 0;
	}
	if (unit > 0xdbff || s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
		return fail(s, here, "a lone surrogate in a string");
	s->at += 2;
	TRY(scan_unit(s, here, &low));
	if (low < 0xdc00 || low > 0xdfff)
		return fail(s, here, "a lone surrogate in a string");
	hash_code_point(hash, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
	return 0;
}

/* At the character after the backslash. */
static int scan_escape(struct scan *s, const struct place *here, uint64_t *hash)
{
	static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	int c = peek(s);
	const char *name;

	if (c == 'u') {
		s->at++;
		return scan_unicode(s, here, hash);
	}
	name = c > 0 ? strchr(names, c) : NULL;
	if (!name)
		return fail(s, here, "no such escape");
	s->at++;
	hash_byte(hash, (uint8_t)meanings[name - names]);
	return 0;
}

/* At the opening quote. */
static int scan_string(struct scan *s, const struct place *here, struct key *ret)
{
	const uint8_t *start = ++s->at;
	uint64_t hash = 0xcbf29ce484222325;
	struct view text;

	while (peek(s) != '"') {
		int c = peek(s);

		if (c < 0)
			return fail(s, here, "the end inside a string");
		if (c < 0x20)
			return fail(s, here, "a control character in a string");
		s->at++;
		if (c == '\\')
			TRY(scan_escape(s, here, &hash));
		else
			hash_byte(&hash, (unsigned)c);
	}
	text = view_new(start, (size_t)(s->at - start));
	if (!utf8_is_valid(text))
		return fail(s, here, "a string that is not UTF-8");
	s->at++;
	*ret = (struct key){ hash, text };
	return 0;
}

static int scan_number(struct scan *s, const struct place *here)
{
	bool is_negative = *s->at == '-', is_too_large = false;
	uint64_t value = 0, most = is_negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX;
	const uint8_t *digits;
	int c;

	s->at += is_negative;
	digits = s->at;
	for (; (c = peek(s)) >= '0' && c <= '9'; s->at++) {
		uint64_t digit = (uint64_t)(c - '0');

		is_too_large = is_too_large || value > (most - digit) / 10;
		value = value * 10 + digit;
	}
	if (s->at == digits)
		return fail(s, here, "a digit expected");
	if (c == '.' || c == 'e' || c == 'E')
		return fail(s, here, "an integer expected, without fraction and exponent");
	if (*digits == '0' && (is_negative || s->at - digits > 1))
		return fail(s, here, is_negative ? "-0, or a leading zero" : "a leading zero");
	if (is_too_large)
		return fail(s, here, "an integer of at most 64 bits expected");
	return 0;
}

static int scan_word(struct scan *s, const struct place *here)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < COUNT(words); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(s->end - s->at) >= len && memcmp(s->at, words[i], len) == 0) {
			s->at += len;
			return 0;
		}
	}
	return fail(s, here, "a JSON value expected");
}

static int open_container(struct scan *s, const struct place *here)
{
	TRY(pay(s, here, BRACKET_COST));
	if (++s->depth > WIRE_DEPTH_MAX)
		return place_fail(here, s->e, "nested deeper than %d", WIRE_DEPTH_MAX);
	s->at++;
	skip_space(s);
	return 0;
}

/* After an item: 1 when another follows, 0 when that was the last. */
static int scan_separator(struct scan *s, const struct place *here, char closing)
{
	skip_space(s);
	if (peek(s) == closing) {
		s->at++;
		s->depth--;
		return 0;
	}
	if (peek(s) != ',')
		return fail(s, here,
		            closing == '}' ? "',' or '}' expected" : "',' or ']' expected");
	TRY(pay(s, here, 1));
	s->at++;
	skip_space(s);
	return 1;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Takes the keys from base on off the stack. */
static int close_keys(struct scan *s, const struct place *here, size_t base)
{
	struct key *keys = (struct key *)(void *)(s->keys->data + base);
	size_t count = (s->keys->len - base) / sizeof(*keys);

	if (count > 1)
		qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (keys[i].hash == keys[i - 1].hash)
			return place_fail(&(struct place){ .up = here, .name = keys[i].text }, s->e,
			                  "repeated key");
	s->keys->len = base;
	return 0;
}

/* base: where the object's keys begin on the stack */
static int scan_member(struct scan *s, const struct place *here, size_t base)
{
	struct key key;

	if (peek(s) != '"')
		return fail(s, here, "a key in double quotes expected");
	if ((s->keys->len - base) / sizeof(key) == s->limits->keys)
		return place_fail(here, s->e, "more than %zu keys", s->limits->keys);
	TRY(scan_string(s, here, &key));
	TRY(buf_add(s->keys, view_new(&key, sizeof(key)), s->e));
	skip_space(s);
	if (peek(s) != ':')
		return fail(s, here, "':' expected");
	s->at++;
	return scan_value(s, &(struct place){ .up = here, .name = key.text });
}

static int scan_object(struct scan *s, const struct place *here)
{
	size_t base = s->keys->len;
	int more = 1;

	TRY(open_container(s, here));
	if (peek(s) == '}') {
		s->at++;
		s->depth--;
		return 0;
	}
	while (more) {
		TRY(scan_member(s, here, base));
		TRY(more = scan_separator(s, here, '}'));
	}
	return close_keys(s, here, base);
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Of an item of one to three digits and the comma behind it; 0: it is something else. at: four
 * bytes */
static size_t small_len(const uint8_t *at)
{
	if (!is_digit(at[0]))
		return 0;
	if (at[1] == ',')
		return 2;
	if (at[0] == '0' || !is_digit(at[1]))
		return 0;
	if (at[2] == ',')
		return 3;
	return is_digit(at[2]) && at[3] == ',' ? 4 : 0;
}

/* Byte arrays are nine tenths of what is sent (pack.h): as far as one is written without spaces its
 * items are passed here, by the same rules as scan_number's and scan_separator's. Returns how many.
 */
static size_t skip_small(struct scan *s)
{
	size_t count = 0, most = s->limits->cost - s->cost, len;

	while (count < most && s->end - s->at >= 4 && (len = small_len(s->at)) > 0) {
		s->at += len;
		count++;
	}
	s->cost += count;
	return count;
}

static int scan_array(struct scan *s, const struct place *here)
{
	struct place item = { .up = here };
	int more = 1;

	TRY(open_container(s, here));
	if (peek(s) == ']') {
		s->at++;
		s->depth--;
		return 0;
	}
	for (; more; item.index++) {
		item.index += skip_small(s);
		TRY(scan_value(s, &item));
		TRY(more = scan_separator(s, here, ']'));
	}
	return 0;
}

/* Recursion ends at WIRE_DEPTH_MAX. */
static int scan_value(struct scan *s, const struct place *here)
{
	struct key ignored;
	int c;

	skip_space(s);
	c = peek(s);
	if (c == '{')
		return scan_object(s, here);
	if (c == '[')
		return scan_array(s, here);
	if (c == '"')
		return scan_string(s, here, &ignored);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s, here);
	return scan_word(s, here);
}

int json_scan(struct view text, const struct scan_limits *limits, struct view *ret, struct err *e)
{
	AUTO(buf) struct buf keys = BUF_INIT((limits->cost + WIRE_DEPTH_MAX) * sizeof(struct key));
	struct place top = { 0 };
	struct scan s = { limits, text.data, text.data, text.data, 0, 0, &keys, e };
	struct view object;

	if (text.len > limits->text)
		return place_fail(&top, e, "more than %zu bytes", limits->text);
	if (text.len)
		s.end += text.len;
	skip_space(&s);
	object.data = s.at;
	if (peek(&s) != '{')
		return fail(&s, &top, "a JSON object expected");
	TRY(scan_object(&s, &top));
	object.len = (size_t)(s.at - object.data);
	skip_space(&s);
	if (s.at != s.end)
		return fail(&s, &top, "the end expected after the object");
	*ret = object;
	return 0;
}

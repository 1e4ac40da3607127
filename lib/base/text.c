#include "base/text.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NEAREST_MAX      64 /* longer words are not compared */
#define NEAREST_DISTANCE 2  /* edits */
#define NEAREST_SHARE    3  /* letters to an edit */

#define TIME_MAX_MS      INT64_C(253402300799999) /* the year 9999 ends: four digits */

/* Without a table or a branch on the value, since it may be a secret's. */
static char digit(unsigned value)
{
	unsigned is_letter = (9 - value) >> 31;

	return (char)('0' + value + is_letter * ('a' - '0' - 10));
}

/* 2 * bytes.len digits, no NUL. */
static void write_digits(struct view bytes, uint8_t *to)
{
	for (size_t i = 0; i < bytes.len; i++) {
		to[2 * i] = (uint8_t)digit(bytes.data[i] >> 4);
		to[2 * i + 1] = (uint8_t)digit(bytes.data[i] & 15);
	}
}

void hex_write(struct view bytes, char *to)
{
	write_digits(bytes, (uint8_t *)to);
	to[2 * bytes.len] = 0;
}

void hash_short(const uint8_t hash[static SHORT_LEN], char to[static SHORT_TEXT_LEN])
{
	hex_write(view_new(hash, SHORT_LEN), to);
}

void key_short(const uint8_t key[static 1 + SHORT_LEN], char to[static SHORT_TEXT_LEN])
{
	hash_short(key + 1, to);
}

int hex_format(struct view bytes, struct buf *to, struct err *e)
{
	uint8_t *at;

	if (bytes.len > SIZE_MAX / 2)
		return err_set(e, ERR_TOO_LARGE, "too many bytes for hex");
	TRY(buf_reserve(to, bytes.len * 2, &at, e));
	hex_write(bytes, (char *)at);
	buf_commit(to, bytes.len * 2);
	return 0;
}

/* 0..15, or -1; without a table or a branch on the digit, since it may be a secret's. */
static int digit_value(uint8_t c)
{
	int number = c - '0', letter = (c | 0x20) - 'a';
	int is_number = ((number | (9 - number)) >> 31) + 1;
	int is_letter = ((letter | (5 - letter)) >> 31) + 1;

	return is_number * number + is_letter * (letter + 10) + (is_number + is_letter - 1);
}

/* The digits of text, without white space and prefix. */
static int hex_digits(struct view text, struct view *ret, struct err *e)
{
	struct view v = text_trim(text);

	if (v.len >= 2 && v.data[0] == '0' && v.data[1] == 'x') {
		v.data += 2;
		v.len -= 2;
	}
	if (v.len % 2)
		return err_set(e, ERR_DATA, "hex: an odd number of digits (%zu)", v.len);
	*ret = v;
	return 0;
}

/* All are judged before one is written, and in one go: where the first wrong one stands is looked
 * for only when there is one. */
static int digits_check(struct view v, struct err *e)
{
	int bad = 0;

	for (size_t i = 0; i < v.len; i++)
		bad |= digit_value(v.data[i]); /* the sign */
	for (size_t i = 0; bad < 0 && i < v.len; i++)
		if (digit_value(v.data[i]) < 0)
			return err_set(e, ERR_DATA, "hex: character %zu is not a digit", i + 1);
	return 0;
}

static void read_digits(struct view v, uint8_t *to)
{
	for (size_t i = 0; i < v.len; i += 2)
		to[i / 2] = (uint8_t)(digit_value(v.data[i]) << 4 | digit_value(v.data[i + 1]));
}

int hex_parse(struct view text, struct buf *to, struct err *e)
{
	struct view v;
	uint8_t *at;

	TRY(hex_digits(text, &v, e));
	TRY(digits_check(v, e));
	TRY(buf_reserve(to, v.len / 2, &at, e));
	read_digits(v, at);
	buf_commit(to, v.len / 2);
	return 0;
}

int hex_parse_exact(struct view text, uint8_t *to, size_t len, struct err *e)
{
	struct view v;

	TRY(hex_digits(text, &v, e));
	if (v.len != 2 * len)
		return err_set(e, ERR_DATA, "hex: %zu bytes expected, %zu found", len, v.len / 2);
	TRY(digits_check(v, e));
	read_digits(v, to);
	return 0;
}

int hex_parse_secret(struct view text, size_t len, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret s = { 0 };

	TRY(secret_alloc(len, &s, e));
	TRY(hex_parse_exact(text, s.data, len, e));
	*ret = MOVE(s);
	return 0;
}

int hex_format_secret(struct view bytes, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret s = { 0 };

	TRY(secret_alloc(2 * bytes.len, &s, e));
	write_digits(bytes, s.data);
	*ret = MOVE(s);
	return 0;
}

int number_parse(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *ret,
                 struct err *e)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (value > (UINT64_MAX - digit) / 10)
			break;
		value = value * 10 + digit;
	}
	if (*at || at == text || value < min || value > max)
		return err_set(e, ERR_USAGE,
		               "%s must be a whole number from %llu to %llu, not '%s'", what,
		               (unsigned long long)min, (unsigned long long)max, text);
	*ret = value;
	return 0;
}

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

#define DURATION_MAX_MS (366 * units[0].ms)

int duration_parse(const char *text, int64_t *ret_ms, struct err *e)
{
	size_t number = strspn(text, "0123456789");
	int64_t value = 0;

	for (size_t i = 0; i < number && value <= DURATION_MAX_MS; i++)
		value = value * 10 + (text[i] - '0');
	for (size_t i = 0; number > 0 && i < COUNT(units); i++)
		if (strcmp(text + number, units[i].name) == 0 &&
		    value <= DURATION_MAX_MS / units[i].ms) {
			*ret_ms = value * units[i].ms;
			return 0;
		}
	return err_set(e, ERR_USAGE,
	               "'%s' is not a duration: a whole number and ms, s, m, h or d, at most 366d",
	               text);
}

int duration_format(int64_t ms, struct buf *to, struct err *e)
{
	for (size_t i = 0; i < COUNT(units); i++)
		if (ms % units[i].ms == 0 && (ms || units[i].ms == 1000))
			return buf_add_format(to, e, "%lld%s", (long long)(ms / units[i].ms),
			                      units[i].name);
	return err_set(e, ERR_INTERNAL, "a duration without a unit");
}

void time_format(int64_t unix_ms, char to[static TIME_TEXT_LEN])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm = { 0 };
	char whole[TIME_TEXT_LEN];

	if (unix_ms < 0 || unix_ms > TIME_MAX_MS)
		seconds = unix_ms = 0;
	gmtime_r(&seconds, &tm);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to, TIME_TEXT_LEN, "%.19s.%03uZ", whole, (unsigned)(unix_ms % 1000) % 1000);
}

void time_format_seconds(int64_t unix_s, char to[static TIME_TEXT_LEN])
{
	bool is_in_range = unix_s >= 0 && unix_s <= TIME_MAX_MS / 1000;

	time_format(is_in_range ? unix_s * 1000 : 0, to);
	snprintf(to + strlen("2026-01-02T03:04:05"), 2, "Z");
}

/* The length of "2026-01-02T03:04:05" where text begins with it, else 0. strptime alone would take
 * blanks, and 30 February for 2 March. */
static size_t date_parse(const char *text, int64_t *ret_seconds)
{
	static const char shape[] = "0000-00-00T00:00:00";
	struct tm given = { 0 }, real;

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return 0;
	if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &given))
		return 0;
	real = given;
	*ret_seconds = timegm(&real);
	if (real.tm_mday != given.tm_mday || real.tm_sec != given.tm_sec)
		return 0;
	return sizeof(shape) - 1;
}

/* The length of ".5" and the like where text begins with it, else 0; beyond milliseconds is cut. */
static size_t fraction_parse(const char *text, int64_t *ret_ms)
{
	size_t count = text[0] == '.' ? strspn(text + 1, "0123456789") : 0;

	*ret_ms = 0;
	for (size_t i = 0; i < 3; i++)
		*ret_ms = *ret_ms * 10 + (i < count ? text[1 + i] - '0' : 0);
	return count ? 1 + count : 0;
}

/* "+02:00", "Z": seconds east of Greenwich; false if it is neither. */
static bool zone_parse(const char *text, int64_t *ret_seconds)
{
	unsigned hours, minutes;

	*ret_seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':' ||
	    strspn(text + 1, "0123456789") != 2 || strspn(text + 4, "0123456789") != 2)
		return false;
	hours = (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
	minutes = (unsigned)(text[4] - '0') * 10 + (unsigned)(text[5] - '0');
	*ret_seconds = (text[0] == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
	return hours < 24 && minutes < 60;
}

int time_parse(const char *text, int64_t *ret_unix_ms, struct err *e)
{
	int64_t seconds, zone, ms;
	uint64_t number;
	size_t len;

	if (text[strspn(text, "0123456789")] == 0) {
		TRY(number_parse(text, "a time", 0, TIME_MAX_MS / 1000, &number, e));
		*ret_unix_ms = (int64_t)number * 1000;
		return 0;
	}
	len = date_parse(text, &seconds);
	if (len)
		len += fraction_parse(text + len, &ms);
	if (!len || !zone_parse(text + len, &zone) || seconds - zone < 0 ||
	    seconds - zone > TIME_MAX_MS / 1000)
		return err_set(e, ERR_USAGE,
		               "'%s' is not a time: 2026-01-02T03:04:05Z or Unix seconds", text);
	*ret_unix_ms = (seconds - zone) * 1000 + ms;
	return 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(struct view text)
{
	static const struct {
		uint8_t first, last, low, high, more; /* of the second byte; bytes after it */
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 0 }, { 0xe0, 0xe0, 0xa0, 0xbf, 1 },
		{ 0xe1, 0xec, 0x80, 0xbf, 1 }, { 0xed, 0xed, 0x80, 0x9f, 1 },
		{ 0xee, 0xef, 0x80, 0xbf, 1 }, { 0xf0, 0xf0, 0x90, 0xbf, 2 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 2 }, { 0xf4, 0xf4, 0x80, 0x8f, 2 },
	};
	size_t i = 0, form;

	while (i < text.len) {
		uint8_t c = text.data[i++];

		if (c < 0x80)
			continue;
		for (form = 0; form < COUNT(forms); form++)
			if (c >= forms[form].first && c <= forms[form].last)
				break;
		if (form == COUNT(forms) || text.len - i < 1u + forms[form].more ||
		    text.data[i] < forms[form].low || text.data[i] > forms[form].high)
			return false;
		i++;
		for (unsigned more = forms[form].more; more > 0; more--)
			if ((text.data[i++] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct view text_trim(struct view text)
{
	while (text.len && is_space(text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len && is_space(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Levenshtein, where two neighbours that are swapped count as one edit. Of the matrix the row that
 * is made and the two before it are kept. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_MAX + 1], len = strlen(b), i;

	for (size_t j = 0; j <= len; j++)
		rows[0][j] = j;
	for (i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[(i + 2) % 3][len];
}

#define CHARACTER_MAX 4 /* bytes of one in UTF-8: RFC 3629 3 */

size_t text_whole(const char *text)
{
	size_t len = strlen(text), at = len;

	while (at > 0 && len - at < CHARACTER_MAX - 1 && (text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at == 0 || (uint8_t)text[at - 1] < 0xc2 || (uint8_t)text[at - 1] > 0xf4 ||
	    utf8_is_valid(view_new(text + at - 1, len - at + 1)))
		return len;
	return at - 1;
}

/* Bytes of the character at the start of text, which is not empty; 0: it is none. */
static size_t character_len(const char *text)
{
	size_t most = strnlen(text, CHARACTER_MAX);

	for (size_t len = 1; len <= most; len++)
		if (utf8_is_valid(view_new(text, len)))
			return len;
	return 0;
}

size_t text_control(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] && (c[0] < 0x20 || c[0] == 0x7f))
		return 1;
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) /* U+0080..9F */
		return 2;
	if (c[0] == 0xd8 && c[1] == 0x9c) /* U+061C */
		return 2;
	/* U+200B..200F, 2028..202E, 2066..2069 */
	if (c[0] == 0xe2 && c[1] == 0x80 &&
	    ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae)))
		return 3;
	if (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) /* U+FEFF */
		return 3;
	if (c[0] == 0xf3 && c[1] == 0xa0 && (c[2] == 0x80 || c[2] == 0x81) && c[3]) /* U+E00xx */
		return 4;
	if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)
		return 3;
	return 0;
}

size_t text_take(const char *text, bool *ret_is_tame)
{
	size_t len = text_control(text);

	*ret_is_tame = !len;
	if (len)
		return len;
	len = character_len(text);
	*ret_is_tame = len;
	return len ? len : 1;
}

void text_tame(char *text)
{
	while (*text) {
		bool is_tame;
		size_t len = text_take(text, &is_tame);

		if (!is_tame)
			memset(text, '?', len);
		text += len;
	}
}

const char *text_nearest(const char *word, const char *const *words)
{
	const char *nearest = NULL;
	size_t best = NEAREST_DISTANCE + 1;

	if (strlen(word) > NEAREST_MAX)
		return NULL;
	for (; *words; words++) {
		size_t len = strlen(*words), d;

		if (len > NEAREST_MAX)
			continue;
		len = len > strlen(word) ? len : strlen(word);
		d = distance(word, *words);
		/* Two edits make "logs" of "bogus", and any two-letter word of any other. */
		if (d < best && NEAREST_SHARE * d <= len) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}

int text_add_shell_word(const char *text, struct buf *to, struct err *e)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                            "0123456789_-./:,=@%+";

	if (*text && text[strspn(text, plain)] == 0)
		return buf_add_text(to, text, e);
	TRY(buf_add_text(to, "'", e));
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "'");

		TRY(buf_add(to, view_new(at, len), e));
		at += len;
		if (!*at)
			break;
		/* Out of the quotes, the quote itself, in again (POSIX 2.2.2). */
		TRY(buf_add_text(to, "'\\''", e));
		at++;
	}
	return buf_add_text(to, "'", e);
}

int text_dup(const char *text, char **ret, struct err *e)
{
	char *copy = strdup(text);

	if (!copy)
		return err_set(e, ERR_INTERNAL, "no memory for %zu bytes", strlen(text));
	*ret = copy;
	return 0;
}

void text_drop(char **text)
{
	free(*text);
	*text = NULL;
}

#include "cluster/pattern.h"

#include "cluster/config.h"

#include <ctype.h>
#include <string.h>

/* One alternative of a bracket. */
struct alternative {
	struct view text;
	size_t count, first; /* of a range */
	size_t width;        /* digits that its numbers are filled up to; 0: it is a word */
};

static size_t number_of(struct view digits)
{
	size_t number = 0;

	for (size_t i = 0; i < digits.len; i++)
		number = 10 * number + (digits.data[i] - '0');
	return number;
}

/* Where a view of the pattern's text stands in it, from 1, as people count. */
static size_t place(const char *text, struct view part)
{
	return (size_t)((const char *)part.data - text) + 1;
}

/* "01-12": two numbers and a dash. */
static bool split_range(struct view text, struct view *first, struct view *last)
{
	const uint8_t *dash = text.len ? memchr(text.data, '-', text.len) : NULL;

	if (!dash || dash == text.data || dash == text.data + text.len - 1)
		return false;
	*first = view_new(text.data, (size_t)(dash - text.data));
	*last = view_new(dash + 1, text.len - first->len - 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.data + i != dash && !isdigit(text.data[i]))
			return false;
	return true;
}

static int check_range(const char *text, struct view range, struct view first, struct view last,
                       struct err *e)
{
	bool is_filled = first.data[0] == '0' || last.data[0] == '0';

	if (first.len > PATTERN_DIGITS_MAX || last.len > PATTERN_DIGITS_MAX)
		return err_set(e, ERR_CONFIG,
		               "expected numbers of at most %d digits at character %zu, found more",
		               PATTERN_DIGITS_MAX, place(text, range));
	if (is_filled && first.len != last.len && (first.len > 1 || last.data[0] == '0'))
		return err_set(e, ERR_CONFIG,
		               "expected as many digits on both sides at character %zu, found "
		               "'%.*s'",
		               place(text, range), (int)range.len, (const char *)range.data);
	if (number_of(first) > number_of(last))
		return err_set(e, ERR_CONFIG,
		               "expected a range that goes up at character %zu, found '%.*s'",
		               place(text, range), (int)range.len, (const char *)range.data);
	return 0;
}

static int check_word(const char *text, struct view word, struct err *e)
{
	for (size_t i = 0; i < word.len; i++)
		if (!strchr(NAME_CHARACTERS, word.data[i]))
			return err_set(e, ERR_CONFIG,
			               "expected letters, digits, dots, dashes and underscores "
			               "between the brackets, found another at character %zu",
			               place(text, word) + i);
	if (word.len == 0)
		return err_set(e, ERR_CONFIG,
		               "expected a word or a range at character %zu, found nothing",
		               place(text, word));
	return 0;
}

/* Takes what stands up to the next comma off a bracket. */
static struct view next_item(struct view *bracket, bool *ret_more)
{
	const uint8_t *comma = bracket->len ? memchr(bracket->data, ',', bracket->len) : NULL;
	struct view item =
	    view_new(bracket->data, comma ? (size_t)(comma - bracket->data) : bracket->len);

	*ret_more = comma != NULL;
	*bracket = comma ? view_new(comma + 1, bracket->len - item.len - 1)
	                 : view_new(bracket->data + item.len, 0);
	return item;
}

/* Of a bracket that was checked. */
static struct alternative next_alternative(struct view *bracket, bool *ret_more)
{
	struct alternative a = { .text = next_item(bracket, ret_more), .count = 1 };
	struct view first, last;

	if (!split_range(a.text, &first, &last))
		return a;
	a.first = number_of(first);
	a.count = number_of(last) - a.first + 1;
	a.width = first.data[0] == '0' ? first.len : 1;
	return a;
}

static int check_bracket(const char *text, struct view bracket, struct err *e)
{
	for (bool more = true; more;) {
		struct view item = next_item(&bracket, &more), first, last;

		if (split_range(item, &first, &last))
			TRY(check_range(text, item, first, last, e));
		else
			TRY(check_word(text, item, e));
	}
	return 0;
}

/* Alternatives of a bracket that was checked, at most max + 1: it need not be known how many more.
 */
static size_t count_alternatives(struct view bracket, size_t max)
{
	size_t count = 0;

	for (bool more = true; more && count <= max;)
		count += next_alternative(&bracket, &more).count;
	return count;
}

static int add_part(struct pattern *p, struct view text, size_t count, struct err *e)
{
	p->brackets += count > 0;
	if (p->brackets > PATTERN_BRACKETS_MAX)
		return err_set(e, ERR_CONFIG, "expected at most %d brackets, found more",
		               PATTERN_BRACKETS_MAX);
	p->parts[p->part_count++] =
	    (struct pattern_part){ .text = text, .count = count, .rest = text };
	return 0;
}

static int add_bracket(struct pattern *p, const char *text, struct view bracket, size_t max,
                       struct err *e)
{
	size_t count;

	TRY(check_bracket(text, bracket, e));
	count = count_alternatives(bracket, max);
	if (count > max / p->count)
		return err_set(e, ERR_CONFIG, "expected at most %zu of its kind, found more", max);
	p->count *= count;
	return add_part(p, bracket, count, e);
}

static bool is_address(struct view bracket)
{
	return bracket.len && memchr(bracket.data, ':', bracket.len);
}

/* To the next bracket that is not an address's, or the end; *open: how many of an address's own are
 * open. */
static const char *literal_end(const char *at, size_t *open)
{
	for (;; at++) {
		at += strcspn(at, "[]");
		if (*at == '[' && !is_address(view_new(at + 1, strcspn(at + 1, "[]"))))
			return at;
		if (*at == 0 || (*at == ']' && *open == 0))
			return at;
		*open = *at == '[' ? *open + 1 : *open - 1;
	}
}

int pattern_parse(const char *text, size_t max, struct pattern *ret, struct err *e)
{
	struct pattern p = { .count = 1 };
	size_t open = 0;

	for (const char *at = text; *at;) {
		const char *end = literal_end(at, &open);
		size_t len;

		if (end > at)
			TRY(add_part(&p, view_new(at, (size_t)(end - at)), 0, e));
		at = end;
		if (*at == 0)
			break;
		if (*at == ']')
			return err_set(e, ERR_CONFIG,
			               "expected a '[' before the ']' at character %zu, found none",
			               (size_t)(at - text) + 1);
		len = strcspn(at + 1, "[]");
		if (at[1 + len] != ']')
			return err_set(e, ERR_CONFIG,
			               "expected a ']' after the '[' at character %zu, found none",
			               (size_t)(at - text) + 1);
		TRY(add_bracket(&p, text, view_new(at + 1, len), max, e));
		at += len + 2;
	}
	*ret = p;
	return 0;
}

/* Goes on from the one that was written last, where it can: many words read from the first each
 * time would cost their number squared. */
static struct alternative find_alternative(struct pattern_part *part, size_t index)
{
	if (index < part->before) {
		part->rest = part->text;
		part->before = 0;
	}
	for (;;) {
		struct view after = part->rest;
		bool more;
		struct alternative a = next_alternative(&after, &more);

		if (!more || index - part->before < a.count)
			return a;
		part->before += a.count;
		part->rest = after;
	}
}

static int add_alternative(struct pattern_part *part, size_t index, struct buf *to, struct err *e)
{
	const struct alternative a = find_alternative(part, index);

	if (a.width == 0)
		return buf_add(to, a.text, e);
	return buf_add_format(to, e, "%0*zu", (int)a.width, a.first + index - part->before);
}

int pattern_add(struct pattern *p, size_t index, struct buf *to, struct err *e)
{
	size_t below = p->count;

	for (size_t i = 0; i < p->part_count; i++) {
		struct pattern_part *part = &p->parts[i];

		if (part->count == 0) {
			TRY(buf_add(to, part->text, e));
			continue;
		}
		below /= part->count;
		TRY(add_alternative(part, index / below, to, e));
		index %= below;
	}
	return 0;
}

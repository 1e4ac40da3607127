#include "cluster/pcr_source.h"

#include "attest/measure.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/config.h"
#include "proto/scan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINE_WORDS 2

int pcr_source_add(struct view index, struct view hex, struct pcr_set *set, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(PCR_MAX_LEN);
	struct pcr value = { 0 };
	unsigned number = 0;

	for (size_t i = 0; i < index.len && number < PCR_COUNT; i++)
		number = index.data[i] >= '0' && index.data[i] <= '9'
		             ? 10 * number + (index.data[i] - '0')
		             : PCR_COUNT;
	if (index.len == 0 || number >= PCR_COUNT)
		return err_set(e, ERR_DATA, "there is no PCR%.*s, but PCR0 to PCR%d",
		               (int)(index.len < 16 ? index.len : 16), (const char *)index.data,
		               PCR_COUNT - 1);
	if (hex_parse(hex, &bytes, e) < 0)
		return err_set(e, ERR_DATA, "PCR%u: not 32, 48 or 64 bytes in hex", number);
	if (bytes.len != 32 && bytes.len != 48 && bytes.len != 64)
		return err_set(e, ERR_DATA, "PCR%u: %zu bytes, expected 32, 48 or 64", number,
		               bytes.len);
	value.len = (uint8_t)bytes.len;
	memcpy(value.bytes, bytes.data, bytes.len);
	if (set->values[number].len && !pcr_equal(&set->values[number], &value))
		return err_set(e, ERR_DATA, "PCR%u is there twice, with two values", number);
	set->values[number] = value;
	return 0;
}

/* "PCR12" gives "12"; an empty view for another word. */
static struct view pcr_digits(struct view word)
{
	size_t prefix = strlen("PCR");

	if (word.len <= prefix || word.data[prefix] < '0' || word.data[prefix] > '9' ||
	    strncasecmp((const char *)word.data, "PCR", prefix) != 0)
		return (struct view){ 0 };
	return view_new(word.data + prefix, word.len - prefix);
}

static struct view take_until(struct view *rest, const char *ends)
{
	size_t len = 0;

	while (len < rest->len && (!rest->data[len] || !strchr(ends, rest->data[len])))
		len++;
	*rest = view_new(rest->data + len, rest->len - len);
	return view_new(rest->data - len, len);
}

static int parse_line(struct view line, size_t number, struct pcr_set *set, struct err *e)
{
	struct view rest = line, words[LINE_WORDS], digits;
	size_t count = 0;

	while ((rest = text_trim(rest)).len && rest.data[0] != '#') {
		struct view word = take_until(&rest, " \t\r#");

		if (count < LINE_WORDS)
			words[count] = word;
		count++;
	}
	if (count == 0)
		return 0;
	digits = count == LINE_WORDS ? pcr_digits(words[1]) : (struct view){ 0 };
	if (digits.len == 0)
		return err_set(e, ERR_DATA, "line %zu: expected HEX PCRn", number);
	if (pcr_source_add(digits, words[0], set, e) < 0)
		return err_wrap(e, "line %zu", number);
	return 0;
}

static int parse_lines(struct view text, struct pcr_set *set, struct err *e)
{
	for (size_t number = 1; text.len; number++) {
		struct view line = take_until(&text, "\n");

		TRY(parse_line(line, number, set, e));
		if (text.len)
			text = view_new(text.data + 1, text.len - 1);
	}
	return 0;
}

/* A walk over JSON that json_scan has passed, so that strings and brackets are known to close. */
struct walk {
	struct view rest;
	unsigned depth;
	bool in_measurements; /* at depth 2, below the key of that name */
};

static void skip_space(struct walk *w)
{
	w->rest = text_trim(w->rest);
}

static uint8_t next_byte(const struct walk *w)
{
	return w->rest.len ? w->rest.data[0] : 0;
}

static void skip_byte(struct walk *w)
{
	w->rest = view_new(w->rest.data + 1, w->rest.len - 1);
}

/* What stands between the quotes, escapes as they are. */
static struct view take_string(struct walk *w)
{
	size_t len = 0;
	struct view inner;

	skip_byte(w);
	while (len < w->rest.len && w->rest.data[len] != '"')
		len += w->rest.data[len] == '\\' ? 2 : 1;
	if (len > w->rest.len)
		len = w->rest.len;
	inner = view_new(w->rest.data, len);
	w->rest = view_new(w->rest.data + len, w->rest.len - len);
	if (w->rest.len)
		skip_byte(w);
	return inner;
}

/* A string, which may be the name of a PCR where one may stand, or of the object that has them. */
static int walk_string(struct walk *w, struct pcr_set *set, struct err *e)
{
	struct view name = take_string(w), digits = pcr_digits(name);

	skip_space(w);
	if (next_byte(w) != ':')
		return 0;
	skip_byte(w);
	skip_space(w);
	if (w->depth == 1)
		w->in_measurements = view_equal(name, view_text("Measurements"));
	if (next_byte(w) != '"')
		return 0;
	if (digits.len && (w->depth == 1 || (w->depth == 2 && w->in_measurements)))
		return pcr_source_add(digits, take_string(w), set, e);
	(void)take_string(w);
	return 0;
}

static int parse_json(struct view text, struct pcr_set *set, struct err *e)
{
	struct walk w = { 0 };

	if (json_scan(text, &scan_request, &w.rest, e) < 0) {
		e->code = ERR_DATA;
		return -1;
	}
	for (skip_space(&w); w.rest.len; skip_space(&w)) {
		uint8_t c = next_byte(&w);

		if (c == '"') {
			TRY(walk_string(&w, set, e));
			continue;
		}
		w.depth += c == '{' || c == '[';
		w.depth -= c == '}' || c == ']';
		skip_byte(&w);
	}
	return 0;
}

/* From the first line that begins an object to the end of the last: nitro-cli tells what it does in
 * the lines before, and puts some objects into an array. Empty where no line does. */
static struct view find_object(struct view text)
{
	while (text.len) {
		struct view rest = text, line = text_trim(take_until(&rest, "\n"));
		size_t bracket = line.len && line.data[0] == '[';
		const uint8_t *end = memrchr(text.data, '}', text.len);

		if (line.len > bracket && line.data[bracket] == '{') {
			const uint8_t *first = line.data + bracket;

			end = end && end > first ? end + 1 : text.data + text.len;
			return view_new(first, (size_t)(end - first));
		}
		text = rest.len ? view_new(rest.data + 1, rest.len - 1) : rest;
	}
	return text;
}

static int parse_cluster(const char *path, struct view text, struct pcr_set *set, struct err *e)
{
	AUTO(cluster) struct cluster c = { 0 };

	if (cluster_parse(path, text, &c, e) < 0) {
		e->code = ERR_DATA;
		return -1;
	}
	*set = c.enclave.pcrs;
	return 0;
}

static int parse(const char *path, struct view text, struct pcr_set *set, struct err *e)
{
	struct view object = find_object(text);

	if (memmem(text.data, text.len, "apiVersion", strlen("apiVersion")))
		return parse_cluster(path, text, set, e);
	return object.len ? parse_json(object, set, e) : parse_lines(text, set, e);
}

int pcr_source_parse(const char *path, struct view text, struct pcr_set *ret, struct err *e)
{
	static const struct pcr_set none;
	struct pcr_set set = { 0 };

	text = text_trim(text);
	if (text.len && parse(path, text, &set, e) < 0)
		return err_wrap(e, "'%s'", path);
	if (memcmp(&set, &none, sizeof(set)) == 0)
		return err_set(e, ERR_DATA, "'%s' has no PCR", path);
	*ret = set;
	return 0;
}

static int measure(const char *path, struct pcr_set *ret, struct err *e)
{
	AUTO(fd) int image = -1;
	struct pcr_set set = { 0 };

	TRY(measure_image(path, &image, &set.values[PCR_IMAGE], e));
	if (measure_runtime(image, &set.values[PCR_RUNTIME], e) < 0)
		return err_wrap(e, "'%s'", path);
	*ret = set;
	return 0;
}

static bool has_magic(const struct buf *file, const char *magic)
{
	size_t len = strlen(magic);

	return file->len >= len && memcmp(file->data, magic, len) == 0;
}

int pcr_source_read(const char *path, struct pcr_set *ret, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(PCR_SOURCE_MAX);
	int outcome = file_read_guarded(path, /* may_be_pipe= */ true, &file, e);

	/* Of a file that is longer than any text the beginning is here. */
	if (has_magic(&file, "\177ELF"))
		return measure(path, ret, e);
	if (has_magic(&file, ".eif"))
		return err_set(e, ERR_DATA,
		               "'%s' is a Nitro image file, which is not measured here: give what "
		               "nitro-cli describe-eif prints of it",
		               path);
	TRY(outcome);
	return pcr_source_parse(path, buf_view(&file), ret, e);
}

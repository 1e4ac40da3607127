#include "print.h"

#include "terminal.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMN_GAP 2
#define COLUMN_MIN 4 /* three characters and the ellipsis */

struct table_cell {
	enum tone tone;
	char *text;
};

static const char *const tone_codes[] = {
	[TONE_PLAIN] = "",        [TONE_GOOD] = "\033[32m", [TONE_BAD] = "\033[31m",
	[TONE_WAIT] = "\033[33m", [TONE_FAINT] = "\033[2m",
};

/* Why standard output, which is the process's, could not be written: of the first time, since stdio
 * forgets it. 0: it could. */
static int first_errno;

static void note(int result)
{
	if (result < 0 && first_errno == 0)
		first_errno = errno;
}

void print_line(struct context *c, const char *format, ...)
{
	char text[PROGRESS_LINE_MAX];
	va_list args;

	if (c->global.output != OUTPUT_TABLE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_tame(text);
	progress_clear(&c->progress);
	note(puts(text));
}

bool print_span(int64_t us, char to[static SPAN_SIZE])
{
	static const struct {
		int64_t seconds, smaller_seconds;
		const char *unit, *smaller;
	} rows[] = {
		{ 86400, 3600, "d", "h" },
		{ 3600, 60, "h", "min" },
		{ 60, 1, "min", "s" },
	};
	int64_t seconds = (us + 500000) / 1000000;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (seconds < rows[i].seconds)
			continue;
		snprintf(to, SPAN_SIZE, "%lld %s %lld %s", (long long)(seconds / rows[i].seconds),
		         rows[i].unit,
		         (long long)(seconds % rows[i].seconds / rows[i].smaller_seconds),
		         rows[i].smaller);
		return true;
	}
	return false;
}

void print_next(struct context *c, const char *text)
{
	if (c->global.output == OUTPUT_TABLE)
		context_say(c, "next: %s", text);
}

int print_next_file(struct context *c, const char *verb, const char *file, const char *rest,
                    struct err *e)
{
	AUTO(buf) struct buf command = BUF_INIT(FILE_OPTION_MAX + PROGRESS_LINE_MAX);

	TRY(buf_add_format(&command, e, "teectl %s ", verb));
	TRY(text_add_shell_word(file, &command, e));
	TRY(buf_add_text(&command, rest, e));
	print_next(c, buf_text(&command));
	return 0;
}

/* Characters that move what a terminal shows stand in JSON as well; there an escape says the same.
 * Outside its strings JSON has none. */
static int escape_controls(const struct buf *from, struct buf *to, struct err *e)
{
	const char *text = buf_text(from);

	for (size_t i = 0; i < from->len;) {
		size_t len = (uint8_t)text[i] < 0x80 ? 0 : text_control(text + i);
		uint32_t code = 0;

		if (len == 0) {
			TRY(buf_add(to, view_new(text + i, 1), e));
			i++;
			continue;
		}
		/* UTF-8 (RFC 3629 3): the lead byte's low bits, then six of each that follows. */
		code = (uint8_t)text[i] & (0xffu >> (len + 1));
		for (size_t k = 1; k < len; k++)
			code = code << 6 | ((uint8_t)text[i + k] & 0x3f);
		if (code > 0xffff)
			TRY(buf_add_format(to, e, "\\u%04x\\u%04x",
			                   0xd800 + ((code - 0x10000) >> 10),
			                   0xdc00 + ((code - 0x10000) & 0x3ff)));
		else
			TRY(buf_add_format(to, e, "\\u%04x", code));
		i += len;
	}
	return 0;
}

void print_raw(struct view text)
{
	note(fwrite(text.data, 1, text.len, stdout) < text.len ? -1 : 0);
}

int print_news(struct context *c, const struct wire_schema *schema, const void *message,
               struct err *e)
{
	bool had_document = c->has_document;

	if (c->global.output == OUTPUT_NDJSON)
		TRY(print_json(c, schema, message, e));
	c->has_document = had_document;
	return 0;
}

int print_json(struct context *c, const struct wire_schema *schema, const void *message,
               struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PRINT_MAX);
	AUTO(buf) struct buf tame = BUF_INIT(PRINT_MAX);

	if (c->global.output == OUTPUT_TABLE)
		return 0;
	if (c->global.output == OUTPUT_JSON)
		TRY(wire_encode_pretty(schema, message, &text, e));
	else
		TRY(wire_encode(schema, message, &text, e));
	TRY(escape_controls(&text, &tame, e));
	progress_clear(&c->progress);
	print_raw(buf_view(&tame));
	note(putchar('\n'));
	/* A line of ndjson is news: whoever reads the pipe gets it now. */
	if (c->global.output == OUTPUT_NDJSON)
		note(fflush(stdout));
	c->has_document = true;
	return 0;
}

void table_drop(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i].text);
	free(t->cells);
	t->cells = NULL;
	t->count = 0;
}

int table_cell(struct table *t, enum tone tone, struct err *e, const char *format, ...)
{
	struct table_cell *cells = reallocarray(t->cells, t->count + 1, sizeof(*cells));
	char text[CELL_MAX];
	va_list args;

	if (!cells)
		return err_set(e, ERR_INTERNAL, "no memory for a table");
	t->cells = cells;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_tame(text);
	cells[t->count].tone = tone;
	cells[t->count].text = strdup(*text ? text : "-");
	if (!cells[t->count].text)
		return err_set(e, ERR_INTERNAL, "no memory for a table");
	t->count++;
	return 0;
}

static size_t column_count(const struct table *t)
{
	size_t count = 0;

	while (count < TABLE_COLUMNS_MAX && t->titles[count])
		count++;
	return count;
}

/* Takes from the widest of the first `cut` columns, one character at a time, until the table fits.
 */
static void shrink(size_t *widths, size_t columns, size_t cut, size_t available)
{
	for (;;) {
		size_t total = (columns - 1) * COLUMN_GAP, widest = 0;

		for (size_t i = 0; i < columns; i++) {
			total += widths[i];
			if (i < cut && widths[i] > widths[widest])
				widest = i;
		}
		if (total <= available || widths[widest] <= COLUMN_MIN)
			return;
		widths[widest]--;
	}
}

static void measure_columns(const struct table *t, size_t columns, size_t *widths)
{
	for (size_t i = 0; i < columns; i++)
		widths[i] = text_width(t->titles[i]);
	for (size_t i = 0; i < t->count; i++) {
		size_t width = text_width(t->cells[i].text);

		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
}

/* The last column that is kept whole runs on below where it is long: names and what became of them
 * are not cut for it, beyond a quarter of the line. */
static void fit_columns(const struct table *t, size_t columns, size_t *widths)
{
	size_t available = terminal_width(STDOUT_FILENO), last = widths[columns - 1];

	if (!t->keeps_last) {
		shrink(widths, columns, columns, available);
		return;
	}
	if (last > available / 4)
		widths[columns - 1] = available / 4;
	shrink(widths, columns, columns - 1, available);
	widths[columns - 1] = last;
}

static void cell_print(const char *text, size_t width, const char *colour, bool is_last)
{
	size_t wide = text_width(text);
	bool is_cut = wide > width;

	note(printf("%s%.*s%s%s", colour, (int)text_prefix(text, is_cut ? width - 1 : width), text,
	            is_cut ? "…" : "", *colour ? "\033[0m" : ""));
	if (is_last)
		note(putchar('\n'));
	else
		note(printf("%*s", (int)((is_cut ? 0 : width - wide) + COLUMN_GAP), ""));
}

void table_print(struct context *c, const struct table *t)
{
	size_t columns = column_count(t), widths[TABLE_COLUMNS_MAX];
	bool has_colour = terminal_has_colour(STDOUT_FILENO);

	if (c->global.output != OUTPUT_TABLE || columns == 0)
		return;
	progress_clear(&c->progress);
	measure_columns(t, columns, widths);
	fit_columns(t, columns, widths);
	for (size_t i = 0; i < columns; i++)
		cell_print(t->titles[i], widths[i], has_colour ? "\033[1m" : "", i == columns - 1);
	for (size_t i = 0; i < t->count; i++)
		cell_print(t->cells[i].text, widths[i % columns],
		           has_colour ? tone_codes[t->cells[i].tone] : "",
		           i % columns == columns - 1);
}

static const struct wire_field printed_line_fields[] = {
	{ .name = "",
	  .kind = WIRE_TEXT,
	  .offset = offsetof(struct printed_line, text),
	  .presence = SIZE_MAX,
	  .max = WIRE_TEXT_MAX },
};
const struct wire_schema printed_line_schema = JSON_SCHEMA(printed_line, printed_line_fields);

int printed_lines(const char *text, struct wire_list *ret, struct err *e)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		struct printed_line *line;

		TRY(wire_list_add(ret, &printed_line_schema, &line, e));
		TRY(wire_set(&line->text, view_new(text, (size_t)(end - text)), e));
	}
	return 0;
}

int print_close(struct err *e)
{
	note(fflush(stdout));
	if (first_errno || ferror(stdout))
		return err_sys(e, ERR_INTERNAL, first_errno ? first_errno : EIO,
		               "writing standard output");
	if (close(STDOUT_FILENO) < 0 && errno != EBADF)
		return err_sys(e, ERR_INTERNAL, errno, "closing standard output");
	return 0;
}

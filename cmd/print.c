#include "print.h"

#include "terminal.h"

#include "base/text.h"

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

void print_line(struct context *c, const char *format, ...)
{
	char text[4 * CELL_MAX];
	va_list args;

	if (c->global.output != OUTPUT_TABLE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_tame(text);
	progress_clear(&c->progress);
	puts(text);
}

void print_raw(struct view text)
{
	fwrite(text.data, 1, text.len, stdout);
}

int print_json(struct context *c, const struct wire_schema *schema, const void *message,
               struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PRINT_MAX);

	if (c->global.output == OUTPUT_TABLE)
		return 0;
	if (c->global.output == OUTPUT_JSON)
		TRY(wire_encode_pretty(schema, message, &text, e));
	else
		TRY(wire_encode(schema, message, &text, e));
	progress_clear(&c->progress);
	print_raw(buf_view(&text));
	putchar('\n');
	/* A line of ndjson is news: whoever reads the pipe gets it now. */
	if (c->global.output == OUTPUT_NDJSON)
		fflush(stdout);
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
	shrink(widths, columns, t->keeps_last ? columns - 1 : columns,
	       terminal_width(STDOUT_FILENO));
}

static void cell_print(const char *text, size_t width, const char *colour, bool is_last)
{
	size_t wide = text_width(text);
	bool is_cut = wide > width;

	printf("%s%.*s%s%s", colour, (int)text_prefix(text, is_cut ? width - 1 : width), text,
	       is_cut ? "…" : "", *colour ? "\033[0m" : "");
	if (is_last)
		putchar('\n');
	else
		printf("%*s", (int)((is_cut ? 0 : width - wide) + COLUMN_GAP), "");
}

void table_print(struct context *c, const struct table *t)
{
	size_t columns = column_count(t), widths[TABLE_COLUMNS_MAX];
	bool has_colour = terminal_has_colour(STDOUT_FILENO);

	if (c->global.output != OUTPUT_TABLE || columns == 0)
		return;
	progress_clear(&c->progress);
	measure_columns(t, columns, widths);
	for (size_t i = 0; i < columns; i++)
		cell_print(t->titles[i], widths[i], has_colour ? "\033[1m" : "", i == columns - 1);
	for (size_t i = 0; i < t->count; i++)
		cell_print(t->cells[i].text, widths[i % columns],
		           has_colour ? tone_codes[t->cells[i].tone] : "",
		           i % columns == columns - 1);
}

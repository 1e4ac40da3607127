/* Data, on standard output. A verb states both forms and the output option picks: print_line and
 * table_print speak only with -o table, print_json only with -o json and ndjson.
 *
 * None of these reports a write error: main() finds it when it closes standard output. */
#ifndef TEECTL_CMD_PRINT_H
#define TEECTL_CMD_PRINT_H

#include "base/buf.h"
#include "cmd.h"
#include "proto/wire.h"

#define PRINT_MAX (64u << 20) /* a document: 16384 nodes of 4 KiB each */
#define CELL_MAX  1024

enum tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_WAIT, TONE_FAINT };

/* A line for a person. Control characters are replaced. */
void print_line(struct context *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* A time of a minute and more in words: "2 min 5 s", "4 h 12 min", "1 d 21 h".
 * Returns false, and writes nothing, where it is shorter. */
#define SPAN_SIZE 48
bool print_span(int64_t us, char to[static SPAN_SIZE]);
/* "next: teectl …" for a person: what to type now. It is talk, not data, and so on standard error
 * with the other talk, of every verb; JSON has its own. Nobody else prints it (lint.bats), but
 * watch, whose events are its data. text: the command as it is to be typed here is made of it
 * (context_commands). */
void print_next(struct context *c, const char *text);
/* Likewise, with a file's name in it: "teectl VERB FILE REST". */
MUST_CHECK int print_next_file(struct context *c, const char *verb, const char *file,
                               const char *rest, struct err *e);
/* Text of a program's own making, as it is: completions, manual pages, logs. Whoever prints it
 * looks at the output option. */
void print_raw(struct view text);
/* At the end: a full disk or a closed pipe shows only now. fails  ERR_INTERNAL: the first reason */
MUST_CHECK int print_close(struct err *e);

/* One document: indented with -o json, on one line with -o ndjson. */
MUST_CHECK int print_json(struct context *c, const struct wire_schema *schema, const void *message,
                          struct err *e);

/* The same of what happens meanwhile: a line of -o ndjson, and none of -o json. It is no document:
 * an error is still told as one. */
MUST_CHECK int print_news(struct context *c, const struct wire_schema *schema, const void *message,
                          struct err *e);

/* A table: columns as wide as their widest cell; on a terminal that is too narrow the widest are
 * cut, with an ellipsis, and nowhere else. Colours only on a terminal, and
 * not where NO_COLOR is set.
 *
 *	AUTO(table) struct table t = TABLE_INIT("NODE", "PHASE");
 *	TRY(table_cell(&t, TONE_PLAIN, e, "%s", node->name));
 *	TRY(table_cell(&t, TONE_GOOD, e, "%s", phase_name(phase)));
 *	table_print(c, &t);
 */
#define TABLE_COLUMNS_MAX 12

struct table {
	const char *titles[TABLE_COLUMNS_MAX + 1]; /* NULL-terminated */
	bool keeps_last;          /* the last column is never cut, nor a short one for it */
	struct table_cell *cells; /* row after row */
	size_t count;
};

#define TABLE_INIT(...) ((struct table){ .titles = { __VA_ARGS__ } })

void table_drop(struct table *t);
/* The next cell; a row ends by itself. An empty text is shown as "-". */
MUST_CHECK int table_cell(struct table *t, enum tone tone, struct err *e, const char *format, ...)
    PRINTF_LIKE(4, 5);
void table_print(struct context *c, const struct table *t);

/* Rows of the schemas of -o json; a member of another type than its row's does not compile.
 * JSON_HEX is of a struct buf, JSON_HEX_FIXED of a uint8_t array; a row that may be null has
 * JSON_MAYBE. */
#define JSON_ROW(struct_, member, type, ...)                                                       \
	{                                                                                          \
		.name = #member, .offset = WIRE_OFFSET(struct struct_, member, type),              \
		.presence = SIZE_MAX, __VA_ARGS__                                                  \
	}
#define JSON_TEXT(struct_, member)                                                                 \
	JSON_ROW(struct_, member, struct buf, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX)
#define JSON_NUMBER(struct_, member)                                                               \
	JSON_ROW(struct_, member, int64_t, .kind = WIRE_NUMBER, .min = INT64_MIN, .max = INT64_MAX)
#define JSON_BOOL(struct_, member) JSON_ROW(struct_, member, bool, .kind = WIRE_BOOL)
#define JSON_WORD(struct_, member, names)                                                          \
	JSON_ROW(struct_, member, int, .kind = WIRE_WORD, .words = (names))
#define JSON_HEX(struct_, member)                                                                  \
	JSON_ROW(struct_, member, struct buf, .kind = WIRE_HEX, .max = WIRE_TEXT_MAX)
#define JSON_HEX_FIXED(struct_, member)                                                            \
	JSON_ROW(struct_, member, uint8_t[sizeof(((struct struct_ *)0)->member)],                  \
	         .kind = WIRE_FIXED_HEX, .max = sizeof(((struct struct_ *)0)->member))
#define JSON_OBJECT(struct_, member, type, of)                                                     \
	JSON_ROW(struct_, member, type, .kind = WIRE_OBJECT, .schema = &(of))
#define JSON_LIST(struct_, member, of)                                                             \
	JSON_ROW(struct_, member, struct wire_list, .kind = WIRE_LIST, .max = UINT16_MAX,          \
	         .schema = &(of))
/* The same row, null unless the struct's `present` is true. */
#define JSON_MAYBE(struct_, member, type, present, ...)                                            \
	{                                                                                          \
		.name = #member, .offset = WIRE_OFFSET(struct struct_, member, type),              \
		.presence = WIRE_OFFSET(struct struct_, present, bool), .flags = WIRE_NULLABLE,    \
		__VA_ARGS__                                                                        \
	}
#define JSON_SCHEMA(type, rows)                                                                    \
	{                                                                                          \
		.name = #type, .size = sizeof(struct type), .fields = (rows), .count = COUNT(rows) \
	}

/* Lines of a text as a JSON list of bare strings. */
struct printed_line {
	struct buf text;
};
extern const struct wire_schema printed_line_schema;
/* Adds a row for each line that ends in a newline. ret: of printed_line_schema */
MUST_CHECK int printed_lines(const char *text, struct wire_list *ret, struct err *e);

#endif

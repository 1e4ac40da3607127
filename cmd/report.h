/* How an error is told: text, cause, and what to do next. */
#ifndef TEECTL_CMD_REPORT_H
#define TEECTL_CMD_REPORT_H

#include "cmd.h"
#include "orchestrate/report.h"

/* On standard error "teectl: VERB: text", then cause and cure or hint, each on a line; with -o json
 * and ndjson also {"error": {...}} on standard output, unless the verb has printed its document. */
void report_error(struct context *c, const struct err *failure);

/* Completes the object that error_report_make has made: verb, cause, and the hint, which settles
 * c->hint. next: the command that brings the cluster on; NULL: unknown. */
MUST_CHECK int report_complete(struct context *c, const struct err *failure, const char *next,
                               struct error_report *object, struct err *e);

/* Makes the commands in a text of the library's those to be typed here: context_commands. */
MUST_CHECK int report_commands(const struct context *c, struct buf *text, struct err *e);

/* For teectl(1): the codes that have a cause, with the words they begin with. */
struct advice {
	enum err_code code;
	const char *cause; /* NULL for errors of teectl's own: the text says it */
	const char *cure;
};
extern const struct advice advice_table[];
extern const size_t advice_count;

#endif

#include "attest/trace.h"

#include <stdarg.h>
#include <stdio.h>

const char *const trace_outcome_names[] = {
	[TRACE_DONE] = "done",
	[TRACE_FAILED] = "failed",
	[TRACE_NOT_ASKED] = "not asked",
	[TRACE_NOT_REACHED] = "not reached",
	NULL,
};

PRINTF_LIKE(4, 0)
static void add(struct trace *t, const char *check, enum trace_outcome outcome, const char *format,
                va_list args)
{
	struct trace_line *line;
	struct err printable;
	char text[ERR_TEXT_MAX];

	/* Full it can't be (trace.h); a line less is no reason to refuse a document. */
	if (!t || t->count == TRACE_MAX)
		return;
	vsnprintf(text, sizeof(text), format, args);
	(void)err_set(&printable, ERR_INTERNAL, "%s", text);
	line = &t->lines[t->count++];
	line->outcome = outcome;
	snprintf(line->check, sizeof(line->check), "%s", check);
	snprintf(line->text, sizeof(line->text), "%s", printable.text);
}

void trace_add(struct trace *t, const char *check, enum trace_outcome outcome, const char *format,
               ...)
{
	va_list args;

	va_start(args, format);
	add(t, check, outcome, format, args);
	va_end(args);
}

int trace_end(struct trace *t, const char *check, int outcome, const struct err *e,
              const char *format, ...)
{
	va_list args;

	if (outcome < 0) {
		trace_add(t, check, TRACE_FAILED, "%s", e->text);
		return outcome;
	}
	va_start(args, format);
	add(t, check, TRACE_DONE, format, args);
	va_end(args);
	return outcome;
}

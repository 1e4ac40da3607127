/* What a verification looked at: one line a check, in the order in which they are made. The
 * verifier itself writes it while it judges, so what a person reads is what has run. */
#ifndef TEECTL_ATTEST_TRACE_H
#define TEECTL_ATTEST_TRACE_H

#include "base/err.h"

/* Of a document: 3 of its form, 11 of its chain, 32 PCRs, and less than a dozen more. */
#define TRACE_MAX       64
#define TRACE_CHECK_MAX 40 /* a word and any number */

enum trace_outcome {
	TRACE_DONE,
	TRACE_FAILED,
	TRACE_NOT_ASKED,   /* the policy does not ask for it: the text says what is not known */
	TRACE_NOT_REACHED, /* an earlier one failed */
};
extern const char *const trace_outcome_names[]; /* "done", …; NULL-terminated */

struct trace_line {
	char check[TRACE_CHECK_MAX]; /* stable: "structure", "certificate 1", "pcr0" */
	enum trace_outcome outcome;
	char text[ERR_TEXT_MAX]; /* printable, one line */
};

struct trace {
	struct trace_line lines[TRACE_MAX];
	size_t count;
};

/* All take t NULL: nobody wants to know. */
void trace_add(struct trace *t, const char *check, enum trace_outcome outcome, const char *format,
               ...) PRINTF_LIKE(4, 5);
/* How a check ended: 0 done, with these words; -1 failed, with the error's. Returns outcome, so
 * that a caller can write: TRY(trace_end(t, "structure", cose_parse(…), e, "…")). */
MUST_CHECK int trace_end(struct trace *t, const char *check, int outcome, const struct err *e,
                         const char *format, ...) PRINTF_LIKE(5, 6);

#endif

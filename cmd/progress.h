/* What is happening, on standard error: a lasting line when something changes, and on a terminal
 * one more that is rewritten, with a spinner. */
#ifndef TEECTL_CMD_PROGRESS_H
#define TEECTL_CMD_PROGRESS_H

#include "base/text.h"

#define PROGRESS_TEXT_MAX 160
#define PROGRESS_LINE_MAX COMMAND_LINE_MAX

struct progress {
	bool is_terminal;
	bool is_shown; /* the terminal's last line is ours */
	unsigned frame;
	size_t done, total; /* total 0: no bar */
	char text[PROGRESS_TEXT_MAX];
};

struct progress progress_new(void);
/* A lasting line: "tee2: verified". */
void progress_say(struct progress *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* What is under way now; shown on a terminal alone. */
void progress_set(struct progress *p, size_t done, size_t total, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Turns the spinner; call it every 100 ms or so while waiting. Nothing without a terminal. */
void progress_tick(struct progress *p);
/* Takes the rewritten line away. Before anything else is printed; main does it at the end. */
void progress_clear(struct progress *p);

#endif

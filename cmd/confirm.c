#include "confirm.h"

#include "terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 16 /* "yes" and room to see that it is something else */

int confirm(struct context *c, bool yes, const char *question, struct err *e)
{
	char answer[ANSWER_MAX] = "";

	if (yes)
		return 0;
	if (!terminal_is(STDIN_FILENO) || !terminal_is(STDERR_FILENO) ||
	    c->global.output != OUTPUT_TABLE)
		return err_set(e, ERR_USAGE, "nobody is there to ask: --yes answers for a script");
	fflush(stdout);
	progress_clear(&c->progress);
	fprintf(stderr, "%s (yes/no, the whole word) ", question);
	if (fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0)
		return 0;
	context_hint(c, "the same command again, and the whole word: yes");
	return err_set(e, ERR_NOT_DESIRED,
	               "not confirmed: nothing was done, since the answer was not the word yes");
}

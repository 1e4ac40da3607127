/* Asking a person. */
#ifndef TEECTL_CMD_CONFIRM_H
#define TEECTL_CMD_CONFIRM_H

#include "cmd.h"

/* Shows the question on standard error and waits for "yes" on standard input; --yes has said it
 * already. fails  ERR_USAGE: nobody is there to ask (no terminal, or -o json) and no --yes;
 * ERR_NOT_DESIRED: any other answer */
MUST_CHECK int confirm(struct context *c, bool yes, const char *question, struct err *e);

#endif

/* `recover drill`: a recovery that is practised, step by step. */
#ifndef TEECTL_CMD_DRILL_H
#define TEECTL_CMD_DRILL_H

#include "cmd.h"

MUST_CHECK int drill_verb(struct context *c, struct err *e);

#endif

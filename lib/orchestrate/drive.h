/* The loop: observe (run_open did), plan, execute. Every verb that changes a cluster is this with
 * its own goal. */
#ifndef TEECTL_ORCHESTRATE_DRIVE_H
#define TEECTL_ORCHESTRATE_DRIVE_H

#include "orchestrate/report.h"

/* ret_nothing  why there was nothing to do, or "" */
MUST_CHECK int drive(struct run *r, const struct goal *goal, char ret_nothing[static NOTHING_MAX],
                     struct err *e);

/* The same of a look, whose goal changes nothing: that a node fails is no failure of it. fails
 * ERR_INTERRUPTED, ERR_INTERNAL */
MUST_CHECK int drive_look(struct run *r, const struct goal *goal, struct err *e);

#endif

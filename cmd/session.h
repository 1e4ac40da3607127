/* What the verbs that drive the loop share: a run with its events on standard error, and the report
 * of how the cluster stands at the end. */
#ifndef TEECTL_CMD_SESSION_H
#define TEECTL_CMD_SESSION_H

#include "cmd.h"
#include "orchestrate/drive.h"

/* only: the one node that it is about, NULL: all. r: RUN_INIT; the caller drops it. */
MUST_CHECK int session_open(struct context *c, bool to_change, const size_t *only, struct run *r,
                            struct err *e);

/* Drives the run to the goal, prints what happened and the report. failure and nothing to do are
 * told as such; what to type next is the error's hint or the last line. */
MUST_CHECK int session_reach(struct context *c, struct run *r, const struct goal *goal,
                             struct err *e);

/* The whole table, as status and verify show it. */
MUST_CHECK int session_table(struct context *c, const struct cluster_report *report, struct err *e);

#endif

/* What the verbs that drive the loop share: a run with its events on standard error, and the report
 * of how the cluster stands at the end. */
#ifndef TEECTL_CMD_SESSION_H
#define TEECTL_CMD_SESSION_H

#include "cmd.h"
#include "orchestrate/drive.h"

/* Of a run whose events go to standard error. */
struct run_options session_options(struct context *c, bool to_change, const size_t *only);

/* Before the run is opened: what it does is written to path at its end, as timing.h has it. NULL:
 * it is not. */
MUST_CHECK int session_trace(struct context *c, const char *path, struct err *e);

/* only: the one node that it is about, NULL: all. r: RUN_INIT; the caller drops it. */
MUST_CHECK int session_open(struct context *c, bool to_change, const size_t *only, struct run *r,
                            struct err *e);

/* Drives the run to the goal, prints what happened and the report. failure and nothing to do are
 * told as such; what to type next is the error's hint or the last line. */
MUST_CHECK int session_reach(struct context *c, struct run *r, const struct goal *goal,
                             struct err *e);

/* At the end of a verb that has changed what of the state others know by etcd: gives it to etcd.
 * Where that fails the verb has not: it is told as a warning, and *ret_failed with ret_why says it
 * for machines. */
MUST_CHECK int session_share(struct context *c, const struct state *state, bool *ret_failed,
                             struct buf *ret_why, struct err *e);

#define OPT_TRACE(args)                                                                            \
	{                                                                                          \
		.name = "trace", .kind = OPT_FILE, .metavar = "FILE",                              \
		.offset = offsetof(struct args, trace),                                            \
		.doc = "write what took how long, for Chrome's trace viewers"                      \
	}

#define OPT_TOPOLOGY(args)                                                                         \
	{                                                                                          \
		.name = "topology", .kind = OPT_WORD, .metavar = "WAY",                            \
		.offset = offsetof(struct args, topology), .words = topology_names,                \
		.doc = "the key's way; default: the cluster file's propagate.topology"             \
	}

/* topology: of OPT_TOPOLOGY; below 0: it was not given */
enum topology session_topology(const struct context *c, int topology);

/* An error's text begins with its node where it has come from one: the text without it. */
const char *session_without_node(const char *text, const char *node);

#endif

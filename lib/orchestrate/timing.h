/* Timing: what took how long, as Chrome's trace viewers read it: a JSON array of complete events,
 * the steps as one process and the exchanges as another, with a row for each node. */
#ifndef TEECTL_ORCHESTRATE_TIMING_H
#define TEECTL_ORCHESTRATE_TIMING_H

#include "base/buf.h"

#define TIMING_MAX (256u << 20) /* a million events; what comes after is counted, not kept */

enum timing_process { TIMING_STEPS = 1, TIMING_EXCHANGES = 2 };

struct timing {
	struct buf text;
	size_t lost;
};

#define TIMING_INIT ((struct timing){ .text = BUF_INIT(TIMING_MAX) })

void timing_drop(struct timing *t);

struct timing_event {
	enum timing_process process;
	const char *name, *node;
	size_t row; /* node's in the cluster file, from 0 */
	int64_t started_us, elapsed_us;
	const char *text; /* a detail, or why it failed; "" for none */
	bool is_failed;
};

/* Rows are called after their nodes. */
void timing_name_row(struct timing *t, enum timing_process process, size_t row, const char *node);
void timing_add(struct timing *t, const struct timing_event *event);
/* Ends the array and writes it. fails  ERR_INTERNAL, ERR_NO_INPUT: as file_write_named */
MUST_CHECK int timing_write(struct timing *t, const char *path, struct err *e);

#endif

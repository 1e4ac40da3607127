/* Following a run: how far it is, how fast, and what is left; when to say that it still goes on;
 * its events as lines of JSON, and its trace. */
#ifndef TEECTL_CMD_FOLLOW_H
#define TEECTL_CMD_FOLLOW_H

#include "orchestrate/run.h"
#include "orchestrate/timing.h"

#define FOLLOW_HEARTBEAT_US 10000000 /* nothing has changed for so long: that is said */
#define FOLLOW_TICK_US      100000   /* of a spinner */
#define FOLLOW_TEXT_MAX     160

struct follow {
	size_t total, ended; /* steps */
	size_t under_way;
	unsigned round, rounds; /* of the key's way */
	int64_t started_us, said_us, ticked_us;
	char last[64];          /* "tee2: forward", the last that began */
	const char *trace_path; /* NULL: no trace; borrowed */
	struct timing timing;
};

void follow_drop(struct follow *f);
void follow_take(struct follow *f, const struct event *event, int64_t now_us);
/* "tee2: forward, round 2 of 4, 5.2 steps/s, 12 s left" */
void follow_describe(const struct follow *f, int64_t now_us, char to[static FOLLOW_TEXT_MAX]);
/* Is it time to say that it still goes on? Then that counts as said. */
bool follow_is_due(struct follow *f, int64_t now_us);
/* Is it time to turn the spinner? */
bool follow_ticks(struct follow *f, int64_t now_us);

/* One event, for machines; a schema of its own for print.h. */
struct event_line {
	int event;
	bool has_step, has_node, has_reason, has_error, has_code;
	struct buf time, step, node, reason, error;
	int64_t code; /* contract.md's, where an enclave has refused */
	struct buf text;
	int64_t elapsed_ms;
	int64_t done, total; /* steps, of the run */
};
extern const struct wire_schema event_line_schema;
WIRE_DROP(event_line);
/* event NULL: a heartbeat, with text */
MUST_CHECK int event_line_make(const struct follow *f, const struct event *event, const char *text,
                               int64_t unix_ms, struct event_line *ret, struct err *e);

#endif

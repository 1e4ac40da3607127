#include "orchestrate/timing.h"

#include "base/file.h"
#include "proto/row.h"

struct timing_args {
	struct buf node, text;
	bool failed;
};

struct timing_line {
	struct buf name, category, phase;
	int64_t ts, dur, pid, tid;
	struct timing_args args;
};

struct row_args {
	struct buf name;
};

struct row_line {
	struct buf name, phase;
	int64_t pid, tid;
	struct row_args args;
};

/* clang-format off */

#define THIS timing_args
INNER(timing_args,
	TEXT("node", node, 0, WIRE_TEXT_MAX, "that was asked", REQUIRED),
	TEXT("text", text, 0, WIRE_TEXT_MAX, "a detail, or why it failed", REQUIRED),
	BOOL("failed", failed, "whether it failed", REQUIRED));
#undef THIS

#define THIS timing_line
INNER(timing_line,
	TEXT("name", name, 0, WIRE_TEXT_MAX, "of the step or operation", REQUIRED),
	TEXT("cat", category, 0, WIRE_TEXT_MAX, "step or exchange", REQUIRED),
	TEXT("ph", phase, 0, 1, "X: a complete event", REQUIRED),
	NUMBER("ts", ts, 0, INT64_MAX, "when it began, in microseconds", REQUIRED),
	NUMBER("dur", dur, 0, INT64_MAX, "how long it took, in microseconds", REQUIRED),
	NUMBER("pid", pid, 0, INT32_MAX, "1: steps; 2: exchanges", REQUIRED),
	NUMBER("tid", tid, 0, INT32_MAX, "the node's number, from 1", REQUIRED),
	OBJECT_AS("args", args, struct timing_args, timing_args, "what else is known", REQUIRED));
#undef THIS

#define THIS row_args
INNER(row_args,
	TEXT("name", name, 0, WIRE_TEXT_MAX, "of the row", REQUIRED));
#undef THIS

#define THIS row_line
INNER(row_line,
	TEXT("name", name, 0, WIRE_TEXT_MAX, "thread_name", REQUIRED),
	TEXT("ph", phase, 0, 1, "M: about the trace itself", REQUIRED),
	NUMBER("pid", pid, 0, INT32_MAX, "1: steps; 2: exchanges", REQUIRED),
	NUMBER("tid", tid, 0, INT32_MAX, "the node's number, from 1", REQUIRED),
	OBJECT_AS("args", args, struct row_args, row_args, "its name", REQUIRED));
#undef THIS

/* clang-format on */

void timing_drop(struct timing *t)
{
	buf_drop(&t->text);
}

/* A trace that is full, or without memory, is shorter: what it is of goes on. */
static void append(struct timing *t, const struct wire_schema *schema, void *line, bool is_made)
{
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);
	struct err ignored;
	size_t before = t->text.len;

	if (!is_made || wire_encode(schema, line, &text, &ignored) < 0 ||
	    buf_add_text(&t->text, before ? ",\n" : "[\n", &ignored) < 0 ||
	    buf_add(&t->text, buf_view(&text), &ignored) < 0) {
		t->text.len = before;
		t->lost++;
	}
	wire_release(schema, line);
}

void timing_name_row(struct timing *t, enum timing_process process, size_t row, const char *node)
{
	struct row_line line = { .pid = (int64_t)process, .tid = (int64_t)row + 1 };
	struct err ignored;
	bool is_made = wire_set_text(&line.name, "thread_name", &ignored) == 0 &&
	               wire_set_text(&line.phase, "M", &ignored) == 0 &&
	               wire_set_text(&line.args.name, node, &ignored) == 0;

	append(t, &row_line_schema, &line, is_made);
}

void timing_add(struct timing *t, const struct timing_event *event)
{
	struct timing_line line = {
		.ts = event->started_us,
		.dur = event->elapsed_us,
		.pid = (int64_t)event->process,
		.tid = (int64_t)event->row + 1,
		.args.failed = event->is_failed,
	};
	const char *category = event->process == TIMING_STEPS ? "step" : "exchange";
	struct err ignored;
	bool is_made = wire_set_text(&line.name, event->name, &ignored) == 0 &&
	               wire_set_text(&line.category, category, &ignored) == 0 &&
	               wire_set_text(&line.phase, "X", &ignored) == 0 &&
	               wire_set_text(&line.args.node, event->node, &ignored) == 0 &&
	               wire_set_text(&line.args.text, event->text, &ignored) == 0;

	append(t, &timing_line_schema, &line, is_made);
}

int timing_write(struct timing *t, const char *path, struct err *e)
{
	if (t->text.len == 0)
		TRY(buf_add_text(&t->text, "[", e));
	t->text.max += sizeof("\n]\n"); /* also where it is full */
	TRY(buf_add_text(&t->text, "\n]\n", e));
	return file_write_named(path, buf_view(&t->text), 0644, e);
}

#include "follow.h"

#include "base/text.h"
#include "proto/row.h"

#include <stdio.h>
#include <string.h>

#define RATE_AFTER_US 1000000 /* before, a rate says nothing */

/* Of a line alone. An event_kind that is added behind the last would have its place in the words,
 * and be refused by the compiler. */
#define EVENT_HEARTBEAT ((int)EVENT_PLANNED + 1)

/* As enum event_kind; stable: scripts read them. */
static const char *const event_words[] = {
	[EVENT_STEP_STARTED] = "started",
	[EVENT_STEP_DONE] = "done",
	[EVENT_STEP_FAILED] = "failed",
	[EVENT_RETRY] = "retry",
	[EVENT_NOTE] = "note",
	[EVENT_PLANNED] = "planned",
	[EVENT_HEARTBEAT] = "heartbeat",
	[EVENT_HEARTBEAT + 1] = NULL,
};

/* clang-format off */
#define THIS event_line
SCHEMA(event_line,
	TEXT("time", time, 0, TIME_TEXT_LEN, "RFC 3339: when it was told", REQUIRED),
	WORD("event", event, event_words, "what happened", REQUIRED),
	TEXT("step", step, 0, WIRE_TEXT_MAX, "the step, or of a retry the operation", NULLABLE(has_step)),
	TEXT("node", node, 0, WIRE_TEXT_MAX, "whose it is", NULLABLE(has_node)),
	TEXT("error", error, 0, WIRE_TEXT_MAX, "which error, a word that stays", NULLABLE(has_error)),
	TEXT("reason", reason, 0, WIRE_TEXT_MAX, "which check, for machines", NULLABLE(has_reason)),
	NUMBER("code", code, 0, INT32_MAX, "of the enclave's refusal", NULLABLE(has_code)),
	TEXT("text", text, 0, WIRE_TEXT_MAX, "for people", REQUIRED),
	NUMBER("elapsed_ms", elapsed_ms, 0, INT64_MAX, "since the step began", REQUIRED),
	NUMBER("done", done, 0, INT64_MAX, "steps that have ended", REQUIRED),
	NUMBER("total", total, 0, INT64_MAX, "steps in all", REQUIRED));
#undef THIS
/* clang-format on */

void follow_drop(struct follow *f)
{
	timing_drop(&f->timing);
}

static void begin(struct follow *f, const struct plan *plan, int64_t now_us)
{
	f->total = plan->count;
	f->ended = f->under_way = 0;
	f->round = 0;
	f->rounds = plan->way.rounds;
	f->started_us = now_us;
	f->last[0] = 0;
}

static void record(struct follow *f, const struct event *event, int64_t now_us)
{
	if (!f->trace_path)
		return;
	timing_add(&f->timing, &(struct timing_event){
	                           .process = TIMING_STEPS,
	                           .name = event->step,
	                           .node = event->node,
	                           .row = event->node_index,
	                           .started_us = now_us - event->elapsed_us,
	                           .elapsed_us = event->elapsed_us,
	                           .text = event->text,
	                           .is_failed = event->kind == EVENT_STEP_FAILED,
	                       });
}

void follow_take(struct follow *f, const struct event *event, int64_t now_us)
{
	f->said_us = now_us;
	switch (event->kind) {
	case EVENT_PLANNED:
		begin(f, event->plan, now_us);
		break;
	case EVENT_STEP_STARTED:
		f->under_way++;
		if (event->round > f->round)
			f->round = event->round;
		snprintf(f->last, sizeof(f->last), "%s: %s", event->node, event->step);
		break;
	case EVENT_STEP_DONE:
	case EVENT_STEP_FAILED:
		f->ended++;
		f->under_way -= f->under_way > 0;
		record(f, event, now_us);
		break;
	case EVENT_RETRY:
	case EVENT_NOTE:
		break;
	}
}

void follow_describe(const struct follow *f, int64_t now_us, char to[static FOLLOW_TEXT_MAX])
{
	int64_t elapsed_us = now_us - f->started_us;
	size_t left = f->total > f->ended ? f->total - f->ended : 0, len;
	double rate;

	len = (size_t)snprintf(to, FOLLOW_TEXT_MAX, "%s", f->last);
	if (f->round && len < FOLLOW_TEXT_MAX)
		len += (size_t)snprintf(to + len, FOLLOW_TEXT_MAX - len, ", round %u of %u",
		                        f->round, f->rounds);
	if (elapsed_us < RATE_AFTER_US || f->ended == 0 || len >= FOLLOW_TEXT_MAX)
		return;
	rate = (double)f->ended * 1e6 / (double)elapsed_us;
	snprintf(to + len, FOLLOW_TEXT_MAX - len, ", %.1f steps/s, %.0f s left", rate,
	         (double)left / rate);
}

bool follow_is_due(struct follow *f, int64_t now_us)
{
	if (f->total == 0 || f->ended >= f->total || now_us - f->said_us < FOLLOW_HEARTBEAT_US)
		return false;
	f->said_us = now_us;
	return true;
}

bool follow_ticks(struct follow *f, int64_t now_us)
{
	if (now_us - f->ticked_us < FOLLOW_TICK_US)
		return false;
	f->ticked_us = now_us;
	return true;
}

static int set_maybe(struct buf *member, bool *has, const char *text, struct err *e)
{
	*has = text && text[0];
	return wire_set_text(member, text ? text : "", e);
}

int event_line_make(const struct follow *f, const struct event *event, const char *text,
                    int64_t unix_ms, struct event_line *ret, struct err *e)
{
	const struct err *failure = event ? event->failure : NULL;
	char now[TIME_TEXT_LEN];

	time_format(unix_ms, now);
	TRY(wire_set_text(&ret->time, now, e));

	ret->event = event ? (int)event->kind : EVENT_HEARTBEAT;
	ret->done = (int64_t)f->ended;
	ret->total = (int64_t)f->total;
	ret->elapsed_ms = event ? event->elapsed_us / 1000 : 0;
	ret->code = failure ? err_info(failure->code)->wire : 0;
	ret->has_code = ret->code != 0;
	TRY(set_maybe(&ret->step, &ret->has_step, event ? event->step : NULL, e));
	TRY(set_maybe(&ret->node, &ret->has_node, event ? event->node : NULL, e));
	TRY(set_maybe(&ret->error, &ret->has_error, failure ? err_info(failure->code)->name : NULL,
	              e));
	TRY(set_maybe(&ret->reason, &ret->has_reason, failure ? failure->reason : NULL, e));
	return wire_set_text(&ret->text, event && event->text ? event->text : text, e);
}

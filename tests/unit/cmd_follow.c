/* How far a run is, and when that is said. */
/* link: cmd/follow.c */
#include "cmd/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000

static void begin(struct follow *f, size_t steps, unsigned rounds)
{
	const struct plan plan = { .count = steps, .way.rounds = rounds };

	follow_take(f, &(struct event){ .kind = EVENT_PLANNED, .plan = &plan }, SECOND);
}

static void step(struct follow *f, enum event_kind kind, unsigned round, int64_t now_us)
{
	follow_take(
	    f,
	    &(struct event){
	        .kind = kind, .step = "forward", .node = "tee2", .text = "", .round = round },
	    now_us);
}

static void the_rate_and_what_is_left_come_from_what_has_ended(void **state)
{
	char text[FOLLOW_TEXT_MAX];
	struct follow f = { 0 };

	(void)state;
	begin(&f, 12, 4);
	step(&f, EVENT_STEP_STARTED, 2, SECOND);
	follow_describe(&f, SECOND + SECOND / 2, text);
	assert_string_equal(text, "tee2: forward, round 2 of 4");
	step(&f, EVENT_STEP_DONE, 2, 2 * SECOND);
	step(&f, EVENT_STEP_FAILED, 2, 2 * SECOND);
	/* 2 in 2 s, 10 are left */
	follow_describe(&f, 3 * SECOND, text);
	assert_string_equal(text, "tee2: forward, round 2 of 4, 1.0 steps/s, 10 s left");
	assert_int_equal(f.ended, 2);
	assert_int_equal(f.total, 12);
}

static void a_heartbeat_is_due_when_nothing_has_changed_for_ten_seconds(void **state)
{
	struct follow f = { 0 };

	(void)state;
	/* Not while the nodes are looked at, before there is a plan. */
	assert_false(follow_is_due(&f, 60 * SECOND));
	begin(&f, 2, 0);
	assert_false(follow_is_due(&f, 10 * SECOND));
	assert_true(follow_is_due(&f, 11 * SECOND));
	assert_false(follow_is_due(&f, 12 * SECOND));
	assert_true(follow_is_due(&f, 21 * SECOND));
	step(&f, EVENT_STEP_DONE, 0, 25 * SECOND);
	assert_false(follow_is_due(&f, 34 * SECOND));
	assert_true(follow_is_due(&f, 35 * SECOND));
	step(&f, EVENT_STEP_DONE, 0, 36 * SECOND);
	assert_false(follow_is_due(&f, 90 * SECOND)); /* all has ended */
}

static void the_spinner_turns_ten_times_a_second_at_most(void **state)
{
	struct follow f = { 0 };

	(void)state;
	assert_true(follow_ticks(&f, SECOND));
	assert_false(follow_ticks(&f, SECOND + 99999));
	assert_true(follow_ticks(&f, SECOND + 100000));
}

static void events_are_lines_for_machines(void **state)
{
	static const struct err refused = { .code = ERR_PHASE, .reason = "phase", .text = "no" };
	const struct event events[] = {
		{ .kind = EVENT_STEP_FAILED,
		  .step = "forward",
		  .node = "tee2",
		  .text = "no",
		  .failure = &refused,
		  .elapsed_us = 12900 },
		{ .kind = EVENT_NOTE, .node = "tee1", .text = "a note" },
	};
	static const char *const lines[] = {
		"{\"time\":\"1970-01-01T00:00:01.234Z\",\"event\":\"failed\",\"step\":\"forward\",\"node\":\"tee2\",\"error\":\"phase\","
		"\"reason\":\"phase\",\"code\":1006,\"text\":\"no\",\"elapsed_ms\":12,\"done\":0,"
		"\"total\":3}",
		"{\"time\":\"1970-01-01T00:00:01.234Z\",\"event\":\"note\",\"step\":null,\"node\":\"tee1\",\"error\":null,\"reason\":null,"
		"\"code\":null,\"text\":\"a note\",\"elapsed_ms\":0,\"done\":0,\"total\":3}",
		"{\"time\":\"1970-01-01T00:00:01.234Z\",\"event\":\"heartbeat\",\"step\":null,\"node\":null,\"error\":null,\"reason\":null,"
		"\"code\":null,\"text\":\"still\",\"elapsed_ms\":0,\"done\":0,\"total\":3}",
	};
	struct follow f = { 0 };
	struct err e;

	(void)state;
	begin(&f, 3, 0);
	for (size_t i = 0; i < COUNT(lines); i++) {
		AUTO(event_line) struct event_line line = { 0 };
		AUTO(buf) struct buf text = BUF_INIT(1024);

		assert_int_equal(event_line_make(&f, i < COUNT(events) ? &events[i] : NULL, "still",
		                                 1234, &line, &e),
		                 0);
		assert_int_equal(wire_encode(&event_line_schema, &line, &text, &e), 0);
		assert_string_equal(buf_text(&text), lines[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_and_what_is_left_come_from_what_has_ended),
		cmocka_unit_test(a_heartbeat_is_due_when_nothing_has_changed_for_ten_seconds),
		cmocka_unit_test(the_spinner_turns_ten_times_a_second_at_most),
		cmocka_unit_test(events_are_lines_for_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

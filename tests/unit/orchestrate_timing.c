/* A trace is a JSON array whatever was put in, and how much. */
#include "cluster_support.h"

#include "orchestrate/timing.h"

static json_object *written(struct timing *t)
{
	AUTO(buf) struct buf text = BUF_INIT(1u << 20);
	char folder[128], path[256];
	json_object *o;
	struct err e;

	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/trace.json", folder);
	assert_ok(timing_write(t, path, &e));
	assert_ok(file_read(path, &text, &e));
	folder_clear(folder);
	o = json_tokener_parse(buf_text(&text));
	if (!o || !json_object_is_type(o, json_type_array))
		fail_msg("no JSON array: %s", buf_text(&text));
	return o;
}

static const struct timing_event forward = { .process = TIMING_STEPS,
	                                     .name = "forward",
	                                     .node = "tee2",
	                                     .row = 1,
	                                     .started_us = 1000,
	                                     .elapsed_us = 12400,
	                                     .text = "from tee1",
	                                     .is_failed = false };

static int64_t number(json_object *o, const char *key)
{
	return json_object_get_int64(json_at(o, key));
}

static void an_event_has_what_a_viewer_wants(void **state)
{
	AUTO(timing) struct timing t = TIMING_INIT;
	struct timing_event failed = forward;
	json_object *trace, *line;

	(void)state;
	failed.process = TIMING_EXCHANGES;
	failed.is_failed = true;
	failed.text = "\"why\"\n\xff";
	timing_name_row(&t, TIMING_STEPS, 1, "tee2");
	timing_add(&t, &forward);
	timing_add(&t, &failed);
	trace = written(&t);
	assert_int_equal(json_object_array_length(trace), 3);
	line = json_object_array_get_idx(trace, 0);
	assert_string_equal(json_text(line, "name"), "thread_name");
	assert_string_equal(json_text(line, "ph"), "M");
	assert_string_equal(json_text(json_at(line, "args"), "name"), "tee2");
	assert_int_equal(number(line, "tid"), 2);
	line = json_object_array_get_idx(trace, 1);
	assert_string_equal(json_text(line, "name"), "forward");
	assert_string_equal(json_text(line, "ph"), "X");
	assert_string_equal(json_text(line, "cat"), "step");
	assert_int_equal(number(line, "ts"), 1000);
	assert_int_equal(number(line, "dur"), 12400);
	assert_int_equal(number(line, "pid"), TIMING_STEPS);
	assert_int_equal(number(line, "tid"), 2);
	assert_string_equal(json_text(json_at(line, "args"), "node"), "tee2");
	line = json_object_array_get_idx(trace, 2);
	assert_string_equal(json_text(line, "cat"), "exchange");
	assert_int_equal(number(line, "pid"), TIMING_EXCHANGES);
	assert_true(json_object_get_boolean(json_at(json_at(line, "args"), "failed")));
	assert_string_equal(json_text(json_at(line, "args"), "text"), "\"why\"\n\xef\xbf\xbd");
	json_object_put(trace);
	assert_int_equal(t.lost, 0);
}

static void a_run_of_nothing_is_an_empty_array(void **state)
{
	AUTO(timing) struct timing t = TIMING_INIT;
	json_object *trace = written(&t);

	(void)state;
	assert_int_equal(json_object_array_length(trace), 0);
	json_object_put(trace);
}

/* At each size, so that the end falls at each place of a line. */
static void a_full_trace_loses_whole_events_and_counts_them(void **state)
{
	(void)state;
	for (size_t room = 1; room < 600; room += 37) {
		AUTO(timing) struct timing t = { .text = BUF_INIT(room) };
		json_object *trace;

		for (size_t i = 0; i < 5; i++)
			timing_add(&t, &forward);
		trace = written(&t);
		assert_int_equal(json_object_array_length(trace) + t.lost, 5);
		json_object_put(trace);
	}
}

static void where_it_can_not_be_written_the_path_is_named(void **state)
{
	AUTO(timing) struct timing t = TIMING_INIT;
	struct err e;

	(void)state;
	timing_add(&t, &forward);
	assert_refused(timing_write(&t, "/nonexistent/trace.json", &e), ERR_NO_INPUT,
	               "/nonexistent/trace.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_has_what_a_viewer_wants),
		cmocka_unit_test(a_run_of_nothing_is_an_empty_array),
		cmocka_unit_test(a_full_trace_loses_whole_events_and_counts_them),
		cmocka_unit_test(where_it_can_not_be_written_the_path_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

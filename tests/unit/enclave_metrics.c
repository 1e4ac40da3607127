/* Counters in Prometheus's text: each operation from the beginning, each outcome once there is one.
 */
#include "support.h"

#include "enclave/metrics.h"

static const char *format(struct metrics *m, struct buf *to)
{
	struct err e;

	buf_drop(to);
	to->max = METRICS_TEXT_MAX;
	assert_ok(metrics_format(m, PHASE_READY, to, &e));
	return buf_text(to);
}

static size_t times(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

static void an_operation_is_there_before_it_is_asked_for(void **state)
{
	static struct metrics m;
	AUTO(buf) struct buf to = { 0 };
	const char *text = format(&m, &to);

	(void)state;
	assert_int_equal(times(text, "result=\"ok\"} 0\n"), API_COUNT);
	assert_int_equal(times(text, "result=\"refused\""), 0);
	assert_null(strstr(text, "operation=\"unknown\""));
	assert_int_equal(times(text, "teectl_phase{"), PHASE_COUNT);
	assert_int_equal(times(text, "teectl_phase{phase=\"ApplicationReady\"} 1\n"), 1);
	assert_int_equal(times(text, "\"} 1\n"), 1); /* one phase at a time */
}

static void what_was_asked_is_counted_by_its_outcome_and_its_time(void **state)
{
	static struct metrics m;
	AUTO(buf) struct buf to = { 0 };
	const char *text;

	(void)state;
	metrics_count(&m, API_STATUS, ERR_COUNT, 1500000);
	metrics_count(&m, API_STATUS, ERR_COUNT, 250000);
	metrics_count(&m, API_STATUS, ERR_RATE, 1);
	metrics_count(&m, API_COUNT, ERR_NOT_FOUND, 9);
	atomic_store(&m.connections, 3);
	text = format(&m, &to);
	assert_non_null(
	    strstr(text, "teectl_operations_total{operation=\"status\",result=\"ok\"} 2\n"));
	assert_non_null(
	    strstr(text, "teectl_operations_total{operation=\"status\",result=\"rate\"} 1\n"));
	assert_non_null(strstr(
	    text, "teectl_operations_total{operation=\"unknown\",result=\"not-found\"} 1\n"));
	assert_non_null(
	    strstr(text, "teectl_operation_duration_seconds_sum{operation=\"status\"} 1.750001\n"));
	assert_non_null(
	    strstr(text, "teectl_operation_duration_seconds_count{operation=\"status\"} 3\n"));
	assert_non_null(strstr(text, "\nteectl_connections 3\n"));
	/* Whatever is no operation has no time of its own. */
	assert_null(strstr(text, "seconds_sum{operation=\"unknown\"}"));
}

/* Whoever asks must get an answer, however much has gone wrong. */
static void all_outcomes_of_all_operations_fit(void **state)
{
	static struct metrics m;
	AUTO(buf) struct buf to = { 0 };

	(void)state;
	for (int api = 0; api <= API_COUNT; api++)
		for (unsigned outcome = 0; outcome <= ERR_COUNT; outcome++)
			atomic_store(&m.outcomes[api][outcome], UINT64_MAX);
	for (int api = 0; api < API_COUNT; api++)
		atomic_store(&m.duration_us[api], UINT64_MAX);
	atomic_store(&m.connections, INT64_MIN);
	assert_int_equal(times(format(&m, &to), "teectl_operations_total{"),
	                 (API_COUNT + 1) * (ERR_COUNT + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_operation_is_there_before_it_is_asked_for),
		cmocka_unit_test(what_was_asked_is_counted_by_its_outcome_and_its_time),
		cmocka_unit_test(all_outcomes_of_all_operations_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

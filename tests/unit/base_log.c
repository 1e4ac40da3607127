#include "support.h"

#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

/* What was logged since the last time. */
static struct buf logged;
static int pipe_ends[2];

static int open_pipe(void **state)
{
	(void)state;
	if (pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	log_set_fd(pipe_ends[1]);
	logged = BUF_INIT(65536);
	return 0;
}

static int close_pipe(void **state)
{
	(void)state;
	log_set_fd(STDERR_FILENO);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	buf_drop(&logged);
	return 0;
}

static const char *take_logged(void)
{
	uint8_t chunk[4096];
	ssize_t got;
	struct err e;

	buf_clear(&logged);
	while ((got = read(pipe_ends[0], chunk, sizeof(chunk))) > 0)
		assert_ok(buf_add(&logged, view_new(chunk, (size_t)got), &e));
	return buf_text(&logged);
}

/* Behind "2026-01-02T03:04:05.678Z ". */
static const char *after_time(const char *line)
{
	char text[TIME_TEXT_LEN];
	int64_t ms;
	struct err e;

	assert_true(strlen(line) > TIME_TEXT_LEN);
	snprintf(text, sizeof(text), "%s", line);
	assert_ok(time_parse(text, &ms, &e));
	assert_int_equal(line[TIME_TEXT_LEN - 1], ' ');
	return line + TIME_TEXT_LEN;
}

static void a_line_has_time_level_event_and_pairs(void **state)
{
	(void)state;
	log_line(LOG_INFO, "serving", "address", "127.0.0.1:9000", "mode", "debug", NULL);
	assert_string_equal(after_time(take_logged()),
	                    "info serving address=127.0.0.1:9000 mode=debug\n");
	log_line(LOG_ERROR, "stopped", NULL);
	assert_string_equal(after_time(take_logged()), "error stopped\n");
}

static void a_pair_without_a_value_is_left_out(void **state)
{
	const char *missing = NULL;

	(void)state;
	log_line(LOG_WARN, "x", "a", missing, "b", "2", NULL);
	assert_string_equal(after_time(take_logged()), "warn x b=2\n");
}

static void a_value_can_not_forge_a_line_or_a_pair(void **state)
{
	(void)state;
	log_line(LOG_INFO, "two words", "a", "x y", "b", "q\"\\", "c", "k=v", "d", "", NULL);
	assert_string_equal(after_time(take_logged()),
	                    "info \"two words\" a=\"x y\" b=\"q\\\"\\\\\" c=\"k=v\" d=\"\"\n");
	log_line(LOG_INFO, "x", "a", "1\n2026-01-01T00:00:00.000Z error forged\r\x1b[2J", NULL);
	assert_string_equal(after_time(take_logged()),
	                    "info x a=\"1?2026-01-01T00:00:00.000Z error forged??[2J\"\n");
	/* C1 controls, here CSI and NEL, characters that begin with the same byte, and
	 * bytes that are no character. */
	log_line(LOG_INFO, "x", "a",
	         "\xc2\x9b"
	         "31m\xc2\x85\xc2\xa9\x9b\xc2",
	         NULL);
	assert_string_equal(after_time(take_logged()), "info x a=?31m?\xc2\xa9??\n");
}

static void a_long_line_is_cut_and_stays_a_line(void **state)
{
	char value[2 * LOG_LINE_MAX];
	const char *line;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = 0;
	log_line(LOG_INFO, "x", "a", value, NULL);
	line = take_logged();
	assert_int_equal(strlen(line), LOG_LINE_MAX);
	assert_ptr_equal(strchr(line, '\n'), line + LOG_LINE_MAX - 1);
}

static void lines_below_the_level_are_not_written(void **state)
{
	(void)state;
	assert_false(log_is_on(LOG_DEBUG));
	log_line(LOG_DEBUG, "x", NULL);
	assert_string_equal(take_logged(), "");
	log_set_level(LOG_ERROR);
	log_line(LOG_WARN, "x", NULL);
	assert_string_equal(take_logged(), "");
	log_set_level(LOG_DEBUG);
	log_line(LOG_DEBUG, "x", NULL);
	assert_string_equal(after_time(take_logged()), "debug x\n");
	log_set_level(LOG_INFO);
}

static void a_full_pipe_loses_lines_and_nothing_else(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++)
		log_line(LOG_INFO, "filling", NULL);
	assert_true(strlen(take_logged()) > 0);
	log_line(LOG_INFO, "after", NULL);
	assert_string_equal(after_time(take_logged()), "info after\n");
}

static void levels_are_read_by_name(void **state)
{
	static const char *const names[] = { LOG_LEVEL_NAMES };
	enum log_level level = LOG_WARN;
	struct err e;

	(void)state;
	assert_refused(log_level_parse("loud", &level, &e), ERR_USAGE, "not 'loud'");
	assert_refused(log_level_parse("", &level, &e), ERR_USAGE, "not ''");
	assert_int_equal(level, LOG_WARN);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_ok(log_level_parse(names[i], &level, &e));
		assert_int_equal(level, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_event_and_pairs),
		cmocka_unit_test(a_pair_without_a_value_is_left_out),
		cmocka_unit_test(a_value_can_not_forge_a_line_or_a_pair),
		cmocka_unit_test(a_long_line_is_cut_and_stays_a_line),
		cmocka_unit_test(lines_below_the_level_are_not_written),
		cmocka_unit_test(a_full_pipe_loses_lines_and_nothing_else),
		cmocka_unit_test(levels_are_read_by_name),
	};

	return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}

/* A process that is remembered, and whether the one that has its number now is the same. */
#include "support.h"

#include "cluster/pid_file.h"

static void what_is_written_is_read(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:4711", "[fe80::1%eth_0-a]:65535", "-" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		AUTO(buf) struct buf text = BUF_INIT(256);
		struct pid_file from = { .pid = INT32_MAX, .start = UINT64_MAX / 10 }, to = { 0 };

		snprintf(from.address, sizeof(from.address), "%s", addresses[i]);
		assert_ok(pid_file_format(&from, &text, &e));
		assert_true(pid_file_parse(buf_text(&text), &to));
		assert_int_equal(to.pid, from.pid);
		assert_true(to.start == from.start);
		assert_string_equal(to.address, from.address);
	}
}

/* tests/unit/cluster_launcher.c has what else is no pid file. */
static void an_address_ends_where_its_room_does(void **state)
{
	char text[PID_FILE_ADDRESS_MAX + 16] = "12 34 ";
	struct pid_file p = { .pid = 7 };

	(void)state;
	memset(text + 6, 'a', PID_FILE_ADDRESS_MAX);
	text[6 + PID_FILE_ADDRESS_MAX] = '\n';
	assert_false(pid_file_parse(text, &p));
	assert_int_equal(p.pid, 7);
	text[6 + PID_FILE_ADDRESS_MAX - 1] = '\n';
	text[6 + PID_FILE_ADDRESS_MAX] = 0;
	assert_true(pid_file_parse(text, &p));
	assert_int_equal(strlen(p.address), PID_FILE_ADDRESS_MAX - 1);
}

static void nobody_is_remembered_whom_a_signal_would_hit_in_crowds(void **state)
{
	static const char *const texts[] = { "0 1 a\n",          "1 1 a\n",    "-1 1 a\n",
		                             "2147483648 1 a\n", "+12 1 a\n",  " 12 1 a\n",
		                             "12  1 a\n",        "12 -1 a\n",  "12 1 a\n\n",
		                             "12 1 \n",          "12 1 a/b\n", "0x12 1 a\n" };
	struct pid_file p;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (pid_file_parse(texts[i], &p))
			fail_msg("'%s' was taken", texts[i]);
}

#define BEFORE "1 1 1 0 -1 4194560 110 0 0 0 0 0 0 0 20 0 1 0 "

/* The name may hold anything, also what looks like the end of it. */
static void the_start_is_counted_from_behind_the_name(void **state)
{
	static const struct {
		const char *text;
		bool lives, is_zombie;
	} rows[] = {
		{ "12 (teectl-hv) S " BEFORE "4711 22 33", true, false },
		{ "12 (a b) R 1) S " BEFORE "4711 22", true, false },
		{ "12 (a\n(b) S " BEFORE "4711", true, false },
		{ "12 (teectl-hv) Z " BEFORE "4711 22", false, true },
		{ "12 (x) Z 1 (y) S " BEFORE "4711 22", true, false },
		{ "12 (teectl-hv) S 1 1 1", false, false },
		{ "12 (teectl-hv) S " BEFORE, false, false },
		{ "12 (teectl-hv) S " BEFORE "x", false, false },
		{ "12 (teectl-hv)S " BEFORE "4711 22", false, false },
		{ "12 (teectl-hv)", false, false },
		{ "12 teectl-hv S " BEFORE "4711", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t living = 0, zombie = 0;

		if (stat_parse_start(rows[i].text, &living) != rows[i].lives ||
		    stat_parse_zombie(rows[i].text, &zombie) != rows[i].is_zombie)
			fail_msg("'%s'", rows[i].text);
		assert_int_equal(living, rows[i].lives ? 4711 : 0);
		assert_int_equal(zombie, rows[i].is_zombie ? 4711 : 0);
	}
}

static void the_kernels_own_text_is_read(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	uint64_t start = 0;
	struct err e;

	(void)state;
	assert_ok(file_read("/proc/self/stat", &text, &e));
	assert_true(stat_parse_start(buf_text(&text), &start));
	assert_true(start > 0);
	assert_false(stat_parse_zombie(buf_text(&text), &start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(an_address_ends_where_its_room_does),
		cmocka_unit_test(nobody_is_remembered_whom_a_signal_would_hit_in_crowds),
		cmocka_unit_test(the_start_is_counted_from_behind_the_name),
		cmocka_unit_test(the_kernels_own_text_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

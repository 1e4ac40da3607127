/* What preflight judges of numbers, which a test of the whole can't set. */
#include "orchestrate/preflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400

static void preflight_judges_dates(void **state)
{
	static const struct {
		struct certificate_dates dates;
		bool is_bundle;
		int result;
		const char *words; /* of the failure or the warning */
	} rows[] = {
		{ { 1, 0, 0, 30 * DAY }, false, 0, "" },
		{ { 1, 0, 0, 30 * DAY - 1 }, false, 0, "ends in 29 days, on 1970-01-30T23:59:59Z" },
		{ { 1, 0, 0, 5 }, true, 0, "ends in 0 days, on 1970-01-01T00:00:05Z" },
		{ { 2, 1, 0, INT64_MAX }, false, -1, "1 of 2 certificates is expired" },
		{ { 2, 0, 1, INT64_MAX }, false, -1, "1 of 2 certificates is not valid yet" },
		{ { 2, 1, 0, 90 * DAY }, true, 0, "1 of 2 certificates are not valid now" },
		{ { 2, 2, 0, INT64_MAX }, true, -1, "2 of 2 certificates are expired" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct preflight_warning warning = { "" };
		struct err e = { 0 };

		assert_int_equal(
		    preflight_dates(&rows[i].dates, 0, rows[i].is_bundle, &warning, &e),
		    rows[i].result);
		assert_string_equal(rows[i].result < 0 ? e.text : warning.text, rows[i].words);
	}
}

static void preflight_judges_clocks(void **state)
{
	static const struct {
		int64_t skew_ms;
		int result;
		const char *words;
	} rows[] = {
		{ 0, 0, "" },
		{ 10000, 0, "" },
		{ 10001, 0, "its clock is 10 s ahead of this machine's" },
		{ -20000, 0, "its clock is 20 s behind this machine's" },
		{ 30000, 0, "its clock is 30 s ahead of this machine's" },
		{ 31000, -1,
		  "its clock is 31 s ahead of this machine's: its documents will be refused" },
		{ -301000, -1,
		  "its clock is 301 s behind this machine's: its documents will be refused" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct preflight_warning warning = { "" };
		struct err e = { 0 };

		assert_int_equal(preflight_skew(rows[i].skew_ms, 300000, &warning, &e),
		                 rows[i].result);
		assert_string_equal(rows[i].result < 0 ? e.text : warning.text, rows[i].words);
		assert_int_equal(e.code, rows[i].result < 0 ? ERR_NOT_DESIRED : 0);
	}
}

static void preflight_reads_what_memory_is_available(void **state)
{
	uint64_t kib = 7;

	(void)state;
	assert_true(preflight_parse_available("MemTotal: 1 kB\nMemAvailable:    4096 kB\n", &kib));
	assert_int_equal(kib, 4096);
	assert_false(preflight_parse_available("MemTotal: 1 kB\n", &kib));
	assert_false(preflight_parse_available("MemAvailable: much\n", &kib));
	assert_false(preflight_parse_available("MemAvailable: 99999999999999999999999 kB\n", &kib));
	assert_int_equal(kib, 4096);
}

static void preflight_refuses_one_less_than_is_needed(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(preflight_memory(3 * 12288, 3, &e), 0);
	assert_int_equal(preflight_memory(3 * 12288 - 1, 3, &e), -1);
	assert_string_equal(e.text, "35 MiB of memory are available, and 3 enclaves take 36 MiB");
	assert_int_equal(preflight_files(64 + 3 + 9, 3, 3, &e), 0);
	assert_int_equal(preflight_files(64 + 3 + 8, 3, 3, &e), -1);
	assert_string_equal(e.text, "75 open files are allowed, and 76 are needed");
	/* The client has no more than that many connections at once. */
	assert_int_equal(preflight_files(64 + 512, 16384, 0, &e), 0);
	assert_int_equal(preflight_space((4u << 20) + 2 * (64u << 10), 2, &e), 0);
	assert_int_equal(preflight_space((4u << 20) + 2 * (64u << 10) - 1, 2, &e), -1);
	assert_string_equal(e.text, "4223 KiB are left on its disk, and 2 nodes take 4224 KiB");
	assert_string_equal(e.reason, ERR_SPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preflight_judges_dates),
		cmocka_unit_test(preflight_judges_clocks),
		cmocka_unit_test(preflight_reads_what_memory_is_available),
		cmocka_unit_test(preflight_refuses_one_less_than_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

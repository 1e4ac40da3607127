/* How long to wait before the next attempt. */
#include "client/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void it_doubles_up_to_the_most(void **state)
{
	static const int64_t expected[] = { 100, 200, 400, 800, 1000, 1000 };

	(void)state;
	for (unsigned i = 0; i < COUNT(expected); i++)
		assert_int_equal(backoff_most_ms(100, 1000, i + 1), expected[i]);
	assert_int_equal(backoff_most_ms(5000, 1000, 1), 1000);
	assert_int_equal(backoff_most_ms(1, 1000, 100), 1000);
}

static void the_jitter_is_full(void **state)
{
	(void)state;
	assert_int_equal(backoff_ms(100, 1000, 1, 0), 0);
	assert_int_equal(backoff_ms(100, 1000, 1, 100), 100);
	assert_int_equal(backoff_ms(100, 1000, 1, 101), 0);
	assert_int_equal(backoff_ms(100, 1000, 3, 399), 399);
	assert_in_range(backoff_ms(100, 1000, 9, UINT64_MAX), 0, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_doubles_up_to_the_most),
		cmocka_unit_test(the_jitter_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include "base/clock.h"

#include <time.h>

static void the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t before = clock_monotonic_us();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_monotonic_us();

		assert_true(now >= before);
		before = now;
	}
	assert_true(clock_monotonic_ms() >= before / 1000);
	assert_true(clock_monotonic_ms() <= clock_monotonic_us() / 1000);
}

static void the_clock_since_boot_is_no_less_than_the_monotonic_one(void **state)
{
	int64_t monotonic = clock_monotonic_ms(), since_boot = clock_since_boot_ms();

	(void)state;
	assert_true(since_boot >= monotonic);
	assert_true(clock_since_boot_ms() >= since_boot);
}

static void the_wall_clock_is_the_system_s(void **state)
{
	int64_t before = (int64_t)time(NULL);
	int64_t now = clock_unix_ms();

	(void)state;
	/* time() may lag behind by a tick of the kernel. */
	assert_true(now / 1000 >= before);
	assert_true(now / 1000 <= (int64_t)time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
		cmocka_unit_test(the_clock_since_boot_is_no_less_than_the_monotonic_one),
		cmocka_unit_test(the_wall_clock_is_the_system_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

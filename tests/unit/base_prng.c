/* The same seed gives the same numbers, on every machine. */
#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* The reference implementation's first numbers for this seed (prng.di.unimi.it/splitmix64.c). */
static void the_numbers_are_splitmix64s(void **state)
{
	static const uint64_t expected[] = { 6457827717110365317u, 3203168211198807973u,
		                             9817491932198370423u, 4593380528125082431u,
		                             16408922859458223821u };
	struct prng p = { 1234567 };

	(void)state;
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_true(prng_next(&p) == expected[i]);
}

static void a_chance_is_as_likely_as_it_says(void **state)
{
	struct prng p = { 1 };
	unsigned hits = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		assert_false(prng_chance(&p, 0));
		assert_true(prng_chance(&p, PPM));
		assert_true(prng_below(&p, 7) < 7);
		hits += prng_chance(&p, 30000);
	}
	assert_in_range(hits, 2800, 3200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_numbers_are_splitmix64s),
		cmocka_unit_test(a_chance_is_as_likely_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

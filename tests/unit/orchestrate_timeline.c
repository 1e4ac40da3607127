/* Virtual time: what comes first is taken first, however it was put in. */
#include "support.h"

#include "base/prng.h"
#include "orchestrate/timeline.h"

static void timeline_of(struct timeline *t, size_t room)
{
	struct err e;

	assert_ok(timeline_open(t, room, &e));
}

static void two_at_one_moment_come_in_the_order_of_their_adding(void **state)
{
	AUTO(timeline) struct timeline t = { 0 };
	int64_t at;
	uint32_t what;

	(void)state;
	timeline_of(&t, 64);
	for (uint32_t i = 0; i < 64; i++)
		timeline_add(&t, 1000 - (i / 8) * 10, i);
	for (uint32_t i = 0; i < 64; i++) {
		assert_true(timeline_next(&t, &at, &what));
		assert_int_equal(what, (7 - i / 8) * 8 + i % 8);
		assert_int_equal(at, 930 + (i / 8) * 10);
	}
	assert_false(timeline_next(&t, &at, &what));
}

/* As many as were put in come out, never one before another that is earlier, and none that is
 * added behind now comes before it. */
static void whatever_is_put_in_comes_out_in_order(void **state)
{
	enum { ROOM = 500 };
	AUTO(timeline) struct timeline t = { 0 };
	struct prng random = { 7 };
	bool is_there[ROOM] = { 0 };
	size_t added = 0, taken = 0;
	int64_t now = 0, at;
	uint32_t what;

	(void)state;
	timeline_of(&t, ROOM);
	while (taken < ROOM) {
		if (added < ROOM && prng_below(&random, 3) > 0) {
			is_there[added] = true;
			timeline_add(&t, now + (int64_t)prng_below(&random, 40), (uint32_t)added++);
			continue;
		}
		if (!timeline_next(&t, &at, &what))
			continue;
		assert_true(at >= now);
		assert_true(is_there[what]);
		is_there[what] = false;
		now = at;
		taken++;
	}
	assert_int_equal(t.count, 0);
}

static void order_survives_its_own_overflow(void **state)
{
	AUTO(timeline) struct timeline t = { 0 };
	int64_t at;
	uint32_t what;

	(void)state;
	timeline_of(&t, 3);
	t.added = UINT32_MAX - 1;
	for (uint32_t i = 0; i < 3; i++)
		timeline_add(&t, 5, i);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(timeline_next(&t, &at, &what));
		assert_int_equal(what, i);
	}
}

static void what_was_cleared_does_not_come(void **state)
{
	AUTO(timeline) struct timeline t = { 0 };
	int64_t at = -1;
	uint32_t what = 9;

	(void)state;
	timeline_of(&t, 0); /* room for none is no error */
	timeline_drop(&t);
	timeline_of(&t, 2);
	timeline_add(&t, INT64_MIN, 1);
	timeline_add(&t, INT64_MAX, 2);
	timeline_clear(&t);
	assert_false(timeline_next(&t, &at, &what));
	assert_int_equal(at, -1);
	assert_int_equal(what, 9);
	timeline_add(&t, 3, 4);
	assert_true(timeline_next(&t, &at, &what));
	assert_int_equal(what, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_at_one_moment_come_in_the_order_of_their_adding),
		cmocka_unit_test(whatever_is_put_in_comes_out_in_order),
		cmocka_unit_test(order_survives_its_own_overflow),
		cmocka_unit_test(what_was_cleared_does_not_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

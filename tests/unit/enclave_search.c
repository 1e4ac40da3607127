/* Which candidates are shares of the key: what hostile members may put beside the good ones, and
 * what a request may cost. */
#include "fake_enclave.h"

#include "base/clock.h"
#include "crypto/shamir.h"
#include "enclave/search.h"

/* Shares of one key, numbers 1..count, and the candidates that a test makes of them. */
struct heap {
	struct secret shares[SHARES_MAX];
	size_t count;
	struct public_key wanted;
};

static void heap_drop(struct heap *h)
{
	for (size_t i = 0; i < h->count; i++)
		secret_drop(&h->shares[i]);
}

static void heap_fill(struct heap *h, unsigned threshold, unsigned count)
{
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *key = NULL;
	struct err e;

	*h = (struct heap){ .count = count };
	assert_ok(entropy_draw(&entropy_system, "test", SEED_LEN, &seed, &e));
	assert_ok(shamir_split(&seed, threshold, count, &entropy_system, h->shares, &e));
	assert_ok(key_set_derive(&seed, &key, &e));
	h->wanted = *key_set_public(key);
}

/* No share of the key any more; of number x. */
static void spoil(struct heap *h, size_t place, uint8_t x)
{
	struct err e;

	h->shares[place].data[0] = x;
	assert_ok(random_public(h->shares[place].data + 1, SHARE_LEN - 1, &e));
}

static struct search search_of(const struct heap *h, unsigned threshold, size_t fresh)
{
	return (struct search){ .shares = h->shares,
		                .count = h->count,
		                .fresh = fresh,
		                .threshold = threshold,
		                .wanted = &h->wanted };
}

/* found 0: nothing gives the key. */
static void expect(const struct heap *h, unsigned threshold, size_t fresh, bool found,
                   unsigned tried)
{
	AUTO(search) struct search s = search_of(h, threshold, fresh);
	struct err e;

	assert_ok(search_run(&s, &e));
	assert_int_equal(s.key != NULL, found);
	assert_int_equal(s.tried, tried);
	if (s.key)
		assert_memory_equal(key_set_public(s.key), &h->wanted, sizeof(h->wanted));
}

static void the_first_shares_are_tried_first(void **state)
{
	AUTO(heap) struct heap h = { 0 };

	(void)state;
	/* Three good ones in front of 250 that are not: one try. */
	heap_fill(&h, 3, 253);
	for (size_t i = 3; i < h.count; i++)
		spoil(&h, i, h.shares[i].data[0]);
	expect(&h, 3, 3, true, 1);
	expect(&h, 3, 1, true, 1);
	/* One that is not among the first four: what can be made of those comes before the rest. */
	heap_drop(&h);
	heap_fill(&h, 3, 20);
	spoil(&h, 1, 2);
	expect(&h, 3, 20, true, 3);
}

static void each_subset_of_a_small_set_is_tried(void **state)
{
	AUTO(heap) struct heap h = { 0 };

	(void)state;
	/* The good ones are the last six of thirteen: 13 over 6 subsets, and the last of them. */
	heap_fill(&h, 6, 13);
	for (size_t i = 0; i < 7; i++)
		spoil(&h, i, h.shares[i].data[0]);
	expect(&h, 6, 13, true, 1716);
	/* None is good. */
	spoil(&h, 12, 13);
	expect(&h, 6, 13, false, 1716);
}

static void a_subset_without_a_new_share_is_not_tried_again(void **state)
{
	AUTO(heap) struct heap h = { 0 };

	(void)state;
	heap_fill(&h, 2, 5);
	expect(&h, 2, 0, false, 0);
	spoil(&h, 0, 1);
	expect(&h, 2, 1, false, 4);
	expect(&h, 2, 2, true, 3);
}

static void two_of_one_number_stand_in_for_each_other(void **state)
{
	AUTO(heap) struct heap h = { 0 };

	(void)state;
	heap_fill(&h, 3, 4);
	/* The second pretends to be the third: 1, 2, 4 with the wrong one is tried, then 1, 3, 4.
	 */
	spoil(&h, 1, 3);
	expect(&h, 3, 4, true, 2);
	/* Only two numbers: nothing to try. */
	h.shares[0].data[0] = h.shares[3].data[0] = 3;
	h.shares[2].data[0] = 1;
	expect(&h, 3, 4, false, 0);
}

/* What can't lead to a subset must not be walked: it would be without end long before anything is
 * tried. */
static void many_of_one_number_cost_nothing(void **state)
{
	AUTO(heap) struct heap h = { 0 };
	int64_t begin_ms = clock_monotonic_ms();

	(void)state;
	heap_fill(&h, 128, 255);
	for (size_t i = 0; i < h.count; i++)
		h.shares[i].data[0] = (uint8_t)(i % 127 + 1);
	expect(&h, 128, 255, false, 0);
	/* Nor where the one new share has the number of all that are left. */
	for (size_t i = 0; i < h.count; i++)
		h.shares[i].data[0] = i < 128 ? 7 : (uint8_t)(i + 1);
	expect(&h, 129, 1, false, 0);
	assert_in_range(clock_monotonic_ms() - begin_ms, 0, 5000);
}

static void a_request_is_bounded_whatever_is_here(void **state)
{
	AUTO(heap) struct heap h = { 0 };

	(void)state;
	heap_fill(&h, 3, 255);
	for (size_t i = 0; i < 252; i++)
		spoil(&h, i, h.shares[i].data[0]);
	expect(&h, 3, 255, false, SUBSETS_MAX);
	/* The same good shares, brought anew: they stand first. */
	for (size_t i = 0; i < 3; i++) {
		struct secret moved = h.shares[i];

		h.shares[i] = h.shares[252 + i];
		h.shares[252 + i] = moved;
	}
	expect(&h, 3, 3, true, 1);
}

static void members_off_the_polynomial_are_told_apart(void **state)
{
	AUTO(heap) struct heap h = { 0 };
	AUTO(search) struct search s = { 0 };
	bool fits;
	struct err e;

	(void)state;
	heap_fill(&h, 2, 6);
	spoil(&h, 1, 2);
	spoil(&h, 4, 6); /* the number of another, and not his bytes */
	s = search_of(&h, 2, 6);
	assert_ok(search_run(&s, &e));
	assert_non_null(s.key);
	for (size_t i = 0; i < h.count; i++) {
		assert_ok(search_fits(&s, &h.shares[i], &fits, &e));
		assert_int_equal(fits, i != 1 && i != 4);
	}
	/* A copy of another's share is one. */
	memcpy(h.shares[1].data, h.shares[0].data, SHARE_LEN);
	assert_ok(search_fits(&s, &h.shares[1], &fits, &e));
	assert_true(fits);
}

static void no_threshold_below_two_is_searched(void **state)
{
	AUTO(heap) struct heap h = { 0 };
	AUTO(search) struct search s = { 0 };
	struct err e;

	(void)state;
	heap_fill(&h, 2, 2);
	s = search_of(&h, 1, 2);
	assert_refused(search_run(&s, &e), ERR_INTERNAL, "threshold of 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_shares_are_tried_first),
		cmocka_unit_test(each_subset_of_a_small_set_is_tried),
		cmocka_unit_test(a_subset_without_a_new_share_is_not_tried_again),
		cmocka_unit_test(two_of_one_number_stand_in_for_each_other),
		cmocka_unit_test(many_of_one_number_cost_nothing),
		cmocka_unit_test(a_request_is_bounded_whatever_is_here),
		cmocka_unit_test(members_off_the_polynomial_are_told_apart),
		cmocka_unit_test(no_threshold_below_two_is_searched),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

/* Who gives the key to whom, whatever fails on the way. */
#include "orchestrate/sources.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES 8

static const size_t order[NODES] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static struct sources *make(enum topology topology, size_t parallel, const uint16_t *regions)
{
	const struct sources_options options = {
		.topology = topology,
		.count = NODES,
		.parallel = parallel,
		.order = order,
		.order_count = NODES,
		.regions = regions,
		.region_count = 3,
	};
	struct sources *s = NULL;
	struct err e;

	assert_int_equal(sources_new(&options, &s, &e), 0);
	sources_add(s, 0);
	return s;
}

static void want(struct sources *s, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++)
		sources_want(s, i);
}

/* "0>1 0>2": all that can begin now. */
static void assert_next(struct sources *s, const char *expected)
{
	char found[200] = "";
	size_t target, source, len = 0;

	while (sources_next(s, &target, &source))
		len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%zu>%zu",
		                        len ? " " : "", source, target);
	assert_string_equal(found, expected);
}

static void a_star_gives_from_the_root_so_many_at_once(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_STAR, 2, NULL);

	(void)state;
	want(s, 1, 4);
	assert_next(s, "0>1 0>2");
	sources_done(s, 1, 0, true);
	assert_next(s, "0>3");
	assert_int_equal(sources_busy(s), 2);
	assert_int_equal(sources_give_up(s), 4);
	assert_int_equal(sources_give_up(s), SOURCE_NONE);
}

static void a_star_whose_root_is_lost_has_another(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_STAR, 2, NULL);

	(void)state;
	want(s, 1, 4);
	assert_next(s, "0>1 0>2");
	sources_done(s, 1, 0, true);
	sources_lose(s, 0);
	assert_true(sources_again(s, 2, 0));
	assert_next(s, "1>3 1>4");
	sources_done(s, 3, 1, true);
	assert_next(s, "1>2");
}

static void a_source_that_failed_one_target_may_serve_another(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_TREE, 1, NULL);

	(void)state;
	want(s, 1, 2);
	assert_next(s, "0>1");
	assert_true(sources_again(s, 1, 0));
	/* 1 is not asked for at 0 again; 2 is. */
	assert_next(s, "0>2");
	sources_done(s, 2, 0, true);
	assert_next(s, "2>1");
}

static void a_target_that_all_fail_is_given_up(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_TREE, 1, NULL);
	unsigned tried = 0;
	size_t target, source;
	bool again = true;

	(void)state;
	sources_add(s, 1);
	want(s, 2, 2);
	while (again) {
		assert_true(sources_next(s, &target, &source));
		assert_int_equal(target, 2);
		again = sources_again(s, target, source);
		tried++;
	}
	assert_int_equal(tried, SOURCES_TRIED_MAX);
	assert_int_equal(sources_give_up(s), SOURCE_NONE);
	assert_int_equal(sources_busy(s), 0);
}

static void a_chain_goes_back_to_the_one_before_a_source_that_fails(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_CHAIN, 1, NULL);

	(void)state;
	want(s, 1, 1);
	assert_next(s, "0>1");
	sources_done(s, 1, 0, true);
	want(s, 2, 2);
	assert_next(s, "1>2");
	assert_true(sources_again(s, 2, 1));
	assert_next(s, "0>2");
	assert_true(sources_again(s, 2, 0));
	assert_next(s, "");
	assert_int_equal(sources_give_up(s), 2);
	assert_int_equal(sources_give_up(s), SOURCE_NONE);
}

static void the_key_enters_each_region_once(void **state)
{
	static const uint16_t regions[NODES] = { 0, 0, 1, 1, 1, 2, 2, 2 };
	AUTO(sources) struct sources *s = make(TOPOLOGY_TREE, 4, regions);

	(void)state;
	want(s, 1, 7);
	assert_next(s, "0>1 0>2 0>5");
	sources_done(s, 2, 0, true);
	assert_next(s, "2>3 2>4");
	/* The first of a region fails: the next one enters. */
	sources_done(s, 5, 0, false);
	assert_next(s, "0>6");
	sources_done(s, 6, 0, true);
	assert_next(s, "6>7");
}

static void one_that_is_lost_while_it_is_busy_gives_no_more(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_TREE, 4, NULL);

	(void)state;
	want(s, 1, 1);
	assert_next(s, "0>1");
	sources_lose(s, 0);
	sources_done(s, 1, 0, true);
	want(s, 2, 3);
	assert_next(s, "1>2 1>3");
	sources_add(s, 0); /* what it says of itself does not bring it back */
	want(s, 4, 7);
	assert_next(s, "1>4 1>5");
}

static void a_region_whose_only_holder_fails_is_helped_by_another(void **state)
{
	static const uint16_t regions[NODES] = { 0, 0, 1, 1, 1, 2, 2, 2 };
	AUTO(sources) struct sources *s = make(TOPOLOGY_TREE, 1, regions);

	(void)state;
	sources_add(s, 2);
	want(s, 3, 3);
	assert_next(s, "2>3");
	assert_true(sources_again(s, 3, 2));
	assert_next(s, "0>3");
}

static void a_region_that_fails_a_target_twice_is_helped_by_another(void **state)
{
	static const uint16_t regions[NODES] = { 0, 0, 1, 1, 1, 2, 2, 2 };
	AUTO(sources) struct sources *s = make(TOPOLOGY_TREE, 1, regions);

	(void)state;
	sources_add(s, 2);
	sources_add(s, 3);
	want(s, 4, 4);
	assert_next(s, "2>4");
	assert_true(sources_again(s, 4, 2));
	assert_next(s, "3>4");
	assert_true(sources_again(s, 4, 3));
	assert_next(s, "0>4");
}

static void a_chain_without_one_before_goes_to_one_behind(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_CHAIN, 1, NULL);

	(void)state;
	sources_add(s, 5);
	sources_add(s, 7);
	want(s, 1, 1);
	assert_next(s, "0>1");
	assert_true(sources_again(s, 1, 0));
	assert_next(s, "7>1");
	assert_true(sources_again(s, 1, 7));
	assert_next(s, "5>1");
	assert_true(sources_again(s, 1, 5));
	assert_next(s, "");
}

static void a_star_whose_root_fails_a_target_has_another_each_time(void **state)
{
	AUTO(sources) struct sources *s = make(TOPOLOGY_STAR, 1, NULL);

	(void)state;
	sources_add(s, 3);
	sources_add(s, 4);
	want(s, 1, 1);
	assert_next(s, "0>1");
	assert_true(sources_again(s, 1, 0));
	assert_next(s, "3>1");
	assert_true(sources_again(s, 1, 3));
	assert_next(s, "4>1");
}

/* --- whatever fails, in whatever order --- */

#define MANY     24
#define RUNS     4000
#define STEPS    2000 /* more than a run can take */
#define PARALLEL 3

enum standing_of_target { UNASKED, WAITS, GETS, HAS, LEFT };

/* What is known from outside. */
struct model {
	struct prng prng;
	enum topology topology;
	size_t parallel, order[MANY], under_way;
	uint16_t regions[MANY];
	enum standing_of_target targets[MANY];
	size_t source_of[MANY], failed[MANY], busy[MANY];
	bool is_lost[MANY];
};

static struct sources *draw(uint64_t seed, struct model *m)
{
	struct sources_options options = { .count = MANY, .order_count = MANY, .region_count = 3 };
	struct sources *s = NULL;
	struct err e;

	*m = (struct model){ .prng = { seed } };
	options.topology = m->topology = (enum topology)prng_below(&m->prng, TOPOLOGY_AUTO);
	options.parallel = m->parallel = 1 + prng_below(&m->prng, PARALLEL);
	for (size_t i = 0; i < MANY; i++) {
		m->order[i] = i;
		m->regions[i] = (uint16_t)prng_below(&m->prng, 3);
		m->failed[i] = SOURCE_NONE;
	}
	options.order = m->order;
	options.regions = prng_chance(&m->prng, PPM / 2) ? m->regions : NULL;
	assert_int_equal(sources_new(&options, &s, &e), 0);
	for (size_t i = 0; i < MANY; i++) {
		if (i == 0 || prng_chance(&m->prng, PPM / 8)) {
			sources_add(s, i);
			m->targets[i] = HAS;
		} else {
			sources_want(s, i);
			m->targets[i] = WAITS;
		}
	}
	return s;
}

static void take_all(struct sources *s, struct model *m)
{
	size_t target, source;

	while (sources_next(s, &target, &source)) {
		assert_int_equal(m->targets[target], WAITS);
		assert_int_equal(m->targets[source], HAS);
		assert_false(m->is_lost[source]);
		assert_true(m->failed[target] != source);
		m->targets[target] = GETS;
		m->source_of[target] = source;
		m->busy[source]++;
		m->under_way++;
		if (m->topology != TOPOLOGY_CHAIN) /* there execute.c has one at a time */
			assert_true(m->busy[source] <= m->parallel);
	}
	assert_int_equal(sources_busy(s), m->under_way);
}

/* One of those under way ends somehow. */
static void end_one(struct sources *s, struct model *m)
{
	size_t target = prng_below(&m->prng, MANY), source;

	while (m->targets[target] != GETS)
		target = (target + 1) % MANY;
	source = m->source_of[target];
	m->busy[source]--;
	m->under_way--;
	if (prng_chance(&m->prng, PPM / 3)) {
		if (prng_chance(&m->prng, PPM / 4)) {
			sources_lose(s, source);
			m->is_lost[source] = true;
		}
		m->failed[target] = source;
		m->targets[target] = sources_again(s, target, source) ? WAITS : LEFT;
		return;
	}
	m->targets[target] = prng_chance(&m->prng, PPM / 10) ? LEFT : HAS;
	sources_done(s, target, source, m->targets[target] == HAS);
}

static void whatever_fails_each_target_ends(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct model m;
		AUTO(sources) struct sources *s = draw(seed, &m);
		size_t steps = 0, target;

		take_all(s, &m);
		for (; m.under_way && steps < STEPS; steps++) {
			end_one(s, &m);
			take_all(s, &m);
		}
		assert_true(steps < STEPS);
		while ((target = sources_give_up(s)) != SOURCE_NONE) {
			assert_int_equal(m.targets[target], WAITS);
			m.targets[target] = LEFT;
		}
		for (size_t i = 0; i < MANY; i++)
			assert_true(m.targets[i] == HAS || m.targets[i] == LEFT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_star_gives_from_the_root_so_many_at_once),
		cmocka_unit_test(a_star_whose_root_is_lost_has_another),
		cmocka_unit_test(a_source_that_failed_one_target_may_serve_another),
		cmocka_unit_test(a_target_that_all_fail_is_given_up),
		cmocka_unit_test(a_chain_goes_back_to_the_one_before_a_source_that_fails),
		cmocka_unit_test(the_key_enters_each_region_once),
		cmocka_unit_test(one_that_is_lost_while_it_is_busy_gives_no_more),
		cmocka_unit_test(a_region_whose_only_holder_fails_is_helped_by_another),
		cmocka_unit_test(a_region_that_fails_a_target_twice_is_helped_by_another),
		cmocka_unit_test(a_chain_without_one_before_goes_to_one_behind),
		cmocka_unit_test(a_star_whose_root_fails_a_target_has_another_each_time),
		cmocka_unit_test(whatever_fails_each_target_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

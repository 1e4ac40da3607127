#include "support.h"

#include "cluster/pattern.h"

#include <time.h>

#define COUNT_MAX 1000

static const struct {
	const char *text;
	size_t count;
	const char *all; /* the texts, with spaces between */
} patterns[] = {
	{ "", 1, "" },
	{ "tee1", 1, "tee1" },
	{ "tee[1-3]", 3, "tee1 tee2 tee3" },
	{ "[1-3]", 3, "1 2 3" },
	{ "t[08-11]e", 4, "t08e t09e t10e t11e" },
	{ "t[8-11]", 4, "t8 t9 t10 t11" },
	{ "t[0-2]", 3, "t0 t1 t2" },
	{ "t[000-002]", 3, "t000 t001 t002" },
	{ "t[5-5]", 1, "t5" },
	{ "t[0-10]", 11, "t0 t1 t2 t3 t4 t5 t6 t7 t8 t9 t10" },
	{ "[a,b,7-9]", 5, "a b 7 8 9" },
	{ "[1-2].[a,b]", 4, "1.a 1.b 2.a 2.b" },
	{ "[1-2][3-4][5-6]", 8, "135 136 145 146 235 236 245 246" },
	{ "[eu-west,us-east-1]", 2, "eu-west us-east-1" },
	{ "[1-2-3]", 1, "1-2-3" },
	{ "[-1]", 1, "-1" },
	/* addresses stand for themselves */
	{ "[::1]:9000", 1, "[::1]:9000" },
	{ "http://[fd00::[1-2]]:[8-9]", 4,
	  "http://[fd00::1]:8 http://[fd00::1]:9 http://[fd00::2]:8 http://[fd00::2]:9" },
	{ "[fd00:[1-2]::5]", 2, "[fd00:1::5] [fd00:2::5]" },
	/* the limits */
	{ "[1-1][1-1][1-1][1-1][1-1][1-1][1-1][1-1]", 1, "11111111" },
	{ "[999999998-999999999]", 2, "999999998 999999999" },
};

static void a_pattern_stands_for_its_texts_in_order(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		AUTO(buf) struct buf all = BUF_INIT(4096);
		struct pattern p;

		print_message("%s\n", patterns[i].text);
		assert_ok(pattern_parse(patterns[i].text, COUNT_MAX, &p, &e));
		assert_int_equal(p.count, patterns[i].count);
		for (size_t k = 0; k < p.count; k++) {
			assert_ok(buf_add_text(&all, k ? " " : "", &e));
			assert_ok(pattern_add(&p, k, &all, &e));
		}
		assert_string_equal(buf_text(&all), patterns[i].all);
	}
}

static const struct {
	const char *text, *words;
} refusals[] = {
	{ "a[1-2", "expected a ']' after the '[' at character 2, found none" },
	{ "a[b[1-2]]", "expected a ']' after the '[' at character 2, found none" },
	{ "a]", "expected a '[' before the ']' at character 2, found none" },
	{ "a[1]]", "expected a '[' before the ']' at character 5, found none" },
	{ "a[]", "expected a word or a range at character 3, found nothing" },
	{ "a[1,]", "expected a word or a range at character 5, found nothing" },
	{ "a[,1]", "expected a word or a range at character 3, found nothing" },
	{ "a[x y]", "between the brackets, found another at character 4" },
	{ "a[*]", "between the brackets, found another at character 3" },
	{ "a[9-1]", "expected a range that goes up at character 3, found '9-1'" },
	{ "a[b,9-1]", "expected a range that goes up at character 5, found '9-1'" },
	{ "a[01-100]", "expected as many digits on both sides at character 3, found '01-100'" },
	{ "a[1-09]", "expected as many digits on both sides at character 3, found '1-09'" },
	{ "a[1-1234567890]", "expected numbers of at most 9 digits at character 3, found more" },
	{ "a[1-1001]", "expected at most 1000 of its kind, found more" },
	{ "a[1-999999999]", "expected at most 1000 of its kind, found more" },
	{ "[1-11][1-100]", "expected at most 1000 of its kind, found more" },
	{ "[1-999999999,1-999999999]", "expected at most 1000 of its kind, found more" },
	{ "[1][1][1][1][1][1][1][1][1]", "expected at most 8 brackets, found more" },
};

static void what_is_no_pattern_is_refused_with_its_place(void **state)
{
	struct pattern p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		print_message("%s\n", refusals[i].text);
		assert_refused(pattern_parse(refusals[i].text, COUNT_MAX, &p, &e), ERR_CONFIG,
		               refusals[i].words);
	}
}

static void as_many_as_allowed_fit(void **state)
{
	AUTO(buf) struct buf last = BUF_INIT(64);
	struct pattern p;
	struct err e;

	(void)state;
	assert_ok(pattern_parse("[1-10].[1-100]", COUNT_MAX, &p, &e));
	assert_int_equal(p.count, COUNT_MAX);
	assert_ok(pattern_add(&p, COUNT_MAX - 1, &last, &e));
	assert_string_equal(buf_text(&last), "10.100");
}

/* The place that is remembered is no other's: forwards, backwards and again. */
static void texts_are_the_same_in_any_order(void **state)
{
	static const size_t order[] = { 5, 0, 5, 4, 1, 1, 3, 2, 5 };
	static const char *const texts[] = { "a1", "a2", "07.1", "07.2", "08.1", "08.2" };
	struct pattern p;
	struct err e;

	(void)state;
	assert_ok(pattern_parse("[a,07.,08.][1-2]", COUNT_MAX, &p, &e));
	for (size_t i = 0; i < COUNT(order); i++) {
		AUTO(buf) struct buf one = BUF_INIT(64);

		assert_ok(pattern_add(&p, order[i], &one, &e));
		assert_string_equal(buf_text(&one), texts[order[i]]);
	}
}

#define WORDS 16384

/* Where each is looked for from the first, that is 2^27 words, which takes ten seconds. */
static void many_words_cost_no_more_than_their_number(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(8 * WORDS);
	struct pattern p;
	struct err e;
	int64_t start;

	(void)state;
	for (size_t i = 0; i < WORDS; i++)
		assert_ok(buf_add_format(&text, &e, "%sw%zu", i ? "," : "[", i));
	assert_ok(buf_add_text(&text, "]", &e));
	assert_ok(pattern_parse(buf_text(&text), WORDS, &p, &e));
	start = clock();
	for (size_t i = 0; i < WORDS; i++) {
		AUTO(buf) struct buf one = BUF_INIT(64);
		char expected[16];

		snprintf(expected, sizeof(expected), "w%zu", i);
		assert_ok(pattern_add(&p, i, &one, &e));
		assert_string_equal(buf_text(&one), expected);
	}
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_stands_for_its_texts_in_order),
		cmocka_unit_test(what_is_no_pattern_is_refused_with_its_place),
		cmocka_unit_test(as_many_as_allowed_fit),
		cmocka_unit_test(texts_are_the_same_in_any_order),
		cmocka_unit_test(many_words_cost_no_more_than_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

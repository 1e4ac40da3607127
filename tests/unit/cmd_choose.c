/* Which nodes a verb is about, before anything is asked. cluster_select.c has what a selector is;
 * tests/selectors.bats what a verb asks to know a state. */
#include "cmd_support.h"

#include "cmd/choose.h"

static char names[4][8] = { "tee1", "tee2", "tee3", "db1" }, region[] = "region", eu[] = "eu",
            listen[] = "127.0.0.1:0";
static struct cluster_label labels[] = { { region, eu } };
static struct cluster_node nodes[4] = {
	{ .name = names[0], .labels = labels, .label_count = 1, .listen = listen },
	{ .name = names[1], .labels = labels, .label_count = 1 },
	{ .name = names[2] },
	{ .name = names[3], .listen = listen },
};

static struct context context_of_nodes(void)
{
	struct context c = context_as(OUTPUT_TABLE);

	c.cluster.nodes = nodes;
	c.cluster.node_count = COUNT(nodes);
	return c;
}

static void selectors_are_alternatives_and_no_selector_is_all(void **state)
{
	static const struct {
		const char *selectors[3];
		const char *chosen; /* NULL: all, by no list */
		size_t count;
	} rows[] = {
		{ { NULL }, NULL, 4 },
		{ { "tee1" }, "x---", 1 },
		{ { "tee1", "db1" }, "x--x", 2 },
		{ { "tee*", "tee1" }, "xxx-", 3 },
		{ { "region=eu,@local" }, "x---", 1 },
		{ { "region=eu", "@local" }, "xx-x", 3 },
		/* who may be in that state is chosen until it is known */
		{ { "@failed" }, "xxxx", 4 },
		{ { "tee*,@failed" }, "xxx-", 3 },
	};
	const struct context c = context_of_nodes();
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(choice) struct choice choice = { 0 };
		char *items[3] = { (char *)rows[i].selectors[0], (char *)rows[i].selectors[1],
			           (char *)rows[i].selectors[2] };
		struct text_list list = { items, 0 };

		while (list.count < 3 && items[list.count])
			list.count++;
		assert_ok(choice_make(&c, &list, &choice, &e));
		assert_int_equal(choice.count, rows[i].count);
		assert_int_equal(choice.flags == NULL, rows[i].chosen == NULL);
		for (size_t k = 0; choice.flags && k < COUNT(nodes); k++)
			assert_int_equal(choice.flags[k], rows[i].chosen[k] == 'x');
	}
}

static void what_is_mistyped_is_refused_before_anything_is_asked(void **state)
{
	static const struct {
		const char *selector, *words;
	} rows[] = {
		{ "tee9", "tee9" },
		{ "region=us", "us" },
		{ "@broken", "@broken" },
		{ "tee1,", "" },
	};
	struct context c = context_of_nodes();
	struct run r = RUN_INIT;
	struct err e;

	(void)state;
	/* Nothing of this could be opened: it would fail otherwise. */
	c.cmd = cmd_find("status");
	c.cluster.path = (char *)"/nonexistent/cluster.yaml";
	c.cluster.folder = (char *)"/nonexistent";
	c.cluster.name = (char *)"demo";
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(choice) struct choice choice = { 0 };
		char *items[] = { (char *)rows[i].selector };
		const struct text_list list = { items, 1 };

		assert_refused(choice_open(&c, false, CHOICE_ALONE, &list, &choice, &r, &e),
		               ERR_USAGE, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_are_alternatives_and_no_selector_is_all),
		cmocka_unit_test(what_is_mistyped_is_refused_before_anything_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

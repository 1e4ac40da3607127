/* What a verb runs in: the commands that are suggested can be typed here as they stand, one node is
 * one node, and a sentence is told once. */
#include "cmd_support.h"

static char names[3][8] = { "tee1", "tee2", "tee3" }, region[] = "region", eu[] = "eu", us[] = "us";
static struct cluster_label labels[3] = { { region, eu }, { region, us }, { region, us } };
static struct cluster_node nodes[3] = {
	{ .name = names[0], .labels = &labels[0], .label_count = 1 },
	{ .name = names[1], .labels = &labels[1], .label_count = 1 },
	{ .name = names[2], .labels = &labels[2], .label_count = 1 },
};

static void a_command_that_is_suggested_can_be_typed_here(void **state)
{
	static const struct {
		const char *file, *folder, *text, *expected;
	} rows[] = {
		{ CLUSTER_FILE_DEFAULT, NULL, "run teectl status now", "run teectl status now" },
		{ "p.yaml", NULL, "teectl status", "teectl -f p.yaml status" },
		{ "p.yaml", "st", "teectl down NODE, then teectl up",
		  "teectl -f p.yaml --state st down NODE, then teectl -f p.yaml --state st up" },
		{ "it's mine", NULL, "teectl status", "teectl -f 'it'\\''s mine' status" },
		/* a verb that takes neither gets neither */
		{ "p.yaml", "st", "teectl version", "teectl version" },
		{ "p.yaml", "st", "teectl member keygen user1", "teectl member keygen user1" },
		/* nor what only begins like one, or is none */
		{ "p.yaml", NULL, "teectl statusx", "teectl statusx" },
		{ "p.yaml", NULL, "teectl is a program", "teectl is a program" },
		{ "p.yaml", NULL, "/usr/bin/teectl status", "/usr/bin/teectl status" },
		{ "p.yaml", NULL, "myteectl status", "myteectl status" },
		{ "p.yaml", NULL, "'teectl status'", "'teectl -f p.yaml status'" },
		{ "p.yaml", NULL, "", "" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf text = BUF_INIT(COMMAND_LINE_MAX);
		struct context c = context_as(OUTPUT_TABLE);

		c.global.file = rows[i].file;
		c.global.state = rows[i].folder;
		assert_ok(context_commands(&c, rows[i].text, &text, &e));
		assert_string_equal(buf_text(&text), rows[i].expected);
	}
}

static void one_node_is_chosen_by_what_only_it_has(void **state)
{
	static const struct {
		const char *selector;
		size_t node;
		const char *words; /* NULL: it is one */
	} rows[] = {
		{ "tee2", 1, NULL },
		{ "region=eu", 0, NULL },
		{ "tee*,region=eu", 0, NULL },
		{ "region=us", 0, "chooses 2 nodes, and one is wanted: tee2, tee3" },
		{ "tee*", 0, "chooses 3 nodes" },
		{ "@failed", 0, "one node is wanted, by name or label" },
		{ "tea2", 0, "tee2" }, /* the nearest name is said */
		{ "region=asia", 0, "asia" },
		{ "", 0, "" },
	};
	struct context c = context_as(OUTPUT_TABLE);
	struct err e;

	(void)state;
	c.cluster.nodes = nodes;
	c.cluster.node_count = 3;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t node = 99;

		if (rows[i].words) {
			assert_refused(context_node(&c, rows[i].selector, &node, &e), ERR_USAGE,
			               rows[i].words);
			assert_int_equal(node, 99);
			continue;
		}
		assert_ok(context_node(&c, rows[i].selector, &node, &e));
		assert_int_equal(node, rows[i].node);
	}
}

static void a_sentence_is_told_once(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);

	(void)state;
	assert_true(context_tell_once(&c, "tee1: away"));
	assert_true(context_tell_once(&c, "tee2: away"));
	assert_false(context_tell_once(&c, "tee1: away"));
	assert_false(context_tell_once(&c, "tee2: away"));
	context_drop(&c);
	assert_true(context_tell_once(&c, "tee1: away"));
	context_drop(&c);
	context_drop(&c); /* twice is once */
}

static void the_time_that_is_left_is_never_below_nothing(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);

	(void)state;
	c.deadline_ms = 1; /* long ago */
	assert_int_equal(context_timeout_ms(&c), 0);
	/* Without a deadline, as much as an addition to now can take. */
	c.deadline_ms = INT64_MAX;
	assert_true(context_timeout_ms(&c) > INT64_MAX / 2);
}

static void without_a_cluster_file_the_hint_is_of_what_was_meant(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);
	struct err e;

	(void)state;
	c.global.file = "/nonexistent/cluster.yaml";
	c.cmd = cmd_find("status");
	assert_refused(context_open(&c, &e), ERR_NO_INPUT, "/nonexistent/cluster.yaml");
	assert_non_null(strstr(c.hint, "teectl init writes a cluster file"));
	context_drop(&c);
	/* A verb that needs none asks for none. */
	c = context_as(OUTPUT_TABLE);
	c.global.file = "/nonexistent/cluster.yaml";
	c.cmd = cmd_find("version");
	assert_ok(context_open(&c, &e));
	assert_int_equal(c.interrupt_fd, -1);
	assert_true(c.deadline_ms == INT64_MAX);
	context_drop(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_that_is_suggested_can_be_typed_here),
		cmocka_unit_test(one_node_is_chosen_by_what_only_it_has),
		cmocka_unit_test(a_sentence_is_told_once),
		cmocka_unit_test(the_time_that_is_left_is_never_below_nothing),
		cmocka_unit_test(without_a_cluster_file_the_hint_is_of_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

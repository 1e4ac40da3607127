/* Where the nodes stand, by their labels. */
#include "orchestrate/regions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void those_without_a_label_stand_together(void **state)
{
	struct cluster_label eu = { "region", "eu" }, us = { "region", "us" },
	                     other = { "zone", "us" };
	struct cluster_node nodes[] = {
		{ .labels = &us, .label_count = 1 }, { 0 },
		{ .labels = &eu, .label_count = 1 }, { .labels = &other, .label_count = 1 },
		{ .labels = &us, .label_count = 1 },
	};
	const struct cluster cluster = { .nodes = nodes, .node_count = COUNT(nodes) };
	static const uint16_t expected[] = { 0, 1, 2, 1, 0 };
	AUTO(regions) struct regions r = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(regions_find(&cluster, &r, &e), 0);
	assert_int_equal(r.count, 3);
	assert_memory_equal(r.of, expected, sizeof(expected));
	assert_string_equal(r.names[0], "us");
	assert_null(r.names[1]);
	assert_string_equal(r.names[2], "eu");
}

static void without_labels_all_are_in_one(void **state)
{
	struct cluster_node nodes[3] = { 0 };
	const struct cluster cluster = { .nodes = nodes, .node_count = COUNT(nodes) };
	AUTO(regions) struct regions r = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(regions_find(&cluster, &r, &e), 0);
	assert_int_equal(r.count, 1);
	assert_null(r.of);
}

static void more_regions_than_there_can_be_are_refused(void **state)
{
	static char names[REGIONS_MAX + 1][8];
	static struct cluster_label labels[REGIONS_MAX + 1];
	static struct cluster_node nodes[REGIONS_MAX + 1];
	struct cluster cluster = { .nodes = nodes, .node_count = REGIONS_MAX };
	AUTO(regions) struct regions r = { 0 };
	struct regions untouched = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(nodes); i++) {
		snprintf(names[i], sizeof(names[i]), "r%zu", i);
		labels[i] = (struct cluster_label){ "region", names[i] };
		nodes[i] = (struct cluster_node){ .labels = &labels[i], .label_count = 1 };
	}
	assert_int_equal(regions_find(&cluster, &r, &e), 0);
	assert_int_equal(r.count, REGIONS_MAX);
	cluster.node_count++;
	assert_int_equal(regions_find(&cluster, &untouched, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "more than 255 values of the label 'region'"));
	assert_null(untouched.of);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_without_a_label_stand_together),
		cmocka_unit_test(without_labels_all_are_in_one),
		cmocka_unit_test(more_regions_than_there_can_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

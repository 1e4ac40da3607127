/* The pure parts of a watch: what has to be attested, how long a crash loop waits, what --once
 * comes to, the distance to ceremony, the metrics' text. */
#include "orchestrate/distance.h"
#include "orchestrate/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void must(int result, const struct err *e)
{
	if (result < 0)
		fail_msg("%s", e->text);
}

static void a_crash_loop_waits_twice_as_long_each_time_up_to_the_most(void **state)
{
	(void)state;
	assert_int_equal(watch_crash_wait_ms(0), 0);
	assert_int_equal(watch_crash_wait_ms(1), 0);
	assert_int_equal(watch_crash_wait_ms(2), CRASH_WAIT_FIRST_MS);
	assert_int_equal(watch_crash_wait_ms(3), 2 * CRASH_WAIT_FIRST_MS);
	assert_int_equal(watch_crash_wait_ms(10), 256 * CRASH_WAIT_FIRST_MS);
	assert_int_equal(watch_crash_wait_ms(11), CRASH_WAIT_MAX_MS);
	assert_int_equal(watch_crash_wait_ms(UINT32_MAX), CRASH_WAIT_MAX_MS);
}

static void what_is_not_what_was_attested_is_attested_anew(void **state)
{
	struct watch_node known = {
		.is_attested = true, .instance = "a", .phase = PHASE_READY, .has_manifest = true
	};
	struct node_seen seen = { .presence = NODE_PRESENT,
		                  .status = { .phase = PHASE_READY, .has_manifest_hash = true } };
	struct err e;

	(void)state;
	must(wire_set_text(&seen.status.instance_id, "a", &e), &e);
	assert_false(watch_is_changed(&known, &seen));
	seen.status.phase = PHASE_UNRECOVERABLE;
	assert_true(watch_is_changed(&known, &seen));
	seen.status.phase = PHASE_READY;
	seen.status.manifest_hash[31] = 1;
	assert_true(watch_is_changed(&known, &seen));
	seen.status.manifest_hash[31] = 0;
	seen.status.has_manifest_hash = false;
	assert_true(watch_is_changed(&known, &seen));
	seen.status.has_manifest_hash = true;
	known.instance[0] = 'b';
	assert_true(watch_is_changed(&known, &seen));
	known.instance[0] = 'a';
	known.is_attested = false;
	assert_true(watch_is_changed(&known, &seen));
	/* One that does not answer can't be. */
	seen.presence = NODE_UNREACHABLE;
	assert_false(watch_is_changed(&known, &seen));
	status_reply_drop(&seen.status);
}

/* A letter a node: r ready, v ready and not verified, n not ready, w waiting for people, f refused,
 * g gone. */
static void make_report(struct cluster_report *report, const char *letters, int64_t keep)
{
	struct node_report *n;
	struct err e;

	report->has_distance = true;
	report->keep_ready = keep;
	for (; *letters; letters++) {
		must(wire_list_add(&report->nodes, &node_report_schema, &n, &e), &e);
		n->state = strchr("rv", *letters) ? NODE_READY
		           : *letters == 'w'      ? NODE_WAITING
		           : *letters == 'f'      ? NODE_FAILED
		           : *letters == 'g'      ? NODE_GONE
		                                  : NODE_NOT_READY;
		n->verified = *letters == 'r' || *letters == 'n' || *letters == 'w';
		n->index = (size_t)report->node_count++;
		must(wire_set_text(&n->note, "note", &e), &e);
		must(wire_set_text(&n->reason, *letters == 'f' ? "pcr0" : "", &e), &e);
		report->ready_count += n->state == NODE_READY;
		report->verified_count += n->verified;
		report->holder_count += *letters == 'r';
	}
	report->distance = distance_of(report->holder_count);
}

static void once_ends_as_the_cluster_stands(void **state)
{
	static const struct {
		const char *letters;
		enum err_code code;
		bool is_good;
	} rows[] = {
		{ "rrr", 0, true },
		{ "rrn", ERR_PARTIAL, false },
		{ "rwg", ERR_PARTIAL, false },
		{ "wnn", ERR_WAITING, false },
		{ "nnn", ERR_NOT_DESIRED, false },
		{ "vnn", ERR_NOT_DESIRED, false },
		{ "rrf", ERR_REFUSED, false },
		{ "ggg", ERR_UNREACHABLE, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(cluster_report) struct cluster_report report = { 0 };
		struct err e = { 0 };

		make_report(&report, rows[i].letters, 1);
		assert_int_equal(watch_judge(&report, &e) == 0, rows[i].is_good);
		if (!rows[i].is_good)
			assert_int_equal(e.code, rows[i].code);
	}
}

/* As apply ends where the members are not here (design.md, exit statuses). */
static void once_waits_for_members_where_the_key_is_lost(void **state)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };
	struct err e = { 0 };

	(void)state;
	make_report(&report, "nnn", 1);
	report.is_lost = true;
	assert_int_equal(watch_judge(&report, &e), -1);
	assert_int_equal(e.code, ERR_WAITING);
	assert_string_equal(e.reason, OBSERVATION_KEY_LOST);
}

static void the_distance_is_what_may_be_lost_of_the_proven_key(void **state)
{
	static const struct {
		const char *letters;
		int64_t keep, distance;
		const char *text;
	} rows[] = {
		{ "rrr", 1, 2, "2 losses are left until people are needed" },
		{ "rr", 2, 1, "1 loss is left until people are needed" },
		{ "rvn", 1, 0, "no loss is left until people are needed" },
		{ "rvn", 2, 0,
		  "no loss is left until people are needed; below keepReady: 1 of 2 hold the key" },
		{ "vn", 1, -1,
		  "people are needed: no TEE has shown the quorum key; below keepReady: 0 of 1 hold the "
		  "key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(cluster_report) struct cluster_report report = { 0 };
		char text[200];

		make_report(&report, rows[i].letters, rows[i].keep);
		assert_int_equal(report.distance, rows[i].distance);
		assert_int_equal(distance_is_short(&report), strstr(rows[i].text, "below") != NULL);
		distance_format(&report, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

/* Two regions, and a node of none. */
static void regions_have_a_distance_of_their_own(void **state)
{
	struct cluster_label eu = { .name = (char *)"region", .value = (char *)"eu" },
	                     us = { .name = (char *)"region", .value = (char *)"us" };
	struct cluster_node nodes[4] = { { .labels = &eu, .label_count = 1 },
		                         { .labels = &us, .label_count = 1 },
		                         { .labels = &eu, .label_count = 1 },
		                         { 0 } };
	const struct cluster cluster = { .nodes = nodes, .node_count = 4, .keep_ready = 3 };
	struct run run = { .cluster = &cluster, .seen = { .has_genesis = true } };
	AUTO(cluster_report) struct cluster_report report = { 0 };
	const struct region_report *regions;
	const bool chosen[4] = { true };
	struct err e;

	(void)state;
	make_report(&report, "rnrr", 1);
	report.holder_count = 0;
	must(distance_fill(&run, &report, &e), &e);
	assert_int_equal(report.distance, 2);
	assert_int_equal(report.keep_ready, 3);
	assert_int_equal(report.regions.count, 2);
	regions = report.regions.items;
	assert_string_equal(buf_text(&regions[0].name), "eu");
	assert_int_equal(regions[0].distance, 1);
	assert_string_equal(buf_text(&regions[1].name), "us");
	assert_int_equal(regions[1].distance, -1);
	/* Of a part of the nodes nothing can be said. */
	run.options.chosen = chosen;
	must(distance_fill(&run, &report, &e), &e);
	assert_false(report.has_distance);
}

static void forwards_are_counted_in_every_bucket_that_they_fit_in(void **state)
{
	struct watch_stats stats = { 0 };

	(void)state;
	watch_count_forward(&stats, 25000);
	watch_count_forward(&stats, 25001);
	watch_count_forward(&stats, INT64_C(60000000));
	assert_int_equal(stats.forwards_up_to[0], 0);
	assert_int_equal(stats.forwards_up_to[1], 1);
	assert_int_equal(stats.forwards_up_to[2], 2);
	assert_int_equal(stats.forwards_up_to[FORWARD_BOUND_COUNT - 1], 2);
	assert_int_equal(stats.forwards, 3);
	assert_int_equal(stats.forward_us, 60050001);
}

static void metrics_are_the_text_that_prometheus_reads(void **state)
{
	struct cluster_node nodes[2] = { { .name = (char *)"tee1" }, { .name = (char *)"t\"2" } };
	struct watch_node known[2] = { { .attested_unix_ms = 1500 }, { .is_quarantined = true } };
	const struct cluster cluster = {
		.name = (char *)"o\"w\\n", .nodes = nodes, .node_count = 2, .keep_ready = 2
	};
	struct watch w = { .cluster = &cluster, .nodes = known, .is_leader = true };
	AUTO(buf) struct buf text = BUF_INIT(1 << 16);
	static const char *const lines[] = {
		"\nteectl_watch_info{cluster=\"o\\\"w\\\\n\",version=\"9.9\"} 1\n",
		"\nteectl_watch_ready{cluster=\"o\\\"w\\\\n\"} 1\n",
		"\nteectl_watch_verified{cluster=\"o\\\"w\\\\n\"} 1\n",
		"\nteectl_watch_quarantined{cluster=\"o\\\"w\\\\n\"} 1\n",
		"\nteectl_watch_keep_ready{cluster=\"o\\\"w\\\\n\"} 2\n",
		"\nteectl_watch_distance_to_ceremony{cluster=\"o\\\"w\\\\n\"} 0\n",
		"\nteectl_watch_leader{cluster=\"o\\\"w\\\\n\"} 1\n",
		"\nteectl_watch_nodes{cluster=\"o\\\"w\\\\n\",state=\"failed\"} 1\n",
		"\nteectl_watch_last_verified_timestamp_seconds{cluster=\"o\\\"w\\\\n\",node=\"tee1\"} 1.500\n",
		"\nteectl_watch_last_verified_timestamp_seconds{cluster=\"o\\\"w\\\\n\",node=\"t\\\"2\"} 0.000\n",
		"\nteectl_watch_heals_total{cluster=\"o\\\"w\\\\n\",outcome=\"failed\"} 4\n",
		"\nteectl_watch_forwards_total{cluster=\"o\\\"w\\\\n\"} 1\n",
		"\nteectl_watch_forward_duration_seconds_bucket{cluster=\"o\\\"w\\\\n\",le=\"0.025\"} 0\n",
		"\nteectl_watch_forward_duration_seconds_bucket{cluster=\"o\\\"w\\\\n\",le=\"0.05\"} 1\n",
		"\nteectl_watch_forward_duration_seconds_bucket{cluster=\"o\\\"w\\\\n\",le=\"+Inf\"} 1\n",
		"\nteectl_watch_forward_duration_seconds_sum{cluster=\"o\\\"w\\\\n\"} 0.030000\n",
		"\nteectl_watch_reattest_failures_total{cluster=\"o\\\"w\\\\n\"} 0\n",
	};
	struct err e;

	(void)state;
	make_report(&w.report, "rf", 2);
	w.stats.heals_failed = 4;
	watch_count_forward(&w.stats, 30000);
	must(watch_metrics_format(&w, "9.9", &text, &e), &e);
	for (size_t i = 0; i < COUNT(lines); i++)
		if (!strstr(buf_text(&text), lines[i]))
			fail_msg("no %s in %s", lines[i], buf_text(&text));
	assert_int_equal(buf_text(&text)[text.len - 1], '\n');
	/* No row is without its cluster. */
	for (const char *line = buf_text(&text); *line; line = strchr(line, '\n') + 1) {
		const char *label = strstr(line, "{cluster=\"o");

		assert_true(*line == '#' || (label && label < strchr(line, '\n')));
	}
	cluster_report_drop(&w.report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_loop_waits_twice_as_long_each_time_up_to_the_most),
		cmocka_unit_test(what_is_not_what_was_attested_is_attested_anew),
		cmocka_unit_test(once_ends_as_the_cluster_stands),
		cmocka_unit_test(once_waits_for_members_where_the_key_is_lost),
		cmocka_unit_test(the_distance_is_what_may_be_lost_of_the_proven_key),
		cmocka_unit_test(regions_have_a_distance_of_their_own),
		cmocka_unit_test(forwards_are_counted_in_every_bucket_that_they_fit_in),
		cmocka_unit_test(metrics_are_the_text_that_prometheus_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/clock.h"
#include "base/prng.h"
#include "base/text.h"
#include "orchestrate/regions.h"
#include "orchestrate/simulate.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Nodes of which each takes 1.7 KB of memory. */
#define NODES_MAX   10000000
#define RUNS_MAX    10000
#define RTT_DEFAULT 1 /* ms: one data centre */

struct simulate_args {
	int64_t nodes, parallel, seed, runs, restart_ms;
	int topology;
	struct text_list rtt, regions, cost;
	const char *at, *fail, *death, *forged, *refusing, *occupied, *ready;
	bool launch;
};

#define AT(member) .offset = offsetof(struct simulate_args, member)

static const struct opt opts[] = {
	{ .name = "nodes",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  AT(nodes),
	  .min = 1,
	  .max = NODES_MAX,
	  .doc = "so many nodes; without it the cluster file's" },
	{ .name = "topology",
	  .kind = OPT_WORD,
	  .metavar = "WAY",
	  AT(topology),
	  .words = topology_names,
	  .doc = "the key's way; default: the cluster file's propagate.topology" },
	{ .name = "parallel",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  AT(parallel),
	  .min = 1,
	  .max = 64,
	  .doc = "forwards that one source does at once; default: the cluster file's" },
	{ .name = "regions",
	  .kind = OPT_TEXT,
	  .is_list = true,
	  .metavar = "REGION:PARTS",
	  AT(regions),
	  .doc = "where the nodes stand, in parts: eu:40,us:60; else by their label region" },
	{ .name = "at",
	  .kind = OPT_TEXT,
	  .metavar = "REGION",
	  AT(at),
	  .doc = "where teectl runs; the first region unless given" },
	{ .name = "rtt",
	  .kind = OPT_TEXT,
	  .is_list = true,
	  .metavar = "[REGION-REGION=]TIME",
	  AT(rtt),
	  .doc = "a round trip, of all or between two regions: 1ms,eu-us=90ms" },
	{ .name = "fail",
	  .kind = OPT_TEXT,
	  .metavar = "PERCENT",
	  AT(fail),
	  .fallback = "0%",
	  .doc = "exchanges that fail, and would succeed another time" },
	{ .name = "death",
	  .kind = OPT_TEXT,
	  .metavar = "PERCENT",
	  AT(death),
	  .fallback = "0%",
	  .doc = "exchanges in which the node dies, before or after it did what it was asked" },
	{ .name = "restart",
	  .kind = OPT_DURATION,
	  .metavar = "DURATION",
	  AT(restart_ms),
	  .doc = "until a node that died runs again, empty; never unless given" },
	{ .name = "forged",
	  .kind = OPT_TEXT,
	  .metavar = "PERCENT",
	  AT(forged),
	  .fallback = "0%",
	  .doc = "nodes whose documents do not verify" },
	{ .name = "refusing",
	  .kind = OPT_TEXT,
	  .metavar = "PERCENT",
	  AT(refusing),
	  .fallback = "0%",
	  .doc = "nodes that export nothing" },
	{ .name = "occupied",
	  .kind = OPT_TEXT,
	  .metavar = "PERCENT",
	  AT(occupied),
	  .fallback = "0%",
	  .doc = "nodes that hold another cluster's manifest" },
	{ .name = "ready",
	  .kind = OPT_TEXT,
	  .metavar = "PERCENT",
	  AT(ready),
	  .doc = "the source and so many of the others have the key to begin with" },
	{ .name = "launch",
	  .kind = OPT_FLAG,
	  AT(launch),
	  .doc = "no node runs to begin with: they are launched, also those that died" },
	{ .name = "cost",
	  .kind = OPT_TEXT,
	  .is_list = true,
	  .metavar = "STEP=US",
	  AT(cost),
	  .doc = "a node's time for a step in all, in µs; teectl=US: ours for an exchange" },
	{ .name = "seed",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  AT(seed),
	  .max = INT64_MAX,
	  .fallback = "1",
	  .doc = "of the chances: the same seed gives the same run" },
	{ .name = "runs",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  AT(runs),
	  .min = 1,
	  .max = RUNS_MAX,
	  .fallback = "1",
	  .doc = "so many, with as many seeds from the first on" },
};

/* --- what the options mean --- */

struct region {
	const char *name; /* not terminated: len bytes */
	size_t len;
	uint64_t parts;
	int64_t rtt_us;
};

struct setting {
	struct simulated_cluster made;
	struct region regions[REGIONS_MAX];
	size_t region_count, at;
	uint16_t *region_of;
	int64_t rtt_us[REGIONS_MAX];
	struct simulation_options options;
};

static void setting_drop(struct setting *s)
{
	simulated_cluster_drop(&s->made);
	free(s->region_of);
}

/* "3%", "0.05%": up to four places, which are parts per million. */
static int parse_percent(const char *text, const char *what, uint32_t *ret, struct err *e)
{
	size_t whole = strspn(text, "0123456789"), places = 0;
	uint32_t ppm = 0;

	if (text[whole] == '.')
		places = strspn(text + whole + 1, "0123456789");
	if (whole == 0 || whole > 3 || places > 4 || (text[whole] == '.' && places == 0) ||
	    strcmp(text + whole + (places ? places + 1 : 0), "%") != 0)
		return err_set(e, ERR_USAGE, "%s: '%s' is no share of a hundred: 3%%, 0.05%%", what,
		               text);
	for (size_t i = 0; i < whole; i++)
		ppm = ppm * 10 + (uint32_t)(text[i] - '0');
	for (size_t i = 0; i < 4; i++)
		ppm = ppm * 10 + (i < places ? (uint32_t)(text[whole + 1 + i] - '0') : 0);
	if (ppm > PPM)
		return err_set(e, ERR_USAGE, "%s: '%s' is more than all", what, text);
	*ret = ppm;
	return 0;
}

/* region_count: there is none of that name. */
static size_t find_region(const struct setting *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->region_count; i++)
		if (s->regions[i].len == len && memcmp(s->regions[i].name, name, len) == 0)
			return i;
	return s->region_count;
}

static int take_region(struct setting *s, const char *text, struct err *e)
{
	struct region *region = &s->regions[s->region_count];
	size_t len = strcspn(text, ":");

	if (len == 0 || !text[len] || s->region_count == REGIONS_MAX)
		return err_set(e, ERR_USAGE, "--regions: '%s' is no region: REGION:PARTS", text);
	if (find_region(s, text, len) < s->region_count)
		return err_set(e, ERR_USAGE, "--regions: '%.*s' is there twice", (int)len, text);
	*region = (struct region){ .name = text, .len = len };
	TRY(number_parse(text + len + 1, "--regions: the parts", 1, NODES_MAX, &region->parts, e));
	s->region_count++;
	return 0;
}

/* Those of the cluster file, unless the command line has its own. */
static int take_labels(struct setting *s, const struct cluster *cluster, struct err *e)
{
	AUTO(regions) struct regions labelled = { 0 };

	TRY(regions_find(cluster, &labelled, e));
	if (!labelled.of)
		return 0;
	s->region_of = MOVE(labelled.of);
	s->region_count = labelled.count;
	for (size_t i = 0; i < labelled.count; i++) {
		const char *name = labelled.names[i] ? labelled.names[i] : "";

		s->regions[i] = (struct region){ .name = name, .len = strlen(name) };
	}
	return 0;
}

/* One behind the other along the nodes, each as many as its parts say. */
static int place_nodes(struct setting *s, size_t nodes, struct err *e)
{
	uint64_t all = 0, before = 0;
	size_t node = 0;

	s->region_of = calloc(nodes, sizeof(*s->region_of));
	if (!s->region_of)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", nodes);
	for (size_t i = 0; i < s->region_count; i++)
		all += s->regions[i].parts;
	for (size_t i = 0; i < s->region_count; i++) {
		before += s->regions[i].parts;
		for (; node < before * nodes / all; node++)
			s->region_of[node] = (uint16_t)i;
	}
	return 0;
}

/* Names may have dashes in them: the pair is split where both are known. */
static int take_pair(struct setting *s, const char *pair, size_t len, int64_t rtt_us, struct err *e)
{
	for (size_t i = 1; i + 1 < len; i++) {
		size_t a = find_region(s, pair, i), b = find_region(s, pair + i + 1, len - i - 1);

		if (pair[i] != '-' || a == s->region_count || b == s->region_count)
			continue;
		if (a == s->at)
			s->rtt_us[b] = rtt_us;
		if (b == s->at)
			s->rtt_us[a] = rtt_us;
		return 0;
	}
	return err_set(e, ERR_USAGE, "--rtt: '%.*s' is no pair of regions", (int)len, pair);
}

static int take_rtt(struct setting *s, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	int64_t ms;

	if (duration_parse(equals ? equals + 1 : text, &ms, e) < 0)
		return err_wrap(e, "--rtt");
	if (equals)
		return take_pair(s, text, (size_t)(equals - text), ms * 1000, e);
	for (size_t i = 0; i < COUNT(s->rtt_us); i++)
		s->rtt_us[i] = ms * 1000;
	return 0;
}

static int take_regions(struct setting *s, const struct simulate_args *args, struct err *e)
{
	const struct cluster *cluster = s->options.cluster;

	for (size_t i = 0; i < args->regions.count; i++)
		TRY(take_region(s, args->regions.items[i], e));
	if (args->regions.count)
		return place_nodes(s, cluster->node_count, e);
	return take_labels(s, cluster, e);
}

static int take_round_trips(struct setting *s, const struct simulate_args *args, struct err *e)
{
	for (size_t i = 0; i < COUNT(s->rtt_us); i++)
		s->rtt_us[i] = RTT_DEFAULT * 1000;
	if (args->at) {
		s->at = find_region(s, args->at, strlen(args->at));
		if (s->at == s->region_count)
			return err_set(e, ERR_USAGE, "--at: there is no region '%s'", args->at);
	}
	/* What is said of all first, in whatever order it stands. */
	for (int pairs = 0; pairs < 2; pairs++)
		for (size_t i = 0; i < args->rtt.count; i++)
			if ((strchr(args->rtt.items[i], '=') != NULL) == pairs)
				TRY(take_rtt(s, args->rtt.items[i], e));
	return 0;
}

static int take_chances(const struct simulate_args *args, struct simulation_options *o,
                        struct err *e)
{
	o->has_key = args->ready != NULL;
	if (args->ready)
		TRY(parse_percent(args->ready, "--ready", &o->ready_ppm, e));
	TRY(parse_percent(args->fail, "--fail", &o->fail_ppm, e));
	TRY(parse_percent(args->death, "--death", &o->death_ppm, e));
	TRY(parse_percent(args->forged, "--forged", &o->forged_ppm, e));
	TRY(parse_percent(args->refusing, "--refusing", &o->refusing_ppm, e));
	return parse_percent(args->occupied, "--occupied", &o->occupied_ppm, e);
}

static int take_cluster(struct context *c, const struct simulate_args *args, struct setting *s,
                        struct err *e)
{
	struct cluster *cluster = &s->made.cluster;

	if (args->nodes > 0) {
		TRY(simulated_cluster_make((size_t)args->nodes, &s->made, e));
	} else {
		TRY(cluster_read(c->global.file, &c->cluster, e));
		cluster = &c->cluster;
	}
	if (args->parallel > 0)
		cluster->propagate.parallel = args->parallel;
	s->options.cluster = cluster;
	s->options.topology = args->topology >= 0 ? (enum topology)args->topology
	                      : args->nodes > 0   ? TOPOLOGY_AUTO
	                                          : cluster->propagate.topology;
	return 0;
}

static int settle(struct context *c, const struct simulate_args *args, struct setting *s,
                  struct err *e)
{
	struct simulation_options *o = &s->options;

	TRY(take_chances(args, o, e));
	TRY(take_cluster(c, args, s, e));
	TRY(take_regions(s, args, e));
	TRY(take_round_trips(s, args, e));
	o->costs = costs_default();
	for (size_t i = 0; i < args->cost.count; i++)
		if (costs_set(&o->costs, args->cost.items[i], e) < 0)
			return err_wrap(e, "--cost");
	o->regions = s->region_of;
	o->region_count = s->region_count ? s->region_count : 1;
	o->rtt_us = s->rtt_us;
	o->seed = (uint64_t)args->seed;
	o->restart_us = args->restart_ms > 0 ? args->restart_ms * 1000 : 0;
	o->is_launched = args->launch;
	return 0;
}

/* --- what is told --- */

struct step_row {
	struct buf step;
	int64_t begun, done, failed, mean_us;
};
static const struct wire_field step_row_fields[] = {
	JSON_TEXT(step_row, step),     JSON_NUMBER(step_row, begun),   JSON_NUMBER(step_row, done),
	JSON_NUMBER(step_row, failed), JSON_NUMBER(step_row, mean_us),
};
static const struct wire_schema step_row_schema = JSON_SCHEMA(step_row, step_row_fields);

struct simulation_report {
	bool simulated;
	int topology;
	int64_t nodes, parallel, seed, runs, runs_whole;
	int64_t ready, away, refused, passes, rounds;
	int64_t ready_us, ended_us, shortest_us, median_us, ninth_us, longest_us;
	int64_t exchanges, looks, retries, unseen, source_changes, deaths, region_count, crossings;
	struct buf busiest_source, reason;
	int64_t busiest_exports, own_us, plan_real_us, real_us, max_rss_kb;
	struct wire_list steps;
};
static const struct wire_field simulation_report_fields[] = {
	JSON_BOOL(simulation_report, simulated),
	JSON_WORD(simulation_report, topology, topology_names),
	JSON_NUMBER(simulation_report, nodes),
	JSON_NUMBER(simulation_report, parallel),
	JSON_NUMBER(simulation_report, seed),
	JSON_NUMBER(simulation_report, runs),
	JSON_NUMBER(simulation_report, runs_whole),
	JSON_NUMBER(simulation_report, ready),
	JSON_NUMBER(simulation_report, away),
	JSON_NUMBER(simulation_report, refused),
	JSON_TEXT(simulation_report, reason),
	JSON_NUMBER(simulation_report, ready_us),
	JSON_NUMBER(simulation_report, ended_us),
	JSON_NUMBER(simulation_report, shortest_us),
	JSON_NUMBER(simulation_report, median_us),
	JSON_NUMBER(simulation_report, ninth_us),
	JSON_NUMBER(simulation_report, longest_us),
	JSON_NUMBER(simulation_report, passes),
	JSON_NUMBER(simulation_report, rounds),
	JSON_LIST(simulation_report, steps, step_row_schema),
	JSON_NUMBER(simulation_report, exchanges),
	JSON_NUMBER(simulation_report, looks),
	JSON_NUMBER(simulation_report, retries),
	JSON_NUMBER(simulation_report, unseen),
	JSON_NUMBER(simulation_report, source_changes),
	JSON_NUMBER(simulation_report, deaths),
	JSON_NUMBER(simulation_report, region_count),
	JSON_NUMBER(simulation_report, crossings),
	JSON_TEXT(simulation_report, busiest_source),
	JSON_NUMBER(simulation_report, busiest_exports),
	JSON_NUMBER(simulation_report, own_us),
	JSON_NUMBER(simulation_report, plan_real_us),
	JSON_NUMBER(simulation_report, real_us),
	JSON_NUMBER(simulation_report, max_rss_kb),
};
static const struct wire_schema simulation_report_schema =
    JSON_SCHEMA(simulation_report, simulation_report_fields);
WIRE_DROP(simulation_report);

static int report_steps(const struct simulation *s, struct simulation_report *r, struct err *e)
{
	for (size_t kind = 0; kind < STEP_KIND_COUNT; kind++) {
		const struct simulated_steps *steps = &s->steps[kind];
		struct step_row *row;

		if (!steps->begun)
			continue;
		TRY(wire_list_add(&r->steps, &step_row_schema, &row, e));
		row->begun = (int64_t)steps->begun;
		row->done = (int64_t)steps->done;
		row->failed = (int64_t)steps->failed;
		row->mean_us = steps->done ? steps->us / (int64_t)steps->done : 0;
		TRY(wire_set_text(&row->step, step_name((enum step_kind)kind), e));
	}
	return 0;
}

/* Of the first run. */
static int report_run(const struct setting *s, const struct simulation *run,
                      struct simulation_report *r, struct err *e)
{
	r->simulated = true;
	r->topology = (int)run->topology;
	r->nodes = (int64_t)run->nodes;
	r->parallel = s->options.cluster->propagate.parallel;
	r->seed = (int64_t)s->options.seed;
	r->ready = (int64_t)run->ready;
	r->away = (int64_t)run->away;
	r->refused = (int64_t)run->refused;
	r->passes = run->passes;
	r->rounds = run->rounds;
	r->ready_us = run->ready_us;
	r->ended_us = run->ended_us;
	r->exchanges = (int64_t)run->exchanges;
	r->looks = (int64_t)run->looks;
	r->retries = (int64_t)run->retries;
	r->source_changes = (int64_t)run->changes;
	r->deaths = (int64_t)run->deaths;
	r->region_count = (int64_t)s->options.region_count;
	r->crossings = (int64_t)run->crossings;
	r->unseen = (int64_t)run->unseen;
	r->busiest_exports = (int64_t)run->busiest_exports;
	r->own_us = run->own_us;
	r->plan_real_us = run->longest_plan_us;
	TRY(wire_set_text(&r->reason, run->why.text, e));
	if (run->busiest_exports)
		TRY(wire_set_text(&r->busiest_source, s->options.cluster->nodes[run->busiest].name,
		                  e));
	return report_steps(run, r, e);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report_times(int64_t *times, size_t count, struct simulation_report *r)
{
	qsort(times, count, sizeof(*times), compare_times);
	r->runs = (int64_t)count;
	r->shortest_us = times[0];
	r->median_us = times[(count - 1) / 2];
	r->ninth_us = times[(count - 1) * 9 / 10];
	r->longest_us = times[count - 1];
}

static bool is_whole(const struct simulation *run)
{
	return run->ready + run->away + run->refused == run->nodes;
}

static void times_drop(int64_t **times)
{
	free(*times);
}

static int simulate_all(const struct setting *s, size_t count, struct simulation_report *r,
                        struct err *e)
{
	AUTO(times) int64_t *times = calloc(count, sizeof(*times));
	struct simulation_options options = s->options;
	struct simulation run;

	if (!times)
		return err_set(e, ERR_INTERNAL, "no memory for %zu runs", count);
	for (size_t i = 0; i < count; i++) {
		options.seed = s->options.seed + i;
		TRY(simulate(&options, &run, e));
		if (run.broken[0])
			return err_set(e, ERR_INTERNAL, "seed %llu: a rule does not hold: %s",
			               (unsigned long long)options.seed, run.broken);
		times[i] = run.ready_us;
		r->runs_whole += is_whole(&run);
		if (i == 0)
			TRY(report_run(s, &run, r, e));
	}
	report_times(times, count, r);
	return 0;
}

/* Of the table; JSON has the microseconds. */
struct span {
	char text[SPAN_SIZE];
};

static struct span span(int64_t us, bool in_ms)
{
	struct span s;

	if (print_span(us, s.text))
		return s;
	if (in_ms && us < 10000000)
		snprintf(s.text, sizeof(s.text), "%.1f ms", (double)us / 1e3);
	else
		snprintf(s.text, sizeof(s.text), "%.3f s", (double)us / 1e6);
	return s;
}

static struct span in_s(int64_t us)
{
	return span(us, /* in_ms= */ false);
}

static int print_steps(struct context *c, const struct simulation_report *r, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("STEP", "BEGUN", "DONE", "FAILED", "EACH TAKES");
	const struct step_row *rows = r->steps.items;

	for (size_t i = 0; i < r->steps.count; i++) {
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].step)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%lld", (long long)rows[i].begun));
		TRY(table_cell(&t, TONE_PLAIN, e, "%lld", (long long)rows[i].done));
		TRY(table_cell(&t, rows[i].failed ? TONE_BAD : TONE_PLAIN, e, "%lld",
		               (long long)rows[i].failed));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s",
		               span(rows[i].mean_us, /* in_ms= */ true).text));
	}
	table_print(c, &t);
	return 0;
}

static void print_counts(struct context *c, const struct simulation_report *r)
{
	if (r->unseen)
		print_line(
		    c, "%lld of the failed brought the key all the same: only the answer was lost",
		    (long long)r->unseen);
	/* A look is not repeated: the next pass is. */
	print_line(c,
	           "%lld exchanges: %lld looks and %lld of steps, %lld of them repeated; %lld "
	           "changes of source; %lld deaths",
	           (long long)r->exchanges, (long long)r->looks,
	           (long long)(r->exchanges - r->looks), (long long)r->retries,
	           (long long)r->source_changes, (long long)r->deaths);
	if (r->region_count > 1)
		print_line(c, "%lld regions; the key crossed between regions: %lld %s",
		           (long long)r->region_count, (long long)r->crossings,
		           r->crossings == 1 ? "time" : "times");
	if (r->busiest_exports)
		print_line(c, "busiest source: %s, %lld exports", buf_text(&r->busiest_source),
		           (long long)r->busiest_exports);
	print_line(c, "teectl's own work: %s of processor time", in_s(r->own_us).text);
	print_line(c, "in real time: planned in %s, simulated in %s, %lld MB of memory",
	           in_s(r->plan_real_us).text, in_s(r->real_us).text,
	           (long long)r->max_rss_kb / 1024);
}

static bool is_short(const struct simulation_report *r)
{
	return r->ready + r->away + r->refused < r->nodes;
}

/* A run that gave up did so after its last look, not after the last step that it could do. */
static void print_end(struct context *c, const struct simulation_report *r)
{
	print_line(c,
	           "%lld ready %s %s: %lld %s of looking, planning and doing; %lld %s in the "
	           "first plan",
	           (long long)r->ready, is_short(r) ? "when it gave up, after" : "after",
	           in_s(is_short(r) ? r->ended_us : r->ready_us).text, (long long)r->passes,
	           r->passes == 1 ? "pass" : "passes", (long long)r->rounds,
	           r->rounds == 1 ? "round" : "rounds");
}

static int print_report(struct context *c, const struct simulation_report *r, struct err *e)
{
	print_line(c, "a simulation: no TEE was asked for anything");
	print_line(c, "%lld nodes, %s, %lld forwards of a source at once, seed %lld",
	           (long long)r->nodes, topology_names[r->topology], (long long)r->parallel,
	           (long long)r->seed);
	print_end(c, r);
	if (r->away || r->refused)
		print_line(c, "%lld away, %lld refused", (long long)r->away, (long long)r->refused);
	if (r->runs > 1)
		print_line(c,
		           "%lld runs: shortest %s, median %s, nine of ten within %s, "
		           "longest %s",
		           (long long)r->runs, in_s(r->shortest_us).text, in_s(r->median_us).text,
		           in_s(r->ninth_us).text, in_s(r->longest_us).text);
	if (r->steps.count)
		TRY(print_steps(c, r, e));
	print_counts(c, r);
	return print_json(c, &simulation_report_schema, r, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct simulate_args *args = arguments;
	AUTO(setting) struct setting s = { 0 };
	AUTO(simulation_report) struct simulation_report r = { 0 };
	int64_t begun_us = clock_monotonic_us();
	struct rusage usage;

	TRY(settle(c, args, &s, e));
	TRY(simulate_all(&s, (size_t)args->runs, &r, e));
	getrusage(RUSAGE_SELF, &usage);
	r.max_rss_kb = usage.ru_maxrss;
	r.real_us = clock_monotonic_us() - begun_us;
	TRY(print_report(c, &r, e));
	if (r.runs_whole == r.runs)
		return 0;
	context_hint(c, "no TEE is touched by it: with other chances or nodes, or another --seed, "
	                "it ends otherwise");
	return err_set(e, ERR_NOT_DESIRED,
	               "%lld of %lld simulated runs ended before all were ready%s%s",
	               (long long)(r.runs - r.runs_whole), (long long)r.runs,
	               r.reason.len ? ": " : "", buf_text(&r.reason));
}

const struct cmd cmd_simulate = {
	.name = "simulate",
	.summary = "see how a fleet would come up, before there is one",
	.details =
	    "Runs apply, its planner and its executor as they are, against TEEs that are not there, in "
	    "virtual time: look, plan, execute, again, until every node that can be reached has the "
	    "key, or nothing more can be done (exit 2). Nothing is sent anywhere and nothing is "
	    "written. A million nodes take less than a minute.\n\n"
	    "An exchange takes the round trip to its node (--rtt), its turn at the node and its turn "
	    "at teectl, each of which does one thing at a time; what failed is repeated as the cluster "
	    "file's retry says. Everything passes through teectl, so of the pairs of --rtt those "
	    "count that it stands in (--at). What the TEEs take for their cryptography was measured "
	    "on one core of a virtual machine; --cost sets it for others.\n\n"
	    "With --ready it is a fleet that lives already, and is healed. At every step's start it "
	    "is checked that the step was allowed: one that was not is a fault of teectl's (exit 1).",
	.examples = { { "teectl simulate --nodes 1000 --rtt 20ms", "a thousand TEEs, 20 ms away" },
	              { "teectl simulate --nodes 300 --regions eu:40,us:60 --rtt 1ms,eu-us=90ms",
	                "two regions, teectl in the first" },
	              { "teectl simulate --fail 3% --death 0.1% --restart 5s --runs 100",
	                "the cluster file's nodes on a bad day, a hundred times" } },
	.exits = { 2, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct simulate_args),
	.run = run,
};

/* A watch's metrics, in the text format that Prometheus reads. */
#include "orchestrate/distance.h"
#include "orchestrate/watch.h"

#include <stdio.h>

static int head(struct buf *to, const char *name, const char *type, const char *help, struct err *e)
{
	return buf_add_format(to, e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Names and labels of a cluster file hold nothing that a label's value would have to escape but
 * these (the text format, "label_value"). */
static int add_label(struct buf *to, const char *name, const char *value, struct err *e)
{
	TRY(buf_add_format(to, e, "%s=\"", name));
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			TRY(buf_add_text(to, "\\", e));
		TRY(buf_add(to, view_new(value, 1), e));
	}
	return buf_add_text(to, "\"", e);
}

/* One row, up to its value: several watches are told apart by their cluster.
 *
 * label  NULL: the cluster alone; value: not escaped yet */
static int row(struct buf *to, const struct watch *w, const char *name, const char *label,
               const char *value, struct err *e)
{
	TRY(buf_add_format(to, e, "%s{", name));
	TRY(add_label(to, "cluster", w->cluster->name, e));
	if (label) {
		TRY(buf_add_text(to, ",", e));
		TRY(add_label(to, label, value, e));
	}
	return buf_add_text(to, "} ", e);
}

static int number(struct buf *to, int64_t value, struct err *e)
{
	return buf_add_format(to, e, "%lld\n", (long long)value);
}

static int one(struct buf *to, const struct watch *w, const char *name, const char *type,
               const char *help, int64_t value, struct err *e)
{
	TRY(head(to, name, type, help, e));
	TRY(row(to, w, name, NULL, NULL, e));
	return number(to, value, e);
}

static int add_states(const struct watch *w, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_nodes";
	const struct node_report *nodes = w->report.nodes.items;

	TRY(head(to, name, "gauge", "Nodes by what they are.", e));
	for (int state = NODE_READY; state <= NODE_OLD; state++) {
		int64_t count = 0;

		for (size_t i = 0; i < w->report.nodes.count; i++)
			count += nodes[i].state == state;
		TRY(row(to, w, name, "state", node_state_name((enum node_state)state), e));
		TRY(number(to, count, e));
	}
	return 0;
}

static int add_attested(const struct watch *w, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_last_verified_timestamp_seconds";

	TRY(head(to, name, "gauge", "When the node's document verified last; 0: never.", e));
	for (size_t i = 0; i < w->cluster->node_count; i++) {
		TRY(row(to, w, name, "node", w->cluster->nodes[i].name, e));
		TRY(buf_add_format(to, e, "%.3f\n", (double)w->nodes[i].attested_unix_ms / 1000));
	}
	return 0;
}

static int add_regions(const struct watch *w, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_region_distance_to_ceremony";
	const struct region_report *regions = w->report.regions.items;

	TRY(head(to, name, "gauge", "Losses until no node of the region holds the key.", e));
	for (size_t i = 0; i < w->report.regions.count; i++) {
		TRY(row(to, w, name, "region", buf_text(&regions[i].name), e));
		TRY(number(to, regions[i].distance, e));
	}
	return 0;
}

#define FORWARDS "teectl_watch_forward_duration_seconds"

static int add_forwards(const struct watch *w, struct buf *to, struct err *e)
{
	static const int64_t bounds_ms[FORWARD_BOUND_COUNT] = FORWARD_BOUNDS_MS;
	const struct watch_stats *s = &w->stats;
	char bound[32];

	TRY(head(to, FORWARDS, "histogram", "How long forwards took.", e));
	for (size_t i = 0; i < FORWARD_BOUND_COUNT; i++) {
		snprintf(bound, sizeof(bound), "%g", (double)bounds_ms[i] / 1000);
		TRY(row(to, w, FORWARDS "_bucket", "le", bound, e));
		TRY(number(to, (int64_t)s->forwards_up_to[i], e));
	}
	TRY(row(to, w, FORWARDS "_bucket", "le", "+Inf", e));
	TRY(number(to, (int64_t)s->forwards, e));
	TRY(row(to, w, FORWARDS "_sum", NULL, NULL, e));
	TRY(buf_add_format(to, e, "%.6f\n", (double)s->forward_us / 1000000));
	TRY(row(to, w, FORWARDS "_count", NULL, NULL, e));
	return number(to, (int64_t)s->forwards, e);
}

static int add_heals(const struct watch *w, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_heals_total";

	TRY(head(to, name, "counter", "Nodes that were healed, and steps of heals that failed.",
	         e));
	TRY(row(to, w, name, "outcome", "done", e));
	TRY(number(to, (int64_t)w->stats.heals_done, e));
	TRY(row(to, w, name, "outcome", "failed", e));
	TRY(number(to, (int64_t)w->stats.heals_failed, e));
	return one(to, w, "teectl_watch_forwards_total", "counter", "Forwards of the quorum key.",
	           (int64_t)w->stats.forwards, e);
}

static int add_info(const struct watch *w, const char *version, struct buf *to, struct err *e)
{
	TRY(head(to, "teectl_watch_info", "gauge", "What watches what.", e));
	TRY(row(to, w, "teectl_watch_info", "version", version, e));
	return number(to, 1, e);
}

static int add_counts(const struct watch *w, struct buf *to, struct err *e)
{
	const struct cluster_report *r = &w->report;
	int64_t quarantined = 0;

	for (size_t i = 0; i < w->cluster->node_count; i++)
		quarantined += w->nodes[i].is_quarantined;
	TRY(one(to, w, "teectl_watch_ready", "gauge", "Nodes that have the key.", r->ready_count,
	        e));
	TRY(one(to, w, "teectl_watch_verified", "gauge", "Nodes whose document verifies.",
	        r->verified_count, e));
	TRY(one(to, w, "teectl_watch_quarantined", "gauge",
	        "Nodes whose document does not verify: neither source nor target.", quarantined,
	        e));
	TRY(one(to, w, "teectl_watch_keep_ready", "gauge", "Nodes that must have the key.",
	        w->cluster->keep_ready, e));
	/* Before there is a key nobody can lose it. */
	if (r->has_distance)
		TRY(one(to, w, "teectl_watch_distance_to_ceremony", "gauge",
		        "Losses left until people are needed; below 0: they are.", r->distance, e));
	return one(to, w, "teectl_watch_leader", "gauge", "Whether this watcher heals.",
	           w->is_leader, e);
}

int watch_metrics_format(const struct watch *w, const char *version, struct buf *to, struct err *e)
{
	TRY(add_info(w, version, to, e));
	TRY(add_counts(w, to, e));
	TRY(add_states(w, to, e));
	TRY(add_regions(w, to, e));
	TRY(add_attested(w, to, e));
	TRY(add_heals(w, to, e));
	TRY(add_forwards(w, to, e));
	TRY(one(to, w, "teectl_watch_reattest_failures_total", "counter",
	        "Documents that were refused.", (int64_t)w->stats.reattest_failures, e));
	TRY(one(to, w, "teectl_watch_rounds_total", "counter", "Rounds of the loop.",
	        (int64_t)w->stats.rounds, e));
	TRY(head(to, "teectl_watch_last_round_timestamp_seconds", "gauge",
	         "When the last round ended.", e));
	TRY(row(to, w, "teectl_watch_last_round_timestamp_seconds", NULL, NULL, e));
	return buf_add_format(to, e, "%.3f\n", (double)w->stats.last_round_ms / 1000);
}

/* A watch's metrics, in the text format that Prometheus reads. */
#include "orchestrate/distance.h"
#include "orchestrate/watch.h"

static int head(struct buf *to, const char *name, const char *type, const char *help, struct err *e)
{
	return buf_add_format(to, e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int one(struct buf *to, const char *name, const char *type, const char *help, int64_t value,
               struct err *e)
{
	TRY(head(to, name, type, help, e));
	return buf_add_format(to, e, "%s %lld\n", name, (long long)value);
}

/* Names and labels of a cluster file hold nothing that a label's value would have to escape but
 * these (the text format, "label_value"). */
static int add_label(struct buf *to, const char *value, struct err *e)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			TRY(buf_add_text(to, "\\", e));
		TRY(buf_add(to, view_new(value, 1), e));
	}
	return 0;
}

static int add_states(const struct cluster_report *report, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_nodes";
	const struct node_report *nodes = report->nodes.items;

	TRY(head(to, name, "gauge", "Nodes by what they are.", e));
	for (int state = NODE_READY; state <= NODE_OLD; state++) {
		size_t count = 0;

		for (size_t i = 0; i < report->nodes.count; i++)
			count += nodes[i].state == state;
		TRY(buf_add_format(to, e, "%s{state=\"%s\"} %zu\n", name,
		                   node_state_name((enum node_state)state), count));
	}
	return 0;
}

static int add_attested(const struct watch *w, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_last_verified_timestamp_seconds";

	TRY(head(to, name, "gauge", "When the node's document verified last; 0: never.", e));
	for (size_t i = 0; i < w->cluster->node_count; i++) {
		TRY(buf_add_format(to, e, "%s{node=\"", name));
		TRY(add_label(to, w->cluster->nodes[i].name, e));
		TRY(buf_add_format(to, e, "\"} %.3f\n",
		                   (double)w->nodes[i].attested_unix_ms / 1000));
	}
	return 0;
}

static int add_regions(const struct cluster_report *report, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_region_distance_to_ceremony";
	const struct region_report *regions = report->regions.items;

	TRY(head(to, name, "gauge", "Losses until no node of the region holds the key.", e));
	for (size_t i = 0; i < report->regions.count; i++) {
		TRY(buf_add_format(to, e, "%s{region=\"", name));
		TRY(add_label(to, buf_text(&regions[i].name), e));
		TRY(buf_add_format(to, e, "\"} %lld\n", (long long)regions[i].distance));
	}
	return 0;
}

static int add_forwards(const struct watch_stats *s, struct buf *to, struct err *e)
{
	static const int64_t bounds_ms[FORWARD_BOUND_COUNT] = FORWARD_BOUNDS_MS;
	static const char name[] = "teectl_watch_forward_duration_seconds";

	TRY(head(to, name, "histogram", "How long forwards took.", e));
	for (size_t i = 0; i < FORWARD_BOUND_COUNT; i++)
		TRY(buf_add_format(to, e, "%s_bucket{le=\"%g\"} %llu\n", name,
		                   (double)bounds_ms[i] / 1000,
		                   (unsigned long long)s->forwards_up_to[i]));
	return buf_add_format(to, e, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n",
	                      name, (unsigned long long)s->forwards, name,
	                      (double)s->forward_us / 1000000, name,
	                      (unsigned long long)s->forwards);
}

static int add_heals(const struct watch_stats *s, struct buf *to, struct err *e)
{
	static const char name[] = "teectl_watch_heals_total";

	TRY(head(to, name, "counter", "Nodes that were healed, and steps of heals that failed.",
	         e));
	TRY(buf_add_format(to, e, "%s{outcome=\"done\"} %llu\n%s{outcome=\"failed\"} %llu\n", name,
	                   (unsigned long long)s->heals_done, name,
	                   (unsigned long long)s->heals_failed));
	return one(to, "teectl_watch_forwards_total", "counter", "Forwards of the quorum key.",
	           (int64_t)s->forwards, e);
}

static int add_info(const struct watch *w, const char *version, struct buf *to, struct err *e)
{
	TRY(head(to, "teectl_watch_info", "gauge", "What watches what.", e));
	TRY(buf_add_text(to, "teectl_watch_info{cluster=\"", e));
	TRY(add_label(to, w->cluster->name, e));
	return buf_add_format(to, e, "\",version=\"%s\"} 1\n", version);
}

static int add_counts(const struct watch *w, struct buf *to, struct err *e)
{
	const struct cluster_report *r = &w->report;
	int64_t quarantined = 0;

	for (size_t i = 0; i < w->cluster->node_count; i++)
		quarantined += w->nodes[i].is_quarantined;
	TRY(one(to, "teectl_watch_ready", "gauge", "Nodes that have the key.", r->ready_count, e));
	TRY(one(to, "teectl_watch_verified", "gauge", "Nodes whose document verifies.",
	        r->verified_count, e));
	TRY(one(to, "teectl_watch_quarantined", "gauge",
	        "Nodes whose document does not verify: neither source nor target.", quarantined,
	        e));
	TRY(one(to, "teectl_watch_keep_ready", "gauge", "Nodes that must have the key.",
	        w->cluster->keep_ready, e));
	/* Before there is a key nobody can lose it. */
	if (r->has_distance)
		TRY(one(to, "teectl_watch_distance_to_ceremony", "gauge",
		        "Losses left until people are needed; below 0: they are.", r->distance, e));
	return one(to, "teectl_watch_leader", "gauge", "Whether this watcher heals.", w->is_leader,
	           e);
}

int watch_metrics_format(const struct watch *w, const char *version, struct buf *to, struct err *e)
{
	TRY(add_info(w, version, to, e));
	TRY(add_counts(w, to, e));
	TRY(add_states(&w->report, to, e));
	TRY(add_regions(&w->report, to, e));
	TRY(add_attested(w, to, e));
	TRY(add_heals(&w->stats, to, e));
	TRY(add_forwards(&w->stats, to, e));
	TRY(one(to, "teectl_watch_reattest_failures_total", "counter",
	        "Documents that were refused.", (int64_t)w->stats.reattest_failures, e));
	TRY(one(to, "teectl_watch_rounds_total", "counter", "Rounds of the loop.",
	        (int64_t)w->stats.rounds, e));
	TRY(head(to, "teectl_watch_last_round_timestamp_seconds", "gauge",
	         "When the last round ended.", e));
	return buf_add_format(to, e, "teectl_watch_last_round_timestamp_seconds %.3f\n",
	                      (double)w->stats.last_round_ms / 1000);
}

#include "orchestrate/distance.h"

#include <stdio.h>
#include <string.h>

static int region_of(struct cluster_report *report, const char *name, struct region_report **ret,
                     struct err *e)
{
	struct region_report *regions = report->regions.items;

	for (size_t i = 0; i < report->regions.count; i++)
		if (strcmp(buf_text(&regions[i].name), name) == 0) {
			*ret = &regions[i];
			return 0;
		}
	TRY(wire_list_add(&report->regions, &region_report_schema, ret, e));
	return wire_set_text(&(*ret)->name, name, e);
}

/* One that holds an older manifest of this cluster gives the key on, as in an upgrade. */
static bool is_holder(const struct run *r, const struct node_report *n)
{
	bool is_old_holder = n->state == NODE_OLD && node_has_key(&r->seen, n->index) &&
	                     (n->key_proved || !r->options.is_watch);

	return n->verified && (n->state == NODE_READY || is_old_holder);
}

static int count_regions(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;

	for (size_t i = 0; i < report->nodes.count; i++) {
		const char *name =
		    cluster_node_label(&r->cluster->nodes[nodes[i].index], REGION_LABEL);
		struct region_report *region;

		if (!name)
			continue;
		TRY(region_of(report, name, &region, e));
		region->node_count++;
		region->holder_count += is_holder(r, &nodes[i]);
		region->distance = distance_of(region->holder_count);
	}
	return 0;
}

int distance_fill(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;

	report->keep_ready = r->cluster->keep_ready;
	report->has_distance = r->seen.has_genesis && !r->options.chosen && !r->options.only;
	if (!report->has_distance)
		return 0;
	for (size_t i = 0; i < report->nodes.count; i++)
		report->holder_count += is_holder(r, &nodes[i]);
	report->distance = distance_of(report->holder_count);
	return count_regions(r, report, e);
}

bool distance_is_short(const struct cluster_report *report)
{
	return report->has_distance && report->holder_count < report->keep_ready;
}

void distance_format(const struct cluster_report *report, char *to, size_t size)
{
	char below[80] = "";

	if (distance_is_short(report))
		snprintf(below, sizeof(below), "; below keepReady: %lld of %lld hold the key",
		         (long long)report->holder_count, (long long)report->keep_ready);
	if (report->distance < 0)
		snprintf(to, size, "people are needed: no TEE has shown the quorum key%s", below);
	else if (report->distance == 0)
		snprintf(to, size, "no loss is left until people are needed%s", below);
	else
		snprintf(to, size, "%lld loss%s left until people are needed%s",
		         (long long)report->distance, report->distance == 1 ? " is" : "es are",
		         below);
}

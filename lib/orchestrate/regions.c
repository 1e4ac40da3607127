#include "orchestrate/regions.h"

#include <stdlib.h>
#include <string.h>

void regions_drop(struct regions *r)
{
	free(r->of);
	*r = (struct regions){ 0 };
}

static bool is_any_labelled(const struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->node_count; i++)
		if (cluster_node_label(&cluster->nodes[i], REGION_LABEL))
			return true;
	return false;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* In the order in which the nodes name them. */
static int find(struct regions *r, const char *name, uint16_t *ret, struct err *e)
{
	size_t i = 0;

	while (i < r->count && !same(r->names[i], name))
		i++;
	if (i == REGIONS_MAX)
		return err_set(e, ERR_CONFIG, "more than %d values of the label '%s'", REGIONS_MAX,
		               REGION_LABEL);
	if (i == r->count)
		r->names[r->count++] = name;
	*ret = (uint16_t)i;
	return 0;
}

int regions_find(const struct cluster *cluster, struct regions *ret, struct err *e)
{
	AUTO(regions) struct regions r = { 0 };

	if (!is_any_labelled(cluster)) {
		*ret = (struct regions){ .count = 1 };
		return 0;
	}
	r.of = calloc(cluster->node_count, sizeof(*r.of));
	if (!r.of)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", cluster->node_count);
	for (size_t i = 0; i < cluster->node_count; i++)
		TRY(find(&r, cluster_node_label(&cluster->nodes[i], REGION_LABEL), &r.of[i], e));
	*ret = MOVE(r);
	return 0;
}

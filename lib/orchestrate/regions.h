/* Where the nodes stand: their label `region`. Those without one stand together. */
#ifndef TEECTL_ORCHESTRATE_REGIONS_H
#define TEECTL_ORCHESTRATE_REGIONS_H

#include "cluster/config.h"

/* The key enters each once; whoever looks for a source walks them all. */
#define REGIONS_MAX 255

struct regions {
	uint16_t *of; /* one a node; NULL: no node has the label, all are in one */
	size_t count; /* >= 1 */
	/* As the labels have them, borrowed from the cluster; NULL: of those without. */
	const char *names[REGIONS_MAX];
};

/* fails  ERR_CONFIG: there are more than REGIONS_MAX */
MUST_CHECK int regions_find(const struct cluster *cluster, struct regions *ret, struct err *e);
void regions_drop(struct regions *r);

#endif

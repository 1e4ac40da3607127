/* The key's way in a plan: which topology it comes to, which nodes take part, in which regions, and
 * who gives the key to whom in which round if all takes equally long. Pure. */
#ifndef TEECTL_ORCHESTRATE_WAY_H
#define TEECTL_ORCHESTRATE_WAY_H

#include "orchestrate/observe.h"
#include "orchestrate/sources.h"

struct way {
	enum topology topology; /* what TOPOLOGY_AUTO came to */
	size_t parallel;
	/* The nodes that take part, source first; those of them that have the key are sources. */
	size_t *order;
	size_t order_count;
	uint16_t *regions; /* one a node of the cluster; NULL: all in one */
	size_t region_count;
	unsigned rounds; /* as foretold */
};

void way_drop(struct way *w);
/* Where the file leaves it open: a chain of few nodes, a tree of more. */
enum topology way_topology(enum topology wanted, size_t nodes);
/* ret  zeroed, but for its regions; its order has room for all nodes */
MUST_CHECK int way_choose(const struct cluster *cluster, const struct observation *seen,
                          enum topology wanted, struct way *ret, struct err *e);
/* All nodes in the order in which they want the key: the file's; where the file leaves the way open
 * and it is a tree, those that answered soonest come first.
 *
 * ret  the caller frees it */
MUST_CHECK int way_visits(enum topology wanted, const struct way *way,
                          const struct observation *seen, size_t **ret, struct err *e);
/* One more node that takes part, in this place. */
void way_add(struct way *w, size_t node);

struct plan;

/* The way as sources.h takes it. plan is borrowed. */
struct sources_options plan_sources(const struct plan *plan, size_t node_count);
/* Tells s who has the key to begin with. Returns how many have. */
size_t plan_first_sources(const struct plan *plan, const struct observation *seen,
                          struct sources *s);
/* Fills in source and round of each forward, as execute.c walks the way when all takes equally
 * long, and the number of rounds. */
MUST_CHECK int way_foretell(struct plan *plan, const struct observation *seen, struct err *e);

#endif

/* Enclaves that this state has launched, that still run, and that the cluster file no longer has: a
 * node that was taken out of it, or is now reached by a url. Nobody asks them anything, and they
 * may hold the quorum key. */
#ifndef TEECTL_CLUSTER_ORPHANS_H
#define TEECTL_CLUSTER_ORPHANS_H

#include "cluster/state.h"

struct orphan {
	char name[CLUSTER_NAME_MAX + 1]; /* that it had in the file */
	int pid;                         /* of its hypervisor */
};
struct orphans {
	struct orphan *items; /* by pid */
	size_t count;
};
void orphans_drop(struct orphans *o);

/* ret: zeroed; the caller drops it. fails  ERR_DATA: there are more than CLUSTER_NODES_MAX */
MUST_CHECK int orphans_find(const struct cluster *c, const struct state *s, struct orphans *ret,
                            struct err *e);

#endif

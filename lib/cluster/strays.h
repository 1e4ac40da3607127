/* Hypervisors that run here with the path of this state folder and that it does not know: it was
 * lost, or replaced, while they went on. Their enclaves may hold a key that it knows nothing of. */
#ifndef TEECTL_CLUSTER_STRAYS_H
#define TEECTL_CLUSTER_STRAYS_H

#include "cluster/state.h"

#define STRAYS_MAX 8 /* pids that are named; a person reads no more */

struct strays {
	int pids[STRAYS_MAX];
	size_t count; /* also those without a place in pids */
};

/* Those of other users, and what can't be read, are not found. ret: replaced */
void strays_find(const struct cluster *c, const struct state *s, struct strays *ret);
/* Of /proc/PID/cmdline: the folder of its PKI, borrowed, where it is a hypervisor's; else NULL. */
const char *stray_pki(struct view cmdline);

#endif

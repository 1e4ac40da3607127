/* What of the state is kept in etcd, where the cluster file names it (state.etcd), as a run
 * believes it: cluster/shared.h with orchestrate/believe.h as its judge. */
#ifndef TEECTL_ORCHESTRATE_SHARING_H
#define TEECTL_ORCHESTRATE_SHARING_H

#include "cluster/shared.h"

/* The file names a member. */
MUST_CHECK int sharing_open(const struct cluster *c, struct etcd **ret, struct err *e);

struct sharing {
	const struct cluster *cluster; /* borrowed, as etcd is */
	struct etcd *etcd;
	const char *state_folder; /* NULL: beside the cluster file */
	int interrupt_fd;
};
/* Both ways, for a watch. fails  as shared_sync; STATE_NO_ROOT: nothing here says whose documents
 * are believed, so what etcd keeps can't be judged */
MUST_CHECK int sharing_sync(const struct sharing *s, struct err *e);

/* At the end of a run that has changed what is shared; where the file names no etcd it does
 * nothing. fails  as shared_push */
MUST_CHECK int sharing_push(const struct cluster *c, const struct state *state, int interrupt_fd,
                            struct err *e);

/* Does that member of the file's answer, and let us read? */
MUST_CHECK int sharing_ask(const struct cluster *c, size_t member, int interrupt_fd, struct err *e);

#endif

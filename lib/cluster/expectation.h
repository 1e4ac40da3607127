/* cluster_measure_here, begun before it is needed: to measure an image and its libraries takes the
 * time of some forwards (30 ms for 15 MB), which goes by while the nodes are asked. */
#ifndef TEECTL_CLUSTER_EXPECTATION_H
#define TEECTL_CLUSTER_EXPECTATION_H

#include "cluster/expect.h"

#include <sys/types.h>

/* Zeroed: none was begun. */
struct expectation {
	pid_t pid; /* of the child that measures */
	int fd;    /* what it says */
};

/* Measures in a process of its own from now on, where there is an image. Of a program with one
 * thread alone. Where no process can be had, nothing is begun. ret: zeroed */
void expectation_begin(const struct cluster *c, struct expectation *ret);
/* What cluster_measure_here says, which is asked now if nothing was begun, or nothing came of it.
 * Once: afterwards it is zeroed. */
MUST_CHECK int expectation_take(struct expectation *x, const struct cluster *c, struct pcr_set *ret,
                                struct err *e);
/* Would expectation_take wait? */
bool expectation_is_awaited(const struct expectation *x);
/* Ends the child. */
void expectation_drop(struct expectation *x);

#endif

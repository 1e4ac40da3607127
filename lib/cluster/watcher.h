/* That a watch lives on a state folder: it holds STATE/watch for its life, with its pid in it. Who
 * stops a node learns from it that the node is launched again. */
#ifndef TEECTL_CLUSTER_WATCHER_H
#define TEECTL_CLUSTER_WATCHER_H

#include "cluster/state.h"

/* *fd: -1, or what was held already. It stays -1 where the folder is not there yet, can't be
 * written to, or another watch is on it: the caller tries again. */
void watcher_hold(const struct state *s, int *fd);
/* The pid of the watch that lives on the folder; 0: none does, -1: it has not said yet. */
int watcher_pid(const struct state *s);

#endif

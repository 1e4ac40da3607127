/* Shared state: the files of the state folder that every watcher of a cluster needs (genesis output
 * and document, manifests, encrypted shares), kept in etcd beside the folder, which stays the
 * default and a cache. What differs is settled by the manifests: whoever has the other's current
 * one among his own has gone on from it. Nothing is overwritten that somebody else wrote meanwhile.
 *
 * What comes from etcd is as little believed as the folder itself, and whoever writes to etcd may
 * be anybody. It is laid out beside what is here and judged there, before anything of the folder
 * changes; and then manifests are added and the current one is another, and that is all: a genesis,
 * a key or a share that is here is never overwritten. Roots and keys are never shared. */
#ifndef TEECTL_CLUSTER_SHARED_H
#define TEECTL_CLUSTER_SHARED_H

#include "client/etcd.h"
#include "cluster/state.h"

enum shared_move {
	SHARED_NOTHING,
	SHARED_PUSH,
	SHARED_PULL,
	SHARED_CONFLICT /* two quorums, or two lines of manifests */
};

/* Pure. local, remote  of etcd_item_schema: names of files as in the folder, and their contents */
enum shared_move shared_decide(const struct wire_list *local, const struct wire_list *remote);
/* Is it a file that is shared? */
bool shared_is_name(struct view name);

/* Would a run believe what is kept there, and would it go on to it from what its own state keeps?
 *
 * kept  laid out as a state's folder
 * own   the state; the same as kept where its own is judged, before it is given to others */
struct shared_judge {
	int (*judge)(const void *context, const struct state *kept, const struct state *own,
	             struct err *e);
	const void *context;
};

/* Where it is kept, and who judges it; borrowed. */
struct shared_place {
	struct etcd *etcd;
	const char *prefix; /* of the keys, "teectl/NAME/state/" */
	struct shared_judge judge;
	/* Readable: the user wants to stop: ERR_INTERRUPTED; -1: none. It is not read from. */
	int interrupt_fd;
};

/* Makes the move that is due.
 *
 * fails  ERR_DATA: conflict; ERR_TRY_AGAIN: somebody writes at the same time, or holds the lock, or
 *        it takes too long: the next sync goes on; or as the judge */
MUST_CHECK int shared_sync(const struct shared_place *place, const struct cluster *c,
                           const char *folder_or_null, enum shared_move *ret_done, struct err *e);
/* Of a run that has changed its state, with what others have changed as well: approvals of the
 * current manifest. fails  the same; ERR_NOT_DESIRED: what etcd keeps has gone on from it */
MUST_CHECK int shared_push(const struct shared_place *place, const struct state *s, struct err *e);

#endif

/* Observe: what is there, as every node says of itself in /status, and what the state has kept.
 * What a node says is a claim; step_verify.c asks for proof. */
#ifndef TEECTL_ORCHESTRATE_OBSERVE_H
#define TEECTL_ORCHESTRATE_OBSERVE_H

#include "client/client.h"
#include "cluster/launcher.h"

enum presence {
	NODE_ABSENT,      /* launched here, and not running */
	NODE_UNREACHABLE, /* no answer */
	NODE_PRESENT,
};

struct node_seen {
	enum presence presence;
	struct err why; /* of the first two */
	char *url;      /* NULL when absent */
	struct status_reply status;
};

struct observation {
	struct node_seen *nodes; /* as cluster->nodes */
	size_t count;
	bool has_genesis;
	struct kept_genesis genesis;
};

void observation_drop(struct observation *o);

/* How long, and who may end it. */
struct look {
	int64_t timeout_ms, deadline_ms; /* of each answer; of all */
	int interrupt_fd;                /* as client_run has these three */
	bool (*on_interrupt)(void *context);
	void *context;
};

/* Asks all nodes at once, and each one once. A node that does not answer is part of the answer, not
 * a failure. */
MUST_CHECK int observe(const struct cluster *cluster, const struct state *state,
                       struct client *client, const struct look *look, struct observation *ret,
                       struct err *e);

enum standing {
	STANDS_APART,    /* absent or unreachable */
	STANDS_EMPTY,    /* no manifest */
	STANDS_WAITING,  /* this cluster's manifest, no key yet */
	STANDS_READY,    /* this cluster's manifest and key */
	STANDS_OCCUPIED, /* another manifest or quorum key: never forwarded to or from */
	STANDS_BROKEN,   /* UnrecoverableError */
};

/* What a node claims, seen from this cluster. */
enum standing node_standing(const struct observation *o, size_t node);
enum phase node_phase(const struct observation *o, size_t node); /* of a present one */

#endif

/* Observe: what is there, as every node says of itself in /status, and what the state has kept.
 * What a node says is a claim; step_verify.c asks for proof. */
#ifndef TEECTL_ORCHESTRATE_OBSERVE_H
#define TEECTL_ORCHESTRATE_OBSERVE_H

#include "client/client.h"
#include "cluster/launcher.h"

enum presence {
	NODE_ABSENT,      /* launched here, and not running */
	NODE_UNREACHABLE, /* no answer */
	NODE_STRAY, /* its address answers, but not from an enclave that this state launched */
	NODE_PRESENT,
};

struct node_seen {
	enum presence presence;
	struct err why; /* of all but the last */
	char *url;      /* NULL when absent or a stray */
	struct status_reply status;
};

struct observation {
	struct node_seen *nodes; /* as cluster->nodes */
	size_t count;
	bool has_genesis;
	struct kept_genesis genesis;
};

void observation_drop(struct observation *o);

struct observe_options {
	unsigned attempts;  /* of each question; 0: the client's own number */
	int64_t timeout_ms; /* of each attempt */
	int64_t deadline_ms;
	const size_t *only; /* NULL: all nodes; else the one that is asked */
	int interrupt_fd;   /* client.h */
	bool (*on_interrupt)(void *context);
	void *interrupt_context;
};

/* Asks the nodes at once. A node that does not answer is part of the answer, not a failure. */
MUST_CHECK int observe(const struct cluster *cluster, const struct state *state,
                       struct client *client, const struct observe_options *options,
                       struct observation *ret, struct err *e);

enum standing {
	STANDS_APART,    /* absent or unreachable */
	STANDS_EMPTY,    /* no manifest */
	STANDS_WAITING,  /* this cluster's manifest, no key yet */
	STANDS_READY,    /* this cluster's manifest and key */
	STANDS_OCCUPIED, /* another manifest or quorum key: never forwarded to or from */
	STANDS_BROKEN,   /* UnrecoverableError */
};

/* There was a genesis, and no node that answers has the key, or waits for the shares that make it.
 * Not so while one is unreachable: it may hold the key. */
#define OBSERVATION_LOST_TEXT                                                                                    \
	"no TEE has the quorum key of '%s' any more, and none waits for shares; this version can't "             \
	"bring it back from the shares: keep the state folder and the members' keys; for a new key use another " \
	"metadata.name, or another --state"
bool observation_is_lost(const struct observation *o);

/* What a node claims, seen from this cluster. */
enum standing node_standing(const struct observation *o, size_t node);
enum phase node_phase(const struct observation *o, size_t node); /* of a present one */

#endif

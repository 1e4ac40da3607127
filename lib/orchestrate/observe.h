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
	bool is_silent; /* it may have heard the question, and said nothing in the time there was */
	int64_t rtt_us; /* of a present one: a round trip, and what it took to answer; 0: unknown */
};

struct observation {
	struct node_seen *nodes; /* as cluster->nodes */
	size_t count;
	int64_t asked_ms; /* monotonic: when */
	bool has_genesis;
	struct kept_genesis genesis; /* with the current manifest */
	struct kept_manifests older; /* those that were current before */
};

void observation_drop(struct observation *o);

struct observe_options {
	unsigned attempts;  /* of each question; 0: the client's own number */
	int64_t timeout_ms; /* of each attempt */
	int64_t deadline_ms;
	bool is_cut_short;  /* deadline_ms is the whole command's: who has not answered by then is
	                     * not unreachable, the time was too short */
	const size_t *only; /* NULL: all nodes; else the one that is asked */
	const bool *chosen; /* NULL: all nodes; else one flag a node: those that are asked */
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
	STANDS_OLD,      /* a manifest that was this cluster's before: to be upgraded */
	STANDS_OCCUPIED, /* another manifest or quorum key: never forwarded to or from */
	STANDS_BROKEN,   /* UnrecoverableError */
};

/* The manifest of this cluster that has the hash: the current one, or an older. NULL: none has. */
const struct manifest *observation_manifest(const struct observation *o, struct view hash);

/* The hash of the one that the node says it holds, and signs its receipts under; of the current one
 * where that is none of this cluster's. */
struct hash256 node_manifest(const struct observation *o, size_t node);

/* There was a genesis, and no node that answers has the key, or waits for the shares that make it.
 * Not so while one is unreachable: it may hold the key. */
#define OBSERVATION_KEY_LOST "key-lost" /* the reason of that error */
#define OBSERVATION_LOST_TEXT                                                                      \
	"no TEE of this file has the quorum key of '%s' any more, and none waits for shares; the " \
	"members' shares bring it back"
bool observation_is_lost(const struct observation *o);
/* Has a node the key, or may have it since it does not answer, or waits for the shares that make
 * it? */
bool observation_may_have_key(const struct observation *o);
bool node_may_have_key(const struct observation *o, size_t node);

/* Would the key be gone with these nodes? They have it, or may have it since they do not answer,
 * and no other node claims to have it.
 *
 * leaving  one flag a node */
bool observation_goes_with(const struct observation *o, const bool *leaving);

/* The command's own deadline came before its answer: reason of that ERR_TRY_AGAIN. */
#define OBSERVATION_LATE "deadline"
bool node_is_late(const struct observation *o, size_t node);

/* What a node claims, seen from this cluster. */
enum standing node_standing(const struct observation *o, size_t node);
/* Can the key be forwarded from it? Also under an older manifest, to the current one. */
bool node_has_key(const struct observation *o, size_t node);
enum phase node_phase(const struct observation *o, size_t node); /* of a present one */
/* In a genesis that nothing is kept of here: one whose run died, or another cluster's. */
bool node_is_in_genesis(const struct observation *o, size_t node);
/* It has this cluster's manifest, and members' shares would bring it the key. */
bool node_waits_for_shares(const struct observation *o, size_t node);

#endif

/* One run of a verb: the cluster, what is known of it, the client, and who is told what happens. */
#ifndef TEECTL_ORCHESTRATE_RUN_H
#define TEECTL_ORCHESTRATE_RUN_H

#include "attest/document.h"
#include "orchestrate/plan.h"

enum event_kind {
	EVENT_STEP_STARTED,
	EVENT_STEP_DONE,
	EVENT_STEP_FAILED,
	EVENT_RETRY,
	EVENT_NOTE, /* something a person should know: a share that was wrong, say */
};

/* What happens, while it happens: cmd/ prints it. */
struct event {
	enum event_kind kind;
	const char *step; /* "forward" */
	const char *node;
	const char *text; /* "from tee1, 12 ms"; of a failure the error's text */
	const struct err *failure;
	int64_t elapsed_us;
};

struct run_options {
	const char *state_folder; /* NULL: beside the cluster file */
	const char *verb;
	bool to_change;     /* takes the state's lock */
	int64_t timeout_ms; /* of the whole run */
	const size_t *only; /* the one node that this run is about; NULL: all */
	int interrupt_fd;   /* -1: none; client.h */
	bool (*on_interrupt)(void *context);
	void *interrupt_context;
	void (*on_event)(void *context, const struct event *event);
	void *event_context;
};

/* What an attestation document proved of a node. */
enum holding {
	HOLDS_UNKNOWN,   /* nothing has been proved */
	HOLDS_NOTHING,   /* no manifest */
	HOLDS_SETUP_KEY, /* this cluster's manifest and a committed setup key: it waits for the key
	                  */
	HOLDS_KEY,       /* this cluster's manifest, setup key wiped: provisioned */
};

struct node_proof {
	enum holding holding;
	bool is_refused;
	struct err refusal;          /* why it is not verified */
	struct public_key setup_key; /* of HOLDS_SETUP_KEY */
	struct hash256 module;       /* SHA-256 of the module_id: an NSM's own, a TEE has one */
	int64_t timestamp_ms;
	bool is_debug;
	bool has_key_proof; /* prove-key, verified with the quorum public key */
};

struct run {
	const struct cluster *cluster;
	struct run_options options;
	struct state state;
	struct client *client;
	int64_t deadline_ms; /* of the steps: what is left of the timeout is the last look's */
	int64_t look_ms;
	struct observation seen;
	struct node_proof *proofs; /* as cluster->nodes */
	bool has_pcrs;             /* pcrs below are set, */
	bool has_policy;           /* and root as well */
	struct buf root;
	struct pcr_set pcrs;
	bool is_interrupted;
	struct wire_list missing; /* struct alias_item: the members that are waited for */
};

#define RUN_INIT ((struct run){ .state = { .lock = -1 } })

/* Opens state and client and looks at every node. cluster is borrowed. */
MUST_CHECK int run_open(const struct cluster *cluster, const struct run_options *options,
                        struct run *ret, struct err *e);
void run_drop(struct run *r);
/* Looks again, after something has changed. ERR_INTERRUPTED when the user wants no more. */
MUST_CHECK int run_look(struct run *r, struct err *e);
void run_tell(const struct run *r, const struct event *event);
PRINTF_LIKE(3, 4) void run_note(const struct run *r, size_t node, const char *format, ...);

/* One operation at a node, from a callback of the run's client. ERR_UNREACHABLE if it has no URL.
 */
MUST_CHECK int run_exchange(struct run *r, size_t node, enum api api, const void *request,
                            client_done *on_done, void *context, struct err *e);

#endif

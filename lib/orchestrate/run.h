/* One run of a verb: the cluster, what is known of it, the client, and who is told what happens. */
#ifndef TEECTL_ORCHESTRATE_RUN_H
#define TEECTL_ORCHESTRATE_RUN_H

#include "attest/document.h"
#include "cluster/expectation.h"
#include "orchestrate/evidence.h"
#include "orchestrate/plan.h"

#define NONCE_LEN 32 /* of a document that is asked for */

struct run;

enum event_kind {
	EVENT_STEP_STARTED,
	EVENT_STEP_DONE,
	EVENT_STEP_FAILED,
	EVENT_RETRY,
	EVENT_NOTE,    /* something a person should know: a share that was wrong, say */
	EVENT_PLANNED, /* before the first step: of its plan */
};

/* What happens, while it happens: cmd/ prints it. */
struct event {
	enum event_kind kind;
	const char *step;         /* "forward"; of a retry the operation, "export-key" */
	enum step_kind step_kind; /* of EVENT_STEP_… */
	const char *node;         /* NULL: of a note about them all */
	/* Of EVENT_STEP_FAILED: "tee1, tee2", all nodes whose step fails with this sentence now. */
	const char *nodes;
	bool is_repeat;            /* node was among the nodes of an event before */
	const char *text;          /* "from tee1, 12 ms"; of a failure the error's text */
	const struct err *failure; /* of EVENT_STEP_FAILED, and of the attempt that is repeated */
	unsigned attempt;          /* of EVENT_RETRY: the one that failed */
	const struct plan *plan;   /* of EVENT_PLANNED; borrowed during the event alone */
	size_t node_index;         /* of EVENT_STEP_…: node's, in the cluster file */
	unsigned round;            /* of a forward, as foretold */
	int64_t elapsed_us;
};

/* What a run needs the image's measurement for: it is measured from the start. For programs with
 * one thread (expectation.h). */
enum run_measures {
	RUN_MEASURES_LATE,    /* for nothing that is sure: once something asks for it */
	RUN_MEASURES_TO_SEAL, /* where the pins leave something open: nothing is sealed unmeasured
	                       */
	RUN_MEASURES_IMAGE,   /* it ends with whether the image is the one that runs */
};

struct run_options {
	const char *state_folder; /* NULL: beside the cluster file */
	const char *verb;
	bool to_change; /* takes the state's lock */
	/* It asks for a proof of the key each time, so that a document that shows the setup key
	 * gone, and no more, makes no node ready; and it has told of each change as it saw it. */
	bool is_watch;
	bool is_drill; /* what it keeps is gone at its end, so that nobody is sent there */
	bool records;  /* writes evidence, though it changes nothing */
	enum run_measures measures;
	int64_t timeout_ms; /* of the whole run */
	const size_t *only; /* the one node that this run is about; NULL: all */
	/* One flag a node: those that are asked, and that the report is about; NULL: all. Set after
	 * run_open, it is of the next look and the report alone. */
	const bool *chosen;
	int interrupt_fd; /* -1: none; client.h */
	bool (*on_interrupt)(void *context);
	void *interrupt_context;
	void (*on_event)(void *context, const struct event *event);
	void *event_context;
	const struct passphrase_source *passphrases; /* of members' keys; NULL: none is asked for */
	/* While something is under way, at least every tick_ms; NULL: untold. */
	void (*on_tick)(void *context);
	int64_t tick_ms;
	/* client_options.on_exchange; NULL: untold. */
	void (*on_exchange)(void *context, const char *node, const char *operation,
	                    int64_t started_us, int64_t elapsed_us, const struct err *failure);
	/* Of those two: whoever takes the events to himself leaves these to who asked for them. */
	void *follow_context;
	/* Of a run that shares its work with others; NULL: none does. may: before a step begins,
	 * and (is_step false) before each request to a node: is this run still the one that may?
	 * on_turn: at least each turn_ms while something is under way. Neither may call the run. */
	int (*may)(void *context, bool is_step, struct err *e);
	void (*on_turn)(void *context);
	int64_t turn_ms;
	void *may_context;
	/* Of the same cluster, at rest while this one lives: its client is used, with the
	 * connections that it keeps, so that two runs need no more than one. NULL: an own one. */
	struct run *lender;
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
	struct hash256 module; /* SHA-256 of the module_id: an NSM's own, a TEE has one; also of one
	                          that was refused since two nodes have it */
	struct pcr commitment; /* PCR16 */
	int64_t timestamp_ms;
	bool is_debug;
	bool is_older;                /* it holds a manifest that was this cluster's before */
	struct hash256 manifest_hash; /* that it holds */
	bool has_key_proof;           /* prove-key, verified with the quorum public key */
};

struct run {
	const struct cluster *cluster;
	struct run_options options;
	struct state state;
	struct evidence evidence;
	struct client *client;
	int64_t deadline_ms; /* of the steps: what is left of the timeout is the last look's */
	int64_t look_ms;
	struct observation seen;
	struct node_proof *proofs; /* as cluster->nodes */
	bool has_pcrs;             /* pcrs below are set, */
	bool has_policy;           /* and root as well */
	bool may_seal;             /* policy_may_seal has said so */
	struct buf root;
	struct pcr_set pcrs;
	struct expectation expectation; /* begun where run_measures says so */
	/* Called once it would not be waited for any more; NULL: nobody asks. */
	void (*on_measured)(void *context);
	void *on_measured_context;
	bool has_measured;       /* by it: */
	struct pcr_set measured; /* what the file would launch, pins aside; policy.c's alone */
	struct buf *documents;   /* of GOAL_REQUEST, as cluster->nodes; empty: none */
	struct submission *submission; /* of GOAL_SUBMIT, the verb's own (ceremony.h) */
	bool is_interrupted;
	bool has_shared_news; /* it has changed what of the state others know by etcd (sharing.h) */
	struct wire_list missing; /* struct alias_item: the members that are waited for */
};

#define RUN_INIT ((struct run){ .state = { .lock = -1 }, .evidence = EVIDENCE_INIT })

/* Why a node is not running that has retired, by its name. */
#define RUN_RETIRED_TEXT "%s has retired and was stopped: teectl up starts it anew"

/* Opens state and client and looks at every node. cluster is borrowed. */
MUST_CHECK int run_open(const struct cluster *cluster, const struct run_options *options,
                        struct run *ret, struct err *e);
void run_drop(struct run *r);
/* to: RUN_INIT. Its client tells the run at the new place what happens. */
void run_move(struct run *from, struct run *to);
/* Looks again, after something has changed. ERR_INTERRUPTED when the user wants no more. */
MUST_CHECK int run_look(struct run *r, struct err *e);
/* The files of a client's side of TLS, each NULL where it is not named: libcurl would say at each
 * request what is wrong with them. section: of the cluster file, "tls".
 * fails  ERR_NO_INPUT: one is not there; ERR_DATA: others may read the key, or it is not the
 *        certificate's; as path_check_guarded */
MUST_CHECK int run_check_credentials(const char *section, const char *ca, const char *cert,
                                     const char *key, struct err *e);
/* What the node answered to /status in the middle of a run: steps that follow need it. */
void run_take_status(struct run *r, size_t node, struct status_reply *answer);
void run_tell(const struct run *r, const struct event *event);
PRINTF_LIKE(3, 4) void run_note(const struct run *r, size_t node, const char *format, ...);

/* One operation at a node, from a callback of the run's client. ERR_UNREACHABLE if it has no URL.
 */
MUST_CHECK int run_exchange(struct run *r, size_t node, enum api api, const void *request,
                            client_done *on_done, void *context, struct err *e);
/* The same, of what is only to be sent while may says so: each time, as it goes out. */
MUST_CHECK int run_exchange_while(struct run *r, size_t node, enum api api, const void *request,
                                  client_may *may, client_done *on_done, void *context,
                                  struct err *e);
/* The same of whatever else an exchange says but whom it is with. */
MUST_CHECK int run_exchange_as(struct run *r, size_t node, const struct client_exchange *exchange,
                               struct err *e);
/* A live attestation document, asked for with a fresh nonce, which is the caller's to compare. */
MUST_CHECK int run_ask_document(struct run *r, size_t node, uint8_t ret_nonce[static NONCE_LEN],
                                client_done *on_done, void *context, struct err *e);
/* The same of an operation without a body: "from=7" behind its path. */
MUST_CHECK int run_query(struct run *r, size_t node, enum api api, const char *query,
                         client_done *on_done, void *context, struct err *e);

#endif

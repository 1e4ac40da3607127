/* libteectl: brings a quorum key into a cluster of trusted execution environments.
 *
 * The cluster file says what the cluster should be (teectl-cluster(5)); each call here brings it
 *one stage on, verifying every attestation on the way, and does nothing when nothing is missing.
 *The library never prints, never exits, and never holds the quorum key: what it relays is sealed
 *from one attested enclave to the next.
 *
 *	struct teectl_error e;
 *	struct teectl *cluster = teectl_open("cluster.yaml", &e);
 *
 *	if (!cluster || teectl_up(cluster, &e) < 0 || teectl_genesis(cluster, &e) < 0 ||
 *	    teectl_inject(cluster, &e) < 0 || teectl_propagate(cluster, &e) < 0 ||
 *	    teectl_verify(cluster, &e) < 0)
 *		fprintf(stderr, "%s\n", e.text);
 *	teectl_close(cluster);
 *
 * A struct teectl is for one thread at a time. Calls return 0, or -1 with the error filled in. */
#ifndef TEECTL_H
#define TEECTL_H

#ifdef __cplusplus
extern "C" {
#endif

struct teectl; /* an open cluster */

struct teectl_error {
	int status;      /* the exit status that the teectl program would give: teectl(1) */
	char name[24];   /* "attestation", "waiting", "unreachable", …: stable */
	char reason[48]; /* which check: "pcr0", "chain:time@2"; or empty */
	char text[480];  /* one sentence for a person */
};

enum teectl_event_kind {
	TEECTL_STARTED,
	TEECTL_DONE,
	TEECTL_FAILED,
	TEECTL_RETRY,
	TEECTL_NOTE,
};

/* Valid during the callback. */
struct teectl_event {
	enum teectl_event_kind kind;
	const char *step; /* "launch", "verify", "genesis", "inject", "forward", "prove"; or NULL */
	const char *node;
	const char *text;
	long long elapsed_us;
};

/* Reads the cluster file. Free with teectl_close. NULL on failure. */
struct teectl *teectl_open(const char *cluster_file, struct teectl_error *error);
void teectl_close(struct teectl *cluster);

/* The deadline of each call, in milliseconds; five minutes unless told otherwise. */
void teectl_set_timeout(struct teectl *cluster, long long timeout_ms);
/* Told what happens while it happens. */
void teectl_set_observer(struct teectl *cluster,
                         void (*on_event)(void *context, const struct teectl_event *event),
                         void *context);

/* Launches and verifies; a quorum key is born in the source; the members' shares that are here are
 * injected; the key is forwarded along the chain; every node proves. */
int teectl_up(struct teectl *cluster, struct teectl_error *error);
int teectl_genesis(struct teectl *cluster, struct teectl_error *error);
int teectl_inject(struct teectl *cluster, struct teectl_error *error);
/* After every TEE that had the key is lost: back from the members' shares, on a fresh one. */
int teectl_recover(struct teectl *cluster, struct teectl_error *error);
int teectl_propagate(struct teectl *cluster, struct teectl_error *error);
int teectl_verify(struct teectl *cluster, struct teectl_error *error);
int teectl_down(struct teectl *cluster, struct teectl_error *error);

/* One forward, from a node that has the key to one that does not. */
int teectl_share_quorum_key(struct teectl *cluster, const char *source, const char *target,
                            struct teectl_error *error);

/* What `teectl status -o json` prints: a NUL-terminated string for free(). NULL on failure. */
char *teectl_status(struct teectl *cluster, struct teectl_error *error);

const char *teectl_version(void);

#ifdef __cplusplus
}
#endif

#endif

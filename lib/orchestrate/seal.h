/* What a member does with a request for shares (proto/request.h), on a machine without network: all
 * checks of design.md's "Trust" against his own copy of the cluster file, then his share, opened,
 * compared and sealed to every TEE in it, and signed. A share is in the clear in locked memory
 * only. */
#ifndef TEECTL_ORCHESTRATE_SEAL_H
#define TEECTL_ORCHESTRATE_SEAL_H

#include "cluster/match.h"
#include "cluster/seen.h"
#include "orchestrate/believe.h"
#include "proto/share_bundle.h"

struct seal_input {
	const struct cluster *cluster;
	const struct state *state; /* of the simulated root, where the file names that */
	struct view request;       /* the file's bytes */
	const char *key_path, *share_path;
	const struct public_key *quorum_key; /* NULL: none was named */
	const struct passphrase_source *passphrases;
};

/* A TEE that has been checked. */
struct seal_target {
	const char *node; /* the operator's word for it */
	struct hash256 document;
	struct public_key setup_key;
	int64_t timestamp_ms;
	bool is_debug;
};

/* All that was checked, and what is to be sealed. */
struct sealing {
	struct share_request request;
	struct hash256 request_hash, manifest_hash;
	struct public_key quorum_key;
	bool has_output, is_genesis;  /* the manifest is the one that the genesis made */
	struct genesis_output output; /* of the genesis, believed */
	struct seal_target targets[REQUEST_TARGETS_MAX];
	size_t target_count;
	struct key_set *key;
	const struct member *self; /* in the request's share set */
	struct secret share;
	struct seen seen; /* what KEY.seen will remember */
};
void sealing_drop(struct sealing *s);

/* The request alone: what it says is what the cluster file says, its genesis and its TEEs are
 * believed, and KEY.seen knows nothing that speaks against it.
 *
 * checks  struct match_row, one a check, those that passed and the one that failed
 * fails   ERR_DATA: malformed, or past its expiry (reason "expired"); ERR_REFUSED, ERR_ATTESTATION,
 *         ERR_APPROVAL: the reason names the check; ERR_NO_INPUT: nothing to compare the quorum key
 *         with */
MUST_CHECK int seal_judge(const struct seal_input *in, struct wire_list *checks,
                          struct sealing *ret, struct err *e);
/* Of a request its genesis alone, however old: what share check compares with. in: of it cluster,
 * state and request.
 * fails  as seal_judge; ERR_DATA: it has none */
MUST_CHECK int seal_genesis(const struct seal_input *in, struct genesis_output *ret, struct err *e);
/* Reads the member's key, opens his share and compares it. s: judged.
 * fails  ERR_SHARE, ERR_DATA, ERR_NO_INPUT */
MUST_CHECK int seal_open(const struct seal_input *in, struct wire_list *checks, struct sealing *s,
                         struct err *e);
/* Remembers in KEY.seen what is sealed to, then seals and signs. */
MUST_CHECK int seal_finish(const struct seal_input *in, const struct sealing *s,
                           struct share_bundle *ret, struct err *e);

#endif

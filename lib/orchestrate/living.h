/* The manifest that living TEEs hold, for who has no state: each proves the quorum key of it. */
#ifndef TEECTL_ORCHESTRATE_LIVING_H
#define TEECTL_ORCHESTRATE_LIVING_H

#include "orchestrate/run.h"

/* What says that the manifest is this cluster's, beside its namespace and its members, who are the
 * cluster file's. */
enum living_basis {
	LIVING_BY_STATE,     /* it has the quorum key that the state keeps */
	LIVING_BY_KEY,       /* the cluster file names the quorum key */
	LIVING_BY_IMAGE,     /* the TEE runs what the cluster file says */
	LIVING_BY_APPROVALS, /* as many of its manifest set as it demands have approved it */
};
extern const char *const living_basis_names[]; /* NULL-terminated */

struct living {
	size_t node;
	struct manifest_envelope envelope;
	struct hash256 hash;
	int basis;         /* enum living_basis */
	bool is_candidate; /* while it is chosen among several */
};
void living_drop(struct living *l);

/* Of one node, which must have the key, by the run's client, on which nothing may be in flight: it
 * answers prove-key with a fresh challenge, in a document under the cluster's root with that
 * manifest's hash, PCR0..3 and commitment. fails  ERR_NOT_DESIRED: it has no key; ERR_UNREACHABLE,
 * ERR_TRY_AGAIN, ERR_ACCESS; ERR_ATTESTATION; ERR_REFUSED: it has another namespace, other members
 * or another quorum key, or nothing says that it is this cluster's */
MUST_CHECK int living_ask(struct run *r, size_t node, struct living *ret, struct err *e);
/* Of all that answer and say that they have the key, the one of the highest nonce; who is refused
 * is told in a note. Of two quorum keys the one whose manifest alone is approved. fails
 * ERR_NOT_DESIRED: there is none; ERR_REFUSED: two quorum keys, or two manifests of one nonce;
 * ERR_INTERRUPTED */
MUST_CHECK int living_find(struct run *r, struct living *ret, struct err *e);

#endif

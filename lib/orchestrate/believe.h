/* What makes a genesis believed (design.md, "Trust"): the checks that teectl makes, and every
 * member for himself. No I/O but the members' public keys. */
#ifndef TEECTL_ORCHESTRATE_BELIEVE_H
#define TEECTL_ORCHESTRATE_BELIEVE_H

#include "orchestrate/policy.h"

/* Why an answer is not believed: the node had done a genesis before it was asked for this one. */
#define BELIEVE_OLDER "older-genesis"

/* The live document taken right before the question: nothing may be there yet, unless an earlier
 * run's question was answered and the answer lost (then the source holds a manifest, and the answer
 * must still not be older than that question). ret_asked_ms: the enclave's time. */
MUST_CHECK int believe_start(const struct basis *b, struct view document, struct view nonce,
                             int64_t *ret_asked_ms, struct err *e);

/* SHA-256 of the module_id of a document that has been verified: which TEE it is of. */
MUST_CHECK int believe_module(struct view document, struct hash256 *ret, struct err *e);

/* A genesis as its document attests it, and the manifest that it made. */
struct birth {
	struct view output, document;
	const struct manifest_envelope *envelope;
	int64_t asked_ms; /* the document is not older; INT64_MIN: a member can't know */
};

/* The genesis document, and that the output is what it attests, and output and manifest are what
 * the cluster file says. ERR_ATTESTATION (exit 5), the reason names the check: dr_key, share_set,
 * quorum_key, … */
MUST_CHECK int believe_birth(const struct basis *b, const struct birth *birth,
                             struct genesis_output *ret, struct err *e);
/* The genesis of a quorum whose manifest is a later one, of another image: all but PCR0..2 and the
 * manifest that it made. The manifest given, whose approvals are the caller's, must be of that
 * quorum key, that namespace, these sets and this root. What the genesis measured is nowhere known
 * any more, so who relies on the quorum key must know it. */
MUST_CHECK int believe_ancestor(const struct basis *b, const struct birth *birth,
                                struct genesis_output *ret, struct err *e);

/* believe_birth, and that everything in the reply is what is attested. */
MUST_CHECK int believe_genesis(const struct basis *b, const struct genesis_reply *reply,
                               int64_t asked_ms, struct kept_genesis *ret, struct err *e);

/* The genesis that the state has kept, as whoever looks now would have believed it: his own cluster
 * file decides, not whoever had the state folder in his hands before. Of a manifest that its set
 * has approved, as believe_ancestor, and it is a lawful successor of the one that the genesis made,
 * which is among the older ones; of any other as believe_birth. Public keys are compared as far
 * as they are here. Of a quorum that was born elsewhere there is no genesis to believe: the cluster
 * file names its key and its members' keys, all of which must be here, and the manifest set has
 * approved the manifest. */
MUST_CHECK int believe_kept(const struct basis *b, const struct kept_genesis *kept,
                            const struct kept_manifests *older, struct err *e);
/* Has a threshold of its own manifest set approved it? */
bool believe_is_adopted(const struct manifest_envelope *envelope);
/* What was believed, once more before anything is sealed: of both sets every key could be compared;
 * of a manifest that was approved one of the share set, and those of a threshold of approvals.
 * ERR_REFUSED: share_set, manifest_set */
MUST_CHECK int believe_to_seal(const struct basis *b, const struct kept_genesis *kept,
                               struct err *e);

/* The second document: this manifest, committed to with a setup key, now. nonce empty: of an answer
 * to boot-standard, which carries none. */
MUST_CHECK int believe_commitment(const struct basis *b, const struct kept_genesis *kept,
                                  struct view document, struct view nonce, struct node_proof *ret,
                                  struct err *e);

/* The answer to prove-key, whose document the caller has judged: the quorum key's signature over
 * the challenge, the manifest that the document carries, and this very document. fails
 * ERR_ATTESTATION, reason quorum_key or key-proof */
MUST_CHECK int believe_proof(const struct public_key *quorum_key,
                             const struct prove_key_reply *answer, const uint8_t challenge[32],
                             const struct hash256 *manifest_hash, struct err *e);

/* Of a genesis that was kept, and of nothing that came in since: is that what the cluster file says
 * itself, so that it was changed after the genesis? reason: of the failure */
bool believe_is_of_file(const char *reason);

#endif

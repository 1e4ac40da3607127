/* What makes a genesis believed (design.md, "Trust"): the checks that teectl makes, and every
 * member for himself. No I/O but the members' public keys. */
#ifndef TEECTL_ORCHESTRATE_BELIEVE_H
#define TEECTL_ORCHESTRATE_BELIEVE_H

#include "orchestrate/run.h"

/* The live document taken right before the question: nothing may be there yet, unless an earlier
 * run's question was answered and the answer lost (then the source holds a manifest, and the answer
 * must still not be older than that question). ret_asked_ms: the enclave's time. */
MUST_CHECK int believe_start(const struct run *r, struct view document, struct view nonce,
                             int64_t *ret_asked_ms, struct err *e);

/* The genesis document, and that everything in the reply is what it attests and what the cluster
 * file says. ERR_ATTESTATION (exit 5), the reason names the check: dr_key, share_set, quorum_key, …
 */
MUST_CHECK int believe_genesis(const struct run *r, const struct genesis_reply *reply,
                               int64_t asked_ms, struct kept_genesis *ret, struct err *e);

/* The second document: this manifest, committed to with a setup key, now. */
MUST_CHECK int believe_commitment(const struct run *r, const struct kept_genesis *kept,
                                  struct view document, struct view nonce, struct node_proof *ret,
                                  struct err *e);

#endif

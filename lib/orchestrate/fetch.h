/* One live attestation document of one node, verified, for whoever wants to keep or pass it on. */
#ifndef TEECTL_ORCHESTRATE_FETCH_H
#define TEECTL_ORCHESTRATE_FETCH_H

#include "orchestrate/policy.h"

struct fetched {
	uint8_t nonce[NONCE_LEN]; /* drawn for it */
	struct buf document;      /* as the node sent it */
	struct node_proof proof;
};
void fetched_drop(struct fetched *f);

/* Asks the node and judges as verify does (policy_judge).
 * fails  ERR_UNREACHABLE, ERR_TRY_AGAIN; ERR_ATTESTATION: refused; as policy_settle */
MUST_CHECK int fetch_document(struct run *r, size_t node, struct fetched *ret, struct err *e);

#endif

/* The step that binds an enclave to its manifest for good: PCR16 is extended with the QOS setup
 * commitment, and all PCRs are locked (formats.md 7.6). */
#ifndef TEECTL_ENCLAVE_COMMITMENT_H
#define TEECTL_ENCLAVE_COMMITMENT_H

#include "attest/nsm.h"

/* *ret_is_begun is set when a fault means that PCR16 may have moved: there is no way back then.
 * It is written also on failure. */
MUST_CHECK int commitment_make(struct nsm *nsm, const struct public_key *setup_key,
                               const struct hash256 *manifest_hash, bool *ret_is_begun,
                               struct err *e);

#endif

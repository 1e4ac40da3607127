/* The enclave's random secrets: HKDF-SHA-512 over bytes of the operating system and of the NSM, so
 * that neither alone decides (contract.md, "Entropy"). */
#ifndef TEECTL_ENCLAVE_ENTROPY_H
#define TEECTL_ENCLAVE_ENTROPY_H

#include "attest/nsm.h"
#include "crypto/entropy.h"

#define ENTROPY_SOURCE_LEN 64 /* bytes of each source: the output of the HMAC that extracts */

struct entropy enclave_entropy(struct nsm *nsm);
/* What both sources give together. */
MUST_CHECK int entropy_mix(const uint8_t system[static ENTROPY_SOURCE_LEN],
                           const uint8_t nsm[static ENTROPY_SOURCE_LEN], const char *purpose,
                           size_t len, struct secret *ret, struct err *e);

#endif

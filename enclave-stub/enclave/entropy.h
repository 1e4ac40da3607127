/* The enclave's random secrets: HKDF-SHA-512 over bytes of the operating system and of the NSM, so
 * that neither alone decides (contract.md, "Entropy"). */
#ifndef TEECTL_ENCLAVE_ENTROPY_H
#define TEECTL_ENCLAVE_ENTROPY_H

#include "attest/nsm.h"
#include "crypto/entropy.h"

struct entropy enclave_entropy(struct nsm *nsm);

#endif

/* AES-256-GCM (NIST SP 800-38D). Internal: lib/crypto. */
#ifndef TEECTL_CRYPTO_GCM_H
#define TEECTL_CRYPTO_GCM_H

#include "base/secret.h"

#define GCM_KEY_LEN   32
#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN   16

/* Ciphertext and tag to to, plain.len + GCM_TAG_LEN bytes. */
MUST_CHECK int gcm_seal(struct view key, struct view nonce, struct view aad, struct view plain,
                        uint8_t *to, struct err *e);
/* sealed is ciphertext and tag, at least the latter.
 * fails  ERR_DATA with the words of refusal: another key, or changed since */
MUST_CHECK int gcm_open(struct view key, struct view nonce, struct view aad, struct view sealed,
                        const char *refusal, struct secret *ret, struct err *e);

#endif

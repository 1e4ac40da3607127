/* Keys on the two curves, with the private half in the secret arena: what key_set.c (P-256) and
 * certificate.c (P-384) share. Internal: lib/crypto and lib/attest/{cose,chain}.c. */
#ifndef TEECTL_CRYPTO_EC_H
#define TEECTL_CRYPTO_EC_H

#include "base/secret.h"
#include "crypto/entropy.h"
#include "crypto/ossl.h"

enum curve { CURVE_P256, CURVE_P384 };

/* Bytes of a coordinate, and so of a scalar and of each half of a signature. */
size_t curve_len(enum curve curve);

/* fails  ERR_DATA: not 1 + 2 * curve_len bytes, not 0x04, or not on the curve */
MUST_CHECK int ec_point_check(enum curve curve, struct view point, struct err *e);
/* fails  as ec_point_check */
MUST_CHECK int ec_public_new(enum curve curve, struct view point, EVP_PKEY **ret, struct err *e);

/* Writes the uncompressed public point to ret_point, 1 + 2 * curve_len bytes.
 * fails  ERR_DATA: not curve_len bytes, 0, or not below the order */
MUST_CHECK int ec_private_new(enum curve curve, const struct secret *scalar, EVP_PKEY **ret,
                              uint8_t *ret_point, struct err *e);
/* Draws a scalar, again while it is out of range, and makes its key as ec_private_new does. */
MUST_CHECK int ec_private_draw(enum curve curve, const struct entropy *source, const char *purpose,
                               struct secret *ret_scalar, EVP_PKEY **ret, uint8_t *ret_point,
                               struct err *e);

/* The x coordinate of the shared point, curve_len bytes. */
MUST_CHECK int ec_agree(enum curve curve, EVP_PKEY *mine, EVP_PKEY *theirs, struct secret *ret,
                        struct err *e);
/* ECDSA over a digest; r and s, 2 * curve_len bytes. */
MUST_CHECK int ec_sign(enum curve curve, EVP_PKEY *key, struct view digest, uint8_t *ret,
                       struct err *e);
/* fails  ERR_DATA: not 2 * curve_len bytes, r or s out of 1..n-1, or not this key's */
MUST_CHECK int ec_verify(enum curve curve, EVP_PKEY *key, struct view digest, struct view signature,
                         struct err *e);

#endif

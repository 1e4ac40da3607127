/* Shamir's sharing over GF(2^8) modulo x^8+x^4+x^3+x+1, byte by byte (formats.md 3).
 *
 * A share is one byte x and one byte y for each secret byte. All arithmetic runs in constant time;
 * coefficients are uniform over 0..255, the top one included. */
#ifndef TEECTL_CRYPTO_SHAMIR_H
#define TEECTL_CRYPTO_SHAMIR_H

#include "base/secret.h"
#include "crypto/entropy.h"

#define SHARES_MAX 255
#define SHARE_LEN  33 /* of a 32-byte seed */

/* Splits secret into total shares, x = 1..total in order, any threshold of which restore it.
 *
 * threshold, total   2 <= threshold <= total <= 255, else ERR_THRESHOLD
 * ret_shares         total empty structs; the caller drops each; untouched on failure
 * draws              for each secret byte threshold - 1 coefficients, lowest power first, all in
 * one draw of secret->len * (threshold - 1) bytes with purpose "shamir" */
MUST_CHECK int shamir_split(const struct secret *secret, unsigned threshold, unsigned total,
                            const struct entropy *source, struct secret *ret_shares, struct err *e);

/* Interpolates at 0 with all the shares given. Too few or a wrong one give a wrong secret and no
 * error: compare the result with what it should derive.
 *
 * fails  ERR_SHARE with reason SharingMinThreshold (fewer than 2), InvalidShare (shorter than 2
 * bytes or of unequal length), SharingInvalidIdentifier (x = 0), SharingDuplicateIdentifier */
MUST_CHECK int shamir_combine(const struct secret *shares, size_t count, struct secret *ret,
                              struct err *e);

/* What the share with number x holds, by the polynomial through those given: a share is on it
 * if its bytes after the first are these. x = 0 is the secret: shamir_combine.
 *
 * fails  as shamir_combine */
MUST_CHECK int shamir_interpolate(const struct secret *shares, size_t count, uint8_t x,
                                  struct secret *ret, struct err *e);

/* The field, for the vectors. */
uint8_t gf256_mul(uint8_t a, uint8_t b);
uint8_t gf256_inverse(uint8_t a); /* 0 for 0 */

#endif

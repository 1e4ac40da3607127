/* Digests and key derivation, all OpenSSL's. The functions fail only with ERR_INTERNAL. */
#ifndef TEECTL_CRYPTO_HASH_H
#define TEECTL_CRYPTO_HASH_H

#include "base/buf.h"
#include "base/secret.h"

struct hash256 {
	uint8_t bytes[32];
};
struct hash384 {
	uint8_t bytes[48];
};
struct hash512 {
	uint8_t bytes[64];
};

MUST_CHECK int sha256(struct view v, struct hash256 *ret, struct err *e);
MUST_CHECK int sha384(struct view v, struct hash384 *ret, struct err *e);
/* Of bytes that are mapped from a file: each slice is let go of before the next is looked at, so
 * that they are never all in memory. */
MUST_CHECK int sha384_sliced(struct view v, void (*let_go)(struct view slice), struct hash384 *ret,
                             struct err *e);
MUST_CHECK int sha512(struct view v, struct hash512 *ret, struct err *e);

/* HMAC-SHA-512 (RFC 2104); the tag may itself be a key, so it is a secret of 64 bytes. */
MUST_CHECK int hmac_sha512(struct view key, struct view message, struct secret *ret, struct err *e);
/* HKDF-SHA-512 (RFC 5869): extract and expand to len <= 255 * 64 bytes. */
MUST_CHECK int hkdf_sha512(struct view salt, struct view key, struct view info, size_t len,
                           struct secret *ret, struct err *e);
/* The expand half alone, from a pseudo-random key. */
MUST_CHECK int hkdf_expand_sha512(struct view prk, struct view info, size_t len, struct secret *ret,
                                  struct err *e);

#endif

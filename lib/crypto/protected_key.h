/* A key file that a passphrase protects: one line of text,
 *
 *	teectl-key-v1:scrypt:LN:R:P:SALT:NONCE:SEALED
 *
 * LN, R, P: scrypt's cost (RFC 7914), N = 2^LN, in decimal; SALT 16 bytes, NONCE 12, SEALED 48, in
 * hex. The 32-byte key that scrypt derives from the passphrase and SALT seals the 32-byte seed with
 * AES-256-GCM; SEALED is ciphertext and tag, and what is authenticated beside it is the line up to
 * and with the last colon. */
#ifndef TEECTL_CRYPTO_PROTECTED_KEY_H
#define TEECTL_CRYPTO_PROTECTED_KEY_H

#include "crypto/entropy.h"
#include "crypto/gcm.h"
#include "crypto/key_set.h"

#define PROTECTED_KEY_MAX 256 /* the line has 222 characters at most */
#define KDF_SALT_LEN      16

/* What is asked of a machine that opens a file which anyone may have written: 128 * N * R bytes at
 * once, and N * R * P steps. Files that teectl writes take 128 MiB and a fourth of the steps. */
#define KDF_MEMORY_MAX (256u << 20)
#define KDF_STEPS_MAX  (UINT64_C(1) << 22)

struct kdf_cost {
	unsigned ln, r, p;
};
/* OWASP's and scrypt's own advice for interactive use in files: 128 MiB, some 0.4 s. */
extern const struct kdf_cost kdf_cost_default;

struct protected_key {
	struct kdf_cost cost;
	uint8_t salt[KDF_SALT_LEN], nonce[GCM_NONCE_LEN], sealed[SEED_LEN + GCM_TAG_LEN];
	struct view header; /* into the text that was parsed */
};

/* Does a key file begin like one? */
bool protected_key_is(struct view text);
/* fails  ERR_DATA: the layout, or a cost above the limits */
MUST_CHECK int protected_key_parse(struct view text, struct protected_key *ret, struct err *e);
/* fails  ERR_DATA: not that passphrase, or the file was changed */
MUST_CHECK int protected_key_open(const struct protected_key *p, const struct secret *passphrase,
                                  struct secret *ret_seed, struct err *e);
/* Appends the line, with its newline. */
MUST_CHECK int protected_key_seal(const struct secret *seed, const struct secret *passphrase,
                                  const struct kdf_cost *cost, const struct entropy *source,
                                  struct buf *to, struct err *e);

#endif

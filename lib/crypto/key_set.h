/* QOS key sets (formats.md 1 and 2): a 32-byte master seed from which two P-256 keys, one to
 * encrypt and one to sign, and an AES key are derived. Quorum key, setup key and member keys are
 * all key sets. */
#ifndef TEECTL_CRYPTO_KEY_SET_H
#define TEECTL_CRYPTO_KEY_SET_H

#include "base/secret.h"
#include "crypto/entropy.h"
#include "crypto/hash.h"

#define SEED_LEN          32
#define POINT_LEN         65 /* SEC1, uncompressed */
#define PUBLIC_KEY_LEN    (2 * POINT_LEN)
#define SIGNATURE_LEN     64
#define ENVELOPE_OVERHEAD 97

/* Both halves are points on the curve: made by public_key_parse or from a seed only. */
struct public_key {
	uint8_t bytes[PUBLIC_KEY_LEN]; /* encrypt point, sign point */
};

struct signature {
	uint8_t bytes[SIGNATURE_LEN]; /* r, s; big endian; either half of s */
};

struct key_set; /* opaque: seed and private keys, all in the secret arena */

/* fails  ERR_DATA: not 130 bytes, not 0x04, not on the curve; says which half */
MUST_CHECK int public_key_parse(struct view bytes, struct public_key *ret, struct err *e);
struct view public_key_view(const struct public_key *key);
struct view public_key_encrypt_half(const struct public_key *key);
struct view public_key_sign_half(const struct public_key *key);
bool public_key_equal(const struct public_key *a, const struct public_key *b);

/* Takes over the seed (left empty whatever the outcome).
 * fails  ERR_DATA: not 32 bytes, or a derived scalar is 0 or >= n (no retry: formats.md 1) */
MUST_CHECK int key_set_derive(struct secret *seed, struct key_set **ret, struct err *e);
MUST_CHECK int key_set_generate(const struct entropy *source, const char *purpose,
                                struct key_set **ret, struct err *e);
void key_set_drop(struct key_set **key); /* AUTO(key_set) struct key_set *k = NULL */
const struct public_key *key_set_public(const struct key_set *key);
const struct secret *key_set_seed(const struct key_set *key);

/* ECDSA P-256 over SHA-256 of the message, random nonce (OpenSSL 3.0 has no RFC 6979). */
MUST_CHECK int key_set_sign(const struct key_set *key, struct view message, struct signature *ret,
                            struct err *e);
/* fails  ERR_DATA: not 64 bytes, r or s out of 1..n-1, or not this key's signature over message */
MUST_CHECK int public_key_verify(const struct public_key *key, struct view message,
                                 struct view signature, struct err *e);
/* The same where only SHA-256 of the message is known: what was signed need not be kept. */
MUST_CHECK int public_key_verify_hash(const struct public_key *key, const struct hash256 *hash,
                                      struct view signature, struct err *e);

/* The envelope of formats.md 2.1: borsh(nonce 12, ephemeral public 65, ciphertext and tag),
 * plain.len
 * + 97 bytes. Two draws from source: the ephemeral scalar (32 bytes, again while out of range),
 * then the nonce (12 bytes). Appends to ret. */
MUST_CHECK int envelope_seal(const struct public_key *to, const struct secret *plain,
                             const struct entropy *source, struct buf *ret, struct err *e);
/* fails  ERR_DATA: layout, ephemeral point, or tag; one sentence each, none with secret bytes */
MUST_CHECK int envelope_open(const struct key_set *key, struct view envelope, struct secret *ret,
                             struct err *e);

/* The symmetric envelope of formats.md 2.2, which its vectors hold: borsh(nonce 12, ciphertext and
 * tag). */
MUST_CHECK int envelope_seal_symmetric(const struct key_set *key, const struct secret *plain,
                                       const struct entropy *source, struct buf *ret,
                                       struct err *e);
MUST_CHECK int envelope_open_symmetric(const struct key_set *key, struct view envelope,
                                       struct secret *ret, struct err *e);

/* Where a passphrase comes from: the library asks nobody by itself.
 * ask: of the key file at path; fails as it likes, and key_set_read with it
 * forget: what ask gave did not open that file, and is not to be given again; NULL: nothing is kept
 */
struct passphrase_source {
	int (*ask)(void *context, const char *path, struct secret *ret, struct err *e);
	void (*forget)(void *context, const char *path);
	void *context;
};
/* The reason where a source has no passphrase left to give. */
#define KEY_NO_PASSPHRASE "no-passphrase"
/* Did a key stay shut because no passphrase could be had? Then nothing is known of the key, nor of
 * what it would have opened. */
bool key_is_unasked(const struct err *failure);

/* Key files as QOS keeps them: .secret is the seed in hex (mode 0600), .pub the 130 bytes in hex.
 * A .secret may instead be the line of protected_key.h; then `from` is asked for its passphrase.
 * fails  ERR_DATA; with reason KEY_PROTECTED where `from` is NULL and would be asked */
#define KEY_PROTECTED "protected"
MUST_CHECK int key_set_read(const char *path, const struct passphrase_source *from,
                            struct key_set **ret, struct err *e);
/* The same of a member's own key that is about to be used.
 * fails  also ERR_DATA with reason KEY_OPEN: others may read or change the file */
#define KEY_OPEN "key-open"
MUST_CHECK int key_set_read_own(const char *path, const struct passphrase_source *from,
                                struct key_set **ret, struct err *e);
/* The same of a file's content. */
MUST_CHECK int key_set_parse(struct view content, const char *path,
                             const struct passphrase_source *from, struct key_set **ret,
                             struct err *e);
MUST_CHECK int key_file_is_protected(const char *path, bool *ret, struct err *e);
/* A new file; passphrase NULL: the seed in hex. */
MUST_CHECK int key_set_write(const char *path, const struct key_set *key,
                             const struct secret *passphrase, struct err *e);
/* In the place of the file that is there. */
MUST_CHECK int key_set_rewrite(const char *path, const struct key_set *key,
                               const struct secret *passphrase, struct err *e);
MUST_CHECK int public_key_read(const char *path, struct public_key *ret, struct err *e);
MUST_CHECK int public_key_write(const char *path, const struct public_key *key, struct err *e);

#endif

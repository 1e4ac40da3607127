/* Where random secrets come from. The enclave mixes its NSM in (contract.md, "Entropy"), teectl
 * uses the operating system alone, and tests give fixed bytes so that vectors are exact. */
#ifndef TEECTL_CRYPTO_ENTROPY_H
#define TEECTL_CRYPTO_ENTROPY_H

#include "base/secret.h"

struct entropy {
	/* A fresh secret of len bytes. purpose: short ASCII, separates the uses of one source. */
	int (*draw)(void *context, const char *purpose, size_t len, struct secret *ret,
	            struct err *e);
	void *context;
};

extern const struct entropy entropy_system; /* OpenSSL's generator for private values */

MUST_CHECK int entropy_draw(const struct entropy *source, const char *purpose, size_t len,
                            struct secret *ret, struct err *e);
/* Adds bytes to what the operating system's generator is seeded with. They are not counted on: it
 * is never worse than without them. */
void entropy_stir(struct view bytes);
/* Public random bytes: nonces, identifiers. Never a secret. */
MUST_CHECK int random_public(uint8_t *to, size_t len, struct err *e);
/* A UUIDv4 (RFC 9562) as text. */
#define UUID_TEXT_LEN 37
MUST_CHECK int random_uuid(char to[static UUID_TEXT_LEN], struct err *e);

#endif

/* COSE_Sign1 (RFC 9052 4.2) with ES384, as attestation documents have it (formats.md 7.1). */
#ifndef TEECTL_ATTEST_COSE_H
#define TEECTL_ATTEST_COSE_H

#include "attest/chain.h"
#include "crypto/certificate.h"

/* Views into the document, or into what its chunks were joined in. */
struct cose_sign1 {
	struct view protected_header, payload, signature;
};

/* Tagged (18) or not, of definite or indefinite length throughout.
 *
 * joined        an empty buf that may grow to document.len; the parts may point into it
 * ret_trailing  bytes after its end, which the caller judges
 * fails         ERR_ATTESTATION; reason cose:structure */
MUST_CHECK int cose_parse(struct view document, struct buf *joined, struct cose_sign1 *ret,
                          size_t *ret_trailing, struct err *e);
/* That it states ES384 and has a signature of its length.
 * fails  ERR_ATTESTATION; reason cose:structure, cose:alg, cose:siglen */
MUST_CHECK int cose_check_algorithm(const struct cose_sign1 *c, struct err *e);
/* fails  ERR_ATTESTATION; reason cose:signature */
MUST_CHECK int cose_verify(const struct cose_sign1 *c, const struct chain_key *key, struct err *e);
/* Appends the document, without a tag, as the NSM sends it. */
MUST_CHECK int cose_sign(struct view payload, const struct signer *signer, struct buf *ret,
                         struct err *e);

#endif

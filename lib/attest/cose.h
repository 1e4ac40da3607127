/* COSE_Sign1 (RFC 9052 4.2) with ES384, as attestation documents have it (formats.md 7.1). */
#ifndef TEECTL_ATTEST_COSE_H
#define TEECTL_ATTEST_COSE_H

#include "attest/chain.h"
#include "crypto/certificate.h"

/* Views into the document. */
struct cose_sign1 {
	struct view protected_header, payload, signature;
};

/* fails  ERR_ATTESTATION; reason cose:structure, cose:trailing, cose:alg, cose:siglen */
MUST_CHECK int cose_parse(struct view document, struct cose_sign1 *ret, struct err *e);
/* fails  ERR_ATTESTATION; reason cose:signature */
MUST_CHECK int cose_verify(const struct cose_sign1 *c, const struct chain_key *key, struct err *e);
/* Appends the document, without a tag, as the NSM sends it. */
MUST_CHECK int cose_sign(struct view payload, const struct signer *signer, struct buf *ret,
                         struct err *e);

#endif

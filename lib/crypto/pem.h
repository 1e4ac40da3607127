/* PEM of secrets (RFC 7468), written and read in time that does not depend on their digits, and
 * without a copy in ordinary memory. Of certificates, which are public, OpenSSL's serves. */
#ifndef TEECTL_CRYPTO_PEM_H
#define TEECTL_CRYPTO_PEM_H

#include "base/secret.h"

MUST_CHECK int pem_format_secret(const char *label, const struct secret *der, struct secret *ret,
                                 struct err *e);
/* One block of that label and nothing else; max: bytes of what is in it. fails  ERR_DATA */
MUST_CHECK int pem_parse_secret(const char *label, const struct secret *pem, size_t max,
                                struct secret *ret, struct err *e);

#endif

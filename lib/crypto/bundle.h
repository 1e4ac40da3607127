/* The certificates of a client CA: a PEM file of one or more. Whoever measures such a file and
 * whoever judges by it read it here, so that nothing counts that was not measured. */
#ifndef TEECTL_CRYPTO_BUNDLE_H
#define TEECTL_CRYPTO_BUNDLE_H

#include "base/buf.h"

/* A CA and the next one for a handful of organisations; each is tried for every client. */
#define BUNDLE_MAX      16
#define BUNDLE_DER_MAX  8192         /* RSA with 4096 bits and all that CAs like to add: 3 KiB */
#define BUNDLE_TEXT_MAX (256u << 10) /* as many of the largest, in base64 with comments */

struct bundle {
	struct buf certificates[BUNDLE_MAX]; /* DER */
	size_t count;
};

void bundle_drop(struct bundle *b);
/* Text between the certificates is skipped; any other PEM block is refused.
 * fails  ERR_DATA: no certificate, too many, or one that is not a CA's (RFC 5280 4.2.1.9) */
MUST_CHECK int bundle_parse(struct view pem, struct bundle *ret, struct err *e);
/* spec: a file, or fd:N, read to its end. fails  as bundle_parse, ERR_NO_INPUT, ERR_USAGE */
MUST_CHECK int bundle_read(const char *spec, struct bundle *ret, struct err *e);
/* What names the set: SHA-256 of each DER, in hex, sorted, each once, joined by commas. Appends. */
#define BUNDLE_NAME_MAX (BUNDLE_MAX * 65)
MUST_CHECK int bundle_name(const struct bundle *b, struct buf *to, struct err *e);

#endif

/* What the verbs of `pki` share: the document that tells what was made. */
#ifndef TEECTL_CMD_PKI_H
#define TEECTL_CMD_PKI_H

#include "cluster/authority.h"
#include "proto/wire.h"

#define PKI_FOLDER "pki"

struct issued_document {
	struct buf certificate, key; /* paths */
	uint8_t fingerprint[32];     /* SHA-256 of the certificate's DER */
	struct buf not_after;
	bool kept;
};
extern const struct wire_schema issued_document_schema;
WIRE_DROP(issued_document);

MUST_CHECK int issued_document_make(const struct issued *made, struct issued_document *ret,
                                    struct err *e);

#endif

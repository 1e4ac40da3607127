/* A member's answer to a request (proto/request.h): his share, sealed to each TEE that he has
 * checked, and signed. One line of JSON without a secret in it; worth nothing to anyone but those
 * TEEs, and to them only while they run. */
#ifndef TEECTL_PROTO_SHARE_BUNDLE_H
#define TEECTL_PROTO_SHARE_BUNDLE_H

#include "proto/request.h"

#define BUNDLE_VERSION  1
#define BUNDLE_FILE_MAX (1u << 16) /* 32 TEEs of 1 KiB each, and white space */

/* For one TEE. */
struct bundle_item {
	struct buf node;                     /* a hint to people */
	uint8_t document[32], setup_key[32]; /* SHA-256 of each */
	uint8_t encrypted_share[130];        /* envelope to that setup key */
	uint8_t signature[SIGNATURE_LEN];    /* share-submit, by the member */
};
extern const struct wire_schema bundle_item_schema;

struct share_bundle {
	int64_t version;
	int kind;
	struct buf cluster, alias;
	uint8_t manifest_hash[32], request[32]; /* request: SHA-256 of the file */
	struct buf expires;
	int64_t expires_ms;     /* what the text says; not in the schema */
	struct wire_list items; /* struct bundle_item */
};
extern const struct wire_schema share_bundle_schema;
WIRE_DROP(share_bundle);

/* fails  ERR_DATA, naming the field */
MUST_CHECK int share_bundle_parse(struct view content, struct share_bundle *ret, struct err *e);
/* Sets version, kind and the text of the time, and appends the file. */
MUST_CHECK int share_bundle_format(struct share_bundle *b, struct buf *to, struct err *e);

/* The 120 bytes that the member signs of an item. */
MUST_CHECK int share_bundle_statement(const struct share_bundle *b, const struct bundle_item *item,
                                      uint8_t ret[static STATEMENT_LEN], struct err *e);

#endif

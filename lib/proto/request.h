/* The operator's question to members whose machines have no network: to which TEEs a share is to be
 * sealed, and all that a member needs to judge that by himself. One line of JSON; what it says is
 * claims, until orchestrate/seal.h has checked them. People compare SHA-256 of the file's bytes. */
#ifndef TEECTL_PROTO_REQUEST_H
#define TEECTL_PROTO_REQUEST_H

#include "attest/document.h"
#include "proto/message.h"

#define REQUEST_VERSION 1
/* TEEs that may receive shares. Each costs every member an ECDH; one is enough for a quorum, and
 * the others are there in case it is lost meanwhile. */
#define REQUEST_TARGETS_MAX 32
/* Documents of 32 TEEs in hex are 1 MiB at most, a genesis output half of that, an envelope of 255
 * members less. */
#define REQUEST_FILE_MAX WIRE_REPLY_TEXT_MAX
/* A bundle may be handed over until then: no longer than a member's word should lie about. */
#define REQUEST_EXPIRY_MAX_MS (30 * INT64_C(86400000))

struct request_target {
	struct buf node; /* the operator's name for it: a hint to people */
	struct buf document;
};
extern const struct wire_schema request_target_schema;

struct request_genesis {
	struct buf output, document;
};

struct share_request {
	int64_t version;
	int kind;
	struct buf cluster; /* a hint to people */
	struct buf created, expires;
	int64_t created_ms, expires_ms; /* what the texts say; not in the schema */
	struct manifest_envelope manifest_envelope;
	bool has_genesis; /* a quorum that came from QuorumOS has none */
	struct request_genesis genesis;
	struct wire_list targets; /* struct request_target */
};
extern const struct wire_schema share_request_schema;
WIRE_DROP(share_request);

/* fails  ERR_DATA, naming the field */
MUST_CHECK int request_parse(struct view content, struct share_request *ret, struct err *e);
/* Sets version, kind and the texts of the times, and appends the file. */
MUST_CHECK int request_format(struct share_request *q, struct buf *to, struct err *e);

#endif

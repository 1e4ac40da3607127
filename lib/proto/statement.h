/* What is signed: the 120-byte messages of contract.md and the receipts. */
#ifndef TEECTL_PROTO_STATEMENT_H
#define TEECTL_PROTO_STATEMENT_H

#include "crypto/hash.h"
#include "crypto/key_set.h"

#define STATEMENT_LEN    120
#define RECEIPT_BODY_LEN 84
#define RECEIPTS_MAX     1024

enum statement {
	STATEMENT_PROVE_KEY,    /* a: challenge; b: SHA-256 of the document */
	STATEMENT_RECEIPT,      /* a: SHA-256 of the body; b: SHA-256 of the previous message */
	STATEMENT_SHARE_SUBMIT, /* a: SHA-256 of the setup key; b: SHA-256 of the encrypted share */
};

/* tag[24] || manifest_hash || a || b */
void statement_format(enum statement kind, const struct hash256 *manifest_hash, const uint8_t a[32],
                      const uint8_t b[32], uint8_t ret[static STATEMENT_LEN]);

enum receipt_kind {
	RECEIPT_EXPORT = 1,
	RECEIPT_INJECT,
	RECEIPT_SHARES_COMPLETED,
	RECEIPT_RETIRE,
};

struct receipt {
	enum receipt_kind kind;
	uint64_t sequence, nsm_ms;
	struct hash256 setup_key, subject;
};

void receipt_format(const struct receipt *r, uint8_t ret[static RECEIPT_BODY_LEN]);
MUST_CHECK int receipt_parse(struct view body, struct receipt *ret, struct err *e);

/* The quorum key's signature over the body, in its place in the chain of its boot.
 *
 * previous     SHA-256 of the message of the receipt before it; zeroes for the first
 * ret_message  SHA-256 of this one's, for the next
 * fails        ERR_ATTESTATION, reason "receipt" */
MUST_CHECK int receipt_verify(struct view body, struct view signature,
                              const struct hash256 *manifest_hash, const struct hash256 *previous,
                              const struct public_key *quorum_key, struct receipt *ret,
                              struct hash256 *ret_message, struct err *e);

/* 128, 160, 192, 224 or 256 bits, else ERR_REQUEST. */
MUST_CHECK int seed_strength_check(int64_t strength, struct err *e);
/* The entropy of a seed phrase (contract.md, generate-seed): strength / 8 bytes. */
MUST_CHECK int seed_derive(const struct secret *master_seed, struct view type, struct view data,
                           unsigned strength, struct secret *ret, struct err *e);
/* PRK and info apart, for the vectors. */
MUST_CHECK int seed_info(struct view type, struct view data, unsigned strength, struct buf *to,
                         struct err *e);

#endif

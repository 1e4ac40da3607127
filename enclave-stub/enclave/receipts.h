/* The signed receipts of this boot: what was done with the quorum key, each chained to the one
 * before (contract.md, "What is signed"). */
#ifndef TEECTL_ENCLAVE_RECEIPTS_H
#define TEECTL_ENCLAVE_RECEIPTS_H

#include "proto/message.h"
#include "proto/statement.h"

#include <pthread.h>

struct receipts {
	pthread_mutex_t lock;
	struct receipt_item *items; /* a ring of RECEIPTS_MAX; NULL until the first */
	uint64_t count;             /* ever made; the sequence of the next, which begins at 0 */
	struct hash256 previous;    /* SHA-256 of the last one's message; zero before the first */
};

void receipts_init(struct receipts *r);
void receipts_drop(struct receipts *r);
/* Fills in the sequence, signs with key, and keeps. */
MUST_CHECK int receipts_add(struct receipts *r, const struct key_set *key,
                            const struct hash256 *manifest_hash, struct receipt *receipt,
                            struct receipt_item *ret, struct err *e);
/* Those kept whose sequence is at least from, oldest first. */
MUST_CHECK int receipts_list(struct receipts *r, uint64_t from, struct wire_list *ret,
                             struct err *e);

#endif

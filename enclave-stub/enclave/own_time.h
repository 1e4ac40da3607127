/* Now, as the NSM tells it: the timestamp of an own document at most five minutes old plus the
 * monotonic time since (contract.md, "Now"). The wall clock belongs to the host and is not asked.
 * The time since is that of CLOCK_BOOTTIME: a suspended machine must not make its enclave lag,
 * which would then take a document for fresh that is not. */
#ifndef TEECTL_ENCLAVE_OWN_TIME_H
#define TEECTL_ENCLAVE_OWN_TIME_H

#include "attest/nsm.h"

#include <pthread.h>

#define OWN_TIME_MAX_AGE_MS (5 * 60 * 1000)

struct own_time {
	pthread_mutex_t lock;
	bool is_known;
	int64_t document_ms; /* what the document said */
	int64_t asked_ms;    /* clock_since_boot_ms when it was asked for */
};

void own_time_init(struct own_time *t);
void own_time_drop(struct own_time *t);
/* A document's own timestamp, for one that has been read anyway. */
void own_time_set(struct own_time *t, int64_t document_ms, int64_t asked_ms);
/* The same without asking the NSM: false where it has become too old to count. */
bool own_time_peek(struct own_time *t, int64_t *ret_ms);
MUST_CHECK int own_time_now(struct own_time *t, struct nsm *nsm, int64_t *ret_ms, struct err *e);

#endif

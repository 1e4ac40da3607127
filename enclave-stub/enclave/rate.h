/* How much costly work (the NSM's, opening shares) one address may ask for: a bucket of tokens for
 * each address. */
#ifndef TEECTL_ENCLAVE_RATE_H
#define TEECTL_ENCLAVE_RATE_H

#include "base/err.h"

#include <pthread.h>

/* As many addresses as connections by default: who is forgotten is not connected any more. */
#define RATE_ADDRESSES 256

/* An IPv6 address, or an IPv4 one mapped into it. */
struct rate_address {
	uint8_t bytes[16];
};

struct rate_bucket {
	struct rate_address address;
	int64_t filled_us; /* when tokens was right; 0: unused */
	double tokens;
};

struct rate {
	pthread_mutex_t lock;
	uint64_t per_second; /* also how many may come at once; 0: none are counted */
	struct rate_bucket buckets[RATE_ADDRESSES];
};

void rate_init(struct rate *r, uint64_t per_second);
void rate_drop(struct rate *r);
/* Takes count tokens, or none: ERR_RATE when there are not so many. What asks for more than half a
 * bucket takes half: it must be had, also at an address where others ask for a little all the time.
 */
MUST_CHECK int rate_take(struct rate *r, const struct rate_address *address, size_t count,
                         int64_t now_us, struct err *e);

#endif

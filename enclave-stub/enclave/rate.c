#include "enclave/rate.h"

#include <string.h>

void rate_init(struct rate *r, uint64_t per_second)
{
	memset(r, 0, sizeof(*r));
	r->per_second = per_second;
	pthread_mutex_init(&r->lock, NULL);
}

void rate_drop(struct rate *r)
{
	pthread_mutex_destroy(&r->lock);
}

/* The bucket of address; else the one used longest ago. Whoever has been forgotten was last seen
 * before that one, with nothing left at worst: so that it begins, and no address gains by having
 * others push it out. An unused bucket has filled since the clock began. */
static struct rate_bucket *find(struct rate *r, const struct rate_address *address)
{
	struct rate_bucket *oldest = &r->buckets[0];

	for (size_t i = 0; i < COUNT(r->buckets); i++) {
		struct rate_bucket *b = &r->buckets[i];

		if (b->filled_us && memcmp(&b->address, address, sizeof(*address)) == 0)
			return b;
		if (b->filled_us < oldest->filled_us)
			oldest = b;
	}
	oldest->address = *address;
	oldest->tokens = 0;
	return oldest;
}

static double price(const struct rate *r, size_t count)
{
	uint64_t half = r->per_second / 2 ? r->per_second / 2 : 1;

	return (double)(count < half ? count : half);
}

static bool take(struct rate *r, const struct rate_address *address, double price, int64_t now_us)
{
	struct rate_bucket *b = find(r, address);
	double most = (double)r->per_second;

	b->tokens += (double)(now_us - b->filled_us) * most / 1e6;
	if (b->tokens > most)
		b->tokens = most;
	b->filled_us = now_us;
	if (b->tokens < price)
		return false;
	b->tokens -= price;
	return true;
}

int rate_take(struct rate *r, const struct rate_address *address, size_t count, int64_t now_us,
              struct err *e)
{
	bool is_granted;

	if (!r->per_second)
		return 0;
	pthread_mutex_lock(&r->lock);
	is_granted = take(r, address, price(r, count), now_us);
	pthread_mutex_unlock(&r->lock);
	if (!is_granted)
		return err_set(e, ERR_RATE, "more than %llu a second from one address",
		               (unsigned long long)r->per_second);
	return 0;
}

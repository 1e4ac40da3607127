#include "client/backoff.h"

int64_t backoff_most_ms(int64_t base_ms, int64_t max_ms, unsigned attempt)
{
	int64_t most = base_ms;

	while (--attempt > 0 && most < max_ms)
		most *= 2;
	return most < max_ms ? most : max_ms;
}

int64_t backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random)
{
	uint64_t most = (uint64_t)backoff_most_ms(base_ms, max_ms, attempt);

	return (int64_t)(random % (most + 1));
}

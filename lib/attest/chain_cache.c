#include "attest/chain_cache.h"

#include <pthread.h>

struct link {
	X509 *x; /* NULL: free */
	struct hash256 hash, issuer;
	uint64_t looked_at;
};

/* One for the process: it is known of bytes alone, whoever asks. */
static struct {
	pthread_mutex_t lock;
	struct link links[CHAIN_CACHE_MAX];
	uint64_t looks;
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool hash_equal(const struct hash256 *a, const struct hash256 *b)
{
	return view_equal(VIEW_OF(a->bytes), VIEW_OF(b->bytes));
}

static struct link *find(const struct hash256 *hash, const struct hash256 *issuer)
{
	for (size_t i = 0; i < CHAIN_CACHE_MAX; i++) {
		struct link *l = &cache.links[i];

		if (l->x && hash_equal(&l->hash, hash) && hash_equal(&l->issuer, issuer)) {
			l->looked_at = ++cache.looks;
			return l;
		}
	}
	return NULL;
}

/* A free one: looked_at is 0 there. */
static struct link *longest_unused(void)
{
	struct link *oldest = cache.links;

	for (size_t i = 1; i < CHAIN_CACHE_MAX; i++)
		if (cache.links[i].looked_at < oldest->looked_at)
			oldest = &cache.links[i];
	return oldest;
}

X509 *chain_cache_find(const struct hash256 *hash, const struct hash256 *issuer)
{
	struct link *l;
	X509 *x = NULL;

	pthread_mutex_lock(&cache.lock);
	l = find(hash, issuer);
	if (l && X509_up_ref(l->x))
		x = l->x;
	pthread_mutex_unlock(&cache.lock);
	return x;
}

void chain_cache_add(X509 *x, const struct hash256 *hash, const struct hash256 *issuer)
{
	struct link *l;

	pthread_mutex_lock(&cache.lock);
	if (!find(hash, issuer) && X509_up_ref(x)) {
		l = longest_unused();
		X509_free(l->x);
		*l = (struct link){ x, *hash, *issuer, ++cache.looks };
	}
	pthread_mutex_unlock(&cache.lock);
}

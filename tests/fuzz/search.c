/* Candidates of any numbers, of which some are shares of one key: the search ends, tries no more
 * than it may, and finds the key if enough of them are good. The first bytes are threshold, how
 * many are new and which are good; then a number x for each. */
/* link: enclave-stub/enclave/search.c */
#include "crypto/shamir.h"
#include "enclave/search.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define COUNT_MAX 8 /* each subset costs a key */

static struct secret made[COUNT_MAX + 1][COUNT_MAX]; /* by threshold */
static struct public_key wanted;

static void make_all(struct err *e)
{
	struct secret seed = { 0 };
	struct key_set *key = NULL;

	if (entropy_draw(&entropy_system, "fuzz", SEED_LEN, &seed, e) < 0)
		abort();
	for (unsigned k = 2; k <= COUNT_MAX; k++)
		if (shamir_split(&seed, k, COUNT_MAX, &entropy_system, made[k], e) < 0)
			abort();
	if (key_set_derive(&seed, &key, e) < 0)
		abort();
	wanted = *key_set_public(key);
	key_set_drop(&key);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bool is_locked;
	struct err e;

	(void)argc, (void)argv;
	if (secret_arena_open(&is_locked, &e) < 0)
		abort();
	make_all(&e);
	return 0;
}

/* The share of number x as it was made, or with its bytes turned round. */
static void fill(struct secret *share, size_t threshold, uint8_t x, bool is_good)
{
	const struct secret *from = &made[threshold][(x - 1) % COUNT_MAX];
	struct err e;

	if (secret_copy(secret_view(from), share, &e) < 0)
		abort();
	if (is_good)
		return;
	share->data[0] = x;
	for (size_t i = 1; i < share->len; i++)
		share->data[i] = (uint8_t)~share->data[i];
}

struct candidates {
	struct secret shares[COUNT_MAX];
	size_t count, good; /* good: different numbers */
};

static void candidates_drop(struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++)
		secret_drop(&c->shares[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(candidates) struct candidates c = { .count = 0 };
	AUTO(search) struct search s = { .shares = c.shares, .wanted = &wanted };
	bool is_seen[UINT8_MAX + 1] = { false };
	struct err e;

	if (size < 4)
		return 0;
	s.threshold = 2 + data[0] % (COUNT_MAX - 1);
	for (size_t i = 3; i < size && c.count < COUNT_MAX; i++, c.count++) {
		uint8_t x = data[i] ? data[i] : 1;
		bool is_good = data[2] >> c.count & 1;

		fill(&c.shares[c.count], s.threshold, x, is_good);
		x = c.shares[c.count].data[0];
		c.good += is_good && !is_seen[x];
		is_seen[x] |= is_good;
	}
	s.count = c.count;
	s.fresh = data[1] % (c.count + 1);
	if (search_run(&s, &e) < 0 || s.tried > SUBSETS_MAX)
		abort();
	if (s.key && !public_key_equal(key_set_public(s.key), &wanted))
		abort();
	/* All are new: whatever stands beside them, enough good ones are found. */
	if (s.fresh == s.count && c.good >= s.threshold && !s.key)
		abort();
	return 0;
}

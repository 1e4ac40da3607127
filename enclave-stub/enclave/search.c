#include "enclave/search.h"

#include "crypto/shamir.h"

#include <string.h>

void search_drop(struct search *s)
{
	key_set_drop(&s->key);
}

static uint8_t number_of(const struct search *s, size_t place)
{
	return secret_view(&s->shares[place]).data[0];
}

/* The shares picked, borrowed. */
static void gather(const struct search *s, struct secret *ret)
{
	for (size_t i = 0; i < s->threshold; i++)
		ret[i] = s->shares[s->picks[i]];
}

static int try_subset(struct search *s, struct err *e)
{
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *key = NULL;
	struct secret picked[MEMBERS_MAX];
	struct err why;

	s->tried++;
	gather(s, picked);
	TRY(shamir_combine(picked, s->threshold, &seed, e));
	/* Almost any 32 bytes are a seed; those that are none are not the one looked for. */
	if (key_set_derive(&seed, &key, &why) < 0) {
		if (why.code == ERR_DATA)
			return 0;
		*e = why;
		return -1;
	}
	if (public_key_equal(key_set_public(key), s->wanted))
		s->key = MOVE(key);
	return 0;
}

/* With the share at last picked: are there as many more before it, all of different numbers, and is
 * one of all these new? Asked of each pick, so that none leads to nothing: members who send shares
 * of the same number can't make the walk long. */
static bool can_complete(const struct search *s, size_t last, size_t more)
{
	bool is_seen[UINT8_MAX + 1];
	size_t distinct = 0, fresh = 0;

	memcpy(is_seen, s->is_used, sizeof(is_seen));
	for (size_t i = 0; i < last; i++) {
		uint8_t x = number_of(s, i);

		if (is_seen[x])
			continue;
		is_seen[x] = true;
		distinct++;
		fresh += i < s->fresh;
	}
	return distinct >= more && (last < s->fresh || (more && fresh));
}

/* Picks left more shares from the first below places, the last of them first. */
static int choose(struct search *s, size_t below, size_t left, struct err *e)
{
	for (size_t i = left - 1; i < below && !s->key && s->tried < SUBSETS_MAX; i++) {
		uint8_t x = number_of(s, i);

		if (s->is_used[x])
			continue;
		s->is_used[x] = true;
		s->picks[left - 1] = i;
		if (can_complete(s, i, left - 1))
			TRY(left == 1 ? try_subset(s, e) : choose(s, i, left - 1, e));
		s->is_used[x] = false;
	}
	return 0;
}

int search_run(struct search *s, struct err *e)
{
	if (s->threshold < 2 || s->threshold > MEMBERS_MAX)
		return err_set(e, ERR_INTERNAL, "a threshold of %zu", s->threshold);
	return choose(s, s->count, s->threshold, e);
}

int search_fits(const struct search *s, const struct secret *share, bool *ret, struct err *e)
{
	AUTO(secret) struct secret expected = { 0 };
	struct secret picked[MEMBERS_MAX];
	struct view found = secret_view(share);

	gather(s, picked);
	TRY(shamir_interpolate(picked, s->threshold, found.data[0], &expected, e));
	*ret = secret_equal(secret_view(&expected), view_new(found.data + 1, found.len - 1));
	return 0;
}

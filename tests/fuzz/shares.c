/* Shares: whatever is combined, the order of the shares does not matter, and what was split comes
 * back. The first byte is the length of a share, the next a threshold; then come the shares. */
#include "crypto/shamir.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define COUNT_MAX 16 /* the arena is small, and more shares find nothing new */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bool is_locked;
	struct err e;

	(void)argc, (void)argv;
	if (secret_arena_open(&is_locked, &e) < 0)
		abort();
	return 0;
}

struct share_array {
	struct secret shares[COUNT_MAX];
	size_t count;
};

static void share_array_drop(struct share_array *a)
{
	for (size_t i = 0; i < COUNT_MAX; i++)
		secret_drop(&a->shares[i]);
}

/* Pieces of len bytes; the last one has what is left. */
static void shares_parse(struct view v, size_t len, struct share_array *ret)
{
	struct err e;

	while (v.len && ret->count < COUNT_MAX) {
		size_t take = len && len < v.len ? len : v.len;

		if (secret_copy(view_new(v.data, take < 256 ? take : 256),
		                &ret->shares[ret->count++], &e) < 0)
			abort();
		v.data += take;
		v.len -= take;
	}
}

static void check_combine(const struct share_array *a)
{
	AUTO(secret) struct secret forth = { 0 };
	AUTO(secret) struct secret back = { 0 };
	struct secret reversed[COUNT_MAX];
	struct err e;

	for (size_t i = 0; i < a->count; i++)
		reversed[i] = a->shares[a->count - 1 - i];
	if (shamir_combine(a->shares, a->count, &forth, &e) < 0) {
		if (forth.data || e.code != ERR_SHARE || !*e.reason)
			abort();
		return;
	}
	if (shamir_combine(reversed, a->count, &back, &e) < 0 ||
	    !secret_equal(secret_view(&forth), secret_view(&back)) ||
	    forth.len != a->shares[0].len - 1)
		abort();
}

static void check_split(const struct secret *secret, unsigned threshold, unsigned total)
{
	AUTO(share_array) struct share_array made = { 0 };
	AUTO(secret) struct secret back = { 0 };
	struct err e;

	if (shamir_split(secret, threshold, total, &entropy_system, made.shares, &e) < 0) {
		if (threshold >= 2 && threshold <= total && secret->len)
			abort();
		return;
	}
	if (shamir_combine(made.shares + total - threshold, threshold, &back, &e) < 0 ||
	    !secret_equal(secret_view(secret), secret_view(&back)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(share_array) struct share_array a = { 0 };

	if (size < 2)
		return 0;
	shares_parse(view_new(data + 2, size - 2), data[0], &a);
	check_combine(&a);
	check_split(&a.shares[0], data[1] % 18, data[1] / 16);
	return 0;
}

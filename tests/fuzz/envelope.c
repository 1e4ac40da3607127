/* Envelopes and what else a stranger's key material is read from: each may be refused, and must
 * then leave its output alone. The key is that of user1, so that the corpus opens. */
#include "crypto/key_set.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const uint8_t seed_of_user1[SEED_LEN] = {
	0xbe, 0x11, 0x7d, 0x2f, 0x4b, 0x71, 0xed, 0xf5, 0x7b, 0xc3, 0x40,
	0x1a, 0x4f, 0x39, 0xe4, 0x01, 0x88, 0x3d, 0x82, 0x5b, 0x4f, 0x9e,
	0x3e, 0x13, 0x54, 0xcb, 0x41, 0x6f, 0x9c, 0x15, 0x31, 0x36,
};

static struct key_set *key;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct secret seed = { 0 };
	bool is_locked;
	struct err e;

	(void)argc, (void)argv;
	if (secret_arena_open(&is_locked, &e) < 0 ||
	    secret_copy(VIEW_OF(seed_of_user1), &seed, &e) < 0 ||
	    key_set_derive(&seed, &key, &e) < 0)
		abort();
	return 0;
}

static void check(int result, const struct secret *plain, size_t max, const struct err *e)
{
	if (result == 0 && plain->len > max)
		abort();
	if (result < 0 && (plain->data || e->code != ERR_DATA || !*e->text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(secret) struct secret plain = { 0 };
	AUTO(secret) struct secret symmetric = { 0 };
	struct view input = view_new(data, size);
	struct public_key parsed;
	struct err e;
	int result;

	result = envelope_open(key, input, &plain, &e);
	check(result, &plain, size, &e);
	result = envelope_open_symmetric(key, input, &symmetric, &e);
	check(result, &symmetric, size, &e);
	if (public_key_parse(input, &parsed, &e) == 0 &&
	    !view_equal(public_key_view(&parsed), input))
		abort();
	if (public_key_verify(key_set_public(key), view_text("m"), input, &e) == 0)
		abort();
	return 0;
}

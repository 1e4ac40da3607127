/* Certificates that were verified once: found by what they are and who signed them, and no more of
 * them than there is room for. */
#include "support.h"

#include "attest/chain_cache.h"
#include "crypto/certificate.h"

static X509 *certificate;

static int make_certificate(void **state)
{
	const struct certificate_request request = { .common_name = "test",
		                                     .not_before_unix = 0,
		                                     .not_after_unix = 4102444800,
		                                     .is_ca = true,
		                                     .path_length = -1 };
	struct signer *s = NULL;
	const uint8_t *der;
	struct view v;
	struct err e;

	open_arena(state);
	assert_ok(signer_issue(NULL, &request, &s, &e));
	v = signer_certificate(s);
	der = v.data;
	certificate = d2i_X509(NULL, &der, (long)v.len);
	signer_drop(&s);
	assert_non_null(certificate);
	return 0;
}

static int drop_certificate(void **state)
{
	(void)state;
	X509_free(certificate);
	return 0;
}

static struct hash256 hash_of(uint8_t kind, size_t number)
{
	return (struct hash256){ { kind, (uint8_t)number } };
}

static bool has(struct hash256 hash, struct hash256 issuer)
{
	X509 *x = chain_cache_find(&hash, &issuer);

	if (!x)
		return false;
	assert_ptr_equal(x, certificate);
	X509_free(x); /* another reference: ours to free */
	return true;
}

static void add(uint8_t kind, size_t number)
{
	const struct hash256 hash = hash_of(kind, number), issuer = hash_of('i', 0);

	chain_cache_add(certificate, &hash, &issuer);
}

static void one_is_found_under_its_own_issuer_alone(void **state)
{
	(void)state;
	assert_false(has(hash_of('a', 1), hash_of('i', 0)));
	add('a', 1);
	assert_true(has(hash_of('a', 1), hash_of('i', 0)));
	assert_false(has(hash_of('a', 2), hash_of('i', 0)));
	/* Whoever else might have signed it has not been seen to. */
	assert_false(has(hash_of('a', 1), hash_of('i', 1)));
	assert_false(has(hash_of('i', 0), hash_of('a', 1)));
}

static void the_one_that_was_longest_not_looked_at_makes_room(void **state)
{
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < CHAIN_CACHE_MAX; i++)
		add('b', i);
	assert_false(has(hash_of('a', 1), hash_of('i', 0)));
	for (size_t i = 0; i < CHAIN_CACHE_MAX; i++)
		found += has(hash_of('b', i), hash_of('i', 0));
	assert_int_equal(found, CHAIN_CACHE_MAX);
	/* What stands above all leaves is looked at each time, and stays. */
	for (size_t i = 0; i < 2 * CHAIN_CACHE_MAX; i++) {
		add('c', i);
		assert_true(has(hash_of('b', 5), hash_of('i', 0)));
	}
	assert_false(has(hash_of('b', 4), hash_of('i', 0)));
}

static void the_same_again_takes_no_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHAIN_CACHE_MAX; i++)
		add('d', i);
	for (size_t i = 0; i < 2 * CHAIN_CACHE_MAX; i++)
		add('d', 7);
	assert_true(has(hash_of('d', 0), hash_of('i', 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_found_under_its_own_issuer_alone),
		cmocka_unit_test(the_one_that_was_longest_not_looked_at_makes_room),
		cmocka_unit_test(the_same_again_takes_no_room),
	};

	return cmocka_run_group_tests(tests, make_certificate, drop_certificate);
}

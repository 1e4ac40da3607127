#include "support.h"

#include "crypto/hash.h"
#include "crypto/key_set.h"
#include "crypto/shamir.h"

#ifdef UNDER_VALGRIND
#include <valgrind/memcheck.h>
#endif

struct share_array {
	struct secret shares[SHARES_MAX];
	size_t count;
};

static void share_array_drop(struct share_array *a)
{
	for (size_t i = 0; i < SHARES_MAX; i++)
		secret_drop(&a->shares[i]);
}

static struct share_array shares_of(json_object *list)
{
	struct share_array a = { .count = json_object_array_length(list) };

	assert_true(a.count <= SHARES_MAX);
	for (size_t i = 0; i < a.count; i++)
		a.shares[i] =
		    secret_of_hex(json_object_get_string(json_object_array_get_idx(list, i)));
	return a;
}

static void check_combine(const struct secret *shares, size_t count, struct view expected)
{
	AUTO(secret) struct secret got = { 0 };
	struct err e;

	assert_ok(shamir_combine(shares, count, &got, &e));
	assert_view_equal(secret_view(&got), expected);
}

/* Any two, in either order, and all of them. */
static void check_pairs(const struct share_array *a, struct view expected)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < a->count; j++) {
			struct secret pair[] = { a->shares[i], a->shares[j] };

			if (i != j)
				check_combine(pair, 2, expected);
		}
	check_combine(a->shares, a->count, expected);
}

static void the_old_shares_of_qos_combine(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/shamir_vectors.json");
	json_object *row = json_at(all, "qos_old");
	AUTO(share_array) struct share_array a = shares_of(json_at(row, "shares"));

	(void)state;
	check_pairs(&a, view_text(json_text(row, "secret_utf8")));
}

static void the_shares_of_the_boot_vectors_combine_to_the_quorum_key(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/shamir_vectors.json");
	json_object *row = json_at(all, "boot_e2e");
	AUTO(share_array) struct share_array a = shares_of(json_at(row, "shares"));
	AUTO(buf) struct buf expected = json_hex(row, "secret");
	json_object *hashes = json_at(row, "share_sha512");

	(void)state;
	check_pairs(&a, buf_view(&expected));
	for (size_t i = 0; i < a.count; i++) {
		const char *hex = json_object_get_string(json_object_array_get_idx(hashes, i));
		AUTO(buf) struct buf hash = bytes_of_hex(hex);
		struct hash512 computed;
		struct err e;

		assert_ok(sha512(secret_view(&a.shares[i]), &computed, &e));
		assert_view_equal(VIEW_OF(computed.bytes), buf_view(&hash));
	}
}

/* shares opened with the members' keys, combined, and the key derived: the files alone. */
static void the_files_of_a_genesis_give_its_quorum_key_back(void **state)
{
	AUTO(share_array) struct share_array a = { .count = 3 };
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *quorum = NULL;
	struct public_key expected;
	char path[512];
	struct err e;

	(void)state;
	for (unsigned i = 0; i < a.count; i++) {
		AUTO(key_set) struct key_set *member = NULL;
		char name[64];

		snprintf(path, sizeof(path), "%s/qos/boot-e2e/user%u.secret", VECTORS, i + 1);
		assert_ok(key_set_read(path, NULL, &member, &e));
		snprintf(name, sizeof(name), "qos/boot-e2e/user%u.share", i + 1);
		AUTO(buf) struct buf envelope = vector_file(name);
		assert_ok(envelope_open(member, buf_view(&envelope), &a.shares[i], &e));
	}
	assert_ok(shamir_combine(a.shares + 1, 2, &seed, &e));
	assert_ok(key_set_derive(&seed, &quorum, &e));
	snprintf(path, sizeof(path), "%s/qos/boot-e2e/quorum_key.pub", VECTORS);
	assert_ok(public_key_read(path, &expected, &e));
	assert_true(public_key_equal(&expected, key_set_public(quorum)));
}

/* sha256("qos-spec-rng" || le32(counter)) for counter 0, 1, ...: the vectors' coefficients. */
static void fill_stream(uint8_t *to, size_t len)
{
	for (uint32_t counter = 0; (size_t)counter * 32 < len; counter++) {
		AUTO(buf) struct buf b = BUF_INIT(64);
		struct hash256 h;
		size_t left = len - (size_t)counter * 32;
		struct err e;

		assert_ok(buf_add_text(&b, "qos-spec-rng", &e));
		assert_ok(buf_add_le32(&b, counter, &e));
		assert_ok(sha256(buf_view(&b), &h, &e));
		memcpy(to + (size_t)counter * 32, h.bytes, left < 32 ? left : 32);
	}
}

/* "..." stands for shares that the vector leaves out; the first byte says which one it is. */
static void check_listed(const struct share_array *made, json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *hex = json_object_get_string(json_object_array_get_idx(list, i));

		if (strcmp(hex, "...") == 0)
			continue;
		AUTO(buf) struct buf share = bytes_of_hex(hex);
		assert_in_range(share.data[0], 1, made->count);
		assert_view_equal(secret_view(&made->shares[share.data[0] - 1]), buf_view(&share));
	}
}

static void check_split(json_object *row)
{
	unsigned total = (unsigned)json_object_get_int(json_at(row, "n"));
	unsigned threshold = (unsigned)json_object_get_int(json_at(row, "k"));
	AUTO(secret) struct secret secret = json_secret(row, "secret");
	AUTO(share_array) struct share_array made = { .count = total };
	uint8_t stream[32 * SHARES_MAX];
	struct fixed_entropy fixed = { { stream, secret.len * (threshold - 1) } };
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	fill_stream(stream, fixed.rest.len);
	assert_ok(shamir_split(&secret, threshold, total, &source, made.shares, &e));
	assert_int_equal(fixed.rest.len, 0);
	check_listed(&made, json_at(row, "shares"));
	check_combine(made.shares + total - threshold, threshold, secret_view(&secret));
	check_combine(made.shares, total, secret_view(&secret));
}

static void fixed_coefficients_split_as_in_the_vectors(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/shamir_vectors.json");
	json_object *rows = json_at(all, "fixed_rng");

	(void)state;
	assert_true(json_object_array_length(rows) > 0);
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		check_split(json_object_array_get_idx(rows, i));
}

static void combine_refuses_what_the_vectors_refuse(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/shamir_vectors.json");
	json_object *rows = json_at(all, "reject");

	(void)state;
	assert_true(json_object_array_length(rows) > 0);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		AUTO(share_array) struct share_array a = shares_of(json_at(row, "shares"));
		struct secret got = { 0 };
		struct err e;

		assert_refused(shamir_combine(a.shares, a.count, &got, &e), ERR_SHARE,
		               json_text(row, "error"));
		assert_null(got.data);
	}
}

static void combine_refuses_no_shares_and_empty_ones(void **state)
{
	struct secret empty[2] = { { 0 } }, got = { 0 };
	struct err e;

	(void)state;
	assert_refused(shamir_combine(NULL, 0, &got, &e), ERR_SHARE, "SharingMinThreshold");
	assert_refused(shamir_combine(empty, 2, &got, &e), ERR_SHARE, "InvalidShare");
}

/* Of all coefficients of a threshold of 5, as a share shows them: the secret is zeroes, so the four
 * unknowns at each place are what shares 1 to 4 have there. Interpolation is linear and one to one,
 * so shares that are uniform are coefficients that are. */

#define SAMPLES (255 * 1024) /* bytes of a share: 1020 of each value are expected */
#define FREEDOM 255
/* Laurent and Massart 2000: P(chi2 >= d + 2 sqrt(d t) + 2 t) <= exp(-t). With d = 255 and t = 40
 * that is 537, once in 2^57, and there are eight of these a run. */
#define CHI2_MAX 537.0
/* And not too even either, as a counter would be: P(chi2 <= d - 2 sqrt(d t)) <= exp(-t). */
#define CHI2_MIN 53.0

static double chi2_of(const unsigned counts[static 256], double expected)
{
	double sum = 0;

	for (unsigned i = 0; i < 256; i++)
		sum += (counts[i] - expected) * (counts[i] - expected) / expected;
	return sum;
}

static void count_bytes(struct view bytes, unsigned counts[static 256])
{
	for (size_t i = 0; i < bytes.len; i++)
		counts[bytes.data[i]]++;
}

static void check_uniform(unsigned counts[static 256], size_t total)
{
	double chi2 = chi2_of(counts, (double)total / 256);

	if (chi2 < CHI2_MIN || chi2 > CHI2_MAX)
		fail_msg("chi-square is %.1f, expected %d or so", chi2, FREEDOM);
}

/* Every value, 0 as well, of every coefficient, the highest too: whoever wants that one not to be
 * zero, or draws by "% 255", tells of the secret. */
static void coefficients_are_uniform(void **state)
{
	enum { THRESHOLD = 5, LEN = 1020 };
	unsigned counts[THRESHOLD - 1][256] = { { 0 } },
	                            differences[THRESHOLD - 1][256] = { { 0 } };
	AUTO(secret) struct secret zeroes = { 0 };
	struct err e;

	(void)state;
	assert_ok(secret_alloc(LEN, &zeroes, &e));
	for (unsigned n = 0; n < SAMPLES / LEN; n++) {
		AUTO(share_array) struct share_array a = { .count = THRESHOLD };

		assert_ok(
		    shamir_split(&zeroes, THRESHOLD, THRESHOLD, &entropy_system, a.shares, &e));
		for (unsigned s = 0; s < THRESHOLD - 1; s++) {
			struct view bytes = view_new(a.shares[s].data + 1, LEN);

			count_bytes(bytes, counts[s]);
			/* Neighbours do not follow from each other. */
			for (size_t i = 1; i < LEN; i++)
				differences[s][bytes.data[i] ^ bytes.data[i - 1]]++;
		}
	}
	for (unsigned s = 0; s < THRESHOLD - 1; s++) {
		check_uniform(counts[s], SAMPLES);
		check_uniform(differences[s], SAMPLES / LEN * (LEN - 1));
	}
}

/* The test above can fail: of a source that never gives zero, and of one that counts. */
static void what_is_not_uniform_is_seen(void **state)
{
	unsigned even[256], biased[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		even[i] = SAMPLES / 256;
		biased[i] = i ? SAMPLES / 255 : 0;
	}
	assert_true(chi2_of(even, SAMPLES / 256.0) < CHI2_MIN);
	assert_true(chi2_of(biased, SAMPLES / 256.0) > CHI2_MAX);
}

#ifdef UNDER_VALGRIND
/* As if it had never been written: memcheck then reports each branch and each address that depends
 * on it (the idea is Langley's ctgrind), and `make valgrind` fails. */
static void conceal(const struct secret *s, size_t from)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(s->data + from, s->len - from);
}

static void reveal(const struct secret *s)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(s->data, s->len);
}

static int draw_concealed(void *context, const char *purpose, size_t len, struct secret *ret,
                          struct err *e)
{
	(void)context;
	(void)purpose;
	TRY(secret_alloc(len, ret, e));
	memset(ret->data, 0x5a, len);
	conceal(ret, 0);
	return 0;
}

/* A share's number is public, its bytes are not; nor are secret and coefficients. */
static void no_branch_or_address_depends_on_a_secret(void **state)
{
	const struct entropy concealed = { .draw = draw_concealed };
	AUTO(share_array) struct share_array a = { .count = 5 };
	AUTO(secret) struct secret secret = { 0 };
	AUTO(secret) struct secret again = { 0 };
	struct err e;

	(void)state;
	assert_ok(secret_copy(view_text("a secret of 24 bytes ..."), &secret, &e));
	conceal(&secret, 0);
	assert_ok(shamir_split(&secret, 3, 5, &concealed, a.shares, &e));
	for (unsigned i = 0; i < a.count; i++)
		conceal(&a.shares[i], 1);
	assert_ok(shamir_combine(a.shares + 1, 3, &again, &e));
	reveal(&secret);
	reveal(&again);
	for (unsigned i = 0; i < a.count; i++)
		reveal(&a.shares[i]);
	assert_view_equal(secret_view(&again), secret_view(&secret));
}
#endif

static void split_refuses(size_t len, unsigned threshold, unsigned total, enum err_code code,
                          const char *reason)
{
	AUTO(secret) struct secret secret = { 0 };
	AUTO(share_array) struct share_array made = { 0 };
	struct err e;

	assert_ok(secret_alloc(len, &secret, &e));
	assert_refused(shamir_split(&secret, threshold, total, &entropy_system, made.shares, &e),
	               code, reason);
	for (size_t i = 0; i < SHARES_MAX; i++)
		assert_null(made.shares[i].data);
}

static void split_refuses_a_threshold_out_of_range(void **state)
{
	(void)state;
	split_refuses(32, 0, 3, ERR_THRESHOLD, "SharingMinThreshold");
	split_refuses(32, 1, 3, ERR_THRESHOLD, "SharingMinThreshold");
	split_refuses(32, 4, 3, ERR_THRESHOLD, "SharingLimitLessThanThreshold");
	split_refuses(32, 2, 0, ERR_THRESHOLD, "SharingLimitLessThanThreshold");
	split_refuses(32, 2, 256, ERR_THRESHOLD, "InvalidSizeRequest");
	split_refuses(32, 300, 300, ERR_THRESHOLD, "InvalidSizeRequest");
	split_refuses(0, 2, 3, ERR_DATA, "InvalidSecret");
}

static void split_without_enough_randomness_leaves_no_share(void **state)
{
	static const uint8_t some[63];
	AUTO(secret) struct secret secret = { 0 };
	AUTO(share_array) struct share_array made = { 0 };
	struct fixed_entropy fixed = { VIEW_OF(some) };
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	(void)state;
	assert_ok(secret_alloc(32, &secret, &e));
	assert_refused(shamir_split(&secret, 3, 3, &source, made.shares, &e), ERR_INTERNAL,
	               "no fixed bytes left for shamir");
	for (size_t i = 0; i < SHARES_MAX; i++)
		assert_null(made.shares[i].data);
}

static void every_subset_restores_and_fewer_do_not(void **state)
{
	AUTO(secret) struct secret secret = { 0 };
	AUTO(share_array) struct share_array made = { .count = 5 };
	AUTO(secret) struct secret wrong = { 0 };
	struct err e;

	(void)state;
	assert_ok(entropy_draw(&entropy_system, "test", 32, &secret, &e));
	assert_ok(shamir_split(&secret, 3, 5, &entropy_system, made.shares, &e));
	for (unsigned subset = 0; subset < 32; subset++) {
		struct secret chosen[5];
		size_t count = 0;

		for (size_t i = 0; i < 5; i++)
			if (subset >> i & 1)
				chosen[count++] = made.shares[i];
		if (count >= 3)
			check_combine(chosen, count, secret_view(&secret));
	}
	assert_ok(shamir_combine(made.shares, 2, &wrong, &e));
	assert_false(secret_equal(secret_view(&wrong), secret_view(&secret)));
}

/* Any three of five say what the others hold. */
static void interpolation_gives_the_other_shares(void **state)
{
	AUTO(secret) struct secret secret = { 0 };
	AUTO(share_array) struct share_array made = { .count = 5 };
	struct err e;

	(void)state;
	assert_ok(entropy_draw(&entropy_system, "test", 32, &secret, &e));
	assert_ok(shamir_split(&secret, 3, 5, &entropy_system, made.shares, &e));
	for (size_t i = 0; i < made.count; i++) {
		AUTO(secret) struct secret y = { 0 };
		struct view share = secret_view(&made.shares[i]);

		assert_ok(shamir_interpolate(made.shares + 1, 3, share.data[0], &y, &e));
		assert_true(secret_equal(secret_view(&y), view_new(share.data + 1, share.len - 1)));
	}
}

static void the_largest_sharing_fits_the_arena(void **state)
{
	AUTO(secret) struct secret secret = { 0 };
	AUTO(share_array) struct share_array made = { .count = 255 };
	struct err e;

	(void)state;
	assert_ok(entropy_draw(&entropy_system, "test", 32, &secret, &e));
	assert_ok(shamir_split(&secret, 255, 255, &entropy_system, made.shares, &e));
	check_combine(made.shares, 255, secret_view(&secret));
}

static void the_products_of_the_vectors_hold(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/shamir_vectors.json");
	json_object *field = json_at(all, "gf256");
	json_object *products = json_at(field, "mul"), *inverses = json_at(field, "inv");

	(void)state;
	for (size_t i = 0; i < json_object_array_length(products); i++) {
		json_object *row = json_object_array_get_idx(products, i);
		uint8_t v[3];

		for (size_t j = 0; j < 3; j++)
			v[j] = (uint8_t)json_object_get_int(json_object_array_get_idx(row, j));
		assert_int_equal(gf256_mul(v[0], v[1]), v[2]);
	}
	for (size_t i = 0; i < json_object_array_length(inverses); i++) {
		json_object *row = json_object_array_get_idx(inverses, i);
		int a = json_object_get_int(json_object_array_get_idx(row, 0));

		assert_int_equal(gf256_inverse((uint8_t)a),
		                 json_object_get_int(json_object_array_get_idx(row, 1)));
	}
}

/* Multiplication by hand, to hold the branchless one against. */
static uint8_t slow_mul(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (unsigned bit = 0; bit < 8; bit++)
		if (b & 1u << bit)
			product ^= a << bit;
	for (unsigned bit = 14; bit >= 8; bit--)
		if (product & 1u << bit)
			product ^= 0x11bu << (bit - 8);
	return (uint8_t)product;
}

static void the_whole_field_is_right(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			assert_int_equal(gf256_mul((uint8_t)a, (uint8_t)b), slow_mul(a, b));
	assert_int_equal(gf256_inverse(0), 0);
	for (unsigned a = 1; a < 256; a++)
		assert_int_equal(gf256_mul((uint8_t)a, gf256_inverse((uint8_t)a)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_shares_of_qos_combine),
		cmocka_unit_test(the_shares_of_the_boot_vectors_combine_to_the_quorum_key),
		cmocka_unit_test(the_files_of_a_genesis_give_its_quorum_key_back),
		cmocka_unit_test(fixed_coefficients_split_as_in_the_vectors),
		cmocka_unit_test(combine_refuses_what_the_vectors_refuse),
		cmocka_unit_test(combine_refuses_no_shares_and_empty_ones),
		cmocka_unit_test(split_refuses_a_threshold_out_of_range),
		cmocka_unit_test(split_without_enough_randomness_leaves_no_share),
		cmocka_unit_test(every_subset_restores_and_fewer_do_not),
		cmocka_unit_test(interpolation_gives_the_other_shares),
		cmocka_unit_test(the_largest_sharing_fits_the_arena),
		cmocka_unit_test(the_products_of_the_vectors_hold),
		cmocka_unit_test(the_whole_field_is_right),
		cmocka_unit_test(coefficients_are_uniform),
		cmocka_unit_test(what_is_not_uniform_is_seen),
#ifdef UNDER_VALGRIND
		cmocka_unit_test(no_branch_or_address_depends_on_a_secret),
#endif
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

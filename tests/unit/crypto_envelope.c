#include "support.h"

#include "crypto/hash.h"
#include "crypto/key_set.h"

static struct key_set *key_new(void)
{
	struct key_set *k = NULL;
	struct err e;

	assert_ok(key_set_generate(&entropy_system, "test", &k, &e));
	return k;
}

/* The key set of the derivation whose member name begins with value. */
static struct key_set *key_of(json_object *all, const char *name, const char *value)
{
	json_object *rows = json_at(all, "derivations");
	struct key_set *k = NULL;
	struct err e;

	for (size_t i = 0; !k && i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (strncmp(json_text(row, name), value, strlen(value)) == 0) {
			AUTO(secret) struct secret seed = json_secret(row, "seed");

			assert_ok(key_set_derive(&seed, &k, &e));
		}
	}
	if (!k)
		fail_msg("no derivation with %s %s", name, value);
	return k;
}

static void check_opens(json_object *all, json_object *row, const char *file)
{
	AUTO(buf) struct buf envelope = vector_file(file);
	AUTO(buf) struct buf expected = json_hex(row, "plaintext");
	AUTO(key_set) struct key_set *k = key_of(all, "secret", json_text(row, "secret"));
	AUTO(secret) struct secret plain = { 0 };
	struct err e;

	assert_ok(envelope_open(k, buf_view(&envelope), &plain, &e));
	assert_view_equal(secret_view(&plain), buf_view(&expected));
}

static void every_envelope_of_the_vectors_opens(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *rows = json_at(all, "envelope_decrypt");
	size_t opened = 0;

	(void)state;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		char name[256];

		snprintf(name, sizeof(name), "qos/%s", json_text(row, "envelope"));
		if (!vector_is_there(name))
			continue; /* upstream's file was not copied */
		check_opens(all, row, name);
		opened++;
	}
	assert_true(opened > 0);
}

static void check_seals(json_object *all, json_object *row)
{
	AUTO(buf) struct buf random = json_hex(row, "ephemeral_scalar");
	AUTO(buf) struct buf nonce = json_hex(row, "nonce");
	AUTO(buf) struct buf expected = json_hex(row, "envelope");
	AUTO(buf) struct buf out = BUF_INIT(8192);
	AUTO(secret) struct secret plain = json_secret(row, "plaintext");
	AUTO(secret) struct secret opened = { 0 };
	/* The vectors name the encrypt half alone. */
	const char *receiver = json_text(row, "receiver_public");
	AUTO(key_set) struct key_set *k = key_of(all, "public", receiver);
	struct fixed_entropy fixed;
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	assert_ok(buf_add(&random, buf_view(&nonce), &e));
	fixed.rest = buf_view(&random);
	assert_ok(envelope_seal(key_set_public(k), &plain, &source, &out, &e));
	assert_view_equal(buf_view(&out), buf_view(&expected));
	assert_int_equal(out.len, plain.len + ENVELOPE_OVERHEAD);
	assert_int_equal(fixed.rest.len, 0);
	assert_ok(envelope_open(k, buf_view(&out), &opened, &e));
	assert_view_equal(secret_view(&opened), secret_view(&plain));
}

static void fixed_randomness_seals_the_envelopes_of_the_vectors(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *rows = json_at(all, "envelope_encrypt_fixed");

	(void)state;
	assert_true(json_object_array_length(rows) > 0);
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		check_seals(all, json_object_array_get_idx(rows, i));
}

static void check_symmetric(json_object *all, json_object *row)
{
	AUTO(buf) struct buf nonce = json_hex(row, "nonce");
	AUTO(buf) struct buf expected = json_hex(row, "envelope");
	AUTO(buf) struct buf out = BUF_INIT(8192);
	AUTO(secret) struct secret plain = json_secret(row, "plaintext");
	AUTO(secret) struct secret opened = { 0 };
	AUTO(key_set) struct key_set *k = key_of(all, "aes_gcm_key", json_text(row, "key"));
	struct fixed_entropy fixed = { buf_view(&nonce) };
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	assert_ok(envelope_seal_symmetric(k, &plain, &source, &out, &e));
	assert_view_equal(buf_view(&out), buf_view(&expected));
	assert_ok(envelope_open_symmetric(k, buf_view(&out), &opened, &e));
	assert_view_equal(secret_view(&opened), secret_view(&plain));
}

static void the_symmetric_envelopes_of_the_vectors_open_and_seal(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *rows = json_at(all, "symmetric_fixed");

	(void)state;
	assert_true(json_object_array_length(rows) > 0);
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		check_symmetric(all, json_object_array_get_idx(rows, i));
}

/* formats.md 4.1: hash, test message and its signature are the quorum key's. */
static void what_a_genesis_says_of_its_key_holds(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/genesis_output.json");
	json_object *row = json_at(all, "decoded");
	AUTO(secret) struct secret seed = json_secret(all, "master_seed");
	AUTO(buf) struct buf hash = json_hex(row, "quorum_key_hash");
	AUTO(buf) struct buf sealed = json_hex(row, "test_message_ciphertext");
	AUTO(buf) struct buf signature = json_hex(row, "test_message_signature");
	AUTO(secret) struct secret digits = { 0 };
	AUTO(secret) struct secret opened = { 0 };
	AUTO(key_set) struct key_set *quorum = NULL;
	struct hash512 computed;
	struct err e;

	(void)state;
	assert_ok(hex_format_secret(secret_view(&seed), &digits, &e));
	assert_ok(sha512(secret_view(&digits), &computed, &e));
	assert_view_equal(VIEW_OF(computed.bytes), buf_view(&hash));
	assert_ok(key_set_derive(&seed, &quorum, &e));
	assert_ok(envelope_open(quorum, buf_view(&sealed), &opened, &e));
	assert_view_equal(secret_view(&opened), view_text("qos-test-message"));
	assert_ok(public_key_verify(key_set_public(quorum), secret_view(&opened),
	                            buf_view(&signature), &e));
}

static void no_changed_byte_of_an_envelope_goes_unnoticed(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(secret) struct secret plain = secret_of(view_text("a share"));
	AUTO(buf) struct buf out = BUF_INIT(256);
	struct secret opened = { 0 };
	struct err e;

	(void)state;
	assert_ok(envelope_seal(key_set_public(k), &plain, &entropy_system, &out, &e));
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 1;
		assert_refused(envelope_open(k, buf_view(&out), &opened, &e), ERR_DATA, "envelope");
		assert_null(opened.data);
		out.data[i] ^= 1;
	}
}

static void the_refusals_name_their_reason(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(key_set) struct key_set *other = key_new();
	AUTO(secret) struct secret plain = secret_of(view_text("a share"));
	AUTO(buf) struct buf out = BUF_INIT(256);
	struct secret opened = { 0 };
	struct err e;

	(void)state;
	assert_ok(envelope_seal(key_set_public(k), &plain, &entropy_system, &out, &e));
	assert_refused(envelope_open(other, buf_view(&out), &opened, &e), ERR_DATA,
	               "not sealed to this key");
	out.data[12] = 2;
	assert_refused(envelope_open(k, buf_view(&out), &opened, &e), ERR_DATA, "ephemeral key");
	out.data[12] = 4;
	out.data[13] ^= 1;
	assert_refused(envelope_open(k, buf_view(&out), &opened, &e), ERR_DATA, "not on P-256");
	out.data[13] ^= 1;
	for (size_t len = 0; len < out.len; len++)
		assert_refused(envelope_open(k, view_new(out.data, len), &opened, &e), ERR_DATA,
		               "cut short");
	assert_ok(buf_add_u8(&out, 0, &e));
	assert_refused(envelope_open(k, buf_view(&out), &opened, &e), ERR_DATA,
	               "1 bytes left over");
}

static void an_envelope_without_a_tag_or_too_long_is_refused(void **state)
{
	static const uint8_t zeroes[4096 + 17];
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(buf) struct buf envelope = BUF_INIT(8192);
	struct secret opened = { 0 };
	struct err e;

	(void)state;
	assert_ok(buf_add(&envelope, view_new(zeroes, 12), &e));
	assert_ok(buf_add(&envelope, public_key_encrypt_half(key_set_public(k)), &e));
	assert_ok(buf_add_vec(&envelope, view_new(zeroes, 15), &e));
	assert_refused(envelope_open(k, buf_view(&envelope), &opened, &e), ERR_DATA,
	               "shorter than a tag");
	envelope.len = 12 + POINT_LEN;
	assert_ok(buf_add_vec(&envelope, VIEW_OF(zeroes), &e));
	assert_refused(envelope_open(k, buf_view(&envelope), &opened, &e), ERR_DATA,
	               "at most 4096");
}

static void the_longest_plaintext_seals_and_one_byte_more_does_not(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(secret) struct secret plain = { 0 };
	AUTO(secret) struct secret longer = { 0 };
	AUTO(secret) struct secret opened = { 0 };
	AUTO(buf) struct buf out = BUF_INIT(8192);
	struct err e;

	(void)state;
	assert_ok(secret_alloc(4096, &plain, &e));
	assert_ok(secret_alloc(4097, &longer, &e));
	assert_ok(envelope_seal(key_set_public(k), &plain, &entropy_system, &out, &e));
	assert_ok(envelope_open(k, buf_view(&out), &opened, &e));
	buf_clear(&out);
	assert_refused(envelope_seal(key_set_public(k), &longer, &entropy_system, &out, &e),
	               ERR_DATA, "at most 4096");
	assert_refused(envelope_seal_symmetric(k, &longer, &entropy_system, &out, &e), ERR_DATA,
	               "at most 4096");
	assert_int_equal(out.len, 0);
}

static void a_scalar_out_of_range_is_drawn_again(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(secret) struct secret plain = secret_of(view_text("x"));
	AUTO(buf) struct buf out = BUF_INIT(256);
	uint8_t random[32 + 32 + 32 + 12] = { 0 }; /* 0, more than the order, 7, the nonce */
	struct fixed_entropy fixed = { VIEW_OF(random) };
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	(void)state;
	memset(random + 32, 0xff, 32);
	random[95] = 7;
	assert_ok(envelope_seal(key_set_public(k), &plain, &source, &out, &e));
	assert_int_equal(fixed.rest.len, 0);
}

static void a_source_that_never_gives_a_scalar_is_given_up(void **state)
{
	static const uint8_t zeroes[1024];
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(secret) struct secret plain = secret_of(view_text("x"));
	AUTO(buf) struct buf out = BUF_INIT(256);
	struct fixed_entropy fixed = { VIEW_OF(zeroes) };
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	(void)state;
	assert_refused(envelope_seal(key_set_public(k), &plain, &source, &out, &e), ERR_INTERNAL,
	               "no scalar");
	assert_int_equal(out.len, 0);
}

static void a_failing_source_leaves_the_output_alone(void **state)
{
	static const uint8_t scalar[32] = { 1 };
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(secret) struct secret plain = secret_of(view_text("x"));
	AUTO(buf) struct buf out = BUF_INIT(256);
	struct fixed_entropy fixed = { VIEW_OF(scalar) };
	struct entropy source = entropy_fixed(&fixed);
	struct err e;

	(void)state;
	assert_ok(buf_add_text(&out, "before", &e));
	assert_refused(envelope_seal(key_set_public(k), &plain, &source, &out, &e), ERR_INTERNAL,
	               "envelope-nonce");
	assert_string_equal(buf_text(&out), "before");
}

static void symmetric_envelopes_are_bound_to_their_key(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(key_set) struct key_set *other = key_new();
	AUTO(secret) struct secret plain = secret_of(view_text("state"));
	AUTO(buf) struct buf out = BUF_INIT(256);
	struct secret opened = { 0 };
	struct err e;

	(void)state;
	assert_ok(envelope_seal_symmetric(k, &plain, &entropy_system, &out, &e));
	assert_refused(envelope_open_symmetric(other, buf_view(&out), &opened, &e), ERR_DATA,
	               "not sealed to this key");
	assert_refused(envelope_open_symmetric(k, view_new(out.data, out.len - 1), &opened, &e),
	               ERR_DATA, "cut short");
	out.data[out.len - 1] ^= 1;
	assert_refused(envelope_open_symmetric(k, buf_view(&out), &opened, &e), ERR_DATA,
	               "changed since");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_envelope_of_the_vectors_opens),
		cmocka_unit_test(fixed_randomness_seals_the_envelopes_of_the_vectors),
		cmocka_unit_test(the_symmetric_envelopes_of_the_vectors_open_and_seal),
		cmocka_unit_test(what_a_genesis_says_of_its_key_holds),
		cmocka_unit_test(no_changed_byte_of_an_envelope_goes_unnoticed),
		cmocka_unit_test(the_refusals_name_their_reason),
		cmocka_unit_test(an_envelope_without_a_tag_or_too_long_is_refused),
		cmocka_unit_test(the_longest_plaintext_seals_and_one_byte_more_does_not),
		cmocka_unit_test(a_scalar_out_of_range_is_drawn_again),
		cmocka_unit_test(a_source_that_never_gives_a_scalar_is_given_up),
		cmocka_unit_test(a_failing_source_leaves_the_output_alone),
		cmocka_unit_test(symmetric_envelopes_are_bound_to_their_key),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

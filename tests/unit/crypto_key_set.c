#include "support.h"

#include "crypto/hash.h"
#include "crypto/key_set.h"

#include <sys/stat.h>
#include <unistd.h>

static struct key_set *key_of_hex(const char *hex)
{
	struct secret seed = secret_of_hex(hex);
	struct key_set *k = NULL;
	struct err e;

	assert_ok(key_set_derive(&seed, &k, &e));
	assert_null(seed.data);
	return k;
}

static struct key_set *key_new(void)
{
	struct key_set *k = NULL;
	struct err e;

	assert_ok(key_set_generate(&entropy_system, "test", &k, &e));
	return k;
}

/* The seed that the vectors call by the name of its file. */
static struct key_set *key_of_name(json_object *all, const char *name)
{
	json_object *rows = json_at(all, "derivations");

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (strcmp(json_text(row, "secret"), name) == 0)
			return key_of_hex(json_text(row, "seed"));
	}
	fail_msg("no derivation for %s", name);
	return NULL;
}

static void a_seed_derives_the_public_key_of_every_vector(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *rows = json_at(all, "derivations");

	(void)state;
	assert_true(json_object_array_length(rows) > 0);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		AUTO(buf) struct buf expected = json_hex(row, "public");
		AUTO(key_set) struct key_set *k = key_of_hex(json_text(row, "seed"));
		struct public_key parsed;
		struct err e;

		assert_view_equal(public_key_view(key_set_public(k)), buf_view(&expected));
		assert_ok(public_key_parse(buf_view(&expected), &parsed, &e));
		assert_true(public_key_equal(&parsed, key_set_public(k)));
	}
}

static void the_derived_scalars_are_those_of_every_vector(void **state)
{
	static const char *const salts[][2] = { { "encrypt_scalar", "qos_p256_encrypt" },
		                                { "sign_scalar", "qos_p256_sign" },
		                                { "aes_gcm_key", "qos_aes_gcm_encrypt" } };
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *rows = json_at(all, "derivations");

	(void)state;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		AUTO(buf) struct buf seed = json_hex(row, "seed");

		for (size_t j = 0; j < COUNT(salts); j++) {
			AUTO(buf) struct buf expected = json_hex(row, salts[j][0]);
			AUTO(secret) struct secret out = { 0 };
			struct err e;

			assert_ok(hkdf_sha512(view_text(salts[j][1]), buf_view(&seed),
			                      view_new(NULL, 0), 32, &out, &e));
			assert_view_equal(secret_view(&out), buf_view(&expected));
		}
	}
}

static void a_seed_of_another_length_is_refused(void **state)
{
	static const size_t lengths[] = { 0, 1, 31, 33, 64 };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		uint8_t bytes[64] = { 1 };
		struct secret seed = secret_of(view_new(bytes, lengths[i]));
		struct key_set *k = NULL;
		struct err e;

		assert_refused(key_set_derive(&seed, &k, &e), ERR_DATA, "expected 32");
		assert_null(k);
		assert_null(seed.data); /* taken over all the same */
	}
}

static void the_key_files_of_the_vectors_read(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *rows = json_at(all, "derivations");
	size_t read = 0;

	(void)state;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		const char *pub_file = json_text(row, "pub_file");
		AUTO(key_set) struct key_set *k = NULL;
		char path[512], name[128];
		struct public_key public;
		struct err e;

		snprintf(name, sizeof(name), "qos/%s", json_text(row, "secret"));
		if (!vector_is_there(name))
			continue; /* upstream's file was not copied, only its contents */
		snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
		assert_ok(key_set_read(path, NULL, &k, &e));
		read++;
		if (!pub_file)
			continue;
		snprintf(path, sizeof(path), "%s/qos/%s", VECTORS, pub_file);
		assert_ok(public_key_read(path, &public, &e));
		assert_true(public_key_equal(&public, key_set_public(k)));
	}
	assert_true(read > 0);
}

static void public_keys_off_the_curve_or_of_another_form_are_refused(void **state)
{
	static const uint8_t prefixes[] = { 0x00, 0x02, 0x03, 0x05, 0x06, 0x07 };
	AUTO(key_set) struct key_set *k = key_new();
	uint8_t bytes[PUBLIC_KEY_LEN + 1] = { 0 };
	struct public_key ret = { 0 };
	struct err e;

	(void)state;
	memcpy(bytes, key_set_public(k)->bytes, PUBLIC_KEY_LEN);
	assert_refused(public_key_parse(view_new(bytes, 129), &ret, &e), ERR_DATA, "129 bytes");
	assert_refused(public_key_parse(view_new(bytes, 131), &ret, &e), ERR_DATA, "131 bytes");
	assert_refused(public_key_parse(view_new(NULL, 0), &ret, &e), ERR_DATA, "0 bytes");
	for (unsigned half = 0; half < 2; half++) {
		const char *name = half ? "sign half" : "encrypt half";
		uint8_t *at = bytes + half * POINT_LEN;

		for (size_t i = 0; i < sizeof(prefixes); i++) {
			at[0] = prefixes[i];
			assert_refused(public_key_parse(view_new(bytes, 130), &ret, &e), ERR_DATA,
			               name);
			assert_non_null(strstr(e.text, "begin with 04"));
		}
		at[0] = 4;
		at[POINT_LEN - 1] ^= 1;
		assert_refused(public_key_parse(view_new(bytes, 130), &ret, &e), ERR_DATA, name);
		assert_non_null(strstr(e.text, "not on P-256"));
		at[POINT_LEN - 1] ^= 1;
	}
	assert_true(view_is_zero(VIEW_OF(ret.bytes)));
	assert_ok(public_key_parse(view_new(bytes, 130), &ret, &e));
}

static void the_point_cases_of_the_vectors_are_judged_as_upstream_judges(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *cases = json_at(all, "pubkey_validation");
	AUTO(buf) struct buf good = json_hex(cases, "good");
	AUTO(buf) struct buf bad = json_hex(cases, "bad_prefix");
	AUTO(buf) struct buf key = BUF_INIT(PUBLIC_KEY_LEN);
	struct public_key ret;
	struct err e;

	(void)state;
	assert_ok(buf_add(&key, buf_view(&good), &e));
	assert_ok(buf_add(&key, buf_view(&good), &e));
	assert_ok(public_key_parse(buf_view(&key), &ret, &e));
	buf_clear(&key);
	assert_ok(buf_add(&key, buf_view(&bad), &e));
	assert_ok(buf_add(&key, buf_view(&good), &e));
	assert_refused(public_key_parse(buf_view(&key), &ret, &e), ERR_DATA, "encrypt half");
}

static void the_signature_of_upstream_verifies(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/p256_vectors.json");
	json_object *kat = json_at(all, "client_sign_kat");
	AUTO(key_set) struct key_set *k = key_of_name(all, json_text(kat, "secret"));
	AUTO(buf) struct buf signature = json_hex(kat, "signature");
	struct err e;

	(void)state;
	assert_ok(public_key_verify(key_set_public(k), view_text(json_text(kat, "message_utf8")),
	                            buf_view(&signature), &e));
}

static void check_signed_message(const struct public_key *key, json_object *row)
{
	AUTO(buf) struct buf message = json_hex(row, "message");
	AUTO(buf) struct buf digest = json_hex(row, "sha256_of_message");
	AUTO(buf) struct buf signature = json_hex(row, "signature_by_quorum_sign_key");
	struct hash256 computed;
	struct err e;

	assert_ok(sha256(buf_view(&message), &computed, &e));
	assert_view_equal(VIEW_OF(computed.bytes), buf_view(&digest));
	assert_ok(public_key_verify(key, buf_view(&message), buf_view(&signature), &e));
	assert_ok(public_key_verify_hash(key, &computed, buf_view(&signature), &e));
	computed.bytes[0] ^= 1;
	assert_refused(public_key_verify_hash(key, &computed, buf_view(&signature), &e), ERR_DATA,
	               "not this key's");
	message.data[0] ^= 1;
	assert_refused(public_key_verify(key, buf_view(&message), buf_view(&signature), &e),
	               ERR_DATA, "not this key's");
}

static void the_signatures_of_our_own_messages_verify(void **state)
{
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	AUTO(key_set) struct key_set *k = key_of_hex(json_text(all, "quorum_seed"));
	AUTO(buf) struct buf public = json_hex(all, "quorum_public_key");
	size_t verified = 0;

	(void)state;
	assert_view_equal(public_key_view(key_set_public(k)), buf_view(&public));
	json_object_object_foreach(all, name, row)
	{
		(void)name;
		if (json_object_is_type(row, json_type_object) &&
		    json_object_object_get_ex(row, "signature_by_quorum_sign_key", NULL)) {
			check_signed_message(key_set_public(k), row);
			verified++;
		}
	}
	assert_true(verified > 0);
}

static void a_signature_verifies_and_no_changed_one_does(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(key_set) struct key_set *other = key_new();
	struct view message = view_text("what is signed");
	struct signature s, bad;
	struct err e;

	(void)state;
	assert_ok(key_set_sign(k, message, &s, &e));
	assert_ok(public_key_verify(key_set_public(k), message, VIEW_OF(s.bytes), &e));
	for (size_t i = 0; i < SIGNATURE_LEN; i++) {
		bad = s;
		bad.bytes[i] ^= 0x10;
		assert_refused(
		    public_key_verify(key_set_public(k), message, VIEW_OF(bad.bytes), &e), ERR_DATA,
		    "signature: ");
	}
	assert_refused(public_key_verify(key_set_public(other), message, VIEW_OF(s.bytes), &e),
	               ERR_DATA, "not this key's");
	assert_refused(public_key_verify(key_set_public(k), view_text(""), VIEW_OF(s.bytes), &e),
	               ERR_DATA, "not this key's");
}

/* n of P-256 (FIPS 186-5). */
static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void signatures_out_of_range_are_refused(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(buf) struct buf n = bytes_of_hex(order);
	struct view message = view_text("m");
	uint8_t ends[3][32] = { { 0 } };
	struct signature s, bad;
	struct err e;

	(void)state;
	memcpy(ends[1], n.data, 32);
	memset(ends[2], 0xff, 32);
	assert_ok(key_set_sign(k, message, &s, &e));
	for (unsigned half = 0; half < 2; half++)
		for (size_t i = 0; i < COUNT(ends); i++) {
			bad = s;
			memcpy(bad.bytes + half * 32, ends[i], 32);
			assert_refused(
			    public_key_verify(key_set_public(k), message, VIEW_OF(bad.bytes), &e),
			    ERR_DATA, half ? "s is not in 1..n-1" : "r is not in 1..n-1");
		}
}

static void signatures_of_another_length_are_refused(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	struct view message = view_text("m");
	uint8_t longer[SIGNATURE_LEN + 1] = { 0 };
	struct signature s;
	struct err e;

	(void)state;
	assert_ok(key_set_sign(k, message, &s, &e));
	memcpy(longer, s.bytes, SIGNATURE_LEN);
	assert_refused(public_key_verify(key_set_public(k), message, view_new(longer, 63), &e),
	               ERR_DATA, "63 bytes");
	assert_refused(public_key_verify(key_set_public(k), message, VIEW_OF(longer), &e), ERR_DATA,
	               "65 bytes");
	assert_refused(public_key_verify(key_set_public(k), message, view_new(NULL, 0), &e),
	               ERR_DATA, "0 bytes");
}

/* n - s, which every verifier of ECDSA takes for s. */
static void negate(uint8_t *s, const uint8_t *n)
{
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int d = n[i] - s[i] - borrow;

		borrow = d < 0;
		s[i] = (uint8_t)d;
	}
}

static void either_half_of_s_is_accepted(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(buf) struct buf n = bytes_of_hex(order);
	struct view message = view_text("m");
	struct signature s;
	struct err e;

	(void)state;
	assert_ok(key_set_sign(k, message, &s, &e));
	negate(s.bytes + 32, n.data);
	assert_ok(public_key_verify(key_set_public(k), message, VIEW_OF(s.bytes), &e));
}

static void a_generated_key_is_that_of_the_drawn_seed(void **state)
{
	static const uint8_t seed[SEED_LEN] = { 1, 2, 3 };
	struct fixed_entropy fixed = { VIEW_OF(seed) };
	struct entropy source = entropy_fixed(&fixed);
	AUTO(key_set) struct key_set *k = NULL;
	AUTO(key_set) struct key_set *none = NULL;
	struct err e;

	(void)state;
	assert_ok(key_set_generate(&source, "test", &k, &e));
	assert_true(secret_equal(secret_view(key_set_seed(k)), VIEW_OF(seed)));
	assert_refused(key_set_generate(&source, "test", &none, &e), ERR_INTERNAL,
	               "no fixed bytes");
	assert_null(none);
}

static void secret_files_are_written_as_qos_keeps_them(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(key_set) struct key_set *again = NULL;
	char folder[256], path[512];
	struct stat st;
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/a.secret", folder);
	assert_ok(key_set_write(path, k, NULL, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 64);
	assert_ok(key_set_read(path, NULL, &again, &e));
	assert_true(public_key_equal(key_set_public(k), key_set_public(again)));
	assert_refused(key_set_write(path, k, NULL, &e), ERR_DATA, "File exists");
	unlink(path);
	rmdir(folder);
}

static void public_files_are_written_as_qos_keeps_them(void **state)
{
	AUTO(key_set) struct key_set *k = key_new();
	AUTO(buf) struct buf text = BUF_INIT(1024);
	char folder[256], path[512];
	struct public_key public;
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/a.pub", folder);
	assert_ok(public_key_write(path, key_set_public(k), &e));
	assert_ok(file_read(path, &text, &e));
	assert_int_equal(text.len, 260);
	assert_ok(public_key_read(path, &public, &e));
	assert_true(public_key_equal(&public, key_set_public(k)));
	unlink(path);
	rmdir(folder);
}

static void broken_key_files_are_refused_without_repeating_them(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "32 bytes expected, 0 found" },
		{ "abc", "odd" },
		{ "00", "32 bytes expected, 1 found" },
		{ "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbexx",
		  "character 63" },
	};
	struct key_set *k = NULL;
	struct public_key public;
	char folder[256], path[512];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/bad", folder);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ok(file_write(path, view_text(cases[i].text), 0600, &e));
		assert_refused(key_set_read(path, NULL, &k, &e), ERR_DATA, cases[i].words);
		assert_null(strstr(e.text, "deadbeef"));
		assert_refused(public_key_read(path, &public, &e), ERR_DATA, "public key file");
	}
	unlink(path);
	assert_refused(key_set_read(path, NULL, &k, &e), ERR_NO_INPUT, "bad");
	assert_refused(public_key_read(path, &public, &e), ERR_NO_INPUT, "bad");
	assert_null(k);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_derives_the_public_key_of_every_vector),
		cmocka_unit_test(the_derived_scalars_are_those_of_every_vector),
		cmocka_unit_test(a_seed_of_another_length_is_refused),
		cmocka_unit_test(the_key_files_of_the_vectors_read),
		cmocka_unit_test(public_keys_off_the_curve_or_of_another_form_are_refused),
		cmocka_unit_test(the_point_cases_of_the_vectors_are_judged_as_upstream_judges),
		cmocka_unit_test(the_signature_of_upstream_verifies),
		cmocka_unit_test(the_signatures_of_our_own_messages_verify),
		cmocka_unit_test(a_signature_verifies_and_no_changed_one_does),
		cmocka_unit_test(signatures_out_of_range_are_refused),
		cmocka_unit_test(signatures_of_another_length_are_refused),
		cmocka_unit_test(either_half_of_s_is_accepted),
		cmocka_unit_test(a_generated_key_is_that_of_the_drawn_seed),
		cmocka_unit_test(secret_files_are_written_as_qos_keeps_them),
		cmocka_unit_test(public_files_are_written_as_qos_keeps_them),
		cmocka_unit_test(broken_key_files_are_refused_without_repeating_them),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

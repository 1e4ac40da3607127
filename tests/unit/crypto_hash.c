#include "support.h"

#include "crypto/hash.h"

static void check_hex(struct view v, const char *hex)
{
	AUTO(buf) struct buf expected = bytes_of_hex(hex);

	assert_view_equal(v, buf_view(&expected));
}

/* FIPS 180-4's examples. */
static void digests_are_those_of_the_standard(void **state)
{
	struct hash256 a;
	struct hash384 b;
	struct hash512 c;
	struct err e;

	(void)state;
	assert_ok(sha256(view_text("abc"), &a, &e));
	check_hex(VIEW_OF(a.bytes),
	          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_ok(sha384(view_text("abc"), &b, &e));
	check_hex(VIEW_OF(b.bytes),
	          "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	          "8086072ba1e7cc2358baeca134c825a7");
	assert_ok(sha512(view_text("abc"), &c, &e));
	check_hex(VIEW_OF(c.bytes),
	          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	assert_ok(sha256(view_new(NULL, 0), &a, &e));
	check_hex(VIEW_OF(a.bytes),
	          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static size_t let_go_of;

static void count_slice(struct view slice)
{
	let_go_of += slice.len;
}

static void slices_have_the_digest_of_the_whole(void **state)
{
	static const uint8_t zeroes[(1u << 20) + 5];
	static const size_t lens[] = { 0, 1, 1u << 18, (1u << 18) + 1, sizeof(zeroes) };
	struct hash384 whole, sliced;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(lens); i++) {
		struct view v = view_new(zeroes, lens[i]);

		let_go_of = 0;
		assert_ok(sha384(v, &whole, &e));
		assert_ok(sha384_sliced(v, count_slice, &sliced, &e));
		assert_view_equal(VIEW_OF(sliced.bytes), VIEW_OF(whole.bytes));
		assert_int_equal(let_go_of, lens[i]);
	}
}

/* RFC 4231, cases 1 and 2; below: 6, and no key at all. */
static void hmac_is_that_of_rfc_4231(void **state)
{
	struct {
		const char *key, *message, *tag;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		  "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
		{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf key = bytes_of_hex(cases[i].key);
		AUTO(buf) struct buf message = bytes_of_hex(cases[i].message);
		AUTO(secret) struct secret tag = { 0 };
		struct err e;

		assert_ok(hmac_sha512(buf_view(&key), buf_view(&message), &tag, &e));
		check_hex(secret_view(&tag), cases[i].tag);
	}
}

static void hmac_hashes_a_long_key_and_takes_an_empty_one(void **state)
{
	uint8_t key[131];
	AUTO(secret) struct secret tag = { 0 };
	AUTO(secret) struct secret none = { 0 };
	struct err e;

	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_ok(hmac_sha512(VIEW_OF(key),
	                      view_text("Test Using Larger Than Block-Size Key - Hash Key First"),
	                      &tag, &e));
	check_hex(secret_view(&tag),
	          "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
	          "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
	assert_ok(hmac_sha512(view_new(NULL, 0), view_new(NULL, 0), &none, &e));
	check_hex(secret_view(&none),
	          "b936cee86c9f87aa5d3c6f2e84cb5a4239a5fe50480a6ec66b70ab5b1f4ac673"
	          "0c6c515421b327ec1d69402e53dfb49ad7381eb067b338fd7b0cb22247225d47");
}

/* RFC 5869 A.1 and A.2 have SHA-256; these are the same inputs with SHA-512, computed apart. */
static void hkdf_expands_over_several_blocks(void **state)
{
	AUTO(secret) struct secret out = { 0 };
	AUTO(secret) struct secret prefix = { 0 };
	uint8_t key[22], salt[13], info[10];
	struct err e;

	(void)state;
	memset(key, 0x0b, sizeof(key));
	for (uint8_t i = 0; i < sizeof(salt); i++)
		salt[i] = i;
	for (uint8_t i = 0; i < sizeof(info); i++)
		info[i] = (uint8_t)(0xf0 + i);
	assert_ok(hkdf_sha512(VIEW_OF(salt), VIEW_OF(key), VIEW_OF(info), 200, &out, &e));
	check_hex(secret_view(&out),
	          "832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c14815793"
	          "38da362cb8d9f925d7cbcce0dff7098769cf15959867d571c1715450cb530137"
	          "be3fb62f3cf32b84feba8f1eb1b563e20d9749b8640b8264c4b69b14ad519911"
	          "5e1d609c83c6940ce5b4214a0c79946983547a35cdcc17e0daf31b647dec0d0e"
	          "6142b1deaa036b348422068ca66631c0ca5586485a276a4336e1cde0e83159b5"
	          "3f017201c7ccfe4ef0d5b543e6715821462a0e876aec3e7ff562173a205240fb"
	          "1fa67a81bfa3e267");
	assert_ok(hkdf_sha512(VIEW_OF(salt), VIEW_OF(key), VIEW_OF(info), 64, &prefix, &e));
	assert_memory_equal(out.data, prefix.data, 64);
}

static void hkdf_has_the_limit_of_rfc_5869(void **state)
{
	AUTO(secret) struct secret out = { 0 };
	AUTO(secret) struct secret none = { 0 };
	struct secret refused = { 0 };
	struct view nothing = { 0 };
	struct err e;

	(void)state;
	assert_ok(hkdf_sha512(nothing, view_text("k"), nothing, 255 * 64, &out, &e));
	assert_int_equal(out.len, 255 * 64);
	assert_ok(hkdf_sha512(nothing, view_text("k"), nothing, 0, &none, &e));
	assert_int_equal(none.len, 0);
	assert_refused(hkdf_sha512(nothing, view_text("k"), nothing, 255 * 64 + 1, &refused, &e),
	               ERR_INTERNAL, "at most 16320");
	assert_null(refused.data);
}

/* contract.md, POST /generate-seed. */
static void the_seed_question_of_the_vectors_is_answered(void **state)
{
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	json_object *row = json_at(all, "generate_seed");
	AUTO(buf) struct buf seed = json_hex(all, "quorum_seed");
	AUTO(buf) struct buf info = json_hex(row, "info");
	AUTO(secret) struct secret prk = { 0 };
	AUTO(secret) struct secret out = { 0 };
	struct err e;

	(void)state;
	assert_ok(hmac_sha512(view_text("teectl-generate-seed-v1"), buf_view(&seed), &prk, &e));
	assert_ok(hkdf_expand_sha512(secret_view(&prk), buf_view(&info), 32, &out, &e));
	check_hex(secret_view(&out), json_text(row, "entropy"));
}

static void info_may_be_longer_than_openssl_takes(void **state)
{
	static const uint8_t info[8192];
	AUTO(secret) struct secret out = { 0 };
	struct err e;

	(void)state;
	assert_ok(hkdf_expand_sha512(view_text("prk"), VIEW_OF(info), 32, &out, &e));
	check_hex(secret_view(&out),
	          "af42f05abe242d94ba0a9e510bd0565d53b5b1d93263ce51806bed8c404301dd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(slices_have_the_digest_of_the_whole),
		cmocka_unit_test(hmac_is_that_of_rfc_4231),
		cmocka_unit_test(hmac_hashes_a_long_key_and_takes_an_empty_one),
		cmocka_unit_test(hkdf_expands_over_several_blocks),
		cmocka_unit_test(hkdf_has_the_limit_of_rfc_5869),
		cmocka_unit_test(the_seed_question_of_the_vectors_is_answered),
		cmocka_unit_test(info_may_be_longer_than_openssl_takes),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

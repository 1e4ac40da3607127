#include "support.h"

#include "crypto/bip39.h"
#include "crypto/hash.h"

/* BIP-39's own test vectors, and some made with an independent program, for the lengths between. */
static const struct {
	const char *entropy, *phrase;
} vectors[] = {
	{ "00000000000000000000000000000000",
	  "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
	  "about" },
	{ "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
	  "legal winner thank year wave sausage worth useful legal winner thank yellow" },
	{ "80808080808080808080808080808080",
	  "letter advice cage absurd amount doctor acoustic avoid letter advice cage above" },
	{ "ffffffffffffffffffffffffffffffff", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong" },
	{ "9e885d952ad362caeb4efe34a8e91bd2",
	  "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic" },
	{ "0001020300010203000102030001020300010203",
	  "abandon amount liar abandon awake account abandon cake adapt abandon dog alcohol "
	  "abandon "
	  "library average" },
	{ "ffffffffffffffffffffffffffffffffffffffff",
	  "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrist" },
	{ "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
	  "pizza coffee harvest ensure fog spot notable regret pizza coffee harvest ensure fog "
	  "spot "
	  "notable regret pizza chuckle" },
	{ "0123456789abcdef0011223344556677deadbeefdeadbeefdeadbeef",
	  "abuse boss fly battle rubber wasp able cattle crew cargo flower use turn term satoshi "
	  "stick same leave problem lava warrior" },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	  "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
	  "zoo vote" },
	{ "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
	  "void come effort suffer camp survey warrior heavy shoot primary clutch crush open "
	  "amazing "
	  "screen patrol group space point ten exist slush involve unfold" },
};

static bool is_valid(const char *text, unsigned *words)
{
	return bip39_is_valid(view_text(text), words);
}

static void entropy_becomes_the_phrase_of_every_vector(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		AUTO(secret) struct secret entropy = secret_of_hex(vectors[i].entropy);
		AUTO(secret) struct secret phrase = { 0 };
		unsigned words = 0;
		struct err e;

		assert_ok(bip39_format(&entropy, &phrase, &e));
		assert_view_equal(secret_view(&phrase), view_text(vectors[i].phrase));
		assert_true(bip39_is_valid(secret_view(&phrase), &words));
		assert_int_equal(words, entropy.len / 4 * 3);
	}
}

static void the_seed_of_the_own_vectors_has_a_phrase(void **state)
{
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	AUTO(secret) struct secret entropy = json_secret(json_at(all, "generate_seed"), "entropy");
	AUTO(secret) struct secret phrase = { 0 };
	unsigned words;
	struct err e;

	(void)state;
	assert_ok(bip39_format(&entropy, &phrase, &e));
	assert_true(bip39_is_valid(secret_view(&phrase), &words));
}

static void the_list_is_the_standard_one(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(BIP39_WORDS * 9);
	char hex[65];
	struct hash256 h;
	struct err e;

	(void)state;
	for (size_t i = 0; i < BIP39_WORDS; i++)
		assert_ok(buf_add_format(&text, &e, "%s\n", bip39_words[i]));
	assert_ok(sha256(buf_view(&text), &h, &e));
	hex_write(VIEW_OF(h.bytes), hex);
	assert_string_equal(hex,
	                    "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

static void every_word_of_the_list_is_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BIP39_WORDS; i++) {
		uint8_t bytes[16] = { (uint8_t)(i >> 3), (uint8_t)(i << 5) };
		AUTO(secret) struct secret entropy = secret_of(VIEW_OF(bytes));
		AUTO(secret) struct secret phrase = { 0 };
		size_t len = strlen(bip39_words[i]);
		unsigned words;
		struct err e;

		assert_ok(bip39_format(&entropy, &phrase, &e));
		assert_memory_equal(phrase.data, bip39_words[i], len);
		assert_int_equal(phrase.data[len], ' ');
		assert_true(bip39_is_valid(secret_view(&phrase), &words));
	}
}

static void entropy_of_another_length_is_refused(void **state)
{
	static const size_t lengths[] = { 0, 4, 12, 15, 17, 18, 31, 33, 36, 64 };

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		AUTO(secret) struct secret entropy = { 0 };
		struct secret phrase = { 0 };
		struct err e;

		assert_ok(secret_alloc(lengths[i], &entropy, &e));
		assert_refused(bip39_format(&entropy, &phrase, &e), ERR_REQUEST, "not 16, 20");
		assert_null(phrase.data);
	}
}

#define ZOO11 "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo"

static void phrases_that_are_not_quite_right_are_invalid(void **state)
{
	static const struct {
		const char *text;
		unsigned words;
	} cases[] = {
		{ "", 0 },
		{ " ", 0 },
		{ ZOO11, 11 },
		{ ZOO11 " zoo", 12 }, /* checksum */
		{ ZOO11 " wron", 12 },
		{ ZOO11 " wrongs", 12 },
		{ ZOO11 " wrongwrong", 12 },
		{ ZOO11 " Wrong", 12 },
		{ ZOO11 " WRONG", 12 },
		{ ZOO11 "  wrong", 12 },
		{ " " ZOO11 " wrong", 12 },
		{ ZOO11 " wrong ", 12 },
		{ ZOO11 " wrong\n", 12 },
		{ ZOO11 "\twrong", 11 },
		{ ZOO11 " wrong zoo", 13 },
		{ ZOO11 " wr\xc3\xb6ng", 12 },
		{ ZOO11 " " ZOO11 " zoo zoo zoo", 25 },
		{ ZOO11 " " ZOO11 " zoo zoo zoo zoo zoo", 27 },
	};
	unsigned words;

	(void)state;
	assert_true(is_valid(ZOO11 " wrong", &words));
	for (size_t i = 0; i < COUNT(cases); i++) {
		words = 99;
		if (is_valid(cases[i].text, &words))
			fail_msg("valid: '%s'", cases[i].text);
		assert_int_equal(words, cases[i].words);
	}
}

static void words_that_only_pack_alike_are_invalid(void **state)
{
	static const char nul[] = ZOO11 " \0wrong"; /* a NUL would vanish in a packed word */
	unsigned words;

	(void)state;
	assert_false(bip39_is_valid(view_new(nul, sizeof(nul) - 1), &words));
	assert_false(is_valid(ZOO11 " \xf7rong", &words)); /* 'w' with the top bit */
}

static void every_wrong_last_word_but_the_checksums_is_invalid(void **state)
{
	unsigned valid = 0, words;

	(void)state;
	for (unsigned i = 0; i < BIP39_WORDS; i++) {
		char text[128];

		snprintf(text, sizeof(text), "%s %s", ZOO11, bip39_words[i]);
		valid += is_valid(text, &words);
	}
	assert_int_equal(valid, 128); /* 7 free bits of 11 */
}

/* The first 66 bits of SHA-256 of "abc", ba7816bf8f01cfea4..: six indices of eleven bits. */
static void a_check_phrase_is_six_words_of_the_hash(void **state)
{
	static const unsigned indices[] = { 0x5d3, 0x605, 0x57f, 0x0f0, 0x0e7, 0x7a9 };
	char phrase[BIP39_CHECK_TEXT_MAX], other[BIP39_CHECK_TEXT_MAX], expected[64] = "";
	struct hash256 digest;
	size_t len = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(indices); i++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%s",
		                        i ? " " : "", bip39_words[indices[i]]);
	assert_ok(sha256(view_text("abc"), &digest, &e));
	bip39_check_phrase(&digest, phrase);
	assert_string_equal(phrase, expected);
	assert_ok(sha256(view_text("abd"), &digest, &e));
	bip39_check_phrase(&digest, other);
	assert_string_not_equal(phrase, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entropy_becomes_the_phrase_of_every_vector),
		cmocka_unit_test(the_seed_of_the_own_vectors_has_a_phrase),
		cmocka_unit_test(the_list_is_the_standard_one),
		cmocka_unit_test(every_word_of_the_list_is_found),
		cmocka_unit_test(entropy_of_another_length_is_refused),
		cmocka_unit_test(phrases_that_are_not_quite_right_are_invalid),
		cmocka_unit_test(words_that_only_pack_alike_are_invalid),
		cmocka_unit_test(a_check_phrase_is_six_words_of_the_hash),
		cmocka_unit_test(every_wrong_last_word_but_the_checksums_is_invalid),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

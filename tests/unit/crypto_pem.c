/* PEM of secrets, against OpenSSL's base64. */
#include "support.h"

#include "crypto/pem.h"

#include <openssl/evp.h>

#define LABEL "PRIVATE KEY"
#define BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define END   "-----END PRIVATE KEY-----\n"
#define MAX   300

static void all_lengths_come_back_and_are_openssls(void **state)
{
	uint8_t bytes[MAX], base64[2 * MAX], found[2 * MAX];

	(void)state;
	for (size_t i = 0; i < MAX; i++)
		bytes[i] = (uint8_t)(i * 167 + i / 256 + 13);
	for (size_t len = 1; len <= MAX; len++) {
		AUTO(secret) struct secret der = secret_of(view_new(bytes, len));
		AUTO(secret) struct secret pem = { 0 }, again = { 0 };
		size_t digits = 0;
		struct err e;

		assert_ok(pem_format_secret(LABEL, &der, &pem, &e));
		assert_memory_equal(pem.data, BEGIN, strlen(BEGIN));
		assert_memory_equal(pem.data + pem.len - strlen(END), END, strlen(END));
		for (size_t i = strlen(BEGIN); i < pem.len - strlen(END); i++)
			if (pem.data[i] != '\n')
				found[digits++] = pem.data[i];
		assert_int_equal(EVP_EncodeBlock(base64, bytes, (int)len), digits);
		assert_memory_equal(found, base64, digits);
		assert_ok(pem_parse_secret(LABEL, &pem, MAX, &again, &e));
		assert_int_equal(again.len, len);
		assert_memory_equal(again.data, bytes, len);
	}
}

static void the_limit_holds(void **state)
{
	AUTO(secret) struct secret der = secret_of(view_text("123456"));
	AUTO(secret) struct secret pem = { 0 }, again = { 0 };
	struct err e;

	(void)state;
	assert_ok(pem_format_secret(LABEL, &der, &pem, &e));
	for (size_t max = 1; max < 6; max++)
		assert_refused(pem_parse_secret(LABEL, &pem, max, &again, &e), ERR_DATA, "");
	assert_ok(pem_parse_secret(LABEL, &pem, 6, &again, &e));
}

static void what_is_not_one_block_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"AAAA",
		BEGIN,
		END,
		BEGIN END,
		BEGIN "AAA\n" END,
		BEGIN "AAAA====\n" END,
		BEGIN "A===\n" END,
		BEGIN "AA=A\n" END,
		BEGIN "AA A\n" END,
		BEGIN "AA-A\n" END,
		BEGIN "AA@A\n" END,
		BEGIN "AA[A\n" END,
		BEGIN "AA`A\n" END,
		BEGIN "AA{A\n" END,
		BEGIN "AA:A\n" END,
		BEGIN "AA\xc1\xff\n" END,
		BEGIN "AAAA\n" END "x",
		"x" BEGIN "AAAA\n" END,
		"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
	};
	AUTO(secret) struct secret again = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		AUTO(secret)
		struct secret pem = secret_of(view_new(texts[i], strlen(texts[i]) + !*texts[i]));

		assert_refused(pem_parse_secret(LABEL, &pem, MAX, &again, &e), ERR_DATA, "");
		assert_null(again.data);
	}
}

static void line_ends_of_other_systems_are_taken(void **state)
{
	static const char text[] = BEGIN "MTIz\r\nNDU2\r\n\n" END "\r\n";
	AUTO(secret) struct secret pem = secret_of(view_text(text));
	AUTO(secret) struct secret der = { 0 };
	struct err e;

	(void)state;
	assert_ok(pem_parse_secret(LABEL, &pem, MAX, &der, &e));
	assert_int_equal(der.len, 6);
	assert_memory_equal(der.data, "123456", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lengths_come_back_and_are_openssls),
		cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(what_is_not_one_block_is_refused),
		cmocka_unit_test(line_ends_of_other_systems_are_taken),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

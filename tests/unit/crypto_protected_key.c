#include "support.h"

#include "crypto/protected_key.h"

/* Made by Python's hashlib.scrypt and the AESGCM of its cryptography package, from the words of
 * protected_key.h alone: passphrase "correct horse", salt 00..0f, nonce 10..1b, seed 20..3f. */
#define VECTOR                                                                                     \
	"teectl-key-v1:scrypt:10:8:1:000102030405060708090a0b0c0d0e0f:1011121314151617181"         \
	"91a1b:fc2e1738cea5ced8e49de29ad40dc1210208b1f4d4c8c6c5da23ba"                             \
	"9792edeb414ac3e2b0cd5b236862a04d71f9ea9cb0"
#define PASSPHRASE "correct horse"

static const struct kdf_cost cheap = { .ln = 10, .r = 8, .p = 1 };

static struct secret seed_of_the_vector(void)
{
	uint8_t seed[SEED_LEN];

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(0x20 + i);
	return secret_of(VIEW_OF(seed));
}

static void a_line_that_others_made_is_opened(void **state)
{
	AUTO(secret) struct secret passphrase = secret_of(view_text(PASSPHRASE));
	AUTO(secret) struct secret expected = seed_of_the_vector();
	AUTO(secret) struct secret seed = { 0 };
	struct protected_key key;
	struct err e;

	(void)state;
	assert_true(protected_key_is(view_text(VECTOR)));
	assert_ok(protected_key_parse(view_text(VECTOR), &key, &e));
	assert_ok(protected_key_open(&key, &passphrase, &seed, &e));
	assert_true(secret_equal(secret_view(&seed), secret_view(&expected)));
}

static void the_same_draws_give_the_same_line(void **state)
{
	uint8_t draws[KDF_SALT_LEN + GCM_NONCE_LEN];
	struct fixed_entropy fixed = { VIEW_OF(draws) };
	struct entropy source = entropy_fixed(&fixed);
	AUTO(secret) struct secret passphrase = secret_of(view_text(PASSPHRASE));
	AUTO(secret) struct secret seed = seed_of_the_vector();
	AUTO(buf) struct buf line = BUF_INIT(PROTECTED_KEY_MAX);
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(draws); i++)
		draws[i] = (uint8_t)i;
	assert_ok(protected_key_seal(&seed, &passphrase, &cheap, &source, &line, &e));
	assert_string_equal(buf_text(&line), VECTOR "\n");
}

static void another_passphrase_or_any_changed_character_does_not_open_it(void **state)
{
	AUTO(secret) struct secret passphrase = secret_of(view_text(PASSPHRASE));
	AUTO(secret) struct secret wrong = secret_of(view_text("wrong horse"));
	AUTO(secret) struct secret seed = { 0 };
	char line[sizeof(VECTOR)];
	struct protected_key key;
	struct err e;

	(void)state;
	assert_ok(protected_key_parse(view_text(VECTOR), &key, &e));
	assert_refused(protected_key_open(&key, &wrong, &seed, &e), ERR_DATA, "does not open it");
	for (size_t i = 0; i < strlen(VECTOR); i += 7) {
		memcpy(line, VECTOR, sizeof(line));
		line[i] = line[i] == '1' ? '2' : '1';
		if (protected_key_parse(view_text(line), &key, &e) < 0) {
			assert_int_equal(e.code, ERR_DATA);
			continue;
		}
		assert_refused(protected_key_open(&key, &passphrase, &seed, &e), ERR_DATA,
		               "does not open it");
	}
	assert_null(seed.data);
}

/* The limit, and one more. */
static void costs_are_bounded(void **state)
{
	static const struct {
		const char *cost, *words; /* NULL: taken */
	} rows[] = {
		{ "18:8:1", NULL },
		{ "18:8:2", NULL },
		{ "18:8:3", "2^22 steps" },
		{ "19:8:1", "takes 512 MiB; at most 256" },
		{ "24:64:64", "MiB; at most 256" },
		{ "25:1:1", "scrypt's ln: 1 to 24 expected" },
		{ "0:8:1", "scrypt's ln" },
		{ "10:65:1", "scrypt's r" },
		{ "10:8:0", "scrypt's p" },
		{ "10:8:+1", "scrypt's p" },
		{ "010:8:1", "scrypt's ln" },
		{ "18446744073709551626:8:1", "scrypt's ln" },
	};
	struct protected_key key;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char line[512];

		snprintf(line, sizeof(line), "teectl-key-v1:scrypt:%s%s", rows[i].cost,
		         &VECTOR[strlen("teectl-key-v1:scrypt:10:8:1")]);
		if (rows[i].words)
			assert_refused(protected_key_parse(view_text(line), &key, &e), ERR_DATA,
			               rows[i].words);
		else
			assert_ok(protected_key_parse(view_text(line), &key, &e));
	}
}

static void layouts_are_strict(void **state)
{
	static const char *const lines[] = {
		"",
		"teectl-key-v1:scrypt:",
		"teectl-key-v1:scrypt:10:8:1",
		"teectl-key-v2:scrypt:10:8:1:",
		VECTOR ":",
		VECTOR "00",
		"x" VECTOR,
	};
	struct protected_key key;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_refused(protected_key_parse(view_text(lines[i]), &key, &e), ERR_DATA, "");
	for (size_t len = 0; len < strlen(VECTOR); len++)
		assert_refused(protected_key_parse(view_new(VECTOR, len), &key, &e), ERR_DATA, "");
}

/* --- key files */

struct answer {
	const char *passphrase;
	unsigned asked;
};

static int on_ask(void *context, const char *path, struct secret *ret, struct err *e)
{
	struct answer *a = context;

	assert_string_equal(path, "alice.secret");
	a->asked++;
	if (!a->passphrase)
		return err_set(e, ERR_INTERRUPTED, "nobody answers");
	return secret_copy(view_text(a->passphrase), ret, e);
}

static void a_key_file_asks_only_where_it_is_protected(void **state)
{
	struct answer answer = { .passphrase = PASSPHRASE };
	const struct passphrase_source source = { .ask = on_ask, .context = &answer };
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(key_set) struct key_set *plain = NULL;
	AUTO(key_set) struct key_set *none = NULL;
	struct err e;

	(void)state;
	assert_ok(key_set_parse(view_text(" " VECTOR "\n"), "alice.secret", &source, &key, &e));
	assert_int_equal(answer.asked, 1);
	assert_ok(key_set_parse(
	    view_text("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"),
	    "alice.secret", &source, &plain, &e));
	assert_int_equal(answer.asked, 1);
	assert_true(public_key_equal(key_set_public(key), key_set_public(plain)));
	assert_refused(key_set_parse(view_text(VECTOR), "alice.secret", NULL, &none, &e), ERR_DATA,
	               KEY_PROTECTED);
	answer.passphrase = NULL;
	assert_refused(key_set_parse(view_text(VECTOR), "alice.secret", &source, &none, &e),
	               ERR_INTERRUPTED, "nobody answers");
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_others_made_is_opened),
		cmocka_unit_test(the_same_draws_give_the_same_line),
		cmocka_unit_test(another_passphrase_or_any_changed_character_does_not_open_it),
		cmocka_unit_test(costs_are_bounded),
		cmocka_unit_test(layouts_are_strict),
		cmocka_unit_test(a_key_file_asks_only_where_it_is_protected),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

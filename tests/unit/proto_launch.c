#include "support.h"

#include "proto/launch.h"

#define HASH       "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HASH_UPPER "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static int parse(const char *const *words, struct launch *ret, struct err *e)
{
	char *argv[64] = { 0 };
	size_t count = 0;

	for (; words[count]; count++)
		argv[count] = (char *)words[count];
	return launch_parse(argv, count, ret, e);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct pcr measured(const char *const *words)
{
	struct launch l;
	struct pcr pcr;
	struct err e;

	assert_ok(parse(words, &l, &e));
	assert_ok(launch_measure(&l, &pcr, &e));
	return pcr;
}

static void defaults_are_those_of_the_contract(void **state)
{
	struct launch l;
	struct err e;

	(void)state;
	assert_ok(parse(WORDS("--nsm", "fd:3"), &l, &e));
	assert_string_equal(l.values[LAUNCH_NSM], "fd:3");
	assert_string_equal(l.values[LAUNCH_LOG_LEVEL], "info");
	assert_null(l.values[LAUNCH_PIN_SHARE_SET]);
	assert_null(l.values[LAUNCH_INSECURE_OPEN_SEED]);
	assert_int_equal(l.numbers[LAUNCH_MAX_BODY], 1 << 20);
	assert_int_equal(l.numbers[LAUNCH_MAX_HEADER], 16 << 10);
	assert_int_equal(l.numbers[LAUNCH_REQUEST_TIMEOUT], 10000);
	assert_int_equal(l.numbers[LAUNCH_IDLE_TIMEOUT], 10000);
	assert_int_equal(l.numbers[LAUNCH_HANDSHAKE_TIMEOUT], 3000);
	assert_int_equal(l.numbers[LAUNCH_MAX_CONNECTIONS], 256);
	assert_int_equal(l.numbers[LAUNCH_MAX_CONNECTIONS_PER_ADDRESS], 64);
	assert_int_equal(l.numbers[LAUNCH_NSM_RATE], 200);
}

static void values_come_as_a_word_or_after_an_equals_sign(void **state)
{
	struct launch l;
	struct err e;

	(void)state;
	assert_ok(parse(WORDS("--listen=[::1]:0", "--host-name", "a=b", "--host-name=c",
	                      "--insecure-open-seed", "--pin-share-set", HASH_UPPER),
	                &l, &e));
	assert_string_equal(l.values[LAUNCH_LISTEN], "[::1]:0");
	assert_int_equal(l.host_name_count, 2);
	assert_string_equal(l.host_names[0], "a=b");
	assert_string_equal(l.host_names[1], "c");
	assert_string_equal(l.values[LAUNCH_INSECURE_OPEN_SEED], "1");
	assert_string_equal(l.values[LAUNCH_PIN_SHARE_SET], HASH_UPPER);
}

static void wrong_options_are_refused(void **state)
{
	static const struct {
		const char *words[5], *text;
	} cases[] = {
		{ { "--lisen", "x" }, "unknown option --lisen, did you mean --listen?" },
		{ { "--foo" }, "unknown option --foo" },
		{ { "--" }, "unknown option --" },
		{ { "-l", "x" }, "'-l': an option expected" },
		{ { "x" }, "'x': an option expected" },
		{ { "" }, "'': an option expected" },
		{ { "--listen" }, "--listen: a value expected" },
		{ { "--listen=" }, "--listen: an empty value" },
		{ { "--listen", "a", "--listen=b" }, "--listen is given twice" },
		{ { "--insecure-open-seed=1" }, "--insecure-open-seed takes no value" },
		{ { "--insecure-open-seed", "--insecure-open-seed" },
		  "--insecure-open-seed is given twice" },
		{ { "--pin-share-set", "00" }, "--pin-share-set: 64 hex digits expected" },
		{ { "--pin-share-set", "0x112233445566778899aabbccddeeff00112233445566778899aabbccd"
		                       "deeffa" },
		  "--pin-share-set: 64 hex digits expected" },
		{ { "--max-body", "1048577" }, "--max-body must be a whole number from 1024" },
		{ { "--max-body", "10k" }, "--max-body must be a whole number" },
		{ { "--nsm-rate=0" }, "--nsm-rate must be a whole number from 1" },
		{ { "--client-ca", "ca.pem" }, "--client-ca needs --tls-cert and --tls-key" },
		{ { "--client-ca=ca.pem", "--tls-cert=c.pem" },
		  "--client-ca needs --tls-cert and --tls-key" },
		{ { "--client-ca=ca.pem", "--tls-cert=c.pem", "--tls-key=c.key",
		    "--insecure-open-seed" },
		  "--insecure-open-seed and --client-ca exclude each other" },
	};
	struct launch l = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused(parse(cases[i].words, &l, &e), ERR_USAGE, cases[i].text);
	assert_null(l.values[LAUNCH_LISTEN]);
}

static void host_names_end_at_sixteen(void **state)
{
	const char *words[LAUNCH_REPEAT_MAX + 2] = { 0 };
	struct launch l;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LAUNCH_REPEAT_MAX; i++)
		words[i] = "--host-name=a";
	assert_ok(parse(words, &l, &e));
	words[LAUNCH_REPEAT_MAX] = "--host-name=a";
	assert_refused(parse(words, &l, &e), ERR_USAGE, "more than 16 times");
}

static void what_changes_who_may_do_what_is_measured(void **state)
{
	struct pcr plain = measured(WORDS("--nsm", "fd:3"));
	const char *const *const others[] = {
		WORDS("--pin-share-set", HASH), WORDS("--pin-manifest-set", HASH),
		WORDS("--insecure-open-seed"),  WORDS("--max-body=2048"),
		WORDS("--max-header=2048"),     WORDS("--request-timeout=1000"),
		WORDS("--idle-timeout=1000"),   WORDS("--handshake-timeout=1000"),
		WORDS("--max-connections=10"),  WORDS("--max-connections-per-address=10"),
		WORDS("--nsm-rate=10"),
	};

	(void)state;
	assert_int_equal(plain.len, PCR_LEN);
	for (size_t i = 0; i < COUNT(others); i++) {
		struct pcr other = measured(others[i]);

		assert_false(pcr_equal(&plain, &other));
		for (size_t j = 0; j < i; j++) {
			struct pcr third = measured(others[j]);

			assert_false(pcr_equal(&third, &other));
		}
	}
}

static void what_differs_between_nodes_is_not_measured(void **state)
{
	struct pcr plain = measured(WORDS("--nsm", "fd:3"));
	const char *const *const others[] = {
		WORDS("--listen=127.0.0.1:1"), WORDS("--host-name=a"),
		WORDS("--tls-cert=a"),         WORDS("--tls-key=a"),
		WORDS("--log-level=debug"),    WORDS("--nsm=device:/dev/nsm"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct pcr other = measured(others[i]);

		assert_true(pcr_equal(&plain, &other));
	}
}

static void a_value_is_measured_the_same_however_it_is_spelt(void **state)
{
	struct pcr a = measured(WORDS("--pin-share-set", HASH, "--max-body=2048"));
	struct pcr b = measured(WORDS("--max-body", "02048", "--pin-share-set", HASH_UPPER));
	struct pcr plain = measured(WORDS("--nsm", "fd:3"));
	struct pcr explicit_default = measured(WORDS("--max-body=1048576"));

	(void)state;
	assert_true(pcr_equal(&a, &b));
	assert_true(pcr_equal(&plain, &explicit_default));
}

/* contract.md: borsh Vec<(String, String)> sorted by name, with the defaults. */
static void the_measurement_is_that_of_the_contract(void **state)
{
	static const char *const pairs[][2] = {
		{ "handshake-timeout", "3000" }, { "idle-timeout", "10000" },
		{ "insecure-open-seed", "1" },   { "max-body", "1048576" },
		{ "max-connections", "256" },    { "max-connections-per-address", "64" },
		{ "max-header", "16384" },       { "nsm-rate", "200" },
		{ "pin-manifest-set", HASH },    { "request-timeout", "10000" },
	};
	struct pcr found = measured(
	    WORDS("--insecure-open-seed", "--pin-manifest-set", HASH_UPPER, "--nsm", "fd:3"));
	AUTO(buf) struct buf borsh = BUF_INIT(4096);
	struct pcr expected;
	struct err e;

	(void)state;
	assert_ok(buf_add_le32(&borsh, COUNT(pairs), &e));
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_ok(buf_add_vec(&borsh, view_text(pairs[i][0]), &e));
		assert_ok(buf_add_vec(&borsh, view_text(pairs[i][1]), &e));
	}
	assert_ok(pcr_measure(buf_view(&borsh), &expected, &e));
	assert_true(pcr_equal(&expected, &found));
}

#define CA(name)   VECTORS "/access/" name ".pem"
#define WITH_CA(f) WORDS("--client-ca=" CA(f), "--tls-cert=c.pem", "--tls-key=c.key")
/* sha256sum of the DER of ca1.pem and ca2.pem, by openssl. */
#define CA1 "d39636948cc78a2293e7cd384b7982de0da36836ecc056acd505e25fd865c283"
#define CA2 "e9fd1780cf6f377a987f6dc9c346c998a154675498b5452014ad43039ccb0d49"

static struct pcr with_client_ca(const char *value)
{
	static const char *const before[][2] = {
		{ "client-ca", NULL },         { "handshake-timeout", "3000" },
		{ "idle-timeout", "10000" },   { "max-body", "1048576" },
		{ "max-connections", "256" },  { "max-connections-per-address", "64" },
		{ "max-header", "16384" },     { "nsm-rate", "200" },
		{ "request-timeout", "10000" }
	};
	AUTO(buf) struct buf borsh = BUF_INIT(4096);
	struct pcr pcr;
	struct err e;

	assert_ok(buf_add_le32(&borsh, COUNT(before), &e));
	for (size_t i = 0; i < COUNT(before); i++) {
		assert_ok(buf_add_vec(&borsh, view_text(before[i][0]), &e));
		assert_ok(buf_add_vec(&borsh, view_text(i ? before[i][1] : value), &e));
	}
	assert_ok(pcr_measure(buf_view(&borsh), &pcr, &e));
	return pcr;
}

/* contract.md: SHA-256 of each DER; the set counts, not how a file has it. */
static void a_client_ca_is_measured_by_its_certificates(void **state)
{
	struct pcr one = measured(WITH_CA("ca1")), two = measured(WITH_CA("ca12"));
	struct pcr turned = measured(WITH_CA("ca21")), twice = measured(WITH_CA("ca121"));
	struct pcr expected_one = with_client_ca(CA1);
	struct pcr expected_two = with_client_ca(strcmp(CA1, CA2) < 0 ? CA1 "," CA2 : CA2 "," CA1);

	(void)state;
	assert_true(pcr_equal(&one, &expected_one));
	assert_true(pcr_equal(&two, &expected_two));
	assert_true(pcr_equal(&two, &turned));
	assert_true(pcr_equal(&two, &twice));
}

static void a_client_ca_that_is_not_one_is_refused(void **state)
{
	static const struct {
		const char *file, *words;
		enum err_code code;
	} cases[] = {
		{ "--client-ca=" CA("nowhere"), "--client-ca: ", ERR_NO_INPUT },
		{ "--client-ca=" CA("leaf"), "certificate 1: it is not a CA's", ERR_DATA },
	};
	struct launch l;
	struct pcr pcr;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ok(
		    parse(WORDS(cases[i].file, "--tls-cert=c.pem", "--tls-key=c.key"), &l, &e));
		assert_refused(launch_measure(&l, &pcr, &e), cases[i].code, cases[i].words);
	}
}

static void every_option_is_documented(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LAUNCH_COUNT; i++) {
		const struct launch_option *o = &launch_options[i];

		assert_non_null(o->name);
		assert_non_null(o->doc);
		assert_true((o->kind == LAUNCH_FLAG) == !o->metavar);
		assert_true(o->kind != LAUNCH_NUMBER || (o->fallback && o->min < o->max));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_contract),
		cmocka_unit_test(values_come_as_a_word_or_after_an_equals_sign),
		cmocka_unit_test(wrong_options_are_refused),
		cmocka_unit_test(host_names_end_at_sixteen),
		cmocka_unit_test(what_changes_who_may_do_what_is_measured),
		cmocka_unit_test(what_differs_between_nodes_is_not_measured),
		cmocka_unit_test(a_value_is_measured_the_same_however_it_is_spelt),
		cmocka_unit_test(the_measurement_is_that_of_the_contract),
		cmocka_unit_test(a_client_ca_is_measured_by_its_certificates),
		cmocka_unit_test(a_client_ca_that_is_not_one_is_refused),
		cmocka_unit_test(every_option_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

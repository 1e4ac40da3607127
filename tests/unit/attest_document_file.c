/* The forms in which people keep documents. What they hold is of no concern here. */
#include "support.h"

#include "attest/document.h"
#include "attest/document_file.h"

static void expect(const char *file, enum document_form form, const char *hex)
{
	AUTO(buf) struct buf expected = bytes_of_hex(hex);
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	enum document_form found;
	struct err e;

	assert_ok(document_decode(view_text(file), &document, &found, &e));
	if (found != form)
		fail_msg("'%s' was read as %s", file, document_form_names[found]);
	assert_view_equal(buf_view(&document), buf_view(&expected));
}

static void expect_refused(struct view file, const char *words)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	enum document_form form = DOCUMENT_ARRAY;
	struct err e;

	assert_refused(document_decode(file, &document, &form, &e), ERR_ATTESTATION, words);
	assert_string_equal(e.reason, "cose:structure");
	assert_int_equal(document.len, 0);
	assert_int_equal(form, DOCUMENT_ARRAY);
}

static void each_form_is_told_by_its_bytes(void **state)
{
	(void)state;
	expect("\x84\x43\xa1", DOCUMENT_RAW, "8443a1");
	expect("8443A1", DOCUMENT_HEX, "8443a1");
	expect(" 0x84 43\n a1\n", DOCUMENT_HEX, "8443a1");
	expect("hEOh", DOCUMENT_BASE64, "8443a1");
	expect("h E\tO\r\nh", DOCUMENT_BASE64, "8443a1");
	expect("0oRD", DOCUMENT_BASE64, "d28443");
	expect("[132,67, 161]\n", DOCUMENT_ARRAY, "8443a1");
	expect("[0,255,10]", DOCUMENT_ARRAY, "00ff0a");
	expect("A=\x80", DOCUMENT_RAW, "413d80");
}

static void text_may_be_wrapped(void **state)
{
	(void)state;
	expect("\"hEOh\"\n", DOCUMENT_BASE64, "8443a1");
	expect("\"8443a1\"", DOCUMENT_HEX, "8443a1");
	expect("\"hE\\nO\\r\\th\"", DOCUMENT_BASE64, "8443a1");
	expect("\"\\/\\/\\/\\/\"", DOCUMENT_BASE64, "ffffff");
	expect("-----BEGIN COSE-----\nhE\nOh\n-----END COSE-----\n", DOCUMENT_BASE64, "8443a1");
	expect("-----BEGIN COSE-----\r\nhEOh\r\n-----END COSE-----", DOCUMENT_BASE64, "8443a1");
}

static void what_is_no_form_is_refused(void **state)
{
	static const struct {
		const char *file, *words;
	} cases[] = {
		{ "", "it is empty" },
		{ " \n", "it is empty" },
		{ "\"\"", "it is empty" },
		{ "-----BEGIN A-----\n-----END A-----", "it is empty" },
		{ "844", "odd number" }, /* as hex; as base64 it would be cut short */
		{ "'hEOh'", "base64: character 1" },
		{ "\"hEOh", "base64: character 1" },
		{ "hE\\nOh", "base64: character 3" },
		{ "\"hE\\u004fh\"", "an escape" },
		{ "0xhEOh", "cut short" },
		{ "[]", "not a JSON array" },
		{ "[1,]", "not a JSON array" },
		{ "[1", "not a JSON array" },
		{ "[1]]", "not a JSON array" },
		{ "[01]", "not a JSON array" },
		{ "[-1]", "not a JSON array" },
		{ "[1.5]", "not a JSON array" },
		{ "[256]", "above 255" },
		{ "[99999999999999999999]", "above 255" },
		{ "-----BEGIN A-----\nhEOh", "no end" },
		{ "-----BEGIN A-----\nhEOh\n-----END B-----", "does not end as it begins" },
		{ "-----BEGIN A-----\nhEOh\n-----END A-----\nhEOh", "or not there" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect_refused(view_text(cases[i].file), cases[i].words);
}

static void no_form_makes_more_than_a_document(void **state)
{
	static uint8_t raw[DOCUMENT_MAX + 1];
	static char hex[2 * DOCUMENT_MAX + 3];
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	enum document_form form;
	struct err e;

	(void)state;
	expect_refused(VIEW_OF(raw), "longer than any");
	assert_ok(document_decode(view_new(raw, DOCUMENT_MAX), &document, &form, &e));
	memset(hex, '0', sizeof(hex) - 1);
	expect_refused(view_text(hex), "");
	hex[2 * DOCUMENT_MAX] = 0;
	assert_ok(document_decode(view_text(hex), &document, &form, &e));
	assert_int_equal(document.len, DOCUMENT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_told_by_its_bytes),
		cmocka_unit_test(text_may_be_wrapped),
		cmocka_unit_test(what_is_no_form_is_refused),
		cmocka_unit_test(no_form_makes_more_than_a_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Base64 as people paste it. */
#include "support.h"

#include "base/base64.h"

static void expect(const char *text, const char *bytes)
{
	AUTO(buf) struct buf b = BUF_INIT(64);
	struct err e;

	assert_ok(base64_parse(view_text(text), &b, &e));
	assert_view_equal(buf_view(&b), view_text(bytes));
}

static void expect_refused(const char *text, const char *words)
{
	AUTO(buf) struct buf b = BUF_INIT(64);
	struct err e;

	assert_refused(base64_parse(view_text(text), &b, &e), ERR_DATA, words);
	assert_int_equal(b.len, 0);
}

/* RFC 4648 10 */
static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

static void base64_is_that_of_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		AUTO(buf) struct buf b = BUF_INIT(64);
		struct err e;

		assert_ok(base64_format(view_text(vectors[i][0]), &b, &e));
		assert_string_equal(buf_text(&b), vectors[i][1]);
		expect(vectors[i][1], vectors[i][0]);
	}
}

static void base64_takes_both_alphabets_white_space_and_no_padding(void **state)
{
	(void)state;
	expect("-__-", "\xfb\xff\xfe");
	expect(" Z m\n9\tv\r\nYg ", "foob");
	expect("Zm9vYg", "foob");
	expect("Zm9vYg=\n=", "foob");
	expect_refused("+__-", "both alphabets");
	expect_refused("-+//", "both alphabets");
}

static void base64_has_one_meaning_or_none(void **state)
{
	(void)state;
	expect_refused("Z", "cut short");
	expect_refused("Zm9vY", "cut short");
	expect_refused("Zh", "cut short"); /* bits that belong to no byte */
	expect_refused("Zm9=", "cut short");
	expect_refused("Zg=", "padding");
	expect_refused("Zg===", "padding");
	expect_refused("Zm9v=", "padding");
	expect_refused("====", "padding");
	expect_refused("Zg==Zg==", "character 5 stands after the padding");
	expect_refused("Zm9v!", "character 5 is none of its alphabet");
	expect_refused("Zm\xc3\xa4", "character 3");
}

static void base64_refuses_more_than_fits(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(3);
	struct err e;

	(void)state;
	assert_ok(base64_parse(view_text("Zm9v"), &b, &e));
	assert_refused(base64_parse(view_text("Zm9v"), &b, &e), ERR_TOO_LARGE, "");
	assert_view_equal(buf_view(&b), view_text("foo"));
	assert_refused(base64_format(view_text("a"), &b, &e), ERR_TOO_LARGE, "");
	assert_refused(base64_parse(view_new("Z\0==", 4), &b, &e), ERR_DATA, "character 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_that_of_the_rfc),
		cmocka_unit_test(base64_takes_both_alphabets_white_space_and_no_padding),
		cmocka_unit_test(base64_has_one_meaning_or_none),
		cmocka_unit_test(base64_refuses_more_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

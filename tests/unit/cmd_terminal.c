/* link: cmd/terminal.c */
#include "support.h"

#include "base/text.h"
#include "cmd/terminal.h"

#include <unistd.h>

static void width_counts_characters_and_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("tee1"), 4);
	assert_int_equal(text_width("Zoë"), 3);
	assert_int_equal(text_width("\xff\xfe"), 2);
}

static void a_prefix_never_ends_inside_a_character(void **state)
{
	(void)state;
	assert_int_equal(text_prefix("tee1", 2), 2);
	assert_int_equal(text_prefix("Zoë!", 3), 4);
	assert_int_equal(text_prefix("ë", 0), 0);
	assert_int_equal(text_prefix("ab", 5), 2);
	assert_int_equal(text_prefix("\xff", 1), 1);
}

static void tamed_text_moves_no_cursor(void **state)
{
	char text[] = "a\033[2Jb\nc\x7f\td\xc2\x9b"
	              "1m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa6\xc2\xa9";

	(void)state;
	text_tame(text);
	assert_string_equal(text, "a?[2Jb?c??d??1m??????\xe2\x80\xa6\xc2\xa9");
}

/* Each byte that is no part of a well-formed character, and none that is. */
static void tamed_text_is_utf8(void **state)
{
	static const struct {
		const char *text, *tame;
	} cases[] = {
		{ "a\x9b"
		  "31mb",
		  "a?31mb" },
		{ "\xff\xfe", "??" },
		{ "\xc2", "?" },
		{ "\xe2\x80", "??" },
		{ "\xe2\x28\xa1", "?(?" },
		{ "\xc0\xaf", "??" },           /* overlong */
		{ "\xed\xa0\x80", "???" },      /* a surrogate */
		{ "\xf4\x90\x80\x80", "????" }, /* above U+10FFFF */
		{ "\xf0\x9f\x94\x91\x91", "\xf0\x9f\x94\x91?" },
		{ "Zo\xc3\xab \xe2\x82\xac", "Zo\xc3\xab \xe2\x82\xac" },
		{ "\xc2\x9b\x9b", "???" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[32];

		snprintf(text, sizeof(text), "%s", cases[i].text);
		text_tame(text);
		assert_string_equal(text, cases[i].tame);
		assert_true(utf8_is_valid(view_text(text)));
	}
}

static void what_is_no_terminal_is_never_narrow_or_coloured(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_false(terminal_is(fds[1]));
	assert_false(terminal_has_colour(fds[1]));
	assert_true(terminal_width(fds[1]) == SIZE_MAX);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(width_counts_characters_and_not_bytes),
		cmocka_unit_test(a_prefix_never_ends_inside_a_character),
		cmocka_unit_test(tamed_text_moves_no_cursor),
		cmocka_unit_test(tamed_text_is_utf8),
		cmocka_unit_test(what_is_no_terminal_is_never_narrow_or_coloured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include <errno.h>

static void err_set_formats_and_returns_minus_one(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, ERR_DATA, "%s has %d bytes", "x", 3), -1);
	assert_int_equal(e.code, ERR_DATA);
	assert_string_equal(e.text, "x has 3 bytes");
	assert_string_equal(e.reason, "");
}

static void a_reason_stays_when_context_is_added(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_reason(&e, ERR_ATTESTATION, "pcr0", "PCR0 differs"), -1);
	assert_int_equal(err_wrap(&e, "node '%s'", "a"), -1);
	assert_int_equal(e.code, ERR_ATTESTATION);
	assert_string_equal(e.reason, "pcr0");
	assert_string_equal(e.text, "node 'a': PCR0 differs");
}

static void a_mark_is_of_one_failure_and_of_no_text(void **state)
{
	struct err e;

	(void)state;
	(void)err_set(&e, ERR_REFUSED, "words");
	assert_false(err_has_mark(&e, "kept"));
	assert_int_equal(err_mark("kept", &e), -1);
	(void)err_wrap(&e, "outer");
	assert_true(err_has_mark(&e, "kept"));
	assert_false(err_has_mark(&e, "other"));
	assert_string_equal(e.text, "outer: words");
	(void)err_set(&e, ERR_REFUSED, "another");
	assert_false(err_has_mark(&e, "kept"));
}

static void err_sys_ends_in_the_system_s_words(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_sys(&e, ERR_NO_INPUT, ENOENT, "'%s'", "f"), -1);
	assert_string_equal(e.text, "'f': No such file or directory");
}

static void long_texts_are_cut_and_the_cause_survives(void **state)
{
	char x[2 * ERR_TEXT_MAX];
	struct err e;

	(void)state;
	memset(x, 'x', sizeof(x) - 1);
	x[sizeof(x) - 1] = 0;
	err_set(&e, ERR_DATA, "%s", x);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_wrap(&e, "outer");
	assert_memory_equal(e.text, x, ERR_TEXT_MAX - 1);
	err_set(&e, ERR_DATA, "the cause");
	for (int i = 0; i < 10; i++)
		err_wrap(&e, "%s", x);
	assert_true(strlen(e.text) < ERR_TEXT_MAX);
	assert_non_null(strstr(e.text, ": the cause"));
	err_reason(&e, ERR_DATA, x, "text");
	assert_int_equal(strlen(e.reason), ERR_REASON_MAX - 1);
}

static void texts_hold_nothing_that_moves_a_cursor(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a\nb\rc\td\x1b[2J\x7f", "a?b?c?d?[2J?" },
		{ "c1 \xc2\x9b"
		  "2J",
		  "c1 ??2J" },
		{ "\xc2\xa0 stays", "\xc2\xa0 stays" },
		{ "M\xc3\xbcller \xf0\x9f\x94\x91", "M\xc3\xbcller \xf0\x9f\x94\x91" },
		{ "'M\xfcller'", "'M?ller'" }, /* not UTF-8: JSON could not carry it */
		{ "'\xff'", "'?'" },
		{ "'\xe2\x82'", "'?\?'" },
		{ "M\xc3\xbcller, '\xff': not cut", "M\xc3\xbcller, '?': not cut" },
		{ "ends in \xff", "ends in ?" },
		{ "ends in \xf0\x9f\x94", "ends in ?\?\?" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		err_set(&e, ERR_DATA, "%s", cases[i].in);
		assert_string_equal(e.text, cases[i].out);
		err_set(&e, ERR_DATA, "cause");
		err_wrap(&e, "%s", cases[i].in);
		assert_memory_equal(e.text, cases[i].out, strlen(cases[i].out));
	}
}

static void a_character_is_not_cut_in_two(void **state)
{
	char keys[2 * ERR_TEXT_MAX] = "";

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		size_t len = shift;
		struct err e;

		memset(keys, 'x', shift);
		while (len + 5 < sizeof(keys)) {
			memcpy(keys + len, "\xf0\x9f\x94\x91", 5);
			len += 4;
		}
		err_set(&e, ERR_DATA, "%s", keys);
		assert_true(utf8_is_valid(view_text(e.text)));
		assert_true(strlen(e.text) > ERR_TEXT_MAX - 5);
	}
}

static void every_code_has_a_row_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const struct err_info *info = err_info((enum err_code)i);

		assert_non_null(info->name);
		assert_true(strlen(info->words) > 0);
		assert_true(info->http >= 400 && info->http < 600);
		assert_true(info->exit_status > 0 && info->exit_status < 256);
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(info->name, err_info((enum err_code)j)->name);
			assert_string_not_equal(info->words, err_info((enum err_code)j)->words);
		}
	}
	assert_ptr_equal(err_info(ERR_COUNT), err_info(ERR_INTERNAL));
	assert_ptr_equal(err_info((enum err_code) - 1), err_info(ERR_INTERNAL));
}

static void every_code_of_the_wire_comes_back(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const struct err_info *info = err_info((enum err_code)i);
		char text[128];

		snprintf(text, sizeof(text), "%s: details", info->words);
		if (info->wire)
			assert_int_equal(err_from_wire(info->wire, text), i);
	}
	assert_int_equal(err_from_wire(1001, "other words"), ERR_NO_MANIFEST);
	assert_int_equal(err_from_wire(1002, ""), ERR_THRESHOLD);
	assert_int_equal(err_from_wire(0, "Internal fault"), ERR_UNREACHABLE);
	assert_int_equal(err_from_wire(4711, "x"), ERR_UNREACHABLE);
}

static void the_worse_of_two_outcomes_decides(void **state)
{
	(void)state;
	assert_int_equal(err_worse(ERR_UNREACHABLE, ERR_REFUSED), ERR_REFUSED);
	assert_int_equal(err_worse(ERR_REFUSED, ERR_ACCESS), ERR_REFUSED);
	assert_int_equal(err_worse(ERR_WAITING, ERR_ACCESS), ERR_ACCESS);
	assert_int_equal(err_worse(ERR_TRY_AGAIN, ERR_PARTIAL), ERR_PARTIAL);
	assert_int_equal(err_worse(ERR_DATA, ERR_RATE), ERR_RATE);
	assert_int_equal(err_worse(ERR_DATA, ERR_UNREACHABLE), ERR_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_formats_and_returns_minus_one),
		cmocka_unit_test(a_reason_stays_when_context_is_added),
		cmocka_unit_test(a_mark_is_of_one_failure_and_of_no_text),
		cmocka_unit_test(err_sys_ends_in_the_system_s_words),
		cmocka_unit_test(long_texts_are_cut_and_the_cause_survives),
		cmocka_unit_test(texts_hold_nothing_that_moves_a_cursor),
		cmocka_unit_test(a_character_is_not_cut_in_two),
		cmocka_unit_test(every_code_has_a_row_of_its_own),
		cmocka_unit_test(every_code_of_the_wire_comes_back),
		cmocka_unit_test(the_worse_of_two_outcomes_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

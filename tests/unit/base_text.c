#include "support.h"
#include "base/base64.h"

static void hex_is_written_in_lower_case(void **state)
{
	uint8_t all[256];
	AUTO(buf) struct buf b = BUF_INIT(512);
	AUTO(buf) struct buf back = BUF_INIT(256);
	AUTO(secret) struct secret s = { 0 };
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_ok(hex_format(VIEW_OF(all), &b, &e));
	for (unsigned i = 0; i < 256; i++) {
		char two[3];

		snprintf(two, sizeof(two), "%02x", i);
		assert_memory_equal(b.data + 2 * i, two, 2);
	}
	assert_ok(hex_parse(buf_view(&b), &back, &e));
	assert_view_equal(buf_view(&back), VIEW_OF(all));
	assert_ok(hex_format_secret(VIEW_OF(all), &s, &e));
	assert_view_equal(secret_view(&s), buf_view(&b));
}

static void hex_is_read_as_people_write_it(void **state)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} cases[] = {
		{ "", "", 0 },
		{ "0x", "", 0 },
		{ " \t\n", "", 0 },
		{ "00ff", "\x00\xff", 2 },
		{ "0xABcd", "\xab\xcd", 2 },
		{ "  aB\r\n", "\xab", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf b = BUF_INIT(16);
		struct err e;

		assert_ok(hex_parse(view_text(cases[i].text), &b, &e));
		assert_view_equal(buf_view(&b), view_new(cases[i].bytes, cases[i].len));
	}
}

static void bad_hex_is_refused_and_not_repeated(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "a", "odd number of digits (1)" },
		{ "0xabc", "odd number of digits (3)" },
		{ "0Xab", "character 2" },
		{ "ag", "character 2" },
		{ "+a", "character 1" },
		{ "a b0", "character 2" },
		{ "\xc3\xbc", "character 1" },
		{ "0x0x00", "character 2" },
		{ "dead!!be", "character 5" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf b = BUF_INIT(16);
		uint8_t exact[3] = { 7, 7, 7 };
		struct secret s = { 0 };
		struct err e;

		assert_ok(buf_add_text(&b, "x", &e));
		assert_refused(hex_parse(view_text(cases[i].text), &b, &e), ERR_DATA,
		               cases[i].words);
		assert_string_equal(buf_text(&b), "x");
		assert_null(strstr(e.text, "dead"));
		assert_int_equal(hex_parse_exact(view_text(cases[i].text), exact, 2, &e), -1);
		assert_memory_equal(exact, "\7\7\7", 3);
		assert_int_equal(hex_parse_secret(view_text(cases[i].text), 2, &s, &e), -1);
		assert_null(s.data);
	}
}

static void every_byte_that_is_no_digit_is_refused(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t pair[3] = { '1', (uint8_t)c, '1' }, to[1];
		bool digit = c && strchr("0123456789abcdefABCDEF", (int)c);
		struct err e;

		/* In the middle, where white space is not trimmed. */
		assert_int_equal(hex_parse_exact(view_new(pair, 2), to, 1, &e) == 0, digit);
		if (digit)
			assert_int_equal(to[0], 16 + strtoul((char[]){ (char)c, 0 }, NULL, 16));
	}
}

static void an_exact_length_is_asked_for(void **state)
{
	uint8_t to[2];
	struct secret s = { 0 };
	struct err e;

	(void)state;
	assert_ok(hex_parse_exact(view_text("0102"), to, 2, &e));
	assert_memory_equal(to, "\1\2", 2);
	assert_refused(hex_parse_exact(view_text("010203"), to, 2, &e), ERR_DATA,
	               "2 bytes expected, 3 found");
	assert_refused(hex_parse_secret(view_text("01"), 2, &s, &e), ERR_DATA,
	               "2 bytes expected, 1 found");
	assert_ok(hex_parse_secret(view_text("0x0102\n"), 2, &s, &e));
	assert_memory_equal(s.data, "\1\2", 2);
	secret_drop(&s);
}

static void hex_that_does_not_fit_is_refused(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(3);
	struct err e;

	(void)state;
	assert_refused(hex_format(view_text("ab"), &b, &e), ERR_TOO_LARGE, "more than 3");
	assert_refused(hex_parse(view_text("00112233"), &b, &e), ERR_TOO_LARGE, "more than 3");
}

static void numbers_are_digits_within_their_range(void **state)
{
	static const char *const bad[] = { "",
		                           " 1",
		                           "1 ",
		                           "+1",
		                           "-1",
		                           "1x",
		                           "0x1",
		                           "1.0",
		                           "9",
		                           "21",
		                           "18446744073709551616",
		                           "99999999999999999999999" };
	uint64_t n = 77;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(number_parse(bad[i], "nodes", 10, 20, &n, &e), ERR_USAGE,
		               "nodes must be a whole number from 10 to 20");
	assert_int_equal(n, 77);
	assert_ok(number_parse("10", "nodes", 10, 20, &n, &e));
	assert_int_equal(n, 10);
	assert_ok(number_parse("0020", "nodes", 10, 20, &n, &e));
	assert_int_equal(n, 20);
	assert_ok(number_parse("18446744073709551615", "n", 0, UINT64_MAX, &n, &e));
	assert_true(n == UINT64_MAX);
	assert_refused(number_parse("18446744073709551616", "n", 0, UINT64_MAX, &n, &e), ERR_USAGE,
	               "n must be");
}

static void durations_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *shortest;
	} cases[] = {
		{ "0s", 0, "0s" },         { "0ms", 0, "0s" },
		{ "250ms", 250, "250ms" }, { "5s", 5000, "5s" },
		{ "90s", 90000, "90s" },   { "3m", 180000, "3m" },
		{ "60m", 3600000, "1h" },  { "2h", 7200000, "2h" },
		{ "1d", 86400000, "1d" },  { "366d", INT64_C(31622400000), "366d" },
		{ "1000ms", 1000, "1s" },  { "1500ms", 1500, "1500ms" },
		{ "007s", 7000, "7s" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf b = BUF_INIT(32);
		int64_t ms = -1;
		struct err e;

		assert_ok(duration_parse(cases[i].text, &ms, &e));
		assert_true(ms == cases[i].ms);
		assert_ok(duration_format(ms, &b, &e));
		assert_string_equal(buf_text(&b), cases[i].shortest);
	}
}

static void bad_durations_are_refused(void **state)
{
	static const char *const bad[] = { "",
		                           "5",
		                           "s",
		                           "5 s",
		                           "-5s",
		                           "5S",
		                           "5sm",
		                           "1.5s",
		                           "367d",
		                           "1w",
		                           "5sec",
		                           "31622400001ms",
		                           "99999999999999999999s",
		                           "\n5s" };
	int64_t ms = 42;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(duration_parse(bad[i], &ms, &e), ERR_USAGE, "is not a duration");
	assert_true(ms == 42);
}

static void times_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "1767322984", INT64_C(1767322984000) },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-01-02T03:04:05.678Z", INT64_C(1767323045678) },
		{ "2026-01-02T03:04:05.6789999z", INT64_C(1767323045678) },
		{ "2026-01-02T03:04:05.6Z", INT64_C(1767323045600) },
		{ "2026-01-02T05:04:05+02:00", INT64_C(1767323045000) },
		{ "2026-01-01T21:34:05-05:30", INT64_C(1767323045000) },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
		{ "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
		{ "253402300799", INT64_C(253402300799000) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[TIME_TEXT_LEN];
		int64_t ms = -1, again = -1;
		struct err e;

		assert_ok(time_parse(cases[i].text, &ms, &e));
		assert_true(ms == cases[i].ms);
		time_format(ms, text);
		assert_int_equal(strlen(text), TIME_TEXT_LEN - 1);
		assert_ok(time_parse(text, &again, &e));
		assert_true(again == ms);
	}
}

static void bad_times_are_refused(void **state)
{
	static const char *const bad[] = {
		"2026-01-02",
		"2026-01-02T03:04:05",
		"2026-01-02 03:04:05Z",
		"2026-1-2T3:4:5Z",
		" 2026-01-02T03:04:05Z",
		"2026-01- 2T03:04:05Z",
		"2026-01-02T03:04:05Zx",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05+2:00",
		"2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05+00:60",
		"2026-01-02T03:04:05*02:00",
		"2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-01-02T24:00:00Z",
		"2026-01-02T00:60:00Z",
		"2026-01-02T00:00:60Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"tomorrow",
		"-1",
	};
	int64_t ms = 42;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(time_parse(bad[i], &ms, &e), ERR_USAGE, "is not a time");
	assert_refused(time_parse("", &ms, &e), ERR_USAGE, "a time must be");
	assert_refused(time_parse("253402300800", &ms, &e), ERR_USAGE, "a time must be");
	assert_true(ms == 42);
}

static void times_out_of_range_are_written_as_1970(void **state)
{
	char text[TIME_TEXT_LEN];

	(void)state;
	time_format(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	time_format(INT64_MAX, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	time_format(INT64_C(1767323045678), text);
	assert_string_equal(text, "2026-01-02T03:04:05.678Z");
}

static void utf8_is_judged_as_rfc_3629_does(void **state)
{
	static const char *const good[] = { "",
		                            "plain",
		                            "\xc2\x80",
		                            "\xdf\xbf",
		                            "\xe0\xa0\x80",
		                            "\xed\x9f\xbf",
		                            "\xee\x80\x80",
		                            "\xef\xbf\xbf",
		                            "\xf0\x90\x80\x80",
		                            "\xf4\x8f\xbf\xbf",
		                            "a\xc3\xbcz" };
	static const char *const bad[] = { "\x80",
		                           "\xbf",
		                           "\xc0\x80",
		                           "\xc1\xbf",
		                           "\xc2",
		                           "\xc2 ",
		                           "\xe0\x9f\xbf",
		                           "\xe0\xa0",
		                           "\xed\xa0\x80",
		                           "\xf0\x8f\xbf\xbf",
		                           "\xf0\x90\x80",
		                           "\xf4\x90\x80\x80",
		                           "\xf5\x80\x80\x80",
		                           "\xff",
		                           "ok\xe1\x80",
		                           "\xe1\x80\xc0",
		                           "\xf1\x80\x80\xc0" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(utf8_is_valid(view_text(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(utf8_is_valid(view_text(bad[i])));
	assert_true(utf8_is_valid(view_new("a\0b", 3)));
	assert_true(utf8_is_valid(view_new(NULL, 0)));
}

static void white_space_is_trimmed_at_the_ends_only(void **state)
{
	(void)state;
	assert_view_equal(text_trim(view_text(" \t\r\n\v\fa b\n")), view_text("a b"));
	assert_view_equal(text_trim(view_text(" \n ")), view_text(""));
	assert_view_equal(text_trim(view_new(NULL, 0)), view_text(""));
}

static void the_nearest_word_is_found(void **state)
{
	static const char *const words[] = { "genesis", "inject", "logs", "propagate",
		                             "status",  "up",     NULL };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "genesis", "genesis" },
		{ "gensis", "genesis" },
		{ "genessiss", "genesis" },
		{ "stauts", "status" },
		{ "injcet", "inject" },
		{ "propagat", "propagate" },
		{ "statusses", NULL },
		{ "x", NULL },
		{ "xy", NULL },
		{ "pu", NULL },
		{ "", NULL },
		{ "down", NULL },
		{ "upp", "up" },
		{ "injts", NULL }, /* two of six letters would do, and it takes three */
		{ "bogus", NULL }, /* two edits of "logs" */
		{ "lgs", "logs" },
		{ "loggs", "logs" },
		{ "lgos", "logs" }, /* two letters swapped are one edit */
		{ "olgs", "logs" },
		{ "lsog", NULL },
		{ "sgol", NULL },
	};
	static const char *const none[] = { NULL };
	char longer[100] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *found = text_nearest(cases[i].word, words);

		if (!cases[i].nearest)
			assert_null(found);
		else
			assert_string_equal(found, cases[i].nearest);
	}
	memset(longer, 'a', 99);
	assert_null(text_nearest(longer, words));
	assert_null(text_nearest("genesis", (const char *const[]){ longer, NULL }));
	assert_null(text_nearest("genesis", none));
}

/* RFC 4648, section 10. */
static void base64_is_rfc_4648s(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf coded = BUF_INIT(16);
		AUTO(buf) struct buf plain = BUF_INIT(16);

		assert_ok(base64_format(view_text(rows[i].plain), &coded, &e));
		assert_string_equal(buf_text(&coded), rows[i].coded);
		assert_ok(base64_parse_canonical(view_text(rows[i].coded), &plain, &e));
		assert_string_equal(buf_text(&plain), rows[i].plain);
	}
}

static void one_base64_text_alone_stands_for_the_bytes(void **state)
{
	static const char *const bad[] = { "Zg",     "Zg=",      "Zh==",   "Zm9=",  "====",
		                           "Z===",   "Zg==Zg==", "Zm 9",   "Zm9\n", "Zm-_",
		                           "Zg==\n", "=Zm9",     "Z\3779v" };
	AUTO(buf) struct buf plain = BUF_INIT(16);
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(base64_parse_canonical(view_text(bad[i]), &plain, &e), ERR_DATA,
		               "base64: ");
		assert_int_equal(plain.len, 0);
	}
	assert_refused(base64_parse_canonical(view_new("Z\0\0\0", 4), &plain, &e), ERR_DATA,
	               "base64: ");
	plain.max = 2;
	assert_refused(base64_parse_canonical(view_text("Zm9v"), &plain, &e), ERR_TOO_LARGE,
	               "2 bytes");
}

static void texts_are_copied_and_dropped(void **state)
{
	char *copy = NULL;
	struct err e;

	(void)state;
	assert_ok(text_dup("text", &copy, &e));
	assert_string_equal(copy, "text");
	text_drop(&copy);
	assert_null(copy);
	text_drop(&copy);
}

static void words_are_quoted_where_a_shell_would_read_something_else(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
		{ "cluster.yaml", "cluster.yaml" },
		{ "/a/b-c_d.yaml", "/a/b-c_d.yaml" },
		{ "my clusters/one.yaml", "'my clusters/one.yaml'" },
		{ "it's", "'it'\\''s'" },
		{ "'", "''\\'''" },
		{ "$(x)", "'$(x)'" },
		{ "~", "'~'" },
		{ "", "''" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf word = BUF_INIT(64);

		assert_ok(text_add_shell_word(cases[i].text, &word, &e));
		assert_string_equal(buf_text(&word), cases[i].word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_is_written_in_lower_case),
		cmocka_unit_test(hex_is_read_as_people_write_it),
		cmocka_unit_test(bad_hex_is_refused_and_not_repeated),
		cmocka_unit_test(every_byte_that_is_no_digit_is_refused),
		cmocka_unit_test(an_exact_length_is_asked_for),
		cmocka_unit_test(hex_that_does_not_fit_is_refused),
		cmocka_unit_test(numbers_are_digits_within_their_range),
		cmocka_unit_test(durations_are_read_and_written),
		cmocka_unit_test(bad_durations_are_refused),
		cmocka_unit_test(times_are_read_and_written),
		cmocka_unit_test(bad_times_are_refused),
		cmocka_unit_test(times_out_of_range_are_written_as_1970),
		cmocka_unit_test(utf8_is_judged_as_rfc_3629_does),
		cmocka_unit_test(white_space_is_trimmed_at_the_ends_only),
		cmocka_unit_test(the_nearest_word_is_found),
		cmocka_unit_test(base64_is_rfc_4648s),
		cmocka_unit_test(one_base64_text_alone_stands_for_the_bytes),
		cmocka_unit_test(texts_are_copied_and_dropped),
		cmocka_unit_test(words_are_quoted_where_a_shell_would_read_something_else),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

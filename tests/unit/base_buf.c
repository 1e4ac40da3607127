#include "support.h"

static void an_empty_buf_is_an_empty_string(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(4);

	(void)state;
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_view(&b).len, 0);
	buf_clear(&b);
	buf_drop(&b);
	buf_drop(&b);
	assert_int_equal(b.max, 4);
}

static void a_buf_is_always_a_string(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(1000);
	struct err e;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_ok(buf_add_u8(&b, 'x', &e));
		assert_int_equal(strlen(buf_text(&b)), i + 1);
	}
	assert_true(b.cap <= 1001);
}

static void a_buf_grows_seldom_up_to_its_limit(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(1500);
	size_t grown = 0, cap = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < b.max; i++) {
		assert_ok(buf_add_u8(&b, 'x', &e));
		grown += b.cap != cap;
		cap = b.cap;
	}
	assert_int_equal(b.cap, 1501);
	assert_true(grown <= 12);
}

static void a_buf_refuses_to_pass_its_limit(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(4);
	uint8_t *at = NULL;
	struct err e;

	(void)state;
	assert_ok(buf_add_text(&b, "abcd", &e));
	assert_refused(buf_add_u8(&b, 'e', &e), ERR_TOO_LARGE, "more than 4 bytes");
	assert_refused(buf_add_le32(&b, 1, &e), ERR_TOO_LARGE, "more than 4 bytes");
	assert_refused(buf_add_vec(&b, view_text(""), &e), ERR_TOO_LARGE, "more than 4 bytes");
	assert_refused(buf_add_format(&b, &e, "%d", 1), ERR_TOO_LARGE, "more than 4 bytes");
	assert_refused(buf_reserve(&b, SIZE_MAX, &at, &e), ERR_TOO_LARGE, "more than 4 bytes");
	assert_refused(buf_set(&b, view_text("12345"), &e), ERR_TOO_LARGE, "more than 4 bytes");
	assert_null(at);
	assert_string_equal(buf_text(&b), "abcd");
	assert_ok(buf_add(&b, view_new(NULL, 0), &e));
}

static void a_vec_that_does_not_fit_leaves_no_length_behind(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(8);
	struct err e;

	(void)state;
	assert_refused(buf_add_vec(&b, view_text("12345"), &e), ERR_TOO_LARGE, "more than 8");
	assert_int_equal(b.len, 0);
	assert_ok(buf_add_vec(&b, view_text("1234"), &e));
	assert_int_equal(b.len, 8);
}

static void numbers_are_little_endian(void **state)
{
	static const uint8_t expected[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04,
		                            0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09,
		                            0x08, 0x02, 0x00, 0x00, 0x00, 'h',  'i' };
	static const uint8_t le64[] = { 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08 };
	AUTO(buf) struct buf b = BUF_INIT(64);
	struct err e;

	(void)state;
	assert_ok(buf_add_u8(&b, 1, &e));
	assert_ok(buf_add_le16(&b, 0x0203, &e));
	assert_ok(buf_add_le32(&b, 0x04050607, &e));
	assert_ok(buf_add(&b, VIEW_OF(le64), &e));
	assert_ok(buf_add_vec(&b, view_text("hi"), &e));
	assert_view_equal(buf_view(&b), VIEW_OF(expected));

	struct reader r = reader_new(buf_view(&b));
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(reader_le16(&r), 0x0203);
	assert_int_equal(reader_le32(&r), 0x04050607);
	assert_true(reader_le64(&r) == 0x08090a0b0c0d0e0f);
	assert_view_equal(reader_vec(&r), view_text("hi"));
	assert_ok(reader_done(&r, ERR_DATA, "all", &e));
}

static void buf_set_replaces_even_by_its_own_part(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(16);
	struct err e;

	(void)state;
	assert_ok(buf_set(&b, view_text("first"), &e));
	assert_ok(buf_set(&b, view_text("2nd"), &e));
	assert_string_equal(buf_text(&b), "2nd");
	assert_ok(buf_set(&b, view_new(b.data + 1, 2), &e));
	assert_string_equal(buf_text(&b), "nd");
	assert_int_equal(b.max, 16);
}

static void what_is_cleared_is_wiped(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(64);
	struct err e;

	(void)state;
	assert_ok(buf_add_text(&b, "secret-ish", &e));
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_true(view_is_zero(view_new(b.data, b.cap)));
	assert_string_equal(buf_text(&b), "");
}

static void formats_are_added(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(4096);
	struct err e;

	(void)state;
	assert_ok(buf_add_format(&b, &e, "%s", ""));
	assert_ok(buf_add_format(&b, &e, "%d-%s", 7, "x"));
	assert_ok(buf_add_format(&b, &e, "%01000d", 1));
	assert_int_equal(b.len, 1003);
	assert_memory_equal(b.data, "7-x000", 6);
}

static void reserved_room_counts_when_committed(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(8);
	uint8_t *at;
	struct err e;

	(void)state;
	assert_ok(buf_reserve(&b, 8, &at, &e));
	memcpy(at, "abc", 3);
	buf_commit(&b, 3);
	assert_string_equal(buf_text(&b), "abc");
	assert_ok(buf_reserve(&b, 5, &at, &e));
	assert_refused(buf_reserve(&b, 6, &at, &e), ERR_TOO_LARGE, "more than 8");
}

static void views_compare_by_contents(void **state)
{
	(void)state;
	assert_true(view_equal(view_text("a"), view_new("a", 1)));
	assert_false(view_equal(view_text("a"), view_text("ab")));
	assert_false(view_equal(view_text("a"), view_text("b")));
	assert_true(view_equal(view_new(NULL, 0), view_text("")));
	assert_true(view_is_zero(view_new("\0\0", 2)));
	assert_true(view_is_zero(view_new(NULL, 0)));
	assert_false(view_is_zero(view_new("\0\1", 2)));
}

static void a_read_past_the_end_spoils_all_later_ones(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct reader r = reader_new(VIEW_OF(bytes));
	uint8_t copy[2] = { 9, 9 };
	struct err e;

	(void)state;
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(reader_le32(&r), 0);
	assert_int_equal(reader_u8(&r), 0);
	assert_int_equal(reader_bytes(&r, 0).len, 0);
	assert_null(reader_bytes(&r, 0).data);
	reader_copy(&r, copy, 2);
	assert_true(view_is_zero(VIEW_OF(copy)));
	assert_refused(reader_done(&r, ERR_SHARE, "share", &e), ERR_SHARE, "share: cut short");
}

static void bytes_left_over_are_counted(void **state)
{
	struct reader r = reader_new(view_text("abc"));
	struct err e;

	(void)state;
	reader_u8(&r);
	assert_refused(reader_done(&r, ERR_DATA, "x", &e), ERR_DATA, "x: 2 bytes left over");
}

static void a_vec_longer_than_the_rest_is_refused(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 1 };
	struct reader r = reader_new(VIEW_OF(bytes));
	struct err e;

	(void)state;
	assert_int_equal(reader_vec(&r).len, 0);
	assert_refused(reader_done(&r, ERR_DATA, "x", &e), ERR_DATA, "cut short");
}

static void a_count_must_fit_what_is_left(void **state)
{
	static const uint8_t bytes[] = { 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct reader fits = reader_new(VIEW_OF(bytes));
	struct reader large = reader_new(VIEW_OF(bytes));
	struct reader short_of = reader_new(view_new(bytes, 3));
	struct err e;

	(void)state;
	assert_int_equal(reader_count(&fits, 4), 2);
	assert_false(fits.failed);
	assert_int_equal(reader_count(&large, 5), 0);
	assert_refused(reader_done(&large, ERR_DATA, "x", &e), ERR_DATA, "cut short");
	assert_int_equal(reader_count(&short_of, 1), 0);
	assert_true(short_of.failed);
}

static void an_empty_view_reads_as_nothing(void **state)
{
	struct reader r = reader_new(view_new(NULL, 0));
	struct err e;

	(void)state;
	assert_int_equal(reader_bytes(&r, 0).len, 0);
	assert_ok(reader_done(&r, ERR_DATA, "x", &e));
	reader_u8(&r);
	assert_true(r.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buf_is_an_empty_string),
		cmocka_unit_test(a_buf_is_always_a_string),
		cmocka_unit_test(a_buf_grows_seldom_up_to_its_limit),
		cmocka_unit_test(a_buf_refuses_to_pass_its_limit),
		cmocka_unit_test(a_vec_that_does_not_fit_leaves_no_length_behind),
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(buf_set_replaces_even_by_its_own_part),
		cmocka_unit_test(what_is_cleared_is_wiped),
		cmocka_unit_test(formats_are_added),
		cmocka_unit_test(reserved_room_counts_when_committed),
		cmocka_unit_test(views_compare_by_contents),
		cmocka_unit_test(a_read_past_the_end_spoils_all_later_ones),
		cmocka_unit_test(bytes_left_over_are_counted),
		cmocka_unit_test(a_vec_longer_than_the_rest_is_refused),
		cmocka_unit_test(a_count_must_fit_what_is_left),
		cmocka_unit_test(an_empty_view_reads_as_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

static void the_system_gives_different_bytes_each_time(void **state)
{
	AUTO(secret) struct secret a = { 0 };
	AUTO(secret) struct secret b = { 0 };
	AUTO(secret) struct secret none = { 0 };
	uint8_t c[32] = { 0 }, d[32] = { 0 };
	struct err e;

	(void)state;
	assert_ok(entropy_draw(&entropy_system, "test", 32, &a, &e));
	assert_ok(entropy_draw(&entropy_system, "test", 32, &b, &e));
	assert_int_equal(a.len, 32);
	assert_false(secret_equal(secret_view(&a), secret_view(&b)));
	assert_ok(random_public(c, sizeof(c), &e));
	assert_ok(random_public(d, sizeof(d), &e));
	assert_memory_not_equal(c, d, sizeof(c));
	assert_ok(entropy_draw(&entropy_system, "test", 0, &none, &e));
	assert_int_equal(none.len, 0);
}

static int draw_half(void *context, const char *purpose, size_t len, struct secret *ret,
                     struct err *e)
{
	(void)context;
	(void)purpose;
	return secret_alloc(len / 2, ret, e);
}

static void a_source_that_gives_too_little_is_refused(void **state)
{
	const struct entropy source = { .draw = draw_half };
	struct secret s = { 0 };
	struct err e;

	(void)state;
	assert_refused(entropy_draw(&source, "test", 32, &s, &e), ERR_INTERNAL, "16 given");
	assert_null(s.data);
}

static void a_uuid_is_one_of_version_4(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		char a[UUID_TEXT_LEN], b[UUID_TEXT_LEN];
		struct err e;

		assert_ok(random_uuid(a, &e));
		assert_ok(random_uuid(b, &e));
		assert_string_not_equal(a, b);
		assert_int_equal(strlen(a), 36);
		assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
		assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
		assert_int_equal(a[14], '4');
		assert_non_null(strchr("89ab", a[19]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_system_gives_different_bytes_each_time),
		cmocka_unit_test(a_source_that_gives_too_little_is_refused),
		cmocka_unit_test(a_uuid_is_one_of_version_4),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

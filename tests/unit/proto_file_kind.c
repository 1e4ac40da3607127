#include "support.h"

#include "proto/file_kind.h"

static void what_people_hand_around_is_told_by_its_marks(void **state)
{
	static const struct {
		const char *content;
		enum file_kind kind;
	} rows[] = {
		{ "{\"kind\":\"teectl-share-request\",\"manifestEnvelope\":{\"namespace\":{},\"pivot\":"
		  "{},\"signature\":\"00\",\"member\":{}}}",
		  FILE_KIND_REQUEST },
		{ "{\"shares\":[{\"signature\":\"00\"}],\"kind\": \"teectl-share-bundle\"}",
		  FILE_KIND_BUNDLE },
		{ "{\"manifest\":{\"namespace\":{},\"pivot\":{}},\"signature\":\"\",\"member\":{}}",
		  FILE_KIND_MANIFEST },
		{ "{\"signature\":\"00\",\"member\":{\"alias\":\"alice\"}}", FILE_KIND_APPROVAL },
		{ "{\"signature\":\"00\"}", FILE_KIND_COUNT },
		{ "teectl-share-request", FILE_KIND_COUNT },
		{ "", FILE_KIND_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(file_kind_guess(view_text(rows[i].content)), rows[i].kind);
}

static void a_refusal_says_what_was_expected_unless_it_is_of_that_kind(void **state)
{
	const struct view bundle = view_text("\"teectl-share-bundle\"");
	struct err e;

	(void)state;
	(void)err_set(&e, ERR_DATA, "why");
	file_kind_wrap(FILE_KIND_APPROVAL, bundle, &e);
	assert_string_equal(e.text,
	                    "an approval was expected, and this looks like a share bundle: why");
	assert_int_equal(e.code, ERR_DATA);
	(void)err_set(&e, ERR_DATA, "why");
	file_kind_wrap(FILE_KIND_MANIFEST, view_text("x"), &e);
	assert_string_equal(e.text, "a manifest was expected: why");
	(void)err_set(&e, ERR_DATA, "why");
	file_kind_wrap(FILE_KIND_BUNDLE, bundle, &e);
	assert_string_equal(e.text, "why");
	(void)err_set(&e, ERR_INTERNAL, "no memory");
	file_kind_wrap(FILE_KIND_APPROVAL, bundle, &e);
	assert_string_equal(e.text, "no memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_hand_around_is_told_by_its_marks),
		cmocka_unit_test(a_refusal_says_what_was_expected_unless_it_is_of_that_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

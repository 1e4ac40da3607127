#include "cluster_support.h"

#include "cluster/key_set_folder.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[128];

static int make_folder(void **state)
{
	(void)state;
	folder_new(folder, sizeof(folder));
	return 0;
}

static int clear_folder(void **state)
{
	(void)state;
	folder_clear(folder);
	return 0;
}

static void list_drop(struct cluster_member_list *list)
{
	cluster_member_list_drop(list);
}

static void put(const char *name, const char *content)
{
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_ok(file_write(path, view_text(content), 0644, &e));
}

static void members_are_sorted_and_other_files_passed_over(void **state)
{
	AUTO(list) struct cluster_member_list list = { 0 };
	char path[512];
	struct err e;

	(void)state;
	put("carol.pub", "");
	put("Bob.work.pub", "");
	put("alice.pub", "");
	put("._alice.pub", "");
	put(".pub.swp", "");
	put("alice.secret", "");
	put("notes", "");
	put("quorum_threshold", "  3\t\nand a remark");
	assert_ok(key_set_folder_read(folder, 2, &list, &e));
	assert_int_equal(list.count, 3);
	assert_int_equal(list.threshold, 3);
	assert_string_equal(list.items[0].name, "Bob");
	assert_string_equal(list.items[1].name, "alice");
	assert_string_equal(list.items[2].name, "carol");
	snprintf(path, sizeof(path), "%s/Bob.work.pub", folder);
	assert_string_equal(list.items[0].pub, path);
	assert_null(list.items[0].key);
}

static void thresholds_are_bounded_by_the_kind_of_set_and_its_members(void **state)
{
	static const struct {
		const char *content;
		int64_t min;
		bool is_good;
	} rows[] = {
		{ "1", 1, true },   { "1", 2, false },   { "2\n", 2, true },
		{ "3", 2, false },  { "", 1, false },    { "two", 1, false },
		{ "-1", 1, false }, { "\n2", 1, false }, { "2 3", 1, false },
	};
	struct err e;

	(void)state;
	put("a.pub", "");
	put("b.pub", "");
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(list) struct cluster_member_list list = { 0 };

		put("quorum_threshold", rows[i].content);
		if (rows[i].is_good)
			assert_ok(key_set_folder_read(folder, rows[i].min, &list, &e));
		else
			assert_refused(key_set_folder_read(folder, rows[i].min, &list, &e),
			               ERR_DATA, "quorum_threshold");
		assert_int_equal(list.count, rows[i].is_good ? 2 : 0);
	}
}

static void as_many_members_as_a_set_has_and_no_more(void **state)
{
	AUTO(list) struct cluster_member_list list = { 0 };
	AUTO(list) struct cluster_member_list none = { 0 };
	struct err e;

	(void)state;
	put("quorum_threshold", "200");
	for (unsigned i = 0; i < MEMBERS_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m%u.pub", i);
		put(name, "");
	}
	assert_ok(key_set_folder_read(folder, 2, &list, &e));
	assert_int_equal(list.count, MEMBERS_MAX);
	put("one-more.pub", "");
	assert_refused(key_set_folder_read(folder, 2, &none, &e), ERR_DATA,
	               "more than 255 members");
}

static void a_folder_that_is_missing_is_missing_input(void **state)
{
	struct cluster_member_list list = { 0 };
	char path[512];
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/none", folder);
	assert_refused(key_set_folder_read(path, 2, &list, &e), ERR_NO_INPUT, "none");
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, clear_folder)
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(members_are_sorted_and_other_files_passed_over),
		IN_A_FOLDER(thresholds_are_bounded_by_the_kind_of_set_and_its_members),
		IN_A_FOLDER(as_many_members_as_a_set_has_and_no_more),
		IN_A_FOLDER(a_folder_that_is_missing_is_missing_input),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

/* The loader's list: its kinds of lines, and what is none of them. */
#include "support.h"

#include "attest/listing.h"

/* A list as "name path;" a library, "+path;" a file and "*path;" folders; or why not. */
static const char *read_all(const char *listing)
{
	static char text[1024], found[1024];
	char *rest = text;
	struct listed item;
	struct err e;

	snprintf(text, sizeof(text), "%s", listing);
	found[0] = 0;
	while (listing_next(&rest, &item, &e) == 0) {
		static const char *const signs[] = {
			[LISTED_TRIED] = "+", [LISTED_SEARCHED] = "*"
		};
		size_t len = strlen(found);

		if (item.kind == LISTED_END)
			return found;
		if (item.kind == LISTED_LIBRARY)
			snprintf(found + len, sizeof(found) - len, "%s %s;", item.name, item.path);
		else
			snprintf(found + len, sizeof(found) - len, "%s%s;", signs[item.kind],
			         item.path);
	}
	assert_int_equal(e.code, ERR_DATA);
	snprintf(found, sizeof(found), "%s", e.text);
	return found;
}

static void a_list_is_names_and_paths(void **state)
{
	(void)state;
	assert_string_equal(read_all("\tlinux-vdso.so.1 (0x00007fff)\n"
	                             "\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f00)\n"
	                             "\t/lib64/ld-linux-x86-64.so.2 (0x00007f11)\n"),
	                    "libc.so.6 /lib/x/libc.so.6;"
	                    "ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2;");
	assert_string_equal(read_all(""), "");
	assert_string_equal(read_all("\n \t\n"), "");
	/* A folder of the system may have white space in its name: the needed name has none. */
	assert_string_equal(read_all("a.so => /my => own (x)/a.so (0x1)"),
	                    "a.so /my => own (x)/a.so;");
}

static void a_file_of_the_kernel_s_name_is_a_file(void **state)
{
	(void)state;
	assert_string_equal(read_all("linux-vdso.so.1 => /opt/linux-vdso.so.1 (0x1)"),
	                    "linux-vdso.so.1 /opt/linux-vdso.so.1;");
}

static void a_library_that_is_not_found_is_named(void **state)
{
	(void)state;
	assert_string_equal(read_all("\tlibnone.so => not found\n"),
	                    "the image's library 'libnone.so' is not found");
}

/* As glibc 2.36 says it. */
static void where_it_looks_is_told_beside_the_list(void **state)
{
	(void)state;
	assert_string_equal(
	    read_all("     19389:\tfind library=libf.so [0]; searching\n"
	             "     19389:\t search path=/a/tls:/a\t\t(RUNPATH from file ./m)\n"
	             "     19389:\t  trying file=/a/tls/libf.so\n"
	             "     19389:\t  trying file=/a b/libf.so\n"
	             "     19389:\t search cache=/etc/ld.so.cache\n"
	             "     19389:\t\n"
	             "\tlibf.so => /a b/libf.so (0x1)\n"),
	    "*/a/tls:/a;+/a/tls/libf.so;+/a b/libf.so;libf.so /a b/libf.so;");
	/* A library may be called so. */
	assert_string_equal(read_all("12:libf.so => /a/12:libf.so (0x1)"),
	                    "12:libf.so /a/12:libf.so;");
	assert_string_equal(read_all("1:\t search path=\t\t(system search path)"), "*;");
}

static void folders_whose_end_is_in_doubt_are_refused(void **state)
{
	static const char *const lines[] = {
		"1:\t search path=/a",
		"1:\t search path=/a\t(b)",
		"1:\t search path=/a\tb\t\t(system search path)",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_non_null(strstr(read_all(lines[i]), "the loader says of the image: search"));
}

static void anything_else_is_refused_as_it_is(void **state)
{
	static const char *const lines[] = {
		"statically linked",
		"a.so => (0x1)",
		"a.so => x/a.so (0x1)",
		"a.so (0x1)",
		"./a.so (0x1)",
		"a.so => /a.so",
		"/a.so(0x1)",
		"/lib/ (0x1)",
		"(0x1)",
		"a.so => linux-vdso.so.1 (0x1)",
		"lib/ => /a.so (0x1)",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_non_null(strstr(read_all(lines[i]), "the loader says of the image: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_names_and_paths),
		cmocka_unit_test(a_file_of_the_kernel_s_name_is_a_file),
		cmocka_unit_test(a_library_that_is_not_found_is_named),
		cmocka_unit_test(where_it_looks_is_told_beside_the_list),
		cmocka_unit_test(folders_whose_end_is_in_doubt_are_refused),
		cmocka_unit_test(anything_else_is_refused_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

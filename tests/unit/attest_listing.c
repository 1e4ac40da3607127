/* The loader's list: its three kinds of lines, and what is none of them. */
#include "support.h"

#include "attest/listing.h"

/* The libraries of a list as "name path;", or why not. */
static const char *read_all(const char *listing)
{
	static char text[1024], found[1024];
	char *rest = text;
	const char *name, *path;
	struct err e;

	snprintf(text, sizeof(text), "%s", listing);
	found[0] = 0;
	while (listing_next(&rest, &name, &path, &e) == 0) {
		size_t len = strlen(found);

		if (!path)
			return found;
		snprintf(found + len, sizeof(found) - len, "%s %s;", name, path);
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
		cmocka_unit_test(anything_else_is_refused_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

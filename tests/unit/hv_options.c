/* The hypervisor's command line, and what becomes of the enclave's. */
/* link: enclave-stub/hv/options.c */
#include "hv/options.h"

#include "hv_support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS(...) ((char *[]){ __VA_ARGS__ }), (sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void own_options_are_taken_and_the_rest_is_the_enclaves(void **state)
{
	AUTO(hv_options) struct hv_options o = { 0 };
	struct err e;

	(void)state;
	assert_ok(
	    hv_options_parse(WORDS("--listen", "127.0.0.1:0", "--image", "a", "--role=r=1",
	                           "--instance", "i", "--max-body=9", "--pki", "p", "--debug"),
	                     &o, &e));
	assert_string_equal(o.image, "a");
	assert_string_equal(o.role, "r=1");
	assert_string_equal(o.instance, "i");
	assert_string_equal(o.pki, "p");
	assert_true(o.is_debug);
	assert_int_equal(o.rest_count, 3);
	assert_string_equal(o.rest[0], "--listen");
	assert_string_equal(o.rest[1], "127.0.0.1:0");
	assert_string_equal(o.rest[2], "--max-body=9");
}

static void a_value_of_the_enclaves_may_look_like_an_option(void **state)
{
	AUTO(hv_options) struct hv_options o = { 0 };
	struct err e;

	(void)state;
	assert_ok(hv_options_parse(WORDS("--image", "--debug", "--host-name", "--debug"), &o, &e));
	assert_string_equal(o.image, "--debug");
	assert_false(o.is_debug);
	assert_int_equal(o.rest_count, 2);
	assert_string_equal(o.rest[1], "--debug");
}

static void a_bad_command_line_is_refused(void **state)
{
	struct hv_options o;
	struct err e;

	(void)state;
	assert_refused(hv_options_parse(WORDS("--debug"), &o, &e), ERR_USAGE, "--image");
	assert_refused(hv_options_parse(WORDS("--image="), &o, &e), ERR_USAGE, "--image");
	assert_refused(hv_options_parse(WORDS("--image"), &o, &e), ERR_USAGE, "needs a value");
	assert_refused(hv_options_parse(WORDS("--image", "a", "--image", "b"), &o, &e), ERR_USAGE,
	               "twice");
	assert_refused(hv_options_parse(WORDS("--image=a", "--debug", "--debug"), &o, &e),
	               ERR_USAGE, "twice");
	assert_refused(hv_options_parse(WORDS("--image=a", "--debug=no"), &o, &e), ERR_USAGE,
	               "no value");
	assert_refused(hv_options_parse(WORDS("--imge=a"), &o, &e), ERR_USAGE, "--image?");
}

static void help_and_version_need_no_image(void **state)
{
	AUTO(hv_options) struct hv_options help = { 0 };
	AUTO(hv_options) struct hv_options version = { 0 };
	struct err e;

	(void)state;
	assert_ok(hv_options_parse(WORDS("--help"), &help, &e));
	assert_true(help.wants_help);
	assert_ok(hv_options_parse(WORDS("--version"), &version, &e));
	assert_true(version.wants_version);
}

static void argv_is(const struct enclave_options *o, char *const *expected, size_t count)
{
	AUTO(enclave_argv) struct enclave_argv a = { 0 };
	struct err e;

	assert_ok(enclave_argv_build(o, &a, &e));
	assert_int_equal(a.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(a.items[i], expected[i]);
	assert_null(a.items[count]);
}

static void the_enclave_gets_what_was_given_and_its_nsm(void **state)
{
	AUTO(enclave_options) struct enclave_options none = ENCLAVE_OPTIONS_NONE;
	AUTO(enclave_options) struct enclave_options some = ENCLAVE_OPTIONS_NONE;
	struct err e;

	(void)state;
	assert_ok(enclave_options_parse(NULL, 0, NULL, &none, &e));
	argv_is(&none, WORDS("teectl-enclave", "--nsm=fd:3"));
	assert_ok(enclave_options_parse(WORDS("--host-name", "b", "--listen=127.0.0.1:0",
	                                      "--insecure-open-seed", "--host-name", "--a"),
	                                NULL, &some, &e));
	argv_is(&some, WORDS("teectl-enclave", "--host-name=b", "--host-name=--a",
	                     "--listen=127.0.0.1:0", "--insecure-open-seed", "--nsm=fd:3"));
}

static void the_environment_gives_a_log_level_unless_one_is_given(void **state)
{
	AUTO(enclave_options) struct enclave_options from = ENCLAVE_OPTIONS_NONE;
	AUTO(enclave_options) struct enclave_options given = ENCLAVE_OPTIONS_NONE;
	AUTO(enclave_options) struct enclave_options empty = ENCLAVE_OPTIONS_NONE;
	struct enclave_options bad;
	struct err e;

	(void)state;
	assert_ok(enclave_options_parse(NULL, 0, "debug", &from, &e));
	assert_int_equal(from.log_level, LOG_DEBUG);
	argv_is(&from, WORDS("teectl-enclave", "--log-level=debug", "--nsm=fd:3"));
	assert_ok(enclave_options_parse(WORDS("--log-level=error"), "debug", &given, &e));
	assert_int_equal(given.log_level, LOG_ERROR);
	argv_is(&given, WORDS("teectl-enclave", "--log-level=error", "--nsm=fd:3"));
	assert_ok(enclave_options_parse(NULL, 0, "", &empty, &e));
	argv_is(&empty, WORDS("teectl-enclave", "--nsm=fd:3"));
	assert_refused(enclave_options_parse(NULL, 0, "loud", &bad, &e), ERR_USAGE, "TEECTL_LOG");
}

static void an_nsm_or_an_unknown_option_is_refused(void **state)
{
	struct enclave_options o;
	struct err e;

	(void)state;
	assert_refused(enclave_options_parse(WORDS("--nsm", "fd:9"), NULL, &o, &e), ERR_USAGE,
	               "hypervisor");
	assert_refused(enclave_options_parse(WORDS("--lisen", "x"), NULL, &o, &e), ERR_USAGE,
	               "--listen");
}

static void reads(int fd, const char *expected)
{
	AUTO(buf) struct buf b = BUF_INIT(4096);
	struct err e;

	assert_ok(fd_read(fd, "file", &b, &e));
	assert_string_equal(buf_text(&b), expected);
}

static void files_become_sealed_copies_and_no_path_is_left(void **state)
{
	AUTO(enclave_options) struct enclave_options o = ENCLAVE_OPTIONS_NONE;
	AUTO(enclave_argv) struct enclave_argv a = { 0 };
	char path[256], option[300];
	struct err e;

	snprintf(path, sizeof(path), "%s/key", (char *)*state);
	snprintf(option, sizeof(option), "--tls-key=%s", path);
	assert_ok(file_write(path, view_text("private"), 0600, &e));
	assert_ok(enclave_options_parse(WORDS(option), NULL, &o, &e));
	assert_ok(file_write(path, view_text("another"), 0600, &e));
	assert_true(o.files[1] > ENCLAVE_NSM_FD);
	assert_int_equal(fcntl(o.files[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(o.files[1], "x", 1), -1);
	assert_ok(enclave_options_rewind(&o, &e));
	reads(o.files[1], "private");
	assert_ok(enclave_argv_build(&o, &a, &e));
	assert_int_equal(a.count, 3);
	snprintf(option, sizeof(option), "--tls-key=fd:%d", o.files[1]);
	assert_string_equal(a.items[1], option);
}

static void an_inherited_descriptor_is_read_from_its_start(void **state)
{
	AUTO(enclave_options) struct enclave_options o = ENCLAVE_OPTIONS_NONE;
	AUTO(fd) int fd = -1;
	char path[256], option[64];
	struct err e;

	snprintf(path, sizeof(path), "%s/certificate", (char *)*state);
	assert_ok(file_write(path, view_text("public"), 0600, &e));
	fd = open(path, O_RDONLY);
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	snprintf(option, sizeof(option), "--tls-cert=fd:%d", fd);
	assert_ok(enclave_options_parse(WORDS(option), NULL, &o, &e));
	assert_ok(enclave_options_rewind(&o, &e));
	reads(o.files[0], "public");
}

static void a_file_that_is_missing_or_too_large_is_refused(void **state)
{
	struct enclave_options o;
	char path[256], option[300];
	struct err e;

	snprintf(path, sizeof(path), "%s/large", (char *)*state);
	snprintf(option, sizeof(option), "--tls-key=%s", path);
	assert_refused(enclave_options_parse(WORDS(option), NULL, &o, &e), ERR_NO_INPUT,
	               "--tls-key");
	assert_ok(file_write(path, view_text("x"), 0600, &e));
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	assert_refused(enclave_options_parse(WORDS(option), NULL, &o, &e), ERR_DATA, "more than");
	assert_refused(enclave_options_parse(WORDS("--tls-cert=fd:1023"), NULL, &o, &e),
	               ERR_NO_INPUT, "--tls-cert");
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	struct enclave_options o;
	char path[256], option[300];
	struct err e;

	snprintf(path, sizeof(path), "%s/fifo", (char *)*state);
	snprintf(option, sizeof(option), "--tls-key=%s", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(enclave_options_parse(WORDS(option), NULL, &o, &e), ERR_NO_INPUT,
	               "/fifo' is not a regular file");
	assert_refused(enclave_options_parse(WORDS("--tls-cert=/dev/zero"), NULL, &o, &e),
	               ERR_NO_INPUT, "--tls-cert '/dev/zero' is not a regular file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_options_are_taken_and_the_rest_is_the_enclaves),
		cmocka_unit_test(a_value_of_the_enclaves_may_look_like_an_option),
		cmocka_unit_test(a_bad_command_line_is_refused),
		cmocka_unit_test(help_and_version_need_no_image),
		cmocka_unit_test(the_enclave_gets_what_was_given_and_its_nsm),
		cmocka_unit_test(the_environment_gives_a_log_level_unless_one_is_given),
		cmocka_unit_test(an_nsm_or_an_unknown_option_is_refused),
		cmocka_unit_test_setup_teardown(files_become_sealed_copies_and_no_path_is_left,
		                                folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(an_inherited_descriptor_is_read_from_its_start,
		                                folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(a_file_that_is_missing_or_too_large_is_refused,
		                                folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused_at_once,
		                                folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

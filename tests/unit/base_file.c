#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of each test's own. */
struct place {
	char folder[256], file[320];
};

static struct place place_new(void)
{
	struct place p;

	folder_new(p.folder, sizeof(p.folder));
	snprintf(p.file, sizeof(p.file), "%s/file", p.folder);
	return p;
}

static void place_drop(struct place *p)
{
	unlink(p->file);
	/* Fails, and with it the test, if a temporary file stayed behind. */
	assert_int_equal(rmdir(p->folder), 0);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void what_is_written_is_read(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf b = BUF_INIT(1u << 20);
	AUTO(buf) struct buf large = BUF_INIT(1u << 20);
	struct err e;

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		assert_ok(buf_add_u8(&large, (uint8_t)(i * 7), &e));
	assert_ok(file_write(p.file, buf_view(&large), 0644, &e));
	assert_ok(file_read(p.file, &b, &e));
	assert_view_equal(buf_view(&b), buf_view(&large));
	assert_ok(file_write(p.file, view_new(NULL, 0), 0644, &e));
	buf_clear(&b);
	assert_ok(file_read(p.file, &b, &e));
	assert_int_equal(b.len, 0);
}

static void the_mode_is_the_one_asked_for(void **state)
{
	static const unsigned modes[] = { 0600, 0644, 0755, 0400 };
	AUTO(place) struct place p = place_new();
	mode_t before = umask(0);
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		umask(i % 2 ? 077 : 0);
		assert_ok(file_write(p.file, view_text("x"), modes[i], &e));
		assert_int_equal(mode_of(p.file), modes[i]);
	}
	umask(before);
}

static void a_file_at_its_limit_is_read_and_one_byte_more_is_not(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf fits = BUF_INIT(5);
	AUTO(buf) struct buf short_of = BUF_INIT(4);
	AUTO(secret) struct secret s = { 0 };
	struct secret none = { 0 };
	struct err e;

	(void)state;
	assert_ok(file_write(p.file, view_text("12345"), 0600, &e));
	assert_ok(file_read(p.file, &fits, &e));
	assert_string_equal(buf_text(&fits), "12345");
	assert_refused(file_read(p.file, &short_of, &e), ERR_DATA, "more than 4 bytes");
	assert_ok(file_read_secret(p.file, 5, &s, &e));
	assert_view_equal(secret_view(&s), view_text("12345"));
	assert_refused(file_read_secret(p.file, 4, &none, &e), ERR_DATA, "more than 4 bytes");
	assert_null(none.data);
}

static void what_is_not_there_is_no_input(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf b = BUF_INIT(5);
	struct secret none = { 0 };
	struct err e;

	(void)state;
	assert_refused(file_read(p.file, &b, &e), ERR_NO_INPUT, "No such file");
	assert_refused(file_read_secret(p.file, 5, &none, &e), ERR_NO_INPUT, "No such file");
	assert_refused(file_read(p.folder, &b, &e), ERR_NO_INPUT, "directory");
	assert_refused(file_read_secret(p.folder, 5, &none, &e), ERR_NO_INPUT, "directory");
	assert_false(file_is_there(p.file));
	assert_true(file_is_there(p.folder));
}

static void a_fifo_keeps_nobody_waiting(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf b = BUF_INIT(16);
	AUTO(fd) int writer = -1;
	struct secret none = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(mkfifo(p.file, 0600), 0);
	assert_ok(file_read(p.file, &b, &e));
	assert_int_equal(b.len, 0);
	/* Not even when somebody could still write. */
	writer = open(p.file, O_RDWR | O_CLOEXEC);
	assert_true(writer >= 0);
	assert_refused(file_read_regular(p.file, &b, &e), ERR_NO_INPUT, "not a regular file");
	assert_refused(file_read_secret(p.file, 5, &none, &e), ERR_NO_INPUT, "not a regular file");
	assert_refused(file_read("/dev/zero", &b, &e), ERR_NO_INPUT, "not a regular file");
	assert_refused(file_read_secret("/dev/zero", 5, &none, &e), ERR_NO_INPUT,
	               "not a regular file");
	unlink(p.file);
}

/* As a shell gives <(..): the name of a descriptor that it left us. */
static void a_pipe_of_the_shells_is_read_to_its_end(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(16);
	char path[32];
	int ends[2];
	struct err e;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_ok(fd_write(ends[1], "pipe", view_text("from a pipe"), &e));
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_ok(file_read(path, &b, &e));
	assert_string_equal(buf_text(&b), "from a pipe");
	close(ends[0]);
}

static void a_dash_is_standard_input(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(16);
	AUTO(fd) int before = dup(STDIN_FILENO);
	int ends[2];
	struct err e;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_ok(fd_write(ends[1], "pipe", view_text("from a pipe"), &e));
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	assert_ok(file_read("-", &b, &e));
	assert_string_equal(buf_text(&b), "from a pipe");
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* still open */
	dup2(before, STDIN_FILENO);
}

static void a_secret_s_file_is_never_replaced(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(secret) struct secret s = secret_of(view_text("seed"));
	AUTO(buf) struct buf b = BUF_INIT(16);
	struct err e;

	(void)state;
	assert_ok(file_create_secret(p.file, &s, &e));
	assert_int_equal(mode_of(p.file), 0600);
	assert_refused(file_create_secret(p.file, &s, &e), ERR_DATA, "File exists");
	assert_ok(file_read(p.file, &b, &e));
	assert_string_equal(buf_text(&b), "seed");
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	AUTO(place) struct place p = place_new();
	char inside[400];
	struct err e;

	(void)state;
	snprintf(inside, sizeof(inside), "%s/missing/file", p.folder);
	assert_refused(file_write(inside, view_text("x"), 0600, &e), ERR_INTERNAL, "missing");
	assert_int_equal(mkdir(p.file, 0700), 0); /* a folder is in the way */
	assert_refused(file_write(p.file, view_text("x"), 0600, &e), ERR_INTERNAL, "'");
	assert_int_equal(rmdir(p.file), 0);
}

static void a_memory_file_is_a_sealed_copy_of_a_whole_file(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf copied = BUF_INIT(64);
	AUTO(fd) int from = -1;
	AUTO(fd) int copy = -1;
	struct err e;

	(void)state;
	assert_ok(file_write(p.file, view_text("a secret"), 0600, &e));
	from = open(p.file, O_RDONLY);
	assert_true(from >= 0);
	assert_int_equal(lseek(from, 3, SEEK_SET), 3);
	assert_ok(memory_file_new("copy", 20, /* is_program= */ true, &copy, &e));
	assert_true(copy >= 20);
	assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
	assert_ok(memory_file_fill(copy, from, "the file", 8, &e));
	assert_int_equal(lseek(copy, 0, SEEK_SET), 0);
	assert_ok(fd_read(copy, "copy", &copied, &e));
	assert_string_equal(buf_text(&copied), "a secret");
	assert_refused(fd_write(copy, "copy", view_text("x"), &e), ERR_INTERNAL, "not permitted");
	assert_int_equal(ftruncate(copy, 1), -1);
}

static void a_memory_file_takes_no_more_than_its_limit(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int from = -1;
	AUTO(fd) int copy = -1;
	struct err e;

	(void)state;
	assert_ok(file_write(p.file, view_text("a secret"), 0600, &e));
	from = open(p.file, O_RDONLY);
	assert_ok(memory_file_new("copy", 3, /* is_program= */ false, &copy, &e));
	assert_refused(memory_file_fill(copy, from, "the file", 7, &e), ERR_DATA,
	               "the file has more than 7 bytes");
}

static void writing_to_a_closed_descriptor_fails(void **state)
{
	struct err e;

	(void)state;
	assert_refused(fd_write(-1, "nowhere", view_text("x"), &e), ERR_INTERNAL, "'nowhere'");
	assert_ok(fd_write(-1, "nowhere", view_new(NULL, 0), &e));
}

static void private_folders_are_made_with_what_is_above(void **state)
{
	AUTO(place) struct place p = place_new();
	char a[300], b[300];
	struct err e;

	(void)state;
	snprintf(a, sizeof(a), "%s/a", p.folder);
	snprintf(b, sizeof(b), "%s/a/b/", p.folder);
	assert_ok(folder_make_private(b, &e));
	assert_ok(folder_make_private(b, &e));
	assert_int_equal(mode_of(a), 0700);
	assert_int_equal(mode_of(b), 0700);
	assert_int_equal(chmod(a, 0777), 0);
	assert_refused(folder_make_private(a, &e), ERR_DATA, "mode 0777");
	assert_int_equal(chmod(a, 0755), 0);
	assert_ok(folder_make_private(a, &e));
	rmdir(b);
	rmdir(a);
	assert_ok(file_write(p.file, view_text(""), 0600, &e));
	assert_refused(folder_make_private(p.file, &e), ERR_DATA, "is not a folder");
}

static void a_lock_keeps_another_out_until_it_is_closed(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int first = -1;
	AUTO(fd) int second = -1;
	struct err e;

	(void)state;
	assert_ok(file_lock(p.file, /* wait= */ false, &first, &e));
	assert_int_equal(mode_of(p.file), 0600);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_refused(file_lock(p.file, false, &second, &e), ERR_TRY_AGAIN, "another run holds");
	assert_int_equal(second, -1);
	fd_drop(&first);
	assert_int_equal(first, -1);
	assert_ok(file_lock(p.file, /* wait= */ true, &second, &e));
}

static void a_lock_does_not_follow_a_link(void **state)
{
	AUTO(place) struct place p = place_new();
	int fd = -1;
	struct err e;

	(void)state;
	assert_int_equal(symlink("elsewhere", p.file), 0);
	assert_refused(file_lock(p.file, false, &fd, &e), ERR_INTERNAL, "opening lock");
}

static void paths_are_joined_and_parted(void **state)
{
	static const char *const joins[][3] = {
		{ "a", "b", "a/b" }, { ".", "b", "b" }, { "a", "/b", "/b" }, { "/", "b", "//b" }
	};
	static const char *const folders[][2] = { { "a/b", "a" },    { "a", "." },
		                                  { "/a", "/" },     { "/", "/" },
		                                  { "a/b/", "a/b" }, { "/a/b", "/a" } };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(joins); i++) {
		AUTO(text) char *path = NULL;

		assert_ok(path_join(joins[i][0], joins[i][1], &path, &e));
		assert_string_equal(path, joins[i][2]);
	}
	for (size_t i = 0; i < COUNT(folders); i++) {
		AUTO(text) char *path = NULL;

		assert_ok(path_folder(folders[i][0], &path, &e));
		assert_string_equal(path, folders[i][1]);
	}
}

static void fd_parse_tells_descriptors_from_paths(void **state)
{
	struct err e;
	int fd = 0;

	(void)state;
	assert_ok(fd_parse("fd:12", "--key", &fd, &e));
	assert_int_equal(fd, 12);
	assert_ok(fd_parse("fd", "--key", &fd, &e));
	assert_int_equal(fd, -1);
	fd = 7;
	assert_refused(fd_parse("fd:", "--key", &fd, &e), ERR_USAGE,
	               "--key must be a whole number");
	assert_refused(fd_parse("fd:-1", "--key", &fd, &e), ERR_USAGE, "--key must be");
	assert_refused(fd_parse("fd:2147483648", "--key", &fd, &e), ERR_USAGE, "2147483647");
	assert_int_equal(fd, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fd_parse_tells_descriptors_from_paths),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_mode_is_the_one_asked_for),
		cmocka_unit_test(a_file_at_its_limit_is_read_and_one_byte_more_is_not),
		cmocka_unit_test(what_is_not_there_is_no_input),
		cmocka_unit_test(a_fifo_keeps_nobody_waiting),
		cmocka_unit_test(a_pipe_of_the_shells_is_read_to_its_end),
		cmocka_unit_test(a_dash_is_standard_input),
		cmocka_unit_test(a_secret_s_file_is_never_replaced),
		cmocka_unit_test(a_write_that_fails_leaves_the_old_file),
		cmocka_unit_test(a_memory_file_is_a_sealed_copy_of_a_whole_file),
		cmocka_unit_test(a_memory_file_takes_no_more_than_its_limit),
		cmocka_unit_test(writing_to_a_closed_descriptor_fails),
		cmocka_unit_test(private_folders_are_made_with_what_is_above),
		cmocka_unit_test(a_lock_keeps_another_out_until_it_is_closed),
		cmocka_unit_test(a_lock_does_not_follow_a_link),
		cmocka_unit_test(paths_are_joined_and_parted),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

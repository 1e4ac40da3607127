#include "support.h"

#include "base/clock.h"
#include "base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In place of libc's: the file is on another device than it says, and has that number. */
static ino_t number_elsewhere;

int stat(const char *path, struct stat *st)
{
	int result = fstatat(AT_FDCWD, path, st, 0);

	if (number_elsewhere) {
		st->st_dev++;
		st->st_ino = number_elsewhere;
	}
	return result;
}

static bool are_locks_unread;

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (are_locks_unread && strcmp(path, "/proc/locks") == 0) {
		errno = EACCES;
		return -1;
	}
	return openat(AT_FDCWD, path, flags, mode);
}

static ino_t number_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

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

/* What a mapping holds is the file's, also after its pages were let go. */
static void a_large_file_is_mapped_and_a_pipe_read(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf large = BUF_INIT(1u << 20);
	struct file_content f;
	char path[32];
	int ends[2];
	struct err e;

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		assert_ok(buf_add_u8(&large, (uint8_t)(i * 7), &e));
	assert_ok(file_write(p.file, buf_view(&large), 0644, &e));
	assert_ok(file_content_open(p.file, large.len, 0, &f, &e));
	assert_non_null(f.mapping.data);
	assert_view_equal(file_content_view(&f), buf_view(&large));
	mapped_let_go(file_content_view(&f));
	mapped_let_go(view_new(file_content_view(&f).data + 5000, 9000));
	assert_view_equal(file_content_view(&f), buf_view(&large));
	file_content_drop(&f);
	assert_refused(file_content_open(p.file, large.len - 1, 0, &f, &e), ERR_DATA,
	               "is not a file of 1 to 199999 bytes");
	/* What may be read is read, and has no more to do with the file. */
	assert_ok(file_content_open(p.file, large.len, large.len, &f, &e));
	assert_null(f.mapping.data);
	assert_view_equal(file_content_view(&f), buf_view(&large));
	file_content_drop(&f);
	assert_ok(file_content_open(p.file, large.len, large.len - 1, &f, &e));
	assert_non_null(f.mapping.data);
	file_content_drop(&f);
	/* Nothing can't be mapped, and is no fault. */
	assert_ok(file_write(p.file, view_new(NULL, 0), 0644, &e));
	assert_ok(file_content_open(p.file, 16, 0, &f, &e));
	assert_int_equal(file_content_view(&f).len, 0);
	file_content_drop(&f);
	assert_int_equal(pipe(ends), 0);
	assert_ok(fd_write(ends[1], "pipe", view_text("from a pipe"), &e));
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_refused(file_content_open(path, 16, 0, &f, &e), ERR_NO_INPUT,
	               "is not a regular file");
	assert_ok(file_content_open(path, 1, 16, &f, &e));
	assert_view_equal(file_content_view(&f), view_text("from a pipe"));
	file_content_drop(&f);
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

static void a_file_is_created_once(void **state)
{
	AUTO(place) struct place p = place_new();
	struct err e;

	(void)state;
	assert_ok(file_create(p.file, view_text("x"), 0644, &e));
	assert_int_equal(mode_of(p.file), 0644);
	assert_refused(file_create(p.file, view_text("y"), 0644, &e), ERR_DATA, "File exists");
}

static void a_private_file_is_its_owners_alone(void **state)
{
	static const unsigned open_modes[] = { 0640, 0604, 0620, 0602, 0644, 0610, 0601 };
	AUTO(place) struct place p = place_new();
	struct err e;

	(void)state;
	assert_refused(file_check_private(p.file, &e), ERR_NO_INPUT, "No such file");
	for (size_t i = 0; i < COUNT(open_modes); i++) {
		assert_ok(file_write(p.file, view_text("x"), open_modes[i], &e));
		assert_refused(file_check_private(p.file, &e), ERR_DATA, "expected 0600");
	}
	assert_ok(file_write(p.file, view_text("x"), 0600, &e));
	assert_ok(file_check_private(p.file, &e));
	assert_ok(file_write(p.file, view_text("x"), 0400, &e));
	assert_ok(file_check_private(p.file, &e));
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

/* A pipe that nobody has written to would wait, a device would not end. */
static void a_memory_file_is_a_copy_of_a_regular_file_only(void **state)
{
	AUTO(fd) int zero = open("/dev/zero", O_RDONLY);
	AUTO(fd) int copy = -1;
	int ends[2];
	struct err e;

	(void)state;
	assert_ok(memory_file_new("copy", 3, /* is_program= */ false, &copy, &e));
	assert_refused(memory_file_fill(copy, zero, "the file", 7, &e), ERR_DATA,
	               "the file is not a regular file");
	assert_int_equal(pipe(ends), 0);
	assert_refused(memory_file_fill(copy, ends[0], "the file", 7, &e), ERR_DATA,
	               "the file is not a regular file");
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(lseek(copy, 0, SEEK_END), 0);
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

static void a_folder_is_removed_with_all_in_it_and_no_link_is_followed(void **state)
{
	AUTO(place) struct place p = place_new();
	char a[300], b[300], inside[320], link[320];
	struct err e;

	(void)state;
	snprintf(a, sizeof(a), "%s/a", p.folder);
	snprintf(b, sizeof(b), "%s/a/b", p.folder);
	snprintf(inside, sizeof(inside), "%s/file", b);
	snprintf(link, sizeof(link), "%s/link", b);
	assert_ok(file_write(p.file, view_text("stays"), 0600, &e));
	assert_ok(folder_make_private(b, &e));
	assert_ok(file_write(inside, view_text("goes"), 0600, &e));
	assert_int_equal(symlink(p.folder, link), 0);
	assert_ok(folder_remove_all(a, &e));
	assert_false(file_is_there(a));
	assert_true(file_is_there(p.file));
	assert_ok(folder_remove_all(a, &e));
}

static void a_lock_keeps_another_out_until_it_is_closed(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int first = -1;
	AUTO(fd) int second = -1;
	struct err e;

	(void)state;
	assert_ok(file_lock(p.file, /* patience_ms= */ 0, &first, &e));
	assert_int_equal(mode_of(p.file), 0600);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_refused(file_lock(p.file, 0, &second, &e), ERR_TRY_AGAIN, "another run holds");
	assert_int_equal(second, -1);
	fd_drop(&first);
	assert_int_equal(first, -1);
	assert_ok(file_lock(p.file, 10000, &second, &e));
}

static void a_lock_is_seen_without_being_taken(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int lock = -1;
	struct err e;

	(void)state;
	assert_false(file_is_locked(p.file));
	assert_ok(file_lock(p.file, 0, &lock, &e));
	assert_true(file_is_locked(p.file));
	/* On an overlay. */
	number_elsewhere = number_of(lock);
	assert_true(file_is_locked(p.file));
	number_elsewhere = 0;
	fd_drop(&lock);
	assert_false(file_is_locked(p.file));
}

/* Anybody can lock a file of that number on a file system of his own. */
static void a_lock_of_another_file_system_s_file_does_not_count(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(place) struct place other = place_new();
	AUTO(fd) int theirs = -1;
	AUTO(fd) int lock = -1;
	struct err e;

	(void)state;
	assert_ok(file_write(p.file, view_text("x"), 0600, &e));
	assert_ok(file_lock(other.file, 0, &theirs, &e));
	number_elsewhere = number_of(theirs);
	assert_false(file_is_locked(p.file));
	/* Nor is it kept locked. */
	assert_ok(file_lock(p.file, 0, &lock, &e));
	assert_true(file_is_locked(p.file));
	number_elsewhere = 0;
}

/* A user with some ten thousand locks makes the list longer than anybody reads. */
static void a_lock_is_seen_where_the_list_of_locks_is_not(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int lock = -1;
	struct err e;

	(void)state;
	are_locks_unread = true;
	assert_false(file_is_locked(p.file));
	assert_ok(file_lock(p.file, 0, &lock, &e));
	assert_true(file_is_locked(p.file));
	fd_drop(&lock);
	assert_false(file_is_locked(p.file));
	are_locks_unread = false;
}

static void skip_without_pidfd(void)
{
	AUTO(fd) int own = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (own < 0 && errno == ENOSYS)
		skip(); /* valgrind 3.19 does not know the call */
}

static void a_lock_is_waited_for_no_longer_than_said(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int first = -1;
	AUTO(fd) int second = -1;
	int64_t begin_ms, took_ms;
	struct err e;

	(void)state;
	skip_without_pidfd();
	assert_ok(file_lock(p.file, 0, &first, &e));
	begin_ms = clock_monotonic_ms();
	assert_refused(file_lock(p.file, 50, &second, &e), ERR_TRY_AGAIN,
	               "another process has held");
	took_ms = clock_monotonic_ms() - begin_ms;
	assert_true(took_ms >= 50 && took_ms < 5000);
	assert_int_equal(second, -1);
	/* Nothing is left that waits: no child, and no lock once the first is gone. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	fd_drop(&first);
	assert_ok(file_lock(p.file, 0, &second, &e));
}

static const struct rlimit *limit_of_descriptors;

/* This process is about to wait: its child is there, and no descriptor is left for it. */
static void run_short(void)
{
	if (limit_of_descriptors)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, limit_of_descriptors), 0);
	limit_of_descriptors = NULL;
}

/* What can't be waited for is no lock that another holds. */
static void that_a_lock_cannot_be_waited_for_is_told(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int first = -1;
	AUTO(fd) int second = -1;
	struct rlimit before, few;
	struct err e;
	int result;

	(void)state;
	skip_without_pidfd();
	assert_ok(file_lock(p.file, 0, &first, &e));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)first + 2; /* the lock's file alone */
	limit_of_descriptors = &few;
	assert_int_equal(pthread_atfork(NULL, run_short, NULL), 0);
	result = file_lock(p.file, 10000, &second, &e);
	assert_null(limit_of_descriptors);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(result, -1);
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_non_null(strstr(e.text, "waiting for lock"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Nor is what can't be looked at a path that can't be written. */
static void that_no_descriptor_is_left_is_no_fault_of_the_path(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int next = dup(0);
	struct rlimit before, few;
	struct err e;
	int result;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	result = path_check_written(p.file, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(result, -1);
	assert_int_equal(e.code, ERR_INTERNAL);
}

static int release_fd = -1;

/* This process has begun to wait: its child is there. */
static void release(void)
{
	if (release_fd >= 0)
		assert_int_equal(write(release_fd, "x", 1), 1);
	fd_drop(&release_fd);
}

/* Another process has the lock until it is told to end, which is when it is waited for.
 */
static void a_lock_is_had_as_soon_as_it_is_free(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int mine = -1;
	int told[2], ready[2], other = -1;
	pid_t holder;
	char byte;
	struct err e;

	(void)state;
	skip_without_pidfd();
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	holder = fork();
	if (holder == 0) {
		close(told[1]);
		if (file_lock(p.file, 0, &other, &e) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(told[0], &byte, 1) == 1 ? 0 : 2);
	}
	close(told[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_refused(file_lock(p.file, 0, &mine, &e), ERR_TRY_AGAIN, "another run holds");
	release_fd = told[1];
	assert_int_equal(pthread_atfork(NULL, release, NULL), 0);
	assert_ok(file_lock(p.file, 60000, &mine, &e));
	assert_int_equal(release_fd, -1);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	close(ready[0]);
	close(ready[1]);
}

/* The mode's bits that say what it is, of the name itself. */
static unsigned kind_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & S_IFMT;
}

static void what_the_user_names_is_written_into_and_never_replaced(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(fd) int reader = -1;
	char text[16] = "";
	struct err e;

	(void)state;
	assert_int_equal(mkfifo(p.file, 0600), 0);
	assert_refused(file_write_named(p.file, view_text("x"), 0644, &e), ERR_DATA,
	               "nobody reads from it");
	reader = open(p.file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_ok(file_write_named(p.file, view_text("to a pipe"), 0644, &e));
	assert_int_equal(read(reader, text, sizeof(text)), 9);
	assert_string_equal(text, "to a pipe");
	/* A file of ours is not written into it, and does not take its place. */
	assert_refused(file_write(p.file, view_text("x"), 0600, &e), ERR_DATA,
	               "not a regular file");
	assert_int_equal(kind_of(p.file), S_IFIFO);
	assert_refused(file_write_named(p.folder, view_text("x"), 0644, &e), ERR_NO_INPUT,
	               "can't be written: Is a directory");
	assert_refused(file_check_named("nowhere/file", &e), ERR_NO_INPUT,
	               "'nowhere/file' can't be written: No such file");
	assert_refused(file_check_named("/dev/null/file", &e), ERR_NO_INPUT, "Not a directory");
	assert_ok(file_check_named("/dev/null", &e));
}

static void a_link_that_the_user_names_is_followed(void **state)
{
	AUTO(place) struct place p = place_new();
	AUTO(buf) struct buf b = BUF_INIT(16);
	char target[300];
	struct err e;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", p.folder);
	assert_int_equal(symlink("target", p.file), 0);
	assert_refused(file_write_named(p.file, view_text("x"), 0644, &e), ERR_NO_INPUT,
	               "No such file");
	assert_false(file_is_there(target));
	assert_ok(file_write(target, view_text("a longer text"), 0600, &e));
	assert_ok(file_write_named(p.file, view_text("short"), 0644, &e));
	assert_int_equal(kind_of(p.file), S_IFLNK);
	assert_ok(file_read(target, &b, &e));
	assert_string_equal(buf_text(&b), "short");
	assert_int_equal(mode_of(target), 0600);
	/* A file of ours takes the link's place and leaves alone what it named. */
	assert_ok(file_write(p.file, view_text("ours"), 0600, &e));
	assert_int_equal(kind_of(p.file), S_IFREG);
	buf_clear(&b);
	assert_ok(file_read(target, &b, &e));
	assert_string_equal(buf_text(&b), "short");
	unlink(target);
}

static void what_cannot_be_seen_is_not_taken_for_missing(void **state)
{
	AUTO(place) struct place p = place_new();
	char inner[340], around[300];
	bool is_there = true;
	struct err e;

	(void)state;
	assert_ok(file_look(p.file, &is_there, &e));
	assert_false(is_there);
	assert_ok(file_write(p.file, view_text("x"), 0600, &e));
	assert_ok(file_look(p.file, &is_there, &e));
	assert_true(is_there);
	/* Below what is no folder there can be nothing. */
	snprintf(inner, sizeof(inner), "%s/more", p.file);
	assert_ok(file_look(inner, &is_there, &e));
	assert_false(is_there);
	/* Rights don't stop root; a circle of links stops everybody. */
	snprintf(around, sizeof(around), "%s/around", p.folder);
	assert_int_equal(symlink("around", around), 0);
	is_there = true;
	assert_refused(file_look(around, &is_there, &e), ERR_NO_INPUT, "Too many levels");
	assert_true(is_there);
	unlink(around);
}

static void a_lock_does_not_follow_a_link(void **state)
{
	AUTO(place) struct place p = place_new();
	int fd = -1;
	struct err e;

	(void)state;
	assert_int_equal(symlink("elsewhere", p.file), 0);
	assert_refused(file_lock(p.file, 0, &fd, &e), ERR_INTERNAL, "opening lock");
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

struct names {
	size_t count, most;
	char seen[8];
};

static int take_name(void *context, const char *name, struct err *e)
{
	struct names *n = context;

	if (n->count == n->most)
		return err_set(e, ERR_DATA, "enough");
	n->seen[n->count++] = *name;
	return 0;
}

static void each_name_of_a_folder_is_given_once(void **state)
{
	struct names all = { .most = 8 }, few = { .most = 1 }, none = { .most = 8 };
	char folder[128], path[256];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/a", folder);
	assert_ok(file_write(path, view_text("x"), 0600, &e));
	/* What is no folder, and what is not there. */
	assert_refused(folder_each(path, "what", true, take_name, &none, &e), ERR_NO_INPUT,
	               "what: Not a directory");
	snprintf(path, sizeof(path), "%s/b", folder);
	assert_ok(folder_each(path, "what", true, take_name, &none, &e));
	assert_refused(folder_each(path, "what", false, take_name, &none, &e), ERR_NO_INPUT,
	               "what: No such file");
	assert_int_equal(none.count, 0);
	assert_ok(folder_make_inner(path, &e));
	assert_ok(folder_each(folder, "what", false, take_name, &all, &e));
	assert_int_equal(all.count, 2);
	assert_true(strchr(all.seen, 'a') && strchr(all.seen, 'b'));
	assert_refused(folder_each(folder, "what", false, take_name, &few, &e), ERR_DATA, "enough");
	assert_ok(folder_remove_all(folder, &e));
}

static void assert_free(const char *wanted, const char *expected)
{
	AUTO(buf) struct buf name = BUF_INIT(FILE_FREE_NAME_MAX);
	struct err e;

	assert_int_equal(file_free_name(wanted, &name, &e), 0);
	assert_string_equal(buf_text(&name), expected);
}

static void a_free_name_is_one_that_nothing_has(void **state)
{
	struct place p = place_new();
	char dotted[400], second[400], third[400];
	struct err e;

	(void)state;
	assert_free(p.file, p.file);
	snprintf(dotted, sizeof(dotted), "%s.d/request.json", p.folder);
	assert_free(dotted, dotted);
	snprintf(dotted, sizeof(dotted), "%s/a.json", p.folder);
	snprintf(second, sizeof(second), "%s/a-2.json", p.folder);
	snprintf(third, sizeof(third), "%s/a-3.json", p.folder);
	assert_int_equal(file_create(dotted, view_text("1"), 0600, &e), 0);
	assert_free(dotted, second);
	assert_int_equal(file_create(second, view_text("2"), 0600, &e), 0);
	assert_free(dotted, third);
	unlink(dotted);
	unlink(second);
	/* The dot of a folder is no file's. */
	assert_int_equal(file_create(p.file, view_text("1"), 0600, &e), 0);
	snprintf(dotted, sizeof(dotted), "%s/./file", p.folder);
	snprintf(second, sizeof(second), "%s/./file-2", p.folder);
	assert_free(dotted, second);
	place_drop(&p);
}

static void touch(const char *folder, const char *name, char *path, size_t size)
{
	struct err e;

	snprintf(path, size, "%s/%s", folder, name);
	assert_ok(file_create(path, view_text("x"), 0600, &e));
}

static void what_the_dead_left_is_swept_and_what_is_being_written_is_not(void **state)
{
	/* A node may be called so. */
	static const char *const names[] = { "tee.abcdef", "tee1", "tee~", "member1.secret~" };
	struct place p = place_new();
	char dead[320], living[320], path[320];
	struct err e;
	int fd;

	(void)state;
	touch(p.folder, "tee1.Ab12Cd.teectl~", dead, sizeof(dead));
	touch(p.folder, "tee2.Ab12Cd.teectl~", living, sizeof(living));
	for (size_t i = 0; i < COUNT(names); i++)
		touch(p.folder, names[i], path, sizeof(path));
	fd = open(living, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	folder_sweep(p.folder);
	assert_false(file_is_there(dead));
	assert_true(file_is_there(living));
	close(fd);
	folder_sweep(p.folder);
	assert_false(file_is_there(living));
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", p.folder, names[i]);
		assert_true(file_is_there(path));
	}
	assert_ok(folder_remove_all(p.folder, &e));
}

/* A sweep that runs beside writers takes none of their files from them. */
static void a_sweep_beside_a_writer_does_it_no_harm(void **state)
{
	struct place p = place_new();
	pid_t parent = getpid(), child = fork();
	int failed = 0;
	struct err e;

	(void)state;
	assert_true(child >= 0);
	while (child == 0 && getppid() == parent)
		folder_sweep(p.folder);
	if (child == 0)
		_exit(0);
	for (int i = 0; i < 200 && !failed; i++)
		failed = file_write(p.file, view_text("x"), 0600, &e);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_ok(failed);
	place_drop(&p);
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
		cmocka_unit_test(a_large_file_is_mapped_and_a_pipe_read),
		cmocka_unit_test(a_dash_is_standard_input),
		cmocka_unit_test(a_secret_s_file_is_never_replaced),
		cmocka_unit_test(a_file_is_created_once),
		cmocka_unit_test(a_private_file_is_its_owners_alone),
		cmocka_unit_test(a_write_that_fails_leaves_the_old_file),
		cmocka_unit_test(a_memory_file_is_a_sealed_copy_of_a_whole_file),
		cmocka_unit_test(a_memory_file_takes_no_more_than_its_limit),
		cmocka_unit_test(a_memory_file_is_a_copy_of_a_regular_file_only),
		cmocka_unit_test(writing_to_a_closed_descriptor_fails),
		cmocka_unit_test(private_folders_are_made_with_what_is_above),
		cmocka_unit_test(a_folder_is_removed_with_all_in_it_and_no_link_is_followed),
		cmocka_unit_test(a_lock_keeps_another_out_until_it_is_closed),
		cmocka_unit_test(a_lock_is_seen_without_being_taken),
		cmocka_unit_test(a_lock_of_another_file_system_s_file_does_not_count),
		cmocka_unit_test(a_lock_is_seen_where_the_list_of_locks_is_not),
		cmocka_unit_test(a_lock_is_waited_for_no_longer_than_said),
		cmocka_unit_test(that_a_lock_cannot_be_waited_for_is_told),
		cmocka_unit_test(that_no_descriptor_is_left_is_no_fault_of_the_path),
		cmocka_unit_test(a_lock_is_had_as_soon_as_it_is_free),
		cmocka_unit_test(a_lock_does_not_follow_a_link),
		cmocka_unit_test(what_the_user_names_is_written_into_and_never_replaced),
		cmocka_unit_test(a_link_that_the_user_names_is_followed),
		cmocka_unit_test(what_cannot_be_seen_is_not_taken_for_missing),
		cmocka_unit_test(paths_are_joined_and_parted),
		cmocka_unit_test(each_name_of_a_folder_is_given_once),
		cmocka_unit_test(a_free_name_is_one_that_nothing_has),
		cmocka_unit_test(what_the_dead_left_is_swept_and_what_is_being_written_is_not),
		cmocka_unit_test(a_sweep_beside_a_writer_does_it_no_harm),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

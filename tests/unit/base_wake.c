#include "support.h"

#include "base/file.h"
#include "base/wake.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_MS 10000 /* an event is there at once */

static bool is_woken(const struct wake *w, int timeout_ms)
{
	struct pollfd fd = { .fd = w->fd, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static void a_file_that_is_written_or_renamed_wakes(void **state)
{
	char folder[] = "wake-XXXXXX", path[32];
	AUTO(wake) struct wake w = WAKE_INIT;
	struct err e;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	assert_ok(wake_open(&w, &e));
	assert_ok(wake_on_folder(&w, folder, &e));
	assert_false(is_woken(&w, 0));
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "half", 4), 4);
	/* It is not whole yet. */
	assert_false(is_woken(&w, 0));
	close(fd);
	assert_true(is_woken(&w, LONG_MS));
	wake_take(&w);
	assert_false(is_woken(&w, 0));
	assert_ok(file_write(path, view_text("whole"), 0600, &e));
	assert_true(is_woken(&w, LONG_MS));
	wake_take(&w);
	assert_false(is_woken(&w, 0));
	assert_int_equal(unlink(path), 0);
	assert_true(is_woken(&w, LONG_MS));
	assert_int_equal(rmdir(folder), 0);
}

static void a_folder_that_is_none_is_refused(void **state)
{
	AUTO(wake) struct wake w = WAKE_INIT;
	struct err e;

	(void)state;
	assert_ok(wake_open(&w, &e));
	assert_int_equal(wake_on_folder(&w, "/nonexistent", &e), -1);
	assert_int_equal(e.code, ERR_NO_INPUT);
}

/* One that ended is told once, and does not keep its watcher awake. */
static void the_end_of_a_process_wakes_once(void **state)
{
	AUTO(wake) struct wake w = WAKE_INIT;
	int gate[2];
	struct err e;
	pid_t child;

	(void)state;
	if (!HAS_PIDFD)
		skip();
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		char end;

		close(gate[1]);
		_exit(read(gate[0], &end, 1) == 0 ? 0 : 1);
	}
	assert_ok(wake_open(&w, &e));
	assert_ok(wake_on_process(&w, (int)syscall(SYS_pidfd_open, child, 0), &e));
	assert_false(is_woken(&w, 0));
	close(gate[1]);
	close(gate[0]);
	assert_true(is_woken(&w, LONG_MS));
	wake_take(&w);
	assert_false(is_woken(&w, 0));
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void processes_beyond_the_limit_are_let_go(void **state)
{
	AUTO(wake) struct wake w = WAKE_INIT;
	struct err e;

	(void)state;
	if (!HAS_PIDFD)
		skip();
	assert_ok(wake_open(&w, &e));
	for (size_t i = 0; i <= WAKE_PROCESSES_MAX; i++)
		assert_ok(wake_on_process(&w, (int)syscall(SYS_pidfd_open, getpid(), 0), &e));
	assert_int_equal(w.process_count, WAKE_PROCESSES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_written_or_renamed_wakes),
		cmocka_unit_test(a_folder_that_is_none_is_refused),
		cmocka_unit_test(the_end_of_a_process_wakes_once),
		cmocka_unit_test(processes_beyond_the_limit_are_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

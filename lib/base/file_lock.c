#include "base/file.h"
#include "base/file_guard.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCKS_MAX (4u << 20) /* of the whole machine, 60 bytes each */

/* What a library can't have is a signal of its own that ends flock, and no descriptor tells when a
 * lock is free. So a child waits for it: the lock is the open file's, which both have open. It does
 * what a child of a program with threads may, and ends with its parent. */
static _Noreturn void hold(int fd, pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			;
	_exit(0);
}

/* Until the child has ended, or the time is over. */
static int await(pid_t child, int64_t patience_ms, const char *path, struct err *e)
{
	AUTO(fd) int pidfd = (int)syscall(SYS_pidfd_open, child, 0);

	if (pidfd < 0 || fd_await(pidfd, clock_monotonic_ms() + patience_ms) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "waiting for lock '%s'", path);
	return 0;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static int wait_for_lock(int fd, int64_t patience_ms, const char *path, struct err *e)
{
	pid_t parent = getpid(), child = fork();
	int waited;

	if (child < 0)
		return err_sys(e, ERR_INTERNAL, errno, "waiting for lock '%s'", path);
	if (child == 0)
		hold(fd, parent);
	waited = await(child, patience_ms, path, e);
	end_child(child);
	TRY(waited);
	/* Whose is the lock? A file that has it open gets it at once. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_sys(e, ERR_INTERNAL, errno, "locking '%s'", path);
	return err_set(e, ERR_TRY_AGAIN, "another process has held '%s' for %lld ms", path,
	               (long long)patience_ms);
}

/* Whoever has made it while it was opened, it is looked at again, and must be the one that is
 * there. */
static int open_lock(const char *path, int *ret, struct err *e)
{
	AUTO(fd) int fd = -1;
	struct stat opened, there;

	TRY(path_check_written(path, e));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &opened) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "opening lock '%s'", path);
	TRY(path_check_written(path, e));
	if (fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    there.st_dev != opened.st_dev || there.st_ino != opened.st_ino)
		return err_set(e, ERR_TRY_AGAIN, "lock '%s' was replaced while it was opened",
		               path);
	*ret = MOVE_FD(fd);
	return 0;
}

int file_lock(const char *path, int64_t patience_ms, int *ret_fd, struct err *e)
{
	AUTO(fd) int fd = -1;

	TRY(open_lock(path, &fd, e));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_sys(e, ERR_INTERNAL, errno, "locking '%s'", path);
		if (!patience_ms)
			return err_set(e, ERR_TRY_AGAIN, "another run holds '%s'", path);
		TRY(wait_for_lock(fd, patience_ms, path, e));
	}
	*ret_fd = MOVE_FD(fd);
	return 0;
}

/* A shared lock, for a moment. Of a file that can't be asked it is true. */
static bool is_refused_a_lock(const char *path)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno != ENOENT;
	return flock(fd, LOCK_SH | LOCK_NB) < 0;
}

/* A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 4711 fd:00:1234567 0 EOF". Below an overlay, or
 * in a subvolume, the device is another than stat's: a line of another device may be of this file,
 * or of one that anybody has on a file system of his own. Only then is the file itself asked, and
 * where the list can't be read: whoever has enough locks makes it too long. */
bool file_is_locked(const char *path)
{
	AUTO(buf) struct buf locks = BUF_INIT(LOCKS_MAX);
	struct stat st;
	struct err ignored;
	char lock[64], *number;

	if (stat(path, &st) < 0)
		return false;
	if (file_read("/proc/locks", &locks, &ignored) < 0)
		return is_refused_a_lock(path);
	snprintf(lock, sizeof(lock), " %02x:%02x:%ju 0 EOF", major(st.st_dev), minor(st.st_dev),
	         (uintmax_t)st.st_ino);
	if (strstr(buf_text(&locks), lock))
		return true;
	number = strrchr(lock, ':');
	return strstr(buf_text(&locks), number) && is_refused_a_lock(path);
}

#include "attest/loader.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Above those that the child makes its own. */
#define FD_LOW    10
#define LISTED_FD 3 /* the image, in the child that lists */

/* A listing takes some milliseconds; what an image needs may be a FIFO that nobody writes to. */
#define LOADER_MS  10000

#define REASON_MAX 200

/* In the child, where only what a signal handler may do is safe. LOADER --list /proc/self/fd/3 with
 * no environment of ours, so that no LD_… of it counts (LD_DEBUG has it tell more, and do nothing
 * else; loaders that don't know it pass it over), with no way to more rights than it has, no
 * descriptor of ours (libcurl's connections lack CLOEXEC), and not beyond the end of who waits for
 * it. */
static _Noreturn void become_loader(const char *loader, int image_fd, int out_fd, pid_t parent)
{
	static const char words[] = "it can't be started";
	char *const arguments[] = { (char *)loader, "--list", "/proc/self/fd/3", NULL };
	char *const environment[] = { "LD_DEBUG=libs", NULL };
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (none >= 0 && dup2(none, STDIN_FILENO) >= 0 && dup2(out_fd, STDOUT_FILENO) >= 0 &&
	    dup2(out_fd, STDERR_FILENO) >= 0 && dup2(image_fd, LISTED_FD) >= 0 &&
	    close_range(LISTED_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	    getppid() == parent)
		execve(loader, arguments, environment);
	if (write(out_fd, words, sizeof(words) - 1) < 0)
		_exit(126);
	_exit(127);
}

static int read_listing(int in, int64_t end_ms, struct buf *to, struct err *e)
{
	for (;;) {
		uint8_t bytes[4096];
		ssize_t got;

		if (fd_await(in, end_ms) <= 0)
			return err_set(e, ERR_DATA, "the image's loader has not ended within %d s",
			               LOADER_MS / 1000);
		got = read(in, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, ERR_INTERNAL, errno, "reading the loader's list");
		if (got == 0)
			return 0;
		TRY(buf_add(to, view_new(bytes, (size_t)got), e));
	}
}

/* Its last line is why; before it stands where it has looked. */
static int refuse(const char *loader, const struct buf *said, struct err *e)
{
	struct view all = text_trim(buf_view(said));
	const uint8_t *line = all.len ? memrchr(all.data, '\n', all.len) : NULL;
	size_t skipped = line ? (size_t)(line + 1 - all.data) : 0;

	return err_set(e, ERR_DATA, "'%s' can't list the image's libraries: %.*s", loader,
	               (int)(all.len - skipped < REASON_MAX ? all.len - skipped : REASON_MAX),
	               (const char *)all.data + skipped);
}

/* Not waited for before its end has been seen, so that pid is nobody else's when it is killed. */
static int wait_for_loader(pid_t pid, int64_t end_ms, const char *loader, const struct buf *said,
                           struct err *e)
{
	AUTO(fd) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status;

	if (pidfd < 0 || fd_await(pidfd, end_ms) <= 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "waiting for the loader");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return refuse(loader, said, e);
	return 0;
}

int loader_list(const char *loader, int image_fd, struct buf *to, struct err *e)
{
	AUTO(fd) int high = fcntl(image_fd, F_DUPFD_CLOEXEC, FD_LOW);
	AUTO(fd) int in = -1;
	AUTO(fd) int given = -1;
	AUTO(fd) int out = -1;
	int64_t end_ms = clock_monotonic_ms() + LOADER_MS;
	struct err read_error;
	int pipes[2], read_outcome;
	pid_t parent = getpid(), pid;

	if (high < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "a pipe to the loader");
	in = pipes[0];
	given = pipes[1];
	out = fcntl(given, F_DUPFD_CLOEXEC, FD_LOW);
	pid = out < 0 ? -1 : fork();
	if (pid < 0)
		return err_sys(e, ERR_INTERNAL, errno, "starting the loader");
	if (pid == 0)
		become_loader(loader, high, out, parent);
	fd_drop(&given);
	fd_drop(&out);
	read_outcome = read_listing(in, end_ms, to, &read_error);
	fd_drop(&in);
	if (read_outcome < 0) {
		kill(pid, SIGKILL);
		*e = read_error;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return -1;
	}
	return wait_for_loader(pid, end_ms, loader, to, e);
}

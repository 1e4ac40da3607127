#include "hv/start.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <linux/close_range.h>
#include <unistd.h>

#define CHILD_FAILED 126

struct ends {
	int ours, theirs;
};

static void ends_drop(struct ends *ends)
{
	fd_drop(&ends->ours);
	fd_drop(&ends->theirs);
}

void enclave_drop(struct enclave *c)
{
	fd_drop(&c->pidfd);
	fd_drop(&c->nsm);
}

struct child {
	int image;
	char *const *argv;
	const int *files;
	int nsm;    /* the enclave's end */
	int report; /* errno goes here when something fails; closed by a good exec */
	pid_t parent;
};

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

/* Everything above stderr closes at exec, but for the NSM's socket and the files. */
static bool arrange_descriptors(const struct child *c)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return false;
	if (c->nsm == ENCLAVE_NSM_FD) /* dup2 onto itself would leave it close-on-exec */
		keep_open(ENCLAVE_NSM_FD);
	else if (dup2(c->nsm, ENCLAVE_NSM_FD) < 0)
		return false;
	for (size_t i = 0; i < ENCLAVE_FILES; i++)
		if (c->files[i] >= 0)
			keep_open(c->files[i]);
	return true;
}

/* A blocked or ignored signal would stay so through exec; a shell ignores some for what it starts
 * in the background. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < _NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void become_enclave(const struct child *c)
{
	static char *const empty[] = { NULL };
	int failed = ESRCH;

	/* The parent may have died before the kernel was told to care. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == c->parent) {
		setsid();
		reset_signals();
		if (arrange_descriptors(c))
			fexecve(c->image, c->argv, empty);
		failed = errno;
	}
	if (write(c->report, &failed, sizeof(failed)) < 0)
		_exit(CHILD_FAILED);
	_exit(CHILD_FAILED);
}

/* Nothing comes when exec succeeded: then the last writing end was closed. */
static int read_report(int fd)
{
	int failed = 0;
	ssize_t got;

	do
		got = read(fd, &failed, sizeof(failed));
	while (got < 0 && errno == EINTR);
	return got == sizeof(failed) ? failed : 0;
}

static int make_socket(struct ends *ret, struct err *e)
{
	int both[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "making the NSM's socket");
	*ret = (struct ends){ both[0], both[1] };
	return 0;
}

static int make_pipe(struct ends *ret, struct err *e)
{
	int both[2];

	if (pipe2(both, O_CLOEXEC) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "making a pipe");
	*ret = (struct ends){ both[0], both[1] };
	return 0;
}

/* Descriptor 3 is overwritten in the child. */
static int move_up(int fd, int *ret, struct err *e)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, ENCLAVE_NSM_FD + 1);

	if (moved < 0)
		return err_sys(e, ERR_INTERNAL, errno, "moving a descriptor");
	*ret = moved;
	return 0;
}

int enclave_start(int image, char *const *argv, const int files[static ENCLAVE_FILES],
                  struct enclave *ret, struct err *e)
{
	AUTO(enclave) struct enclave c = { .pidfd = -1, .nsm = -1 };
	AUTO(ends) struct ends nsm = { -1, -1 };
	AUTO(ends) struct ends report = { -1, -1 };
	struct child child = { .argv = argv, .files = files, .parent = getpid() };
	AUTO(fd) int image_up = -1;
	AUTO(fd) int report_up = -1;
	int failed;

	TRY(make_socket(&nsm, e));
	TRY(make_pipe(&report, e));
	TRY(move_up(image, &image_up, e));
	TRY(move_up(report.theirs, &report_up, e));
	fd_drop(&report.theirs);
	child.image = image_up;
	child.nsm = nsm.theirs;
	child.report = report_up;
	c.pid = fork();
	if (c.pid < 0)
		return err_sys(e, ERR_INTERNAL, errno, "starting the enclave");
	if (c.pid == 0)
		become_enclave(&child);
	fd_drop(&report_up);
	c.pidfd = pidfd_open(c.pid, 0);
	if (c.pidfd < 0) {
		failed = errno;
		kill(c.pid, SIGKILL);
		waitpid(c.pid, NULL, 0);
		return err_sys(e, ERR_INTERNAL, failed, "watching the enclave");
	}
	failed = read_report(report.ours);
	if (failed) {
		waitpid(c.pid, NULL, 0);
		return err_sys(e, ERR_DATA, failed, "the image can't be run");
	}
	c.nsm = MOVE_FD(nsm.ours);
	*ret = c;
	c = (struct enclave){ .pidfd = -1, .nsm = -1 };
	return 0;
}

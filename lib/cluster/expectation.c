#include "cluster/expectation.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESULT_FD 3

/* From one process to its child's parent: of the same program, and so of one layout. */
struct result {
	bool is_measured;
	struct pcr_set set;
	struct err why;
};
/* Written whole, or not at all. */
_Static_assert(sizeof(struct result) <= 4096, "PIPE_BUF");

/* Nothing of the parent's is kept open: its lock on the state would outlive it. */
static _Noreturn void measure(const struct cluster *c, int fd, pid_t parent)
{
	struct result result;

	memset(&result, 0, sizeof(result));
	if (dup2(fd, RESULT_FD) < 0 || close_range(RESULT_FD + 1, ~0u, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	result.is_measured = cluster_measure_here(c, &result.set, &result.why) == 0;
	_exit(write(RESULT_FD, &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
}

void expectation_begin(const struct cluster *c, struct expectation *ret)
{
	pid_t parent = getpid(), pid;
	int pipes[2];

	if (!cluster_has_image(c) || pipe2(pipes, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		measure(c, pipes[1], parent);
	close(pipes[1]);
	if (pid < 0)
		close(pipes[0]);
	else
		*ret = (struct expectation){ .pid = pid, .fd = pipes[0] };
}

void expectation_drop(struct expectation *x)
{
	if (x->pid == 0)
		return;
	fd_drop(&x->fd);
	kill(x->pid, SIGKILL);
	while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*x = (struct expectation){ 0 };
}

bool expectation_is_awaited(const struct expectation *x)
{
	struct pollfd said = { .fd = x->fd, .events = POLLIN };

	return x->pid != 0 && poll(&said, 1, /* timeout= */ 0) == 0;
}

/* Until it has said so or is at its end, which its loader's time bounds (loader.c). */
static bool read_result(int fd, struct result *ret)
{
	ssize_t got;

	do {
		got = read(fd, ret, sizeof(*ret));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(*ret);
}

int expectation_take(struct expectation *x, const struct cluster *c, struct pcr_set *ret,
                     struct err *e)
{
	struct result result;
	bool is_said = x->pid != 0 && read_result(x->fd, &result);

	expectation_drop(x);
	if (!is_said)
		return cluster_measure_here(c, ret, e);
	if (!result.is_measured) {
		*e = result.why;
		return -1;
	}
	*ret = result.set;
	return 0;
}

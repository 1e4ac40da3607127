/* An NSM that fails when it is told to: runs an enclave and is its NSM, as the hypervisor is, apart
 * from what the first argument says.
 *
 *   faulty_nsm PKI FAULT ENCLAVE [OPTION]...
 *
 * FAULT  OPERATION:N   the Nth request of that operation (1 for the first) is answered by an error
 *        pcrs:N        PCR0..N-1 read zero, and those after do not
 *        clock:N       its clock is N seconds ahead
 *        close         SIGUSR1 closes the NSM's socket */
#include "base/clock.h"
#include "base/file.h"
#include "hv/machine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NSM_FD 3

static volatile sig_atomic_t is_told;

static void on_signal(int number)
{
	(void)number;
	is_told = 1;
}

struct fault {
	const char *what;
	unsigned long at;
	unsigned long seen;
};

static bool is_due(struct fault *f, struct view request)
{
	struct nsm_request q;
	struct err e;

	if (nsm_request_decode(request, &q, &e) < 0 ||
	    strncmp(nsm_operation_name(q.operation), f->what, strcspn(f->what, ":")) != 0 ||
	    nsm_operation_name(q.operation)[strcspn(f->what, ":")] != '\0')
		return false;
	return ++f->seen == f->at;
}

static int64_t ahead_ms(const struct fault *f)
{
	return strncmp(f->what, "clock:", 6) == 0 ? (int64_t)f->at * 1000 : 0;
}

static int answer(struct machine *m, struct fault *f, struct view request, struct buf *ret,
                  struct err *e)
{
	const struct nsm_response error = { .error = NSM_ERROR_InternalError };

	*ret = BUF_INIT(NSM_RESPONSE_MAX);
	if (is_due(f, request))
		return nsm_response_encode(&error, ret, e);
	return machine_answer(m, request, clock_unix_ms() + ahead_ms(f), ret, e);
}

static int serve(struct machine *m, struct fault *f, int fd, struct err *e)
{
	uint8_t request[NSM_REQUEST_MAX];

	for (;;) {
		AUTO(buf) struct buf reply = { 0 };
		ssize_t got = recv(fd, request, sizeof(request), 0);

		if (got < 0 && errno == EINTR && !is_told)
			continue;
		if (got <= 0)
			return 0;
		TRY(answer(m, f, view_new(request, (size_t)got), &reply, e));
		if (send(fd, reply.data, reply.len, MSG_NOSIGNAL) < 0)
			return 0;
	}
}

static pid_t start(char **argv, int theirs)
{
	static char *const empty[] = { NULL };
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(theirs, NSM_FD) == NSM_FD)
			execve(argv[0], argv, empty);
		_exit(127);
	}
	return pid;
}

static int prepare(const char *pki, const struct fault *f, const struct entropy *entropy,
                   struct machine *m, struct err *e)
{
	struct measurement measured = { 0 };
	struct pcr *pcrs[] = { &measured.image, &measured.runtime, &measured.options,
		               &measured.role, &measured.instance };
	AUTO(identity) struct identity identity = { 0 };

	for (size_t i = 0; i < COUNT(pcrs); i++) {
		pcr_zero(pcrs[i]);
		if (strncmp(f->what, "pcrs:", 5) != 0 || i >= f->at)
			TRY(pcr_measure(view_text("faulty"), pcrs[i], e));
	}
	machine_init(m, &measured, "i-faulty-enc0", entropy);
	TRY(pki_certify(pki, "i-faulty-enc0", clock_unix_ms() / 1000, PKI_START_PATIENCE_MS,
	                &identity, e));
	machine_take_identity(m, &identity);
	return 0;
}

static int run(char **argv, int *ret_status, struct err *e)
{
	const struct sigaction action = { .sa_handler = on_signal }; /* without SA_RESTART */
	const char *colon = strchr(argv[2], ':');
	struct fault fault = { .what = argv[2], .at = colon ? strtoul(colon + 1, NULL, 10) : 0 };
	char option[] = "--nsm=fd:3", *enclave[32] = { argv[3], option };
	AUTO(machine) struct machine m = { 0 };
	bool is_locked;
	int both[2];
	pid_t pid;

	TRY(secret_arena_open(&is_locked, e));
	TRY(prepare(argv[1], &fault, &entropy_system, &m, e));
	for (size_t i = 4; argv[i] && i - 2 < COUNT(enclave) - 1; i++)
		enclave[i - 2] = argv[i];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) < 0 ||
	    sigaction(SIGUSR1, &action, NULL) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "preparing");
	pid = start(enclave, both[1]);
	close(both[1]);
	TRY(serve(&m, &fault, both[0], e));
	close(both[0]);
	if (pid < 0 || waitpid(pid, ret_status, 0) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "waiting for the enclave");
	return 0;
}

int main(int argc, char **argv)
{
	struct err e;
	int status;

	if (argc < 4)
		return 64;
	if (run(argv, &status, &e) == 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	fprintf(stderr, "faulty_nsm: %s\n", e.text);
	return err_info(e.code)->exit_status;
}

#include "hv/serve.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define RENEW_RETRY_S 60 /* an hour is left by then */

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

struct server {
	struct machine *machine;
	const struct enclave *enclave;
	const struct pki_place *pki;
	int signals, timer;
	bool nsm_closed;
	struct buf answer; /* waiting for room in the socket */
};

static void server_drop(struct server *s)
{
	fd_drop(&s->timer);
	buf_drop(&s->answer);
}

int serve_signals(int *ret_fd, struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, ERR_INTERNAL, errno, "blocking signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "watching signals");
	*ret_fd = fd;
	return 0;
}

static void pass_signals_on(const struct server *s)
{
	struct signalfd_siginfo got;

	while (read(s->signals, &got, sizeof(got)) == sizeof(got))
		if (pidfd_send_signal(s->enclave->pidfd, (int)got.ssi_signo, NULL, 0) < 0 &&
		    errno != ESRCH)
			log_line(LOG_ERROR, "a signal could not be passed on", NULL);
}

/* At a wall-clock time, since certificates end at one. The timer also fires when the clock is set.
 */
static int set_timer(const struct server *s, int64_t unix_s, struct err *e)
{
	struct itimerspec at = { .it_value.tv_sec = unix_s };

	if (timerfd_settime(s->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "setting a timer");
	return 0;
}

static int renew(struct server *s, int64_t now_unix, struct err *e)
{
	AUTO(identity) struct identity next = { 0 };
	struct view root = buf_view(&s->machine->identity.root);
	AUTO(text) char *folder = NULL;

	TRY(pki_find(s->pki, root, &folder, e));
	TRY(pki_renew(folder, root, s->machine->module_id, now_unix, PKI_RENEW_PATIENCE_MS, &next,
	              e));
	machine_take_identity(s->machine, &next);
	log_line(LOG_INFO, "certificate renewed", NULL);
	return 0;
}

/* A renewal that fails is tried again: until the leaf ends nothing is lost. */
static int tend_certificate(struct server *s, struct err *e)
{
	int64_t now_unix = clock_unix_ms() / 1000;
	struct err failure;

	if (identity_is_due(&s->machine->identity, now_unix) && renew(s, now_unix, &failure) < 0) {
		log_line(LOG_ERROR, "certificate not renewed", "reason", failure.text, NULL);
		return set_timer(s, now_unix + RENEW_RETRY_S, e);
	}
	return set_timer(s, signer_not_after_unix(s->machine->identity.leaf) - PKI_LEAF_LEFT_S, e);
}

static int on_timer(struct server *s, struct err *e)
{
	uint64_t fired;

	if (read(s->timer, &fired, sizeof(fired)) < 0 && errno != ECANCELED)
		return 0;
	return tend_certificate(s, e);
}

static void close_nsm(struct server *s)
{
	s->nsm_closed = true;
	buf_clear(&s->answer);
}

static void send_answer(struct server *s)
{
	struct view answer = buf_view(&s->answer);

	if (send(s->enclave->nsm, answer.data, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		buf_drop(&s->answer); /* it may hold random bytes: freed is wiped */
	else if (errno == EPIPE || errno == ECONNRESET)
		close_nsm(s);
}

static int answer_request(struct server *s, bool hung_up, struct err *e)
{
	uint8_t
	    bytes[NSM_REQUEST_MAX + 1]; /* one more: a longer packet is cut, and still too large */
	ssize_t got = recv(s->enclave->nsm, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0 || (got == 0 && hung_up)) { /* an empty packet looks like the end */
		close_nsm(s);
		return 0;
	}
	TRY(machine_answer(s->machine, view_new(bytes, (size_t)got), clock_unix_ms(), &s->answer,
	                   e));
	send_answer(s);
	return 0;
}

/* While an answer waits no request is taken, so that memory stays bounded. */
static int tend_nsm(struct server *s, short events, struct err *e)
{
	if (!events)
		return 0;
	if (s->answer.len == 0)
		return answer_request(s, events & (POLLHUP | POLLERR), e);
	if (events & (POLLHUP | POLLERR))
		close_nsm(s);
	else
		send_answer(s);
	return 0;
}

static int reap(const struct server *s, int *ret_status, struct err *e)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)s->enclave->pidfd, &info, WEXITED) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "waiting for the enclave");
	*ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return 0;
}

static int serve_until_end(struct server *s, int *ret_status, struct err *e)
{
	enum { SIGNALS, TIMER, NSM, ENCLAVE };

	for (;;) {
		struct pollfd fds[] = {
			[SIGNALS] = { .fd = s->signals, .events = POLLIN },
			[TIMER] = { .fd = s->timer, .events = POLLIN },
			[NSM] = { .fd = s->nsm_closed ? -1 : s->enclave->nsm,
			          .events = s->answer.len ? POLLOUT : POLLIN },
			[ENCLAVE] = { .fd = s->enclave->pidfd, .events = POLLIN },
		};

		if (poll(fds, COUNT(fds), -1) < 0 && errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "waiting for events");
		if (fds[SIGNALS].revents)
			pass_signals_on(s);
		if (fds[TIMER].revents)
			TRY(on_timer(s, e));
		TRY(tend_nsm(s, fds[NSM].revents, e));
		if (fds[ENCLAVE].revents)
			return reap(s, ret_status, e);
	}
}

int serve(struct machine *machine, const struct enclave *enclave, int signals,
          const struct pki_place *pki, int *ret_status, struct err *e)
{
	AUTO(server)
	struct server s = {
		.machine = machine,
		.enclave = enclave,
		.pki = pki,
		.signals = signals,
		.timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK),
		.answer = BUF_INIT(NSM_RESPONSE_MAX),
	};

	if (s.timer < 0)
		return err_sys(e, ERR_INTERNAL, errno, "making a timer");
	TRY(tend_certificate(&s, e));
	return serve_until_end(&s, ret_status, e);
}

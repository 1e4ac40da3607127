/* The way to an NSM: a socket to the simulated hypervisor, or the real device. */
#include "attest/nsm.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* An answer takes some milliseconds. A hypervisor that is stopped gives none, and must not keep all
 * threads of a server for ever: one waits for so long, less than a whole request may take
 * (contract.md, Transport: 10 s), so that its caller is told why instead of being cut off, */
#define NSM_DEADLINE_MS 8000
/* and who comes while it has waited for this part of the time is turned away. */
#define NSM_QUEUE_PART 5

struct nsm {
	int fd;
	bool is_device;
	int64_t deadline_ms;
	_Atomic int64_t since_ms; /* when the exchange under way began; 0: there is none */
	pthread_mutex_t lock;     /* an answer belongs to the request before it */
	/* Requests whose time ran out: their answers still come, before any other's. */
	unsigned owed;
};

/* linux/nsm.h: struct nsm_raw is two address and length pairs, on 64-bit two iovecs. */
struct nsm_raw {
	struct iovec request, response;
};
#define NSM_IOCTL _IOWR(0x0a, 0, struct nsm_raw)
_Static_assert(sizeof(struct nsm_raw) == 32 && NSM_IOCTL == 0xc0200a00, "linux/nsm.h");

/* An end that the hypervisor left: it must be what it is said to be, and no child gets it. */
static int check_socket(int fd, struct err *e)
{
	socklen_t len = sizeof(int);
	int type = 0, domain = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM socket %d", fd);
	if (type != SOCK_SEQPACKET || domain != AF_UNIX)
		return err_set(e, ERR_ENCLAVE, "NSM socket %d does not keep packets apart", fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM socket %d", fd);
	return 0;
}

static int device_open(const char *path, int *ret, struct err *e)
{
	AUTO(fd) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM device '%s'", path);
	if (!S_ISCHR(st.st_mode))
		return err_set(e, ERR_ENCLAVE, "NSM device '%s' is not a device", path);
	*ret = MOVE_FD(fd);
	return 0;
}

int nsm_open(const char *spec, struct nsm **ret, struct err *e)
{
	static const char prefix[] = "device:";
	bool is_device = strncmp(spec, prefix, strlen(prefix)) == 0;
	AUTO(fd) int fd = -1;
	struct nsm *nsm;
	int left;

	TRY(fd_parse(spec, "the descriptor of the NSM", &left, e));
	if (!is_device && left < 0)
		return err_set(e, ERR_USAGE, "an NSM is fd:N or device:PATH, not '%s'", spec);
	if (is_device) {
		TRY(device_open(spec + strlen(prefix), &fd, e));
	} else {
		TRY(check_socket(left, e));
		fd = left;
	}
	nsm = calloc(1, sizeof(*nsm));
	if (!nsm)
		return err_set(e, ERR_INTERNAL, "no memory for the NSM");
	nsm->fd = MOVE_FD(fd);
	nsm->is_device = is_device;
	nsm->deadline_ms = NSM_DEADLINE_MS;
	pthread_mutex_init(&nsm->lock, NULL);
	*ret = nsm;
	return 0;
}

void nsm_drop(struct nsm **nsm)
{
	if (*nsm) {
		fd_drop(&(*nsm)->fd);
		pthread_mutex_destroy(&(*nsm)->lock);
	}
	free(*nsm);
	*nsm = NULL;
}

int nsm_fd(const struct nsm *nsm)
{
	return nsm->fd;
}

bool nsm_is_device(const struct nsm *nsm)
{
	return nsm->is_device;
}

void nsm_set_deadline(struct nsm *nsm, int64_t ms)
{
	nsm->deadline_ms = ms;
}

static int ask_device(struct nsm *nsm, struct view request, uint8_t *to, size_t *ret_len,
                      struct err *e)
{
	struct nsm_raw raw = {
		.request = { (void *)request.data, request.len },
		.response = { to, NSM_RESPONSE_MAX },
	};
	int outcome;

	do
		outcome = ioctl(nsm->fd, NSM_IOCTL, &raw);
	while (outcome < 0 && errno == EINTR);
	if (outcome < 0 && errno == EMSGSIZE)
		return err_set(e, ERR_ENCLAVE, "NSM: InputTooLarge");
	if (outcome < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM");
	if (raw.response.iov_len > NSM_RESPONSE_MAX)
		return err_set(e, ERR_ENCLAVE, "NSM: an answer longer than there is room");
	*ret_len = raw.response.iov_len;
	return 0;
}

static int wait_for_answer(int fd, int64_t end_ms, struct err *e)
{
	int ready = fd_await(fd, end_ms);

	if (ready < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM");
	if (ready == 0)
		return err_set(e, ERR_ENCLAVE, "NSM: the hypervisor does not answer");
	return 0;
}

static int take_answer(int fd, uint8_t *to, size_t *ret_len, struct err *e)
{
	ssize_t len;

	/* MSG_TRUNC: the length that the packet had. */
	do
		len = recv(fd, to, NSM_RESPONSE_MAX, MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM");
	if (len == 0)
		return err_set(e, ERR_ENCLAVE, "NSM: the hypervisor has closed its end");
	if ((size_t)len > NSM_RESPONSE_MAX)
		return err_set(e, ERR_ENCLAVE, "NSM: an answer of %zd bytes, at most %d", len,
		               NSM_RESPONSE_MAX);
	*ret_len = (size_t)len;
	return 0;
}

/* Takes the late answers, which are nobody's any more. As long as one is missing nothing is asked:
 * what came next would be taken for the answer. */
static int settle(struct nsm *nsm, int64_t end_ms, uint8_t *to, struct err *e)
{
	size_t ignored;
	struct err why;

	for (; nsm->owed; nsm->owed--) {
		if (wait_for_answer(nsm->fd, end_ms, &why) < 0)
			return err_set(e, ERR_UNAVAILABLE, "%s", why.text);
		(void)take_answer(nsm->fd, to, &ignored, &why);
	}
	return 0;
}

static int ask_socket(struct nsm *nsm, struct view request, uint8_t *to, size_t *ret_len,
                      struct err *e)
{
	ssize_t sent;

	do
		sent = send(nsm->fd, request.data, request.len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "NSM");
	if (wait_for_answer(nsm->fd, nsm->since_ms + nsm->deadline_ms, e) < 0) {
		nsm->owed++;
		return -1;
	}
	return take_answer(nsm->fd, to, ret_len, e);
}

/* Where a failure is the end of the enclave it waits as long as it can. */
static bool is_change(enum nsm_operation operation)
{
	return operation == NSM_EXTEND_PCR || operation == NSM_LOCK_PCR ||
	       operation == NSM_LOCK_PCRS;
}

/* Waits for the exchange under way, unless that has waited too long itself. */
static int take_turn(struct nsm *nsm, int64_t patience_ms, struct err *e)
{
	int64_t since_ms = nsm->since_ms;
	int64_t until_ms = (since_ms ? since_ms : clock_monotonic_ms()) + patience_ms;
	const struct timespec until = { .tv_sec = until_ms / 1000,
		                        .tv_nsec = until_ms % 1000 * 1000000 };

	if (pthread_mutex_clocklock(&nsm->lock, CLOCK_MONOTONIC, &until) != 0)
		return err_set(e, ERR_UNAVAILABLE, "NSM: an earlier request has no answer yet");
	nsm->since_ms = clock_monotonic_ms();
	return 0;
}

static int exchange(struct nsm *nsm, struct view request, bool is_patient, struct buf *memory,
                    struct err *e)
{
	int64_t patience_ms = is_patient ? nsm->deadline_ms : nsm->deadline_ms / NSM_QUEUE_PART;
	size_t len = 0;
	uint8_t *to;
	int outcome;

	buf_clear(memory);
	TRY(buf_reserve(memory, NSM_RESPONSE_MAX, &to, e));
	TRY(take_turn(nsm, patience_ms, e));
	outcome = settle(nsm, is_patient ? nsm->since_ms + patience_ms : 0, to, e);
	if (outcome == 0)
		outcome = (nsm->is_device ? ask_device : ask_socket)(nsm, request, to, &len, e);
	nsm->since_ms = 0;
	pthread_mutex_unlock(&nsm->lock);
	if (outcome == 0)
		buf_commit(memory, len);
	return outcome;
}

int nsm_ask(struct nsm *nsm, const struct nsm_request *q, struct buf *memory,
            struct nsm_response *ret, struct err *e)
{
	AUTO(buf) struct buf request = BUF_INIT(NSM_REQUEST_MAX);
	struct nsm_response response;
	struct err why;

	if (nsm_request_encode(q, &request, &why) < 0)
		return err_set(e, ERR_ENCLAVE, "NSM: %s: %s", nsm_operation_name(q->operation),
		               why.text);
	TRY(exchange(nsm, buf_view(&request), is_change(q->operation), memory, e));
	if (nsm_response_decode(buf_view(memory), q->operation, &response, &why) < 0)
		return err_set(e, ERR_ENCLAVE, "NSM: %s: %s", nsm_operation_name(q->operation),
		               why.text);
	if (response.error != NSM_ERROR_Success)
		return err_set(e, ERR_ENCLAVE, "NSM: %s: %s", nsm_operation_name(q->operation),
		               nsm_error_name(response.error));
	*ret = response;
	return 0;
}

int nsm_attest(struct nsm *nsm, const struct nsm_request *q, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response response;

	if (q->operation != NSM_ATTESTATION)
		return err_set(e, ERR_INTERNAL, "%s gives no document",
		               nsm_operation_name(q->operation));
	TRY(nsm_ask(nsm, q, &memory, &response, e));
	return buf_add(ret, response.data, e);
}

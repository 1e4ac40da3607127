#include "support.h"

#include "attest/nsm.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct document_field field(const char *text)
{
	return (struct document_field){ true, view_text(text) };
}

/* Requests and their bytes, as formats.md 7.7 has them. */
static const struct {
	struct nsm_request q;
	const char *hex;
} requests[] = {
	{ { .operation = NSM_DESCRIBE_NSM }, "6b44657363726962654e534d" },
	{ { .operation = NSM_GET_RANDOM }, "6947657452616e646f6d" },
	{ { .operation = NSM_DESCRIBE_PCR, .index = 16 },
	  "a16b4465736372696265504352a165696e64657810" },
	{ { .operation = NSM_EXTEND_PCR, .index = 31, .data = { (const uint8_t *)"ab", 2 } },
	  "a169457874656e64504352a265696e646578181f6464617461426162" },
	{ { .operation = NSM_LOCK_PCR, .index = 2 }, "a1674c6f636b504352a165696e64657802" },
	{ { .operation = NSM_LOCK_PCRS, .index = 32 }, "a1684c6f636b50435273a16572616e67651820" },
	{ { .operation = NSM_ATTESTATION, .nonce = { true, { (const uint8_t *)"n", 1 } } },
	  "a16b4174746573746174696f6ea369757365725f64617461f6656e6f6e6365416e6a7075626c69635f6b6579"
	  "f6" },
};

static void requests_have_the_bytes_of_the_device(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		AUTO(buf) struct buf expected = bytes_of_hex(requests[i].hex);
		AUTO(buf) struct buf found = BUF_INIT(NSM_REQUEST_MAX);
		struct nsm_request q;
		struct err e;

		assert_ok(nsm_request_encode(&requests[i].q, &found, &e));
		assert_view_equal(buf_view(&found), buf_view(&expected));
		assert_ok(nsm_request_decode(buf_view(&found), &q, &e));
		assert_int_equal(q.operation, requests[i].q.operation);
		assert_int_equal(q.index, requests[i].q.index);
		assert_view_equal(q.data, requests[i].q.data);
		assert_int_equal(q.nonce.is_present, requests[i].q.nonce.is_present);
		assert_view_equal(q.nonce.value, requests[i].q.nonce.value);
	}
}

static int decode_request(const char *hex, struct nsm_request *ret, struct err *e)
{
	static uint8_t bytes[512];
	AUTO(buf) struct buf b = bytes_of_hex(hex);

	memcpy(bytes, b.data, b.len);
	return nsm_request_decode(view_new(bytes, b.len), ret, e);
}

static void requests_are_read_in_any_order_of_keys(void **state)
{
	struct nsm_request q;
	struct err e;

	(void)state;
	assert_ok(decode_request("a169457874656e64504352a26464617461426162"
	                         "65696e646578181f",
	                         &q, &e));
	assert_int_equal(q.index, 31);
	assert_view_equal(q.data, view_text("ab"));
	/* Attestation without any field, and with a map that ends by a break */
	assert_ok(decode_request("a16b4174746573746174696f6ea0", &q, &e));
	assert_false(q.user_data.is_present || q.nonce.is_present || q.public_key.is_present);
	assert_ok(decode_request("a16b4174746573746174696f6ebf656e6f6e636540ff", &q, &e));
	assert_true(q.nonce.is_present && q.nonce.value.len == 0);
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "cut short" },
		{ "6b44657363726962654e534d00", "left over" },
		{ "6b44657363726962654e534e", "unknown operation" },
		{ "a16b44657363726962654e534da0", "has no fields" },
		{ "6b4465736372696265504352", "lacks its fields" },
		{ "a16b446573637269626550435205", "lacks its fields" },
		{ "a16b4465736372696265504352a0", "index is missing" },
		{ "a16b4465736372696265504352a165696e64657820", "index is of another type" },
		{ "a16b4465736372696265504352a165696e6465781a00010000", "index is too large" },
		{ "a16b4465736372696265504352a265696e6465780065696e64657801", "twice" },
		{ "a169457874656e64504352a165696e64657800", "data is missing" },
		{ "a16b4174746573746174696f6ea1656e6f6e63656161", "nonce is of another type" },
		{ "a2674c6f636b504352a165696e64657802674c6f636b504353a0", "neither a name" },
		{ "80", "neither a name" },
		{ "a10000", "neither a name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nsm_request q;
		struct err e;

		assert_refused(decode_request(cases[i][0], &q, &e), ERR_DATA, cases[i][1]);
	}
}

static const struct nsm_response description = {
	.operation = NSM_DESCRIBE_NSM,
	.version_major = 1,
	.version_minor = 2,
	.version_patch = 14,
	.module_id = { (const uint8_t *)"i-1-enc2", 8 },
	.digest = { (const uint8_t *)"SHA384", 6 },
	.max_pcrs = 32,
	.locked_pcrs = 0x8000ffff,
};

static void answers_come_back_as_they_were(void **state)
{
	AUTO(buf) struct buf bytes = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r = { .operation = NSM_DESCRIBE_PCR, .is_locked = true }, found;
	struct err e;

	(void)state;
	assert_ok(nsm_response_encode(&description, &bytes, &e));
	assert_ok(nsm_response_decode(buf_view(&bytes), NSM_DESCRIBE_NSM, &found, &e));
	assert_int_equal(found.version_patch, 14);
	assert_int_equal(found.max_pcrs, 32);
	assert_int_equal(found.locked_pcrs, 0x8000ffff);
	assert_view_equal(found.module_id, description.module_id);
	assert_view_equal(found.digest, description.digest);

	buf_clear(&bytes);
	r.data = view_text("value");
	assert_ok(nsm_response_encode(&r, &bytes, &e));
	assert_ok(nsm_response_decode(buf_view(&bytes), NSM_DESCRIBE_PCR, &found, &e));
	assert_true(found.is_locked);
	assert_view_equal(found.data, r.data);
}

static void each_answer_has_its_bytes(void **state)
{
	static const struct {
		struct nsm_response r;
		const char *hex;
	} cases[] = {
		{ { .operation = NSM_GET_RANDOM, .data = { (const uint8_t *)"r", 1 } },
		  "a16947657452616e646f6da16672616e646f6d4172" },
		{ { .operation = NSM_DESCRIBE_PCR, .data = { (const uint8_t *)"d", 1 } },
		  "a16b4465736372696265504352a2646c6f636bf464646174614164" },
		{ { .operation = NSM_EXTEND_PCR, .data = { (const uint8_t *)"d", 1 } },
		  "a169457874656e64504352a164646174614164" },
		{ { .operation = NSM_LOCK_PCR }, "674c6f636b504352" },
		{ { .operation = NSM_LOCK_PCRS }, "684c6f636b50435273" },
		{ { .operation = NSM_ATTESTATION, .data = { (const uint8_t *)"d", 1 } },
		  "a16b4174746573746174696f6ea168646f63756d656e744164" },
		{ { .error = NSM_ERROR_ReadOnlyIndex },
		  "a1654572726f726d526561644f6e6c79496e646578" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf expected = bytes_of_hex(cases[i].hex);
		AUTO(buf) struct buf found = BUF_INIT(NSM_RESPONSE_MAX);
		struct nsm_response r;
		struct err e;

		assert_ok(nsm_response_encode(&cases[i].r, &found, &e));
		assert_view_equal(buf_view(&found), buf_view(&expected));
		assert_ok(nsm_response_decode(buf_view(&found), cases[i].r.operation, &r, &e));
		assert_int_equal(r.error, cases[i].r.error);
		assert_view_equal(r.data, cases[i].r.data);
	}
}

static void every_error_has_its_name(void **state)
{
	(void)state;
	for (unsigned i = NSM_ERROR_InvalidArgument; i <= NSM_ERROR_InternalError; i++) {
		AUTO(buf) struct buf bytes = BUF_INIT(NSM_RESPONSE_MAX);
		struct nsm_response r = { .error = i }, found;
		struct err e;

		assert_ok(nsm_response_encode(&r, &bytes, &e));
		assert_non_null(
		    memmem(bytes.data, bytes.len, nsm_error_name(i), strlen(nsm_error_name(i))));
		assert_ok(nsm_response_decode(buf_view(&bytes), NSM_LOCK_PCR, &found, &e));
		assert_int_equal(found.error, i);
	}
}

static void what_is_no_answer_is_refused(void **state)
{
	static const struct {
		enum nsm_operation asked;
		const char *hex, *words;
	} cases[] = {
		{ NSM_LOCK_PCR, "684c6f636b50435273", "LockPCR answered with LockPCRs" },
		{ NSM_LOCK_PCR, "a1654572726f726753756363657373", "unknown error" },
		{ NSM_LOCK_PCR, "a1654572726f726457686174", "unknown error" },
		{ NSM_LOCK_PCR, "654572726f72", "unknown error" },
		{ NSM_LOCK_PCR, "a1674c6f636b504352a0", "has no fields" },
		{ NSM_GET_RANDOM, "6947657452616e646f6d", "lacks its fields" },
		{ NSM_GET_RANDOM, "a16947657452616e646f6da16672616e646f6d6172", "of another type" },
		{ NSM_DESCRIBE_PCR, "a16b4465736372696265504352a264646174614164646c6f636b00",
		  "lock is of another type" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf bytes = { 0 };
		struct nsm_response r;
		struct err e;

		bytes = bytes_of_hex(cases[i].hex);
		assert_refused(nsm_response_decode(buf_view(&bytes), cases[i].asked, &r, &e),
		               ERR_DATA, cases[i].words);
	}
}

static void a_locked_pcr_must_exist(void **state)
{
	AUTO(buf) struct buf bytes = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r = description, found;
	uint8_t *at;
	struct err e;

	(void)state;
	r.locked_pcrs = 1u << 31;
	assert_ok(nsm_response_encode(&r, &bytes, &e));
	at = memmem(bytes.data, bytes.len, "\x81\x18\x1f", 3);
	assert_non_null(at);
	at[2] = 32;
	assert_refused(nsm_response_decode(buf_view(&bytes), NSM_DESCRIBE_NSM, &found, &e),
	               ERR_DATA, "a PCR that there is not");
}

/* The far end of an NSM's socket: answers each request. */
struct far_end {
	int fd;
	unsigned answers;
};

static void answer(int fd, const struct nsm_request *q)
{
	AUTO(buf) struct buf bytes = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r = { .operation = q->operation };
	struct err e;

	if (q->operation == NSM_LOCK_PCR)
		r.error = NSM_ERROR_ReadOnlyIndex;
	r.data = q->operation == NSM_EXTEND_PCR ? q->data : view_text("d");
	if (nsm_response_encode(&r, &bytes, &e) == 0)
		(void)!send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
}

static void *serve(void *context)
{
	struct far_end *far = context;
	uint8_t bytes[NSM_REQUEST_MAX];
	struct nsm_request q;
	struct err e;
	ssize_t len;

	while ((len = recv(far->fd, bytes, sizeof(bytes), 0)) > 0) {
		if (nsm_request_decode(view_new(bytes, (size_t)len), &q, &e) == 0)
			answer(far->fd, &q);
		far->answers++;
	}
	return NULL;
}

static struct nsm *nsm_at(int fd)
{
	struct nsm *nsm = NULL;
	char spec[32];
	struct err e;

	snprintf(spec, sizeof(spec), "fd:%d", fd);
	assert_ok(nsm_open(spec, &nsm, &e));
	assert_int_equal(nsm_fd(nsm), fd);
	assert_false(nsm_is_device(nsm));
	return nsm;
}

#define ASKS    200
#define THREADS 4

struct asker {
	struct nsm *nsm;
	unsigned number, wrong;
};

static void *ask_often(void *context)
{
	struct asker *a = context;

	for (unsigned i = 0; i < ASKS; i++) {
		AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
		unsigned mine[2] = { a->number, i };
		struct nsm_request q = { .operation = NSM_EXTEND_PCR, .data = VIEW_OF(mine) };
		struct nsm_response r;
		struct err e;

		if (nsm_ask(a->nsm, &q, &memory, &r, &e) < 0 || !view_equal(r.data, q.data))
			a->wrong++;
	}
	return NULL;
}

static void threads_get_their_own_answers(void **state)
{
	struct asker askers[THREADS];
	pthread_t server, threads[THREADS];
	struct far_end far = { 0 };
	struct nsm *nsm;
	int sockets[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	far.fd = sockets[1];
	nsm = nsm_at(sockets[0]);
	assert_int_equal(pthread_create(&server, NULL, serve, &far), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ nsm, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].wrong, 0);
	}
	nsm_drop(&nsm);
	assert_null(nsm);
	pthread_join(server, NULL);
	assert_int_equal(far.answers, ASKS * THREADS);
	close(sockets[1]);
}

static void an_error_of_the_nsm_is_named(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	struct nsm_request q = { .operation = NSM_LOCK_PCR };
	struct far_end far = { 0 };
	struct nsm_response r;
	struct nsm *nsm;
	pthread_t server;
	int sockets[2];
	struct err e;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	far.fd = sockets[1];
	nsm = nsm_at(sockets[0]);
	assert_int_equal(pthread_create(&server, NULL, serve, &far), 0);
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_ENCLAVE, "LockPCR: ReadOnlyIndex");
	assert_refused(nsm_attest(nsm, &q, &document, &e), ERR_INTERNAL, "gives no document");
	q = (struct nsm_request){ .operation = NSM_ATTESTATION, .nonce = field("n") };
	assert_ok(nsm_attest(nsm, &q, &document, &e));
	assert_string_equal(buf_text(&document), "d");
	nsm_drop(&nsm);
	pthread_join(server, NULL);
	close(sockets[1]);
}

/* One exchange in which the far end says these bytes, or closes when len is 0. */
static void expect_fault(size_t len, const char *words)
{
	static const uint8_t bytes[NSM_RESPONSE_MAX + 1];
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	const struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct nsm_response r;
	struct nsm *nsm;
	int sockets[2];
	struct err e;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	nsm = nsm_at(sockets[0]);
	if (len)
		assert_int_equal(send(sockets[1], bytes, len, 0), len);
	else
		assert_int_equal(shutdown(sockets[1], SHUT_WR), 0);
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_ENCLAVE, words);
	close(sockets[1]);
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_ENCLAVE, "NSM: ");
	nsm_drop(&nsm);
}

static void faults_of_the_channel_are_the_enclaves(void **state)
{
	(void)state;
	expect_fault(0, "closed its end");
	expect_fault(NSM_RESPONSE_MAX + 1, "12289 bytes");
	expect_fault(1, "GetRandom: NSM message");
}

/* A far end that answers late: the answer is nobody's, and what comes after it is not mistaken. */
static void a_late_answer_is_taken_for_no_other(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_EXTEND_PCR, .data = view_text("late") };
	uint8_t bytes[NSM_REQUEST_MAX];
	struct far_end far = { 0 };
	struct nsm_response r;
	struct nsm *nsm;
	pthread_t server;
	int sockets[2];
	struct err e;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	far.fd = sockets[1];
	nsm = nsm_at(sockets[0]);
	nsm_set_deadline(nsm, 20);
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_ENCLAVE, "does not answer");
	/* Not asked at all while the first is open. */
	q.operation = NSM_GET_RANDOM;
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_UNAVAILABLE, "does not answer");
	q = (struct nsm_request){ .operation = NSM_EXTEND_PCR, .data = view_text("next") };
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_UNAVAILABLE, "does not answer");
	nsm_set_deadline(nsm, 20000);
	assert_int_equal(pthread_create(&server, NULL, serve, &far), 0);
	assert_ok(nsm_ask(nsm, &q, &memory, &r, &e));
	assert_view_equal(r.data, q.data);
	nsm_drop(&nsm);
	pthread_join(server, NULL);
	assert_int_equal(far.answers, 2);
	assert_int_equal(recv(sockets[1], bytes, sizeof(bytes), MSG_DONTWAIT), 0);
	close(sockets[1]);
}

static void *ask_into_silence(void *context)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	const struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct asker *a = context;
	struct nsm_response r;
	struct err e;

	if (nsm_ask(a->nsm, &q, &memory, &r, &e) == 0 || e.code != ERR_ENCLAVE)
		a->wrong++;
	return NULL;
}

/* One waits for the whole deadline; who comes meanwhile, a fifth of that. */
static void a_silent_hypervisor_holds_one_thread_and_not_all(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	const struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct asker first = { 0 };
	uint8_t bytes[NSM_REQUEST_MAX];
	struct nsm_response r;
	pthread_t thread;
	int sockets[2];
	struct err e;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	first.nsm = nsm_at(sockets[0]);
	nsm_set_deadline(first.nsm, 20000);
	assert_int_equal(pthread_create(&thread, NULL, ask_into_silence, &first), 0);
	assert_true(recv(sockets[1], bytes, sizeof(bytes), 0) > 0); /* it has the turn */
	nsm_set_deadline(first.nsm, 50);
	assert_refused(nsm_ask(first.nsm, &q, &memory, &r, &e), ERR_UNAVAILABLE,
	               "an earlier request has no answer yet");
	close(sockets[1]);
	pthread_join(thread, NULL);
	assert_int_equal(first.wrong, 0);
	nsm_drop(&first.nsm);
}

static void a_request_has_a_greatest_size(void **state)
{
	static const uint8_t bytes[NSM_REQUEST_MAX];
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_EXTEND_PCR, .data = VIEW_OF(bytes) };
	struct nsm_response r;
	struct nsm *nsm;
	int sockets[2];
	struct err e;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	nsm = nsm_at(sockets[0]);
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_ENCLAVE, "more than 4096 bytes");
	nsm_drop(&nsm);
	close(sockets[1]);
}

static void an_nsm_is_a_socket_or_a_device(void **state)
{
	struct nsm *nsm = NULL;
	char spec[32];
	int pipes[2], stream[2];
	struct err e;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	assert_refused(nsm_open("/dev/nsm", &nsm, &e), ERR_USAGE, "fd:N or device:PATH");
	assert_refused(nsm_open("fd:", &nsm, &e), ERR_USAGE, "descriptor");
	assert_refused(nsm_open("fd:-1", &nsm, &e), ERR_USAGE, "descriptor");
	assert_refused(nsm_open("fd:2147483648", &nsm, &e), ERR_USAGE, "descriptor");
	snprintf(spec, sizeof(spec), "fd:%d", pipes[0]);
	assert_refused(nsm_open(spec, &nsm, &e), ERR_ENCLAVE, "NSM socket");
	snprintf(spec, sizeof(spec), "fd:%d", stream[0]);
	assert_refused(nsm_open(spec, &nsm, &e), ERR_ENCLAVE, "packets apart");
	assert_refused(nsm_open("device:/nonexistent", &nsm, &e), ERR_ENCLAVE, "/nonexistent");
	assert_refused(nsm_open("device:/tmp", &nsm, &e), ERR_ENCLAVE, "/tmp");
	assert_null(nsm);
	for (unsigned i = 0; i < 2; i++) {
		close(pipes[i]);
		close(stream[i]);
	}
}

/* What linux/nsm.h's device has been asked last, and what it answers; it stands in for /dev/null.
 */
static struct {
	bool is_there;
	unsigned long number;
	uint8_t raw[32]; /* struct nsm_raw, as it came */
	struct buf request;
	const char *answer_hex;
	size_t answer_len; /* what it says it has written; 0: as long as it is */
	int failures[3];   /* errno of the calls to come; 0: it works */
	size_t calls;
} device;

/* In place of the C library's, for the whole program. */
int ioctl(int fd, unsigned long number, ...)
{
	struct iovec parts[2];
	va_list args;
	void *raw;
	struct err e;

	va_start(args, number);
	raw = va_arg(args, void *);
	va_end(args);
	if (!device.is_there)
		return (int)syscall(SYS_ioctl, fd, number, raw);
	device.number = number;
	memcpy(device.raw, raw, sizeof(device.raw));
	memcpy(parts, raw, sizeof(parts));
	buf_drop(&device.request);
	device.request = (struct buf)BUF_INIT(NSM_REQUEST_MAX);
	assert_ok(buf_add(&device.request, view_new(parts[0].iov_base, parts[0].iov_len), &e));
	errno = device.failures[device.calls++];
	if (errno)
		return -1;
	{
		AUTO(buf) struct buf answer = bytes_of_hex(device.answer_hex);

		assert_true(answer.len <= parts[1].iov_len);
		memcpy(parts[1].iov_base, answer.data, answer.len);
		parts[1].iov_len = device.answer_len ? device.answer_len : answer.len;
	}
	memcpy(raw, parts, sizeof(parts));
	return 0;
}

/* {"GetRandom": {"random": h'0102'}} */
#define RANDOM_ANSWER "a16947657452616e646f6da16672616e646f6d420102"

static int ask_device(struct buf *memory, struct nsm_response *r, struct err *e)
{
	const struct nsm_request q = { .operation = NSM_GET_RANDOM };
	AUTO(nsm) struct nsm *nsm = NULL;

	TRY(nsm_open("device:/dev/null", &nsm, e));
	device.is_there = true;
	device.calls = 0;
	if (nsm_ask(nsm, &q, memory, r, e) == 0) {
		device.is_there = false;
		return 0;
	}
	device.is_there = false;
	return -1;
}

static uint64_t word(unsigned i)
{
	uint64_t value;

	memcpy(&value, device.raw + 8 * i, sizeof(value));
	return value;
}

/* linux/nsm.h: NSM_IOCTL_RAW is _IOWR(0x0A, 0x0, struct nsm_raw): direction 3, 32 bytes, type 0x0a;
 * the struct is the request's address and length, then the response's. */
static void a_device_gets_the_request_of_linux_nsm_h(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r;
	struct err e;

	(void)state;
	device.answer_hex = RANDOM_ANSWER;
	assert_ok(ask_device(&memory, &r, &e));
	assert_true(device.number == 0xc0200a00);
	assert_int_equal(device.calls, 1);
	assert_view_equal(buf_view(&device.request), view_text("\x69GetRandom"));
	assert_int_equal(word(1), 10);
	assert_true(word(2) == (uintptr_t)memory.data);
	assert_int_equal(word(3), 0x3000);
	assert_view_equal(r.data, view_text("\x01\x02"));
	assert_int_equal(memory.len, strlen(RANDOM_ANSWER) / 2);
	buf_drop(&device.request);
}

static void refuse_device(const char *words)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r;
	struct err e;

	assert_refused(ask_device(&memory, &r, &e), ERR_ENCLAVE, words);
	device.answer_len = 0;
	memset(device.failures, 0, sizeof(device.failures));
	buf_drop(&device.request);
}

static void faults_of_a_device_are_the_enclaves(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r;
	struct err e;

	(void)state;
	device.answer_hex = RANDOM_ANSWER;
	/* All there is room for is read, and refused for what it is; one byte more is not believed.
	 */
	device.answer_len = NSM_RESPONSE_MAX;
	refuse_device("NSM: GetRandom: ");
	device.answer_len = NSM_RESPONSE_MAX + 1;
	refuse_device("NSM: an answer longer than there is room");
	device.answer_len = SIZE_MAX;
	refuse_device("NSM: an answer longer than there is room");
	device.failures[0] = EMSGSIZE;
	refuse_device("NSM: InputTooLarge");
	device.failures[0] = EIO;
	refuse_device("Input/output error");
	device.answer_hex =
	    "a1654572726f726d496e7465726e616c4572726f72"; /* {"Error": "InternalError"} */
	refuse_device("NSM: GetRandom: InternalError");
	/* A signal is no fault. */
	device.answer_hex = RANDOM_ANSWER;
	device.failures[0] = device.failures[1] = EINTR;
	assert_ok(ask_device(&memory, &r, &e));
	assert_int_equal(device.calls, 3);
	buf_drop(&device.request);
	memset(device.failures, 0, sizeof(device.failures));
}

/* Any device that does not know the request. */
static void a_device_is_asked_by_ioctl(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	const struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct nsm_response r;
	struct nsm *nsm = NULL;
	struct err e;

	(void)state;
	assert_ok(nsm_open("device:/dev/null", &nsm, &e));
	assert_true(nsm_is_device(nsm));
	assert_refused(nsm_ask(nsm, &q, &memory, &r, &e), ERR_ENCLAVE, "Inappropriate ioctl");
	nsm_drop(&nsm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_have_the_bytes_of_the_device),
		cmocka_unit_test(requests_are_read_in_any_order_of_keys),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(answers_come_back_as_they_were),
		cmocka_unit_test(each_answer_has_its_bytes),
		cmocka_unit_test(every_error_has_its_name),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(a_locked_pcr_must_exist),
		cmocka_unit_test(threads_get_their_own_answers),
		cmocka_unit_test(an_error_of_the_nsm_is_named),
		cmocka_unit_test(faults_of_the_channel_are_the_enclaves),
		cmocka_unit_test(a_late_answer_is_taken_for_no_other),
		cmocka_unit_test(a_silent_hypervisor_holds_one_thread_and_not_all),
		cmocka_unit_test(a_request_has_a_greatest_size),
		cmocka_unit_test(an_nsm_is_a_socket_or_a_device),
		cmocka_unit_test(a_device_gets_the_request_of_linux_nsm_h),
		cmocka_unit_test(faults_of_a_device_are_the_enclaves),
		cmocka_unit_test(a_device_is_asked_by_ioctl),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

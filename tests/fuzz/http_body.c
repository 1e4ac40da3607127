/* Arbitrary bodies to a debug enclave's operations, several in a row so that phases are reached:
 * always an answer, and one that refuses changes neither phase nor what the enclave holds. Linked
 * is all of the enclave but http.c and main.c. */
/* link: enclave-stub/enclave/[a-gln-z]*.c enclave-stub/enclave/metrics.c */
/* link: enclave-stub/hv/machine.c enclave-stub/hv/pki.c */
#include "base/clock.h"
#include "base/log.h"
#include "enclave/route.h"
#include "hv/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__lsan_default_suppressions(void);

/* libcrypto keeps each thread's generator in the arena of secrets, where the leak detector does not
 * look for what points to its parts. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libcrypto.so\n";
}

static struct enclave *enclave;
static struct machine machine;
static struct signer *root, *platform, *leaf;
static int ends[2];
static pthread_t thread;

static void *answer_all(void *unused)
{
	uint8_t bytes[NSM_REQUEST_MAX];
	ssize_t len;

	while ((len = recv(ends[0], bytes, sizeof(bytes), 0)) > 0) {
		AUTO(buf) struct buf answer = BUF_INIT(NSM_RESPONSE_MAX);
		struct view question = view_new(bytes, (size_t)len);
		struct err e;

		if (machine_answer(&machine, question, clock_unix_ms(), &answer, &e) < 0 ||
		    send(ends[0], answer.data, answer.len, MSG_NOSIGNAL) < 0)
			abort();
	}
	return unused;
}

static int launch_enclave(struct err *e)
{
	struct measurement measured = { .is_debug = true };
	struct nsm *nsm = NULL;
	struct launch launch;
	char spec[16];

	pcr_zero(&measured.role);
	pcr_zero(&measured.instance);
	machine_init(&machine, &measured, "i-fuzz-enc1", &entropy_system);
	machine.identity = (struct identity){ .leaf = leaf,
		                              .root = BUF_INIT(PKI_CERTIFICATE_MAX),
		                              .platform = BUF_INIT(PKI_CERTIFICATE_MAX) };
	TRY(buf_set(&machine.identity.root, signer_certificate(root), e));
	TRY(buf_set(&machine.identity.platform, signer_certificate(platform), e));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
	    pthread_create(&thread, NULL, answer_all, NULL) != 0)
		return err_set(e, ERR_INTERNAL, "no simulated NSM");
	snprintf(spec, sizeof(spec), "fd:%d", ends[1]);
	TRY(launch_parse(NULL, 0, &launch, e));
	TRY(nsm_open(spec, &nsm, e));
	return enclave_start(nsm, &launch, &enclave, e);
}

static void end_enclave(void)
{
	shutdown(ends[0], SHUT_RDWR);
	pthread_join(thread, NULL);
	close(ends[0]);
	enclave_drop(&enclave);
	buf_drop(&machine.identity.root);
	buf_drop(&machine.identity.platform);
}

static int make_signers(struct err *e)
{
	int64_t now = clock_unix_ms() / 1000;
	struct certificate_request q = { .common_name = "fuzz root",
		                         .not_before_unix = now - 60,
		                         .not_after_unix = now + 86400,
		                         .is_ca = true,
		                         .path_length = -1 };

	TRY(signer_issue(NULL, &q, &root, e));
	q.common_name = "fuzz platform";
	q.path_length = 0;
	TRY(signer_issue(root, &q, &platform, e));
	q = (struct certificate_request){ .common_name = "fuzz leaf",
		                          .not_before_unix = now - 60,
		                          .not_after_unix = now + 86400,
		                          .is_ca = false,
		                          .path_length = -1 };
	return signer_issue(platform, &q, &leaf, e);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bool is_locked;
	struct err e;

	(void)argc;
	(void)argv;
	log_set_fd(-1); /* lines are written, to nowhere */
	if (secret_arena_open(&is_locked, &e) < 0 || make_signers(&e) < 0 ||
	    launch_enclave(&e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return 0;
}

/* What a refusal must not change. */
struct holdings {
	enum phase phase;
	bool has_manifest, has_quorum_key, has_setup_key;
	unsigned accepted;
};

static struct holdings holdings(void)
{
	const struct enclave_state *s = &enclave->state;
	struct holdings h = { s->phase, s->has_manifest, s->quorum_key != NULL,
		              s->setup_key != NULL, 0 };

	for (size_t i = 0; i < s->slot_count; i++)
		h.accepted += s->slots[i].is_accepted;
	return h;
}

static void ask(enum api api, struct view body)
{
	AUTO(answer) struct answer a = { 0 };
	struct passage passage = { .api = api };
	struct rate_address nobody = { { 0 } };
	struct holdings before = holdings(), after;

	memset(enclave->rate.buckets, 0, sizeof(enclave->rate.buckets));
	route_answer(enclave, &passage, &nobody, "fuzz", body, &a);
	after = holdings();
	if (a.body.len == 0 || a.status == 500)
		abort();
	if (a.status != 200 &&
	    (before.phase != after.phase || before.has_manifest != after.has_manifest ||
	     before.has_quorum_key != after.has_quorum_key ||
	     before.has_setup_key != after.has_setup_key || before.accepted != after.accepted))
		abort();
}

/* Requests in a row: operation, le16 length, as many bytes of body as there are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(view_new(data, size));
	struct err e;

	while (r.rest.len > 3) {
		enum api api = reader_u8(&r) % API_COUNT;
		size_t len = reader_le16(&r);

		ask(api, reader_bytes(&r, len < r.rest.len ? len : r.rest.len));
	}
	if (enclave->state.phase == PHASE_WAITING_FOR_BOOT)
		return 0;
	end_enclave();
	if (launch_enclave(&e) < 0)
		abort();
	return 0;
}

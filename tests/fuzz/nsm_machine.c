/* Arbitrary requests to the simulated security module: always an answer, never a change of a locked
 * PCR, never an unlocked one that was locked. */
/* link: enclave-stub/hv/machine.c */
/* link: enclave-stub/hv/pki.c */
#include "hv/machine.h"

#include <stdlib.h>

#define NOW_UNIX INT64_C(1767225600)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct machine fresh;

/* Signing is not what is fuzzed: a leaf of its own, no folder. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct measurement measured = { 0 };
	struct identity identity = { .root = BUF_INIT(PKI_CERTIFICATE_MAX),
		                     .platform = BUF_INIT(PKI_CERTIFICATE_MAX) };
	struct certificate_request request = { .common_name = "leaf",
		                               .not_before_unix = NOW_UNIX,
		                               .not_after_unix = NOW_UNIX + PKI_LEAF_S,
		                               .is_ca = false,
		                               .path_length = -1 };
	bool is_locked;
	struct err e;

	(void)argc, (void)argv;
	if (secret_arena_open(&is_locked, &e) < 0 ||
	    signer_issue(NULL, &request, &identity.leaf, &e) < 0 ||
	    buf_set(&identity.root, signer_certificate(identity.leaf), &e) < 0 ||
	    buf_set(&identity.platform, signer_certificate(identity.leaf), &e) < 0)
		abort();
	pcr_zero(&measured.role);
	pcr_zero(&measured.instance);
	measured.is_debug = true;
	machine_init(&fresh, &measured, "i-teectlsim0-enc0", &entropy_system);
	machine_take_identity(&fresh, &identity);
	return 0;
}

/* A packet: le16 length, then as many bytes as there are. Several, so that states are reached. */
static struct view next_packet(struct reader *r)
{
	size_t len = reader_le16(r);

	return reader_bytes(r, len < r->rest.len ? len : r->rest.len);
}

static void check(const struct machine *before, const struct machine *after)
{
	if ((before->locked & ~after->locked) != 0)
		abort();
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((before->locked >> i & 1) &&
		    !pcr_equal(&before->pcrs.values[i], &after->pcrs.values[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m = fresh;
	struct reader r = reader_new(view_new(data, size));
	struct err e;

	while (r.rest.len >= 2) {
		AUTO(buf) struct buf answer = BUF_INIT(NSM_RESPONSE_MAX);
		struct machine before = m;

		if (machine_answer(&m, next_packet(&r), NOW_UNIX * 1000, &answer, &e) < 0 ||
		    answer.len == 0)
			abort();
		check(&before, &m);
	}
	return 0;
}

#include "enclave/commitment.h"

#define LOCKED_ALL UINT32_MAX /* a bit for each of PCR0..31 */

static int check_nsm(struct nsm *nsm, bool is_locked, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_DESCRIBE_NSM };
	struct nsm_response r;

	TRY(nsm_ask(nsm, &q, &memory, &r, e));
	if (!view_equal(r.digest, view_text("SHA384")))
		return err_set(e, ERR_ENCLAVE, "the NSM's digest is not SHA384");
	if (r.max_pcrs < PCR_COUNT)
		return err_set(e, ERR_ENCLAVE, "the NSM has %u PCRs, %d needed", r.max_pcrs,
		               PCR_COUNT);
	if (is_locked && r.locked_pcrs != LOCKED_ALL)
		return err_set(e, ERR_ENCLAVE, "the NSM left PCRs unlocked");
	return 0;
}

static int check_pcr(struct nsm *nsm, const struct pcr *expected, bool is_locked, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_DESCRIBE_PCR, .index = PCR_COMMITMENT };
	struct nsm_response r;

	TRY(nsm_ask(nsm, &q, &memory, &r, e));
	if (!view_equal(r.data, pcr_view(expected)))
		return err_set(e, ERR_ENCLAVE, "PCR16 is not what it should be");
	if (r.is_locked != is_locked)
		return err_set(e, ERR_ENCLAVE, "PCR16 is %slocked", r.is_locked ? "" : "not ");
	return 0;
}

static int extend(struct nsm *nsm, const struct hash384 *commitment, const struct pcr *expected,
                  struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_EXTEND_PCR,
		                 .index = PCR_COMMITMENT,
		                 .data = VIEW_OF(commitment->bytes) };
	struct nsm_response r;

	TRY(nsm_ask(nsm, &q, &memory, &r, e));
	if (!view_equal(r.data, pcr_view(expected)))
		return err_set(e, ERR_ENCLAVE, "ExtendPCR gave another value than expected");
	return 0;
}

static int lock_all(struct nsm *nsm, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_LOCK_PCRS, .index = PCR_COUNT };
	struct nsm_response r;

	return nsm_ask(nsm, &q, &memory, &r, e);
}

int commitment_make(struct nsm *nsm, const struct public_key *setup_key,
                    const struct hash256 *manifest_hash, bool *ret_is_begun, struct err *e)
{
	struct hash384 commitment;
	struct pcr zero, expected;

	*ret_is_begun = false;
	pcr_zero(&zero);
	TRY(pcr_commitment(setup_key, manifest_hash, &commitment, e));
	TRY(pcr_committed(setup_key, manifest_hash, &expected, e));
	TRY(check_nsm(nsm, false, e));
	TRY(check_pcr(nsm, &zero, false, e));
	/* Whether a failed ExtendPCR moved the register is not known: it counts as begun. */
	*ret_is_begun = true;
	TRY(extend(nsm, &commitment, &expected, e));
	TRY(lock_all(nsm, e));
	TRY(check_nsm(nsm, true, e));
	return check_pcr(nsm, &expected, true, e);
}

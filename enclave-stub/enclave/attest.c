/* Attestation documents on request. What they say beyond a client's nonce is this enclave's own
 * (contract.md, "Commitment"): never a claim that came with the request. */
#include "enclave/call.h"

#include <string.h>

/* Before a manifest neither user_data nor public_key; then both; once provisioned user_data alone.
 */
static int attest(struct enclave *en, struct view nonce, const char *request_id,
                  struct attestation_reply *reply, struct err *e)
{
	const struct enclave_state *state = &en->state;
	struct view user_data = { 0 }, public_key = { 0 };

	if (state->has_manifest)
		user_data = VIEW_OF(state->manifest_hash.bytes);
	if (state->setup_key)
		public_key = public_key_view(&state->setup_public);
	TRY(wire_set_text(&reply->id, request_id, e));
	reply->attestation_doc.max = DOCUMENT_MAX;
	return enclave_attest(en, user_data, public_key, nonce, &reply->attestation_doc, e);
}

int serve_live_attestation(struct call *c, struct err *e)
{
	const struct live_attestation_request *q = c->request;

	return attest(c->enclave, buf_view(&q->nonce), c->request_id, c->reply, e);
}

int check_generate_attestation(const void *request, struct err *e)
{
	const struct generate_attestation_request *q = request;
	const struct pcr_item *pcrs = q->pcr_values.items;

	for (size_t i = 0; i < q->pcr_values.count; i++)
		if (pcrs[i].value.len != 0 && pcrs[i].value.len != PCR_LEN)
			return err_set(e, ERR_REQUEST,
			               "pcr_values[%zu]: 0 or %d bytes expected, %zu found", i,
			               PCR_LEN, pcrs[i].value.len);
	return 0;
}

static int judge_claims(const struct enclave *en, const struct generate_attestation_request *q,
                        struct err *e)
{
	const struct pcr_item *pcrs = q->pcr_values.items;
	struct view hash = VIEW_OF(q->manifest_hash);

	if (!view_is_zero(hash) && !view_equal(hash, VIEW_OF(en->state.manifest_hash.bytes)))
		return err_reason(e, ERR_ATTESTATION, "manifest_hash",
		                  "manifest hash is not that of the manifest held here");
	for (unsigned i = 0; i < q->pcr_values.count; i++) {
		struct view claimed = buf_view(&pcrs[i].value);
		char reason[ERR_REASON_MAX];

		if (!claimed.len || view_equal(claimed, pcr_view(&en->pcrs.values[i])))
			continue;
		pcr_reason(i, reason);
		return err_reason(e, ERR_ATTESTATION, reason,
		                  "PCR%u (%s) is not what is measured here", i, pcr_name(i));
	}
	return 0;
}

int serve_generate_attestation(struct call *c, struct err *e)
{
	const struct generate_attestation_request *q = c->request;

	TRY(judge_claims(c->enclave, q, e));
	return attest(c->enclave, buf_view(&q->nonce), c->request_id, c->reply, e);
}

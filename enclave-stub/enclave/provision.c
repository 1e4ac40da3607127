#include "enclave/provision.h"

int provision_receipt_at(struct enclave *en, const struct key_set *key, enum receipt_kind kind,
                         const struct hash256 *subject, int64_t now_ms, struct receipt_item *ret,
                         struct err *e)
{
	struct receipt receipt = { .kind = kind, .nsm_ms = (uint64_t)now_ms };

	TRY(sha256(public_key_view(&en->state.setup_public), &receipt.setup_key, e));
	if (subject)
		receipt.subject = *subject;
	return receipts_add(&en->receipts, key, &en->state.manifest_hash, &receipt, ret, e);
}

int provision_receipt(struct enclave *en, const struct key_set *key, enum receipt_kind kind,
                      const struct hash256 *subject, struct receipt_item *ret, struct err *e)
{
	int64_t now_ms;

	TRY(own_time_now(&en->time, en->nsm, &now_ms, e));
	return provision_receipt_at(en, key, kind, subject, now_ms, ret, e);
}

void provision_take_key(struct call *c, struct key_set **key, const struct receipt_item *receipt,
                        enum phase_event event)
{
	struct enclave_state *state = &c->enclave->state;

	state->quorum_key = MOVE(*key);
	enclave_forget_setup(state);
	state->has_receipt = true;
	state->receipt = *receipt;
	enclave_advance(c->enclave, event, &c->trail);
	enclave_advance(c->enclave, EVENT_FINISHED, &c->trail);
}

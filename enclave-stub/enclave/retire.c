/* retire: the quorum key is wiped, for good. The receipt is signed by the key that goes. */
#include "base/text.h"
#include "enclave/provision.h"

#define SHOWN_LEN 4 /* bytes of a hash: enough to tell two manifests apart */

static int judge_manifest(const struct call *c, struct err *e)
{
	const struct retire_request *q = c->request;
	const struct hash256 *own = &c->enclave->state.manifest_hash;
	char asked[2 * SHOWN_LEN + 1], held[2 * SHOWN_LEN + 1];

	if (view_equal(VIEW_OF(q->manifest_hash), VIEW_OF(own->bytes)))
		return 0;
	hex_write(view_new(q->manifest_hash, SHOWN_LEN), asked);
	hex_write(view_new(own->bytes, SHOWN_LEN), held);
	return err_set(e, ERR_PHASE,
	               "retire names manifest %s…, and in phase %s manifest %s… is held here",
	               asked, phase_name(c->enclave->state.phase), held);
}

/* No export comes between the receipt and the end: both happen under the lock. */
static int end(struct call *c, int64_t now_ms, struct err *e)
{
	struct enclave_state *state = &c->enclave->state;

	if (state->quorum_key) {
		TRY(provision_receipt_at(c->enclave, state->quorum_key, RECEIPT_RETIRE,
		                         /* subject= */ NULL, now_ms, &state->retire_receipt, e));
		state->has_retire_receipt = true;
	}
	state->is_retired = true;
	enclave_wipe(c->enclave, &c->trail);
	return 0;
}

static int fill_reply(const struct call *c, struct err *e)
{
	const struct enclave_state *state = &c->enclave->state;
	struct success_reply *reply = c->reply;

	reply->success = true;
	reply->has_receipt = state->has_retire_receipt;
	reply->receipt = state->retire_receipt;
	return wire_set_text(&reply->id, c->request_id, e);
}

int serve_retire(struct call *c, struct err *e)
{
	struct enclave *en = c->enclave;
	int64_t now_ms = 0;
	int result;

	TRY(judge_manifest(c, e));
	if (en->state.quorum_key)
		TRY(own_time_now(&en->time, en->nsm, &now_ms, e));
	enclave_write_begin(en);
	result = end(c, now_ms, e);
	enclave_write_end(en);
	TRY(result);
	return fill_reply(c, e);
}

int replay_retire(struct call *c, bool *ret_is_replay, struct err *e)
{
	struct err other;

	if (!c->enclave->state.is_retired || judge_manifest(c, &other) < 0)
		return 0;
	*ret_is_replay = true;
	return fill_reply(c, e);
}

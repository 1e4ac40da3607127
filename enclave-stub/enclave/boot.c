/* share-manifest, and the rules that genesis shares. */
#include "enclave/boot.h"

#include "enclave/commitment.h"

static int check_pin(const struct member_set *set, const struct hash256 *pin, const char *what,
                     struct err *e)
{
	struct hash256 found;

	TRY(member_set_pin(set, &found, e));
	if (!view_equal(VIEW_OF(found.bytes), VIEW_OF(pin->bytes)))
		return err_reason(e, ERR_APPROVAL, "pin",
		                  "the %s is not the one pinned when this enclave was launched",
		                  what);
	return 0;
}

int boot_check_pins(const struct enclave *en, const struct member_set *manifest_set,
                    const struct member_set *share_set, struct err *e)
{
	if (en->has_manifest_pin)
		TRY(check_pin(manifest_set, &en->manifest_pin, "manifest set", e));
	if (en->has_share_pin)
		TRY(check_pin(share_set, &en->share_pin, "share set", e));
	return 0;
}

int boot_check_anchor(const struct enclave *en, const struct manifest *m, struct err *e)
{
	if (!view_equal(buf_view(&m->enclave.aws_root_certificate), buf_view(&en->anchor)))
		return err_reason(e, ERR_APPROVAL, "anchor",
		                  "manifest.enclave.aws_root_certificate is not the root that "
		                  "this enclave's NSM signs under");
	return 0;
}

static int check_measured(const struct enclave *en, const struct manifest *m, struct err *e)
{
	struct pcr_set claimed = { 0 };

	TRY(manifest_pcrs(m, &claimed, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		char reason[ERR_REASON_MAX];

		if (pcr_equal(&claimed.values[i], &en->pcrs.values[i]))
			continue;
		pcr_reason(i, reason);
		return err_reason(e, ERR_ATTESTATION, reason,
		                  "manifest.enclave.pcr%u (%s) is not what is measured here", i,
		                  pcr_name(i));
	}
	return 0;
}

static int judge(const struct enclave *en, const struct manifest_envelope *envelope, struct err *e)
{
	const struct manifest *m = &envelope->manifest;

	TRY(manifest_check(envelope, en->is_debug, e));
	TRY(check_measured(en, m, e));
	TRY(boot_check_anchor(en, m, e));
	TRY(boot_check_pins(en, &m->manifest_set, &m->share_set, e));
	return manifest_check_approvals(envelope, &m->manifest_set, /* needed= */ 0, e);
}

int boot_commit_nsm(struct call *c, const struct key_set *setup_key,
                    const struct hash256 *manifest_hash, struct err *e)
{
	bool is_begun;

	if (commitment_make(c->enclave->nsm, key_set_public(setup_key), manifest_hash, &is_begun,
	                    e) == 0) {
		call_step(c, "PCR16 extended, all PCRs locked");
		return 0;
	}
	if (is_begun) {
		enclave_fail(c->enclave, &c->trail);
		e->code = ERR_ENCLAVE; /* whatever it was, another try will not help */
	}
	return -1;
}

void boot_take_manifest(struct enclave_state *state, struct manifest_envelope *envelope,
                        const struct hash256 *hash, const struct public_key *quorum_key,
                        struct key_set **setup_key)
{
	state->has_manifest = true;
	state->manifest.manifest_envelope = MOVE(*envelope);
	state->manifest_hash = *hash;
	state->quorum_public = *quorum_key;
	state->setup_public = *key_set_public(*setup_key);
	state->setup_key = MOVE(*setup_key);
}

int serve_share_manifest(struct call *c, struct err *e)
{
	const struct manifest_message *q = c->request;
	struct enclave *en = c->enclave;
	struct success_reply *reply = c->reply;
	AUTO(manifest_envelope) struct manifest_envelope own = { 0 };
	AUTO(key_set) struct key_set *setup = NULL;
	struct public_key quorum_key;
	struct hash256 hash;

	TRY(judge(en, &q->manifest_envelope, e));
	call_step(c, "manifest judged");
	TRY(manifest_copy(&q->manifest_envelope, &own, e));
	TRY(manifest_hash(&own.manifest, &hash, e));
	TRY(manifest_quorum_key(&own.manifest, &quorum_key, e));
	TRY(wire_set_text(&reply->id, c->request_id, e));
	reply->success = true;
	TRY(key_set_generate(&en->entropy, "setup-key", &setup, e));
	TRY(boot_commit_nsm(c, setup, &hash, e));
	enclave_write_begin(en);
	boot_take_manifest(&en->state, &own, &hash, &quorum_key, &setup);
	en->state.has_shared_manifest = true;
	enclave_advance(en, EVENT_MANIFEST, &c->trail);
	enclave_write_end(en);
	return 0;
}

int replay_share_manifest(struct call *c, bool *ret_is_replay, struct err *e)
{
	const struct manifest_message *q = c->request;
	const struct enclave_state *state = &c->enclave->state;
	struct success_reply *reply = c->reply;
	struct hash256 hash;
	struct err unfit;

	if (!state->has_shared_manifest)
		return 0;
	/* What can't be hashed is no replay; the phase is judged next, then the content. */
	if (manifest_hash(&q->manifest_envelope.manifest, &hash, &unfit) < 0)
		return 0;
	if (!view_equal(VIEW_OF(hash.bytes), VIEW_OF(state->manifest_hash.bytes)))
		return 0;
	TRY(wire_set_text(&reply->id, c->request_id, e));
	reply->success = true;
	*ret_is_replay = true;
	return 0;
}

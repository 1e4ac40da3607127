/* share-manifest and boot-standard, and the rules that genesis shares. */
#include "enclave/boot.h"

#include "enclave/commitment.h"

#include <stdlib.h>

static void slots_drop(struct share_slot **slots)
{
	free(*slots);
}

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

/* needed: valid approvals; however few, none may be bad. */
static int judge(const struct enclave *en, const struct manifest_envelope *envelope, int64_t needed,
                 struct err *e)
{
	const struct manifest *m = &envelope->manifest;

	TRY(manifest_check(envelope, en->is_debug, e));
	TRY(check_measured(en, m, e));
	TRY(boot_check_anchor(en, m, e));
	TRY(boot_check_pins(en, &m->manifest_set, &m->share_set, e));
	return manifest_check_approvals(envelope, &m->manifest_set, needed, e);
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

/* What an enclave takes on with a manifest, made before anything is committed to. */
struct assignment {
	struct manifest_envelope envelope;
	struct hash256 hash;
	struct public_key quorum_key;
	struct key_set *setup;
};

static void assignment_drop(struct assignment *a)
{
	manifest_envelope_drop(&a->envelope);
	key_set_drop(&a->setup);
}

/* From a manifest that has been judged to an NSM that is committed to it. */
static int assign(struct call *c, const struct manifest_envelope *envelope, struct assignment *ret,
                  struct err *e)
{
	call_step(c, "manifest judged");
	TRY(manifest_copy(envelope, &ret->envelope, e));
	TRY(manifest_hash(&ret->envelope.manifest, &ret->hash, e));
	TRY(manifest_quorum_key(&ret->envelope.manifest, &ret->quorum_key, e));
	TRY(key_set_generate(&c->enclave->entropy, "setup-key", &ret->setup, e));
	return boot_commit_nsm(c, ret->setup, &ret->hash, e);
}

static void take(struct enclave_state *state, struct assignment *a)
{
	boot_take_manifest(state, &a->envelope, &a->hash, &a->quorum_key, &a->setup);
}

/* Is it the manifest that this enclave holds? What can't be hashed is not: the phase is judged
 * next, then the content. */
static bool is_held(const struct enclave_state *state, const struct manifest_envelope *envelope)
{
	struct hash256 hash;
	struct err unfit;

	return manifest_hash(&envelope->manifest, &hash, &unfit) == 0 &&
	       view_equal(VIEW_OF(hash.bytes), VIEW_OF(state->manifest_hash.bytes));
}

int serve_share_manifest(struct call *c, struct err *e)
{
	const struct manifest_message *q = c->request;
	struct enclave *en = c->enclave;
	struct success_reply *reply = c->reply;
	AUTO(assignment) struct assignment a = { 0 };

	TRY(judge(en, &q->manifest_envelope, /* needed= */ 0, e));
	TRY(wire_set_text(&reply->id, c->request_id, e));
	reply->success = true;
	TRY(assign(c, &q->manifest_envelope, &a, e));
	enclave_write_begin(en);
	take(&en->state, &a);
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

	if (!state->has_shared_manifest || !is_held(state, &q->manifest_envelope))
		return 0;
	TRY(wire_set_text(&reply->id, c->request_id, e));
	reply->success = true;
	*ret_is_replay = true;
	return 0;
}

static int fill_boot_reply(struct call *c, struct view document, struct err *e)
{
	struct attestation_reply *reply = c->reply;

	TRY(wire_set_text(&reply->id, c->request_id, e));
	return wire_set(&reply->attestation_doc, document, e);
}

/* The document of what was just committed to. The NSM is past the point of no return: a fault is
 * the end. */
static int vouch(struct call *c, const struct assignment *a, struct buf *ret, struct err *e)
{
	const struct public_key *setup = key_set_public(a->setup);
	struct view none = { 0 };

	ret->max = DOCUMENT_MAX;
	if (enclave_attest(c->enclave, VIEW_OF(a->hash.bytes), public_key_view(setup), none, ret,
	                   e) == 0 &&
	    fill_boot_reply(c, buf_view(ret), e) == 0)
		return 0;
	enclave_fail(c->enclave, &c->trail);
	e->code = ERR_ENCLAVE;
	return -1;
}

int serve_boot_standard(struct call *c, struct err *e)
{
	const struct manifest_message *q = c->request;
	const struct manifest *m = &q->manifest_envelope.manifest;
	struct enclave *en = c->enclave;
	AUTO(assignment) struct assignment a = { 0 };
	AUTO(slots) struct share_slot *slots = NULL;
	AUTO(buf) struct buf document = { 0 };

	TRY(judge(en, &q->manifest_envelope, m->manifest_set.threshold, e));
	slots = calloc(m->share_set.members.count, sizeof(*slots));
	if (!slots)
		return err_set(e, ERR_INTERNAL, "no memory for shares");
	TRY(assign(c, &q->manifest_envelope, &a, e));
	TRY(vouch(c, &a, &document, e));
	enclave_write_begin(en);
	take(&en->state, &a);
	en->state.slots = MOVE(slots);
	en->state.slot_count = m->share_set.members.count;
	en->state.boot_document = MOVE(document);
	enclave_advance(en, EVENT_BOOT_STANDARD, &c->trail);
	enclave_write_end(en);
	return 0;
}

int replay_boot_standard(struct call *c, bool *ret_is_replay, struct err *e)
{
	const struct manifest_message *q = c->request;
	const struct enclave_state *state = &c->enclave->state;

	if (!state->boot_document.len || !is_held(state, &q->manifest_envelope))
		return 0;
	*ret_is_replay = true;
	return fill_boot_reply(c, buf_view(&state->boot_document), e);
}

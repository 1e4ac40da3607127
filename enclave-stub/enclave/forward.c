/* The key's way from one enclave to the next: export-key at the source, inject-key at the target,
 * and prove-key, which shows that it is there. */
#include "base/log.h"
#include "enclave/boot.h"
#include "enclave/provision.h"
#include "proto/manifest_diff.h"

#include <string.h>

/* A peer's document: at most this much older, and newer, than now (contract.md, "Now"). */
#define PEER_MAX_AGE_MS   (300 * 1000)
#define PEER_MAX_AHEAD_MS (30 * 1000)

/* The own manifest, or one that lawfully succeeds it. */
static int judge_manifest(const struct enclave *en, const struct manifest_envelope *theirs,
                          struct hash256 *ret_hash, struct err *e)
{
	const struct manifest *own = &en->state.manifest.manifest_envelope.manifest;

	TRY(manifest_check(theirs, en->is_debug, e));
	TRY(manifest_hash(&theirs->manifest, ret_hash, e));
	if (view_equal(VIEW_OF(ret_hash->bytes), VIEW_OF(en->state.manifest_hash.bytes)))
		return 0;
	TRY(boot_check_anchor(en, &theirs->manifest, e));
	return manifest_check_successor(own, theirs, e);
}

static int judge_document(struct enclave *en, const struct export_key_request *q,
                          const struct hash256 *hash, struct attestation *ret, struct err *e)
{
	struct attestation_policy policy = { .root = buf_view(&en->anchor),
		                             .max_age_ms = PEER_MAX_AGE_MS,
		                             .max_ahead_ms = PEER_MAX_AHEAD_MS,
		                             .refuse_debug = !en->is_debug,
		                             .committed_manifest = hash };

	TRY(manifest_pcrs(&q->manifest_envelope.manifest, &policy.pcrs, e));
	TRY(own_time_now(&en->time, en->nsm, &policy.now_ms, e));
	policy.chain_time_unix = policy.now_ms / 1000;
	return attestation_check(buf_view(&q->attestation_doc), &policy, ret, e);
}

/* The seed, sealed to the peer's attested setup key, and the quorum key's signature over that. */
static int seal_seed(const struct enclave *en, const struct attestation *peer,
                     struct export_key_reply *reply, struct err *e)
{
	AUTO(buf) struct buf sealed = BUF_INIT(sizeof(reply->encrypted_quorum_key));
	const struct key_set *key = en->state.quorum_key;
	struct signature signature;

	TRY(envelope_seal(&peer->public_key, key_set_seed(key), &en->entropy, &sealed, e));
	if (sealed.len != sizeof(reply->encrypted_quorum_key))
		return err_set(e, ERR_INTERNAL, "an envelope of %zu bytes", sealed.len);
	TRY(key_set_sign(key, buf_view(&sealed), &signature, e));
	memcpy(reply->encrypted_quorum_key, sealed.data, sealed.len);
	memcpy(reply->signature, signature.bytes, sizeof(reply->signature));
	return 0;
}

int serve_export_key(struct call *c, struct err *e)
{
	const struct export_key_request *q = c->request;
	struct enclave *en = c->enclave;
	struct export_key_reply *reply = c->reply;
	AUTO(attestation) struct attestation peer = { 0 };
	struct hash256 hash;

	TRY(judge_manifest(en, &q->manifest_envelope, &hash, e));
	call_step(c, "manifest judged");
	TRY(judge_document(en, q, &hash, &peer, e));
	log_line(LOG_INFO, "peer verified", "request", c->request_id, "module",
	         buf_text(&peer.module_id), NULL);
	TRY(wire_set_text(&reply->id, c->request_id, e));
	TRY(seal_seed(en, &peer, reply, e));
	reply->has_receipt = true;
	return provision_receipt(en, en->state.quorum_key, RECEIPT_EXPORT, &peer.document_hash,
	                         &reply->receipt, e);
}

/* What a library function calls bad data is here a key refused. */
static int refuse(const struct err *cause, struct err *e)
{
	return err_set(e, cause->code == ERR_DATA ? ERR_INJECTION : cause->code, "%s", cause->text);
}

static int open_key(const struct enclave *en, const struct inject_key_request *q,
                    struct key_set **ret, struct err *e)
{
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *key = NULL;
	struct view sealed = VIEW_OF(q->encrypted_quorum_key);
	struct err cause;

	if (public_key_verify(&en->state.quorum_public, sealed, VIEW_OF(q->signature), &cause) < 0)
		return refuse(&cause, e);
	if (envelope_open(en->state.setup_key, sealed, &seed, &cause) < 0 ||
	    key_set_derive(&seed, &key, &cause) < 0)
		return refuse(&cause, e);
	if (!public_key_equal(key_set_public(key), &en->state.quorum_public))
		return err_set(e, ERR_INJECTION, "the key inside is not the manifest's quorum key");
	*ret = MOVE(key);
	return 0;
}

int serve_inject_key(struct call *c, struct err *e)
{
	const struct inject_key_request *q = c->request;
	struct enclave *en = c->enclave;
	struct success_reply *reply = c->reply;
	AUTO(key_set) struct key_set *key = NULL;
	struct hash256 subject;

	TRY(open_key(en, q, &key, e));
	call_step(c, "signature verified, key opened");
	TRY(sha256(VIEW_OF(q->encrypted_quorum_key), &subject, e));
	TRY(wire_set_text(&reply->id, c->request_id, e));
	TRY(provision_receipt(en, key, RECEIPT_INJECT, &subject, &reply->receipt, e));
	reply->success = reply->has_receipt = true;
	enclave_write_begin(en);
	en->state.has_injected = true;
	en->state.injected_key = subject;
	provision_take_key(c, &key, &reply->receipt, EVENT_KEY);
	enclave_write_end(en);
	return 0;
}

int replay_inject_key(struct call *c, bool *ret_is_replay, struct err *e)
{
	const struct inject_key_request *q = c->request;
	const struct enclave_state *state = &c->enclave->state;
	struct success_reply *reply = c->reply;
	struct hash256 subject;

	if (!state->has_injected)
		return 0;
	TRY(sha256(VIEW_OF(q->encrypted_quorum_key), &subject, e));
	if (!view_equal(VIEW_OF(subject.bytes), VIEW_OF(state->injected_key.bytes)))
		return 0;
	TRY(wire_set_text(&reply->id, c->request_id, e));
	reply->success = reply->has_receipt = true;
	reply->receipt = state->receipt;
	*ret_is_replay = true;
	return 0;
}

int serve_prove_key(struct call *c, struct err *e)
{
	const struct prove_key_request *q = c->request;
	struct enclave *en = c->enclave;
	const struct enclave_state *state = &en->state;
	struct prove_key_reply *reply = c->reply;
	struct view none = { 0 };
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 hash;

	TRY(wire_set_text(&reply->id, c->request_id, e));
	reply->attestation_doc.max = DOCUMENT_MAX;
	TRY(enclave_attest(en, VIEW_OF(state->manifest_hash.bytes), none, VIEW_OF(q->challenge),
	                   &reply->attestation_doc, e));
	TRY(sha256(buf_view(&reply->attestation_doc), &hash, e));
	statement_format(STATEMENT_PROVE_KEY, &state->manifest_hash, q->challenge, hash.bytes,
	                 message);
	TRY(key_set_sign(state->quorum_key, VIEW_OF(message), &signature, e));
	memcpy(reply->signature, signature.bytes, sizeof(reply->signature));
	memcpy(reply->quorum_public_key, state->quorum_public.bytes,
	       sizeof(reply->quorum_public_key));
	return 0;
}

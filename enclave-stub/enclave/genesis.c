/* genesis-boot: a quorum key is drawn, split and sealed to the share set; the NSM vouches for what
 * was made; the manifest is set (contract.md, in that order). */
#include "base/text.h"
#include "crypto/shamir.h"
#include "enclave/boot.h"
#include "enclave/forward_size.h"
#include "proto/genesis.h"

#include <stdlib.h>
#include <string.h>

/* Everything genesis makes before it touches NSM or state. */
struct birth {
	struct key_set *quorum_key, *setup_key;
	struct secret *shares;
	size_t share_count;
	struct member_set manifest_set;
	struct genesis_output output; /* its set is the share set */
	struct buf encoded, document;
	struct manifest_envelope envelope;
	struct hash256 manifest_hash;
	struct share_slot *slots;
	struct genesis_reply reply;
};

static void birth_drop(struct birth *b)
{
	key_set_drop(&b->quorum_key);
	key_set_drop(&b->setup_key);
	for (size_t i = 0; b->shares && i < b->share_count; i++)
		secret_drop(&b->shares[i]);
	free(b->shares);
	free(b->slots);
	member_set_drop(&b->manifest_set);
	genesis_output_drop(&b->output);
	buf_drop(&b->encoded);
	buf_drop(&b->document);
	manifest_envelope_drop(&b->envelope);
	genesis_reply_drop(&b->reply);
}

static int copy_member(const struct member *from, struct member *to, struct err *e)
{
	TRY(wire_set(&to->alias, buf_view(&from->alias), e));
	return wire_set(&to->pub_key, buf_view(&from->pub_key), e);
}

static int copy_set(const struct wire_list *members, int64_t threshold, struct member_set *ret,
                    struct err *e)
{
	const struct member *from = members->items;
	struct member *to;

	ret->threshold = threshold;
	for (size_t i = 0; i < members->count; i++) {
		TRY(wire_list_add(&ret->members, &member_schema, &to, e));
		TRY(copy_member(&from[i], to, e));
	}
	return 0;
}

/* What can be judged of the request as it is. */
static int judge(const struct enclave *en, const struct genesis_request *q, struct birth *b,
                 struct err *e)
{
	struct public_key dr_key;
	struct err cause;

	TRY(copy_set(&q->manifest_members, q->manifest_threshold, &b->manifest_set, e));
	TRY(copy_set(&q->share_members, q->share_threshold, &b->output.set, e));
	TRY(member_set_check(&b->manifest_set, "manifest set", 1, en->is_debug, e));
	TRY(member_set_check(&b->output.set, "share set", 2, en->is_debug, e));
	if (q->namespace_nonce >= UINT32_MAX)
		return err_set(e, ERR_MANIFEST, "namespace_nonce must be below 2^32 - 1");
	TRY(boot_check_pins(en, &b->manifest_set, &b->output.set, e));
	if (q->has_dr_key && public_key_parse(VIEW_OF(q->dr_key), &dr_key, &cause) < 0)
		return err_set(e, ERR_REQUEST, "dr_key: %s", cause.text);
	return 0;
}

static int set_pivot(const struct genesis_request *q, struct pivot *pivot, struct err *e)
{
	const struct text_item *from = q->pivot_args.items;
	struct text_item *to;

	memcpy(pivot->hash, q->pivot_hash, sizeof(pivot->hash));
	pivot->restart = MANIFEST_RESTART_NEVER;
	for (size_t i = 0; i < q->pivot_args.count; i++) {
		TRY(wire_list_add(&pivot->args, &text_item_schema, &to, e));
		TRY(wire_set(&to->text, buf_view(&from[i].text), e));
	}
	return 0;
}

/* The manifest of a genesis, all but its key: what was asked for, with the measurements taken here.
 * Whether it can be forwarded is judged before a key is drawn. */
static int draft_manifest(const struct enclave *en, const struct genesis_request *q,
                          struct birth *b, struct err *e)
{
	struct manifest *m = &b->envelope.manifest;

	TRY(wire_set(&m->namespace.name, buf_view(&q->namespace_name), e));
	m->namespace.nonce = q->namespace_nonce;
	TRY(set_pivot(q, &m->pivot, e));
	m->manifest_set = MOVE(b->manifest_set);
	TRY(copy_set(&q->share_members, q->share_threshold, &m->share_set, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		TRY(wire_set(&m->enclave.pcrs[i], pcr_view(&en->pcrs.values[i]), e));
	TRY(wire_set(&m->enclave.aws_root_certificate, buf_view(&en->anchor), e));
	TRY(wire_set_text(&m->enclave.qos_commit, MANIFEST_QOS_COMMIT, e));
	return forward_check_size(&b->envelope, en->max_body, e);
}

static int draw(const struct enclave *en, struct birth *b, struct err *e)
{
	size_t count = b->output.set.members.count;

	TRY(key_set_generate(&en->entropy, "quorum-key", &b->quorum_key, e));
	TRY(key_set_generate(&en->entropy, "setup-key", &b->setup_key, e));
	b->shares = calloc(count, sizeof(*b->shares));
	b->slots = calloc(count, sizeof(*b->slots));
	if (!b->shares || !b->slots)
		return err_set(e, ERR_INTERNAL, "no memory for %zu shares", count);
	b->share_count = count;
	return shamir_split(key_set_seed(b->quorum_key), (unsigned)b->output.set.threshold,
	                    (unsigned)count, &en->entropy, b->shares, e);
}

/* A member of a debug enclave without a key gets the share as it is. */
static int seal_share(const struct enclave *en, const struct member *to, const struct secret *share,
                      struct buf *ret, struct err *e)
{
	struct public_key key;

	if (!to->pub_key.len)
		return wire_set(ret, secret_view(share), e);
	TRY(public_key_parse(buf_view(&to->pub_key), &key, e));
	ret->max = SHARE_LEN + ENVELOPE_OVERHEAD;
	return envelope_seal(&key, share, &en->entropy, ret, e);
}

static int hand_out(const struct enclave *en, struct birth *b, struct err *e)
{
	const struct member *members = b->output.set.members.items;
	struct encrypted_share *item;

	for (size_t i = 0; i < b->share_count; i++) {
		struct share_slot *slot = &b->slots[i];

		TRY(sha512(secret_view(&b->shares[i]), &slot->share_hash, e));
		TRY(wire_list_add(&b->output.member_outputs, &encrypted_share_schema, &item, e));
		TRY(copy_member(&members[i], &item->share_set_member, e));
		TRY(seal_share(en, &members[i], &b->shares[i], &item->encrypted_quorum_key_share,
		               e));
		memcpy(item->share_hash, slot->share_hash.bytes, sizeof(item->share_hash));
	}
	return 0;
}

/* SHA-512 of the seed's hex digits (formats.md 4.1). */
static int hash_seed(const struct key_set *key, uint8_t ret[static sizeof(struct hash512)],
                     struct err *e)
{
	AUTO(secret) struct secret digits = { 0 };
	struct hash512 hash;

	TRY(hex_format_secret(secret_view(key_set_seed(key)), &digits, e));
	TRY(sha512(secret_view(&digits), &hash, e));
	memcpy(ret, hash.bytes, sizeof(hash.bytes));
	return 0;
}

static int add_test_message(const struct enclave *en, struct birth *b, struct err *e)
{
	AUTO(secret) struct secret message = { 0 };
	struct view text = view_text(GENESIS_TEST_MESSAGE);
	struct genesis_output *out = &b->output;
	struct signature signature;

	TRY(secret_copy(text, &message, e));
	out->test_message_ciphertext.max = text.len + ENVELOPE_OVERHEAD;
	TRY(envelope_seal(key_set_public(b->quorum_key), &message, &en->entropy,
	                  &out->test_message_ciphertext, e));
	TRY(key_set_sign(b->quorum_key, text, &signature, e));
	TRY(wire_set(&out->test_message_signature, VIEW_OF(signature.bytes), e));
	return wire_set(&out->test_message, text, e);
}

static int wrap_for_recovery(const struct enclave *en, const struct genesis_request *q,
                             struct birth *b, struct err *e)
{
	struct public_key key;

	if (!q->has_dr_key)
		return 0;
	TRY(public_key_parse(VIEW_OF(q->dr_key), &key, e));
	b->output.has_dr_key = b->output.has_dr_wrap = true;
	TRY(wire_set(&b->output.dr_key, VIEW_OF(q->dr_key), e));
	b->output.dr_key_wrapped_quorum_key.max = SEED_LEN + ENVELOPE_OVERHEAD;
	return envelope_seal(&key, key_set_seed(b->quorum_key), &en->entropy,
	                     &b->output.dr_key_wrapped_quorum_key, e);
}

/* The output and the document that vouches for it: user_data alone, before PCR16 is extended. */
static int attest(struct enclave *en, const struct genesis_request *q, struct birth *b,
                  struct err *e)
{
	struct view none = { 0 };
	struct hash256 hash;

	TRY(hand_out(en, b, e));
	TRY(wrap_for_recovery(en, q, b, e));
	TRY(wire_set(&b->output.quorum_key, public_key_view(key_set_public(b->quorum_key)), e));
	TRY(hash_seed(b->quorum_key, b->output.quorum_key_hash, e));
	TRY(add_test_message(en, b, e));
	b->encoded.max = GENESIS_OUTPUT_MAX;
	TRY(genesis_output_encode(&b->output, &b->encoded, e));
	TRY(sha256(buf_view(&b->encoded), &hash, e));
	b->document.max = DOCUMENT_MAX;
	return enclave_attest(en, VIEW_OF(hash.bytes), none, none, &b->document, e);
}

/* The whole manifest is checked once its key is there. */
static int finish_manifest(const struct enclave *en, struct birth *b, struct err *e)
{
	struct manifest *m = &b->envelope.manifest;

	TRY(wire_set(&m->namespace.quorum_key, public_key_view(key_set_public(b->quorum_key)), e));
	TRY(manifest_check(&b->envelope, en->is_debug, e));
	return manifest_hash(m, &b->manifest_hash, e);
}

static int write_reply(struct birth *b, struct err *e)
{
	struct genesis_reply *reply = &b->reply;

	memcpy(reply->quorum_public_key, key_set_public(b->quorum_key)->bytes, PUBLIC_KEY_LEN);
	memcpy(reply->ephemeral_key, key_set_public(b->setup_key)->bytes, PUBLIC_KEY_LEN);
	TRY(manifest_copy(&b->envelope, &reply->manifest_envelope, e));
	reply->waiting_state = PHASE_GENESIS_BOOTED;
	reply->encrypted_shares = MOVE(b->output.member_outputs);
	reply->genesis_output = MOVE(b->encoded);
	reply->genesis_attestation_doc = MOVE(b->document);
	reply->has_dr_wrap = b->output.has_dr_wrap;
	reply->dr_key_wrapped_quorum_key = MOVE(b->output.dr_key_wrapped_quorum_key);
	return 0;
}

static void commit(struct call *c, struct birth *b)
{
	struct enclave_state *state = &c->enclave->state;
	struct public_key quorum_key = *key_set_public(b->quorum_key);

	enclave_write_begin(c->enclave);
	boot_take_manifest(state, &b->envelope, &b->manifest_hash, &quorum_key, &b->setup_key);
	state->slots = MOVE(b->slots);
	state->slot_count = b->share_count;
	state->has_share_hashes = true;
	state->can_replay_genesis = true;
	state->genesis_request = c->request_hash;
	state->genesis_reply = MOVE(b->reply);
	/* The key lives on in its shares alone. */
	key_set_drop(&b->quorum_key);
	for (size_t i = 0; i < b->share_count; i++)
		secret_drop(&b->shares[i]);
	enclave_advance(c->enclave, EVENT_GENESIS, &c->trail);
	enclave_write_end(c->enclave);
	c->stored = &state->genesis_reply;
}

int serve_genesis_boot(struct call *c, struct err *e)
{
	const struct genesis_request *q = c->request;
	AUTO(birth) struct birth b = { 0 };

	TRY(judge(c->enclave, q, &b, e));
	TRY(draft_manifest(c->enclave, q, &b, e));
	call_step(c, "request judged");
	TRY(draw(c->enclave, &b, e));
	call_step(c, "keys and shares drawn");
	TRY(attest(c->enclave, q, &b, e));
	call_step(c, "shares sealed, document taken");
	TRY(finish_manifest(c->enclave, &b, e));
	TRY(write_reply(&b, e));
	TRY(boot_commit_nsm(c, b.setup_key, &b.manifest_hash, e));
	commit(c, &b);
	return 0;
}

int replay_genesis_boot(struct call *c, bool *ret_is_replay, struct err *e)
{
	const struct enclave_state *state = &c->enclave->state;

	(void)e;
	if (!state->can_replay_genesis ||
	    !view_equal(VIEW_OF(c->request_hash.bytes), VIEW_OF(state->genesis_request.bytes)))
		return 0;
	c->stored = &state->genesis_reply;
	*ret_is_replay = true;
	return 0;
}

/* inject-shares after genesis: each share is judged by the hash that genesis kept of it, so that a
 * wrong one names its member and the others count (contract.md). */
#include "base/log.h"
#include "crypto/shamir.h"
#include "enclave/provision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client may repeat a member or two, say when it puts two lists together. What is longer consists
 * of repeats, and each would cost an ECDH whoever sends it. */
#define SHARES_PER_MEMBER 2

/* A request may hold hundreds of wrong shares, and whoever sends it needs no right to: so many of
 * them get a line in the log, the others a number. The answer names them all. */
#define REJECTED_LOGGED 16

/* What one request adds: for each slot, the share that it brought. Nothing of the state is changed
 * until the whole request has been judged. */
struct intake {
	struct share_slot
	    *slots; /* copies with the new shares in them; is_accepted: by this request */
	size_t count;
	unsigned accepted;
	struct wire_list rejected; /* struct alias_item */
	struct err first;          /* why the first one was rejected */
};

static void intake_drop(struct intake *in)
{
	struct inject_shares_reply list = { .rejected = in->rejected };

	for (size_t i = 0; in->slots && i < in->count; i++)
		secret_drop(&in->slots[i].share);
	free(in->slots);
	inject_shares_reply_drop(&list);
	*in = (struct intake){ 0 };
}

static const struct member_set *share_set(const struct enclave *en)
{
	return &en->state.manifest.manifest_envelope.manifest.share_set;
}

/* The place of a member in the share set; count when there is none of that alias. */
static size_t find_slot(const struct enclave *en, struct view alias)
{
	const struct member *members = share_set(en)->members.items;
	size_t i = 0;

	while (i < en->state.slot_count && !view_equal(buf_view(&members[i].alias), alias))
		i++;
	return i;
}

int check_inject_shares(const void *request, struct err *e)
{
	const struct inject_shares_request *q = request;
	const struct submitted_share *shares = q->shares.items;

	for (size_t i = 0; i < q->shares.count; i++)
		if (shares[i].has_encrypted && shares[i].has_decrypted)
			return err_set(e, ERR_REQUEST,
			               "shares[%zu]: encrypted_share or decrypted_share expected, "
			               "both found",
			               i);
	return 0;
}

int mode_inject_shares(struct call *c, struct err *e)
{
	const struct inject_shares_request *q = c->request;
	const struct submitted_share *shares = q->shares.items;

	for (size_t i = 0; !c->enclave->is_debug && i < q->shares.count; i++)
		if (shares[i].has_decrypted)
			return err_set(
			    e, ERR_ACCESS,
			    "inject-shares takes decrypted_share on a debug enclave only");
	return 0;
}

static int judge_namespace(const struct enclave *en, const struct inject_shares_request *q,
                           struct err *e)
{
	const struct manifest_namespace *own =
	    &en->state.manifest.manifest_envelope.manifest.namespace;

	if (!view_equal(buf_view(&q->namespace_name), buf_view(&own->name)))
		return err_set(e, ERR_NAMESPACE, "namespace_name is not that of the manifest here");
	if (q->namespace_nonce != own->nonce)
		return err_set(e, ERR_NAMESPACE, "namespace_nonce is %lld here, not %lld",
		               (long long)own->nonce, (long long)q->namespace_nonce);
	return 0;
}

static int judge_count(const struct enclave *en, const struct inject_shares_request *q,
                       struct err *e)
{
	size_t members = en->state.slot_count;

	if (q->shares.count > SHARES_PER_MEMBER * members)
		return err_set(e, ERR_SHARE,
		               "%zu shares for %zu members: most are repeats; at most %zu "
		               "are judged in one request",
		               q->shares.count, members, SHARES_PER_MEMBER * members);
	return 0;
}

static int open_share(const struct enclave *en, const struct submitted_share *s, struct secret *ret,
                      struct err *e)
{
	struct err cause;

	if (s->has_decrypted)
		return secret_copy(buf_view(&s->decrypted_share), ret, e);
	if (!s->has_encrypted)
		return err_set(e, ERR_SHARE, "its share is missing");
	if (envelope_open(en->state.setup_key, buf_view(&s->encrypted_share), ret, &cause) < 0)
		return err_set(e, cause.code == ERR_DATA ? ERR_SHARE : cause.code, "%s",
		               cause.text);
	return 0;
}

/* ERR_SHARE says what is wrong with it; any other code is a fault. */
static int judge_share(const struct enclave *en, const struct submitted_share *s, struct intake *in,
                       struct err *e)
{
	AUTO(secret) struct secret share = { 0 };
	size_t i = find_slot(en, buf_view(&s->member_alias));
	struct share_slot *slot = &in->slots[i];
	struct hash256 sealed = { { 0 } };
	struct hash512 hash;

	if (i == in->count)
		return err_set(e, ERR_SHARE, "is not in the share set");
	if (slot->is_accepted)
		return err_set(e, ERR_SHARE, "its share is repeated");
	TRY(open_share(en, s, &share, e));
	TRY(sha512(secret_view(&share), &hash, e));
	if (!view_equal(VIEW_OF(hash.bytes), VIEW_OF(slot->share_hash.bytes)))
		return err_set(e, ERR_SHARE, "its share is not the one that genesis made");
	if (s->has_encrypted)
		TRY(sha256(buf_view(&s->encrypted_share), &sealed, e));
	slot->is_accepted = true;
	slot->has_plain = s->has_decrypted;
	slot->has_sealed = s->has_encrypted;
	slot->sealed_hash = sealed;
	slot->share = MOVE(share);
	in->accepted++;
	return 0;
}

static int reject(const struct call *c, const struct submitted_share *s, const struct err *why,
                  struct intake *in, struct err *e)
{
	const char *alias = buf_text(&s->member_alias);
	struct alias_item *item;

	if (why->code != ERR_SHARE) {
		*e = *why;
		return -1;
	}
	if (!in->rejected.count)
		err_set(&in->first, ERR_SHARE, "member '%s': %s", alias, why->text);
	if (in->rejected.count < REJECTED_LOGGED)
		log_line(LOG_WARN, "share rejected", "request", c->request_id, "member", alias,
		         "reason", why->text, NULL);
	TRY(wire_list_add(&in->rejected, &alias_item_schema, &item, e));
	return wire_set(&item->alias, buf_view(&s->member_alias), e);
}

static void log_rest(const struct call *c, const struct intake *in)
{
	char count[24];

	if (in->rejected.count <= REJECTED_LOGGED)
		return;
	snprintf(count, sizeof(count), "%zu", in->rejected.count - REJECTED_LOGGED);
	log_line(LOG_WARN, "more shares rejected", "request", c->request_id, "count", count, NULL);
}

static int take_in(const struct call *c, struct intake *in, struct err *e)
{
	const struct inject_shares_request *q = c->request;
	const struct submitted_share *shares = q->shares.items;
	const struct enclave *en = c->enclave;
	struct err why;

	/* One more, so that a place past the end may be named before it is judged. */
	in->slots = calloc(en->state.slot_count + 1, sizeof(*in->slots));
	if (!in->slots)
		return err_set(e, ERR_INTERNAL, "no memory for shares");
	in->count = en->state.slot_count;
	for (size_t i = 0; i < in->count; i++)
		in->slots[i].share_hash = en->state.slots[i].share_hash;
	for (size_t i = 0; i < q->shares.count; i++)
		if (judge_share(en, &shares[i], in, &why) == 0)
			log_line(LOG_INFO, "share accepted", "request", c->request_id, "member",
			         buf_text(&shares[i].member_alias), NULL);
		else
			TRY(reject(c, &shares[i], &why, in, e));
	log_rest(c, in);
	if (!in->accepted) {
		*e = in->first;
		return -1;
	}
	return 0;
}

/* The shares of both, borrowed: those of the state and those just taken in. */
static size_t gather(const struct enclave_state *state, const struct intake *in, struct secret *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < in->count; i++) {
		if (in->slots[i].is_accepted)
			ret[count++] = in->slots[i].share;
		else if (state->slots[i].is_accepted)
			ret[count++] = state->slots[i].share;
	}
	return count;
}

/* The key that the shares give must be the manifest's, and must sign: else it is this enclave's own
 * memory that is wrong, since each share has been checked. */
static int rebuild(const struct enclave *en, const struct secret *shares, size_t count,
                   struct key_set **ret, struct err *e)
{
	static const char probe[] = "self-test of a rebuilt key";
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *key = NULL;
	struct signature signature;

	TRY(shamir_combine(shares, count, &seed, e));
	TRY(key_set_derive(&seed, &key, e));
	if (!public_key_equal(key_set_public(key), &en->state.quorum_public))
		return err_set(e, ERR_ENCLAVE, "the rebuilt key is not the manifest's");
	TRY(key_set_sign(key, VIEW_OF(probe), &signature, e));
	TRY(public_key_verify(key_set_public(key), VIEW_OF(probe), VIEW_OF(signature.bytes), e));
	*ret = MOVE(key);
	return 0;
}

static void store(struct enclave_state *state, struct intake *in)
{
	for (size_t i = 0; i < in->count; i++) {
		if (!in->slots[i].is_accepted)
			continue;
		secret_drop(&state->slots[i].share);
		state->slots[i] = in->slots[i];
		in->slots[i].share = (struct secret){ 0 };
	}
	/* A share has come back, so the genesis' answer has arrived. It is not given again: a debug
	 * enclave's has shares in the clear. */
	state->can_replay_genesis = false;
	genesis_reply_drop(&state->genesis_reply);
}

static void commit_some(struct call *c, struct intake *in)
{
	struct enclave *en = c->enclave;

	enclave_write_begin(en);
	store(&en->state, in);
	if (en->state.phase == PHASE_GENESIS_BOOTED)
		enclave_advance(en, EVENT_SHARE, &c->trail);
	enclave_write_end(en);
}

static int complete(struct call *c, struct intake *in, const struct secret *shares, size_t count,
                    struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	struct enclave *en = c->enclave;
	struct receipt_item receipt;
	struct err why;

	if (rebuild(en, shares, count, &key, &why) < 0) {
		/* Want of memory says nothing of the key, and may be a client's doing: his next
		 * try finds the shares that were here before. */
		if (why.code == ERR_INTERNAL) {
			*e = why;
			return -1;
		}
		enclave_fail(en, &c->trail);
		return err_set(e, ERR_ENCLAVE, "self-test of the rebuilt key: %s", why.text);
	}
	call_step(c, "key rebuilt and tested");
	TRY(provision_receipt(en, key, RECEIPT_SHARES_COMPLETED, /* subject= */ NULL, &receipt, e));
	enclave_write_begin(en);
	store(&en->state, in);
	provision_take_key(c, &key, &receipt, EVENT_SHARES_COMPLETE);
	enclave_write_end(en);
	return 0;
}

static int fill_reply(const struct enclave *en, struct inject_shares_reply *reply, struct err *e)
{
	const struct enclave_state *state = &en->state;

	reply->success = true;
	reply->threshold = share_set(en)->threshold;
	for (size_t i = 0; i < state->slot_count; i++)
		reply->shares_received += state->slots[i].is_accepted;
	if (!state->quorum_key)
		return 0;
	reply->has_receipt = state->has_receipt;
	reply->receipt = state->receipt;
	return wire_set(&reply->reconstructed_quorum_key, public_key_view(&state->quorum_public),
	                e);
}

int serve_inject_shares(struct call *c, struct err *e)
{
	struct enclave *en = c->enclave;
	struct inject_shares_reply *reply = c->reply;
	AUTO(intake) struct intake in = { 0 };
	struct secret shares[MEMBERS_MAX];
	size_t count;

	TRY(judge_namespace(en, c->request, e));
	TRY(judge_count(en, c->request, e));
	TRY(take_in(c, &in, e));
	count = gather(&en->state, &in, shares);
	if (count >= (size_t)share_set(en)->threshold)
		TRY(complete(c, &in, shares, count, e));
	else
		commit_some(c, &in);
	reply->rejected = MOVE(in.rejected);
	return fill_reply(en, reply, e);
}

static int is_known(const struct enclave *en, const struct submitted_share *s, bool *ret,
                    struct err *e)
{
	size_t i = find_slot(en, buf_view(&s->member_alias));
	const struct share_slot *slot = &en->state.slots[i];
	struct hash256 sealed;
	struct hash512 plain;

	*ret = false;
	if (i == en->state.slot_count || !slot->is_accepted)
		return 0;
	if (s->has_encrypted && slot->has_sealed) {
		TRY(sha256(buf_view(&s->encrypted_share), &sealed, e));
		*ret = view_equal(VIEW_OF(sealed.bytes), VIEW_OF(slot->sealed_hash.bytes));
	} else if (s->has_decrypted && slot->has_plain) {
		TRY(sha512(buf_view(&s->decrypted_share), &plain, e));
		*ret = view_equal(VIEW_OF(plain.bytes), VIEW_OF(slot->share_hash.bytes));
	}
	return 0;
}

int replay_inject_shares(struct call *c, bool *ret_is_replay, struct err *e)
{
	const struct inject_shares_request *q = c->request;
	const struct submitted_share *shares = q->shares.items;
	struct enclave *en = c->enclave;
	bool all = en->state.slot_count > 0;
	struct err elsewhere;

	/* Of another namespace it is another request, whatever it brings. */
	if (all && judge_namespace(en, q, &elsewhere) < 0)
		all = false;
	for (size_t i = 0; all && i < q->shares.count; i++)
		TRY(is_known(en, &shares[i], &all, e));
	*ret_is_replay = all;
	if (!all)
		return 0;
	return fill_reply(en, c->reply, e);
}

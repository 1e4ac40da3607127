/* inject-shares: what the shares taken in come to (contract.md). After genesis each is known to be
 * good, so as many as the threshold give the key. After boot-standard whether one is a share of the
 * quorum key is known only from the key that it helps to make (search.h). */
#include "base/log.h"
#include "crypto/shamir.h"
#include "enclave/provision.h"
#include "enclave/search.h"
#include "enclave/share_intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

size_t work_inject_shares(const void *request)
{
	const struct inject_shares_request *q = request;

	return q->shares.count;
}

/* A member sends his own share, an operator anyone's. */
static int judge_submitter(const struct caller *caller, const struct submitted_share *s,
                           struct err *e)
{
	struct view alias = buf_view(&s->member_alias);

	if (!caller || role_set_may_submit(&caller->set, alias))
		return 0;
	return err_set(e, ERR_ACCESS,
	               "a client of role member may use %s for the members that its certificate "
	               "names, and '%.64s' is none; role operator may for any",
	               api_table[API_INJECT_SHARES].path, buf_text(&s->member_alias));
}

int may_inject_shares(const struct call *c, struct err *e)
{
	const struct inject_shares_request *q = c->request;
	const struct submitted_share *shares = q->shares.items;

	for (size_t i = 0; i < q->shares.count; i++)
		TRY(judge_submitter(c->caller, &shares[i], e));
	return 0;
}

int mode_inject_shares(struct call *c, struct err *e)
{
	const struct inject_shares_request *q = c->request;
	const struct submitted_share *shares = q->shares.items;

	for (size_t i = 0; i < q->shares.count; i++)
		if (shares[i].has_decrypted && !c->enclave->is_debug)
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

/* A key that is not the manifest's after all, or does not sign, is this enclave's own memory gone
 * wrong: whoever made it from shares has compared it. */
static int test_key(const struct enclave *en, const struct key_set *key, struct err *e)
{
	static const char probe[] = "self-test of a rebuilt key";
	struct signature signature;

	if (!public_key_equal(key_set_public(key), &en->state.quorum_public))
		return err_set(e, ERR_ENCLAVE, "the rebuilt key is not the manifest's");
	TRY(key_set_sign(key, VIEW_OF(probe), &signature, e));
	return public_key_verify(key_set_public(key), VIEW_OF(probe), VIEW_OF(signature.bytes), e);
}

/* After genesis: each share has been checked, so what they give is the key. */
static int rebuild(const struct secret *shares, size_t count, struct key_set **ret, struct err *e)
{
	AUTO(secret) struct secret seed = { 0 };

	TRY(shamir_combine(shares, count, &seed, e));
	return key_set_derive(&seed, ret, e);
}

/* Want of memory says nothing of the key, and may be a client's doing: his next try finds the
 * shares that were here before. Anything else is the end. */
static int judge_fault(struct call *c, const struct err *why, struct err *e)
{
	if (why->code == ERR_INTERNAL) {
		*e = *why;
		return -1;
	}
	enclave_fail(c->enclave, &c->trail);
	return err_set(e, ERR_ENCLAVE, "self-test of the rebuilt key: %s", why->text);
}

/* There is room: share_intake.c has seen to it. */
static void store_slot(struct share_slot *to, struct taken *from)
{
	if (!from->is_known)
		to->submissions[to->submission_count++] = from->submission;
	secret_drop(&to->share);
	to->share = MOVE(from->share);
	to->share_hash = from->share_hash;
	to->is_accepted = true;
}

static void store(struct enclave_state *state, struct intake *in)
{
	for (size_t i = 0; i < in->count; i++) {
		if (!in->slots[i].is_accepted)
			continue;
		store_slot(&state->slots[i], &in->slots[i]);
		state->slots[i].arrival = ++state->arrivals;
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

/* is_off: of each member whether his share is none of the key's; NULL: all are. */
static int complete(struct call *c, struct intake *in, struct key_set **key, const bool *is_off,
                    struct err *e)
{
	struct enclave *en = c->enclave;
	struct receipt_item receipt;
	struct err why;

	if (test_key(en, *key, &why) < 0)
		return judge_fault(c, &why, e);
	call_step(c, "key rebuilt and tested");
	TRY(provision_receipt(en, *key, RECEIPT_SHARES_COMPLETED, /* subject= */ NULL, &receipt,
	                      e));
	enclave_write_begin(en);
	store(&en->state, in);
	for (size_t i = 0; is_off && i < en->state.slot_count; i++)
		en->state.slots[i].is_off = is_off[i];
	provision_take_key(c, key, &receipt, EVENT_SHARES_COMPLETE);
	enclave_write_end(en);
	return 0;
}

static int take_made(struct call *c, struct intake *in, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	struct secret shares[MEMBERS_MAX];
	size_t count = gather(&c->enclave->state, in, shares);
	struct err why;

	if (count < (size_t)enclave_share_set(c->enclave)->threshold) {
		commit_some(c, in);
		return 0;
	}
	if (rebuild(shares, count, &key, &why) < 0)
		return judge_fault(c, &why, e);
	return complete(c, in, &key, /* is_off= */ NULL, e);
}

/* A candidate in the order in which subsets are made of them. */
struct candidate {
	size_t slot;
	bool is_new;      /* of this request */
	uint64_t arrival; /* UINT64_MAX: with this request */
};

/* The new ones, then those that came with them, then the latest. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->is_new != y->is_new)
		return y->is_new - x->is_new;
	if (x->arrival != y->arrival)
		return x->arrival < y->arrival ? 1 : -1;
	return x->slot < y->slot ? -1 : 1;
}

static size_t list_candidates(const struct enclave_state *state, const struct intake *in,
                              struct candidate *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < in->count; i++) {
		bool is_here = in->slots[i].is_accepted;

		if (!is_here && !state->slots[i].is_accepted)
			continue;
		ret[count++] = (struct candidate){
			.slot = i,
			.is_new = is_here && !in->slots[i].is_known,
			.arrival = is_here ? UINT64_MAX : state->slots[i].arrival,
		};
	}
	qsort(ret, count, sizeof(*ret), compare_candidates);
	return count;
}

/* The candidates' shares, borrowed, in their order. */
static void borrow(const struct enclave_state *state, const struct intake *in,
                   const struct candidate *list, size_t count, struct secret *ret)
{
	for (size_t i = 0; i < count; i++) {
		const struct taken *new = &in->slots[list[i].slot];

		ret[i] = new->is_accepted ? new->share : state->slots[list[i].slot].share;
	}
}

/* The members off the polynomial are rejected, once each. */
static int sift(const struct call *c, const struct search *s, const struct candidate *list,
                bool *is_off, struct err *e)
{
	const struct member *members = enclave_share_set(c->enclave)->members.items;

	for (size_t i = 0; i < s->count; i++) {
		bool fits;

		TRY(search_fits(s, &s->shares[i], &fits, e));
		is_off[list[i].slot] = !fits;
		if (!fits)
			log_line(LOG_WARN, "share rejected", "request", c->request_id, "member",
			         buf_text(&members[list[i].slot].alias), "reason",
			         "its share is none of the quorum key's", NULL);
	}
	return 0;
}

static void log_search(const struct call *c, const struct search *s)
{
	char tried[24], candidates[24];

	snprintf(tried, sizeof(tried), "%u", s->tried);
	snprintf(candidates, sizeof(candidates), "%zu", s->count);
	log_line(s->key ? LOG_INFO : LOG_WARN,
	         s->key ? "the candidates give the key" : "no subset tried gives the key",
	         "request", c->request_id, "candidates", candidates, "tried", tried, NULL);
}

static int take_candidates(struct call *c, struct intake *in, struct err *e)
{
	const struct enclave_state *state = &c->enclave->state;
	struct candidate list[MEMBERS_MAX];
	struct secret shares[MEMBERS_MAX];
	bool is_off[MEMBERS_MAX] = { false };
	AUTO(search)
	struct search s = { .shares = shares,
		            .threshold = (size_t)enclave_share_set(c->enclave)->threshold,
		            .wanted = &state->quorum_public };

	s.count = list_candidates(state, in, list);
	while (s.fresh < s.count && list[s.fresh].is_new)
		s.fresh++;
	borrow(state, in, list, s.count, shares);
	if (s.count >= s.threshold) {
		TRY(search_run(&s, e));
		log_search(c, &s);
	}
	if (!s.key) {
		commit_some(c, in);
		return 0;
	}
	TRY(sift(c, &s, list, is_off, e));
	return complete(c, in, &s.key, is_off, e);
}

static bool is_listed(const struct wire_list *rejected, struct view alias)
{
	const struct alias_item *items = rejected->items;

	for (size_t i = 0; i < rejected->count; i++)
		if (view_equal(buf_view(&items[i].alias), alias))
			return true;
	return false;
}

static int fill_reply(const struct enclave *en, struct inject_shares_reply *reply, struct err *e)
{
	const struct enclave_state *state = &en->state;
	const struct member *members = enclave_share_set(en)->members.items;

	reply->success = true;
	reply->threshold = enclave_share_set(en)->threshold;
	for (size_t i = 0; i < state->slot_count; i++) {
		struct view alias = buf_view(&members[i].alias);

		reply->shares_received += state->slots[i].is_accepted && !state->slots[i].is_off;
		if (state->slots[i].is_off && !is_listed(&reply->rejected, alias))
			TRY(intake_add_rejected(&reply->rejected, alias, e));
	}
	reply->unresolved = state->setup_key && reply->shares_received >= reply->threshold;
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

	TRY(judge_namespace(en, c->request, e));
	TRY(intake_fill(c, &in, e));
	TRY(en->state.has_share_hashes ? take_made(c, &in, e) : take_candidates(c, &in, e));
	reply->rejected = MOVE(in.rejected);
	return fill_reply(en, reply, e);
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
		TRY(intake_is_replay(en, &shares[i], &all, e));
	*ret_is_replay = all;
	if (!all)
		return 0;
	return fill_reply(en, c->reply, e);
}

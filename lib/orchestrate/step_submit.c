/* submit: the shares that members have sealed to a TEE, in bundles. Which of them are for it is
 * told by the setup key that it commits to in a fresh document; nobody here can open any. */
#include "orchestrate/ceremony.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdio.h>
#include <stdlib.h>

struct submit {
	struct execution *x;
	size_t step, node;
	uint8_t nonce[NONCE_LEN];
	struct public_key setup_key; /* attested: what the bundles must be sealed to */
	struct inject_shares_request request;
	int64_t received, threshold;
	bool is_news; /* a share that it lacked is among those that are sent */
	/* Of one that it says it has, nothing here says that it was sent before: what a TEE says of
	 * itself is no reason to call it delivered. */
	bool is_unheard;
};

static void submit_drop(struct submit **s)
{
	if (!*s)
		return;
	inject_shares_request_drop(&(*s)->request);
	free(*s);
	*s = NULL;
}

static void fail(struct submit *s, const struct err *why)
{
	execution_failed(s->x, s->step, why);
	submit_drop(&s);
}

static const struct status_reply *status_of(const struct submit *s)
{
	return &s->x->run->seen.nodes[s->node].status;
}

static int add_share(struct submit *s, const struct submitted_bundle *b,
                     const struct bundle_item *sealed, const struct hash256 *setup_key,
                     struct err *e)
{
	struct view alias = buf_view(&b->bundle.alias);
	struct submitted_share *share;

	TRY(wire_list_add(&s->request.shares, &submitted_share_schema, &share, e));
	TRY(wire_set(&share->member_alias, alias, e));
	TRY(wire_set(&share->encrypted_share, VIEW_OF(sealed->encrypted_share), e));
	TRY(wire_set(&share->signature, VIEW_OF(sealed->signature), e));
	share->has_encrypted = share->has_signature = true;
	s->is_unheard |= !evidence_has_share(s->x->run, s->node, alias, setup_key);
	if (ceremony_lists(&status_of(s)->shares_missing, alias))
		s->is_news = s->x->run->submission->is_news = true;
	else
		run_note(s->x->run, s->node, "a share of %s is already there",
		         buf_text(&b->bundle.alias));
	return 0;
}

/* All that are for it, also those that it has: it tells a repeated one by itself. */
static int fill_shares(struct submit *s, struct err *e)
{
	struct submission *submission = s->x->run->submission;
	struct hash256 setup_key;

	TRY(sha256(public_key_view(&s->setup_key), &setup_key, e));
	submission->nodes++;
	for (size_t i = 0; i < submission->count; i++) {
		struct submitted_bundle *b = &submission->items[i];
		const struct bundle_item *sealed = submission_find(b, &setup_key);

		if (b->is_refused || !sealed || !submission_is_first(submission, i, &setup_key))
			continue;
		b->is_used = true;
		TRY(add_share(s, b, sealed, &setup_key, e));
	}
	return 0;
}

/* Whose shares would complete it: those that it missed before, without those that it took now. */
static int list_missing(struct submit *s, const struct inject_shares_reply *reply, struct buf *to,
                        bool *ret_is_cut, struct err *e)
{
	const struct submission *submission = s->x->run->submission;
	const struct alias_item *missing = status_of(s)->shares_missing.items;
	struct wire_list *told = &s->x->run->missing;
	struct err full;

	for (size_t i = 0; i < status_of(s)->shares_missing.count; i++) {
		struct view alias = buf_view(&missing[i].alias);
		struct alias_item *item;
		bool is_in = false;

		for (size_t b = 0; b < submission->count; b++)
			is_in |= submission->items[b].is_used &&
			         view_equal(buf_view(&submission->items[b].bundle.alias), alias) &&
			         !ceremony_lists(&reply->rejected, alias);
		if (is_in)
			continue;
		/* A list too long for one line is cut; the JSON has them all. */
		*ret_is_cut = *ret_is_cut || buf_add_format(to, &full, "%s%s", to->len ? ", " : "",
		                                            buf_text(&missing[i].alias)) < 0;
		if (ceremony_lists(told, alias))
			continue;
		TRY(wire_list_add(told, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, alias, e));
	}
	return 0;
}

/* Who sends what is there already has nothing to do, though others have: where it is known that it
 * was there, which of candidates that give no key it is not. */
static void end_repeated(struct submit *s, const struct inject_shares_reply *reply,
                         const char *names, bool is_cut)
{
	const char *more = is_cut ? ", …" : "";
	struct submission *submission = s->x->run->submission;

	snprintf(submission->standing, sizeof(submission->standing),
	         "already there: %s has %lld of %lld shares, too few for the key; waiting for: "
	         "%s%s",
	         s->x->run->cluster->nodes[s->node].name, (long long)reply->shares_received,
	         (long long)reply->threshold, names, more);
	execution_skip_followers(s->x, s->step);
	execution_done(s->x, s->step, "%lld of %lld; waiting for: %s%s",
	               (long long)reply->shares_received, (long long)reply->threshold, names, more);
	submit_drop(&s);
}

static int judge_incomplete(struct submit *s, const struct inject_shares_reply *reply,
                            struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
	bool is_cut = false;

	TRY(list_missing(s, reply, &names, &is_cut, e));
	if (reply->shares_received >= reply->threshold && !reply->unresolved)
		return err_set(e, ERR_NOT_DESIRED,
		               "it says that it has %lld of %lld shares, and gives no key",
		               (long long)reply->shares_received, (long long)reply->threshold);
	if (!s->is_news && !s->is_unheard && !reply->unresolved && reply->rejected.count == 0) {
		TRY(policy_check_refused(s->x->run, s->node, "its shares are not counted", e));
		end_repeated(s, reply, buf_text(&names), is_cut);
		return 0;
	}
	/* After boot-standard a share is known to be one only by the key that it helps to make. */
	return err_set(e, ERR_WAITING, "%lld of %lld%s; waiting for: %s%s",
	               (long long)reply->shares_received, (long long)reply->threshold,
	               reply->unresolved ? ", and no set of them gives the quorum key" : "",
	               names.len ? buf_text(&names) : "a better share of one of them",
	               is_cut ? ", …" : "");
}

static void on_receipt(void *context, const struct err *failure)
{
	struct submit *s = context;
	struct err e;

	if (failure) {
		fail(s, failure);
		return;
	}
	if (policy_check_refused(s->x->run, s->node,
	                         "it is not believed, though the shares gave it the key", &e) < 0) {
		fail(s, &e);
		return;
	}
	/* Of all that were handed over: more than are needed are no fault. */
	execution_done(s->x, s->step,
	               s->received > s->threshold ? "%lld shares, of which %lld are enough"
	                                          : "%lld of %lld shares",
	               (long long)s->received, (long long)s->threshold);
	submit_drop(&s);
}

static int take_key(struct submit *s, const struct inject_shares_reply *reply, struct err *e)
{
	s->received = reply->shares_received;
	s->threshold = reply->threshold;
	return ceremony_take_key(s->x->run, s->node, &s->setup_key, reply, on_receipt, s, e);
}

/* Ends the step, or fails. */
static int judge_reply(struct submit *s, const struct inject_shares_reply *reply, struct err *e)
{
	const struct alias_item *rejected = reply->rejected.items;

	for (size_t i = 0; i < reply->rejected.count; i++)
		run_note(s->x->run, s->node, "the enclave rejected the share of %s",
		         buf_text(&rejected[i].alias));
	if (reply->reconstructed_quorum_key.len == 0)
		return judge_incomplete(s, reply, e);
	return take_key(s, reply, e);
}

static void on_submitted(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct submit *s = context;
	struct err e;

	(void)elapsed_us;
	if (failure)
		fail(s, failure);
	else if (judge_reply(s, reply, &e) < 0)
		fail(s, &e);
}

/* Also again, where they were not answered. */
static int may_send(void *context, struct err *e)
{
	const struct submit *s = context;

	return policy_check_refused(s->x->run, s->node, "no share is sent to it", e);
}

static void on_leave(void *context)
{
	const struct submit *s = context;

	ceremony_record_shares(s->x->run, s->node, &s->setup_key, &s->request);
}

static int submit(struct submit *s, struct err *e)
{
	struct inject_shares_request *q = &s->request;
	struct run *r = s->x->run;
	const struct manifest *m = &r->seen.genesis.envelope.manifest;

	TRY(wire_set(&q->namespace_name, buf_view(&m->namespace.name), e));
	q->namespace_nonce = m->namespace.nonce;
	TRY(fill_shares(s, e));
	if (q->shares.count)
		return run_exchange_as(r, s->node,
		                       &(const struct client_exchange){
		                           .api = API_INJECT_SHARES,
		                           .request = q,
		                           .may = may_send,
		                           .on_leave = on_leave,
		                           .on_done = on_submitted,
		                           .context = s,
		                       },
		                       e);
	execution_skip_followers(s->x, s->step);
	execution_done(s->x, s->step, "no bundle is for it");
	submit_drop(&s);
	return 0;
}

static int take_document(struct submit *s, const struct attestation_reply *answer, struct err *e)
{
	struct run *r = s->x->run;
	struct node_proof *proof = &r->proofs[s->node];

	TRY(policy_judge(r, s->node, buf_view(&answer->attestation_doc), VIEW_OF(s->nonce), proof,
	                 e));
	/* An older manifest may be of an image that was given up for a reason. */
	if (proof->is_older)
		return err_reason(e, ERR_ATTESTATION, "manifest",
		                  "its document carries an older manifest: nothing is for it");
	if (proof->holding != HOLDS_SETUP_KEY)
		return err_reason(e, ERR_ATTESTATION, "public_key",
		                  "its document commits to no setup key: nothing is for it");
	policy_note_seen(r, s->node, &proof->module, buf_view(&answer->attestation_doc),
	                 VIEW_OF(s->nonce));
	s->setup_key = proof->setup_key;
	return submit(s, e);
}

static void on_document(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct submit *s = context;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		fail(s, failure);
	} else if (take_document(s, reply, &e) < 0) {
		(void)err_wrap(&e, "%s", s->x->run->cluster->nodes[s->node].name);
		fail(s, &e);
	}
}

static int begin(struct submit *s, struct err *e)
{
	TRY(policy_may_seal(s->x->run, e));
	return run_ask_document(s->x->run, s->node, s->nonce, on_document, s, e);
}

int step_submit_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(submit) struct submit *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_INTERNAL, "no memory to submit shares");
	*s = (struct submit){ .x = x, .step = step, .node = x->plan->steps[step].node };
	TRY(begin(s, e));
	s = NULL; /* its callbacks' now */
	return 0;
}

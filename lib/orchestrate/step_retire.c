/* retire: an old TEE gives up the key for good. One launched here is stopped; one launched
 * elsewhere is told to wipe, and says so in a receipt that the key has signed before it went. One
 * that can't be told is for those who launched it. Whether it has a key to give up is told by its
 * document, never by what it says of itself. */
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>
#include <string.h>

struct retire {
	struct execution *x;
	size_t step, node;
	bool has_key;   /* so that there is a receipt */
	bool is_signed; /* there was one, and it was verified */
	struct hash256 manifest;
	uint8_t nonce[NONCE_LEN];
	struct node_proof proof; /* right before */
};

static void retire_drop(struct retire **t)
{
	free(*t);
	*t = NULL;
}

static const char *name_of(const struct retire *t)
{
	return t->x->run->cluster->nodes[t->node].name;
}

/* What was seen and proved of it is true no more. */
static void forget(struct run *r, size_t node, enum presence presence)
{
	struct node_seen *seen = &r->seen.nodes[node];

	seen->presence = presence;
	status_reply_drop(&seen->status);
	seen->status =
	    (struct status_reply){ .phase = presence == NODE_PRESENT ? PHASE_UNRECOVERABLE
		                                                     : PHASE_WAITING_FOR_BOOT };
	if (presence != NODE_PRESENT) {
		free(seen->url);
		seen->url = NULL;
		(void)err_set(&seen->why, ERR_UNREACHABLE, RUN_RETIRED_TEXT,
		              r->cluster->nodes[node].name);
	}
	r->proofs[node] = (struct node_proof){ 0 };
}

static int stop(struct retire *t, struct err *e)
{
	struct run *r = t->x->run;
	bool is_stopped = false;

	evidence_look_for_lives(r);
	TRY(launcher_stop(&r->state, &r->cluster->nodes[t->node], r->deadline_ms, &is_stopped, e));
	forget(r, t->node, NODE_ABSENT);
	execution_done(t->x, t->step, "stopped");
	return 0;
}

static void fail(struct retire *t, const struct err *why)
{
	execution_failed(t->x, t->step, why);
	retire_drop(&t);
}

static void finish(struct retire *t)
{
	/* One without a key signs nothing: that it did as it was told is its word. */
	forget(t->x->run, t->node, NODE_PRESENT);
	execution_done(t->x, t->step,
	               t->is_signed ? "wiped"
	                            : "by its word: it had no key to sign with that it did");
	retire_drop(&t);
}

static void on_receipt(void *context, const struct err *failure)
{
	struct retire *t = context;

	if (failure) {
		fail(t, failure);
		return;
	}
	t->is_signed = true;
	finish(t);
}

static void take_receipt(struct retire *t, const struct success_reply *answer)
{
	struct run *r = t->x->run;
	struct err e;

	if (!t->has_key && !answer->has_receipt)
		finish(t);
	else if (evidence_receipt(r,
	                          &(struct receipt_claim){
	                              .node = t->node,
	                              .kind = RECEIPT_RETIRE,
	                              .proof = &t->proof,
	                              .item = answer->has_receipt ? &answer->receipt : NULL,
	                              .manifest_hash = &t->manifest,
	                              .quorum_key = &r->seen.genesis.quorum_key,
	                              .is_proof = true,
	                          },
	                          on_receipt, t, &e) < 0)
		fail(t, &e);
}

static void on_retired(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct retire *t = context;
	struct err e;

	(void)elapsed_us;
	if (!failure) {
		take_receipt(t, reply);
	} else if (failure->code == ERR_INTERRUPTED) {
		fail(t, failure);
	} else {
		(void)err_reason(&e, ERR_NOT_DESIRED, STEP_ELSEWHERE,
		                 "%s: launched elsewhere, and whoever launched it has to stop it: "
		                 "it can't be told to wipe (%s)",
		                 name_of(t), failure->text);
		fail(t, &e);
	}
}

static int ask(struct retire *t, struct err *e)
{
	struct retire_request q;

	memcpy(q.manifest_hash, t->manifest.bytes, sizeof(q.manifest_hash));
	return run_exchange(t->x->run, t->node, API_RETIRE, &q, on_retired, t, e);
}

static int take_document(struct retire *t, struct view document, struct err *e)
{
	struct run *r = t->x->run;

	if (policy_judge(r, t->node, document, VIEW_OF(t->nonce), &t->proof, e) < 0 ||
	    policy_check_last(r, t->node, &t->proof, e) < 0)
		return err_wrap(e, "%s", name_of(t));
	evidence_document(r, t->node, document, VIEW_OF(t->nonce));
	t->has_key |= t->proof.holding == HOLDS_KEY;
	/* Its status is nobody's word. */
	if (t->proof.holding == HOLDS_SETUP_KEY || t->proof.holding == HOLDS_KEY)
		t->manifest = t->proof.manifest_hash;
	return ask(t, e);
}

static void on_document(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct retire *t = context;
	const struct attestation_reply *answer = reply;
	struct err e;

	if (failure)
		on_retired(t, NULL, failure, elapsed_us);
	else if (take_document(t, buf_view(&answer->attestation_doc), &e) < 0)
		fail(t, &e);
}

static int ask_document(struct retire *t, client_done *on_done, struct err *e)
{
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };

	TRY(policy_settle(t->x->run, e));
	TRY(random_public(t->nonce, sizeof(t->nonce), e));
	TRY(wire_set(&q.nonce, VIEW_OF(t->nonce), e));
	return run_exchange(t->x->run, t->node, API_LIVE_ATTESTATION, &q, on_done, t, e);
}

/* --- one that runs here */

/* The proof of another's that it itself has given, behind a relay; NULL: none is known. */
static const struct err *find_relayed(const struct retire *t)
{
	const struct run *r = t->x->run;

	for (size_t i = 0; i < r->cluster->node_count; i++)
		if (i != t->node && r->proofs[i].is_refused &&
		    view_equal(VIEW_OF(r->proofs[i].module.bytes), VIEW_OF(t->proof.module.bytes)))
			return &r->proofs[i].refusal;
	return NULL;
}

/* By a journal that is new it may be the very TEE that proved its key as another node. */
static int stop_silent(struct retire *t, struct err *e)
{
	if (evidence_tee_before(&t->x->run->evidence, t->node))
		return stop(t, e);
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "%s was not stopped, since it shows no document, and none is in the "
	                  "journal: one that goes on elsewhere and proved its key may lead to it; "
	                  "teectl down %s --lose-key stops it all the same",
	                  name_of(t), name_of(t));
}

/* One that can't show what it is is stopped all the same where the journal knows it: its address
 * would have been seen behind another's. */
static int stop_known(struct retire *t, const struct attestation_reply *answer, struct err *e)
{
	struct run *r = t->x->run;
	const struct err *relayed;
	struct err ignored;

	if (!answer || policy_judge(r, t->node, buf_view(&answer->attestation_doc),
	                            VIEW_OF(t->nonce), &t->proof, &ignored) < 0)
		return stop_silent(t, e);
	relayed = find_relayed(t);
	if (!relayed)
		return stop(t, e);
	evidence_document(r, t->node, buf_view(&answer->attestation_doc), VIEW_OF(t->nonce));
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "%s was not stopped, since one that goes on proved its key and not one "
	                  "of its own: %s",
	                  name_of(t), relayed->text);
}

static void on_own_document(void *context, void *reply, const struct err *failure,
                            int64_t elapsed_us)
{
	struct retire *t = context;
	struct err e;

	(void)elapsed_us;
	if (failure && failure->code == ERR_INTERRUPTED)
		execution_failed(t->x, t->step, failure);
	else if (stop_known(t, failure ? NULL : reply, &e) < 0)
		execution_failed(t->x, t->step, &e);
	retire_drop(&t);
}

/* Did a node that others launch prove the key? A relay to this one does as well. */
static bool may_be_relayed(const struct retire *t)
{
	const struct run *r = t->x->run;

	if (!node_has_key(&r->seen, t->node) && r->seen.nodes[t->node].presence != NODE_UNREACHABLE)
		return false;
	for (size_t i = 0; i < r->cluster->node_count; i++)
		if (!r->cluster->nodes[i].listen && r->proofs[i].has_key_proof)
			return true;
	return false;
}

int step_retire_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(retire) struct retire *t = calloc(1, sizeof(*t));
	const struct run *r = x->run;

	if (!t)
		return err_set(e, ERR_INTERNAL, "no memory to retire a node");
	*t = (struct retire){ .x = x, .step = step, .node = x->plan->steps[step].node };
	if (r->cluster->nodes[t->node].listen && !may_be_relayed(t))
		return stop(t, e);
	if (r->cluster->nodes[t->node].listen && r->seen.nodes[t->node].presence != NODE_PRESENT)
		return stop_silent(t, e);
	t->has_key = node_has_key(&r->seen, t->node);
	memcpy(t->manifest.bytes, r->seen.nodes[t->node].status.manifest_hash,
	       sizeof(t->manifest.bytes));
	TRY(ask_document(t, r->cluster->nodes[t->node].listen ? on_own_document : on_document, e));
	t = NULL; /* its callback's now */
	return 0;
}

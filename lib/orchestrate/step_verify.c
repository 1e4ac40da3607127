/* verify: a live attestation with a fresh nonce, judged by the cluster's policy. */
#include "base/clock.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>

struct verify {
	struct execution *x;
	size_t step, node;
	uint8_t nonce[NONCE_LEN];
	struct buf document; /* that it gave, while its status is asked once more */
};

static void verify_drop(struct verify **v)
{
	if (*v)
		buf_drop(&(*v)->document);
	free(*v);
	*v = NULL;
}

/* An enclave that this run launched and that fails is stopped: it is not what was asked for. One
 * that ran before is only named: it may be the last that has the key. */
static void stop_refused(struct execution *x, size_t step)
{
	struct run *r = x->run;
	const struct step *s = &x->plan->steps[step];
	struct node_seen *seen = &r->seen.nodes[s->node];
	bool is_stopped;
	struct err e;

	if (s->needs == STEP_NONE || x->plan->steps[s->needs].kind != STEP_LAUNCH)
		return;
	if (launcher_stop(&r->state, &r->cluster->nodes[s->node], r->deadline_ms, &is_stopped, &e) <
	    0) {
		run_note(r, s->node, "could not be stopped: %s", e.text);
		return;
	}
	run_note(r, s->node, "was stopped, since it could not be verified");
	seen->presence = NODE_ABSENT;
	(void)err_set(&seen->why, ERR_UNREACHABLE, "%s was stopped, since it could not be verified",
	              r->cluster->nodes[s->node].name);
}

static void refuse(struct verify *v, const struct err *why)
{
	struct node_proof *proof = &v->x->run->proofs[v->node];

	*proof =
	    (struct node_proof){ .is_refused = true, .refusal = *why, .module = proof->module };
	if (why->code != ERR_INTERRUPTED)
		stop_refused(v->x, v->step);
	execution_failed(v->x, v->step, why);
}

static const char *holding_text(const struct node_proof *proof)
{
	static const char *const texts[] = {
		[HOLDS_UNKNOWN] = "",
		[HOLDS_NOTHING] = "no manifest yet",
		[HOLDS_SETUP_KEY] = "this cluster's manifest, no key yet",
		[HOLDS_KEY] = "this cluster's manifest",
	};

	return proof->is_older ? "an older manifest of this cluster" : texts[proof->holding];
}

/* What the document shows is less than the node claims, or it has a key that it denies: of what it
 * claims nothing is believed. */
static int check_claim(const struct run *r, size_t node, struct err *e)
{
	const struct node_proof *proof = &r->proofs[node];
	enum standing standing = node_standing(&r->seen, node);
	bool is_less = (standing == STANDS_READY && proof->holding != HOLDS_KEY) ||
	               (standing == STANDS_WAITING && proof->holding == HOLDS_NOTHING);
	bool is_denied = standing == STANDS_EMPTY && proof->holding == HOLDS_KEY;

	if (!is_less && !is_denied)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "claim",
	                  "it says that it is in %s, but its document shows: %s",
	                  phase_name(node_phase(&r->seen, node)), holding_text(proof));
}

/* Another that holds nothing says nothing of the one that is to give up the key. */
static int check_leaving(const struct verify *v, struct err *e)
{
	const struct run *r = v->x->run;

	if (!v->x->plan->steps[v->step].is_leaving)
		return 0;
	return policy_check_last(r, v->node, &r->proofs[v->node], e);
}

static void take_note(const struct verify *v, struct view document)
{
	struct run *r = v->x->run;
	struct err ignored;

	if (!v->x->plan->steps[v->step].is_glance ||
	    policy_check_last(r, v->node, &r->proofs[v->node], &ignored) == 0)
		evidence_document(r, v->node, document, VIEW_OF(v->nonce));
}

/* Meanwhile another may have shown the same TEE. */
static int check_still(const struct verify *v, struct err *e)
{
	const struct run *r = v->x->run;

	TRY(policy_check_refused(r, v->node, "its document is not believed", e));
	TRY(check_claim(r, v->node, e));
	return check_leaving(v, e);
}

static void give_up(struct verify *v, const struct err *why)
{
	refuse(v, why);
	verify_drop(&v);
}

static void conclude(struct verify *v)
{
	struct run *r = v->x->run;
	struct err e;

	if (check_still(v, &e) < 0) {
		(void)err_wrap(&e, "%s", r->cluster->nodes[v->node].name);
		give_up(v, &e);
		return;
	}
	policy_tell_of_another(r, v->node, &r->proofs[v->node].module);
	take_note(v, buf_view(&v->document));
	execution_done(v->x, v->step, "%s", holding_text(&r->proofs[v->node]));
	verify_drop(&v);
}

/* One that can't say anything else now is held to what it said. */
static void on_status(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct verify *v = context;

	(void)elapsed_us;
	if (failure && failure->code == ERR_INTERRUPTED) {
		give_up(v, failure);
		return;
	}
	if (!failure)
		run_take_status(v->x->run, v->node, reply);
	conclude(v);
}

/* Its status is of a moment before its document, and a TEE may have been started in between: it is
 * asked once more before it is called a liar. *ret_asked: on_status takes v over */
static int ask_again(struct verify *v, bool *ret_asked, struct err *e)
{
	struct run *r = v->x->run;
	struct err contradiction;

	if (check_claim(r, v->node, &contradiction) == 0) {
		*ret_asked = false;
		return 0;
	}
	TRY(run_exchange(r, v->node, API_STATUS, NULL, on_status, v, e));
	*ret_asked = true;
	return 0;
}

static int take_document(struct verify *v, struct view document, bool *ret_asked, struct err *e)
{
	struct run *r = v->x->run;

	TRY(policy_judge(r, v->node, document, VIEW_OF(v->nonce), &r->proofs[v->node], e));
	v->document.max = DOCUMENT_MAX;
	TRY(buf_set(&v->document, document, e));
	return ask_again(v, ret_asked, e);
}

static void on_document(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct verify *v = context;
	struct attestation_reply *answer = reply;
	bool is_asked;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		give_up(v, failure);
	} else if (take_document(v, buf_view(&answer->attestation_doc), &is_asked, &e) < 0) {
		(void)err_wrap(&e, "%s", v->x->run->cluster->nodes[v->node].name);
		give_up(v, &e);
	} else if (!is_asked) {
		conclude(v);
	}
}

static int ask(struct verify *v, struct err *e)
{
	TRY(policy_settle(v->x->run, e));
	return run_ask_document(v->x->run, v->node, v->nonce, on_document, v, e);
}

int step_verify_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(verify) struct verify *v = calloc(1, sizeof(*v));

	if (!v)
		return err_set(e, ERR_INTERNAL, "no memory to verify a node");
	*v = (struct verify){ .x = x, .step = step, .node = x->plan->steps[step].node };
	if (ask(v, e) < 0) {
		x->run->proofs[v->node] = (struct node_proof){ .is_refused = true, .refusal = *e };
		return -1;
	}
	v = NULL; /* its callback's now */
	return 0;
}

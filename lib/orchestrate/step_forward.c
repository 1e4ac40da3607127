/* forward a -> b: the manifest to b; b's document, verified here before a is asked for anything;
 * the export at a, whose signature is verified with the quorum public key; the injection at b. What
 * passes through is sealed to b's attested setup key.
 *
 * The first two need no source: they are prepared while the key is still on its way to a. */
#include "base/clock.h"
#include "client/client.h"
#include "cluster/lease.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>
#include <string.h>

/* A document that was taken longer ago, or half of maxAge, is taken again: the source takes none
 * that is old. */
#define PREPARED_FRESH_MS 10000

enum forward_phase {
	FORWARD_PREPARING, /* the step has not begun: its document is on the way, */
	FORWARD_PREPARED,  /* or is there, or why not is; nothing is under way */
	FORWARD_BEGUN,
	FORWARD_ABANDONED, /* it will not begin, and an answer is still under way */
};

struct forward {
	struct execution *x;
	size_t step, source, target;
	uint8_t nonce[NONCE_LEN];
	struct buf document;         /* the target's, verified, */
	struct public_key setup_key; /* and that it commits to, whatever is believed later */
	int64_t taken_ms;            /* monotonic, when it was verified */
	struct inject_key_request sealed;
	enum forward_phase phase;
	bool has_key;       /* the document says that the target has it already */
	struct err failure; /* FORWARD_PREPARED: where there is a text, what went wrong */
};

static const char *name_of(const struct forward *f, size_t node)
{
	return f->x->run->cluster->nodes[node].name;
}

static void forward_drop(struct forward **f)
{
	struct forward *gone = *f;

	if (!gone)
		return;
	buf_drop(&gone->document);
	free(gone);
	*f = NULL;
}

static void fail(struct forward *f, const struct err *why)
{
	if (f->phase == FORWARD_PREPARING) {
		f->phase = FORWARD_PREPARED;
		f->failure = *why;
		return;
	}
	if (f->phase == FORWARD_BEGUN)
		execution_failed(f->x, f->step, why);
	forward_drop(&f);
}

/* Another source would meet it as well: an end of this run's own, or a fault here. */
static bool is_ours(const struct forward *f, const struct err *why)
{
	return why->code == ERR_INTERRUPTED || why->code == ERR_INTERNAL ||
	       strcmp(why->reason, LEASE_LOST) == 0 ||
	       (strcmp(why->reason, CLIENT_NO_TIME) == 0 &&
	        clock_monotonic_ms() >= f->x->run->deadline_ms);
}

/* The source does not answer, refuses, or answers wrongly: another that has the key takes its
 * place. */
static void fail_source(struct forward *f, const struct err *why)
{
	struct run *r = f->x->run;
	/* One whose next attempt would come too late may be well, and only busy. */
	bool is_gone = (why->code == ERR_UNREACHABLE || why->code == ERR_TRY_AGAIN) &&
	               strcmp(why->reason, CLIENT_NO_TIME) != 0;

	if (is_ours(f, why)) {
		fail(f, why);
		return;
	}
	if (is_gone) {
		r->seen.nodes[f->source].presence = NODE_UNREACHABLE;
		r->seen.nodes[f->source].why = *why;
	}
	execution_source_failed(f->x, f->step, is_gone, why);
	forward_drop(&f);
}

/* While answers were on the way, either may have turned out to be another's TEE. */
static int check_target(const struct forward *f, struct err *e)
{
	return policy_check_refused(f->x->run, f->target, "the key is not given to it", e);
}

static int check_source(const struct forward *f, struct err *e)
{
	return policy_check_refused(f->x->run, f->source, "the key is not taken from it", e);
}

/* As the export is asked for, and as the key goes to the target; also again, where it was not
 * answered. */
static int may_send(void *context, struct err *e)
{
	TRY(check_target(context, e));
	return check_source(context, e);
}

/* A target that is refused fails the step; a source makes room for another. false: f is gone */
static bool are_believed(struct forward *f)
{
	struct err e;

	if (check_target(f, &e) < 0)
		fail(f, &e);
	else if (check_source(f, &e) < 0)
		fail_source(f, &e);
	else
		return true;
	return false;
}

/* The target's receipt: that it took this very envelope, with the setup key that it attested. */
static void on_injection_receipt(void *context, const struct err *failure)
{
	struct forward *f = context;
	struct err e;

	if (failure) {
		fail(f, failure);
		return;
	}
	if (policy_check_refused(f->x->run, f->target, "it is not believed, though it took the key",
	                         &e) < 0) {
		fail(f, &e);
		return;
	}
	execution_done(f->x, f->step, "from %s", name_of(f, f->source));
	forward_drop(&f);
}

static void on_injected(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct forward *f = context;
	struct run *r = f->x->run;
	const struct success_reply *answer = reply;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		if (are_believed(f))
			fail(f, failure);
		return;
	}
	if (evidence_receipt(r,
	                     &(struct receipt_claim){
	                         .node = f->target,
	                         .kind = RECEIPT_INJECT,
	                         .item = answer->has_receipt ? &answer->receipt : NULL,
	                         .setup_key = &f->setup_key,
	                         .subject = VIEW_OF(f->sealed.encrypted_quorum_key),
	                         .manifest_hash = &r->seen.genesis.manifest_hash,
	                         .quorum_key = &r->seen.genesis.quorum_key,
	                     },
	                     on_injection_receipt, f, &e) < 0)
		fail(f, &e);
}

/* The source's receipt: that it sealed the key to the TEE of this very document. */
static void on_export_receipt(void *context, const struct err *failure)
{
	struct forward *f = context;
	struct err e;

	if (failure)
		fail_source(f, failure);
	else if (run_exchange_while(f->x->run, f->target, API_INJECT_KEY, &f->sealed, may_send,
	                            on_injected, f, &e) < 0)
		fail(f, &e);
}

static int check_export(const struct forward *f, const struct export_key_reply *answer,
                        struct err *e)
{
	struct err ignored;

	if (public_key_verify(&f->x->run->seen.genesis.quorum_key,
	                      VIEW_OF(answer->encrypted_quorum_key), VIEW_OF(answer->signature),
	                      &ignored) == 0)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "export-signature",
	                  "%s: export-key: what it exported is not signed by the quorum key",
	                  name_of(f, f->source));
}

/* What was sealed is written down also where the target is refused by now: it has left the source.
 */
static int take_export(struct forward *f, const struct export_key_reply *answer, struct err *e)
{
	struct run *r = f->x->run;
	struct view sealed = VIEW_OF(answer->encrypted_quorum_key);
	struct view signature = VIEW_OF(answer->signature);
	struct hash256 manifest = node_manifest(&r->seen, f->source);

	evidence_export(r, f->source, buf_view(&f->document), sealed, signature);
	memcpy(f->sealed.encrypted_quorum_key, sealed.data, sealed.len);
	memcpy(f->sealed.signature, signature.data, signature.len);
	return evidence_receipt(r,
	                        &(struct receipt_claim){
	                            .node = f->source,
	                            .kind = RECEIPT_EXPORT,
	                            .proof = &r->proofs[f->source],
	                            .item = answer->has_receipt ? &answer->receipt : NULL,
	                            .subject = buf_view(&f->document),
	                            .manifest_hash = &manifest,
	                            .quorum_key = &r->seen.genesis.quorum_key,
	                        },
	                        on_export_receipt, f, e);
}

static void on_exported(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct forward *f = context;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		if (are_believed(f))
			fail_source(f, failure);
		return;
	}
	if (check_source(f, &e) < 0)
		fail_source(f, &e);
	else if (check_export(f, reply, &e) < 0)
		fail_source(f, &e);
	else if (take_export(f, reply, &e) < 0)
		fail_source(f, &e);
}

static int ask_export(struct forward *f, struct err *e)
{
	AUTO(export_key_request) struct export_key_request q = { 0 };
	struct run *r = f->x->run;

	TRY(manifest_copy(&r->seen.genesis.envelope, &q.manifest_envelope, e));
	TRY(wire_set(&q.attestation_doc, buf_view(&f->document), e));
	return run_exchange_while(r, f->source, API_EXPORT_KEY, &q, may_send, on_exported, f, e);
}

/* The document is verified. f is gone, or waits for what comes next. */
static void go_on(struct forward *f)
{
	struct err e;

	switch (f->phase) {
	case FORWARD_PREPARING:
		f->phase = FORWARD_PREPARED;
		return;
	case FORWARD_PREPARED: /* nothing was under way */
		return;
	case FORWARD_BEGUN:
		if (!f->has_key) {
			if (ask_export(f, &e) < 0)
				fail_source(f, &e);
			return;
		}
		if (policy_check_refused(f->x->run, f->target, "its key is not counted", &e) < 0) {
			fail(f, &e);
			return;
		}
		execution_done(f->x, f->step, "had the key already");
		break;
	case FORWARD_ABANDONED:
		break;
	}
	forward_drop(&f);
}

static int take_document(struct forward *f, struct attestation_reply *answer, struct err *e)
{
	struct run *r = f->x->run;
	struct node_proof proof;

	if (policy_judge(r, f->target, buf_view(&answer->attestation_doc), VIEW_OF(f->nonce),
	                 &proof, e) < 0)
		return err_wrap(e, "%s", name_of(f, f->target));
	if (proof.is_older)
		return err_reason(e, ERR_ATTESTATION, "manifest",
		                  "%s: its document carries an older manifest than was shared with "
		                  "it",
		                  name_of(f, f->target));
	r->proofs[f->target] = proof;
	f->has_key = proof.holding == HOLDS_KEY;
	if (!f->has_key && proof.holding != HOLDS_SETUP_KEY)
		return err_reason(e, ERR_ATTESTATION, "public_key",
		                  "%s: its document commits to no setup key",
		                  name_of(f, f->target));
	policy_note_seen(r, f->target, &proof.module, buf_view(&answer->attestation_doc),
	                 VIEW_OF(f->nonce));
	f->setup_key = proof.setup_key;
	f->taken_ms = clock_monotonic_ms();
	return wire_set(&f->document, buf_view(&answer->attestation_doc), e);
}

static void on_document(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct forward *f = context;
	struct err e;

	(void)elapsed_us;
	if (failure)
		fail(f, failure);
	else if (take_document(f, reply, &e) < 0)
		fail(f, &e);
	else
		go_on(f);
}

static int ask_document(struct forward *f, struct err *e)
{
	AUTO(generate_attestation_request) struct generate_attestation_request q = { 0 };
	struct run *r = f->x->run;

	memcpy(q.manifest_hash, r->seen.genesis.manifest_hash.bytes, sizeof(q.manifest_hash));
	for (size_t i = 0; i < PCR_POLICY_COUNT; i++) {
		struct pcr_item *any;

		TRY(wire_list_add(&q.pcr_values, &pcr_item_schema, &any, e));
	}
	TRY(random_public(f->nonce, sizeof(f->nonce), e));
	TRY(wire_set(&q.nonce, VIEW_OF(f->nonce), e));
	q.has_nonce = true;
	return run_exchange(r, f->target, API_GENERATE_ATTESTATION, &q, on_document, f, e);
}

static void on_manifest(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct forward *f = context;
	struct err e;

	(void)reply;
	(void)elapsed_us;
	if (failure)
		fail(f, failure);
	else if (f->phase == FORWARD_ABANDONED)
		forward_drop(&f);
	else if (ask_document(f, &e) < 0)
		fail(f, &e);
}

/* The failure of one that another takes the place of is told now, and counts at the end. */
static void tell_of_change(const struct forward *f)
{
	const struct step_state *state = &f->x->states[f->step];
	const struct run *r = f->x->run;

	if (state->failure)
		run_note(
		    r, f->target, "%s %s, so the key comes from %s", name_of(f, state->last_source),
		    r->seen.nodes[state->last_source].presence == NODE_PRESENT ? "does not give it"
		                                                               : "does not answer",
		    name_of(f, f->source));
}

/* The genesis's own is in the journal with it. One with a bad approval is the target's to refuse.
 */
static void record_manifest(const struct forward *f, const struct manifest_envelope *envelope)
{
	struct err ignored;

	if (envelope->manifest_set_approvals.count &&
	    manifest_check_approvals(envelope, &envelope->manifest.manifest_set, /* needed= */ 0,
	                             &ignored) == 0)
		evidence_manifest(f->x->run, f->target, envelope);
}

static int begin(struct forward *f, struct err *e)
{
	AUTO(manifest_message) struct manifest_message q = { 0 };
	struct run *r = f->x->run;

	TRY(policy_may_seal(r, e));
	TRY(manifest_copy(&r->seen.genesis.envelope, &q.manifest_envelope, e));
	record_manifest(f, &q.manifest_envelope);
	return run_exchange(r, f->target, API_SHARE_MANIFEST, &q, on_manifest, f, e);
}

static struct forward *forward_new(struct execution *x, size_t step)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (f)
		*f = (struct forward){ .x = x, .step = step, .target = x->plan->steps[step].node };
	return f;
}

void step_forward_prepare(struct execution *x, size_t step)
{
	struct forward *f = forward_new(x, step);
	struct err e;

	x->states[step].prepared = f; /* without memory for it now, it is begun later */
	if (f && begin(f, &e) < 0)
		fail(f, &e);
}

void step_forward_abandon(void *prepared)
{
	struct forward *f = prepared;

	if (f->phase == FORWARD_PREPARED)
		forward_drop(&f);
	else
		f->phase = FORWARD_ABANDONED;
}

/* Of one that was prepared: what has failed fails now, and what is under way goes on by itself. */
static int start_prepared(struct forward *f, struct err *e)
{
	int64_t half_ms = f->x->run->cluster->attestation.max_age_ms / 2;
	int64_t fresh_ms = half_ms < PREPARED_FRESH_MS ? half_ms : PREPARED_FRESH_MS;
	bool is_old = clock_monotonic_ms() - f->taken_ms > fresh_ms;
	bool is_under_way = f->phase == FORWARD_PREPARING;

	f->phase = FORWARD_BEGUN;
	if (is_under_way)
		return 0;
	if (f->failure.text[0]) {
		*e = f->failure;
		forward_drop(&f);
		return -1;
	}
	if (!is_old) {
		go_on(f);
		return 0;
	}
	if (ask_document(f, e) == 0)
		return 0;
	forward_drop(&f);
	return -1;
}

int step_forward_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(forward) struct forward *f = execution_take_prepared(x, step);
	bool is_new = !f;

	if (is_new)
		f = forward_new(x, step);
	if (!f)
		return err_set(e, ERR_INTERNAL, "no memory to forward the key");
	f->source = x->states[step].source;
	tell_of_change(f);
	if (!is_new)
		return start_prepared(MOVE(f), e);
	f->phase = FORWARD_BEGUN;
	TRY(begin(f, e));
	f = NULL; /* its callbacks' now */
	return 0;
}

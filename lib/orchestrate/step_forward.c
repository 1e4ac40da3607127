/* forward a -> b: the manifest to b; b's document, verified here before a is asked for anything;
 * the export at a, whose signature is verified with the quorum public key; the injection at b. What
 * passes through is sealed to b's attested setup key. */
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>
#include <string.h>

struct forward {
	struct execution *x;
	size_t step, source, target;
	uint8_t nonce[NONCE_LEN];
	struct buf document; /* the target's, verified */
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
	execution_failed(f->x, f->step, why);
	forward_drop(&f);
}

/* The last TEE before the target in the chain that has the key: after a hop that failed, the one
 * before it. */
static int find_source(const struct execution *x, size_t target, size_t *ret, struct err *e)
{
	const struct plan *plan = x->plan;
	size_t source = plan->order[0];

	for (size_t i = 1; i < plan->order_count && plan->order[i] != target; i++) {
		size_t node = plan->order[i];

		if (x->run->seen.nodes[node].presence != NODE_PRESENT)
			continue;
		if (node_standing(&x->run->seen, node) == STANDS_READY)
			source = node;
		for (size_t s = 0; s < plan->count; s++)
			if (plan->steps[s].kind == STEP_FORWARD && plan->steps[s].node == node &&
			    x->states[s].status == STEP_DONE)
				source = node;
	}
	if (source == target)
		return err_set(e, ERR_INTERNAL, "a node can't be its own source");
	if (x->run->seen.nodes[source].presence != NODE_PRESENT) {
		*e = x->run->seen.nodes[source].why;
		return -1;
	}
	*ret = source;
	return 0;
}

static void on_injected(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct forward *f = context;

	(void)reply;
	(void)elapsed_us;
	if (failure) {
		fail(f, failure);
		return;
	}
	execution_done(f->x, f->step, "from %s", name_of(f, f->source));
	forward_drop(&f);
}

static int take_export(struct forward *f, const struct export_key_reply *answer, struct err *e)
{
	struct run *r = f->x->run;
	struct inject_key_request q;

	if (public_key_verify(&r->seen.genesis.quorum_key, VIEW_OF(answer->encrypted_quorum_key),
	                      VIEW_OF(answer->signature), e) < 0) {
		(void)err_reason(e, ERR_ATTESTATION, "export-signature",
		                 "%s: export-key: what it exported is not signed by the quorum key",
		                 name_of(f, f->source));
		return -1;
	}
	memcpy(q.encrypted_quorum_key, answer->encrypted_quorum_key,
	       sizeof(q.encrypted_quorum_key));
	memcpy(q.signature, answer->signature, sizeof(q.signature));
	return run_exchange(r, f->target, API_INJECT_KEY, &q, on_injected, f, e);
}

static int ask_export(struct forward *f, struct err *e);

/* The source does not answer: another that has the key takes its place, and what was lost is told
 * at the end. The target's document serves for any source. */
static int change_source(struct forward *f, const struct err *why, struct err *e)
{
	struct run *r = f->x->run;
	size_t failed = f->source;

	*e = *why;
	if (why->code != ERR_UNREACHABLE && why->code != ERR_TRY_AGAIN)
		return -1;
	r->seen.nodes[failed].presence = NODE_UNREACHABLE;
	r->seen.nodes[failed].why = *why;
	if (failed == f->x->plan->order[0])
		return -1;
	TRY(find_source(f->x, f->target, &f->source, e));
	f->x->lost = *why;
	run_note(r, f->target, "%s does not answer, so the key comes from %s", name_of(f, failed),
	         name_of(f, f->source));
	return ask_export(f, e);
}

static void on_exported(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct forward *f = context;
	struct err e;

	(void)elapsed_us;
	if (failure && change_source(f, failure, &e) < 0)
		fail(f, &e);
	else if (!failure && take_export(f, reply, &e) < 0)
		fail(f, &e);
}

static int ask_export(struct forward *f, struct err *e)
{
	AUTO(export_key_request) struct export_key_request q = { 0 };
	struct run *r = f->x->run;

	TRY(manifest_copy(&r->seen.genesis.envelope, &q.manifest_envelope, e));
	TRY(wire_set(&q.attestation_doc, buf_view(&f->document), e));
	return run_exchange(r, f->source, API_EXPORT_KEY, &q, on_exported, f, e);
}

static int take_document(struct forward *f, struct attestation_reply *answer, struct err *e)
{
	struct run *r = f->x->run;
	struct node_proof proof;

	if (policy_judge(r, f->target, buf_view(&answer->attestation_doc), VIEW_OF(f->nonce),
	                 &proof, e) < 0)
		return err_wrap(e, "%s", name_of(f, f->target));
	r->proofs[f->target] = proof;
	if (proof.holding == HOLDS_KEY) {
		execution_done(f->x, f->step, "had the key already");
		forward_drop(&f);
		return 0;
	}
	if (proof.holding != HOLDS_SETUP_KEY)
		return err_reason(e, ERR_ATTESTATION, "public_key",
		                  "%s: its document commits to no setup key",
		                  name_of(f, f->target));
	TRY(wire_set(&f->document, buf_view(&answer->attestation_doc), e));
	return ask_export(f, e);
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
	else if (ask_document(f, &e) < 0)
		fail(f, &e);
}

static int begin(struct forward *f, struct err *e)
{
	AUTO(manifest_message) struct manifest_message q = { 0 };
	struct run *r = f->x->run;

	TRY(policy_settle(r, e));
	TRY(find_source(f->x, f->target, &f->source, e));
	TRY(manifest_copy(&r->seen.genesis.envelope, &q.manifest_envelope, e));
	return run_exchange(r, f->target, API_SHARE_MANIFEST, &q, on_manifest, f, e);
}

int step_forward_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(forward) struct forward *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(e, ERR_INTERNAL, "no memory to forward the key");
	*f = (struct forward){ .x = x, .step = step, .target = x->plan->steps[step].node };
	TRY(begin(f, e));
	f = NULL; /* its callbacks' now */
	return 0;
}

/* genesis: a quorum key is born in the source. Nothing that it answers is believed but what its
 * genesis document attests (design.md, "Trust"); without that, and a second document that commits
 * to the manifest, nothing is kept and no share leaves a member. */
#include "base/file.h"
#include "base/text.h"
#include "orchestrate/believe.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>
#include <string.h>

struct genesis {
	struct execution *x;
	size_t step, node;
	uint8_t nonce[NONCE_LEN];
	struct hash256 module; /* of that document: all others must be of this TEE */
	int64_t
	    asked_ms; /* the enclave's time of a live document taken right before it was asked */
	struct genesis_reply reply;
	struct kept_genesis kept;
};

static const char *name_of(const struct genesis *g)
{
	return g->x->run->cluster->nodes[g->node].name;
}

static void genesis_drop(struct genesis **g)
{
	struct genesis *gone = *g;

	if (!gone)
		return;
	genesis_reply_drop(&gone->reply);
	kept_genesis_drop(&gone->kept);
	free(gone);
	*g = NULL;
}

static void fail(struct genesis *g, const struct err *why)
{
	execution_failed(g->x, g->step, why);
	genesis_drop(&g);
}

static int copy_members(const struct cluster_member_list *from, struct wire_list *to, struct err *e)
{
	AUTO(member_set) struct member_set set = { 0 };

	TRY(cluster_member_set(from, &set, e));
	*to = MOVE(set.members);
	return 0;
}

static int fill_request(const struct cluster *c, struct genesis_request *q, struct err *e)
{
	TRY(wire_set_text(&q->namespace_name, c->manifest.namespace_name, e));
	q->namespace_nonce = c->manifest.nonce;
	q->manifest_threshold = c->manifest_set.threshold;
	q->share_threshold = c->quorum.members.threshold;
	TRY(copy_members(&c->manifest_set, &q->manifest_members, e));
	TRY(copy_members(&c->quorum.members, &q->share_members, e));
	memcpy(q->pivot_hash, c->manifest.pivot_hash.bytes, sizeof(q->pivot_hash));
	for (size_t i = 0; i < c->manifest.pivot_arg_count; i++) {
		struct text_item *arg;

		TRY(wire_list_add(&q->pivot_args, &text_item_schema, &arg, e));
		TRY(wire_set_text(&arg->text, c->manifest.pivot_args[i], e));
	}
	if (c->quorum.dr_key) {
		struct public_key dr_key;

		TRY(public_key_read(c->quorum.dr_key, &dr_key, e));
		memcpy(q->dr_key, dr_key.bytes, sizeof(q->dr_key));
		q->has_dr_key = true;
	}
	return 0;
}

/* A relay could have the question answered by one TEE, and the members' shares sealed to another.
 */
static int check_module(const struct genesis *g, const struct hash256 *module, struct err *e)
{
	if (view_equal(VIEW_OF(module->bytes), VIEW_OF(g->module.bytes)))
		return 0;
	return err_reason(e, ERR_ATTESTATION, "module_id",
	                  "another TEE answers than the one that was asked");
}

static int finish(struct genesis *g, struct attestation_reply *answer, struct err *e)
{
	struct run *r = g->x->run;
	struct basis basis = policy_basis(r);
	struct node_proof proof;

	TRY(policy_check_refused(r, g->node, "nothing of its genesis is kept", e));
	TRY(believe_commitment(&basis, &g->kept, buf_view(&answer->attestation_doc),
	                       VIEW_OF(g->nonce), &proof, e));
	TRY(check_module(g, &proof.module, e));
	/* Another node may have shown that TEE meanwhile. */
	TRY(policy_check_module(r, g->node, &proof.module, buf_view(&answer->attestation_doc),
	                        VIEW_OF(g->nonce), e));
	r->proofs[g->node] = proof;
	/* First: a run that dies in between is followed by one that gets the same answer, and
	 * writes it down again; once it is kept, nobody asks any more. */
	evidence_genesis(r, g->node, &g->kept, g->asked_ms);
	evidence_document(r, g->node, buf_view(&answer->attestation_doc), VIEW_OF(g->nonce));
	TRY(state_keep_genesis(&r->state, &g->kept, e));
	r->has_shared_news = true;
	r->seen.genesis = MOVE(g->kept);
	r->seen.has_genesis = true;
	return 0;
}

/* Whose shares it waits for is a claim; the step that sends them needs it. */
static void on_status(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct genesis *g = context;
	char key[17];

	(void)elapsed_us;
	if (failure) {
		fail(g, failure);
		return;
	}
	run_take_status(g->x->run, g->node, reply);
	hex_write(view_new(g->x->run->seen.genesis.quorum_key.bytes + 1, 8), key);
	execution_done(g->x, g->step, "quorum key %s…", key);
	evidence_genesis_ended(g->x->run);
	genesis_drop(&g);
}

static void on_committed(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct genesis *g = context;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		fail(g, failure);
		return;
	}
	if (finish(g, reply, &e) < 0) {
		(void)err_wrap(&e, "%s: after genesis", name_of(g));
		fail(g, &e);
	} else if (run_exchange(g->x->run, g->node, API_STATUS, NULL, on_status, g, &e) < 0) {
		fail(g, &e);
	}
}

static int take_birth(struct genesis *g, struct err *e)
{
	struct basis basis = policy_basis(g->x->run);
	struct hash256 module;

	TRY(believe_genesis(&basis, &g->reply, g->asked_ms, &g->kept, e));
	TRY(believe_module(buf_view(&g->kept.document), &module, e));
	return check_module(g, &module, e);
}

static void on_born(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct genesis *g = context;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		fail(g, failure);
		return;
	}
	g->reply = MOVE(*(struct genesis_reply *)reply);
	if (take_birth(g, &e) < 0) {
		(void)err_wrap(&e, "%s: genesis", name_of(g));
		fail(g, &e);
		return;
	}
	if (run_ask_document(g->x->run, g->node, g->nonce, on_committed, g, &e) < 0)
		fail(g, &e);
}

static int ask_genesis(struct genesis *g, struct err *e)
{
	AUTO(genesis_request) struct genesis_request q = { 0 };

	TRY(fill_request(g->x->run->cluster, &q, e));
	return run_exchange(g->x->run, g->node, API_GENESIS_BOOT, &q, on_born, g, e);
}

/* Of the TEE that was verified, if it was. */
static int take_start(struct genesis *g, struct view document, struct err *e)
{
	struct run *r = g->x->run;
	struct node_proof *known = &r->proofs[g->node];
	struct basis basis = policy_basis(r);

	TRY(believe_start(&basis, document, VIEW_OF(g->nonce), &g->asked_ms, e));
	TRY(believe_module(document, &g->module, e));
	TRY(policy_check_module(r, g->node, &g->module, document, VIEW_OF(g->nonce), e));
	/* What it was refused for before counts no more; what it is refused for from now on does.
	 */
	if (known->is_refused)
		*known = (struct node_proof){ 0 };
	return known->holding == HOLDS_UNKNOWN ? 0 : check_module(g, &known->module, e);
}

static void on_alive(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct genesis *g = context;
	struct attestation_reply *answer = reply;
	struct run *r = g->x->run;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		fail(g, failure);
		return;
	}
	if (take_start(g, buf_view(&answer->attestation_doc), &e) < 0) {
		(void)err_wrap(&e, "%s: before genesis", name_of(g));
		fail(g, &e);
		return;
	}
	evidence_document(r, g->node, buf_view(&answer->attestation_doc), VIEW_OF(g->nonce));
	if (state_keep_asked(&r->state, &g->asked_ms, &e) < 0 || ask_genesis(g, &e) < 0)
		fail(g, &e);
}

static int begin(struct genesis *g, struct err *e)
{
	TRY(policy_settle(g->x->run, e));
	return run_ask_document(g->x->run, g->node, g->nonce, on_alive, g, e);
}

int step_genesis_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(genesis) struct genesis *g = calloc(1, sizeof(*g));

	if (!g)
		return err_set(e, ERR_INTERNAL, "no memory for a genesis");
	*g = (struct genesis){ .x = x, .step = step, .node = x->plan->steps[step].node };
	TRY(begin(g, e));
	g = NULL; /* its callbacks' now */
	return 0;
}

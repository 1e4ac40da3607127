/* boot: a quorum of which no TEE is left is restarted on a fresh, verified one by its approved
 * manifest. What it answers is believed for its document: this manifest, and a setup key committed
 * to, by the very TEE that was verified. */
#include "orchestrate/approve.h"
#include "orchestrate/believe.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>

struct boot {
	struct execution *x;
	size_t step, node;
	size_t approvals;
};

static void boot_drop(struct boot **b)
{
	free(*b);
	*b = NULL;
}

static void fail(struct boot *b, const struct err *why)
{
	execution_failed(b->x, b->step, why);
	boot_drop(&b);
}

static int take_document(struct boot *b, const struct attestation_reply *answer, struct err *e)
{
	struct run *r = b->x->run;
	struct node_proof *known = &r->proofs[b->node];
	struct basis basis = policy_basis(r);
	struct view no_nonce = { 0 };
	struct node_proof proof;

	TRY(policy_check_refused(r, b->node, "its document after boot-standard counts for nothing",
	                         e));
	if (believe_commitment(&basis, &r->seen.genesis, buf_view(&answer->attestation_doc),
	                       no_nonce, &proof, e) < 0)
		return err_wrap(e, "%s: after boot-standard", r->cluster->nodes[b->node].name);
	if (!view_equal(VIEW_OF(proof.module.bytes), VIEW_OF(known->module.bytes)))
		return err_reason(e, ERR_ATTESTATION, "module_id",
		                  "%s: after boot-standard: another TEE answers than the one that "
		                  "was verified",
		                  r->cluster->nodes[b->node].name);
	*known = proof;
	return 0;
}

/* Whose shares it waits for is a claim; the step that sends them needs it. */
static void on_status(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct boot *b = context;

	(void)elapsed_us;
	if (failure) {
		fail(b, failure);
		return;
	}
	run_take_status(b->x->run, b->node, reply);
	execution_done(b->x, b->step, "by %zu approvals", b->approvals);
	boot_drop(&b);
}

static void on_booted(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct boot *b = context;
	struct err e;

	(void)elapsed_us;
	if (failure)
		fail(b, failure);
	else if (take_document(b, reply, &e) < 0 ||
	         run_exchange(b->x->run, b->node, API_STATUS, NULL, on_status, b, &e) < 0)
		fail(b, &e);
}

static int begin(struct boot *b, struct err *e)
{
	AUTO(manifest_message) struct manifest_message q = { 0 };
	struct run *r = b->x->run;

	TRY(policy_may_seal(r, e));
	TRY(policy_check_refused(r, b->node, "the quorum is not restarted on it", e));
	if (r->proofs[b->node].holding != HOLDS_NOTHING)
		return err_set(e, ERR_NOT_DESIRED,
		               "%s holds a manifest already: teectl status says what it waits for",
		               r->cluster->nodes[b->node].name);
	TRY(approvals_gather(r, b->node, &q.manifest_envelope, e));
	evidence_manifest(r, b->node, &q.manifest_envelope);
	b->approvals = q.manifest_envelope.manifest_set_approvals.count;
	if (r->seen.genesis.is_foreign)
		run_note(
		    r, b->node,
		    "the quorum was born elsewhere and no genesis here attests its key: that it "
		    "is this key and these members is the cluster file's word, that it is this "
		    "manifest their approvals'");
	return run_exchange(r, b->node, API_BOOT_STANDARD, &q, on_booted, b, e);
}

int step_boot_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(boot) struct boot *b = calloc(1, sizeof(*b));

	if (!b)
		return err_set(e, ERR_INTERNAL, "no memory to restart a quorum");
	*b = (struct boot){ .x = x, .step = step, .node = x->plan->steps[step].node };
	TRY(begin(b, e));
	b = NULL; /* its callbacks' now */
	return 0;
}

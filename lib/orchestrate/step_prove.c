/* prove: prove-key with a fresh challenge. The document shows that the answer comes from a TEE that
 * the policy accepts and that holds this manifest; the signature over it, that the TEE has the key.
 */
#include "orchestrate/believe.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>
#include <string.h>

struct prove {
	struct execution *x;
	size_t step, node;
	uint8_t challenge[32];
};

static void prove_drop(struct prove **p)
{
	free(*p);
	*p = NULL;
}

static int judge(struct prove *p, const struct prove_key_reply *answer, struct err *e)
{
	struct run *r = p->x->run;
	struct node_proof proof;

	TRY(policy_judge(r, p->node, buf_view(&answer->attestation_doc), VIEW_OF(p->challenge),
	                 &proof, e));
	if (proof.holding != HOLDS_KEY)
		return err_reason(e, ERR_ATTESTATION, "user_data",
		                  "the key proof's document does not carry this cluster's manifest "
		                  "as a provisioned TEE's does");
	TRY(believe_proof(&r->seen.genesis.quorum_key, answer, p->challenge, &proof.manifest_hash,
	                  e));
	evidence_proof(r, p->node, VIEW_OF(p->challenge), buf_view(&answer->attestation_doc),
	               VIEW_OF(answer->signature));
	proof.has_key_proof = true;
	r->proofs[p->node] = proof;
	return 0;
}

/* A TEE that has retired, or begun anew, shows the same document as one that has the key: the setup
 * key is gone. What tells them apart is its own answer here. */
static bool is_without_key(const struct err *failure)
{
	return failure->code == ERR_PHASE || failure->code == ERR_NO_MANIFEST;
}

static void on_proof(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct prove *p = context;
	struct node_proof *proof = &p->x->run->proofs[p->node];
	struct err e;

	(void)elapsed_us;
	if (failure) {
		if (is_without_key(failure))
			*proof = (struct node_proof){ .is_refused = true, .refusal = *failure };
		execution_failed(p->x, p->step, failure);
	} else if (judge(p, reply, &e) < 0) {
		(void)err_wrap(&e, "%s: prove-key", p->x->run->cluster->nodes[p->node].name);
		*proof = (struct node_proof){ .is_refused = true, .refusal = e };
		execution_failed(p->x, p->step, &e);
	} else {
		execution_done(p->x, p->step, "holds the quorum key");
	}
	prove_drop(&p);
}

static int ask(struct prove *p, struct err *e)
{
	struct run *r = p->x->run;
	struct prove_key_request q;

	TRY(policy_settle(r, e));
	if (!r->seen.has_genesis)
		return err_set(e, ERR_NOT_DESIRED,
		               "%s: there has been no genesis, so there is no key to prove: "
		               "teectl genesis",
		               r->cluster->nodes[p->node].name);
	TRY(random_public(p->challenge, sizeof(p->challenge), e));
	memcpy(q.challenge, p->challenge, sizeof(q.challenge));
	return run_exchange(r, p->node, API_PROVE_KEY, &q, on_proof, p, e);
}

int step_prove_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(prove) struct prove *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(e, ERR_INTERNAL, "no memory to prove a key");
	*p = (struct prove){ .x = x, .step = step, .node = x->plan->steps[step].node };
	TRY(ask(p, e));
	p = NULL; /* its callbacks' now */
	return 0;
}

/* request: the live attestation document of a TEE that waits for shares, judged and kept, for
 * members who will judge it again by themselves. */
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdlib.h>

struct request {
	struct execution *x;
	size_t step, node;
	uint8_t nonce[NONCE_LEN];
};

static void request_drop(struct request **q)
{
	free(*q);
	*q = NULL;
}

static int take_document(struct request *q, const struct attestation_reply *answer, struct err *e)
{
	struct run *r = q->x->run;
	struct node_proof *proof = &r->proofs[q->node];
	struct view document = buf_view(&answer->attestation_doc);

	TRY(policy_judge(r, q->node, document, VIEW_OF(q->nonce), proof, e));
	/* An older manifest may be of an image that was given up for a reason. */
	if (proof->is_older)
		return err_reason(
		    e, ERR_ATTESTATION, "manifest",
		    "its document carries an older manifest: nothing is sealed to it");
	if (proof->holding != HOLDS_SETUP_KEY)
		return err_reason(e, ERR_ATTESTATION, "public_key",
		                  "its document commits to no setup key: nothing can be sealed to "
		                  "it");
	return buf_set(&r->documents[q->node], document, e);
}

static void on_document(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct request *q = context;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		execution_failed(q->x, q->step, failure);
	} else if (take_document(q, reply, &e) < 0) {
		(void)err_wrap(&e, "%s", q->x->run->cluster->nodes[q->node].name);
		execution_failed(q->x, q->step, &e);
	} else {
		execution_done(q->x, q->step, "it commits to its setup key");
	}
	request_drop(&q);
}

static int begin(struct request *q, struct err *e)
{
	TRY(policy_settle(q->x->run, e));
	return run_ask_document(q->x->run, q->node, q->nonce, on_document, q, e);
}

int step_request_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(request) struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return err_set(e, ERR_INTERNAL, "no memory for a request");
	*q = (struct request){ .x = x, .step = step, .node = x->plan->steps[step].node };
	TRY(begin(q, e));
	q = NULL; /* its callback's now */
	return 0;
}

#include "orchestrate/fetch.h"

void fetched_drop(struct fetched *f)
{
	buf_drop(&f->document);
	*f = (struct fetched){ 0 };
}

static int ask(struct run *r, size_t node, struct view nonce, struct attestation_reply *ret,
               struct err *e)
{
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };
	const struct client_exchange exchange = {
		.node = r->cluster->nodes[node].name,
		.url = r->seen.nodes[node].url,
		.api = API_LIVE_ATTESTATION,
		.request = &q,
	};

	if (!exchange.url) {
		*e = r->seen.nodes[node].why;
		return -1;
	}
	TRY(wire_set(&q.nonce, nonce, e));
	return client_call(r->client, &exchange, r->deadline_ms, ret, e);
}

int fetch_document(struct run *r, size_t node, struct fetched *ret, struct err *e)
{
	AUTO(attestation_reply) struct attestation_reply answer = { 0 };
	AUTO(fetched) struct fetched f = { .document = BUF_INIT(DOCUMENT_MAX) };

	TRY(policy_settle(r, e));
	TRY(random_public(f.nonce, sizeof(f.nonce), e));
	TRY(ask(r, node, VIEW_OF(f.nonce), &answer, e));
	if (policy_judge(r, node, buf_view(&answer.attestation_doc), VIEW_OF(f.nonce), &f.proof,
	                 e) < 0)
		return err_wrap(e, "%s", r->cluster->nodes[node].name);
	TRY(buf_set(&f.document, buf_view(&answer.attestation_doc), e));
	*ret = MOVE(f);
	return 0;
}

/* Seed phrases. Neither question nor answer is logged. */
#include "base/text.h"
#include "crypto/bip39.h"
#include "enclave/call.h"

#include <string.h>

#define STRENGTH_DEFAULT 256

int check_generate_seed(const void *request, struct err *e)
{
	const struct generate_seed_request *q = request;

	if (q->has_type != q->has_data)
		return err_set(e, ERR_REQUEST, "%s: expected beside %s, missing",
		               q->has_type ? "seed_data" : "seed_type",
		               q->has_type ? "seed_type" : "seed_data");
	return q->has_strength ? seed_strength_check(q->strength, e) : 0;
}

static int answer(const struct secret *entropy, struct generate_seed_reply *reply, struct err *e)
{
	AUTO(secret) struct secret phrase = { 0 };

	TRY(bip39_format(entropy, &phrase, e));
	TRY(wire_set(&reply->seed_phrase, secret_view(&phrase), e));
	reply->entropy.max = 2 * entropy->len;
	TRY(hex_format(secret_view(entropy), &reply->entropy, e));
	reply->strength = (int64_t)entropy->len * 8;
	reply->word_count = (int64_t)entropy->len * 3 / 4; /* 3 words for each 4 bytes */
	return 0;
}

int serve_generate_seed(struct call *c, struct err *e)
{
	AUTO(secret) struct secret entropy = { 0 };
	const struct generate_seed_request *q = c->request;
	unsigned strength = q->has_strength ? (unsigned)q->strength : STRENGTH_DEFAULT;

	if (q->has_type)
		TRY(seed_derive(key_set_seed(c->enclave->state.quorum_key), buf_view(&q->seed_type),
		                buf_view(&q->seed_data), strength, &entropy, e));
	else
		TRY(entropy_draw(&c->enclave->entropy, "generate-seed", strength / 8, &entropy, e));
	return answer(&entropy, c->reply, e);
}

int serve_validate_seed(struct call *c, struct err *e)
{
	const struct validate_seed_request *q = c->request;
	struct validate_seed_reply *reply = c->reply;
	unsigned words;

	(void)e;
	reply->valid = bip39_is_valid(buf_view(&q->seed_phrase), &words);
	reply->word_count = words;
	return 0;
}

#include "enclave/entropy.h"

#include <string.h>

#define SALT       "teectl-random-v1"
#define SOURCE_LEN 64 /* bytes of each source: the output of the HMAC that extracts */

static int ask_nsm(struct nsm *nsm, uint8_t *to, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct nsm_response r;

	TRY(nsm_ask(nsm, &q, &memory, &r, e));
	if (r.data.len < SOURCE_LEN)
		return err_set(e, ERR_ENCLAVE, "the NSM gave %zu random bytes, %d needed",
		               r.data.len, SOURCE_LEN);
	memcpy(to, r.data.data, SOURCE_LEN);
	return 0;
}

static int draw(void *context, const char *purpose, size_t len, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret system = { 0 }, both = { 0 };

	TRY(entropy_draw(&entropy_system, purpose, SOURCE_LEN, &system, e));
	TRY(secret_alloc(2 * SOURCE_LEN, &both, e));
	memcpy(both.data, system.data, SOURCE_LEN);
	TRY(ask_nsm(context, both.data + SOURCE_LEN, e));
	return hkdf_sha512(view_text(SALT), secret_view(&both), view_text(purpose), len, ret, e);
}

struct entropy enclave_entropy(struct nsm *nsm)
{
	return (struct entropy){ .draw = draw, .context = nsm };
}

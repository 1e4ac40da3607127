#include "enclave/entropy.h"

#include <string.h>

#define SALT "teectl-random-v1"

static int ask_nsm(struct nsm *nsm, uint8_t *to, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct nsm_response r;

	TRY(nsm_ask(nsm, &q, &memory, &r, e));
	if (r.data.len < ENTROPY_SOURCE_LEN)
		return err_set(e, ERR_ENCLAVE, "the NSM gave %zu random bytes, %d needed",
		               r.data.len, ENTROPY_SOURCE_LEN);
	memcpy(to, r.data.data, ENTROPY_SOURCE_LEN);
	return 0;
}

int entropy_mix(const uint8_t system[static ENTROPY_SOURCE_LEN],
                const uint8_t nsm[static ENTROPY_SOURCE_LEN], const char *purpose, size_t len,
                struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret both = { 0 };

	TRY(secret_alloc(2 * ENTROPY_SOURCE_LEN, &both, e));
	memcpy(both.data, system, ENTROPY_SOURCE_LEN);
	memcpy(both.data + ENTROPY_SOURCE_LEN, nsm, ENTROPY_SOURCE_LEN);
	return hkdf_sha512(view_text(SALT), secret_view(&both), view_text(purpose), len, ret, e);
}

static int draw(void *context, const char *purpose, size_t len, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret system = { 0 }, nsm = { 0 };

	TRY(entropy_draw(&entropy_system, purpose, ENTROPY_SOURCE_LEN, &system, e));
	TRY(secret_alloc(ENTROPY_SOURCE_LEN, &nsm, e));
	TRY(ask_nsm(context, nsm.data, e));
	return entropy_mix(system.data, nsm.data, purpose, len, ret, e);
}

struct entropy enclave_entropy(struct nsm *nsm)
{
	return (struct entropy){ .draw = draw, .context = nsm };
}

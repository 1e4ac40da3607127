#include "enclave/own_time.h"

#include "base/clock.h"

void own_time_init(struct own_time *t)
{
	*t = (struct own_time){ .is_known = false };
	pthread_mutex_init(&t->lock, NULL);
}

void own_time_drop(struct own_time *t)
{
	pthread_mutex_destroy(&t->lock);
}

void own_time_set(struct own_time *t, int64_t document_ms, int64_t asked_ms)
{
	pthread_mutex_lock(&t->lock);
	t->is_known = true;
	t->document_ms = document_ms;
	t->asked_ms = asked_ms;
	pthread_mutex_unlock(&t->lock);
}

static int ask(struct nsm *nsm, int64_t *ret_ms, struct err *e)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct nsm_request q = { .operation = NSM_ATTESTATION };

	TRY(nsm_attest(nsm, &q, &document, e));
	TRY(attestation_parse(buf_view(&document), &claims, e));
	*ret_ms = claims.timestamp_ms;
	return 0;
}

bool own_time_peek(struct own_time *t, int64_t *ret_ms)
{
	int64_t since_ms;
	bool is_fresh;

	pthread_mutex_lock(&t->lock);
	since_ms = clock_since_boot_ms() - t->asked_ms;
	*ret_ms = t->document_ms + since_ms;
	is_fresh = t->is_known && since_ms <= OWN_TIME_MAX_AGE_MS;
	pthread_mutex_unlock(&t->lock);
	return is_fresh;
}

int own_time_now(struct own_time *t, struct nsm *nsm, int64_t *ret_ms, struct err *e)
{
	int64_t before = clock_since_boot_ms(), document_ms, now_ms;
	struct err cause;

	if (own_time_peek(t, &now_ms)) {
		*ret_ms = now_ms;
		return 0;
	}
	if (ask(nsm, &document_ms, &cause) < 0)
		return err_set(e, ERR_ENCLAVE, "the time of the NSM: %s", cause.text);
	own_time_set(t, document_ms, before);
	*ret_ms = document_ms;
	return 0;
}

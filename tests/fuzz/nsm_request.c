/* nsm_request_decode and nsm_response_decode: what is taken comes back the same through the
 * encoder. */
#include "attest/nsm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool field_equal(const struct document_field *a, const struct document_field *b)
{
	return a->is_present == b->is_present && view_equal(a->value, b->value);
}

static void try_request(struct view bytes)
{
	AUTO(buf) struct buf encoded = BUF_INIT(1u << 20);
	struct nsm_request q, again;
	struct err e = { 0 };

	if (nsm_request_decode(bytes, &q, &e) < 0) {
		check(e.code == ERR_DATA);
		return;
	}
	check(nsm_request_encode(&q, &encoded, &e) == 0);
	check(nsm_request_decode(buf_view(&encoded), &again, &e) == 0);
	check(q.operation == again.operation && q.index == again.index);
	check(view_equal(q.data, again.data) && field_equal(&q.nonce, &again.nonce));
	check(field_equal(&q.user_data, &again.user_data));
	check(field_equal(&q.public_key, &again.public_key));
}

static void try_response(struct view bytes, enum nsm_operation asked)
{
	AUTO(buf) struct buf encoded = BUF_INIT(1u << 20);
	struct nsm_response r, again;
	struct err e = { 0 };

	if (nsm_response_decode(bytes, asked, &r, &e) < 0) {
		check(e.code == ERR_DATA);
		return;
	}
	check(nsm_response_encode(&r, &encoded, &e) == 0);
	check(nsm_response_decode(buf_view(&encoded), asked, &again, &e) == 0);
	check(r.error == again.error && r.operation == again.operation);
	check(r.max_pcrs == again.max_pcrs && r.locked_pcrs == again.locked_pcrs);
	check(r.is_locked == again.is_locked && view_equal(r.data, again.data));
	check(view_equal(r.module_id, again.module_id) && view_equal(r.digest, again.digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view bytes = view_new(data, size);

	try_request(bytes);
	for (unsigned asked = 0; asked < NSM_OPERATION_COUNT; asked++)
		try_response(bytes, asked);
	return 0;
}

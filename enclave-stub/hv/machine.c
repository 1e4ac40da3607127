#include "hv/machine.h"

#include "attest/document_sign.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ALL_PCRS      UINT32_MAX
#define MODULE_RANDOM 8

_Static_assert(PCR_COUNT == 32, "one bit of uint32_t for each PCR");

void machine_init(struct machine *m, const struct measurement *measured, const char *module_id,
                  const struct entropy *entropy)
{
	*m = (struct machine){
		.locked = (UINT32_C(1) << MACHINE_FIXED_PCRS) - 1,
		.entropy = entropy,
	};
	snprintf(m->module_id, sizeof(m->module_id), "%s", module_id);
	for (size_t i = 0; i < PCR_COUNT; i++)
		pcr_zero(&m->pcrs.values[i]);
	m->pcrs.values[PCR_ROLE] = measured->role;
	m->pcrs.values[PCR_INSTANCE] = measured->instance;
	if (measured->is_debug)
		return;
	m->pcrs.values[PCR_IMAGE] = measured->image;
	m->pcrs.values[PCR_RUNTIME] = measured->runtime;
	m->pcrs.values[PCR_OPTIONS] = measured->options;
}

void machine_drop(struct machine *m)
{
	identity_drop(&m->identity);
}

void machine_take_identity(struct machine *m, struct identity *identity)
{
	identity_drop(&m->identity);
	m->identity = MOVE(*identity);
}

int module_id_new(char ret[static MODULE_ID_LEN], struct err *e)
{
	uint8_t host[MODULE_RANDOM], enclave[MODULE_RANDOM];
	char host_hex[2 * MODULE_RANDOM + 1], enclave_hex[2 * MODULE_RANDOM + 1];

	TRY(random_public(host, sizeof(host), e));
	TRY(random_public(enclave, sizeof(enclave), e));
	hex_write(VIEW_OF(host), host_hex);
	hex_write(VIEW_OF(enclave), enclave_hex);
	snprintf(ret, MODULE_ID_LEN, "i-teectlsim%s-enc%s", host_hex, enclave_hex);
	return 0;
}

static bool is_locked(const struct machine *m, uint16_t index)
{
	return m->locked >> index & 1;
}

struct question {
	struct nsm_request request;
	int64_t now_ms;
	struct buf memory; /* for what an answer's views point into, if not the machine */
};

static void question_drop(struct question *q)
{
	buf_drop(&q->memory);
}

/* Each operation fills its answer in, or says by name why it does not. */
typedef enum nsm_error operation(struct machine *m, struct question *q, struct nsm_response *ret);

static enum nsm_error describe_nsm(struct machine *m, struct question *q, struct nsm_response *ret)
{
	(void)q;
	ret->version_major = 1;
	ret->module_id = view_text(m->module_id);
	ret->digest = view_text("SHA384");
	ret->max_pcrs = PCR_COUNT;
	ret->locked_pcrs = m->locked;
	return NSM_ERROR_Success;
}

static enum nsm_error get_random(struct machine *m, struct question *q, struct nsm_response *ret)
{
	AUTO(secret) struct secret random = { 0 };
	struct err e;

	if (entropy_draw(m->entropy, "nsm-random", NSM_RANDOM_LEN, &random, &e) < 0 ||
	    buf_set(&q->memory, secret_view(&random), &e) < 0)
		return NSM_ERROR_InternalError;
	ret->data = buf_view(&q->memory);
	return NSM_ERROR_Success;
}

static enum nsm_error describe_pcr(struct machine *m, struct question *q, struct nsm_response *ret)
{
	if (q->request.index >= PCR_COUNT)
		return NSM_ERROR_InvalidIndex;
	ret->is_locked = is_locked(m, q->request.index);
	ret->data = pcr_view(&m->pcrs.values[q->request.index]);
	return NSM_ERROR_Success;
}

static enum nsm_error extend_pcr(struct machine *m, struct question *q, struct nsm_response *ret)
{
	struct err e;

	if (q->request.index >= PCR_COUNT)
		return NSM_ERROR_InvalidIndex;
	if (is_locked(m, q->request.index))
		return NSM_ERROR_ReadOnlyIndex;
	if (q->request.data.len == 0)
		return NSM_ERROR_InvalidArgument;
	if (pcr_extend(&m->pcrs.values[q->request.index], q->request.data, &e) < 0)
		return NSM_ERROR_InternalError;
	ret->data = pcr_view(&m->pcrs.values[q->request.index]);
	return NSM_ERROR_Success;
}

static enum nsm_error lock_pcr(struct machine *m, struct question *q, struct nsm_response *ret)
{
	(void)ret;
	if (q->request.index >= PCR_COUNT)
		return NSM_ERROR_InvalidIndex;
	if (is_locked(m, q->request.index))
		return NSM_ERROR_ReadOnlyIndex;
	m->locked |= UINT32_C(1) << q->request.index;
	return NSM_ERROR_Success;
}

static enum nsm_error lock_pcrs(struct machine *m, struct question *q, struct nsm_response *ret)
{
	(void)ret;
	if (q->request.index > PCR_COUNT)
		return NSM_ERROR_InvalidIndex;
	m->locked |=
	    q->request.index == PCR_COUNT ? ALL_PCRS : (UINT32_C(1) << q->request.index) - 1;
	return NSM_ERROR_Success;
}

static bool is_outside(const struct document_field *field, size_t min, size_t max)
{
	return field->is_present && (field->value.len < min || field->value.len > max);
}

static enum nsm_error attest(struct machine *m, struct question *q, struct nsm_response *ret)
{
	struct pcr_set listed = { 0 };
	struct document_content content = {
		.module_id = m->module_id,
		.timestamp_ms = q->now_ms,
		.pcrs = &listed,
		.cabundle = { buf_view(&m->identity.root), buf_view(&m->identity.platform) },
		.cabundle_count = 2,
		.public_key = q->request.public_key,
		.user_data = q->request.user_data,
		.nonce = q->request.nonce,
	};
	struct err e;

	if (is_outside(&q->request.user_data, 0, DOCUMENT_USER_DATA_MAX) ||
	    is_outside(&q->request.nonce, 0, DOCUMENT_NONCE_MAX) ||
	    is_outside(&q->request.public_key, 1, DOCUMENT_PUBLIC_KEY_MAX))
		return NSM_ERROR_InvalidArgument;
	for (uint16_t i = 0; i < PCR_COUNT; i++)
		if (is_locked(m, i))
			listed.values[i] = m->pcrs.values[i];
	if (document_sign(&content, m->identity.leaf, &q->memory, &e) < 0)
		return NSM_ERROR_InternalError;
	ret->data = buf_view(&q->memory);
	return NSM_ERROR_Success;
}

static operation *const operations[NSM_OPERATION_COUNT] = {
	[NSM_DESCRIBE_NSM] = describe_nsm, [NSM_GET_RANDOM] = get_random,
	[NSM_DESCRIBE_PCR] = describe_pcr, [NSM_EXTEND_PCR] = extend_pcr,
	[NSM_LOCK_PCR] = lock_pcr,         [NSM_LOCK_PCRS] = lock_pcrs,
	[NSM_ATTESTATION] = attest,
};

static enum nsm_error decide(struct machine *m, struct view bytes, struct question *q,
                             struct nsm_response *ret)
{
	struct err e;

	if (bytes.len > NSM_REQUEST_MAX)
		return NSM_ERROR_InputTooLarge;
	if (nsm_request_decode(bytes, &q->request, &e) < 0)
		return NSM_ERROR_InvalidOperation;
	ret->operation = q->request.operation;
	return operations[q->request.operation](m, q, ret);
}

int machine_answer(struct machine *m, struct view request, int64_t now_ms, struct buf *ret,
                   struct err *e)
{
	AUTO(question)
	struct question q = {
		.now_ms = now_ms,
		.memory = BUF_INIT(DOCUMENT_MAX),
	};
	struct nsm_response response = { 0 };
	struct err unfit;

	response.error = decide(m, request, &q, &response);
	if (response.error == NSM_ERROR_Success && nsm_response_encode(&response, ret, &unfit) == 0)
		return 0;
	if (response.error == NSM_ERROR_Success)
		response.error = NSM_ERROR_InternalError;
	return nsm_response_encode(&response, ret, e);
}

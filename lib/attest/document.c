#include "attest/document.h"

#include "attest/cbor.h"
#include "attest/cose.h"

#include <string.h>

void attestation_claims_drop(struct attestation_claims *c)
{
	buf_drop(&c->bytes);
	buf_drop(&c->joined);
	buf_drop(&c->joined_payload);
	*c = (struct attestation_claims){ 0 };
}

void attestation_drop(struct attestation *a)
{
	buf_drop(&a->module_id);
	buf_drop(&a->public_key_bytes);
	buf_drop(&a->user_data);
	buf_drop(&a->nonce);
	buf_drop(&a->root);
	*a = (struct attestation){ 0 };
}

static int refuse_payload(struct err *e, const char *what)
{
	return err_reason(e, ERR_ATTESTATION, "payload:structure",
	                  "attestation document: payload: %s", what);
}

/* The payload as CBOR: every field there and of its type. What the values are is not judged yet. */
struct payload {
	struct cbor cbor;
	const struct cbor_item *module_id, *digest, *timestamp, *pcrs, *certificate, *cabundle;
	const struct cbor_item *public_key, *user_data, *nonce; /* NULL or null: none */
};

static int take_field(const struct cbor_item *map, const char *name, enum cbor_kind kind,
                      const struct cbor_item **ret, struct err *e)
{
	const struct cbor_item *value = cbor_find(map, name);

	if (!value || value->kind != kind)
		return err_reason(e, ERR_ATTESTATION, "payload:structure",
		                  "attestation document: payload: %s is %s", name,
		                  value ? "of another type" : "missing");
	*ret = value;
	return 0;
}

static int take_optional(const struct cbor_item *map, const char *name,
                         const struct cbor_item **ret, struct err *e)
{
	const struct cbor_item *value = cbor_find(map, name);

	*ret = NULL;
	if (!value || value->kind == CBOR_NULL)
		return 0;
	return take_field(map, name, CBOR_BYTES, ret, e);
}

static int check_elements(const struct payload *p, struct err *e)
{
	const struct cbor_item *at = cbor_first(p->pcrs);

	for (uint64_t i = 0; i < p->pcrs->number; i++) {
		const struct cbor_item *value = cbor_after(at);

		if (at->kind != CBOR_UINT || value->kind != CBOR_BYTES)
			return refuse_payload(e, "pcrs is not a map from numbers to bytes");
		at = cbor_after(value);
	}
	at = cbor_first(p->cabundle);
	for (uint64_t i = 0; i < p->cabundle->number; i++, at = cbor_after(at))
		if (at->kind != CBOR_BYTES)
			return refuse_payload(e, "cabundle is not an array of bytes");
	return 0;
}

static int payload_parse(struct view bytes, struct buf *joined, struct payload *ret, struct err *e)
{
	const struct cbor_item *map = ret->cbor.items, *key;
	struct err why;

	if (cbor_parse_joining(bytes, joined, &ret->cbor, &why) < 0)
		return refuse_payload(e, why.text);
	if (ret->cbor.rest.len)
		return refuse_payload(e, "bytes after its end");
	if (map->kind != CBOR_MAP)
		return refuse_payload(e, "not a map");
	key = cbor_first(map);
	for (uint64_t i = 0; i < map->number; i++, key = cbor_after(cbor_after(key)))
		if (key->kind != CBOR_TEXT)
			return refuse_payload(e, "a key is no text");
	TRY(take_field(map, "module_id", CBOR_TEXT, &ret->module_id, e));
	TRY(take_field(map, "digest", CBOR_TEXT, &ret->digest, e));
	TRY(take_field(map, "timestamp", CBOR_UINT, &ret->timestamp, e));
	TRY(take_field(map, "pcrs", CBOR_MAP, &ret->pcrs, e));
	TRY(take_field(map, "certificate", CBOR_BYTES, &ret->certificate, e));
	TRY(take_field(map, "cabundle", CBOR_ARRAY, &ret->cabundle, e));
	TRY(take_optional(map, "public_key", &ret->public_key, e));
	TRY(take_optional(map, "user_data", &ret->user_data, e));
	TRY(take_optional(map, "nonce", &ret->nonce, e));
	return check_elements(ret, e);
}

/* One value that is refused ends a parse. Who only reads, to whom fault is not NULL, goes on
 * without it, and the first stands there. */
static int pass(struct err *fault, int outcome, struct err *e)
{
	if (outcome == 0 || !fault)
		return outcome;
	if (!fault->text[0])
		*fault = *e;
	return 0;
}

static int take_pcr(uint64_t index, struct view value, struct pcr_set *ret, struct err *e)
{
	struct pcr *pcr;

	if (index >= PCR_COUNT)
		return err_reason(e, ERR_ATTESTATION, "InvalidPcr",
		                  "attestation document: there is no PCR%llu",
		                  (unsigned long long)index);
	if (value.len != 32 && value.len != 48 && value.len != 64)
		return err_reason(e, ERR_ATTESTATION, "InvalidPcr",
		                  "attestation document: PCR%llu has %zu bytes",
		                  (unsigned long long)index, value.len);
	pcr = &ret->values[index];
	pcr->len = (uint8_t)value.len;
	memcpy(pcr->bytes, value.data, value.len);
	return 0;
}

static int take_pcrs(const struct cbor_item *map, struct pcr_set *ret, struct err *fault,
                     struct err *e)
{
	const struct cbor_item *key = cbor_first(map);

	if (map->number == 0)
		return err_reason(e, ERR_ATTESTATION, "InvalidPcr",
		                  "attestation document: no PCR is listed");
	for (uint64_t i = 0; i < map->number; i++) {
		TRY(pass(fault, take_pcr(key->number, cbor_after(key)->bytes, ret, e), e));
		key = cbor_after(cbor_after(key));
	}
	return 0;
}

/* The first DOCUMENT_CHAIN_MAX of them: that there are more is the chain's concern. */
static int take_certificate(struct view der, struct attestation_claims *c, struct err *e)
{
	if (der.len == 0 || der.len > DOCUMENT_CERTIFICATE_MAX)
		return err_reason(e, ERR_ATTESTATION, "InvalidCABundle",
		                  "attestation document: a certificate of cabundle has %zu bytes, "
		                  "not 1 to %d",
		                  der.len, DOCUMENT_CERTIFICATE_MAX);
	if (c->cabundle_count < DOCUMENT_CHAIN_MAX)
		c->cabundle[c->cabundle_count++] = der;
	return 0;
}

static int take_bundle(const struct cbor_item *array, struct attestation_claims *c,
                       struct err *fault, struct err *e)
{
	const struct cbor_item *at = cbor_first(array);

	if (array->number == 0)
		return err_reason(e, ERR_ATTESTATION, "InvalidCABundle",
		                  "attestation document: cabundle is empty");
	for (uint64_t i = 0; i < array->number; i++, at = cbor_after(at))
		TRY(pass(fault, take_certificate(at->bytes, c, e), e));
	return 0;
}

static int take_bytes(const char *name, const struct cbor_item *item, size_t min, size_t max,
                      const char *reason, struct document_field *ret, struct err *e)
{
	if (!item)
		return 0;
	*ret = (struct document_field){ true, item->bytes };
	if (item->bytes.len < min || item->bytes.len > max)
		return err_reason(e, ERR_ATTESTATION, reason,
		                  "attestation document: %s has %zu bytes, not %zu to %zu", name,
		                  item->bytes.len, min, max);
	return 0;
}

static int take_names(const struct payload *p, struct attestation_claims *c, struct err *fault,
                      struct err *e)
{
	int outcome = 0;

	c->module_id = p->module_id->bytes;
	c->digest = p->digest->bytes;
	if (c->module_id.len == 0)
		outcome = err_reason(e, ERR_ATTESTATION, "InvalidModuleId",
		                     "attestation document: module_id is empty");
	TRY(pass(fault, outcome, e));
	if (!cbor_is_text(p->digest, "SHA384"))
		outcome = err_reason(e, ERR_ATTESTATION, "InvalidDigest",
		                     "attestation document: digest is '%.*s', expected SHA384",
		                     (int)(c->digest.len < 64 ? c->digest.len : 64),
		                     (const char *)c->digest.data);
	return pass(fault, outcome, e);
}

static int take_timestamp(const struct payload *p, struct attestation_claims *c, struct err *e)
{
	c->timestamp_ms =
	    p->timestamp->number > INT64_MAX ? INT64_MAX : (int64_t)p->timestamp->number;
	if (p->timestamp->number != 0 && p->timestamp->number <= INT64_MAX)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "InvalidTimeStamp",
	                  "attestation document: timestamp is %llu, expected milliseconds since "
	                  "1970",
	                  (unsigned long long)p->timestamp->number);
}

static int check_bundle_length(const struct payload *p, struct err *e)
{
	if (p->cabundle->number <= DOCUMENT_CHAIN_MAX)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "chain:length",
	                  "attestation document: more than %d certificates in cabundle",
	                  DOCUMENT_CHAIN_MAX);
}

/* The bounds of formats.md 7.2, in the order in which QOS judges them. */
static int take_values(const struct payload *p, struct attestation_claims *c, struct err *fault,
                       struct err *e)
{
	TRY(take_names(p, c, fault, e));
	TRY(pass(fault, take_pcrs(p->pcrs, &c->pcrs, fault, e), e));
	TRY(pass(fault, take_bundle(p->cabundle, c, fault, e), e));
	TRY(pass(fault, take_timestamp(p, c, e), e));
	TRY(pass(fault,
	         take_bytes("public_key", p->public_key, 1, DOCUMENT_PUBLIC_KEY_MAX,
	                    "InvalidPubKey", &c->public_key, e),
	         e));
	TRY(pass(fault,
	         take_bytes("user_data", p->user_data, 0, DOCUMENT_USER_DATA_MAX, "InvalidBytes",
	                    &c->user_data, e),
	         e));
	TRY(pass(fault,
	         take_bytes("nonce", p->nonce, 0, DOCUMENT_NONCE_MAX, "InvalidBytes", &c->nonce, e),
	         e));
	c->certificate = p->certificate->bytes;
	return pass(fault, check_bundle_length(p, e), e);
}

static int check_trailing(size_t trailing, struct err *e)
{
	if (trailing == 0)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "cose:trailing",
	                  "attestation document: %zu bytes after its end", trailing);
}

static int take_parts(struct view document, struct attestation_claims *c, struct err *fault,
                      struct err *e)
{
	struct cose_sign1 cose;
	size_t trailing;

	if (document.len > DOCUMENT_MAX)
		return err_reason(e, ERR_ATTESTATION, "cose:structure",
		                  "attestation document: %zu bytes, expected at most %d",
		                  document.len, DOCUMENT_MAX);
	TRY(buf_set(&c->bytes, document, e));
	TRY(cose_parse(buf_view(&c->bytes), &c->joined, &cose, &trailing, e));
	TRY(pass(fault, check_trailing(trailing, e), e));
	c->protected_header = cose.protected_header;
	c->payload = cose.payload;
	c->signature = cose.signature;
	return 0;
}

static int check_algorithm(const struct attestation_claims *c, struct err *e)
{
	const struct cose_sign1 cose = { c->protected_header, c->payload, c->signature };

	return cose_check_algorithm(&cose, e);
}

static int take_payload(struct attestation_claims *c, struct err *fault, struct err *e)
{
	struct payload payload;

	TRY(payload_parse(c->payload, &c->joined_payload, &payload, e));
	return take_values(&payload, c, fault, e);
}

int attestation_read(struct view document, struct attestation_claims *ret, struct err *ret_fault,
                     struct err *e)
{
	AUTO(attestation_claims)
	struct attestation_claims c = { .bytes = BUF_INIT(DOCUMENT_MAX),
		                        .joined = BUF_INIT(DOCUMENT_MAX),
		                        .joined_payload = BUF_INIT(DOCUMENT_MAX) };
	struct err fault = { .text = "" };

	TRY(take_parts(document, &c, &fault, e));
	TRY(pass(&fault, check_algorithm(&c, e), e));
	TRY(take_payload(&c, &fault, e));
	c.is_unfit = fault.text[0] != 0;
	*ret = MOVE(c);
	*ret_fault = fault;
	return 0;
}

int attestation_parse_traced(struct view document, struct trace *trace,
                             struct attestation_claims *ret, struct err *e)
{
	AUTO(attestation_claims)
	struct attestation_claims c = { .bytes = BUF_INIT(DOCUMENT_MAX),
		                        .joined = BUF_INIT(DOCUMENT_MAX),
		                        .joined_payload = BUF_INIT(DOCUMENT_MAX) };

	TRY(trace_end(trace, "structure", take_parts(document, &c, /* fault= */ NULL, e), e,
	              "one COSE_Sign1 of %zu bytes, nothing behind it", document.len));
	TRY(trace_end(trace, "algorithm", check_algorithm(&c, e), e,
	              "ES384 is stated, and the signature has its length"));
	TRY(trace_end(trace, "fields", take_payload(&c, /* fault= */ NULL, e), e,
	              "all that must be there is, of its type and within its bounds"));
	*ret = MOVE(c);
	return 0;
}

int attestation_parse(struct view document, struct attestation_claims *ret, struct err *e)
{
	return attestation_parse_traced(document, /* trace= */ NULL, ret, e);
}

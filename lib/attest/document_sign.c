#include "attest/document_sign.h"

#include "attest/cbor.h"
#include "attest/cose.h"

static int add_pcrs(const struct pcr_set *pcrs, struct buf *to, struct err *e)
{
	size_t count = 0;

	for (unsigned i = 0; i < PCR_COUNT; i++)
		count += pcrs->values[i].len != 0;
	TRY(cbor_add_map(to, count, e));
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		if (pcrs->values[i].len == 0)
			continue;
		TRY(cbor_add_uint(to, i, e));
		TRY(cbor_add_bytes(to, pcr_view(&pcrs->values[i]), e));
	}
	return 0;
}

static int add_field(const char *key, const struct document_field *field, struct buf *to,
                     struct err *e)
{
	TRY(cbor_add_key(to, key, e));
	return field->is_present ? cbor_add_bytes(to, field->value, e) : cbor_add_null(to, e);
}

/* The nine keys in the order of real documents, all of them there. */
static int add_payload(const struct document_content *content, struct view certificate,
                       struct buf *to, struct err *e)
{
	TRY(cbor_add_map(to, 9, e));
	TRY(cbor_add_key(to, "module_id", e));
	TRY(cbor_add_key(to, content->module_id, e));
	TRY(cbor_add_key(to, "digest", e));
	TRY(cbor_add_key(to, "SHA384", e));
	TRY(cbor_add_key(to, "timestamp", e));
	TRY(cbor_add_uint(to, (uint64_t)content->timestamp_ms, e));
	TRY(cbor_add_key(to, "pcrs", e));
	TRY(add_pcrs(content->pcrs, to, e));
	TRY(cbor_add_key(to, "certificate", e));
	TRY(cbor_add_bytes(to, certificate, e));
	TRY(cbor_add_key(to, "cabundle", e));
	TRY(cbor_add_array(to, content->cabundle_count, e));
	for (size_t i = 0; i < content->cabundle_count; i++)
		TRY(cbor_add_bytes(to, content->cabundle[i], e));
	TRY(add_field("public_key", &content->public_key, to, e));
	TRY(add_field("user_data", &content->user_data, to, e));
	return add_field("nonce", &content->nonce, to, e);
}

int document_sign(const struct document_content *content, const struct signer *signer,
                  struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf payload = BUF_INIT(DOCUMENT_MAX);
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct err why;

	if (content->cabundle_count > DOCUMENT_CHAIN_MAX)
		return err_set(e, ERR_DATA, "%zu certificates in a bundle",
		               content->cabundle_count);
	TRY(add_payload(content, signer_certificate(signer), &payload, e));
	TRY(cose_sign(buf_view(&payload), signer, &document, e));
	/* One place holds the bounds of a document: what it refuses does not get out. */
	if (attestation_parse(buf_view(&document), &claims, &why) < 0)
		return err_set(e, ERR_DATA, "%s", why.text);
	return buf_add(ret, buf_view(&document), e);
}

#include "attest/cose.h"

#include "attest/cbor.h"

#define TAG_COSE_SIGN1 18
#define TAG_SHORT      0xc0 /* a CBOR tag below 24 in one byte */
#define TAG_LONG       0xd8 /* one in 1, 2, 4 or 8 bytes more: d8 to db */

#define LABEL_ALG      1
#define LABEL_CRIT     2
#define ES384          (-35) /* RFC 9053 2.1 */

/* {1: -35} */
static const uint8_t es384_header[] = { 0xa1, 0x01, 0x38, 0x22 };

/* The payload and the words around it. */
#define SIGNED_MAX (64u << 10)

static int refuse_structure(struct err *e, const char *what)
{
	return err_reason(e, ERR_ATTESTATION, "cose:structure", "attestation document: %s", what);
}

static const struct cbor_item *find_label(const struct cbor_item *map, uint64_t label)
{
	const struct cbor_item *key = cbor_first(map);

	for (uint64_t i = 0; i < map->number; i++, key = cbor_after(cbor_after(key)))
		if (key->kind == CBOR_UINT && key->number == label)
			return cbor_after(key);
	return NULL;
}

static int check_header(struct view header, struct err *e)
{
	const struct cbor_item *alg;
	struct cbor c;
	struct err why;

	/* RFC 9052 3: an empty map may also be written as no bytes. */
	if (header.len == 0)
		return err_reason(e, ERR_ATTESTATION, "cose:alg",
		                  "attestation document: no signature algorithm is stated");
	if (cbor_parse(header, &c, &why) < 0 || c.rest.len || c.items->kind != CBOR_MAP)
		return refuse_structure(e, "the protected header is not a CBOR map");
	/* RFC 9052 3.1: whoever does not know a header listed there must refuse; we know none. */
	if (find_label(c.items, LABEL_CRIT))
		return refuse_structure(e, "critical headers are not known here");
	alg = find_label(c.items, LABEL_ALG);
	if (!alg || (alg->kind != CBOR_NEGATIVE && alg->kind != CBOR_UINT))
		return err_reason(e, ERR_ATTESTATION, "cose:alg",
		                  "attestation document: the signature algorithm is %s, expected "
		                  "ES384 (%d)",
		                  alg ? "no number" : "not stated", ES384);
	if (alg->kind == CBOR_UINT || alg->number != -1 - ES384)
		return err_reason(e, ERR_ATTESTATION, "cose:alg",
		                  "attestation document: the signature algorithm is %s%llu, "
		                  "expected ES384 (%d)",
		                  alg->kind == CBOR_NEGATIVE ? "-" : "",
		                  (unsigned long long)alg->number + (alg->kind == CBOR_NEGATIVE),
		                  ES384);
	return 0;
}

static int take_parts(const struct cbor *c, struct cose_sign1 *ret, struct err *e)
{
	const struct cbor_item *array = c->items, *header, *other, *payload, *signature;

	if (array->kind != CBOR_ARRAY || array->number != 4)
		return refuse_structure(e, "not a CBOR array of four");
	header = cbor_first(array);
	other = cbor_after(header);
	payload = cbor_after(other);
	signature = cbor_after(payload);
	if (header->kind != CBOR_BYTES || other->kind != CBOR_MAP || payload->kind != CBOR_BYTES ||
	    signature->kind != CBOR_BYTES)
		return refuse_structure(e, "not header, map, payload and signature");
	*ret = (struct cose_sign1){ header->bytes, payload->bytes, signature->bytes };
	return 0;
}

/* A head may be longer than it needs to be (RFC 8949 4.1), so tag 18 has five forms. */
static size_t tag_len(struct view document)
{
	size_t len;

	if (document.len && document.data[0] == TAG_SHORT + TAG_COSE_SIGN1)
		return 1;
	if (document.len == 0 || document.data[0] < TAG_LONG || document.data[0] > TAG_LONG + 3)
		return 0;
	len = (size_t)1 << (document.data[0] - TAG_LONG);
	if (document.len <= len || document.data[len] != TAG_COSE_SIGN1 ||
	    !view_is_zero(view_new(document.data + 1, len - 1)))
		return 0;
	return 1 + len;
}

int cose_parse(struct view document, struct buf *joined, struct cose_sign1 *ret,
               size_t *ret_trailing, struct err *e)
{
	size_t tag = tag_len(document);
	struct err why;
	struct cbor c;

	document = view_new(document.data + tag, document.len - tag);
	if (cbor_parse_joining(document, joined, &c, &why) < 0)
		return refuse_structure(e, why.text);
	TRY(take_parts(&c, ret, e));
	*ret_trailing = c.rest.len;
	return 0;
}

int cose_check_algorithm(const struct cose_sign1 *c, struct err *e)
{
	TRY(check_header(c->protected_header, e));
	if (c->signature.len != P384_SIGNATURE_LEN)
		return err_reason(e, ERR_ATTESTATION, "cose:siglen",
		                  "attestation document: the signature has %zu bytes, expected %d",
		                  c->signature.len, P384_SIGNATURE_LEN);
	return 0;
}

/* RFC 9052 4.4: context, protected header as it stands, no external data, payload as it stands. */
static int signed_message(struct view header, struct view payload, struct buf *to, struct err *e)
{
	TRY(cbor_add_array(to, 4, e));
	TRY(cbor_add_text(to, view_text("Signature1"), e));
	TRY(cbor_add_bytes(to, header, e));
	TRY(cbor_add_bytes(to, (struct view){ 0 }, e));
	return cbor_add_bytes(to, payload, e);
}

int cose_verify(const struct cose_sign1 *c, const struct chain_key *key, struct err *e)
{
	AUTO(buf) struct buf message = BUF_INIT(SIGNED_MAX);
	struct err why;

	TRY(signed_message(c->protected_header, c->payload, &message, e));
	if (chain_key_verify(key, buf_view(&message), c->signature, &why) == 0)
		return 0;
	return err_reason(e, why.code, why.code == ERR_ATTESTATION ? "cose:signature" : "",
	                  "attestation document: %s", why.text);
}

int cose_sign(struct view payload, const struct signer *signer, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf message = BUF_INIT(SIGNED_MAX);
	uint8_t signature[P384_SIGNATURE_LEN];

	TRY(signed_message(VIEW_OF(es384_header), payload, &message, e));
	TRY(signer_sign(signer, buf_view(&message), signature, e));
	TRY(cbor_add_array(ret, 4, e));
	TRY(cbor_add_bytes(ret, VIEW_OF(es384_header), e));
	TRY(cbor_add_map(ret, 0, e));
	TRY(cbor_add_bytes(ret, payload, e));
	return cbor_add_bytes(ret, VIEW_OF(signature), e);
}

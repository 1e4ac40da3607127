#include "enclave/forward_size.h"

#include "attest/document.h"

#include <string.h>

/* Of what any enclave takes, before it is compared with what this one does. */
#define ENCODED_MAX (8u << 20)

/* len bytes of three digits each. */
static int widest(size_t len, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(DOCUMENT_MAX);
	uint8_t block[PUBLIC_KEY_LEN];

	memset(block, UINT8_MAX, sizeof(block));
	while (bytes.len < len)
		TRY(buf_add(&bytes,
		            view_new(block, len - bytes.len < sizeof(block) ? len - bytes.len
		                                                            : sizeof(block)),
		            e));
	return wire_set(ret, buf_view(&bytes), e);
}

static int approve(struct manifest_envelope *envelope, struct err *e)
{
	const struct member_set *set = &envelope->manifest.manifest_set;
	const struct member *members = set->members.items;
	struct approval *approval;

	for (size_t i = 0; i < set->members.count; i++) {
		TRY(wire_list_add(&envelope->manifest_set_approvals, &approval_schema, &approval,
		                  e));
		TRY(widest(SIGNATURE_LEN, &approval->signature, e));
		TRY(wire_set(&approval->member.alias, buf_view(&members[i].alias), e));
		TRY(wire_set(&approval->member.pub_key, buf_view(&members[i].pub_key), e));
	}
	return 0;
}

/* As the target takes it over; whoever approves and adopts a manifest has the same limit. */
static int check_borsh(const struct manifest_envelope *envelope, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	struct err cause;

	if (manifest_envelope_encode(envelope, &borsh, &cause) < 0)
		return err_set(e, cause.code == ERR_TOO_LARGE ? ERR_MANIFEST : cause.code,
		               "with all approvals: %s", cause.text);
	return 0;
}

int forward_check_size(const struct manifest_envelope *envelope, uint64_t max_body, struct err *e)
{
	AUTO(export_key_request) struct export_key_request q = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(ENCODED_MAX);

	TRY(manifest_copy(envelope, &q.manifest_envelope, e));
	TRY(widest(PUBLIC_KEY_LEN, &q.manifest_envelope.manifest.namespace.quorum_key, e));
	TRY(approve(&q.manifest_envelope, e));
	TRY(check_borsh(&q.manifest_envelope, e));
	TRY(widest(DOCUMENT_MAX, &q.attestation_doc, e));
	TRY(wire_encode(&export_key_request_schema, &q, &text, e));
	if (text.len > max_body)
		return err_set(e, ERR_MANIFEST,
		               "approved and with a document it would take %zu bytes of JSON to "
		               "forward, and max-body is %llu",
		               text.len, (unsigned long long)max_body);
	return 0;
}

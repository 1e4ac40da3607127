/* attestation_parse, attestation_read beside it, and attestation_verify of what it takes, under the
 * root that the document itself sends: as an enclave finds its anchor, and with every check of a
 * policy. */
#include "attest/document.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What is read to be shown has a fault exactly where a parse refuses it. */
static void check_read(struct view document)
{
	AUTO(attestation_claims) struct attestation_claims parsed = { 0 };
	AUTO(attestation_claims) struct attestation_claims shown = { 0 };
	struct err e = { 0 }, fault = { 0 }, why = { 0 };
	bool is_good = attestation_parse(document, &parsed, &e) == 0;

	if (attestation_read(document, &shown, &fault, &why) < 0)
		check(!is_good && why.code == ERR_ATTESTATION && why.reason[0]);
	else
		check(is_good == !shown.is_unfit && is_good == !fault.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	static const struct hash256 hash;
	struct attestation_policy policy = {
		.chain_at_document = true,
		.now_ms = 1657117192000,
		.max_age_ms = INT64_MAX,
		.max_ahead_ms = INT64_MAX,
		.refuse_debug = true,
		.committed_manifest = size % 2 ? &hash : NULL,
		.uncommitted = size % 2 == 0,
	};
	struct err e = { 0 };

	check_read(view_new(data, size));
	if (attestation_parse(view_new(data, size), &claims, &e) < 0) {
		check(e.code == ERR_ATTESTATION && e.reason[0]);
		return 0;
	}
	check(claims.cabundle_count >= 1 && claims.timestamp_ms > 0);
	policy.root = claims.cabundle[0];
	policy.pcrs = claims.pcrs;
	if (attestation_verify(&claims, &policy, &a, &e) < 0)
		check(e.code == ERR_ATTESTATION && e.reason[0]);
	else
		check(view_equal(buf_view(&a.root), policy.root));
	return 0;
}

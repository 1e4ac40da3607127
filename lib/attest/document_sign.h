/* Building and signing an attestation document, as the hypervisor does. */
#ifndef TEECTL_ATTEST_DOCUMENT_SIGN_H
#define TEECTL_ATTEST_DOCUMENT_SIGN_H

#include "attest/document.h"

struct signer;
struct document_content {
	const char *module_id;
	int64_t timestamp_ms;
	const struct pcr_set *pcrs; /* those with a length are listed */
	struct view cabundle[DOCUMENT_CHAIN_MAX];
	size_t cabundle_count;
	struct document_field public_key, user_data, nonce;
};
MUST_CHECK int document_sign(const struct document_content *content, const struct signer *signer,
                             struct buf *ret, struct err *e);

#endif

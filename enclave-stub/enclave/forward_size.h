/* How large the requests are that a manifest travels in: a genesis must not make one that no other
 * enclave can be given. */
#ifndef TEECTL_ENCLAVE_FORWARD_SIZE_H
#define TEECTL_ENCLAVE_FORWARD_SIZE_H

#include "proto/message.h"

/* With an approval of every member of the manifest set the envelope must fit what an enclave keeps
 * (MANIFEST_MAX), and with a document as large as any the largest request that holds it,
 * export-key's, must fit max_body. Whatever quorum_key is, room is made for the widest. fails
 * ERR_MANIFEST, with the sizes */
MUST_CHECK int forward_check_size(const struct manifest_envelope *envelope, uint64_t max_body,
                                  struct err *e);

#endif

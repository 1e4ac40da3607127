/* Requests to the Nitro Security Module and its answers, as CBOR (formats.md 7.7). Both directions:
 * the enclave asks, the simulated hypervisor answers. */
#ifndef TEECTL_ATTEST_NSM_H
#define TEECTL_ATTEST_NSM_H

#include "attest/document.h"

#define NSM_REQUEST_MAX  0x1000
#define NSM_RESPONSE_MAX 0x3000
#define NSM_RANDOM_LEN   256

enum nsm_operation {
	NSM_DESCRIBE_NSM,
	NSM_GET_RANDOM,
	NSM_DESCRIBE_PCR,
	NSM_EXTEND_PCR,
	NSM_LOCK_PCR,
	NSM_LOCK_PCRS,
	NSM_ATTESTATION,
	NSM_OPERATION_COUNT,
};

#define NSM_ERROR_LIST(X)                                                                          \
	X(Success)                                                                                 \
	X(InvalidArgument)                                                                         \
	X(InvalidIndex)                                                                            \
	X(InvalidResponse)                                                                         \
	X(ReadOnlyIndex)                                                                           \
	X(InvalidOperation)                                                                        \
	X(BufferTooSmall)                                                                          \
	X(InputTooLarge)                                                                           \
	X(InternalError)

enum nsm_error {
#define X(name) NSM_ERROR_##name,
	NSM_ERROR_LIST(X)
#undef X
};

/* Views point into the bytes decoded, or to what the caller encodes. */
struct nsm_request {
	enum nsm_operation operation;
	uint16_t index;   /* DescribePCR, ExtendPCR, LockPCR; the range of LockPCRs */
	struct view data; /* ExtendPCR */
	struct document_field user_data, nonce, public_key; /* Attestation */
};

struct nsm_response {
	enum nsm_operation operation;
	enum nsm_error error; /* NSM_ERROR_Success, else nothing below is set */
	uint16_t version_major, version_minor, version_patch; /* DescribeNSM */
	struct view module_id, digest;
	uint16_t max_pcrs;
	uint32_t locked_pcrs; /* bit n: PCRn */
	struct view data;     /* GetRandom, DescribePCR, ExtendPCR, Attestation's document */
	bool is_locked;       /* DescribePCR */
};

/* Encoders append to `to`; decoders' views live as long as the bytes. Decoders refuse missing keys,
 * wrong types, trailing bytes, repeated keys; key order is free, and keys that nobody knows are
 * passed over: a later NSM may have more. */
MUST_CHECK int nsm_request_encode(const struct nsm_request *q, struct buf *to, struct err *e);
MUST_CHECK int nsm_request_decode(struct view bytes, struct nsm_request *ret, struct err *e);
MUST_CHECK int nsm_response_encode(const struct nsm_response *r, struct buf *to, struct err *e);
MUST_CHECK int nsm_response_decode(struct view bytes, enum nsm_operation asked,
                                   struct nsm_response *ret, struct err *e);
const char *nsm_operation_name(enum nsm_operation operation);
const char *nsm_error_name(enum nsm_error error);

/* A way to an NSM: the socket that the simulated hypervisor left (fd:N), or the device. */
struct nsm;
/* spec  "fd:N" or "device:/dev/nsm"; fails ERR_USAGE or ERR_ENCLAVE */
MUST_CHECK int nsm_open(const char *spec, struct nsm **ret, struct err *e);
void nsm_drop(struct nsm **nsm);
int nsm_fd(const struct nsm *nsm);
bool nsm_is_device(const struct nsm *nsm);
/* How long a request to a hypervisor waits for its answer; at first 10 s. */
void nsm_set_deadline(struct nsm *nsm, int64_t ms);
/* One request, one answer; thread-safe. An answer that is an Error is ERR_ENCLAVE and names it, and
 * so is none within the deadline: then it is not known whether the request was served. While an
 * answer is overdue others are ERR_UNAVAILABLE and are not asked. The response's views point into
 * *memory, which must have max >= NSM_RESPONSE_MAX. */
MUST_CHECK int nsm_ask(struct nsm *nsm, const struct nsm_request *q, struct buf *memory,
                       struct nsm_response *ret, struct err *e);
/* A document, appended to ret. */
MUST_CHECK int nsm_attest(struct nsm *nsm, const struct nsm_request *q, struct buf *ret,
                          struct err *e);

#endif

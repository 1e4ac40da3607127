/* The simulated Nitro Security Module of one enclave: a bank of 32 PCRs, and answers to requests.
 * Bytes in, bytes out; time and randomness are arguments. As on the real device PCR0..15 are locked
 * from the start, and documents list locked PCRs only (formats.md 7.2, 7.7). */
#ifndef TEECTL_HV_MACHINE_H
#define TEECTL_HV_MACHINE_H

#include "attest/nsm.h"
#include "crypto/entropy.h"
#include "hv/pki.h"

#define MACHINE_FIXED_PCRS 16 /* 0..15: locked from the start */
#define MODULE_ID_LEN      64

/* What the hypervisor found out about the enclave before its start. */
struct measurement {
	struct pcr image, runtime, options, role, instance;
	bool is_debug; /* PCR0..2 read zero, as on Nitro */
};

struct machine {
	struct pcr_set pcrs;
	uint32_t locked; /* bit n: PCRn */
	char module_id[MODULE_ID_LEN];
	struct identity identity;
	const struct entropy *entropy;
};

/* module_id  i-teectlsim<hex>-enc<hex>, by module_id_new; copied */
void machine_init(struct machine *m, const struct measurement *measured, const char *module_id,
                  const struct entropy *entropy);
void machine_drop(struct machine *m);
/* From now on documents are signed by this identity, which is taken over. */
void machine_take_identity(struct machine *m, struct identity *identity);

/* A module id that nobody else has. */
MUST_CHECK int module_id_new(char ret[static MODULE_ID_LEN], struct err *e);

/* The answer to one request, appended to ret (max NSM_RESPONSE_MAX). What can't be done is an
 * answer too, with the names that the device uses:
 *
 * InvalidOperation  not one request in the device's CBOR
 * InputTooLarge     more than NSM_REQUEST_MAX bytes
 * InvalidIndex      a PCR that there is not; LockPCRs of more than there are
 * ReadOnlyIndex     ExtendPCR and LockPCR on a locked PCR
 * InvalidArgument   ExtendPCR by nothing; user_data or nonce above 512 bytes, public_key empty or
 *                   above 1024: no document could carry them (formats.md 7.2)
 * InternalError     entropy, memory, signing
 *
 * ExtendPCR takes any data that fits into a request, since a hash takes any length. A request that
 * is refused changes nothing.
 *
 * fails  only when not even an error fits into ret */
MUST_CHECK int machine_answer(struct machine *m, struct view request, int64_t now_ms,
                              struct buf *ret, struct err *e);

#endif

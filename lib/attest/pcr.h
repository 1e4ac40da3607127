/* Platform configuration registers: values, sets, and how they come about (formats.md 7.6). */
#ifndef TEECTL_ATTEST_PCR_H
#define TEECTL_ATTEST_PCR_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"

#define PCR_COUNT        32
#define PCR_LEN          48 /* SHA-384, the only digest in use */
#define PCR_MAX_LEN      64 /* documents may carry 32, 48 or 64 */
#define PCR_POLICY_COUNT 4  /* PCR0..3 are what policies and manifests pin */
#define PCR_COMMITMENT   16
#define PCR_LIVE         17 /* QuorumOS's commitment to its live key */

enum { PCR_IMAGE, PCR_RUNTIME, PCR_OPTIONS, PCR_ROLE, PCR_INSTANCE, PCR_SIGNING = 8 };

struct pcr {
	uint8_t len; /* 0: not there */
	uint8_t bytes[PCR_MAX_LEN];
};

struct pcr_set {
	struct pcr values[PCR_COUNT];
};

struct view pcr_view(const struct pcr *p);
bool pcr_equal(const struct pcr *a, const struct pcr *b); /* lengths too */
bool pcr_is_zero(const struct pcr *p);                    /* there, and all zero */
void pcr_zero(struct pcr *p);                             /* 48 zero bytes */
MUST_CHECK int pcr_parse(struct view bytes, struct pcr *ret, struct err *e); /* 48 bytes */
/* p = SHA384(p || data); p must be 48 bytes. */
MUST_CHECK int pcr_extend(struct pcr *p, struct view data, struct err *e);
/* SHA384(48 zero bytes || SHA384(content)): PCR0..2. */
MUST_CHECK int pcr_measure(struct view content, struct pcr *ret, struct err *e);
/* The same where only the content's hash is in hand. */
MUST_CHECK int pcr_measure_hash(const struct hash384 *hash, struct pcr *ret, struct err *e);
/* SHA384(48 zero bytes || text): PCR3 of a role, PCR4 of an instance; zero for "". */
MUST_CHECK int pcr_measure_name(const char *text, struct pcr *ret, struct err *e);
/* PCR0..2 all zero. */
bool pcr_set_is_debug(const struct pcr_set *set);
/* "pcr3": which check failed, for struct err. */
void pcr_reason(unsigned index, char to[static ERR_REASON_MAX]);
/* Is it that of one of PCR0..3, which are measured, and which the cluster file pins? */
bool pcr_is_policy_reason(const char *reason);

/* Whose measurements they are: the simulated hypervisor's, or those of a Nitro hypervisor. */
enum pcr_maker { PCR_SIMULATED, PCR_NITRO };

/* In a word or two, what it measures: "image", "runtime" or "kernel", "launch options" or
 * "application", "role", "instance", "signer", "commitment"; "unnamed" */
const char *pcr_name_of(enum pcr_maker maker, unsigned index);
const char *pcr_name(unsigned index); /* of the simulated hypervisor */
/* In a sentence, for who has not met it; "" of an unnamed one. */
const char *pcr_meaning(enum pcr_maker maker, unsigned index);
/* PCR0..3 as the cluster file pins them, "pcrs: { 0: …, 1: … }"; those without a length are left
 * out. */
MUST_CHECK int pcr_pins_format(const struct pcr_set *set, struct buf *to, struct err *e);

/* A QOS manifest commitment (formats.md 7.6) in some domain. */
#define PCR_SETUP_DOMAIN "qos-setup-manifest-pcr-commitment-v1"
MUST_CHECK int pcr_commitment_in(const char *domain, struct view key,
                                 const struct hash256 *manifest_hash, struct hash384 *ret,
                                 struct err *e);
/* The setup commitment (48 bytes given to ExtendPCR), and the value that PCR16 then has. */
MUST_CHECK int pcr_commitment(const struct public_key *setup_key,
                              const struct hash256 *manifest_hash, struct hash384 *ret,
                              struct err *e);
MUST_CHECK int pcr_committed(const struct public_key *setup_key,
                             const struct hash256 *manifest_hash, struct pcr *ret, struct err *e);

#endif

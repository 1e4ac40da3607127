/* Attestation documents: COSE_Sign1 around a CBOR payload, signed under a certificate chain
 * (formats.md 7.1 to 7.6).
 *
 * attestation_parse gives claims that nobody has vouched for; attestation_verify turns them into a
 * struct attestation, which only it makes. What a function needs to be true it takes as the latter.
 */
#ifndef TEECTL_ATTEST_DOCUMENT_H
#define TEECTL_ATTEST_DOCUMENT_H

#include "attest/pcr.h"
#include "attest/trace.h"
#include "crypto/key_set.h"

#define DOCUMENT_MAX             16384 /* real ones: 4.5 to 6 KiB; the NSM's response buffer: 12 KiB */
#define DOCUMENT_CHAIN_MAX       8     /* certificates in a bundle; AWS sends 4 */
#define DOCUMENT_CERTIFICATE_MAX 1024 /* formats.md 7.2; real ones: 500 to 650 */
#define DOCUMENT_USER_DATA_MAX   512
#define DOCUMENT_NONCE_MAX       512
#define DOCUMENT_PUBLIC_KEY_MAX  1024

/* Optional byte string: absent and null are the same. */
struct document_field {
	bool is_present;
	struct view value;
};

/* What a document says. Every view points into bytes, which this owns, or into what strings in
 * chunks were joined in: those of the document, and those of its payload. */
struct attestation_claims {
	struct buf bytes, joined, joined_payload;
	struct view protected_header, payload, signature;
	bool is_unfit; /* by attestation_read: attestation_verify refuses them */
	struct view module_id, digest;
	int64_t timestamp_ms;
	struct pcr_set pcrs;
	struct view certificate;                  /* leaf, DER */
	struct view cabundle[DOCUMENT_CHAIN_MAX]; /* root first */
	size_t cabundle_count;
	struct document_field public_key, user_data, nonce;
};

/* What a document said, once every check of a policy has passed. */
struct attestation {
	struct hash256 document_hash; /* SHA-256 of the bytes as received */
	struct buf module_id;
	int64_t timestamp_ms;
	struct pcr_set pcrs;
	bool is_debug;
	bool has_public_key; /* and it is a QOS public key */
	struct public_key public_key;
	struct buf public_key_bytes, user_data, nonce; /* empty if absent */
	struct buf root;                               /* DER of the root it was verified under */
};

/* fails  ERR_ATTESTATION; reason: cose:structure, cose:trailing, cose:alg, cose:siglen,
 *        payload:structure, InvalidModuleId, InvalidDigest, InvalidTimeStamp, InvalidPcr,
 *        InvalidCABundle, InvalidPubKey, InvalidBytes */
MUST_CHECK int attestation_parse(struct view document, struct attestation_claims *ret,
                                 struct err *e);
/* The same, with its checks in a trace: "structure", "algorithm", "fields". */
MUST_CHECK int attestation_parse_traced(struct view document, struct trace *trace,
                                        struct attestation_claims *ret, struct err *e);
/* To show what one says that would be refused: whatever of it can be read, and in *ret_fault the
 * first thing that attestation_parse refuses it for; of one that it takes ret_fault->text is empty.
 * A PCR or a certificate beyond its bounds is left out. fails only with cose:structure and
 * payload:structure */
MUST_CHECK int attestation_read(struct view document, struct attestation_claims *ret,
                                struct err *ret_fault, struct err *e);
void attestation_claims_drop(struct attestation_claims *c);
void attestation_drop(struct attestation *a);

enum field_rule { FIELD_ANY, FIELD_ABSENT, FIELD_EQUAL };

struct field_policy {
	enum field_rule rule;
	struct view value; /* of FIELD_EQUAL */
};

/* What must hold. A zeroed policy with a root checks signature and chain at chain_time_unix alone.
 */
struct attestation_policy {
	struct view root;        /* DER, pinned; cabundle[0] is ignored */
	int64_t chain_time_unix; /* certificates must be valid then, both ends included */
	bool chain_at_document;  /* instead at the document's own time: stored documents */
	int64_t now_ms;          /* 0: no freshness check */
	int64_t max_age_ms, max_ahead_ms;
	struct field_policy nonce, user_data, public_key;
	struct pcr_set pcrs; /* those with a length must be there and equal */
	bool refuse_debug;   /* PCR0..2 all zero */
	/* Not NULL: a TEE that holds this manifest. user_data is the hash, PCR0..31 are all there,
	 * public_key is a QOS public key, and PCR16 commits to it and the hash. */
	const struct hash256 *committed_manifest;
	bool committed_key_wiped; /* with the above: public_key must be absent, PCR16 merely not
	                             zero */
	bool uncommitted;    /* PCR16 absent or zero, no public_key: before there is a manifest */
	struct trace *trace; /* gets each check, also those not asked for; NULL: nobody reads it */
};

/* Order: chain, signature, freshness, manifest hash, debug, PCRs (each names PCRn, expected and
 * found, and which part it measures), nonce, user_data, public_key, all indices, commitment. fails
 * ERR_ATTESTATION; reason: chain:… (attest/chain.h), cose:signature, freshness, debug, pcrN, nonce,
 * user_data, public_key, pcrs, pcr16 */
MUST_CHECK int attestation_verify(const struct attestation_claims *claims,
                                  const struct attestation_policy *policy, struct attestation *ret,
                                  struct err *e);
/* Both in one; the trace has the checks of the form as well. */
MUST_CHECK int attestation_check(struct view document, const struct attestation_policy *policy,
                                 struct attestation *ret, struct err *e);
/* For who can't even come by the bytes of a document: the trace of one whose form is refused. */
void attestation_trace_refused(const struct attestation_policy *policy, const struct err *why);

#endif

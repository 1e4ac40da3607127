/* The certificate chain of a document: strict, in order, P-384 throughout (formats.md 7.3). */
#ifndef TEECTL_ATTEST_CHAIN_H
#define TEECTL_ATTEST_CHAIN_H

#include "attest/pcr.h"
#include "attest/trace.h"

struct chain_key; /* the leaf's public key, once the chain has been verified */
void chain_key_drop(struct chain_key **key);

extern const struct view chain_aws_root; /* AWS Nitro Enclaves Root-G1, DER */

/* Verifies root -> cas[0] -> … -> leaf at time_unix (both ends of each validity included; the
 * root's own is not looked at).
 *
 * root   DER, pinned by the caller
 * cas    issuer before subject, without the root: cabundle[1..]
 * fails  ERR_ATTESTATION; reason chain:parse@N, chain:version@N, chain:algorithm@N, chain:curve@N,
 *        chain:issuer@N, chain:signature, chain:ca@N, chain:pathlen@N, chain:usage@N,
 *        chain:extension@N, chain:time@N, chain:length; N counts from the root = 0, leaf last */
MUST_CHECK int chain_verify(struct view root, const struct view *cas, size_t ca_count,
                            struct view leaf, int64_t time_unix, struct chain_key **ret,
                            struct err *e);
/* The same, with a line for the form of all certificates and one for each of them. */
MUST_CHECK int chain_verify_traced(struct view root, const struct view *cas, size_t ca_count,
                                   struct view leaf, int64_t time_unix, struct trace *trace,
                                   struct chain_key **ret, struct err *e);

#define CERTIFICATE_NAME_MAX 256 /* real ones: 40 to 110; a longer one is cut */

/* What a certificate says of itself: nobody has vouched for it. */
struct certificate_facts {
	char subject[CERTIFICATE_NAME_MAX]; /* RFC 2253, printable: "CN=aws.nitro-enclaves,OU=AWS,…"
	                                     */
	int64_t not_before_unix, not_after_unix;
	struct hash256 fingerprint; /* SHA-256 of the DER */
};

/* fails  ERR_DATA: not an X.509 certificate */
MUST_CHECK int chain_describe(struct view der, struct certificate_facts *ret, struct err *e);
/* ECDSA P-384 over SHA-384; signature r, s raw, 96 bytes; either half of s. */
MUST_CHECK int chain_key_verify(const struct chain_key *key, struct view message,
                                struct view signature, struct err *e);
/* A root certificate from a file, PEM or DER, as DER into ret. ERR_DATA. */
MUST_CHECK int chain_root_parse(struct view content, struct buf *ret, struct err *e);
/* Is this DER certificate one of AWS's Nitro root? */
bool chain_root_is_aws(struct view root);
/* Whose PCRs are under this root: teectl's own simulated roots say so in their names. */
enum pcr_maker chain_root_maker(struct view root);

#endif

/* Making P-384 certificates and signatures: the simulated hypervisor's PKI and its COSE signatures,
 * and the small CA of `pki init`. Verifying is attest/chain.h's, and the enclave's TLS's. */
#ifndef TEECTL_CRYPTO_CERTIFICATE_H
#define TEECTL_CRYPTO_CERTIFICATE_H

#include "base/secret.h"

#define P384_SIGNATURE_LEN 96

struct signer; /* a P-384 private key and its certificate (DER) */

/* A name beside the subject's (RFC 5280 4.2.1.6). */
struct certificate_name {
	enum { CERTIFICATE_URI, CERTIFICATE_DNS, CERTIFICATE_ADDRESS /* IPv4 or IPv6 */ } kind;
	const char *text;
};

/* What the key is for beside its key usage (RFC 5280 4.2.1.12). */
enum certificate_use { CERTIFICATE_ANY_USE, CERTIFICATE_CLIENT, CERTIFICATE_SERVER };

/* What goes into a certificate; as AWS's: formats.md 7.3. */
struct certificate_request {
	const char *common_name;
	int64_t not_before_unix, not_after_unix;
	bool is_ca;      /* CA: keyCertSign, cRLSign; else digitalSignature */
	int path_length; /* of a CA; -1: none */
	enum certificate_use use;
	const struct certificate_name *names;
	size_t name_count;
};

void signer_drop(struct signer **s);
struct view signer_certificate(const struct signer *s); /* DER */
int64_t signer_not_after_unix(const struct signer *s);

/* A new key pair and its certificate, signed by issuer, or by itself if issuer is NULL. */
MUST_CHECK int signer_issue(const struct signer *issuer, const struct certificate_request *request,
                            struct signer **ret, struct err *e);
/* Key and certificate as files: DER certificate (0644), PKCS#8 DER key (0600). */
MUST_CHECK int signer_write(const struct signer *s, const char *certificate_path,
                            const char *key_path, struct err *e);
/* fails  ERR_NO_INPUT: no file; ERR_DATA: not DER, not P-384, or key and certificate do not belong
 *        together */
MUST_CHECK int signer_read(const char *certificate_path, const char *key_path, struct signer **ret,
                           struct err *e);
/* The same in PEM, as TLS programs want it. Neither file is ever overwritten: ERR_DATA. The key is
 * written first. */
MUST_CHECK int signer_create_pem(const struct signer *s, const char *certificate_path,
                                 const char *key_path, struct err *e);
/* fails  as signer_read; ERR_DATA: others may read the key's file */
MUST_CHECK int signer_read_pem(const char *certificate_path, const char *key_path,
                               struct signer **ret, struct err *e);
/* PEM files that another program will read, of any kind of key. A key that can't be read here, a
 * protected one say, is left to that program.
 * fails  ERR_NO_INPUT; ERR_DATA: the key is not the certificate's */
MUST_CHECK int certificate_check_pair(const char *certificate_path, const char *key_path,
                                      struct err *e);
/* From memory, for the vectors: the scalar (48 bytes) and the certificate. */
MUST_CHECK int signer_new(const struct secret *scalar, struct view certificate, struct signer **ret,
                          struct err *e);

/* ECDSA P-384 over SHA-384, r and s raw: COSE's ES384 (RFC 9053 2.1). */
MUST_CHECK int signer_sign(const struct signer *s, struct view message,
                           uint8_t ret[static P384_SIGNATURE_LEN], struct err *e);

#endif

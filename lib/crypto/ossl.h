/* OpenSSL as the crypto layer uses it: its errors in our idiom, its types for AUTO, and what it
 * would otherwise look up by name at every call. Internal: lib/crypto and
 * lib/attest/{cose,chain}.c. */
#ifndef TEECTL_CRYPTO_OSSL_H
#define TEECTL_CRYPTO_OSSL_H

#include "base/err.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Adds the oldest entry of OpenSSL's error queue, if there is one, and empties the queue, so that
 * no later call reports it again. Returns -1. */
int err_ossl(struct err *e, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Fetched once in a process, then shared by all threads. */
struct ossl {
	EVP_MD *sha256, *sha384, *sha512;
	EVP_MAC *hmac;
	EVP_CIPHER *aes_256_gcm;
	EC_GROUP *p256, *p384;
};

MUST_CHECK int ossl_get(const struct ossl **ret, struct err *e);

#define OSSL_DROP(name, type, free_function)                                                       \
	static inline void name##_drop(type **x)                                                   \
	{                                                                                          \
		free_function(*x);                                                                 \
		*x = NULL;                                                                         \
	}

OSSL_DROP(bignum, BIGNUM, BN_clear_free)
OSSL_DROP(bignum_ctx, BN_CTX, BN_CTX_free)
OSSL_DROP(ec_point, EC_POINT, EC_POINT_clear_free)
OSSL_DROP(ecdsa_sig, ECDSA_SIG, ECDSA_SIG_free)
OSSL_DROP(pkey, EVP_PKEY, EVP_PKEY_free)
OSSL_DROP(pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OSSL_DROP(cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
OSSL_DROP(md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
OSSL_DROP(mac_ctx, EVP_MAC_CTX, EVP_MAC_CTX_free)
OSSL_DROP(x509, X509, X509_free)
OSSL_DROP(x509_extension, X509_EXTENSION, X509_EXTENSION_free)

/* A file that is encrypted is none of ours where there is no passphrase: OpenSSL's own callback
 * would ask for one at the terminal. A pem_password_cb. */
static inline int ossl_no_passphrase(char *to, int size, int is_write, void *context)
{
	(void)to, (void)size, (void)is_write, (void)context;
	return -1;
}

static inline void ossl_bytes_drop(uint8_t **x)
{
	OPENSSL_free(*x);
	*x = NULL;
}

#endif

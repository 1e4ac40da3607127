#include "crypto/ossl.h"

#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

int err_ossl(struct err *e, enum err_code code, const char *format, ...)
{
	unsigned long oldest = ERR_get_error();
	const char *reason = oldest ? ERR_reason_error_string(oldest) : NULL;
	char text[ERR_TEXT_MAX];
	va_list args;

	ERR_clear_error();
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(e, code, "%s%s%s", text, reason ? ": " : "", reason ? reason : "");
}

static struct ossl ossl;
static bool complete;

static void fetch(void)
{
	ossl.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ossl.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	ossl.sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	ossl.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ossl.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ossl.p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	ossl.p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
	complete = ossl.sha256 && ossl.sha384 && ossl.sha512 && ossl.hmac && ossl.aes_256_gcm &&
	           ossl.p256 && ossl.p384;
}

int ossl_get(const struct ossl **ret, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (pthread_once(&once, fetch) != 0 || !complete)
		return err_ossl(e, ERR_INTERNAL, "OpenSSL lacks an algorithm that teectl needs");
	*ret = &ossl;
	return 0;
}

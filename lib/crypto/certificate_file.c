#include "crypto/certificate_file.h"

#include "base/file.h"
#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <time.h>

#define KEY_FILE_MAX (16u << 10) /* RSA of 8192 bits has 6.4 KiB */

OSSL_DROP(bio, BIO, BIO_free)

static int to_unix(const ASN1_TIME *time, int64_t *ret, struct err *e)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return err_ossl(e, ERR_DATA, "a certificate's validity");
	*ret = timegm(&tm);
	return 0;
}

static int count(const X509 *c, int64_t now_unix, struct certificate_dates *dates, struct err *e)
{
	int64_t from = 0, to = 0;

	TRY(to_unix(X509_get0_notBefore(c), &from, e));
	TRY(to_unix(X509_get0_notAfter(c), &to, e));
	dates->count++;
	dates->early += now_unix < from;
	dates->expired += now_unix > to;
	if (now_unix >= from && now_unix <= to && to < dates->not_after_unix)
		dates->not_after_unix = to;
	return 0;
}

int certificate_dates(struct view der, int64_t now_unix, struct certificate_dates *ret,
                      struct err *e)
{
	struct certificate_dates dates = { .not_after_unix = INT64_MAX };
	const uint8_t *at = der.data;
	AUTO(x509) X509 *c = d2i_X509(NULL, &at, (long)der.len);

	if (!c)
		return err_ossl(e, ERR_DATA, "not a certificate in DER");
	TRY(count(c, now_unix, &dates, e));
	*ret = dates;
	return 0;
}

static int open_pem(const char *path, struct buf *pem, BIO **ret, struct err *e)
{
	TRY(file_read_regular(path, pem, e));
	*ret = BIO_new_mem_buf(buf_text(pem), (int)pem->len);
	if (!*ret)
		return err_ossl(e, ERR_INTERNAL, "reading '%s'", path);
	return 0;
}

int certificate_file_dates(const char *path, int64_t now_unix, struct certificate_dates *ret,
                           struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(CERTIFICATE_BUNDLE_MAX);
	AUTO(bio) BIO *bio = NULL;
	struct certificate_dates dates = { .not_after_unix = INT64_MAX };

	TRY(open_pem(path, &pem, &bio, e));
	for (;;) {
		AUTO(x509) X509 *c = PEM_read_bio_X509(bio, NULL, ossl_no_passphrase, NULL);

		if (!c)
			break;
		TRY(count(c, now_unix, &dates, e));
	}
	/* The end of the file is an error to OpenSSL; one that can't be read is one to us. */
	if (!dates.count || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_ossl(e, ERR_DATA, "'%s' holds no certificate in PEM", path);
	ERR_clear_error();
	*ret = dates;
	return 0;
}

static int read_key(const char *path, EVP_PKEY **ret, struct err *e)
{
	AUTO(secret) struct secret pem = { 0 };
	AUTO(bio) BIO *bio = NULL;

	TRY(file_check_private(path, e));
	TRY(file_read_secret(path, KEY_FILE_MAX, &pem, e));
	bio = BIO_new_mem_buf(secret_view(&pem).data, (int)pem.len);
	*ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, ossl_no_passphrase, NULL) : NULL;
	if (!*ret)
		return err_ossl(e, ERR_DATA, "'%s' holds no private key in PEM", path);
	return 0;
}

int certificate_file_check_key(const char *path, const char *key_path, struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(CERTIFICATE_BUNDLE_MAX);
	AUTO(bio) BIO *bio = NULL;
	AUTO(x509) X509 *c = NULL;
	AUTO(pkey) EVP_PKEY *key = NULL;

	TRY(open_pem(path, &pem, &bio, e));
	c = PEM_read_bio_X509(bio, NULL, ossl_no_passphrase, NULL);
	if (!c)
		return err_ossl(e, ERR_DATA, "'%s' holds no certificate in PEM", path);
	TRY(read_key(key_path, &key, e));
	if (X509_check_private_key(c, key) != 1)
		return err_ossl(e, ERR_DATA, "'%s' is not the key of '%s'", key_path, path);
	return 0;
}

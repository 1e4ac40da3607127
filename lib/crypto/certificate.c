#include "crypto/certificate.h"

#include "base/file.h"
#include "crypto/ec.h"
#include "crypto/hash.h"
#include "crypto/pem.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCALAR_LEN     48
#define P384_POINT_LEN 97
#define SERIAL_LEN     16

/* Ours and Nitro's have 500 to 650 bytes, the AWS text allows 1024 (formats.md 7.2). */
#define CERTIFICATE_MAX     4096
#define CERTIFICATE_PEM_MAX (2 * CERTIFICATE_MAX)
#define CHAIN_PEM_MAX       (256u << 10) /* a server's certificate and those above it */
#define ANY_KEY_PEM_MAX     8192         /* RSA of 8192 bits has 6400 bytes */
#define KEY_PEM_MAX         1024         /* ours have 306 bytes */

struct signer {
	struct secret scalar;
	uint8_t point[P384_POINT_LEN];
	EVP_PKEY *key;
	X509 *certificate;
	struct buf der;
	int64_t not_after_unix;
};

OSSL_DROP(bignum_public, BIGNUM, BN_free)
OSSL_DROP(general_names, GENERAL_NAMES, GENERAL_NAMES_free)
OSSL_DROP(general_name, GENERAL_NAME, GENERAL_NAME_free)
OSSL_DROP(bio, BIO, BIO_free)

void signer_drop(struct signer **s)
{
	struct signer *dropped = *s;

	if (!dropped)
		return;
	secret_drop(&dropped->scalar);
	EVP_PKEY_free(dropped->key);
	X509_free(dropped->certificate);
	buf_drop(&dropped->der);
	free(dropped);
	*s = NULL;
}

struct view signer_certificate(const struct signer *s)
{
	return buf_view(&s->der);
}

int64_t signer_not_after_unix(const struct signer *s)
{
	return s->not_after_unix;
}

static int signer_alloc(struct signer **ret, struct err *e)
{
	struct signer *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_INTERNAL, "no memory for a signer");
	s->der = BUF_INIT(CERTIFICATE_MAX);
	*ret = s;
	return 0;
}

static int add_serial(X509 *c, struct err *e)
{
	AUTO(bignum_public) BIGNUM *n = NULL;
	uint8_t serial[SERIAL_LEN];

	TRY(random_public(serial, sizeof(serial), e));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and all 16 bytes count */
	n = BN_bin2bn(serial, sizeof(serial), NULL);
	if (!n || !BN_to_ASN1_INTEGER(n, X509_get_serialNumber(c)))
		return err_ossl(e, ERR_INTERNAL, "certificate: serial number");
	return 0;
}

static int add_names(X509 *c, const struct signer *issuer, const char *common_name, struct err *e)
{
	X509_NAME *name = X509_get_subject_name(c);

	if (X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"teectl", -1, -1,
	                               0) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1,
	                               -1, 0) != 1)
		return err_ossl(e, ERR_INTERNAL, "certificate: subject '%s'", common_name);
	if (issuer)
		name = X509_get_subject_name(issuer->certificate);
	if (X509_set_issuer_name(c, name) != 1)
		return err_ossl(e, ERR_INTERNAL, "certificate: issuer");
	return 0;
}

static int add_validity(X509 *c, const struct certificate_request *request, struct err *e)
{
	if (!ASN1_TIME_set(X509_getm_notBefore(c), request->not_before_unix) ||
	    !ASN1_TIME_set(X509_getm_notAfter(c), request->not_after_unix))
		return err_ossl(e, ERR_INTERNAL, "certificate: validity");
	return 0;
}

static int add_extension(X509 *c, X509V3_CTX *ctx, int nid, const char *value, struct err *e)
{
	AUTO(x509_extension)
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, ctx, nid, value);

	if (!extension || X509_add_ext(c, extension, -1) != 1)
		return err_ossl(e, ERR_INTERNAL, "certificate: extension '%s'", value);
	return 0;
}

static int general_name_new(const struct certificate_name *name, GENERAL_NAME **ret, struct err *e)
{
	static const int types[] = {
		[CERTIFICATE_URI] = GEN_URI,
		[CERTIFICATE_DNS] = GEN_DNS,
		[CERTIFICATE_ADDRESS] = GEN_IPADD,
	};
	AUTO(general_name) GENERAL_NAME *made = GENERAL_NAME_new();
	ASN1_STRING *value =
	    name->kind == CERTIFICATE_ADDRESS ? a2i_IPADDRESS(name->text) : ASN1_IA5STRING_new();

	if (!made || !value ||
	    (name->kind != CERTIFICATE_ADDRESS && !ASN1_STRING_set(value, name->text, -1))) {
		ASN1_STRING_free(value);
		return err_ossl(e, ERR_INTERNAL, "certificate: name '%s'", name->text);
	}
	GENERAL_NAME_set0_value(made, types[name->kind], value);
	*ret = MOVE(made);
	return 0;
}

/* Built as a structure: in OpenSSL's text form a comma in a name would begin another one. */
static int add_alternative_names(X509 *c, const struct certificate_request *request, struct err *e)
{
	AUTO(general_names) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	if (request->name_count == 0)
		return 0;
	for (size_t i = 0; i < request->name_count; i++) {
		AUTO(general_name) GENERAL_NAME *name = NULL;

		TRY(general_name_new(&request->names[i], &name, e));
		if (!names || sk_GENERAL_NAME_push(names, name) == 0)
			return err_ossl(e, ERR_INTERNAL, "certificate: names");
		name = NULL; /* the list's */
	}
	if (X509_add1_ext_i2d(c, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1)
		return err_ossl(e, ERR_INTERNAL, "certificate: names");
	return 0;
}

static int add_use(X509 *c, X509V3_CTX *ctx, enum certificate_use use, struct err *e)
{
	static const char *const uses[] = {
		[CERTIFICATE_CLIENT] = "clientAuth",
		[CERTIFICATE_SERVER] = "serverAuth",
	};

	return use == CERTIFICATE_ANY_USE ? 0
	                                  : add_extension(c, ctx, NID_ext_key_usage, uses[use], e);
}

static int add_extensions(X509 *c, const struct signer *issuer,
                          const struct certificate_request *request, struct err *e)
{
	char constraints[64] = "critical,CA:FALSE";
	const char *usage =
	    request->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
	X509V3_CTX ctx;

	if (request->is_ca && request->path_length >= 0)
		snprintf(constraints, sizeof(constraints), "critical,CA:TRUE,pathlen:%d",
		         request->path_length);
	else if (request->is_ca)
		snprintf(constraints, sizeof(constraints), "critical,CA:TRUE");
	X509V3_set_ctx(&ctx, issuer ? issuer->certificate : c, c, NULL, NULL, 0);
	TRY(add_extension(c, &ctx, NID_basic_constraints, constraints, e));
	TRY(add_extension(c, &ctx, NID_key_usage, usage, e));
	TRY(add_use(c, &ctx, request->use, e));
	TRY(add_alternative_names(c, request, e));
	TRY(add_extension(c, &ctx, NID_subject_key_identifier, "hash", e));
	return add_extension(c, &ctx, NID_authority_key_identifier, "keyid:always", e);
}

static int certificate_new(EVP_PKEY *key, const struct signer *issuer,
                           const struct certificate_request *request, X509 **ret, struct err *e)
{
	AUTO(x509) X509 *c = X509_new();
	const struct ossl *ossl;

	TRY(ossl_get(&ossl, e));
	if (!c || X509_set_version(c, X509_VERSION_3) != 1 || X509_set_pubkey(c, key) != 1)
		return err_ossl(e, ERR_INTERNAL, "certificate: public key");
	TRY(add_serial(c, e));
	TRY(add_names(c, issuer, request->common_name, e));
	TRY(add_validity(c, request, e));
	TRY(add_extensions(c, issuer, request, e));
	if (X509_sign(c, issuer ? issuer->key : key, ossl->sha384) <= 0)
		return err_ossl(e, ERR_INTERNAL, "certificate: signing");
	*ret = MOVE(c);
	return 0;
}

static int certificate_format(X509 *c, struct buf *to, struct err *e)
{
	AUTO(ossl_bytes) uint8_t *der = NULL;
	int len = i2d_X509(c, &der);

	if (len <= 0)
		return err_ossl(e, ERR_INTERNAL, "certificate: encoding");
	return buf_set(to, view_new(der, (size_t)len), e);
}

/* What is known of a certificate beside its bytes; it must be P-384 and of the signer's key. */
static int certificate_take(struct signer *s, struct err *e)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(s->certificate);
	EVP_PKEY *key = X509_get0_pubkey(s->certificate);
	struct tm tm = { 0 };
	char group[32] = "";

	if (!bits || !key || EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, SN_secp384r1) != 0)
		return err_ossl(e, ERR_DATA, "certificate: its key is not one of P-384");
	if (!view_equal(view_new(bits->data, (size_t)bits->length), VIEW_OF(s->point)))
		return err_set(e, ERR_DATA, "certificate: it belongs to another key");
	if (ASN1_TIME_to_tm(X509_get0_notAfter(s->certificate), &tm) != 1)
		return err_ossl(e, ERR_DATA, "certificate: end of validity");
	s->not_after_unix = timegm(&tm);
	return 0;
}

int signer_issue(const struct signer *issuer, const struct certificate_request *request,
                 struct signer **ret, struct err *e)
{
	AUTO(signer) struct signer *s = NULL;

	TRY(signer_alloc(&s, e));
	TRY(ec_private_draw(CURVE_P384, &entropy_system, "certificate", &s->scalar, &s->key,
	                    s->point, e));
	TRY(certificate_new(s->key, issuer, request, &s->certificate, e));
	TRY(certificate_format(s->certificate, &s->der, e));
	TRY(certificate_take(s, e));
	*ret = MOVE(s);
	return 0;
}

int signer_new(const struct secret *scalar, struct view certificate, struct signer **ret,
               struct err *e)
{
	AUTO(signer) struct signer *s = NULL;
	const uint8_t *at = certificate.data;

	TRY(signer_alloc(&s, e));
	TRY(ec_private_new(CURVE_P384, scalar, &s->key, s->point, e));
	TRY(secret_copy(secret_view(scalar), &s->scalar, e));
	if (certificate.len > CERTIFICATE_MAX)
		return err_set(e, ERR_DATA, "certificate: %zu bytes, at most %d", certificate.len,
		               CERTIFICATE_MAX);
	s->certificate = d2i_X509(NULL, &at, (long)certificate.len);
	if (!s->certificate || at != certificate.data + certificate.len)
		return err_ossl(e, ERR_DATA, "certificate: not one in DER");
	TRY(certificate_take(s, e));
	TRY(buf_add(&s->der, certificate, e));
	*ret = MOVE(s);
	return 0;
}

/* PKCS#8 around an ECPrivateKey with its public point (RFC 5958, RFC 5915) is the same for every
 * key of P-384, here and from OpenSSL, but for scalar and point. Reading and writing it as bytes
 * keeps the scalar out of the ordinary memory of an encoder. */
static const uint8_t pkcs8_head[] = {
	0x30, 0x81, 0xb6, 0x02, 0x01, 0x00,                   /* SEQUENCE, version 0 */
	0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, /* id-ecPublicKey */
	0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, /* secp384r1 */
	0x04, 0x81, 0x9e, 0x30, 0x81, 0x9b, 0x02, 0x01, 0x01, /* ECPrivateKey, version 1 */
	0x04, 0x30,                                           /* the scalar follows */
};
static const uint8_t pkcs8_middle[] = { 0xa1, 0x64, 0x03, 0x62, 0x00 }; /* the point follows */

#define PKCS8_LEN (sizeof(pkcs8_head) + SCALAR_LEN + sizeof(pkcs8_middle) + P384_POINT_LEN)

static int pkcs8_format(const struct signer *s, struct secret *ret, struct err *e)
{
	uint8_t *at;

	TRY(secret_alloc(PKCS8_LEN, ret, e));
	at = ret->data;
	at = (uint8_t *)mempcpy(at, pkcs8_head, sizeof(pkcs8_head));
	at = (uint8_t *)mempcpy(at, s->scalar.data, SCALAR_LEN);
	at = (uint8_t *)mempcpy(at, pkcs8_middle, sizeof(pkcs8_middle));
	memcpy(at, s->point, P384_POINT_LEN);
	return 0;
}

/* The point is left to the comparison with the certificate's. */
static int pkcs8_parse(const struct secret *der, struct secret *ret_scalar, struct err *e)
{
	struct reader r = reader_new(secret_view(der));
	struct view head = reader_bytes(&r, sizeof(pkcs8_head));
	struct view scalar = reader_bytes(&r, SCALAR_LEN);
	struct view middle = reader_bytes(&r, sizeof(pkcs8_middle));

	reader_bytes(&r, P384_POINT_LEN);
	if (reader_done(&r, ERR_DATA, "PKCS#8", e) < 0 || !view_equal(head, VIEW_OF(pkcs8_head)) ||
	    !view_equal(middle, VIEW_OF(pkcs8_middle)))
		return err_set(e, ERR_DATA, "not a P-384 key with its public half in PKCS#8 DER");
	return secret_copy(scalar, ret_scalar, e);
}

int signer_write(const struct signer *s, const char *certificate_path, const char *key_path,
                 struct err *e)
{
	AUTO(secret) struct secret der = { 0 };

	TRY(pkcs8_format(s, &der, e));
	TRY(file_write(key_path, secret_view(&der), 0600, e));
	return file_write(certificate_path, signer_certificate(s), 0644, e);
}

int signer_read(const char *certificate_path, const char *key_path, struct signer **ret,
                struct err *e)
{
	AUTO(buf) struct buf certificate = BUF_INIT(CERTIFICATE_MAX);
	AUTO(secret) struct secret der = { 0 };
	AUTO(secret) struct secret scalar = { 0 };

	TRY(file_read_guarded(certificate_path, /* may_be_pipe= */ false, &certificate, e));
	TRY(file_read_secret(key_path, PKCS8_LEN, &der, e));
	if (pkcs8_parse(&der, &scalar, e) < 0)
		return err_wrap(e, "key file '%s'", key_path);
	if (signer_new(&scalar, buf_view(&certificate), ret, e) < 0)
		return err_wrap(e, "'%s' and '%s'", certificate_path, key_path);
	return 0;
}

#define KEY_LABEL "PRIVATE KEY" /* RFC 7468 10 */

static int certificate_format_pem(const struct signer *s, struct buf *to, struct err *e)
{
	AUTO(bio) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio || PEM_write_bio_X509(bio, s->certificate) != 1)
		return err_ossl(e, ERR_INTERNAL, "certificate: encoding");
	len = BIO_get_mem_data(bio, &text);
	return buf_add(to, view_new(text, (size_t)len), e);
}

int signer_create_pem(const struct signer *s, const char *certificate_path, const char *key_path,
                      struct err *e)
{
	AUTO(buf) struct buf certificate = BUF_INIT(CERTIFICATE_PEM_MAX);
	AUTO(secret) struct secret der = { 0 };
	AUTO(secret) struct secret pem = { 0 };

	TRY(certificate_format_pem(s, &certificate, e));
	TRY(pkcs8_format(s, &der, e));
	TRY(pem_format_secret(KEY_LABEL, &der, &pem, e));
	TRY(file_create_secret(key_path, &pem, e));
	return file_create(certificate_path, buf_view(&certificate), 0644, e);
}

static int read_certificate_pem(const char *path, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(CERTIFICATE_PEM_MAX);
	AUTO(bio) BIO *bio = NULL;
	AUTO(x509) X509 *c = NULL;

	TRY(file_read_guarded(path, /* may_be_pipe= */ false, &pem, e));
	bio = BIO_new_mem_buf(buf_text(&pem), (int)pem.len);
	c = bio ? PEM_read_bio_X509(bio, NULL, ossl_no_passphrase, NULL) : NULL;
	if (!c)
		return err_ossl(e, ERR_DATA, "'%s' holds no certificate in PEM", path);
	return certificate_format(c, ret, e);
}

int signer_read_pem(const char *certificate_path, const char *key_path, struct signer **ret,
                    struct err *e)
{
	AUTO(buf) struct buf certificate = BUF_INIT(CERTIFICATE_MAX);
	AUTO(secret) struct secret pem = { 0 };
	AUTO(secret) struct secret der = { 0 };
	AUTO(secret) struct secret scalar = { 0 };

	TRY(read_certificate_pem(certificate_path, &certificate, e));
	TRY(file_check_private(key_path, e));
	TRY(file_read_secret(key_path, KEY_PEM_MAX, &pem, e));
	if (pem_parse_secret(KEY_LABEL, &pem, PKCS8_LEN, &der, e) < 0 ||
	    pkcs8_parse(&der, &scalar, e) < 0)
		return err_wrap(e, "key file '%s'", key_path);
	if (signer_new(&scalar, buf_view(&certificate), ret, e) < 0)
		return err_wrap(e, "'%s' and '%s'", certificate_path, key_path);
	return 0;
}

int signer_sign(const struct signer *s, struct view message, uint8_t ret[static P384_SIGNATURE_LEN],
                struct err *e)
{
	struct hash384 digest;

	TRY(sha384(message, &digest, e));
	return ec_sign(CURVE_P384, s->key, VIEW_OF(digest.bytes), ret, e);
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *to, int size, int is_writing, void *context)
{
	(void)to;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

int certificate_check_pair(const char *certificate_path, const char *key_path, struct err *e)
{
	AUTO(buf) struct buf chain = BUF_INIT(CHAIN_PEM_MAX);
	AUTO(secret) struct secret text = { 0 };
	AUTO(bio) BIO *certificate_bio = NULL;
	AUTO(bio) BIO *key_bio = NULL;
	AUTO(x509) X509 *certificate = NULL;
	AUTO(pkey) EVP_PKEY *key = NULL;
	int fits;

	TRY(file_read_guarded(certificate_path, /* may_be_pipe= */ false, &chain, e));
	TRY(file_read_secret(key_path, ANY_KEY_PEM_MAX, &text, e));
	certificate_bio = BIO_new_mem_buf(chain.data, (int)chain.len);
	key_bio = BIO_new_mem_buf(secret_view(&text).data, (int)secret_view(&text).len);
	if (!certificate_bio || !key_bio)
		return err_ossl(e, ERR_INTERNAL, "reading a certificate and its key");
	certificate = PEM_read_bio_X509(certificate_bio, NULL, no_passphrase, NULL);
	key = PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, NULL);
	fits = !certificate || !key || X509_check_private_key(certificate, key) == 1;
	ERR_clear_error();
	if (fits)
		return 0;
	return err_set(e, ERR_DATA, "'%s' is not the key of the certificate '%s'", key_path,
	               certificate_path);
}

#include "support.h"

#include "crypto/certificate.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1767322984)

static struct signer *issue(const struct signer *issuer, const char *name, bool is_ca, int length)
{
	const struct certificate_request request = { .common_name = name,
		                                     .not_before_unix = NOW - 60,
		                                     .not_after_unix = NOW + 3600,
		                                     .is_ca = is_ca,
		                                     .path_length = length };
	struct signer *s = NULL;
	struct err e;

	assert_ok(signer_issue(issuer, &request, &s, &e));
	return s;
}

static X509 *x509_of(const struct signer *s)
{
	struct view der = signer_certificate(s);
	const uint8_t *at = der.data;
	X509 *c = d2i_X509(NULL, &at, (long)der.len);

	assert_non_null(c);
	assert_ptr_equal(at, der.data + der.len);
	return c;
}

static void x509_drop(X509 **c)
{
	X509_free(*c);
	*c = NULL;
}

static void chains_of_issued_certificates_verify(void **state)
{
	AUTO(signer) struct signer *root = issue(NULL, "root", true, -1);
	AUTO(signer) struct signer *ca = issue(root, "platform", true, 0);
	AUTO(signer) struct signer *leaf = issue(ca, "leaf", false, -1);
	AUTO(x509) X509 *r = x509_of(root);
	AUTO(x509) X509 *c = x509_of(ca);
	AUTO(x509) X509 *l = x509_of(leaf);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *pool = sk_X509_new_null();

	(void)state;
	X509_STORE_add_cert(store, r);
	sk_X509_push(pool, c);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, l, pool), 1);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_time(ctx, 0, NOW);
	assert_int_equal(X509_verify_cert(ctx), 1);
	sk_X509_free(pool);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

static void check_common(X509 *c, X509 *issuer, const char *subject)
{
	uint8_t serial[32];
	char name[128];
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(c), NULL);

	assert_int_equal(X509_get_version(c), 2);
	assert_int_equal(X509_get_signature_nid(c), NID_ecdsa_with_SHA384);
	assert_int_equal(BN_num_bytes(n), 16);
	assert_false(BN_is_negative(n));
	BN_bn2bin(n, serial);
	BN_free(n);
	assert_true(serial[0] < 0x80);
	X509_NAME_oneline(X509_get_subject_name(c), name, sizeof(name));
	assert_string_equal(name, subject);
	assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(c), X509_get_subject_name(issuer)), 0);
	assert_int_equal(X509_verify(c, X509_get0_pubkey(issuer)), 1);
	assert_non_null(X509_get0_subject_key_id(c));
	assert_int_equal(
	    ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(c), X509_get0_subject_key_id(issuer)),
	    0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(c), NOW - 60), 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(c), NOW + 3600), 0);
}

static bool is_critical(X509 *c, int nid)
{
	int at = X509_get_ext_by_NID(c, nid, -1);

	assert_true(at >= 0);
	return X509_EXTENSION_get_critical(X509_get_ext(c, at));
}

static void certificates_have_what_their_use_needs(void **state)
{
	AUTO(signer) struct signer *root = issue(NULL, "the root", true, -1);
	AUTO(signer) struct signer *ca = issue(root, "a CA", true, 1);
	AUTO(signer) struct signer *leaf = issue(ca, "a leaf", false, -1);
	AUTO(x509) X509 *r = x509_of(root);
	AUTO(x509) X509 *c = x509_of(ca);
	AUTO(x509) X509 *l = x509_of(leaf);
	X509 *const all[] = { r, c, l };

	(void)state;
	check_common(r, r, "/O=teectl/CN=the root");
	check_common(c, r, "/O=teectl/CN=a CA");
	check_common(l, c, "/O=teectl/CN=a leaf");
	for (size_t i = 0; i < COUNT(all); i++) {
		assert_true(is_critical(all[i], NID_basic_constraints));
		assert_true(is_critical(all[i], NID_key_usage));
	}
	assert_true(X509_get_extension_flags(r) & EXFLAG_CA);
	assert_false(X509_get_extension_flags(l) & EXFLAG_CA);
	assert_int_equal(X509_get_pathlen(r), -1);
	assert_int_equal(X509_get_pathlen(c), 1);
	assert_int_equal(X509_get_key_usage(c), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_key_usage(l), KU_DIGITAL_SIGNATURE);
	assert_int_equal(signer_not_after_unix(leaf), NOW + 3600);
}

static void serial_numbers_differ(void **state)
{
	AUTO(signer) struct signer *a = issue(NULL, "same", true, -1);
	AUTO(signer) struct signer *b = issue(NULL, "same", true, -1);
	AUTO(x509) X509 *x = x509_of(a);
	AUTO(x509) X509 *y = x509_of(b);

	(void)state;
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)),
	                     0);
}

static void dates_beyond_2050_are_written(void **state)
{
	const struct certificate_request request = { .common_name = "root",
		                                     .not_before_unix = 0,
		                                     .not_after_unix = INT64_C(4733510400),
		                                     .is_ca = true,
		                                     .path_length = -1 };
	AUTO(signer) struct signer *s = NULL;
	struct err e;

	(void)state;
	assert_ok(signer_issue(NULL, &request, &s, &e));
	assert_int_equal(signer_not_after_unix(s), INT64_C(4733510400)); /* 2120 */
}

/* r and s, verified by OpenSSL with the certificate's key. */
static int verify(const struct signer *s, struct view message, const uint8_t *raw)
{
	AUTO(x509) X509 *c = x509_of(s);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int len, result;

	ECDSA_SIG_set0(sig, BN_bin2bn(raw, 48, NULL), BN_bin2bn(raw + 48, 48, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	assert_true(len > 0);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha384(), NULL, X509_get0_pubkey(c)),
	                 1);
	result = EVP_DigestVerify(ctx, der, (size_t)len, message.data, message.len);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return result;
}

static void signatures_verify_with_the_certificate(void **state)
{
	AUTO(signer) struct signer *s = issue(NULL, "signer", false, -1);
	struct view message = view_text("Signature1");
	uint8_t raw[P384_SIGNATURE_LEN];
	struct err e;

	(void)state;
	assert_ok(signer_sign(s, message, raw, &e));
	assert_int_equal(verify(s, message, raw), 1);
	assert_int_not_equal(verify(s, view_text("Signature2"), raw), 1);
}

static void the_mock_leaf_of_the_vectors_signs(void **state)
{
	AUTO(buf) struct buf hex = vector_file("qos/mock_pki/leaf_p384_secret.hex");
	AUTO(buf) struct buf certificate = vector_file("qos/mock_pki/leaf.der");
	AUTO(secret) struct secret scalar = secret_of_hex(buf_text(&hex));
	AUTO(signer) struct signer *s = NULL;
	uint8_t raw[P384_SIGNATURE_LEN];
	struct err e;

	(void)state;
	assert_ok(signer_new(&scalar, buf_view(&certificate), &s, &e));
	assert_view_equal(signer_certificate(s), buf_view(&certificate));
	assert_int_equal(signer_not_after_unix(s), INT64_C(4733510400));
	assert_ok(signer_sign(s, view_text("m"), raw, &e));
	assert_int_equal(verify(s, view_text("m"), raw), 1);
}

static void a_certificate_that_does_not_fit_the_key_is_refused(void **state)
{
	AUTO(buf) struct buf hex = vector_file("qos/mock_pki/leaf_p384_secret.hex");
	AUTO(buf) struct buf leaf = vector_file("qos/mock_pki/leaf.der");
	AUTO(buf) struct buf root = vector_file("qos/mock_pki/root.der");
	AUTO(secret) struct secret scalar = secret_of_hex(buf_text(&hex));
	AUTO(secret) struct secret shorter = secret_of(view_new(scalar.data, 32));
	AUTO(secret) struct secret zero = { 0 };
	struct signer *s = NULL;
	struct err e;

	(void)state;
	assert_ok(secret_alloc(48, &zero, &e));
	assert_refused(signer_new(&scalar, buf_view(&root), &s, &e), ERR_DATA, "another key");
	assert_refused(signer_new(&shorter, buf_view(&leaf), &s, &e), ERR_DATA, "not 32");
	assert_refused(signer_new(&zero, buf_view(&leaf), &s, &e), ERR_DATA, "scalar that is 0");
	for (size_t len = 0; len < leaf.len; len++)
		assert_refused(signer_new(&scalar, view_new(leaf.data, len), &s, &e), ERR_DATA,
		               "not one in DER");
	assert_ok(buf_add_u8(&leaf, 0, &e));
	assert_refused(signer_new(&scalar, buf_view(&leaf), &s, &e), ERR_DATA, "not one in DER");
	assert_null(s);
}

struct files {
	char folder[256], certificate[320], key[320];
};

static struct files files_new(void)
{
	struct files f;

	folder_new(f.folder, sizeof(f.folder));
	snprintf(f.certificate, sizeof(f.certificate), "%s/c.der", f.folder);
	snprintf(f.key, sizeof(f.key), "%s/k.der", f.folder);
	return f;
}

static void files_drop(struct files *f)
{
	unlink(f->certificate);
	unlink(f->key);
	rmdir(f->folder);
}

static void signers_are_written_and_read(void **state)
{
	AUTO(files) struct files f = files_new();
	AUTO(signer) struct signer *s = issue(NULL, "root", true, -1);
	AUTO(signer) struct signer *again = NULL;
	uint8_t raw[P384_SIGNATURE_LEN];
	struct stat st;
	struct err e;

	(void)state;
	assert_ok(signer_write(s, f.certificate, f.key, &e));
	assert_ok(signer_write(s, f.certificate, f.key, &e)); /* renewal replaces */
	assert_int_equal(stat(f.key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(f.certificate, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_ok(signer_read(f.certificate, f.key, &again, &e));
	assert_view_equal(signer_certificate(s), signer_certificate(again));
	assert_ok(signer_sign(again, view_text("m"), raw, &e));
	assert_int_equal(verify(s, view_text("m"), raw), 1);
}

/* The key file is what OpenSSL itself writes and reads. */
static void the_key_file_is_pkcs8(void **state)
{
	AUTO(files) struct files f = files_new();
	AUTO(signer) struct signer *s = issue(NULL, "root", true, -1);
	AUTO(buf) struct buf file = BUF_INIT(1024);
	PKCS8_PRIV_KEY_INFO *info;
	const uint8_t *at;
	uint8_t *der = NULL;
	EVP_PKEY *key;
	struct err e;
	int len;

	(void)state;
	assert_ok(signer_write(s, f.certificate, f.key, &e));
	assert_ok(file_read(f.key, &file, &e));
	at = file.data;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)file.len);
	assert_non_null(info);
	key = EVP_PKCS82PKEY(info);
	assert_non_null(key);
	PKCS8_PRIV_KEY_INFO_free(info);
	info = EVP_PKEY2PKCS8(key);
	len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_view_equal(buf_view(&file), view_new(der, (size_t)len));
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
}

static void broken_signer_files_are_refused(void **state)
{
	AUTO(files) struct files f = files_new();
	AUTO(signer) struct signer *s = issue(NULL, "root", true, -1);
	AUTO(signer) struct signer *other = issue(NULL, "root", true, -1);
	AUTO(buf) struct buf key = BUF_INIT(1024);
	struct signer *again = NULL;
	struct err e;

	(void)state;
	assert_refused(signer_read(f.certificate, f.key, &again, &e), ERR_NO_INPUT, "c.der");
	assert_ok(signer_write(s, f.certificate, f.key, &e));
	assert_ok(file_read(f.key, &key, &e));
	assert_ok(file_write(f.certificate, signer_certificate(other), 0644, &e));
	assert_refused(signer_read(f.certificate, f.key, &again, &e), ERR_DATA, "another key");
	for (size_t i = 0; i < 35; i++) {
		key.data[i] ^= 1;
		assert_ok(file_write(f.key, buf_view(&key), 0600, &e));
		assert_refused(signer_read(f.certificate, f.key, &again, &e), ERR_DATA, "PKCS#8");
		key.data[i] ^= 1;
	}
	assert_ok(file_write(f.key, view_new(key.data, key.len - 1), 0600, &e));
	assert_refused(signer_read(f.certificate, f.key, &again, &e), ERR_DATA, "PKCS#8");
	assert_ok(buf_add_u8(&key, 0, &e));
	assert_ok(file_write(f.key, buf_view(&key), 0600, &e));
	assert_refused(signer_read(f.certificate, f.key, &again, &e), ERR_DATA, "more than");
	unlink(f.key);
	assert_refused(signer_read(f.certificate, f.key, &again, &e), ERR_NO_INPUT, "k.der");
	assert_null(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_of_issued_certificates_verify),
		cmocka_unit_test(certificates_have_what_their_use_needs),
		cmocka_unit_test(serial_numbers_differ),
		cmocka_unit_test(dates_beyond_2050_are_written),
		cmocka_unit_test(signatures_verify_with_the_certificate),
		cmocka_unit_test(the_mock_leaf_of_the_vectors_signs),
		cmocka_unit_test(a_certificate_that_does_not_fit_the_key_is_refused),
		cmocka_unit_test(signers_are_written_and_read),
		cmocka_unit_test(the_key_file_is_pkcs8),
		cmocka_unit_test(broken_signer_files_are_refused),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

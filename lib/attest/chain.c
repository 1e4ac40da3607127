#include "attest/chain.h"

#include "attest/document.h"
#include "crypto/ec.h"
#include "crypto/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* The path is given in order, so each certificate is verified directly by the key of the one before
 * (X509_verify), and what RFC 5280 wants of it is looked at here. X509_verify_cert would search the
 * bundle as a pool in any order, take a CA as a leaf, ignore the extended key usage, end validity a
 * second early, and in its strict mode refuse every real document (they lack an authority key
 * identifier): each of these would have to be undone from outside, and what is forgotten passes. */

#define PATH_MAX_LEN  (DOCUMENT_CHAIN_MAX + 1) /* root, the bundle without it, leaf */

#define ROOT_FILE_MAX 16384 /* a PEM file with comments */

struct chain_key {
	EVP_PKEY *key;
};

struct path {
	X509 *certificates[PATH_MAX_LEN]; /* root first */
	size_t count;
};

static void path_drop(struct path *p)
{
	for (size_t i = 0; i < p->count; i++)
		X509_free(p->certificates[i]);
	*p = (struct path){ 0 };
	/* OpenSSL's queue would otherwise tell a later, unrelated call of what was refused here. */
	ERR_clear_error();
}

PRINTF_LIKE(4, 5)
static int refuse(struct err *e, const char *check, size_t index, const char *format, ...)
{
	char reason[ERR_REASON_MAX], what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reason, sizeof(reason), "chain:%s@%zu", check, index);
	return err_reason(e, ERR_ATTESTATION, reason,
	                  "certificate chain: certificate %zu (root is 0): %s", index, what);
}

/* OpenSSL reads some BER as well; X.509 is DER. Written again it must be the same. */
static bool is_der(X509 *x, struct view der)
{
	AUTO(ossl_bytes) uint8_t *again = NULL;
	int len = i2d_X509(x, &again);

	return len >= 0 && view_equal(view_new(again, (size_t)len), der);
}

/* RFC 5280 4.1.2.5: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, nothing else. */
static bool is_time(const ASN1_TIME *t)
{
	int want = t->type == V_ASN1_UTCTIME ? 13 : 15;

	return t->length == want && t->data[want - 1] == 'Z' && ASN1_TIME_check(t) == 1;
}

static bool has_unused_bits(const ASN1_BIT_STRING *bits)
{
	return (bits->flags & ASN1_STRING_FLAG_BITS_LEFT) && (bits->flags & 7);
}

static int check_algorithm(const X509 *x, size_t index, struct err *e)
{
	const X509_ALGOR *outer, *inner = X509_get0_tbs_sigalg(x);
	const ASN1_BIT_STRING *signature;
	const ASN1_OBJECT *id;
	int parameters;

	X509_get0_signature(&signature, &outer, x);
	if (X509_ALGOR_cmp(inner, outer) != 0)
		return refuse(e, "algorithm", index, "it names two signature algorithms");
	X509_ALGOR_get0(&id, &parameters, NULL, outer);
	/* RFC 5758 3.2: no parameters */
	if (OBJ_obj2nid(id) != NID_ecdsa_with_SHA384 || parameters != V_ASN1_UNDEF)
		return refuse(e, "algorithm", index, "it is not signed by ecdsa-with-SHA384");
	return 0;
}

static int check_curve(const X509 *x, size_t index, struct err *e)
{
	X509_PUBKEY *key = X509_get_X509_PUBKEY(x);
	const unsigned char *point;
	ASN1_OBJECT *id;
	X509_ALGOR *algorithm;
	const void *curve;
	struct err unfit;
	int len, type;

	if (!X509_PUBKEY_get0_param(&id, &point, &len, &algorithm, key))
		return refuse(e, "curve", index, "its public key is not readable");
	X509_ALGOR_get0(NULL, &type, &curve, algorithm);
	if (OBJ_obj2nid(id) != NID_X9_62_id_ecPublicKey || type != V_ASN1_OBJECT ||
	    OBJ_obj2nid(curve) != NID_secp384r1)
		return refuse(e, "curve", index, "its public key is not P-384");
	if (ec_point_check(CURVE_P384, view_new(point, (size_t)len), &unfit) < 0 ||
	    has_unused_bits(X509_get0_pubkey_bitstr(x)) || !X509_get0_pubkey(x))
		return refuse(e, "curve", index, "its public key is no point of P-384");
	return 0;
}

static int add_certificate(struct path *p, struct view der, struct err *e)
{
	const unsigned char *at = der.data;
	const ASN1_BIT_STRING *signature;
	size_t index = p->count;
	X509 *x = NULL;

	if (der.len && der.len <= DOCUMENT_CERTIFICATE_MAX)
		x = d2i_X509(NULL, &at, (long)der.len);
	if (!x)
		return refuse(e, "parse", index, "not an X.509 certificate of 1 to %d bytes",
		              DOCUMENT_CERTIFICATE_MAX);
	p->certificates[p->count++] = x;
	X509_get0_signature(&signature, NULL, x);
	if (!is_der(x, der) || has_unused_bits(signature) || !is_time(X509_get0_notBefore(x)) ||
	    !is_time(X509_get0_notAfter(x)))
		return refuse(e, "parse", index, "not DER as RFC 5280 has it");
	if (X509_get_version(x) != X509_VERSION_3)
		return refuse(e, "version", index, "not X.509 version 3");
	TRY(check_algorithm(x, index, e));
	return check_curve(x, index, e);
}

static int parse_path(struct view root, const struct view *cas, size_t ca_count, struct view leaf,
                      struct path *ret, struct err *e)
{
	if (ca_count > PATH_MAX_LEN - 2)
		return err_reason(e, ERR_ATTESTATION, "chain:length",
		                  "certificate chain: %zu certificates between root and leaf",
		                  ca_count);
	TRY(add_certificate(ret, root, e));
	for (size_t i = 0; i < ca_count; i++)
		TRY(add_certificate(ret, cas[i], e));
	return add_certificate(ret, leaf, e);
}

static bool name_equal(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *a_der, *b_der;
	size_t a_len, b_len;

	return X509_NAME_get0_der(a, &a_der, &a_len) && X509_NAME_get0_der(b, &b_der, &b_len) &&
	       view_equal(view_new(a_der, a_len), view_new(b_der, b_len));
}

static int check_issuer(const struct path *p, size_t index, struct err *e)
{
	X509 *x = p->certificates[index];
	X509 *issuer = p->certificates[index ? index - 1 : 0]; /* the root is its own */

	if (!name_equal(X509_get_issuer_name(x), X509_get_subject_name(issuer)))
		return refuse(e, "issuer", index, "its issuer is not the subject of %s",
		              index ? "the certificate before it" : "itself");
	if (index && X509_verify(x, X509_get0_pubkey(issuer)) != 1)
		return err_reason(e, ERR_ATTESTATION, "chain:signature",
		                  "certificate chain: certificate %zu (root is 0): it is not "
		                  "signed by the one before it",
		                  index);
	return 0;
}

/* Certificate authority, and how many of them may follow (RFC 5280 4.2.1.9). Those that are issued
 * to themselves count as well: the stricter reading, and there are none. */
static int check_constraints(const struct path *p, size_t index, struct err *e)
{
	X509 *x = p->certificates[index];
	bool is_leaf = index == p->count - 1, is_ca = X509_get_extension_flags(x) & EXFLAG_CA;
	size_t below = p->count - 2 - (is_leaf ? 0 : index);
	long most = X509_get_pathlen(x);

	if (is_leaf)
		return is_ca ? refuse(e, "ca", index, "the leaf is a CA") : 0;
	if (!is_ca)
		return refuse(e, "ca", index, "not a CA");
	if (most >= 0 && below > (size_t)most)
		return refuse(e, "pathlen", index, "%zu CAs follow it, at most %ld may", below,
		              most);
	return 0;
}

static int check_usage(const struct path *p, size_t index, struct err *e)
{
	X509 *x = p->certificates[index];
	bool is_leaf = index == p->count - 1;

	/* Both functions answer with all bits where there is no such extension. */
	if (!(X509_get_key_usage(x) & (is_leaf ? KU_DIGITAL_SIGNATURE : KU_KEY_CERT_SIGN)))
		return refuse(e, "usage", index, "its key may not sign %s",
		              is_leaf ? "documents" : "certificates");
	/* As webpki has it, which QOS verifies with. */
	if (index && !(X509_get_extended_key_usage(x) & XKU_SSL_SERVER))
		return refuse(e, "usage", index, "its extended key usage lacks serverAuth");
	return 0;
}

static bool is_known_extension(const X509_EXTENSION *extension)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)extension))) {
	case NID_basic_constraints:
	case NID_key_usage:
	case NID_ext_key_usage:
		return true;
	default:
		return false;
	}
}

/* Known are those that are judged here, which are fewer than OpenSSL knows. */
static int check_extensions(const struct path *p, size_t index, struct err *e)
{
	X509 *x = p->certificates[index];

	if (X509_get_extension_flags(x) & EXFLAG_INVALID)
		return refuse(e, "extension", index, "an extension is malformed");
	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *extension = X509_get_ext(x, i);
		const ASN1_OBJECT *id = X509_EXTENSION_get_object(extension);

		if (X509_get_ext_by_OBJ(x, id, -1) != i)
			return refuse(e, "extension", index, "an extension is there twice");
		if (X509_EXTENSION_get_critical(extension) && !is_known_extension(extension))
			return refuse(e, "extension", index, "an unknown extension is critical");
	}
	return 0;
}

static int check_time(const struct path *p, size_t index, int64_t time_unix, struct err *e)
{
	const X509 *x = p->certificates[index];
	int since = ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), time_unix);
	int until = ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), time_unix);

	if (since == -2 || until == -2)
		return refuse(e, "time", index, "its validity is not readable");
	if (since > 0)
		return refuse(e, "time", index, "not valid yet");
	if (until < 0)
		return refuse(e, "time", index, "no longer valid");
	return 0;
}

static int verify_path(const struct path *p, int64_t time_unix, struct err *e)
{
	for (size_t i = 0; i < p->count; i++) {
		TRY(check_issuer(p, i, e));
		/* First: of malformed ones OpenSSL answers that they are not there. */
		TRY(check_extensions(p, i, e));
		TRY(check_constraints(p, i, e));
		TRY(check_usage(p, i, e));
		if (i)
			TRY(check_time(p, i, time_unix, e));
	}
	return 0;
}

int chain_verify(struct view root, const struct view *cas, size_t ca_count, struct view leaf,
                 int64_t time_unix, struct chain_key **ret, struct err *e)
{
	AUTO(path) struct path path = { 0 };
	AUTO(chain_key) struct chain_key *key = NULL;

	ERR_clear_error();
	TRY(parse_path(root, cas, ca_count, leaf, &path, e));
	TRY(verify_path(&path, time_unix, e));
	key = calloc(1, sizeof(*key));
	if (!key)
		return err_set(e, ERR_INTERNAL, "no memory for a certificate's key");
	key->key = X509_get_pubkey(path.certificates[path.count - 1]);
	*ret = MOVE(key);
	return 0;
}

void chain_key_drop(struct chain_key **key)
{
	if (*key)
		EVP_PKEY_free((*key)->key);
	free(*key);
	*key = NULL;
}

int chain_key_verify(const struct chain_key *key, struct view message, struct view signature,
                     struct err *e)
{
	struct hash384 hash;

	TRY(sha384(message, &hash, e));
	if (ec_verify(CURVE_P384, key->key, VIEW_OF(hash.bytes), signature, e) == 0)
		return 0;
	if (e->code == ERR_DATA)
		e->code = ERR_ATTESTATION;
	return -1;
}

bool chain_root_is_aws(struct view root)
{
	return view_equal(root, chain_aws_root);
}

static void bio_drop(BIO **bio)
{
	BIO_free(*bio);
	*bio = NULL;
}

int chain_root_parse(struct view content, struct buf *ret, struct err *e)
{
	AUTO(bio) BIO *bio = NULL;
	AUTO(x509) X509 *certificate = NULL;
	AUTO(ossl_bytes) uint8_t *der = NULL;
	const uint8_t *at = content.data;
	int len;

	if (content.len > ROOT_FILE_MAX)
		return err_set(e, ERR_DATA, "a root certificate of more than %d bytes",
		               ROOT_FILE_MAX);
	certificate = d2i_X509(NULL, &at, (long)content.len);
	if (!certificate) {
		bio = BIO_new_mem_buf(content.data, (int)content.len);
		certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	}
	ERR_clear_error();
	if (!certificate)
		return err_set(e, ERR_DATA, "not a certificate, neither PEM nor DER");
	len = i2d_X509(certificate, &der);
	if (len < 0)
		return err_ossl(e, ERR_INTERNAL, "encoding a certificate");
	return buf_add(ret, view_new(der, (size_t)len), e);
}

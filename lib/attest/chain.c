#include "attest/chain.h"

#include "attest/chain_cache.h"
#include "attest/document.h"
#include "crypto/ec.h"
#include "base/text.h"
#include "crypto/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	struct hash256 hashes[PATH_MAX_LEN];
	bool is_known[PATH_MAX_LEN]; /* of that form, and signed by the one before: chain_cache.h */
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
	char reason[ERR_REASON_MAX], what[2 * CERTIFICATE_NAME_MAX + 160];
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

/* Zeroes for the root, whose own signature nobody looks at: known as a root it is not known as what
 * it has signed. */
static const struct hash256 *issuer_hash(const struct path *p, size_t index)
{
	static const struct hash256 none;

	return index ? &p->hashes[index - 1] : &none;
}

static int parse_certificate(struct path *p, struct view der, struct err *e)
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

static int add_certificate(struct path *p, struct view der, struct err *e)
{
	size_t index = p->count;
	X509 *known;

	TRY(sha256(der, &p->hashes[index], e));
	known = chain_cache_find(&p->hashes[index], issuer_hash(p, index));
	if (!known)
		return parse_certificate(p, der, e);
	p->is_known[index] = true;
	p->certificates[p->count++] = known;
	return 0;
}

/* Once all of it was accepted: what is refused never takes a place. */
static void remember(const struct path *p)
{
	for (size_t i = 0; i < p->count; i++)
		chain_cache_add(p->certificates[i], &p->hashes[i], issuer_hash(p, i));
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

static void bio_drop(BIO **bio)
{
	BIO_free(*bio);
	*bio = NULL;
}

/* As RFC 2253 writes it, which escapes control characters; "?" without memory. */
static void name_write(const X509_NAME *name, char to[static CERTIFICATE_NAME_MAX])
{
	AUTO(bio) BIO *bio = BIO_new(BIO_s_mem());
	const char *text;
	size_t len;

	snprintf(to, CERTIFICATE_NAME_MAX, "?");
	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return;
	len = (size_t)BIO_get_mem_data(bio, &text);
	if (len > CERTIFICATE_NAME_MAX - 1)
		len = CERTIFICATE_NAME_MAX - 1;
	/* A character that the limit cuts in two is dropped. */
	while (len && !utf8_is_valid(view_new(text, len)))
		len--;
	memcpy(to, text, len);
	to[len] = 0;
	text_tame(to);
}

/* RFC 3339; what OpenSSL can't read as a time is 1970. */
static int64_t time_unix_of(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : 0;
}

static int refuse_issuer(const struct path *p, size_t index, struct err *e)
{
	char found[CERTIFICATE_NAME_MAX], expected[CERTIFICATE_NAME_MAX];

	name_write(X509_get_issuer_name(p->certificates[index]), found);
	name_write(X509_get_subject_name(p->certificates[index ? index - 1 : 0]), expected);
	return refuse(e, "issuer", index, "its issuer is '%s', expected %s, '%s'", found,
	              index ? "the subject of the certificate before it" : "itself", expected);
}

static int check_issuer(const struct path *p, size_t index, struct err *e)
{
	X509 *x = p->certificates[index];
	X509 *issuer = p->certificates[index ? index - 1 : 0]; /* the root is its own */

	if (!name_equal(X509_get_issuer_name(x), X509_get_subject_name(issuer)))
		return refuse_issuer(p, index, e);
	if (index && !p->is_known[index] && X509_verify(x, X509_get0_pubkey(issuer)) != 1)
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

static int refuse_time(const X509 *x, size_t index, int64_t time_unix, const char *what,
                       struct err *e)
{
	char from[TIME_TEXT_LEN], until[TIME_TEXT_LEN], at[TIME_TEXT_LEN];

	time_format_seconds(time_unix_of(X509_get0_notBefore(x)), from);
	time_format_seconds(time_unix_of(X509_get0_notAfter(x)), until);
	time_format_seconds(time_unix, at);
	return refuse(e, "time", index, "%s: valid from %s until %s, expected to be so at %s", what,
	              from, until, at);
}

static int check_time(const struct path *p, size_t index, int64_t time_unix, struct err *e)
{
	const X509 *x = p->certificates[index];
	int since = ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), time_unix);
	int until = ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), time_unix);

	if (since == -2 || until == -2)
		return refuse(e, "time", index, "its validity is not readable");
	if (since > 0)
		return refuse_time(x, index, time_unix, "not valid yet", e);
	if (until < 0)
		return refuse_time(x, index, time_unix, "no longer valid", e);
	return 0;
}

static int verify_certificate(const struct path *p, size_t index, int64_t time_unix, struct err *e)
{
	TRY(check_issuer(p, index, e));
	/* First: of malformed ones OpenSSL answers that they are not there. */
	TRY(check_extensions(p, index, e));
	TRY(check_constraints(p, index, e));
	TRY(check_usage(p, index, e));
	return index ? check_time(p, index, time_unix, e) : 0;
}

static int trace_certificate(const struct path *p, size_t index, int outcome, struct trace *trace,
                             const struct err *e)
{
	const X509 *x = p->certificates[index];
	char check[TRACE_CHECK_MAX], subject[CERTIFICATE_NAME_MAX];
	char from[TIME_TEXT_LEN], until[TIME_TEXT_LEN];

	snprintf(check, sizeof(check), "certificate %zu", index);
	name_write(X509_get_subject_name(x), subject);
	time_format_seconds(time_unix_of(X509_get0_notBefore(x)), from);
	time_format_seconds(time_unix_of(X509_get0_notAfter(x)), until);
	if (index == 0)
		return trace_end(trace, check, outcome, e,
		                 "the pinned root, %s; the one in the document is not looked at",
		                 subject);
	return trace_end(trace, check, outcome, e,
	                 "%s, %s: signed by the one before it, valid from %s until %s",
	                 index == p->count - 1 ? "leaf" : "CA", subject, from, until);
}

static int verify_path(const struct path *p, int64_t time_unix, struct trace *trace, struct err *e)
{
	char check[TRACE_CHECK_MAX];
	int outcome = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (outcome == 0) {
			outcome = verify_certificate(p, i, time_unix, e);
			if (trace)
				outcome = trace_certificate(p, i, outcome, trace, e);
			continue;
		}
		snprintf(check, sizeof(check), "certificate %zu", i);
		trace_add(trace, check, TRACE_NOT_REACHED, "-");
	}
	return outcome;
}

int chain_verify_traced(struct view root, const struct view *cas, size_t ca_count, struct view leaf,
                        int64_t time_unix, struct trace *trace, struct chain_key **ret,
                        struct err *e)
{
	AUTO(path) struct path path = { 0 };
	AUTO(chain_key) struct chain_key *key = NULL;
	int outcome;

	ERR_clear_error();
	outcome = parse_path(root, cas, ca_count, leaf, &path, e);
	TRY(trace_end(trace, "certificates", outcome, e,
	              "%zu of X.509 version 3, each P-384 and signed by ecdsa-with-SHA384",
	              path.count));
	TRY(verify_path(&path, time_unix, trace, e));
	key = calloc(1, sizeof(*key));
	if (!key)
		return err_set(e, ERR_INTERNAL, "no memory for a certificate's key");
	key->key = X509_get_pubkey(path.certificates[path.count - 1]);
	remember(&path);
	*ret = MOVE(key);
	return 0;
}

int chain_verify(struct view root, const struct view *cas, size_t ca_count, struct view leaf,
                 int64_t time_unix, struct chain_key **ret, struct err *e)
{
	return chain_verify_traced(root, cas, ca_count, leaf, time_unix, /* trace= */ NULL, ret, e);
}

int chain_describe(struct view der, struct certificate_facts *ret, struct err *e)
{
	AUTO(x509) X509 *x = NULL;
	struct certificate_facts facts;
	const unsigned char *at = der.data;

	if (der.len && der.len <= DOCUMENT_CERTIFICATE_MAX)
		x = d2i_X509(NULL, &at, (long)der.len);
	ERR_clear_error();
	if (!x || at != der.data + der.len)
		return err_set(e, ERR_DATA, "not an X.509 certificate of 1 to %d bytes",
		               DOCUMENT_CERTIFICATE_MAX);
	name_write(X509_get_subject_name(x), facts.subject);
	facts.not_before_unix = time_unix_of(X509_get0_notBefore(x));
	facts.not_after_unix = time_unix_of(X509_get0_notAfter(x));
	TRY(sha256(der, &facts.fingerprint, e));
	*ret = facts;
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

enum pcr_maker chain_root_maker(struct view root)
{
	static const char simulated[] = "CN=teectl SIMULATED ";
	struct certificate_facts facts;
	struct err unfit;

	if (chain_describe(root, &facts, &unfit) < 0 ||
	    strncmp(facts.subject, simulated, strlen(simulated)) != 0)
		return PCR_NITRO;
	return PCR_SIMULATED;
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
		certificate = bio ? PEM_read_bio_X509(bio, NULL, ossl_no_passphrase, NULL) : NULL;
	}
	ERR_clear_error();
	if (!certificate)
		return err_set(e, ERR_DATA, "not a certificate, neither PEM nor DER");
	len = i2d_X509(certificate, &der);
	if (len < 0)
		return err_ossl(e, ERR_INTERNAL, "encoding a certificate");
	return buf_add(ret, view_new(der, (size_t)len), e);
}

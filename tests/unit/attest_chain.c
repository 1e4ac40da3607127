/* A chain of our own, in which each test spoils one certificate. */
#include "support.h"

#include "attest/chain.h"
#include "attest/chain_cache.h"
#include "crypto/ossl.h"

#include <openssl/x509v3.h>

#define NOT_BEFORE 1700000000
#define NOT_AFTER  1700010000
#define PATH_LEN   4 /* root, region, zone, leaf */

struct recipe {
	const char *issuer, *subject, *constraints, *usage, *extended, *extension;
	const char *curve;
	const EVP_MD *digest;
	int64_t not_before, not_after;
	int version;
	bool extended_twice;
};

static EVP_PKEY *keys[PATH_LEN], *small_key;
static struct recipe good[PATH_LEN];

static int make_keys(void **state)
{
	static const char *const names[] = { "root", "region", "zone", "leaf" };
	static const char *const constraints[] = { "critical,CA:TRUE", "critical,CA:TRUE,pathlen:1",
		                                   "critical,CA:TRUE,pathlen:0",
		                                   "critical,CA:FALSE" };

	for (unsigned i = 0; i < PATH_LEN; i++) {
		keys[i] = EVP_EC_gen("P-384");
		good[i] = (struct recipe){
			.issuer = names[i ? i - 1 : 0],
			.subject = names[i],
			.constraints = constraints[i],
			.usage = i == PATH_LEN - 1 ? "critical,digitalSignature"
			                           : "critical,keyCertSign,cRLSign",
			.digest = EVP_sha384(),
			.not_before = NOT_BEFORE,
			.not_after = NOT_AFTER,
			.version = X509_VERSION_3,
		};
	}
	small_key = EVP_EC_gen("P-256");
	return open_arena(state);
}

static int free_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PATH_LEN; i++)
		EVP_PKEY_free(keys[i]);
	EVP_PKEY_free(small_key);
	return 0;
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *extension;

	if (!value)
		return;
	extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* critical or not; an OID that nobody knows */
static void add_private_extension(X509 *x, const char *criticality)
{
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	assert_int_equal(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\5\0", 2), 1);
	extension =
	    X509_EXTENSION_create_by_OBJ(NULL, id, strcmp(criticality, "critical") == 0, value);
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(id);
}

static void set_name(X509_NAME *name, const char *text)
{
	assert_int_equal(
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)text, -1, -1, 0),
	    1);
}

static X509 *new_certificate(const struct recipe *r, EVP_PKEY *key)
{
	X509 *x = X509_new();

	X509_set_version(x, r->version);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	set_name(X509_get_issuer_name(x), r->issuer);
	set_name(X509_get_subject_name(x), r->subject);
	ASN1_TIME_set(X509_getm_notBefore(x), r->not_before);
	ASN1_TIME_set(X509_getm_notAfter(x), r->not_after);
	X509_set_pubkey(x, key);
	add_extension(x, NID_basic_constraints, r->constraints);
	add_extension(x, NID_key_usage, r->usage);
	add_extension(x, NID_ext_key_usage, r->extended);
	if (r->extended_twice)
		add_extension(x, NID_ext_key_usage, r->extended);
	if (r->extension)
		add_private_extension(x, r->extension);
	return x;
}

/* The DER of a certificate as its recipe says, signed by issuer. */
static struct buf certificate(const struct recipe *r, EVP_PKEY *key, EVP_PKEY *issuer)
{
	struct buf der = BUF_INIT(4096);
	X509 *x = new_certificate(r, key);
	uint8_t *bytes = NULL;
	struct err e;
	int len;

	assert_true(X509_sign(x, issuer, r->digest) > 0);
	len = i2d_X509(x, &bytes);
	assert_true(len > 0);
	assert_ok(buf_add(&der, view_new(bytes, (size_t)len), &e));
	OPENSSL_free(bytes);
	X509_free(x);
	return der;
}

struct chain {
	struct buf der[PATH_LEN];
};

static void chain_drop(struct chain *c)
{
	for (unsigned i = 0; i < PATH_LEN; i++)
		buf_drop(&c->der[i]);
}

/* The good chain with one recipe replaced. */
static struct chain chain_with(unsigned index, const struct recipe *r)
{
	struct chain c;

	for (unsigned i = 0; i < PATH_LEN; i++)
		c.der[i] =
		    certificate(r && i == index ? r : &good[i], keys[i], keys[i ? i - 1 : 0]);
	return c;
}

static int verify(const struct chain *c, int64_t time, struct err *e)
{
	AUTO(chain_key) struct chain_key *key = NULL;
	struct view cas[] = { buf_view(&c->der[1]), buf_view(&c->der[2]) };
	int outcome;

	memset(e, 0, sizeof(*e));
	outcome = chain_verify(buf_view(&c->der[0]), cas, COUNT(cas), buf_view(&c->der[3]), time,
	                       &key, e);
	assert_int_equal(key != NULL, outcome == 0);
	assert_int_equal(ERR_peek_error(), 0);
	return outcome;
}

static void expect(unsigned index, const struct recipe *r, const char *reason)
{
	AUTO(chain) struct chain c = chain_with(index, r);
	struct err e;
	int outcome = verify(&c, NOT_BEFORE, &e);

	if (!reason)
		assert_int_equal(outcome, 0);
	else if (outcome == 0 || e.code != ERR_ATTESTATION || strcmp(e.reason, reason) != 0)
		fail_msg("'%s' (%s), expected '%s'", outcome ? e.reason : "accepted",
		         outcome ? e.text : "", reason);
}

static void a_chain_as_awss_is_accepted(void **state)
{
	(void)state;
	expect(0, NULL, NULL);
}

static void validity_includes_both_ends(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct err e;

	(void)state;
	assert_ok(verify(&c, NOT_BEFORE, &e));
	assert_ok(verify(&c, NOT_AFTER, &e));
	assert_refused(verify(&c, NOT_BEFORE - 1, &e), ERR_ATTESTATION, "chain:time@1");
	assert_refused(verify(&c, NOT_AFTER + 1, &e), ERR_ATTESTATION, "chain:time@1");
}

static void each_validity_counts_but_the_roots(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PATH_LEN; i++) {
		struct recipe r = good[i];
		char reason[32];

		r.not_before = NOT_BEFORE + 1;
		snprintf(reason, sizeof(reason), "chain:time@%u", i);
		expect(i, &r, i ? reason : NULL);
		r.not_before = NOT_BEFORE - 100;
		r.not_after = NOT_BEFORE - 1;
		expect(i, &r, i ? reason : NULL);
	}
}

static void a_general_time_is_read_as_well(void **state)
{
	struct recipe r = good[1];

	(void)state;
	r.not_after = 4102444800; /* 2100: past what UTCTime can say */
	expect(1, &r, NULL);
}

static void names_must_follow_each_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PATH_LEN; i++) {
		struct recipe r = good[i];
		char reason[32];

		r.issuer = "someone else";
		snprintf(reason, sizeof(reason), "chain:issuer@%u", i);
		expect(i, &r, reason);
	}
}

static void a_signature_by_another_key_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 1; i < PATH_LEN; i++) {
		AUTO(chain) struct chain c = chain_with(0, NULL);
		struct err e;

		buf_drop(&c.der[i]);
		c.der[i] = certificate(&good[i], keys[i], keys[i]);
		assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:signature");
	}
}

static void only_cas_may_issue_and_no_leaf_may(void **state)
{
	struct recipe r = good[1];

	(void)state;
	r.constraints = "critical,CA:FALSE";
	expect(1, &r, "chain:ca@1");
	r.constraints = NULL;
	expect(1, &r, "chain:ca@1");
	r = good[0];
	r.constraints = "critical,CA:FALSE";
	expect(0, &r, "chain:ca@0");
	r = good[3];
	r.constraints = "critical,CA:TRUE";
	expect(3, &r, "chain:ca@3");
	r.constraints = NULL;
	expect(3, &r, NULL);
}

static void path_lengths_hold(void **state)
{
	struct recipe r = good[1];

	(void)state;
	r.constraints = "critical,CA:TRUE,pathlen:0";
	expect(1, &r, "chain:pathlen@1");
	r.constraints = "critical,CA:TRUE";
	expect(1, &r, NULL);
	r = good[0];
	r.constraints = "critical,CA:TRUE,pathlen:1";
	expect(0, &r, "chain:pathlen@0");
	r.constraints = "critical,CA:TRUE,pathlen:2";
	expect(0, &r, NULL);
}

static void key_usage_holds_where_it_is_stated(void **state)
{
	struct recipe r = good[2];

	(void)state;
	r.usage = "critical,cRLSign,digitalSignature";
	expect(2, &r, "chain:usage@2");
	r.usage = NULL;
	expect(2, &r, NULL);
	r = good[3];
	r.usage = "critical,keyAgreement";
	expect(3, &r, "chain:usage@3");
	r.usage = NULL;
	expect(3, &r, NULL);
}

static void extended_key_usage_has_server_authentication(void **state)
{
	struct recipe r = good[3];

	(void)state;
	r.extended = "clientAuth";
	expect(3, &r, "chain:usage@3");
	r.extended = "anyExtendedKeyUsage";
	expect(3, &r, "chain:usage@3");
	r.extended = "clientAuth,serverAuth";
	expect(3, &r, NULL);
	r = good[1];
	r.extended = "codeSigning";
	expect(1, &r, "chain:usage@1");
}

static void unknown_critical_extensions_are_refused(void **state)
{
	struct recipe r = good[2];

	(void)state;
	r.extension = "critical";
	expect(2, &r, "chain:extension@2");
	r.extension = "not";
	expect(2, &r, NULL);
	r = good[0];
	r.extension = "critical";
	expect(0, &r, "chain:extension@0");
	r = good[3];
	r.extended = "serverAuth";
	r.extended_twice = true;
	expect(3, &r, "chain:extension@3");
}

static void only_sha384_and_version_3_are_read(void **state)
{
	struct recipe r = good[2];

	(void)state;
	r.digest = EVP_sha256();
	expect(2, &r, "chain:algorithm@2");
	r = good[2];
	r.version = X509_VERSION_2;
	expect(2, &r, "chain:version@2");
}

static void only_p384_keys_are_read(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct err e;

	(void)state;
	buf_drop(&c.der[3]);
	c.der[3] = certificate(&good[3], small_key, keys[2]);
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:curve@3");
}

static void what_is_not_der_is_refused(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct buf *leaf = &c.der[3];
	struct err e;

	(void)state;
	assert_ok(buf_add_u8(leaf, 0, &e));
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:parse@3");
	leaf->len -= 2;
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:parse@3");
	leaf->len = 0;
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:parse@3");
	buf_drop(&c.der[0]);
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:parse@0");
}

/* The signature's BIT STRING says how many of its last bits do not count. */
static void unused_bits_in_a_signature_are_refused(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct buf *leaf = &c.der[3];
	size_t at = leaf->len - 1;
	struct err e;

	(void)state;
	/* 03 LEN 00 30 LEN 02 ..: the last of these in the certificate */
	while (!(leaf->data[at] == 0x03 && leaf->data[at + 2] == 0 && leaf->data[at + 3] == 0x30))
		at--;
	leaf->data[at + 2] = 1;
	leaf->data[leaf->len - 1] &= 0xfe;
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:parse@3");
}

static void order_counts(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct buf second = c.der[1];
	struct err e;

	(void)state;
	c.der[1] = c.der[2];
	c.der[2] = second;
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:issuer@1");
}

static void a_leaf_under_the_root_is_a_chain(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	AUTO(chain_key) struct chain_key *key = NULL;
	struct recipe r = good[3];
	struct err e;

	(void)state;
	r.issuer = "root";
	buf_drop(&c.der[3]);
	c.der[3] = certificate(&r, keys[3], keys[0]);
	assert_ok(
	    chain_verify(buf_view(&c.der[0]), NULL, 0, buf_view(&c.der[3]), NOT_BEFORE, &key, &e));
	assert_non_null(key);
}

static void a_root_is_no_leaf_and_no_part_of_a_chain_a_root(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	AUTO(chain_key) struct chain_key *key = NULL;
	struct view zone = buf_view(&c.der[2]);
	struct err e;

	(void)state;
	assert_refused(
	    chain_verify(buf_view(&c.der[0]), NULL, 0, buf_view(&c.der[0]), NOT_BEFORE, &key, &e),
	    ERR_ATTESTATION, "chain:ca@1");
	assert_refused(
	    chain_verify(buf_view(&c.der[1]), &zone, 1, buf_view(&c.der[3]), NOT_BEFORE, &key, &e),
	    ERR_ATTESTATION, "chain:issuer@0");
}

static void a_chain_has_an_end(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	AUTO(chain_key) struct chain_key *key = NULL;
	struct view roots[8];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(roots); i++)
		roots[i] = buf_view(&c.der[0]);
	assert_refused(chain_verify(roots[0], roots, 8, roots[0], NOT_BEFORE, &key, &e),
	               ERR_ATTESTATION, "chain:length");
	assert_refused(chain_verify(roots[0], roots, 7, roots[0], NOT_BEFORE, &key, &e),
	               ERR_ATTESTATION, "chain:ca@8");
}

/* What is verified once is known by its bytes and its issuer's: everything else is judged anew. */

static void a_known_chain_is_judged_by_its_time_each_time(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_ok(verify(&c, NOT_BEFORE, &e));
		assert_refused(verify(&c, NOT_AFTER + 1, &e), ERR_ATTESTATION, "chain:time@1");
	}
}

static void a_known_certificate_under_another_issuer_is_verified_anew(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct err e;

	(void)state;
	assert_ok(verify(&c, NOT_BEFORE, &e));
	/* The same name, another key: no byte of the leaf has changed. */
	buf_drop(&c.der[2]);
	c.der[2] = certificate(&good[2], keys[0], keys[1]);
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:signature");
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:signature");
}

static void one_other_byte_of_a_known_certificate_is_seen(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	struct err e;

	(void)state;
	assert_ok(verify(&c, NOT_BEFORE, &e));
	for (unsigned i = 1; i < PATH_LEN; i++) {
		c.der[i].data[c.der[i].len - 1] ^= 1; /* of the signature */
		assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:signature");
		c.der[i].data[c.der[i].len - 1] ^= 1;
	}
	assert_ok(verify(&c, NOT_BEFORE, &e));
}

static void known_certificates_in_another_order_or_place_are_refused(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	AUTO(chain_key) struct chain_key *key = NULL;
	struct view root = buf_view(&c.der[0]), region = buf_view(&c.der[1]);
	struct err e;

	(void)state;
	assert_ok(verify(&c, NOT_BEFORE, &e));
	/* A CA that is known as one, in the leaf's place; and the root once more. */
	assert_refused(chain_verify(root, &region, 1, buf_view(&c.der[2]), NOT_BEFORE, &key, &e),
	               ERR_ATTESTATION, "chain:ca@2");
	assert_refused(chain_verify(root, &root, 1, buf_view(&c.der[3]), NOT_BEFORE, &key, &e),
	               ERR_ATTESTATION, "chain:issuer@2");
	assert_refused(chain_verify(region, NULL, 0, buf_view(&c.der[3]), NOT_BEFORE, &key, &e),
	               ERR_ATTESTATION, "chain:issuer@0");
}

/* The hash of a certificate of the chain, and of the one before it. */
static bool is_known(const struct chain *c, unsigned index)
{
	struct hash256 hash, issuer;
	struct err e;
	X509 *x;

	assert_ok(sha256(buf_view(&c->der[index]), &hash, &e));
	assert_ok(sha256(buf_view(&c->der[index - 1]), &issuer, &e));
	x = chain_cache_find(&hash, &issuer);
	X509_free(x);
	return x != NULL;
}

static void what_is_refused_is_not_kept(void **state)
{
	struct recipe r = good[3];
	struct err e;

	(void)state;
	r.usage = "critical,keyAgreement";
	AUTO(chain) struct chain bad = chain_with(3, &r);
	assert_refused(verify(&bad, NOT_BEFORE, &e), ERR_ATTESTATION, "chain:usage@3");
	for (unsigned i = 1; i < PATH_LEN; i++)
		assert_false(is_known(&bad, i));
}

static void what_is_kept_has_a_limit_and_what_is_in_use_stays(void **state)
{
	AUTO(chain) struct chain c = chain_with(0, NULL);
	AUTO(buf) struct buf first = BUF_INIT(4096);
	struct err e;

	(void)state;
	assert_ok(buf_set(&first, buf_view(&c.der[3]), &e));
	assert_ok(verify(&c, NOT_BEFORE, &e));
	assert_true(is_known(&c, 3));
	for (unsigned i = 0; i < CHAIN_CACHE_MAX; i++) {
		buf_drop(&c.der[3]);
		c.der[3] = certificate(&good[3], keys[3], keys[2]);
		assert_ok(verify(&c, NOT_BEFORE, &e));
	}
	for (unsigned i = 1; i < PATH_LEN; i++)
		assert_true(is_known(&c, i));
	assert_ok(buf_set(&c.der[3], buf_view(&first), &e));
	assert_false(is_known(&c, 3));
	assert_ok(verify(&c, NOT_BEFORE, &e));
}

static void a_name_is_shown_without_what_moves_a_cursor(void **state)
{
	struct recipe r = good[3];
	struct certificate_facts facts;
	AUTO(buf) struct buf der = { 0 };
	struct err e;

	(void)state;
	r.subject = "a\033[2J\n,b\"c";
	der = certificate(&r, keys[3], keys[2]);
	assert_ok(chain_describe(buf_view(&der), &facts, &e));
	assert_string_equal(facts.subject, "CN=a\\1B[2J\\0A\\,b\\\"c");
	assert_int_equal(facts.not_before_unix, NOT_BEFORE);
	assert_int_equal(facts.not_after_unix, NOT_AFTER);
}

static void a_refusal_names_what_was_expected(void **state)
{
	struct recipe r = good[2];
	struct err e;
	AUTO(chain) struct chain c = { 0 };

	(void)state;
	r.issuer = "else\nwhere";
	c = chain_with(2, &r);
	assert_refused(verify(&c, NOT_BEFORE, &e), ERR_ATTESTATION,
	               "its issuer is 'CN=else\\0Awhere', expected the subject of the certificate "
	               "before it, 'CN=region'");
	chain_drop(&c);
	c = chain_with(0, NULL);
	assert_refused(verify(&c, NOT_AFTER + 1, &e), ERR_ATTESTATION,
	               "no longer valid: valid from 2023-11-14T22:13:20Z until "
	               "2023-11-15T01:00:00Z, expected to be so at 2023-11-15T01:00:01Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_as_awss_is_accepted),
		cmocka_unit_test(a_name_is_shown_without_what_moves_a_cursor),
		cmocka_unit_test(a_refusal_names_what_was_expected),
		cmocka_unit_test(validity_includes_both_ends),
		cmocka_unit_test(each_validity_counts_but_the_roots),
		cmocka_unit_test(a_general_time_is_read_as_well),
		cmocka_unit_test(names_must_follow_each_other),
		cmocka_unit_test(a_signature_by_another_key_is_refused),
		cmocka_unit_test(only_cas_may_issue_and_no_leaf_may),
		cmocka_unit_test(path_lengths_hold),
		cmocka_unit_test(key_usage_holds_where_it_is_stated),
		cmocka_unit_test(extended_key_usage_has_server_authentication),
		cmocka_unit_test(unknown_critical_extensions_are_refused),
		cmocka_unit_test(only_sha384_and_version_3_are_read),
		cmocka_unit_test(only_p384_keys_are_read),
		cmocka_unit_test(what_is_not_der_is_refused),
		cmocka_unit_test(unused_bits_in_a_signature_are_refused),
		cmocka_unit_test(order_counts),
		cmocka_unit_test(a_leaf_under_the_root_is_a_chain),
		cmocka_unit_test(a_root_is_no_leaf_and_no_part_of_a_chain_a_root),
		cmocka_unit_test(a_chain_has_an_end),
		cmocka_unit_test(a_known_chain_is_judged_by_its_time_each_time),
		cmocka_unit_test(a_known_certificate_under_another_issuer_is_verified_anew),
		cmocka_unit_test(one_other_byte_of_a_known_certificate_is_seen),
		cmocka_unit_test(known_certificates_in_another_order_or_place_are_refused),
		cmocka_unit_test(what_is_refused_is_not_kept),
		cmocka_unit_test(what_is_kept_has_a_limit_and_what_is_in_use_stays),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}

#include "crypto/ec.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <string.h>

#define COORDINATE_MAX 48
#define POINT_MAX      (1 + 2 * COORDINATE_MAX)
#define UNCOMPRESSED   0x04 /* SEC1 2.3.3 */

/* A scalar is out of range once in 2^32 draws (P-256): a source that does it again is broken. */
#define DRAWS_MAX 8

size_t curve_len(enum curve curve)
{
	return curve == CURVE_P256 ? 32 : 48;
}

static const char *curve_name(enum curve curve)
{
	return curve == CURVE_P256 ? "P-256" : "P-384";
}

static int curve_group(enum curve curve, const EC_GROUP **ret, struct err *e)
{
	const struct ossl *ossl;

	TRY(ossl_get(&ossl, e));
	*ret = curve == CURVE_P256 ? ossl->p256 : ossl->p384;
	return 0;
}

/* OpenSSL would take compressed and hybrid points and infinity as well. */
int ec_point_check(enum curve curve, struct view point, struct err *e)
{
	AUTO(ec_point) EC_POINT *q = NULL;
	const EC_GROUP *group;
	size_t len = 1 + 2 * curve_len(curve);

	TRY(curve_group(curve, &group, e));
	if (point.len != len)
		return err_set(e, ERR_DATA, "a %s point has %zu bytes, not %zu", curve_name(curve),
		               len, point.len);
	if (point.data[0] != UNCOMPRESSED)
		return err_set(e, ERR_DATA, "a point must begin with 04, not %02x", point.data[0]);
	q = EC_POINT_new(group);
	if (!q)
		return err_ossl(e, ERR_INTERNAL, "no memory for a point");
	if (EC_POINT_oct2point(group, q, point.data, point.len, NULL) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "a point that is not on %s", curve_name(curve));
	}
	return 0;
}

/* scalar in native byte order, or NULL for a public key. */
static int key_new(enum curve curve, struct view point, const struct secret *scalar, EVP_PKEY **ret,
                   struct err *e)
{
	AUTO(pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	AUTO(pkey) EVP_PKEY *key = NULL;
	/* OSSL_PARAM has no const; what is behind it is only read. */
	OSSL_PARAM params[4] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		                                 (char *)curve_name(curve), 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data,
		                                  point.len),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};

	if (scalar)
		params[2] =
		    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar->data, scalar->len);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) !=
	        1)
		return err_ossl(e, ERR_INTERNAL, "making a %s key", curve_name(curve));
	*ret = MOVE(key);
	return 0;
}

int ec_public_new(enum curve curve, struct view point, EVP_PKEY **ret, struct err *e)
{
	TRY(ec_point_check(curve, point, e));
	return key_new(curve, point, /* scalar= */ NULL, ret, e);
}

static int scalar_parse(enum curve curve, const struct secret *scalar, BIGNUM **ret, struct err *e)
{
	AUTO(bignum) BIGNUM *d = BN_secure_new();
	const EC_GROUP *group;

	TRY(curve_group(curve, &group, e));
	if (scalar->len != curve_len(curve))
		return err_set(e, ERR_DATA, "a %s scalar has %zu bytes, not %zu", curve_name(curve),
		               curve_len(curve), scalar->len);
	if (!d || !BN_bin2bn(scalar->data, (int)scalar->len, d))
		return err_ossl(e, ERR_INTERNAL, "no locked memory for a scalar");
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
		return err_set(e, ERR_DATA, "a scalar that is 0 or not below the order of %s",
		               curve_name(curve));
	*ret = MOVE(d);
	return 0;
}

/* The point that belongs to the scalar: EVP_PKEY_fromdata would leave it out. */
static int public_point(enum curve curve, const BIGNUM *d, uint8_t *ret, struct err *e)
{
	AUTO(bignum_ctx) BN_CTX *ctx = BN_CTX_secure_new();
	AUTO(ec_point) EC_POINT *q = NULL;
	const EC_GROUP *group;
	size_t len = 1 + 2 * curve_len(curve);

	TRY(curve_group(curve, &group, e));
	q = EC_POINT_new(group);
	if (!ctx || !q || EC_POINT_mul(group, q, d, NULL, NULL, ctx) != 1 ||
	    EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, ret, len, ctx) != len)
		return err_ossl(e, ERR_INTERNAL, "computing a public key");
	return 0;
}

int ec_private_new(enum curve curve, const struct secret *scalar, EVP_PKEY **ret,
                   uint8_t *ret_point, struct err *e)
{
	AUTO(bignum) BIGNUM *d = NULL;
	AUTO(secret) struct secret native = { 0 };
	size_t len = curve_len(curve);
	uint8_t point[POINT_MAX];

	TRY(scalar_parse(curve, scalar, &d, e));
	TRY(public_point(curve, d, point, e));
	TRY(secret_alloc(len, &native, e));
	if (BN_bn2nativepad(d, native.data, (int)len) < 0)
		return err_ossl(e, ERR_INTERNAL, "reading a scalar");
	TRY(key_new(curve, view_new(point, 1 + 2 * len), &native, ret, e));
	memcpy(ret_point, point, 1 + 2 * len);
	return 0;
}

int ec_private_draw(enum curve curve, const struct entropy *source, const char *purpose,
                    struct secret *ret_scalar, EVP_PKEY **ret, uint8_t *ret_point, struct err *e)
{
	for (int i = 0; i < DRAWS_MAX; i++) {
		AUTO(secret) struct secret scalar = { 0 };
		struct err why;

		TRY(entropy_draw(source, purpose, curve_len(curve), &scalar, e));
		if (ec_private_new(curve, &scalar, ret, ret_point, &why) == 0) {
			*ret_scalar = MOVE(scalar);
			return 0;
		}
		if (why.code != ERR_DATA) {
			*e = why;
			return -1;
		}
	}
	return err_set(e, ERR_INTERNAL, "the source of randomness gave no scalar in %d draws",
	               DRAWS_MAX);
}

int ec_agree(enum curve curve, EVP_PKEY *mine, EVP_PKEY *theirs, struct secret *ret, struct err *e)
{
	AUTO(pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
	AUTO(secret) struct secret x = { 0 };
	size_t len = curve_len(curve);

	TRY(secret_alloc(len, &x, e));
	/* ec_public_new has checked that theirs is on the curve, and the cofactor is 1. */
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(ctx, theirs, /* validate_peer= */ 0) != 1 ||
	    EVP_PKEY_derive(ctx, x.data, &len) != 1 || len != x.len)
		return err_ossl(e, ERR_INTERNAL, "agreeing on a key");
	*ret = MOVE(x);
	return 0;
}

static int signature_to_raw(enum curve curve, struct view der, uint8_t *ret, struct err *e)
{
	AUTO(ecdsa_sig) ECDSA_SIG *s = NULL;
	const uint8_t *at = der.data;
	int len = (int)curve_len(curve);

	s = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	if (!s || BN_bn2binpad(ECDSA_SIG_get0_r(s), ret, len) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), ret + len, len) < 0)
		return err_ossl(e, ERR_INTERNAL, "reading a signature");
	return 0;
}

int ec_sign(enum curve curve, EVP_PKEY *key, struct view digest, uint8_t *ret, struct err *e)
{
	AUTO(pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t der[2 * COORDINATE_MAX + 16], raw[2 * COORDINATE_MAX]; /* DER adds 8 bytes */
	size_t len = sizeof(der);

	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, digest.data, digest.len) != 1)
		return err_ossl(e, ERR_INTERNAL, "signing");
	TRY(signature_to_raw(curve, view_new(der, len), raw, e));
	memcpy(ret, raw, 2 * curve_len(curve));
	return 0;
}

/* One half of a signature. */
static int half_parse(const EC_GROUP *group, struct view bytes, const char *name, BIGNUM **ret,
                      struct err *e)
{
	AUTO(bignum) BIGNUM *n = BN_bin2bn(bytes.data, (int)bytes.len, NULL);

	if (!n)
		return err_ossl(e, ERR_INTERNAL, "no memory for a signature");
	if (BN_is_zero(n) || BN_cmp(n, EC_GROUP_get0_order(group)) >= 0)
		return err_set(e, ERR_DATA, "signature: %s is not in 1..n-1", name);
	*ret = MOVE(n);
	return 0;
}

static int signature_to_der(enum curve curve, struct view raw, uint8_t **ret, size_t *ret_len,
                            struct err *e)
{
	AUTO(ecdsa_sig) ECDSA_SIG *sig = ECDSA_SIG_new();
	AUTO(bignum) BIGNUM *r = NULL;
	AUTO(bignum) BIGNUM *s = NULL;
	size_t half = curve_len(curve);
	const EC_GROUP *group;
	uint8_t *der = NULL;
	int len;

	TRY(curve_group(curve, &group, e));
	if (raw.len != 2 * half)
		return err_set(e, ERR_DATA, "signature: %zu bytes, expected %zu", raw.len,
		               2 * half);
	TRY(half_parse(group, view_new(raw.data, half), "r", &r, e));
	TRY(half_parse(group, view_new(raw.data + half, half), "s", &s, e));
	if (!sig || ECDSA_SIG_set0(sig, r, s) != 1)
		return err_ossl(e, ERR_INTERNAL, "no memory for a signature");
	r = s = NULL; /* sig owns them now */
	len = i2d_ECDSA_SIG(sig, &der);
	if (len <= 0)
		return err_ossl(e, ERR_INTERNAL, "no memory for a signature");
	*ret = der;
	*ret_len = (size_t)len;
	return 0;
}

int ec_verify(enum curve curve, EVP_PKEY *key, struct view digest, struct view signature,
              struct err *e)
{
	AUTO(pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	AUTO(ossl_bytes) uint8_t *der = NULL;
	size_t len = 0;

	TRY(signature_to_der(curve, signature, &der, &len, e));
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
		return err_ossl(e, ERR_INTERNAL, "verifying a signature");
	/* Negative results can be provoked (a sum at infinity): they too mean no. */
	if (EVP_PKEY_verify(ctx, der, len, digest.data, digest.len) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "signature: not this key's over this message");
	}
	return 0;
}

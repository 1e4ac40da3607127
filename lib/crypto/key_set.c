#include "crypto/key_set.h"

#include "crypto/key_set_internal.h"

#include <stdlib.h>
#include <string.h>

#define AES_KEY_LEN 32

/* formats.md 1 */
static const char encrypt_salt[] = "qos_p256_encrypt";
static const char sign_salt[] = "qos_p256_sign";
static const char aes_salt[] = "qos_aes_gcm_encrypt";

struct view public_key_view(const struct public_key *key)
{
	return VIEW_OF(key->bytes);
}

struct view public_key_encrypt_half(const struct public_key *key)
{
	return view_new(key->bytes, POINT_LEN);
}

struct view public_key_sign_half(const struct public_key *key)
{
	return view_new(key->bytes + POINT_LEN, POINT_LEN);
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return view_equal(public_key_view(a), public_key_view(b));
}

int public_key_parse(struct view bytes, struct public_key *ret, struct err *e)
{
	if (bytes.len != PUBLIC_KEY_LEN)
		return err_set(e, ERR_DATA, "public key: %zu bytes, expected %d", bytes.len,
		               PUBLIC_KEY_LEN);
	if (ec_point_check(CURVE_P256, view_new(bytes.data, POINT_LEN), e) < 0)
		return err_wrap(e, "public key, encrypt half");
	if (ec_point_check(CURVE_P256, view_new(bytes.data + POINT_LEN, POINT_LEN), e) < 0)
		return err_wrap(e, "public key, sign half");
	memcpy(ret->bytes, bytes.data, PUBLIC_KEY_LEN);
	return 0;
}

int public_key_verify_hash(const struct public_key *key, const struct hash256 *hash,
                           struct view signature, struct err *e)
{
	AUTO(pkey) EVP_PKEY *verifier = NULL;

	TRY(ec_public_new(CURVE_P256, public_key_sign_half(key), &verifier, e));
	return ec_verify(CURVE_P256, verifier, VIEW_OF(hash->bytes), signature, e);
}

int public_key_verify(const struct public_key *key, struct view message, struct view signature,
                      struct err *e)
{
	struct hash256 hash;

	TRY(sha256(message, &hash, e));
	return public_key_verify_hash(key, &hash, signature, e);
}

void key_set_drop(struct key_set **key)
{
	struct key_set *k = *key;

	if (!k)
		return;
	EVP_PKEY_free(k->encrypt);
	EVP_PKEY_free(k->sign);
	secret_drop(&k->aes_key);
	secret_drop(&k->seed);
	free(k);
	*key = NULL;
}

static int derive_half(const struct secret *seed, const char *salt, EVP_PKEY **ret,
                       uint8_t *ret_point, struct err *e)
{
	AUTO(secret) struct secret scalar = { 0 };
	struct view no_info = { 0 };

	TRY(hkdf_sha512(view_text(salt), secret_view(seed), no_info, SEED_LEN, &scalar, e));
	if (ec_private_new(CURVE_P256, &scalar, ret, ret_point, e) < 0)
		return err_wrap(e, "seed, %s", salt);
	return 0;
}

static int derive(struct key_set *k, struct err *e)
{
	struct view no_info = { 0 };

	TRY(derive_half(&k->seed, encrypt_salt, &k->encrypt, k->public.bytes, e));
	TRY(derive_half(&k->seed, sign_salt, &k->sign, k->public.bytes + POINT_LEN, e));
	return hkdf_sha512(view_text(aes_salt), secret_view(&k->seed), no_info, AES_KEY_LEN,
	                   &k->aes_key, e);
}

int key_set_derive(struct secret *seed, struct key_set **ret, struct err *e)
{
	AUTO(secret) struct secret taken = MOVE(*seed);
	AUTO(key_set) struct key_set *k = NULL;

	if (taken.len != SEED_LEN)
		return err_set(e, ERR_DATA, "seed: %zu bytes, expected %d", taken.len, SEED_LEN);
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ERR_INTERNAL, "no memory for a key set");
	k->seed = MOVE(taken);
	TRY(derive(k, e));
	*ret = MOVE(k);
	return 0;
}

int key_set_generate(const struct entropy *source, const char *purpose, struct key_set **ret,
                     struct err *e)
{
	AUTO(secret) struct secret seed = { 0 };

	TRY(entropy_draw(source, purpose, SEED_LEN, &seed, e));
	return key_set_derive(&seed, ret, e);
}

const struct public_key *key_set_public(const struct key_set *key)
{
	return &key->public;
}

const struct secret *key_set_seed(const struct key_set *key)
{
	return &key->seed;
}

int key_set_sign(const struct key_set *key, struct view message, struct signature *ret,
                 struct err *e)
{
	struct hash256 digest;

	TRY(sha256(message, &digest, e));
	return ec_sign(CURVE_P256, key->sign, VIEW_OF(digest.bytes), ret->bytes, e);
}

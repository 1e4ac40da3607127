#include "crypto/gcm.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"
#include "crypto/key_set_internal.h"

#include <string.h>

/* Seeds and shares have 33 bytes at most, QOS's own files a few hundred. The limit keeps whoever
 * sends an envelope from filling the arena of secrets. */
#define PLAIN_MAX 4096

/* formats.md 2.1 and 2.2 */
static const char key_message[] = "qos_encryption_hmac_message";
static const char symmetric_aad[] = "qos_aes_gcm_256_hmac_sha512";

static const char refusal[] = "envelope: not sealed to this key, or changed since";

static int plain_check(const struct secret *plain, struct err *e)
{
	if (plain->len > PLAIN_MAX)
		return err_set(e, ERR_DATA, "%zu bytes to seal, at most %d", plain->len, PLAIN_MAX);
	return 0;
}

static int sealed_check(const struct reader *r, struct view sealed, struct err *e)
{
	TRY(reader_done(r, ERR_DATA, "envelope", e));
	if (sealed.len < GCM_TAG_LEN)
		return err_set(e, ERR_DATA, "envelope: %zu bytes are shorter than a tag",
		               sealed.len);
	if (sealed.len - GCM_TAG_LEN > PLAIN_MAX)
		return err_set(e, ERR_DATA, "envelope: %zu bytes sealed, at most %d",
		               sealed.len - GCM_TAG_LEN, PLAIN_MAX);
	return 0;
}

/* formats.md 2.1, steps 2 to 4, which both sides take. */
struct exchange {
	struct secret key;
	uint8_t aad[2 * (POINT_LEN + 1)];
};

static void exchange_drop(struct exchange *x)
{
	secret_drop(&x->key);
}

static int exchange_derive(EVP_PKEY *mine, EVP_PKEY *theirs, struct view ephemeral,
                           struct view receiver, struct exchange *ret, struct err *e)
{
	AUTO(secret) struct secret shared = { 0 };
	AUTO(secret) struct secret material = { 0 };
	AUTO(secret) struct secret tag = { 0 };

	TRY(ec_agree(CURVE_P256, mine, theirs, &shared, e));
	TRY(secret_alloc(2 * POINT_LEN + shared.len, &material, e));
	memcpy(material.data, ephemeral.data, POINT_LEN);
	memcpy(material.data + POINT_LEN, receiver.data, POINT_LEN);
	memcpy(material.data + 2 * POINT_LEN, shared.data, shared.len);
	TRY(hmac_sha512(secret_view(&material), view_text(key_message), &tag, e));
	TRY(secret_copy(view_new(tag.data, GCM_KEY_LEN), &ret->key, e));
	memcpy(ret->aad, ephemeral.data, POINT_LEN);
	ret->aad[POINT_LEN] = POINT_LEN; /* each length after its field */
	memcpy(ret->aad + POINT_LEN + 1, receiver.data, POINT_LEN);
	ret->aad[2 * POINT_LEN + 1] = POINT_LEN;
	return 0;
}

/* Nonce, then what stands between it and the ciphertext, then the Vec of ciphertext and tag. */
static int write_sealed(struct view key, struct view between, struct view aad,
                        const struct secret *plain, const struct entropy *source, struct buf *ret,
                        struct err *e)
{
	AUTO(secret) struct secret nonce = { 0 };
	AUTO(buf) struct buf out = BUF_INIT(PLAIN_MAX + ENVELOPE_OVERHEAD);
	uint8_t *to;

	TRY(entropy_draw(source, "envelope-nonce", GCM_NONCE_LEN, &nonce, e));
	TRY(buf_add(&out, secret_view(&nonce), e));
	TRY(buf_add(&out, between, e));
	TRY(buf_add_le32(&out, (uint32_t)(plain->len + GCM_TAG_LEN), e));
	TRY(buf_reserve(&out, plain->len + GCM_TAG_LEN, &to, e));
	TRY(gcm_seal(key, secret_view(&nonce), aad, secret_view(plain), to, e));
	buf_commit(&out, plain->len + GCM_TAG_LEN);
	return buf_add(ret, buf_view(&out), e);
}

int envelope_seal(const struct public_key *to, const struct secret *plain,
                  const struct entropy *source, struct buf *ret, struct err *e)
{
	AUTO(exchange) struct exchange x = { 0 };
	AUTO(secret) struct secret scalar = { 0 };
	AUTO(pkey) EVP_PKEY *mine = NULL;
	AUTO(pkey) EVP_PKEY *theirs = NULL;
	struct view receiver = public_key_encrypt_half(to);
	uint8_t ephemeral[POINT_LEN];

	TRY(plain_check(plain, e));
	TRY(ec_public_new(CURVE_P256, receiver, &theirs, e));
	TRY(ec_private_draw(CURVE_P256, source, "envelope-key", &scalar, &mine, ephemeral, e));
	TRY(exchange_derive(mine, theirs, VIEW_OF(ephemeral), receiver, &x, e));
	return write_sealed(secret_view(&x.key), VIEW_OF(ephemeral), VIEW_OF(x.aad), plain, source,
	                    ret, e);
}

int envelope_open(const struct key_set *key, struct view envelope, struct secret *ret,
                  struct err *e)
{
	AUTO(exchange) struct exchange x = { 0 };
	AUTO(pkey) EVP_PKEY *theirs = NULL;
	struct reader r = reader_new(envelope);
	struct view nonce = reader_bytes(&r, GCM_NONCE_LEN);
	struct view ephemeral = reader_bytes(&r, POINT_LEN);
	struct view sealed = reader_vec(&r);

	TRY(sealed_check(&r, sealed, e));
	if (ec_public_new(CURVE_P256, ephemeral, &theirs, e) < 0)
		return err_wrap(e, "envelope, ephemeral key");
	TRY(exchange_derive(key->encrypt, theirs, ephemeral, public_key_encrypt_half(&key->public),
	                    &x, e));
	return gcm_open(secret_view(&x.key), nonce, VIEW_OF(x.aad), sealed, refusal, ret, e);
}

int envelope_seal_symmetric(const struct key_set *key, const struct secret *plain,
                            const struct entropy *source, struct buf *ret, struct err *e)
{
	struct view nothing = { 0 };

	TRY(plain_check(plain, e));
	return write_sealed(secret_view(&key->aes_key), nothing, view_text(symmetric_aad), plain,
	                    source, ret, e);
}

int envelope_open_symmetric(const struct key_set *key, struct view envelope, struct secret *ret,
                            struct err *e)
{
	struct reader r = reader_new(envelope);
	struct view nonce = reader_bytes(&r, GCM_NONCE_LEN);
	struct view sealed = reader_vec(&r);

	TRY(sealed_check(&r, sealed, e));
	return gcm_open(secret_view(&key->aes_key), nonce, view_text(symmetric_aad), sealed,
	                refusal, ret, e);
}

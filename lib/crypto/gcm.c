#include "crypto/gcm.h"

#include "crypto/ossl.h"

#include <string.h>

static int start(EVP_CIPHER_CTX *ctx, bool sealing, struct view key, struct view nonce,
                 struct view aad, struct err *e)
{
	const struct ossl *ossl;
	int ignored;

	TRY(ossl_get(&ossl, e));
	if (!ctx ||
	    EVP_CipherInit_ex2(ctx, ossl->aes_256_gcm, key.data, nonce.data, sealing, NULL) != 1 ||
	    EVP_CipherUpdate(ctx, NULL, &ignored, aad.data, (int)aad.len) != 1)
		return err_ossl(e, ERR_INTERNAL, "AES-256-GCM");
	return 0;
}

int gcm_seal(struct view key, struct view nonce, struct view aad, struct view plain, uint8_t *to,
             struct err *e)
{
	AUTO(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	TRY(start(ctx, /* sealing= */ true, key, nonce, aad, e));
	if ((plain.len && EVP_CipherUpdate(ctx, to, &len, plain.data, (int)plain.len) != 1) ||
	    EVP_CipherFinal_ex(ctx, to + plain.len, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, to + plain.len) != 1)
		return err_ossl(e, ERR_INTERNAL, "AES-256-GCM");
	return 0;
}

int gcm_open(struct view key, struct view nonce, struct view aad, struct view sealed,
             const char *refusal, struct secret *ret, struct err *e)
{
	AUTO(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	AUTO(secret) struct secret plain = { 0 };
	size_t plain_len = sealed.len - GCM_TAG_LEN;
	uint8_t tag[GCM_TAG_LEN], none[1];
	int len;

	TRY(secret_alloc(plain_len, &plain, e));
	TRY(start(ctx, /* sealing= */ false, key, nonce, aad, e));
	memcpy(tag, sealed.data + plain_len, GCM_TAG_LEN);
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) != 1 ||
	    (plain_len &&
	     EVP_CipherUpdate(ctx, plain.data, &len, sealed.data, (int)plain_len) != 1))
		return err_ossl(e, ERR_INTERNAL, "AES-256-GCM");
	if (EVP_CipherFinal_ex(ctx, none, &len) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "%s", refusal);
	}
	*ret = MOVE(plain);
	return 0;
}

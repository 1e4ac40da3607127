#include "crypto/hash.h"

#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <string.h>

#define SHA512_LEN 64
#define SLICE_LEN  (256u << 10)       /* whole pages of any machine */
#define EXPAND_MAX (255 * SHA512_LEN) /* RFC 5869 2.3: the block counter is one byte */

static int digest(const EVP_MD *md, struct view v, uint8_t *ret, struct err *e)
{
	if (EVP_Digest(v.data, v.len, ret, NULL, md, NULL) != 1)
		return err_ossl(e, ERR_INTERNAL, "hashing");
	return 0;
}

int sha256(struct view v, struct hash256 *ret, struct err *e)
{
	const struct ossl *ossl;

	TRY(ossl_get(&ossl, e));
	return digest(ossl->sha256, v, ret->bytes, e);
}

int sha384(struct view v, struct hash384 *ret, struct err *e)
{
	const struct ossl *ossl;

	TRY(ossl_get(&ossl, e));
	return digest(ossl->sha384, v, ret->bytes, e);
}

int sha384_sliced(struct view v, void (*let_go)(struct view slice), struct hash384 *ret,
                  struct err *e)
{
	AUTO(md_ctx) EVP_MD_CTX *ctx = NULL;
	const struct ossl *ossl;
	bool is_done;

	TRY(ossl_get(&ossl, e));
	ctx = EVP_MD_CTX_new();
	is_done = ctx && EVP_DigestInit_ex2(ctx, ossl->sha384, NULL) == 1;
	for (size_t at = 0; is_done && at < v.len; at += SLICE_LEN) {
		struct view slice =
		    view_new(v.data + at, v.len - at < SLICE_LEN ? v.len - at : SLICE_LEN);

		is_done = EVP_DigestUpdate(ctx, slice.data, slice.len) == 1;
		let_go(slice);
	}
	if (!is_done || EVP_DigestFinal_ex(ctx, ret->bytes, NULL) != 1)
		return err_ossl(e, ERR_INTERNAL, "hashing");
	return 0;
}

int sha512(struct view v, struct hash512 *ret, struct err *e)
{
	const struct ossl *ossl;

	TRY(ossl_get(&ossl, e));
	return digest(ossl->sha512, v, ret->bytes, e);
}

/* The tag over the parts in a row. */
static int hmac_parts(struct view key, const struct view *parts, size_t count,
                      uint8_t ret[static SHA512_LEN], struct err *e)
{
	AUTO(mac_ctx) EVP_MAC_CTX *ctx = NULL;
	const struct ossl *ossl;
	char name[] = "SHA512";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		                OSSL_PARAM_END };
	bool done;

	TRY(ossl_get(&ossl, e));
	ctx = EVP_MAC_CTX_new(ossl->hmac);
	/* A key of NULL would mean "the one set before", even where its length is 0. */
	done = ctx && EVP_MAC_init(ctx, key.len ? key.data : (const uint8_t *)"", key.len, params);
	for (size_t i = 0; done && i < count; i++)
		done = EVP_MAC_update(ctx, parts[i].data, parts[i].len);
	if (!done || !EVP_MAC_final(ctx, ret, NULL, SHA512_LEN))
		return err_ossl(e, ERR_INTERNAL, "HMAC-SHA-512");
	return 0;
}

int hmac_sha512(struct view key, struct view message, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret tag = { 0 };

	TRY(secret_alloc(SHA512_LEN, &tag, e));
	TRY(hmac_parts(key, &message, 1, tag.data, e));
	*ret = MOVE(tag);
	return 0;
}

int hkdf_sha512(struct view salt, struct view key, struct view info, size_t len, struct secret *ret,
                struct err *e)
{
	AUTO(secret) struct secret prk = { 0 };

	TRY(hmac_sha512(salt, key, &prk, e));
	return hkdf_expand_sha512(secret_view(&prk), info, len, ret, e);
}

/* Ours, because OpenSSL 3.0's HKDF takes at most 2 KiB of info. */
int hkdf_expand_sha512(struct view prk, struct view info, size_t len, struct secret *ret,
                       struct err *e)
{
	AUTO(secret) struct secret block = { 0 };
	AUTO(secret) struct secret out = { 0 };
	uint8_t counter = 0;
	size_t done = 0;

	if (len > EXPAND_MAX)
		return err_set(e, ERR_INTERNAL, "HKDF of %zu bytes, at most %d", len, EXPAND_MAX);
	TRY(secret_alloc(SHA512_LEN, &block, e));
	TRY(secret_alloc(len, &out, e));
	while (done < len) {
		size_t take = len - done < SHA512_LEN ? len - done : SHA512_LEN;
		struct view previous = view_new(block.data, counter ? SHA512_LEN : 0);
		struct view parts[] = { previous, info, { &counter, 1 } };

		counter++;
		TRY(hmac_parts(prk, parts, COUNT(parts), block.data, e));
		memcpy(out.data + done, block.data, take);
		done += take;
	}
	*ret = MOVE(out);
	return 0;
}

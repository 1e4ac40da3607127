#include "crypto/protected_key.h"

#include "base/text.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

#define TAG "teectl-key-v1:scrypt:"

const struct kdf_cost kdf_cost_default = { .ln = 17, .r = 8, .p = 1 };

OSSL_DROP(kdf, EVP_KDF, EVP_KDF_free)
OSSL_DROP(kdf_ctx, EVP_KDF_CTX, EVP_KDF_CTX_free)

bool protected_key_is(struct view text)
{
	size_t len = strlen(TAG);
	bool is = text.len >= len && view_equal(view_new(text.data, len), view_text(TAG));

	secret_forget_registers(); /* the text may be a seed's digits */
	return is;
}

/* The text up to the next colon, which is passed over; the last field ends with the text. */
static struct view take_field(struct view *rest)
{
	const uint8_t *colon = rest->len ? memchr(rest->data, ':', rest->len) : NULL;
	size_t len = colon ? (size_t)(colon - rest->data) : rest->len;
	struct view field = view_new(rest->data, len);

	rest->data += len + (colon != NULL);
	rest->len -= len + (colon != NULL);
	return field;
}

static int take_number(struct view *rest, const char *what, uint64_t max, unsigned *ret,
                       struct err *e)
{
	struct view field = take_field(rest);
	char text[8] = "";
	uint64_t value;

	if (field.len < sizeof(text))
		memcpy(text, field.data, field.len);
	/* One form alone: a zero in front would be another header of the same file. */
	if (text[0] == '0' || number_parse(text, what, 1, max, &value, e) < 0)
		return err_set(e, ERR_DATA, "%s: 1 to %llu expected", what,
		               (unsigned long long)max);
	*ret = (unsigned)value;
	return 0;
}

static int take_hex(struct view *rest, const char *what, uint8_t *to, size_t len, struct err *e)
{
	struct view field = take_field(rest);

	if (field.len == 2 * len && hex_parse_exact(field, to, len, e) == 0)
		return 0;
	return err_set(e, ERR_DATA, "%s: %zu hexadecimal digits expected", what, 2 * len);
}

static int check_cost(const struct kdf_cost *cost, struct err *e)
{
	uint64_t n = UINT64_C(1) << cost->ln, memory = 128 * n * cost->r;

	if (memory > KDF_MEMORY_MAX)
		return err_set(e, ERR_DATA,
		               "scrypt with N = 2^%u, r = %u takes %llu MiB; at most %u", cost->ln,
		               cost->r, (unsigned long long)(memory >> 20), KDF_MEMORY_MAX >> 20);
	if (n * cost->r * cost->p > KDF_STEPS_MAX)
		return err_set(e, ERR_DATA,
		               "scrypt with N = 2^%u, r = %u, p = %u takes more than 2^22 steps",
		               cost->ln, cost->r, cost->p);
	return 0;
}

int protected_key_parse(struct view text, struct protected_key *ret, struct err *e)
{
	struct protected_key p = { 0 };
	struct view rest = text;

	if (!protected_key_is(text))
		return err_set(e, ERR_DATA, "not a protected key");
	rest.data += strlen(TAG);
	rest.len -= strlen(TAG);
	/* Larger ones are refused below anyway; so the products there don't overflow. */
	TRY(take_number(&rest, "scrypt's ln", 24, &p.cost.ln, e));
	TRY(take_number(&rest, "scrypt's r", 64, &p.cost.r, e));
	TRY(take_number(&rest, "scrypt's p", 64, &p.cost.p, e));
	TRY(check_cost(&p.cost, e));
	TRY(take_hex(&rest, "salt", p.salt, sizeof(p.salt), e));
	TRY(take_hex(&rest, "nonce", p.nonce, sizeof(p.nonce), e));
	p.header = view_new(text.data, text.len - rest.len);
	/* To the end: a colon in it is no digit. */
	if (rest.len != 2 * sizeof(p.sealed) ||
	    hex_parse_exact(rest, p.sealed, sizeof(p.sealed), e) < 0)
		return err_set(e, ERR_DATA, "sealed seed: %zu hexadecimal digits expected",
		               2 * sizeof(p.sealed));
	*ret = p;
	return 0;
}

static int derive(const struct kdf_cost *cost, const struct secret *passphrase, struct view salt,
                  struct secret *ret, struct err *e)
{
	AUTO(kdf) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	AUTO(kdf_ctx) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	AUTO(secret) struct secret key = { 0 };
	uint64_t n = UINT64_C(1) << cost->ln, r = cost->r, p = cost->p;
	uint64_t memory = 2 * (uint64_t)KDF_MEMORY_MAX;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, passphrase->data, passphrase->len),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.data, salt.len),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_END,
	};

	TRY(secret_alloc(GCM_KEY_LEN, &key, e));
	if (!ctx || EVP_KDF_derive(ctx, key.data, key.len, params) != 1)
		return err_ossl(e, ERR_INTERNAL, "scrypt");
	*ret = MOVE(key);
	return 0;
}

int protected_key_open(const struct protected_key *p, const struct secret *passphrase,
                       struct secret *ret_seed, struct err *e)
{
	AUTO(secret) struct secret key = { 0 };

	TRY(derive(&p->cost, passphrase, VIEW_OF(p->salt), &key, e));
	return gcm_open(secret_view(&key), VIEW_OF(p->nonce), p->header, VIEW_OF(p->sealed),
	                "the passphrase does not open it, or it was changed", ret_seed, e);
}

int protected_key_seal(const struct secret *seed, const struct secret *passphrase,
                       const struct kdf_cost *cost, const struct entropy *source, struct buf *to,
                       struct err *e)
{
	AUTO(secret) struct secret random = { 0 };
	AUTO(secret) struct secret key = { 0 };
	AUTO(buf) struct buf line = BUF_INIT(PROTECTED_KEY_MAX);
	uint8_t sealed[SEED_LEN + GCM_TAG_LEN];
	struct view salt, nonce;

	if (seed->len != SEED_LEN)
		return err_set(e, ERR_DATA, "seed: %zu bytes, expected %d", seed->len, SEED_LEN);
	TRY(check_cost(cost, e));
	TRY(entropy_draw(source, "key-file", KDF_SALT_LEN + GCM_NONCE_LEN, &random, e));
	salt = view_new(random.data, KDF_SALT_LEN);
	nonce = view_new(random.data + KDF_SALT_LEN, GCM_NONCE_LEN);
	TRY(buf_add_format(&line, e, TAG "%u:%u:%u:", cost->ln, cost->r, cost->p));
	TRY(hex_format(salt, &line, e));
	TRY(buf_add_text(&line, ":", e));
	TRY(hex_format(nonce, &line, e));
	TRY(buf_add_text(&line, ":", e));
	TRY(derive(cost, passphrase, salt, &key, e));
	TRY(gcm_seal(secret_view(&key), nonce, buf_view(&line), secret_view(seed), sealed, e));
	TRY(hex_format(VIEW_OF(sealed), &line, e));
	TRY(buf_add_text(&line, "\n", e));
	return buf_add(to, buf_view(&line), e);
}

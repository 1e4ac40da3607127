#include "crypto/shamir.h"

#define REDUCTION 0x1b /* x^8 is x^4 + x^3 + x + 1 */

/* All eight steps, whatever the bits: neither branch nor table depends on a or b. */
uint8_t gf256_mul(uint8_t a, uint8_t b)
{
	unsigned factor = a, product = 0;

	for (unsigned bit = 0; bit < 8; bit++) {
		product ^= factor & -(b >> bit & 1u);
		factor = (factor << 1) ^ (REDUCTION & -(factor >> 7 & 1u));
	}
	return (uint8_t)product;
}

/* a^254: the multiplicative group has 255 elements. */
uint8_t gf256_inverse(uint8_t a)
{
	uint8_t square = a, product = 1;

	for (int i = 1; i < 8; i++) {
		square = gf256_mul(square, square);
		product = gf256_mul(product, square);
	}
	return product;
}

struct share_list {
	struct secret shares[SHARES_MAX];
};

static void share_list_drop(struct share_list *list)
{
	for (size_t i = 0; i < SHARES_MAX; i++)
		secret_drop(&list->shares[i]);
}

static int sizes_check(size_t len, unsigned threshold, unsigned total, struct err *e)
{
	if (total > SHARES_MAX)
		return err_reason(e, ERR_THRESHOLD, "InvalidSizeRequest", "%u shares, at most %d",
		                  total, SHARES_MAX);
	if (len == 0)
		return err_reason(e, ERR_DATA, "InvalidSecret", "an empty secret to share");
	if (total < threshold)
		return err_reason(e, ERR_THRESHOLD, "SharingLimitLessThanThreshold",
		                  "threshold %u of %u shares", threshold, total);
	if (threshold < 2)
		return err_reason(e, ERR_THRESHOLD, "SharingMinThreshold",
		                  "threshold %u, at least 2", threshold);
	return 0;
}

/* Horner's rule: coefficients are those of x^1 and up, and constant that of x^0. */
static uint8_t evaluate(uint8_t x, uint8_t constant, const uint8_t *coefficients, size_t count)
{
	uint8_t y = 0;

	while (count > 0)
		y = gf256_mul(y ^ coefficients[--count], x);
	return y ^ constant;
}

static int share_new(const struct secret *secret, const struct secret *coefficients, uint8_t x,
                     struct secret *ret, struct err *e)
{
	size_t degree = coefficients->len / secret->len;

	TRY(secret_alloc(1 + secret->len, ret, e));
	ret->data[0] = x;
	for (size_t i = 0; i < secret->len; i++)
		ret->data[1 + i] =
		    evaluate(x, secret->data[i], coefficients->data + i * degree, degree);
	return 0;
}

int shamir_split(const struct secret *secret, unsigned threshold, unsigned total,
                 const struct entropy *source, struct secret *ret_shares, struct err *e)
{
	AUTO(secret) struct secret coefficients = { 0 };
	AUTO(share_list) struct share_list list = { 0 };

	TRY(sizes_check(secret->len, threshold, total, e));
	if (secret->len > SIZE_MAX / SHARES_MAX)
		return err_set(e, ERR_INTERNAL, "%zu bytes to share", secret->len);
	TRY(entropy_draw(source, "shamir", secret->len * (threshold - 1), &coefficients, e));
	for (unsigned i = 0; i < total; i++)
		TRY(share_new(secret, &coefficients, (uint8_t)(i + 1), &list.shares[i], e));
	for (unsigned i = 0; i < total; i++)
		ret_shares[i] = MOVE(list.shares[i]);
	return 0;
}

static int shares_check(const struct secret *shares, size_t count, struct err *e)
{
	if (count < 2)
		return err_reason(e, ERR_SHARE, "SharingMinThreshold",
		                  "%zu shares, at least 2 are needed", count);
	for (size_t i = 0; i < count; i++)
		if (shares[i].len < 2 || shares[i].len != shares[0].len)
			return err_reason(e, ERR_SHARE, "InvalidShare",
			                  "share %zu has %zu bytes, the first %zu", i + 1,
			                  shares[i].len, shares[0].len);
	for (size_t i = 0; i < count; i++)
		if (shares[i].data[0] == 0)
			return err_reason(e, ERR_SHARE, "SharingInvalidIdentifier",
			                  "share %zu has the number 0", i + 1);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (shares[i].data[0] == shares[j].data[0])
				return err_reason(e, ERR_SHARE, "SharingDuplicateIdentifier",
				                  "shares %zu and %zu have the same number", j + 1,
				                  i + 1);
	return 0;
}

/* Lagrange's basis polynomial of share i at x: the product of (x_j - x) / (x_j - x_i) over the
 * other shares j. above: the product of (x_j - x) over all. */
static uint8_t basis_at(const struct secret *shares, size_t count, size_t i, uint8_t x,
                        uint8_t above)
{
	uint8_t below = shares[i].data[0] ^ x;

	for (size_t j = 0; j < count; j++)
		if (j != i)
			below = gf256_mul(below, shares[j].data[0] ^ shares[i].data[0]);
	return gf256_mul(above, gf256_inverse(below));
}

int shamir_interpolate(const struct secret *shares, size_t count, uint8_t x, struct secret *ret,
                       struct err *e)
{
	AUTO(secret) struct secret sum = { 0 };
	uint8_t above = 1;

	TRY(shares_check(shares, count, e));
	for (size_t i = 0; i < count; i++) {
		if (shares[i].data[0] == x)
			return secret_copy(view_new(shares[i].data + 1, shares[i].len - 1), ret, e);
		above = gf256_mul(above, shares[i].data[0] ^ x);
	}
	TRY(secret_alloc(shares[0].len - 1, &sum, e));
	for (size_t i = 0; i < count; i++) {
		uint8_t basis = basis_at(shares, count, i, x, above);

		for (size_t at = 0; at < sum.len; at++)
			sum.data[at] ^= gf256_mul(basis, shares[i].data[1 + at]);
	}
	*ret = MOVE(sum);
	return 0;
}

int shamir_combine(const struct secret *shares, size_t count, struct secret *ret, struct err *e)
{
	return shamir_interpolate(shares, count, /* x= */ 0, ret, e);
}

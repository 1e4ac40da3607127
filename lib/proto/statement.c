#include "proto/statement.h"

#include <string.h>

#define TAG_LEN       24
#define SEED_KEY      "teectl-generate-seed-v1"
#define SEED_TYPE_MAX 128
#define SEED_DATA_MAX 4096

void statement_format(enum statement kind, const struct hash256 *manifest_hash, const uint8_t a[32],
                      const uint8_t b[32], uint8_t ret[static STATEMENT_LEN])
{
	static const char *const tags[] = {
		[STATEMENT_PROVE_KEY] = "teectl-prove-key-v1",
		[STATEMENT_RECEIPT] = "teectl-receipt-v1",
		[STATEMENT_SHARE_SUBMIT] = "teectl-share-submit-v1",
	};

	memset(ret, 0, TAG_LEN);
	memcpy(ret, tags[kind], strlen(tags[kind]));
	memcpy(ret + TAG_LEN, manifest_hash->bytes, 32);
	memcpy(ret + TAG_LEN + 32, a, 32);
	memcpy(ret + TAG_LEN + 64, b, 32);
}

static void put_le(uint64_t value, uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

void receipt_format(const struct receipt *r, uint8_t ret[static RECEIPT_BODY_LEN])
{
	put_le(r->kind, ret, 4);
	put_le(r->sequence, ret + 4, 8);
	put_le(r->nsm_ms, ret + 12, 8);
	memcpy(ret + 20, r->setup_key.bytes, 32);
	memcpy(ret + 52, r->subject.bytes, 32);
}

int receipt_parse(struct view body, struct receipt *ret, struct err *e)
{
	struct reader r = reader_new(body);
	uint32_t kind = reader_le32(&r);
	struct receipt receipt = { 0 };

	receipt.sequence = reader_le64(&r);
	receipt.nsm_ms = reader_le64(&r);
	reader_copy(&r, receipt.setup_key.bytes, sizeof(receipt.setup_key.bytes));
	reader_copy(&r, receipt.subject.bytes, sizeof(receipt.subject.bytes));
	TRY(reader_done(&r, ERR_DATA, "receipt", e));
	if (kind < RECEIPT_EXPORT || kind > RECEIPT_RETIRE)
		return err_set(e, ERR_DATA, "receipt: unknown kind %u", kind);
	receipt.kind = (enum receipt_kind)kind;
	*ret = receipt;
	return 0;
}

int receipt_verify(struct view body, struct view signature, const struct hash256 *manifest_hash,
                   const struct hash256 *previous, const struct public_key *quorum_key,
                   struct receipt *ret, struct hash256 *ret_message, struct err *e)
{
	uint8_t message[STATEMENT_LEN];
	struct hash256 body_hash, message_hash;
	struct receipt receipt;

	if (receipt_parse(body, &receipt, e) < 0)
		return err_reason(e, ERR_ATTESTATION, "receipt", "the receipt can't be read");
	TRY(sha256(body, &body_hash, e));
	statement_format(STATEMENT_RECEIPT, manifest_hash, body_hash.bytes, previous->bytes,
	                 message);
	TRY(sha256(VIEW_OF(message), &message_hash, e));
	if (public_key_verify_hash(quorum_key, &message_hash, signature, e) < 0)
		return err_reason(
		    e, ERR_ATTESTATION, "receipt",
		    "receipt %llu is not signed by the quorum key, or does not follow "
		    "the one before it",
		    (unsigned long long)receipt.sequence);
	*ret = receipt;
	*ret_message = message_hash;
	return 0;
}

int seed_strength_check(int64_t strength, struct err *e)
{
	if (strength < 128 || strength > 256 || strength % 32 != 0)
		return err_set(e, ERR_REQUEST, "strength: one of 128, 160, 192, 224, 256 expected");
	return 0;
}

int seed_info(struct view type, struct view data, unsigned strength, struct buf *to, struct err *e)
{
	TRY(seed_strength_check(strength, e));
	if (type.len < 1 || type.len > SEED_TYPE_MAX)
		return err_set(e, ERR_REQUEST, "seed_type: 1 to %d bytes of text expected",
		               SEED_TYPE_MAX);
	if (data.len > SEED_DATA_MAX)
		return err_set(e, ERR_REQUEST, "seed_data: 0 to %d bytes of text expected",
		               SEED_DATA_MAX);
	TRY(buf_add(to, view_new("bip39", 6), e)); /* its NUL is the 00 */
	TRY(buf_add_vec(to, type, e));
	TRY(buf_add_vec(to, data, e));
	return buf_add_le16(to, (uint16_t)strength, e);
}

int seed_derive(const struct secret *master_seed, struct view type, struct view data,
                unsigned strength, struct secret *ret, struct err *e)
{
	AUTO(buf) struct buf info = BUF_INIT(16 + SEED_TYPE_MAX + SEED_DATA_MAX);
	AUTO(secret) struct secret prk = { 0 };

	TRY(seed_info(type, data, strength, &info, e));
	TRY(hmac_sha512(view_text(SEED_KEY), secret_view(master_seed), &prk, e));
	return hkdf_expand_sha512(secret_view(&prk), buf_view(&info), strength / 8, ret, e);
}

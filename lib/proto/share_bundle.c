#include "proto/share_bundle.h"

#include "base/text.h"
#include "crypto/shamir.h"
#include "proto/row.h"

#include <string.h>

_Static_assert(sizeof(((struct bundle_item *)0)->encrypted_share) == SHARE_LEN + ENVELOPE_OVERHEAD,
               "a share in an envelope");

static const char *const kinds[] = { "teectl-share-bundle", NULL };

/* clang-format off */

#define THIS bundle_item
SCHEMA(bundle_item,
	TEXT("node", node, 1, ALIAS_MAX, "the operator's name for the TEE", REQUIRED),
	FIXED_HEX("documentHash", document, "SHA-256 of its attestation document", REQUIRED),
	FIXED_HEX("setupKeyHash", setup_key, "SHA-256 of its setup public key", REQUIRED),
	FIXED_HEX("encryptedShare", encrypted_share, "sealed to that key", REQUIRED),
	FIXED_HEX("signature", signature, "the member's, of share-submit", REQUIRED));
#undef THIS

#define THIS share_bundle
SCHEMA(share_bundle,
	WORD("kind", kind, kinds, "what the file is", REQUIRED),
	NUMBER("version", version, BUNDLE_VERSION, BUNDLE_VERSION, "of this layout", REQUIRED),
	TEXT("cluster", cluster, 1, ALIAS_MAX, "as the request has it", REQUIRED),
	TEXT("alias", alias, 1, ALIAS_MAX, "the member", REQUIRED),
	FIXED_HEX("manifestHash", manifest_hash, "of the manifest that the TEEs hold", REQUIRED),
	FIXED_HEX("requestHash", request, "SHA-256 of the request's file", REQUIRED),
	TEXT("expires", expires, 1, TIME_TEXT_LEN, "the request's", REQUIRED),
	LIST("shares", items, 1, REQUEST_TARGETS_MAX, bundle_item, "one for each TEE", REQUIRED));
#undef THIS

/* clang-format on */

int share_bundle_parse(struct view content, struct share_bundle *ret, struct err *e)
{
	AUTO(share_bundle) struct share_bundle b = { 0 };

	if (content.len > BUNDLE_FILE_MAX)
		return err_set(e, ERR_DATA, "%zu bytes, at most %u", content.len, BUNDLE_FILE_MAX);
	if (wire_decode(&share_bundle_schema, text_trim(content), &b, e) < 0) {
		if (e->code != ERR_INTERNAL)
			e->code = ERR_DATA;
		return -1;
	}
	if (time_parse(buf_text(&b.expires), &b.expires_ms, e) < 0) {
		e->code = ERR_DATA;
		return err_wrap(e, "expires");
	}
	*ret = MOVE(b);
	return 0;
}

int share_bundle_format(struct share_bundle *b, struct buf *to, struct err *e)
{
	char text[TIME_TEXT_LEN];

	b->version = BUNDLE_VERSION;
	b->kind = 0;
	time_format(b->expires_ms, text);
	TRY(wire_set_text(&b->expires, text, e));
	TRY(wire_encode(&share_bundle_schema, b, to, e));
	return buf_add_u8(to, '\n', e);
}

int share_bundle_statement(const struct share_bundle *b, const struct bundle_item *item,
                           uint8_t ret[static STATEMENT_LEN], struct err *e)
{
	struct hash256 manifest, sealed;

	memcpy(manifest.bytes, b->manifest_hash, sizeof(manifest.bytes));
	TRY(sha256(VIEW_OF(item->encrypted_share), &sealed, e));
	statement_format(STATEMENT_SHARE_SUBMIT, &manifest, item->setup_key, sealed.bytes, ret);
	return 0;
}

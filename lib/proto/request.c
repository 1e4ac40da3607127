#include "proto/request.h"

#include "base/text.h"
#include "proto/row.h"

static const char *const kinds[] = { "teectl-share-request", NULL };

/* clang-format off */

#define THIS request_target
SCHEMA(request_target,
	TEXT("node", node, 1, ALIAS_MAX, "the operator's name for it", REQUIRED),
	HEX("document", document, 1, DOCUMENT_MAX, "its attestation document", REQUIRED));
#undef THIS

#define THIS request_genesis
INNER(request_genesis,
	HEX("output", output, 1, GENESIS_OUTPUT_MAX, "borsh of QOS's GenesisOutput", REQUIRED),
	HEX("document", document, 1, DOCUMENT_MAX, "the document that attests it", REQUIRED));
#undef THIS

#define THIS share_request
SCHEMA(share_request,
	WORD("kind", kind, kinds, "what the file is", REQUIRED),
	NUMBER("version", version, REQUEST_VERSION, REQUEST_VERSION, "of this layout", REQUIRED),
	TEXT("cluster", cluster, 1, ALIAS_MAX, "the operator's name for it", REQUIRED),
	TEXT("created", created, 1, TIME_TEXT_LEN, "when it was made, RFC 3339", REQUIRED),
	TEXT("expires", expires, 1, TIME_TEXT_LEN, "until when bundles may be handed over", REQUIRED),
	OBJECT_AS("manifestEnvelope", manifest_envelope, struct manifest_envelope, manifest_envelope_file, "that the TEEs hold", REQUIRED),
	OBJECT("genesis", genesis, request_genesis, "that made the quorum key", OPTIONAL(has_genesis)),
	LIST("targets", targets, 1, REQUEST_TARGETS_MAX, request_target, "the TEEs", REQUIRED));
#undef THIS

/* clang-format on */

static int parse_time(const char *key, const struct buf *text, int64_t *ret, struct err *e)
{
	if (time_parse(buf_text(text), ret, e) == 0)
		return 0;
	e->code = ERR_DATA;
	return err_wrap(e, "%s", key);
}

int request_parse(struct view content, struct share_request *ret, struct err *e)
{
	AUTO(share_request) struct share_request q = { 0 };

	/* As large as an answer may be: one file at a time. */
	if (wire_decode_reply(&share_request_schema, text_trim(content), &q, e) < 0) {
		if (e->code != ERR_INTERNAL)
			e->code = ERR_DATA;
		return -1;
	}
	TRY(parse_time("created", &q.created, &q.created_ms, e));
	TRY(parse_time("expires", &q.expires, &q.expires_ms, e));
	*ret = MOVE(q);
	return 0;
}

int request_format(struct share_request *q, struct buf *to, struct err *e)
{
	char text[TIME_TEXT_LEN];

	q->version = REQUEST_VERSION;
	q->kind = 0;
	time_format(q->created_ms, text);
	TRY(wire_set_text(&q->created, text, e));
	time_format(q->expires_ms, text);
	TRY(wire_set_text(&q->expires, text, e));
	TRY(wire_encode(&share_request_schema, q, to, e));
	return buf_add_u8(to, '\n', e);
}

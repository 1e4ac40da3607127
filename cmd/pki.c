#include "pki.h"

#include "base/text.h"
#include "print.h"

#include <string.h>

static const struct wire_field issued_document_fields[] = {
	JSON_TEXT(issued_document, certificate),
	JSON_TEXT(issued_document, key),
	JSON_HEX_FIXED(issued_document, fingerprint),
	JSON_TEXT(issued_document, not_after),
	JSON_BOOL(issued_document, kept),
};
const struct wire_schema issued_document_schema =
    JSON_SCHEMA(issued_document, issued_document_fields);

int issued_document_make(const struct issued *made, struct issued_document *ret, struct err *e)
{
	char at[TIME_TEXT_LEN];

	time_format(made->not_after_unix * 1000, at);
	TRY(wire_set_text(&ret->certificate, made->certificate, e));
	TRY(wire_set_text(&ret->key, made->key, e));
	memcpy(ret->fingerprint, made->fingerprint.bytes, sizeof(ret->fingerprint));
	ret->kept = made->is_kept;
	return wire_set_text(&ret->not_after, at, e);
}

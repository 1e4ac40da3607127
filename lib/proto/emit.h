/* Writing JSON: what wire_encode and wire_canonical share. */
#ifndef TEECTL_PROTO_EMIT_H
#define TEECTL_PROTO_EMIT_H

#include "base/buf.h"

/* A string with its quotes, escaped as serde_json does (formats.md 5.3). What is not UTF-8 becomes
 * U+FFFD. */
MUST_CHECK int emit_text(struct view text, struct buf *to, struct err *e);

#endif

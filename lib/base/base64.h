/* Base64 (RFC 4648), as people paste it. */
#ifndef TEECTL_BASE_BASE64_H
#define TEECTL_BASE_BASE64_H

#include "base/buf.h"

/* Standard alphabet, with padding, on one line. */
MUST_CHECK int base64_format(struct view bytes, struct buf *to, struct err *e);
/* The standard or the url alphabet, not both in one text; padding whole or none; white space
 * anywhere. Bits that belong to no byte must be zero, so that each text has one meaning and a text
 * that was cut is not taken for a shorter one. Appends.
 * fails  ERR_DATA, saying at which character; never repeats the text */
MUST_CHECK int base64_parse(struct view text, struct buf *to, struct err *e);

/* What base64_format writes, and nothing else: so that one text alone stands for the bytes. */
MUST_CHECK int base64_parse_canonical(struct view text, struct buf *to, struct err *e);

#endif

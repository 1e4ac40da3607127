/* Attestation documents as people keep and paste them. The bytes decide, not the file's name.
 *
 * Raw COSE, whose first byte is never text; or text: hex, base64 of either alphabet, or the
 * contract's JSON array of bytes. Text may stand in double quotes, as JSON has it, or between the
 * lines of a PEM block, and white space in it means nothing. A document's first bytes make the
 * forms exclude each other: in base64 they need letters that hex does not have. */
#ifndef TEECTL_ATTEST_DOCUMENT_FILE_H
#define TEECTL_ATTEST_DOCUMENT_FILE_H

#include "base/buf.h"

/* The longest form: 16 KiB as JSON numbers, with a line and a blank for each of them. */
#define DOCUMENT_FILE_MAX (256u << 10)

enum document_form { DOCUMENT_RAW, DOCUMENT_BASE64, DOCUMENT_HEX, DOCUMENT_ARRAY };
extern const char *const document_form_names[]; /* NULL-terminated */

/* Replaces ret, whose max bounds the document; more than DOCUMENT_MAX is never one.
 * fails  ERR_ATTESTATION, reason cose:structure: it is none of these */
MUST_CHECK int document_decode(struct view file, struct buf *ret, enum document_form *ret_form,
                               struct err *e);

#endif

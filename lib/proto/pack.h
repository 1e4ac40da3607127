/* Byte arrays on their way through json-c. A document of 5 KB comes as an array of 5000 numbers
 * (contract.md), each of which json-c would make an object of its own: a third of what a forward
 * costs beside its cryptography. So each is given to json-c as one string: a NUL, which no string
 * from outside can hold (scan.h), and two letters from a to p for each byte: they are read without
 * a table and without a branch, since they may be a share's. */
#ifndef TEECTL_PROTO_PACK_H
#define TEECTL_PROTO_PACK_H

#include "base/buf.h"

/* object    what json_scan has passed
 * to        has room for object.len + PACK_SPARE bytes; the same JSON, with each array of integers
 *           from 0 to 255 packed where that makes it no longer
 * fails     ERR_INTERNAL: no memory */
#define PACK_SPARE 16
MUST_CHECK int json_pack(struct view object, struct buf *to, struct err *e);

/* Of a string as json-c gives it back. */
bool pack_is(struct view string);
size_t pack_len(struct view packed); /* in bytes */
/* packed: what json_pack has written; to: room for pack_len bytes */
void pack_read(struct view packed, uint8_t *to);

#endif

/* CBOR (RFC 8949), as much of it as attestation documents and the NSM use: integers, strings,
 * arrays, maps, booleans and null, with definite or indefinite arrays and maps.
 *
 * A text is read into a flat list of items that point into it: nothing is allocated, so that a
 * count in the input never sizes anything. Repeated map keys, tags, floats, text that is not UTF-8,
 * and what is nested too deep are refused; strings in chunks as well, but where a caller lends
 * memory to join them in. */
#ifndef TEECTL_ATTEST_CBOR_H
#define TEECTL_ATTEST_CBOR_H

#include "base/buf.h"

#define CBOR_ITEMS_MAX 512 /* a real document's payload has about 90 */
#define CBOR_DEPTH_MAX 8   /* a real document has 2 */

enum cbor_kind {
	CBOR_UINT,
	CBOR_NEGATIVE, /* -1 - number */
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_BOOL,
	CBOR_NULL,
};

struct cbor_item {
	enum cbor_kind kind;
	uint32_t span; /* items that it takes in the list: itself and all within */
	/* An integer's or a boolean's value; elements of an array, pairs of a map. */
	uint64_t number;
	struct view bytes; /* of a string: its contents, in the input or joined */
};

struct cbor {
	struct cbor_item items[CBOR_ITEMS_MAX]; /* [0] is the outermost */
	size_t count;
	struct view rest;   /* the input behind it */
	struct buf *joined; /* NULL: strings in chunks are refused */
};

/* Reads one item with all within. fails ERR_DATA */
MUST_CHECK int cbor_parse(struct view bytes, struct cbor *ret, struct err *e);
/* The same for what may have strings of indefinite length. joined: an empty buf that may grow to
 * bytes.len; the items point into it. */
MUST_CHECK int cbor_parse_joining(struct view bytes, struct buf *joined, struct cbor *ret,
                                  struct err *e);

/* Elements of an array; of a map key, value, key, value. One past the last after all of them. */
const struct cbor_item *cbor_first(const struct cbor_item *container);
const struct cbor_item *cbor_after(const struct cbor_item *item);
/* The value under a text key, or NULL; NULL also when map is no map. */
const struct cbor_item *cbor_find(const struct cbor_item *map, const char *key);
bool cbor_is_text(const struct cbor_item *item, const char *text);

/* Appended in the shortest form; arrays and maps definite: their elements follow. */
MUST_CHECK int cbor_add_uint(struct buf *to, uint64_t value, struct err *e);
MUST_CHECK int cbor_add_bytes(struct buf *to, struct view bytes, struct err *e);
MUST_CHECK int cbor_add_text(struct buf *to, struct view text, struct err *e);
MUST_CHECK int cbor_add_key(struct buf *to, const char *key, struct err *e);
MUST_CHECK int cbor_add_array(struct buf *to, size_t count, struct err *e);
MUST_CHECK int cbor_add_map(struct buf *to, size_t pairs, struct err *e);
MUST_CHECK int cbor_add_bool(struct buf *to, bool value, struct err *e);
MUST_CHECK int cbor_add_null(struct buf *to, struct err *e);

#endif

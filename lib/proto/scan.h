/* The scan before json-c: JSON to the letter of RFC 8259 less what no message has, in bounded work.
 *
 * json-c's strict mode still takes single quotes, NaN, repeated keys, control characters, overlong
 * UTF-8, numbers past 64 bits and bytes after a NUL (libraries.md 3), and builds 270 MB of tree
 * from 1 MiB of brackets. What has passed here holds none of these. */
#ifndef TEECTL_PROTO_SCAN_H
#define TEECTL_PROTO_SCAN_H

#include "base/buf.h"

#define WIRE_TEXT_MAX  (1u << 20) /* the body limit of contract.md */
#define WIRE_DEPTH_MAX 16
#define WIRE_COST_MAX  200000 /* a comma 1, a container 16: some 15 MB of tree */

/* Answers may be longer than requests: genesis for 255 members takes 270000 units, 1024 receipts
 * 200000. Whoever asks waits for one answer at a time, so that 70 MB of tree are no danger. */
#define WIRE_REPLY_TEXT_MAX (4u << 20)
#define WIRE_REPLY_COST_MAX 1000000

/* No message has an object of half as many fields; a request of nothing but keys would be sorted
 * and put into a tree before the first unknown one is seen. */
#define WIRE_KEYS_MAX 64

struct scan_limits {
	size_t text, cost, keys; /* keys: of one object */
};
extern const struct scan_limits scan_request, scan_reply;

/* Where in a text: a chain on the callers' stacks, printed as shares[2].signature. */
struct place {
	const struct place *up; /* NULL: the text itself */
	struct view name;       /* of an object's member; data NULL: an array's item */
	size_t index;
	bool leaves_out; /* of the text itself: what no row knows is left out */
};

/* ERR_REQUEST, "shares[2].signature: ..."; returns -1. */
int place_fail(const struct place *here, struct err *e, const char *format, ...) PRINTF_LIKE(3, 4);

/* One JSON object and white space around it. ret: the object without that. All numbers in it are
 * integers of at most 64 bits, and not -0. Two keys of one object whose 64-bit hashes are equal
 * count as repeated. */
MUST_CHECK int json_scan(struct view text, const struct scan_limits *limits, struct view *ret,
                         struct err *e);

#endif

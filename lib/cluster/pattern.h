/* Many texts written as one: "tee[01-12].[eu,us].example" stands for 24. What a bracket holds are
 * alternatives between commas, each a word or a range of numbers; a number that is written with
 * zeroes in front keeps its width. Several brackets multiply, and the last one turns fastest.
 *
 * A bracket with a colon in it, as of [::1], is an IPv6 address and stands for itself. */
#ifndef TEECTL_CLUSTER_PATTERN_H
#define TEECTL_CLUSTER_PATTERN_H

#include "base/buf.h"

#define PATTERN_BRACKETS_MAX 8 /* four numbers of an address, and as many again of a name */
#define PATTERN_DIGITS_MAX   9 /* of one number: it fits 32 bits */
#define PATTERN_PARTS_MAX    (2 * PATTERN_BRACKETS_MAX + 1)

struct pattern_part {
	struct view text; /* as written; of a bracket what is between */
	size_t count;     /* alternatives of a bracket; 0: the text stands for itself */
	struct view rest; /* of the text, from the alternative that was written last, */
	size_t before;    /* and how many stand before it: one after another costs what one does */
};

struct pattern {
	struct pattern_part parts[PATTERN_PARTS_MAX]; /* they borrow the text */
	size_t part_count;
	size_t brackets;
	size_t count; /* texts that it stands for: at least one */
};

/* fails  ERR_CONFIG, "expected …, found …": not well formed, or more than max texts */
MUST_CHECK int pattern_parse(const char *text, size_t max, struct pattern *ret, struct err *e);
/* Appends one of the texts. index  below p->count */
MUST_CHECK int pattern_add(struct pattern *p, size_t index, struct buf *to, struct err *e);

#endif

/* What the parts of the cluster file's reader share: places in the file, and refusals that name
 * one. */
#ifndef TEECTL_CLUSTER_CONFIG_INTERNAL_H
#define TEECTL_CLUSTER_CONFIG_INTERNAL_H

#include "cluster/config.h"

#define CONFIG_ROWS_MAX 64 /* the table has fewer; a test compares */

struct mark {
	unsigned line, column; /* from 1; line 0: nowhere */
};

/* Where each row's value was last seen; in a list's rows that of the item being read. */
struct config_places {
	const char *file;
	struct mark of[CONFIG_ROWS_MAX];
	size_t item; /* index in the list being read */
};

const struct config_row *config_find(const char *path);
struct mark config_place_of(const struct config_places *p, const char *path);

/* Each returns -1: "FILE:LINE:COL: what, expected …, found …". */
int config_refuse(struct err *e, const struct config_places *p, struct mark at, const char *format,
                  ...) PRINTF_LIKE(4, 5);

#define FOUND_LEN 48 /* enough to recognise a value by */
/* What was found, quoted and cut: nobody wants a whole file in an error. */
void config_quote(const char *text, char ret[static FOUND_LEN + 8]);

/* A scalar as the file has it. is_plain: without quotes, so that it may be a number or a flag. */
struct scalar {
	const char *text;
	bool is_plain;
};
/* Sets the row's field in base (struct cluster, or the item of a list). On failure e says "expected
 * …, found …", without place and key. */
MUST_CHECK int config_take(const struct config_row *row, const struct scalar *value, void *base,
                           const char *folder, struct err *e);

/* Where `pcrs:` stands in the map of `enclave:`, or would. Offsets are bytes. */
struct config_spot {
	bool is_flow;  /* the map is { … } */
	bool is_empty; /* it is {} */
	bool has_pcrs; /* replace start..end; else insert after end, where the last value ends */
	size_t column; /* of the map's keys, from 0 */
	size_t start, end;
};
MUST_CHECK int config_locate_pcrs(const char *path, struct view text, struct config_spot *ret,
                                  struct err *e);

/* What no single key shows. */
MUST_CHECK int config_check_member(const struct cluster_member_list *list,
                                   const struct config_row *row, const struct config_places *p,
                                   struct mark at, struct err *e);
MUST_CHECK int config_check_node(const struct cluster *c, const struct config_places *p,
                                 struct mark at, struct err *e);
MUST_CHECK int config_check(struct cluster *c, const struct config_places *p, struct err *e);

#endif

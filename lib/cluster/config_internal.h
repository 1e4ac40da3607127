/* What the parts of the cluster file's reader share: places in the file, and refusals that name
 * one. */
#ifndef TEECTL_CLUSTER_CONFIG_INTERNAL_H
#define TEECTL_CLUSTER_CONFIG_INTERNAL_H

#include "cluster/config.h"

#define CONFIG_ROWS_MAX 96 /* the table has fewer; the compiler compares */

struct mark {
	unsigned line, column; /* from 1; line 0: nowhere */
};

/* Finds a node by name or by address while the file is read: open addressing, at most half full.
 * A slot is a node's index and one; 0: nobody's. */
#define NODE_SLOTS (2 * CLUSTER_NODES_MAX)
struct node_index {
	uint32_t *names, *addresses;
};
void node_index_drop(struct node_index *i);
void cluster_node_drop(struct cluster_node *n);

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

/* Is it a text that stands for many, or one that is completed from `hosts`? fails  ERR_CONFIG */
MUST_CHECK int config_is_pattern(const char *text, bool *ret, struct err *e);

/* Makes room for one item more of the list and zeroes it. The item counts from now on, so that
 * whatever becomes of it is freed with the rest. */
MUST_CHECK int config_add_item(const struct config_row *row, void *base, void *ret_item,
                               struct err *e);
/* The last node, just read, becomes the nodes that it stands for, each held against those before.
 */
MUST_CHECK int config_expand_node(struct cluster *c, const struct config_places *p, struct mark at,
                                  struct node_index *index, struct err *e);

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

/* Where one of the item's own keys stands, or the item itself. */
struct mark config_place_in(const struct config_places *p, const char *list, const char *key,
                            struct mark otherwise);

/* Fit for a member's or a node's name, and so for a file's. */
bool config_is_name(const char *text);

MUST_CHECK int config_copy_members(const struct cluster_member_list *from,
                                   struct cluster_member_list *to, struct err *e);
/* What no single key shows. */
MUST_CHECK int config_check_member(const struct cluster_member_list *list,
                                   const struct config_row *row, const struct config_places *p,
                                   struct mark at, struct err *e);
MUST_CHECK int config_check(struct cluster *c, const struct config_places *p, struct err *e);

#endif

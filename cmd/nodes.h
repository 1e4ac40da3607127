/* The table of nodes, as status and verify show it. */
#ifndef TEECTL_CMD_NODES_H
#define TEECTL_CMD_NODES_H

#include "cmd.h"
#include "orchestrate/report.h"

/* As many rows fit two screens. Of more nodes the worst come first, and only those are shown that
 * are not as they should be, unless c->is_wide; counts stand for the rest. */
#define NODES_SHOWN_MAX 40
#define NOTES_SHOWN_MAX                                                                            \
	10 /* of more than that many nodes, below the table: they often say the same */

/* Says that so many nodes are in no row, if any. */
void nodes_print_left(struct context *c, size_t count);
MUST_CHECK int nodes_table(struct context *c, const struct cluster_report *report, struct err *e);

#endif

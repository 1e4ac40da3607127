/* Graph: the key's way as a drawing. One model, made of a plan or of a journal's lineage, and four
 * writers. */
#ifndef TEECTL_ORCHESTRATE_GRAPH_H
#define TEECTL_ORCHESTRATE_GRAPH_H

#include "orchestrate/lineage.h"
#include "orchestrate/plan.h"

struct graph_report_node {
	struct buf name;
	bool has_from, has_round, has_took;
	struct buf from;
	bool from_shares, claimed, proved, retired, earlier;
	int64_t round, took_ms;
};

struct graph_report {
	struct buf title;
	struct wire_list nodes; /* struct graph_report_node */
};
extern const struct wire_schema graph_report_schema;
WIRE_DROP(graph_report);

#define GRAPH_NONE SIZE_MAX
#define GRAPH_MAX  (64u << 20) /* of a drawing: 16384 nodes in some lines each */

struct graph_node {
	char *name, *detail; /* detail: of a TEE's life, its module id; "" for none */
	size_t from;         /* index of the source; GRAPH_NONE: it has the key from nowhere here */
	bool is_from_shares; /* of one without a source: the members' shares brought it */
	bool is_claimed;     /* the way is not shown by receipts */
	bool is_doubled;     /* it has proved the key */
	bool is_retired;     /* it has wiped the key */
	bool is_earlier;     /* its node was started again since */
	bool is_stopped;     /* it does not run now */
	unsigned round;      /* of the hop; 0: unknown */
	int64_t took_us;     /* the hop; 0: unknown */
};

struct graph {
	const char *title; /* "plan", "lineage"; not owned */
	struct graph_node *nodes;
	size_t count;
};
void graph_drop(struct graph *g);

/* Of a plan: who gives or gets the key. Nobody else is there: where nothing is to be done, it has
 * no nodes. */
MUST_CHECK int graph_of_plan(const struct cluster *cluster, const struct plan *plan,
                             struct graph *ret, struct err *e);
/* Of a lineage; times: the journal's text, whose forwards say how long each hop took; empty: none
 */
MUST_CHECK int graph_of_lineage(const struct lineage *l, struct view times, struct graph *ret,
                                struct err *e);

/* Drops all but those that are flagged, one flag a node of the graph, and those they have the key
 * from. */
MUST_CHECK int graph_keep(struct graph *g, const bool *flags, struct err *e);

/* Each appends to a buffer of GRAPH_MAX. What a journal calls a node is shown and never obeyed. */
MUST_CHECK int graph_text(const struct graph *g, struct buf *to, struct err *e);
MUST_CHECK int graph_dot(const struct graph *g, struct buf *to, struct err *e);
MUST_CHECK int graph_mermaid(const struct graph *g, struct buf *to, struct err *e);
/* One file, nothing beside it. */
MUST_CHECK int graph_svg(const struct graph *g, struct buf *to, struct err *e);

/* For -o json. ret: zeroed */
MUST_CHECK int graph_report_make(const struct graph *g, struct graph_report *ret, struct err *e);

#endif

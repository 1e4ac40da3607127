#include "orchestrate/graph.h"

#include "base/text.h"
#include "cluster/journal.h"
#include "proto/row.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */

#define THIS graph_report_node
INNER(graph_report_node,
	TEXT("name", name, 0, WIRE_TEXT_MAX, "the node's", REQUIRED),
	TEXT("from", from, 0, WIRE_TEXT_MAX, "from whom it has the key", NULLABLE(has_from)),
	BOOL("from_shares", from_shares, "whether the members' shares brought it", REQUIRED),
	BOOL("claimed", claimed, "whether no receipt shows it", REQUIRED),
	BOOL("proved", proved, "whether it has proved the key", REQUIRED),
	BOOL("retired", retired, "whether it has wiped it since", REQUIRED),
	BOOL("earlier", earlier, "whether its node was started again since", REQUIRED),
	NUMBER("round", round, 0, INT32_MAX, "of the hop, as foretold", NULLABLE(has_round)),
	NUMBER("took_ms", took_ms, 0, INT64_MAX, "the hop", NULLABLE(has_took)));
#undef THIS

#define THIS graph_report
SCHEMA(graph_report,
	TEXT("title", title, 0, WIRE_TEXT_MAX, "plan, or lineage: as it went", REQUIRED),
	LIST("nodes", nodes, 0, UINT16_MAX, graph_report_node, "those that the key goes to", REQUIRED));
#undef THIS

/* clang-format on */

void graph_drop(struct graph *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free(g->nodes[i].name);
		free(g->nodes[i].detail);
	}
	free(g->nodes);
	*g = (struct graph){ 0 };
}

static int graph_new(const char *title, size_t count, struct graph *ret, struct err *e)
{
	ret->title = title;
	ret->nodes = calloc(count + 1, sizeof(*ret->nodes));
	return ret->nodes ? 0 : err_set(e, ERR_INTERNAL, "no memory for a graph");
}

static int add_node(struct graph *g, const char *name, const char *detail, struct err *e)
{
	struct graph_node *n = &g->nodes[g->count];

	*n = (struct graph_node){ .from = GRAPH_NONE };
	g->count++;
	TRY(text_dup(name, &n->name, e));
	return text_dup(detail, &n->detail, e);
}

/* --- of a plan --- */

static void places_drop(size_t **places)
{
	free(*places);
}

/* The node's place in the graph, which it gets when it is first asked for. */
static int place_of(const struct cluster *cluster, struct graph *g, size_t *places, size_t node,
                    size_t *ret, struct err *e)
{
	if (places[node] == GRAPH_NONE) {
		places[node] = g->count;
		TRY(add_node(g, cluster->nodes[node].name, "", e));
	}
	*ret = places[node];
	return 0;
}

static int add_hop(const struct cluster *cluster, const struct step *s, struct graph *g,
                   size_t *places, struct err *e)
{
	size_t source, target;

	TRY(place_of(cluster, g, places, s->source, &source, e));
	TRY(place_of(cluster, g, places, s->node, &target, e));
	g->nodes[target].from = source;
	g->nodes[target].round = s->round;
	return 0;
}

static int add_birth(const struct cluster *cluster, const struct step *s, struct graph *g,
                     size_t *places, struct err *e)
{
	size_t place;

	TRY(place_of(cluster, g, places, s->node, &place, e));
	g->nodes[place].is_from_shares = true;
	return 0;
}

int graph_of_plan(const struct cluster *cluster, const struct plan *plan, struct graph *ret,
                  struct err *e)
{
	AUTO(graph) struct graph g = { 0 };
	AUTO(places) size_t *places = calloc(cluster->node_count + 1, sizeof(*places));

	if (!places)
		return err_set(e, ERR_INTERNAL, "no memory for a graph");
	TRY(graph_new("plan", cluster->node_count, &g, e));
	for (size_t i = 0; i < cluster->node_count; i++)
		places[i] = GRAPH_NONE;
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *s = &plan->steps[i];

		if (s->kind == STEP_INJECT)
			TRY(add_birth(cluster, s, &g, places, e));
		else if (s->kind == STEP_FORWARD && s->source != SOURCE_NONE)
			TRY(add_hop(cluster, s, &g, places, e));
	}
	*ret = MOVE(g);
	return 0;
}

/* --- of a lineage --- */

/* A forward as the journal tells it. */
struct hop {
	struct buf node;
	size_t begun, ended; /* lines */
	int64_t begun_ms, ended_ms;
};

struct hops {
	struct hop *items;
	size_t count, room;
};

static void hops_drop(struct hops *h)
{
	for (size_t i = 0; i < h->count; i++)
		buf_drop(&h->items[i].node);
	free(h->items);
}

static int begin_hop(struct hops *h, const struct journal_entry *entry, struct err *e)
{
	struct hop *hop;

	if (h->count == h->room) {
		size_t room = h->room ? 2 * h->room : 64;
		struct hop *items = reallocarray(h->items, room, sizeof(*items));

		if (!items)
			return err_set(e, ERR_INTERNAL, "no memory for %zu forwards", room);
		h->items = items;
		h->room = room;
	}
	hop = &h->items[h->count++];
	*hop = (struct hop){ .begun = entry->number, .begun_ms = entry->time_ms };
	return wire_set(&hop->node, buf_view(&entry->line.node), e);
}

static void end_hop(struct hops *h, const struct journal_entry *entry)
{
	for (size_t i = h->count; i-- > 0;)
		if (view_equal(buf_view(&h->items[i].node), buf_view(&entry->line.node))) {
			h->items[i].ended = entry->number;
			h->items[i].ended_ms = entry->time_ms;
			return;
		}
}

static int take_line(struct hops *h, const struct journal_entry *entry, struct err *e)
{
	const struct journal_line *line = &entry->line;

	if (line->kind != JOURNAL_STEP ||
	    !view_equal(buf_view(&line->step), view_text(step_name(STEP_FORWARD))))
		return 0;
	if (view_equal(buf_view(&line->outcome), view_text(JOURNAL_BEGIN)))
		return begin_hop(h, entry, e);
	if (view_equal(buf_view(&line->outcome), view_text(JOURNAL_DONE)))
		end_hop(h, entry);
	return 0;
}

static int read_hops(struct view text, struct hops *ret, struct err *e)
{
	struct journal_reader reader = journal_reader_new(text);

	for (bool found = text.len > 0; found;) {
		struct journal_entry entry = { 0 };
		int result;

		TRY(journal_next(&reader, &entry, &found, e));
		result = found ? take_line(ret, &entry, e) : 0;
		journal_entry_drop(&entry);
		TRY(result);
	}
	return 0;
}

/* The last one that brought the key to the node before the journal's last line of that life. */
static int64_t hop_us(const struct hops *h, const struct lineage_tee *tee)
{
	for (size_t i = h->count; i-- > 0;) {
		const struct hop *hop = &h->items[i];

		if (hop->begun < tee->number && hop->ended &&
		    view_equal(buf_view(&hop->node), buf_view(&tee->node)))
			/* Where the clock was set back in between nobody knows. */
			return hop->ended_ms > hop->begun_ms
			           ? (hop->ended_ms - hop->begun_ms) * 1000
			           : 0;
	}
	return 0;
}

int graph_of_lineage(const struct lineage *l, struct view times, struct graph *ret, struct err *e)
{
	const struct lineage_tee *tees = l->tees.items;
	AUTO(graph) struct graph g = { 0 };
	AUTO(hops) struct hops hops = { 0 };

	TRY(read_hops(times, &hops, e));
	TRY(graph_new("lineage", l->tees.count, &g, e));
	for (size_t i = 0; i < l->tees.count; i++) {
		TRY(add_node(&g, buf_text(&tees[i].node), buf_text(&tees[i].module_id), e));
		g.nodes[i].from = tees[i].from == LINEAGE_NONE ? GRAPH_NONE : tees[i].from;
		g.nodes[i].is_from_shares = tees[i].way == KEY_SHARES;
		g.nodes[i].is_claimed = !tees[i].verified;
		g.nodes[i].is_doubled = tees[i].proved;
		g.nodes[i].is_retired = tees[i].retired;
		g.nodes[i].is_earlier = tees[i].earlier;
		g.nodes[i].is_stopped = tees[i].stopped;
		if (tees[i].way == KEY_FORWARDED)
			g.nodes[i].took_us = hop_us(&hops, &tees[i]);
	}
	*ret = MOVE(g);
	return 0;
}

static void drop_node(struct graph_node *n)
{
	free(n->name);
	free(n->detail);
	*n = (struct graph_node){ 0 };
}

int graph_keep(struct graph *g, const bool *flags, struct err *e)
{
	AUTO(places) size_t *places = calloc(g->count + 1, sizeof(*places));
	size_t kept = 0;

	if (!places)
		return err_set(e, ERR_INTERNAL, "no memory for a graph");
	/* 1: it stays. A way that has been gone already need not be gone again. */
	for (size_t i = 0; i < g->count; i++)
		for (size_t n = i; flags[i] && n != GRAPH_NONE && !places[n]; n = g->nodes[n].from)
			places[n] = 1;
	for (size_t i = 0; i < g->count; i++) {
		if (places[i] == 0) {
			places[i] = GRAPH_NONE;
			drop_node(&g->nodes[i]);
			continue;
		}
		places[i] = kept;
		if (kept != i)
			g->nodes[kept] = MOVE(g->nodes[i]);
		kept++;
	}
	g->count = kept;
	for (size_t i = 0; i < g->count; i++)
		if (g->nodes[i].from != GRAPH_NONE)
			g->nodes[i].from = places[g->nodes[i].from];
	return 0;
}

int graph_report_make(const struct graph *g, struct graph_report *ret, struct err *e)
{
	TRY(wire_set_text(&ret->title, g->title, e));
	for (size_t i = 0; i < g->count; i++) {
		const struct graph_node *n = &g->nodes[i];
		struct graph_report_node *r;

		TRY(wire_list_add(&ret->nodes, &graph_report_node_schema, &r, e));
		r->has_from = n->from != GRAPH_NONE;
		r->from_shares = n->is_from_shares;
		r->claimed = n->is_claimed;
		r->proved = n->is_doubled;
		r->retired = n->is_retired;
		r->earlier = n->is_earlier;
		r->has_round = n->round > 0;
		r->round = n->round;
		r->has_took = n->took_us > 0;
		r->took_ms = (n->took_us + 500) / 1000;
		TRY(wire_set_text(&r->name, n->name, e));
		TRY(wire_set_text(&r->from, r->has_from ? g->nodes[n->from].name : "", e));
	}
	return 0;
}

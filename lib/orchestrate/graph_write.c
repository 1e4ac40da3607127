/* The writers of a graph: text, Graphviz's DOT, Mermaid, SVG. */
#include "orchestrate/graph.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX    64
#define SHARES_WORDS "members' shares"

/* --- what all share --- */

/* The nodes in the order of a drawing, each before those that have the key from it, and how deep
 * each is: 1 where it is from nobody. */
struct layout {
	size_t *order, *depth, *first, *next; /* first and next child; GRAPH_NONE: none */
	size_t count, deepest;
};

static void layout_drop(struct layout *l)
{
	free(l->order);
	free(l->depth);
	free(l->first);
	free(l->next);
}

/* Down to the first child, then on to the next of whoever has one: no recursion, since a chain is
 * as deep as it is long. What stands in a circle is in no drawing; lineage.c has cut those. */
static void walk(const struct graph *g, size_t root, struct layout *l)
{
	size_t at = root, depth = 1;

	for (;;) {
		l->order[l->count++] = at;
		l->depth[at] = depth;
		l->deepest = depth > l->deepest ? depth : l->deepest;
		if (l->first[at] != GRAPH_NONE) {
			at = l->first[at];
			depth++;
			continue;
		}
		while (at != root && l->next[at] == GRAPH_NONE) {
			at = g->nodes[at].from;
			depth--;
		}
		if (at == root)
			return;
		at = l->next[at];
	}
}

static int layout_make(const struct graph *g, struct layout *l, struct err *e)
{
	l->order = calloc(g->count + 1, sizeof(*l->order));
	l->depth = calloc(g->count + 1, sizeof(*l->depth));
	l->first = calloc(g->count + 1, sizeof(*l->first));
	l->next = calloc(g->count + 1, sizeof(*l->next));
	if (!l->order || !l->depth || !l->first || !l->next)
		return err_set(e, ERR_INTERNAL, "no memory for a drawing");
	for (size_t i = 0; i < g->count; i++)
		l->first[i] = l->next[i] = GRAPH_NONE;
	for (size_t i = g->count; i-- > 0;) {
		size_t from = g->nodes[i].from;

		if (from == GRAPH_NONE)
			continue;
		l->next[i] = l->first[from];
		l->first[from] = i;
	}
	for (size_t i = 0; i < g->count; i++)
		if (g->nodes[i].from == GRAPH_NONE)
			walk(g, i, l);
	return 0;
}

/* "round 2, 12 ms, claimed"; "" where nothing is known. */
static void describe_hop(const struct graph_node *n, char to[static LABEL_MAX])
{
	size_t len = 0;

	to[0] = 0;
	if (n->round)
		len += (size_t)snprintf(to, LABEL_MAX, "round %u", n->round);
	if (n->took_us > 0)
		len += (size_t)snprintf(to + len, LABEL_MAX - len, "%s%lld ms", len ? ", " : "",
		                        (long long)(n->took_us + 500) / 1000);
	if (n->is_claimed && n->from != GRAPH_NONE)
		snprintf(to + len, LABEL_MAX - len, "%sclaimed", len ? ", " : "");
}

/* Of a life that is over, which its node's name alone does not tell from the next one. */
static const char *end_of(const struct graph_node *n)
{
	if (n->is_earlier)
		return n->is_retired ? "retired, earlier" : "earlier";
	if (n->is_stopped)
		return n->is_retired ? "retired, does not run now" : "does not run now";
	return n->is_retired ? "retired" : "";
}

static bool is_any_from_shares(const struct graph *g)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->nodes[i].is_from_shares && g->nodes[i].from == GRAPH_NONE)
			return true;
	return false;
}

static bool is_from_shares(const struct graph_node *n)
{
	return n->is_from_shares && n->from == GRAPH_NONE;
}

/* U+FFFE and U+FFFF stand for no character, and XML has no place for them. */
static bool is_noncharacter(const char *text)
{
	const uint8_t *c = (const uint8_t *)text;

	return c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe;
}

/* One character of *text, and past it: what moves a terminal, ends a line or is no UTF-8 is one
 * question mark in every drawing. */
static int add_character(struct buf *to, const char **text, struct err *e)
{
	bool is_tame;
	size_t len = text_take(*text, &is_tame);

	if (is_tame && !is_noncharacter(*text))
		TRY(buf_add(to, view_new(*text, len), e));
	else
		TRY(buf_add_u8(to, '?', e));
	*text += len;
	return 0;
}

static int add_tame(struct buf *to, const char *text, struct err *e)
{
	while (*text)
		TRY(add_character(to, &text, e));
	return 0;
}

/* --- text --- */

/* Of one that is deeper the nearest are drawn. */
#define RAILS_MAX 48

static int text_rails(const struct graph *g, const struct layout *l, size_t node, struct buf *to,
                      struct err *e)
{
	bool has_next[RAILS_MAX];
	size_t count = 0;

	for (; count < RAILS_MAX && g->nodes[node].from != GRAPH_NONE; node = g->nodes[node].from)
		has_next[count++] = l->next[node] != GRAPH_NONE;
	for (size_t i = count; i-- > 0;)
		TRY(buf_add_text(to,
		                 i == 0        ? has_next[i] ? "├─ " : "└─ "
		                 : has_next[i] ? "│  "
		                               : "   ",
		                 e));
	return 0;
}

int graph_text(const struct graph *g, struct buf *to, struct err *e)
{
	AUTO(layout) struct layout l = { 0 };

	TRY(layout_make(g, &l, e));
	for (size_t i = 0; i < l.count; i++) {
		const struct graph_node *n = &g->nodes[l.order[i]];
		char label[LABEL_MAX];

		describe_hop(n, label);
		TRY(text_rails(g, &l, l.order[i], to, e));
		TRY(add_tame(to, n->name, e));
		TRY(buf_add_format(to, e, "%s%s%s%s%s%s\n", end_of(n)[0] ? ", " : "", end_of(n),
		                   is_from_shares(n) ? ", from the members' shares" : "",
		                   label[0] ? " (" : "", label, label[0] ? ")" : ""));
	}
	return 0;
}

/* --- DOT --- */

/* What stands between quotes in DOT: the journal's names are not ours. */
static int add_quoted(struct buf *to, const char *text, struct err *e)
{
	while (*text) {
		if (*text == '"' || *text == '\\')
			TRY(buf_add_u8(to, '\\', e));
		TRY(add_character(to, &text, e));
	}
	return 0;
}

static int dot_node(const struct graph *g, size_t i, struct buf *to, struct err *e)
{
	const struct graph_node *n = &g->nodes[i];
	const char *style = n->is_claimed ? "dashed" : "solid";
	char label[LABEL_MAX];

	describe_hop(n, label);
	TRY(buf_add_format(to, e, "  t%zu [label=\"", i));
	TRY(add_quoted(to, n->name, e));
	if (n->detail[0])
		TRY(buf_add_text(to, "\\n", e));
	TRY(add_quoted(to, n->detail, e));
	if (end_of(n)[0])
		TRY(buf_add_format(to, e, "\\n%s", end_of(n)));
	TRY(buf_add_format(to, e, "\"%s];\n", n->is_doubled ? ", peripheries=2" : ""));
	if (n->from != GRAPH_NONE)
		return buf_add_format(to, e, "  t%zu -> t%zu [style=%s%s%s%s];\n", n->from, i,
		                      style, label[0] ? ", label=\"" : "", label,
		                      label[0] ? "\"" : "");
	return n->is_from_shares ? buf_add_format(to, e, "  shares -> t%zu [style=%s];\n", i, style)
	                         : 0;
}

int graph_dot(const struct graph *g, struct buf *to, struct err *e)
{
	TRY(buf_add_format(to, e, "digraph %s {\n", g->title));
	if (is_any_from_shares(g))
		TRY(buf_add_text(to, "  shares [shape=box, label=\"" SHARES_WORDS "\"];\n", e));
	for (size_t i = 0; i < g->count; i++)
		TRY(dot_node(g, i, to, e));
	return buf_add_text(to, "}\n", e);
}

/* --- Mermaid and SVG: both take entities of XML --- */

static int add_entities(struct buf *to, const char *text, struct err *e)
{
	static const struct {
		char character;
		const char *entity;
	} entities[] = { { '&', "&amp;" },  { '<', "&lt;" },  { '>', "&gt;" },  { '"', "&quot;" },
		         { '\'', "&#39;" }, { '#', "&#35;" }, { '[', "&#91;" }, { ']', "&#93;" } };

	while (*text) {
		const char *entity = NULL;

		for (size_t i = 0; i < COUNT(entities); i++)
			if (entities[i].character == *text)
				entity = entities[i].entity;
		if (!entity) {
			TRY(add_character(to, &text, e));
			continue;
		}
		TRY(buf_add_text(to, entity, e));
		text++;
	}
	return 0;
}

static int mermaid_node(const struct graph *g, size_t i, struct buf *to, struct err *e)
{
	const struct graph_node *n = &g->nodes[i];
	const char *arrow = n->is_claimed ? "-.->" : "-->";
	char label[LABEL_MAX];

	describe_hop(n, label);
	TRY(buf_add_format(to, e, "  t%zu%s\"", i, n->is_doubled ? "[[" : "["));
	TRY(add_entities(to, n->name, e));
	if (end_of(n)[0])
		TRY(buf_add_format(to, e, ", %s", end_of(n)));
	TRY(buf_add_format(to, e, "\"%s\n", n->is_doubled ? "]]" : "]"));
	if (n->from != GRAPH_NONE)
		return buf_add_format(to, e, "  t%zu %s%s%s%s t%zu\n", n->from, arrow,
		                      label[0] ? "|" : "", label, label[0] ? "|" : "", i);
	return n->is_from_shares ? buf_add_format(to, e, "  shares %s t%zu\n", arrow, i) : 0;
}

int graph_mermaid(const struct graph *g, struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, "flowchart LR\n", e));
	if (is_any_from_shares(g))
		TRY(buf_add_text(to, "  shares([\"members&#39; shares\"])\n", e));
	for (size_t i = 0; i < g->count; i++)
		TRY(mermaid_node(g, i, to, e));
	return 0;
}

/* Pixels. A column is a hop; a row is a TEE without one below it. */
#define BOX_WIDTH   150
#define BOX_HEIGHT  26
#define BOX_LETTERS 18 /* that fit as they are; more are drawn narrower */
#define COLUMN      290
#define ROW         36
#define MARGIN      20

struct drawing {
	const struct graph *g;
	struct layout l;
	size_t *row; /* of each node, in halves: a source stands in the middle of its targets */
	size_t rows;
	bool has_shares; /* and so a column before the others */
};

static void drawing_drop(struct drawing *d)
{
	layout_drop(&d->l);
	free(d->row);
}

/* From the last to the first, so that each node's children have theirs. */
static void place_sources(struct drawing *d)
{
	for (size_t i = d->l.count; i-- > 0;) {
		size_t node = d->l.order[i], last = d->l.first[node];

		if (last == GRAPH_NONE)
			continue;
		while (d->l.next[last] != GRAPH_NONE)
			last = d->l.next[last];
		d->row[node] = (d->row[d->l.first[node]] + d->row[last]) / 2;
	}
}

static int drawing_make(const struct graph *g, struct drawing *d, struct err *e)
{
	d->g = g;
	d->has_shares = is_any_from_shares(g);
	TRY(layout_make(g, &d->l, e));
	d->row = calloc(g->count + 1, sizeof(*d->row));
	if (!d->row)
		return err_set(e, ERR_INTERNAL, "no memory for a drawing");
	for (size_t i = 0; i < d->l.count; i++)
		if (d->l.first[d->l.order[i]] == GRAPH_NONE)
			d->row[d->l.order[i]] = 2 * d->rows++;
	place_sources(d);
	return 0;
}

static size_t left_of(const struct drawing *d, size_t node)
{
	return MARGIN + (d->l.depth[node] - 1 + d->has_shares) * COLUMN;
}

static size_t middle_of(const struct drawing *d, size_t node)
{
	return MARGIN + d->row[node] * ROW / 2 + BOX_HEIGHT / 2;
}

static int svg_box(size_t left, size_t middle, const char *name, const char *end,
                   const char *classes, struct buf *to, struct err *e)
{
	TRY(buf_add_format(to, e,
	                   "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" "
	                   "rx=\"4\"/><text x=\"%zu\" y=\"%zu\"",
	                   classes, left, middle - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT,
	                   left + BOX_WIDTH / 2, middle + 4));
	if (strlen(name) + strlen(end) > BOX_LETTERS)
		TRY(buf_add_format(to, e, " textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"",
		                   BOX_WIDTH - 10));
	TRY(buf_add_text(to, ">", e));
	TRY(add_entities(to, name, e));
	return buf_add_format(to, e, "%s%s</text>\n", end[0] ? ", " : "", end);
}

static int svg_line(size_t from_x, size_t from_y, size_t to_x, size_t to_y, bool is_claimed,
                    const char *label, struct buf *to, struct err *e)
{
	size_t middle = (from_x + to_x) / 2;

	TRY(buf_add_format(to, e, "<path class=\"%s\" d=\"M%zu %zuC%zu %zu %zu %zu %zu %zu\"/>\n",
	                   is_claimed ? "hop claimed" : "hop", from_x, from_y, middle, from_y,
	                   middle, to_y, to_x, to_y));
	if (!label[0])
		return 0;
	return buf_add_format(to, e, "<text class=\"label\" x=\"%zu\" y=\"%zu\">%s</text>\n",
	                      to_x - 6, to_y - 4, label);
}

static int svg_node(const struct drawing *d, size_t i, struct buf *to, struct err *e)
{
	const struct graph_node *n = &d->g->nodes[i];
	size_t left = left_of(d, i), middle = middle_of(d, i);
	char label[LABEL_MAX];

	describe_hop(n, label);
	if (n->from != GRAPH_NONE)
		TRY(svg_line(left_of(d, n->from) + BOX_WIDTH, middle_of(d, n->from), left, middle,
		             n->is_claimed, label, to, e));
	else if (n->is_from_shares)
		TRY(svg_line(MARGIN + BOX_WIDTH, middle, left, middle, n->is_claimed, "", to, e));
	if (is_from_shares(n))
		TRY(svg_box(MARGIN, middle, SHARES_WORDS, "", "shares", to, e));
	return svg_box(left, middle, n->name, end_of(n), n->is_doubled ? "tee proved" : "tee", to,
	               e);
}

int graph_svg(const struct graph *g, struct buf *to, struct err *e)
{
	static const char style[] =
	    "<style>svg{background:#fff;font:12px sans-serif}text{text-anchor:middle;fill:#222}"
	    ".tee{fill:#eef3fb;stroke:#456}.proved{stroke-width:2.5}.shares{fill:#fbf3e0;stroke:#864}"
	    ".hop{fill:none;stroke:#456}.claimed{stroke-dasharray:5 4}"
	    ".label{text-anchor:end;fill:#666;font-size:10px}</style>\n";
	AUTO(drawing) struct drawing d = { 0 };
	size_t width, height;

	TRY(drawing_make(g, &d, e));
	width = 2 * MARGIN + BOX_WIDTH +
	        (d.l.deepest ? d.l.deepest - 1 + d.has_shares : 0) * (size_t)COLUMN;
	height = 2 * MARGIN + BOX_HEIGHT + (d.rows ? d.rows - 1 : 0) * (size_t)ROW;
	TRY(buf_add_format(to, e,
	                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
	                   "viewBox=\"0 0 %zu %zu\">\n<title>%s</title>\n%s",
	                   width, height, width, height, g->title, style));
	for (size_t i = 0; i < d.l.count; i++)
		TRY(svg_node(&d, d.l.order[i], to, e));
	return buf_add_text(to, "</svg>\n", e);
}

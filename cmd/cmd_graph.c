#include "choose.h"
#include "journal.h"
#include "print.h"

#include "orchestrate/graph.h"

#include <stdlib.h>

struct graph_args {
	bool dot, mermaid, svg, planned, history;
	int topology;
	struct text_list only;
};

static const struct opt opts[] = {
	{ .name = "dot",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct graph_args, dot),
	  .doc = "in Graphviz's language" },
	{ .name = "mermaid",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct graph_args, mermaid),
	  .doc = "in Mermaid's, as code forges draw it" },
	{ .name = "svg",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct graph_args, svg),
	  .doc = "an SVG file that needs nothing beside it" },
	{ .name = "planned",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct graph_args, planned),
	  .doc = "the way that apply would take now, also where the key has gone one" },
	{ .name = "history",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct graph_args, history),
	  .doc = "also TEEs that were started again or retired since" },
	OPT_ONLY(graph_args),
	OPT_TOPOLOGY(graph_args),
};

/* Those that live, and those that they have the key from. */
static int drop_history(struct lineage *l, struct err *e)
{
	const struct lineage_tee *tees = l->tees.items;
	AUTO(flags) bool *living = calloc(l->tees.count + 1, sizeof(*living));

	if (!living)
		return err_set(e, ERR_INTERNAL, "no memory for %zu TEEs", l->tees.count);
	for (size_t i = 0; i < l->tees.count; i++)
		living[i] = !tees[i].earlier && !tees[i].retired;
	return lineage_keep(l, living, e);
}

/* As it went: false where the journal shows no TEE that has the key, or there is none. */
static int find_lineage(struct context *c, bool with_history, struct graph *ret, bool *ret_found,
                        struct err *e)
{
	AUTO(audit) struct audit audit = { 0 };
	AUTO(lineage) struct lineage lineage = { 0 };
	AUTO(file_content) struct file_content text = { 0 };
	struct err why;

	*ret_found = false;
	if (journal_load(c, NULL, &text, &why) < 0) {
		if (why.code == ERR_NO_INPUT)
			return 0;
		*e = why;
		return -1;
	}
	TRY(journal_audit(c, NULL, NULL, NULL, &audit, e));
	TRY(lineage_make(&audit, &lineage, e));
	if (!with_history)
		TRY(drop_history(&lineage, e));
	*ret_found = lineage.tees.count > 0;
	return *ret_found ? graph_of_lineage(&lineage, file_content_view(&text), ret, e) : 0;
}

/* The plan is of all nodes: whom the key goes through is known of the whole. */
static int find_plan(struct context *c, const struct graph_args *args, struct choice *choice,
                     struct graph *ret, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(plan) struct plan plan = { 0 };
	const struct goal goal = {
		.kind = GOAL_APPLY,
		.topology = session_topology(c, args->topology),
	};

	TRY(choice_open(c, /* to_change= */ false, CHOICE_OF_WHOLE, &args->only, choice, &r, e));
	TRY(plan_make(&c->cluster, &r.seen, &goal, &plan, e));
	if (plan.nothing[0])
		context_say(c, "nothing to do: %s", plan.nothing);
	return graph_of_plan(&c->cluster, &plan, ret, e);
}

/* Of a drawing out of the journal the nodes are asked only where a state chooses. */
static int choose(struct context *c, const struct graph_args *args, struct choice *choice,
                  struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;

	TRY(choice_make(c, &args->only, choice, e));
	if (!selection_has_states(&choice->selection))
		return 0;
	choice_drop(choice);
	return choice_open(c, /* to_change= */ false, CHOICE_OF_WHOLE, &args->only, choice, &r, e);
}

/* Those chosen, and the way of the key to them. */
static int keep_chosen(struct context *c, const struct choice *choice, struct graph *g,
                       struct err *e)
{
	AUTO(flags) bool *flags = calloc(g->count + 1, sizeof(*flags));
	bool was_empty = g->count == 0;

	if (!flags)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	for (size_t i = 0; i < g->count; i++) {
		const struct cluster_node *node = cluster_find_node(&c->cluster, g->nodes[i].name);

		flags[i] = node && choice->flags[node - c->cluster.nodes];
	}
	TRY(graph_keep(g, flags, e));
	if (g->count == 0 && !was_empty)
		context_say(c, "nothing to draw: the key goes to none of the nodes asked for");
	return 0;
}

static int draw(struct context *c, const struct graph_args *args, const struct graph *g,
                struct err *e)
{
	AUTO(graph_report) struct graph_report report = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);

	if (c->global.output != OUTPUT_TABLE) {
		TRY(graph_report_make(g, &report, e));
		return print_json(c, &graph_report_schema, &report, e);
	}
	if (args->dot)
		TRY(graph_dot(g, &text, e));
	else if (args->mermaid)
		TRY(graph_mermaid(g, &text, e));
	else if (args->svg)
		TRY(graph_svg(g, &text, e));
	else
		TRY(graph_text(g, &text, e));
	progress_clear(&c->progress);
	print_raw(buf_view(&text));
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct graph_args *args = arguments;
	AUTO(graph) struct graph graph = { 0 };
	AUTO(choice) struct choice choice = { 0 };
	bool is_found = false;

	if (args->dot + args->mermaid + args->svg > 1)
		return err_set(e, ERR_USAGE, "--dot, --mermaid and --svg exclude each other");
	TRY(choice_make(c, &args->only, &choice, e));
	if (!args->planned && args->topology < 0)
		TRY(find_lineage(c, args->history, &graph, &is_found, e));
	choice_drop(&choice);
	TRY(is_found ? choose(c, args, &choice, e) : find_plan(c, args, &choice, &graph, e));
	if (choice.flags)
		TRY(keep_chosen(c, &choice, &graph, e));
	return draw(c, args, &graph, e);
}

const struct cmd cmd_graph = {
	.name = "graph",
	.summary = "draw the key's way, planned or as it went",
	.details =
	    "Draws who has the quorum key from whom: as it went, out of the evidence journal, with "
	    "how long each hop took; or, where no TEE had it yet, and with --planned or "
	    "--topology, the way that apply would take now, with the round of each hop.\n\n"
	    "For a terminal it is a tree in text. --dot and --mermaid are for programs that draw, "
	    "--svg is a drawing in one file. A hop that no receipt shows is called claimed, and "
	    "drawn dashed; a TEE that has proved the key has a double or heavier border. One that was "
	    "started again or retired since is there only if one that lives has the key from it, "
	    "or with --history, and is called earlier or retired. With --only those nodes are drawn, and the key's way to them. "
	    "teectl lineage tells more of each TEE.",
	.examples = { { "teectl graph", "a tree in text" },
	              { "teectl graph --svg > way.svg", "a drawing with times" },
	              { "teectl graph --topology tree", "the way that a tree would take" },
	              { "teectl graph --only region=eu", "the way to the nodes of a region" },
	              { "teectl graph --dot | dot -Tpdf > way.pdf", "by Graphviz" } },
	.exits = { 2, 5, 65, 66, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct graph_args),
	.run = run,
};

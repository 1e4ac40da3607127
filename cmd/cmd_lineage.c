#include "choose.h"

#include "base/text.h"
#include "cluster/launcher.h"
#include "journal.h"
#include "orchestrate/graph.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDENT_MAX 64 /* a chain that is longer goes on in this column */

enum format { FORMAT_TEXT, FORMAT_DOT };
static const char *const format_names[] = { "text", "dot", NULL };

struct lineage_args {
	const char *from, *to, *journal, *root;
	int format;
	struct text_list only;
};

static const struct opt opts[] = {
	{ .name = "from",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .offset = offsetof(struct lineage_args, from),
	  .doc = "only this node, all its lives, and who has the key from one of them" },
	{ .name = "to",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .offset = offsetof(struct lineage_args, to),
	  .doc = "only this node's last life, and from whom it has the key" },
	OPT_ONLY(lineage_args),
	{ .name = "format",
	  .kind = OPT_WORD,
	  .metavar = "FORM",
	  .offset = offsetof(struct lineage_args, format),
	  .words = format_names,
	  .fallback = "text",
	  .doc = "a tree in text, or Graphviz's language" },
	{ .name = "journal",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct lineage_args, journal),
	  .doc = "the journal; the state's unless given" },
	{ .name = "root",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct lineage_args, root),
	  .doc = "as audit verify takes it" },
};

static void describe_way(const struct lineage_tee *tee, char *to, size_t size)
{
	const char *source = buf_text(&tee->source);
	const char *claimed = tee->verified ? "" : " (claimed)";

	if (tee->way == KEY_SHARES)
		snprintf(to, size, "from the members' shares%s", claimed);
	else if (tee->way == KEY_FORWARDED && tee->has_source)
		snprintf(to, size, "from %s%s", source, claimed);
	else if (tee->way == KEY_FORWARDED)
		snprintf(to, size, "from a TEE that the journal does not know");
	else if (tee->has_source)
		snprintf(to, size, "%s exported to it; that it took the key is not shown", source);
	else
		snprintf(to, size, "from where is not shown");
}

/* By its process: of the state's own journal, and nodes that are launched here. What has ended has
 * no key, whatever it has proved. */
static bool has_ended(const struct context *c, const struct lineage_tee *tee)
{
	const struct cluster_node *node = cluster_find_node(&c->cluster, buf_text(&tee->node));

	return !tee->earlier && node && launcher_is_stopped(&c->state, node);
}

static void mark_stopped(const struct context *c, struct lineage *l)
{
	struct lineage_tee *tees = l->tees.items;

	for (size_t i = 0; c->state.folder && i < l->tees.count; i++)
		tees[i].stopped = has_ended(c, &tees[i]);
}

static void describe(const struct lineage_tee *tee, char *to, size_t size)
{
	char received[TIME_TEXT_LEN] = "", way[256], exports[64] = "";

	describe_way(tee, way, sizeof(way));
	if (tee->received_ms)
		time_format(tee->received_ms, received);
	if (tee->unknown_exports)
		snprintf(exports, sizeof(exports), ", %lld to TEEs without a document here",
		         (long long)tee->unknown_exports);
	snprintf(to, size, "%s%s%s%s%s%s%s%s", way, received[0] ? ", " : "", received,
	         tee->proved ? ", proved" : ", not proved", exports,
	         tee->retired ? ", retired" : "",
	         tee->earlier ? ", earlier: the node was started again since" : "",
	         tee->stopped ? ", does not run now" : "");
}

static size_t depth_of(const struct lineage *l, size_t tee)
{
	const struct lineage_tee *tees = l->tees.items;
	size_t depth = 0;

	for (; tees[tee].from != LINEAGE_NONE; tee = tees[tee].from)
		depth++;
	return depth < INDENT_MAX ? depth : INDENT_MAX;
}

static void print_tree(struct context *c, const struct lineage *l)
{
	const struct lineage_tee *tees = l->tees.items;

	for (size_t i = 0; i < l->tees.count; i++) {
		char text[512];

		describe(&tees[i], text, sizeof(text));
		print_line(
		    c, "%*s%s (%s): %s", (int)(2 * depth_of(l, i)), "", buf_text(&tees[i].node),
		    tees[i].module_id.len ? buf_text(&tees[i].module_id) : "no document", text);
	}
}

static int print_dot(struct context *c, const struct lineage *l, struct err *e)
{
	AUTO(graph) struct graph graph = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);
	struct view no_times = { 0 };

	if (c->global.output != OUTPUT_TABLE)
		return 0;
	TRY(graph_of_lineage(l, no_times, &graph, e));
	TRY(graph_dot(&graph, &text, e));
	print_raw(buf_view(&text));
	return 0;
}

static int select_tees(const struct lineage_args *args, struct lineage *l, struct err *e)
{
	if (args->from)
		return lineage_cut_from(l, args->from, e);
	return args->to ? lineage_cut_to(l, args->to, e) : 0;
}

static int choose(struct context *c, const struct lineage_args *args, struct choice *ret,
                  struct err *e)
{
	if (args->only.count == 0)
		return 0;
	TRY(cluster_read(c->global.file, &c->cluster, e));
	TRY(choice_make(c, &args->only, ret, e));
	if (selection_has_states(&ret->selection))
		return err_set(e, ERR_USAGE,
		               "--only: a journal does not tell how nodes stand now: names and "
		               "labels choose from it");
	return 0;
}

/* The nodes that the cluster file's names and labels choose, and whom they have the key from. */
static int keep_chosen(const struct context *c, const struct choice *choice, struct lineage *l,
                       struct err *e)
{
	AUTO(flags) bool *flags = calloc(l->tees.count + 1, sizeof(*flags));
	const struct lineage_tee *tees = l->tees.items;

	if (!flags)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	for (size_t i = 0; i < l->tees.count; i++) {
		const struct cluster_node *node =
		    cluster_find_node(&c->cluster, buf_text(&tees[i].node));

		flags[i] = node && choice->flags[node - c->cluster.nodes];
	}
	return lineage_keep(l, flags, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct lineage_args *args = arguments;
	AUTO(choice) struct choice choice = { 0 };
	AUTO(audit) struct audit audit = { 0 };
	AUTO(lineage) struct lineage lineage = { 0 };

	if (args->from && args->to)
		return err_set(e, ERR_USAGE, "--from and --to exclude each other");
	TRY(choose(c, args, &choice, e));
	TRY(journal_audit(c, args->journal, args->root, NULL, &audit, e));
	TRY(lineage_make(&audit, &lineage, e));
	mark_stopped(c, &lineage);
	TRY(select_tees(args, &lineage, e));
	if (choice.flags)
		TRY(keep_chosen(c, &choice, &lineage, e));
	if (args->format == FORMAT_DOT)
		TRY(print_dot(c, &lineage, e));
	else
		print_tree(c, &lineage);
	return print_json(c, &lineage_schema, &lineage, e);
}

const struct cmd cmd_lineage = {
	.name = "lineage",
	.summary = "show from whom each TEE has the quorum key",
	.details =
	    "Replays the evidence journal (audit verify) and draws from it the key's way: from the "
	    "members' shares to a TEE, and from TEE to TEE. Each line is one life of a TEE, by its "
	    "node's name and its NSM's module id; a node that was started again is another, "
	    "and its lives before are marked as earlier. Where the journal is the state's own, "
	    "the last life of a node of this machine that does not run is marked as that; who lives "
	    "and holds the key now is asked by teectl status.\n\n"
	    "A way is verified when the source's receipt names the document that attests the "
	    "target's setup key, and the target's own receipt says that it took the key with that. "
	    "Where a receipt is missing it is marked as claimed, and drawn dashed. A TEE that has "
	    "proved the key has a double border; one that has wiped it, that was started again "
	    "since, or that does not run, says so in its box.",
	.examples = { { "teectl lineage", "the whole tree" },
	              { "teectl lineage --to tee3", "from whom tee3 has the key" },
	              { "teectl lineage --from tee2",
	                "whom tee2 has given the key to, in any of its lives" },
	              { "teectl lineage --only region=eu",
	                "the nodes of a region, and their sources" },
	              { "teectl lineage --format dot | dot -Tsvg > lineage.svg", "a drawing" } },
	.exits = { 2, 5, 65, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct lineage_args),
	.run = run,
};

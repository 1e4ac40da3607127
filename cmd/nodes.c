#include "nodes.h"

#include "base/text.h"
#include "print.h"
#include "proto/phase.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGIONS_SHOWN_MAX                                                                          \
	16 /* clouds have about thirty; the first that the file names are shown                    \
	    */

/* What stands first is what people have to see first. */
static const enum node_state worst_first[] = { NODE_FAILED,    NODE_GONE, NODE_WAITING,
	                                       NODE_NOT_READY, NODE_OLD,  NODE_READY };

static enum tone state_tone(int state)
{
	static const enum tone tones[] = {
		[NODE_READY] = TONE_GOOD, [NODE_NOT_READY] = TONE_PLAIN, [NODE_WAITING] = TONE_WAIT,
		[NODE_FAILED] = TONE_BAD, [NODE_GONE] = TONE_BAD,        [NODE_OLD] = TONE_WAIT
	};

	return tones[state];
}

static int node_row(struct table *t, const struct node_report *n, bool with_pid, struct err *e)
{
	char key[SHORT_TEXT_LEN] = "", manifest[SHORT_TEXT_LEN] = "";

	if (n->has_quorum_public_key)
		key_short(n->quorum_public_key, key);
	if (n->has_manifest_hash)
		hash_short(n->manifest_hash, manifest);
	TRY(table_cell(t, TONE_PLAIN, e, "%s", buf_text(&n->name)));
	TRY(table_cell(t, state_tone(n->state), e, "%s",
	               n->has_phase ? phase_name((enum phase)n->phase) : "-"));
	TRY(table_cell(t, n->verified ? TONE_GOOD : TONE_BAD, e, "%s%s",
	               n->verified     ? "verified"
	               : n->reason.len ? buf_text(&n->reason)
	                               : "no",
	               n->debug ? " DEBUG" : ""));
	TRY(table_cell(t, TONE_PLAIN, e, "%s", manifest));
	TRY(table_cell(t, TONE_PLAIN, e, "%s%s", key, n->key_proved ? " proved" : ""));
	if (with_pid && n->has_pid)
		TRY(table_cell(t, TONE_PLAIN, e, "%lld", (long long)n->pid));
	else if (with_pid)
		TRY(table_cell(t, TONE_PLAIN, e, "%s", ""));
	return table_cell(t, TONE_FAINT, e, "%s", node_state_name((enum node_state)n->state));
}

/* --- which rows, in which order --- */

struct rows {
	const struct node_report **items; /* borrowed */
	size_t count;
};

static void rows_drop(struct rows *r)
{
	free(r->items);
}

static bool is_good(const struct node_report *n)
{
	return n->state == NODE_READY && n->verified;
}

static void add_of_state(const struct cluster_report *report, enum node_state state,
                         struct rows *to)
{
	const struct node_report *nodes = report->nodes.items;

	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].state == (int)state)
			to->items[to->count++] = &nodes[i];
}

static int choose_rows(const struct context *c, const struct cluster_report *report,
                       struct rows *ret, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;
	size_t all = report->nodes.count, good = 0;

	ret->items = calloc(all + 1, sizeof(*ret->items));
	if (!ret->items)
		return err_set(e, ERR_INTERNAL, "no memory for a table");
	for (size_t i = 0; i < all && all <= NODES_SHOWN_MAX; i++)
		ret->items[ret->count++] = &nodes[i];
	for (size_t i = 0; i < COUNT(worst_first) && all > NODES_SHOWN_MAX; i++)
		add_of_state(report, worst_first[i], ret);
	if (all <= NODES_SHOWN_MAX || c->is_wide)
		return 0;
	for (size_t i = 0; i < all; i++)
		good += is_good(&nodes[i]);
	ret->count = all - good < NODES_SHOWN_MAX ? all - good : NODES_SHOWN_MAX;
	return 0;
}

/* --- counts --- */

static void print_summary(struct context *c, const struct cluster_report *report)
{
	char part[64] = "";

	if (report->nodes.count < c->cluster.node_count)
		snprintf(part, sizeof(part), ", %zu of its %zu nodes", report->nodes.count,
		         c->cluster.node_count);
	print_line(c, "cluster %s%s: %lld of %lld ready, %lld verified, attestation %s",
	           buf_text(&report->cluster), part, (long long)report->ready_count,
	           (long long)report->node_count, (long long)report->verified_count,
	           buf_text(&report->trust));
	if (view_equal(buf_view(&report->basis), view_text("cluster-file")))
		print_line(c, "the quorum key is the cluster file's word (quorum.publicKey): no "
		              "genesis here attests it");
}

static void print_states(struct context *c, const struct cluster_report *report)
{
	const struct node_report *nodes = report->nodes.items;
	char text[256] = "";

	for (size_t s = 0; s < COUNT(worst_first); s++) {
		size_t count = 0, len = strlen(text);

		for (size_t i = 0; i < report->nodes.count; i++)
			count += nodes[i].state == (int)worst_first[s];
		if (count)
			snprintf(text + len, sizeof(text) - len, "%s%zu %s", len ? ", " : "", count,
			         node_state_name(worst_first[s]));
	}
	print_line(c, "%s", text);
}

struct region {
	const char *name;
	size_t nodes, ready, verified;
};

/* The region's count; the last one is of those that have no room. NULL: the node has no region. */
static struct region *region_of(const struct context *c, const struct node_report *n,
                                struct region regions[static REGIONS_SHOWN_MAX + 1])
{
	const char *name = cluster_node_label(&c->cluster.nodes[n->index], REGION_LABEL);

	if (!name)
		return NULL;
	for (size_t i = 0; i < REGIONS_SHOWN_MAX; i++) {
		if (!regions[i].name)
			regions[i].name = name;
		if (strcmp(regions[i].name, name) == 0)
			return &regions[i];
	}
	regions[REGIONS_SHOWN_MAX].name = "(others)";
	return &regions[REGIONS_SHOWN_MAX];
}

static void print_regions(struct context *c, const struct cluster_report *report)
{
	const struct node_report *nodes = report->nodes.items;
	struct region regions[REGIONS_SHOWN_MAX + 1] = { 0 };

	for (size_t i = 0; i < report->nodes.count; i++) {
		struct region *r = region_of(c, &nodes[i], regions);

		if (!r)
			continue;
		r->nodes++;
		r->ready += nodes[i].state == NODE_READY;
		r->verified += nodes[i].verified;
	}
	for (size_t i = 0; i <= REGIONS_SHOWN_MAX; i++)
		if (regions[i].name)
			print_line(c, "region %s: %zu of %zu ready, %zu verified", regions[i].name,
			           regions[i].ready, regions[i].nodes, regions[i].verified);
}

/* --- all of it --- */

/* A note begins with its node where it has come from one; the line says it once. */
static const char *note_of(const struct node_report *n)
{
	return session_without_node(buf_text(&n->note), buf_text(&n->name));
}

static bool is_same_note(const struct node_report *a, const struct node_report *b)
{
	return strcmp(note_of(a), note_of(b)) == 0;
}

static bool is_told_before(const struct rows *rows, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (is_same_note(rows->items[i], rows->items[row]))
			return true;
	return false;
}

/* What several nodes suffer from stands once, with their names, where the first of them comes. */
static int print_note(struct context *c, const struct rows *rows, size_t row, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(PROGRESS_LINE_MAX);
	size_t count = 0;

	for (size_t i = row; i < rows->count; i++)
		if (is_same_note(rows->items[i], rows->items[row]) && count++ < NODES_SHOWN_MAX)
			TRY(buf_add_format(&names, e, "%s%s", i == row ? "" : ", ",
			                   buf_text(&rows->items[i]->name)));
	if (count > NODES_SHOWN_MAX)
		TRY(buf_add_format(&names, e, " and %zu more", count - NODES_SHOWN_MAX));
	print_line(c, "%s: %s", buf_text(&names), note_of(rows->items[row]));
	return 0;
}

static int print_notes(struct context *c, const struct rows *rows, size_t most, struct err *e)
{
	size_t notes = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (!rows->items[i]->note.len || is_told_before(rows, i))
			continue;
		if (notes++ < most)
			TRY(print_note(c, rows, i, e));
	}
	if (notes > most)
		print_line(c, "%zu more notes: --wide shows them", notes - most);
	return 0;
}

/* What PCR2 and PCR3 of each were measured with, where it is verified. Seeds for whoever asks are
 * meant for a laptop: under a real root they are more likely a mistake. */
static void print_options(struct context *c, const struct cluster_report *report)
{
	bool is_real = view_equal(buf_view(&report->trust), view_text(ROOT_AWS_NAME));
	const char *role = c->cluster.enclave.role;

	if (c->is_wide && role && *role)
		print_line(c, "role of the enclaves, as PCR3 measures it: %s", role);
	if (c->cluster.enclave.insecure_open_seed && (c->is_wide || is_real))
		print_line(c,
		           "%swhoever reaches a TEE gets seeds of it, without a certificate "
		           "(enclave.insecureOpenSeed)",
		           is_real ? "warning: " : "");
}

void nodes_print_left(struct context *c, size_t count)
{
	if (count)
		print_line(c, "%zu nodes are not shown: --wide shows all", count);
}

int nodes_table(struct context *c, const struct cluster_report *report, struct err *e)
{
	AUTO(table)
	struct table t = TABLE_INIT("NODE", "PHASE", "VERIFIED", "MANIFEST", "QUORUM KEY",
	                            c->is_wide ? "PID" : "STATE", c->is_wide ? "STATE" : NULL);
	AUTO(rows) struct rows rows = { 0 };
	bool is_cut;

	TRY(choose_rows(c, report, &rows, e));
	print_summary(c, report);
	if (report->nodes.count > NODES_SHOWN_MAX)
		print_states(c, report);
	print_regions(c, report);
	for (size_t i = 0; i < rows.count; i++)
		TRY(node_row(&t, rows.items[i], c->is_wide, e));
	t.keeps_last = true;
	if (rows.count)
		table_print(c, &t);
	nodes_print_left(c, report->nodes.count - rows.count);
	is_cut = !c->is_wide && report->nodes.count > NODES_SHOWN_MAX;
	TRY(print_notes(c, &rows, is_cut ? NOTES_SHOWN_MAX : SIZE_MAX, e));
	print_options(c, report);
	return 0;
}

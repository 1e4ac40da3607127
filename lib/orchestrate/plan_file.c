#include "orchestrate/plan_file.h"

#include "base/text.h"
#include "orchestrate/plan_report.h"
#include "proto/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION       1
#define DIFFERING_MAX 4 /* nodes that are named, each with how it differs */

/* clang-format off */

#define THIS plan_file_node
INNER(plan_file_node,
	TEXT("name", name, 1, CLUSTER_NAME_MAX, "as in the cluster file", REQUIRED),
	TEXT("phase", phase, 0, PLAN_FILE_PHASE_MAX, "that it said it was in, or that it was not there", REQUIRED),
	TEXT("instance_id", instance_id, 0, PLAN_FILE_ID_MAX, "of that start of it", REQUIRED),
	FIXED_HEX("manifest_hash", manifest_hash, "that it said it holds", NULLABLE(has_manifest_hash)),
	BOOL("chosen", is_chosen, "whether the plan is about it", REQUIRED),
	TEXT("steps", steps, 0, PLAN_FILE_STEPS_MAX, "what is to be done with it", REQUIRED));
#undef THIS

#define THIS plan_file
SCHEMA(plan_file,
	NUMBER("teectl_plan", version, VERSION, VERSION, "the version of this format", REQUIRED),
	TEXT("cluster", cluster, 0, CLUSTER_NAME_MAX, "its name", REQUIRED),
	TEXT("made", made, 0, 64, "when it was made", REQUIRED),
	FIXED_HEX("cluster_file", cluster_file, "SHA-256 of its bytes", REQUIRED),
	WORD("topology", topology, topology_names, "that was asked for", REQUIRED),
	BOOL("all", is_of_all, "whether it is about all nodes", REQUIRED),
	FIXED_HEX("manifest_hash", manifest_hash, "of the cluster", NULLABLE(has_manifest_hash)),
	LIST("nodes", nodes, 1, CLUSTER_NODES_MAX, plan_file_node, "in the cluster file's order", REQUIRED));
#undef THIS

/* clang-format on */

/* --- making one --- */

static int fill_node(const struct cluster *cluster, const struct observation *seen,
                     const struct goal *goal, size_t node, struct plan_file_node *n, struct err *e)
{
	const struct status_reply *status = &seen->nodes[node].status;

	n->is_chosen = !goal->targets || goal->targets[node];
	n->has_manifest_hash = status->has_manifest_hash;
	memcpy(n->manifest_hash, status->manifest_hash, sizeof(n->manifest_hash));
	TRY(wire_set_text(&n->name, cluster->nodes[node].name, e));
	TRY(wire_set_text(&n->phase, node_now(seen, node), e));
	return wire_set(&n->instance_id, buf_view(&status->instance_id), e);
}

static int add_step(const struct step *s, struct plan_file_node *nodes, struct err *e)
{
	struct buf *steps = &nodes[s->node].steps;

	if (steps->max == 0)
		*steps = BUF_INIT(PLAN_FILE_STEPS_MAX);
	return buf_add_format(steps, e, "%s%s%s", steps->len ? " " : "", step_name(s->kind),
	                      s->refusal ? "!" : "");
}

int plan_file_make(const struct cluster *cluster, const struct observation *seen,
                   const struct goal *goal, const struct plan *plan, int64_t now_ms,
                   struct plan_file *ret, struct err *e)
{
	AUTO(plan_file)
	struct plan_file f = { .version = VERSION,
		               .topology = (int)goal->topology,
		               .is_of_all = goal->targets == NULL,
		               .has_manifest_hash = seen->has_genesis };
	struct plan_file_node *nodes = calloc(seen->count + 1, sizeof(*nodes));
	char made[TIME_TEXT_LEN];

	if (!nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", seen->count);
	f.nodes = (struct wire_list){ nodes, seen->count };
	time_format(now_ms, made);
	memcpy(f.cluster_file, cluster->file_hash.bytes, sizeof(f.cluster_file));
	memcpy(f.manifest_hash, seen->genesis.manifest_hash.bytes, sizeof(f.manifest_hash));
	TRY(wire_set_text(&f.cluster, cluster->name, e));
	TRY(wire_set_text(&f.made, made, e));
	for (size_t i = 0; i < seen->count; i++)
		TRY(fill_node(cluster, seen, goal, i, &nodes[i], e));
	for (size_t i = 0; i < plan->count; i++)
		TRY(add_step(&plan->steps[i], nodes, e));
	*ret = MOVE(f);
	return 0;
}

int plan_file_format(const struct plan_file *f, struct buf *to, struct err *e)
{
	TRY(wire_encode(&plan_file_schema, f, to, e));
	return buf_add_text(to, "\n", e);
}

int plan_file_parse(struct view text, struct plan_file *ret, struct err *e)
{
	if (wire_decode_file(&plan_file_schema, text, PLAN_FILE_MAX, ret, e) == 0)
		return 0;
	e->code = e->code == ERR_REQUEST ? ERR_DATA : e->code;
	return err_wrap(e, "no plan that was saved (plan --out)");
}

/* --- holding it against what there is now --- */

int plan_file_check_cluster(const struct plan_file *f, const struct cluster *cluster, struct err *e)
{
	if (view_equal(VIEW_OF(cluster->file_hash.bytes), VIEW_OF(f->cluster_file)))
		return 0;
	return err_reason(
	    e, ERR_NOT_DESIRED, PLAN_STALE,
	    "the cluster file is not the one that the plan was made from (of '%s', %s): "
	    "nothing was done",
	    buf_text(&f->cluster), buf_text(&f->made));
}

static bool is_same_text(const struct buf *a, const struct buf *b)
{
	return view_equal(buf_view(a), buf_view(b));
}

static bool is_same_hash(bool has_a, const uint8_t a[static 32], bool has_b,
                         const uint8_t b[static 32])
{
	return has_a == has_b && (!has_a || memcmp(a, b, 32) == 0);
}

static const char *steps_or_nothing(const struct plan_file_node *n)
{
	return n->steps.len ? buf_text(&n->steps) : "nothing";
}

/* false: nothing differs. to: "tee2 was not running, now it is in ApplicationReady" */
static bool describe_change(const struct plan_file_node *was, const struct plan_file_node *is,
                            char *to, size_t size)
{
	const char *name = buf_text(&was->name);

	if (!is_same_text(&was->name, &is->name))
		snprintf(to, size, "where %s was, %s is", name, buf_text(&is->name));
	else if (!is_same_text(&was->phase, &is->phase))
		snprintf(to, size, "%s was '%s', now it is '%s'", name, buf_text(&was->phase),
		         buf_text(&is->phase));
	else if (!is_same_text(&was->instance_id, &is->instance_id))
		snprintf(to, size, "%s was started anew", name);
	else if (!is_same_hash(was->has_manifest_hash, was->manifest_hash, is->has_manifest_hash,
	                       is->manifest_hash))
		snprintf(to, size, "%s holds another manifest", name);
	else if (!is_same_text(&was->steps, &is->steps))
		snprintf(to, size, "for %s was to be done: %s; now: %s", name,
		         steps_or_nothing(was), steps_or_nothing(is));
	else
		return false;
	return true;
}

int plan_file_check(const struct plan_file *f, const struct plan_file *now, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(ERR_TEXT_MAX);
	const struct plan_file_node *was = f->nodes.items, *is = now->nodes.items;
	size_t count = 0;

	if (f->nodes.count != now->nodes.count)
		return err_reason(e, ERR_NOT_DESIRED, PLAN_STALE,
		                  "the plan is of %zu nodes, and now there are %zu", f->nodes.count,
		                  now->nodes.count);
	if (!is_same_hash(f->has_manifest_hash, f->manifest_hash, now->has_manifest_hash,
	                  now->manifest_hash))
		return err_reason(e, ERR_NOT_DESIRED, PLAN_STALE,
		                  "the cluster's manifest is another than when the plan was made");
	for (size_t i = 0; i < f->nodes.count; i++) {
		char change[ERR_TEXT_MAX / DIFFERING_MAX];
		struct err full;

		if (!describe_change(&was[i], &is[i], change, sizeof(change)) ||
		    count++ >= DIFFERING_MAX)
			continue;
		if (buf_add_format(&text, &full, "%s%s", count > 1 ? "; " : "", change) < 0)
			break;
	}
	if (count == 0)
		return 0;
	return err_reason(e, ERR_NOT_DESIRED, PLAN_STALE,
	                  "the world is not as the plan has seen it, nothing was done: %s",
	                  buf_text(&text));
}

int plan_file_targets(const struct plan_file *f, bool **ret, struct err *e)
{
	const struct plan_file_node *nodes = f->nodes.items;
	bool *flags;

	*ret = NULL;
	if (f->is_of_all)
		return 0;
	flags = calloc(f->nodes.count + 1, sizeof(*flags));
	if (!flags)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	for (size_t i = 0; i < f->nodes.count; i++)
		flags[i] = nodes[i].is_chosen;
	*ret = flags;
	return 0;
}

#include "orchestrate/plan_report.h"

#include "base/text.h"
#include "cluster/expect.h"
#include "orchestrate/estimate.h"
#include "orchestrate/policy.h"
#include "proto/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const outcome_words[] = {
	"nothing to do", "changes", "waiting for people", "refused", "upgrade",
	"another image", NULL
};

#define STEPS_MAX (8 * CLUSTER_NODES_MAX)

/* clang-format off */

#define THIS plan_step_report
INNER(plan_step_report,
	NUMBER("number", number, 1, STEPS_MAX, "in the plan", REQUIRED),
	WORD("step", step, step_words, "what is done", REQUIRED),
	NUMBER("needs", needs, 1, STEPS_MAX, "the step that must have been done before", NULLABLE(has_needs)),
	NUMBER("after", after, 1, STEPS_MAX, "the step that must merely have ended before", NULLABLE(has_after)),
	TEXT("source", source, 0, WIRE_TEXT_MAX, "of a forward, as foretold", NULLABLE(has_source)),
	NUMBER("round", round, 0, STEPS_MAX, "of a forward, as foretold", NULLABLE(has_source)),
	WORD("who", who, people_names, "who must act", REQUIRED),
	TEXT("reason", reason, 0, WIRE_TEXT_MAX, "why it can't be done, for machines", NULLABLE(is_refused)),
	TEXT("refusal", refusal, 0, WIRE_TEXT_MAX, "and for people", NULLABLE(is_refused)));
#undef THIS

#define THIS plan_node_report
INNER(plan_node_report,
	TEXT("name", name, 0, WIRE_TEXT_MAX, "as in the cluster file", REQUIRED),
	TEXT("now", now, 0, WIRE_TEXT_MAX, "its phase, or that it is not there", REQUIRED),
	TEXT("missing", missing, 0, WIRE_TEXT_MAX, "what is missing; empty: nothing", REQUIRED),
	TEXT("why", why, 0, WIRE_TEXT_MAX, "it is missing", REQUIRED),
	LIST("steps", steps, 0, STEPS_MAX, plan_step_report, "in the plan's order", REQUIRED));
#undef THIS

#define THIS plan_count
INNER(plan_count,
	WORD("step", step, step_words, "what is done", REQUIRED),
	NUMBER("count", count, 0, STEPS_MAX, "how often", REQUIRED),
	NUMBER("refused", refused, 0, STEPS_MAX, "how often it can't be", REQUIRED));
#undef THIS

#define THIS plan_way_report
INNER(plan_way_report,
	WORD("topology", topology, topology_names, "the key's way", REQUIRED),
	NUMBER("forwards", forwards, 0, STEPS_MAX, "from TEE to TEE", REQUIRED),
	NUMBER("rounds", rounds, 0, STEPS_MAX, "if each forward takes equally long", REQUIRED),
	NUMBER("parallel", parallel, 0, STEPS_MAX, "forwards of one TEE at once", REQUIRED),
	NUMBER("regions", regions, 1, STEPS_MAX, "that the nodes are in", REQUIRED));
#undef THIS

#define THIS plan_time
INNER(plan_time,
	WORD("step", step, step_words, "what is done", REQUIRED),
	NUMBER("count", count, 0, STEPS_MAX, "how often", REQUIRED),
	NUMBER("each_us", each_us, 0, INT64_MAX, "on average, waiting for its turn with it", REQUIRED),
	NUMBER("path_us", path_us, 0, INT64_MAX, "on the longest path: these add up to total_us", REQUIRED));
#undef THIS

#define THIS plan_estimate_report
INNER(plan_estimate_report,
	NUMBER("total_us", total_us, 0, INT64_MAX, "until the last step has ended; people's time is not in it", REQUIRED),
	LIST("parts", parts, 0, STEP_KIND_COUNT, plan_time, "what it is made of", REQUIRED));
#undef THIS

#define THIS plan_image_report
INNER(plan_image_report,
	TEXT("reason", reason, 0, WIRE_TEXT_MAX, "which check, for machines", REQUIRED),
	TEXT("text", text, 0, WIRE_TEXT_MAX, "and for people", REQUIRED));
#undef THIS

#define THIS plan_report
SCHEMA(plan_report,
	TEXT("cluster", cluster, 0, WIRE_TEXT_MAX, "its name", REQUIRED),
	WORD("outcome", outcome, outcome_words, "what the plan comes to", REQUIRED),
	NUMBER("changes", change_count, 0, STEPS_MAX, "steps that do more than look", REQUIRED),
	NUMBER("older", older, 0, CLUSTER_NODES_MAX, "TEEs of an older manifest, which apply leaves to upgrade", REQUIRED),
	TEXT("nothing", nothing, 0, WIRE_TEXT_MAX, "why nothing is to be done", REQUIRED),
	LIST("counts", counts, 0, STEP_KIND_COUNT, plan_count, "steps by what they do", REQUIRED),
	LIST("people", people, 0, STEPS_MAX, people, "who must act, and who is missing", REQUIRED),
	OBJECT_AS("way", way, struct plan_way_report, plan_way_report, "the key's", NULLABLE(has_way)),
	OBJECT_AS("estimate", estimate, struct plan_estimate_report, plan_estimate_report, "of the time, by a model of costs and the round trips measured now", REQUIRED),
	OBJECT_AS("image", image, struct plan_image_report, plan_image_report, "why what is launched here would be refused", NULLABLE(has_image)),
	LIST("nodes", nodes, 0, CLUSTER_NODES_MAX, plan_node_report, "in the cluster file's order", REQUIRED));
#undef THIS

/* clang-format on */

/* Does such a step do more than look? */
static bool step_is_change(enum step_kind kind)
{
	return kind != STEP_VERIFY && kind != STEP_PROVE;
}

/* --- a node --- */

const char *node_now(const struct observation *seen, size_t node)
{
	static const char *const words[] = {
		[NODE_ABSENT] = "not running",
		[NODE_UNREACHABLE] = "no answer",
		[NODE_STRAY] = "occupied",
	};
	enum presence presence = seen->nodes[node].presence;

	return presence == NODE_PRESENT ? phase_name(node_phase(seen, node)) : words[presence];
}

static const char *why_of(const struct observation *seen, size_t node)
{
	if (seen->nodes[node].presence == NODE_ABSENT)
		return "it is not running";
	if (seen->nodes[node].presence != NODE_PRESENT)
		return seen->nodes[node].why.text;
	switch (node_standing(seen, node)) {
	case STANDS_EMPTY:
		return "it holds no manifest yet";
	case STANDS_WAITING:
		return node_phase(seen, node) == PHASE_WAITING_FOR_KEY
		           ? "it has the manifest, and waits for the key"
		           : "it waits for the members' shares";
	case STANDS_OLD:
		return "it holds an older manifest";
	default:
		return "";
	}
}

/* A key comes by one of these. */
static bool brings_key(enum step_kind kind)
{
	return kind == STEP_INJECT || kind == STEP_FORWARD;
}

static int fill_step(const struct cluster *cluster, const struct plan *plan, size_t step,
                     struct plan_step_report *r, struct err *e)
{
	const struct step *s = &plan->steps[step];

	r->number = (int64_t)step + 1;
	r->step = (int)s->kind;
	r->has_needs = s->needs != STEP_NONE;
	r->needs = r->has_needs ? (int64_t)s->needs + 1 : 0;
	r->has_after = s->after != STEP_NONE;
	r->after = r->has_after ? (int64_t)s->after + 1 : 0;
	r->who = (int)people_of(s->kind);
	r->is_refused = s->refusal != NULL;
	r->has_source = s->kind == STEP_FORWARD && s->source != SOURCE_NONE;
	r->round = s->round;
	TRY(wire_set_text(&r->source, r->has_source ? cluster->nodes[s->source].name : "", e));
	TRY(wire_set_text(&r->reason, s->refusal ? s->refusal->reason : "", e));
	return wire_set_text(&r->refusal, s->refusal ? s->refusal->text : "", e);
}

static int add_step(const struct cluster *cluster, const struct plan *plan, size_t step,
                    struct plan_node_report *nodes, struct err *e)
{
	const struct step *s = &plan->steps[step];
	struct plan_node_report *n = &nodes[s->node];
	struct plan_step_report *r;

	n->is_changing |= step_is_change(s->kind);
	TRY(wire_list_add(&n->steps, &plan_step_report_schema, &r, e));
	return fill_step(cluster, plan, step, r, e);
}

static int finish_node(const struct observation *seen, size_t node, struct plan_node_report *n,
                       struct err *e)
{
	const struct plan_step_report *steps = n->steps.items;
	bool lacks_tee = false, lacks_key = false;
	bool is_older = n->steps.count && node_standing(seen, node) == STANDS_OLD;

	for (size_t i = 0; i < n->steps.count; i++) {
		lacks_tee |= steps[i].step == STEP_LAUNCH;
		lacks_key |= brings_key((enum step_kind)steps[i].step);
	}
	TRY(wire_set_text(&n->now, node_now(seen, node), e));
	TRY(wire_set_text(&n->missing,
	                  lacks_tee   ? "TEE, quorum key"
	                  : lacks_key ? "quorum key"
	                  : is_older  ? "current manifest"
	                              : "",
	                  e));
	return wire_set_text(&n->why, n->missing.len ? why_of(seen, node) : "", e);
}

static int fill_nodes(const struct cluster *cluster, const struct observation *seen,
                      const struct plan *plan, struct plan_report *ret, struct err *e)
{
	struct plan_node_report *nodes;

	/* All at once: a list that grows one by one is copied as often. */
	nodes = calloc(seen->count + 1, sizeof(*nodes));
	if (!nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", seen->count);
	ret->nodes = (struct wire_list){ nodes, seen->count };
	for (size_t i = 0; i < seen->count; i++)
		TRY(wire_set_text(&nodes[i].name, cluster->nodes[i].name, e));
	for (size_t i = 0; i < plan->count; i++)
		TRY(add_step(cluster, plan, i, nodes, e));
	for (size_t i = 0; i < seen->count; i++)
		TRY(finish_node(seen, i, &nodes[i], e));
	return 0;
}

/* --- the whole --- */

static int fill_counts(const struct plan *plan, struct plan_report *ret, struct err *e)
{
	int64_t count[STEP_KIND_COUNT] = { 0 }, refused[STEP_KIND_COUNT] = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct step *s = &plan->steps[i];

		count[s->kind]++;
		refused[s->kind] += s->refusal != NULL;
		ret->change_count += step_is_change(s->kind) && !s->refusal;
	}
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		struct plan_count *c;

		if (count[kind] == 0)
			continue;
		TRY(wire_list_add(&ret->counts, &plan_count_schema, &c, e));
		*c = (struct plan_count){ kind, count[kind], refused[kind] };
	}
	return 0;
}

static void fill_way(const struct plan *plan, struct plan_report *ret)
{
	const struct way *way = &plan->way;

	for (size_t i = 0; i < plan->count; i++)
		ret->way.forwards += plan->steps[i].kind == STEP_FORWARD && !plan->steps[i].refusal;
	if (ret->way.forwards == 0)
		return;
	ret->has_way = true;
	ret->way.topology = (int)way->topology;
	ret->way.rounds = way->rounds;
	ret->way.parallel = (int64_t)way->parallel;
	ret->way.regions = way->region_count ? (int64_t)way->region_count : 1;
}

static int fill_estimate(const struct cluster *cluster, const struct observation *seen,
                         const struct plan *plan, struct plan_report *ret, struct err *e)
{
	struct estimate estimate;

	TRY(estimate_make(cluster, seen, plan, &estimate, e));
	ret->estimate.total_us = estimate.total_us;
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		const struct estimate_part *part = &estimate.parts[kind];
		struct plan_time *t;

		if (part->count == 0)
			continue;
		TRY(wire_list_add(&ret->estimate.parts, &plan_time_schema, &t, e));
		*t = (struct plan_time){ kind, (int64_t)part->count, part->each_us, part->path_us };
	}
	return 0;
}

/* Refused is what trying again does not help with: an occupied node, say. */
static enum plan_outcome outcome_of(const struct plan *plan, const struct plan_report *report)
{
	for (size_t i = 0; i < plan->refusal_count; i++)
		if (plan->refusals[i].code == ERR_REFUSED ||
		    plan->refusals[i].code == ERR_ATTESTATION)
			return PLAN_REFUSED;
	if (people_are_missing(&report->people))
		return PLAN_PEOPLE;
	/* Also where all that is left can't be done: it is not as the file says. */
	if (report->change_count || plan->refusal_count)
		return PLAN_CHANGES;
	return plan->older ? PLAN_UPGRADE : PLAN_NOTHING;
}

int plan_report_make(const struct cluster *cluster, const struct observation *seen,
                     const struct plan *plan, struct wire_list *people, struct plan_report *ret,
                     struct err *e)
{
	AUTO(plan_report) struct plan_report r = { .people = MOVE(*people) };

	TRY(wire_set_text(&r.cluster, cluster->name, e));
	TRY(wire_set_text(&r.nothing, plan->nothing, e));
	TRY(fill_counts(plan, &r, e));
	TRY(fill_nodes(cluster, seen, plan, &r, e));
	fill_way(plan, &r);
	TRY(fill_estimate(cluster, seen, plan, &r, e));
	r.older = (int64_t)plan->older;
	r.outcome = (int)outcome_of(plan, &r);
	*ret = MOVE(r);
	return 0;
}

/* --- the image --- */

static bool launches(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_LAUNCH)
			return true;
	return false;
}

/* 0: as it has to be, or nothing can be said here */
static int judge_image(struct run *r, bool is_launching, struct err *e)
{
	const char *image = r->cluster->enclave.image;

	if (is_launching && image && !cluster_has_image(r->cluster))
		return err_set(e, ERR_NO_INPUT, "enclave.image: there is no '%s'", image);
	if (policy_check_image(r, e) == 0)
		return 0;
	if (is_launching && e->code == ERR_NOT_DESIRED)
		e->code = ERR_REFUSED;
	return -1;
}

int plan_report_image(struct run *r, const struct plan *plan, struct plan_report *report,
                      struct err *ret_why, struct err *e)
{
	bool is_launching = launches(plan);

	*ret_why = (struct err){ .text = "" };
	report->has_image = judge_image(r, is_launching, ret_why) < 0;
	if (!report->has_image)
		return 0;
	if (is_launching)
		report->outcome = PLAN_REFUSED;
	else if (report->outcome == PLAN_NOTHING)
		report->outcome = PLAN_IMAGE;
	TRY(wire_set_text(&report->image.reason, ret_why->reason, e));
	return wire_set_text(&report->image.text, ret_why->text, e);
}

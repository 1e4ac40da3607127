#include "choose.h"
#include "nodes.h"
#include "print.h"
#include "report.h"

#include "base/clock.h"
#include "base/file.h"
#include "orchestrate/plan_file.h"
#include "orchestrate/plan_report.h"
#include "orchestrate/policy.h"

#include <stdio.h>
#include <string.h>

#define STEPS_LINE_MAX 512

struct plan_args {
	struct text_list only;
	int topology;
	const char *out;
	bool detailed, wide;
};

static const struct opt opts[] = {
	OPT_ONLY(plan_args),
	OPT_TOPOLOGY(plan_args),
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct plan_args, out),
	  .doc = "save the plan: teectl apply --plan FILE does it, or refuses" },
	{ .name = "detailed-exitcode",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct plan_args, detailed),
	  .doc = "status 2 when something is to be done, 3 when people are missing" },
	OPT_WIDE(plan_args),
};

/* --- for people --- */

static void print_counts(struct context *c, const struct plan_report *r)
{
	const struct plan_count *counts = r->counts.items;
	char text[256] = "";

	for (size_t i = 0; i < r->counts.count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%lld %s", len ? ", " : "",
		         (long long)counts[i].count, step_name((enum step_kind)counts[i].step));
		len = strlen(text);
		if (counts[i].refused)
			snprintf(text + len, sizeof(text) - len, " (%lld can't be done)",
			         (long long)counts[i].refused);
	}
	print_line(c, "cluster %s: %lld change%s", buf_text(&r->cluster),
	           (long long)r->change_count, r->change_count == 1 ? "" : "s");
	if (text[0])
		print_line(c, "steps: %s", text);
}

static void print_way(struct context *c, const struct plan_report *r)
{
	if (!r->has_way)
		return;
	print_line(
	    c,
	    "the key's way: %s, %lld forward%s in %lld round%s, at most %lld from one TEE at "
	    "once, %lld region%s",
	    topology_names[r->way.topology], (long long)r->way.forwards,
	    r->way.forwards == 1 ? "" : "s", (long long)r->way.rounds,
	    r->way.rounds == 1 ? "" : "s", (long long)r->way.parallel, (long long)r->way.regions,
	    r->way.regions == 1 ? "" : "s");
}

static void describe_us(int64_t us, char to[static SPAN_SIZE])
{
	if (print_span(us, to))
		return;
	if (us < 10000000)
		snprintf(to, SPAN_SIZE, "%lld ms", (long long)(us + 500) / 1000);
	else
		snprintf(to, SPAN_SIZE, "%lld s", (long long)(us + 500000) / 1000000);
}

/* What the longest path is made of: what does not lie on it costs no time. */
static void print_estimate(struct context *c, const struct plan_report *r)
{
	const struct plan_time *parts = r->estimate.parts.items;
	char text[512] = "", us[SPAN_SIZE];

	if (r->change_count == 0)
		return;
	for (size_t i = 0; i < r->estimate.parts.count; i++) {
		size_t len = strlen(text);

		describe_us(parts[i].path_us, us);
		if (parts[i].path_us)
			snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? ", " : "",
			         step_name((enum step_kind)parts[i].step), us);
	}
	describe_us(r->estimate.total_us, us);
	print_line(c, "time: about %s, people's not counted, by a model of costs: %s", us, text);
}

static int add_missing(const struct wire_list *missing, struct buf *to, struct err *e)
{
	const struct alias_item *items = missing->items;

	for (size_t i = 0; i < missing->count && i < NODES_SHOWN_MAX; i++)
		TRY(buf_add_format(to, e, "%s%s",
		                   i ? ", " : "; not here: ", buf_text(&items[i].alias)));
	if (missing->count > NODES_SHOWN_MAX)
		return buf_add_format(to, e, " and %zu more", missing->count - NODES_SHOWN_MAX);
	return 0;
}

static int print_people(struct context *c, const struct plan_report *r, struct err *e)
{
	const struct people *people = r->people.items;

	for (size_t i = 0; i < r->people.count; i++) {
		AUTO(buf) struct buf names = BUF_INIT(PROGRESS_LINE_MAX / 2);

		TRY(add_missing(&people[i].missing, &names, e));
		print_line(c, "%s: %s needs %lld %s, %lld of the %s' are here%s",
		           buf_text(&people[i].node), step_name((enum step_kind)people[i].step),
		           (long long)people[i].needed,
		           people[i].who == PEOPLE_MEMBERS ? "shares" : "approvals",
		           (long long)people[i].here, people_names[people[i].who],
		           buf_text(&names));
	}
	return 0;
}

static void describe_steps(const struct plan_node_report *n, char to[static STEPS_LINE_MAX])
{
	const struct plan_step_report *steps = n->steps.items;
	size_t len = 0;

	to[0] = 0;
	for (size_t i = 0; i < n->steps.count && len < STEPS_LINE_MAX; i++) {
		len += (size_t)snprintf(to + len, STEPS_LINE_MAX - len, "%s%s%s", i ? " → " : "",
		                        step_name((enum step_kind)steps[i].step),
		                        steps[i].is_refused ? " (can't be done)" : "");
		if (steps[i].has_source && len < STEPS_LINE_MAX)
			len += (size_t)snprintf(to + len, STEPS_LINE_MAX - len,
			                        " from %s (round %lld)", buf_text(&steps[i].source),
			                        (long long)steps[i].round);
	}
}

static const struct plan_step_report *first_refused(const struct plan_node_report *n)
{
	const struct plan_step_report *steps = n->steps.items;

	for (size_t i = 0; i < n->steps.count; i++)
		if (steps[i].is_refused)
			return &steps[i];
	return NULL;
}

static bool is_shown(const struct context *c, const struct plan_report *r,
                     const struct plan_node_report *n, size_t shown)
{
	if (c->is_wide || r->nodes.count <= NODES_SHOWN_MAX)
		return true;
	return shown < NODES_SHOWN_MAX && (n->is_changing || first_refused(n));
}

static int add_row(struct table *t, const struct plan_node_report *n, struct err *e)
{
	char steps[STEPS_LINE_MAX];

	describe_steps(n, steps);
	TRY(table_cell(t, TONE_PLAIN, e, "%s", buf_text(&n->name)));
	TRY(table_cell(t, first_refused(n) ? TONE_BAD : TONE_PLAIN, e, "%s", buf_text(&n->now)));
	TRY(table_cell(t, n->missing.len ? TONE_WAIT : TONE_GOOD, e, "%s",
	               n->missing.len ? buf_text(&n->missing) : "nothing"));
	return table_cell(t, TONE_PLAIN, e, "%s", steps);
}

static int print_nodes(struct context *c, const struct plan_report *r, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("NODE", "NOW", "MISSING", "STEPS");
	const struct plan_node_report *nodes = r->nodes.items;
	size_t shown = 0;

	for (size_t i = 0; i < r->nodes.count; i++) {
		if (!is_shown(c, r, &nodes[i], shown))
			continue;
		TRY(add_row(&t, &nodes[i], e));
		shown++;
	}
	t.keeps_last = true;
	if (shown)
		table_print(c, &t);
	nodes_print_left(c, r->nodes.count - shown);
	return 0;
}

static void print_refusals(struct context *c, const struct plan_report *r)
{
	const struct plan_node_report *nodes = r->nodes.items;
	size_t told = 0;

	for (size_t i = 0; i < r->nodes.count; i++) {
		const struct plan_step_report *s = first_refused(&nodes[i]);

		if (!s)
			continue;
		if (told++ < NOTES_SHOWN_MAX || c->is_wide)
			print_line(
			    c, "%s: %s can't be done: %s", buf_text(&nodes[i].name),
			    step_name((enum step_kind)s->step),
			    session_without_node(buf_text(&s->refusal), buf_text(&nodes[i].name)));
	}
	if (told > NOTES_SHOWN_MAX && !c->is_wide)
		print_line(c, "%zu more can't be done: --wide shows them", told - NOTES_SHOWN_MAX);
}

/* What only another verb changes. */
static void print_older(struct context *c, const struct plan_report *r)
{
	if (!r->older)
		return;
	print_line(c, "%lld of %zu TEEs %s an older manifest: apply leaves %s to teectl upgrade",
	           (long long)r->older, r->nodes.count, r->older == 1 ? "holds" : "hold",
	           r->older == 1 ? "it" : "them");
	if (r->outcome == PLAN_UPGRADE)
		print_next(c, "teectl upgrade");
}

static void print_image(struct context *c, const struct plan_report *r)
{
	if (!r->has_image)
		return;
	print_line(c, "image: %s", buf_text(&r->image.text));
	if (r->outcome == PLAN_REFUSED)
		print_line(c, "image: what is launched here would be refused");
	if (r->outcome == PLAN_IMAGE)
		print_next(c, "teectl manifest new");
}

/* The library suggests verbs; what is printed are commands. */
static int complete(const struct context *c, struct plan_report *r, struct err *e)
{
	struct plan_node_report *nodes = r->nodes.items;

	if (r->has_image)
		TRY(report_commands(c, &r->image.text, e));
	for (size_t i = 0; i < r->nodes.count; i++) {
		struct plan_step_report *steps = nodes[i].steps.items;

		TRY(report_commands(c, &nodes[i].why, e));
		for (size_t k = 0; k < nodes[i].steps.count; k++)
			if (steps[k].is_refused)
				TRY(report_commands(c, &steps[k].refusal, e));
	}
	return 0;
}

static int print_plan(struct context *c, const struct plan_report *r, struct err *e)
{
	if (r->nothing.len)
		print_line(c, "nothing to do: %s", buf_text(&r->nothing));
	print_counts(c, r);
	print_way(c, r);
	print_estimate(c, r);
	TRY(print_people(c, r, e));
	TRY(print_nodes(c, r, e));
	print_refusals(c, r);
	print_older(c, r);
	print_image(c, r);
	return print_json(c, &plan_report_schema, r, e);
}

/* --- what it comes to --- */

static int save(struct context *c, const struct run *r, const struct goal *goal,
                const struct plan *plan, const char *path, struct err *e)
{
	AUTO(plan_file) struct plan_file file = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(PLAN_FILE_MAX);

	TRY(plan_file_make(&c->cluster, &r->seen, goal, plan, clock_unix_ms(), &file, e));
	TRY(plan_file_format(&file, &text, e));
	TRY(file_write_named(path, buf_view(&text), 0644, e));
	context_say(c, "saved: teectl apply --plan %s does it while all is as it was seen", path);
	return 0;
}

/* image: why what is launched would be refused; its text is empty where it would not */
static int judge(struct context *c, const struct plan_report *r, const struct err *image,
                 struct err *e)
{
	if (image->text[0] && (r->outcome == PLAN_REFUSED || r->outcome == PLAN_IMAGE)) {
		*e = *image;
		return -1;
	}
	switch ((enum plan_outcome)r->outcome) {
	case PLAN_NOTHING:
		return 0;
	case PLAN_CHANGES:
		context_hint(c, "teectl apply does it");
		return err_set(e, ERR_NOT_DESIRED, "%lld change%s to be made",
		               (long long)r->change_count, r->change_count == 1 ? " is" : "s are");
	case PLAN_PEOPLE:
		return err_set(e, ERR_WAITING, "people have to act: who is named above");
	case PLAN_UPGRADE:
		context_hint(c, "teectl upgrade");
		return err_set(e, ERR_NOT_DESIRED, "%lld TEE%s an older manifest",
		               (long long)r->older, r->older == 1 ? " holds" : "s hold");
	case PLAN_IMAGE: /* with why */
	case PLAN_REFUSED:
		return err_set(e, ERR_REFUSED, "a step is refused: which and why is named above");
	}
	return err_set(e, ERR_INTERNAL, "outcome %d", r->outcome);
}

/* Where the file pins another image than the manifest has, apply is refused whatever it would do,
 * and so does every verb that verifies: no plan says otherwise. */
static int check_pins(struct run *r, struct err *e)
{
	return r->seen.has_genesis ? policy_measure(r, e) : 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct plan_args *args = arguments;
	AUTO(plan_report) struct plan_report report = { 0 };
	AUTO(people_list) struct wire_list people = { 0 };
	AUTO(choice) struct choice choice = { 0 };
	AUTO(plan) struct plan plan = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	struct goal goal = { .kind = GOAL_APPLY, .topology = session_topology(c, args->topology) };
	struct err image;

	c->is_wide = args->wide;
	TRY(choice_open(c, /* to_change= */ false, CHOICE_OF_WHOLE, &args->only, &choice, &r, e));
	goal.targets = choice.flags;
	TRY(check_pins(&r, e));
	TRY(plan_make(&c->cluster, &r.seen, &goal, &plan, e));
	TRY(people_look(&c->cluster, &r.state, &r.seen, &plan, &people, e));
	TRY(plan_report_make(&c->cluster, &r.seen, &plan, &people, &report, e));
	TRY(plan_report_image(&r, &plan, &report, &image, e));
	TRY(complete(c, &report, e));
	progress_clear(&c->progress);
	TRY(print_plan(c, &report, e));
	if (args->out)
		TRY(save(c, &r, &goal, &plan, args->out, e));
	return args->detailed ? judge(c, &report, &image, e) : 0;
}

const struct cmd cmd_plan = {
	.name = "plan",
	.summary = "show what apply would do, and who has to act",
	.details =
	    "Asks every node how it is, and says for each what is missing and why, which steps "
	    "bring it there and what each needs; whose shares or approvals are needed, and whose "
	    "keys are not here; and the key's way, with the rounds that it takes; and "
	    "about how long it will take, by the round trips just measured and a model of what "
	    "each step costs (teectl simulate). It changes nothing, and what a node says of itself "
	    "is a claim: apply verifies it.\n\n"
	    "An image that is named here is measured: where it is not what the current manifest "
	    "says, or before there is one the pins, that is said, and what would be launched is "
	    "refused. Where the file pins another image than the current manifest has, nothing is "
	    "planned, as nothing is done until that image's manifest is adopted (5). Where it only "
	    "names another image, and nothing else is to be done, that is to be done: its manifest "
	    "(teectl manifest new).\n\n"
	    "It refuses what is unsafe: a second quorum key in one cluster, a genesis beside one "
	    "that lives. It never stops a TEE: what would leave fewer ready than keepReady is "
	    "refused by teectl down, retire and upgrade. With --detailed-exitcode the status is 0 when nothing is to be done, 2 "
	    "when something is, teectl upgrade or another image's manifest too, 3 when people have to act first, 5 when a step is refused.\n\n"
	    "With --out the plan is saved: what each node was, and what is to be done with it, "
	    "while who gives the key to whom goes by who is free first. "
	    "teectl apply --plan carries it out if the cluster file and every node are still as "
	    "they were; else it says what differs (status 2) and does nothing.\n\n"
	    "Of more than forty nodes only those are shown with which something is to be done, and "
	    "at most forty; --wide shows all, and -o json always has them.",
	.examples = { { "teectl plan", "what is missing" },
	              { "teectl plan --out plan.json", "for teectl apply --plan plan.json" },
	              { "teectl plan --topology star --only region=eu",
	                "of some nodes, by another way" },
	              { "teectl plan -o json | jq -r '.people[].missing[]'",
	                "whose shares are not here" } },
	.exits = { 2, 3, 5, 66, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct plan_args),
	.run = run,
};

#include "choose.h"
#include "print.h"
#include "report.h"

#include "orchestrate/preflight.h"

#include <string.h>

struct preflight_args {
	struct text_list only;
};

static const struct opt opts[] = {
	OPT_ONLY(preflight_args),
};

struct preflight_report {
	bool ready;
	int64_t failed, warnings;
	struct wire_list checks; /* struct preflight_row */
	bool has_error;
	struct error_report error;
};
static const struct wire_field preflight_report_fields[] = {
	JSON_BOOL(preflight_report, ready),
	JSON_NUMBER(preflight_report, failed),
	JSON_NUMBER(preflight_report, warnings),
	JSON_LIST(preflight_report, checks, preflight_row_schema),
	JSON_MAYBE(preflight_report, error, struct error_report, has_error, .kind = WIRE_OBJECT,
	           .schema = &error_report_schema),
};
static const struct wire_schema preflight_report_schema =
    JSON_SCHEMA(preflight_report, preflight_report_fields);
WIRE_DROP(preflight_report);

/* The library suggests verbs; what is printed are commands. */
static int complete(struct context *c, struct preflight_report *r, struct err *e)
{
	struct preflight_row *rows = r->checks.items;

	for (size_t i = 0; i < r->checks.count; i++) {
		r->failed += rows[i].outcome == PREFLIGHT_FAILED;
		r->warnings += rows[i].outcome == PREFLIGHT_WARNING;
		TRY(report_commands(c, &rows[i].detail, e));
		TRY(report_commands(c, &rows[i].next, e));
	}
	r->ready = r->failed == 0;
	return 0;
}

static int print_rows(struct context *c, const struct preflight_report *r, struct err *e)
{
	static const enum tone tones[] = { TONE_GOOD, TONE_WAIT, TONE_BAD };
	AUTO(table) struct table t = TABLE_INIT("CHECK", "OF", "OUTCOME", "FOUND", "NEXT");
	const struct preflight_row *rows = r->checks.items;

	t.keeps_last = true;
	for (size_t i = 0; i < r->checks.count; i++) {
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].check)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].subject)));
		TRY(table_cell(&t, tones[rows[i].outcome], e, "%s",
		               preflight_outcomes[rows[i].outcome]));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].detail)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].next)));
	}
	table_print(c, &t);
	print_line(c, "%zu checks, %lld failed, %lld warning%s", r->checks.count,
	           (long long)r->failed, (long long)r->warnings, r->warnings == 1 ? "" : "s");
	return 0;
}

/* What is to be done about the failure that is told. */
static void hint_at(struct context *c, const struct preflight_row *row)
{
	/* report.c has one command for all that are missing. */
	if (strcmp(row->why.reason, CLUSTER_KEY_MISSING) == 0)
		return;
	if (row->next.len)
		context_hint(c, "%s; the table's last column says what helps with each",
		             buf_text(&row->next));
	else
		context_hint(c, "the table's last column says what helps with each");
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(preflight_report) struct preflight_report r = { 0 };
	const struct preflight_args *args = arguments;
	struct run_options options = session_options(c, /* to_change= */ false, NULL);
	struct err failure = { 0 };
	size_t worst = 0;
	bool failed;

	TRY(choice_make(c, &args->only, &choice, e));
	if (selection_has_states(&choice.selection))
		return err_set(
		    e, ERR_USAGE,
		    "preflight looks before anything runs: choose nodes by name or label");
	options.chosen = choice.flags;
	TRY(preflight(&c->cluster, &options, &r.checks, e));
	TRY(complete(c, &r, e));
	TRY(print_rows(c, &r, e));
	failed = preflight_judge(&r.checks, &worst, &failure) < 0;
	if (failed) {
		hint_at(c, (const struct preflight_row *)r.checks.items + worst);
		r.has_error = true;
		TRY(error_report_make(&failure, &r.error, e));
		TRY(report_complete(c, &failure, NULL, &r.error, e));
	}
	TRY(print_json(c, &preflight_report_schema, &r, e));
	if (failed)
		*e = failure;
	return failed ? -1 : 0;
}

const struct cmd cmd_preflight = {
	.name = "preflight",
	.summary = "say what would stop a run, before anything is started",
	.details =
	    "Makes every check, not only up to the first that fails, and changes nothing: the state "
	    "folder (private, writable, room, lock), the image (a program, measured, as pinned or as "
	    "in the current manifest) and the hypervisor, whether memory files may be executed, the "
	    "members' keys (mode, own .pub) and shares, certificates (their keys; expired, not "
	    "valid yet, or ending within 30 days), ports of the nodes launched here (free, or "
	    "ours), limits and memory, of nodes launched elsewhere whether they answer and how "
	    "far their clocks are off, and whether each member of etcd answers.\n\n"
	    "A warning does not fail it. Where checks fail, the status is that of the worst, which is "
	    "named: 2 for this machine, 5 for a measurement or a port that another "
	    "cluster's enclave has, 65 or 66 for a file, 69 or 77 for a "
	    "node or etcd, 75 for a state folder in use.",
	.examples = { { "teectl preflight", "before the first up" },
	              { "teectl preflight --only @local", "without those elsewhere" },
	              { "teectl preflight -o json | jq '.checks[] | select(.outcome != \"ok\")'",
	                "for a script" } },
	.exits = { 2, 5, 65, 66, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct preflight_args),
	.run = run,
};

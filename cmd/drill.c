#include "drill.h"

#include "orchestrate/drill.h"
#include "print.h"
#include "session.h"

static enum tone tone_of(int state)
{
	static const enum tone tones[] = {
		[DRILL_DONE] = TONE_GOOD, [DRILL_WAITING] = TONE_WAIT, [DRILL_FAILED] = TONE_BAD
	};

	return tones[state];
}

static int print_report(struct context *c, const struct drill_report *report, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("STEP", "MEMBER", "RESULT", "NOTE");
	const struct drill_row *rows = report->steps.items;

	t.keeps_last = true;
	TRY(print_json(c, &drill_report_schema, report, e));
	for (size_t i = 0; i < report->steps.count; i++) {
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].step)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].subject)));
		TRY(table_cell(&t, tone_of(rows[i].state), e, "%s", drill_words[rows[i].state]));
		TRY(table_cell(&t, TONE_FAINT, e, "%s", buf_text(&rows[i].note)));
	}
	table_print(c, &t);
	return 0;
}

int drill_verb(struct context *c, struct err *e)
{
	AUTO(drill_report) struct drill_report report = { 0 };
	const struct run_options options = session_options(c, /* to_change= */ true, NULL);

	TRY(drill(&c->cluster, &options, &report, e));
	progress_clear(&c->progress);
	TRY(print_report(c, &report, e));
	if (!report.failure.text[0])
		return 0;
	*e = report.failure;
	return -1;
}

/* What a person is told while a verb works: each thing once, without the node's name twice, and
 * that people are waited for is no failure. */
#include "cmd_support.h"

#include "cmd/session.h"

static char text[PRINTED_MAX];

static void a_sentence_names_its_node_once(void **state)
{
	static const struct {
		const char *text, *node, *expected;
	} rows[] = {
		{ "tee1: no answer", "tee1", "no answer" },
		{ "tee1: status: no answer", "tee1", "status: no answer" },
		{ "tee1 has no quorum key yet", "tee1", "has no quorum key yet" },
		{ "tee1 does not answer", "tee1", "does not answer" },
		{ "tee1 is not running", "tee1", "not running" },
		{ "tee1 was not asked", "tee1", "was not asked" },
		/* of another node, or of another thing */
		{ "tee10: no answer", "tee1", "tee10: no answer" },
		{ "tee10 does not answer", "tee1", "tee10 does not answer" },
		{ "tee1 is occupied", "tee1", "tee1 is occupied" },
		{ "no answer", "tee1", "no answer" },
		{ "tee1", "tee1", "tee1" },
		{ "", "tee1", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(session_without_node(rows[i].text, rows[i].node),
		                    rows[i].expected);
}

struct stage {
	struct context c;
	struct run_options options;
};

static void stage_drop(struct stage *g)
{
	context_drop(&g->c);
}

static void stage_fill(struct stage *g, enum output output)
{
	g->c = context_as(output);
	g->c.cmd = cmd_find("up");
	g->options = session_options(&g->c, true, NULL);
}

static void happens(struct stage *g, const struct event *event)
{
	char ignored[PRINTED_MAX];

	PRINTED(STDOUT_FILENO, ignored,
	        PRINTED(STDERR_FILENO, text, g->options.on_event(g->options.event_context, event)));
}

static struct event step(enum event_kind kind, enum step_kind step_kind, const char *node,
                         const char *what)
{
	return (struct event){ .kind = kind,
		               .step = step_name(step_kind),
		               .step_kind = step_kind,
		               .node = node,
		               .nodes = node,
		               .text = what };
}

static void what_is_done_is_said_with_its_time(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct event done = step(EVENT_STEP_DONE, STEP_FORWARD, "tee2", "from tee1");

	(void)state;
	stage_fill(&g, OUTPUT_TABLE);
	done.elapsed_us = 12499;
	happens(&g, &done);
	assert_string_equal(text, "tee2: key forwarded, from tee1 (12 ms)\n");
	done = step(EVENT_STEP_DONE, STEP_RETIRE, "tee2", "");
	done.elapsed_us = 500;
	happens(&g, &done);
	assert_string_equal(text, "tee2: retired (1 ms)\n");
	/* What begins is shown where a line can be rewritten, and nowhere else. */
	done = step(EVENT_STEP_STARTED, STEP_RETIRE, "tee2", "");
	happens(&g, &done);
	assert_string_equal(text, "");
}

static void a_failure_is_told_once_for_all_whom_it_hits(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct event failed = step(EVENT_STEP_FAILED, STEP_LAUNCH, "tee1", "tee1: no image");
	struct err why;

	(void)state;
	stage_fill(&g, OUTPUT_TABLE);
	(void)err_set(&why, ERR_NO_INPUT, "tee1: no image");
	failed.failure = &why;
	failed.nodes = "tee1, tee2";
	happens(&g, &failed);
	assert_string_equal(text, "tee1, tee2: launch failed: no image\n");
	failed.node = "tee2";
	failed.text = "tee2: no image";
	failed.is_repeat = true;
	happens(&g, &failed);
	assert_string_equal(text, "");
	/* Another step of that node that fails of the same is no news. */
	failed = step(EVENT_STEP_FAILED, STEP_VERIFY, "tee1", "tee1: no image");
	failed.failure = &why;
	happens(&g, &failed);
	assert_string_equal(text, "");
	failed.text = "tee1: another image";
	happens(&g, &failed);
	assert_string_equal(text, "tee1: verify failed: another image\n");
}

static void people_who_are_waited_for_are_no_failure(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct event failed = step(EVENT_STEP_FAILED, STEP_INJECT, "tee1", "1 of 2 shares are in");
	struct err why;

	(void)state;
	stage_fill(&g, OUTPUT_TABLE);
	(void)err_reason(&why, ERR_NOT_DESIRED, STEP_ELSEWHERE, "start it there");
	failed.failure = &why;
	happens(&g, &failed);
	assert_string_equal(text, "tee1: 1 of 2 shares are in\n");
	assert_false(g.c.is_waiting_told);
	(void)err_set(&why, ERR_WAITING, "1 of 2 shares are in");
	failed.node = failed.nodes = "tee2";
	happens(&g, &failed);
	assert_string_equal(text, "tee2: 1 of 2 shares are in\n");
	assert_true(g.c.is_waiting_told);
}

static void each_reason_to_try_again_is_told_once(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err why;
	struct event retry = { .kind = EVENT_RETRY,
		               .step = "status",
		               .node = "tee1",
		               .text = "",
		               .failure = &why,
		               .attempt = 1 };

	(void)state;
	stage_fill(&g, OUTPUT_TABLE);
	(void)err_set(&why, ERR_UNREACHABLE, "tee1: status: no answer");
	happens(&g, &retry);
	assert_string_equal(text, "tee1: status: attempt 1: no answer\n");
	retry.attempt = 2;
	happens(&g, &retry);
	assert_string_equal(text, "");
	(void)err_set(&why, ERR_RATE, "tee1: status: too many requests");
	happens(&g, &retry);
	assert_string_equal(text, "tee1: status: attempt 2: too many requests\n");
}

static void a_note_may_be_of_no_node_and_its_commands_fit(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct event note = { .kind = EVENT_NOTE, .text = "altered: teectl audit verify" };

	(void)state;
	stage_fill(&g, OUTPUT_TABLE);
	g.c.global.file = "p.yaml";
	happens(&g, &note);
	assert_string_equal(text, "altered: teectl -f p.yaml audit verify\n");
	note.node = "tee1";
	note.text = "\033[2Jshares";
	happens(&g, &note);
	assert_string_equal(text, "tee1: ?[2Jshares\n");
}

static void with_ndjson_what_happens_is_data(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct event done = step(EVENT_STEP_DONE, STEP_VERIFY, "tee2", "");
	char printed[PRINTED_MAX], ignored[PRINTED_MAX];
	json_object *o;

	(void)state;
	stage_fill(&g, OUTPUT_NDJSON);
	PRINTED(
	    STDERR_FILENO, ignored,
	    PRINTED(STDOUT_FILENO, printed, g.options.on_event(g.options.event_context, &done)));
	o = json_tokener_parse(printed);
	assert_string_equal(json_text(o, "node"), "tee2");
	assert_string_equal(json_text(o, "step"), "verify");
	json_object_put(o);
	assert_false(g.c.has_document);
}

static void a_run_is_as_the_command_line_says(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	static const size_t only = 3;

	(void)state;
	g.c = context_as(OUTPUT_TABLE);
	g.c.cmd = cmd_find("down");
	g.c.global.state = "folder";
	g.c.deadline_ms = 1;
	g.options = session_options(&g.c, false, &only);
	assert_string_equal(g.options.verb, "down");
	assert_string_equal(g.options.state_folder, "folder");
	assert_false(g.options.to_change);
	assert_ptr_equal(g.options.only, &only);
	assert_int_equal(g.options.timeout_ms, 0);
	assert_null(g.options.on_exchange); /* nobody wants a trace */
	g.c.follow.trace_path = "trace.json";
	assert_non_null(session_options(&g.c, false, NULL).on_exchange);
	/* --topology before the file's. */
	g.c.cluster.propagate.topology = TOPOLOGY_STAR;
	assert_int_equal(session_topology(&g.c, -1), TOPOLOGY_STAR);
	assert_int_equal(session_topology(&g.c, TOPOLOGY_CHAIN), TOPOLOGY_CHAIN);
	g.c.follow.trace_path = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence_names_its_node_once),
		cmocka_unit_test(what_is_done_is_said_with_its_time),
		cmocka_unit_test(a_failure_is_told_once_for_all_whom_it_hits),
		cmocka_unit_test(people_who_are_waited_for_are_no_failure),
		cmocka_unit_test(each_reason_to_try_again_is_told_once),
		cmocka_unit_test(a_note_may_be_of_no_node_and_its_commands_fit),
		cmocka_unit_test(with_ndjson_what_happens_is_data),
		cmocka_unit_test(a_run_is_as_the_command_line_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

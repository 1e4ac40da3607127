/* How an error is told: its words, and what to do next, which is never the same again where that
 * does not help. */
#include "cmd_support.h"

#include "cmd/report.h"
#include "cluster/state.h"
#include "orchestrate/plan_file.h"

static char text[PRINTED_MAX];

static void tell_of(struct context *c, const struct err *failure)
{
	c->hint[0] = 0;
	PRINTED(STDERR_FILENO, text, report_error(c, failure));
}

static void tell(struct context *c, enum err_code code, const char *reason, const char *words)
{
	struct err failure;

	(void)err_reason(&failure, code, reason, "%s", words);
	tell_of(c, &failure);
}

/* The exhaustive table of codes: what a person is told of each is a sentence, and the cure never
 * the error's own verb alone. */
static void each_code_has_something_to_do_next(void **state)
{
	(void)state;
	for (int code = 0; code < ERR_COUNT; code++) {
		struct context c = context_as(OUTPUT_TABLE);

		c.cmd = cmd_find("version"); /* no advice is to type that */
		tell(&c, (enum err_code)code, "", "the text");
		assert_int_equal(strncmp(text, "teectl: version: the text\n", 26), 0);
		if (!strstr(text, "\n  hint: ") && !strstr(text, "\n  cure: "))
			fail_msg("%s: %s", err_info((enum err_code)code)->name, text);
		/* What an enclave has refused has a cause as well. */
		assert_int_equal(strstr(text, "\n  cause: ") != NULL,
		                 err_info((enum err_code)code)->wire != 0);
	}
}

static void no_code_is_advised_upon_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < advice_count; i++) {
		assert_non_null(advice_table[i].cure);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(advice_table[i].code, advice_table[k].code);
	}
}

static void a_reason_knows_better_than_its_code(void **state)
{
	static const struct {
		enum err_code code;
		const char *reason, *words;
	} rows[] = {
		{ ERR_TRY_AGAIN, STATE_LOCKED, "it is not waited for" },
		{ ERR_TRY_AGAIN, "", "--timeout gives it longer" },
		{ ERR_ATTESTATION, "pcr0", "teectl measure shows what this machine measures" },
		{ ERR_REFUSED, "pcr3", "teectl measure shows what this machine measures" },
		{ ERR_REFUSED, "occupied", "another `listen:` or `url:`" },
		{ ERR_NOT_DESIRED, STATE_NO_ROOT, "bring pki/ back from a backup" },
		{ ERR_NOT_DESIRED, PLAN_STALE, "shows and saves what is to be done now" },
		{ ERR_UNREACHABLE, CLIENT_TLS_SERVER, "the node's certificate has to be valid" },
		{ ERR_NO_INPUT, CLIENT_TLS_FILE, "correct `tls` of the cluster file" },
		/* of another status the same reason is another matter */
		{ ERR_UNREACHABLE, CLIENT_TLS_FILE, "teectl status shows who answers" },
		{ ERR_NOT_DESIRED, "pcr0", "where that image is meant" },
		{ ERR_WAITING, "restart-approvals", "teectl manifest approve FILE --key KEY" },
		{ ERR_USAGE, "", "teectl help version" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct context c = context_as(OUTPUT_TABLE);

		c.cmd = cmd_find("version");
		tell(&c, rows[i].code, rows[i].reason, "the text");
		if (!strstr(c.hint, rows[i].words))
			fail_msg("row %zu: '%s'", i, c.hint);
	}
}

static void who_meets_a_watch_is_not_told_to_wait_for_its_end(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);
	struct err failure;

	(void)state;
	c.cmd = cmd_find("version");
	(void)err_reason(&failure, ERR_TRY_AGAIN, STATE_LOCKED, "'s' is in use");
	(void)err_mark(STATE_HEALING, &failure);
	tell_of(&c, &failure);
	assert_non_null(strstr(c.hint, "that watch holds the state only while it heals"));
	/* A folder may be called anything. */
	tell(&c, ERR_TRY_AGAIN, STATE_LOCKED, "'(a: watch)' is in use by another run");
	assert_non_null(strstr(c.hint, "when that run has ended"));
}

static void nobody_is_told_to_type_what_he_has_typed(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);

	(void)state;
	c.cmd = cmd_find("status");
	tell(&c, ERR_NOT_DESIRED, "", "not all are ready");
	assert_string_equal(text, "teectl: status: not all are ready\n");
	assert_string_equal(c.hint, "");
	c.cmd = cmd_find("up");
	tell(&c, ERR_NOT_DESIRED, "", "not all are ready");
	assert_non_null(strstr(text, "hint: teectl status says what is missing\n"));
	/* Before there is a verb. */
	c.cmd = NULL;
	tell(&c, ERR_USAGE, "", "there is no verb 'x'");
	assert_string_equal(text,
	                    "teectl: there is no verb 'x'\n  hint: teectl help lists the verbs\n");
}

static void the_verbs_own_hint_stands(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);
	struct err failure;

	(void)state;
	c.cmd = cmd_find("up");
	c.global.file = "p.yaml";
	(void)err_reason(&failure, ERR_TRY_AGAIN, STATE_LOCKED, "teectl down holds it");
	context_hint(&c, "teectl down, then teectl version");
	PRINTED(STDERR_FILENO, text, report_error(&c, &failure));
	assert_string_equal(text, "teectl: up: teectl -f p.yaml down holds it\n"
	                          "  hint: teectl -f p.yaml down, then teectl version\n");
}

/* Which next step fits: the report's, but where it is what failed or the time was up. */
static void the_next_command_is_the_hint_where_it_is_another(void **state)
{
	static const struct {
		enum err_code code;
		const char *next, *hint;
	} rows[] = {
		{ ERR_NOT_DESIRED, "teectl genesis", "teectl genesis" },
		{ ERR_NOT_DESIRED, "teectl propagate", "teectl status says what is missing" },
		{ ERR_NOT_DESIRED, "", "teectl status says what is missing" },
		{ ERR_NOT_DESIRED, NULL, "teectl status says what is missing" },
		{ ERR_TRY_AGAIN, "teectl genesis",
		  "run the same command again; --timeout gives it longer" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct context c = context_as(OUTPUT_JSON);
		struct error_report object = { 0 };
		struct err failure;

		c.cmd = cmd_find("propagate");
		(void)err_set(&failure, rows[i].code, "the text");
		assert_ok(error_report_make(&failure, &object, &e));
		assert_ok(report_complete(&c, &failure, rows[i].next, &object, &e));
		assert_string_equal(buf_text(&object.hint), rows[i].hint);
		assert_string_equal(buf_text(&object.verb), "propagate");
		assert_false(object.has_cause);
		wire_release(&error_report_schema, &object);
	}
}

static void in_json_it_is_a_document_unless_there_was_one(void **state)
{
	struct context c = context_as(OUTPUT_JSON);
	struct err failure;
	json_object *o;
	char ignored[PRINTED_MAX];

	(void)state;
	c.cmd = cmd_find("up");
	(void)err_reason(&failure, ERR_ATTESTATION, "pcr0", "another image");
	PRINTED(STDERR_FILENO, ignored, PRINTED(STDOUT_FILENO, text, report_error(&c, &failure)));
	o = json_tokener_parse(text);
	assert_string_equal(json_text(json_at(o, "error"), "name"), "attestation");
	assert_string_equal(json_text(json_at(o, "error"), "reason"), "pcr0");
	json_object_put(o);
	PRINTED(STDERR_FILENO, ignored, PRINTED(STDOUT_FILENO, text, report_error(&c, &failure)));
	assert_string_equal(text, "");
	/* Of lines each is a document. */
	c.global.output = OUTPUT_NDJSON;
	PRINTED(STDERR_FILENO, ignored, PRINTED(STDOUT_FILENO, text, report_error(&c, &failure)));
	assert_int_equal(text[0], '{');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_has_something_to_do_next),
		cmocka_unit_test(no_code_is_advised_upon_twice),
		cmocka_unit_test(a_reason_knows_better_than_its_code),
		cmocka_unit_test(who_meets_a_watch_is_not_told_to_wait_for_its_end),
		cmocka_unit_test(nobody_is_told_to_type_what_he_has_typed),
		cmocka_unit_test(the_verbs_own_hint_stands),
		cmocka_unit_test(the_next_command_is_the_hint_where_it_is_another),
		cmocka_unit_test(in_json_it_is_a_document_unless_there_was_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

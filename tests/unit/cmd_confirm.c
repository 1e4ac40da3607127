/* Asking a person: "yes" is an answer, all else is none, and where nobody is there nobody is asked.
 */
#include "cmd_support.h"

#include "cmd/confirm.h"

/* What comes of it where standard input and error are these. -1: as they are. */
static int ask(struct context *c, int in, int err, bool yes, struct err *e)
{
	struct diversion input = divert(STDIN_FILENO, in), error = divert(STDERR_FILENO, err);
	int result = confirm(c, yes, "Stop all?", e);

	divert_back(&error);
	divert_back(&input);
	return result;
}

static void one_word_is_a_yes(void **state)
{
	static const struct {
		const char *typed;
		bool is_yes;
	} rows[] = {
		{ "yes\n", true },  { "y\n", false },    { "\n", false },
		{ "YES\n", false }, { " yes\n", false }, { "yes please\n", false },
		{ "no\n", false },  { "\004", false },
	};
	char text[PRINTED_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct context c = context_as(OUTPUT_TABLE);
		struct tty tty = tty_open(80);
		int result;
		struct err e = { 0 };

		assert_int_equal(write(tty.master, rows[i].typed, strlen(rows[i].typed)),
		                 strlen(rows[i].typed));
		clearerr(stdin);
		result = ask(&c, tty.slave, tty.slave, false, &e);
		assert_int_equal(result, rows[i].is_yes ? 0 : -1);
		if (!rows[i].is_yes) {
			assert_int_equal(e.code, ERR_NOT_DESIRED);
			assert_string_equal(
			    e.text,
			    "not confirmed: nothing was done, since the answer was not the word yes");
		}
		tty_read(&tty, text);
		assert_string_equal(text, "Stop all? (yes/no, the whole word) ");
		tty_close(&tty);
	}
}

static void where_nobody_is_there_nobody_is_asked(void **state)
{
	struct tty tty = tty_open(80);
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct {
		int in, err;
		enum output output;
	} rows[] = {
		{ nothing, tty.slave, OUTPUT_TABLE },
		{ tty.slave, nothing, OUTPUT_TABLE },
		{ tty.slave, tty.slave, OUTPUT_JSON },
		{ tty.slave, tty.slave, OUTPUT_NDJSON },
	};
	char text[PRINTED_MAX];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct context c = context_as(rows[i].output);

		assert_refused(ask(&c, rows[i].in, rows[i].err, false, &e), ERR_USAGE, "--yes");
		/* Who has said it already is asked nowhere. */
		assert_ok(ask(&c, rows[i].in, rows[i].err, true, &e));
		tty_read(&tty, text);
		assert_string_equal(text, "");
	}
	close(nothing);
	tty_close(&tty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_word_is_a_yes),
		cmocka_unit_test(where_nobody_is_there_nobody_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is happening, on standard error: lines that last, and on a terminal one that does not. */
#include "cmd_support.h"

#include "cmd/progress.h"
#include "cmd/terminal.h"

static char text[PRINTED_MAX];

static void without_a_terminal_there_are_lasting_lines_alone(void **state)
{
	struct progress p;

	(void)state;
	PRINTED(STDERR_FILENO, text, {
		p = progress_new();
		progress_set(&p, 1, 4, "verifying");
		progress_tick(&p);
		progress_say(&p, "tee%d: \033[2Jverified", 2);
		progress_clear(&p);
	});
	assert_string_equal(text, "tee2: ?[2Jverified\n");
	assert_false(p.is_terminal);
	assert_false(p.is_shown);
}

/* What a terminal of that width shows of it all. */
static struct progress show(const struct tty *tty, size_t done, size_t total, const char *what)
{
	struct diversion d = divert(STDERR_FILENO, tty->slave);
	struct progress p = progress_new();

	progress_set(&p, done, total, "%s", what);
	divert_back(&d);
	tty_read(tty, text);
	return p;
}

static void on_a_terminal_a_line_is_rewritten(void **state)
{
	struct tty tty = tty_open(60);
	struct progress p = show(&tty, 1, 4, "tee2: verify");
	struct diversion d;

	(void)state;
	assert_true(p.is_terminal);
	assert_true(p.is_shown);
	assert_string_equal(text, "\r\033[K⠋ [=====---------------] 1/4 tee2: verify");
	/* A lasting line takes its place, and it stands below that again. */
	d = divert(STDERR_FILENO, tty.slave);
	progress_tick(&p);
	progress_say(&p, "tee2: verified");
	divert_back(&d);
	tty_read(&tty, text);
	assert_string_equal(text, "\r\033[K⠙ [=====---------------] 1/4 tee2: verify"
	                          "\r\033[Ktee2: verified\n"
	                          "\r\033[K⠙ [=====---------------] 1/4 tee2: verify");
	d = divert(STDERR_FILENO, tty.slave);
	progress_clear(&p);
	progress_clear(&p); /* nothing is there any more */
	progress_say(&p, "done");
	divert_back(&d);
	tty_read(&tty, text);
	assert_string_equal(text, "\r\033[Kdone\n");
	tty_close(&tty);
}

static void the_bar_is_of_what_is_done(void **state)
{
	static const struct {
		size_t done, total;
		const char *bar;
	} rows[] = {
		{ 0, 3, "[--------------------] 0/3 " },
		{ 1, 3, "[======--------------] 1/3 " },
		{ 3, 3, "[====================] 3/3 " },
		{ 5, 3, "[====================] 5/3 " },
		{ 0, 0, "" },
	};
	struct tty tty = tty_open(80);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char expected[128];

		(void)show(&tty, rows[i].done, rows[i].total, "now");
		snprintf(expected, sizeof(expected), "\r\033[K⠋ %snow", rows[i].bar);
		assert_string_equal(text, expected);
	}
	tty_close(&tty);
}

/* One that wraps could not be taken away again. */
static void the_line_never_wraps(void **state)
{
	(void)state;
	for (unsigned short width = 20; width < 60; width++) {
		struct tty tty = tty_open(width);

		(void)show(&tty, 1, width % 2, "Zo\xc3\xab: a text of more characters than it has");
		assert_true(text_width(text + strlen("\r\033[K")) < width);
		/* And what there is room for is used. */
		assert_true(text_width(text + strlen("\r\033[K")) > 12);
		tty_close(&tty);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_terminal_there_are_lasting_lines_alone),
		cmocka_unit_test(on_a_terminal_a_line_is_rewritten),
		cmocka_unit_test(the_bar_is_of_what_is_done),
		cmocka_unit_test(the_line_never_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Data on standard output: one form or the other, tables as wide as they must be, and nothing in
 * them that moves a cursor. */
#include "cmd_support.h"

#include "cmd/print.h"

#include <sys/wait.h>

static char text[PRINTED_MAX];

struct small {
	struct buf name;
	int64_t number;
};
static const struct wire_field small_fields[] = {
	JSON_TEXT(small, name),
	JSON_NUMBER(small, number),
};
static const struct wire_schema small_schema = JSON_SCHEMA(small, small_fields);

static struct small small_of(const char *name)
{
	struct small s = { .number = 7 };
	struct err e;

	assert_ok(wire_set_text(&s.name, name, &e));
	return s;
}

static void fill_table(struct table *t)
{
	static const char *const cells[] = { "tee1",     "ApplicationReady",
		                             "verified", "Zo\xc3\xab",
		                             "",         "a longer reason than all" };
	struct err e;

	for (size_t i = 0; i < COUNT(cells); i++)
		assert_ok(table_cell(t, i ? TONE_GOOD : TONE_PLAIN, &e, "%s", cells[i]));
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	AUTO(table) struct table t = TABLE_INIT("NODE", "PHASE", "VERIFIED");
	struct context c = context_as(OUTPUT_TABLE);

	(void)state;
	fill_table(&t);
	PRINTED(STDOUT_FILENO, text, table_print(&c, &t));
	/* To no terminal nothing is cut and nothing is coloured; characters count, not bytes. */
	assert_string_equal(text, "NODE  PHASE             VERIFIED\n"
	                          "tee1  ApplicationReady  verified\n"
	                          "Zo\xc3\xab   -                 a longer reason than all\n");
}

static void on_a_narrow_terminal_the_widest_columns_are_cut(void **state)
{
	AUTO(table) struct table t = TABLE_INIT("NODE", "PHASE", "VERIFIED");
	struct context c = context_as(OUTPUT_TABLE);
	struct tty tty = tty_open(32);
	struct diversion d;

	(void)state;
	fill_table(&t);
	setenv("NO_COLOR", "1", 1);
	d = divert(STDOUT_FILENO, tty.slave);
	table_print(&c, &t);
	divert_back(&d);
	tty_read(&tty, text);
	assert_string_equal(text, "NODE  PHASE         VERIFIED\n"
	                          "tee1  Application…  verified\n"
	                          "Zo\xc3\xab   -             a longer re…\n");
	/* What has to be typed or compared is never cut. */
	t.keeps_last = true;
	d = divert(STDOUT_FILENO, tty.slave);
	table_print(&c, &t);
	divert_back(&d);
	tty_read(&tty, text);
	assert_non_null(strstr(text, "a longer reason than all\n"));
	/* And what stands before it is not for its sake. */
	assert_non_null(strstr(text, "tee1  ApplicationReady  verified\n"));
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	d = divert(STDOUT_FILENO, tty.slave);
	table_print(&c, &t);
	divert_back(&d);
	tty_read(&tty, text);
	assert_non_null(strstr(text, "\033[32m"));
	tty_close(&tty);
}

static void what_is_for_people_is_not_in_json(void **state)
{
	AUTO(table) struct table t = TABLE_INIT("NODE", "PHASE", "VERIFIED");
	struct context c = context_as(OUTPUT_JSON);
	struct small s = small_of("tee1");
	struct err e;

	(void)state;
	fill_table(&t);
	PRINTED(STDOUT_FILENO, text, {
		print_line(&c, "a line");
		table_print(&c, &t);
		assert_ok(print_news(&c, &small_schema, &s, &e));
	});
	assert_string_equal(text, "");
	assert_false(c.has_document);
	PRINTED(STDOUT_FILENO, text, assert_ok(print_json(&c, &small_schema, &s, &e)));
	assert_string_equal(text, "{\n  \"name\": \"tee1\",\n  \"number\": 7\n}\n");
	assert_true(c.has_document);
	/* And a document is not in a table. */
	c = context_as(OUTPUT_TABLE);
	PRINTED(STDOUT_FILENO, text, assert_ok(print_json(&c, &small_schema, &s, &e)));
	assert_string_equal(text, "");
	assert_false(c.has_document);
	wire_release(&small_schema, &s);
}

/* Of an error that follows news there is still a document. */
static void a_line_of_ndjson_is_news_and_no_document(void **state)
{
	struct context c = context_as(OUTPUT_NDJSON);
	struct small s = small_of("tee1");
	struct err e;

	(void)state;
	PRINTED(STDOUT_FILENO, text, assert_ok(print_news(&c, &small_schema, &s, &e)));
	assert_string_equal(text, "{\"name\":\"tee1\",\"number\":7}\n");
	assert_false(c.has_document);
	PRINTED(STDOUT_FILENO, text, assert_ok(print_json(&c, &small_schema, &s, &e)));
	assert_true(c.has_document);
	PRINTED(STDOUT_FILENO, text, assert_ok(print_news(&c, &small_schema, &s, &e)));
	assert_true(c.has_document);
	wire_release(&small_schema, &s);
}

static void nothing_that_is_printed_moves_a_cursor(void **state)
{
	static const struct {
		const char *name, *json;
	} rows[] = {
		{ "a\033[2J", "a\\u001b[2J" },
		{ "a\xc2\x9b"
		  "b",
		  "a\\u009bb" },
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\u202eb" },
		{ "Zo\xc3\xab", "Zo\xc3\xab" },
		{ "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91" },
		{ "a\xf3\xa0\x80\x81"
		  "b",
		  "a\\udb40\\udc01b" }, /* a tag of U+E0001, as two halves */
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct context c = context_as(OUTPUT_NDJSON);
		struct small s = small_of(rows[i].name);
		char expected[128];

		snprintf(expected, sizeof(expected), "{\"name\":\"%s\",\"number\":7}\n",
		         rows[i].json);
		PRINTED(STDOUT_FILENO, text, assert_ok(print_json(&c, &small_schema, &s, &e)));
		assert_string_equal(text, expected);
		/* And it is read as what it was. */
		{
			json_object *o = json_tokener_parse(text);

			assert_string_equal(json_text(o, "name"), rows[i].name);
			json_object_put(o);
		}
		c = context_as(OUTPUT_TABLE);
		PRINTED(STDOUT_FILENO, text, print_line(&c, "%s", rows[i].name));
		assert_null(strchr(text, '\033'));
		assert_null(strstr(text, "\xc2\x9b"));
		wire_release(&small_schema, &s);
	}
}

static void a_list_of_lines_has_those_that_end(void **state)
{
	struct wire_list list = { 0 };
	const struct printed_line *lines;
	struct err e;

	(void)state;
	assert_ok(printed_lines("one\n\nthree\nno end", &list, &e));
	assert_int_equal(list.count, 3);
	lines = list.items;
	assert_string_equal(buf_text(&lines[0].text), "one");
	assert_int_equal(lines[1].text.len, 0);
	assert_string_equal(buf_text(&lines[2].text), "three");
	wire_list_release(&printed_line_schema, &list);
}

/* In a process of its own: a failure is kept, and the output closed. */
static int close_after_printing_to(const char *path)
{
	int pid = fork(), status = -1;

	if (pid == 0) {
		struct context c = context_as(OUTPUT_TABLE);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		struct err e;

		if (dup2(fd, STDOUT_FILENO) < 0)
			_exit(99);
		print_line(&c, "data");
		_exit(print_close(&e) == 0 ? 0 : strstr(e.text, "writing standard output") ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_full_disk_shows_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(close_after_printing_to("/dev/full"), 1);
	assert_int_equal(close_after_printing_to("/dev/null"), 0);
}

static void a_span_is_told_in_two_units(void **state)
{
	static const struct {
		int64_t us;
		const char *text; /* NULL: too short */
	} rows[] = {
		{ 0, NULL },
		{ 59499999, NULL },
		{ 59500000, "1 min 0 s" },
		{ 3599000000, "59 min 59 s" },
		{ 4074730900, "1 h 7 min" },
		{ 86399000000, "23 h 59 min" },
		{ 86400000000, "1 d 0 h" },
		{ INT64_MAX - 500000, "106751991 d 4 h" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char told[SPAN_SIZE] = "as before";

		assert_int_equal(print_span(rows[i].us, told), rows[i].text != NULL);
		assert_string_equal(told, rows[i].text ? rows[i].text : "as before");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(on_a_narrow_terminal_the_widest_columns_are_cut),
		cmocka_unit_test(what_is_for_people_is_not_in_json),
		cmocka_unit_test(a_line_of_ndjson_is_news_and_no_document),
		cmocka_unit_test(nothing_that_is_printed_moves_a_cursor),
		cmocka_unit_test(a_list_of_lines_has_those_that_end),
		cmocka_unit_test(a_full_disk_shows_at_the_end),
		cmocka_unit_test(a_span_is_told_in_two_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

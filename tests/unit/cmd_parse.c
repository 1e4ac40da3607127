/* link: cmd/parse.c */
#include "support.h"

#include "cmd/parse.h"

static const char *const colours[] = { "red", "green", "blue", NULL };

struct paint_args {
	const char *brush, *wall, *nodes_file;
	int64_t coats, wait_ms;
	int colour;
	bool dry, glossy;
	struct text_list rooms, corners;
};

static const struct opt paint_opts[] = {
	{ .name = "brush",
	  .letter = 'b',
	  .kind = OPT_TEXT,
	  .metavar = "NAME",
	  .offset = offsetof(struct paint_args, brush),
	  .is_required = true,
	  .doc = "the brush" },
	{ .name = "coats",
	  .kind = OPT_NUMBER,
	  .metavar = "NUMBER",
	  .min = 1,
	  .max = 9,
	  .offset = offsetof(struct paint_args, coats),
	  .doc = "how often" },
	{ .name = "wait",
	  .kind = OPT_DURATION,
	  .metavar = "DURATION",
	  .fallback = "2m",
	  .offset = offsetof(struct paint_args, wait_ms),
	  .doc = "between two coats" },
	{ .name = "colour",
	  .letter = 'c',
	  .kind = OPT_WORD,
	  .metavar = "COLOUR",
	  .words = colours,
	  .offset = offsetof(struct paint_args, colour),
	  .doc = "the colour" },
	{ .name = "dry-run",
	  .letter = 'n',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct paint_args, dry),
	  .doc = "only say" },
	{ .name = "glossy",
	  .letter = 'g',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct paint_args, glossy),
	  .doc = "shine" },
	{ .name = "room",
	  .kind = OPT_NODE,
	  .metavar = "ROOM",
	  .is_list = true,
	  .offset = offsetof(struct paint_args, rooms),
	  .doc = "where" },
	{ .kind = OPT_FILE,
	  .metavar = "WALL",
	  .is_required = true,
	  .offset = offsetof(struct paint_args, wall),
	  .doc = "the wall" },
	{ .kind = OPT_TEXT,
	  .metavar = "CORNER",
	  .is_list = true,
	  .offset = offsetof(struct paint_args, corners),
	  .doc = "the corners" },
};

static const struct cmd paint = {
	.name = "paint",
	.opts = paint_opts,
	.opt_count = COUNT(paint_opts),
	.args_size = sizeof(struct paint_args),
};
static const struct cmd look = { .name = "look" };
static const struct cmd tool_make = { .name = "tool make" };
static const struct cmd tool_mend = { .name = "tool mend" };
static const struct cmd *const table[] = { &paint, &look, &tool_make, &tool_mend, NULL };

static const char *const variables[] = {
	"TEECTL_FILE",  "TEECTL_STATE", "TEECTL_OUTPUT", "TEECTL_TIMEOUT", "TEECTL_BRUSH",
	"TEECTL_COATS", "TEECTL_WAIT",  "TEECTL_COLOUR", "TEECTL_DRY_RUN", "TEECTL_ROOM",
};

static int clear_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(variables); i++)
		unsetenv(variables[i]);
	return 0;
}

/* The words of a command line, "teectl" before them. */
#define ARGV(...) ((char *[]){ "teectl", __VA_ARGS__, NULL })

static struct err e;
static const struct cmd *seen;

static int parse(char *const *argv, struct command_line *ret)
{
	return command_line_parse(table, argv, ret, &seen, &e);
}

#define assert_line_refused(words, ...)                                                            \
	do {                                                                                       \
		AUTO(command_line) struct command_line refused = { 0 };                            \
		assert_refused(parse(ARGV(__VA_ARGS__), &refused), ERR_USAGE, words);              \
		assert_null(refused.args);                                                         \
	} while (0)

static void an_option_takes_its_value_from_the_next_word_or_after_equals(void **state)
{
	char *const *const spellings[] = {
		(char *[]){ "teectl", "paint", "--brush", "wide", "north", NULL },
		(char *[]){ "teectl", "paint", "--brush=wide", "north", NULL },
		(char *[]){ "teectl", "paint", "-b", "wide", "north", NULL },
		(char *[]){ "teectl", "paint", "-bwide", "north", NULL },
		(char *[]){ "teectl", "paint", "north", "--brush", "wide", NULL },
		(char *[]){ "teectl", "paint", "-nb", "wide", "north", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(spellings); i++) {
		AUTO(command_line) struct command_line line = { 0 };
		const struct paint_args *args;

		assert_ok(parse(spellings[i], &line));
		args = line.args;
		assert_ptr_equal(line.cmd, &paint);
		assert_string_equal(args->brush, "wide");
		assert_string_equal(args->wall, "north");
		assert_int_equal(args->dry, i == 5);
	}
}

static void what_is_not_given_has_its_default_or_minus_one(void **state)
{
	AUTO(command_line) struct command_line line = { 0 };
	const struct paint_args *args;

	(void)state;
	assert_ok(parse(ARGV("paint", "-b", "x", "north"), &line));
	args = line.args;
	assert_int_equal(args->wait_ms, 120000);
	assert_int_equal(args->coats, -1);
	assert_int_equal(args->colour, -1);
	assert_false(args->dry);
	assert_int_equal(args->rooms.count, 0);
	assert_string_equal(line.global.file, "./cluster.yaml");
	assert_int_equal(line.global.output, OUTPUT_TABLE);
	assert_int_equal(line.global.timeout_ms, -1);
	assert_null(line.global.state);
}

static void globals_stand_before_and_after_the_verb(void **state)
{
	AUTO(command_line) struct command_line line = { 0 };

	(void)state;
	assert_ok(parse(ARGV("-f", "a.yaml", "--timeout=90s", "look", "-o", "json", "--state", "s"),
	                &line));
	assert_ptr_equal(line.cmd, &look);
	assert_string_equal(line.global.file, "a.yaml");
	assert_string_equal(line.global.state, "s");
	assert_int_equal(line.global.timeout_ms, 90000);
	assert_int_equal(line.global.output, OUTPUT_JSON);
}

static void the_command_line_goes_before_the_environment_and_that_before_the_default(void **state)
{
	const char *const lines[] = { "red", "green", "blue" };

	(void)state;
	setenv("TEECTL_WAIT", "7s", 1);
	setenv("TEECTL_COLOUR", lines[1], 1);
	setenv("TEECTL_BRUSH", "narrow", 1);
	setenv("TEECTL_FILE", "env.yaml", 1);
	setenv("TEECTL_DRY_RUN", "1", 1);
	{
		AUTO(command_line) struct command_line line = { 0 };
		const struct paint_args *args;

		assert_ok(parse(ARGV("paint", "north", "--colour", "blue"), &line));
		args = line.args;
		assert_int_equal(args->wait_ms, 7000);
		assert_int_equal(args->colour, 2);
		assert_string_equal(args->brush, "narrow");
		assert_string_equal(line.global.file, "env.yaml");
		assert_false(args->dry); /* a flag is never set from afar */
	}
	setenv("TEECTL_WAIT", "", 1);
	{
		AUTO(command_line) struct command_line line = { 0 };

		assert_ok(parse(ARGV("paint", "north"), &line));
		assert_int_equal(((const struct paint_args *)line.args)->wait_ms, 120000);
	}
}

static void a_bad_variable_is_named(void **state)
{
	(void)state;
	setenv("TEECTL_COATS", "10", 1);
	assert_line_refused("TEECTL_COATS", "paint", "-b", "x", "north");
	unsetenv("TEECTL_COATS");
	setenv("TEECTL_OUTPUT", "jsn", 1);
	assert_line_refused("TEECTL_OUTPUT: 'jsn' is not known; did you mean 'json'?", "look");
}

static void lists_are_repeated_or_separated_by_commas(void **state)
{
	AUTO(command_line) struct command_line line = { 0 };
	const struct paint_args *args;

	(void)state;
	assert_ok(
	    parse(ARGV("paint", "-bx", "--room", "hall,bath", "--room=loft", "north", "ne", "nw"),
	          &line));
	args = line.args;
	assert_int_equal(args->rooms.count, 3);
	assert_string_equal(args->rooms.items[0], "hall");
	assert_string_equal(args->rooms.items[1], "bath");
	assert_string_equal(args->rooms.items[2], "loft");
	assert_string_equal(args->wall, "north");
	assert_int_equal(args->corners.count, 2);
	assert_string_equal(args->corners.items[1], "nw");
	assert_line_refused("empty name", "paint", "-bx", "--room", "hall,,bath", "north");
}

static void a_verb_may_have_two_words(void **state)
{
	AUTO(command_line) struct command_line line = { 0 };

	(void)state;
	assert_ok(parse(ARGV("-o", "ndjson", "tool", "mend"), &line));
	assert_ptr_equal(line.cmd, &tool_mend);
	assert_line_refused("'tool' needs one of: make, mend", "tool");
	assert_line_refused("did you mean 'tool make'?", "tool", "mkae");
	assert_line_refused("unknown verb 'tool destroy'", "tool", "destroy");
}

static void a_near_miss_is_told(void **state)
{
	(void)state;
	assert_line_refused("unknown verb 'pant'; did you mean 'paint'?", "pant");
	assert_line_refused("unknown verb 'xyzzy'", "xyzzy");
	assert_line_refused("unknown option '--colur'; did you mean '--colour'?", "paint",
	                    "--colur");
	assert_line_refused("unknown option '--timout'; did you mean '--timeout'?", "look",
	                    "--timout=1s");
	assert_line_refused("unknown option '--xyzzy'", "look", "--xyzzy");
	assert_line_refused("--colour: 'blu' is not known; did you mean 'blue'?", "paint",
	                    "--colour", "blu");
	assert_line_refused("--colour: 'x' is not one of red, green, blue", "paint", "--colour",
	                    "x");
	assert_line_refused("stand after it", "--xyzzy", "look");
}

static void what_is_missing_or_too_much_is_told(void **state)
{
	(void)state;
	assert_line_refused("which verb?", NULL);
	assert_line_refused("--brush NAME is required", "paint", "north");
	assert_line_refused("WALL is required", "paint", "-bx");
	assert_line_refused("--brush needs a value: --brush NAME", "paint", "--brush");
	assert_line_refused("-b needs a value", "paint", "-b");
	assert_line_refused("--dry-run takes no value", "paint", "--dry-run=yes");
	assert_line_refused("--brush is given twice", "paint", "--brush", "a", "--brush", "b");
	assert_line_refused("-f is given twice", "-f", "a", "look", "-f", "b");
	assert_line_refused("'more' is one argument too many", "look", "more");
	assert_line_refused("--brush: empty", "paint", "--brush=", "north");
	assert_line_refused("unknown option '-z'", "look", "-z");
	assert_line_refused("--coats must be a whole number from 1 to 9", "paint", "--coats", "10");
	assert_line_refused("--wait: '5' is not a duration", "paint", "--wait", "5");
}

static void the_verb_is_known_even_where_its_options_are_wrong(void **state)
{
	(void)state;
	seen = NULL;
	assert_line_refused("--xyzzy", "paint", "--xyzzy");
	assert_ptr_equal(seen, &paint);
}

static void two_dashes_end_the_options_and_one_is_standard_input(void **state)
{
	AUTO(command_line) struct command_line line = { 0 }, other = { 0 };

	(void)state;
	assert_ok(parse(ARGV("paint", "-bx", "--", "--north"), &line));
	assert_string_equal(((const struct paint_args *)line.args)->wall, "--north");
	assert_ok(parse(ARGV("paint", "-bx", "-"), &other));
	assert_string_equal(((const struct paint_args *)other.args)->wall, "-");
}

static void help_asks_for_nothing_else(void **state)
{
	AUTO(command_line) struct command_line line = { 0 }, alone = { 0 };

	(void)state;
	assert_ok(parse(ARGV("paint", "--help"), &line));
	assert_true(line.global.help);
	assert_ptr_equal(line.cmd, &paint);
	assert_ok(parse(ARGV("-h"), &alone));
	assert_true(alone.global.help);
	assert_null(alone.cmd);
}

static void the_form_of_an_error_is_found_on_a_broken_line(void **state)
{
	(void)state;
	assert_int_equal(command_line_output(ARGV("look", "--xyzzy", "-o", "json")), OUTPUT_JSON);
	assert_int_equal(command_line_output(ARGV("-ojson", "look")), OUTPUT_JSON);
	assert_int_equal(command_line_output(ARGV("look", "--output=ndjson")), OUTPUT_NDJSON);
	assert_int_equal(command_line_output(ARGV("look", "--output", "json")), OUTPUT_JSON);
	assert_int_equal(command_line_output(ARGV("look", "-o")), OUTPUT_TABLE);
	assert_int_equal(command_line_output(ARGV("look", "-o", "xyzzy")), OUTPUT_TABLE);
	setenv("TEECTL_OUTPUT", "json", 1);
	assert_int_equal(command_line_output(ARGV("look")), OUTPUT_JSON);
}

static void a_variable_is_named_for_its_option(void **state)
{
	char variable[VARIABLE_MAX];

	(void)state;
	opt_variable(&(struct opt){ .name = "dry-run" }, variable);
	assert_string_equal(variable, "TEECTL_DRY_RUN");
}

#define TEST(name) cmocka_unit_test_setup(name, clear_environment)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_option_takes_its_value_from_the_next_word_or_after_equals),
		TEST(what_is_not_given_has_its_default_or_minus_one),
		TEST(globals_stand_before_and_after_the_verb),
		TEST(the_command_line_goes_before_the_environment_and_that_before_the_default),
		TEST(a_bad_variable_is_named),
		TEST(lists_are_repeated_or_separated_by_commas),
		TEST(a_verb_may_have_two_words),
		TEST(a_near_miss_is_told),
		TEST(what_is_missing_or_too_much_is_told),
		TEST(the_verb_is_known_even_where_its_options_are_wrong),
		TEST(two_dashes_end_the_options_and_one_is_standard_input),
		TEST(help_asks_for_nothing_else),
		TEST(the_form_of_an_error_is_found_on_a_broken_line),
		TEST(a_variable_is_named_for_its_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

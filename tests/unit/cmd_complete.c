/* What the completion scripts and the help are made of, held to the table of verbs itself. That the
 * scripts complete is tests/cmd_completion.bats'; that the committed ones are these, docs.bats'. */
#include "cmd_support.h"

#include "cmd/complete.h"
#include "cmd/help.h"

static void a_quote_ends_no_quotes(void **state)
{
	static const struct {
		const char *text, *extra, *expected;
	} rows[] = {
		{ "it's", "", "it'\\''s" },
		{ "a:b[c]", ":[]", "a\\:b\\[c\\]" },
		{ "$(x) `y` \\", "", "$(x) `y` \\" },
		{ "", ":", "" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf to = BUF_INIT(256);

		assert_ok(complete_quoted(&to, rows[i].text, rows[i].extra, &e));
		assert_string_equal(buf_text(&to), rows[i].expected);
	}
}

/* Is the word among these, which have spaces between? */
static bool has_word(const char *words, const char *word, size_t len)
{
	for (const char *at = words; (at = strstr(at, word)); at++)
		if (at[len] == ' ' || !at[len])
			if (at == words || at[-1] == ' ')
				return true;
	return false;
}

static size_t count_words(const char *words)
{
	size_t count = *words != 0;

	for (; *words; words++)
		count += *words == ' ';
	return count;
}

static void every_verb_can_be_reached_by_its_words(void **state)
{
	AUTO(buf) struct buf first = BUF_INIT(4096);
	char group[WORD_MAX];
	size_t groups = 0, singles = 0, seconds = 0, pairs = 0;
	struct err e;

	(void)state;
	assert_ok(complete_first_words(&first, &e));
	for (size_t i = 0; cmd_table[i]; i++) {
		const char *name = cmd_table[i]->name, *space = strchr(name, ' ');
		char word[WORD_MAX];

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, " "), name);
		assert_true(has_word(buf_text(&first), word, strlen(word)));
		singles += !space;
		pairs += space != NULL;
		if (complete_starts_group(cmd_table[i], group)) {
			AUTO(buf) struct buf words = BUF_INIT(1024);

			assert_string_equal(group, word);
			assert_ok(complete_group_words(&words, group, &e));
			assert_true(has_word(buf_text(&words), space + 1, strlen(space + 1)));
			seconds += count_words(buf_text(&words));
			groups++;
		}
	}
	/* None twice. */
	assert_int_equal(count_words(buf_text(&first)), groups + singles);
	assert_int_equal(seconds, pairs);
}

static void a_group_is_whole_words(void **state)
{
	AUTO(buf) struct buf words = BUF_INIT(1024);
	struct err e;

	(void)state;
	assert_ok(complete_group_words(&words, "man", &e)); /* as "manifest" begins */
	assert_int_equal(words.len, 0);
	assert_ok(complete_words(&words, (const char *const[]){ "a", "b", NULL }, &e));
	assert_string_equal(buf_text(&words), "a b");
}

static void every_verb_has_a_page_and_no_other_word_has(void **state)
{
	AUTO(buf) struct buf pages = BUF_INIT(DOCUMENT_TEXT_MAX);
	AUTO(buf) struct buf none = BUF_INIT(DOCUMENT_TEXT_MAX);
	struct err e;

	(void)state;
	assert_ok(man_pages(&pages, &e));
	for (size_t i = 0; cmd_table[i]; i++) {
		AUTO(buf) struct buf name = BUF_INIT(256);
		AUTO(buf) struct buf page = BUF_INIT(DOCUMENT_TEXT_MAX);

		assert_ok(help_page_name(cmd_table[i], &name, &e));
		assert_null(strchr(buf_text(&name), ' '));
		assert_ok(buf_add_text(&name, ".1", &e));
		assert_non_null(strstr(buf_text(&pages), buf_text(&name)));
		assert_ok(man_page(buf_text(&name), &page, &e));
		assert_non_null(strstr(buf_text(&page), ".Dd "));
	}
	assert_refused(man_page("teectl-statsu.1", &none, &e), ERR_USAGE,
	               "no manual page 'teectl-statsu.1'");
	assert_refused(man_page("", &none, &e), ERR_USAGE, "no manual page ''");
	assert_int_equal(none.len, 0);
}

static void a_verb_lists_what_it_uses(void **state)
{
	static const struct {
		const char *verb, *option;
		bool is_listed;
	} rows[] = {
		{ "status", "file", true },    { "status", "state", true },
		{ "status", "timeout", true }, { "version", "file", false },
		{ "version", "state", false }, { "version", "timeout", false },
		{ "validate", "file", true },  { "member keygen", "file", false },
		{ "version", "output", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct opt *opt = NULL;

		for (size_t k = 0; k < global_opt_count; k++)
			if (strcmp(global_opts[k].name, rows[i].option) == 0)
				opt = &global_opts[k];
		assert_non_null(opt);
		if (help_lists_global(cmd_find(rows[i].verb), opt) != rows[i].is_listed)
			fail_msg("%s --%s", rows[i].verb, rows[i].option);
	}
}

static void a_synopsis_says_what_may_be_left_out(void **state)
{
	static const struct opt opts[] = {
		{ .name = "all", .kind = OPT_FLAG },
		{ .name = "key", .kind = OPT_FILE, .metavar = "KEY", .is_required = true },
		{ .kind = OPT_NODE, .metavar = "NODE", .is_required = true },
		{ .kind = OPT_FILE, .metavar = "FILE", .is_list = true },
	};
	const struct cmd cmd = { .name = "x", .opts = opts, .opt_count = COUNT(opts) };
	AUTO(buf) struct buf text = BUF_INIT(1024);
	struct err e;

	(void)state;
	assert_ok(help_synopsis(&cmd, &text, &e));
	assert_string_equal(buf_text(&text), " [--all] --key KEY NODE [FILE ...]");
}

static void no_verb_is_found_by_a_part_of_its_name(void **state)
{
	(void)state;
	assert_non_null(cmd_find("member keygen"));
	assert_null(cmd_find("member"));
	assert_null(cmd_find("stat"));
	assert_null(cmd_find("statuss"));
	assert_null(cmd_find(""));
	/* What follows from its needs it may end with, and what its row says. */
	assert_true(cmd_may_exit(cmd_find("status"), 0));
	assert_true(cmd_may_exit(cmd_find("status"), 64));
	assert_true(cmd_may_exit(cmd_find("status"), 78));
	assert_false(cmd_may_exit(cmd_find("version"), 78));
	assert_false(cmd_may_exit(cmd_find("version"), 75));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quote_ends_no_quotes),
		cmocka_unit_test(every_verb_can_be_reached_by_its_words),
		cmocka_unit_test(a_group_is_whole_words),
		cmocka_unit_test(every_verb_has_a_page_and_no_other_word_has),
		cmocka_unit_test(a_verb_lists_what_it_uses),
		cmocka_unit_test(a_synopsis_says_what_may_be_left_out),
		cmocka_unit_test(no_verb_is_found_by_a_part_of_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include "cluster/select.h"

#define FILE_TEXT                                                                                  \
	"apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: demo }\n"                         \
	"enclave: { image: e }\n"                                                                  \
	"quorum: { threshold: 2, members: [ { name: a, pub: a }, { name: b, pub: b } ] }\n"        \
	"nodes:\n"                                                                                 \
	"  - name: eu-[1-3]\n    url: http://eu[1-3]\n    labels: { region: eu }\n"                \
	"  - { name: eu-4, url: \"http://eu4\", labels: { region: eu, role: canary } }\n"          \
	"  - name: us-[1-2]\n    url: http://us[1-2]\n    labels: { region: us, role: old }\n"     \
	"  - { name: here, listen: \"127.0.0.1:0\" }\n"

/* How the nodes stand, in the file's order, as indices into select_states. */
static const int states[] = { 0, 3, 4, 0, 3, 1, 0 };

static int load(void **state)
{
	static struct cluster c;
	struct err e;

	assert_ok(cluster_parse("c.yaml", view_text(FILE_TEXT), &c, &e));
	*state = &c;
	return 0;
}

static int unload(void **state)
{
	cluster_drop(*state);
	return 0;
}

/* The selectors that one line has between spaces. */
static int add_all(struct selection *s, const char *line, struct err *e)
{
	char text[256], *rest = text;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word; (word = strsep(&rest, " "));)
		TRY(selection_add(s, word, e));
	return 0;
}

static const struct {
	const char *selectors, *chosen;
} choices[] = {
	{ "eu-2", "eu-2" },
	{ "eu-2,here", "eu-2 here" },
	{ "here eu-2", "eu-2 here" },
	{ "eu-*", "eu-1 eu-2 eu-3 eu-4" },
	{ "?u-?", "eu-1 eu-2 eu-3 eu-4" },
	{ "?s-?", "us-1 us-2" },
	{ "*", "eu-1 eu-2 eu-3 eu-4 us-1 us-2 here" },
	{ "*-2", "eu-2 us-2" },
	{ "region=eu", "eu-1 eu-2 eu-3 eu-4" },
	{ "region=*", "eu-1 eu-2 eu-3 eu-4 us-1 us-2" },
	{ "region!=*", "here" },
	{ "region!=eu", "us-1 us-2 here" },
	{ "region=?u", "eu-1 eu-2 eu-3 eu-4" },
	{ "region=eu,role!=canary", "eu-1 eu-2 eu-3" },
	{ "role!=canary,region=eu", "eu-1 eu-2 eu-3" },
	{ "region=eu,role=canary", "eu-4" },
	{ "region=eu region=us", "eu-1 eu-2 eu-3 eu-4 us-1 us-2" },
	{ "region=eu,eu-1,us-1", "eu-1" },
	{ "role!=nobody", "eu-1 eu-2 eu-3 eu-4 us-1 us-2 here" },
	{ "@failed", "eu-2 us-1" },
	{ "@failed,@gone", "eu-2 eu-3 us-1" },
	{ "@failed,region=eu", "eu-2" },
	{ "@failed,us-*,eu-2,region=us", "us-1" },
	{ "@ready", "eu-1 eu-4 here" },
	{ "@not-ready", "us-2" },
	{ "@old", "" },
	{ "@local", "here" },
	{ "@local,@ready", "here" },
	{ "@local,@gone", "" },
	{ "@local @gone", "eu-3 here" },
};

static void a_selector_chooses(void **state)
{
	const struct cluster *c = *state;
	struct err e;

	assert_int_equal(c->node_count, COUNT(states));
	for (size_t i = 0; i < COUNT(choices); i++) {
		AUTO(selection) struct selection s = { 0 };
		AUTO(buf) struct buf chosen = BUF_INIT(256);

		print_message("%s\n", choices[i].selectors);
		assert_ok(add_all(&s, choices[i].selectors, &e));
		for (size_t n = 0; n < c->node_count; n++)
			if (selection_has(&s, &c->nodes[n], states[n]))
				assert_ok(buf_add_format(&chosen, &e, "%s%s", chosen.len ? " " : "",
				                         c->nodes[n].name));
		assert_string_equal(buf_text(&chosen), choices[i].chosen);
		assert_ok(selection_check(&s, c, &e));
		assert_int_equal(selection_has_states(&s),
		                 strchr(choices[i].selectors, '@') != NULL &&
		                     strcmp(choices[i].selectors, "@local") != 0);
	}
}

static void none_is_all_and_an_unknown_state_may_be_any(void **state)
{
	AUTO(selection) struct selection none = { 0 }, old = { 0 };
	const struct cluster *c = *state;
	struct err e;

	assert_true(selection_has(&none, &c->nodes[0], 0));
	assert_ok(selection_add(&old, "@old", &e));
	assert_false(selection_has(&old, &c->nodes[0], 0));
	assert_true(selection_has(&old, &c->nodes[0], SELECT_STATE_UNKNOWN));
}

static const struct {
	const char *selector, *words;
} malformed[] = {
	{ "",
	  "selector '', character 1: expected a node's name, a label, or a state, found nothing" },
	{ "a,", "selector 'a,', character 3: expected a node's name" },
	{ ",a", "selector ',a', character 1: expected a node's name" },
	{ "a,,b", "selector 'a,,b', character 3: expected a node's name" },
	{ "a b", "selector 'a b', character 2: expected a node's name, a label, or a state, found "
	         "another character" },
	{ "a,b/c", "character 4: expected a node's name" },
	{ "a[1]", "character 2: expected a node's name, a label, or a state, found a bracket; "
	          "wildcards here are * and ? (teectl(1), SELECTORS)" },
	{ "!a", "character 1: " },
	{ "=eu", "selector '=eu', character 1: expected a label's name, found nothing" },
	{ "!=eu", "character 1: expected a label's name, found nothing" },
	{ "re*=eu", "character 3: expected a label's name, found another character" },
	{ "region=", "selector 'region=', character 8: expected a label's value, found nothing" },
	{ "region!=", "character 9: expected a label's value, found nothing" },
	{ "region==eu", "character 8: expected a label's value, found another character" },
	{ "eu-1,region=a=b", "character 14: expected a label's value, found another character" },
	{ "@", "selector '@', character 2: expected a state, found nothing" },
	{ "@faild", "selector '@faild', character 1: no state is called that; did you mean "
	            "'@failed'?" },
	{ "a,@everything", "character 3: expected one of @ready, @not-ready, @waiting, @failed, "
	                   "@gone, @old, @local, found another word" },
	{ "@re*", "character 4: expected a state, found another character" },
};

static void what_is_no_selector_is_refused_with_its_place(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(malformed); i++) {
		AUTO(selection) struct selection s = { 0 };

		print_message("%s\n", malformed[i].selector);
		assert_refused(selection_add(&s, malformed[i].selector, &e), ERR_USAGE,
		               malformed[i].words);
	}
}

static const struct {
	const char *selectors, *words;
} unmatched[] = {
	{ "eu-9", "'c.yaml' has no node 'eu-9'; did you mean 'eu-1'?" },
	{ "nowhere.example", "'c.yaml' has no node 'nowhere.example'" },
	{ "eu-1,us-9", "has no node 'us-9'; did you mean 'us-1'?" },
	{ "eu-1,ap-*", "has no node 'ap-*'" },
	{ "regoin=eu", "no node of 'c.yaml' has a label 'regoin'; did you mean 'region'?" },
	{ "rack!=4", "no node of 'c.yaml' has a label 'rack'" },
	{ "role=canaray", "has role=canaray; did you mean role=canary?" },
	{ "region=antarctica", "no node of 'c.yaml' has region=antarctica; one has region=eu" },
	{ "region=us,role=canary", "no node of 'c.yaml' matches 'region=us,role=canary'" },
	{ "region=us,eu-1", "no node of 'c.yaml' matches 'region=us,eu-1'" },
	{ "eu-1 region=us,eu-2", "no node of 'c.yaml' matches 'region=us,eu-2'" },
	{ "@local,@failed,region=eu", "no node of 'c.yaml' matches" },
	{ "eu-1,eu-1", "node 'eu-1' is named twice" },
	{ "eu-1 us-1 eu-1", "node 'eu-1' is named twice" },
};

static void what_no_node_has_is_refused_with_the_nearest(void **state)
{
	const struct cluster *c = *state;
	struct err e;

	for (size_t i = 0; i < COUNT(unmatched); i++) {
		AUTO(selection) struct selection s = { 0 };

		print_message("%s\n", unmatched[i].selectors);
		assert_ok(add_all(&s, unmatched[i].selectors, &e));
		assert_refused(selection_check(&s, c, &e), ERR_USAGE, unmatched[i].words);
	}
}

static void terms_are_bounded(void **state)
{
	AUTO(selection) struct selection s = { 0 };
	static char text[2 * SELECTOR_TERMS_MAX + 2];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? ',' : 'a';
	text[2 * SELECTOR_TERMS_MAX - 1] = 0;
	assert_ok(selection_add(&s, text, &e));
	assert_int_equal(s.items[0].count, SELECTOR_TERMS_MAX);
	text[2 * SELECTOR_TERMS_MAX - 1] = ',';
	text[2 * SELECTOR_TERMS_MAX + 1] = 0;
	assert_refused(selection_add(&s, text, &e), ERR_USAGE, "more than 4096 terms");
}

/* A matcher that tries again at every star would not end. */
static void stars_cost_no_more_than_glob_times_name(void **state)
{
	char name[CLUSTER_NAME_MAX + 1], glob[2 * CLUSTER_NAME_MAX + 2];

	(void)state;
	memset(name, 'a', CLUSTER_NAME_MAX);
	name[CLUSTER_NAME_MAX] = 0;
	for (size_t i = 0; i < CLUSTER_NAME_MAX; i++)
		memcpy(glob + 2 * i, "*a", 2);
	memcpy(glob + 2 * CLUSTER_NAME_MAX - 2, "*b", 3);
	assert_false(select_glob(glob, name));
	memcpy(glob + 2 * CLUSTER_NAME_MAX - 2, "*a", 3);
	assert_true(select_glob(glob, name));
	assert_true(select_glob("**", ""));
	assert_false(select_glob("?", ""));
	assert_false(select_glob("", "a"));
	assert_true(select_glob("a*b*c", "a-b-b-c"));
	assert_false(select_glob("a*b*c", "a-b-b-c-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_selector_chooses),
		cmocka_unit_test(none_is_all_and_an_unknown_state_may_be_any),
		cmocka_unit_test(what_is_no_selector_is_refused_with_its_place),
		cmocka_unit_test(what_no_node_has_is_refused_with_the_nearest),
		cmocka_unit_test(terms_are_bounded),
		cmocka_unit_test(stars_cost_no_more_than_glob_times_name),
	};

	return cmocka_run_group_tests(tests, load, unload);
}

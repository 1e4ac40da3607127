/* One model, four writers: what they write of a small way. */
#include "orchestrate/graph.h"

#include "base/file.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The names are a journal's, and may be anything. */
static struct graph_node nodes[] = {
	{ .name = "tee1",
	  .detail = "i-1",
	  .from = GRAPH_NONE,
	  .is_from_shares = true,
	  .is_doubled = true },
	{ .name = "tee\"2\\<&>",
	  .detail = "",
	  .from = 0,
	  .round = 1,
	  .took_us = 12400,
	  .is_doubled = true },
	{ .name = "tee3\n\033[31m",
	  .detail = "",
	  .from = 1,
	  .is_claimed = true,
	  .round = 2,
	  .took_us = -5000 }, /* as little known as 0 */
	{ .name = "tee4",
	  .detail = "i-4",
	  .from = 0,
	  .took_us = 900,
	  .is_retired = true,
	  .is_earlier = true },
	{ .name = "alone", .detail = "", .from = GRAPH_NONE, .is_earlier = true },
};
static const struct graph small = { .title = "lineage", .nodes = nodes, .count = COUNT(nodes) };

static void check(int (*write)(const struct graph *, struct buf *, struct err *),
                  const char *golden)
{
	AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);
	struct err e;

	assert_int_equal(write(&small, &text, &e), 0);
	assert_string_equal(buf_text(&text), golden);
}

static void text_is_a_tree(void **state)
{
	(void)state;
	check(graph_text, "tee1, from the members' shares\n"
	                  "├─ tee\"2\\<&> (round 1, 12 ms)\n"
	                  "│  └─ tee3??[31m (round 2, claimed)\n"
	                  "└─ tee4, retired, earlier (1 ms)\n"
	                  "alone, earlier\n");
}

static void dot_quotes_what_it_is_given(void **state)
{
	(void)state;
	check(graph_dot, "digraph lineage {\n"
	                 "  shares [shape=box, label=\"members' shares\"];\n"
	                 "  t0 [label=\"tee1\\ni-1\", peripheries=2];\n"
	                 "  shares -> t0 [style=solid];\n"
	                 "  t1 [label=\"tee\\\"2\\\\<&>\", peripheries=2];\n"
	                 "  t0 -> t1 [style=solid, label=\"round 1, 12 ms\"];\n"
	                 "  t2 [label=\"tee3??[31m\"];\n"
	                 "  t1 -> t2 [style=dashed, label=\"round 2, claimed\"];\n"
	                 "  t3 [label=\"tee4\\ni-4\\nretired, earlier\"];\n"
	                 "  t0 -> t3 [style=solid, label=\"1 ms\"];\n"
	                 "  t4 [label=\"alone\\nearlier\"];\n"
	                 "}\n");
}

static void mermaid_has_entities(void **state)
{
	(void)state;
	check(graph_mermaid, "flowchart LR\n"
	                     "  shares([\"members&#39; shares\"])\n"
	                     "  t0[[\"tee1\"]]\n"
	                     "  shares --> t0\n"
	                     "  t1[[\"tee&quot;2\\&lt;&amp;&gt;\"]]\n"
	                     "  t0 -->|round 1, 12 ms| t1\n"
	                     "  t2[\"tee3??&#91;31m\"]\n"
	                     "  t1 -.->|round 2, claimed| t2\n"
	                     "  t3[\"tee4, retired, earlier\"]\n"
	                     "  t0 -->|1 ms| t3\n"
	                     "  t4[\"alone, earlier\"]\n");
}

static void svg_is_whole_and_has_the_times(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);
	AUTO(buf) struct buf golden = BUF_INIT(GRAPH_MAX);
	struct err e;

	(void)state;
	assert_int_equal(graph_svg(&small, &text, &e), 0);
	assert_int_equal(file_read(VECTORS "/graph/small.svg", &golden, &e), 0);
	assert_string_equal(buf_text(&text), buf_text(&golden));
}

/* By a parser of others: which of the two is here. */
static bool is_xml(struct view text)
{
	FILE *parser = popen("if command -v xmllint >/dev/null; then xmllint --noout -; else "
	                     "python3 -c 'import sys, xml.parsers.expat as x; "
	                     "x.ParserCreate().Parse(sys.stdin.buffer.read(), True)'; fi",
	                     "w");

	assert_non_null(parser);
	assert_int_equal(fwrite(text.data, 1, text.len, parser), text.len);
	return pclose(parser) == 0;
}

/* U+009B, U+202E, a bare 0x9B, an overlong slash, U+FFFF and one of four bytes, beside what is
 * well. */
static void a_name_of_any_bytes_is_drawn_in_well_formed_text(void **state)
{
	static char bad[] = "a\xc2\x9b"
	                    "b\xe2\x80\xae"
	                    "c\x9b"
	                    "d\xc0\xaf"
	                    "e\xef\xbf\xbf"
	                    "f\xf3\xa0\x80\x81g\xc3\xab&\xe2\x82\xac";
	static int (*const writers[])(const struct graph *, struct buf *,
	                              struct err *) = { graph_text, graph_dot, graph_mermaid,
		                                        graph_svg };
	struct graph_node node = { .name = bad, .detail = bad, .from = GRAPH_NONE };
	const struct graph g = { .title = "lineage", .nodes = &node, .count = 1 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(writers); i++) {
		AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);

		assert_int_equal(writers[i](&g, &text, &e), 0);
		assert_true(utf8_is_valid(buf_view(&text)));
		assert_non_null(strstr(buf_text(&text), "a?b?c?d??e?f?g\xc3\xab&"));
		assert_non_null(strstr(buf_text(&text), "\xe2\x82\xac"));
		for (const char *at = buf_text(&text); *at; at++)
			assert_true(*at == '\n' || !text_control(at));
		assert_int_equal(is_xml(buf_view(&text)), writers[i] == graph_svg);
	}
}

static void a_chain_of_any_length_is_drawn(void **state)
{
	enum { LENGTH = 3000 };
	struct graph_node *chain = calloc(LENGTH, sizeof(*chain));
	const struct graph g = { .title = "plan", .nodes = chain, .count = LENGTH };
	AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);
	struct err e;

	(void)state;
	assert_non_null(chain);
	for (size_t i = 0; i < LENGTH; i++) {
		static char name[] = "tee", none[] = "";

		chain[i] = (struct graph_node){ .name = name,
			                        .detail = none,
			                        .from = i ? i - 1 : GRAPH_NONE };
	}
	assert_int_equal(graph_text(&g, &text, &e), 0);
	assert_int_equal(graph_svg(&g, &text, &e), 0);
	assert_int_equal(graph_dot(&g, &text, &e), 0);
	free(chain);
}

static void a_plan_has_rounds_and_who_brings_the_key(void **state)
{
	char names[3][8] = { "tee1", "tee2", "tee3" };
	struct cluster_node cluster_nodes[3] = { { .name = names[0] },
		                                 { .name = names[1] },
		                                 { .name = names[2] } };
	const struct cluster cluster = { .nodes = cluster_nodes, .node_count = 3 };
	struct step steps[] = {
		{ .kind = STEP_FORWARD, .node = 0, .source = 2, .round = 2 },
		{ .kind = STEP_INJECT, .node = 2, .source = SOURCE_NONE },
		{ .kind = STEP_PROVE, .node = 1, .source = SOURCE_NONE },
		{ .kind = STEP_FORWARD, .node = 1, .source = SOURCE_NONE }, /* it can't be done */
	};
	const struct plan plan = { .steps = steps, .count = COUNT(steps) };
	AUTO(graph) struct graph g = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(GRAPH_MAX);
	struct err e;

	(void)state;
	assert_int_equal(graph_of_plan(&cluster, &plan, &g, &e), 0);
	assert_int_equal(graph_text(&g, &text, &e), 0);
	assert_string_equal(buf_text(&text), "tee3, from the members' shares\n└─ tee1 (round 2)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_a_tree),
		cmocka_unit_test(dot_quotes_what_it_is_given),
		cmocka_unit_test(mermaid_has_entities),
		cmocka_unit_test(svg_is_whole_and_has_the_times),
		cmocka_unit_test(a_name_of_any_bytes_is_drawn_in_well_formed_text),
		cmocka_unit_test(a_chain_of_any_length_is_drawn),
		cmocka_unit_test(a_plan_has_rounds_and_who_brings_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

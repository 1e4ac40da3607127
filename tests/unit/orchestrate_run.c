/* One run: what it needs before the first node is asked, what it tells, and whom it may ask. */
#include "client_support.h"
#include "cluster_support.h"

#include "base/clock.h"
#include "orchestrate/run.h"

struct stage {
	char folder[128];
	struct cluster_node nodes[2];
	struct cluster cluster;
	char told[512];
	bool may_not;
	size_t asked_may;
};

static void stage_drop(struct stage *g)
{
	folder_clear(g->folder);
}

static void take_event(void *context, const struct event *event)
{
	struct stage *g = context;

	snprintf(g->told, sizeof(g->told), "%s%s%s", event->node ? event->node : "",
	         event->node ? ": " : "", event->text);
}

static int may(void *context, bool is_step, struct err *e)
{
	struct stage *g = context;

	assert_false(is_step);
	g->asked_may++;
	return g->may_not ? err_set(e, ERR_NOT_DESIRED, "another leads now") : 0;
}

/* tee1 is at url, tee2 is launched here and does not run. */
static void stage_fill(struct stage *g, char *url)
{
	static char names[2][8] = { "tee1", "tee2" }, name[] = "demo", listen[] = "127.0.0.1:0";

	*g = (struct stage){ .nodes = { { .name = names[0], .url = url },
		                        { .name = names[1], .listen = listen } } };
	folder_new(g->folder, sizeof(g->folder));
	g->cluster.name = name;
	g->cluster.nodes = g->nodes;
	g->cluster.node_count = 2;
	g->cluster.connect_timeout_ms = 2000;
	g->cluster.request_timeout_ms = 2000;
	g->cluster.retry_attempts = 1;
	g->cluster.retry_base_ms = g->cluster.retry_max_ms = 1;
}

static struct run_options options_of(struct stage *g)
{
	return (struct run_options){ .state_folder = g->folder,
		                     .verb = "test",
		                     .timeout_ms = 20000,
		                     .interrupt_fd = -1,
		                     .on_event = take_event,
		                     .event_context = g,
		                     .may = may,
		                     .may_context = g };
}

#define STATUS                                                                                     \
	"{\"status\":\"WaitingForBootInstruction\",\"phase\":\"WaitingForBootInstruction\","       \
	"\"timestamp\":\"2026-01-01T00:00:00Z\",\"version\":\"1\",\"instance_id\":\"a\","          \
	"\"uptime_ms\":1,\"quorum_key_available\":false,\"debug\":false,\"threshold\":null,"       \
	"\"members\":null,\"shares_received\":0,\"shares_missing\":[],\"manifest_hash\":null,"     \
	"\"quorum_public_key\":null,\"namespace\":null}"

static void a_run_begins_with_a_look_at_every_node(void **state)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(stage) struct stage g = { 0 };
	struct server *server = server_start(SCRIPT({ ANSWER, http("200 OK", "", STATUS) }));
	struct run_options options;
	struct err e;

	(void)state;
	stage_fill(&g, server->url);
	options = options_of(&g);
	assert_ok(run_open(&g.cluster, &options, &r, &e));
	assert_int_equal(r.seen.count, 2);
	if (r.seen.nodes[0].presence != NODE_PRESENT)
		fail_msg("%s", r.seen.nodes[0].why.text);
	assert_int_equal(node_standing(&r.seen, 0), STANDS_EMPTY);
	assert_int_equal(r.seen.nodes[1].presence, NODE_ABSENT);
	/* What is left of the time is the steps'; the last look's is kept back. */
	assert_in_range(r.deadline_ms, clock_monotonic_ms() + 10000,
	                clock_monotonic_ms() + 20000 - r.look_ms);
	run_drop(&r);
	server_drop(&server);
}

static void the_one_that_it_is_about_is_asked_alone(void **state)
{
	static const bool chosen[] = { false, true };
	AUTO(run) struct run r = RUN_INIT;
	AUTO(stage) struct stage g = { 0 };
	struct server *server = server_start(SCRIPT({ ANSWER, http("200 OK", "", STATUS) }));
	struct run_options options;
	struct err e;

	(void)state;
	stage_fill(&g, server->url);
	options = options_of(&g);
	options.chosen = chosen;
	assert_ok(run_open(&g.cluster, &options, &r, &e));
	assert_int_equal(server->request_count, 0);
	/* Nothing is known of the other: it may have the key. */
	assert_int_equal(r.seen.nodes[0].presence, NODE_UNREACHABLE);
	assert_int_equal(r.seen.nodes[0].why.code, ERR_NOT_DESIRED);
	assert_string_equal(r.seen.nodes[0].why.text, "tee1 was not asked");
	run_drop(&r);
	server_drop(&server);
}

static void on_done(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	size_t *done = context;

	(void)reply;
	(void)elapsed_us;
	*done += failure == NULL;
}

static void a_node_without_an_address_is_not_asked_and_a_run_asks_whether_it_may(void **state)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(stage) struct stage g = { 0 };
	struct server *server = server_start(SCRIPT({ ANSWER, http("200 OK", "", STATUS) }));
	struct run_options options;
	size_t done = 0;
	struct err e;

	(void)state;
	stage_fill(&g, server->url);
	options = options_of(&g);
	assert_ok(run_open(&g.cluster, &options, &r, &e));
	assert_int_equal(g.asked_may, 0); /* a look changes nothing */
	assert_refused(run_exchange(&r, 1, API_STATUS, NULL, on_done, &done, &e), ERR_UNREACHABLE,
	               "tee2");
	assert_ok(run_query(&r, 0, API_STATUS, "from=7", on_done, &done, &e));
	assert_int_equal(g.asked_may, 2);
	assert_ok(client_run(r.client, clock_monotonic_ms() + 5000, -1, NULL, NULL, &e));
	assert_int_equal(done, 1);
	assert_non_null(strstr(server->requests[1], "?from=7"));
	g.may_not = true;
	assert_refused(run_exchange(&r, 0, API_STATUS, NULL, on_done, &done, &e), ERR_NOT_DESIRED,
	               "another leads now");
	run_drop(&r);
	server_drop(&server);
}

static void what_happens_is_told_with_its_node(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct run r = RUN_INIT;

	(void)state;
	stage_fill(&g, NULL);
	r.cluster = &g.cluster;
	run_note(&r, 0, "nobody hears it"); /* and nobody need */
	r.options = options_of(&g);
	run_note(&r, 1, "%d shares", 2);
	assert_string_equal(g.told, "tee2: 2 shares");
}

static void a_later_answer_takes_the_place_of_the_one_before(void **state)
{
	AUTO(run) struct run r = RUN_INIT;
	struct status_reply answer = { .phase = PHASE_READY, .has_manifest_hash = true };
	struct err e;

	(void)state;
	r.seen.nodes = calloc(1, sizeof(*r.seen.nodes));
	r.seen.count = 1;
	assert_ok(wire_set_text(&r.seen.nodes[0].status.instance_id, "before", &e));
	assert_ok(wire_set_text(&answer.instance_id, "after", &e));
	run_take_status(&r, 0, &answer);
	assert_string_equal(buf_text(&r.seen.nodes[0].status.instance_id), "after");
	assert_int_equal(r.seen.nodes[0].status.phase, PHASE_READY);
	assert_true(view_is_zero(view_new(&answer, sizeof(answer)))); /* it is the run's now */
}

/* libcurl would say at each request what is wrong with them. */
static void our_side_of_tls_is_looked_at_before_anyone_is_asked(void **state)
{
	char folder[128], cert[256], key[256];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(cert, sizeof(cert), "%s/c.pem", folder);
	snprintf(key, sizeof(key), "%s/k.pem", folder);
	assert_ok(run_check_credentials("tls", NULL, NULL, NULL, &e));
	assert_refused(run_check_credentials("tls", cert, NULL, NULL, &e), ERR_NO_INPUT,
	               "tls.ca of the cluster file: there is no '");
	assert_string_equal(e.reason, CLIENT_TLS_FILE);
	assert_refused(run_check_credentials("state", NULL, cert, key, &e), ERR_NO_INPUT,
	               "state.cert of the cluster file");
	assert_ok(file_write(cert, view_text("x"), 0644, &e));
	assert_refused(run_check_credentials("tls", NULL, cert, key, &e), ERR_NO_INPUT, "tls.key");
	assert_ok(file_write(key, view_text("x"), 0644, &e));
	assert_refused(run_check_credentials("tls", NULL, cert, key, &e), ERR_DATA,
	               "tls.key of the cluster file");
	folder_clear(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_begins_with_a_look_at_every_node),
		cmocka_unit_test(the_one_that_it_is_about_is_asked_alone),
		cmocka_unit_test(
		    a_node_without_an_address_is_not_asked_and_a_run_asks_whether_it_may),
		cmocka_unit_test(what_happens_is_told_with_its_node),
		cmocka_unit_test(a_later_answer_takes_the_place_of_the_one_before),
		cmocka_unit_test(our_side_of_tls_is_looked_at_before_anyone_is_asked),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

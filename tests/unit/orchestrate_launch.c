/* launch: which of a plan's enclaves are started, together, and when none is. The hypervisor is a
 * script; how one is started and stopped is cluster_launcher.c's. */
#include "cluster_support.h"

#include "base/clock.h"
#include "cluster/launcher.h"
#include "crypto/certificate.h"
#include "orchestrate/execute.h"

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stands in for teectl-hv, found on the PATH; it leaves a file by its node's name. */
#define SCRIPT                                                                                     \
	"#!/bin/sh\ncd '%s' || exit 1\n"                                                           \
	"for a; do case $a in --instance=*) node=${a#*=}; esac; done\n: >\"started.$node\"\n"
#define READY "echo listening on 127.0.0.1:4711\nexec tail -f /dev/null >/dev/null\n"

#define NODES 3

struct stage {
	char folder[128], told[1024];
	struct cluster cluster;
	struct run run;
	struct step steps[NODES];
	struct plan plan;
	char *old_path;
	unsigned interrupts_read;
};

static void stage_drop(struct stage *g)
{
	bool is_stopped;
	struct err e;

	if (!g->old_path)
		return; /* the test was skipped */
	for (size_t i = 0; i < g->cluster.node_count; i++)
		(void)!launcher_stop(&g->run.state, &g->cluster.nodes[i],
		                     clock_monotonic_ms() + 5000, &is_stopped, &e);
	run_drop(&g->run);
	cluster_drop(&g->cluster);
	setenv("PATH", g->old_path, 1);
	free(g->old_path);
	folder_clear(g->folder);
}

static void take_event(void *context, const struct event *event)
{
	struct stage *g = context;
	size_t len = strlen(g->told);

	if (event->kind == EVENT_STEP_DONE)
		snprintf(g->told + len, sizeof(g->told) - len, "%s: %s\n", event->node,
		         event->text);
	else if (event->kind == EVENT_STEP_FAILED)
		snprintf(g->told + len, sizeof(g->told) - len, "%s FAILED: %s\n", event->node,
		         event->text);
}

static bool on_interrupt(void *context)
{
	struct stage *g = context;
	uint64_t count;

	g->interrupts_read++;
	assert_int_equal(read(g->run.options.interrupt_fd, &count, sizeof(count)), sizeof(count));
	return true;
}

static void script_write(const struct stage *g, const char *script)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/teectl-hv", g->folder);
	assert_ok(buf_add_format(&text, &e, SCRIPT "%s", g->folder, script));
	assert_ok(file_write(path, buf_view(&text), 0700, &e));
}

static void cluster_fill(struct stage *g, const char *script)
{
	AUTO(buf) struct buf text = BUF_INIT(32768);
	char file[256], path[4096];
	struct err e;

	folder_new(g->folder, sizeof(g->folder));
	g->old_path = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%s", g->folder, g->old_path);
	setenv("PATH", path, 1);
	script_write(g, script);
	assert_ok(buf_add_format(&text, &e,
	                         "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: demo }\n"
	                         "enclave: { image: /bin/true, role: ops }\n"
	                         "quorum:\n  threshold: 2\n  members:\n"
	                         "  - { name: user1, pub: %s/qos/boot-e2e/user1.pub }\n"
	                         "  - { name: user2, pub: %s/qos/boot-e2e/user2.pub }\n"
	                         "nodes:\n  - { name: tee1, listen: \"127.0.0.1:0\" }\n"
	                         "  - { name: tee2, listen: \"127.0.0.1:0\" }\n"
	                         "  - { name: tee3, listen: \"127.0.0.1:0\" }\n",
	                         VECTORS, VECTORS));
	snprintf(file, sizeof(file), "%s/c.yaml", g->folder);
	assert_ok(cluster_parse(file, buf_view(&text), &g->cluster, &e));
}

/* A plan that launches each node of three; none runs. */
static void stage_fill(struct stage *g, const char *script)
{
	struct run_options options = { .verb = "test",
		                       .to_change = true,
		                       .timeout_ms = 20000,
		                       .interrupt_fd = -1,
		                       .on_event = take_event,
		                       .event_context = g,
		                       .on_interrupt = on_interrupt,
		                       .interrupt_context = g };
	struct err e;

	if (!HAS_PIDFD)
		skip();
	*g = (struct stage){ .run = RUN_INIT };
	cluster_fill(g, script);
	assert_ok(run_open(&g->cluster, &options, &g->run, &e));
	for (size_t i = 0; i < NODES; i++)
		g->steps[i] = (struct step){ .kind = STEP_LAUNCH,
			                     .node = i,
			                     .source = SOURCE_NONE,
			                     .needs = STEP_NONE,
			                     .after = STEP_NONE };
	g->plan = (struct plan){ .steps = g->steps, .count = NODES };
}

static bool was_started(const struct stage *g, const char *node)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/started.%s", g->folder, node);
	return file_is_there(path);
}

static struct local_node look(const struct stage *g, size_t node)
{
	struct local_node local;
	struct err e;

	assert_ok(launcher_look(&g->run.state, &g->cluster.nodes[node], &local, &e));
	return local;
}

/* As the first hypervisor does. */
static void root_make(const struct stage *g)
{
	const struct certificate_request request = { .common_name = "teectl SIMULATED root test",
		                                     .not_before_unix = 1700000000,
		                                     .not_after_unix = 4000000000,
		                                     .is_ca = true,
		                                     .path_length = -1 };
	struct signer *root = NULL;
	char path[256], key[256];
	struct err e;

	assert_ok(state_make_folder(&g->run.state, "pki", &e));
	snprintf(path, sizeof(path), "%s/pki/root.der", g->run.state.folder);
	snprintf(key, sizeof(key), "%s/pki/root.key", g->run.state.folder);
	assert_ok(signer_issue(NULL, &request, &root, &e));
	assert_ok(signer_write(root, path, key, &e));
	signer_drop(&root);
}

/* Each is ready only once the others run: one after the other, none would ever be. */
static void those_that_may_begin_begin_together(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, "for other in tee1 tee2 tee3; do\n"
	               "until [ -e started.$other ]; do :; done; done\n" READY);
	assert_ok(execute(&g.run, &g.plan, &e));
	assert_string_equal(g.told, "tee1: http://127.0.0.1:4711\ntee2: http://127.0.0.1:4711\n"
	                            "tee3: http://127.0.0.1:4711\n");
	for (size_t i = 0; i < NODES; i++) {
		assert_int_equal(g.run.seen.nodes[i].presence, NODE_PRESENT);
		assert_string_equal(g.run.seen.nodes[i].url, "http://127.0.0.1:4711");
		assert_true(look(&g, i).is_running);
	}
	assert_true(g.run.has_pcrs); /* of the image as it was before anything ran */
}

static void one_that_fails_fails_alone(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, "[ $node != tee2 ] || { echo no memory >&2; exit 1; }\n" READY);
	assert_refused(execute(&g.run, &g.plan, &e), ERR_PARTIAL, "no memory");
	assert_string_equal(g.told, "tee1: http://127.0.0.1:4711\ntee3: http://127.0.0.1:4711\n"
	                            "tee2 FAILED: tee2 ended before it was ready; its log ends: no "
	                            "memory\n");
	assert_int_equal(g.run.seen.nodes[1].presence, NODE_ABSENT);
	assert_int_equal(g.run.seen.nodes[2].presence, NODE_PRESENT);
	assert_false(look(&g, 1).is_running);
}

/* What is refused is not begun with the others, nor what waits for another, until that is done. */
static void one_that_may_not_begin_is_left_out(void **state)
{
	const struct err refusal = { .code = ERR_REFUSED, .text = "tee2 may not" };
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, "[ $node != tee1 ] || [ ! -e started.tee3 ] || exit 1\n" READY);
	root_make(&g);
	g.steps[1].refusal = &refusal;
	g.steps[2].needs = 0;
	assert_int_equal(execute(&g.run, &g.plan, &e), -1);
	assert_true(was_started(&g, "tee1"));
	assert_false(was_started(&g, "tee2"));
	assert_non_null(strstr(g.told, "tee1: http://127.0.0.1:4711\n"));
	assert_non_null(strstr(g.told, "tee3: http://127.0.0.1:4711\n"));
	assert_non_null(strstr(g.told, "tee2 FAILED: tee2 may not\n"));
}

static void one_whose_need_failed_is_not_started(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, "[ $node != tee1 ] || exit 1\n" READY);
	g.steps[1].needs = 0;
	assert_int_equal(execute(&g.run, &g.plan, &e), -1);
	assert_false(was_started(&g, "tee2"));
	assert_int_equal(g.run.seen.nodes[1].presence, NODE_ABSENT);
	assert_true(look(&g, 2).is_running);
}

static void assert_none_started(struct stage *g, enum err_code code, const char *words)
{
	struct err e;

	g->told[0] = 0;
	assert_refused(execute(&g->run, &g->plan, &e), code, words);
	for (size_t i = 0; i < NODES; i++) {
		char failed[64];

		snprintf(failed, sizeof(failed), "%s FAILED: ", g->cluster.nodes[i].name);
		assert_non_null(strstr(g->told, failed));
		assert_false(was_started(g, g->cluster.nodes[i].name));
		assert_false(look(g, i).is_running);
	}
	assert_non_null(strstr(g->told, words));
}

static void what_is_not_measured_is_not_launched(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, READY);
	memcpy(g.cluster.enclave.image, "/bin/no!!", sizeof("/bin/true"));
	assert_none_started(&g, ERR_NO_INPUT, "/bin/no!!");
	assert_false(g.run.has_pcrs);
}

/* A launch would make one, and nobody would believe the other half of the cluster. */
static void no_new_root_is_made_beside_an_old_one(void **state)
{
	const char *words = "nothing is launched under a new root beside this cluster's old one";
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, READY);
	g.run.has_pcrs = true;
	g.run.seen.has_genesis = true;
	assert_none_started(&g, ERR_NOT_DESIRED, words);
	g.run.seen.has_genesis = false;
	g.run.seen.nodes[2].presence = NODE_PRESENT;
	g.run.seen.nodes[2].status.phase = PHASE_READY;
	assert_none_started(&g, ERR_NOT_DESIRED, words);
	root_make(&g);
	assert_ok(execute(&g.run, &g.plan, &e));
	assert_true(look(&g, 0).is_running);
}

/* That of a file is not made by a launch: it is there or it is not. */
static void a_root_that_is_named_must_be_there(void **state)
{
	char nowhere[] = "/nonexistent/root.pem";
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, READY);
	g.cluster.attestation.root = ROOT_FILE;
	g.cluster.attestation.root_path = nowhere;
	assert_none_started(&g, ERR_NO_INPUT, nowhere);
	g.cluster.attestation.root_path = NULL; /* not the cluster's to free */
}

static void one_that_is_broken_is_stopped_before(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	int pids[2];
	struct err e;

	(void)state;
	stage_fill(&g, READY);
	root_make(&g);
	g.plan.count = 2;
	assert_ok(execute(&g.run, &g.plan, &e));
	pids[0] = look(&g, 0).pid;
	pids[1] = look(&g, 1).pid;
	g.run.seen.nodes[0].status.phase = PHASE_UNRECOVERABLE;
	g.run.seen.nodes[1].status.phase = PHASE_READY;
	assert_int_equal(node_standing(&g.run.seen, 0), STANDS_BROKEN);
	g.told[0] = 0;
	/* That the other one runs still is said, and it is left as it is. */
	assert_refused(execute(&g.run, &g.plan, &e), ERR_PARTIAL, "tee2 runs already");
	assert_non_null(strstr(g.told, "tee1: http://127.0.0.1:4711\n"));
	assert_true(look(&g, 0).is_running);
	assert_int_not_equal(look(&g, 0).pid, pids[0]);
	assert_int_equal(look(&g, 1).pid, pids[1]);
}

/* Else whoever waits next would take the same signal for a second one. */
static void an_interrupt_is_read_once(void **state)
{
	AUTO(fd) int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, "exec tail -f /dev/null\n");
	g.run.options.interrupt_fd = fd;
	assert_refused(execute(&g.run, &g.plan, &e), ERR_INTERRUPTED, "interrupted");
	assert_true(g.run.is_interrupted);
	assert_int_equal(g.interrupts_read, 1);
	for (size_t i = 0; i < NODES; i++)
		assert_false(look(&g, i).is_running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_may_begin_begin_together),
		cmocka_unit_test(one_that_fails_fails_alone),
		cmocka_unit_test(one_that_may_not_begin_is_left_out),
		cmocka_unit_test(one_whose_need_failed_is_not_started),
		cmocka_unit_test(what_is_not_measured_is_not_launched),
		cmocka_unit_test(no_new_root_is_made_beside_an_old_one),
		cmocka_unit_test(a_root_that_is_named_must_be_there),
		cmocka_unit_test(one_that_is_broken_is_stopped_before),
		cmocka_unit_test(an_interrupt_is_read_once),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

/* Enclaves that run and that the cluster file no longer has: the tests' own processes stand in for
 * their hypervisors. */
#include "cluster_support.h"

#include "cluster/orphans.h"
#include "cluster/pid_file.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct stage {
	char folder[128];
	struct cluster_node nodes[2];
	struct cluster cluster;
	struct state state;
	int child;
};

static void stage_drop(struct stage *g)
{
	if (g->child > 0) {
		kill(g->child, SIGKILL);
		waitpid(g->child, NULL, 0);
	}
	folder_clear(g->folder);
}

/* tee1 is launched here, tee2 is reached by a url. */
static void stage_fill(struct stage *g)
{
	static char names[2][8] = { "tee1", "tee2" }, listen[] = "127.0.0.1:0", url[] = "http://a";
	char path[256];
	struct err e;

	*g = (struct stage){ .nodes = { { .name = names[0], .listen = listen },
		                        { .name = names[1], .url = url } },
		             .state = { .lock = -1 } };
	g->cluster.nodes = g->nodes;
	g->cluster.node_count = 2;
	folder_new(g->folder, sizeof(g->folder));
	g->state.folder = g->folder;
	snprintf(path, sizeof(path), "%s/pids", g->folder);
	assert_ok(folder_make_private(path, &e));
}

static int sleeper(void)
{
	int pid = fork();

	if (pid == 0) {
		execlp("tail", "tail", "-f", "/dev/null", NULL);
		_exit(1);
	}
	assert_true(pid > 0);
	return pid;
}

static uint64_t start_of(int pid)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	char path[64];
	uint64_t start;
	struct err e;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_ok(file_read(path, &text, &e));
	assert_true(stat_parse_start(buf_text(&text), &start));
	return start;
}

static void remember(const struct stage *g, const char *name, int pid, uint64_t start)
{
	const struct pid_file p = { .pid = pid, .start = start, .address = "127.0.0.1:4711" };
	AUTO(buf) struct buf text = BUF_INIT(256);
	char path[256];
	struct err e;

	assert_ok(pid_file_format(&p, &text, &e));
	snprintf(path, sizeof(path), "%s/pids/%s", g->folder, name);
	assert_ok(file_write(path, buf_view(&text), 0600, &e));
}

static void find(const struct stage *g, struct orphans *ret)
{
	struct err e;

	orphans_drop(ret);
	assert_ok(orphans_find(&g->cluster, &g->state, ret, &e));
}

static void before_anything_was_launched_there_is_none(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(orphans) struct orphans found = { 0 };
	char path[256];

	(void)state;
	stage_fill(&g);
	find(&g, &found);
	assert_int_equal(found.count, 0);
	snprintf(path, sizeof(path), "%s/pids", g.folder);
	assert_int_equal(rmdir(path), 0);
	find(&g, &found);
	assert_int_equal(found.count, 0);
}

static void an_orphan_runs_and_no_line_of_the_file_launches_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(orphans) struct orphans found = { 0 };
	int own = getpid();

	(void)state;
	stage_fill(&g);
	g.child = sleeper();
	/* This cluster's own, one that was taken out, and one that is reached by a url now. */
	remember(&g, "tee1", own, start_of(own));
	remember(&g, "tee9", g.child, start_of(g.child));
	find(&g, &found);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].name, "tee9");
	assert_int_equal(found.items[0].pid, g.child);
	remember(&g, "tee9", g.child, start_of(g.child) + 1); /* the number was used again */
	find(&g, &found);
	assert_int_equal(found.count, 0);
	remember(&g, "tee2", g.child, start_of(g.child));
	find(&g, &found);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].name, "tee2");
}

static void a_process_is_told_of_once_by_the_name_that_it_was_given(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(orphans) struct orphans found = { 0 };
	int own = getpid();

	(void)state;
	stage_fill(&g);
	g.child = sleeper();
	/* A file whose writing was cut short has the pid of one with a name. */
	remember(&g, "tee9.tmp", g.child, start_of(g.child));
	remember(&g, "tee9", g.child, start_of(g.child));
	remember(&g, "tee1", own, start_of(own));
	remember(&g, "tee1.tmp", own, start_of(own));
	find(&g, &found);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].name, "tee9");
}

static void what_is_no_pid_file_is_nobody(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(orphans) struct orphans found = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g);
	snprintf(path, sizeof(path), "%s/pids/tee7", g.folder);
	assert_ok(file_write(path, view_text("no pid"), 0600, &e));
	snprintf(path, sizeof(path), "%s/pids/tee8", g.folder);
	assert_ok(folder_make_private(path, &e));
	remember(&g, "a name", getpid(), start_of(getpid()));
	find(&g, &found);
	assert_int_equal(found.count, 0);
}

static void they_are_in_the_order_of_their_numbers(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(orphans) struct orphans found = { 0 };
	int own = getpid();

	(void)state;
	stage_fill(&g);
	g.child = sleeper();
	remember(&g, "a", g.child, start_of(g.child));
	remember(&g, "b", own, start_of(own));
	find(&g, &found);
	assert_int_equal(found.count, 2);
	assert_true(found.items[0].pid < found.items[1].pid);
	assert_string_equal(found.items[own < g.child ? 0 : 1].name, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_anything_was_launched_there_is_none),
		cmocka_unit_test(an_orphan_runs_and_no_line_of_the_file_launches_it),
		cmocka_unit_test(a_process_is_told_of_once_by_the_name_that_it_was_given),
		cmocka_unit_test(what_is_no_pid_file_is_nobody),
		cmocka_unit_test(they_are_in_the_order_of_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

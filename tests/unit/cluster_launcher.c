#include "cluster_support.h"

#include "base/clock.h"
#include "cluster/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stands in for teectl-hv, found on the PATH; $PWD is gone, so it is told where to write. */
#define SCRIPT "#!/bin/sh\ncd '%s' || exit 1\n"
/* tail ends when nobody reads its output any more, as nobody does after the line. */
#define WAITS "exec tail -f /dev/null >/dev/null\n"
#define READY "echo listening on 127.0.0.1:4711\n" WAITS

struct stage {
	char folder[128];
	struct cluster cluster;
	struct state state;
	char *old_path;
};

static void stage_drop(struct stage *g)
{
	struct err e;
	bool is_stopped;

	for (size_t i = 0; i < g->cluster.node_count; i++)
		if (g->cluster.nodes[i].listen)
			(void)!launcher_stop(&g->state, &g->cluster.nodes[i],
			                     clock_monotonic_ms() + 5000, &is_stopped, &e);
	cluster_drop(&g->cluster);
	state_drop(&g->state);
	setenv("PATH", g->old_path, 1);
	free(g->old_path);
	folder_clear(g->folder);
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

/* Two nodes here and one elsewhere. */
static struct stage stage_new(const char *script, const char *more)
{
	AUTO(fd) int own = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (own < 0 && errno == ENOSYS)
		skip(); /* valgrind 3.19 does not know the call */

	AUTO(buf) struct buf text = BUF_INIT(32768);
	struct stage g = { .state = { .lock = -1 } };
	char file[256], path[4096];
	struct err e;

	folder_new(g.folder, sizeof(g.folder));
	g.old_path = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%s", g.folder, g.old_path);
	setenv("PATH", path, 1);
	script_write(&g, script);
	assert_ok(buf_add_format(&text, &e,
	                         "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: demo }\n"
	                         "enclave: { image: image, role: ops, insecureOpenSeed: true }\n"
	                         "quorum:\n  threshold: 2\n  members:\n"
	                         "  - { name: user1, pub: %s/qos/boot-e2e/user1.pub }\n"
	                         "  - { name: user2, pub: %s/qos/boot-e2e/user2.pub }\n"
	                         "nodes:\n  - { name: tee1, listen: \"127.0.0.1:0\" }\n"
	                         "  - { name: tee2, listen: \"127.0.0.1:0\" }\n"
	                         "  - { name: tee3, url: \"https://tee3.example:8443\" }\n%s",
	                         VECTORS, VECTORS, more));
	snprintf(file, sizeof(file), "%s/c.yaml", g.folder);
	assert_ok(cluster_parse(file, buf_view(&text), &g.cluster, &e));
	assert_ok(file_write(g.cluster.enclave.image, view_text("an image"), 0700, &e));
	assert_ok(state_open(&g.cluster, NULL, true, "test", &g.state, &e));
	return g;
}

static void start(const struct stage *g, size_t count, int64_t ms, struct launch_result *results)
{
	static const size_t nodes[] = { 0, 1 };
	struct err e;

	assert_ok(launcher_start(&g->cluster, &g->state, nodes, count, clock_monotonic_ms() + ms,
	                         -1, results, &e));
}

static struct local_node look(const struct stage *g, size_t node)
{
	struct local_node local;
	struct err e;

	assert_ok(launcher_look(&g->state, &g->cluster.nodes[node], &local, &e));
	return local;
}

static void assert_url(const struct stage *g, size_t node, const char *expected)
{
	AUTO(text) char *url = NULL;
	struct err e;

	assert_ok(launcher_url(&g->cluster, &g->state, &g->cluster.nodes[node], &url, &e));
	assert_string_equal(url, expected);
}

/* A file that the script wrote. */
static struct buf written(const struct stage *g, const char *name)
{
	struct buf b = BUF_INIT(65536);
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	assert_ok(file_read(path, &b, &e));
	return b;
}

static bool is_alive(int pid)
{
	return kill(pid, 0) == 0;
}

static void nodes_are_started_found_and_stopped(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	struct launch_result results[2];
	AUTO(text) char *url = NULL;
	bool is_stopped;
	struct err e;

	(void)state;
	assert_false(look(&g, 0).is_running);
	assert_refused(launcher_url(&g.cluster, &g.state, &g.cluster.nodes[0], &url, &e),
	               ERR_UNREACHABLE, "tee1 is not running");
	start(&g, 2, 10000, results);
	for (size_t i = 0; i < 2; i++) {
		struct local_node local = look(&g, i);

		assert_true(results[i].is_started);
		assert_true(local.is_running);
		assert_string_equal(local.address, "127.0.0.1:4711");
		assert_url(&g, i, "http://127.0.0.1:4711");
		assert_ok(launcher_stop(&g.state, &g.cluster.nodes[i], clock_monotonic_ms() + 5000,
		                        &is_stopped, &e));
		assert_true(is_stopped);
		assert_false(is_alive(local.pid));
		assert_false(look(&g, i).is_running);
		assert_ok(launcher_stop(&g.state, &g.cluster.nodes[i], clock_monotonic_ms() + 5000,
		                        &is_stopped, &e));
		assert_false(is_stopped);
	}
	assert_url(&g, 2, "https://tee3.example:8443");
}

static void a_hypervisor_is_told_what_the_file_says(void **state)
{
	AUTO(stage)
	struct stage g = stage_new("printf '%s\\n' \"$@\" >args\n" READY,
	                           "tls: { server: { cert: c.pem, key: c.key } }\n");
	AUTO(buf) struct buf expected = BUF_INIT(4096);
	AUTO(cluster_options) char **options = NULL;
	struct launch_result result;
	struct err e;

	(void)state;
	assert_ok(file_write(g.cluster.tls.server_cert, view_text("c"), 0644, &e));
	assert_ok(file_write(g.cluster.tls.server_key, view_text("k"), 0600, &e));
	start(&g, 1, 10000, &result);
	assert_true(result.is_started);
	assert_url(&g, 0, "https://127.0.0.1:4711");
	AUTO(buf) struct buf args = written(&g, "args");

	assert_ok(buf_add_format(&expected, &e,
	                         "--image=%s/image\n--listen=127.0.0.1:0\n--instance=tee1\n"
	                         "--pki=%s/pki\n--role=ops\n",
	                         g.folder, g.state.folder));
	assert_ok(cluster_options(&g.cluster, &options, &e));
	for (char **o = options; *o; o++)
		assert_ok(buf_add_format(&expected, &e, "%s\n", *o));
	assert_string_equal(buf_text(&args), buf_text(&expected));
}

/* Nothing of ours: no environment but the log level, no descriptor, no terminal, no signal mask. */
static void a_hypervisor_inherits_nothing(void **state)
{
	AUTO(stage)
	struct stage g =
	    stage_new("tr '\\0' '\\n' </proc/$$/environ >environment\nls /proc/$$/fd >descriptors\n"
	              "readlink /proc/$$/fd/0 >input\ncut -d' ' -f6 /proc/$$/stat >session\n"
	              "grep SigBlk /proc/self/status >signals\necho $$ >pid\n" READY,
	              "");
	int leak = fcntl(STDOUT_FILENO, F_DUPFD, 50);
	struct launch_result result;
	sigset_t mask, old;

	(void)state;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, &old);
	setenv("TEECTL_LOG", "debug", 1);
	setenv("LD_PRELOAD_FOR_TEST", "x", 1);
	start(&g, 1, 10000, &result);
	unsetenv("TEECTL_LOG");
	unsetenv("LD_PRELOAD_FOR_TEST");
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_true(result.is_started);

	AUTO(buf) struct buf environment = written(&g, "environment");
	AUTO(buf) struct buf descriptors = written(&g, "descriptors");
	AUTO(buf) struct buf input = written(&g, "input");
	AUTO(buf) struct buf session = written(&g, "session");
	AUTO(buf) struct buf signals = written(&g, "signals");
	AUTO(buf) struct buf pid = written(&g, "pid");
	char leaked[16];

	assert_string_equal(buf_text(&environment), "TEECTL_LOG=debug\n");
	snprintf(leaked, sizeof(leaked), "%d\n", leak);
	assert_true(leak >= 50);
	assert_null(strstr(buf_text(&descriptors), leaked));
	assert_string_equal(buf_text(&input), "/dev/null\n");
	assert_string_equal(buf_text(&session), buf_text(&pid));
	/* Of grep, which has the mask that the shell was started with; SIGINT is bit 1. */
	assert_string_equal(buf_text(&signals) + signals.len - 2, "0\n");
	close(leak);
}

static void one_that_ends_fails_with_the_end_of_its_log(void **state)
{
	AUTO(stage) struct stage g = stage_new("echo an older line >&2\nexit 1\n", "");
	struct launch_result result;

	(void)state;
	start(&g, 1, 10000, &result);
	script_write(&g, "echo first >&2\necho no such image >&2\nexit 66\n");
	start(&g, 1, 10000, &result);
	assert_false(result.is_started);
	assert_int_equal(result.failure.code, ERR_UNREACHABLE);
	assert_string_equal(result.failure.text, "tee1 ended before it was ready; its log ends: "
	                                         "no such image");
	assert_false(look(&g, 0).is_running);
}

/* The cause stands at a line's end. */
static void of_a_long_last_line_beginning_and_end_are_told(void **state)
{
	AUTO(stage)
	struct stage g =
	    stage_new("printf 'before\\nit begins %0300d: the cause\\n\\n' 0 >&2\nexit 1\n", "");
	struct launch_result result;
	const char *text = result.failure.text;

	(void)state;
	start(&g, 1, 10000, &result);
	assert_false(result.is_started);
	assert_non_null(
	    strstr(text, "tee1 ended before it was ready; its log ends: it begins 0000"));
	assert_non_null(strstr(text, "0 ... 0"));
	assert_string_equal(text + strlen(text) - strlen("0: the cause"), "0: the cause");
}

static void one_failure_is_not_the_others(void **state)
{
	AUTO(stage)
	struct stage g = stage_new("case \"$*\" in *=tee1\\ *) exit 1;; esac\n" READY, "");
	struct launch_result results[2];

	(void)state;
	start(&g, 2, 10000, results);
	assert_false(results[0].is_started);
	assert_true(results[1].is_started);
}

static void one_that_says_something_else_is_stopped(void **state)
{
	AUTO(stage) struct stage g = stage_new("echo $$ >pid\necho hello\n" WAITS, "");
	struct launch_result result;
	uint64_t number;
	struct err e;

	(void)state;
	start(&g, 1, 10000, &result);
	assert_false(result.is_started);
	assert_non_null(strstr(result.failure.text, "tee1 said something else"));
	AUTO(buf) struct buf pid = written(&g, "pid");

	pid.data[pid.len - 1] = 0;
	assert_ok(number_parse(buf_text(&pid), "pid", 2, INT32_MAX, &number, &e));
	assert_false(is_alive((int)number));
}

static void one_that_is_never_ready_is_stopped_at_the_deadline(void **state)
{
	AUTO(stage)
	struct stage g =
	    stage_new("echo starting >&2\nprintf listening\nexec tail -f /dev/null\n", "");
	struct launch_result result;

	(void)state;
	start(&g, 1, 300, &result);
	assert_false(result.is_started);
	assert_int_equal(result.failure.code, ERR_TRY_AGAIN);
	assert_non_null(strstr(result.failure.text, "tee1 was not ready at the deadline"));
	assert_false(look(&g, 0).is_running);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

#define MANY 20

/* Nodes 3 to MANY, as the end of the cluster file. */
static void many_nodes(char to[static 2048])
{
	size_t len = 0;

	for (int i = 4; i <= MANY + 1; i++)
		len += (size_t)snprintf(to + len, 2048 - len,
		                        "  - { name: tee%d, listen: \"127.0.0.1:0\" }\n", i);
}

static void start_many(const struct stage *g, int64_t ms, struct launch_result results[static MANY])
{
	size_t nodes[MANY];
	struct err e;

	for (size_t i = 0; i < MANY; i++)
		nodes[i] = i < 2 ? i : i + 1; /* the third is elsewhere */
	assert_ok(launcher_start(&g->cluster, &g->state, nodes, MANY, clock_monotonic_ms() + ms, -1,
	                         results, &e));
}

static void many_are_started_sixteen_at_once(void **state)
{
	struct launch_result results[MANY];
	char more[2048];

	(void)state;
	many_nodes(more);
	AUTO(stage) struct stage g = stage_new("exec tail -f /dev/null\n", more);

	start_many(&g, 300, results);
	for (size_t i = 0; i < MANY; i++) {
		assert_false(results[i].is_started);
		assert_int_equal(results[i].failure.code, ERR_TRY_AGAIN);
		assert_non_null(strstr(results[i].failure.text,
		                       i < 16 ? "was not ready at the deadline and was stopped"
		                              : "its start was not begun, since the time was up"));
	}
	script_write(&g, READY);
	start_many(&g, 30000, results);
	for (size_t i = 0; i < MANY; i++)
		assert_true(results[i].is_started);
}

/* A run that lives on, as a watch does, has no zombies, whether or not it has a pidfd. */
static void one_that_ended_is_reaped_by_the_next_look(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	struct launch_result result;
	siginfo_t info = { 0 };
	int pid;

	(void)state;
	start(&g, 1, 10000, &result);
	assert_true(result.is_started);
	pid = look(&g, 0).pid;
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(is_alive(pid)); /* as a zombie */
	assert_false(look(&g, 0).is_running);
	assert_false(is_alive(pid));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void one_of_another_start_is_not_reaped(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	char path[256], text[64];
	siginfo_t info = { 0 };
	struct err e;
	pid_t other;

	(void)state;
	assert_ok(state_make_folder(&g.state, "pids", &e));
	other = fork();
	if (other == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)other, &info, WEXITED | WNOWAIT), 0);
	snprintf(text, sizeof(text), "%d 1 127.0.0.1:4711\n", (int)other);
	snprintf(path, sizeof(path), "%s/pids/tee1", g.state.folder);
	assert_ok(file_write(path, view_text(text), 0600, &e));
	assert_false(look(&g, 0).is_running);
	assert_int_equal(waitpid(other, NULL, WNOHANG), other);
}

/* poll takes no more than the limit on open files, which is below the nodes here. */
static void more_are_started_than_files_may_be_open(void **state)
{
	AUTO(buf) struct buf nodes = BUF_INIT(65536);
	AUTO(stage) struct stage g = { .state = { .lock = -1 } };
	struct launch_result results[102];
	struct rlimit before, few;
	size_t all[102];
	struct err e;

	(void)state;
	if (!HAS_PIDFD)
		skip();
	for (size_t i = 3; i < 102; i++)
		assert_ok(buf_add_format(&nodes, &e,
		                         "  - { name: more%zu, listen: \"127.0.0.1:0\" }\n", i));
	g = stage_new("exit 1\n", buf_text(&nodes));
	for (size_t i = 0; i < 102; i++)
		all[i] = i;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 90;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	all[2] = 101; /* the one elsewhere can't be started */
	assert_ok(launcher_start(&g.cluster, &g.state, all, 101, clock_monotonic_ms() + 30000, -1,
	                         results, &e));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < 101; i++)
		assert_non_null(strstr(results[i].failure.text, "ended before it was ready"));
}

static void one_that_runs_is_not_started_twice(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	struct launch_result result;
	int pid;

	(void)state;
	start(&g, 1, 10000, &result);
	pid = look(&g, 0).pid;
	start(&g, 1, 10000, &result);
	assert_false(result.is_started);
	assert_int_equal(result.failure.code, ERR_DATA);
	assert_non_null(strstr(result.failure.text, "tee1 runs already"));
	assert_int_equal(look(&g, 0).pid, pid);
}

static void one_without_an_image_is_not_started(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	struct launch_result result;

	(void)state;
	assert_int_equal(unlink(g.cluster.enclave.image), 0);
	start(&g, 1, 10000, &result);
	assert_false(result.is_started);
	assert_int_equal(result.failure.code, ERR_NO_INPUT);
	assert_non_null(strstr(result.failure.text, "tee1: there is no enclave.image"));
	assert_false(look(&g, 0).is_running);
}

static void one_that_ignores_sigterm_is_killed(void **state)
{
	AUTO(stage) struct stage g = stage_new("trap '' TERM\n" READY, "");
	struct launch_result result;
	int64_t begin;
	bool is_stopped;
	int pid;
	struct err e;

	(void)state;
	start(&g, 1, 10000, &result);
	pid = look(&g, 0).pid;
	begin = clock_monotonic_ms();
	assert_ok(launcher_stop(&g.state, &g.cluster.nodes[0], begin + 100, &is_stopped, &e));
	assert_true(is_stopped);
	assert_false(is_alive(pid));
}

/* --- what another run left */

/* "PID START", as /proc knows the process: field 22, counted from behind the name. */
static void format_process(int pid, char *to, size_t size)
{
	AUTO(buf) struct buf stat = BUF_INIT(1024);
	const char *at;
	char path[64];
	struct err e;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_ok(file_read(path, &stat, &e));
	at = strrchr(buf_text(&stat), ')');
	for (unsigned field = 2; field < 22; field++)
		at = strchr(at + 1, ' ');
	snprintf(to, size, "%d %.*s", pid, (int)strcspn(at + 1, " "), at + 1);
}

static void pid_file_write(const struct stage *g, const char *content)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/pids", g->state.folder);
	assert_ok(folder_make_private(path, &e));
	snprintf(path, sizeof(path), "%s/pids/tee1", g->state.folder);
	assert_ok(file_write(path, view_text(content), 0600, &e));
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

static void a_pid_that_is_used_again_is_another_process(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	int pid = sleeper();
	char text[128];
	bool is_stopped = true;
	struct err e;

	(void)state;
	snprintf(text, sizeof(text), "%d 1 127.0.0.1:4711\n", pid);
	pid_file_write(&g, text);
	assert_false(look(&g, 0).is_running);
	assert_ok(launcher_stop(&g.state, &g.cluster.nodes[0], clock_monotonic_ms() + 5000,
	                        &is_stopped, &e));
	assert_false(is_stopped);
	assert_true(is_alive(pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void one_left_behind_while_starting_is_replaced(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	struct launch_result result;
	AUTO(text) char *url = NULL;
	char process[96], text[128];
	int pid = sleeper();
	struct err e;

	(void)state;
	format_process(pid, process, sizeof(process));
	snprintf(text, sizeof(text), "%s -\n", process);
	pid_file_write(&g, text);
	assert_true(look(&g, 0).is_running);
	assert_string_equal(look(&g, 0).address, "");
	assert_refused(launcher_url(&g.cluster, &g.state, &g.cluster.nodes[0], &url, &e),
	               ERR_UNREACHABLE, "tee1 does not serve yet");
	start(&g, 1, 10000, &result);
	assert_true(result.is_started);
	assert_false(is_alive(pid));
	assert_int_not_equal(look(&g, 0).pid, pid);
}

static void a_pid_file_that_cannot_be_looked_at_is_not_called_missing(void **state)
{
	AUTO(stage) struct stage g = stage_new(READY, "");
	AUTO(text) char *path = NULL;
	struct local_node local;
	struct err e;

	(void)state;
	pid_file_write(&g, "2 1 x\n"); /* makes the folder */
	assert_ok(state_path(&g.state, "pids/tee1", &path, &e));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("tee1", path), 0);
	assert_refused(launcher_look(&g.state, &g.cluster.nodes[0], &local, &e), ERR_NO_INPUT,
	               "Too many levels");
	pid_file_write(&g, "2 1 x\n"); /* for stage_drop */
}

static void a_file_that_is_not_a_pid_file_is_refused(void **state)
{
	static const char *const contents[] = { "",
		                                "x",
		                                "12",
		                                "12 ",
		                                "12 x a\n",
		                                "1 2 a",
		                                "0 1 a\n",
		                                "-1 2 a",
		                                "99999999999 1 a\n",
		                                "2 1 a",
		                                "2 1 a b\n",
		                                "2 1 a\nb\n",
		                                "2 1 a\x1b[2J\n",
		                                "2 99999999999999999999 a\n" };
	AUTO(stage) struct stage g = stage_new(READY, "");
	struct local_node local;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(contents); i++) {
		pid_file_write(&g, contents[i]);
		assert_refused(launcher_look(&g.state, &g.cluster.nodes[0], &local, &e), ERR_DATA,
		               "is not a pid file");
	}
	pid_file_write(&g, "2 1 x\n"); /* for stage_drop */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_started_found_and_stopped),
		cmocka_unit_test(a_hypervisor_is_told_what_the_file_says),
		cmocka_unit_test(a_hypervisor_inherits_nothing),
		cmocka_unit_test(one_that_ends_fails_with_the_end_of_its_log),
		cmocka_unit_test(of_a_long_last_line_beginning_and_end_are_told),
		cmocka_unit_test(one_failure_is_not_the_others),
		cmocka_unit_test(one_that_says_something_else_is_stopped),
		cmocka_unit_test(one_that_is_never_ready_is_stopped_at_the_deadline),
		cmocka_unit_test(many_are_started_sixteen_at_once),
		cmocka_unit_test(one_that_ended_is_reaped_by_the_next_look),
		cmocka_unit_test(one_of_another_start_is_not_reaped),
		cmocka_unit_test(more_are_started_than_files_may_be_open),
		cmocka_unit_test(one_that_runs_is_not_started_twice),
		cmocka_unit_test(one_without_an_image_is_not_started),
		cmocka_unit_test(one_that_ignores_sigterm_is_killed),
		cmocka_unit_test(a_pid_that_is_used_again_is_another_process),
		cmocka_unit_test(one_left_behind_while_starting_is_replaced),
		cmocka_unit_test(a_pid_file_that_cannot_be_looked_at_is_not_called_missing),
		cmocka_unit_test(a_file_that_is_not_a_pid_file_is_refused),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

#include "cluster/launcher.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "proto/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HYPERVISOR       "teectl-hv"
#define LINE_MAX_LEN     160  /* "listening on [v6 address]:port" and room */
#define PID_FILE_MAX     256  /* pid, start time, address */
#define STAT_MAX         1024 /* /proc/PID/stat: 52 numbers and a name of 15 bytes */
#define LOG_TAIL         128 /* of a log's last line: fits an error beside a name and what happened */
#define ARGUMENTS_MAX    64
#define ARGUMENT_MAX     4352 /* a path and the option's name */
#define ENVIRONMENT_MAX  128  /* TEECTL_LOG=debug */
#define LISTENING        "listening on "
#define STOP_PATIENCE_MS 3000 /* an enclave leaves within a second of SIGTERM */

#define STARTING         "-" /* in place of the address, until it is known */

/* --- what the state remembers of a process: "PID START ADDRESS" */

static int node_path(const struct state *s, const char *folder, const struct cluster_node *node,
                     const char *suffix, char **ret, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(512);

	TRY(buf_add_format(&name, e, "%s/%s%s", folder, node->name, suffix));
	return state_path(s, buf_text(&name), ret, e);
}

int launcher_log_path(const struct state *s, const struct cluster_node *node, char **ret,
                      struct err *e)
{
	return node_path(s, "logs", node, ".log", ret, e);
}

static int pid_path(const struct state *s, const struct cluster_node *node, char **ret,
                    struct err *e)
{
	return node_path(s, "pids", node, "", ret, e);
}

/* The digits at *at; moves past them. false: there are none, or too many. */
static bool take_number(const char **at, uint64_t *ret)
{
	const char *digit = *at;
	uint64_t value = 0;

	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (value > (UINT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (uint64_t)(*digit - '0');
	}
	if (digit == *at)
		return false;
	*at = digit;
	*ret = value;
	return true;
}

/* When a process started, in ticks since boot: field 22 of proc(5)'s stat, counted from behind the
 * name, which may hold anything. false: there is no such process, or it is a zombie. */
static bool start_time(int pid, uint64_t *ret)
{
	AUTO(buf) struct buf text = BUF_INIT(STAT_MAX);
	char path[32];
	const char *at;
	struct err e;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, &text, &e) < 0)
		return false;
	at = strrchr(buf_text(&text), ')');
	if (!at || at[1] != ' ' || at[2] == 'Z')
		return false;
	for (unsigned field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	at++;
	return take_number(&at, ret);
}

static int remember(const struct state *s, const struct cluster_node *node, int pid,
                    const char *address, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PID_FILE_MAX);
	AUTO(text) char *path = NULL;
	uint64_t start;

	/* It has ended already: its output's end will say so. */
	if (!start_time(pid, &start))
		return 0;
	TRY(pid_path(s, node, &path, e));
	TRY(buf_add_format(&text, e, "%d %llu %s\n", pid, (unsigned long long)start, address));
	return file_write(path, buf_view(&text), 0600, e);
}

static void forget(const struct state *s, const struct cluster_node *node)
{
	AUTO(text) char *path = NULL;
	struct err e;

	if (pid_path(s, node, &path, &e) == 0)
		unlink(path);
}

/* The parts of a pid file; false if it is not one of ours. */
static bool recall(const char *text, int *ret_pid, uint64_t *ret_start, char *ret_address,
                   size_t size)
{
	uint64_t pid;

	if (!take_number(&text, &pid) || pid <= 1 || pid > INT32_MAX || *text++ != ' ' ||
	    !take_number(&text, ret_start) || *text++ != ' ')
		return false;
	*ret_pid = (int)pid;
	return (size_t)snprintf(ret_address, size, "%.*s", (int)strcspn(text, "\n"), text) < size;
}

int launcher_look(const struct state *s, const struct cluster_node *node, struct local_node *ret,
                  struct err *e)
{
	AUTO(text) char *path = NULL;
	AUTO(buf) struct buf text = BUF_INIT(PID_FILE_MAX - 1);
	struct local_node local = { 0 };
	uint64_t remembered, start;

	TRY(pid_path(s, node, &path, e));
	if (file_is_there(path)) {
		TRY(file_read(path, &text, e));
		if (!recall(buf_text(&text), &local.pid, &remembered, local.address,
		            sizeof(local.address)))
			return err_set(e, ERR_DATA, "'%s' is not a pid file of teectl's", path);
		local.is_running = start_time(local.pid, &start) && start == remembered;
		if (strcmp(local.address, STARTING) == 0)
			local.address[0] = 0;
	}
	*ret = local;
	return 0;
}

int launcher_url(const struct cluster *c, const struct state *s, const struct cluster_node *node,
                 char **ret, struct err *e)
{
	AUTO(buf) struct buf url = BUF_INIT(256);
	struct local_node local;

	if (node->url)
		return text_dup(node->url, ret, e);
	TRY(launcher_look(s, node, &local, e));
	if (!local.is_running)
		return err_set(e, ERR_UNREACHABLE, "%s is not running: teectl up", node->name);
	if (!local.address[0])
		return err_set(e, ERR_UNREACHABLE,
		               "%s was still starting when teectl ended: teectl up starts it again",
		               node->name);
	TRY(buf_add_format(&url, e, "%s://%s", c->tls.server_cert ? "https" : "http",
	                   local.address));
	return text_dup(buf_text(&url), ret, e);
}

/* --- starting */

/* One start under way. */
struct start {
	const struct cluster_node *node;
	struct launch_result *result;
	int pid;
	int out;         /* the read end of its standard output; -1 once it is settled */
	off_t log_start; /* where this start's part of the log begins */
	char line[LINE_MAX_LEN];
	size_t len;
};

/* All that one call starts: what is not settled when it ends is stopped. */
struct starts {
	const struct state *state;
	struct start *items;
	struct pollfd *fds; /* count and one more, for the interrupt */
	size_t count;
};

/* Ends it, if it was begun. */
static void abandon(const struct state *s, struct start *start)
{
	if (start->out < 0)
		return;
	kill(start->pid, SIGKILL);
	waitpid(start->pid, NULL, 0);
	fd_drop(&start->out);
	forget(s, start->node);
}

static void starts_drop(struct starts *s)
{
	for (size_t i = 0; i < s->count; i++)
		abandon(s->state, &s->items[i]);
	free(s->items);
	free(s->fds);
	*s = (struct starts){ 0 };
}

/* The hypervisor beside this program; else the one of that name on the PATH. */
static int find_hypervisor(char **ret, struct err *e)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	AUTO(text) char *folder = NULL;
	AUTO(text) char *beside = NULL;

	if (len < 0)
		return err_sys(e, ERR_INTERNAL, errno, "/proc/self/exe");
	self[len] = 0;
	TRY(path_folder(self, &folder, e));
	TRY(path_join(folder, HYPERVISOR, &beside, e));
	if (access(beside, X_OK) == 0)
		return text_dup(beside, ret, e);
	return text_dup(HYPERVISOR, ret, e);
}

struct arguments {
	char *items[ARGUMENTS_MAX + 1]; /* then NULL */
	size_t count;
};

static void arguments_drop(struct arguments *a)
{
	while (a->count)
		text_drop(&a->items[--a->count]);
}

static int add_argument(struct arguments *a, const char *text, struct err *e)
{
	if (a->count == ARGUMENTS_MAX)
		return err_set(e, ERR_INTERNAL, "more than %d arguments for a launch",
		               ARGUMENTS_MAX);
	TRY(text_dup(text, &a->items[a->count], e));
	a->count++;
	return 0;
}

static int add_option(struct arguments *a, const char *name, const char *value, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(ARGUMENT_MAX);

	TRY(buf_add_format(&text, e, "--%s=%s", name, value));
	return add_argument(a, buf_text(&text), e);
}

static int fill_arguments(const struct cluster *c, const struct cluster_node *node,
                          const char *hypervisor, const char *pki, char *const *options,
                          struct arguments *a, struct err *e)
{
	if (!c->enclave.image)
		return err_set(e, ERR_CONFIG,
		               "%s: the cluster file names no enclave.image to launch", node->name);
	if (!file_is_there(c->enclave.image))
		return err_set(e, ERR_NO_INPUT, "%s: there is no enclave.image '%s'", node->name,
		               c->enclave.image);
	TRY(add_argument(a, hypervisor, e));
	TRY(add_option(a, hv_option_table[HV_IMAGE].name, c->enclave.image, e));
	TRY(add_option(a, launch_options[LAUNCH_LISTEN].name, node->listen, e));
	TRY(add_option(a, hv_option_table[HV_INSTANCE].name, node->name, e));
	TRY(add_option(a, hv_option_table[HV_PKI].name, pki, e));
	if (c->enclave.role)
		TRY(add_option(a, hv_option_table[HV_ROLE].name, c->enclave.role, e));
	for (size_t i = 0; options[i]; i++)
		TRY(add_argument(a, options[i], e));
	return 0;
}

/* In the child. Its own session: Ctrl-C at teectl is not for it. Signals as a program expects them;
 * no descriptor but the three (libcurl's sockets lack CLOEXEC); of the environment the log level
 * alone, so that no LD_PRELOAD of ours reaches the one who measures. */
static void become_hypervisor(const struct arguments *a, char *const *environment, int out, int log)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(log, 2) < 0 ||
	    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(127);
	execvpe(a->items[0], a->items, environment);
	dprintf(2, "%s: %s\n", a->items[0], strerror(errno));
	_exit(127);
}

/* "TEECTL_LOG=…" or empty: the hypervisor hands the level on. */
static int log_environment(struct buf *to, struct err *e)
{
	const char *level = getenv("TEECTL_LOG");

	return level ? buf_add_format(to, e, "TEECTL_LOG=%s", level) : 0;
}

static int spawn(const struct arguments *a, const char *log_path, struct start *start,
                 struct err *e)
{
	AUTO(buf) struct buf level = BUF_INIT(ENVIRONMENT_MAX);
	AUTO(fd) int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	AUTO(fd) int in = -1;
	AUTO(fd) int out = -1;
	char *environment[2] = { NULL };
	int ends[2], pid;

	if (log < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", log_path);
	start->log_start = lseek(log, 0, SEEK_END);
	TRY(log_environment(&level, e));
	if (level.len)
		environment[0] = (char *)level.data;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "a pipe for %s", start->node->name);
	out = ends[0];
	in = ends[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, ERR_INTERNAL, errno, "starting %s", start->node->name);
	if (pid == 0)
		become_hypervisor(a, environment, in, log);
	start->pid = pid;
	start->out = MOVE_FD(out);
	return 0;
}

/* The last line of what this start has logged, for an error: of a long one, the end. */
static void log_tail(const char *path, off_t from, char to[static LOG_TAIL + 1])
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t len;
	char *line;

	to[0] = 0;
	if (end - from > LOG_TAIL)
		from = end - LOG_TAIL;
	if (end <= from || (len = pread(fd, to, LOG_TAIL, from)) <= 0)
		return;
	while (len > 0 && to[len - 1] == '\n')
		len--;
	to[len] = 0;
	line = strrchr(to, '\n');
	if (line)
		memmove(to, line + 1, strlen(line));
}

/* It ended, or said something else: its log knows why. */
static void fail(const struct state *s, struct start *start, enum err_code code, const char *what)
{
	AUTO(text) char *path = NULL;
	char tail[LOG_TAIL + 1] = "";
	struct err e;

	abandon(s, start);
	if (launcher_log_path(s, start->node, &path, &e) == 0)
		log_tail(path, start->log_start, tail);
	(void)err_set(&start->result->failure, code, "%s %s%s%s", start->node->name, what,
	              *tail ? "; its log ends: " : "", tail);
}

/* A line has come, or the end of the output. */
static void take_line(const struct state *s, struct start *start, bool is_end)
{
	const size_t prefix = strlen(LISTENING);
	char *end = memchr(start->line, '\n', start->len);

	if (!end) {
		if (is_end)
			fail(s, start, ERR_UNREACHABLE, "ended before it was ready");
		else if (start->len == sizeof(start->line) - 1)
			fail(s, start, ERR_UNREACHABLE,
			     "said something else than where it listens");
		return;
	}
	*end = 0;
	if (strncmp(start->line, LISTENING, prefix) != 0) {
		fail(s, start, ERR_UNREACHABLE, "said something else than where it listens");
		return;
	}
	if (remember(s, start->node, start->pid, start->line + prefix, &start->result->failure) <
	    0) {
		fail(s, start, ERR_INTERNAL, "can't be remembered in the state");
		return;
	}
	start->result->is_started = true;
	fd_drop(&start->out);
}

static void read_output(const struct state *s, struct start *start)
{
	size_t room = sizeof(start->line) - 1 - start->len;
	ssize_t got = read(start->out, start->line + start->len, room);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got > 0)
		start->len += (size_t)got;
	start->line[start->len] = 0;
	take_line(s, start, got <= 0);
}

static void fail_rest(const struct starts *s, enum err_code code, const char *what)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].out >= 0)
			fail(s->state, &s->items[i], code, what);
}

/* How many are not settled; these have a descriptor, and poll passes over the others. */
static size_t fill_fds(const struct starts *s, int interrupt_fd)
{
	size_t waiting = 0;

	for (size_t i = 0; i < s->count; i++) {
		s->fds[i] = (struct pollfd){ .fd = s->items[i].out, .events = POLLIN };
		waiting += s->items[i].out >= 0;
	}
	s->fds[s->count] = (struct pollfd){ .fd = interrupt_fd, .events = POLLIN };
	return waiting;
}

/* Waits by poll alone. */
static int wait_all(const struct starts *s, int64_t deadline_ms, int interrupt_fd, struct err *e)
{
	while (fill_fds(s, interrupt_fd)) {
		int64_t left = deadline_ms - clock_monotonic_ms();

		if (left > INT32_MAX)
			left = INT32_MAX;
		if (left <= 0) {
			fail_rest(s, ERR_TRY_AGAIN,
			          "was not ready at the deadline and was stopped");
			return 0;
		}
		if (poll(s->fds, s->count + 1, (int)left) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(e, ERR_INTERNAL, errno, "waiting for enclaves");
		}
		for (size_t i = 0; i < s->count; i++)
			if (s->items[i].out >= 0 && s->fds[i].revents)
				read_output(s->state, &s->items[i]);
		if (s->fds[s->count].revents)
			fail_rest(s, ERR_INTERRUPTED,
			          "was not ready when you interrupted, and was stopped");
	}
	return 0;
}

static int start_one(const struct cluster *c, const struct state *s, const char *hypervisor,
                     const char *pki, char *const *options, int64_t deadline_ms,
                     struct start *start, struct err *e)
{
	AUTO(text) char *log_path = NULL;
	AUTO(arguments) struct arguments a = { 0 };
	struct local_node local;
	bool is_stopped;

	TRY(launcher_look(s, start->node, &local, e));
	if (local.is_running && local.address[0])
		return err_set(e, ERR_DATA, "%s runs already (pid %d)", start->node->name,
		               local.pid);
	/* Left behind by a teectl that ended while it was starting. */
	if (local.is_running)
		TRY(launcher_stop(s, start->node, deadline_ms, &is_stopped, e));
	TRY(launcher_log_path(s, start->node, &log_path, e));
	TRY(fill_arguments(c, start->node, hypervisor, pki, options, &a, e));
	TRY(spawn(&a, log_path, start, e));
	/* At once: should teectl end now, the next run must know whom to stop. */
	return remember(s, start->node, start->pid, STARTING, e);
}

static int start_all(const struct cluster *c, const struct starts *s, int64_t deadline_ms,
                     struct err *e)
{
	AUTO(cluster_options) char **options = NULL;
	AUTO(text) char *hypervisor = NULL;
	AUTO(text) char *pki = NULL;

	TRY(find_hypervisor(&hypervisor, e));
	TRY(state_path(s->state, "pki", &pki, e));
	TRY(state_make_folder(s->state, "pki", e));
	TRY(state_make_folder(s->state, "logs", e));
	TRY(state_make_folder(s->state, "pids", e));
	TRY(cluster_options(c, &options, e));
	for (size_t i = 0; i < s->count; i++)
		if (start_one(c, s->state, hypervisor, pki, options, deadline_ms, &s->items[i],
		              &s->items[i].result->failure) < 0)
			abandon(s->state, &s->items[i]);
	return 0;
}

int launcher_start(const struct cluster *c, const struct state *s, const size_t *nodes,
                   size_t count, int64_t deadline_ms, int interrupt_fd, struct launch_result *ret,
                   struct err *e)
{
	AUTO(starts)
	struct starts starts = { .state = s,
		                 .items = calloc(count, sizeof(*starts.items)),
		                 .fds = calloc(count + 1, sizeof(*starts.fds)) };

	if (!starts.items || !starts.fds)
		return err_set(e, ERR_INTERNAL, "no memory for %zu launches", count);
	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct launch_result){ 0 };
		starts.items[i] =
		    (struct start){ .node = &c->nodes[nodes[i]], .result = &ret[i], .out = -1 };
	}
	starts.count = count;
	TRY(start_all(c, &starts, deadline_ms, e));
	return wait_all(&starts, deadline_ms, interrupt_fd, e);
}

/* --- stopping */

/* Readable: it has ended. */
static bool has_ended(int pidfd, int64_t deadline_ms)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms();
		int ready = poll(&fd, 1, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);

		if (ready >= 0 || errno != EINTR)
			return ready > 0;
	}
}

/* A descriptor for the very process that was remembered: its pid may have been used again between
 * the look and the open. -1 in *ret_fd: it is gone. */
static int open_process(const struct state *s, const struct cluster_node *node, int *ret_fd,
                        struct err *e)
{
	AUTO(fd) int fd = -1;
	struct local_node local;

	*ret_fd = -1;
	TRY(launcher_look(s, node, &local, e));
	if (!local.is_running)
		return 0;
	fd = (int)syscall(SYS_pidfd_open, local.pid, 0);
	if (fd < 0)
		return errno == ESRCH
		           ? 0
		           : err_sys(e, ERR_INTERNAL, errno, "%s: pid %d", node->name, local.pid);
	TRY(launcher_look(s, node, &local, e));
	if (local.is_running)
		*ret_fd = MOVE_FD(fd);
	return 0;
}

int launcher_stop(const struct state *s, const struct cluster_node *node, int64_t deadline_ms,
                  bool *ret_stopped, struct err *e)
{
	AUTO(fd) int fd = -1;
	int64_t patience_ms = clock_monotonic_ms() + STOP_PATIENCE_MS;

	TRY(open_process(s, node, &fd, e));
	if (fd >= 0) {
		syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0);
		if (!has_ended(fd, patience_ms < deadline_ms ? patience_ms : deadline_ms))
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		if (!has_ended(fd, clock_monotonic_ms() + STOP_PATIENCE_MS))
			return err_set(e, ERR_INTERNAL, "%s does not end, even by SIGKILL",
			               node->name);
		/* Where it is our own child, it must not stay a zombie. */
		waitid(P_PIDFD, (id_t)fd, NULL, WEXITED | WNOHANG);
	}
	forget(s, node);
	*ret_stopped = fd >= 0;
	return 0;
}

#include "cluster/launcher.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/hypervisor.h"
#include "cluster/pid_file.h"
#include "proto/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_LEN     160  /* "listening on [v6 address]:port" and room */
#define PID_FILE_MAX     256  /* pid, start time, address */
#define STAT_MAX         1024 /* /proc/PID/stat: 52 numbers and a name of 15 bytes */
#define LOG_TAIL         256 /* of a log's last line: fits an error beside a name and what happened */
#define LOG_LINE_MAX     4096 /* the enclave's own lines have at most 1 KiB */
#define LOG_HEAD         64   /* the time, the level, and what it is about */
#define CUT              " ... "
#define ARGUMENTS_MAX    64
#define ARGUMENT_MAX     4352 /* a path and the option's name */
#define ENVIRONMENT_MAX  128  /* TEECTL_LOG=debug */
#define LISTENING        "listening on "
#define STOP_PATIENCE_MS 3000 /* an enclave leaves within a second of SIGTERM */
/* Started and not ready at once. Each waits for its certificate, from one signer after the other,
 * and not for ever; and each needs a descriptor. */
#define STARTING_MAX 16

#define STARTING     "-" /* in place of the address, until it is known */

/* --- what the state remembers of a process */

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

/* What parse finds in /proc/PID/stat: in ticks since boot. false: there is no such process. */
static bool start_time(int pid, bool (*parse)(const char *text, uint64_t *ret), uint64_t *ret)
{
	AUTO(buf) struct buf text = BUF_INIT(STAT_MAX);
	char path[32];
	struct err e;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return file_read(path, &text, &e) == 0 && parse(buf_text(&text), ret);
}

/* Whoever launches and goes on living, a watch, is the parent of what has ended. Of another's child
 * waitid says so, and nothing happens. */
static void reap(const struct pid_file *p)
{
	uint64_t start;

	if (start_time(p->pid, stat_parse_zombie, &start) && start == p->start)
		(void)waitid(P_PID, (id_t)p->pid, NULL, WEXITED | WNOHANG);
}

static int remember(const struct state *s, const struct cluster_node *node, int pid,
                    const char *address, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PID_FILE_MAX);
	AUTO(text) char *path = NULL;
	struct pid_file p = { .pid = pid };

	/* It has ended already: its output's end will say so. */
	if (!start_time(pid, stat_parse_start, &p.start))
		return 0;
	snprintf(p.address, sizeof(p.address), "%s", address);
	TRY(pid_path(s, node, &path, e));
	TRY(pid_file_format(&p, &text, e));
	return file_write(path, buf_view(&text), 0600, e);
}

static void forget(const struct state *s, const struct cluster_node *node)
{
	AUTO(text) char *path = NULL;
	struct err e;

	if (pid_path(s, node, &path, &e) == 0)
		unlink(path);
}

int launcher_look(const struct state *s, const struct cluster_node *node, struct local_node *ret,
                  struct err *e)
{
	AUTO(text) char *path = NULL;
	AUTO(buf) struct buf text = BUF_INIT(PID_FILE_MAX - 1);
	struct local_node local = { 0 };
	struct pid_file p;
	uint64_t start;
	bool is_there;

	TRY(pid_path(s, node, &path, e));
	TRY(file_look(path, &is_there, e));
	if (is_there) {
		TRY(file_read_regular(path, &text, e));
		if (strlen(buf_text(&text)) != text.len || !pid_file_parse(buf_text(&text), &p))
			return err_set(e, ERR_DATA, "'%s' is not a pid file of teectl's", path);
		local.pid = p.pid;
		local.is_running = start_time(p.pid, stat_parse_start, &start) && start == p.start;
		if (!local.is_running)
			reap(&p);
		if (strcmp(p.address, STARTING) != 0)
			memcpy(local.address, p.address, sizeof(local.address));
	}
	*ret = local;
	return 0;
}

bool launcher_is_stopped(const struct state *s, const struct cluster_node *node)
{
	struct local_node local;
	struct err unknown;

	return node->listen && launcher_look(s, node, &local, &unknown) == 0 && !local.is_running;
}

bool launcher_remembers(const struct cluster *c, const struct state *s, int pid)
{
	struct local_node local;
	struct err ignored;

	for (size_t i = 0; i < c->node_count; i++)
		if (c->nodes[i].listen && launcher_look(s, &c->nodes[i], &local, &ignored) == 0 &&
		    local.pid == pid)
			return true;
	return false;
}

int launcher_url(const struct cluster *c, const struct state *s, const struct cluster_node *node,
                 char **ret, struct err *e)
{
	AUTO(buf) struct buf url = BUF_INIT(256);
	struct local_node local;

	if (node->url)
		return text_dup(node->url, ret, e);
	TRY(launcher_look(s, node, &local, e));
	if (!local.is_running && local.pid)
		return err_set(
		    e, ERR_UNREACHABLE,
		    "%s is not running: teectl up (its process, pid %d, is gone, and was not "
		    "stopped by teectl)",
		    node->name, local.pid);
	if (!local.is_running)
		return err_set(e, ERR_UNREACHABLE, "%s is not running: teectl up", node->name);
	if (!local.address[0])
		return err_set(e, ERR_UNREACHABLE,
		               "%s does not serve yet: another run is starting it, or has ended "
		               "before it served; teectl up starts it again",
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
	const struct cluster *cluster;
	const struct state *state;
	char *hypervisor, *pki;
	char **options;
	struct start *items;
	size_t count, begun;
	/* Those under way, and behind them the user. poll refuses more than the limit on open
	 * files, also where most of them are none. */
	struct pollfd fds[STARTING_MAX + 1];
	struct start *waiting[STARTING_MAX];
	size_t waiting_count;
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
	text_drop(&s->hypervisor);
	text_drop(&s->pki);
	cluster_options_drop(&s->options);
	free(s->items);
	*s = (struct starts){ 0 };
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
	bool is_there;

	if (!c->enclave.image)
		return err_set(e, ERR_CONFIG,
		               "%s: the cluster file names no enclave.image to launch", node->name);
	TRY(file_look(c->enclave.image, &is_there, e));
	if (!is_there)
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
	execve(a->items[0], a->items, environment);
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
	AUTO(fd) int log = -1;
	AUTO(fd) int in = -1;
	AUTO(fd) int out = -1;
	char *environment[2] = { NULL };
	int ends[2], pid;

	TRY(file_open_log(log_path, &log, e));
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

/* The last line of what this start has logged, for an error: of a long one, how it begins
 * and its end, where the cause stands. */
static void log_tail(const char *path, off_t from, char to[static LOG_TAIL + 1])
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	char text[LOG_LINE_MAX + 1];
	ssize_t len;
	char *line;

	to[0] = 0;
	if (end - from > LOG_LINE_MAX)
		from = end - LOG_LINE_MAX;
	if (end <= from || (len = pread(fd, text, LOG_LINE_MAX, from)) <= 0)
		return;
	while (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = 0;
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	snprintf(to, LOG_TAIL + 1, "%.*s", LOG_TAIL, line);
	len = (ssize_t)strlen(line);
	if (len > LOG_TAIL)
		snprintf(to + LOG_HEAD, LOG_TAIL + 1 - LOG_HEAD, CUT "%s",
		         line + len - (LOG_TAIL - LOG_HEAD - (ssize_t)strlen(CUT)));
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
	(void)err_reason(&start->result->failure, code,
	                 code == ERR_INTERRUPTED ? "" : LAUNCH_FAILED, "%s %s%s%s",
	                 start->node->name, what, *tail ? "; its log ends: " : "", tail);
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

static int start_one(const struct starts *all, struct start *start, int64_t deadline_ms,
                     struct err *e)
{
	const struct state *s = all->state;
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
	TRY(fill_arguments(all->cluster, start->node, all->hypervisor, all->pki, all->options, &a,
	                   e));
	TRY(spawn(&a, log_path, start, e));
	/* At once: should teectl end now, the next run must know whom to stop. */
	return remember(s, start->node, start->pid, STARTING, e);
}

static void fail_rest(struct starts *s, enum err_code code, const char *what)
{
	for (size_t i = 0; i < s->begun; i++)
		if (s->items[i].out >= 0)
			fail(s->state, &s->items[i], code, what);
	for (; s->begun < s->count; s->begun++)
		(void)err_set(&s->items[s->begun].result->failure, code,
		              "%s: its start was not begun, since %s",
		              s->items[s->begun].node->name,
		              code == ERR_INTERRUPTED ? "you interrupted" : "the time was up");
}

/* As many as may be under way. */
static void begin_some(struct starts *s, int64_t deadline_ms)
{
	size_t waiting = s->waiting_count;

	for (; s->begun < s->count && waiting < STARTING_MAX; s->begun++) {
		struct start *start = &s->items[s->begun];

		if (start_one(s, start, deadline_ms, &start->result->failure) < 0)
			abandon(s->state, start);
		else
			waiting++;
	}
}

/* Those that are not settled have a descriptor. */
static void gather_waiting(struct starts *s, int interrupt_fd)
{
	s->waiting_count = 0;
	for (size_t i = 0; i < s->begun; i++) {
		if (s->items[i].out < 0)
			continue;
		s->fds[s->waiting_count] =
		    (struct pollfd){ .fd = s->items[i].out, .events = POLLIN };
		s->waiting[s->waiting_count++] = &s->items[i];
	}
	s->fds[s->waiting_count] = (struct pollfd){ .fd = interrupt_fd, .events = POLLIN };
}

/* Waits by poll alone, for the first of them to be ready or to end. */
static int wait_some(struct starts *s, int64_t left_ms, int interrupt_fd, struct err *e)
{
	const struct pollfd *interrupt = &s->fds[s->waiting_count];

	if (poll(s->fds, s->waiting_count + 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) < 0)
		return errno == EINTR ? 0 : err_sys(e, ERR_INTERNAL, errno, "waiting for enclaves");
	for (size_t i = 0; i < s->waiting_count; i++)
		if (s->fds[i].revents)
			read_output(s->state, s->waiting[i]);
	if (interrupt_fd >= 0 && interrupt->revents)
		fail_rest(s, ERR_INTERRUPTED,
		          "was not ready when you interrupted, and was stopped");
	return 0;
}

static int start_all(struct starts *s, int64_t deadline_ms, int interrupt_fd, struct err *e)
{
	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms();

		begin_some(s, deadline_ms);
		gather_waiting(s, interrupt_fd);
		if (!s->waiting_count && s->begun == s->count)
			return 0;
		if (left <= 0)
			fail_rest(s, ERR_TRY_AGAIN,
			          "was not ready at the deadline and was stopped");
		else
			TRY(wait_some(s, left, interrupt_fd, e));
		gather_waiting(s, interrupt_fd);
	}
}

/* Told here, and not by each hypervisor in its log. */
static int check_files(const struct cluster *c, struct err *e)
{
	bool is_there;

	if (!c->tls.server_cert)
		return 0;
	TRY(file_look(c->tls.server_cert, &is_there, e));
	if (!is_there)
		return err_set(e, ERR_NO_INPUT,
		               "tls.server.cert of the cluster file: there is no '%s'",
		               c->tls.server_cert);
	if (file_check_private(c->tls.server_key, e) < 0)
		return err_wrap(e, "tls.server.key of the cluster file");
	return 0;
}

static bool is_same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Its one path from the root folder on, if that leads there: whoever finds it running has to know
 * whose it is, by whichever path he came, and the folder that it was started in shows to root alone
 * (strays.h). */
static int find_pki(const struct state *s, char **ret, struct err *e)
{
	AUTO(text) char *path = NULL;
	AUTO(text) char *whole = NULL;
	struct err ignored;

	TRY(state_make_folder(s, "pki", e));
	TRY(state_path(s, "pki", &path, e));
	if (state_whole_path(s, "pki", &whole, &ignored) == 0 && is_same_folder(whole, path))
		*ret = MOVE(whole);
	else
		*ret = MOVE(path);
	return 0;
}

static int prepare(struct starts *s, struct err *e)
{
	TRY(check_files(s->cluster, e));
	TRY(hypervisor_find(&s->hypervisor, e));
	TRY(find_pki(s->state, &s->pki, e));
	TRY(state_make_folder(s->state, "logs", e));
	TRY(state_make_folder(s->state, "pids", e));
	return cluster_options(s->cluster, &s->options, e);
}

int launcher_start(const struct cluster *c, const struct state *s, const size_t *nodes,
                   size_t count, int64_t deadline_ms, int interrupt_fd, struct launch_result *ret,
                   struct err *e)
{
	AUTO(starts)
	struct starts starts = { .cluster = c,
		                 .state = s,
		                 .items = calloc(count, sizeof(*starts.items)) };

	if (!starts.items)
		return err_set(e, ERR_INTERNAL, "no memory for %zu launches", count);
	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct launch_result){ 0 };
		starts.items[i] =
		    (struct start){ .node = &c->nodes[nodes[i]], .result = &ret[i], .out = -1 };
	}
	starts.count = count;
	TRY(prepare(&starts, e));
	return start_all(&starts, deadline_ms, interrupt_fd, e);
}

/* --- stopping */

/* Readable: it has ended. */
static bool has_ended(int pidfd, int64_t deadline_ms)
{
	return fd_await(pidfd, deadline_ms) > 0;
}

/* The pid may have been used again between the look and the open. */
int launcher_process(const struct state *s, const struct cluster_node *node, int *ret_fd,
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

	TRY(launcher_process(s, node, &fd, e));
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

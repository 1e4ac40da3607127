/* teectl-enclave: the server that holds the quorum key. Its NSM comes from outside, and without one
 * it does not start. */
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/entropy.h"
#include "enclave/http.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* malloc's arenas, beside the main one: each grows by what its thread's largest request took. */
#define ARENAS_MAX     2
#define TRIM_THRESHOLD (256 << 10)
/* A megabyte of JSON takes tens of megabytes as a tree, which malloc would keep. */
#define IDLE_MEMORY_MAX (4u << 20)

/* Before anything else: no other process of this user may look in, and no core is ever written. */
static int hide(struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "making the process not dumpable");
	return 0;
}

static int open_arena(struct err *e)
{
	bool is_locked;

	TRY(secret_arena_open(&is_locked, e));
	if (!is_locked)
		log_line(LOG_WARN, "secrets are not locked in memory", "reason",
		         "RLIMIT_MEMLOCK is too low", NULL);
	return 0;
}

static int print_help(struct err *e)
{
	AUTO(buf) struct buf options = BUF_INIT(LAUNCH_HELP_MAX);

	TRY(launch_help_format(/* has_nsm= */ true, &options, e));
	printf("usage: teectl-enclave --nsm fd:N|device:/dev/nsm [OPTION]...\n\n"
	       "Holds a quorum key and serves the enclave's HTTP contract.\n\n"
	       "options:\n%s",
	       buf_text(&options));
	return 0;
}

static bool is_given(char *const *argv, int count, enum launch_aside aside)
{
	for (int i = 1; i < count; i++)
		if (strncmp(argv[i], "--", 2) == 0 &&
		    strcmp(argv[i] + 2, launch_asides[aside].name) == 0)
			return true;
	return false;
}

/* OpenSSL's generator is seeded with the NSM's bytes beside its own. */
static int stir(struct nsm *nsm, struct err *e)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_request q = { .operation = NSM_GET_RANDOM };
	struct nsm_response r;

	TRY(nsm_ask(nsm, &q, &memory, &r, e));
	entropy_stir(r.data);
	return 0;
}

static int open_nsm(const struct launch *launch, struct nsm **ret, struct err *e)
{
	AUTO(nsm) struct nsm *nsm = NULL;

	if (!launch->values[LAUNCH_NSM])
		return err_set(e, ERR_USAGE,
		               "--nsm is missing: an enclave can't vouch for itself; start it "
		               "with teectl-hv, or with --nsm device:/dev/nsm on a Nitro machine");
	TRY(nsm_open(launch->values[LAUNCH_NSM], &nsm, e));
	TRY(stir(nsm, e));
	*ret = MOVE(nsm);
	return 0;
}

/* Blocked in every thread that is made from here on; read from a descriptor in the main one. */
static int open_signals(int *ret_fd, struct err *e)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return err_set(e, ERR_ENCLAVE, "signals can't be blocked");
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, ERR_ENCLAVE, errno, "signalfd");
	*ret_fd = fd;
	return 0;
}

/* Until a signal says to stop, or the NSM is gone: then -1. */
static int watch(struct http *http, const struct enclave *en, int signals, struct err *e)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		/* Answers are read by whoever asked; here only the end counts. */
		{ .fd = nsm_is_device(en->nsm) ? -1 : nsm_fd(en->nsm), .events = POLLRDHUP },
	};

	for (;;) {
		if (poll(fds, COUNT(fds), HTTP_SWEEP_MS) < 0 && errno != EINTR)
			return err_sys(e, ERR_ENCLAVE, errno, "poll");
		if (fds[1].revents)
			return err_set(e, ERR_ENCLAVE, "the NSM is gone");
		if (fds[0].revents)
			return 0;
		http_sweep(http);
		if (mallinfo2().fordblks > IDLE_MEMORY_MAX)
			malloc_trim(0);
	}
}

/* For whoever started this and asked for port 0. */
static int announce(const struct enclave *en, const char *asked, unsigned port, struct err *e)
{
	char address[64];

	snprintf(address, sizeof(address), "%.*s:%u", (int)(strrchr(asked, ':') - asked), asked,
	         port);
	log_line(LOG_INFO, "serving", "address", address, "version", TEECTL_VERSION, "debug",
	         en->is_debug ? "true" : "false", "insecure_open_seed",
	         en->open_seed ? "true" : "false", "instance", en->instance_id, NULL);
	if (printf("listening on %s\n", address) < 0 || fflush(stdout) != 0)
		return err_sys(e, ERR_ENCLAVE, errno, "writing to standard output");
	return 0;
}

static int serve(struct enclave *en, const struct launch *launch, int signals, struct err *e)
{
	AUTO(http) struct http *http = NULL;
	unsigned port;

	TRY(http_start(en, launch, &http, &port, e));
	TRY(announce(en, launch->values[LAUNCH_LISTEN], port, e));
	return watch(http, en, signals, e);
}

static int run(int argc, char **argv, struct err *e)
{
	AUTO(enclave) struct enclave *en = NULL;
	AUTO(fd) int signals = -1;
	struct nsm *nsm = NULL;
	struct launch launch;
	enum log_level level;

	TRY(hide(e));
	TRY(file_hold_standard(e));
	TRY(open_arena(e));
	TRY(launch_parse(argv + 1, (size_t)argc - 1, &launch, e));
	TRY(log_level_parse(launch.values[LAUNCH_LOG_LEVEL], &level, e));
	log_set_level(level);
	TRY(open_nsm(&launch, &nsm, e));
	TRY(open_signals(&signals, e));
	TRY(enclave_start(nsm, &launch, &en, e));
	TRY(serve(en, &launch, signals, e));
	log_line(LOG_INFO, "stopped", NULL);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e;

	mallopt(M_ARENA_MAX, ARENAS_MAX);
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
	if (is_given(argv, argc, LAUNCH_VERSION)) {
		printf("teectl-enclave %s\n", TEECTL_VERSION);
		return 0;
	}
	if ((is_given(argv, argc, LAUNCH_HELP) ? print_help(&e) : run(argc, argv, &e)) == 0)
		return 0;
	log_line(LOG_ERROR, "stopped", "error", e.text, NULL);
	return err_info(e.code)->exit_status;
}

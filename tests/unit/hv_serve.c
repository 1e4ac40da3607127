/* Starting an enclave, and being its security module; ordinary programs stand in for the enclave.
 */
/* link: enclave-stub/hv/machine.c */
/* link: enclave-stub/hv/pki.c */
/* link: enclave-stub/hv/serve.c */
/* link: enclave-stub/hv/start.c */
#include "hv/serve.h"

#include "hv_support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX 65536
#define RUN(...)   run((char *[]){ __VA_ARGS__, NULL }, no_files)

static const int no_files[ENCLAVE_FILES] = { -1, -1, -1 };

struct outcome {
	char output[1024];
	int status;
};

/* Starts argv[0] with its standard output in a pipe. */
static void start_into_pipe(char *const *argv, const int *files, struct enclave *ret, int *ret_pipe)
{
	AUTO(fd) int image = open(argv[0], O_RDONLY | O_CLOEXEC);
	int both[2], saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 20);
	struct err e = { 0 };
	int failed;

	assert_true(image >= 0);
	assert_int_equal(pipe2(both, O_CLOEXEC), 0);
	dup2(both[1], STDOUT_FILENO);
	failed = enclave_start(image, argv, files, ret, &e);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(both[1]);
	if (failed)
		fail_msg("%s", e.text);
	*ret_pipe = both[0];
}

static void read_all(int fd, char *to, size_t max)
{
	AUTO(buf) struct buf b = BUF_INIT(OUTPUT_MAX);
	struct err e;

	assert_ok(fd_read(fd, "output", &b, &e));
	snprintf(to, max, "%s", buf_text(&b));
}

static struct machine *machine; /* with a leaf that is not due, for all tests */
static char *pki;
static int pki_fd = -1; /* held before it went elsewhere */
static int signals = -1;

static struct outcome run(char *const *argv, const int *files)
{
	AUTO(enclave) struct enclave enclave = { .pidfd = -1, .nsm = -1 };
	AUTO(fd) int output = -1;
	struct outcome o;
	struct err e;

	start_into_pipe(argv, files, &enclave, &output);
	assert_ok(
	    serve(machine, &enclave, signals, &(struct pki_place){ pki, pki_fd }, &o.status, &e));
	read_all(output, o.output, sizeof(o.output));
	return o;
}

static void the_environment_is_empty(void **state)
{
	struct outcome o;

	(void)state;
	setenv("LD_PRELOAD", "/nonexistent.so", 1);
	o = RUN("/usr/bin/env");
	unsetenv("LD_PRELOAD");
	assert_string_equal(o.output, "");
	assert_int_equal(o.status, 0);
}

/* ls itself opens the folder as the next free number. */
static void nothing_is_open_but_the_standard_ones_and_the_nsm(void **state)
{
	int inherited = fcntl(STDERR_FILENO, F_DUPFD, 50);
	struct outcome o = RUN("/bin/ls", "/proc/self/fd");

	(void)state;
	close(inherited);
	assert_string_equal(o.output, "0\n1\n2\n3\n4\n");
}

static void the_files_it_was_given_are_open(void **state)
{
	int files[ENCLAVE_FILES] = { fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 30), -1, -1 };
	struct outcome o = run((char *[]){ "/bin/ls", "/proc/self/fd", NULL }, files);

	(void)state;
	close(files[0]);
	assert_string_equal(o.output, "0\n1\n2\n3\n30\n4\n");
}

static void standard_input_is_null_and_3_a_socket(void **state)
{
	struct outcome o =
	    RUN("/bin/sh", "-c", "readlink /proc/self/fd/0; readlink /proc/self/fd/3 | cut -c1-7");

	(void)state;
	assert_string_equal(o.output, "/dev/null\nsocket:\n");
}

/* Also when we ourselves have no descriptor 3, so that the socket's number is 3 at first. */
static void the_socket_is_3_whatever_was_free(void **state)
{
	struct outcome o;
	int saved = fcntl(3, F_DUPFD_CLOEXEC, 40);

	(void)state;
	if (saved >= 0)
		close(3);
	o = RUN("/bin/ls", "/proc/self/fd");
	if (saved >= 0)
		dup2(saved, 3);
	assert_string_equal(o.output, "0\n1\n2\n3\n4\n");
}

/* The set of signals in that line of /proc/self/status, without glibc's own: where its posix_spawn
 * started us, as make does, these two are ignored, and nobody can change it. */
static unsigned long long signal_set(const char *status, const char *line)
{
	const unsigned long long glibcs = 1ull << (32 - 1) | 1ull << (33 - 1);
	const char *at = strstr(status, line);

	assert_non_null(at);
	return strtoull(at + strlen(line), NULL, 16) & ~glibcs;
}

static void no_signal_is_blocked_or_ignored(void **state)
{
	struct outcome o;

	(void)state;
	signal(SIGUSR2, SIG_IGN);
	o = RUN("/bin/grep", "-E", "SigBlk|SigIgn", "/proc/self/status");
	signal(SIGUSR2, SIG_DFL);
	assert_int_equal(signal_set(o.output, "SigBlk:"), 0);
	assert_int_equal(signal_set(o.output, "SigIgn:"), 0);
}

static void its_exit_status_is_ours(void **state)
{
	(void)state;
	assert_int_equal(RUN("/bin/sh", "-c", "exit 75").status, 75);
	assert_int_equal(RUN("/bin/sh", "-c", "kill -KILL $$").status, 128 + SIGKILL);
}

static void what_is_no_program_is_refused(void **state)
{
	AUTO(fd) int image = memfd_create("image", MFD_CLOEXEC);
	AUTO(enclave) struct enclave enclave = { .pidfd = -1, .nsm = -1 };
	struct err e;

	(void)state;
	assert_int_equal(write(image, "nonsense", 8), 8);
	assert_refused(enclave_start(image, (char *[]){ "x", NULL }, no_files, &enclave, &e),
	               ERR_DATA, "can't be run");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Its own session gets no signal of ours but those that are passed on. */
static void signals_are_passed_on(void **state)
{
	static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP };

	(void)state;
	for (size_t i = 0; i < COUNT(passed_on); i++) {
		char script[128];

		snprintf(script, sizeof(script),
		         "trap 'echo got; exit 7' %d; kill -%d $PPID; while :; do read x <&3; done",
		         passed_on[i], passed_on[i]);
		struct outcome o = RUN("/bin/sh", "-c", script);

		assert_string_equal(o.output, "got\n");
		assert_int_equal(o.status, 7);
	}
}

static void it_leads_a_session_of_its_own(void **state)
{
	struct outcome o =
	    RUN("/bin/sh", "-c", "set -- $(cat /proc/$$/stat); echo $(($5 == $$)) $(($6 == $$))");

	(void)state;
	assert_string_equal(o.output, "1 1\n");
}

#define READ_ANSWER "dd bs=12288 count=1 <&3 2>/dev/null"

static void requests_are_answered_in_packets(void **state)
{
	struct outcome o =
	    RUN("/bin/sh", "-c",
	        "for i in 1 2 3; do printf '\\151GetRandom' >&3;" READ_ANSWER " | wc -c; done");

	(void)state;
	/* a1 69 GetRandom a1 66 random 59 0100 and 256 bytes */
	assert_string_equal(o.output, "278\n278\n278\n");
}

static void a_packet_above_the_limit_is_too_large(void **state)
{
	struct outcome o =
	    RUN("/bin/sh", "-c",
	        "head -c 5000 /dev/zero | dd bs=5000 iflag=fullblock >&3 2>/dev/null;" READ_ANSWER);

	(void)state;
	assert_non_null(strstr(o.output, "InputTooLarge"));
}

static void a_document_comes_over_the_socket(void **state)
{
	struct outcome o =
	    RUN("/bin/sh", "-c",
	        "printf '\\241\\153Attestation\\240' >&3;" READ_ANSWER " | grep -a -c module_id");

	(void)state;
	assert_string_equal(o.output, "1\n");
}

/* More requests than the socket holds answers for: none is lost, and we do not block. */
static void an_enclave_that_does_not_read_is_not_waited_for(void **state)
{
	struct outcome o = RUN("/bin/sh", "-c",
	                       "for i in $(seq 400); do printf '\\151GetRandom'; done >&3; exit 9");

	(void)state;
	assert_int_equal(o.status, 9);
}

static void a_closed_nsm_is_no_reason_to_spin(void **state)
{
	struct outcome o =
	    RUN("/bin/sh", "-c", "exec 3<&-; kill -TERM $PPID; exec tail -f /dev/null");

	(void)state;
	assert_int_equal(o.status, 128 + SIGTERM);
}

/* The pipe ends when the last process that holds it does. */
static void it_goes_when_we_die(void **state)
{
	int both[2];
	char rest[16];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(both), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct enclave enclave;
		struct err e;
		int image = open("/usr/bin/tail", O_RDONLY | O_CLOEXEC);

		dup2(both[1], STDOUT_FILENO);
		_exit(enclave_start(image, (char *[]){ "tail", "-f", "/dev/null", NULL }, no_files,
		                    &enclave, &e) < 0);
	}
	close(both[1]);
	read_all(both[0], rest, sizeof(rest));
	close(both[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_leaf_that_is_due_is_renewed(void **state)
{
	AUTO(identity) struct identity old = { 0 };
	int64_t before;
	struct err e;

	(void)state;
	assert_ok(pki_certify(pki, "leaf", clock_unix_ms() / 1000 - PKI_LEAF_S + 100,
	                      PKI_START_PATIENCE_MS, &old, &e));
	machine_take_identity(machine, &old);
	before = signer_not_after_unix(machine->identity.leaf);
	assert_int_equal(RUN("/bin/true").status, 0);
	assert_true(signer_not_after_unix(machine->identity.leaf) > before);
	assert_false(identity_is_due(&machine->identity, clock_unix_ms() / 1000));
}

static void a_renewal_that_fails_leaves_the_old_leaf(void **state)
{
	AUTO(identity) struct identity old = { 0 };
	char *good = pki;
	int64_t before;
	struct err e;

	(void)state;
	assert_ok(pki_certify(pki, "leaf", clock_unix_ms() / 1000 - PKI_LEAF_S + 100,
	                      PKI_START_PATIENCE_MS, &old, &e));
	machine_take_identity(machine, &old);
	before = signer_not_after_unix(machine->identity.leaf);
	pki = "/dev/null";
	assert_int_equal(RUN("/bin/true").status, 0);
	pki = good;
	assert_int_equal(signer_not_after_unix(machine->identity.leaf), before);
	assert_int_equal(RUN("/bin/true").status, 0);
	assert_true(signer_not_after_unix(machine->identity.leaf) > before);
}

static void take_due(void)
{
	AUTO(identity) struct identity old = { 0 };
	struct err e;

	assert_ok(pki_certify(pki, "leaf", clock_unix_ms() / 1000 - PKI_LEAF_S + 100,
	                      PKI_START_PATIENCE_MS, &old, &e));
	machine_take_identity(machine, &old);
}

static bool is_renewed(void)
{
	int64_t before = signer_not_after_unix(machine->identity.leaf);

	assert_int_equal(RUN("/bin/true").status, 0);
	return signer_not_after_unix(machine->identity.leaf) > before;
}

/* The state folder was lost, or is another's now: whoever verifies has the old root. */
static void no_other_root_is_made_where_the_folder_is_gone(void **state)
{
	char *good = pki;
	struct err e;

	(void)state;
	take_due();
	assert_true(asprintf(&pki, "%s/gone", good) > 0);
	assert_false(is_renewed());
	assert_false(file_is_there(pki));
	assert_ok(folder_make_private(pki, &e));
	assert_false(is_renewed());
	free(pki);
	pki = good;
	assert_true(is_renewed());
}

static void a_folder_that_was_moved_is_found_again(void **state)
{
	char *good = pki;

	(void)state;
	take_due();
	pki_fd = open(good, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(pki_fd >= 0);
	pki = "/nowhere/pki";
	assert_true(is_renewed());
	pki = good;
	fd_drop(&pki_fd);
}

/* The holder is this process, by another open file: it holds it as long as the test likes. */
static void a_lock_that_is_held_does_not_stop_the_server(void **state)
{
	AUTO(identity) struct identity old = { 0 };
	AUTO(text) char *path = NULL;
	AUTO(fd) int lock = -1;
	int64_t before;
	struct err e;

	(void)state;
	assert_ok(pki_certify(pki, "leaf", clock_unix_ms() / 1000 - PKI_LEAF_S + 100,
	                      PKI_START_PATIENCE_MS, &old, &e));
	machine_take_identity(machine, &old);
	before = signer_not_after_unix(machine->identity.leaf);
	assert_ok(path_join(pki, "lock", &path, &e));
	assert_ok(file_lock(path, /* patience_ms= */ 0, &lock, &e));
	assert_int_equal(RUN("/bin/true").status, 0);
	assert_int_equal(signer_not_after_unix(machine->identity.leaf), before);
	fd_drop(&lock);
	assert_int_equal(RUN("/bin/true").status, 0);
	assert_true(signer_not_after_unix(machine->identity.leaf) > before);
}

static int set_up(void **state)
{
	static struct machine m;
	struct identity identity;
	struct measurement measured = { 0 };
	struct err e;

	if (open_arena(state) < 0 || folder_make(state) < 0 || serve_signals(&signals, &e) < 0)
		return -1;
	pki = *state;
	log_set_level(LOG_ERROR);
	machine_init(&m, &measured, "i-teectlsim0-enc0", &entropy_system);
	if (pki_certify(pki, "leaf", clock_unix_ms() / 1000, PKI_START_PATIENCE_MS, &identity, &e) <
	    0)
		return -1;
	machine_take_identity(&m, &identity);
	machine = &m;
	return 0;
}

static int tear_down(void **state)
{
	machine_drop(machine);
	fd_drop(&signals);
	return folder_remove(state);
}

/* Valgrind 3.19 has no pidfd_open; these tests run under AddressSanitizer too. */
#ifdef UNDER_VALGRIND
#define CAN_RUN false
#else
#define CAN_RUN true
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_is_empty),
		cmocka_unit_test(nothing_is_open_but_the_standard_ones_and_the_nsm),
		cmocka_unit_test(the_files_it_was_given_are_open),
		cmocka_unit_test(standard_input_is_null_and_3_a_socket),
		cmocka_unit_test(the_socket_is_3_whatever_was_free),
		cmocka_unit_test(no_signal_is_blocked_or_ignored),
		cmocka_unit_test(its_exit_status_is_ours),
		cmocka_unit_test(what_is_no_program_is_refused),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(it_leads_a_session_of_its_own),
		cmocka_unit_test(requests_are_answered_in_packets),
		cmocka_unit_test(a_packet_above_the_limit_is_too_large),
		cmocka_unit_test(a_document_comes_over_the_socket),
		cmocka_unit_test(an_enclave_that_does_not_read_is_not_waited_for),
		cmocka_unit_test(a_closed_nsm_is_no_reason_to_spin),
		cmocka_unit_test(it_goes_when_we_die),
		cmocka_unit_test(a_leaf_that_is_due_is_renewed),
		cmocka_unit_test(a_renewal_that_fails_leaves_the_old_leaf),
		cmocka_unit_test(no_other_root_is_made_where_the_folder_is_gone),
		cmocka_unit_test(a_folder_that_was_moved_is_found_again),
		cmocka_unit_test(a_lock_that_is_held_does_not_stop_the_server),
	};

	return CAN_RUN ? cmocka_run_group_tests(tests, set_up, tear_down) : 0;
}

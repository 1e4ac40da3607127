/* teectl-hv: measures an image, runs it as an enclave, and is its security module (contract.md,
 * "The programs"). */
#include "hv/serve.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors 0 to 2 are there, whatever we were started with: what is opened later must not become
 * someone's standard error. */
static int fill_standard_descriptors(struct err *e)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "opening /dev/null");
	close(fd);
	return 0;
}

static int harden(struct err *e)
{
	bool is_locked;
	struct err why;

	/* The enclave inherits it. Before the next, which makes the file root's. */
	if (secret_empty_cores(&why) < 0)
		log_line(LOG_WARN, "a core that root takes could hold secrets", "reason", why.text,
		         NULL);
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "switching core files off");
	TRY(fill_standard_descriptors(e));
	TRY(secret_arena_open(&is_locked, e));
	if (!is_locked)
		log_line(LOG_WARN, "memory is not locked: secrets may be swapped out", NULL);
	return 0;
}

static int measure(const struct hv_options *own, const struct enclave_options *options,
                   int *ret_image, struct measurement *ret, struct err *e)
{
	struct measurement m = { .is_debug = own->is_debug };
	AUTO(fd) int image = -1;

	TRY(measure_image(own->image, &image, &m.image, e));
	TRY(measure_runtime(image, &m.runtime, e));
	TRY(launch_measure(&options->launch, &m.options, e));
	TRY(enclave_options_rewind(options, e));
	TRY(pcr_measure_name(own->role ? own->role : "", &m.role, e));
	TRY(pcr_measure_name(own->instance ? own->instance : "", &m.instance, e));
	*ret_image = MOVE_FD(image);
	*ret = m;
	return 0;
}

static void log_start(const struct machine *m, const struct enclave *enclave)
{
	char hex[PCR_INSTANCE + 1][2 * PCR_MAX_LEN + 1], pid[16];
	const char *role, *instance;

	for (size_t i = 0; i < COUNT(hex); i++)
		hex_write(pcr_view(&m->pcrs.values[i]), hex[i]);
	role = pcr_is_zero(&m->pcrs.values[PCR_ROLE]) ? NULL : hex[PCR_ROLE];
	instance = pcr_is_zero(&m->pcrs.values[PCR_INSTANCE]) ? NULL : hex[PCR_INSTANCE];
	snprintf(pid, sizeof(pid), "%d", (int)enclave->pid);
	log_line(LOG_INFO, "enclave started", "pid", pid, "module", m->module_id, "pcr0",
	         hex[PCR_IMAGE], "pcr1", hex[PCR_RUNTIME], "pcr2", hex[PCR_OPTIONS], "pcr3", role,
	         "pcr4", instance, NULL);
}

static int certify(struct machine *m, const char *pki, struct err *e)
{
	AUTO(identity) struct identity identity = { 0 };

	TRY(pki_certify(pki, m->module_id, clock_unix_ms() / 1000, PKI_START_PATIENCE_MS, &identity,
	                e));
	machine_take_identity(m, &identity);
	return 0;
}

static int start(const struct enclave_options *options, int image, struct enclave *ret,
                 struct err *e)
{
	AUTO(enclave_argv) struct enclave_argv argv = { 0 };

	TRY(enclave_argv_build(options, &argv, e));
	return enclave_start(image, argv.items, options->files, ret, e);
}

static int run_enclave(const struct hv_options *own, const char *pki, int *ret_status,
                       struct err *e)
{
	AUTO(enclave_options) struct enclave_options options = ENCLAVE_OPTIONS_NONE;
	AUTO(machine) struct machine machine = { 0 };
	AUTO(enclave) struct enclave enclave = { .pidfd = -1, .nsm = -1 };
	struct measurement measured;
	char module_id[MODULE_ID_LEN];
	AUTO(fd) int image = -1;
	AUTO(fd) int signals = -1;
	AUTO(fd) int folder = -1;

	TRY(enclave_options_parse(own->rest, own->rest_count, getenv("TEECTL_LOG"), &options, e));
	log_set_level(options.log_level);
	TRY(measure(own, &options, &image, &measured, e));
	TRY(module_id_new(module_id, e));
	machine_init(&machine, &measured, module_id, &entropy_system);
	TRY(certify(&machine, pki, e));
	folder = open(pki, O_PATH | O_DIRECTORY | O_CLOEXEC);
	TRY(serve_signals(&signals, e));
	TRY(start(&options, image, &enclave, e));
	fd_drop(&image);
	enclave_options_drop(&options);
	malloc_trim(0);
	log_start(&machine, &enclave);
	return serve(&machine, &enclave, signals, &(struct pki_place){ pki, folder }, ret_status,
	             e);
}

static int run(char **argv, size_t count, int *ret_status, struct err *e)
{
	AUTO(hv_options) struct hv_options own = { 0 };
	AUTO(text) char *pki = NULL;

	TRY(harden(e));
	TRY(hv_options_parse(argv, count, &own, e));
	*ret_status = 0;
	if (own.wants_help)
		return hv_options_print_help(stdout, e);
	if (own.wants_version) {
		printf("teectl-hv %s\n", TEECTL_VERSION);
		return 0;
	}
	if (own.pki)
		TRY(text_dup(own.pki, &pki, e));
	else
		TRY(pki_default_folder(&pki, e));
	return run_enclave(&own, pki, ret_status, e);
}

int main(int argc, char **argv)
{
	int status;
	struct err e;

	/* Whoever starts it may ignore it, and then no child could be waited for. */
	signal(SIGCHLD, SIG_DFL);
	if (run(argv + (argc > 0), (size_t)(argc > 0 ? argc - 1 : 0), &status, &e) == 0)
		return status;
	fprintf(stderr, "teectl-hv: %s\n", e.text);
	return err_info(e.code)->exit_status;
}

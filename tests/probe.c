/* An image for tests of the hypervisor: tells what an enclave sees of the world, and what its NSM
 * says of it, then leaves with status 42.
 *
 * It takes an enclave's options. With --host-name=wait it first says "listening on probe" and waits
 * for SIGTERM. --tls-key has its bytes shown. */
#include "attest/nsm.h"
#include "base/clock.h"
#include "base/text.h"
#include "proto/launch.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PROBE_STATUS 42
#define TEXT_MAX     4096

extern char **environ;

static void print_hex(const char *name, struct view v)
{
	char hex[2 * PCR_MAX_LEN + 1];

	hex_write(v, hex);
	printf("%s %s\n", name, hex);
}

static void print_surroundings(char *const *argv)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	for (; *argv; argv++)
		printf("arg %s\n", *argv);
	for (char **name = environ; *name; name++)
		printf("env %s\n", *name);
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && atol(entry->d_name) != dirfd(folder))
			printf("fd %s\n", entry->d_name);
	if (folder)
		closedir(folder);
}

static int print_key(const char *value, struct err *e)
{
	char text[TEXT_MAX] = "";

	if (!value)
		return 0;
	if (strncmp(value, "fd:", 3) != 0 || read((int)atol(value + 3), text, sizeof(text) - 1) < 0)
		return err_set(e, ERR_DATA, "--tls-key is '%s'", value);
	printf("key %s\n", text);
	return 0;
}

static int print_document(const char *nsm_spec, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(nsm) struct nsm *nsm = NULL;
	struct attestation_policy policy = { .uncommitted = true, .max_age_ms = 5000 };
	struct hash256 root;
	char name[16];

	TRY(nsm_open(nsm_spec, &nsm, e));
	TRY(nsm_attest(nsm, &(struct nsm_request){ .operation = NSM_ATTESTATION }, &document, e));
	TRY(attestation_parse(buf_view(&document), &claims, e));
	policy.root = claims.cabundle[0];
	policy.now_ms = clock_unix_ms();
	policy.chain_time_unix = policy.now_ms / 1000;
	TRY(attestation_verify(&claims, &policy, &a, e));
	TRY(sha256(policy.root, &root, e));
	print_hex("root", VIEW_OF(root.bytes));
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		snprintf(name, sizeof(name), "pcr%u", i);
		if (a.pcrs.values[i].len)
			print_hex(name, pcr_view(&a.pcrs.values[i]));
	}
	return 0;
}

static void wait_for_sigterm(void)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("listening on probe");
	fflush(stdout);
	sigwait(&set, &got);
}

static int probe(int argc, char **argv, struct err *e)
{
	struct launch launch;

	TRY(launch_parse(argv + 1, (size_t)argc - 1, &launch, e));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
	print_surroundings(argv);
	TRY(print_key(launch.values[LAUNCH_TLS_KEY], e));
	if (launch.host_name_count && strcmp(launch.host_names[0], "wait") == 0)
		wait_for_sigterm();
	return print_document(launch.values[LAUNCH_NSM], e);
}

int main(int argc, char **argv)
{
	struct err e;

	if (probe(argc, argv, &e) == 0)
		return PROBE_STATUS;
	fprintf(stderr, "probe: %s\n", e.text);
	return err_info(e.code)->exit_status;
}

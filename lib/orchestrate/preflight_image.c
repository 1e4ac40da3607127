/* Preflight: image, hypervisor, and whether they may be run from memory. */
#include "orchestrate/preflight_internal.h"

#include "attest/elf.h"
#include "attest/measure.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/expect.h"
#include "cluster/hypervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int check_hypervisor(struct preflight *p, struct err *e)
{
	AUTO(text) char *path = NULL;
	struct err why;

	if (!p->local)
		return 0;
	if (hypervisor_find(&path, &why) == 0)
		return preflight_add_ok(p, "images", "hypervisor", e, "'%s'", path);
	if (why.code == ERR_INTERNAL) {
		*e = why;
		return -1;
	}
	return preflight_add_failed(p, "images", "hypervisor", &why,
	                            why.code == ERR_NO_INPUT ? "install it beside teectl"
	                                                     : "let nobody else write there",
	                            e);
}

/* What has to be measured: by the manifest that the nodes get, else by the pins. */
static int compare_pcrs(struct preflight *p, const struct pcr_set *measured, struct err *e)
{
	struct pcr_set expected = p->c->enclave.pcrs;
	size_t differing = 0;

	if (p->has_genesis)
		TRY(manifest_pcrs(&p->genesis.envelope.manifest, &expected, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		const struct pcr *a = &expected.values[i], *b = &measured->values[i];
		char subject[8], wanted[2 * PCR_MAX_LEN + 1], found[2 * PCR_MAX_LEN + 1];
		char reason[ERR_REASON_MAX];
		struct err why;

		if (a->len == 0 || pcr_equal(a, b))
			continue;
		differing++;
		hex_write(pcr_view(a), wanted);
		hex_write(pcr_view(b), found);
		snprintf(subject, sizeof(subject), "PCR%u", i);
		pcr_reason(i, reason);
		(void)err_reason(&why, ERR_ATTESTATION, reason,
		                 "PCR%u (%s): %s says %s, and here is measured %s", i, pcr_name(i),
		                 p->has_genesis ? "the current manifest" : "the cluster file",
		                 wanted, found);
		TRY(preflight_add_failed(p, "images", subject, &why, "teectl measure", e));
	}
	if (differing)
		return 0;
	return preflight_add_ok(p, "images", "PCR0 to PCR3", e, "as %s",
	                        p->has_genesis ? "in the current manifest"
	                                       : "far as the cluster file pins them");
}

int preflight_check_images(struct preflight *p, struct err *e)
{
	AUTO(buf) struct buf image = BUF_INIT(IMAGE_MAX);
	const char *path = p->c->enclave.image;
	struct pcr_set measured;
	struct view loader;
	struct err why;
	int result;

	TRY(check_hypervisor(p, e));
	if (!path)
		return 0;
	result = file_read_guarded(path, /* may_be_pipe= */ false, &image, &why);
	if (result == 0)
		result = elf_interpreter(buf_view(&image), &loader, &why);
	if (result == 0)
		result = cluster_measure(p->c, &measured, &why);
	/* Which they are, and what helps, the keys' own rows say. */
	if (result < 0 && strcmp(why.reason, CLUSTER_KEY_MISSING) == 0)
		return preflight_add(p, "images", "enclave.image", PREFLIGHT_WARNING,
		                     "a program; measured once the members' keys are here, whose "
		                     "pins are measured with it",
		                     "", e);
	TRY(preflight_add_result(p, "images", "enclave.image", result, &why,
	                         "a program, and measured",
	                         "correct enclave.image of the cluster file", e));
	return result < 0 ? 0 : compare_pcrs(p, &measured, e);
}

/* An enclave is run from memory, by its descriptor. */
int preflight_check_memory_files(struct preflight *p, struct err *e)
{
	AUTO(fd) int fd = -1;
	struct err why;
	int result;

	if (!p->local)
		return 0;
	result = memory_file_new("preflight", 3, /* is_program= */ true, &fd, &why);
	TRY(preflight_add_result(p, "system", "memory files", result, &why, "may be executed",
	                         "sysctl vm.memfd_noexec=1, or less", e));
	result = access("/proc/self/fd", R_OK | X_OK);
	if (result < 0)
		(void)err_sys(&why, ERR_NOT_DESIRED, errno, "/proc/self/fd");
	return preflight_add_result(p, "system", "/proc", result, &why, "mounted",
	                            "mount -t proc proc /proc", e);
}

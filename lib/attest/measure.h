/* Measuring an enclave before and at its launch: what PCR0..4 will be (contract.md, "The
 * programs"). teectl and the simulated hypervisor both ask here, so that they can't disagree. */
#ifndef TEECTL_ATTEST_MEASURE_H
#define TEECTL_ATTEST_MEASURE_H

#include "attest/pcr.h"

#define IMAGE_MAX (256u << 20)

/* One launch option that is measured, name without leading dashes. */
struct measured_option {
	const char *name;
	const char *value;
};

/* Copies the file into a sealed memory file (memfd: write, grow, shrink, seal), and returns it
 * open, with mode 0111 (who runs it and is not root starts undumpable), and its PCR0. The bytes
 * measured are those in the memory file. fails ERR_NO_INPUT, ERR_DATA. */
MUST_CHECK int measure_image(const char *path, int *ret_fd, struct pcr *ret, struct err *e);
/* PCR1 of the image open at fd: loader and shared libraries as the loader itself resolves them with
 * an empty environment, read now. An ordinary user can list an image only while it is readable, so
 * its mode is 0500 meanwhile. The loader must be the system's own, but it is no guard against an
 * image that was made to harm whoever reads it. fails ERR_DATA, naming a library that is not found,
 * or the loader. */
MUST_CHECK int measure_runtime(int image_fd, struct pcr *ret, struct err *e);
/* PCR2: borsh Vec<(String, String)> sorted by name. */
MUST_CHECK int measure_options(const struct measured_option *options, size_t count, struct pcr *ret,
                               struct err *e);

#endif

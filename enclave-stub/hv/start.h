/* Starts the enclave: from the sealed memory file that was measured, with an empty environment, and
 * nothing open but null stdin, our stdout and stderr, the NSM's socket, and the files it was given.
 */
#ifndef TEECTL_HV_START_H
#define TEECTL_HV_START_H

#include "hv/options.h"

#include <sys/types.h>

struct enclave {
	pid_t pid;
	int pidfd;
	int nsm; /* our end: SOCK_SEQPACKET, one request or answer a packet */
};

/* The enclave is killed when the calling thread ends, so call it from the main thread. It leads a
 * session of its own: a terminal's Ctrl-C reaches it once, through us.
 *
 * image  executed as it is; fails ERR_DATA when the kernel can't run it */
MUST_CHECK int enclave_start(int image, char *const *argv, const int files[static ENCLAVE_FILES],
                             struct enclave *ret, struct err *e);
void enclave_drop(struct enclave *c); /* closes; does not kill */

#endif

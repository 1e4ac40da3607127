/* Who asks, as far as a client's certificate says and was judged. */
#ifndef TEECTL_ENCLAVE_CALLER_H
#define TEECTL_ENCLAVE_CALLER_H

#include "proto/access.h"

#define CALLER_FINGERPRINT_LEN 17 /* 8 bytes of SHA-256 in hex, and a NUL */

struct caller {
	struct role_set set;
	char fingerprint[CALLER_FINGERPRINT_LEN]; /* of its certificate; "": none was given */
	/* Of one without a role. ERR_ACCESS: "its certificate …"; else a fault of our own. */
	struct err why;
};

#endif

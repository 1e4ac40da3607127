/* A listening socket on a numeric address: no names are looked up, since that would load libraries
 * that nobody measured. */
#ifndef TEECTL_ENCLAVE_LISTEN_H
#define TEECTL_ENCLAVE_LISTEN_H

#include "base/err.h"

/* address   "127.0.0.1:9000", "[::1]:9000"; port 0 takes a free one
 * fails     ERR_USAGE: not such an address; ERR_ENCLAVE: not to be had */
MUST_CHECK int listen_open(const char *address, int *ret_fd, unsigned *ret_port, struct err *e);

#endif

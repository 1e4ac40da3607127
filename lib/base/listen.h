/* A listening socket on a numeric address: no names are looked up, since that would load libraries
 * that nobody measured. */
#ifndef TEECTL_BASE_LISTEN_H
#define TEECTL_BASE_LISTEN_H

#include "base/err.h"

/* option    that the address was given by, for errors: "--listen"
 * address   "127.0.0.1:9000", "[::1]:9000"; port 0 takes a free one
 * taken     what it is called that the address is not to be had
 * fails     ERR_USAGE: not such an address; taken */
MUST_CHECK int listen_open(const char *option, const char *address, enum err_code taken,
                           int *ret_fd, unsigned *ret_port, struct err *e);

#endif

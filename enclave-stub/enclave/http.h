/* The HTTP server: the only file that knows libmicrohttpd and GnuTLS. It takes requests apart for
 * gate.c and route.c, and holds connections to their limits. */
#ifndef TEECTL_ENCLAVE_HTTP_H
#define TEECTL_ENCLAVE_HTTP_H

#include "enclave/enclave.h"
#include "proto/launch.h"

struct http;

/* Listens on --listen, a numeric address, and serves from then on.
 * ret_port  the port, of use when the address asked for 0
 * fails     ERR_USAGE: an option; ERR_ENCLAVE: the system or the libraries */
MUST_CHECK int http_start(struct enclave *en, const struct launch *launch, struct http **ret,
                          unsigned *ret_port, struct err *e);
/* Cuts connections that have passed a deadline. To be called every HTTP_SWEEP_MS. */
#define HTTP_SWEEP_MS 250
void http_sweep(struct http *http);
/* Accepts nothing more, finishes what is in flight within HTTP_DRAIN_MS, and ends. */
#define HTTP_DRAIN_MS 600 /* all of it within a second, on a machine that is busy */
void http_drop(struct http **http);

#endif

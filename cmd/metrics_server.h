/* A little HTTP server for one text: GET /metrics and /healthz, in a thread of its own, so that
 * whoever asks has an answer while a heal takes its time. The only door of teectl to libmicrohttpd.
 */
#ifndef TEECTL_CMD_METRICS_SERVER_H
#define TEECTL_CMD_METRICS_SERVER_H

#include "base/buf.h"

#define METRICS_MAX                                                                                \
	(8u << 20) /* 16384 nodes, a line of at most 256 bytes each, and their labels              \
	            */

struct metrics_server;

/* address  HOST:PORT with a numeric address; port 0 takes a free one
 * fails    ERR_USAGE: not such an address; ERR_UNREACHABLE: not to be had */
MUST_CHECK int metrics_server_start(const char *address, struct metrics_server **ret,
                                    unsigned *ret_port, struct err *e);
void metrics_server_drop(struct metrics_server **server);
/* What /metrics answers from now on. */
MUST_CHECK int metrics_server_publish(struct metrics_server *server, struct view text,
                                      struct err *e);

#endif

/* Counters for GET /metrics, in Prometheus's text format. No alias, hash or namespace. */
#ifndef TEECTL_ENCLAVE_METRICS_H
#define TEECTL_ENCLAVE_METRICS_H

#include "proto/api.h"

#include <stdatomic.h>

#define METRICS_TEXT_MAX 65536

struct metrics {
	/* The last row: requests that no operation's path and method matched. A column for each
	 * outcome: ERR_COUNT is success. */
	_Atomic uint64_t outcomes[API_COUNT + 1][ERR_COUNT + 1];
	_Atomic uint64_t duration_us[API_COUNT];
	_Atomic int64_t connections;
};

/* outcome: an error's code, or ERR_COUNT. api may be API_COUNT. */
void metrics_count(struct metrics *m, enum api api, unsigned outcome, int64_t duration_us);
MUST_CHECK int metrics_format(struct metrics *m, enum phase phase, struct buf *to, struct err *e);

#endif

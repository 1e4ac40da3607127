#include "enclave/metrics.h"

#include <inttypes.h>

void metrics_count(struct metrics *m, enum api api, unsigned outcome, int64_t duration_us)
{
	atomic_fetch_add(&m->outcomes[api][outcome], 1);
	if (api < API_COUNT)
		atomic_fetch_add(&m->duration_us[api], (uint64_t)duration_us);
}

static int add_outcomes(struct metrics *m, struct buf *to, struct err *e)
{
	TRY(buf_add_text(to,
	                 "# HELP teectl_operations_total Requests by operation and result.\n"
	                 "# TYPE teectl_operations_total counter\n",
	                 e));
	for (unsigned api = 0; api <= API_COUNT; api++)
		for (unsigned outcome = 0; outcome <= ERR_COUNT; outcome++) {
			uint64_t count = atomic_load(&m->outcomes[api][outcome]);
			bool is_shown = count || (outcome == ERR_COUNT && api < API_COUNT);

			if (!is_shown)
				continue;
			TRY(buf_add_format(
			    to, e,
			    "teectl_operations_total{operation=\"%s\",result=\"%s\"} %" PRIu64 "\n",
			    api < API_COUNT ? api_table[api].name : "unknown",
			    outcome < ERR_COUNT ? err_info(outcome)->name : "ok", count));
		}
	return 0;
}

static int add_durations(struct metrics *m, struct buf *to, struct err *e)
{
	TRY(buf_add_text(to,
	                 "# HELP teectl_operation_duration_seconds Time from body to answer.\n"
	                 "# TYPE teectl_operation_duration_seconds summary\n",
	                 e));
	for (unsigned api = 0; api < API_COUNT; api++) {
		const char *name = api_table[api].name;
		uint64_t count = 0;

		for (unsigned outcome = 0; outcome <= ERR_COUNT; outcome++)
			count += atomic_load(&m->outcomes[api][outcome]);
		TRY(buf_add_format(to, e,
		                   "teectl_operation_duration_seconds_sum{operation=\"%s\"} %.6f\n",
		                   name, (double)atomic_load(&m->duration_us[api]) / 1e6));
		TRY(buf_add_format(
		    to, e,
		    "teectl_operation_duration_seconds_count{operation=\"%s\"} %" PRIu64 "\n", name,
		    count));
	}
	return 0;
}

static int add_phase(enum phase phase, struct buf *to, struct err *e)
{
	TRY(buf_add_text(to,
	                 "# HELP teectl_phase The phase that the enclave is in: 1.\n"
	                 "# TYPE teectl_phase gauge\n",
	                 e));
	for (unsigned i = 0; i < PHASE_COUNT; i++)
		TRY(buf_add_format(to, e, "teectl_phase{phase=\"%s\"} %d\n", phase_name(i),
		                   i == phase));
	return 0;
}

int metrics_format(struct metrics *m, enum phase phase, struct buf *to, struct err *e)
{
	TRY(add_outcomes(m, to, e));
	TRY(add_durations(m, to, e));
	TRY(add_phase(phase, to, e));
	return buf_add_format(to, e,
	                      "# HELP teectl_connections Open connections.\n"
	                      "# TYPE teectl_connections gauge\n"
	                      "teectl_connections %" PRId64 "\n",
	                      atomic_load(&m->connections));
}

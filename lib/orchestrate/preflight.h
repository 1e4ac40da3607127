/* Preflight: what would stop a run, before anything is started. Every check is made, and each says
 * in rows what it looked at and found. Nothing is changed. */
#ifndef TEECTL_ORCHESTRATE_PREFLIGHT_H
#define TEECTL_ORCHESTRATE_PREFLIGHT_H

#include "crypto/certificate_file.h"
#include "orchestrate/run.h"

enum preflight_outcome { PREFLIGHT_OK, PREFLIGHT_WARNING, PREFLIGHT_FAILED };
extern const char *const preflight_outcomes[]; /* NULL-terminated */

struct preflight_row {
	struct buf check;   /* "ports" */
	struct buf subject; /* what it looked at: "tee2", "tls.cert" */
	int outcome;        /* enum preflight_outcome */
	struct buf detail;  /* what was found */
	struct buf next;    /* what to type or to do; empty: nothing */
	struct err why;     /* of PREFLIGHT_FAILED; not in the schema: detail says it */
};
extern const struct wire_schema preflight_row_schema;
void preflight_rows_drop(struct wire_list *rows);

/* options: of a run that only looks; chosen: the nodes that it is about. Adds to rows.
 * fails  ERR_INTERRUPTED, ERR_INTERNAL alone: what is found is in the rows */
MUST_CHECK int preflight(const struct cluster *c, const struct run_options *options,
                         struct wire_list *rows, struct err *e);

/* The worst of what failed, as one error; 0 where nothing did. *ret_worst: its row, set where it is
 * an error. */
MUST_CHECK int preflight_judge(const struct wire_list *rows, size_t *ret_worst, struct err *e);

/* --- what judges numbers, for the unit tests: 0 or -1 with the failure; *ret_warning names what
 * is not one, or stays empty */

#define PREFLIGHT_WARNING_MAX 160
struct preflight_warning {
	char text[PREFLIGHT_WARNING_MAX];
};

/* is_bundle: of several CAs one that is expired does no harm. */
MUST_CHECK int preflight_dates(const struct certificate_dates *d, int64_t now_unix, bool is_bundle,
                               struct preflight_warning *ret_warning, struct err *e);
/* skew_ms: the node's time minus ours; max_age_ms: of a document, attestation.maxAge */
MUST_CHECK int preflight_skew(int64_t skew_ms, int64_t max_age_ms,
                              struct preflight_warning *ret_warning, struct err *e);
/* available_kib: of the text of /proc/meminfo */
bool preflight_parse_available(const char *meminfo, uint64_t *ret_kib);
MUST_CHECK int preflight_memory(uint64_t available_kib, size_t starting, struct err *e);
MUST_CHECK int preflight_files(uint64_t limit, size_t nodes, size_t starting, struct err *e);
MUST_CHECK int preflight_space(uint64_t available_bytes, size_t nodes, struct err *e);

#endif

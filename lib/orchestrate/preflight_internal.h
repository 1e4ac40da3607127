/* What the files of preflight share: what is looked at, and the rows that say what was found. */
#ifndef TEECTL_ORCHESTRATE_PREFLIGHT_INTERNAL_H
#define TEECTL_ORCHESTRATE_PREFLIGHT_INTERNAL_H

#include "orchestrate/preflight.h"

struct preflight {
	const struct cluster *c;
	const struct run_options *options;
	struct wire_list *rows;
	struct state state; /* folder NULL: it can't be used */
	bool has_genesis;
	struct kept_genesis genesis;
	int64_t now_unix;
	size_t chosen, local, running; /* nodes; of them launched here; of them running */
};

bool preflight_is_chosen(const struct preflight *p, size_t node);

/* Each adds a row. fails  ERR_INTERNAL */
MUST_CHECK int preflight_add(struct preflight *p, const char *check, const char *subject,
                             enum preflight_outcome outcome, const char *detail, const char *next,
                             struct err *e);
/* why: may be e */
MUST_CHECK int preflight_add_failed(struct preflight *p, const char *check, const char *subject,
                                    const struct err *why, const char *next, struct err *e);
/* What a check of numbers or of a file came to. */
MUST_CHECK int preflight_add_result(struct preflight *p, const char *check, const char *subject,
                                    int result, const struct err *why, const char *good,
                                    const char *next, struct err *e);
MUST_CHECK int preflight_add_ok(struct preflight *p, const char *check, const char *subject,
                                struct err *e, const char *format, ...) PRINTF_LIKE(5, 6);

/* The checks, in their order: later ones use what earlier ones have found. fails  ERR_INTERRUPTED,
 * ERR_INTERNAL */
MUST_CHECK int preflight_check_state(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_images(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_memory_files(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_keys(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_certificates(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_ports(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_limits(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_reach(struct preflight *p, struct err *e);
MUST_CHECK int preflight_check_etcd(struct preflight *p, struct err *e);

#endif

/* A recovery as a drill: the members' real shares are checked, and the rest is done for real with a
 * key of its own, in throw-away enclaves with a state of their own. The cluster's TEEs are not
 * asked anything; of its state the genesis and the sealed shares are read. */
#ifndef TEECTL_ORCHESTRATE_DRILL_H
#define TEECTL_ORCHESTRATE_DRILL_H

#include "orchestrate/run.h"

enum drill_state { DRILL_DONE, DRILL_WAITING, DRILL_FAILED };
extern const char *const drill_words[]; /* "done", "waiting for people", "failed" */

/* The reason where too few members' keys are here. */
#define DRILL_KEYS "drill-keys"

struct drill_row {
	struct buf step;    /* "check", "genesis", "lose", "recover", ... */
	struct buf subject; /* a member, or empty */
	int state;          /* enum drill_state */
	struct buf note;
};

struct drill_report {
	struct buf cluster, outcome;
	struct wire_list steps;       /* struct drill_row */
	struct wire_list waiting_for; /* struct alias_item: members whose keys are not here */
	struct err failure;           /* text empty: none; not in the schema */
};
extern const struct wire_schema drill_report_schema;
WIRE_DROP(drill_report);

/* options  of a run: events are those of the throw-away nodes; its state_folder is the cluster's
 * fails    only when nothing could be tried, or the throw-away enclaves could not be cleared away;
 *          what failed of the drill is in the report: ERR_WAITING with the members whose keys are
 *          missing, ERR_SHARE for a wrong share, else what failed of the steps */
MUST_CHECK int drill(const struct cluster *cluster, const struct run_options *options,
                     struct drill_report *ret, struct err *e);

#endif

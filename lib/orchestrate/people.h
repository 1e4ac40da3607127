/* People: who must act before a plan can be carried out, and whose keys and shares are here. It
 * looks at files, which plan_make does not. */
#ifndef TEECTL_ORCHESTRATE_PEOPLE_H
#define TEECTL_ORCHESTRATE_PEOPLE_H

#include "cluster/state.h"
#include "orchestrate/plan.h"

enum people_kind { PEOPLE_NOBODY, PEOPLE_APPROVERS, PEOPLE_MEMBERS };
extern const char *const people_names[]; /* NULL-terminated */

/* What such a step waits for. */
enum people_kind people_of(enum step_kind kind);

struct people {
	int who; /* enum people_kind */
	int step;
	struct buf node;
	int64_t needed, here;     /* shares or approvals; those that are in count as here */
	struct wire_list missing; /* struct alias_item: whose is not here */
};
extern const struct wire_schema people_schema;

void people_list_drop(struct wire_list *list);
/* One for each step that needs people. ret: of people_schema */
MUST_CHECK int people_look(const struct cluster *cluster, const struct state *state,
                           const struct observation *seen, const struct plan *plan,
                           struct wire_list *ret, struct err *e);
/* Are there too few of some? */
bool people_are_missing(const struct wire_list *people);

#endif

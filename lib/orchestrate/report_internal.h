/* What the files that report share: report.c, which judges each node, and report_next.c, which says
 * what is missing and what to type. */
#ifndef TEECTL_ORCHESTRATE_REPORT_INTERNAL_H
#define TEECTL_ORCHESTRATE_REPORT_INTERNAL_H

#include "orchestrate/report.h"

/* Is the report about that node? */
bool report_is_chosen(const struct run *r, size_t node);
enum node_state report_state_of(const struct run *r, size_t node);
/* It says how it is, and nothing came when it was to be verified: its hypervisor hangs, say, or no
 * time was left. What it has nobody knows. */
bool report_is_unanswered(const struct run *r, size_t node);
/* Has a node shown that it has the key? Then nobody is called for shares. */
bool report_is_key_back(const struct run *r);
/* How many of the report's nodes are in that state. */
size_t report_count(const struct cluster_report *report, enum node_state state);

/* report: all but missing and next, which this fills: the one thing that stands in the way first,
 * and the command that deals with it; neither where nothing is missing. */
MUST_CHECK int report_fill_next(const struct run *r, struct cluster_report *report, struct err *e);

#endif

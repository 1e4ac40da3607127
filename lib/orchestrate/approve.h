/* The approvals that a manifest needs before an enclave restarts its quorum: those that are kept
 * with it, and those of the manifest set's members whose keys are here. */
#ifndef TEECTL_ORCHESTRATE_APPROVE_H
#define TEECTL_ORCHESTRATE_APPROVE_H

#include "orchestrate/run.h"

/* The kept manifest with as many valid approvals as its manifest set's threshold.
 * fails  ERR_WAITING: too few; names who must approve, and run.missing has them all */
MUST_CHECK int approvals_gather(struct run *r, size_t node, struct manifest_envelope *ret,
                                struct err *e);

#endif

/* The shares of one inject-shares request, each judged by itself: a wrong one names its member and
 * the others count. After genesis by the hash that genesis kept. After boot-standard no hash is
 * known: the member's signature is checked first, and says whose the share is. */
#ifndef TEECTL_ENCLAVE_SHARE_INTAKE_H
#define TEECTL_ENCLAVE_SHARE_INTAKE_H

#include "enclave/call.h"

/* The share that one request brought for a slot. */
struct taken {
	bool is_accepted; /* by this request; else nothing below is set */
	bool is_known;    /* in this very form it was accepted before */
	struct hash512 share_hash;
	struct hash256 submission;
	struct secret share;
};

/* What one request adds. Nothing of the state is changed until the whole request has been judged.
 */
struct intake {
	struct taken *slots; /* one for each of the state's */
	size_t count;
	unsigned accepted;
	struct wire_list rejected; /* struct alias_item */
	struct err first;          /* why the first one was rejected */
};

void intake_drop(struct intake *in);
/* fails  ERR_SHARE: none is accepted, or there are too many to judge; any other code: a fault */
MUST_CHECK int intake_fill(const struct call *c, struct intake *in, struct err *e);
MUST_CHECK int intake_add_rejected(struct wire_list *rejected, struct view alias, struct err *e);
/* Has this very share been accepted before? By stored hashes alone. */
MUST_CHECK int intake_is_replay(const struct enclave *en, const struct submitted_share *s,
                                bool *ret, struct err *e);

/* Of the manifest that is held. */
const struct member_set *enclave_share_set(const struct enclave *en);

#endif

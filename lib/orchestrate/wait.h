/* Wait: is it so yet, node by node? A look asks the nodes and has those attest that may be so; the
 * judgement of what was seen is pure. Nothing is changed. */
#ifndef TEECTL_ORCHESTRATE_WAIT_H
#define TEECTL_ORCHESTRATE_WAIT_H

#include "orchestrate/run.h"

enum wait_for {
	WAIT_READY,     /* shown by a live attestation and a key proof */
	WAIT_VERIFIED,  /* shown by a live attestation */
	WAIT_SHARES,    /* enough shares are in, as the nodes say */
	WAIT_APPROVALS, /* of a manifest, not of nodes */
	WAIT_GONE,      /* it does not run; or, launched elsewhere, does not answer */
};
extern const char *const wait_names[]; /* NULL-terminated */

enum wait_verdict {
	WAIT_NOT_YET,
	WAIT_MET,
	WAIT_NEVER,     /* it can't become so by waiting */
	WAIT_NOT_ASKED, /* it is not this node's turn: shares go to another */
};

struct wait_node {
	enum wait_verdict verdict;
	struct err why;     /* of all but WAIT_MET: the last thing that failed */
	struct err failure; /* the last step's, for want of a better reason */
	bool has_failure;
	bool is_verified;       /* by a document of this start of it, which need not show the key */
	int64_t silent_ms;      /* monotonic: since when it gives no answer; 0: it gave one */
	int64_t silent_unix_ms; /* the same for people, taken once: two clocks never agree twice */
	unsigned shown;         /* the look that proved it; 0: none */
};

struct wait {
	enum wait_for what;
	bool is_any;        /* one is enough */
	const bool *chosen; /* one flag a node; NULL: all */
	struct wait_node *nodes;
	unsigned looks;
	int64_t judged_ms; /* monotonic: what was seen is of this time */
	bool is_changing;  /* another run holds the state: what is not so now may become so */
};

/* Of a run that was opened, and so has looked once. ret: dropped by the caller. */
MUST_CHECK int wait_new(const struct run *r, enum wait_for what, bool is_any, const bool *chosen,
                        struct wait *ret, struct err *e);
void wait_drop(struct wait *w);

/* Looks, until end_ms at most, and judges. The first look is the one that opened the run. */
MUST_CHECK int wait_look(struct run *r, struct wait *w, int64_t end_ms, struct err *e);
/* The judgement alone, of what r has seen and proved; w->is_changing is the caller's. */
void wait_judge(const struct run *r, struct wait *w);
/* All of it. WAIT_NOT_YET as well where what was proved was proved in an earlier look: the next one
 * proves it again, so that it was so at one time. */
enum wait_verdict wait_outcome(const struct run *r, struct wait *w);

bool wait_is_about(const struct wait *w, size_t node);
size_t wait_count(const struct run *r, const struct wait *w, enum wait_verdict verdict);

#endif

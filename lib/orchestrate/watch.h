/* Watch: keeps the cluster as its file says. A loop: look at all (/status), attest those that
 * changed or whose time has come, heal what is missing and needs no people (GOAL_HEAL), wait for an
 * event: a local process that ends, the next look, the user.
 *
 * It holds the state's lock only while it heals, so that other verbs run beside it. What a TEE says
 * of itself makes it a source only once its document and its key proof were verified; one that is
 * refused is quarantined: neither source nor target until it verifies again. */
#ifndef TEECTL_ORCHESTRATE_WATCH_H
#define TEECTL_ORCHESTRATE_WATCH_H

#include "cluster/lease.h"
#include "orchestrate/execute.h"
#include "orchestrate/report.h"

#define WATCH_EVENT_LIST(X)                                                                        \
	X(WATCH_NODE, "node")               /* a node is in another state than before */           \
	X(WATCH_QUARANTINED, "quarantined") /* its document does not verify */                     \
	X(WATCH_RELEASED, "released")       /* and now it does */                                  \
	X(WATCH_DONE, "done")               /* a step of a heal */                                 \
	X(WATCH_FAILED, "failed")           /* likewise; without a node: the heal itself */        \
	X(WATCH_CRASH_LOOP, "crash-loop")   /* it is launched again later */                       \
	X(WATCH_CLUSTER, "cluster")         /* counts, and losses left until people are needed */  \
	X(WATCH_WARNING, "warning")         /* the same, below keepReady */                        \
	X(WATCH_PEOPLE, "people")           /* what is missing that only people can do */          \
	X(WATCH_NOBODY, "nobody")           /* and nothing of the kind any more */                 \
	X(WATCH_BUSY, "busy")               /* another run holds the state */                      \
	X(WATCH_LEADER, "leader")           /* of several watchers this one leads, or who does */  \
	X(WATCH_FILE, "file")               /* the cluster file or the manifest is another one */

enum watch_event_kind {
#define X(id, name) id,
	WATCH_EVENT_LIST(X)
#undef X
};
extern const char *const watch_event_names[]; /* NULL-terminated */

struct watch;

struct watch_event {
	enum watch_event_kind kind;
	const char *node; /* NULL: it is about the cluster */
	const char *step; /* of WATCH_DONE and WATCH_FAILED; may be NULL */
	const char *text;
	/* For who has read the events before: what was told of another node in the same words is
	 * not told again. */
	const char *brief;
	const char *next; /* of WATCH_PEOPLE: what to type; may be "" */
	int64_t elapsed_us;
	const struct cluster_report *report; /* as it stood at the last look */
};

/* Launches in a row that did not last: each waits twice as long as the one before it, up to the
 * most. A crash that is seldom is healed at once; an image that can't run costs a launch in five
 * minutes. */
#define CRASH_WAIT_FIRST_MS 1000
#define CRASH_WAIT_MAX_MS   300000
#define CRASH_CALM_MS       60000 /* it ran so long: the next end is no loop's */
/* How long a node that was launched so often in a row stays gone before it is launched again. */
int64_t watch_crash_wait_ms(unsigned launches);

/* Upper bounds of the histogram of forwards, in ms; beyond the last stands +Inf. */
#define FORWARD_BOUNDS_MS                                                                          \
	{                                                                                          \
		10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000                                 \
	}
#define FORWARD_BOUND_COUNT 10

struct watch_stats {
	uint64_t rounds, heals_done, heals_failed, forwards, reattest_failures;
	uint64_t forwards_up_to[FORWARD_BOUND_COUNT]; /* cumulative */
	int64_t forward_us;                           /* all of them */
	int64_t last_round_ms;                        /* Unix */
};

#define INSTANCE_MAX 64 /* a UUID and room */

struct watch_node {
	/* What was attested last: the answer to /status that it was attested for. */
	bool is_attested;
	char instance[INSTANCE_MAX + 1];
	int phase;
	bool has_manifest;
	uint8_t manifest[32];
	int64_t attested_unix_ms; /* 0: never */
	bool is_quarantined;
	int64_t settling_ms; /* since when it is refused for what may settle; 0: it is not */
	unsigned launches;   /* in a row, */
	unsigned launched;   /* of them those that came up */
	int64_t launched_ms, ended_ms; /* ended: first seen gone; 0: it is there */
	bool is_loop_told;
	bool was_ready; /* since it was launched last */
	int process;    /* a pidfd of a local one; -1 */
	/* What was told last. */
	bool is_told;
	int state; /* enum node_state */
	char failure[ERR_TEXT_MAX];
};

struct watch_options {
	struct run_options run; /* its timeout is of one heal */
	enum topology topology;
	bool is_file_topology; /* it is the cluster file's, and changes with it */
	bool is_once;
	void (*on_event)(void *context, const struct watch_event *event);
	void (*on_round)(void *context, const struct watch *w); /* after each; may be NULL */
	void *context;
};

struct watch {
	const struct cluster *cluster; /* in force */
	struct cluster *taken;         /* it, where it was read while this watch ran; else NULL */
	struct watch_options options;
	struct run run; /* that looks and attests */
	int mark;       /* says to others that it lives on this state; -1 */
	int told_other; /* the pid of another that has said so, once that was told; 0 */
	struct watch_node *nodes;
	bool *targets, *barred, *resting; /* one flag a node */
	struct cluster_report report;
	struct watch_stats stats;
	struct hash256 manifest_hash; /* that the policy was settled for */
	int64_t attest_due_ms;
	struct err unopened; /* why the last heal could not begin; text empty: it could */
	bool is_stopping, is_leader;
	bool was_needed;              /* people were, at the round before */
	bool was_busy;                /* another run held the state when the last look began, or
	                               * when a heal was to */
	char told_busy[ERR_TEXT_MAX]; /* who, if that was told and it still does */
	char told_cluster[ERR_TEXT_MAX], told_people[ERR_TEXT_MAX], told_look[ERR_TEXT_MAX];
	unsigned looks; /* rounds that were begun */
	/* What the file said at a look where it was not what is in force, and at which. */
	struct hash256 file_seen;
	unsigned file_look;
	char told_file[ERR_TEXT_MAX]; /* why the file that is there now is not in force */
	struct err unfit; /* and why no TEE can be judged by the one that is; no text: they can */
	/* The last long text that was told of a node, without the node's name. */
	char cause[ERR_TEXT_MAX];
	const char *cause_node;
	/* Of several watchers. */
	struct etcd *etcd; /* NULL: it is alone */
	struct lease lease;
	char told_lease[ERR_TEXT_MAX], told_sync[ERR_TEXT_MAX], told_leader[ERR_TEXT_MAX + 64];
	/* Why it can heal nothing, so that it does not lead; "": it can. */
	char rootless[ERR_TEXT_MAX], strangers[ERR_TEXT_MAX];
};

/* Until the user wants no more: 0 then, what was under way being finished. With is_once one round,
 * and what came of it: 0 all ready and verified, ERR_REFUSED one was refused, ERR_WAITING people
 * are waited for and no TEE has the key, ERR_PARTIAL some are ready, ERR_TRY_AGAIN another run held
 * the state, ERR_NOT_DESIRED or ERR_UNREACHABLE; or why the state could not be opened to heal. */
MUST_CHECK int watch_run(const struct cluster *cluster, const struct watch_options *options,
                         struct err *e);

/* --- its parts */

/* Must the node be attested, since it is not what was attested last? */
bool watch_is_changed(const struct watch_node *known, const struct node_seen *seen);
/* What --once comes to. */
MUST_CHECK int watch_judge(const struct cluster_report *report, struct err *e);
void watch_count_forward(struct watch_stats *stats, int64_t elapsed_us);

/* watch_tell.c: makes the report anew and tells what is different from what was told. */
MUST_CHECK int watch_tell(struct watch *w, struct err *e);
/* And what only people can do; once until it is something else, and once when it is nothing. */
void watch_tell_people(struct watch *w);
void watch_tell_event(struct watch *w, const struct watch_event *event);

/* watch_file.c: after a look, takes over the cluster file where it has changed, is the same as at
 * the look before, and is fit for the manifest; else the one before stays in force, which is told
 * once. */
MUST_CHECK int watch_file_check(struct watch *w, struct err *e);
/* Is the file in force fit for the current manifest? Else no TEE can be judged by it, and it is
 * told once: the fault is on this side. */
bool watch_file_fits(struct watch *w);
void watch_file_drop(struct watch *w);

/* watch_lead.c: leads from the start where the cluster file names no etcd. */
MUST_CHECK int watch_lead_open(struct watch *w, struct err *e);
void watch_lead_drop(struct watch *w); /* and lets another lead */
void watch_lead_turn(struct watch *w);
void watch_lead_sync(struct watch *w);
int64_t watch_lead_wait_ms(const struct watch *w);
/* Of --once: ERR_UNREACHABLE where it could not be found out who leads. */
MUST_CHECK int watch_lead_judge(const struct watch *w, struct err *e);
/* run_options.may and .on_turn, of a struct watch. */
MUST_CHECK int watch_lead_may(void *context, bool is_step, struct err *e);
void watch_lead_on_turn(void *context);

/* watch_metrics.c: the text that Prometheus reads. */
MUST_CHECK int watch_metrics_format(const struct watch *w, const char *version, struct buf *to,
                                    struct err *e);

#endif

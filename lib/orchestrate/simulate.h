/* Simulate: the planner and the executor as they are, against TEEs that are not there, in virtual
 * time.
 *
 * An exchange takes its node's round trip, its turn at the node, which does one thing at a time,
 * and its turn at teectl, which is one event loop; at most CLIENT_CONNECTIONS_MAX are under way. It
 * is repeated as lib/client repeats it. Failures come by chance; the same seed gives the same run.
 * The loop around it is a person's: look, plan, execute, again, until every node that can be
 * reached has the key, or nothing more can be done.
 *
 * Rules that must hold whatever fails are checked at each step's start (simulate_rules.c). */
#ifndef TEECTL_ORCHESTRATE_SIMULATE_H
#define TEECTL_ORCHESTRATE_SIMULATE_H

#include "orchestrate/costs.h"

/* Of a property test: teectl is interrupted, or killed, at some event. */
enum simulated_stop { STOP_NEVER, STOP_BY_INTERRUPT, STOP_BY_KILL };

struct simulation_options {
	const struct cluster
	    *cluster; /* its nodes, way, limits and retries; borrowed, as all here is */
	enum topology topology;
	const uint16_t *regions; /* one a node; NULL: all in one */
	size_t region_count;
	const int64_t *rtt_us; /* of each region, from teectl */
	struct costs costs;
	uint64_t seed;
	/* Chances per million: an exchange fails, and would succeed another time; a node dies in an
	 * exchange. */
	uint32_t fail_ppm, death_ppm;
	int64_t restart_us; /* until one that died is back, empty; 0: it stays away */
	/* What a node is to begin with: its documents are refused; it exports nothing; it is
	 * another cluster's. */
	uint32_t forged_ppm, refusing_ppm, occupied_ppm;
	bool is_launched; /* none runs yet, and teectl launches them */
	/* The source has the key already; so have that many of the others; or they wait for it. */
	bool has_key;
	uint32_t ready_ppm, half_ppm;
	enum simulated_stop stop;
	uint64_t stop_at; /* events */
	/* Of an estimate: the nodes are as they were seen, with their round trips; in place of all
	 * chances. */
	const struct observation *seen;
};

struct simulated_steps {
	uint64_t begun, done, failed;
	int64_t us; /* of all that were done */
};

#define RULE_MAX 200

struct simulation {
	size_t nodes, ready, away, refused; /* away: down; refused: occupied, or not verified */
	struct err why;                     /* where not all are ready: what came last in the way */
	int64_t ready_us;                   /* when the last step ended */
	int64_t ended_us;        /* and the last pass, which may have found nothing to do */
	unsigned passes, rounds; /* rounds: the first plan's */
	enum topology topology;  /* what TOPOLOGY_AUTO comes to */
	struct simulated_steps steps[STEP_KIND_COUNT];
	uint64_t exchanges, looks, retries; /* looks: at a status, which each pass asks for once */
	uint64_t changes, deaths;           /* changes: of a source */
	uint64_t crossings;                 /* forwards from one region to another */
	uint64_t unseen; /* injections and forwards that failed, and brought the key all the same */
	size_t busiest;  /* the node that exported most often */
	uint64_t busiest_exports;
	int64_t own_us;          /* teectl's own work */
	int64_t longest_plan_us; /* of real time */
	char broken[RULE_MAX];   /* the first rule that did not hold; "": all did */
};

/* fails  ERR_INTERNAL alone: without memory. That not all are ready is a result. */
MUST_CHECK int simulate(const struct simulation_options *options, struct simulation *ret,
                        struct err *e);

/* A cluster of so many nodes, tee1 to teeN, and the cluster file's defaults. */
struct simulated_cluster {
	struct cluster cluster; /* to be given to simulate; nodes and names are in the two below */
	struct cluster_node *nodes;
	char *names;
};
MUST_CHECK int simulated_cluster_make(size_t nodes, struct simulated_cluster *ret, struct err *e);
void simulated_cluster_drop(struct simulated_cluster *c);

#endif

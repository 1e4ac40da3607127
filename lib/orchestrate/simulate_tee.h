/* Simulated TEEs: the phases, guards and replays of contract.md without its cryptography, one
 * request at a time, and failures by chance. */
#ifndef TEECTL_ORCHESTRATE_SIMULATE_TEE_H
#define TEECTL_ORCHESTRATE_SIMULATE_TEE_H

#include "base/prng.h"
#include "orchestrate/costs.h"
#include "orchestrate/simulate.h"

struct tee {
	int64_t free_us; /* it is busy until then */
	int64_t back_us; /* of one that is down: it serves again; INT64_MAX: never by itself */
	uint32_t done;   /* operations that it has carried out in this life: bits of enum api */
	uint32_t served; /* exports */
	uint8_t phase;
	uint8_t key; /* which quorum key it has; 0: none */
	bool is_down;
	bool is_silent;   /* a down one: not even its machine answers */
	bool is_absent;   /* not launched */
	bool is_occupied; /* by another cluster's manifest */
	bool is_forged;   /* its documents do not verify */
	bool is_refusing; /* it exports nothing */
};

struct tees {
	struct tee *items;
	size_t count;
	const struct simulation_options *options;
	struct prng prng;
	size_t holders;   /* that live and have the key */
	size_t manifests; /* that live and have this cluster's manifest */
	uint8_t births;   /* geneses that took effect: the keys that there have been */
	uint64_t deaths;
};

enum answer {
	ANSWER_GIVEN,
	ANSWER_LOST,    /* the connection broke, before or after the request took effect */
	ANSWER_NONE,    /* nobody listens */
	ANSWER_LATE,    /* a time limit passed */
	ANSWER_BUSY,    /* 503 */
	ANSWER_REFUSED, /* not in this phase, or not at all */
	ANSWER_FORGED,  /* a document that does not verify */
	ANSWER_HAS_KEY, /* a document that shows the key already */
};

struct request {
	size_t node;
	const struct exchange *exchange;
	int64_t sent_us, rtt_us;
	uint8_t key; /* of an injection: what is injected; of an export: what came out */
};

MUST_CHECK int tees_open(struct tees *t, const struct simulation_options *options, struct err *e);
void tees_drop(struct tees *t);
/* What comes of it, and when teectl knows. Requests to one node are asked in the order of their
 * sending. */
enum answer tees_ask(struct tees *t, struct request *r, int64_t *ret_known_us);
/* One that is absent serves from now on. */
void tees_launch(struct tees *t, size_t node);
/* Those that are back by then are back: empty. */
void tees_wake(struct tees *t, size_t node, int64_t now_us);
bool tee_has_key(const struct tee *t);

#endif

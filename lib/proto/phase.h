/* The phases of an enclave and the transitions between them: one table each (contract.md,
 * "Phases"). */
#ifndef TEECTL_PROTO_PHASE_H
#define TEECTL_PROTO_PHASE_H

#include "base/base.h"

#define PHASE_LIST(X)                                                                              \
	X(PHASE_UNRECOVERABLE, "UnrecoverableError")                                               \
	X(PHASE_WAITING_FOR_BOOT, "WaitingForBootInstruction")                                     \
	X(PHASE_GENESIS_BOOTED, "GenesisBooted")                                                   \
	X(PHASE_WAITING_FOR_SHARES, "WaitingForQuorumShards")                                      \
	X(PHASE_WAITING_FOR_KEY, "WaitingForForwardedKey")                                         \
	X(PHASE_PROVISIONED, "QuorumKeyProvisioned")                                               \
	X(PHASE_READY, "ApplicationReady")

enum phase {
#define X(id, name) id,
	PHASE_LIST(X)
#undef X
	    PHASE_COUNT
};

/* What moves an enclave from one phase to the next. */
enum phase_event {
	EVENT_GENESIS,         /* genesis-boot */
	EVENT_BOOT_STANDARD,   /* boot-standard */
	EVENT_MANIFEST,        /* share-manifest */
	EVENT_SHARE,           /* an accepted share, more needed */
	EVENT_SHARES_COMPLETE, /* the share that completes the threshold */
	EVENT_KEY,             /* inject-key */
	EVENT_FINISHED,        /* provisioning finished */
	EVENT_FATAL,           /* retire, a fault */
	EVENT_COUNT
};

struct phase_transition {
	enum phase from;
	enum phase_event event;
	enum phase to;
};

extern const struct phase_transition phase_transitions[];
extern const size_t phase_transition_count;
extern const char *const phase_names[PHASE_COUNT + 1]; /* NULL-terminated: a WIRE_WORD's words */

const char *phase_name(enum phase phase);
/* false: there is no such transition. */
bool phase_next(enum phase from, enum phase_event event, enum phase *ret);

/* Sets of phases, for the route table. */
#define IN(phase) (1u << (phase))
#define IN_ANY    ((1u << PHASE_COUNT) - 1)

#endif

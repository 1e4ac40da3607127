#include "proto/phase.h"

const char *const phase_names[PHASE_COUNT + 1] = {
#define X(id, name) [id] = name,
	PHASE_LIST(X)
#undef X
};

/* contract.md, "Phases". A further share changes nothing while more are needed. */
const struct phase_transition phase_transitions[] = {
	{ PHASE_WAITING_FOR_BOOT, EVENT_GENESIS, PHASE_GENESIS_BOOTED },
	{ PHASE_WAITING_FOR_BOOT, EVENT_BOOT_STANDARD, PHASE_WAITING_FOR_SHARES },
	{ PHASE_WAITING_FOR_BOOT, EVENT_MANIFEST, PHASE_WAITING_FOR_KEY },
	{ PHASE_GENESIS_BOOTED, EVENT_SHARE, PHASE_WAITING_FOR_SHARES },
	{ PHASE_WAITING_FOR_SHARES, EVENT_SHARE, PHASE_WAITING_FOR_SHARES },
	{ PHASE_GENESIS_BOOTED, EVENT_SHARES_COMPLETE, PHASE_PROVISIONED },
	{ PHASE_WAITING_FOR_SHARES, EVENT_SHARES_COMPLETE, PHASE_PROVISIONED },
	{ PHASE_WAITING_FOR_KEY, EVENT_KEY, PHASE_PROVISIONED },
	{ PHASE_PROVISIONED, EVENT_FINISHED, PHASE_READY },
	{ PHASE_UNRECOVERABLE, EVENT_FATAL, PHASE_UNRECOVERABLE },
	{ PHASE_WAITING_FOR_BOOT, EVENT_FATAL, PHASE_UNRECOVERABLE },
	{ PHASE_GENESIS_BOOTED, EVENT_FATAL, PHASE_UNRECOVERABLE },
	{ PHASE_WAITING_FOR_SHARES, EVENT_FATAL, PHASE_UNRECOVERABLE },
	{ PHASE_WAITING_FOR_KEY, EVENT_FATAL, PHASE_UNRECOVERABLE },
	{ PHASE_PROVISIONED, EVENT_FATAL, PHASE_UNRECOVERABLE },
	{ PHASE_READY, EVENT_FATAL, PHASE_UNRECOVERABLE },
};

const size_t phase_transition_count = COUNT(phase_transitions);

const char *phase_name(enum phase phase)
{
	return (unsigned)phase < PHASE_COUNT ? phase_names[phase] : "unknown phase";
}

bool phase_next(enum phase from, enum phase_event event, enum phase *ret)
{
	for (size_t i = 0; i < phase_transition_count; i++)
		if (phase_transitions[i].from == from && phase_transitions[i].event == event) {
			*ret = phase_transitions[i].to;
			return true;
		}
	return false;
}

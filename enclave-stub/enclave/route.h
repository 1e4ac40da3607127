/* From an accepted request to its answer: decode, replay, phase, mode, rate, handler, encode. */
#ifndef TEECTL_ENCLAVE_ROUTE_H
#define TEECTL_ENCLAVE_ROUTE_H

#include "enclave/enclave.h"
#include "enclave/gate.h"

/* Larger than any: a genesis of 255 members with its output is about 1.5 MiB of JSON. */
#define REPLY_MAX (4u << 20)

struct answer {
	int status;
	const char *media_type;
	const char *allow; /* of a 405, else NULL */
	bool retry_after;  /* of a 429: in a second there is work again */
	struct buf body;
};
void answer_drop(struct answer *a);

/* The answer to a request that passed the gate. Never fails: a fault is an answer too. */
void route_answer(struct enclave *en, const struct passage *passage,
                  const struct rate_address *address, const char *request_id, struct view body,
                  struct answer *ret);
/* The answer to one that did not. */
void route_refuse(struct enclave *en, const struct passage *passage, const char *request_id,
                  const struct err *why, struct answer *ret);

#endif

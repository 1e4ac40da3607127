/* The moment an enclave gets the quorum key, by shares or by forwarding: the receipt, and what it
 * holds from then on. */
#ifndef TEECTL_ENCLAVE_PROVISION_H
#define TEECTL_ENCLAVE_PROVISION_H

#include "enclave/call.h"

/* A receipt of what is done with key, now; subject NULL: zero. It is kept in the list. */
MUST_CHECK int provision_receipt(struct enclave *en, const struct key_set *key,
                                 enum receipt_kind kind, const struct hash256 *subject,
                                 struct receipt_item *ret, struct err *e);
/* The same with the time taken before, for who holds a lock: it does not ask the NSM. */
MUST_CHECK int provision_receipt_at(struct enclave *en, const struct key_set *key,
                                    enum receipt_kind kind, const struct hash256 *subject,
                                    int64_t now_ms, struct receipt_item *ret, struct err *e);
/* Takes the key over, wipes what served to get it, keeps the receipt for replays, and advances over
 * event to ApplicationReady. With the lock held exclusively. */
void provision_take_key(struct call *c, struct key_set **key, const struct receipt_item *receipt,
                        enum phase_event event);

#endif

/* The operator's half of a ceremony with members whose machines have no network: the request that
 * they are asked with (proto/request.h), and the bundles that they answer with
 * (proto/share_bundle.h). orchestrate/seal.h is the members' half. */
#ifndef TEECTL_ORCHESTRATE_CEREMONY_H
#define TEECTL_ORCHESTRATE_CEREMONY_H

#include "orchestrate/run.h"
#include "proto/share_bundle.h"

/* Of a run that reached GOAL_REQUEST: its documents, the manifest and the genesis.
 * fails  ERR_DATA: more TEEs than a request names */
MUST_CHECK int ceremony_request(const struct run *r, int64_t expires_ms, struct share_request *ret,
                                struct err *e);

/* A bundle that was handed over. */
struct submitted_bundle {
	const char *path;
	struct share_bundle bundle;
	bool is_refused;
	struct err why;
	bool is_used; /* it seals to a TEE that waits for shares now */
};

struct submission {
	struct submitted_bundle *items;
	size_t count;
	size_t nodes;               /* TEEs that the bundles were held against */
	bool is_news;               /* one of them took a share that it did not have */
	char standing[NOTHING_MAX]; /* of one that had them all: how many, and who is missing */
};
void submission_drop(struct submission *s);

/* One that can't be read or understood is refused, and stops no other. paths: borrowed. */
MUST_CHECK int submission_read(char *const *paths, size_t count, struct submission *ret,
                               struct err *e);
/* Refuses those that have expired, are for another manifest, or not by whom they say. The run has a
 * genesis. */
MUST_CHECK int submission_judge(struct submission *s, const struct run *r, struct err *e);
/* The item for a TEE; NULL: there is none. */
const struct bundle_item *submission_find(const struct submitted_bundle *b,
                                          const struct hash256 *setup_key);
/* Has no bundle before it a share of the same member for that TEE? */
bool submission_is_first(const struct submission *s, size_t item, const struct hash256 *setup_key);
/* Was one for a TEE that waits for shares now? */
bool submission_is_used(const struct submission *s);
/* After all TEEs have been asked: those that were for none of them are refused. fails  the first
 * refusal, where no bundle was for any */
MUST_CHECK int submission_settle(struct submission *s, struct err *e);

/* --- inject-shares, and answers to it */

/* As they leave: shares that never did must not look sent. They are in the journal, durable, when
 * this returns.
 * setup_key  that they are sealed to */
void ceremony_record_shares(struct run *r, size_t node, const struct public_key *setup_key,
                            const struct inject_shares_request *request);

/* aliases: struct alias_item */
bool ceremony_lists(const struct wire_list *aliases, struct view alias);
/* With the share that completes the key comes the key, which must be the cluster's, and the receipt
 * of it: evidence_receipt.
 * setup_key  that the shares were sealed to
 * fails  also ERR_ATTESTATION, reason "quorum_key" */
MUST_CHECK int ceremony_take_key(struct run *r, size_t node, const struct public_key *setup_key,
                                 const struct inject_shares_reply *reply, evidence_done *on_done,
                                 void *context, struct err *e);

#endif

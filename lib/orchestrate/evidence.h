/* Evidence: what a run writes into the journal (cluster/journal.h), a call a fact, each after the
 * fact was verified and before anything is built on it. A line is in the file when the call
 * returns. It is durable before the next request leaves if a person or a step stands behind it (a
 * step's begin and end, a genesis, a manifest, a share); what an enclave keeps as well, or is
 * asked for anew, is so by the time the next answer is looked at. That it can't be written is told,
 * and does not stop the key's way.
 *
 * Runs that only look (run_options.to_change and .records are false) write nothing. */
#ifndef TEECTL_ORCHESTRATE_EVIDENCE_H
#define TEECTL_ORCHESTRATE_EVIDENCE_H

#include "attest/pcr.h"
#include "cluster/journal.h"
#include "cluster/state.h"
#include "proto/message.h"

struct run;
struct node_proof;

/* The receipts of one boot of a TEE, of which its setup key is the name. */
struct receipt_chain {
	struct hash256 setup_key; /* SHA-256 of it */
	size_t node;              /* who brought them; SIZE_MAX: none of the cluster file's, or one
	                           * that no document has shown */
	struct hash256 module;    /* the TEE that it was then, by its documents */
	bool is_before;           /* in an earlier run */
	struct hash256 *messages; /* SHA-256 of each receipt's message, by sequence */
	size_t count;
};

/* A TEE that was a node, by its documents. */
struct known_tee {
	struct hash256 module;    /* SHA-256 of its module_id */
	struct hash256 setup_key; /* SHA-256 of it */
	struct pcr commitment;    /* PCR16 of its documents; without length: before a manifest */
	size_t node;              /* SIZE_MAX: none of the cluster file's */
	uint64_t order;           /* of its last document among all */
	uint64_t before;    /* the same, by the last look at the nodes; 0: it had shown none */
	bool has_setup_key; /* a document has shown it */
};

struct evidence {
	struct journal journal;
	bool is_loaded;  /* the chains and TEEs that the journal has */
	bool is_damaged; /* it was altered, and no word on TEEs was taken of it */
	bool is_told;    /* that a line of it may be lost, since it can't be written or synced */
	bool is_urgent;  /* what was written since the last sync must be durable before a request */
	int64_t synced_ms;
	struct receipt_chain *chains;
	size_t count;
	struct known_tee *tees; /* one for each TEE and each node that it was */
	size_t tee_count;
	uint64_t tee_order;
	int64_t lives_size; /* of the journal, when is_retired was read from it */
	bool *is_retired;   /* by node; NULL: none is. The journal's last word on it is that it has
	                     * given up the key: its step, or its receipt */
	bool has_sent;      /* the shares that were sent before, by the journal, are known: */
	struct hash256 *sent; /* SHA-256 of node, member and setup key of each */
	size_t sent_count;
};

#define EVIDENCE_INIT ((struct evidence){ .journal = JOURNAL_INIT })
void evidence_drop(struct evidence *v);
/* How long a line of a step that can be done again may be lost by the machine's crash: a sync takes
 * longer than all else that a forward does. */
#define EVIDENCE_SYNC_MS 200

enum evidence_sync {
	SYNC_URGENT, /* before something is sent: lines of what can't be done again */
	SYNC_OLD,    /* those, and others where the last sync was EVIDENCE_SYNC_MS ago */
	SYNC_ALL,    /* at the end */
};
void evidence_sync(struct run *r, enum evidence_sync which);

/* is_repeatable: where the machine's crash loses the line, doing the step again does no harm; any
 * other line is durable before the next request leaves. */
void evidence_step(struct run *r, size_t node, const char *step, bool is_repeatable,
                   const char *outcome);
/* A live document, once policy_judge has passed it, and the nonce that it was asked with. */
void evidence_document(struct run *r, size_t node, struct view document, struct view nonce);
/* Once it is believed, and before it is kept. asked_ms: the time of the document that was taken
 * before it. */
void evidence_genesis(struct run *r, size_t node, const struct kept_genesis *g, int64_t asked_ms);
/* Once the journal says that its step is done: from then on nobody has to look after it, unless a
 * line of this run may be lost. */
void evidence_genesis_ended(struct run *r);
/* A manifest with its approvals, before it is given to the node by share-manifest or
 * boot-standard. */
void evidence_manifest(struct run *r, size_t node, const struct manifest_envelope *envelope);
/* The same of one that becomes the cluster's: nobody's line, and no run's. */
MUST_CHECK int evidence_adopted(const struct state *s, const struct manifest_envelope *envelope,
                                struct err *e);
/* A share as it leaves, with the member's signature over it (share-submit). */
void evidence_share(struct run *r, size_t node, const struct submitted_share *share,
                    const struct public_key *setup_key, const struct hash256 *manifest_hash);
/* Was it sent to that boot of the node before, by the journal? */
bool evidence_has_share(struct run *r, size_t node, struct view alias,
                        const struct hash256 *setup_key);
/* What a source has sealed to the TEE of that document, once its signature is verified. */
void evidence_export(struct run *r, size_t source, struct view peer_document, struct view sealed,
                     struct view signature);
void evidence_proof(struct run *r, size_t node, struct view challenge, struct view document,
                    struct view signature);

/* previous: of the message before it; NULL: that is not known, and it is not verified. */
void evidence_record_receipt(struct run *r, size_t node, const struct receipt_item *item,
                             const struct hash256 *manifest_hash, const struct hash256 *previous);

/* A step's `done`, of a node that need not be in the cluster file any more. */
MUST_CHECK int evidence_record_end(struct run *r, const char *node, const char *step,
                                   struct err *e);

/* --- lives of nodes (evidence_lives.c) */

/* Each line of the state's journal, in its order; where there is none, nothing.
 * fails  as journal_next and take do */
MUST_CHECK int evidence_walk(const struct state *s,
                             int (*take)(void *context, const struct journal_entry *entry,
                                         struct err *e),
                             void *context, struct err *e);
/* Reads who has retired, where the journal has grown since; what this run does itself it knows. */
void evidence_look_for_lives(struct run *r);
bool evidence_has_retired(const struct run *r, size_t node);
/* For who walks the journal: will it say anything new of lives? Then those known are forgotten, and
 * each line is to be taken. */
bool evidence_expect_lives(struct run *r);
MUST_CHECK int evidence_take_life_line(struct run *r, const struct journal_line *line,
                                       struct err *e);
/* Of a journal that was altered no word is taken. */
void evidence_forget_lives(struct evidence *v);
void evidence_take_life(struct evidence *v, size_t node, const char *step, const char *outcome);
/* Of a run that died, or lost an answer, after the genesis was kept: it is done, and the journal
 * gets the line that says so. Once the nodes have been looked at. */
void evidence_end_genesis(struct run *r);

/* --- which TEE each node was (evidence_tees.c) */

/* Takes what the journal has of chains and TEEs, once a run. Of one that was altered no word on
 * TEEs is taken, and it is told. */
void evidence_load(struct run *r, size_t node);
/* A document that was verified. is_before: before this run. */
MUST_CHECK int evidence_take_tee(struct evidence *v, size_t node, struct view document,
                                 bool is_before, struct err *e);
/* Another node that the TEE is, by what was known before this look; SIZE_MAX: there is none, or
 * it is as well known as this one's. A node that has since become another TEE counts no more. */
size_t evidence_node_of(const struct evidence *v, const struct hash256 *module, size_t node);
/* Has it shown a document as that node? */
bool evidence_was(const struct evidence *v, const struct hash256 *module, size_t node);
/* Is it the last TEE that has shown a document as that node? It can be of several nodes. */
bool evidence_is_now(const struct evidence *v, const struct hash256 *module, size_t node);
/* Which one that is; NULL: none has. */
const struct hash256 *evidence_tee_of(const struct evidence *v, size_t node);
/* As evidence_tee_of, before the last look at the nodes: whoever is verified in the look itself is
 * not known by that. */
const struct hash256 *evidence_tee_before(const struct evidence *v, size_t node);
/* Has the last TEE of that node shown that setup key (SHA-256 of it)? */
bool evidence_has_boot(const struct evidence *v, const struct hash256 *setup_key, size_t node);
/* What was seen until now was before: the nodes are looked at anew. */
void evidence_settle_tees(struct evidence *v);
/* Was another TEE the last one there, before the last look at the nodes? */
bool evidence_was_another(const struct evidence *v, const struct hash256 *module, size_t node);

enum boot_match {
	BOOT_UNKNOWN, /* no document here shows the setup key, nor that of this commitment */
	BOOT_OWN,     /* the commitment (PCR16) is to this setup key */
	BOOT_OTHER,   /* it is to another */
};
enum boot_match evidence_match_boot(const struct evidence *v, const struct hash256 *setup_key,
                                    const struct pcr *commitment);

/* --- receipts (evidence_receipts.c) */

/* What the receipt of an answer must say. */
struct receipt_claim {
	size_t node; /* who answered */
	enum receipt_kind kind;
	const struct receipt_item *item; /* NULL: the answer has none, which is refused */
	const struct public_key
	    *setup_key;                 /* the attested one of that node; NULL: as proof has it */
	const struct node_proof *proof; /* a live document of that node; NULL: none was taken */
	struct view subject;            /* what its subject is the SHA-256 of; empty: none */
	const struct hash256 *manifest_hash; /* of the node's own manifest */
	const struct public_key *quorum_key;
	bool is_proof; /* nothing but the receipt shows what was done: one that can't be verified is
	                * refused, and so is one of a boot that another node has brought here, in
	                * whatever run */
};

/* failure: NULL, or what was wrong. */
typedef void evidence_done(void *context, const struct err *failure);

/* Verifies a receipt and writes it down. Where receipts before it are not known (of operations of
 * other clients), they are fetched, verified and written down first. on_done is called exactly
 * once, maybe before this returns; not when it returns -1.
 *
 * fails, or calls back with  ERR_ATTESTATION, reason "receipt": it is missing, of another kind,
 *        setup key or subject, out of its chain, or not signed by the quorum key. A receipt whose
 *        predecessors nobody gives any more is not verified: it is told, and written down as such,
 *        but for one that has to be proof.
 */
MUST_CHECK int evidence_receipt(struct run *r, const struct receipt_claim *claim,
                                evidence_done *on_done, void *context, struct err *e);
/* All receipts that the node still has, those that are known already included: of the boot that
 * answers there now, by a live document and those of the journal, and of no other. */
MUST_CHECK int evidence_fetch(struct run *r, size_t node, const struct hash256 *manifest_hash,
                              const struct public_key *quorum_key, evidence_done *on_done,
                              void *context, struct err *e);
/* The same of every node that answers with a manifest of this cluster's, current or older, at once.
 * One that does not answer, and has retired by the journal, is told, and is no failure.
 *
 * ret_new  receipts that were not known before; also of a failure
 * fails    the worst of the nodes' failures, once all have answered; ERR_PARTIAL where that is an
 *          ordinary one, and others were asked for theirs; ERR_NOT_DESIRED: there has been no
 *          genesis */
MUST_CHECK int evidence_fetch_all(struct run *r, size_t *ret_new, struct err *e);

#endif

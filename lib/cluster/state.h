/* The state directory: what teectl remembers between runs (design.md, "State"). Mode 0700, each
 * file written whole, one run at a time. Never a plaintext share, the quorum key, or what gives
 * them. */
#ifndef TEECTL_CLUSTER_STATE_H
#define TEECTL_CLUSTER_STATE_H

#include "cluster/config.h"
#include "proto/genesis.h"

#define STATE_LOCKED "locked" /* the reason of an ERR_TRY_AGAIN of state_open */

struct state {
	char *folder;
	int lock; /* held for the life of a run that changes something; -1 for one that looks */
};

/* folder_or_null: --state; else .teectl/NAME beside the cluster file.
 * to_change  take the lock: ERR_TRY_AGAIN (exit 75) names the run that holds it (pid, verb) */
MUST_CHECK int state_open(const struct cluster *c, const char *folder_or_null, bool to_change,
                          const char *verb, struct state *ret, struct err *e);
void state_drop(struct state *s);
MUST_CHECK int state_path(const struct state *s, const char *name, char **ret, struct err *e);
/* A folder in it, mode 0700; it may be there already. */
MUST_CHECK int state_make_folder(const struct state *s, const char *name, struct err *e);

/* The genesis: kept only once it is believed. Manifests are kept by hash, with the current one
 * named; encrypted shares also as shares/NAME.share. */
struct kept_genesis {
	struct manifest_envelope envelope;
	struct hash256 manifest_hash;
	struct public_key quorum_key;
	struct buf output;   /* borsh of GenesisOutput */
	struct buf document; /* genesis attestation document */
};
void kept_genesis_drop(struct kept_genesis *g);
MUST_CHECK int state_keep_genesis(const struct state *s, const struct kept_genesis *g,
                                  struct err *e);
/* *ret_found false: there has been none. ERR_DATA: a file was altered (hashes disagree). */
MUST_CHECK int state_load_genesis(const struct state *s, bool *ret_found, struct kept_genesis *ret,
                                  struct err *e);

/* Where the encrypted share of a member is kept: shares/NAME.share, as QOS keeps it. */
MUST_CHECK int state_share_path(const struct state *s, const char *member, char **ret,
                                struct err *e);

/* The enclave's time at which a genesis was asked for, written before it is. An answer that was
 * lost may be given again to a later run, so the first question's time counts: *asked_ms becomes
 * it, if it is earlier. Keeping the genesis forgets it. */
MUST_CHECK int state_keep_asked(const struct state *s, int64_t *asked_ms, struct err *e);

/* The root of simulated enclaves: STATE/pki/root.der. */
MUST_CHECK int state_simulated_root(const struct state *s, struct buf *ret, struct err *e);

/* One line of JSON appended to STATE/journal, synced. A begin without an end is a step that was
 * under way when teectl died. */
MUST_CHECK int state_journal(const struct state *s, const char *step, const char *node,
                             const char *what, struct err *e);

#endif

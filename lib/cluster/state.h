/* The state directory: what teectl remembers between runs (design.md, "State"). Mode 0700, each
 * file written whole, one run at a time. Never a plaintext share, the quorum key, or what gives
 * them. */
#ifndef TEECTL_CLUSTER_STATE_H
#define TEECTL_CLUSTER_STATE_H

#include "cluster/config.h"
#include "proto/genesis.h"

#define STATE_LOCKED    "locked"    /* the reason of an ERR_TRY_AGAIN of state_open */
#define STATE_HEALING   "healing"   /* its mark where a watch holds it: only while it heals */
#define STATE_MANIFESTS "manifests" /* the folder in it that has them */

struct state {
	char *folder;
	int lock; /* held for the life of a run that changes something; -1 for one that looks */
};

/* folder_or_null: --state; else .teectl/NAME beside the cluster file.
 * to_change  take the lock: ERR_TRY_AGAIN (exit 75) names the run that holds it (pid, verb) */
MUST_CHECK int state_open(const struct cluster *c, const char *folder_or_null, bool to_change,
                          const char *verb, struct state *ret, struct err *e);
void state_drop(struct state *s);
/* Is a run that changes something under way? */
MUST_CHECK int state_is_locked(const struct state *s, bool *ret, struct err *e);
/* Who it is, for one that state_is_locked has found: ret is what state_open would fail with. */
void state_name_holder(const struct state *s, struct err *ret);
MUST_CHECK int state_path(const struct state *s, const char *name, char **ret, struct err *e);
/* The same from the root folder on and without links, so that it is one path however the folder was
 * named; also where it, or the end of its path, is gone. */
MUST_CHECK int state_whole_path(const struct state *s, const char *name, char **ret, struct err *e);
/* A folder in it, mode 0700; it may be there already. */
MUST_CHECK int state_make_folder(const struct state *s, const char *name, struct err *e);

/* The genesis: kept only once it is believed. Manifests are kept by hash, with the current one
 * named; encrypted shares also as shares/NAME.share. */
struct kept_genesis {
	struct manifest_envelope envelope;
	struct hash256 manifest_hash;
	struct public_key quorum_key;
	/* The quorum was born elsewhere: output and document are empty, and nothing here attests
	 * the quorum key. The cluster file names it and the sets, which have approved the manifest.
	 */
	bool is_foreign;
	struct buf output;   /* borsh of GenesisOutput */
	struct buf document; /* genesis attestation document */
};
void kept_genesis_drop(struct kept_genesis *g);
MUST_CHECK int state_keep_genesis(const struct state *s, const struct kept_genesis *g,
                                  struct err *e);
/* *ret_found false: there has been none. ERR_DATA: a file was altered (hashes disagree). */
MUST_CHECK int state_load_genesis(const struct state *s, bool *ret_found, struct kept_genesis *ret,
                                  struct err *e);

/* Makes the manifest the current one; those before it stay, each under its hash. It must be of the
 * genesis's quorum key; that it is a lawful successor and approved is the caller's to check. The
 * current one itself is written anew, with the approvals that it has now. */
MUST_CHECK int state_adopt(const struct state *s, const struct manifest_envelope *envelope,
                           struct err *e);

/* Keeps the manifest of a quorum that was born elsewhere, where nothing is kept yet: is_foreign
 * from then on. That it is what the cluster file says, and approved, is the caller's to check.
 * fails  ERR_DATA: a genesis is kept */
MUST_CHECK int state_import(const struct state *s, const struct manifest_envelope *envelope,
                            struct err *e);

/* Manifests that were current before: what TEEs that are not upgraded yet hold. */
#define MANIFESTS_KEPT_MAX 256 /* a year of one every working day */
struct kept_manifest {
	struct hash256 hash;
	struct manifest_envelope envelope;
};
struct kept_manifests {
	struct kept_manifest *items;
	size_t count;
};
void kept_manifests_drop(struct kept_manifests *m);
/* Those of g's namespace and quorum key with a lower nonce: one that was written and never became
 * current is not among them. fails  ERR_DATA: a file was altered, or they are too many */
MUST_CHECK int state_load_older(const struct state *s, const struct kept_genesis *g,
                                struct kept_manifests *ret, struct err *e);

/* Has it PCR0..3 of the genesis's document? That is what its first manifest has. */
bool state_is_first(const struct kept_genesis *g, const struct manifest *m);

/* Leaves those that g's manifest lawfully follows from, and that the same manifest set approved or
 * the genesis made: a file that somebody put there says nothing. */
void state_drop_strangers(const struct kept_genesis *g, struct kept_manifests *older);

/* Where the encrypted share of a member is kept: shares/NAME.share, as QOS keeps it. */
MUST_CHECK int state_share_path(const struct state *s, const char *member, char **ret,
                                struct err *e);

/* The enclave's time at which a genesis was asked for, written before it is. An answer that was
 * lost may be given again to a later run, so the first question's time counts: *asked_ms becomes
 * it, if it is earlier. It stays until the genesis is kept and its step's end is in the journal. */
MUST_CHECK int state_keep_asked(const struct state *s, int64_t *asked_ms, struct err *e);
MUST_CHECK int state_is_asked(const struct state *s, bool *ret, struct err *e);
void state_forget_asked(const struct state *s);

/* The root of simulated enclaves: STATE/pki/root.der. fails ERR_NOT_DESIRED with STATE_NO_ROOT as
 * the reason: there is none */
#define STATE_NO_ROOT "no-root"
MUST_CHECK int state_simulated_root(const struct state *s, struct buf *ret, struct err *e);

#endif

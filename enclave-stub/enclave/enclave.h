/* The enclave: what it was started with, what it holds, and the locks around both.
 *
 * Two locks. `operation` is held by an operation that changes state for its whole course, so that
 * there is one at a time; `lock` guards the fields of struct enclave_state. A reader holds `lock`
 * shared while it works. A writer, who holds `operation`, may read the fields as they are, does
 * what is slow without `lock`, and takes it exclusively to commit, which can't fail. The NSM, own
 * time, receipts, rate and metrics have locks of their own, taken last. */
#ifndef TEECTL_ENCLAVE_ENCLAVE_H
#define TEECTL_ENCLAVE_ENCLAVE_H

#include "attest/nsm.h"
#include "proto/launch.h"
#include "proto/message.h"
#include "proto/phase.h"

#include "enclave/metrics.h"
#include "enclave/own_time.h"
#include "enclave/rate.h"
#include "enclave/receipts.h"

#include <pthread.h>

/* So often a member's share may come in another form: sealed anew, say when teectl is run again
 * before the key is complete, or, after boot-standard, another share. Each that was accepted stays
 * a replay, and one that a later one replaced never comes back: whoever saw it pass could send it
 * again. So one more than this is rejected, and none forgotten. */
#define SUBMISSIONS_MAX 16

/* A member's place in the share set, while shares are waited for and after. */
struct share_slot {
	/* SHA-512 of the share: after genesis the one it made, after boot-standard the one sent. */
	struct hash512 share_hash;
	bool is_accepted;
	bool is_off; /* after boot-standard, once there is a key: it was no share of it */
	/* What replays are compared with: SHA-256 of each share accepted, encrypted or plain as it
	 * came (their lengths differ). The last is that of the share here. */
	struct hash256 submissions[SUBMISSIONS_MAX];
	size_t submission_count;
	struct secret share; /* until the key is complete */
	uint64_t arrival;    /* after boot-standard; counts submissions: the later stand first */
};

/* All that operations change. Written by holders of both locks only. */
struct enclave_state {
	_Atomic enum phase phase; /* these two may be read without a lock */
	_Atomic bool has_manifest;
	struct manifest_message manifest;
	struct hash256 manifest_hash;
	struct public_key quorum_public, setup_public;
	struct key_set *setup_key; /* from the manifest until there is a quorum key */
	struct key_set *quorum_key;

	/* Of the share set's members, in its order; after genesis and boot-standard. */
	struct share_slot *slots;
	size_t slot_count;
	bool has_share_hashes; /* genesis made the shares; else whatever comes is a candidate */
	uint64_t arrivals;

	/* What replays are judged by, and answered with. */
	bool can_replay_genesis; /* until a share has come back */
	bool has_shared_manifest, has_injected;
	struct hash256 genesis_request, injected_key;
	struct genesis_reply genesis_reply;
	struct buf boot_document; /* of boot-standard: empty when that was not it */
	bool has_receipt;
	struct receipt_item receipt; /* of the operation that brought the key */
	bool is_retired, has_retire_receipt;
	struct receipt_item retire_receipt;
};

struct enclave {
	/* Set at the start, then constant. */
	struct nsm *nsm;
	struct buf anchor; /* DER of the root that own documents are signed under */
	bool is_debug;
	struct pcr_set pcrs; /* as the own NSM measures */
	bool open_seed;      /* --insecure-open-seed */
	uint64_t max_body;   /* --max-body */
	bool has_manifest_pin, has_share_pin;
	struct hash256 manifest_pin, share_pin;
	char instance_id[UUID_TEXT_LEN];
	int64_t started_ms; /* monotonic */
	struct entropy entropy;

	struct own_time time;
	struct receipts receipts;
	struct rate rate;
	struct metrics metrics;

	pthread_mutex_t operation;
	pthread_rwlock_t lock;
	struct enclave_state state;
};

/* The phases that one operation went through, for the log. */
#define TRAIL_MAX 3
struct trail {
	enum phase phases[TRAIL_MAX];
	size_t count;
};

/* Takes a document from the NSM, verifies it under its own root, keeps root and measurements
 * (contract.md, "What the NSM decides"). Takes over nsm, also on failure.
 * fails  ERR_ENCLAVE: the NSM; ERR_ATTESTATION: its document; ERR_USAGE: an option */
MUST_CHECK int enclave_start(struct nsm *nsm, const struct launch *launch, struct enclave **ret,
                             struct err *e);
void enclave_drop(struct enclave **en);

/* At the end: an operation that waits for the NSM gets a fault, and so does whoever asks from now
 * on. Of no effect on the device, which can't be hurried. */
void enclave_hang_up(struct enclave *en);

void enclave_write_begin(struct enclave *en);
void enclave_write_end(struct enclave *en);
/* The only place that writes the phase; between write_begin and write_end. A transition that is not
 * in phase.c's table ends in UnrecoverableError. */
void enclave_advance(struct enclave *en, enum phase_event event, struct trail *trail);
/* EVENT_FATAL, with the keys and shares wiped; between write_begin and write_end. */
void enclave_wipe(struct enclave *en, struct trail *trail);
/* The same with the lock taken by itself. */
void enclave_fail(struct enclave *en, struct trail *trail);
/* Wipes what only served to get the quorum key: setup key and shares. */
void enclave_forget_setup(struct enclave_state *state);

/* A document of the own NSM; each field may be an empty view: absent. Appends. */
MUST_CHECK int enclave_attest(struct enclave *en, struct view user_data, struct view public_key,
                              struct view nonce, struct buf *ret, struct err *e);

#endif

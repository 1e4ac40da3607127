/* What genesis-boot, boot-standard and share-manifest have in common: the rules for a manifest that
 * an enclave takes on, and the step that binds it to one. */
#ifndef TEECTL_ENCLAVE_BOOT_H
#define TEECTL_ENCLAVE_BOOT_H

#include "enclave/call.h"

/* --pin-manifest-set, --pin-share-set: ERR_APPROVAL. */
MUST_CHECK int boot_check_pins(const struct enclave *en, const struct member_set *manifest_set,
                               const struct member_set *share_set, struct err *e);
/* aws_root_certificate is the root that the own NSM signs under: ERR_APPROVAL. */
MUST_CHECK int boot_check_anchor(const struct enclave *en, const struct manifest *m, struct err *e);

/* Commits the NSM to setup_key and manifest; past the point of no return a fault ends in
 * UnrecoverableError. */
MUST_CHECK int boot_commit_nsm(struct call *c, const struct key_set *setup_key,
                               const struct hash256 *manifest_hash, struct err *e);
/* Takes both over into the state. With the lock held exclusively. */
void boot_take_manifest(struct enclave_state *state, struct manifest_envelope *envelope,
                        const struct hash256 *hash, const struct public_key *quorum_key,
                        struct key_set **setup_key);

#endif

/* A member's share: opened with the member's key and held against what the genesis attested. */
#ifndef TEECTL_ORCHESTRATE_SHARE_H
#define TEECTL_ORCHESTRATE_SHARE_H

#include "proto/genesis.h"

/* Reads key and share, opens, and compares: the key is the member's of the share set, the plaintext
 * hashes to what was attested. It stays in locked memory; nothing is written.
 *
 * ret_key, ret_share  owned by the caller
 * fails  ERR_SHARE: another key, or another share; ERR_DATA: it does not open; ERR_NO_INPUT */
MUST_CHECK int share_open(const struct encrypted_share *attested, const char *key_path,
                          const char *share_path, struct key_set **ret_key,
                          struct secret *ret_share, struct err *e);

/* The member output of a public key; NULL: none is for it. */
const struct encrypted_share *share_find(const struct genesis_output *output,
                                         const struct public_key *key);

#endif

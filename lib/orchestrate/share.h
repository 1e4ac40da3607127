/* A member's share: opened with the member's key and held against what the genesis attested. */
#ifndef TEECTL_ORCHESTRATE_SHARE_H
#define TEECTL_ORCHESTRATE_SHARE_H

#include "cluster/state.h"

/* Opens the share and compares: the key is the member's of the share set, the plaintext hashes to
 * what was attested. It stays in locked memory; nothing is written.
 *
 * member    whose share it is, as the share set has him
 * attested  NULL: no genesis here says which share is his, as where the quorum was born elsewhere;
 *           then it has a share's length and its number is not 0, and another share than his own
 *           shows only when a key is put together
 * key_path  for the error
 * fails     ERR_SHARE: another key, or another share; ERR_DATA: it does not open; ERR_NO_INPUT */
MUST_CHECK int share_open(const struct member *member, const struct encrypted_share *attested,
                          const char *key_path, const struct key_set *key, const char *share_path,
                          struct secret *ret, struct err *e);

/* Where a member's share lies: in the state, else beside his key, as NAME.share beside NAME.secret;
 * where it is nowhere, where the state would have it. */
MUST_CHECK int share_path(const struct state *s, const struct cluster_member *member, char **ret,
                          struct err *e);

/* The member output of a public key; NULL: none is for it. */
const struct encrypted_share *share_find(const struct genesis_output *output,
                                         const struct public_key *key);

/* An opened share sealed to a TEE's attested setup key, and signed by its member (share-submit). */
struct sealed_share {
	uint8_t envelope[130];
	struct hash256 setup_key; /* SHA-256 of it */
	struct signature signature;
};
MUST_CHECK int share_seal(const struct secret *share, const struct key_set *key,
                          const struct hash256 *manifest, const struct public_key *setup_key,
                          struct sealed_share *ret, struct err *e);

#endif

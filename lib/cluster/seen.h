/* What a member's key has been used for, kept beside it in KEY.seen: of each namespace the highest
 * nonce that was sealed to or approved with its manifest's hash, and the quorum key of the genesis
 * that was checked. An older manifest, another of the same nonce (two lawful ones would part the
 * quorum), or another quorum key under the same name, is then refused whoever asks.
 *
 * One line of JSON, mode 0600, written whole:
 *
 *	{"version":1,"namespaces":[{"name":"prod/signer","nonce":8,"manifest":"9f…","quorumKey":"04…"}]}
 *
 * A field that is not known is left out: an earlier teectl wrote no manifest. KEY is the file that
 * a link leads to, so that one key has one memory; KEY.seen itself must not be a link. Losing the
 *file loses that memory and nothing else. */
#ifndef TEECTL_CLUSTER_SEEN_H
#define TEECTL_CLUSTER_SEEN_H

#include "crypto/key_set.h"
#include "proto/wire.h"

#define SEEN_FILE_MAX       (1u << 19) /* of as many namespaces as follow, each with its key */
#define SEEN_NAMESPACES_MAX 1024

struct seen {
	bool has_nonce, has_manifest, has_quorum_key;
	int64_t nonce;
	struct hash256 manifest; /* of that nonce */
	struct public_key quorum_key;
};

/* Nothing is known where there is no file, or none of that namespace. fails  ERR_DATA: the file was
 * spoilt; that is not taken for nothing */
MUST_CHECK int seen_read(const char *key_path, struct view namespace_name, struct seen *ret,
                         struct err *e);
/* Adds what seen has to what is known; runs side by side do not lose each other's.
 * fails  ERR_REFUSED: a lower nonce than is known or another manifest of the same (reason
 *        "nonce"), or another quorum key ("quorum_key"); ERR_DATA */
MUST_CHECK int seen_write(const char *key_path, struct view namespace_name, const struct seen *seen,
                          struct err *e);
/* The refusals alone, before anything is done. */
MUST_CHECK int seen_check(const struct seen *known, const struct seen *now, struct err *e);
/* The file's content, for the fuzzer. */
MUST_CHECK int seen_parse(struct view content, struct view namespace_name, struct seen *ret,
                          struct err *e);

#endif

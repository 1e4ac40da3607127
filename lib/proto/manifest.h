/* The manifest: what a quorum is, who may act in it, and what its TEEs must measure (formats.md 5;
 * contract.md, "The manifest envelope"). */
#ifndef TEECTL_PROTO_MANIFEST_H
#define TEECTL_PROTO_MANIFEST_H

#include "attest/pcr.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"
#include "proto/wire.h"

#define MEMBERS_MAX 255
/* Of a set in JSON: more than it may have, so that the set is refused as such (1002). */
#define MEMBERS_READ_MAX     1024
#define MANIFEST_MAX         (1u << 18) /* borsh; 2 sets of 255 members of 130 bytes are 70 KiB */
#define ROOT_CERTIFICATE_MAX 4096
#define NAMESPACE_MAX        128
#define ALIAS_MAX            128
#define PIVOT_ARGS_MAX       512 /* ours: QOS has no limit but that of the message */
#define PIVOT_ARG_MAX        4096
#define BRIDGES_MAX          64
/* What a genesis manifest says of QuorumOS itself: ours is no build of it. */
#define MANIFEST_QOS_COMMIT ""
enum { MANIFEST_RESTART_NEVER, MANIFEST_RESTART_ALWAYS };

struct member {
	struct buf alias;
	struct buf pub_key; /* 130 bytes; empty for a member of a debug enclave */
};
extern const struct wire_schema member_schema;

struct text_item {
	struct buf text; /* a bare string */
};
extern const struct wire_schema text_item_schema;

struct member_set {
	int64_t threshold;
	struct wire_list members; /* struct member */
};

void member_set_drop(struct member_set *set);

struct manifest_namespace {
	struct buf name;
	int64_t nonce;
	struct buf quorum_key;
};

enum { BRIDGE_SERVER, BRIDGE_CLIENT };

struct bridge {
	int type; /* BRIDGE_… */
	int64_t port;
	bool has_host; /* a server always has one */
	struct buf host;
};

struct pivot {
	uint8_t hash[32];
	int restart;                    /* MANIFEST_RESTART_…; a genesis manifest: never */
	struct wire_list bridge_config; /* struct bridge */
	bool debug_mode;
	struct wire_list args; /* struct text_item */
};

struct nitro_config {
	struct buf pcrs[PCR_POLICY_COUNT];
	struct buf aws_root_certificate;
	struct buf qos_commit;
};

struct patch_member {
	struct buf pub_key;
};

struct patch_set {
	int64_t threshold;
	struct wire_list members; /* struct patch_member */
};

struct manifest {
	struct manifest_namespace namespace;
	struct pivot pivot;
	struct member_set manifest_set, share_set;
	struct nitro_config enclave;
	struct patch_set patch_set;
};

struct approval {
	struct buf signature; /* 64 */
	struct member member;
};

extern const struct wire_schema approval_schema;
void approval_drop(struct approval *a);

struct manifest_envelope {
	struct manifest manifest;
	struct wire_list manifest_set_approvals, share_set_approvals; /* struct approval */
};
/* The contract's JSON. */
extern const struct wire_schema manifest_namespace_schema, bridge_schema, pivot_schema,
    member_set_schema, nitro_config_schema, patch_member_schema, patch_set_schema, manifest_schema,
    manifest_envelope_schema;
void manifest_drop(struct manifest *m);
void manifest_envelope_drop(struct manifest_envelope *envelope);

/* Borsh of manifest v1, appended (5.1); of an envelope also the way back. */
MUST_CHECK int manifest_encode(const struct manifest *m, struct buf *to, struct err *e);
MUST_CHECK int manifest_envelope_encode(const struct manifest_envelope *m, struct buf *to,
                                        struct err *e);
MUST_CHECK int manifest_envelope_decode(struct view borsh, struct manifest_envelope *ret,
                                        struct err *e);
/* SHA-256 of that. */
MUST_CHECK int manifest_hash(const struct manifest *m, struct hash256 *ret, struct err *e);
MUST_CHECK int manifest_copy(const struct manifest_envelope *from, struct manifest_envelope *ret,
                             struct err *e);

/* contract.md's "Well formed". allow_keyless: a debug enclave's members may have no key.
 * fails  ERR_THRESHOLD or ERR_MANIFEST, naming the field */
MUST_CHECK int manifest_check(const struct manifest_envelope *envelope, bool allow_keyless,
                              struct err *e);
/* The same for one set: thresholds and uniqueness. min_threshold: 2 for shares, 1 for manifests. */
MUST_CHECK int member_set_check(const struct member_set *set, const char *what,
                                int64_t min_threshold, bool allow_keyless, struct err *e);
/* Every approval present is valid, by a member of own_set, once (5.4): ERR_APPROVAL names whose is
 * not. Then at least needed of them. */
MUST_CHECK int manifest_check_approvals(const struct manifest_envelope *envelope,
                                        const struct member_set *own_set, int64_t needed,
                                        struct err *e);
/* One approval: by a member of the set, and over hash. */
MUST_CHECK int approval_check(const struct approval *a, const struct hash256 *hash,
                              const struct member_set *set, struct err *e);
/* The one of that alias; NULL: there is none. */
const struct approval *approvals_find(const struct wire_list *approvals, struct view alias);
/* The same for approvals that sign hash: QOS's v2 manifests have one of their own. */
MUST_CHECK int approvals_check(const struct wire_list *approvals, const struct hash256 *hash,
                               const struct member_set *set, int64_t needed, struct err *e);
/* PCR0..3 of the manifest. */
MUST_CHECK int manifest_pcrs(const struct manifest *m, struct pcr_set *ret, struct err *e);
MUST_CHECK int manifest_quorum_key(const struct manifest *m, struct public_key *ret, struct err *e);
/* By alias; NULL if there is none. */
const struct member *member_set_find(const struct member_set *set, struct view alias);
/* --pin-manifest-set, --pin-share-set: SHA-256 of borsh (threshold, members sorted by alias, key).
 */
MUST_CHECK int member_set_pin(const struct member_set *set, struct hash256 *ret, struct err *e);
bool member_set_equal(const struct member_set *a, const struct member_set *b); /* any order */

/* More than this is no manifest: compact JSON of the largest is below. */
#define MANIFEST_FILE_MAX WIRE_TEXT_MAX
/* QOS's files (5.2): v2 JSON, v1 JSON, v0 JSON, borsh v1, borsh v0; and the contract's JSON, as GET
 * /enclave/manifest answers, or what is in there: the envelope, or the manifest. ret is the v1
 * form; hash is the document's own (v2: of its canonical JSON). version: 0, 1 or 2. */
struct manifest_file {
	int version;
	size_t env_count; /* of v2: variables, which the v1 form has no place for; */
	bool has_dns;     /* nor for resolvers */
	bool has_unknown; /* of v0: fields that are ignored, and are not in the hash */
	struct hash256 hash;
	struct manifest_envelope envelope; /* approvals empty for a bare manifest */
	bool is_envelope;
};
void manifest_file_drop(struct manifest_file *f);
MUST_CHECK int manifest_file_parse(struct view content, struct manifest_file *ret, struct err *e);
/* QOS's approval file (5.4): struct approval as {"signature":"<hex>","member":{"alias","pubKey"}}.
 */
extern const struct wire_schema approval_file_schema;
#define APPROVAL_FILE_MAX 8192 /* alias, key and signature in hex, with white space to spare */
MUST_CHECK int approval_file_parse(struct view content, struct approval *ret, struct err *e);
/* Its name, appended: "<alias>-<namespace with / replaced by ->-<nonce>.approval". fails  ERR_DATA:
 * the alias is not fit for a file name */
MUST_CHECK int approval_file_name(struct view alias, const struct manifest_namespace *namespace,
                                  struct buf *to, struct err *e);
/* The same v1 JSON of struct manifest_envelope, inside another file. */
extern const struct wire_schema manifest_envelope_file_schema;
/* Compact v1 JSON as qos_client writes it. */
MUST_CHECK int manifest_file_format(const struct manifest_envelope *envelope, struct buf *to,
                                    struct err *e);

#endif

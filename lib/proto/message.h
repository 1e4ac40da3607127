/* The bodies of contract.md's operations as structs, each with its schema. */
#ifndef TEECTL_PROTO_MESSAGE_H
#define TEECTL_PROTO_MESSAGE_H

#include "crypto/hash.h"
#include "crypto/key_set.h"
#include "proto/manifest.h"
#include "proto/statement.h"
#include "proto/wire.h"

#define BODY_MAX           WIRE_TEXT_MAX
#define GENESIS_OUTPUT_MAX (1u << 18)

/* {"error", "code", "request_id"} */
struct error_reply {
	struct buf error, request_id;
	int64_t code;
};
extern const struct wire_schema error_reply_schema;
WIRE_DROP(error_reply);

struct health_reply {
	struct buf status, timestamp, version;
};
extern const struct wire_schema health_reply_schema;
WIRE_DROP(health_reply);

struct namespace_id {
	struct buf name;
	int64_t nonce;
};
extern const struct wire_schema namespace_id_schema;

struct alias_item {
	struct buf alias; /* a bare string */
};
extern const struct wire_schema alias_item_schema;
void alias_list_drop(struct wire_list *list); /* of struct alias_item */
bool alias_list_has(const struct wire_list *list, struct view alias);
/* Adds those of the other list that are not there yet. */
MUST_CHECK int alias_list_merge(const struct wire_list *from, struct wire_list *to, struct err *e);

struct status_reply {
	int status, phase; /* both the phase: the seed's scripts read one, ours the other */
	struct buf timestamp, version, instance_id;
	int64_t uptime_ms, threshold, members, shares_received;
	struct wire_list shares_missing; /* struct alias_item */
	bool quorum_key_available, debug;
	bool has_threshold, has_members, has_manifest_hash, has_quorum_public_key, has_namespace;
	uint8_t manifest_hash[32], quorum_public_key[PUBLIC_KEY_LEN];
	struct namespace_id namespace;
};
extern const struct wire_schema status_reply_schema;
WIRE_DROP(status_reply);

/* GET /enclave/manifest, and the request of share-manifest and boot-standard. */
struct manifest_message {
	struct manifest_envelope manifest_envelope;
};
extern const struct wire_schema manifest_message_schema;
WIRE_DROP(manifest_message);

struct live_attestation_request {
	struct buf nonce; /* 1..512 */
};
extern const struct wire_schema live_attestation_request_schema;
WIRE_DROP(live_attestation_request);

/* {"id", "result": {"<Name>": {…}}}: one struct for all that carry a document alone. */
struct attestation_reply {
	struct buf id, attestation_doc;
};
extern const struct wire_schema live_attestation_reply_schema, generate_attestation_reply_schema,
    boot_standard_reply_schema;
void attestation_reply_drop(struct attestation_reply *m);

struct genesis_request {
	struct buf namespace_name;
	int64_t namespace_nonce, manifest_threshold, share_threshold;
	struct wire_list manifest_members, share_members; /* struct member */
	uint8_t pivot_hash[32];
	struct wire_list pivot_args; /* struct text_item */
	bool has_dr_key;
	uint8_t dr_key[PUBLIC_KEY_LEN];
};
extern const struct wire_schema genesis_request_schema;
WIRE_DROP(genesis_request);

struct encrypted_share {
	struct member share_set_member;
	/* 130 bytes; 33 in the clear for a debug member without key. */
	struct buf encrypted_quorum_key_share;
	uint8_t share_hash[64];
};
extern const struct wire_schema encrypted_share_schema;

struct genesis_reply {
	uint8_t quorum_public_key[PUBLIC_KEY_LEN], ephemeral_key[PUBLIC_KEY_LEN];
	struct manifest_envelope manifest_envelope;
	int waiting_state;                 /* phase */
	struct wire_list encrypted_shares; /* struct encrypted_share */
	struct buf genesis_output, genesis_attestation_doc;
	bool has_dr_wrap;
	struct buf dr_key_wrapped_quorum_key;
};
extern const struct wire_schema genesis_reply_schema;
WIRE_DROP(genesis_reply);

struct submitted_share {
	struct buf member_alias;
	bool has_encrypted, has_decrypted, has_signature;
	struct buf encrypted_share; /* 130 */
	struct buf decrypted_share; /* 33; debug enclaves only */
	struct buf signature;       /* 64 */
};
extern const struct wire_schema submitted_share_schema;

struct inject_shares_request {
	struct buf namespace_name;
	int64_t namespace_nonce;
	struct wire_list shares; /* struct submitted_share */
};
extern const struct wire_schema inject_shares_request_schema;
WIRE_DROP(inject_shares_request);

/* A receipt as the wire has it; statement.h has what is in it. */
struct receipt_item {
	uint8_t body[RECEIPT_BODY_LEN], signature[SIGNATURE_LEN];
};
extern const struct wire_schema receipt_item_schema;

struct inject_shares_reply {
	struct buf reconstructed_quorum_key; /* the public key, or empty */
	bool success, unresolved;
	int64_t shares_received, threshold;
	struct wire_list rejected; /* struct alias_item */
	bool has_receipt;
	struct receipt_item receipt;
};
extern const struct wire_schema inject_shares_reply_schema;
WIRE_DROP(inject_shares_reply);

/* {"id", "result": {"ShareManifestResponse": {"success": true}}} and its like. */
struct success_reply {
	struct buf id;
	bool success;
	bool has_receipt;
	struct receipt_item receipt;
};
extern const struct wire_schema share_manifest_reply_schema, inject_key_reply_schema,
    retire_reply_schema;
void success_reply_drop(struct success_reply *m);

struct generate_attestation_request {
	uint8_t manifest_hash[32];
	struct wire_list pcr_values; /* 4 of struct pcr_item */
	bool has_nonce;
	struct buf nonce;
};
struct pcr_item {
	struct buf value; /* a bare array: empty, or 48 */
};
extern const struct wire_schema generate_attestation_request_schema, pcr_item_schema;
WIRE_DROP(generate_attestation_request);

struct export_key_request {
	struct manifest_envelope manifest_envelope;
	struct buf attestation_doc;
};
extern const struct wire_schema export_key_request_schema;
WIRE_DROP(export_key_request);

struct export_key_reply {
	struct buf id;
	uint8_t encrypted_quorum_key[SEED_LEN + ENVELOPE_OVERHEAD], signature[SIGNATURE_LEN];
	bool has_receipt;
	struct receipt_item receipt;
};
extern const struct wire_schema export_key_reply_schema;
WIRE_DROP(export_key_reply);

struct inject_key_request {
	uint8_t encrypted_quorum_key[SEED_LEN + ENVELOPE_OVERHEAD], signature[SIGNATURE_LEN];
};
extern const struct wire_schema inject_key_request_schema;
WIRE_DROP(inject_key_request);

struct prove_key_request {
	uint8_t challenge[32];
};
extern const struct wire_schema prove_key_request_schema;
WIRE_DROP(prove_key_request);

struct prove_key_reply {
	struct buf id, attestation_doc;
	uint8_t signature[SIGNATURE_LEN], quorum_public_key[PUBLIC_KEY_LEN];
};
extern const struct wire_schema prove_key_reply_schema;
WIRE_DROP(prove_key_reply);

struct retire_request {
	uint8_t manifest_hash[32];
};
extern const struct wire_schema retire_request_schema;

struct receipts_reply {
	struct wire_list receipts; /* struct receipt_item */
};
extern const struct wire_schema receipts_reply_schema;
WIRE_DROP(receipts_reply);

struct generate_seed_request {
	bool has_type, has_data, has_strength;
	struct buf seed_type; /* 1..128 */
	struct buf seed_data; /* 0..4096 */
	int64_t strength;
};
extern const struct wire_schema generate_seed_request_schema;
WIRE_DROP(generate_seed_request);

struct generate_seed_reply {
	struct buf seed_phrase, entropy; /* entropy in hex */
	int64_t strength, word_count;
};
extern const struct wire_schema generate_seed_reply_schema;
WIRE_DROP(generate_seed_reply);

struct validate_seed_request {
	struct buf seed_phrase;
};
extern const struct wire_schema validate_seed_request_schema;
WIRE_DROP(validate_seed_request);

struct validate_seed_reply {
	bool valid;
	int64_t word_count;
};
extern const struct wire_schema validate_seed_reply_schema;
WIRE_DROP(validate_seed_reply);

#endif

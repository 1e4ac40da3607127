#include "proto/message.h"

#include "attest/document.h"
#include "proto/phase.h"
#include "proto/row.h"

#define TEXT_MAX             4096 /* of a sentence, an id, a version */
#define SEED_PHRASE_MAX      1024 /* 24 words are at most 215 bytes; a wrong phrase may be longer */
#define SUBMITTED_SHARES_MAX 1024 /* 4 for each member: a client may repeat itself */

/* clang-format off */

/* {"id", "result": {"<name>": {rows}}} */
#define REPLY(schema_, name_, ...)                                                                 \
	INNER(schema_##_body, __VA_ARGS__);                                                        \
	INNER(schema_##_result, WRAPPER(name_, schema_##_body, REQUIRED));                                   \
	SCHEMA(schema_,                                                                            \
	       TEXT("id", id, 0, TEXT_MAX, "the request's id", REQUIRED),                          \
	       WRAPPER("result", schema_##_result, REQUIRED))

#define THIS error_reply
SCHEMA(error_reply,
	TEXT("error", error, 0, TEXT_MAX, "what and why, one sentence", REQUIRED),
	NUMBER("code", code, 0, 9999, "the code of the table of errors", REQUIRED),
	TEXT("request_id", request_id, 0, TEXT_MAX, "as in X-Request-Id", REQUIRED));
#undef THIS

#define THIS health_reply
SCHEMA(health_reply,
	TEXT("status", status, 0, TEXT_MAX, "healthy", REQUIRED),
	TEXT("timestamp", timestamp, 0, TEXT_MAX, "RFC 3339", REQUIRED),
	TEXT("version", version, 0, TEXT_MAX, "of the enclave's program", REQUIRED));
#undef THIS

#define THIS namespace_id
SCHEMA(namespace_id,
	TEXT("name", name, 0, NAMESPACE_MAX, "the namespace's name", REQUIRED),
	NUMBER("nonce", nonce, 0, UINT32_MAX, "grows with each manifest of the namespace", REQUIRED));
#undef THIS

#define THIS alias_item
SCHEMA(alias_item,
	TEXT("", alias, 0, ALIAS_MAX, "a member's alias", REQUIRED));
#undef THIS

#define THIS status_reply
SCHEMA(status_reply,
	WORD("status", status, phase_names, "the phase", REQUIRED),
	WORD("phase", phase, phase_names, "the phase", REQUIRED),
	TEXT("timestamp", timestamp, 0, TEXT_MAX, "RFC 3339", REQUIRED),
	TEXT("version", version, 0, TEXT_MAX, "of the enclave's program", REQUIRED),
	NUMBER("uptime_ms", uptime_ms, 0, INT64_MAX, "since the start", REQUIRED),
	BOOL("quorum_key_available", quorum_key_available, "whether it holds the quorum key", REQUIRED),
	NUMBER("threshold", threshold, 0, UINT32_MAX, "shares needed", NULLABLE(has_threshold)),
	NUMBER("members", members, 0, UINT32_MAX, "of the share set", NULLABLE(has_members)),
	NUMBER("shares_received", shares_received, 0, UINT32_MAX, "shares accepted so far", REQUIRED),
	LIST("shares_missing", shares_missing, 0, MEMBERS_MAX, alias_item, "whose share is not here", REQUIRED),
	FIXED("manifest_hash", manifest_hash, "SHA-256 of the manifest's borsh", NULLABLE(has_manifest_hash)),
	FIXED("quorum_public_key", quorum_public_key, "the quorum's public key", NULLABLE(has_quorum_public_key)),
	OBJECT("namespace", namespace, namespace_id, "the manifest's namespace", NULLABLE(has_namespace)),
	BOOL("debug", debug, "whether PCR0, 1 and 2 are zero", REQUIRED),
	TEXT("instance_id", instance_id, 0, TEXT_MAX, "new at every start", REQUIRED));
#undef THIS

#define THIS manifest_message
SCHEMA(manifest_message,
	OBJECT("manifest_envelope", manifest_envelope, manifest_envelope, "manifest and approvals", REQUIRED));
#undef THIS

#define THIS live_attestation_request
SCHEMA(live_attestation_request,
	BYTES("nonce", nonce, 1, DOCUMENT_NONCE_MAX, "goes into the document", REQUIRED));
#undef THIS

#define THIS attestation_reply
#define DOCUMENT_ROW BYTES("attestation_doc", attestation_doc, 1, DOCUMENT_MAX, "COSE_Sign1", REQUIRED)
REPLY(live_attestation_reply, "LiveAttestationResponse", DOCUMENT_ROW);
REPLY(generate_attestation_reply, "GenerateAttestationResponse", DOCUMENT_ROW);
REPLY(boot_standard_reply, "BootStandardResponse", DOCUMENT_ROW);
#undef THIS

#define THIS genesis_request
SCHEMA(genesis_request,
	NAME("namespace_name", namespace_name, 1, NAMESPACE_MAX, "the namespace's name", REQUIRED),
	NUMBER("namespace_nonce", namespace_nonce, 0, UINT32_MAX, "below 2^32 - 1", REQUIRED),
	LIST("manifest_members", manifest_members, 0, MEMBERS_READ_MAX, member, "who approves manifests", REQUIRED),
	NUMBER("manifest_threshold", manifest_threshold, 0, UINT32_MAX, "approvals needed", REQUIRED),
	LIST("share_members", share_members, 0, MEMBERS_READ_MAX, member, "who gets the shares, in this order", REQUIRED),
	NUMBER("share_threshold", share_threshold, 0, UINT32_MAX, "shares needed", REQUIRED),
	FIXED("pivot_hash", pivot_hash, "SHA-256 of the application; carried, not run", REQUIRED),
	LIST("pivot_args", pivot_args, 0, PIVOT_ARGS_MAX, text_item, "the application's arguments", REQUIRED),
	FIXED("dr_key", dr_key, "public key for disaster recovery", OPTIONAL(has_dr_key)));
#undef THIS

#define THIS encrypted_share
SCHEMA(encrypted_share,
	OBJECT("share_set_member", share_set_member, member, "whose share it is", REQUIRED),
	BYTES("encrypted_quorum_key_share", encrypted_quorum_key_share, 33, 130, "130 bytes, sealed to the member; 33 in the clear for a debug member without a key",
	      REQUIRED),
	FIXED("share_hash", share_hash, "SHA-512 of the 33 bytes", REQUIRED));
#undef THIS

#define THIS genesis_reply
SCHEMA(genesis_reply,
	FIXED("quorum_public_key", quorum_public_key, "the quorum's public key", REQUIRED),
	FIXED("ephemeral_key", ephemeral_key, "the setup public key, for display", REQUIRED),
	OBJECT("manifest_envelope", manifest_envelope, manifest_envelope, "manifest, no approvals", REQUIRED),
	WORD("waiting_state", waiting_state, phase_names, "the phase", REQUIRED),
	LIST("encrypted_shares", encrypted_shares, 0, MEMBERS_MAX, encrypted_share, "a share a member", REQUIRED),
	BYTES("genesis_output", genesis_output, 1, GENESIS_OUTPUT_MAX, "borsh of QOS's GenesisOutput", REQUIRED),
	BYTES("genesis_attestation_doc", genesis_attestation_doc, 1, DOCUMENT_MAX, "its user_data is SHA-256 of genesis_output",
	      REQUIRED),
	BYTES("dr_key_wrapped_quorum_key", dr_key_wrapped_quorum_key, SEED_LEN + ENVELOPE_OVERHEAD,
	      SEED_LEN + ENVELOPE_OVERHEAD, "the seed, sealed to dr_key", OPTIONAL(has_dr_wrap)));
#undef THIS

#define THIS submitted_share
SCHEMA(submitted_share,
	TEXT("member_alias", member_alias, 1, ALIAS_MAX, "whose share it is", REQUIRED),
	BYTES("encrypted_share", encrypted_share, 130, 130, "sealed to the setup key", OPTIONAL(has_encrypted)),
	BYTES("decrypted_share", decrypted_share, 33, 33, "in the clear, debug enclaves only", OPTIONAL(has_decrypted)),
	BYTES("signature", signature, SIGNATURE_LEN, SIGNATURE_LEN, "share-submit, by the member", OPTIONAL(has_signature)));
#undef THIS

#define THIS inject_shares_request
SCHEMA(inject_shares_request,
	TEXT("namespace_name", namespace_name, 1, NAMESPACE_MAX, "the manifest's", REQUIRED),
	NUMBER("namespace_nonce", namespace_nonce, 0, UINT32_MAX, "the manifest's", REQUIRED),
	LIST("shares", shares, 1, SUBMITTED_SHARES_MAX, submitted_share, "one or many", REQUIRED));
#undef THIS

#define THIS receipt_item
SCHEMA(receipt_item,
	FIXED("body", body, "what was done", REQUIRED),
	FIXED("signature", signature, "by the quorum key", REQUIRED));
#undef THIS

#define THIS inject_shares_reply
SCHEMA(inject_shares_reply,
	BYTES("reconstructed_quorum_key", reconstructed_quorum_key, 0, PUBLIC_KEY_LEN, "the public key; empty until the threshold is met",
	      REQUIRED),
	BOOL("success", success, "whether any share was accepted", REQUIRED),
	NUMBER("shares_received", shares_received, 0, UINT32_MAX, "shares accepted so far", REQUIRED),
	NUMBER("threshold", threshold, 0, UINT32_MAX, "shares needed", REQUIRED),
	LIST("rejected", rejected, 0, SUBMITTED_SHARES_MAX, alias_item, "whose share is wrong", REQUIRED),
	BOOL("unresolved", unresolved, "enough shares, but no subset gives the key", REQUIRED),
	OBJECT("receipt", receipt, receipt_item, "with the share that completes the key", OPTIONAL(has_receipt)));
#undef THIS

#define THIS success_reply
REPLY(share_manifest_reply, "ShareManifestResponse",
	BOOL("success", success, "true", REQUIRED));
REPLY(inject_key_reply, "InjectKeyResponse",
	BOOL("success", success, "true", REQUIRED),
	OBJECT("receipt", receipt, receipt_item, "signed by the quorum key", OPTIONAL(has_receipt)));
REPLY(retire_reply, "RetireResponse",
	BOOL("success", success, "true", REQUIRED),
	OBJECT("receipt", receipt, receipt_item, "signed before the key was wiped", OPTIONAL(has_receipt)));
#undef THIS

#define THIS retire_request
SCHEMA(retire_request,
	FIXED("manifest_hash", manifest_hash, "of the manifest that is held", REQUIRED));
#undef THIS

#define THIS pcr_item
SCHEMA(pcr_item,
	BYTES("", value, 0, PCR_LEN, "48 bytes; empty: whatever is measured", REQUIRED));
#undef THIS

#define THIS generate_attestation_request
SCHEMA(generate_attestation_request,
	FIXED("manifest_hash", manifest_hash, "zeroes: the manifest that is held", REQUIRED),
	LIST("pcr_values", pcr_values, PCR_POLICY_COUNT, PCR_POLICY_COUNT, pcr_item, "PCR0..3", REQUIRED),
	BYTES("nonce", nonce, 1, DOCUMENT_NONCE_MAX, "goes into the document", OPTIONAL(has_nonce)));
#undef THIS

#define THIS export_key_request
SCHEMA(export_key_request,
	OBJECT("manifest_envelope", manifest_envelope, manifest_envelope, "the target's", REQUIRED),
	BYTES("attestation_doc", attestation_doc, 1, DOCUMENT_MAX, "the target's", REQUIRED));
#undef THIS

#define THIS export_key_reply
REPLY(export_key_reply, "ExportKeyResponse",
	FIXED("encrypted_quorum_key", encrypted_quorum_key, "the seed, sealed to the target's setup key", REQUIRED),
	FIXED("signature", signature, "over that, by the quorum key", REQUIRED),
	OBJECT("receipt", receipt, receipt_item, "signed by the quorum key", OPTIONAL(has_receipt)));
#undef THIS

#define THIS inject_key_request
SCHEMA(inject_key_request,
	FIXED("encrypted_quorum_key", encrypted_quorum_key, "as exported", REQUIRED),
	FIXED("signature", signature, "as exported", REQUIRED));
#undef THIS

#define THIS prove_key_request
SCHEMA(prove_key_request,
	FIXED("challenge", challenge, "fresh and random", REQUIRED));
#undef THIS

#define THIS prove_key_reply
REPLY(prove_key_reply, "ProveKeyResponse",
	BYTES("attestation_doc", attestation_doc, 1, DOCUMENT_MAX, "its nonce is the challenge", REQUIRED),
	FIXED("signature", signature, "prove-key, by the quorum key", REQUIRED),
	FIXED("quorum_public_key", quorum_public_key, "the quorum's public key", REQUIRED));
#undef THIS

#define THIS receipts_reply
SCHEMA(receipts_reply,
	LIST("receipts", receipts, 0, RECEIPTS_MAX, receipt_item, "oldest first", REQUIRED));
#undef THIS

#define THIS generate_seed_request
SCHEMA(generate_seed_request,
	TEXT("seed_type", seed_type, 1, 128, "not without seed_data", OPTIONAL(has_type)),
	TEXT("seed_data", seed_data, 0, 4096, "without both: fresh entropy", OPTIONAL(has_data)),
	NUMBER("strength", strength, 128, 256, "128, 160, 192, 224 or 256 bits; default 256", OPTIONAL(has_strength)));
#undef THIS

#define THIS generate_seed_reply
SCHEMA(generate_seed_reply,
	TEXT("seed_phrase", seed_phrase, 0, SEED_PHRASE_MAX, "BIP-39", REQUIRED),
	TEXT("entropy", entropy, 0, 64, "in hex", REQUIRED),
	NUMBER("strength", strength, 128, 256, "in bits", REQUIRED),
	NUMBER("word_count", word_count, 12, 24, "of the phrase", REQUIRED));
#undef THIS

#define THIS validate_seed_request
SCHEMA(validate_seed_request,
	TEXT("seed_phrase", seed_phrase, 0, SEED_PHRASE_MAX, "words", REQUIRED));
#undef THIS

#define THIS validate_seed_reply
SCHEMA(validate_seed_reply,
	BOOL("valid", valid, "words and checksum", REQUIRED),
	NUMBER("word_count", word_count, 0, SEED_PHRASE_MAX, "of the phrase", REQUIRED));
#undef THIS

/* clang-format on */

void attestation_reply_drop(struct attestation_reply *m)
{
	wire_release(&live_attestation_reply_schema, m);
}

void success_reply_drop(struct success_reply *m)
{
	wire_release(&inject_key_reply_schema, m);
}

void alias_list_drop(struct wire_list *list)
{
	wire_list_release(&alias_item_schema, list);
}

bool alias_list_has(const struct wire_list *list, struct view alias)
{
	const struct alias_item *items = list->items;

	for (size_t i = 0; i < list->count; i++)
		if (view_equal(buf_view(&items[i].alias), alias))
			return true;
	return false;
}

int alias_list_merge(const struct wire_list *from, struct wire_list *to, struct err *e)
{
	const struct alias_item *items = from->items;

	for (size_t i = 0; i < from->count; i++) {
		struct alias_item *item;

		if (alias_list_has(to, buf_view(&items[i].alias)))
			continue;
		TRY(wire_list_add(to, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, buf_view(&items[i].alias), e));
	}
	return 0;
}

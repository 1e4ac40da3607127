#include "proto/api.h"

#include <string.h>

#define PATH_SHOWN_MAX 100 /* of a path from outside */

#define SHARES         (IN(PHASE_GENESIS_BOOTED) | IN(PHASE_WAITING_FOR_SHARES))
/* contract.md, "Access": whoever has a role, and the two that see more. */
#define ANYONE   (ROLE_OBSERVER | ROLE_MEMBER | ROLE_OPERATOR | ROLE_PEER | ROLE_APP)
#define WATCHERS (ROLE_OBSERVER | ROLE_OPERATOR)

/* Of an answer, where API_ANSWER_MAX is too little: a byte takes four characters in JSON. */
#define DOCUMENT_ANSWER_MAX (128u << 10) /* DOCUMENT_MAX bytes, keys and signature */
#define REJECTED_ANSWER_MAX (256u << 10) /* the aliases of 1024 shares that were refused */
#define METRICS_ANSWER_MAX  (256u << 10) /* a line for each outcome and bucket of each operation */
#define RECEIPTS_ANSWER_MAX (1u << 20)   /* RECEIPTS_MAX of them */
/* The envelope came in with a body of WIRE_TEXT_MAX, or is a genesis's: MANIFEST_MAX of borsh. */
#define MANIFEST_ANSWER_MAX (2u << 20)

/* clang-format off */
const struct api_row api_table[API_COUNT] = {
	[API_HEALTH] = { "health", "GET", "/health", IN_ANY, 0, ROLE_NONE | ANYONE,
		NULL, &health_reply_schema, API_ANSWER_MAX, "whether the enclave serves" },
	[API_STATUS] = { "status", "GET", "/status", IN_ANY, 0, ANYONE,
		NULL, &status_reply_schema, API_ANSWER_MAX, "the phase, and what is missing" },
	[API_METRICS] = { "metrics", "GET", "/metrics", IN_ANY, 0, WATCHERS,
		NULL, NULL, METRICS_ANSWER_MAX, "counters and durations, in Prometheus's text form" },
	[API_MANIFEST] = { "manifest", "GET", "/enclave/manifest", IN_ANY, ERR_NO_MANIFEST, ANYONE,
		NULL, &manifest_message_schema, MANIFEST_ANSWER_MAX, "the manifest envelope that the enclave holds" },
	[API_RECEIPTS] = { "receipts", "GET", "/enclave/receipts", IN_ANY, 0, WATCHERS,
		NULL, &receipts_reply_schema, RECEIPTS_ANSWER_MAX, "signed receipts of what was done with the quorum key" },
	[API_LIVE_ATTESTATION] = { "live-attestation", "POST", "/enclave/live-attestation", IN_ANY, 0, ANYONE,
		&live_attestation_request_schema, &live_attestation_reply_schema, DOCUMENT_ANSWER_MAX, "a document with the client's nonce" },
	[API_GENESIS_BOOT] = { "genesis-boot", "POST", "/enclave/genesis-boot", IN(PHASE_WAITING_FOR_BOOT), 0, ROLE_OPERATOR,
		&genesis_request_schema, &genesis_reply_schema, WIRE_REPLY_TEXT_MAX, "make a quorum key and its shares" },
	[API_BOOT_STANDARD] = { "boot-standard", "POST", "/enclave/boot-standard", IN(PHASE_WAITING_FOR_BOOT), 0, ROLE_OPERATOR,
		&manifest_message_schema, &boot_standard_reply_schema, DOCUMENT_ANSWER_MAX, "restart a quorum of which no TEE is left" },
	[API_INJECT_SHARES] = { "inject-shares", "POST", "/enclave/inject-shares", SHARES, 0, ROLE_MEMBER | ROLE_OPERATOR,
		&inject_shares_request_schema, &inject_shares_reply_schema, REJECTED_ANSWER_MAX, "give back shares, until the key is whole" },
	[API_SHARE_MANIFEST] = { "share-manifest", "POST", "/enclave/share-manifest", IN(PHASE_WAITING_FOR_BOOT), 0, ROLE_OPERATOR | ROLE_PEER,
		&manifest_message_schema, &share_manifest_reply_schema, API_ANSWER_MAX, "tell a fresh enclave its manifest" },
	[API_GENERATE_ATTESTATION] = { "generate-attestation", "POST", "/enclave/generate-attestation", IN_ANY, ERR_NO_MANIFEST, ROLE_MEMBER | ROLE_OPERATOR | ROLE_PEER,
		&generate_attestation_request_schema, &generate_attestation_reply_schema, DOCUMENT_ANSWER_MAX, "a document for export-key" },
	[API_EXPORT_KEY] = { "export-key", "POST", "/enclave/export-key", IN(PHASE_READY), 0, ROLE_OPERATOR | ROLE_PEER,
		&export_key_request_schema, &export_key_reply_schema, API_ANSWER_MAX, "seal the quorum key to an attested enclave" },
	[API_INJECT_KEY] = { "inject-key", "POST", "/enclave/inject-key", IN(PHASE_WAITING_FOR_KEY), 0, ROLE_OPERATOR | ROLE_PEER,
		&inject_key_request_schema, &inject_key_reply_schema, API_ANSWER_MAX, "take an exported quorum key" },
	[API_PROVE_KEY] = { "prove-key", "POST", "/enclave/prove-key", IN(PHASE_READY), 0, ANYONE,
		&prove_key_request_schema, &prove_key_reply_schema, DOCUMENT_ANSWER_MAX, "prove, by document and signature, that the key is here" },
	[API_RETIRE] = { "retire", "POST", "/enclave/retire", IN_ANY, ERR_PHASE, ROLE_OPERATOR,
		&retire_request_schema, &retire_reply_schema, API_ANSWER_MAX, "wipe the quorum key, for good" },
	[API_GENERATE_SEED] = { "generate-seed", "POST", "/generate-seed", IN(PHASE_READY), 0, ROLE_APP,
		&generate_seed_request_schema, &generate_seed_reply_schema, API_ANSWER_MAX, "a seed phrase, the same from every TEE of the quorum" },
	[API_VALIDATE_SEED] = { "validate-seed", "POST", "/validate-seed", IN_ANY, 0, ROLE_OPERATOR | ROLE_APP,
		&validate_seed_request_schema, &validate_seed_reply_schema, API_ANSWER_MAX, "check a phrase's words and checksum" },
};
/* clang-format on */

int api_find(const char *method, const char *path, enum api *ret, const char **ret_allow,
             struct err *e)
{
	for (unsigned i = 0; i < API_COUNT; i++) {
		const struct api_row *row = &api_table[i];

		if (strcmp(row->path, path) != 0)
			continue;
		if (strcmp(row->method, method) != 0) {
			*ret_allow = row->method;
			return err_set(e, ERR_METHOD, "%s is asked with %s only", row->path,
			               row->method);
		}
		*ret = (enum api)i;
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "there is no %.*s here", PATH_SHOWN_MAX, path);
}

int api_check_phase(enum api api, enum phase phase, bool has_manifest, struct err *e)
{
	const struct api_row *row = &api_table[api];

	if (row->no_manifest && !has_manifest)
		return err_set(e, row->no_manifest,
		               "%s needs a manifest, and phase %s has none yet", row->name,
		               phase_name(phase));
	if (!(row->phases & IN(phase)))
		return err_set(e, ERR_PHASE, "%s is not allowed in phase %s", row->name,
		               phase_name(phase));
	return 0;
}

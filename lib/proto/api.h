/* The operations of contract.md: one row each gives method, path, the phases and roles in which it
 * is allowed, and the schemas of both bodies. Both programs walk it: dispatch, client, metrics,
 * manual. */
#ifndef TEECTL_PROTO_API_H
#define TEECTL_PROTO_API_H

#include "proto/message.h"
#include "proto/phase.h"

enum api {
	API_HEALTH,
	API_STATUS,
	API_METRICS,
	API_MANIFEST,
	API_RECEIPTS,
	API_LIVE_ATTESTATION,
	API_GENESIS_BOOT,
	API_BOOT_STANDARD,
	API_INJECT_SHARES,
	API_SHARE_MANIFEST,
	API_GENERATE_ATTESTATION,
	API_EXPORT_KEY,
	API_INJECT_KEY,
	API_PROVE_KEY,
	API_RETIRE,
	API_GENERATE_SEED,
	API_VALIDATE_SEED,
	API_COUNT
};

/* Bits, for contract.md's Access table. */
enum role {
	ROLE_NONE = 1,
	ROLE_OBSERVER = 2,
	ROLE_MEMBER = 4,
	ROLE_OPERATOR = 8,
	ROLE_PEER = 16,
	ROLE_APP = 32,
};

/* Bytes of most answers, and of every error. Whoever asks hundreds of nodes has room for one answer
 * of each, whatever they send: so each operation has its own limit. */
#define API_ANSWER_MAX (64u << 10)

struct api_row {
	const char *name; /* "export-key": logs, metrics, errors */
	const char *method, *path;
	unsigned phases;           /* IN(...) bits */
	enum err_code no_manifest; /* allowed once there is one, else this; 0: it needs none */
	unsigned roles;
	const struct wire_schema *request;  /* NULL: no body */
	const struct wire_schema *response; /* NULL: not JSON */
	size_t response_max;                /* bytes of an answer that is no error */
	const char *doc;
};

extern const struct api_row api_table[API_COUNT];

/* ERR_NOT_FOUND, or ERR_METHOD with *ret_allow, "GET". */
MUST_CHECK int api_find(const char *method, const char *path, enum api *ret, const char **ret_allow,
                        struct err *e);
/* The phase guard: ERR_PHASE (names phase and operation) or ERR_NO_MANIFEST. */
MUST_CHECK int api_check_phase(enum api api, enum phase phase, bool has_manifest, struct err *e);

#endif

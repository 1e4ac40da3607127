/* The options of teectl-enclave: one table for the enclave that reads them, the hypervisor and
 * teectl that measure them (PCR2), the manual and --help. */
#ifndef TEECTL_PROTO_LAUNCH_H
#define TEECTL_PROTO_LAUNCH_H

#include "attest/measure.h"

enum launch_id {
	LAUNCH_LISTEN,
	LAUNCH_NSM,
	LAUNCH_TLS_CERT,
	LAUNCH_TLS_KEY,
	LAUNCH_CLIENT_CA,
	LAUNCH_HOST_NAME,
	LAUNCH_PIN_MANIFEST_SET,
	LAUNCH_PIN_SHARE_SET,
	LAUNCH_INSECURE_OPEN_SEED,
	LAUNCH_MAX_BODY,
	LAUNCH_MAX_HEADER,
	LAUNCH_REQUEST_TIMEOUT,
	LAUNCH_IDLE_TIMEOUT,
	LAUNCH_HANDSHAKE_TIMEOUT,
	LAUNCH_MAX_CONNECTIONS,
	LAUNCH_MAX_CONNECTIONS_PER_ADDRESS,
	LAUNCH_NSM_RATE,
	LAUNCH_LOG_LEVEL,
	LAUNCH_COUNT
};

enum launch_kind { LAUNCH_TEXT, LAUNCH_FLAG, LAUNCH_NUMBER, LAUNCH_HASH /* 64 hex digits */ };

struct launch_option {
	const char *name; /* without dashes */
	enum launch_kind kind;
	const char *metavar;
	const char *fallback; /* the default, NULL: none */
	uint64_t min, max;    /* of a number */
	bool is_measured;     /* part of PCR2 */
	bool may_repeat;      /* host-name */
	const char *doc;
};

extern const struct launch_option launch_options[LAUNCH_COUNT];

/* The hypervisor's own options; what is not among them is the enclave's. */
enum hv_option_id {
	HV_IMAGE,
	HV_PKI,
	HV_ROLE,
	HV_INSTANCE,
	HV_DEBUG,
	HV_HELP,
	HV_VERSION,
	HV_OPTION_COUNT,
};

struct hv_option {
	const char *name;
	const char *metavar; /* NULL: a flag */
	const char *doc;
};

extern const struct hv_option hv_option_table[HV_OPTION_COUNT];

/* What the enclave's program does instead of serving; the hypervisor has its own of these names. */
enum launch_aside { LAUNCH_HELP, LAUNCH_VERSION, LAUNCH_ASIDE_COUNT };
extern const struct hv_option launch_asides[LAUNCH_ASIDE_COUNT];

#define LAUNCH_REPEAT_MAX 16

struct launch {
	const char *values[LAUNCH_COUNT]; /* as given, or the default, or NULL; flags: "1" */
	uint64_t numbers[LAUNCH_COUNT];   /* of LAUNCH_NUMBER */
	const char *host_names[LAUNCH_REPEAT_MAX];
	size_t host_name_count;
};

/* argv without the program's name; --name VALUE or --name=VALUE; values borrowed. ERR_USAGE for
 * what the table does not know (with the nearest word), for a missing or malformed value, a repeat,
 * or options that don't go together. */
MUST_CHECK int launch_parse(char *const *argv, size_t count, struct launch *ret, struct err *e);
/* A line for each option, as --help shows them: the enclave's, without --nsm and what it does
 * instead of serving where the hypervisor gives that one; and the hypervisor's own. */
#define LAUNCH_HELP_MAX 8192
MUST_CHECK int launch_help_format(bool has_nsm, struct buf *to, struct err *e);
MUST_CHECK int hv_help_format(struct buf *to, struct err *e);
/* Each option that PCR2 measures, as it measures it: of --client-ca the SHA-256 of each
 * certificate, of a flag "1". Empty: it is not measured, or neither given nor has it a default. */
struct launch_values {
	struct buf values[LAUNCH_COUNT];
};
void launch_values_drop(struct launch_values *v);
/* Reads the file of --client-ca, or its descriptor to the end. ret: zeroed; dropped by the caller.
 * fails  ERR_NO_INPUT, ERR_DATA: that file */
MUST_CHECK int launch_spell(const struct launch *l, struct launch_values *ret, struct err *e);
/* PCR2 of these effective values. Reads the file of --client-ca, or its descriptor to the end: the
 * certificates are measured, not where they came from. fails  ERR_NO_INPUT, ERR_DATA: that file */
MUST_CHECK int launch_measure(const struct launch *l, struct pcr *ret, struct err *e);

#endif

/* Audit: a journal's checks, made again from its text alone, each at the time at which it was made
 * then. No network, no state, no clock. What passes is what the journal shows; what its lines only
 * say is counted beside it. */
#ifndef TEECTL_ORCHESTRATE_AUDIT_H
#define TEECTL_ORCHESTRATE_AUDIT_H

#include "cluster/journal.h"
#include "proto/message.h"

/* A head that was noted elsewhere. */
struct audit_head {
	int64_t sequence; /* 0: not known */
	struct hash256 hash;
};

/* "42:HEX" as `audit head` prints it, or HEX. fails ERR_USAGE */
MUST_CHECK int audit_head_parse(const char *text, struct audit_head *ret, struct err *e);

struct audit_options {
	struct view root;              /* DER; empty: the one that the journal's manifest names */
	const struct audit_head *head; /* NULL: none was noted */
};

/* The lists of struct audit are of these. */
struct audit_manifest {
	struct manifest_envelope envelope;
	struct hash256 hash;
	struct pcr_set pcrs;
	struct public_key quorum_key;
	bool is_verified;  /* its line was replayed */
	bool is_born;      /* by the genesis */
	bool is_given;     /* a line says that a node, or the cluster, was given it */
	bool is_committed; /* a document that was judged commits to it */
};

struct audit_document {
	struct hash256 hash;
	int64_t timestamp_ms;
	bool has_boot; /* it commits to a setup key: of boots[boot] */
	size_t boot;
};

/* One life of a TEE. */
struct audit_boot {
	struct buf node;      /* as the journal calls it */
	struct buf module_id; /* empty: no document of it is there */
	size_t number;        /* of the line that was the last to tell of it */
	bool has_setup_key;
	struct hash256 setup_key; /* SHA-256 of it */
	struct hash256 manifest;
	int64_t proved_ms;      /* its last key proof; 0: none */
	uint64_t receipt_count; /* verified */
	struct hash256 message; /* SHA-256 of the last one's */
};

struct audit_export {
	struct buf source; /* the node that was asked */
	struct hash256 peer, sealed;
	size_t number;
};

struct audit_receipt {
	struct receipt receipt;
	size_t boot;
	bool is_verified;
};

/* How often; what only the counts tell. */
struct audit_counts {
	size_t kinds[JOURNAL_KIND_COUNT];
	size_t failed_steps;
	size_t repeated_manifests; /* lines of one that was told of before */
	size_t unverified_receipts;
	size_t unknown_manifests; /* documents that commit to one that is not in the journal */
	size_t unjudged_pcrs; /* documents from before there was a manifest, and there is none */
	size_t debug;         /* documents of debug enclaves */
	size_t unborn;        /* manifests that follow no genesis */
	size_t foreign;       /* receipts of operations that are not in the journal */
};

struct audit {
	struct buf root;
	bool is_root_given, is_head_given;
	struct wire_list manifests, documents, boots, exports, receipts;
	struct audit_counts counts;
	int64_t sequence;
	struct hash256 head;
	int64_t after_head;    /* lines that came after the one that was noted */
	size_t torn_len;       /* bytes behind the last line; of a head that was noted: refused */
	bool has_dr_key;       /* the genesis wrapped the quorum key to one as well, */
	struct hash256 dr_key; /* with this SHA-256 */
};
void audit_drop(struct audit *a);

/* fails  ERR_REFUSED, "line N …": what does not hold; the reason names the check: format, sequence,
 *        prev, mended (the file's), head, torn, root, or the one that a document, a receipt or an
 *        approval has failed
 *        ERR_DATA: not a journal; ERR_USAGE: it names no root, and none was given */
MUST_CHECK int audit_replay(struct view text, const struct audit_options *options,
                            struct audit *ret, struct err *e);

/* What was shown, and what can't be, in sentences. */
struct audit_report {
	int64_t lines;
	uint8_t head[32], root[32], quorum_key[PUBLIC_KEY_LEN];
	bool has_quorum_key, has_dr_key, simulated;
	uint8_t dr_key[32];                /* SHA-256 of the disaster-recovery key */
	struct wire_list shown, not_shown; /* struct text_item */
};
extern const struct wire_schema audit_report_schema;
WIRE_DROP(audit_report);
MUST_CHECK int audit_report_make(const struct audit *a, struct audit_report *ret, struct err *e);

#endif

/* What the attest verbs share: a document from a file, the root that it is held against, and how
 * its parts are shown. */
#ifndef TEECTL_CMD_DOCUMENT_H
#define TEECTL_CMD_DOCUMENT_H

#include "attest/chain.h"
#include "attest/document.h"
#include "attest/document_file.h"
#include "cmd.h"
#include "print.h"

/* The file as it is. fails  ERR_NO_INPUT; ERR_ATTESTATION, cose:structure: longer than any document
 */
MUST_CHECK int document_file_read(const char *path, struct buf *ret, struct err *e);

/* A root certificate as people are told of it. */
struct shown_root {
	struct buf name;    /* "aws-nitro", "simulated" or "other" */
	struct buf subject; /* "" where it is no certificate */
	uint8_t sha256[32];
};
extern const struct wire_schema shown_root_schema;
WIRE_DROP(shown_root);

/* "aws-nitro", or a file, PEM or DER. ret_der: replaced. fails  ERR_NO_INPUT, ERR_DATA */
MUST_CHECK int root_read(const char *name, struct buf *ret_der, struct err *e);
MUST_CHECK int root_describe(struct view der, struct shown_root *ret, struct err *e);
void root_print(struct context *c, const char *title, const struct shown_root *root);

struct shown_pcr {
	int64_t index;
	struct buf name, value;
};
extern const struct wire_schema shown_pcr_schema;

/* Those that a set has, in their order. */
MUST_CHECK int pcrs_describe(const struct pcr_set *set, enum pcr_maker maker, struct wire_list *ret,
                             struct err *e);
/* A table of those that are not zero, and a line that sums up the others. */
MUST_CHECK int pcrs_print(struct context *c, const struct pcr_set *set, enum pcr_maker maker,
                          struct err *e);

/* What a public key is: "a QuorumOS public key", "PEM text", "opaque". */
const char *public_key_kind(struct view key);
/* A line "title  12 bytes, HEX", and the text itself where it is one; "none" where is_present is
 * false. kind: NULL, or words to stand in front. */
void field_print(struct context *c, const char *title, bool is_present, struct view value,
                 const char *kind);
/* The line on debug mode. */
void debug_print(struct context *c, bool is_debug);

#endif

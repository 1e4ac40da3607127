/* Where expected PCRs come from besides the command line: an image, or what other tools print about
 * one. For `attest verify --pcrs-from`. */
#ifndef TEECTL_CLUSTER_PCR_SOURCE_H
#define TEECTL_CLUSTER_PCR_SOURCE_H

#include "attest/pcr.h"

/* The largest text: a cluster file. */
#define PCR_SOURCE_MAX (1u << 20)

/* One of
 *   an enclave's executable        PCR0 and PCR1, measured here (attest/measure.h)
 *   lines "HEX PCRn"               as QuorumOS's releases have them; # begins a comment
 *   JSON with "Measurements"       as nitro-cli build-enclave and describe-eif print it, or what is
 *                                  in there alone
 *   a cluster file                 the values that it pins
 * "-" is standard input, for the texts.
 * fails  ERR_NO_INPUT; ERR_DATA: none of these, no PCR in it, or one twice with two values */
MUST_CHECK int pcr_source_read(const char *path, struct pcr_set *ret, struct err *e);
/* The texts among them. path: of messages, and of a cluster file's own paths. */
MUST_CHECK int pcr_source_parse(const char *path, struct view text, struct pcr_set *ret,
                                struct err *e);
/* A PCR's number, "0" to "31", and its value in hex of 32, 48 or 64 bytes, added to the set.
 * fails  ERR_DATA: malformed, or there with another value */
MUST_CHECK int pcr_source_add(struct view index, struct view hex, struct pcr_set *set,
                              struct err *e);

#endif

/* What a node's documents must show: the root, PCR0..3, and what it may hold (design.md, "Trust").
 */
#ifndef TEECTL_ORCHESTRATE_POLICY_H
#define TEECTL_ORCHESTRATE_POLICY_H

#include "orchestrate/run.h"

#define NONCE_LEN         32
#define DOCUMENT_AHEAD_MS 30000 /* clocks of two machines differ */

/* Settles PCR0..3 for the run: the manifest's if there is one, which the file's pins must then
 * equal; else the pins, and what they leave open as measured here, now. Once a run, and before
 * anything is launched: a file that is swapped afterwards is not what was measured. fails
 * ERR_CONFIG: nothing to compare with; ERR_ATTESTATION with reason pcrN: pin and manifest differ */
MUST_CHECK int policy_measure(struct run *r, struct err *e);
/* The same, and the root, which may have been made by a launch. Once a run.
 * fails  as policy_measure; ERR_NOT_DESIRED: no simulated root yet */
MUST_CHECK int policy_settle(struct run *r, struct err *e);

/* A live document of a node: root, chain now, age, PCRs, debug, nonce. What it holds is added by
 * the caller. */
struct attestation_policy policy_live(const struct run *r, struct view nonce);

/* Where the file allows debug enclaves: one shows zeroes where the policy has the image's values.
 */
void policy_allow_debug(const struct run *r, const struct attestation_claims *claims,
                        struct attestation_policy *policy);

/* Verifies a live document of a node and finds what it proves the node to hold: nothing, the setup
 * key of this cluster's manifest, or the key. Another manifest is refused with reason "manifest", a
 * TEE that has answered for another node in this run with "module_id". */
MUST_CHECK int policy_judge(const struct run *r, size_t node, struct view document,
                            struct view nonce, struct node_proof *ret, struct err *e);

#endif

/* What a node's documents must show: the root, PCR0..3, and what it may hold (design.md, "Trust").
 */
#ifndef TEECTL_ORCHESTRATE_POLICY_H
#define TEECTL_ORCHESTRATE_POLICY_H

#include "orchestrate/run.h"

#define DOCUMENT_AHEAD_MS 30000 /* clocks of two machines differ */

/* Marks of failures, which have a document's reasons: no TEE was judged. */
#define POLICY_KEPT      "kept-genesis" /* the state's own genesis is not of the cluster file */
#define POLICY_NEXT_PINS "next-pins"    /* the file's pins are not the current manifest's */
/* What is told of a PCR that differs: "PCR0 (image): BEFORE expected BETWEEN found AFTER". */
struct pcr_words {
	enum err_code code;
	const char *before, *between, *after;
};
/* Must be found, of PCR0..3, what has a length in `expected`. fails  words->code, reason pcrN: the
 * first that is not */
MUST_CHECK int policy_compare(const struct pcr_set *expected, const struct pcr_set *found,
                              const struct pcr_words *words, struct err *e);
/* Are a manifest's PCR0..3 those that the cluster file pins? fails  ERR_ATTESTATION, reason pcrN,
 * POLICY_NEXT_PINS */
MUST_CHECK int policy_check_pins(const struct cluster *c, const struct pcr_set *manifest,
                                 struct err *e);
/* Is it what the file pins, and measures where it pins nothing? fails  ERR_REFUSED, reason pcrN; as
 * cluster_expect */
MUST_CHECK int policy_check_expected(const struct cluster *c, const struct manifest *m,
                                     struct err *e);
/* Does what the file would launch here measure as the manifest says, whatever its pins say? A TEE
 * of another image would be refused once it runs. consequence: behind the values, for people. fails
 * ERR_REFUSED, reason pcrN; as cluster_measure */
MUST_CHECK int policy_check_launch(const struct cluster *c, const struct manifest *m,
                                   const char *consequence, struct err *e);
/* Is the image that the file names, whatever it pins, the one of the current manifest; before there
 * is one, of the pins? 0 as well where it is not on this machine. fails  ERR_NOT_DESIRED: a
 * manifest of it is to be made; ERR_REFUSED: the pins are another's; reason pcrN */
MUST_CHECK int policy_check_image(struct run *r, struct err *e);
/* Settles PCR0..3 for the run: the manifest's if there is one, which the file's pins must then
 * equal; else the pins, and what they leave open as measured here, now. Once a run, and before
 * anything is launched: a file that is swapped afterwards is not what was measured. fails
 * ERR_CONFIG: nothing to compare with; ERR_ATTESTATION with reason pcrN: pin and manifest differ */
MUST_CHECK int policy_measure(struct run *r, struct err *e);
/* The same, and the root, which may have been made by a launch. Once a run.
 * fails  as policy_measure; ERR_NOT_DESIRED: no simulated root yet */
MUST_CHECK int policy_settle(struct run *r, struct err *e);
/* Of a run that goes on under another manifest: all that is settled once a run is settled anew. */
void policy_forget(struct run *r);
/* The same, before anything is sealed or sent that brings a key: the manifest kept must be that of
 * the image, where it is here, and keys must have been there to compare its sets with. Whoever only
 * looks is told of it by a note. ERR_REFUSED: pcrN, share_set, manifest_set */
MUST_CHECK int policy_may_seal(struct run *r, struct err *e);

/* What documents are held to: by a run that has settled it, or by a member with his own files. */
struct basis {
	const struct cluster *cluster;
	struct view root;
	const struct pcr_set *pcrs; /* PCR0..3 */
};
struct basis policy_basis(const struct run *r); /* borrows of the run */

/* A live document of a node: root, chain now, age, PCRs, debug, nonce. What it holds is added by
 * the caller. */
struct attestation_policy policy_live(const struct basis *b, struct view nonce);
/* One that was kept: the chain at its own time, whatever nonce, and as old as it may be. */
struct attestation_policy policy_stored(const struct basis *b, int64_t max_age_ms);

/* Where the file allows debug enclaves: one shows zeroes where the policy has the image's values.
 */
void policy_allow_debug(const struct basis *b, const struct attestation_claims *claims,
                        struct attestation_policy *policy);

/* Verifies a live document of a node and finds what it proves the node to hold: nothing, the setup
 * key of this cluster's manifest, or the key. A node is judged against the manifest that it shows,
 * the current one or an older, with that one's PCRs (is_older). Another is refused with reason
 * "manifest", with "module_id" a TEE that is another node: by the journal, as it was before this
 * look; or since it has answered for another meanwhile, which then is refused as well. Of a node
 * that was launched here neither is so: the other one is refused. */
MUST_CHECK int policy_judge(struct run *r, size_t node, struct view document, struct view nonce,
                            struct node_proof *ret, struct err *e);
/* That alone, of a document that was verified otherwise. */
MUST_CHECK int policy_check_module(struct run *r, size_t node, const struct hash256 *module,
                                   struct view document, struct view nonce, struct err *e);
/* Nothing binds a node that others launch to one TEE: whoever launched it knows, and is told where
 * another answers than the last one. Before its document is taken. */
void policy_tell_of_another(const struct run *r, size_t node, const struct hash256 *module);
/* Takes note of a document that was judged, and tells of another. Of one that is refused no note is
 * to be taken: it would be the last TEE seen there. nonce: that it was asked with */
void policy_note_seen(struct run *r, size_t node, const struct hash256 *module,
                      struct view document, struct view nonce);
/* Whoever gives up a node's key for good may not be told that by another TEE than the last one seen
 * there: that one may live, with the key, where only whoever answers in its place can reach it. Nor
 * by one without the key, which leaves no receipt, where no TEE of the node is known: a journal
 * that is new, beside a state that came by etcd say, knows none. What this look has verified counts
 * for neither: whoever chooses nodes by their states has it done.
 *
 * fails  ERR_NOT_DESIRED, with reason STEP_ELSEWHERE */
MUST_CHECK int policy_check_last(const struct run *r, size_t node, const struct node_proof *proof,
                                 struct err *e);
/* What was judged of a node holds no more once it is refused: another node has turned out to be the
 * same TEE, say, while it was waited for. Asked before anything is given to it or taken from it.
 *
 * so     what is not done therefore: "the key is not given to it"
 * fails  ERR_ATTESTATION, with the refusal's reason */
MUST_CHECK int policy_check_refused(const struct run *r, size_t node, const char *so,
                                    struct err *e);
/* May a lawful TEE have been refused for that while another run of this state changes it? A
 * manifest that is none of this cluster's can be that of a genesis under way, which is kept once it
 * is believed; a claim can be of the moment before; and a commitment can come before the manifest
 * that it is to. */
bool policy_may_settle(const struct err *refusal);

#endif

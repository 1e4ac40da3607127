#include "orchestrate/policy.h"

#include "base/clock.h"
#include "base/text.h"
#include "cluster/expect.h"
#include "cluster/match.h"
#include "orchestrate/believe.h"
#include "orchestrate/plan.h"

#include <stdio.h>
#include <string.h>

/* The first of PCR0..3 in which two sets differ, as people read it. */
struct pcr_difference {
	unsigned index;
	char expected[2 * PCR_MAX_LEN + 1], found[2 * PCR_MAX_LEN + 1];
};

/* Nothing is expected of what has no length. */
static bool find_difference(const struct pcr_set *expected, const struct pcr_set *found,
                            struct pcr_difference *ret)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		const struct pcr *a = &expected->values[i], *b = &found->values[i];

		if (a->len == 0 || pcr_equal(a, b))
			continue;
		ret->index = i;
		hex_write(pcr_view(a), ret->expected);
		hex_write(pcr_view(b), ret->found);
		return true;
	}
	return false;
}

int policy_compare(const struct pcr_set *expected, const struct pcr_set *found,
                   const struct pcr_words *words, struct err *e)
{
	struct pcr_difference d;
	char reason[ERR_REASON_MAX];

	if (!find_difference(expected, found, &d))
		return 0;
	pcr_reason(d.index, reason);
	return err_reason(e, words->code, reason, "PCR%u (%s): %s %s%s %s%s", d.index,
	                  pcr_name(d.index), words->before, d.expected, words->between, d.found,
	                  words->after);
}

int policy_check_pins(const struct cluster *c, const struct pcr_set *manifest, struct err *e)
{
	static const struct pcr_words words = {
		.code = ERR_ATTESTATION,
		.before = "the cluster file pins",
		.between = ", but this cluster's manifest says",
		.after = "; pins of the next image hold once its manifest is adopted: teectl "
		         "manifest adopt",
	};

	if (policy_compare(&c->enclave.pcrs, manifest, &words, e) < 0)
		return err_mark(POLICY_NEXT_PINS, e);
	return 0;
}

int policy_measure(struct run *r, struct err *e)
{
	if (r->has_pcrs)
		return 0;
	if (r->seen.has_genesis) {
		TRY(manifest_pcrs(&r->seen.genesis.envelope.manifest, &r->pcrs, e));
		TRY(policy_check_pins(r->cluster, &r->pcrs, e));
	} else {
		TRY(cluster_expect(r->cluster, &r->pcrs, e));
	}
	r->has_pcrs = true;
	return 0;
}

/* A debug enclave shows zeroes, and so does its manifest: no image measures so. */
static void forget_debug(const struct cluster *c, const struct pcr_set *manifest,
                         struct pcr_set *expected)
{
	if (!c->attestation.allow_debug || !pcr_set_is_debug(manifest))
		return;
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		expected->values[i] = (struct pcr){ 0 };
}

/* What the file would launch, whatever it pins: once a run. */
static int measure_here(struct run *r, struct pcr_set *ret, struct err *e)
{
	if (!r->has_measured)
		TRY(expectation_take(&r->expectation, r->cluster, &r->measured, e));
	r->has_measured = true;
	*ret = r->measured;
	return 0;
}

/* The same with what is pinned in its place: then nothing need be measured. */
static int expect_here(struct run *r, struct pcr_set *ret, struct err *e)
{
	if (cluster_pins_image(r->cluster))
		return cluster_expect(r->cluster, ret, e);
	TRY(measure_here(r, ret, e));
	cluster_lay_pins(r->cluster, ret);
	return 0;
}

/* The image may not be here, nor every key that its options name. Who has approved a manifest, has
 * approved what it measures. */
static int check_all_expected(const struct run *r, const struct pcr_set *here, struct err *e)
{
	char reason[ERR_REASON_MAX];

	if (believe_is_adopted(&r->seen.genesis.envelope))
		return 0;
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++) {
		if (here->values[i].len)
			continue;
		pcr_reason(i, reason);
		return err_reason(
		    e, ERR_REFUSED, reason,
		    "nothing here says what PCR%u (%s) must be, and nobody has "
		    "approved the manifest that the state keeps: pin it (enclave.pcrs) "
		    "or have the image of the cluster file on this machine",
		    i, pcr_name(i));
	}
	return 0;
}

/* What is launched elsewhere is held to the manifest: which must then be the image's. */
static int check_seal_image(struct run *r, struct err *e)
{
	static const struct pcr_words words = {
		.code = ERR_REFUSED,
		.before = "expected",
		.between = ", as the cluster file's image measures, found",
		.after = " in the manifest that the state keeps; if the file was changed, name the "
		         "image of before, or make its manifest the current one (teectl manifest "
		         "new)",
	};
	struct pcr_set here, manifest;

	TRY(expect_here(r, &here, e));
	TRY(check_all_expected(r, &here, e));
	TRY(manifest_pcrs(&r->seen.genesis.envelope.manifest, &manifest, e));
	forget_debug(r->cluster, &manifest, &here);
	return policy_compare(&here, &manifest, &words, e);
}

int policy_check_launch(const struct cluster *c, const struct manifest *m, const char *consequence,
                        struct err *e)
{
	const struct pcr_words words = {
		.code = ERR_REFUSED,
		.before = "what the cluster file would launch is not what the current manifest "
		          "says: expected",
		.between = ", found",
		.after = consequence,
	};
	struct pcr_set expected, here;

	TRY(manifest_pcrs(m, &expected, e));
	TRY(cluster_measure(c, &here, e));
	forget_debug(c, &expected, &expected);
	return policy_compare(&expected, &here, &words, e);
}

int policy_check_expected(const struct cluster *c, const struct manifest *m, struct err *e)
{
	static const struct pcr_words words = {
		.code = ERR_REFUSED,
		.before = "what the cluster file expects is not what the manifest says: expected",
		.between = ", found",
		.after = "",
	};
	struct pcr_set expected, found;

	TRY(cluster_expect(c, &expected, e));
	TRY(manifest_pcrs(m, &found, e));
	forget_debug(c, &found, &expected);
	return policy_compare(&expected, &found, &words, e);
}

/* Of two that are both known. */
static int compare_known(const struct pcr_set *expected, const struct pcr_set *found,
                         const struct pcr_words *words, struct err *e)
{
	struct pcr_set known = *expected;

	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (found->values[i].len == 0)
			known.values[i] = (struct pcr){ 0 };
	return policy_compare(&known, found, words, e);
}

int policy_check_image(struct run *r, struct err *e)
{
	static const struct pcr_words pinned = {
		.code = ERR_REFUSED,
		.before = "the cluster file says",
		.between = ", and what it would launch measures",
		.after = ": teectl measure",
	};
	static const struct pcr_words current = {
		.code = ERR_NOT_DESIRED,
		.before = "the current manifest says",
		.between = ", and what the cluster file would launch measures",
		.after = ": teectl measure",
	};
	struct pcr_set expected, here;

	if (!cluster_has_image(r->cluster))
		return 0;
	TRY(measure_here(r, &here, e));
	if (!r->seen.has_genesis)
		return compare_known(&r->cluster->enclave.pcrs, &here, &pinned, e);
	TRY(manifest_pcrs(&r->seen.genesis.envelope.manifest, &expected, e));
	forget_debug(r->cluster, &expected, &expected);
	return compare_known(&expected, &here, &current, e);
}

static int check_to_seal(struct run *r, struct err *e)
{
	const struct basis basis = policy_basis(r);

	if (!r->seen.has_genesis)
		return 0;
	TRY(believe_to_seal(&basis, &r->seen.genesis, e));
	return check_seal_image(r, e);
}

/* Whoever only looks is told what would be refused. */
static void tell_of_refusal(struct run *r)
{
	char text[ERR_TEXT_MAX + 64];
	struct err why;

	if (r->options.to_change || check_to_seal(r, &why) == 0)
		return;
	snprintf(text, sizeof(text), "nothing would be sealed: %s", why.text);
	run_tell(r, &(struct event){ .kind = EVENT_NOTE, .text = text });
}

int policy_may_seal(struct run *r, struct err *e)
{
	TRY(policy_settle(r, e));
	if (r->may_seal)
		return 0;
	if (check_to_seal(r, e) < 0)
		return err_wrap(e, "nothing is sealed");
	r->may_seal = true;
	return 0;
}

int policy_settle(struct run *r, struct err *e)
{
	struct basis basis;

	if (r->has_policy)
		return 0;
	buf_clear(&r->root); /* a settling before it may have failed behind this line */
	TRY(cluster_root(r->cluster, &r->state, &r->root, e));
	TRY(policy_measure(r, e));
	basis = policy_basis(r);
	if (r->seen.has_genesis && believe_kept(&basis, &r->seen.genesis, &r->seen.older, e) < 0) {
		/* No enclave refused: it is the folder that is not of this file. */
		e->code = e->code == ERR_ATTESTATION ? ERR_REFUSED : e->code;
		(void)err_mark(POLICY_KEPT, e);
		return err_wrap(e, "the genesis kept in '%s'", r->state.folder);
	}
	r->has_policy = true;
	tell_of_refusal(r);
	return 0;
}

void policy_forget(struct run *r)
{
	r->has_policy = r->has_pcrs = r->has_measured = r->may_seal = false;
	buf_clear(&r->root);
}

struct basis policy_basis(const struct run *r)
{
	return (
	    struct basis){ .cluster = r->cluster, .root = buf_view(&r->root), .pcrs = &r->pcrs };
}

struct attestation_policy policy_live(const struct basis *b, struct view nonce)
{
	int64_t now_ms = clock_unix_ms();

	return (struct attestation_policy){
		.root = b->root,
		.chain_time_unix = now_ms / 1000,
		.now_ms = now_ms,
		.max_age_ms = b->cluster->attestation.max_age_ms,
		.max_ahead_ms = DOCUMENT_AHEAD_MS,
		.nonce = { FIELD_EQUAL, nonce },
		.pcrs = *b->pcrs,
		.refuse_debug = !b->cluster->attestation.allow_debug,
	};
}

struct attestation_policy policy_stored(const struct basis *b, int64_t max_age_ms)
{
	struct attestation_policy policy = policy_live(b, (struct view){ 0 });

	policy.chain_at_document = true;
	policy.max_age_ms = max_age_ms;
	policy.nonce = (struct field_policy){ .rule = FIELD_ANY };
	return policy;
}

void policy_allow_debug(const struct basis *b, const struct attestation_claims *claims,
                        struct attestation_policy *policy)
{
	if (!b->cluster->attestation.allow_debug || !pcr_set_is_debug(&claims->pcrs))
		return;
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		pcr_zero(&policy->pcrs.values[i]);
}

static int refuse_manifest(const struct run *r, size_t node,
                           const struct attestation_claims *claims, struct err *e)
{
	char expected[65] = "none", found[2 * DOCUMENT_USER_DATA_MAX + 1];
	bool may_be_ours = node_is_in_genesis(&r->seen, node);

	hex_write(claims->user_data.value, found);
	if (r->seen.has_genesis)
		hex_write(VIEW_OF(r->seen.genesis.manifest_hash.bytes), expected);
	return err_reason(
	    e, ERR_ATTESTATION, "manifest",
	    "manifest hash: expected %s, found %s: it is occupied by another cluster%s", expected,
	    found, may_be_ours ? ", or in a genesis that was not ended" : "");
}

static int refuse_module(const struct run *r, size_t other, const char *how, struct err *e)
{
	return err_reason(e, ERR_ATTESTATION, "module_id",
	                  "the TEE that answers here is the one that answers for %s%s",
	                  r->cluster->nodes[other].name, how);
}

/* What was believed of a node is so no more, nor will members seal to its document. */
static void revoke(struct run *r, size_t node, size_t other, const char *how,
                   const struct hash256 *module)
{
	struct node_proof *proof = &r->proofs[node];

	*proof = (struct node_proof){ .is_refused = true, .module = *module };
	(void)refuse_module(r, other, how, &proof->refusal);
	run_note(r, node, "%s", proof->refusal.text);
	if (r->documents)
		buf_clear(&r->documents[node]);
}

/* One that merely did not answer may be asked again. */
int policy_check_refused(const struct run *r, size_t node, const char *so, struct err *e)
{
	const struct node_proof *proof = &r->proofs[node];

	if (!proof->is_refused || proof->refusal.code != ERR_ATTESTATION)
		return 0;
	*e = proof->refusal;
	return err_wrap(e,
	                "%s was refused meanwhile, so %s, until teectl verify finds nothing wrong "
	                "with it",
	                r->cluster->nodes[node].name, so);
}

bool policy_may_settle(const struct err *refusal)
{
	static const char *const reasons[] = { "manifest", "claim", "pcr16" };

	for (size_t i = 0; i < COUNT(reasons); i++)
		if (strcmp(refusal->reason, reasons[i]) == 0)
			return true;
	return false;
}

/* Nothing says whose it is: neither node is believed, whichever came first. Where the other one's
 * answer is in the journal, this one's is written there as well. */
static int contest_module(struct run *r, size_t node, size_t other, const struct hash256 *module,
                          struct view document, struct view nonce, struct err *e)
{
	static const char how[] =
	    ", and nothing known before says whose it is: neither is believed";
	struct node_proof *own = &r->proofs[node];
	bool is_news = !r->proofs[other].is_refused;

	*own = (struct node_proof){ .is_refused = true, .module = *module };
	(void)refuse_module(r, other, how, &own->refusal);
	if (is_news) {
		revoke(r, other, node, how, module);
		if (evidence_was(&r->evidence, module, other))
			evidence_document(r, node, document, nonce);
	}
	return refuse_module(r, other, how, e);
}

/* What was launched here is asked where it listens, by no name that leads elsewhere: of it and one
 * that others launch, it is the TEE. */
static int settle_here(struct run *r, size_t node, size_t other, const struct hash256 *module,
                       struct err *e)
{
	static const char how[] = ", which was launched here";

	if (!r->cluster->nodes[node].listen)
		return refuse_module(r, other, how, e);
	if (!r->proofs[other].is_refused)
		revoke(r, other, node, how, module);
	return 0;
}

static bool is_here(const struct run *r, size_t node)
{
	return r->cluster->nodes[node].listen != NULL;
}

/* A relay at a node's address can pass every question on to another node's TEE, and all that comes
 * back is true: but then there is one TEE less than it seems. */
int policy_check_module(struct run *r, size_t node, const struct hash256 *module,
                        struct view document, struct view nonce, struct err *e)
{
	size_t known;

	evidence_load(r, node);
	known = evidence_node_of(&r->evidence, module, node);
	if (known != SIZE_MAX && !is_here(r, node))
		return refuse_module(r, known, ", by the journal: teectl lineage", e);
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		const struct node_proof *other = &r->proofs[i];
		bool is_contested =
		    other->is_refused && strcmp(other->refusal.reason, "module_id") == 0;

		if (i == node ||
		    !view_equal(VIEW_OF(module->bytes), VIEW_OF(other->module.bytes)) ||
		    (other->is_refused ? !is_contested : other->holding == HOLDS_UNKNOWN))
			continue;
		if (is_here(r, node) == is_here(r, i))
			return contest_module(r, node, i, module, document, nonce, e);
		TRY(settle_here(r, node, i, module, e));
	}
	return 0;
}

void policy_tell_of_another(const struct run *r, size_t node, const struct hash256 *module)
{
	if (!is_here(r, node) && evidence_was_another(&r->evidence, module, node))
		run_note(r, node,
		         "another TEE answers than the last one seen here: it was started anew, or "
		         "another stands in its place");
}

void policy_note_seen(struct run *r, size_t node, const struct hash256 *module,
                      struct view document, struct view nonce)
{
	policy_tell_of_another(r, node, module);
	evidence_document(r, node, document, nonce);
}

int policy_check_last(const struct run *r, size_t node, const struct node_proof *proof,
                      struct err *e)
{
	if (is_here(r, node))
		return 0;
	if (proof->holding != HOLDS_KEY && !evidence_tee_before(&r->evidence, node))
		return err_reason(
		    e, ERR_NOT_DESIRED, STEP_ELSEWHERE,
		    "the TEE that answers has no key, and no document in the journal shows that it "
		    "is the one that had it: whoever launched that one has to stop it; %steectl "
		    "verify takes note of the one that answers now",
		    r->evidence.is_damaged ? "once the journal, which is damaged, has been moved "
		                             "out of the state folder, "
		                           : "");
	if (!evidence_was_another(&r->evidence, &proof->module, node))
		return 0;
	return err_reason(
	    e, ERR_NOT_DESIRED, STEP_ELSEWHERE,
	    "another TEE answers than the last one seen here, which may still have the "
	    "quorum key: whoever launched that one has to stop it; once that is so, "
	    "teectl verify takes note of the one that answers now");
}

/* The claims choose which of the strict rules is asked; none of them is weaker. */
static int choose_rule(const struct run *r, const struct attestation_claims *claims,
                       struct attestation_policy *policy, struct node_proof *proof, struct err *e)
{
	const struct manifest *held;

	if (!claims->user_data.is_present) {
		policy->uncommitted = true;
		return 0;
	}
	held = observation_manifest(&r->seen, claims->user_data.value);
	/* Root and PCRs first: a stranger's manifest is no news. */
	if (!held)
		return 0;
	memcpy(proof->manifest_hash.bytes, claims->user_data.value.data,
	       sizeof(proof->manifest_hash.bytes));
	proof->is_older = held != &r->seen.genesis.envelope.manifest;
	if (proof->is_older)
		TRY(manifest_pcrs(held, &policy->pcrs, e));
	policy->committed_manifest = &proof->manifest_hash;
	policy->committed_key_wiped = !claims->public_key.is_present;
	proof->holding = claims->public_key.is_present ? HOLDS_SETUP_KEY : HOLDS_KEY;
	return 0;
}

int policy_judge(struct run *r, size_t node, struct view document, struct view nonce,
                 struct node_proof *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct basis basis = policy_basis(r);
	struct attestation_policy policy = policy_live(&basis, nonce);
	struct node_proof proof = { .holding = HOLDS_NOTHING };

	TRY(attestation_parse(document, &claims, e));
	TRY(choose_rule(r, &claims, &policy, &proof, e));
	policy_allow_debug(&basis, &claims, &policy);
	TRY(attestation_verify(&claims, &policy, &proved, e));
	if (claims.user_data.is_present && !policy.committed_manifest)
		return refuse_manifest(r, node, &claims, e);
	TRY(sha256(buf_view(&proved.module_id), &proof.module, e));
	TRY(policy_check_module(r, node, &proof.module, document, nonce, e));
	proof.commitment = proved.pcrs.values[PCR_COMMITMENT];
	proof.timestamp_ms = proved.timestamp_ms;
	proof.is_debug = proved.is_debug;
	if (proof.holding == HOLDS_SETUP_KEY)
		proof.setup_key = proved.public_key;
	*ret = proof;
	return 0;
}

/* What audit.c replays of documents: live ones, key proofs, the genesis, and the manifests that
 * they commit to. */
#include "attest/chain.h"
#include "attest/document.h"
#include "orchestrate/audit_internal.h"
#include "orchestrate/policy.h"
#include "proto/genesis.h"
#include "proto/manifest_diff.h"

static void expect_pcrs(const struct audit *a, const struct attestation_claims *claims,
                        struct attestation_policy *policy)
{
	const struct audit_manifest *manifests = a->manifests.items;

	/* Before it has a manifest a TEE measures what one of the journal's manifests names; where
	 * none does, the first says what was expected. */
	for (size_t i = 0; i < a->manifests.count; i++) {
		bool same = true;

		for (unsigned n = 0; n < PCR_POLICY_COUNT; n++)
			same = same &&
			       pcr_equal(&claims->pcrs.values[n], &manifests[i].pcrs.values[n]);
		if (i == 0 || same)
			policy->pcrs = manifests[i].pcrs;
	}
	/* allowDebug: it shows zeroes where the image has its values. */
	for (unsigned n = PCR_IMAGE; pcr_set_is_debug(&claims->pcrs) && n <= PCR_OPTIONS; n++)
		pcr_zero(&policy->pcrs.values[n]);
}

/* As policy_judge made it then: root, chain, age, nonce, PCRs, and what it holds. ret_manifest:
 * NULL when it has none, or one that is not here. */
static int judge_document(struct audit *a, const struct journal_entry *entry, struct view nonce,
                          struct attestation *ret, const struct audit_manifest **ret_manifest,
                          struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	const struct audit_manifest *manifest = NULL;
	struct attestation_policy policy = {
		.root = buf_view(&a->root),
		.chain_at_document = true,
		.now_ms = entry->time_ms,
		.max_age_ms = entry->line.max_age_ms,
		.max_ahead_ms = DOCUMENT_AHEAD_MS,
		.nonce = { FIELD_EQUAL, nonce },
	};

	TRY(attestation_parse(buf_view(&entry->line.document), &claims, e));
	if (claims.user_data.is_present) {
		manifest = audit_find_manifest(a, claims.user_data.value);
	} else {
		policy.uncommitted = true;
		expect_pcrs(a, &claims, &policy);
		a->counts.unjudged_pcrs += a->manifests.count == 0;
	}
	if (manifest) {
		policy.committed_manifest = &manifest->hash;
		policy.committed_key_wiped = !claims.public_key.is_present;
		policy.pcrs = manifest->pcrs;
	}
	TRY(attestation_verify(&claims, &policy, ret, e));
	a->counts.unknown_manifests += claims.user_data.is_present && !manifest;
	a->counts.debug += ret->is_debug;
	if (manifest)
		audit_find_manifest(a, VIEW_OF(manifest->hash.bytes))->is_committed = true;
	*ret_manifest = manifest;
	return 0;
}

static int keep_document(struct audit *a, const struct attestation *proved,
                         const struct audit_boot *boot, struct err *e)
{
	struct audit_document *document;

	TRY(wire_list_add(&a->documents, &audit_document_schema, &document, e));
	*document = (struct audit_document){ .hash = proved->document_hash,
		                             .timestamp_ms = proved->timestamp_ms,
		                             .has_boot = boot != NULL };
	if (boot)
		document->boot = audit_boot_index(a, boot);
	return 0;
}

int audit_replay_document(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	AUTO(attestation) struct attestation proved = { 0 };
	const struct audit_manifest *manifest;
	struct audit_boot *boot = NULL;
	struct hash256 setup_key;

	TRY(judge_document(a, entry, buf_view(&entry->line.nonce), &proved, &manifest, e));
	if (manifest && proved.has_public_key) {
		TRY(sha256(public_key_view(&proved.public_key), &setup_key, e));
		TRY(audit_meet_boot(a, entry, &setup_key, buf_view(&proved.module_id), &boot, e));
		/* A receipt that was fetched may come before the first document. */
		if (boot->module_id.len == 0)
			TRY(wire_set(&boot->module_id, buf_view(&proved.module_id), e));
		if (!view_equal(buf_view(&boot->module_id), buf_view(&proved.module_id)))
			return audit_refuse("setup_key", "two TEEs commit to one setup key", e);
		boot->manifest = manifest->hash;
	}
	return keep_document(a, &proved, boot, e);
}

int audit_replay_proof(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	AUTO(attestation) struct attestation proved = { 0 };
	const struct audit_manifest *manifest;
	struct audit_boot *boot;
	uint8_t message[STATEMENT_LEN];

	TRY(judge_document(a, entry, buf_view(&entry->line.challenge), &proved, &manifest, e));
	if (!manifest)
		return audit_refuse(
		    "manifest", "the key proof is for a manifest that is not in the journal", e);
	if (proved.has_public_key)
		return audit_refuse("public_key", "the TEE that proves has not wiped its setup key",
		                    e);
	statement_format(STATEMENT_PROVE_KEY, &manifest->hash, entry->line.challenge.data,
	                 proved.document_hash.bytes, message);
	if (public_key_verify(&manifest->quorum_key, VIEW_OF(message),
	                      buf_view(&entry->line.signature), e) < 0)
		return audit_refuse("key-proof", "the key proof is not signed by the quorum key",
		                    e);
	TRY(audit_meet_boot(a, entry, NULL, buf_view(&proved.module_id), &boot, e));
	boot->manifest = manifest->hash;
	boot->proved_ms = proved.timestamp_ms;
	return keep_document(a, &proved, NULL, e);
}

/* --- genesis and manifests */

/* The document that attests the output, and nothing else; taken after the question. */
static int check_genesis_document(struct audit *a, const struct journal_entry *entry,
                                  const struct audit_manifest *manifest, struct err *e)
{
	const struct audit_document *documents = a->documents.items;
	AUTO(attestation) struct attestation proved = { 0 };
	struct hash256 output;
	struct attestation_policy policy = {
		.root = buf_view(&a->root),
		.chain_at_document = true,
		.nonce = { .rule = FIELD_ABSENT },
		.uncommitted = true,
		.pcrs = manifest->pcrs,
	};

	TRY(sha256(buf_view(&entry->line.output), &output, e));
	policy.user_data = (struct field_policy){ FIELD_EQUAL, VIEW_OF(output.bytes) };
	TRY(attestation_check(buf_view(&entry->line.document), &policy, &proved, e));
	if (proved.timestamp_ms < entry->line.asked_ms)
		return audit_refuse("freshness", "the genesis document is older than the question",
		                    e);
	TRY(manifest_check(&manifest->envelope, proved.is_debug, e));
	a->counts.debug += proved.is_debug;
	for (size_t i = 0; i < a->documents.count; i++)
		if (documents[i].timestamp_ms == entry->line.asked_ms)
			return keep_document(a, &proved, NULL, e);
	return audit_refuse("freshness",
	                    "the document that was taken before the question is missing", e);
}

/* The i-th share is the i-th member's. */
static bool has_share_each(const struct genesis_output *output, const struct member_set *set)
{
	const struct encrypted_share *shares = output->member_outputs.items;
	const struct member *members = set->members.items;

	if (output->member_outputs.count != set->members.count)
		return false;
	for (size_t i = 0; i < set->members.count; i++)
		if (!view_equal(buf_view(&shares[i].share_set_member.alias),
		                buf_view(&members[i].alias)) ||
		    !view_equal(buf_view(&shares[i].share_set_member.pub_key),
		                buf_view(&members[i].pub_key)))
			return false;
	return true;
}

static int check_output(struct audit *a, const struct journal_entry *entry,
                        const struct manifest *m, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };

	TRY(genesis_output_decode(buf_view(&entry->line.output), &output, e));
	if (!view_equal(buf_view(&output.quorum_key), buf_view(&m->namespace.quorum_key)))
		return audit_refuse("quorum_key",
		                    "the manifest's quorum key is not the attested one", e);
	if (!member_set_equal(&output.set, &m->share_set) || !has_share_each(&output, &output.set))
		return audit_refuse("share_set",
		                    "the manifest's share set is not the one that was given shares",
		                    e);
	a->has_dr_key = output.has_dr_wrap;
	return output.has_dr_wrap ? sha256(buf_view(&output.dr_key), &a->dr_key, e) : 0;
}

static int check_root(const struct audit *a, const struct manifest *m, struct err *e)
{
	if (view_equal(buf_view(&m->enclave.aws_root_certificate), buf_view(&a->root)))
		return 0;
	return audit_refuse("root", "the manifest names another trust anchor", e);
}

static int entry_manifest(const struct audit *a, const struct journal_entry *entry,
                          struct manifest_envelope *ret, struct audit_manifest **ret_manifest,
                          struct err *e)
{
	struct hash256 hash;

	TRY(manifest_envelope_decode(buf_view(&entry->line.envelope), ret, e));
	TRY(manifest_hash(&ret->manifest, &hash, e));
	*ret_manifest =
	    audit_find_manifest(a, VIEW_OF(hash.bytes)); /* the first pass has added it */
	return check_root(a, &ret->manifest, e);
}

int audit_replay_genesis(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct audit_manifest *manifest;

	TRY(entry_manifest(a, entry, &envelope, &manifest, e));
	if (envelope.manifest_set_approvals.count)
		return audit_refuse("approvals", "the genesis manifest carries approvals", e);
	/* The same again is the answer to a run that went on where another had died. */
	if (!manifest->is_verified &&
	    (a->counts.kinds[JOURNAL_GENESIS] || a->counts.kinds[JOURNAL_MANIFEST]))
		return audit_refuse("genesis", "there was a manifest before this genesis", e);
	TRY(check_genesis_document(a, entry, manifest, e));
	TRY(check_output(a, entry, &envelope.manifest, e));
	manifest->is_verified = manifest->is_born = true;
	return 0;
}

/* It succeeds one that was there; with none before it, its own set's approvals are what there is.
 */
static int check_lawful(struct audit *a, const struct manifest_envelope *envelope, struct err *e)
{
	const struct audit_manifest *manifests = a->manifests.items;
	const struct member_set *set = &envelope->manifest.manifest_set;
	bool is_first = true;

	for (size_t i = 0; i < a->manifests.count; i++) {
		if (!manifests[i].is_verified)
			continue;
		is_first = false;
		if (manifest_check_successor(&manifests[i].envelope.manifest, envelope, e) == 0)
			return 0;
	}
	if (!is_first)
		return -1;
	a->counts.unborn++;
	return manifest_check_approvals(envelope, set, set->threshold, e);
}

int audit_replay_manifest(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct audit_manifest *manifest;

	TRY(entry_manifest(a, entry, &envelope, &manifest, e));
	TRY(manifest_check(&envelope, pcr_set_is_debug(&manifest->pcrs), e));
	a->counts.repeated_manifests += manifest->is_given;
	manifest->is_given = true;
	if (manifest->is_verified)
		return manifest_check_approvals(&envelope, &envelope.manifest.manifest_set, 0, e);
	TRY(check_lawful(a, &envelope, e));
	manifest->is_verified = true;
	return 0;
}

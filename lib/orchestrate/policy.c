#include "orchestrate/policy.h"

#include "attest/chain.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/expect.h"

#include <stdio.h>

static int settle_root(struct run *r, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(ROOT_CERTIFICATE_MAX);

	switch (r->cluster->attestation.root) {
	case ROOT_SIMULATED:
		return state_simulated_root(&r->state, &r->root, e);
	case ROOT_AWS:
		return buf_set(&r->root, chain_aws_root, e);
	case ROOT_FILE:
		TRY(file_read(r->cluster->attestation.root_path, &file, e));
		if (chain_root_parse(buf_view(&file), &r->root, e) < 0)
			return err_wrap(e, "'%s'", r->cluster->attestation.root_path);
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "root kind %d", (int)r->cluster->attestation.root);
}

static int check_pins(const struct cluster *c, const struct pcr_set *manifest, struct err *e)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		const struct pcr *pin = &c->enclave.pcrs.values[i];
		char expected[2 * PCR_MAX_LEN + 1], found[2 * PCR_MAX_LEN + 1], reason[8];

		if (pin->len == 0 || pcr_equal(pin, &manifest->values[i]))
			continue;
		hex_write(pcr_view(pin), expected);
		hex_write(pcr_view(&manifest->values[i]), found);
		snprintf(reason, sizeof(reason), "pcr%u", i);
		return err_reason(e, ERR_ATTESTATION, reason,
		                  "PCR%u (%s): the cluster file pins %s, but this cluster's "
		                  "manifest says %s",
		                  i, pcr_name(i), expected, found);
	}
	return 0;
}

int policy_measure(struct run *r, struct err *e)
{
	if (r->has_pcrs)
		return 0;
	if (r->seen.has_genesis) {
		TRY(manifest_pcrs(&r->seen.genesis.envelope.manifest, &r->pcrs, e));
		TRY(check_pins(r->cluster, &r->pcrs, e));
	} else {
		TRY(cluster_expect(r->cluster, &r->pcrs, e));
	}
	r->has_pcrs = true;
	return 0;
}

int policy_settle(struct run *r, struct err *e)
{
	if (r->has_policy)
		return 0;
	TRY(settle_root(r, e));
	TRY(policy_measure(r, e));
	r->has_policy = true;
	return 0;
}

struct attestation_policy policy_live(const struct run *r, struct view nonce)
{
	int64_t now_ms = clock_unix_ms();

	return (struct attestation_policy){
		.root = buf_view(&r->root),
		.chain_time_unix = now_ms / 1000,
		.now_ms = now_ms,
		.max_age_ms = r->cluster->attestation.max_age_ms,
		.max_ahead_ms = DOCUMENT_AHEAD_MS,
		.nonce = { FIELD_EQUAL, nonce },
		.pcrs = r->pcrs,
		.refuse_debug = !r->cluster->attestation.allow_debug,
	};
}

void policy_allow_debug(const struct run *r, const struct attestation_claims *claims,
                        struct attestation_policy *policy)
{
	if (!r->cluster->attestation.allow_debug || !pcr_set_is_debug(&claims->pcrs))
		return;
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		pcr_zero(&policy->pcrs.values[i]);
}

static int refuse_manifest(const struct run *r, const struct attestation_claims *claims,
                           struct err *e)
{
	char expected[65] = "none", found[2 * DOCUMENT_USER_DATA_MAX + 1];

	hex_write(claims->user_data.value, found);
	if (r->seen.has_genesis)
		hex_write(VIEW_OF(r->seen.genesis.manifest_hash.bytes), expected);
	return err_reason(e, ERR_ATTESTATION, "manifest",
	                  "manifest hash: expected %s, found %s: it is occupied by another cluster",
	                  expected, found);
}

/* A relay at a node's address can pass every question on to another node's TEE, and all that comes
 * back is true: but then there is one TEE less than it seems. */
static int check_module(const struct run *r, size_t node, const struct hash256 *module,
                        struct err *e)
{
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		const struct node_proof *other = &r->proofs[i];

		if (i == node || other->is_refused || other->holding == HOLDS_UNKNOWN ||
		    !view_equal(VIEW_OF(module->bytes), VIEW_OF(other->module.bytes)))
			continue;
		return err_reason(e, ERR_ATTESTATION, "module_id",
		                  "the TEE that answers here is the one that answers for %s",
		                  r->cluster->nodes[i].name);
	}
	return 0;
}

int policy_judge(const struct run *r, size_t node, struct view document, struct view nonce,
                 struct node_proof *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy = policy_live(r, nonce);
	struct node_proof proof = { .holding = HOLDS_NOTHING };

	/* The claims choose which of three strict rules is asked; none of them is weaker. */
	TRY(attestation_parse(document, &claims, e));
	policy_allow_debug(r, &claims, &policy);
	if (!claims.user_data.is_present) {
		policy.uncommitted = true;
	} else if (r->seen.has_genesis) {
		policy.committed_manifest = &r->seen.genesis.manifest_hash;
		policy.committed_key_wiped = !claims.public_key.is_present;
		proof.holding = claims.public_key.is_present ? HOLDS_SETUP_KEY : HOLDS_KEY;
	}
	if (claims.user_data.is_present &&
	    (!r->seen.has_genesis ||
	     !view_equal(claims.user_data.value, VIEW_OF(r->seen.genesis.manifest_hash.bytes)))) {
		/* Root and PCRs first: a stranger's manifest is no news. */
		policy.committed_manifest = NULL;
		TRY(attestation_verify(&claims, &policy, &proved, e));
		return refuse_manifest(r, &claims, e);
	}
	TRY(attestation_verify(&claims, &policy, &proved, e));
	TRY(sha256(buf_view(&proved.module_id), &proof.module, e));
	TRY(check_module(r, node, &proof.module, e));
	proof.timestamp_ms = proved.timestamp_ms;
	proof.is_debug = proved.is_debug;
	if (proof.holding == HOLDS_SETUP_KEY)
		proof.setup_key = proved.public_key;
	*ret = proof;
	return 0;
}

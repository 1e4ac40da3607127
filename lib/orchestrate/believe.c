#include "orchestrate/believe.h"

#include "orchestrate/policy.h"

/* One refusal: what differs, with its reason for machines. */
static int differs(struct err *e, const char *reason, const char *what)
{
	return err_reason(e, ERR_ATTESTATION, reason, "%s", what);
}

int believe_start(const struct run *r, struct view document, struct view nonce,
                  int64_t *ret_asked_ms, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy = policy_live(r, nonce);

	TRY(attestation_parse(document, &claims, e));
	policy_allow_debug(r, &claims, &policy);
	policy.uncommitted = !claims.user_data.is_present;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	*ret_asked_ms = proved.timestamp_ms;
	return 0;
}

/* The document that attests the output, and nothing else: no nonce, no public key, no commitment.
 */
static int check_document(const struct run *r, const struct genesis_reply *reply, int64_t asked_ms,
                          struct attestation *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy = policy_live(r, (struct view){ 0 });
	struct hash256 output;

	TRY(sha256(buf_view(&reply->genesis_output), &output, e));
	TRY(attestation_parse(buf_view(&reply->genesis_attestation_doc), &claims, e));
	policy_allow_debug(r, &claims, &policy);
	/* An answer that was lost is given again later: asked_ms bounds its age, not maxAge. */
	policy.chain_at_document = true;
	policy.max_age_ms = INT64_MAX;
	policy.nonce = (struct field_policy){ .rule = FIELD_ABSENT };
	policy.user_data = (struct field_policy){ FIELD_EQUAL, VIEW_OF(output.bytes) };
	policy.uncommitted = true;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	if (proved.timestamp_ms < asked_ms)
		return differs(e, "freshness",
		               "the genesis document is older than the question: another genesis "
		               "was done here before");
	*ret = MOVE(proved);
	return 0;
}

static bool member_equal(const struct member *a, const struct member *b)
{
	return view_equal(buf_view(&a->alias), buf_view(&b->alias)) &&
	       view_equal(buf_view(&a->pub_key), buf_view(&b->pub_key));
}

/* Order counts: the i-th share is the i-th member's. */
static bool set_equal(const struct member_set *a, const struct member_set *b)
{
	const struct member *x = a->members.items, *y = b->members.items;

	if (a->threshold != b->threshold || a->members.count != b->members.count)
		return false;
	for (size_t i = 0; i < a->members.count; i++)
		if (!member_equal(&x[i], &y[i]))
			return false;
	return true;
}

static int check_dr_key(const struct cluster *c, const struct genesis_output *output,
                        const struct genesis_reply *reply, struct err *e)
{
	struct public_key dr_key;

	if (!c->quorum.dr_key) {
		if (output->has_dr_key || output->has_dr_wrap || reply->has_dr_wrap)
			return differs(e, "dr_key",
			               "the quorum key was wrapped to a disaster-recovery key that "
			               "the cluster file does not name");
		return 0;
	}
	TRY(public_key_read(c->quorum.dr_key, &dr_key, e));
	if (!output->has_dr_key || !view_equal(buf_view(&output->dr_key), public_key_view(&dr_key)))
		return differs(e, "dr_key", "the disaster-recovery key is not the cluster file's");
	if (!output->has_dr_wrap || !reply->has_dr_wrap ||
	    !view_equal(buf_view(&output->dr_key_wrapped_quorum_key),
	                buf_view(&reply->dr_key_wrapped_quorum_key)))
		return differs(e, "dr_key", "the wrapped quorum key is not the attested one");
	return 0;
}

static int check_shares(const struct genesis_output *output, const struct genesis_reply *reply,
                        struct err *e)
{
	const struct encrypted_share *attested = output->member_outputs.items;
	const struct encrypted_share *given = reply->encrypted_shares.items;
	const struct member *members = output->set.members.items;

	if (output->member_outputs.count != output->set.members.count ||
	    reply->encrypted_shares.count != output->set.members.count)
		return differs(e, "shares", "there is not one share for each member");
	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (!member_equal(&attested[i].share_set_member, &members[i]) ||
		    !member_equal(&given[i].share_set_member, &members[i]) ||
		    !view_equal(buf_view(&attested[i].encrypted_quorum_key_share),
		                buf_view(&given[i].encrypted_quorum_key_share)) ||
		    !view_equal(VIEW_OF(attested[i].share_hash), VIEW_OF(given[i].share_hash)))
			return err_reason(e, ERR_ATTESTATION, "shares",
			                  "the share of '%s' is not the attested one",
			                  buf_text(&members[i].alias));
	return 0;
}

static int check_sets(const struct cluster *c, const struct manifest *m,
                      const struct genesis_output *output, struct err *e)
{
	AUTO(member_set) struct member_set share_set = { 0 };
	AUTO(member_set) struct member_set manifest_set = { 0 };

	TRY(cluster_member_set(&c->quorum.members, &share_set, e));
	TRY(cluster_member_set(&c->manifest_set, &manifest_set, e));
	if (!set_equal(&output->set, &share_set))
		return differs(e, "share_set", "the attested share set is not the cluster file's");
	if (!set_equal(&m->share_set, &share_set))
		return differs(e, "share_set",
		               "the manifest's share set is not the cluster file's");
	if (!set_equal(&m->manifest_set, &manifest_set))
		return differs(e, "manifest_set", "the manifest set is not the cluster file's");
	return 0;
}

static int check_pivot(const struct cluster *c, const struct pivot *pivot, struct err *e)
{
	const struct text_item *args = pivot->args.items;
	bool same = view_equal(VIEW_OF(pivot->hash), VIEW_OF(c->manifest.pivot_hash.bytes)) &&
	            pivot->bridge_config.count == 0 && !pivot->debug_mode &&
	            pivot->restart == MANIFEST_RESTART_NEVER &&
	            pivot->args.count == c->manifest.pivot_arg_count;

	for (size_t i = 0; same && i < pivot->args.count; i++)
		same = view_equal(buf_view(&args[i].text), view_text(c->manifest.pivot_args[i]));
	return same ? 0 : differs(e, "pivot", "the manifest's pivot is not the cluster file's");
}

static int check_enclave(const struct run *r, const struct manifest *m,
                         const struct attestation *proved, struct err *e)
{
	struct pcr_set pcrs;

	TRY(manifest_pcrs(m, &pcrs, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (!pcr_equal(&pcrs.values[i], &proved->pcrs.values[i]))
			return err_reason(e, ERR_ATTESTATION, "pcrs",
			                  "the manifest's PCR%u is not the one that was attested",
			                  i);
	if (!view_equal(buf_view(&m->enclave.aws_root_certificate), buf_view(&r->root)))
		return differs(e, "root", "the manifest names another trust anchor");
	if (!view_equal(buf_view(&m->enclave.qos_commit), view_text(MANIFEST_QOS_COMMIT)))
		return differs(e, "qos_commit", "the manifest names a QuorumOS commit");
	return 0;
}

static int check_manifest(const struct run *r, const struct manifest_envelope *envelope,
                          const struct genesis_output *output, const struct attestation *proved,
                          struct err *e)
{
	const struct cluster *c = r->cluster;
	const struct manifest *m = &envelope->manifest;

	if (manifest_check(envelope, proved->is_debug, e) < 0)
		return err_reason(e, ERR_ATTESTATION, "manifest",
		                  "the manifest is not well formed");
	if (!view_equal(buf_view(&m->namespace.name), view_text(c->manifest.namespace_name)) ||
	    m->namespace.nonce != c->manifest.nonce)
		return differs(e, "namespace",
		               "the manifest's namespace is not the cluster file's");
	if (!view_equal(buf_view(&m->namespace.quorum_key), buf_view(&output->quorum_key)))
		return differs(e, "quorum_key",
		               "the manifest's quorum key is not the attested one");
	if (envelope->manifest_set_approvals.count != 0)
		return differs(e, "approvals", "the genesis manifest carries approvals");
	TRY(check_sets(c, m, output, e));
	TRY(check_pivot(c, &m->pivot, e));
	return check_enclave(r, m, proved, e);
}

static int keep(const struct genesis_reply *reply, struct kept_genesis *kept, struct err *e)
{
	TRY(manifest_copy(&reply->manifest_envelope, &kept->envelope, e));
	TRY(manifest_hash(&kept->envelope.manifest, &kept->manifest_hash, e));
	TRY(manifest_quorum_key(&kept->envelope.manifest, &kept->quorum_key, e));
	TRY(wire_set(&kept->output, buf_view(&reply->genesis_output), e));
	return wire_set(&kept->document, buf_view(&reply->genesis_attestation_doc), e);
}

int believe_genesis(const struct run *r, const struct genesis_reply *reply, int64_t asked_ms,
                    struct kept_genesis *ret, struct err *e)
{
	AUTO(attestation) struct attestation proved = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };

	TRY(check_document(r, reply, asked_ms, &proved, e));
	if (genesis_output_decode(buf_view(&reply->genesis_output), &output, e) < 0)
		return err_reason(e, ERR_ATTESTATION, "genesis_output",
		                  "the attested genesis output can't be read");
	TRY(check_manifest(r, &reply->manifest_envelope, &output, &proved, e));
	TRY(check_dr_key(r->cluster, &output, reply, e));
	TRY(check_shares(&output, reply, e));
	if (!view_equal(VIEW_OF(reply->quorum_public_key), buf_view(&output.quorum_key)))
		return differs(e, "quorum_key", "the quorum key is not the attested one");
	TRY(keep(reply, &kept, e));
	*ret = MOVE(kept);
	return 0;
}

int believe_commitment(const struct run *r, const struct kept_genesis *kept, struct view document,
                       struct view nonce, struct node_proof *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy = policy_live(r, nonce);
	struct hash256 module;

	TRY(attestation_parse(document, &claims, e));
	policy_allow_debug(r, &claims, &policy);
	policy.committed_manifest = &kept->manifest_hash;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	TRY(sha256(buf_view(&proved.module_id), &module, e));
	*ret = (struct node_proof){ .holding = HOLDS_SETUP_KEY,
		                    .module = module,
		                    .setup_key = proved.public_key,
		                    .timestamp_ms = proved.timestamp_ms,
		                    .is_debug = proved.is_debug };
	return 0;
}

#include "orchestrate/believe.h"

#include "base/file.h"
#include "proto/manifest_diff.h"

#include <string.h>

/* One refusal: what differs, with its reason for machines. */
static int differs(struct err *e, const char *reason, const char *what)
{
	return err_reason(e, ERR_ATTESTATION, reason, "%s", what);
}

int believe_start(const struct basis *b, struct view document, struct view nonce,
                  int64_t *ret_asked_ms, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy = policy_live(b, nonce);

	TRY(attestation_parse(document, &claims, e));
	policy_allow_debug(b, &claims, &policy);
	policy.uncommitted = !claims.user_data.is_present;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	*ret_asked_ms = proved.timestamp_ms;
	return 0;
}

int believe_module(struct view document, struct hash256 *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };

	TRY(attestation_parse(document, &claims, e));
	return sha256(claims.module_id, ret, e);
}

/* The document that attests the output, and nothing else: no nonce, no public key, no commitment.
 */
static int check_document(const struct basis *b, const struct birth *birth, bool of_this_image,
                          struct attestation *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	/* An answer that was lost is given again later: asked_ms bounds its age, not maxAge. */
	struct attestation_policy policy = policy_stored(b, INT64_MAX);
	struct hash256 output;

	TRY(sha256(birth->output, &output, e));
	TRY(attestation_parse(birth->document, &claims, e));
	policy_allow_debug(b, &claims, &policy);
	for (unsigned i = PCR_IMAGE; !of_this_image && i <= PCR_OPTIONS; i++)
		policy.pcrs.values[i] = (struct pcr){ 0 };
	policy.nonce = (struct field_policy){ .rule = FIELD_ABSENT };
	policy.user_data = (struct field_policy){ FIELD_EQUAL, VIEW_OF(output.bytes) };
	policy.uncommitted = true;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	if (proved.timestamp_ms < birth->asked_ms)
		return differs(e, BELIEVE_OLDER,
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

static int check_dr_key(const struct cluster *c, const struct genesis_output *output, struct err *e)
{
	struct public_key dr_key;

	if (!c->quorum.dr_key) {
		if (output->has_dr_key || output->has_dr_wrap)
			return differs(e, "dr_key",
			               "the quorum key was wrapped to a disaster-recovery key that "
			               "the cluster file does not name");
		return 0;
	}
	TRY(public_key_read(c->quorum.dr_key, &dr_key, e));
	if (!output->has_dr_key || !view_equal(buf_view(&output->dr_key), public_key_view(&dr_key)))
		return differs(e, "dr_key", "the disaster-recovery key is not the cluster file's");
	if (!output->has_dr_wrap)
		return differs(e, "dr_key", "the quorum key was not wrapped to it");
	return 0;
}

/* One for each member, in the set's order. */
static int check_outputs(const struct genesis_output *output, struct err *e)
{
	const struct encrypted_share *attested = output->member_outputs.items;
	const struct member *members = output->set.members.items;

	if (output->member_outputs.count != output->set.members.count)
		return differs(e, "shares", "there is not one share for each member");
	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (!member_equal(&attested[i].share_set_member, &members[i]))
			return err_reason(e, ERR_ATTESTATION, "shares",
			                  "the share of '%s' is not the attested one",
			                  buf_text(&members[i].alias));
	return 0;
}

static int check_given(const struct genesis_output *output, const struct genesis_reply *reply,
                       struct err *e)
{
	const struct encrypted_share *attested = output->member_outputs.items;
	const struct encrypted_share *given = reply->encrypted_shares.items;
	const struct member *members = output->set.members.items;

	if (reply->encrypted_shares.count != output->set.members.count)
		return differs(e, "shares", "there is not one share for each member");
	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (!member_equal(&given[i].share_set_member, &members[i]) ||
		    !view_equal(buf_view(&attested[i].encrypted_quorum_key_share),
		                buf_view(&given[i].encrypted_quorum_key_share)) ||
		    !view_equal(VIEW_OF(attested[i].share_hash), VIEW_OF(given[i].share_hash)))
			return err_reason(e, ERR_ATTESTATION, "shares",
			                  "the share of '%s' is not the attested one",
			                  buf_text(&members[i].alias));
	if (reply->has_dr_wrap == output->has_dr_wrap &&
	    view_equal(buf_view(&output->dr_key_wrapped_quorum_key),
	               buf_view(&reply->dr_key_wrapped_quorum_key)))
		return 0;
	return differs(e, "dr_key",
	               output->has_dr_wrap
	                   ? "the wrapped quorum key is not the attested one"
	                   : "the quorum key was wrapped to a disaster-recovery key that the "
	                     "cluster file does not name");
}

/* Of a genesis that was kept not every key has to be on the machine that looks; of one that is
 * done, or sealed to, every one. */
enum keys_needed { KEYS_ALL, KEYS_HERE };

/* ret_is_known false: it isn't on this machine, and need not be. */
static int member_key(const struct cluster_member *m, enum keys_needed keys, bool *ret_is_known,
                      struct public_key *ret, struct err *e)
{
	*ret_is_known = keys == KEYS_ALL || (m->pub && file_is_there(m->pub));
	if (*ret_is_known)
		return cluster_member_key(m, ret, e);
	*ret_is_known = cluster_member_key_here(m, ret);
	return 0;
}

/* The members as a cluster file names them, held to an attested set: alias, key and order. */
static int check_set(const struct cluster_member_list *list, enum keys_needed keys,
                     const struct member_set *set, const char *reason, struct err *e)
{
	const struct member *members = set->members.items;

	if (set->threshold != list->threshold)
		return err_reason(e, ERR_ATTESTATION, reason,
		                  "the threshold is %lld in the cluster file, the genesis was for "
		                  "%lld",
		                  (long long)list->threshold, (long long)set->threshold);
	if (set->members.count != list->count)
		return err_reason(e, ERR_ATTESTATION, reason,
		                  "the cluster file names %zu members, the genesis was for %zu",
		                  list->count, set->members.count);
	for (size_t i = 0; i < list->count; i++) {
		const struct cluster_member *own = &list->items[i];
		struct public_key key;
		bool is_known;

		if (!view_equal(view_text(own->name), buf_view(&members[i].alias)))
			return err_reason(
			    e, ERR_ATTESTATION, reason,
			    "member %zu is '%s' in the cluster file and '%s' in the genesis", i + 1,
			    own->name, buf_text(&members[i].alias));
		TRY(member_key(own, keys, &is_known, &key, e));
		if (is_known && !view_equal(public_key_view(&key), buf_view(&members[i].pub_key)))
			return err_reason(
			    e, ERR_ATTESTATION, reason,
			    "'%s' is not the public key that member '%s' had in the genesis",
			    own->pub ? own->pub : own->key, own->name);
	}
	return 0;
}

/* A key that can't be read is no difference. */
static int name_set(struct err *e, const char *which)
{
	return e->code == ERR_ATTESTATION ? err_wrap(e, "the %s is not the cluster file's", which)
	                                  : -1;
}

static int check_sets(const struct cluster *c, enum keys_needed keys, const struct manifest *m,
                      const struct genesis_output *output, struct err *e)
{
	if (check_set(&c->quorum.members, keys, &output->set, "share_set", e) < 0)
		return name_set(e, "share set");
	if (!set_equal(&m->share_set, &output->set))
		return differs(e, "share_set", "the manifest's share set is not the attested one");
	if (check_set(&c->manifest_set, keys, &m->manifest_set, "manifest_set", e) < 0)
		return name_set(e, "manifest set");
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

static int check_namespace(const struct cluster *c, const struct manifest *m, struct err *e)
{
	if (view_equal(buf_view(&m->namespace.name), view_text(c->manifest.namespace_name)) &&
	    m->namespace.nonce == c->manifest.nonce)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "namespace",
	                  "the manifest's namespace is not the cluster file's: expected '%s' and "
	                  "nonce %lld, found '%s' and nonce %lld",
	                  c->manifest.namespace_name, (long long)c->manifest.nonce,
	                  buf_text(&m->namespace.name), (long long)m->namespace.nonce);
}

static int check_enclave(const struct basis *b, const struct manifest *m,
                         const struct attestation *proved, struct err *e)
{
	struct pcr_set pcrs;

	TRY(manifest_pcrs(m, &pcrs, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (!pcr_equal(&pcrs.values[i], &proved->pcrs.values[i]))
			return err_reason(e, ERR_ATTESTATION, "pcrs",
			                  "the manifest's PCR%u is not the one that was attested",
			                  i);
	if (!view_equal(buf_view(&m->enclave.aws_root_certificate), b->root))
		return differs(e, "root", "the manifest names another trust anchor");
	if (!view_equal(buf_view(&m->enclave.qos_commit), view_text(MANIFEST_QOS_COMMIT)))
		return differs(e, "qos_commit", "the manifest names a QuorumOS commit");
	return 0;
}

static int check_manifest(const struct basis *b, const struct manifest_envelope *envelope,
                          const struct genesis_output *output, const struct attestation *proved,
                          enum keys_needed keys, struct err *e)
{
	const struct cluster *c = b->cluster;
	const struct manifest *m = &envelope->manifest;

	if (manifest_check(envelope, proved->is_debug, e) < 0)
		return err_reason(e, ERR_ATTESTATION, "manifest",
		                  "the manifest is not well formed");
	TRY(check_namespace(c, m, e));
	if (!view_equal(buf_view(&m->namespace.quorum_key), buf_view(&output->quorum_key)))
		return differs(e, "quorum_key",
		               "the manifest's quorum key is not the attested one");
	TRY(check_sets(c, keys, m, output, e));
	TRY(check_pivot(c, &m->pivot, e));
	return check_enclave(b, m, proved, e);
}

static int keep(const struct genesis_reply *reply, struct kept_genesis *kept, struct err *e)
{
	TRY(manifest_copy(&reply->manifest_envelope, &kept->envelope, e));
	TRY(manifest_hash(&kept->envelope.manifest, &kept->manifest_hash, e));
	TRY(manifest_quorum_key(&kept->envelope.manifest, &kept->quorum_key, e));
	TRY(wire_set(&kept->output, buf_view(&reply->genesis_output), e));
	return wire_set(&kept->document, buf_view(&reply->genesis_attestation_doc), e);
}

static int check_named_key(const struct cluster *c, const struct kept_genesis *kept, struct err *e)
{
	struct public_key named;

	if (!c->quorum.public_key)
		return 0;
	TRY(cluster_quorum_key(c, &named, e));
	if (public_key_equal(&named, &kept->quorum_key))
		return 0;
	return differs(e, "quorum_key",
	               "the manifest's quorum key is not the one that the cluster file names "
	               "(quorum.publicKey)");
}

static int decode_output(struct view borsh, struct genesis_output *ret, struct err *e)
{
	if (genesis_output_decode(borsh, ret, e) < 0)
		return err_reason(e, ERR_ATTESTATION, "genesis_output",
		                  "the attested genesis output can't be read");
	return 0;
}

/* The manifest that the genesis made. */
static int judge_birth(const struct basis *b, const struct birth *birth, enum keys_needed keys,
                       struct genesis_output *ret, struct err *e)
{
	AUTO(attestation) struct attestation proved = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };

	TRY(check_document(b, birth, /* of_this_image= */ true, &proved, e));
	TRY(decode_output(birth->output, &output, e));
	TRY(check_manifest(b, birth->envelope, &output, &proved, keys, e));
	TRY(check_dr_key(b->cluster, &output, e));
	TRY(check_outputs(&output, e));
	*ret = MOVE(output);
	return 0;
}

static int check_adopted_enclave(const struct basis *b, const struct manifest *m, struct err *e)
{
	if (!view_equal(buf_view(&m->namespace.name),
	                view_text(b->cluster->manifest.namespace_name)))
		return differs(e, "namespace",
		               "the manifest's namespace is not the cluster file's");
	if (!view_equal(buf_view(&m->enclave.aws_root_certificate), b->root))
		return differs(e, "root", "the manifest names another trust anchor");
	return 0;
}

/* Of a quorum that was born elsewhere nothing is attested: the cluster file names the quorum key
 * and every member's key, and the manifest set so named has approved the manifest. */
static int believe_foreign(const struct basis *b, const struct kept_genesis *kept, struct err *e)
{
	const struct manifest *m = &kept->envelope.manifest;
	AUTO(member_set) struct member_set share_set = { 0 };
	AUTO(member_set) struct member_set manifest_set = { 0 };

	if (!b->cluster->quorum.public_key)
		return differs(e, "quorum_key",
		               "no genesis here attests its quorum key, and the cluster file names "
		               "none (quorum.publicKey)");
	TRY(cluster_member_set(&b->cluster->quorum.members, &share_set, e));
	TRY(cluster_member_set(&b->cluster->manifest_set, &manifest_set, e));
	TRY(check_adopted_enclave(b, m, e));
	if (!member_set_equal(&m->share_set, &share_set))
		return differs(e, "share_set",
		               "the manifest's share set is not the cluster file's");
	if (!member_set_equal(&m->manifest_set, &manifest_set))
		return differs(e, "manifest_set", "the manifest set is not the cluster file's");
	return manifest_check_approvals(&kept->envelope, &manifest_set, manifest_set.threshold, e);
}

/* A manifest that has taken the genesis's place: the manifest set signed it, with the quorum key
 * and both sets in it, and the genesis's image may be another. */
static int judge_ancestor(const struct basis *b, const struct birth *birth, enum keys_needed keys,
                          struct genesis_output *ret, struct err *e)
{
	AUTO(attestation) struct attestation proved = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	const struct manifest *m = &birth->envelope->manifest;

	TRY(check_document(b, birth, /* of_this_image= */ false, &proved, e));
	TRY(decode_output(birth->output, &output, e));
	TRY(check_dr_key(b->cluster, &output, e));
	TRY(check_adopted_enclave(b, m, e));
	if (!view_equal(buf_view(&m->namespace.quorum_key), buf_view(&output.quorum_key)))
		return differs(e, "quorum_key",
		               "the manifest's quorum key is not the attested one");
	TRY(check_sets(b->cluster, keys, m, &output, e));
	TRY(check_outputs(&output, e));
	*ret = MOVE(output);
	return 0;
}

int believe_birth(const struct basis *b, const struct birth *birth, struct genesis_output *ret,
                  struct err *e)
{
	return judge_birth(b, birth, KEYS_ALL, ret, e);
}

int believe_ancestor(const struct basis *b, const struct birth *birth, struct genesis_output *ret,
                     struct err *e)
{
	return judge_ancestor(b, birth, KEYS_ALL, ret, e);
}

int believe_genesis(const struct basis *b, const struct genesis_reply *reply, int64_t asked_ms,
                    struct kept_genesis *ret, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	const struct birth birth = { .output = buf_view(&reply->genesis_output),
		                     .document = buf_view(&reply->genesis_attestation_doc),
		                     .envelope = &reply->manifest_envelope,
		                     .asked_ms = asked_ms };

	TRY(believe_birth(b, &birth, &output, e));
	if (reply->manifest_envelope.manifest_set_approvals.count != 0)
		return differs(e, "approvals", "the genesis manifest carries approvals");
	TRY(check_given(&output, reply, e));
	if (!view_equal(VIEW_OF(reply->quorum_public_key), buf_view(&output.quorum_key)))
		return differs(e, "quorum_key", "the quorum key is not the attested one");
	TRY(keep(reply, &kept, e));
	TRY(check_named_key(b->cluster, &kept, e));
	*ret = MOVE(kept);
	return 0;
}

bool believe_is_adopted(const struct manifest_envelope *envelope)
{
	const struct member_set *set = &envelope->manifest.manifest_set;
	struct err ignored;

	return manifest_check_approvals(envelope, set, set->threshold, &ignored) == 0;
}

/* Lawful successors are so of each other's ancestors too, and have one manifest set: a chain is
 * whole where its last follows from its first. */
static int check_descent(const struct kept_genesis *kept, const struct kept_manifests *older,
                         struct err *e)
{
	if (state_is_first(kept, &kept->envelope.manifest))
		return 0;
	for (size_t i = 0; i < older->count; i++) {
		const struct manifest *m = &older->items[i].envelope.manifest;
		struct err ignored;

		if (state_is_first(kept, m) &&
		    manifest_check_successor(m, &kept->envelope, &ignored) == 0)
			return 0;
	}
	return differs(e, "manifest",
	               "it follows from no manifest that the genesis made, of those that the state "
	               "keeps in manifests/");
}

static int believe_adopted(const struct basis *b, const struct kept_genesis *kept,
                           const struct kept_manifests *older, const struct birth *birth,
                           struct genesis_output *ret, struct err *e)
{
	TRY(judge_ancestor(b, birth, KEYS_HERE, ret, e));
	return check_descent(kept, older, e);
}

static int believe_born_here(const struct basis *b, const struct kept_genesis *kept,
                             const struct kept_manifests *older, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	const struct birth birth = { .output = buf_view(&kept->output),
		                     .document = buf_view(&kept->document),
		                     .envelope = &kept->envelope,
		                     .asked_ms = INT64_MIN };

	return believe_is_adopted(&kept->envelope)
	           ? believe_adopted(b, kept, older, &birth, &output, e)
	           : judge_birth(b, &birth, KEYS_HERE, &output, e);
}

int believe_kept(const struct basis *b, const struct kept_genesis *kept,
                 const struct kept_manifests *older, struct err *e)
{
	TRY(check_named_key(b->cluster, kept, e));
	return kept->is_foreign ? believe_foreign(b, kept, e)
	                        : believe_born_here(b, kept, older, e);
}

/* Is the member's key here, and the one in the set? It may have come after the two were compared.
 */
static bool is_compared(const struct cluster_member *own, const struct member_set *set)
{
	const struct member *members = set->members.items;
	struct public_key key;

	if (!cluster_member_key_here(own, &key))
		return false;
	for (size_t i = 0; i < set->members.count; i++)
		if (view_equal(buf_view(&members[i].alias), view_text(own->name)))
			return view_equal(public_key_view(&key), buf_view(&members[i].pub_key));
	return false;
}

static size_t count_here(const struct cluster_member_list *list, const struct member_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += is_compared(&list->items[i], set);
	return count;
}

static int check_any_here(const struct cluster_member_list *list, const struct member_set *set,
                          const char *which, const char *reason, struct err *e)
{
	if (count_here(list, set))
		return 0;
	return err_reason(e, ERR_REFUSED, reason,
	                  "no key of the %s is on this machine, so nothing says that the one that "
	                  "the state keeps is the cluster file's: name the members' public keys "
	                  "(pub: NAME.pub)",
	                  which);
}

/* Nobody has signed a manifest that has no approvals, and a genesis attests no manifest set.
 * Whoever wrote the state may have put others in the place of members whose key is not here, and
 * one of those that are here may be with them. */
static int check_all_here(const struct cluster_member_list *list, const struct member_set *set,
                          const char *which, const char *reason, struct err *e)
{
	size_t here = count_here(list, set);

	TRY(check_any_here(list, set, which, reason, e));
	if (here == list->count)
		return 0;
	return err_reason(e, ERR_REFUSED, reason,
	                  "%zu of the %zu keys of the %s are on this machine, and nobody has "
	                  "approved the manifest that the state keeps, so nothing says whose the "
	                  "others in it are: name every member's public key (pub: NAME.pub)",
	                  here, list->count, which);
}

/* Those of the approvals that were made with a key that the cluster file names. */
static int check_own_approvals(const struct cluster *c, const struct manifest_envelope *envelope,
                               struct err *e)
{
	const struct cluster_member_list *list = &c->manifest_set;
	const struct member_set *set = &envelope->manifest.manifest_set;
	int64_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += approvals_find(&envelope->manifest_set_approvals,
		                        view_text(list->items[i].name)) &&
		         is_compared(&list->items[i], set);
	if (count >= list->threshold)
		return 0;
	return err_reason(e, ERR_REFUSED, "manifest_set",
	                  "%lld of the manifest's approvals are by keys that can be compared on "
	                  "this machine, %lld are needed: name the members' public keys (pub: "
	                  "NAME.pub)",
	                  (long long)count, (long long)list->threshold);
}

int believe_to_seal(const struct basis *b, const struct kept_genesis *kept, struct err *e)
{
	const struct manifest *m = &kept->envelope.manifest;
	const struct cluster *c = b->cluster;

	/* Who has approved it, has approved both sets. */
	if (believe_is_adopted(&kept->envelope)) {
		TRY(check_any_here(&c->quorum.members, &m->share_set, "share set", "share_set", e));
		return check_own_approvals(c, &kept->envelope, e);
	}
	TRY(check_all_here(&c->quorum.members, &m->share_set, "share set", "share_set", e));
	return check_all_here(&c->manifest_set, &m->manifest_set, "manifest set", "manifest_set",
	                      e);
}

int believe_commitment(const struct basis *b, const struct kept_genesis *kept, struct view document,
                       struct view nonce, struct node_proof *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy = policy_live(b, nonce);
	struct hash256 module;

	TRY(attestation_parse(document, &claims, e));
	policy_allow_debug(b, &claims, &policy);
	policy.committed_manifest = &kept->manifest_hash;
	if (!nonce.len)
		policy.nonce.rule = FIELD_ABSENT;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	TRY(sha256(buf_view(&proved.module_id), &module, e));
	*ret = (struct node_proof){ .holding = HOLDS_SETUP_KEY,
		                    .module = module,
		                    .commitment = proved.pcrs.values[PCR_COMMITMENT],
		                    .setup_key = proved.public_key,
		                    .timestamp_ms = proved.timestamp_ms,
		                    .is_debug = proved.is_debug };
	return 0;
}

int believe_proof(const struct public_key *quorum_key, const struct prove_key_reply *answer,
                  const uint8_t challenge[32], const struct hash256 *manifest_hash, struct err *e)
{
	uint8_t message[STATEMENT_LEN];
	struct hash256 document;

	if (!view_equal(VIEW_OF(answer->quorum_public_key), public_key_view(quorum_key)))
		return err_reason(e, ERR_ATTESTATION, "quorum_key",
		                  "it has another quorum key than this cluster's");
	TRY(sha256(buf_view(&answer->attestation_doc), &document, e));
	statement_format(STATEMENT_PROVE_KEY, manifest_hash, challenge, document.bytes, message);
	if (public_key_verify(quorum_key, VIEW_OF(message), VIEW_OF(answer->signature), e) < 0)
		return err_reason(e, ERR_ATTESTATION, "key-proof",
		                  "the key proof is not signed by the quorum key");
	return 0;
}

bool believe_is_of_file(const char *reason)
{
	static const char *const reasons[] = { "share_set", "manifest_set", "namespace",
		                               "pivot",     "root",         "dr_key" };

	for (size_t i = 0; i < COUNT(reasons); i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	return false;
}

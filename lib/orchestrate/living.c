#include "orchestrate/living.h"

#include "cluster/expect.h"
#include "cluster/match.h"
#include "orchestrate/believe.h"
#include "orchestrate/policy.h"

#include <stdlib.h>
#include <string.h>

const char *const living_basis_names[] = { "state", "quorum-key", "image", "approvals", NULL };

void living_drop(struct living *l)
{
	manifest_envelope_drop(&l->envelope);
	*l = (struct living){ 0 };
}

static int call(struct run *r, size_t node, enum api api, const void *request, void *ret_reply,
                struct err *e)
{
	const struct client_exchange exchange = {
		.node = r->cluster->nodes[node].name,
		.url = r->seen.nodes[node].url,
		.api = api,
		.request = request,
	};

	if (!exchange.url) {
		*e = r->seen.nodes[node].why;
		return -1;
	}
	return client_call_until(r->client, &exchange, r->deadline_ms, r->options.interrupt_fd,
	                         ret_reply, e);
}

/* Nothing of it is believed but what verify_proof finds attested. */
static int fetch_manifest(struct run *r, size_t node, struct living *ret, struct err *e)
{
	AUTO(manifest_message) struct manifest_message answer = { 0 };

	TRY(call(r, node, API_MANIFEST, NULL, &answer, e));
	TRY(manifest_check(&answer.manifest_envelope, /* allow_keyless= */ false, e));
	TRY(manifest_hash(&answer.manifest_envelope.manifest, &ret->hash, e));
	ret->node = node;
	ret->envelope = MOVE(answer.manifest_envelope);
	return 0;
}

static int verify_document(const struct run *r, const struct living *l, struct view document,
                           struct view challenge, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	struct attestation_policy policy;
	struct pcr_set pcrs;
	struct basis basis = { .cluster = r->cluster, .pcrs = &pcrs };

	TRY(cluster_root(r->cluster, &r->state, &root, e));
	TRY(manifest_pcrs(&l->envelope.manifest, &pcrs, e));
	TRY(attestation_parse(document, &claims, e));
	basis.root = buf_view(&root);
	policy = policy_live(&basis, challenge);
	policy.committed_manifest = &l->hash;
	policy.committed_key_wiped = true; /* it has the key */
	policy_allow_debug(&basis, &claims, &policy);
	return attestation_verify(&claims, &policy, &proved, e);
}

static int verify_proof(struct run *r, const struct living *l, struct err *e)
{
	AUTO(prove_key_reply) struct prove_key_reply answer = { 0 };
	struct prove_key_request q;
	struct public_key key;

	TRY(random_public(q.challenge, sizeof(q.challenge), e));
	TRY(call(r, l->node, API_PROVE_KEY, &q, &answer, e));
	TRY(verify_document(r, l, buf_view(&answer.attestation_doc), VIEW_OF(q.challenge), e));
	TRY(manifest_quorum_key(&l->envelope.manifest, &key, e));
	return believe_proof(&key, &answer, q.challenge, &l->hash, e);
}

static bool is_of_image(const struct cluster *c, const struct manifest *m)
{
	struct pcr_set expected, found;
	struct err why;

	if (cluster_expect(c, &expected, &why) < 0 || manifest_pcrs(m, &found, &why) < 0)
		return false;
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (!pcr_equal(&expected.values[i], &found.values[i]))
			return false;
	return true;
}

static int check_key(const struct public_key *found, const struct public_key *expected,
                     const char *whose, struct err *e)
{
	if (public_key_equal(found, expected))
		return 0;
	return err_reason(e, ERR_REFUSED, "quorum_key",
	                  "it has another quorum key than the one that %s", whose);
}

/* It has a key, and a manifest of it; but is it this cluster's? */
static int find_basis(const struct run *r, struct living *l, struct err *e)
{
	const struct manifest *m = &l->envelope.manifest;
	struct public_key key, named;
	struct err why;

	TRY(manifest_quorum_key(m, &key, e));
	if (r->cluster->quorum.public_key) {
		TRY(public_key_read(r->cluster->quorum.public_key, &named, e));
		TRY(check_key(&key, &named, "the cluster file names", e));
	}
	if (r->seen.has_genesis) {
		l->basis = LIVING_BY_STATE;
		return check_key(&key, &r->seen.genesis.quorum_key, "the state keeps", e);
	}
	if (r->cluster->quorum.public_key)
		l->basis = LIVING_BY_KEY;
	else if (is_of_image(r->cluster, m))
		l->basis = LIVING_BY_IMAGE;
	else if (approvals_check(&l->envelope.manifest_set_approvals, &l->hash, &m->manifest_set,
	                         m->manifest_set.threshold, &why) == 0)
		l->basis = LIVING_BY_APPROVALS;
	else
		return err_reason(e, ERR_REFUSED, "quorum_key",
		                  "it runs another image than the cluster file's, its manifest is "
		                  "not approved, and neither file nor state name the quorum key: "
		                  "nothing says that it is this cluster's (quorum.publicKey)");
	return 0;
}

/* Namespace and members are in the cluster file, whoever has another genesis under this root. A key
 * that can't be read is no word on the TEE. */
static int load_sets(const struct cluster *c, struct match_expect *ret, struct err *e)
{
	AUTO(match_expect) struct match_expect x = { 0 };

	TRY(cluster_member_set(&c->manifest_set, &x.manifest_set, e));
	TRY(cluster_member_set(&c->quorum.members, &x.share_set, e));
	*ret = MOVE(x);
	return 0;
}

static int check_members(const struct run *r, const struct match_expect *sets,
                         const struct manifest *m, struct err *e)
{
	AUTO(match_rows) struct wire_list rows = { 0 };
	const char *namespace = r->cluster->manifest.namespace_name;

	if (!view_equal(buf_view(&m->namespace.name), view_text(namespace)))
		return err_reason(e, ERR_REFUSED, "namespace",
		                  "its manifest is of namespace '%s', the cluster file of '%s'",
		                  buf_text(&m->namespace.name), namespace);
	TRY(match_sets(sets, m, &rows, e));
	return match_judge(&rows, "its manifest's sets are not the cluster file's", e);
}

static int ask(struct run *r, const struct match_expect *sets, size_t node, struct living *l,
               struct err *e)
{
	const struct node_seen *seen = &r->seen.nodes[node];

	if (seen->presence == NODE_PRESENT && seen->status.phase != PHASE_READY)
		return err_set(e, ERR_NOT_DESIRED, "it has no quorum key: it is in %s",
		               phase_name((enum phase)seen->status.phase));
	TRY(fetch_manifest(r, node, l, e));
	TRY(check_members(r, sets, &l->envelope.manifest, e));
	TRY(verify_proof(r, l, e));
	return find_basis(r, l, e);
}

static int ask_one(struct run *r, const struct match_expect *sets, size_t node, struct living *ret,
                   struct err *e)
{
	AUTO(living) struct living l = { 0 };

	if (ask(r, sets, node, &l, e) < 0)
		return err_wrap(e, "%s", r->cluster->nodes[node].name);
	*ret = MOVE(l);
	return 0;
}

int living_ask(struct run *r, size_t node, struct living *ret, struct err *e)
{
	AUTO(match_expect) struct match_expect sets = { 0 };

	TRY(load_sets(r->cluster, &sets, e));
	return ask_one(r, &sets, node, ret, e);
}

/* Members' public keys are public: whoever runs this image can make a genesis of them, but no
 * approvals. Both have the cluster file's manifest set. */
static bool is_approved(const struct living *l)
{
	const struct manifest *m = &l->envelope.manifest;
	struct err ignored;

	return approvals_check(&l->envelope.manifest_set_approvals, &l->hash, &m->manifest_set,
	                       m->manifest_set.threshold, &ignored) == 0;
}

/* Two of one cluster have one quorum key, and one manifest of a nonce. */
static int choose(const struct run *r, struct living *best, struct living *other, struct err *e)
{
	const struct manifest *a = &best->envelope.manifest, *b = &other->envelope.manifest;
	const char *one = r->cluster->nodes[best->node].name;
	const char *two = r->cluster->nodes[other->node].name;

	if (!view_equal(buf_view(&a->namespace.quorum_key), buf_view(&b->namespace.quorum_key)))
		return err_reason(e, ERR_REFUSED, "quorum_key",
		                  "%s and %s have two quorum keys: name the one that is meant", one,
		                  two);
	if (a->namespace.nonce == b->namespace.nonce &&
	    !view_equal(VIEW_OF(best->hash.bytes), VIEW_OF(other->hash.bytes)))
		return err_reason(
		    e, ERR_REFUSED, "nonce",
		    "%s and %s hold two manifests of nonce %lld: name the one that is "
		    "meant",
		    one, two, (long long)a->namespace.nonce);
	if (b->namespace.nonce > a->namespace.nonce) {
		living_drop(best);
		*best = MOVE(*other);
	}
	return 0;
}

struct found {
	struct living *items;
	size_t count;
};

static void found_drop(struct found *f)
{
	for (size_t i = 0; i < f->count; i++)
		living_drop(&f->items[i]);
	free(f->items);
	*f = (struct found){ 0 };
}

static int ask_all(struct run *r, struct found *ret, struct err *e)
{
	AUTO(match_expect) struct match_expect sets = { 0 };

	TRY(load_sets(r->cluster, &sets, e));
	ret->items = calloc(r->cluster->node_count + 1, sizeof(*ret->items));
	if (!ret->items)
		return err_set(e, ERR_INTERNAL, "no memory for manifests");
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		struct err why;

		if (r->seen.nodes[i].presence != NODE_PRESENT ||
		    r->seen.nodes[i].status.phase != PHASE_READY)
			continue;
		if (ask_one(r, &sets, i, &ret->items[ret->count], &why) == 0) {
			ret->count++;
			continue;
		}
		if (why.code == ERR_INTERRUPTED || why.code == ERR_INTERNAL) {
			*e = why;
			return -1;
		}
		run_note(r, i, "its manifest is not taken: %s", why.text);
	}
	return 0;
}

static bool is_same_quorum(const struct living *a, const struct living *b)
{
	return view_equal(buf_view(&a->envelope.manifest.namespace.quorum_key),
	                  buf_view(&b->envelope.manifest.namespace.quorum_key));
}

/* Where the members have approved a manifest, no other quorum key than such a one counts. */
static bool is_outdone(const struct found *f, size_t i, size_t *ret_by)
{
	bool is_outdone = false;

	for (size_t k = 0; k < f->count; k++) {
		if (!is_approved(&f->items[k]))
			continue;
		if (is_same_quorum(&f->items[k], &f->items[i]))
			return false;
		is_outdone = true;
		*ret_by = k;
	}
	return is_outdone;
}

int living_find(struct run *r, struct living *ret, struct err *e)
{
	AUTO(found) struct found found = { 0 };
	AUTO(living) struct living best = { 0 };
	bool is_found = false;
	size_t by = 0;

	TRY(ask_all(r, &found, e));
	for (size_t i = 0; i < found.count; i++)
		if (is_outdone(&found, i, &by))
			run_note(r, found.items[i].node,
			         "its manifest is not taken: it has another quorum key than %s, "
			         "whose manifest its members have approved",
			         r->cluster->nodes[found.items[by].node].name);
		else
			found.items[i].is_candidate = true;
	for (size_t i = 0; i < found.count; i++) {
		if (!found.items[i].is_candidate)
			continue;
		if (is_found)
			TRY(choose(r, &best, &found.items[i], e));
		else
			best = MOVE(found.items[i]);
		is_found = true;
	}
	if (!is_found)
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "there has been no genesis of '%s': the state has no manifest, and "
		    "no TEE that answers proves that it has a quorum key of this cluster",
		    r->cluster->name);
	*ret = MOVE(best);
	return 0;
}

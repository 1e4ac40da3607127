#include "orchestrate/seal.h"

#include "base/clock.h"
#include "base/text.h"
#include "orchestrate/share.h"

#include <stdio.h>
#include <string.h>

void sealing_drop(struct sealing *s)
{
	share_request_drop(&s->request);
	genesis_output_drop(&s->output);
	key_set_drop(&s->key);
	secret_drop(&s->share);
	*s = (struct sealing){ 0 };
}

static const struct manifest *manifest_of(const struct sealing *s)
{
	return &s->request.manifest_envelope.manifest;
}

static struct view namespace_of(const struct sealing *s)
{
	return buf_view(&manifest_of(s)->namespace.name);
}

/* A genesis makes a manifest that nobody has approved yet. It may have been since: a restart of the
 * quorum needs that. Every later one is. */
static bool is_approved(const struct sealing *s)
{
	return s->request.manifest_envelope.manifest_set_approvals.count != 0;
}

/* --- the checks, in their order: each says what it found, or fails */

struct judging {
	const struct seal_input *in;
	struct match_expect expect;
	struct basis basis;
	struct wire_list *rows;
	struct sealing *s;
};

static void judging_drop(struct judging *j)
{
	match_expect_drop(&j->expect);
}

static int judge_request(struct judging *j, struct err *e)
{
	struct sealing *s = j->s;
	struct manifest *m;

	TRY(sha256(j->in->request, &s->request_hash, e));
	TRY(request_parse(j->in->request, &s->request, e));
	TRY(manifest_check(&s->request.manifest_envelope, /* allow_keyless= */ false, e));
	m = &s->request.manifest_envelope.manifest;
	TRY(manifest_hash(m, &s->manifest_hash, e));
	TRY(manifest_quorum_key(m, &s->quorum_key, e));
	return match_add(j->rows, "request", true, e, "made %s", buf_text(&s->request.created));
}

static int judge_expiry(struct judging *j, struct err *e)
{
	const struct share_request *q = &j->s->request;
	int64_t now_ms = clock_unix_ms();

	if (now_ms > q->expires_ms)
		return err_reason(e, ERR_DATA, "expired", "the request expired at %s",
		                  buf_text(&q->expires));
	if (q->expires_ms - now_ms > REQUEST_EXPIRY_MAX_MS + DOCUMENT_AHEAD_MS)
		return err_reason(e, ERR_DATA, "expiry",
		                  "the request expires at %s, more than 30 days ahead: nobody can "
		                  "say what becomes of a bundle until then",
		                  buf_text(&q->expires));
	if (q->created_ms - now_ms > DOCUMENT_AHEAD_MS)
		return err_reason(e, ERR_DATA, "created",
		                  "the request was made at %s, which is still to come",
		                  buf_text(&q->created));
	/* share request makes none that lasts longer: what it says of its making is made up. */
	if (q->expires_ms - q->created_ms > REQUEST_EXPIRY_MAX_MS + DOCUMENT_AHEAD_MS)
		return err_reason(e, ERR_DATA, "created",
		                  "the request was made at %s, more than 30 days before it expires",
		                  buf_text(&q->created));
	return match_add(j->rows, "expiry", true, e, "%s", buf_text(&q->expires));
}

/* Where the file allows debug enclaves their manifest has zeroes, as they measure. */
static int allow_debug(const struct cluster *c, const struct manifest *m, struct match_expect *x,
                       struct err *e)
{
	struct pcr_set found;

	TRY(manifest_pcrs(m, &found, e));
	if (c->attestation.allow_debug && pcr_set_is_debug(&found))
		for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
			pcr_zero(&x->pcrs.values[i]);
	return 0;
}

/* What the member's own file, machine and root say. */
static int judge_manifest(struct judging *j, struct err *e)
{
	const struct seal_input *in = j->in;
	AUTO(match_expect) struct match_expect x = { 0 };

	TRY(match_expect_load(in->cluster, in->state, &x, e));
	TRY(allow_debug(in->cluster, manifest_of(j->s), &x, e));
	j->expect = MOVE(x);
	j->basis = (struct basis){ .cluster = in->cluster,
		                   .root = buf_view(&j->expect.root),
		                   .pcrs = &j->expect.pcrs };
	TRY(match_manifest(in->cluster, &j->expect, manifest_of(j->s), j->rows, e));
	return match_judge(j->rows, "this is not what your cluster file says", e);
}

static int judge_genesis(struct judging *j, struct err *e)
{
	struct sealing *s = j->s;
	const struct share_request *q = &s->request;
	const struct birth birth = { .output = buf_view(&q->genesis.output),
		                     .document = buf_view(&q->genesis.document),
		                     .envelope = &q->manifest_envelope,
		                     .asked_ms = INT64_MIN };

	if (!q->has_genesis && !is_approved(s))
		return err_reason(e, ERR_ATTESTATION, "genesis",
		                  "nobody has approved the manifest, and there is no genesis that "
		                  "made it");
	/* Whoever sends the request could leave out what the share would be compared with. */
	if (!q->has_genesis && !j->in->cluster->quorum.public_key)
		return err_reason(e, ERR_ATTESTATION, "genesis",
		                  "the request has no genesis to compare your share with; only a "
		                  "quorum that was born elsewhere has none, and then your cluster "
		                  "file names its key (quorum.publicKey)");
	if (!q->has_genesis)
		return match_add(j->rows, "genesis", true, e,
		                 "none: the share is compared with nothing but its quorum");
	s->is_genesis = believe_birth(&j->basis, &birth, &s->output, e) == 0;
	if (!s->is_genesis &&
	    (!is_approved(s) || believe_ancestor(&j->basis, &birth, &s->output, e) < 0))
		return err_wrap(e, "genesis");
	s->has_output = true;
	return match_add(j->rows, "genesis", true, e,
	                 s->is_genesis ? "attested, and the manifest is the one that it made"
	                               : "attested, and the quorum key is the one that it made");
}

static int judge_approvals(struct judging *j, struct err *e)
{
	const struct manifest_envelope *envelope = &j->s->request.manifest_envelope;
	int64_t needed = j->expect.manifest_set.threshold;

	if (j->s->is_genesis)
		return match_add(j->rows, "approvals", true, e, "none needed: it is the genesis'");
	TRY(manifest_check_approvals(envelope, &j->expect.manifest_set, needed, e));
	return match_add(j->rows, "approvals", true, e, "%zu valid, %lld needed",
	                 envelope->manifest_set_approvals.count, (long long)needed);
}

static int compare_key(const struct judging *j, const struct public_key *known, const char *whose,
                       struct err *e)
{
	if (public_key_equal(known, &j->s->quorum_key))
		return 0;
	return err_reason(e, ERR_REFUSED, "quorum_key", "the quorum key is another than %s", whose);
}

/* A genesis that was believed here and now says whose key it is; of any other the member must know
 * it already, since nothing in the request can tell him. */
static int judge_quorum_key(struct judging *j, const struct seen *known, struct err *e)
{
	const struct public_key *named = j->in->quorum_key;

	if (known->has_quorum_key)
		TRY(compare_key(j, &known->quorum_key,
		                "the one that your key knows of that namespace", e));
	if (named)
		TRY(compare_key(j, named, "the one that you named", e));
	/* The file's own was compared with the rest of the manifest. */
	if (!known->has_quorum_key && !named && !j->expect.has_quorum_key && !j->s->is_genesis)
		return err_reason(e, ERR_NO_INPUT, "quorum_key",
		                  "there is nothing to compare the quorum key with: your key has "
		                  "sealed nothing of that namespace, and approved nothing");
	return match_add(j->rows, "quorum_key", true, e, "%s",
	                 known->has_quorum_key ? "as your key knows it"
	                 : named               ? "the one that you named"
	                 : j->expect.has_quorum_key
	                     ? "the one that your cluster file names"
	                     : "the genesis'; your key remembers it from now on");
}

static int judge_seen(struct judging *j, struct err *e)
{
	struct sealing *s = j->s;
	struct seen known;

	TRY(seen_read(j->in->key_path, namespace_of(s), &known, e));
	TRY(judge_quorum_key(j, &known, e));
	s->seen = (struct seen){ .has_nonce = true,
		                 .has_manifest = true,
		                 .has_quorum_key = true,
		                 .manifest = s->manifest_hash,
		                 .nonce = manifest_of(s)->namespace.nonce,
		                 .quorum_key = s->quorum_key };
	TRY(seen_check(&known, &s->seen, e));
	if (known.has_nonce)
		return match_add(j->rows, "seen", true, e, "the highest nonce until now was %lld",
		                 (long long)known.nonce);
	return match_add(j->rows, "seen", true, e, "the first of this namespace");
}

/* A stored document, judged at its own time, and not too old. */
static int judge_document(struct judging *j, const struct request_target *target,
                          struct seal_target *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation proved = { 0 };
	struct attestation_policy policy =
	    policy_stored(&j->basis, j->in->cluster->attestation.request_max_age_ms);

	TRY(attestation_parse(buf_view(&target->document), &claims, e));
	policy_allow_debug(&j->basis, &claims, &policy);
	policy.committed_manifest = &j->s->manifest_hash;
	TRY(attestation_verify(&claims, &policy, &proved, e));
	*ret = (struct seal_target){ .node = buf_text(&target->node),
		                     .document = proved.document_hash,
		                     .setup_key = proved.public_key,
		                     .timestamp_ms = proved.timestamp_ms,
		                     .is_debug = proved.is_debug };
	return 0;
}

static int check_distinct(const struct sealing *s, const struct seal_target *target, struct err *e)
{
	for (size_t i = 0; i < s->target_count; i++)
		if (public_key_equal(&s->targets[i].setup_key, &target->setup_key))
			return err_reason(e, ERR_ATTESTATION, "public_key",
			                  "it is the same TEE as '%s'", s->targets[i].node);
	return 0;
}

static int judge_targets(struct judging *j, struct err *e)
{
	struct sealing *s = j->s;
	const struct request_target *items = s->request.targets.items;

	for (size_t i = 0; i < s->request.targets.count; i++) {
		struct seal_target target = { 0 };
		char name[ERR_REASON_MAX];

		if (judge_document(j, &items[i], &target, e) < 0 ||
		    check_distinct(s, &target, e) < 0)
			return err_wrap(e, "TEE '%s'", buf_text(&items[i].node));
		s->targets[s->target_count++] = target;
		snprintf(name, sizeof(name), "tee%zu", i + 1);
		TRY(match_add(j->rows, name, true, e, "%s: %s, committed to its setup key",
		              target.node, target.is_debug ? "DEBUG" : "attested"));
	}
	return 0;
}

int seal_genesis(const struct seal_input *in, struct genesis_output *ret, struct err *e)
{
	AUTO(match_rows) struct wire_list rows = { 0 };
	AUTO(sealing) struct sealing s = { 0 };
	AUTO(judging) struct judging j = { .in = in, .rows = &rows, .s = &s };

	TRY(judge_request(&j, e));
	if (!s.request.has_genesis)
		return err_set(e, ERR_DATA,
		               "the request has no genesis: --genesis-output names one");
	TRY(judge_manifest(&j, e));
	TRY(judge_genesis(&j, e));
	*ret = MOVE(s.output);
	return 0;
}

int seal_judge(const struct seal_input *in, struct wire_list *checks, struct sealing *ret,
               struct err *e)
{
	static int (*const judges[])(struct judging *, struct err *) = {
		judge_request,   judge_expiry, judge_manifest, judge_genesis,
		judge_approvals, judge_seen,   judge_targets,
	};
	AUTO(sealing) struct sealing s = { 0 };
	AUTO(judging) struct judging j = { .in = in, .rows = checks, .s = &s };
	struct err why;

	for (size_t i = 0; i < COUNT(judges); i++) {
		if (judges[i](&j, e) == 0)
			continue;
		/* match_judge has its row already. */
		if (judges[i] != judge_manifest)
			(void)!match_add(checks, e->reason[0] ? e->reason : "request", false, &why,
			                 "%s", e->text);
		return -1;
	}
	*ret = MOVE(s);
	return 0;
}

/* --- the share */

static int find_self(const struct seal_input *in, struct sealing *s, struct err *e)
{
	const struct member_set *set = &manifest_of(s)->share_set;
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		if (view_equal(buf_view(&members[i].pub_key),
		               public_key_view(key_set_public(s->key))))
			s->self = &members[i];
	if (!s->self)
		return err_set(e, ERR_SHARE, "'%s' is the key of no member of the share set",
		               in->key_path);
	return 0;
}

int seal_open(const struct seal_input *in, struct wire_list *checks, struct sealing *s,
              struct err *e)
{
	const struct encrypted_share *attested = NULL;

	TRY(key_set_read_own(in->key_path, in->passphrases, &s->key, e));
	TRY(find_self(in, s, e));
	if (s->has_output)
		attested = share_find(&s->output, key_set_public(s->key));
	if (s->has_output && !attested)
		return err_set(e, ERR_SHARE, "the genesis was for no member with the key '%s'",
		               in->key_path);
	TRY(share_open(s->self, attested, in->key_path, s->key, in->share_path, &s->share, e));
	return match_add(checks, "share", true, e, "opens with your key, %s",
	                 attested ? "and is the one that the genesis attested"
	                          : "and is compared with nothing: the request has no genesis");
}

static int add_item(const struct sealing *s, const struct seal_target *target,
                    struct share_bundle *b, struct err *e)
{
	struct sealed_share sealed;
	struct bundle_item *item;

	TRY(share_seal(&s->share, s->key, &s->manifest_hash, &target->setup_key, &sealed, e));
	TRY(wire_list_add(&b->items, &bundle_item_schema, &item, e));
	memcpy(item->document, target->document.bytes, sizeof(item->document));
	memcpy(item->setup_key, sealed.setup_key.bytes, sizeof(item->setup_key));
	memcpy(item->encrypted_share, sealed.envelope, sizeof(item->encrypted_share));
	memcpy(item->signature, sealed.signature.bytes, sizeof(item->signature));
	return wire_set_text(&item->node, target->node, e);
}

int seal_finish(const struct seal_input *in, const struct sealing *s, struct share_bundle *ret,
                struct err *e)
{
	AUTO(share_bundle) struct share_bundle b = { .expires_ms = s->request.expires_ms };

	/* What nobody would remember must not leave the machine. */
	TRY(seen_write(in->key_path, namespace_of(s), &s->seen, e));
	memcpy(b.manifest_hash, s->manifest_hash.bytes, sizeof(b.manifest_hash));
	memcpy(b.request, s->request_hash.bytes, sizeof(b.request));
	TRY(wire_set(&b.cluster, buf_view(&s->request.cluster), e));
	TRY(wire_set(&b.alias, buf_view(&s->self->alias), e));
	for (size_t i = 0; i < s->target_count; i++)
		TRY(add_item(s, &s->targets[i], &b, e));
	*ret = MOVE(b);
	return 0;
}

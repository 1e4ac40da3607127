/* What makes a manifest acceptable: contract.md "Well formed", formats.md 5.4. */
#include "proto/manifest.h"

static int show_len(const struct buf *alias)
{
	return (int)(alias->len < ALIAS_MAX ? alias->len : ALIAS_MAX);
}

/* printf's "%.*s" of an alias. */
#define SHOW(alias) show_len(alias), buf_text(alias)

/* Bad data becomes the code of what it is bad in; a fault of our own stays one. */
static void judge(struct err *e, enum err_code code)
{
	if (e->code == ERR_DATA)
		e->code = code;
}

static struct view encrypt_half(const struct member *m)
{
	return view_new(m->pub_key.data, POINT_LEN);
}

static struct view sign_half(const struct member *m)
{
	return view_new(m->pub_key.data + POINT_LEN, POINT_LEN);
}

static int check_threshold(const struct member_set *set, const char *what, int64_t min,
                           struct err *e)
{
	size_t count = set->members.count;

	if (count > MEMBERS_MAX)
		return err_set(e, ERR_THRESHOLD, "%s has %zu members, at most %d", what, count,
		               MEMBERS_MAX);
	if (count < (size_t)min)
		return err_set(e, ERR_THRESHOLD, "%s has %zu members, at least %lld expected", what,
		               count, (long long)min);
	if (set->threshold < min || set->threshold > (int64_t)count)
		return err_set(e, ERR_THRESHOLD, "%s.threshold is %lld, %lld to %zu expected", what,
		               (long long)set->threshold, (long long)min, count);
	return 0;
}

static int check_member(const struct member *m, const char *what, size_t index, bool allow_keyless,
                        struct err *e)
{
	struct public_key key;

	if (m->alias.len == 0 || m->alias.len > ALIAS_MAX)
		return err_set(e, ERR_MANIFEST, "%s.members[%zu].alias: 1 to %d bytes expected",
		               what, index, ALIAS_MAX);
	if (m->pub_key.len == 0 && allow_keyless)
		return 0;
	if (m->pub_key.len == 0)
		return err_set(e, ERR_MANIFEST,
		               "%s.members[%zu].pub_key: empty, which only a debug enclave allows",
		               what, index);
	if (public_key_parse(buf_view(&m->pub_key), &key, e) < 0) {
		judge(e, ERR_MANIFEST);
		return err_wrap(e, "%s.members[%zu].pub_key", what, index);
	}
	return 0;
}

/* Both have passed check_member. */
static int check_pair(const struct member *a, const struct member *b, const char *what,
                      struct err *e)
{
	if (view_equal(buf_view(&a->alias), buf_view(&b->alias)))
		return err_set(e, ERR_MANIFEST, "%s: alias '%.*s' twice", what, SHOW(&a->alias));
	if (a->pub_key.len == 0 || b->pub_key.len == 0)
		return 0;
	if (view_equal(encrypt_half(a), encrypt_half(b)))
		return err_set(e, ERR_MANIFEST, "%s: '%.*s' and '%.*s' have the same encrypt key",
		               what, SHOW(&a->alias), SHOW(&b->alias));
	if (view_equal(sign_half(a), sign_half(b)))
		return err_set(e, ERR_MANIFEST, "%s: '%.*s' and '%.*s' have the same sign key",
		               what, SHOW(&a->alias), SHOW(&b->alias));
	return 0;
}

int member_set_check(const struct member_set *set, const char *what, int64_t min_threshold,
                     bool allow_keyless, struct err *e)
{
	const struct member *members = set->members.items;

	TRY(check_threshold(set, what, min_threshold, e));
	for (size_t i = 0; i < set->members.count; i++) {
		TRY(check_member(&members[i], what, i, allow_keyless, e));
		for (size_t j = 0; j < i; j++)
			TRY(check_pair(&members[j], &members[i], what, e));
	}
	return 0;
}

static int check_not_quorum(const struct member_set *set, const char *what,
                            const struct public_key *quorum, struct err *e)
{
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		if (members[i].pub_key.len &&
		    (view_equal(encrypt_half(&members[i]), public_key_encrypt_half(quorum)) ||
		     view_equal(sign_half(&members[i]), public_key_sign_half(quorum))))
			return err_set(e, ERR_MANIFEST, "%s: '%.*s' has the quorum's own key", what,
			               SHOW(&members[i].alias));
	return 0;
}

static int check_namespace(const struct manifest *m, struct err *e)
{
	struct public_key quorum;

	if (m->namespace.name.len == 0 || m->namespace.name.len > NAMESPACE_MAX)
		return err_set(e, ERR_MANIFEST, "namespace.name: 1 to %d bytes expected",
		               NAMESPACE_MAX);
	/* QOS's development boot uses 2^32 - 1, and no manifest could follow it. */
	if (m->namespace.nonce < 0 || m->namespace.nonce >= UINT32_MAX)
		return err_set(e, ERR_MANIFEST, "namespace.nonce: 0 to 2^32 - 2 expected");
	if (public_key_parse(buf_view(&m->namespace.quorum_key), &quorum, e) < 0) {
		judge(e, ERR_MANIFEST);
		return err_wrap(e, "namespace.quorum_key");
	}
	TRY(check_not_quorum(&m->manifest_set, "manifest_set", &quorum, e));
	return check_not_quorum(&m->share_set, "share_set", &quorum, e);
}

static int check_enclave(const struct nitro_config *n, struct err *e)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (n->pcrs[i].len != PCR_LEN)
			return err_set(e, ERR_MANIFEST,
			               "enclave.pcr%u: %d bytes expected, %zu found", i, PCR_LEN,
			               n->pcrs[i].len);
	if (n->aws_root_certificate.len > ROOT_CERTIFICATE_MAX)
		return err_set(e, ERR_MANIFEST, "enclave.aws_root_certificate: more than %d bytes",
		               ROOT_CERTIFICATE_MAX);
	return 0;
}

static int check_pivot(const struct pivot *p, struct err *e)
{
	const struct bridge *bridges = p->bridge_config.items;

	for (size_t i = 0; i < p->bridge_config.count; i++)
		if (bridges[i].type == BRIDGE_SERVER && !bridges[i].has_host)
			return err_set(e, ERR_MANIFEST,
			               "pivot.bridge_config[%zu]: a server without a host", i);
	return 0;
}

int manifest_check(const struct manifest_envelope *envelope, bool allow_keyless, struct err *e)
{
	const struct manifest *m = &envelope->manifest;

	TRY(member_set_check(&m->manifest_set, "manifest_set", 1, allow_keyless, e));
	TRY(member_set_check(&m->share_set, "share_set", 2, allow_keyless, e));
	TRY(check_namespace(m, e));
	TRY(check_enclave(&m->enclave, e));
	TRY(check_pivot(&m->pivot, e));
	if (m->patch_set.threshold != 0 || m->patch_set.members.count != 0)
		return err_set(e, ERR_MANIFEST, "patch_set: must be empty, with threshold 0");
	if (envelope->share_set_approvals.count != 0)
		return err_set(e, ERR_MANIFEST, "share_set_approvals: must be empty");
	return 0;
}

static bool is_member(const struct member_set *set, const struct member *m)
{
	const struct member *own = member_set_find(set, buf_view(&m->alias));

	return own && view_equal(buf_view(&own->pub_key), buf_view(&m->pub_key));
}

int approval_check(const struct approval *a, const struct hash256 *hash,
                   const struct member_set *set, struct err *e)
{
	struct public_key key;

	if (!is_member(set, &a->member))
		return err_reason(
		    e, ERR_APPROVAL, "approval:member",
		    "'%.*s' is no member of the manifest set, or has another key there",
		    SHOW(&a->member.alias));
	if (public_key_parse(buf_view(&a->member.pub_key), &key, e) < 0 ||
	    public_key_verify(&key, VIEW_OF(hash->bytes), buf_view(&a->signature), e) < 0) {
		judge(e, ERR_APPROVAL);
		return err_wrap(e, "the approval of '%.*s'", SHOW(&a->member.alias));
	}
	return 0;
}

const struct approval *approvals_find(const struct wire_list *approvals, struct view alias)
{
	const struct approval *items = approvals->items;

	for (size_t i = 0; i < approvals->count; i++)
		if (view_equal(buf_view(&items[i].member.alias), alias))
			return &items[i];
	return NULL;
}

int approvals_check(const struct wire_list *approvals, const struct hash256 *hash,
                    const struct member_set *set, int64_t needed, struct err *e)
{
	const struct approval *items = approvals->items;

	/* No more than one a member; checked before signatures are, to bound their number. */
	if (approvals->count > set->members.count)
		return err_reason(e, ERR_APPROVAL, "approval:repeated",
		                  "%zu approvals by %zu members", approvals->count,
		                  set->members.count);
	for (size_t i = 0; i < approvals->count; i++) {
		TRY(approval_check(&items[i], hash, set, e));
		for (size_t j = 0; j < i; j++)
			if (view_equal(buf_view(&items[i].member.alias),
			               buf_view(&items[j].member.alias)))
				return err_reason(e, ERR_APPROVAL, "approval:repeated",
				                  "'%.*s' approves twice",
				                  SHOW(&items[i].member.alias));
	}
	if ((int64_t)approvals->count < needed)
		return err_reason(e, ERR_APPROVAL, "approval:count", "%zu of %lld approvals",
		                  approvals->count, (long long)needed);
	return 0;
}

int manifest_check_approvals(const struct manifest_envelope *envelope,
                             const struct member_set *own_set, int64_t needed, struct err *e)
{
	struct hash256 hash;

	TRY(manifest_hash(&envelope->manifest, &hash, e));
	return approvals_check(&envelope->manifest_set_approvals, &hash, own_set, needed, e);
}

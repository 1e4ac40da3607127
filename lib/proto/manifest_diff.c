#include "proto/manifest_diff.h"

#include "attest/chain.h"
#include "base/text.h"
#include "proto/borsh.h"

#define KEY_DIGITS 16 /* of a member's fingerprint: 64 bits are enough to tell people apart */

const char *const manifest_change_words[] = { "nothing", "approval", "ceremony", "another draft",
	                                      NULL };

static bool buf_equal(const struct buf *a, const struct buf *b)
{
	return view_equal(buf_view(a), buf_view(b));
}

/* --- namespace */

static bool name_equal(const struct manifest *a, const struct manifest *b)
{
	return buf_equal(&a->namespace.name, &b->namespace.name);
}

static int name_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return buf_add(to, buf_view(&m->namespace.name), e);
}

static bool nonce_equal(const struct manifest *a, const struct manifest *b)
{
	return a->namespace.nonce == b->namespace.nonce;
}

static int nonce_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return buf_add_format(to, e, "%lld", (long long)m->namespace.nonce);
}

static bool quorum_key_equal(const struct manifest *a, const struct manifest *b)
{
	return buf_equal(&a->namespace.quorum_key, &b->namespace.quorum_key);
}

static int quorum_key_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return hex_format(buf_view(&m->namespace.quorum_key), to, e);
}

/* --- pivot */

static bool pivot_hash_equal(const struct manifest *a, const struct manifest *b)
{
	return view_equal(VIEW_OF(a->pivot.hash), VIEW_OF(b->pivot.hash));
}

static int pivot_hash_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return hex_format(VIEW_OF(m->pivot.hash), to, e);
}

static bool restart_equal(const struct manifest *a, const struct manifest *b)
{
	return a->pivot.restart == b->pivot.restart;
}

static int restart_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return buf_add_text(to, manifest_restart_words[m->pivot.restart], e);
}

static bool bridges_equal(const struct manifest *a, const struct manifest *b)
{
	const struct bridge *x = a->pivot.bridge_config.items, *y = b->pivot.bridge_config.items;

	if (a->pivot.bridge_config.count != b->pivot.bridge_config.count)
		return false;
	for (size_t i = 0; i < a->pivot.bridge_config.count; i++)
		if (x[i].type != y[i].type || x[i].port != y[i].port ||
		    x[i].has_host != y[i].has_host || !buf_equal(&x[i].host, &y[i].host))
			return false;
	return true;
}

static int bridges_format(const struct manifest *m, struct buf *to, struct err *e)
{
	const struct bridge *bridges = m->pivot.bridge_config.items;

	for (size_t i = 0; i < m->pivot.bridge_config.count; i++)
		TRY(buf_add_format(to, e, "%s%s %s:%lld", i ? ", " : "",
		                   manifest_bridge_words[bridges[i].type],
		                   bridges[i].has_host ? buf_text(&bridges[i].host) : "*",
		                   (long long)bridges[i].port));
	return 0;
}

static bool debug_equal(const struct manifest *a, const struct manifest *b)
{
	return a->pivot.debug_mode == b->pivot.debug_mode;
}

static int debug_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return buf_add_text(to, m->pivot.debug_mode ? "true" : "false", e);
}

static bool args_equal(const struct manifest *a, const struct manifest *b)
{
	const struct text_item *x = a->pivot.args.items, *y = b->pivot.args.items;

	if (a->pivot.args.count != b->pivot.args.count)
		return false;
	for (size_t i = 0; i < a->pivot.args.count; i++)
		if (!buf_equal(&x[i].text, &y[i].text))
			return false;
	return true;
}

/* Quoted, so that one argument with a space in it does not look like two. */
static int args_format(const struct manifest *m, struct buf *to, struct err *e)
{
	const struct text_item *args = m->pivot.args.items;

	for (size_t i = 0; i < m->pivot.args.count; i++) {
		TRY(buf_add_text(to, i ? " '" : "'", e));
		TRY(buf_add(to, buf_view(&args[i].text), e));
		TRY(buf_add_text(to, "'", e));
	}
	return 0;
}

/* --- sets */

static bool set_identical(const struct member_set *a, const struct member_set *b)
{
	const struct member *x = a->members.items, *y = b->members.items;

	if (a->threshold != b->threshold || a->members.count != b->members.count)
		return false;
	for (size_t i = 0; i < a->members.count; i++)
		if (!buf_equal(&x[i].alias, &y[i].alias) ||
		    !buf_equal(&x[i].pub_key, &y[i].pub_key))
			return false;
	return true;
}

int member_set_format(const struct member_set *set, struct buf *to, struct err *e)
{
	const struct member *members = set->members.items;

	TRY(buf_add_format(to, e, "%lld of ", (long long)set->threshold));
	for (size_t i = 0; i < set->members.count; i++) {
		struct hash256 print;
		char hex[2 * sizeof(print.bytes) + 1];

		TRY(sha256(buf_view(&members[i].pub_key), &print, e));
		hex_write(VIEW_OF(print.bytes), hex);
		TRY(buf_add_text(to, i ? ", " : "", e));
		TRY(buf_add(to, buf_view(&members[i].alias), e));
		TRY(buf_add_format(to, e, " (%.*s)", KEY_DIGITS, hex));
	}
	return set->members.count ? 0 : buf_add_text(to, "none", e);
}

static bool manifest_set_identical(const struct manifest *a, const struct manifest *b)
{
	return set_identical(&a->manifest_set, &b->manifest_set);
}

static bool manifest_set_equivalent(const struct manifest *a, const struct manifest *b)
{
	return member_set_equal(&a->manifest_set, &b->manifest_set);
}

static int manifest_set_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return member_set_format(&m->manifest_set, to, e);
}

static bool share_set_identical(const struct manifest *a, const struct manifest *b)
{
	return set_identical(&a->share_set, &b->share_set);
}

static bool share_set_equivalent(const struct manifest *a, const struct manifest *b)
{
	return member_set_equal(&a->share_set, &b->share_set);
}

static int share_set_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return member_set_format(&m->share_set, to, e);
}

static bool patch_set_equal(const struct manifest *a, const struct manifest *b)
{
	const struct patch_member *x = a->patch_set.members.items, *y = b->patch_set.members.items;

	if (a->patch_set.threshold != b->patch_set.threshold ||
	    a->patch_set.members.count != b->patch_set.members.count)
		return false;
	for (size_t i = 0; i < a->patch_set.members.count; i++)
		if (!buf_equal(&x[i].pub_key, &y[i].pub_key))
			return false;
	return true;
}

static int patch_set_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return buf_add_format(to, e, "%lld of %zu keys", (long long)m->patch_set.threshold,
	                      m->patch_set.members.count);
}

/* --- enclave */

#define PCR_FIELD(n)                                                                               \
	static bool pcr##n##_equal(const struct manifest *a, const struct manifest *b)             \
	{                                                                                          \
		return buf_equal(&a->enclave.pcrs[n], &b->enclave.pcrs[n]);                        \
	}                                                                                          \
	static int pcr##n##_format(const struct manifest *m, struct buf *to, struct err *e)        \
	{                                                                                          \
		return hex_format(buf_view(&m->enclave.pcrs[n]), to, e);                           \
	}                                                                                          \
	_Static_assert(n < PCR_POLICY_COUNT, "")
PCR_FIELD(0);
PCR_FIELD(1);
PCR_FIELD(2);
PCR_FIELD(3);

static bool root_equal(const struct manifest *a, const struct manifest *b)
{
	return buf_equal(&a->enclave.aws_root_certificate, &b->enclave.aws_root_certificate);
}

static int root_format(const struct manifest *m, struct buf *to, struct err *e)
{
	struct view root = buf_view(&m->enclave.aws_root_certificate);
	struct hash256 print;

	TRY(sha256(root, &print, e));
	TRY(buf_add_text(to, "SHA-256 ", e));
	TRY(hex_format(VIEW_OF(print.bytes), to, e));
	return buf_add_text(to, chain_root_is_aws(root) ? " (AWS Nitro Enclaves Root-G1)" : "", e);
}

static bool commit_equal(const struct manifest *a, const struct manifest *b)
{
	return buf_equal(&a->enclave.qos_commit, &b->enclave.qos_commit);
}

static int commit_format(const struct manifest *m, struct buf *to, struct err *e)
{
	return buf_add(to, buf_view(&m->enclave.qos_commit), e);
}

#define ANY      NULL, CHANGE_BY_APPROVAL, NULL
#define GENESIS  "a genesis: it makes a new key, and new shares"
#define STANDARD "TEEs started anew with the members' shares (boot-standard)"

static bool nonce_rises(const struct manifest *own, const struct manifest *next)
{
	return next->namespace.nonce > own->namespace.nonce;
}

/* clang-format off */
const struct manifest_field manifest_fields[MANIFEST_FIELD_COUNT] = {
	{ "namespace.name", "namespace name", name_equal, name_format, name_equal, CHANGE_BY_CEREMONY, GENESIS },
	{ "namespace.nonce", "nonce", nonce_equal, nonce_format, nonce_rises, CHANGE_BY_DRAFT, "another draft, with a higher nonce" },
	{ "namespace.quorumKey", "quorum key", quorum_key_equal, quorum_key_format, quorum_key_equal, CHANGE_BY_CEREMONY, GENESIS },
	{ "pivot.hash", "pivot", pivot_hash_equal, pivot_hash_format, ANY },
	{ "pivot.restart", "restart policy", restart_equal, restart_format, ANY },
	{ "pivot.bridgeConfig", "bridges", bridges_equal, bridges_format, ANY },
	{ "pivot.debugMode", "debug mode of the pivot", debug_equal, debug_format, ANY },
	{ "pivot.args", "arguments of the pivot", args_equal, args_format, ANY },
	{ "manifestSet", "manifest set", manifest_set_identical, manifest_set_format, manifest_set_equivalent, CHANGE_BY_CEREMONY, STANDARD },
	{ "shareSet", "share set", share_set_identical, share_set_format, share_set_equivalent, CHANGE_BY_CEREMONY, GENESIS },
	{ "enclave.pcr0", "image", pcr0_equal, pcr0_format, ANY },
	{ "enclave.pcr1", "runtime", pcr1_equal, pcr1_format, ANY },
	{ "enclave.pcr2", "launch options", pcr2_equal, pcr2_format, ANY },
	{ "enclave.pcr3", "pcr3", pcr3_equal, pcr3_format, pcr3_equal, CHANGE_BY_CEREMONY, STANDARD },
	{ "enclave.awsRootCertificate", "anchor", root_equal, root_format, root_equal, CHANGE_BY_CEREMONY, STANDARD },
	{ "enclave.qosCommit", "QuorumOS commit", commit_equal, commit_format, ANY },
	{ "patchSet", "patch set", patch_set_equal, patch_set_format, ANY },
};
/* clang-format on */

bool manifest_diff_is_empty(const struct manifest_diff *d)
{
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++)
		if (d->differs[i])
			return false;
	return true;
}

void manifest_compare(const struct manifest *own, const struct manifest *next,
                      struct manifest_diff *ret)
{
	struct manifest_diff d = { .is_lawful = true };

	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++)
		d.differs[i] = !manifest_fields[i].equal(own, next);
	d.need = manifest_diff_is_empty(&d) ? CHANGE_NONE : CHANGE_BY_APPROVAL;
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++) {
		const struct manifest_field *f = &manifest_fields[i];

		d.is_unlawful[i] = f->lawful && !f->lawful(own, next);
		/* The same manifest is no successor, and needs to be none. */
		if (!d.is_unlawful[i] || d.need == CHANGE_NONE)
			continue;
		d.is_lawful = false;
		d.need = f->need > d.need ? f->need : d.need;
	}
	*ret = d;
}

/* "another share set", but of the nonce the two numbers. */
static int add_breach(const struct manifest_field *f, const struct manifest *own,
                      const struct manifest *next, struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, to->len ? ", " : "", e));
	if (f->lawful != nonce_rises)
		return buf_add_format(to, e, "another %s", f->words);
	return buf_add_format(to, e, "nonce %lld is not above %lld",
	                      (long long)next->namespace.nonce, (long long)own->namespace.nonce);
}

int manifest_check_lawful(const struct manifest *own, const struct manifest *next, struct err *e)
{
	AUTO(buf) struct buf breaches = BUF_INIT(ERR_TEXT_MAX);
	const char *reason = NULL;
	struct manifest_diff d;

	manifest_compare(own, next, &d);
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++) {
		if (!d.is_unlawful[i])
			continue;
		reason = reason ? reason : manifest_fields[i].words;
		TRY(add_breach(&manifest_fields[i], own, next, &breaches, e));
	}
	if (!reason)
		return 0;
	return err_reason(e, ERR_APPROVAL, reason, "no successor of this manifest: %s",
	                  buf_text(&breaches));
}

int manifest_check_successor(const struct manifest *own, const struct manifest_envelope *next,
                             struct err *e)
{
	TRY(manifest_check_lawful(own, &next->manifest, e));
	return manifest_check_approvals(next, &own->manifest_set, own->manifest_set.threshold, e);
}

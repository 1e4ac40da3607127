#include "proto/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "proto/borsh.h"
#include "proto/row.h"

const char *const manifest_restart_words[] = { "Never", "Always", NULL };
const char *const manifest_bridge_words[] = { "server", "client", NULL };

/* clang-format off */

#define THIS member
SCHEMA(member,
	TEXT("alias", alias, 1, ALIAS_MAX, "unique in its set", REQUIRED),
	BYTES("pub_key", pub_key, 0, PUBLIC_KEY_LEN, "130 bytes; empty only on a debug enclave", REQUIRED));
#undef THIS

#define THIS text_item
SCHEMA(text_item,
	TEXT("", text, 0, PIVOT_ARG_MAX, "an argument", REQUIRED));
#undef THIS

#define THIS member_set
SCHEMA(member_set,
	NUMBER("threshold", threshold, 0, UINT32_MAX, "how many of them are needed", REQUIRED),
	LIST("members", members, 0, MEMBERS_READ_MAX, member, "the set", REQUIRED));
#undef THIS

#define THIS manifest_namespace
SCHEMA(manifest_namespace,
	TEXT("name", name, 1, NAMESPACE_MAX, "the namespace's name", REQUIRED),
	NUMBER("nonce", nonce, 0, UINT32_MAX, "grows with each manifest of the namespace", REQUIRED),
	BYTES("quorum_key", quorum_key, PUBLIC_KEY_LEN, PUBLIC_KEY_LEN, "the quorum's public key", REQUIRED));
#undef THIS

#define THIS bridge
SCHEMA(bridge,
	WORD("type", type, manifest_bridge_words, "which side listens", REQUIRED),
	NUMBER("port", port, 0, UINT16_MAX, "of the bridge", REQUIRED),
	TEXT("host", host, 0, PIVOT_ARG_MAX, "required of a server", MAY_BE_NULL(has_host)));
#undef THIS

#define THIS pivot
SCHEMA(pivot,
	FIXED("hash", hash, "SHA-256 of the application", REQUIRED),
	WORD("restart", restart, manifest_restart_words, "what happens when it ends", REQUIRED),
	LIST("bridge_config", bridge_config, 0, BRIDGES_MAX, bridge, "its ports", REQUIRED),
	BOOL("debug_mode", debug_mode, "whether its output is shown", REQUIRED),
	LIST("args", args, 0, PIVOT_ARGS_MAX, text_item, "its arguments", REQUIRED));
#undef THIS

#define THIS nitro_config
SCHEMA(nitro_config,
	BYTES("pcr0", pcrs[0], PCR_LEN, PCR_LEN, "image", REQUIRED),
	BYTES("pcr1", pcrs[1], PCR_LEN, PCR_LEN, "runtime", REQUIRED),
	BYTES("pcr2", pcrs[2], PCR_LEN, PCR_LEN, "launch options", REQUIRED),
	BYTES("pcr3", pcrs[3], PCR_LEN, PCR_LEN, "role", REQUIRED),
	BYTES("aws_root_certificate", aws_root_certificate, 0, ROOT_CERTIFICATE_MAX, "DER", REQUIRED),
	TEXT("qos_commit", qos_commit, 0, PIVOT_ARG_MAX, "of the source it was built from", REQUIRED));
#undef THIS

#define THIS patch_member
SCHEMA(patch_member,
	BYTES("pub_key", pub_key, 0, PUBLIC_KEY_LEN, "130 bytes", REQUIRED));
#undef THIS

#define THIS patch_set
SCHEMA(patch_set,
	NUMBER("threshold", threshold, 0, UINT32_MAX, "0", REQUIRED),
	LIST("members", members, 0, MEMBERS_MAX, patch_member, "none", REQUIRED));
#undef THIS

#define THIS manifest
SCHEMA(manifest,
	OBJECT("namespace", namespace, manifest_namespace, "whose key it is", REQUIRED),
	OBJECT("pivot", pivot, pivot, "the application; carried and hashed, not run", REQUIRED),
	OBJECT("manifest_set", manifest_set, member_set, "who approves manifests", REQUIRED),
	OBJECT("share_set", share_set, member_set, "who holds shares", REQUIRED),
	OBJECT("enclave", enclave, nitro_config, "what a TEE must measure", REQUIRED),
	OBJECT("patch_set", patch_set, patch_set, "unused, empty", REQUIRED));
#undef THIS

#define THIS approval
SCHEMA(approval,
	BYTES("signature", signature, SIGNATURE_LEN, SIGNATURE_LEN, "over the manifest hash", REQUIRED),
	OBJECT("member", member, member, "whose it is", REQUIRED));
#undef THIS

#define THIS manifest_envelope
SCHEMA(manifest_envelope,
	OBJECT("manifest", manifest, manifest, "what is approved", REQUIRED),
	LIST("manifest_set_approvals", manifest_set_approvals, 0, MEMBERS_MAX, approval, "of the manifest set", REQUIRED),
	LIST("share_set_approvals", share_set_approvals, 0, MEMBERS_MAX, approval, "none", REQUIRED));
#undef THIS

/* clang-format on */

void manifest_drop(struct manifest *m)
{
	wire_release(&manifest_schema, m);
}

void manifest_envelope_drop(struct manifest_envelope *envelope)
{
	wire_release(&manifest_envelope_schema, envelope);
}

void approval_drop(struct approval *a)
{
	wire_release(&approval_schema, a);
}

void member_set_drop(struct member_set *set)
{
	wire_release(&member_set_schema, set);
}

int manifest_pcrs(const struct manifest *m, struct pcr_set *ret, struct err *e)
{
	struct pcr_set set = { 0 };

	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (pcr_parse(buf_view(&m->enclave.pcrs[i]), &set.values[i], e) < 0)
			return err_wrap(e, "manifest: pcr%u", i);
	*ret = set;
	return 0;
}

int manifest_quorum_key(const struct manifest *m, struct public_key *ret, struct err *e)
{
	if (public_key_parse(buf_view(&m->namespace.quorum_key), ret, e) < 0)
		return err_wrap(e, "manifest: quorum_key");
	return 0;
}

const struct member *member_set_find(const struct member_set *set, struct view alias)
{
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		if (view_equal(buf_view(&members[i].alias), alias))
			return &members[i];
	return NULL;
}

int manifest_hash(const struct manifest *m, struct hash256 *ret, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);

	TRY(manifest_encode(m, &borsh, e));
	return sha256(buf_view(&borsh), ret, e);
}

int manifest_copy(const struct manifest_envelope *from, struct manifest_envelope *ret,
                  struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);

	TRY(manifest_envelope_encode(from, &borsh, e));
	return manifest_envelope_decode(buf_view(&borsh), ret, e);
}

static int compare_views(struct view a, struct view b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.data, b.data, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* As QOS sorts a key-set directory (formats.md 4.2). */
static int compare_members(const void *a, const void *b)
{
	const struct member *x = *(const struct member *const *)a;
	const struct member *y = *(const struct member *const *)b;
	int order = compare_views(buf_view(&x->alias), buf_view(&y->alias));

	return order ? order : compare_views(buf_view(&x->pub_key), buf_view(&y->pub_key));
}

static void sort_members(const struct member_set *set, const struct member **ret)
{
	const struct member *members = set->members.items;

	for (size_t i = 0; i < set->members.count; i++)
		ret[i] = &members[i];
	qsort(ret, set->members.count, sizeof(*ret), compare_members);
}

int member_set_pin(const struct member_set *set, struct hash256 *ret, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	const struct member *sorted[MEMBERS_MAX];

	if (set->members.count > MEMBERS_MAX)
		return err_set(e, ERR_MANIFEST, "more than %d members", MEMBERS_MAX);
	sort_members(set, sorted);
	TRY(buf_add_le32(&borsh, (uint32_t)set->threshold, e));
	TRY(buf_add_le32(&borsh, (uint32_t)set->members.count, e));
	for (size_t i = 0; i < set->members.count; i++)
		TRY(borsh_add_member(&borsh, sorted[i], e));
	return sha256(buf_view(&borsh), ret, e);
}

bool member_set_equal(const struct member_set *a, const struct member_set *b)
{
	const struct member *x[MEMBERS_MAX], *y[MEMBERS_MAX];

	if (a->threshold != b->threshold || a->members.count != b->members.count ||
	    a->members.count > MEMBERS_MAX)
		return false;
	sort_members(a, x);
	sort_members(b, y);
	for (size_t i = 0; i < a->members.count; i++)
		if (compare_members(&x[i], &y[i]) != 0)
			return false;
	return true;
}

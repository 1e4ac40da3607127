/* QOS's manifest files (formats.md 5.2, 5.3): three versions of one document, in one table; and
 * version 1 as the enclaves' contract has it, in the tables of manifest.c.
 *
 * Unknown fields are refused but in v0, which ignores them as in QOS (5.2), and says that it did.
 * What has a field of v1 or v2 is no v0 manifest here, also where that version can't be read: with
 * QOS a v1 manifest with a misspelt field passes for a v0 one, with another hash. */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "proto/borsh.h"
#include "proto/message.h"
#include "proto/row.h"

#define ENV_MAX       512 /* formats.md 5.1 */
#define ENV_NAME_MAX  1024
#define ENV_VALUE_MAX 65536
#define RESOLVERS_MAX 64 /* ours */
#define VERSION_MAX   16
#define HEX_KEY_MAX   1024 /* QOS's own small vectors have keys that are no points */
#define SIGNATURE_MAX 1024

struct env_item {
	struct buf name, value;
};

/* The fields of all versions. Which are there says what it is. */
struct file_manifest {
	struct manifest v1;
	bool has_version, has_bridges, has_debug, has_patch, has_dns;
	struct buf version;
	struct wire_list env;       /* struct env_item */
	struct wire_list resolvers; /* struct text_item */
};

/* Approvals under the names of version 1 and 2, and under version 0's. */
struct file_envelope {
	struct file_manifest manifest;
	bool has_manifest_set, has_share_set, has_old_manifest_set, has_old_share_set;
	struct wire_list manifest_set, share_set, old_manifest_set, old_share_set;
};

/* clang-format off */

#define THIS member
INNER(file_member,
	TEXT("alias", alias, 0, ALIAS_MAX, "unique in its set", REQUIRED),
	HEX("pubKey", pub_key, 0, HEX_KEY_MAX, "130 bytes", REQUIRED));
#undef THIS

#define THIS member_set
INNER(file_member_set,
	NUMBER("threshold", threshold, 0, UINT32_MAX, "how many of them are needed", DECIMAL),
	LIST("members", members, 0, MEMBERS_MAX, file_member, "the set", REQUIRED));
#undef THIS

#define THIS manifest_namespace
INNER(file_namespace,
	TEXT("name", name, 0, NAMESPACE_MAX, "the namespace's name", REQUIRED),
	NUMBER("nonce", nonce, 0, UINT32_MAX, "grows with each manifest", DECIMAL),
	HEX("quorumKey", quorum_key, 0, HEX_KEY_MAX, "the quorum's public key", REQUIRED));
#undef THIS

#define THIS bridge
INNER(file_bridge,
	WORD("type", type, manifest_bridge_words, "which side listens", REQUIRED),
	NUMBER("port", port, 0, UINT16_MAX, "of the bridge", DECIMAL),
	TEXT("host", host, 0, PIVOT_ARG_MAX, "required of a server", MAY_BE_NULL(has_host)));
#undef THIS

#define THIS nitro_config
INNER(file_enclave,
	HEX("pcr0", pcrs[0], 0, PCR_MAX_LEN, "image", REQUIRED),
	HEX("pcr1", pcrs[1], 0, PCR_MAX_LEN, "kernel", REQUIRED),
	HEX("pcr2", pcrs[2], 0, PCR_MAX_LEN, "application", REQUIRED),
	HEX("pcr3", pcrs[3], 0, PCR_MAX_LEN, "role", REQUIRED),
	HEX("awsRootCertificate", aws_root_certificate, 0, ROOT_CERTIFICATE_MAX, "DER", REQUIRED),
	TEXT("qosCommit", qos_commit, 0, PIVOT_ARG_MAX, "of QuorumOS", REQUIRED));
#undef THIS

#define THIS patch_member
INNER(file_patch_member,
	HEX("pubKey", pub_key, 0, HEX_KEY_MAX, "130 bytes", REQUIRED));
#undef THIS

#define THIS patch_set
INNER(file_patch_set,
	NUMBER("threshold", threshold, 0, UINT32_MAX, "how many of them are needed", DECIMAL),
	LIST("members", members, 0, MEMBERS_MAX, file_patch_member, "the set", REQUIRED));
#undef THIS

#define THIS env_item
INNER(env_plain,
	TEXT("value", value, 0, ENV_VALUE_MAX, "of the variable", REQUIRED));
INNER(env_item,
	TEXT("", name, 1, ENV_NAME_MAX, "of the variable", REQUIRED),
	WRAPPER("plain", env_plain, REQUIRED));
#undef THIS

#define THIS file_manifest
INNER(file_pivot,
	FIXED_HEX("hash", v1.pivot.hash, "SHA-256 of the application", REQUIRED),
	WORD("restart", v1.pivot.restart, manifest_restart_words, "what happens when it ends", REQUIRED),
	LIST("bridgeConfig", v1.pivot.bridge_config, 0, BRIDGES_MAX, file_bridge, "its ports", OPTIONAL(has_bridges)),
	BOOL("debugMode", v1.pivot.debug_mode, "whether its output is shown", OPTIONAL(has_debug)),
	LIST("args", v1.pivot.args, 0, PIVOT_ARGS_MAX, text_item, "its arguments", REQUIRED),
	MAP("env", env, ENV_MAX, env_item, "its environment (v2)", IF_ANY));
INNER(file_dns,
	LIST("resolvers", resolvers, 0, RESOLVERS_MAX, text_item, "IP addresses", REQUIRED));
INNER(file_manifest,
	OBJECT_AS("namespace", v1.namespace, struct manifest_namespace, file_namespace, "whose key it is", REQUIRED),
	WRAPPER("pivot", file_pivot, REQUIRED),
	OBJECT_AS("manifestSet", v1.manifest_set, struct member_set, file_member_set, "who approves", REQUIRED),
	OBJECT_AS("shareSet", v1.share_set, struct member_set, file_member_set, "who holds shares", REQUIRED),
	OBJECT_AS("enclave", v1.enclave, struct nitro_config, file_enclave, "what a TEE must measure", REQUIRED),
	OBJECT_AS("patchSet", v1.patch_set, struct patch_set, file_patch_set, "unused (v0, v1)", OPTIONAL(has_patch)),
	TEXT("version", version, 0, VERSION_MAX, "v2", OPTIONAL(has_version)),
	WRAPPER("dns", file_dns, MAY_BE_NULL(has_dns)));
#undef THIS

#define THIS approval
SCHEMA(approval_file,
	HEX("signature", signature, 0, SIGNATURE_MAX, "over the manifest hash", REQUIRED),
	OBJECT_AS("member", member, struct member, file_member, "whose it is", REQUIRED));
#undef THIS

/* Version 1 alone, for files that hold an envelope among other things. */
#define THIS pivot
INNER(v1_pivot,
	FIXED_HEX("hash", hash, "SHA-256 of the application", REQUIRED),
	WORD("restart", restart, manifest_restart_words, "what happens when it ends", REQUIRED),
	LIST("bridgeConfig", bridge_config, 0, BRIDGES_MAX, file_bridge, "its ports", REQUIRED),
	BOOL("debugMode", debug_mode, "whether its output is shown", REQUIRED),
	LIST("args", args, 0, PIVOT_ARGS_MAX, text_item, "its arguments", REQUIRED));
#undef THIS

#define THIS manifest
INNER(v1_manifest,
	OBJECT_AS("namespace", namespace, struct manifest_namespace, file_namespace, "whose key it is", REQUIRED),
	OBJECT_AS("pivot", pivot, struct pivot, v1_pivot, "the application", REQUIRED),
	OBJECT_AS("manifestSet", manifest_set, struct member_set, file_member_set, "who approves", REQUIRED),
	OBJECT_AS("shareSet", share_set, struct member_set, file_member_set, "who holds shares", REQUIRED),
	OBJECT_AS("enclave", enclave, struct nitro_config, file_enclave, "what a TEE must measure", REQUIRED),
	OBJECT_AS("patchSet", patch_set, struct patch_set, file_patch_set, "unused", REQUIRED));
#undef THIS

#define THIS manifest_envelope
SCHEMA(manifest_envelope_file,
	OBJECT_AS("manifest", manifest, struct manifest, v1_manifest, "what is approved", REQUIRED),
	LIST("manifestSetApprovals", manifest_set_approvals, 0, MEMBERS_MAX, approval_file, "who approved it", REQUIRED),
	LIST("shareSetApprovals", share_set_approvals, 0, MEMBERS_MAX, approval_file, "unused", REQUIRED));
#undef THIS

#define THIS file_envelope
INNER(file_envelope,
	OBJECT("manifest", manifest, file_manifest, "what is approved", REQUIRED),
	LIST("manifestSetApprovals", manifest_set, 0, MEMBERS_MAX, approval_file, "v1, v2", OPTIONAL(has_manifest_set)),
	LIST("shareSetApprovals", share_set, 0, MEMBERS_MAX, approval_file, "v1, v2", OPTIONAL(has_share_set)),
	LIST("manifest_set_approvals", old_manifest_set, 0, MEMBERS_MAX, approval_file, "v0", OPTIONAL(has_old_manifest_set)),
	LIST("share_set_approvals", old_share_set, 0, MEMBERS_MAX, approval_file, "v0", OPTIONAL(has_old_share_set)));
#undef THIS

/* clang-format on */

static void file_envelope_drop(struct file_envelope *f)
{
	wire_release(&file_envelope_schema, f);
}

void manifest_file_drop(struct manifest_file *f)
{
	manifest_envelope_drop(&f->envelope);
	*f = (struct manifest_file){ 0 };
}

static bool is_env_name(struct view name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		      (c >= '0' && c <= '9' && i > 0)))
			return false;
	}
	return name.len > 0;
}

/* QOS parses an address and writes it anew, so the text that is hashed is the usual one. */
static int normalise_address(struct buf *text, struct err *e)
{
	char usual[INET6_ADDRSTRLEN];
	uint8_t address[16];
	int family = memchr(buf_text(text), ':', text->len) ? AF_INET6 : AF_INET;

	if (inet_pton(family, buf_text(text), address) != 1)
		return err_set(e, ERR_DATA, "dns.resolvers: not an IP address");
	/* ::a.b.c.d is written in two ways, by C and by Rust; obsolete (RFC 4291 2.5.5.1). */
	if (family == AF_INET6 && view_is_zero(view_new(address, 12)) &&
	    !view_is_zero(view_new(address, 14)))
		return err_set(e, ERR_DATA, "dns.resolvers: an IPv4-compatible IPv6 address");
	if (!inet_ntop(family, address, usual, sizeof(usual)))
		return err_set(e, ERR_INTERNAL, "dns.resolvers: no memory");
	return wire_set_text(text, usual, e);
}

static int check_v2(struct file_manifest *m, struct err *e)
{
	const struct env_item *env = m->env.items;
	struct text_item *resolvers = m->resolvers.items;

	if (!view_equal(buf_view(&m->version), view_text("v2")))
		return err_set(e, ERR_DATA, "version: only v2 is known");
	if (!m->has_bridges || !m->has_debug || m->has_patch)
		return err_set(e, ERR_DATA,
		               "a v2 manifest has bridgeConfig, debugMode and no patchSet");
	for (size_t i = 0; i < m->env.count; i++)
		if (!is_env_name(buf_view(&env[i].name)))
			return err_set(e, ERR_DATA, "pivot.env: not a name of a variable");
	for (size_t i = 0; i < m->resolvers.count; i++)
		TRY(normalise_address(&resolvers[i].text, e));
	return 0;
}

static int hash_v2(const struct file_manifest *m, struct hash256 *ret, struct err *e)
{
	AUTO(buf) struct buf json = BUF_INIT(2 * WIRE_TEXT_MAX);
	AUTO(buf) struct buf canonical = BUF_INIT(2 * WIRE_TEXT_MAX);

	TRY(wire_encode(&file_manifest_schema, m, &json, e));
	TRY(wire_canonical(buf_view(&json), &canonical, e));
	return sha256(buf_view(&canonical), ret, e);
}

static int hash_borsh(const struct manifest *m, int version, struct hash256 *ret, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);

	TRY(manifest_encode_as(m, version, &borsh, e));
	return sha256(buf_view(&borsh), ret, e);
}

static int judge_version(struct file_manifest *m, int *ret, struct err *e)
{
	if (m->has_version) {
		TRY(check_v2(m, e));
		*ret = 2;
		return 0;
	}
	if (m->has_bridges != m->has_debug)
		return err_set(e, ERR_DATA, "pivot: bridgeConfig and debugMode come together");
	if (!m->has_patch)
		return err_set(e, ERR_DATA, "patchSet: missing");
	if (m->env.count || m->has_dns)
		return err_set(e, ERR_DATA, "env and dns belong to v2");
	*ret = m->has_bridges ? 1 : 0;
	return 0;
}

/* Takes over what is in from. */
static int take_manifest(struct file_manifest *from, struct manifest_file *ret, struct err *e)
{
	struct hash256 hash;
	int version = 0;

	TRY(judge_version(from, &version, e));
	if (version == 2)
		TRY(hash_v2(from, &hash, e));
	else
		TRY(hash_borsh(&from->v1, version, &hash, e));
	ret->version = version;
	ret->hash = hash;
	ret->env_count = from->env.count;
	ret->has_dns = from->has_dns;
	ret->envelope.manifest = MOVE(from->v1);
	return 0;
}

static int take_approvals(struct file_envelope *f, struct manifest_file *ret, struct err *e)
{
	bool has_new = f->has_manifest_set && f->has_share_set;
	bool has_old = f->has_old_manifest_set && f->has_old_share_set;
	unsigned lists = (unsigned)f->has_manifest_set + f->has_share_set +
	                 f->has_old_manifest_set + f->has_old_share_set;

	if (lists != 2 || (!has_new && !has_old))
		return err_set(e, ERR_DATA, "manifestSetApprovals and shareSetApprovals expected");
	if (has_old && ret->version != 0)
		return err_set(e, ERR_DATA, "manifest_set_approvals belongs to v0");
	ret->envelope.manifest_set_approvals =
	    has_new ? MOVE(f->manifest_set) : MOVE(f->old_manifest_set);
	ret->envelope.share_set_approvals = has_new ? MOVE(f->share_set) : MOVE(f->old_share_set);
	return 0;
}

/* --- the contract's form */

/* A key that QOS's have nowhere tells it.
 *
 * ret_is_it  false: it is none, and *ret is as it was */
static int parse_contract(struct view content, struct manifest_file *ret, bool *ret_is_it,
                          struct err *e)
{
	AUTO(manifest_message) struct manifest_message m = { 0 };
	struct manifest_envelope *envelope = &m.manifest_envelope;
	bool is_message, is_envelope, is_bare;

	TRY(wire_has_key(content, "manifest_envelope", &is_message, e));
	TRY(wire_has_key(content, "manifest.manifest_set", &is_envelope, e));
	TRY(wire_has_key(content, "manifest_set", &is_bare, e));
	*ret_is_it = is_message || is_envelope || is_bare;
	if (is_message)
		TRY(wire_decode(&manifest_message_schema, content, &m, e));
	else if (is_envelope)
		TRY(wire_decode(&manifest_envelope_schema, content, envelope, e));
	else if (is_bare)
		TRY(wire_decode(&manifest_schema, content, &envelope->manifest, e));
	else
		return 0;
	TRY(hash_borsh(&envelope->manifest, 1, &ret->hash, e));
	ret->version = 1;
	ret->is_envelope = is_message || is_envelope;
	ret->envelope = MOVE(*envelope);
	return 0;
}

static bool is_v0(const struct file_manifest *m)
{
	return !m->has_version && !m->has_bridges && !m->has_debug && !m->env.count && !m->has_dns;
}

/* Where rows do not know all of it, it is v0's, or refused with what was found first.
 *
 * m: the manifest in message */
static int decode_version(const struct wire_schema *schema, struct view content, void *message,
                          const struct file_manifest *m, bool *ret_has_unknown, struct err *e)
{
	struct err inner;

	*ret_has_unknown = false;
	if (wire_decode(schema, content, message, e) == 0)
		return 0;
	if (e->code == ERR_INTERNAL || wire_decode_known(schema, content, message, &inner) < 0)
		return -1;
	*ret_has_unknown = true;
	return is_v0(m) ? 0 : -1;
}

static int parse_json(struct view content, struct manifest_file *ret, struct err *e)
{
	AUTO(file_envelope) struct file_envelope f = { 0 };
	bool is_contract;

	TRY(parse_contract(content, ret, &is_contract, e));
	if (is_contract)
		return 0;
	TRY(wire_has_key(content, "manifest", &ret->is_envelope, e));
	if (!ret->is_envelope) {
		TRY(decode_version(&file_manifest_schema, content, &f.manifest, &f.manifest,
		                   &ret->has_unknown, e));
		return take_manifest(&f.manifest, ret, e);
	}
	TRY(decode_version(&file_envelope_schema, content, &f, &f.manifest, &ret->has_unknown, e));
	TRY(take_manifest(&f.manifest, ret, e));
	return take_approvals(&f, ret, e);
}

static int parse_borsh_as(struct view content, bool is_envelope, int version,
                          struct manifest_file *ret, struct err *e)
{
	ret->is_envelope = is_envelope;
	ret->version = version;
	if (is_envelope)
		TRY(manifest_envelope_decode_as(content, version, &ret->envelope, e));
	else
		TRY(manifest_decode_as(content, version, &ret->envelope.manifest, e));
	return hash_borsh(&ret->envelope.manifest, version, &ret->hash, e);
}

/* Borsh does not say what it is: exactly one of the four must fit. */
static int parse_borsh(struct view content, struct manifest_file *ret, struct err *e)
{
	AUTO(manifest_file) struct manifest_file found = { 0 };
	unsigned fits = 0;
	struct err inner;

	for (unsigned form = 0; form < 4; form++) {
		AUTO(manifest_file) struct manifest_file f = { 0 };

		if (parse_borsh_as(content, form & 1, form < 2, &f, &inner) < 0) {
			if (inner.code == ERR_INTERNAL) {
				*e = inner;
				return -1;
			}
			continue;
		}
		fits++;
		manifest_file_drop(&found);
		found = MOVE(f);
	}
	if (fits != 1)
		return err_set(e, ERR_DATA,
		               fits ? "borsh that can be read as several versions"
		                    : "neither a manifest nor an envelope, in JSON or borsh");
	*ret = MOVE(found);
	return 0;
}

/* A borsh file may begin with 7b too, the length of a name; but then 00 00 00 follows. */
static bool is_json(struct view content)
{
	struct view text = text_trim(content);

	return text.len && text.data[0] == '{' && !memchr(text.data, 0, text.len);
}

int manifest_file_parse(struct view content, struct manifest_file *ret, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	int result = is_json(content) ? parse_json(content, &f, e) : parse_borsh(content, &f, e);

	if (result < 0) {
		if (e->code != ERR_INTERNAL)
			e->code = ERR_DATA;
		return err_wrap(e, "manifest file");
	}
	*ret = MOVE(f);
	return 0;
}

int manifest_file_format(const struct manifest_envelope *envelope, struct buf *to, struct err *e)
{
	struct file_envelope f = {
		.manifest = { .v1 = envelope->manifest,
		              .has_bridges = true,
		              .has_debug = true,
		              .has_patch = true },
		.has_manifest_set = true,
		.has_share_set = true,
		.manifest_set = envelope->manifest_set_approvals,
		.share_set = envelope->share_set_approvals,
	};

	return wire_encode(&file_envelope_schema, &f, to, e); /* f borrows: not dropped */
}

int approval_file_parse(struct view content, struct approval *ret, struct err *e)
{
	if (wire_decode(&approval_file_schema, text_trim(content), ret, e) == 0)
		return 0;
	if (e->code != ERR_INTERNAL)
		e->code = ERR_DATA;
	return err_wrap(e, "approval file");
}

int approval_file_name(struct view alias, const struct manifest_namespace *namespace,
                       struct buf *to, struct err *e)
{
	size_t start = to->len;

	if (alias.len == 0 || alias.data[0] == '.' || memchr(alias.data, '/', alias.len) ||
	    memchr(alias.data, 0, alias.len))
		return err_set(e, ERR_DATA, "an alias that is not fit for a file's name");
	TRY(buf_add(to, alias, e));
	TRY(buf_add_u8(to, '-', e));
	TRY(buf_add(to, buf_view(&namespace->name), e));
	for (size_t i = start; i < to->len; i++)
		if (to->data[i] == '/' || to->data[i] == 0)
			to->data[i] = '-';
	return buf_add_format(to, e, "-%lld.approval", (long long)namespace->nonce);
}

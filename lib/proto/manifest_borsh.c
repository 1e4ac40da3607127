/* formats.md 5.1, in its order. */
#include "proto/borsh.h"

static int add_texts(struct buf *to, const struct wire_list *list, struct err *e)
{
	const struct text_item *items = list->items;

	TRY(buf_add_le32(to, (uint32_t)list->count, e));
	for (size_t i = 0; i < list->count; i++)
		TRY(buf_add_vec(to, buf_view(&items[i].text), e));
	return 0;
}

static int add_bridge(struct buf *to, const struct bridge *b, struct err *e)
{
	TRY(buf_add_u8(to, (uint8_t)b->type, e));
	TRY(buf_add_le16(to, (uint16_t)b->port, e));
	if (b->type == BRIDGE_CLIENT)
		return borsh_add_option(to, b->has_host, &b->host, e);
	if (!b->has_host)
		return err_set(e, ERR_MANIFEST, "pivot.bridge_config: a server without a host");
	return buf_add_vec(to, buf_view(&b->host), e);
}

static int add_pivot(struct buf *to, const struct pivot *p, int version, struct err *e)
{
	const struct bridge *bridges = p->bridge_config.items;

	TRY(buf_add(to, VIEW_OF(p->hash), e));
	TRY(buf_add_u8(to, (uint8_t)p->restart, e));
	if (version > 0) {
		TRY(buf_add_le32(to, (uint32_t)p->bridge_config.count, e));
		for (size_t i = 0; i < p->bridge_config.count; i++)
			TRY(add_bridge(to, &bridges[i], e));
		TRY(buf_add_u8(to, p->debug_mode, e));
	}
	return add_texts(to, &p->args, e);
}

static int add_set(struct buf *to, const struct member_set *set, struct err *e)
{
	TRY(borsh_add_u32(to, set->threshold, "threshold", e));
	return borsh_add_members(to, &set->members, e);
}

static int add_enclave(struct buf *to, const struct nitro_config *n, struct err *e)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		TRY(buf_add_vec(to, buf_view(&n->pcrs[i]), e));
	TRY(buf_add_vec(to, buf_view(&n->aws_root_certificate), e));
	return buf_add_vec(to, buf_view(&n->qos_commit), e);
}

static int add_patch_set(struct buf *to, const struct patch_set *set, struct err *e)
{
	const struct patch_member *members = set->members.items;

	TRY(borsh_add_u32(to, set->threshold, "patch_set.threshold", e));
	TRY(buf_add_le32(to, (uint32_t)set->members.count, e));
	for (size_t i = 0; i < set->members.count; i++)
		TRY(buf_add_vec(to, buf_view(&members[i].pub_key), e));
	return 0;
}

static int add_manifest(struct buf *to, const struct manifest *m, int version, struct err *e)
{
	TRY(buf_add_vec(to, buf_view(&m->namespace.name), e));
	TRY(borsh_add_u32(to, m->namespace.nonce, "namespace.nonce", e));
	TRY(buf_add_vec(to, buf_view(&m->namespace.quorum_key), e));
	TRY(add_pivot(to, &m->pivot, version, e));
	TRY(add_set(to, &m->manifest_set, e));
	TRY(add_set(to, &m->share_set, e));
	TRY(add_enclave(to, &m->enclave, e));
	return add_patch_set(to, &m->patch_set, e);
}

int manifest_encode_as(const struct manifest *m, int version, struct buf *to, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);

	if (add_manifest(&borsh, m, version, e) < 0) {
		/* The message was not too large, but what it says. */
		e->code = e->code == ERR_TOO_LARGE ? ERR_MANIFEST : e->code;
		return err_wrap(e, "manifest");
	}
	return buf_add(to, buf_view(&borsh), e);
}

int manifest_encode(const struct manifest *m, struct buf *to, struct err *e)
{
	return manifest_encode_as(m, 1, to, e);
}

static int add_approvals(struct buf *to, const struct wire_list *list, struct err *e)
{
	const struct approval *items = list->items;

	TRY(buf_add_le32(to, (uint32_t)list->count, e));
	for (size_t i = 0; i < list->count; i++) {
		TRY(buf_add_vec(to, buf_view(&items[i].signature), e));
		TRY(borsh_add_member(to, &items[i].member, e));
	}
	return 0;
}

int manifest_envelope_encode(const struct manifest_envelope *m, struct buf *to, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);

	TRY(manifest_encode(&m->manifest, &borsh, e));
	TRY(add_approvals(&borsh, &m->manifest_set_approvals, e));
	TRY(add_approvals(&borsh, &m->share_set_approvals, e));
	return buf_add(to, buf_view(&borsh), e);
}

static int read_bridge(struct reader *r, void *item, struct err *e)
{
	struct bridge *b = item;

	b->type = borsh_read_tag(r, 2);
	b->port = reader_le16(r);
	b->has_host = b->type == BRIDGE_SERVER || borsh_read_tag(r, 2);
	return b->has_host ? borsh_read_text(r, &b->host, e) : 0;
}

static int read_text(struct reader *r, void *item, struct err *e)
{
	return borsh_read_text(r, &((struct text_item *)item)->text, e);
}

static int read_pivot(struct reader *r, struct pivot *p, int version, struct err *e)
{
	reader_copy(r, p->hash, sizeof(p->hash));
	p->restart = borsh_read_tag(r, 2);
	if (version > 0) {
		TRY(borsh_read_list(r, &p->bridge_config, &bridge_schema, BRIDGES_MAX, read_bridge,
		                    e));
		p->debug_mode = borsh_read_tag(r, 2);
	}
	return borsh_read_list(r, &p->args, &text_item_schema, PIVOT_ARGS_MAX, read_text, e);
}

static int read_set(struct reader *r, struct member_set *set, struct err *e)
{
	set->threshold = reader_le32(r);
	return borsh_read_members(r, &set->members, e);
}

static int read_enclave(struct reader *r, struct nitro_config *n, struct err *e)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		TRY(borsh_read_bytes(r, &n->pcrs[i], e));
	TRY(borsh_read_bytes(r, &n->aws_root_certificate, e));
	return borsh_read_text(r, &n->qos_commit, e);
}

static int read_patch_member(struct reader *r, void *item, struct err *e)
{
	return borsh_read_bytes(r, &((struct patch_member *)item)->pub_key, e);
}

static int read_manifest(struct reader *r, struct manifest *m, int version, struct err *e)
{
	TRY(borsh_read_text(r, &m->namespace.name, e));
	m->namespace.nonce = reader_le32(r);
	TRY(borsh_read_bytes(r, &m->namespace.quorum_key, e));
	TRY(read_pivot(r, &m->pivot, version, e));
	TRY(read_set(r, &m->manifest_set, e));
	TRY(read_set(r, &m->share_set, e));
	TRY(read_enclave(r, &m->enclave, e));
	m->patch_set.threshold = reader_le32(r);
	return borsh_read_list(r, &m->patch_set.members, &patch_member_schema, MEMBERS_MAX,
	                       read_patch_member, e);
}

static int check_size(struct view borsh, struct err *e)
{
	if (borsh.len > MANIFEST_MAX)
		return err_set(e, ERR_DATA, "manifest: %zu bytes, at most %u", borsh.len,
		               MANIFEST_MAX);
	return 0;
}

int manifest_decode_as(struct view borsh, int version, struct manifest *ret, struct err *e)
{
	AUTO(manifest) struct manifest m = { 0 };
	struct reader r = reader_new(borsh);

	TRY(check_size(borsh, e));
	if (read_manifest(&r, &m, version, e) < 0)
		return err_wrap(e, "manifest");
	TRY(reader_done(&r, ERR_DATA, "manifest", e));
	*ret = MOVE(m);
	return 0;
}

static int read_approval(struct reader *r, void *item, struct err *e)
{
	struct approval *a = item;

	TRY(borsh_read_bytes(r, &a->signature, e));
	return borsh_read_member(r, &a->member, e);
}

int manifest_envelope_decode_as(struct view borsh, int version, struct manifest_envelope *ret,
                                struct err *e)
{
	AUTO(manifest_envelope) struct manifest_envelope m = { 0 };
	struct reader r = reader_new(borsh);

	TRY(check_size(borsh, e));
	if (read_manifest(&r, &m.manifest, version, e) < 0 ||
	    borsh_read_list(&r, &m.manifest_set_approvals, &approval_schema, MEMBERS_MAX,
	                    read_approval, e) < 0 ||
	    borsh_read_list(&r, &m.share_set_approvals, &approval_schema, MEMBERS_MAX,
	                    read_approval, e) < 0)
		return err_wrap(e, "manifest envelope");
	TRY(reader_done(&r, ERR_DATA, "manifest envelope", e));
	*ret = MOVE(m);
	return 0;
}

int manifest_envelope_decode(struct view borsh, struct manifest_envelope *ret, struct err *e)
{
	return manifest_envelope_decode_as(borsh, 1, ret, e);
}

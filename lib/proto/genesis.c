#include "proto/genesis.h"

#include "proto/borsh.h"

void genesis_output_drop(struct genesis_output *g)
{
	member_set_drop(&g->set);
	buf_drop(&g->dr_key);
	buf_drop(&g->quorum_key);
	wire_list_release(&encrypted_share_schema, &g->member_outputs);
	buf_drop(&g->dr_key_wrapped_quorum_key);
	buf_drop(&g->test_message_ciphertext);
	buf_drop(&g->test_message_signature);
	buf_drop(&g->test_message);
	*g = (struct genesis_output){ 0 };
}

static int add_outputs(struct buf *to, const struct wire_list *outputs, struct err *e)
{
	const struct encrypted_share *items = outputs->items;

	TRY(buf_add_le32(to, (uint32_t)outputs->count, e));
	for (size_t i = 0; i < outputs->count; i++) {
		TRY(borsh_add_member(to, &items[i].share_set_member, e));
		TRY(buf_add_vec(to, buf_view(&items[i].encrypted_quorum_key_share), e));
		TRY(buf_add(to, VIEW_OF(items[i].share_hash), e));
	}
	return 0;
}

static int add_output(struct buf *to, const struct genesis_output *g, struct err *e)
{
	TRY(borsh_add_members(to, &g->set.members, e));
	TRY(borsh_add_u32(to, g->set.threshold, "set.threshold", e));
	TRY(borsh_add_option(to, g->has_dr_key, &g->dr_key, e));
	TRY(buf_add_vec(to, buf_view(&g->quorum_key), e));
	TRY(add_outputs(to, &g->member_outputs, e));
	TRY(buf_add_le32(to, 0, e)); /* recovery_permutations */
	TRY(borsh_add_option(to, g->has_dr_wrap, &g->dr_key_wrapped_quorum_key, e));
	TRY(buf_add(to, VIEW_OF(g->quorum_key_hash), e));
	TRY(buf_add_vec(to, buf_view(&g->test_message_ciphertext), e));
	TRY(buf_add_vec(to, buf_view(&g->test_message_signature), e));
	return buf_add_vec(to, buf_view(&g->test_message), e);
}

int genesis_output_encode(const struct genesis_output *g, struct buf *to, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(GENESIS_OUTPUT_MAX);

	if (add_output(&borsh, g, e) < 0)
		return err_wrap(e, "genesis output");
	return buf_add(to, buf_view(&borsh), e);
}

static int read_share(struct reader *r, void *item, struct err *e)
{
	struct encrypted_share *share = item;

	TRY(borsh_read_member(r, &share->share_set_member, e));
	TRY(borsh_read_bytes(r, &share->encrypted_quorum_key_share, e));
	reader_copy(r, share->share_hash, sizeof(share->share_hash));
	return 0;
}

static int read_output(struct reader *r, struct genesis_output *g, struct err *e)
{
	TRY(borsh_read_members(r, &g->set.members, e));
	g->set.threshold = reader_le32(r);
	TRY(borsh_read_option(r, &g->has_dr_key, &g->dr_key, e));
	TRY(borsh_read_bytes(r, &g->quorum_key, e));
	TRY(borsh_read_list(r, &g->member_outputs, &encrypted_share_schema, MEMBERS_MAX, read_share,
	                    e));
	if (reader_le32(r) != 0)
		return err_set(e, ERR_DATA, "recovery permutations, which are always empty");
	TRY(borsh_read_option(r, &g->has_dr_wrap, &g->dr_key_wrapped_quorum_key, e));
	reader_copy(r, g->quorum_key_hash, sizeof(g->quorum_key_hash));
	TRY(borsh_read_bytes(r, &g->test_message_ciphertext, e));
	TRY(borsh_read_bytes(r, &g->test_message_signature, e));
	return borsh_read_bytes(r, &g->test_message, e);
}

int genesis_output_decode(struct view borsh, struct genesis_output *ret, struct err *e)
{
	AUTO(genesis_output) struct genesis_output g = { 0 };
	struct reader r = reader_new(borsh);

	if (borsh.len > GENESIS_OUTPUT_MAX)
		return err_set(e, ERR_DATA, "genesis output: %zu bytes, at most %u", borsh.len,
		               GENESIS_OUTPUT_MAX);
	if (read_output(&r, &g, e) < 0)
		return err_wrap(e, "genesis output");
	TRY(reader_done(&r, ERR_DATA, "genesis output", e));
	*ret = MOVE(g);
	return 0;
}

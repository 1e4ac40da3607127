#include "proto/borsh.h"

#include <string.h>

#include "base/text.h"

int borsh_add_u32(struct buf *to, int64_t value, const char *what, struct err *e)
{
	if (value < 0 || value > UINT32_MAX)
		return err_set(e, ERR_MANIFEST, "%s: not a 32-bit number", what);
	return buf_add_le32(to, (uint32_t)value, e);
}

int borsh_add_option(struct buf *to, bool is_there, const struct buf *value, struct err *e)
{
	TRY(buf_add_u8(to, is_there, e));
	return is_there ? buf_add_vec(to, buf_view(value), e) : 0;
}

int borsh_add_member(struct buf *to, const struct member *m, struct err *e)
{
	TRY(buf_add_vec(to, buf_view(&m->alias), e));
	return buf_add_vec(to, buf_view(&m->pub_key), e);
}

int borsh_add_members(struct buf *to, const struct wire_list *members, struct err *e)
{
	const struct member *items = members->items;

	TRY(buf_add_le32(to, (uint32_t)members->count, e));
	for (size_t i = 0; i < members->count; i++)
		TRY(borsh_add_member(to, &items[i], e));
	return 0;
}

int borsh_read_bytes(struct reader *r, struct buf *ret, struct err *e)
{
	struct view v = reader_vec(r);

	return r->failed ? 0 : wire_set(ret, v, e);
}

int borsh_read_text(struct reader *r, struct buf *ret, struct err *e)
{
	struct view v = reader_vec(r);

	if (r->failed)
		return 0;
	/* JSON could not carry a NUL (contract.md), so it has no place in borsh either. */
	if (!utf8_is_valid(v) || (v.len && memchr(v.data, 0, v.len)))
		return err_set(e, ERR_DATA, "a string that is not UTF-8, or has a NUL");
	return wire_set(ret, v, e);
}

int borsh_read_tag(struct reader *r, int count)
{
	int tag = reader_u8(r);

	if (tag >= count)
		r->failed = true;
	return r->failed ? 0 : tag;
}

int borsh_read_option(struct reader *r, bool *ret_there, struct buf *ret, struct err *e)
{
	*ret_there = borsh_read_tag(r, 2);
	return *ret_there ? borsh_read_bytes(r, ret, e) : 0;
}

int borsh_read_list(struct reader *r, struct wire_list *ret, const struct wire_schema *schema,
                    size_t max, int (*read)(struct reader *r, void *item, struct err *e),
                    struct err *e)
{
	/* No item takes less than its first length. */
	uint32_t count = reader_count(r, 4);
	void *item;

	if (count > max)
		r->failed = true;
	for (uint32_t i = 0; i < count && !r->failed; i++) {
		TRY(wire_list_add(ret, schema, &item, e));
		TRY(read(r, item, e));
	}
	return 0;
}

int borsh_read_member(struct reader *r, struct member *ret, struct err *e)
{
	TRY(borsh_read_text(r, &ret->alias, e));
	return borsh_read_bytes(r, &ret->pub_key, e);
}

static int read_member(struct reader *r, void *item, struct err *e)
{
	return borsh_read_member(r, item, e);
}

int borsh_read_members(struct reader *r, struct wire_list *ret, struct err *e)
{
	return borsh_read_list(r, ret, &member_schema, MEMBERS_MAX, read_member, e);
}

#include "orchestrate/share.h"

#include "base/file.h"
#include "crypto/shamir.h"

const struct encrypted_share *share_find(const struct genesis_output *output,
                                         const struct public_key *key)
{
	const struct encrypted_share *shares = output->member_outputs.items;

	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (view_equal(buf_view(&shares[i].share_set_member.pub_key), public_key_view(key)))
			return &shares[i];
	return NULL;
}

int share_open(const struct encrypted_share *attested, const char *key_path, const char *share_path,
               struct key_set **ret_key, struct secret *ret_share, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(secret) struct secret share = { 0 };
	AUTO(buf) struct buf file = BUF_INIT(SHARE_LEN + ENVELOPE_OVERHEAD);
	struct hash512 hash;

	TRY(key_set_read(key_path, &key, e));
	if (!view_equal(public_key_view(key_set_public(key)),
	                buf_view(&attested->share_set_member.pub_key)))
		return err_set(e, ERR_SHARE, "'%s' is not the key that the share set names for %s",
		               key_path, buf_text(&attested->share_set_member.alias));
	TRY(file_read(share_path, &file, e));
	if (envelope_open(key, buf_view(&file), &share, e) < 0)
		return err_wrap(e, "'%s'", share_path);
	TRY(sha512(secret_view(&share), &hash, e));
	if (!view_equal(VIEW_OF(hash.bytes), VIEW_OF(attested->share_hash)))
		return err_set(e, ERR_SHARE, "'%s' holds another share than the attested one",
		               share_path);
	*ret_key = MOVE(key);
	*ret_share = MOVE(share);
	return 0;
}

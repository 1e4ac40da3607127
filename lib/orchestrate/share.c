#include "orchestrate/share.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/shamir.h"

#include <limits.h>
#include <string.h>

_Static_assert(sizeof(((struct sealed_share *)0)->envelope) == SHARE_LEN + ENVELOPE_OVERHEAD,
               "a share in an envelope");

int share_path(const struct state *s, const struct cluster_member *member, char **ret,
               struct err *e)
{
	static const char suffix[] = ".secret";
	size_t len = member->key ? strlen(member->key) : 0, cut = sizeof(suffix) - 1;
	AUTO(text) char *kept = NULL;
	AUTO(buf) struct buf beside = BUF_INIT(PATH_MAX);

	TRY(state_share_path(s, member->name, &kept, e));
	if (!file_is_there(kept) && len > cut && strcmp(member->key + len - cut, suffix) == 0) {
		TRY(buf_add_format(&beside, e, "%.*s.share", (int)(len - cut), member->key));
		if (file_is_there(buf_text(&beside)))
			return text_dup(buf_text(&beside), ret, e);
	}
	*ret = MOVE(kept);
	return 0;
}

const struct encrypted_share *share_find(const struct genesis_output *output,
                                         const struct public_key *key)
{
	const struct encrypted_share *shares = output->member_outputs.items;

	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (view_equal(buf_view(&shares[i].share_set_member.pub_key), public_key_view(key)))
			return &shares[i];
	return NULL;
}

static int check_known(const struct encrypted_share *attested, const char *share_path,
                       const struct secret *share, struct err *e)
{
	struct hash512 hash;

	TRY(sha512(secret_view(share), &hash, e));
	if (!view_equal(VIEW_OF(hash.bytes), VIEW_OF(attested->share_hash)))
		return err_set(e, ERR_SHARE, "'%s' holds another share than the attested one",
		               share_path);
	return 0;
}

static int check_unknown(const char *share_path, const struct secret *share, struct err *e)
{
	if (share->len != SHARE_LEN || share->data[0] == 0)
		return err_set(e, ERR_SHARE, "'%s' opens, and holds no share of a quorum key",
		               share_path);
	return 0;
}

int share_open(const struct member *member, const struct encrypted_share *attested,
               const char *key_path, const struct key_set *key, const char *share_path,
               struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret share = { 0 };
	AUTO(buf) struct buf file = BUF_INIT(SHARE_LEN + ENVELOPE_OVERHEAD);

	if (!view_equal(public_key_view(key_set_public(key)), buf_view(&member->pub_key)))
		return err_set(e, ERR_SHARE, "'%s' is not the key that the share set names for %s",
		               key_path, buf_text(&member->alias));
	TRY(file_read(share_path, &file, e));
	if (envelope_open(key, buf_view(&file), &share, e) < 0)
		return err_wrap(e, "'%s'", share_path);
	TRY(attested ? check_known(attested, share_path, &share, e)
	             : check_unknown(share_path, &share, e));
	*ret = MOVE(share);
	return 0;
}

int share_seal(const struct secret *share, const struct key_set *key,
               const struct hash256 *manifest, const struct public_key *setup_key,
               struct sealed_share *ret, struct err *e)
{
	AUTO(buf) struct buf envelope = BUF_INIT(sizeof(ret->envelope));
	uint8_t message[STATEMENT_LEN];
	struct sealed_share sealed;
	struct hash256 hash;

	if (share->len != SHARE_LEN)
		return err_set(e, ERR_SHARE, "a share of %zu bytes, expected %d", share->len,
		               SHARE_LEN);
	TRY(envelope_seal(setup_key, share, &entropy_system, &envelope, e));
	TRY(sha256(public_key_view(setup_key), &sealed.setup_key, e));
	TRY(sha256(buf_view(&envelope), &hash, e));
	statement_format(STATEMENT_SHARE_SUBMIT, manifest, sealed.setup_key.bytes, hash.bytes,
	                 message);
	TRY(key_set_sign(key, VIEW_OF(message), &sealed.signature, e));
	memcpy(sealed.envelope, envelope.data, sizeof(sealed.envelope));
	*ret = sealed;
	return 0;
}

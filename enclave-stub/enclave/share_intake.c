#include "enclave/share_intake.h"

#include "base/log.h"
#include "crypto/shamir.h"

#include <stdio.h>
#include <stdlib.h>

/* A client may repeat a member or two, say when it puts two lists together. What is longer consists
 * of repeats, and each would cost an ECDH whoever sends it. */
#define SHARES_PER_MEMBER 2

/* A request may hold hundreds of wrong shares, and whoever sends it needs no right to: so many of
 * them get a line in the log, the others a number. The answer names them all. */
#define REJECTED_LOGGED 16

void intake_drop(struct intake *in)
{
	struct inject_shares_reply list = { .rejected = in->rejected };

	for (size_t i = 0; in->slots && i < in->count; i++)
		secret_drop(&in->slots[i].share);
	free(in->slots);
	inject_shares_reply_drop(&list);
	*in = (struct intake){ 0 };
}

const struct member_set *enclave_share_set(const struct enclave *en)
{
	return &en->state.manifest.manifest_envelope.manifest.share_set;
}

/* The place of a member in the share set; count when there is none of that alias. */
static size_t find_slot(const struct enclave *en, struct view alias)
{
	const struct member *members = enclave_share_set(en)->members.items;
	size_t i = 0;

	while (i < en->state.slot_count && !view_equal(buf_view(&members[i].alias), alias))
		i++;
	return i;
}

static int judge_count(const struct enclave *en, const struct inject_shares_request *q,
                       struct err *e)
{
	size_t members = en->state.slot_count;

	if (q->shares.count > SHARES_PER_MEMBER * members)
		return err_set(e, ERR_SHARE,
		               "%zu shares for %zu members: most are repeats; at most %zu "
		               "are judged in one request",
		               q->shares.count, members, SHARES_PER_MEMBER * members);
	return 0;
}

static int open_share(const struct enclave *en, const struct submitted_share *s, struct secret *ret,
                      struct err *e)
{
	struct err cause;

	if (s->has_decrypted)
		return secret_copy(buf_view(&s->decrypted_share), ret, e);
	if (!s->has_encrypted)
		return err_set(e, ERR_SHARE, "its share is missing");
	if (envelope_open(en->state.setup_key, buf_view(&s->encrypted_share), ret, &cause) < 0)
		return err_set(e, cause.code == ERR_DATA ? ERR_SHARE : cause.code, "%s",
		               cause.text);
	return 0;
}

/* Of the share as it was sent, in whichever form. */
static int hash_submission(const struct submitted_share *s, struct hash256 *ret, struct err *e)
{
	return sha256(buf_view(s->has_encrypted ? &s->encrypted_share : &s->decrypted_share), ret,
	              e);
}

static bool is_last(const struct share_slot *slot, const struct hash256 *submission)
{
	size_t count = slot->submission_count;

	return count &&
	       view_equal(VIEW_OF(slot->submissions[count - 1].bytes), VIEW_OF(submission->bytes));
}

static bool is_known(const struct share_slot *slot, const struct hash256 *submission)
{
	for (size_t i = 0; i < slot->submission_count; i++)
		if (view_equal(VIEW_OF(slot->submissions[i].bytes), VIEW_OF(submission->bytes)))
			return true;
	return false;
}

/* Takes over *share, on success. */
static int accept(const struct share_slot *slot, const struct hash256 *submission,
                  const struct hash512 *hash, struct secret *share, struct taken *ret,
                  struct err *e)
{
	bool is_here =
	    slot->is_accepted && view_equal(VIEW_OF(hash->bytes), VIEW_OF(slot->share_hash.bytes));

	ret->is_known = is_known(slot, submission);
	if (!ret->is_known && slot->submission_count == SUBMISSIONS_MAX)
		return err_set(e, ERR_SHARE, "its share %s, and has come in %d other forms",
		               is_here ? "is here already" : "can't be replaced any more",
		               SUBMISSIONS_MAX);
	ret->is_accepted = true;
	ret->share_hash = *hash;
	ret->submission = *submission;
	ret->share = MOVE(*share);
	return 0;
}

/* After genesis. */
static int judge_made(const struct enclave *en, const struct share_slot *slot,
                      const struct submitted_share *s, struct taken *ret, struct err *e)
{
	AUTO(secret) struct secret share = { 0 };
	struct hash256 submission;
	struct hash512 hash;

	TRY(open_share(en, s, &share, e));
	TRY(sha512(secret_view(&share), &hash, e));
	if (!view_equal(VIEW_OF(hash.bytes), VIEW_OF(slot->share_hash.bytes)))
		return err_set(e, ERR_SHARE, "its share is not the one that genesis made");
	TRY(hash_submission(s, &submission, e));
	return accept(slot, &submission, &hash, &share, ret, e);
}

/* After boot-standard, before anything is opened: share-submit by the member's own key. Members
 * without one are a debug enclave's. */
static int check_signature(const struct enclave *en, const struct member *member,
                           const struct submitted_share *s, const struct hash256 *sealed,
                           struct err *e)
{
	uint8_t message[STATEMENT_LEN];
	struct hash256 setup;
	struct public_key key;
	struct err cause;

	if (!member->pub_key.len)
		return 0;
	if (!s->has_encrypted || !s->has_signature)
		return err_set(e, ERR_SHARE,
		               "its %s is missing: a restarted quorum knows no share, "
		               "and takes a sealed one that its member has signed",
		               s->has_encrypted ? "signature" : "encrypted_share");
	TRY(public_key_parse(buf_view(&member->pub_key), &key, e));
	TRY(sha256(public_key_view(&en->state.setup_public), &setup, e));
	statement_format(STATEMENT_SHARE_SUBMIT, &en->state.manifest_hash, setup.bytes,
	                 sealed->bytes, message);
	if (public_key_verify(&key, VIEW_OF(message), buf_view(&s->signature), &cause) < 0)
		return err_set(e, cause.code == ERR_DATA ? ERR_SHARE : cause.code,
		               "its signature is not its member's, over this share for this "
		               "enclave");
	return 0;
}

/* After boot-standard. */
static int judge_candidate(const struct enclave *en, size_t i, const struct submitted_share *s,
                           struct taken *ret, struct err *e)
{
	const struct member *members = enclave_share_set(en)->members.items;
	const struct share_slot *held = &en->state.slots[i];
	AUTO(secret) struct secret share = { 0 };
	struct hash256 submission;
	struct hash512 hash;

	TRY(hash_submission(s, &submission, e));
	TRY(check_signature(en, &members[i], s, &submission, e));
	if (is_known(held, &submission) && !is_last(held, &submission))
		return err_set(e, ERR_SHARE, "its share was replaced by a later one of its member");
	TRY(open_share(en, s, &share, e));
	if (share.len != SHARE_LEN || secret_view(&share).data[0] == 0)
		return err_set(e, ERR_SHARE,
		               "its share is none: %d bytes expected, the first not 0", SHARE_LEN);
	TRY(sha512(secret_view(&share), &hash, e));
	return accept(held, &submission, &hash, &share, ret, e);
}

/* ERR_SHARE says what is wrong with it; any other code is a fault. */
static int judge_share(const struct enclave *en, const struct submitted_share *s, struct intake *in,
                       struct err *e)
{
	size_t i = find_slot(en, buf_view(&s->member_alias));

	if (i == in->count)
		return err_set(e, ERR_SHARE, "is not in the share set");
	if (in->slots[i].is_accepted)
		return err_set(e, ERR_SHARE, "its share is repeated");
	TRY(en->state.has_share_hashes ? judge_made(en, &en->state.slots[i], s, &in->slots[i], e)
	                               : judge_candidate(en, i, s, &in->slots[i], e));
	in->accepted++;
	return 0;
}

int intake_add_rejected(struct wire_list *rejected, struct view alias, struct err *e)
{
	struct alias_item *item;

	TRY(wire_list_add(rejected, &alias_item_schema, &item, e));
	return wire_set(&item->alias, alias, e);
}

static int reject(const struct call *c, const struct submitted_share *s, const struct err *why,
                  struct intake *in, struct err *e)
{
	const char *alias = buf_text(&s->member_alias);

	if (why->code != ERR_SHARE) {
		*e = *why;
		return -1;
	}
	if (!in->rejected.count)
		err_set(&in->first, ERR_SHARE, "member '%s': %s", alias, why->text);
	if (in->rejected.count < REJECTED_LOGGED)
		log_line(LOG_WARN, "share rejected", "request", c->request_id, "member", alias,
		         "reason", why->text, NULL);
	return intake_add_rejected(&in->rejected, buf_view(&s->member_alias), e);
}

static void log_rest(const struct call *c, const struct intake *in)
{
	char count[24];

	if (in->rejected.count <= REJECTED_LOGGED)
		return;
	snprintf(count, sizeof(count), "%zu", in->rejected.count - REJECTED_LOGGED);
	log_line(LOG_WARN, "more shares rejected", "request", c->request_id, "count", count, NULL);
}

int intake_fill(const struct call *c, struct intake *in, struct err *e)
{
	const struct inject_shares_request *q = c->request;
	const struct submitted_share *shares = q->shares.items;
	const struct enclave *en = c->enclave;
	struct err why;

	TRY(judge_count(en, q, e));
	in->slots = calloc(en->state.slot_count, sizeof(*in->slots));
	if (!in->slots)
		return err_set(e, ERR_INTERNAL, "no memory for shares");
	in->count = en->state.slot_count;
	for (size_t i = 0; i < q->shares.count; i++)
		if (judge_share(en, &shares[i], in, &why) == 0)
			log_line(LOG_INFO, "share accepted", "request", c->request_id, "member",
			         buf_text(&shares[i].member_alias), NULL);
		else
			TRY(reject(c, &shares[i], &why, in, e));
	log_rest(c, in);
	if (!in->accepted) {
		*e = in->first;
		return -1;
	}
	return 0;
}

int intake_is_replay(const struct enclave *en, const struct submitted_share *s, bool *ret,
                     struct err *e)
{
	size_t i = find_slot(en, buf_view(&s->member_alias));
	struct hash256 submission;

	*ret = false;
	if (i == en->state.slot_count || (!s->has_encrypted && !s->has_decrypted))
		return 0;
	TRY(hash_submission(s, &submission, e));
	*ret = is_known(&en->state.slots[i], &submission);
	return 0;
}

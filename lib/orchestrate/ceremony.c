#include "orchestrate/ceremony.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "proto/file_kind.h"

#include <stdlib.h>
#include <string.h>

/* --- the request */

static int add_target(const struct run *r, size_t node, struct share_request *q, struct err *e)
{
	struct request_target *target;

	if (q->targets.count == REQUEST_TARGETS_MAX)
		return err_set(e, ERR_DATA,
		               "more than %d TEEs wait for shares: name those to ask for",
		               REQUEST_TARGETS_MAX);
	TRY(wire_list_add(&q->targets, &request_target_schema, &target, e));
	TRY(wire_set_text(&target->node, r->cluster->nodes[node].name, e));
	return wire_set(&target->document, buf_view(&r->documents[node]), e);
}

int ceremony_request(const struct run *r, int64_t expires_ms, struct share_request *ret,
                     struct err *e)
{
	AUTO(share_request) struct share_request q = { .expires_ms = expires_ms };
	const struct kept_genesis *kept = &r->seen.genesis;

	q.created_ms = clock_unix_ms();
	TRY(wire_set_text(&q.cluster, r->cluster->name, e));
	TRY(manifest_copy(&kept->envelope, &q.manifest_envelope, e));
	q.has_genesis = kept->output.len > 0;
	if (q.has_genesis) {
		TRY(wire_set(&q.genesis.output, buf_view(&kept->output), e));
		TRY(wire_set(&q.genesis.document, buf_view(&kept->document), e));
	}
	for (size_t i = 0; i < r->cluster->node_count; i++)
		if (r->documents[i].len)
			TRY(add_target(r, i, &q, e));
	*ret = MOVE(q);
	return 0;
}

/* --- the bundles */

void submission_drop(struct submission *s)
{
	for (size_t i = 0; i < s->count; i++)
		share_bundle_drop(&s->items[i].bundle);
	free(s->items);
	*s = (struct submission){ 0 };
}

static void refuse(struct submitted_bundle *b, const struct err *why)
{
	b->is_refused = true;
	b->why = *why;
	(void)err_wrap(&b->why, "'%s'", b->path);
}

/* Its text names the file. Members put them where others may as well: no pipe, whose writer says
 * nothing, holds anybody up. */
static int read_bundle(struct submitted_bundle *b, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(BUNDLE_FILE_MAX);

	if (file_read_regular(b->path, &content, e) < 0) {
		if (e->code == ERR_DATA)
			file_kind_wrap(FILE_KIND_BUNDLE, buf_view(&content), e);
		return -1;
	}
	if (share_bundle_parse(buf_view(&content), &b->bundle, e) == 0)
		return 0;
	file_kind_wrap(FILE_KIND_BUNDLE, buf_view(&content), e);
	return err_wrap(e, "'%s'", b->path);
}

int submission_read(char *const *paths, size_t count, struct submission *ret, struct err *e)
{
	AUTO(submission) struct submission s = { 0 };
	struct err why;

	s.items = calloc(count ? count : 1, sizeof(*s.items));
	if (!s.items)
		return err_set(e, ERR_INTERNAL, "no memory for %zu bundles", count);
	s.count = count;
	for (size_t i = 0; i < count; i++) {
		s.items[i].path = paths[i];
		if (read_bundle(&s.items[i], &why) < 0) {
			s.items[i].is_refused = true;
			s.items[i].why = why;
		}
	}
	*ret = MOVE(s);
	return 0;
}

static int check_manifest(const struct share_bundle *b, const struct run *r, struct err *e)
{
	const struct hash256 *own = &r->seen.genesis.manifest_hash;
	char found[17], expected[17];

	if (view_equal(VIEW_OF(b->manifest_hash), VIEW_OF(own->bytes)))
		return 0;
	hex_write(view_new(b->manifest_hash, 8), found);
	hex_write(view_new(own->bytes, 8), expected);
	return err_reason(e, ERR_DATA, "manifest",
	                  "it is for manifest %s… of cluster '%s'; this cluster's is %s…", found,
	                  buf_text(&b->cluster), expected);
}

/* Only he whose share it is can say to which TEEs it goes. */
static int check_signatures(const struct share_bundle *b, const struct run *r, struct err *e)
{
	const struct member_set *set = &r->seen.genesis.envelope.manifest.share_set;
	const struct member *member = member_set_find(set, buf_view(&b->alias));
	const struct bundle_item *items = b->items.items;
	uint8_t message[STATEMENT_LEN];
	struct public_key key;

	if (!member)
		return err_reason(e, ERR_DATA, "alias", "'%s' is no member of the share set",
		                  buf_text(&b->alias));
	TRY(public_key_parse(buf_view(&member->pub_key), &key, e));
	for (size_t i = 0; i < b->items.count; i++) {
		TRY(share_bundle_statement(b, &items[i], message, e));
		if (public_key_verify(&key, VIEW_OF(message), VIEW_OF(items[i].signature), e) < 0)
			return err_reason(e, ERR_DATA, "signature",
			                  "the share for '%s' is not signed by %s as it stands",
			                  buf_text(&items[i].node), buf_text(&b->alias));
	}
	return 0;
}

static int check_bundle(const struct share_bundle *b, const struct run *r, struct err *e)
{
	TRY(check_manifest(b, r, e));
	if (clock_unix_ms() > b->expires_ms)
		return err_reason(e, ERR_DATA, "expired", "it expired at %s",
		                  buf_text(&b->expires));
	return check_signatures(b, r, e);
}

/* Of two shares of one member for one TEE the first counts: the enclave takes one of each. One for
 * a TEE that is gone is in nobody's way. */
bool submission_is_first(const struct submission *s, size_t item, const struct hash256 *setup_key)
{
	struct view alias = buf_view(&s->items[item].bundle.alias);

	for (size_t i = 0; i < item; i++)
		if (!s->items[i].is_refused &&
		    view_equal(buf_view(&s->items[i].bundle.alias), alias) &&
		    submission_find(&s->items[i], setup_key))
			return false;
	return true;
}

/* Has it nothing that was not there before? */
static bool is_repeated(const struct submission *s, size_t item)
{
	const struct bundle_item *items = s->items[item].bundle.items.items;
	struct hash256 setup_key;

	for (size_t i = 0; i < s->items[item].bundle.items.count; i++) {
		memcpy(setup_key.bytes, items[i].setup_key, sizeof(setup_key.bytes));
		if (submission_is_first(s, item, &setup_key))
			return false;
	}
	return true;
}

int submission_judge(struct submission *s, const struct run *r, struct err *e)
{
	struct err why;

	for (size_t i = 0; i < s->count; i++) {
		struct submitted_bundle *b = &s->items[i];

		if (b->is_refused)
			continue;
		if (check_bundle(&b->bundle, r, &why) == 0) {
			if (!is_repeated(s, i))
				continue;
			(void)err_reason(&why, ERR_DATA, "repeated",
			                 "another bundle of %s stands before it",
			                 buf_text(&b->bundle.alias));
		}
		if (why.code == ERR_INTERNAL) {
			*e = why;
			return -1;
		}
		refuse(b, &why);
	}
	return 0;
}

const struct bundle_item *submission_find(const struct submitted_bundle *b,
                                          const struct hash256 *setup_key)
{
	const struct bundle_item *items = b->bundle.items.items;

	for (size_t i = 0; i < b->bundle.items.count; i++)
		if (view_equal(VIEW_OF(items[i].setup_key), VIEW_OF(setup_key->bytes)))
			return &items[i];
	return NULL;
}

bool submission_is_used(const struct submission *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].is_used)
			return true;
	return false;
}

int submission_settle(struct submission *s, struct err *e)
{
	const struct err *first = NULL;
	bool is_any_used = s->nodes == 0 || submission_is_used(s);

	for (size_t i = 0; i < s->count; i++) {
		struct submitted_bundle *b = &s->items[i];
		struct err why;

		if (!b->is_used && !b->is_refused && s->nodes) {
			(void)err_reason(&why, ERR_DATA, "setup_key",
			                 "it is for no TEE that waits for shares now: what it was "
			                 "sealed to is gone, and a new request is needed");
			refuse(b, &why);
		}
		if (b->is_refused && !first)
			first = &b->why;
	}
	if (is_any_used || !first)
		return 0;
	*e = *first;
	return -1;
}

void ceremony_record_shares(struct run *r, size_t node, const struct public_key *setup_key,
                            const struct inject_shares_request *request)
{
	const struct submitted_share *shares = request->shares.items;

	for (size_t i = 0; i < request->shares.count; i++)
		evidence_share(r, node, &shares[i], setup_key, &r->seen.genesis.manifest_hash);
	evidence_sync(r, SYNC_URGENT);
}

bool ceremony_lists(const struct wire_list *aliases, struct view alias)
{
	const struct alias_item *items = aliases->items;

	for (size_t i = 0; i < aliases->count; i++)
		if (view_equal(buf_view(&items[i].alias), alias))
			return true;
	return false;
}

int ceremony_take_key(struct run *r, size_t node, const struct public_key *setup_key,
                      const struct inject_shares_reply *reply, evidence_done *on_done,
                      void *context, struct err *e)
{
	const struct receipt_claim claim = {
		.node = node,
		.kind = RECEIPT_SHARES_COMPLETED,
		.item = reply->has_receipt ? &reply->receipt : NULL,
		.setup_key = setup_key,
		.manifest_hash = &r->seen.genesis.manifest_hash,
		.quorum_key = &r->seen.genesis.quorum_key,
	};

	if (!view_equal(buf_view(&reply->reconstructed_quorum_key),
	                public_key_view(&r->seen.genesis.quorum_key)))
		return err_reason(e, ERR_ATTESTATION, "quorum_key",
		                  "the key that it put together is not this cluster's");
	return evidence_receipt(r, &claim, on_done, context, e);
}

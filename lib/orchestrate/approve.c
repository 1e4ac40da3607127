#include "orchestrate/approve.h"

#include "base/file.h"
#include "base/text.h"

#include <string.h>

struct gathering {
	struct run *run;
	size_t node;
	const struct member_set *set;
	struct hash256 hash;
	struct manifest_envelope envelope;
};

static void gathering_drop(struct gathering *g)
{
	manifest_envelope_drop(&g->envelope);
}

static int add(struct gathering *g, const struct member *member, struct view signature,
               struct err *e)
{
	struct approval *a;

	TRY(wire_list_add(&g->envelope.manifest_set_approvals, &approval_schema, &a, e));
	TRY(wire_set(&a->signature, signature, e));
	TRY(wire_set(&a->member.alias, buf_view(&member->alias), e));
	return wire_set(&a->member.pub_key, buf_view(&member->pub_key), e);
}

static bool has_approved(const struct gathering *g, struct view alias)
{
	const struct approval *items = g->envelope.manifest_set_approvals.items;

	for (size_t i = 0; i < g->envelope.manifest_set_approvals.count; i++)
		if (view_equal(buf_view(&items[i].member.alias), alias))
			return true;
	return false;
}

/* What is kept is not covered by the manifest's hash, and one bad approval fails them all: each is
 * looked at by itself. */
static int take_kept(struct gathering *g, struct err *e)
{
	const struct wire_list *kept = &g->run->seen.genesis.envelope.manifest_set_approvals;
	struct approval *items = kept->items;
	struct err why;

	for (size_t i = 0; i < kept->count; i++) {
		const struct wire_list one = { .items = &items[i], .count = 1 };

		if (has_approved(g, buf_view(&items[i].member.alias)))
			continue;
		if (approvals_check(&one, &g->hash, g->set, /* needed= */ 1, &why) < 0)
			run_note(g->run, g->node, "an approval that is kept does not count: %s",
			         why.text);
		else
			TRY(add(g, &items[i].member, buf_view(&items[i].signature), e));
	}
	return 0;
}

static int sign(const struct gathering *g, const struct member *member, const char *path,
                struct signature *ret, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;

	TRY(key_set_read_own(path, g->run->options.passphrases, &key, e));
	if (!view_equal(public_key_view(key_set_public(key)), buf_view(&member->pub_key)))
		return err_set(e, ERR_DATA, "'%s' is not the key that the manifest set names",
		               path);
	return key_set_sign(key, VIEW_OF(g->hash.bytes), ret, e);
}

/* Members whose keys are here approve, until there are enough. */
static int add_own(struct gathering *g, struct err *e)
{
	const struct cluster_member_list *here = &g->run->cluster->manifest_set;
	const struct wire_list *approvals = &g->envelope.manifest_set_approvals;

	for (size_t i = 0; i < here->count && (int64_t)approvals->count < g->set->threshold; i++) {
		const struct cluster_member *m = &here->items[i];
		const struct member *member = member_set_find(g->set, view_text(m->name));
		struct signature signature;
		struct err why;

		if (!member || has_approved(g, view_text(m->name)) || !m->key ||
		    !file_is_there(m->key))
			continue;
		if (sign(g, member, m->key, &signature, &why) == 0) {
			TRY(add(g, member, VIEW_OF(signature.bytes), e));
			continue;
		}
		if (key_is_unasked(&why) || strcmp(why.reason, KEY_OPEN) == 0) {
			*e = why;
			return -1;
		}
		run_note(g->run, g->node, "%s can't approve: %s", m->name, why.text);
	}
	return 0;
}

/* ERR_WAITING with the names of those who could. */
static int refuse_waiting(const struct gathering *g, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 4);
	const struct member *members = g->set->members.items;
	int64_t have = (int64_t)g->envelope.manifest_set_approvals.count;
	char file[2 * sizeof(g->hash.bytes) + 1];
	bool is_cut = false;
	struct err full;

	for (size_t i = 0; i < g->set->members.count; i++) {
		struct alias_item *item;

		if (has_approved(g, buf_view(&members[i].alias)))
			continue;
		TRY(wire_list_add(&g->run->missing, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, buf_view(&members[i].alias), e));
		/* A list too long for one line is cut; the JSON has them all. */
		is_cut = is_cut || buf_add_format(&names, &full, "%s%s", names.len ? ", " : "",
		                                  buf_text(&members[i].alias)) < 0;
	}
	if (g->run->options.is_drill)
		return err_set(
		    e, ERR_WAITING,
		    "%zu of %lld approvals of the drill's manifest are here; waiting for "
		    "%s %s%s: a key that is here has to be the member's",
		    (size_t)have, (long long)g->set->threshold,
		    g->set->threshold - have > 1 ? "more of:" : "one of:", buf_text(&names),
		    is_cut ? ", …" : "");
	hex_write(VIEW_OF(g->hash.bytes), file);
	return err_reason(
	    e, ERR_WAITING, "restart-approvals",
	    "%zu of %lld approvals of the manifest are here; waiting for %s %s%s; each of them "
	    "approves %s/manifests/%s.json: teectl manifest approve",
	    (size_t)have, (long long)g->set->threshold,
	    g->set->threshold - have > 1 ? "more of:" : "one of:", buf_text(&names),
	    is_cut ? ", …" : "", g->run->state.folder, file);
}

int approvals_gather(struct run *r, size_t node, struct manifest_envelope *ret, struct err *e)
{
	const struct kept_genesis *kept = &r->seen.genesis;
	AUTO(gathering)
	struct gathering g = { .run = r,
		               .node = node,
		               .set = &kept->envelope.manifest.manifest_set,
		               .hash = kept->manifest_hash };

	TRY(manifest_copy(&kept->envelope, &g.envelope, e));
	wire_list_release(&approval_schema, &g.envelope.manifest_set_approvals);
	TRY(take_kept(&g, e));
	TRY(add_own(&g, e));
	if ((int64_t)g.envelope.manifest_set_approvals.count < g.set->threshold)
		return refuse_waiting(&g, e);
	*ret = MOVE(g.envelope);
	return 0;
}

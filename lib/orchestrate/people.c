#include "orchestrate/people.h"

#include "base/file.h"
#include "base/text.h"
#include "orchestrate/share.h"
#include "proto/row.h"

const char *const people_names[] = { "nobody", "approvers", "members", NULL };

/* clang-format off */
#define THIS people
SCHEMA(people,
	WORD("who", who, people_names, "who must act", REQUIRED),
	WORD("step", step, step_words, "that waits for them", REQUIRED),
	TEXT("node", node, 0, WIRE_TEXT_MAX, "of the step", REQUIRED),
	NUMBER("needed", needed, 0, MEMBERS_MAX, "shares or approvals in all", REQUIRED),
	NUMBER("here", here, 0, MEMBERS_MAX, "of those: in already, or whose key and share are here", REQUIRED),
	LIST("missing", missing, 0, MEMBERS_MAX, alias_item, "whose are not here", REQUIRED));
#undef THIS
/* clang-format on */

void people_list_drop(struct wire_list *list)
{
	wire_list_release(&people_schema, list);
}

enum people_kind people_of(enum step_kind kind)
{
	return kind == STEP_INJECT ? PEOPLE_MEMBERS
	       : kind == STEP_BOOT ? PEOPLE_APPROVERS
	                           : PEOPLE_NOBODY;
}

static int count(struct people *p, bool is_here, struct view name, struct err *e)
{
	struct alias_item *item;

	if (is_here) {
		p->here++;
		return 0;
	}
	TRY(wire_list_add(&p->missing, &alias_item_schema, &item, e));
	return wire_set(&item->alias, name, e);
}

/* Key and share are here; before the genesis there is no share yet. */
static int look_for_share(const struct state *state, bool has_genesis,
                          const struct cluster_member *m, bool *ret, struct err *e)
{
	AUTO(text) char *path = NULL;

	*ret = false;
	if (!m->key || !file_is_there(m->key))
		return 0;
	if (has_genesis)
		TRY(share_path(state, m, &path, e));
	*ret = !path || file_is_there(path);
	return 0;
}

/* waiting: of the node that waits for shares already, whose are missing; NULL: it does not yet */
static int look_for_members(const struct cluster *cluster, const struct state *state,
                            const struct observation *seen, const struct wire_list *waiting,
                            struct people *p, struct err *e)
{
	const struct cluster_member_list *members = &cluster->quorum.members;

	p->needed = members->threshold;
	for (size_t i = 0; i < members->count; i++) {
		const struct cluster_member *m = &members->items[i];
		bool is_here = waiting && !alias_list_has(waiting, view_text(m->name));

		if (!is_here)
			TRY(look_for_share(state, seen->has_genesis, m, &is_here, e));
		TRY(count(p, is_here, view_text(m->name), e));
	}
	return 0;
}

static bool is_kept(const struct observation *seen, const char *name)
{
	const struct approval *kept = seen->genesis.envelope.manifest_set_approvals.items;

	for (size_t i = 0; i < seen->genesis.envelope.manifest_set_approvals.count; i++)
		if (view_equal(buf_view(&kept[i].member.alias), view_text(name)))
			return true;
	return false;
}

static int look_for_approvers(const struct cluster *cluster, const struct observation *seen,
                              struct people *p, struct err *e)
{
	const struct cluster_member_list *members = &cluster->manifest_set;

	p->needed = members->threshold;
	for (size_t i = 0; i < members->count; i++) {
		const struct cluster_member *m = &members->items[i];

		TRY(count(p, is_kept(seen, m->name) || (m->key && file_is_there(m->key)),
		          view_text(m->name), e));
	}
	return 0;
}

int people_look(const struct cluster *cluster, const struct state *state,
                const struct observation *seen, const struct plan *plan, struct wire_list *ret,
                struct err *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *s = &plan->steps[i];
		enum people_kind who = people_of(s->kind);
		struct people *p;

		if (who == PEOPLE_NOBODY)
			continue;
		TRY(wire_list_add(ret, &people_schema, &p, e));
		p->who = (int)who;
		p->step = (int)s->kind;
		TRY(wire_set_text(&p->node, cluster->nodes[s->node].name, e));
		if (who == PEOPLE_APPROVERS)
			TRY(look_for_approvers(cluster, seen, p, e));
		else
			TRY(look_for_members(cluster, state, seen,
			                     node_waits_for_shares(seen, s->node)
			                         ? &seen->nodes[s->node].status.shares_missing
			                         : NULL,
			                     p, e));
	}
	return 0;
}

bool people_are_missing(const struct wire_list *people)
{
	const struct people *items = people->items;

	for (size_t i = 0; i < people->count; i++)
		if (items[i].here < items[i].needed)
			return true;
	return false;
}

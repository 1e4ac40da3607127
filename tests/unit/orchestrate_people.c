/* Who must act before a plan can be carried out, and whose keys and shares are here. */
#include "observation_support.h"

#include "cluster_support.h"
#include "orchestrate/people.h"

struct stage {
	char folder[128];
	char paths[3][256]; /* of the members' keys, whether they are there or not */
	struct seen_world world;
	struct cluster_member members[3];
	struct state state;
	struct wire_list people;
};

static void stage_drop(struct stage *g)
{
	people_list_drop(&g->people);
	wire_list_release(&approval_schema,
	                  &g->world.observation.genesis.envelope.manifest_set_approvals);
	for (size_t i = 0; i < SEEN_MAX; i++)
		alias_list_drop(&g->world.seen[i].status.shares_missing);
	folder_clear(g->folder);
}

static void stage_fill(struct stage *g, const char *letters, bool has_genesis)
{
	static char names[3][8] = { "user1", "user2", "user3" };
	char path[256];
	struct err e;

	*g = (struct stage){ .state = { .lock = -1 } };
	seen_world_fill(&g->world, letters, has_genesis);
	folder_new(g->folder, sizeof(g->folder));
	g->state.folder = g->folder;
	snprintf(path, sizeof(path), "%s/shares", g->folder);
	assert_ok(folder_make_private(path, &e));
	for (size_t i = 0; i < 3; i++) {
		snprintf(g->paths[i], sizeof(g->paths[i]), "%s/%s.secret", g->folder, names[i]);
		g->members[i] = (struct cluster_member){ .name = names[i], .key = g->paths[i] };
	}
	g->world.cluster.quorum.members = (struct cluster_member_list){ g->members, 3, 2 };
	g->world.cluster.manifest_set = (struct cluster_member_list){ g->members, 3, 1 };
}

static void put_file(const struct stage *g, const char *name)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	assert_ok(file_write(path, view_text("x"), 0600, &e));
}

static const struct people *look(struct stage *g, enum step_kind kind)
{
	struct step steps[] = { { .kind = STEP_VERIFY }, { .kind = kind } };
	const struct plan plan = { .steps = steps, .count = COUNT(steps) };
	struct err e;

	people_list_drop(&g->people);
	assert_ok(people_look(&g->world.cluster, &g->state, &g->world.observation, &plan,
	                      &g->people, &e));
	return g->people.items;
}

static void missing_are(const struct people *p, const char *names)
{
	const struct alias_item *items = p->missing.items;
	char found[64] = "";

	for (size_t i = 0; i < p->missing.count; i++) {
		strcat(found, i ? " " : "");
		strcat(found, buf_text(&items[i].alias));
	}
	assert_string_equal(found, names);
}

static void two_steps_wait_for_people_and_no_other(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "e", true);
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		enum people_kind who = people_of((enum step_kind)kind);

		assert_int_equal(who, kind == STEP_INJECT ? PEOPLE_MEMBERS
		                      : kind == STEP_BOOT ? PEOPLE_APPROVERS
		                                          : PEOPLE_NOBODY);
		(void)look(&g, (enum step_kind)kind);
		assert_int_equal(g.people.count, who != PEOPLE_NOBODY);
	}
}

static void a_members_key_counts_with_its_share(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct people *p;

	(void)state;
	stage_fill(&g, "e", true);
	put_file(&g, "user1.secret");
	put_file(&g, "user2.secret");
	put_file(&g, "shares/user2.share");
	put_file(&g, "shares/user3.share");
	p = look(&g, STEP_INJECT);
	assert_int_equal(p->needed, 2);
	assert_int_equal(p->here, 1);
	assert_string_equal(buf_text(&p->node), "tee1");
	missing_are(p, "user1 user3");
	assert_true(people_are_missing(&g.people));
	/* A share may also lie beside the key that it is sealed to. */
	put_file(&g, "user1.share");
	p = look(&g, STEP_INJECT);
	assert_int_equal(p->here, 2);
	missing_are(p, "user3");
	assert_false(people_are_missing(&g.people));
}

static void before_the_genesis_a_key_is_enough(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct people *p;

	(void)state;
	stage_fill(&g, "e", false);
	put_file(&g, "user1.secret");
	put_file(&g, "user3.secret");
	g.members[2].key = NULL; /* his public half alone is here */
	p = look(&g, STEP_INJECT);
	assert_int_equal(p->here, 1);
	missing_are(p, "user2 user3");
}

static void a_share_that_is_in_needs_no_key_here(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct people *p;
	struct alias_item *item;
	struct err e;

	(void)state;
	stage_fill(&g, "s", true);
	for (size_t i = 1; i < 3; i++) {
		assert_ok(wire_list_add(&g.world.seen[0].status.shares_missing, &alias_item_schema,
		                        &item, &e));
		assert_ok(wire_set_text(&item->alias, g.members[i].name, &e));
	}
	p = look(&g, STEP_INJECT);
	assert_int_equal(p->here, 1);
	missing_are(p, "user2 user3");
	/* One that does not wait yet has taken nobody's. */
	g.world.seen[0].status.phase = PHASE_WAITING_FOR_BOOT;
	p = look(&g, STEP_INJECT);
	assert_int_equal(p->here, 0);
}

static void an_approval_is_kept_or_can_be_given(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct people *p;
	struct approval *a;
	struct err e;

	(void)state;
	stage_fill(&g, "e", true);
	p = look(&g, STEP_BOOT);
	assert_int_equal(p->needed, 1);
	assert_int_equal(p->here, 0);
	missing_are(p, "user1 user2 user3");
	assert_true(people_are_missing(&g.people));
	/* A share is of no use for it. */
	put_file(&g, "shares/user1.share");
	put_file(&g, "user2.secret");
	assert_ok(wire_list_add(&g.world.observation.genesis.envelope.manifest_set_approvals,
	                        &approval_schema, &a, &e));
	assert_ok(wire_set_text(&a->member.alias, "user3", &e));
	p = look(&g, STEP_BOOT);
	assert_int_equal(p->here, 2);
	missing_are(p, "user1");
	assert_false(people_are_missing(&g.people));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_steps_wait_for_people_and_no_other),
		cmocka_unit_test(a_members_key_counts_with_its_share),
		cmocka_unit_test(before_the_genesis_a_key_is_enough),
		cmocka_unit_test(a_share_that_is_in_needs_no_key_here),
		cmocka_unit_test(an_approval_is_kept_or_can_be_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

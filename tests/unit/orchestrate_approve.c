/* The approvals that a manifest needs before its quorum starts again: those that are kept, those of
 * whose keys are here, and who is waited for. */
#include "birth_support.h"

#include "cluster_support.h"
#include "orchestrate/approve.h"

struct stage {
	struct birth_stage birth;
	struct cluster_node node;
	struct run run;
	char notes[1024], folder[128];
};

static void stage_drop(struct stage *g)
{
	alias_list_drop(&g->run.missing);
	kept_genesis_drop(&g->run.seen.genesis);
	birth_stage_drop(&g->birth);
	folder_clear(g->folder);
}

static void take_note(void *context, const struct event *event)
{
	struct stage *g = context;
	size_t len = strlen(g->notes);

	snprintf(g->notes + len, sizeof(g->notes) - len, "%s\n", event->text);
}

/* Key files of their members, as members have them: mode 0600. */
static char *key_file(const struct stage *g, size_t i)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s.secret", g->folder, aliases[i]);
	if (!file_is_there(path))
		assert_ok(key_set_write(path, birth_people.keys[i], NULL, &e));
	return strdup(path);
}

static void stage_fill(struct stage *g)
{
	static char name[] = "tee1", folder[] = "/state";

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	g->node.name = name;
	g->birth.cluster.nodes = &g->node;
	g->birth.cluster.node_count = 1;
	g->run = (struct run){ .cluster = &g->birth.cluster,
		               .state = { folder, -1 },
		               .options = { .on_event = take_note, .event_context = g } };
	folder_new(g->folder, sizeof(g->folder));
}

/* With the approvals that the stage's envelope has now. */
static void keep(struct stage *g)
{
	kept_genesis_drop(&g->run.seen.genesis);
	g->run.seen.genesis = birth_kept(&g->birth);
}

static const char *missing(const struct stage *g, size_t i)
{
	const struct alias_item *items = g->run.missing.items;

	assert_true(i < g->run.missing.count);
	return buf_text(&items[i].alias);
}

static void what_is_kept_and_enough_is_taken(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	approve(&g.birth.envelope, "user1", birth_people.keys[0]);
	approve(&g.birth.envelope, "user3", birth_people.keys[2]);
	keep(&g);
	assert_ok(approvals_gather(&g.run, 0, &envelope, &e));
	assert_int_equal(envelope.manifest_set_approvals.count, 2);
	assert_ok(manifest_check_approvals(&envelope, &envelope.manifest.manifest_set, 2, &e));
	assert_string_equal(g.notes, "");
	assert_int_equal(g.run.missing.count, 0);
}

/* One bad approval would fail them all at the enclave. */
static void what_does_not_hold_is_left_out_and_told(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	approve(&g.birth.envelope, "user1", birth_people.keys[1]); /* not his key */
	approve(&g.birth.envelope, "user2", birth_people.keys[1]);
	approve(&g.birth.envelope, "user2", birth_people.keys[1]); /* counts once */
	approve(&g.birth.envelope, "stranger", birth_people.stranger);
	keep(&g);
	assert_refused(approvals_gather(&g.run, 0, &envelope, &e), ERR_WAITING,
	               "1 of 2 approvals of the manifest are here");
	assert_string_equal(e.reason, "restart-approvals");
	assert_non_null(strstr(e.text, "one of: user1, user3"));
	assert_non_null(strstr(e.text, "/state/manifests/"));
	assert_int_equal(g.run.missing.count, 2);
	assert_string_equal(missing(&g, 0), "user1");
	assert_string_equal(missing(&g, 1), "user3");
	assert_non_null(strstr(g.notes, "an approval that is kept does not count: "));
	assert_non_null(strstr(g.notes, "stranger"));
}

static void whose_key_is_here_approves_until_there_are_enough(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	AUTO(text) char *second = NULL;
	AUTO(text) char *third = NULL;
	const struct approval *a;
	struct err e;

	(void)state;
	stage_fill(&g);
	approve(&g.birth.envelope, "user1", birth_people.keys[0]);
	keep(&g);
	g.birth.members[1].key = second = key_file(&g, 1);
	g.birth.members[2].key = third = key_file(&g, 2);
	assert_ok(approvals_gather(&g.run, 0, &envelope, &e));
	/* The third is not asked to sign what has enough. */
	assert_int_equal(envelope.manifest_set_approvals.count, 2);
	a = envelope.manifest_set_approvals.items;
	assert_string_equal(buf_text(&a[1].member.alias), "user2");
	assert_ok(manifest_check_approvals(&envelope, &envelope.manifest.manifest_set, 2, &e));
	/* What is kept is not touched by it. */
	assert_int_equal(g.run.seen.genesis.envelope.manifest_set_approvals.count, 1);
}

static void a_key_that_is_another_members_approves_nothing(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	AUTO(text) char *first = NULL;
	struct err e;

	(void)state;
	stage_fill(&g);
	keep(&g);
	g.birth.members[1].key = first = key_file(&g, 0);
	assert_refused(approvals_gather(&g.run, 0, &envelope, &e), ERR_WAITING, "more of: user1");
	assert_non_null(strstr(g.notes, "user2 can't approve: "));
	assert_non_null(strstr(g.notes, "is not the key that the manifest set names"));
	assert_int_equal(g.run.missing.count, 3);
}

static void a_key_that_others_can_read_ends_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	AUTO(text) char *first = NULL;
	struct err e;

	(void)state;
	stage_fill(&g);
	keep(&g);
	g.birth.members[0].key = first = key_file(&g, 0);
	assert_int_equal(chmod(first, 0644), 0);
	assert_refused(approvals_gather(&g.run, 0, &envelope, &e), ERR_DATA, KEY_OPEN);
	assert_int_equal(g.run.missing.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_and_enough_is_taken),
		cmocka_unit_test(what_does_not_hold_is_left_out_and_told),
		cmocka_unit_test(whose_key_is_here_approves_until_there_are_enough),
		cmocka_unit_test(a_key_that_is_another_members_approves_nothing),
		cmocka_unit_test(a_key_that_others_can_read_ends_it),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

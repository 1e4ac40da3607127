/* The operator's half of a ceremony: which of the bundles that came in count, and what is said of
 * the others. Expiry and manifest, signature and owner are checked before any TEE is asked. */
#include "birth_support.h"

#include "cluster_support.h"
#include "orchestrate/ceremony.h"

struct stage {
	struct birth_stage birth;
	struct cluster_node nodes[REQUEST_TARGETS_MAX + 1];
	struct buf documents[REQUEST_TARGETS_MAX + 1];
	struct run run;
	char folder[128];
	char *paths[8];
	size_t count;
};

static void stage_drop(struct stage *g)
{
	kept_genesis_drop(&g->run.seen.genesis);
	birth_stage_drop(&g->birth);
	for (size_t i = 0; i < COUNT(g->documents); i++)
		buf_drop(&g->documents[i]);
	for (size_t i = 0; i < g->count; i++)
		free(g->paths[i]);
	folder_clear(g->folder);
}

static void stage_fill(struct stage *g)
{
	static char name[] = "tee";

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	birth_attest(&g->birth);
	for (size_t i = 0; i < COUNT(g->nodes); i++) {
		g->nodes[i].name = name;
		g->documents[i].max = DOCUMENT_MAX;
	}
	g->birth.cluster.nodes = g->nodes;
	g->birth.cluster.node_count = COUNT(g->nodes);
	g->run = (struct run){ .cluster = &g->birth.cluster, .documents = g->documents };
	g->run.seen.has_genesis = true;
	g->run.seen.genesis = birth_kept(&g->birth);
	folder_new(g->folder, sizeof(g->folder));
}

/* A bundle of the member, signed by key, for setup keys of these first bytes. */
struct handed {
	const char *alias;
	size_t key; /* of birth_people */
	const char *setup_keys;
	bool is_expired, is_of_another_manifest, is_changed;
};

static void hand_in(struct stage *g, const struct handed *h)
{
	AUTO(share_bundle)
	struct share_bundle b = { .expires_ms = clock_unix_ms() + (h->is_expired ? -1000 : 60000) };
	AUTO(buf) struct buf text = BUF_INIT(BUNDLE_FILE_MAX);
	char path[256];
	struct err e;

	assert_ok(wire_set_text(&b.cluster, "demo", &e));
	assert_ok(wire_set_text(&b.alias, h->alias, &e));
	memcpy(b.manifest_hash, g->run.seen.genesis.manifest_hash.bytes, sizeof(b.manifest_hash));
	if (h->is_of_another_manifest)
		b.manifest_hash[0] ^= 1;
	for (const char *at = h->setup_keys; *at; at++) {
		struct bundle_item *item;
		uint8_t message[STATEMENT_LEN];
		struct signature signature;

		assert_ok(wire_list_add(&b.items, &bundle_item_schema, &item, &e));
		assert_ok(wire_set_text(&item->node, "tee1", &e));
		item->setup_key[0] = (uint8_t)*at;
		assert_ok(share_bundle_statement(&b, item, message, &e));
		assert_ok(
		    key_set_sign(birth_people.keys[h->key], VIEW_OF(message), &signature, &e));
		memcpy(item->signature, signature.bytes, sizeof(item->signature));
		if (h->is_changed)
			item->setup_key[0]++;
	}
	assert_ok(share_bundle_format(&b, &text, &e));
	snprintf(path, sizeof(path), "%s/%zu.bundle", g->folder, g->count);
	assert_ok(file_write(path, buf_view(&text), 0600, &e));
	g->paths[g->count++] = strdup(path);
}

static void read_and_judge(struct stage *g, struct submission *s)
{
	struct err e;

	assert_ok(submission_read(g->paths, g->count, s, &e));
	assert_ok(submission_judge(s, &g->run, &e));
}

static struct hash256 setup_key(char first)
{
	return (struct hash256){ { (uint8_t)first } };
}

static void each_bundle_is_judged_by_itself(void **state)
{
	static const struct {
		struct handed handed;
		const char *reason, *words; /* NULL: it counts */
	} rows[] = {
		{ { "user1", 0, "ab", 0, 0, 0 }, NULL, NULL },
		{ { "user2", 1, "a", 1, 0, 0 }, "expired", "it expired at " },
		{ { "user2", 1, "a", 0, 1, 0 }, "manifest", "it is for manifest " },
		{ { "user2", 0, "a", 0, 0, 0 }, "signature", "is not signed by user2" },
		{ { "user2", 1, "a", 0, 0, 1 }, "signature", "is not signed by user2" },
		{ { "user9", 1, "a", 0, 0, 0 }, "alias", "'user9' is no member of the share set" },
		{ { "user2", 1, "a", 0, 0, 0 }, NULL, NULL },
	};
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };

	(void)state;
	stage_fill(&g);
	for (size_t i = 0; i < COUNT(rows); i++)
		hand_in(&g, &rows[i].handed);
	read_and_judge(&g, &s);
	assert_int_equal(s.count, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(s.items[i].is_refused, rows[i].reason != NULL);
		if (!rows[i].reason)
			continue;
		assert_int_equal(s.items[i].why.code, ERR_DATA);
		assert_string_equal(s.items[i].why.reason, rows[i].reason);
		assert_non_null(strstr(s.items[i].why.text, rows[i].words));
		assert_non_null(strstr(s.items[i].why.text, g.paths[i]));
	}
}

static void what_is_no_bundle_stops_no_other(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g);
	g.paths[g.count++] = strdup("/nonexistent/x.bundle");
	snprintf(path, sizeof(path), "%s/none.bundle", g.folder);
	assert_ok(file_write(path, view_text("{}"), 0600, &e));
	g.paths[g.count++] = strdup(path);
	hand_in(&g, &(struct handed){ "user1", 0, "a", 0, 0, 0 });
	read_and_judge(&g, &s);
	assert_true(s.items[0].is_refused);
	assert_int_equal(s.items[0].why.code, ERR_NO_INPUT);
	assert_true(s.items[1].is_refused);
	assert_int_equal(s.items[1].why.code, ERR_DATA);
	assert_false(s.items[2].is_refused);
}

static void the_first_of_a_members_bundles_counts_for_each_tee(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct hash256 a = setup_key('a'), b = setup_key('b'), c = setup_key('c');

	(void)state;
	stage_fill(&g);
	hand_in(&g, &(struct handed){ "user1", 0, "a", 0, 0, 0 });
	hand_in(&g, &(struct handed){ "user2", 1, "a", 0, 0, 0 });
	hand_in(&g, &(struct handed){ "user1", 0, "ab", 0, 0, 0 });
	hand_in(&g, &(struct handed){ "user1", 0, "ba", 0, 0, 0 });
	read_and_judge(&g, &s);
	/* The third has one for b that is new; the fourth nothing. */
	assert_false(s.items[2].is_refused);
	assert_true(s.items[3].is_refused);
	assert_string_equal(s.items[3].why.reason, "repeated");
	assert_true(submission_is_first(&s, 0, &a));
	assert_true(submission_is_first(&s, 1, &a));
	assert_false(submission_is_first(&s, 2, &a));
	assert_true(submission_is_first(&s, 2, &b));
	/* One that is refused stands before nobody. */
	s.items[0].is_refused = true;
	assert_true(submission_is_first(&s, 2, &a));
	assert_non_null(submission_find(&s.items[2], &b));
	assert_null(submission_find(&s.items[2], &c));
	assert_null(submission_find(&s.items[0], &b));
}

static void a_bundle_for_nobody_is_refused_at_the_end(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	hand_in(&g, &(struct handed){ "user1", 0, "a", 0, 0, 0 });
	hand_in(&g, &(struct handed){ "user2", 1, "b", 0, 0, 0 });
	read_and_judge(&g, &s);
	/* Where no TEE waited there was nobody that a bundle could be for. */
	assert_ok(submission_settle(&s, &e));
	assert_false(s.items[0].is_refused);
	s.nodes = 1;
	s.items[1].is_used = true;
	assert_ok(submission_settle(&s, &e));
	assert_true(s.items[0].is_refused);
	assert_string_equal(s.items[0].why.reason, "setup_key");
	assert_false(s.items[1].is_refused);
	s.items[1].is_used = false;
	assert_refused(submission_settle(&s, &e), ERR_DATA, "is for no TEE that waits");
	assert_non_null(strstr(e.text, g.paths[0]));
}

static void a_request_names_those_that_wait_and_no_more_than_fit(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(share_request) struct share_request q = { 0 };
	int64_t before_ms = clock_unix_ms();
	struct err e;

	(void)state;
	stage_fill(&g);
	for (size_t i = 0; i < 3; i += 2)
		assert_ok(buf_add_text(&g.documents[i], "document", &e));
	assert_ok(ceremony_request(&g.run, 4711, &q, &e));
	assert_int_equal(q.targets.count, 2);
	assert_int_equal(q.expires_ms, 4711);
	assert_true(q.created_ms >= before_ms);
	assert_true(q.has_genesis);
	assert_view_equal(buf_view(&q.genesis.output), buf_view(&g.birth.borsh));
	share_request_drop(&q);
	/* Of a quorum that was born elsewhere there is none to show. */
	buf_clear(&g.run.seen.genesis.output);
	assert_ok(ceremony_request(&g.run, 4711, &q, &e));
	assert_false(q.has_genesis);
	share_request_drop(&q);
	for (size_t i = 0; i < COUNT(g.documents); i++)
		assert_ok(buf_set(&g.documents[i], view_text("document"), &e));
	assert_refused(ceremony_request(&g.run, 4711, &q, &e), ERR_DATA, "more than 32 TEEs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bundle_is_judged_by_itself),
		cmocka_unit_test(what_is_no_bundle_stops_no_other),
		cmocka_unit_test(the_first_of_a_members_bundles_counts_for_each_tee),
		cmocka_unit_test(a_bundle_for_nobody_is_refused_at_the_end),
		cmocka_unit_test(a_request_names_those_that_wait_and_no_more_than_fit),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

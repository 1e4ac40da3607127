/* What the manifest verbs tell of a manifest before anybody approves it: nothing of it unseen, who
 * has approved, and what has changed. */
#include "cmd_support.h"
#include "cluster_support.h"
#include "manifest_support.h"

#include "cmd/manifests.h"

static char text[PRINTED_MAX];
static struct people people;

static int open_people(void **state)
{
	open_arena(state);
	people = people_new();
	return 0;
}

static int close_people(void **state)
{
	(void)state;
	people_drop(&people);
	return 0;
}

static void rehash(struct manifest_file *f)
{
	struct err e;

	assert_ok(manifest_hash(&f->envelope.manifest, &f->hash, &e));
}

static struct manifest_file file_of(int64_t nonce)
{
	struct manifest_file f = { .version = 1, .is_envelope = true };

	f.envelope = envelope_new(&people);
	f.envelope.manifest.namespace.nonce = nonce;
	rehash(&f);
	return f;
}

static void names_are(const struct wire_list *list, const char *expected)
{
	const struct alias_item *items = list->items;
	char found[128] = "";

	for (size_t i = 0; i < list->count; i++) {
		strcat(found, i ? " " : "");
		strcat(found, buf_text(&items[i].alias));
	}
	assert_string_equal(found, expected);
}

static void approvals_are_counted_once_they_are_valid(void **state)
{
	AUTO(manifest_file) struct manifest_file f = file_of(7);
	struct context c = context_as(OUTPUT_TABLE);
	struct wire_list approved = { 0 }, missing = { 0 };
	struct err e;

	(void)state;
	approve(&f.envelope, "user2", people.keys[1]);
	assert_ok(approvals_count(&f, &approved, &missing, &e));
	names_are(&approved, "user2");
	names_are(&missing, "user1 user3");
	assert_refused(approvals_wait(&c, &f, &approved, &missing, &e), ERR_WAITING,
	               "1 of 2 approvals; waiting for one of: user1, user3");
	assert_string_equal(e.reason, "approval:count");
	alias_list_drop(&approved);
	alias_list_drop(&missing);
	approve(&f.envelope, "user1", people.keys[0]);
	assert_ok(approvals_count(&f, &approved, &missing, &e));
	assert_ok(approvals_wait(&c, &f, &approved, &missing, &e));
	alias_list_drop(&approved);
	alias_list_drop(&missing);
	/* One that is bad is named, and nobody is counted. */
	approve(&f.envelope, "user3", people.keys[0]);
	assert_refused(approvals_count(&f, &approved, &missing, &e), ERR_APPROVAL, "user3");
	assert_int_equal(approved.count + missing.count, 0);
}

static void diff(const struct manifest_file *own, const struct manifest_file *next,
                 struct diff_report *r)
{
	struct context c = context_as(OUTPUT_TABLE);
	struct err e;

	diff_report_drop(r);
	assert_ok(diff_make(own, next, r, &e));
	PRINTED(STDOUT_FILENO, text, assert_ok(diff_print(&c, r, &e)));
}

static void what_has_changed_is_said_and_who_must_act(void **state)
{
	AUTO(manifest_file) struct manifest_file own = file_of(7);
	AUTO(manifest_file) struct manifest_file next = file_of(8);
	AUTO(diff_report) struct diff_report r = { 0 };

	(void)state;
	diff(&own, &own, &r);
	assert_true(r.same);
	assert_string_equal(text, "the same manifest: nobody has to act\n");
	next.envelope.manifest.enclave.pcrs[0].data[0] ^= 1;
	rehash(&next);
	approve(&next.envelope, "user3", people.keys[2]);
	diff(&own, &next, &r);
	assert_true(r.lawful);
	assert_false(r.same);
	assert_int_equal(r.needs, CHANGE_BY_APPROVAL);
	assert_non_null(strstr(text, "once 2 of 3 approve it; approved by: user3; may approve: "
	                             "user1, user2\n"));
	assert_null(strstr(text, "UNLAWFUL"));
	/* What is older is no successor, whoever approves it. */
	next.envelope.manifest.namespace.nonce = 6;
	rehash(&next);
	wire_list_release(&approval_schema, &next.envelope.manifest_set_approvals);
	diff(&own, &next, &r);
	assert_false(r.lawful);
	assert_int_equal(r.needs, CHANGE_BY_DRAFT);
	assert_non_null(strstr(text, ": UNLAWFUL\n"));
	assert_non_null(strstr(text, "it takes another draft\n"));
}

/* The same fields in another form have another hash: an approval of one is none of the other. */
static void the_same_fields_of_another_hash_are_not_the_same(void **state)
{
	AUTO(manifest_file) struct manifest_file own = file_of(7);
	AUTO(manifest_file) struct manifest_file next = file_of(7);
	AUTO(diff_report) struct diff_report r = { 0 };

	(void)state;
	next.hash.bytes[0] ^= 1;
	diff(&own, &next, &r);
	assert_false(r.same);
	assert_false(r.lawful);
	assert_int_equal(r.needs, CHANGE_BY_DRAFT);
}

static void what_stands_behind_a_cut_is_not_approved_unseen(void **state)
{
	AUTO(manifest_file) struct manifest_file own = file_of(7);
	AUTO(manifest_file) struct manifest_file next = file_of(8);
	AUTO(diff_report) struct diff_report r = { 0 };
	struct text_item *arg;
	static char longer[PIVOT_ARG_MAX];
	struct err e;

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	assert_ok(wire_list_add(&next.envelope.manifest.pivot.args, &text_item_schema, &arg, &e));
	assert_ok(wire_set_text(&arg->text, longer, &e));
	rehash(&next);
	diff(&own, &next, &r);
	assert_non_null(strstr(text, "… CUT HERE: "));
	assert_non_null(strstr(text, "SHA-256 "));
}

static void a_bad_approval_is_shown_as_such(void **state)
{
	AUTO(manifest_file) struct manifest_file f = file_of(7);
	struct context c = context_as(OUTPUT_TABLE);
	struct err e;

	(void)state;
	approve(&f.envelope, "user1", people.keys[0]);
	approve(&f.envelope, "user2", people.keys[0]);
	approve(&f.envelope, "stranger", people.stranger);
	PRINTED(STDOUT_FILENO, text, assert_ok(manifest_print(&c, &f, &e)));
	assert_non_null(strstr(text, "BAD\n"));
	assert_non_null(strstr(text, "not yet\n"));
	assert_non_null(strstr(text, "BAD approval   "));
	assert_non_null(strstr(text, "stranger"));
}

static void a_manifest_is_written_and_read_as_it_is(void **state)
{
	AUTO(manifest_file) struct manifest_file f = file_of(7);
	AUTO(manifest_file) struct manifest_file back = { 0 };
	char folder[128], path[256];
	struct err e;

	(void)state;
	approve(&f.envelope, "user1", people.keys[0]);
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/m.json", folder);
	assert_ok(manifest_write(path, &f.envelope, false, &e));
	/* Another's file is not overwritten unless that is said. */
	assert_refused(manifest_write(path, &f.envelope, false, &e), ERR_DATA, path);
	assert_ok(manifest_write(path, &f.envelope, true, &e));
	assert_ok(manifest_read_v1(path, &back, &e));
	assert_memory_equal(&back.hash, &f.hash, sizeof(f.hash));
	assert_int_equal(back.envelope.manifest_set_approvals.count, 1);
	manifest_file_drop(&back);
	assert_ok(file_write(path, view_text("{}"), 0600, &e));
	assert_refused(manifest_read(path, &back, &e), ERR_DATA, path);
	folder_clear(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(approvals_are_counted_once_they_are_valid),
		cmocka_unit_test(what_has_changed_is_said_and_who_must_act),
		cmocka_unit_test(the_same_fields_of_another_hash_are_not_the_same),
		cmocka_unit_test(what_stands_behind_a_cut_is_not_approved_unseen),
		cmocka_unit_test(a_bad_approval_is_shown_as_such),
		cmocka_unit_test(a_manifest_is_written_and_read_as_it_is),
	};

	return cmocka_run_group_tests(tests, open_people, close_people);
}

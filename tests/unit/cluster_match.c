#include "cluster_support.h"
#include "manifest_support.h"

#include "attest/chain.h"
#include "cluster/match.h"

/* A cluster file that says what the manifest of these people says. */
struct place_here {
	struct people people;
	struct manifest_envelope envelope;
	struct match_expect expect;
	struct cluster cluster;
};

static void place_here_drop(struct place_here *p)
{
	people_drop(&p->people);
	manifest_envelope_drop(&p->envelope);
	match_expect_drop(&p->expect);
}

static char name[] = "a/b", argument[] = "--one";
static char *arguments[] = { argument };

static struct place_here place_new(void)
{
	struct place_here p = { .people = people_new() };
	struct text_item *only;
	struct manifest *m;
	struct err e;

	p.envelope = envelope_new(&p.people);
	m = &p.envelope.manifest;
	p.cluster.manifest.namespace_name = name;
	p.cluster.manifest.nonce = 7;
	memcpy(p.cluster.manifest.pivot_hash.bytes, m->pivot.hash, sizeof(m->pivot.hash));
	wire_list_release(&text_item_schema, &m->pivot.args);
	assert_ok(wire_list_add(&m->pivot.args, &text_item_schema, &only, &e));
	assert_ok(wire_set_text(&only->text, argument, &e));
	p.cluster.manifest.pivot_args = arguments;
	p.cluster.manifest.pivot_arg_count = COUNT(arguments);
	fill_set(&p.expect.manifest_set, &p.people);
	fill_set(&p.expect.share_set, &p.people);
	p.expect.root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	assert_ok(buf_set(&p.expect.root, chain_aws_root, &e));
	assert_ok(wire_set(&m->enclave.aws_root_certificate, chain_aws_root, &e));
	assert_ok(manifest_pcrs(m, &p.expect.pcrs, &e));
	return p;
}

/* The first check that failed, or "". */
static const struct match_row *first_failed(const struct wire_list *rows)
{
	const struct match_row *items = rows->items;

	for (size_t i = 0; i < rows->count; i++)
		if (!items[i].passed)
			return &items[i];
	return NULL;
}

static void what_the_cluster_file_says_passes_every_check(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(match_rows) struct wire_list rows = { 0 };
	struct err e;

	(void)state;
	assert_ok(match_manifest(&p.cluster, &p.expect, &p.envelope.manifest, &rows, &e));
	assert_int_equal(rows.count, 11);
	assert_null(first_failed(&rows));
	assert_ok(match_judge(&rows, "what", &e));
}

static void other_name(struct manifest *m)
{
	struct err e;

	assert_ok(wire_set_text(&m->namespace.name, "a/c", &e));
}
static void lower_nonce(struct manifest *m)
{
	m->namespace.nonce = 6;
}
static void lower_threshold(struct manifest *m)
{
	m->manifest_set.threshold = 1;
}
static void other_alias(struct manifest *m)
{
	struct err e;

	assert_ok(wire_set_text(&member_at(&m->manifest_set, 1)->alias, "eve", &e));
}
static void other_key(struct manifest *m)
{
	member_at(&m->share_set, 2)->pub_key.data[70] ^= 1;
}
static void one_more(struct manifest *m)
{
	struct member *added;
	struct err e;

	assert_ok(wire_list_add(&m->share_set.members, &member_schema, &added, &e));
	assert_ok(wire_set_text(&added->alias, "eve", &e));
	assert_ok(wire_set(&added->pub_key, view_text("another key"), &e));
}
static void other_image(struct manifest *m)
{
	m->enclave.pcrs[0].data[0] ^= 1;
}
static void short_role(struct manifest *m)
{
	m->enclave.pcrs[3].len--;
}
static void other_root(struct manifest *m)
{
	m->enclave.aws_root_certificate.data[9] ^= 1;
}

static void other_pivot(struct manifest *m)
{
	m->pivot.hash[31] ^= 1;
}
static void other_argument(struct manifest *m)
{
	struct text_item *args = m->pivot.args.items;
	struct err e;

	assert_ok(wire_set_text(&args[0].text, "--evil", &e));
}
static void one_argument_more(struct manifest *m)
{
	struct text_item *more;
	struct err e;

	assert_ok(wire_list_add(&m->pivot.args, &text_item_schema, &more, &e));
	assert_ok(wire_set_text(&more->text, "", &e));
}

static void restart_always(struct manifest *m)
{
	m->pivot.restart = MANIFEST_RESTART_ALWAYS;
}
static void in_debug_mode(struct manifest *m)
{
	m->pivot.debug_mode = true;
}
static void what_differs_is_named(void **state)
{
	static const struct {
		void (*change)(struct manifest *m);
		const char *check, *detail;
	} cases[] = {
		{ other_name, "namespace", "'a/b' expected, 'a/c' found" },
		{ lower_nonce, "nonce", "6 is below the cluster file's 7" },
		{ lower_threshold, "manifest_set", "threshold 2 expected, 1 found" },
		{ other_alias, "manifest_set", "'eve' is called 'user2' in the cluster file" },
		{ other_key, "share_set",
		  "the cluster file has no member with the key of 'user3'; the manifest has no member "
		  "with the key of 'user3'" },
		{ one_more, "share_set", "3 members expected, 4 found" },
		{ other_image, "pcr0", "image: 1010" },
		{ short_role, "pcr3", "role: 1313" },
		{ other_root, "anchor", "root with SHA-256 641a0321" },
		{ other_pivot, "pivot", " expected, " },
		{ other_argument, "pivot", "argument 1: '--one' expected, '--evil' found" },
		{ one_argument_more, "pivot", "arguments: 1 expected, 2 found" },
		{ restart_always, "pivot_mode", "restart Always, 0 bridges, debug mode off" },
		{ in_debug_mode, "pivot_mode", "debug mode on" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(place_here) struct place_here p = place_new();
		AUTO(match_rows) struct wire_list rows = { 0 };
		const struct match_row *failed;

		cases[i].change(&p.envelope.manifest);
		assert_ok(match_manifest(&p.cluster, &p.expect, &p.envelope.manifest, &rows, &e));
		failed = first_failed(&rows);
		assert_non_null(failed);
		assert_string_equal(buf_text(&failed->check), cases[i].check);
		assert_non_null(strstr(buf_text(&failed->detail), cases[i].detail));
		assert_refused(match_judge(&rows, "what", &e), ERR_REFUSED, cases[i].detail);
		assert_string_equal(e.reason, cases[i].check);
	}
}

/* Each set may have as many members as a set can, and names as long as they can be. */
static void a_large_set_of_strangers_is_told_in_bounds(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(match_rows) struct wire_list rows = { 0 };
	char alias[ALIAS_MAX + 1];
	struct err e;

	(void)state;
	memset(alias, 'a', ALIAS_MAX);
	alias[ALIAS_MAX] = 0;
	for (int i = 0; i < MEMBERS_MAX - MEMBERS; i++) {
		struct member *m;

		assert_ok(
		    wire_list_add(&p.envelope.manifest.share_set.members, &member_schema, &m, &e));
		assert_ok(wire_set_text(&m->alias, alias, &e));
		assert_ok(wire_set(&m->pub_key, VIEW_OF(alias), &e));
	}
	assert_ok(match_manifest(&p.cluster, &p.expect, &p.envelope.manifest, &rows, &e));
	assert_refused(match_judge(&rows, "what", &e), ERR_REFUSED, "share_set");
}

static void the_root_is_where_the_file_says(void **state)
{
	struct cluster c = { .attestation.root = ROOT_AWS };
	struct state s = { .lock = -1 };
	char folder[128], path[160];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	s.folder = folder;
	for (int i = 0; i < 2; i++) {
		AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);

		assert_ok(cluster_root(&c, &s, &root, &e));
		assert_view_equal(buf_view(&root), chain_aws_root);
		snprintf(path, sizeof(path), "%s/root.der", folder);
		assert_ok(file_write(path, chain_aws_root, 0600, &e));
		c.attestation.root = ROOT_FILE;
		c.attestation.root_path = path;
	}
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);

	assert_ok(file_write(path, view_text("no certificate"), 0600, &e));
	assert_refused(cluster_root(&c, &s, &root, &e), ERR_DATA, "root.der");
	c.attestation.root = ROOT_SIMULATED;
	assert_refused(cluster_root(&c, &s, &root, &e), ERR_NOT_DESIRED, "no simulated root");
	folder_clear(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_cluster_file_says_passes_every_check),
		cmocka_unit_test(what_differs_is_named),
		cmocka_unit_test(a_large_set_of_strangers_is_told_in_bounds),
		cmocka_unit_test(the_root_is_where_the_file_says),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

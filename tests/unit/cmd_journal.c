/* Which journal is read, and under which root: a FILE needs nothing else, the state's goes under
 * the cluster file's. What a replay shows is orchestrate_audit.c's. */
#include "cmd_support.h"

#include "birth_support.h"
#include "cluster_support.h"

#include "cmd/journal.h"

struct stage {
	struct birth_stage birth;
	char folder[128], cluster[160], journal[160], root[160];
	char head[80]; /* of its last line, as `audit head` prints it */
	struct context c;
	struct audit audit;
};

static void stage_drop(struct stage *g)
{
	audit_drop(&g->audit);
	context_drop(&g->c);
	birth_stage_drop(&g->birth);
	folder_clear(g->folder);
}

static void set(struct buf *member, struct view v)
{
	struct err e;

	assert_ok(wire_set(member, v, &e));
}

static void file_put(const char *path, struct view content)
{
	struct err e;

	assert_ok(file_write(path, content, 0600, &e));
}

/* An enclave that waits, and the genesis that followed. */
static void journal_fill(struct stage *g)
{
	static const uint8_t question[] = { 9 };
	AUTO(journal) struct journal j = JOURNAL_INIT;
	AUTO(journal_line)
	struct journal_line look = { .kind = JOURNAL_DOCUMENT,
		                     .has_max_age = true,
		                     .max_age_ms = 60000 };
	AUTO(journal_line)
	struct journal_line born = { .kind = JOURNAL_GENESIS,
		                     .has_asked = true,
		                     .asked_ms = g->birth.content.timestamp_ms };
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	struct document_content content = g->birth.content;
	struct err e;

	content.nonce = (struct document_field){ true, VIEW_OF(question) };
	birth_sign(&content, &g->birth.document);
	set(&look.node, view_text("tee1"));
	set(&look.document, buf_view(&g->birth.document));
	set(&look.nonce, VIEW_OF(question));
	birth_attest(&g->birth);
	assert_ok(manifest_envelope_encode(&g->birth.envelope, &borsh, &e));
	set(&born.node, view_text("tee1"));
	set(&born.output, buf_view(&g->birth.borsh));
	set(&born.document, buf_view(&g->birth.document));
	set(&born.envelope, buf_view(&borsh));
	assert_ok(journal_open(g->journal, &j, &e));
	assert_ok(journal_append(&j, &look, &e));
	assert_ok(journal_append(&j, &born, &e));
}

/* A journal in a folder, and beside it the root. */
static void stage_fill(struct stage *g)
{
	struct err e;

	*g = (struct stage){ .c = context_as(OUTPUT_TABLE) };
	birth_stage_fill(&g->birth);
	folder_new(g->folder, sizeof(g->folder));
	snprintf(g->journal, sizeof(g->journal), "%s/journal", g->folder);
	snprintf(g->root, sizeof(g->root), "%s/root.der", g->folder);
	snprintf(g->cluster, sizeof(g->cluster), "%s/c.yaml", g->folder);
	journal_fill(g);
	file_put(g->root, signer_certificate(birth_root));
	g->c.cmd = cmd_find("audit verify");
	g->c.global.file = g->cluster; /* which is not there */
	assert_non_null(g->c.cmd);
	assert_ok(journal_audit(&g->c, g->journal, NULL, NULL, &g->audit, &e));
	snprintf(g->head, sizeof(g->head), "%lld:", (long long)g->audit.sequence);
	hex_write(VIEW_OF(g->audit.head.bytes), g->head + strlen(g->head));
}

/* The same journal is the state's, of a cluster file with this root. */
static void stage_settle(struct stage *g, const char *root)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	char moved[200];
	struct err e;

	assert_ok(buf_add_format(&text, &e,
	                         "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: demo }\n"
	                         "enclave: { image: /bin/true }\nattestation: { root: '%s' }\n"
	                         "quorum:\n  threshold: 2\n  members:\n"
	                         "  - { name: user1, pub: %s/qos/boot-e2e/user1.pub }\n"
	                         "  - { name: user2, pub: %s/qos/boot-e2e/user2.pub }\n"
	                         "nodes:\n  - { name: tee1, url: \"https://tee1.example\" }\n",
	                         root, VECTORS, VECTORS));
	file_put(g->cluster, buf_view(&text));
	snprintf(moved, sizeof(moved), "%s/state", g->folder);
	assert_int_equal(mkdir(moved, 0700), 0);
	snprintf(moved, sizeof(moved), "%s/state/journal", g->folder);
	assert_int_equal(rename(g->journal, moved), 0);
	memcpy(g->journal, moved, sizeof(g->journal));
	moved[strlen(moved) - strlen("/journal")] = 0;
	g->c.global.state = strdup(moved);
}

static int audit_it(struct stage *g, const char *file, const char *root, const char *head,
                    struct err *e)
{
	audit_drop(&g->audit);
	return journal_audit(&g->c, file, root, head, &g->audit, e);
}

static void a_file_needs_nothing_else(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(file_content) struct file_content text = { 0 };
	AUTO(buf) struct buf expected = BUF_INIT(JOURNAL_READ_MAX);
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(journal_load(&g.c, g.journal, &text, &e));
	assert_ok(file_read(g.journal, &expected, &e));
	assert_view_equal(file_content_view(&text), buf_view(&expected));
	assert_int_equal(g.audit.sequence, 2);
	/* The journal's own root, which it says itself. */
	assert_false(g.audit.is_root_given);
	assert_view_equal(buf_view(&g.audit.root), signer_certificate(birth_root));
	assert_null(g.c.state.folder);
	assert_refused(journal_load(&g.c, "/nonexistent/journal", &text, &e), ERR_NO_INPUT,
	               "/nonexistent/journal");
	/* What was read before stays. */
	assert_view_equal(file_content_view(&text), buf_view(&expected));
	assert_refused(audit_it(&g, g.root, NULL, NULL, &e), ERR_DATA, "journal");
}

static void a_root_that_is_given_is_the_one(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(signer) struct signer *other = NULL;
	char path[160];
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(audit_it(&g, g.journal, g.root, NULL, &e));
	assert_true(g.audit.is_root_given);
	snprintf(path, sizeof(path), "%s/other.der", g.folder);
	other = birth_issue(NULL, "teectl SIMULATED root other", true);
	file_put(path, signer_certificate(other));
	assert_refused(audit_it(&g, g.journal, path, NULL, &e), ERR_REFUSED, "line 1");
	assert_refused(audit_it(&g, g.journal, "aws-nitro", NULL, &e), ERR_REFUSED, "line 1");
	assert_refused(audit_it(&g, g.journal, "/nonexistent/root", NULL, &e), ERR_NO_INPUT,
	               "/nonexistent/root");
	/* Its name stands before what is wrong with it. */
	file_put(path, view_text("no certificate"));
	assert_refused(audit_it(&g, g.journal, path, NULL, &e), ERR_DATA, path);
}

static void a_head_is_looked_at_before_anything_is_read(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;
	char *last;

	(void)state;
	stage_fill(&g);
	assert_refused(audit_it(&g, "/nonexistent/journal", NULL, "2:abc", &e), ERR_USAGE,
	               "--head must be what teectl audit head prints");
	assert_ok(audit_it(&g, g.journal, NULL, g.head, &e));
	assert_true(g.audit.is_head_given);
	last = g.head + strlen(g.head) - 1;
	*last = *last == '0' ? '1' : '0';
	assert_refused(audit_it(&g, g.journal, NULL, g.head, &e), ERR_REFUSED, "head");
	assert_ok(audit_it(&g, g.journal, NULL, NULL, &e));
	assert_false(g.audit.is_head_given);
}

static void the_states_goes_under_the_clusters_root(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char folder[200], path[240];
	struct err e;

	(void)state;
	stage_fill(&g);
	stage_settle(&g, "simulated");
	assert_refused(audit_it(&g, NULL, NULL, NULL, &e), ERR_NOT_DESIRED, STATE_NO_ROOT);
	snprintf(folder, sizeof(folder), "%s/pki", g.c.global.state);
	snprintf(path, sizeof(path), "%s/root.der", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	file_put(path, signer_certificate(birth_root));
	assert_ok(audit_it(&g, NULL, NULL, NULL, &e));
	assert_true(g.audit.is_root_given);
	assert_int_equal(g.audit.sequence, 2);
	/* That of the cluster is not the one that documents go back to. */
	file_put(path, signer_certificate(birth_leaf));
	assert_refused(audit_it(&g, NULL, NULL, NULL, &e), ERR_REFUSED, "line 1");
	/* One that is given goes before it, and a FILE is held to none. */
	assert_ok(audit_it(&g, NULL, g.root, NULL, &e));
	assert_ok(audit_it(&g, g.journal, NULL, NULL, &e));
	assert_false(g.audit.is_root_given);
	free((char *)g.c.global.state);
}

static void a_cluster_may_name_its_root(void **state)
{
	struct err e;

	(void)state;
	for (int is_file = 0; is_file < 2; is_file++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g);
		stage_settle(&g, is_file ? g.root : "aws-nitro");
		if (is_file) {
			assert_ok(audit_it(&g, NULL, NULL, NULL, &e));
			assert_true(g.audit.is_root_given);
		} else {
			assert_refused(audit_it(&g, NULL, NULL, NULL, &e), ERR_REFUSED, "line 1");
		}
		free((char *)g.c.global.state);
	}
}

/* Lines are only ever appended: a run that writes does not keep others from reading. */
static void the_states_is_read_while_another_run_changes_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(state) struct state writer = { .lock = -1 };
	AUTO(file_content) struct file_content text = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_refused(journal_load(&g.c, NULL, &text, &e), ERR_NO_INPUT, g.cluster);
	stage_settle(&g, "simulated");
	assert_ok(cluster_read(g.cluster, &g.c.cluster, &e));
	assert_ok(state_open(&g.c.cluster, g.c.global.state, true, "up", &writer, &e));
	/* A cluster that was read is not read again, nor is a state opened twice. */
	g.c.global.file = "/nonexistent/c.yaml";
	assert_ok(journal_load(&g.c, NULL, &text, &e));
	assert_true(file_content_view(&text).len > 0);
	assert_int_equal(g.c.state.lock, -1);
	free((char *)g.c.global.state);
	g.c.global.state = "/nonexistent";
	file_content_drop(&text);
	assert_ok(journal_load(&g.c, NULL, &text, &e));
	assert_int_equal(unlink(g.journal), 0);
	assert_refused(journal_load(&g.c, NULL, &text, &e), ERR_NO_INPUT, g.journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_needs_nothing_else),
		cmocka_unit_test(a_root_that_is_given_is_the_one),
		cmocka_unit_test(a_head_is_looked_at_before_anything_is_read),
		cmocka_unit_test(the_states_goes_under_the_clusters_root),
		cmocka_unit_test(a_cluster_may_name_its_root),
		cmocka_unit_test(the_states_is_read_while_another_run_changes_it),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

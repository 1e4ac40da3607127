/* What of a state folder is given to etcd is believed first, each copy of what the genesis output
 * has included. etcd is a script that keeps nothing; cluster_shared.c has the moves themselves. */
#include "birth_support.h"
#include "client_support.h"
#include "cluster_support.h"

#include "orchestrate/sharing.h"

struct stage {
	char folder[128], root[256];
	struct birth_stage birth;
	struct server *server;
	char *urls[1];
	struct etcd *etcd;
};

static void stage_drop(struct stage *g)
{
	etcd_drop(&g->etcd);
	server_drop(&g->server);
	birth_stage_drop(&g->birth);
	folder_clear(g->folder);
}

/* Filled in place: the cluster points into it. The state has the genesis. */
static void stage_fill(struct stage *g)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	AUTO(state) struct state s = { .lock = -1 };
	struct cluster *c = &g->birth.cluster;
	struct err e;

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	birth_attest(&g->birth);
	folder_new(g->folder, sizeof(g->folder));
	snprintf(g->root, sizeof(g->root), "%s/root.der", g->folder);
	assert_ok(file_write(g->root, signer_certificate(birth_root), 0600, &e));
	g->server = server_start(
	    SCRIPT({ ANSWER, http("200 OK", "", "{\"header\":{\"revision\":\"3\"}}") }));
	g->urls[0] = g->server->url;
	c->attestation.root = ROOT_FILE;
	c->attestation.root_path = g->root;
	c->shared.etcd = g->urls;
	c->shared.etcd_count = 1;
	c->shared.lease_ms = 60000;
	strcat(g->folder, "/state");
	assert_ok(state_open(c, g->folder, true, "test", &s, &e));
	*strrchr(g->folder, '/') = 0;
	kept = birth_kept(&g->birth);
	assert_ok(state_keep_genesis(&s, &kept, &e));
	assert_ok(sharing_open(c, &g->etcd, &e));
}

static void path_of(const struct stage *g, const char *name, char path[static 256])
{
	snprintf(path, 256, "%s/state/%s", g->folder, name);
}

static void put_file(const struct stage *g, const char *name, struct view content)
{
	char path[256];
	struct err e;

	path_of(g, name, path);
	assert_ok(file_write(path, content, 0600, &e));
}

static int sync_now(struct stage *g, struct err *e)
{
	char folder[256];
	const struct sharing s = { .cluster = &g->birth.cluster,
		                   .etcd = g->etcd,
		                   .state_folder = folder,
		                   .interrupt_fd = -1 };

	snprintf(folder, sizeof(folder), "%s/state", g->folder);
	return sharing_sync(&s, e);
}

static void what_is_believed_is_offered(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	/* Asked, and then asked to take it: that answer is none, which is not the judge's matter.
	 */
	(void)!sync_now(&g, &e);
	assert_true(g.server->request_count > 1);
	assert_non_null(strstr(g.server->requests[0], "/v3/kv/range"));
	assert_non_null(strstr(g.server->requests[1], "/v3/kv/txn"));
}

static void another_share(struct stage *g)
{
	uint8_t other[130] = { 1 };

	put_file(g, "shares/user2.share", VIEW_OF(other));
}

static void a_share_that_is_too_long(struct stage *g)
{
	uint8_t other[200];

	memset(other, 2, sizeof(other));
	put_file(g, "shares/user2.share", VIEW_OF(other));
}

static void a_share_of_nobody(struct stage *g)
{
	put_file(g, "shares/user9.share", view_text("x"));
}

static void another_quorum_key(struct stage *g)
{
	char path[256];
	struct err e;

	path_of(g, "quorum_key.pub", path);
	assert_int_equal(remove(path), 0);
	assert_ok(public_key_write(path, key_set_public(birth_people.stranger), &e));
}

static void a_wrap_that_no_genesis_made(struct stage *g)
{
	put_file(g, "dr_wrapped_quorum_key", view_text("x"));
}

static void another_cluster_file(struct stage *g)
{
	g->birth.cluster.manifest.nonce++;
}

static void another_pin(struct stage *g)
{
	pcr_zero(&g->birth.cluster.enclave.pcrs.values[PCR_IMAGE]);
}

/* One after the other, each looked at before those that are there already. */
static void what_is_not_believed_is_given_to_nobody(void **state)
{
	static const struct {
		void (*alter)(struct stage *g);
		enum err_code code;
		const char *reason, *words;
	} rows[] = {
		{ another_cluster_file, ERR_ATTESTATION, "namespace", "the manifest's namespace" },
		{ another_pin, ERR_ATTESTATION, "pcr0", "the cluster file pins" },
		{ a_share_of_nobody, ERR_REFUSED, "genesis_output",
		  "'shares/user9.share' is of no member" },
		{ another_share, ERR_REFUSED, "genesis_output", "'user2' of '" },
		{ a_share_that_is_too_long, ERR_REFUSED, "genesis_output", "'user2' of '" },
		{ a_wrap_that_no_genesis_made, ERR_REFUSED, "genesis_output",
		  "'dr_wrapped_quorum_key' of '" },
		{ another_quorum_key, ERR_REFUSED, "genesis_output", "'quorum_key.pub' of '" },
	};
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	for (size_t i = 0; i < COUNT(rows); i++) {
		rows[i].alter(&g);
		assert_int_equal(sync_now(&g, &e), -1);
		if (e.code != rows[i].code || strcmp(e.reason, rows[i].reason) != 0 ||
		    !strstr(e.text, rows[i].words))
			fail_msg("row %zu: %s (%s): %s", i, err_info(e.code)->name, e.reason,
			         e.text);
		assert_int_equal(g.server->request_count, i + 1); /* read, and no more */
	}
}

static void without_a_root_nothing_can_be_judged(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	g.birth.cluster.attestation.root = ROOT_SIMULATED;
	assert_refused(sync_now(&g, &e), ERR_NOT_DESIRED, STATE_NO_ROOT);
	assert_int_equal(g.server->request_count, 1);
}

static void where_the_file_names_no_etcd_nothing_is_pushed(void **state)
{
	const struct cluster none = { .node_count = 0 };
	const struct state s = { .lock = -1 };
	struct err e;

	(void)state;
	assert_ok(sharing_push(&none, &s, -1, &e));
}

static void a_member_is_asked_by_itself(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(sharing_ask(&g.birth.cluster, 0, -1, &e));
	assert_int_equal(g.server->request_count, 1);
	/* A file of ours that is not there is told before anyone is asked. */
	g.birth.cluster.shared.ca = (char *)"/nonexistent/ca.pem";
	assert_refused(sharing_ask(&g.birth.cluster, 0, -1, &e), ERR_NO_INPUT,
	               "state.ca of the cluster file");
	assert_int_equal(g.server->request_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_believed_is_offered),
		cmocka_unit_test(what_is_not_believed_is_given_to_nobody),
		cmocka_unit_test(without_a_root_nothing_can_be_judged),
		cmocka_unit_test(where_the_file_names_no_etcd_nothing_is_pushed),
		cmocka_unit_test(a_member_is_asked_by_itself),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

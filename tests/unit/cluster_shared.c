/* Shared state with a folder that is there: what another run does meanwhile is not overwritten, nor
 * anything by what is not believed, and what can't be read is not taken for empty. */
#include "client_support.h"
#include "cluster_support.h"

#include "base/clock.h"
#include "cluster/shared.h"

#include <sys/stat.h>

#define PREFIX "teectl/demo/state/"
#define HASH   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct stage {
	char folder[128];
	struct server *server;
	char *url;
	struct etcd *etcd;
	struct cluster cluster;
};

static void stage_drop(struct stage *g)
{
	etcd_drop(&g->etcd);
	server_drop(&g->server);
	folder_clear(g->folder);
}

/* etcd keeps a current manifest and the genesis output; a write is done. */
static const char *kept(void)
{
	static char body[1024];

	/* teectl/demo/state/genesis_output, and teectl/demo/state/manifest.current */
	snprintf(body, sizeof(body),
	         "{\"header\":{\"revision\":\"3\"},\"kvs\":["
	         "{\"key\":\"dGVlY3RsL2RlbW8vc3RhdGUvZ2VuZXNpc19vdXRwdXQ=\",\"mod_revision\":\"1\","
	         "\"value\":\"Z2VuZXNpcw==\"},"
	         "{\"key\":\"dGVlY3RsL2RlbW8vc3RhdGUvbWFuaWZlc3QuY3VycmVudA==\","
	         "\"mod_revision\":\"2\",\"value\":\"%s\"}]}",
	         /* HASH */
	         "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
	         "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ==");
	return http("200 OK", "", body);
}

/* The server's and etcd's urls point into it: filled in place. */
static void stage_fill(struct stage *g, const char *answer)
{
	struct etcd_options options = { .urls = &g->url, .count = 1, .timeout_ms = 20000 };
	struct err e;

	*g = (struct stage){ 0 };
	folder_new(g->folder, sizeof(g->folder));
	chmod(g->folder, 0700);
	g->server = server_start(SCRIPT({ ANSWER, answer }));
	g->url = g->server->url;
	assert_ok(etcd_new(&options, &g->etcd, &e));
}

static void put_file(const struct stage *g, const char *name, const char *text)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	assert_ok(file_write(path, view_text(text), 0600, &e));
}

static bool has(const struct stage *g, const char *name, const char *text)
{
	AUTO(buf) struct buf content = BUF_INIT(4096);
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	return file_read(path, &content, &e) == 0 &&
	       view_equal(buf_view(&content), view_text(text));
}

static bool is_there(const struct stage *g, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	return file_is_there(path);
}

/* What the judge is shown, and what it says. */
struct verdict {
	const char *staged; /* where it looks; NULL: the own folder */
	const char *name, *text;
	bool is_refusal;
	size_t asked;
};

static int judge(const void *context, const struct state *kept, const struct state *own,
                 struct err *e)
{
	struct verdict *v = *(struct verdict *const *)context;
	AUTO(buf) struct buf content = BUF_INIT(4096);
	char path[512];

	v->asked++;
	assert_int_equal(kept == own, v->staged == NULL);
	if (v->staged)
		assert_non_null(strstr(kept->folder, v->staged));
	snprintf(path, sizeof(path), "%s/%s", kept->folder, v->name);
	assert_int_equal(file_read(path, &content, e), 0);
	assert_true(view_equal(buf_view(&content), view_text(v->text)));
	return v->is_refusal ? err_set(e, ERR_REFUSED, "so says the judge") : 0;
}

static int sync_by(struct stage *g, struct verdict *v, enum shared_move *ret, struct err *e)
{
	const struct shared_place place = {
		.etcd = g->etcd, .prefix = PREFIX, .judge = { judge, &v }, .interrupt_fd = -1
	};

	return shared_sync(&place, &g->cluster, g->folder, ret, e);
}

/* Of a move that is the caller's to look at. */
static int sync_now(struct stage *g, enum shared_move *ret, struct err *e)
{
	struct verdict good = { "etcd.pulled", "manifest.current", HASH, false, 0 };

	return sync_by(g, &good, ret, e);
}

static void what_etcd_keeps_is_pulled(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	struct err e;

	(void)state;
	stage_fill(&g, kept());
	assert_ok(sync_now(&g, &move, &e));
	assert_int_equal(move, SHARED_PULL);
	assert_true(has(&g, "genesis_output", "genesis"));
	assert_true(has(&g, "manifest.current", HASH));
	assert_false(is_there(&g, "etcd.pulled"));
}

static void what_is_not_believed_changes_nothing(void **state)
{
	struct verdict bad = { "etcd.pulled", "genesis_output", "genesis", true, 0 };
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	struct err e;

	(void)state;
	stage_fill(&g, kept());
	put_file(&g, "quorum_key.pub", "own key");
	assert_refused(sync_by(&g, &bad, &move, &e), ERR_REFUSED,
	               "what it keeps under 'teectl/demo/state/' is not taken over: so says");
	assert_int_equal(bad.asked, 1);
	assert_true(has(&g, "quorum_key.pub", "own key"));
	assert_false(is_there(&g, "genesis_output"));
	assert_false(is_there(&g, "manifest.current"));
	assert_false(is_there(&g, "etcd.pulled"));
}

/* Whatever a judge would say of it: a genesis that is here stays. */
static void a_genesis_that_is_here_is_not_overwritten(void **state)
{
	struct verdict good = { "etcd.pulled", "manifest.current", HASH, false, 0 };
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	struct err e;

	(void)state;
	stage_fill(&g, kept());
	put_file(&g, "genesis_output", "own genesis");
	assert_refused(sync_by(&g, &good, &move, &e), ERR_DATA, "another 'genesis_output'");
	assert_int_equal(good.asked, 0);
	assert_true(has(&g, "genesis_output", "own genesis"));
	assert_false(is_there(&g, "manifest.current"));
}

static void what_is_not_believed_is_not_given_to_others(void **state)
{
	struct verdict bad = { NULL, "manifest.current", HASH "\n", true, 0 };
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	char manifests[160];
	struct err e;

	(void)state;
	stage_fill(&g, http("200 OK", "", "{\"header\":{\"revision\":\"3\"}}"));
	snprintf(manifests, sizeof(manifests), "%s/manifests", g.folder);
	assert_int_equal(mkdir(manifests, 0700), 0);
	put_file(&g, "manifests/" HASH ".json", "{}");
	put_file(&g, "manifest.current", HASH "\n");
	assert_refused(sync_by(&g, &bad, &move, &e), ERR_REFUSED,
	               "etcd is not given what the state keeps: so says");
	assert_int_equal(move, SHARED_PUSH);
	assert_int_equal(bad.asked, 1);
	assert_int_equal(g.server->request_count, 1);
}

/* While etcd is asked a run on this machine has its genesis. */
static void have_genesis(void *context)
{
	put_file(context, "genesis_output", "own genesis");
	put_file(context, "manifest.current", OTHER);
}

static void a_genesis_that_came_meanwhile_is_not_overwritten(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	struct err e;

	(void)state;
	stage_fill(&g, kept());
	g.server->context = &g;
	g.server->on_request = have_genesis;
	assert_refused(sync_now(&g, &move, &e), ERR_TRY_AGAIN, "was changed by another run");
	assert_true(has(&g, "genesis_output", "own genesis"));
	assert_true(has(&g, "manifest.current", OTHER));
	/* And then it is seen for what it is. */
	g.server->on_request = NULL;
	assert_refused(sync_now(&g, &move, &e), ERR_DATA, "conflict");
}

/* As a run leaves it between its manifests and what names the current one, read by halves. */
static void a_manifest_that_is_named_and_not_kept_is_not_pushed(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	struct err e;

	(void)state;
	stage_fill(&g, http("200 OK", "", "{\"header\":{\"revision\":\"3\"}}"));
	put_file(&g, "manifest.current", HASH "\n");
	assert_refused(sync_now(&g, &move, &e), ERR_TRY_AGAIN, "that it does not keep");
	assert_int_equal(g.server->request_count, 1);
}

static void a_folder_that_cannot_be_read_is_not_empty(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	enum shared_move move;
	struct err e;

	(void)state;
	stage_fill(&g, kept());
	put_file(&g, "manifests", "no folder");
	assert_refused(sync_now(&g, &move, &e), ERR_NO_INPUT, "Not a directory");
	assert_int_equal(g.server->request_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_etcd_keeps_is_pulled),
		cmocka_unit_test(what_is_not_believed_changes_nothing),
		cmocka_unit_test(a_genesis_that_is_here_is_not_overwritten),
		cmocka_unit_test(what_is_not_believed_is_not_given_to_others),
		cmocka_unit_test(a_genesis_that_came_meanwhile_is_not_overwritten),
		cmocka_unit_test(a_manifest_that_is_named_and_not_kept_is_not_pushed),
		cmocka_unit_test(a_folder_that_cannot_be_read_is_not_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

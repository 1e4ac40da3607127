/* A drill: what of the members' real shares it finds, when it waits, and that nothing of it is
 * left. The hypervisor is a script that starts nothing; a drill that goes through is
 * tests/cmd_recover_drill.bats's. */
#include "birth_support.h"
#include "cluster_support.h"

#include "crypto/shamir.h"
#include "orchestrate/drill.h"

#include <sys/stat.h>
#include <unistd.h>

/* Stands in for teectl-hv, found on the PATH. */
#define SCRIPT                                                                                     \
	"#!/bin/sh\ncd '%s' || exit 1\n"                                                           \
	"for a; do echo \"$a\" >>args; done\n"                                                     \
	"[ ! -e .teectl/demo/drill/left ] || echo left >>args\necho nothing here >&2\nexit 1\n"

struct stage {
	struct birth_stage birth;
	char folder[128], *old_path;
	struct cluster cluster;
	struct run_options options;
	struct drill_report report;
	char rows[2048]; /* of the report: step, subject, state */
};

static void stage_drop(struct stage *g)
{
	drill_report_drop(&g->report);
	cluster_drop(&g->cluster);
	birth_stage_drop(&g->birth);
	setenv("PATH", g->old_path, 1);
	free(g->old_path);
	folder_clear(g->folder);
}

static void put(const struct stage *g, const char *name, struct view content, mode_t mode)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	assert_ok(file_write(path, content, mode, &e));
}

static bool is_there(const struct stage *g, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	return file_is_there(path);
}

static void remove_file(const struct stage *g, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", g->folder, name);
	assert_int_equal(unlink(path), 0);
}

/* The i-th member's share is his number, and zeroes. */
static void seal_share(size_t i, struct buf *to, struct hash512 *ret)
{
	const uint8_t bytes[SHARE_LEN] = { (uint8_t)(i + 1) };
	AUTO(secret) struct secret plain = secret_of(VIEW_OF(bytes));
	struct err e;

	assert_ok(sha512(VIEW_OF(bytes), ret, &e));
	assert_ok(
	    envelope_seal(key_set_public(birth_people.keys[i]), &plain, &entropy_system, to, &e));
}

static void seal_shares(struct genesis_output *output)
{
	struct encrypted_share *shares = output->member_outputs.items;
	struct err e;

	for (size_t i = 0; i < MEMBERS; i++) {
		AUTO(buf) struct buf sealed = BUF_INIT(256);
		struct hash512 hash;

		seal_share(i, &sealed, &hash);
		memcpy(shares[i].share_hash, hash.bytes, sizeof(shares[i].share_hash));
		assert_ok(wire_set(&shares[i].encrypted_quorum_key_share, buf_view(&sealed), &e));
	}
}

static void cluster_fill(struct stage *g)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	AUTO(buf) struct buf script = BUF_INIT(4096);
	char path[4096];
	struct err e;

	assert_ok(buf_add_format(&script, &e, SCRIPT, g->folder));
	put(g, "teectl-hv", buf_view(&script), 0700);
	for (size_t i = 0; i < MEMBERS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "qos/boot-e2e/%s.secret", aliases[i]);
		AUTO(buf) struct buf key = vector_file(name);

		put(g, name + strlen("qos/boot-e2e/"), buf_view(&key), 0600);
	}
	assert_ok(buf_add_format(&text, &e,
	                         "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: demo }\n"
	                         "enclave: { image: /bin/true, role: ops }\n"
	                         "quorum:\n  threshold: 2\n  drKey: dr.pub\n  members:\n"
	                         "  - { name: user1, key: user1.secret }\n"
	                         "  - { name: user2, key: user2.secret }\n"
	                         "  - { name: user3, key: user3.secret }\n"
	                         "tls: { server: { cert: c.pem, key: c.key } }\n"
	                         "nodes:\n  - { name: tee1, listen: \"127.0.0.1:4711\" }\n"));
	put(g, "c.yaml", buf_view(&text), 0600);
	snprintf(path, sizeof(path), "%s:%s", g->folder, g->old_path);
	setenv("PATH", path, 1);
	snprintf(path, sizeof(path), "%s/c.yaml", g->folder);
	assert_ok(cluster_read(path, &g->cluster, &e));
}

static void stage_fill(struct stage *g)
{
	*g = (struct stage){
		.options = { .verb = "recover drill", .timeout_ms = 20000, .interrupt_fd = -1 },
		.old_path = strdup(getenv("PATH"))
	};
	birth_stage_fill(&g->birth);
	seal_shares(&g->birth.output);
	birth_attest(&g->birth);
	folder_new(g->folder, sizeof(g->folder));
	cluster_fill(g);
}

static void state_to_change(const struct stage *g, struct state *ret)
{
	struct err e;

	assert_ok(state_open(&g->cluster, NULL, true, "test", ret, &e));
}

/* The genesis of the stage is the cluster's. */
static void stage_birth(struct stage *g)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	AUTO(state) struct state s = { .lock = -1 };
	struct err e;

	stage_fill(g);
	kept = birth_kept(&g->birth);
	state_to_change(g, &s);
	assert_ok(state_keep_genesis(&s, &kept, &e));
}

static int practise(struct stage *g, struct err *e)
{
	const struct drill_row *rows;
	size_t len = 0;

	drill_report_drop(&g->report);
	g->rows[0] = 0;
	TRY(drill(&g->cluster, &g->options, &g->report, e));
	rows = g->report.steps.items;
	for (size_t i = 0; i < g->report.steps.count; i++)
		len += (size_t)snprintf(g->rows + len, sizeof(g->rows) - len, "%s%s%s %s\n",
		                        buf_text(&rows[i].step), rows[i].subject.len ? " " : "",
		                        buf_text(&rows[i].subject), drill_words[rows[i].state]);
	return 0;
}

static const char *note_of(const struct stage *g, size_t row)
{
	return buf_text(&((const struct drill_row *)g->report.steps.items)[row].note);
}

#define CHECKED "check user1 done\ncheck user2 done\ncheck user3 done\n"
#define ENDED   "launch failed\nclear done\n"

static void without_a_genesis_there_is_nothing_to_practise(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_refused(practise(&g, &e), ERR_NOT_DESIRED,
	               "there has been no genesis, so there is nothing to drill for");
	assert_false(is_there(&g, "args"));
}

static void it_waits_for_as_many_keys_as_a_recovery_needs(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_birth(&g);
	remove_file(&g, "user1.secret");
	remove_file(&g, "user3.secret");
	assert_ok(practise(&g, &e));
	assert_string_equal(buf_text(&g.report.outcome), "waiting");
	assert_string_equal(buf_text(&g.report.cluster), "demo");
	assert_int_equal(g.report.failure.code, ERR_WAITING);
	assert_string_equal(g.report.failure.text,
	                    "1 of 2 members' keys for shares are here, and 1 of 2 for approvals: a "
	                    "drill needs as many as a recovery; waiting for: user1, user3");
	assert_string_equal(g.rows, "check user1 waiting for people\ncheck user2 done\n"
	                            "check user3 waiting for people\n");
	assert_string_equal(note_of(&g, 0), "the key is not here");
	assert_int_equal(g.report.waiting_for.count, 2);
	assert_false(is_there(&g, "args"));
}

/* Those who approve are another set. */
static void it_waits_for_approvers_too(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_birth(&g);
	remove_file(&g, "user3.secret");
	g.cluster.manifest_set.threshold = 3;
	assert_ok(practise(&g, &e));
	assert_int_equal(g.report.failure.code, ERR_WAITING);
	assert_non_null(strstr(g.report.failure.text, "2 of 2 members' keys for shares are here, "
	                                              "and 2 of 3 for approvals"));
	g.cluster.manifest_set.threshold = 2;
	g.cluster.quorum.members.threshold = 3;
	assert_ok(practise(&g, &e));
	assert_non_null(strstr(g.report.failure.text, "2 of 3 members' keys for shares are here, "
	                                              "and 2 of 2 for approvals"));
	assert_false(is_there(&g, "args"));
}

/* It ends where the launch fails: what was there before is cleared away, and so is this. */
static void what_fails_is_told_and_nothing_is_left(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(state) struct state s = { .lock = -1 };
	AUTO(buf) struct buf args = BUF_INIT(8192);
	char path[256];
	struct err e;

	(void)state;
	if (!HAS_PIDFD)
		skip();
	stage_birth(&g);
	state_to_change(&g, &s);
	assert_ok(state_make_folder(&s, "drill", &e));
	put(&g, ".teectl/demo/drill/left", view_text("by one that was killed"), 0600);
	state_drop(&s);
	assert_ok(practise(&g, &e));
	assert_string_equal(g.rows, CHECKED ENDED);
	assert_string_equal(buf_text(&g.report.outcome), "failed");
	assert_int_equal(g.report.waiting_for.count, 0);
	assert_string_equal(note_of(&g, 0),
	                    "the share opens, and is the one that the genesis attested");
	assert_non_null(strstr(note_of(&g, 3), "nothing here"));
	assert_string_equal(g.report.failure.text, note_of(&g, 3));
	assert_string_equal(note_of(&g, 4), "nothing of the drill is left");
	assert_false(is_there(&g, ".teectl/demo/drill"));
	/* Two of its own, anywhere, without the cluster's TLS: the same otherwise. */
	snprintf(path, sizeof(path), "%s/args", g.folder);
	assert_ok(file_read(path, &args, &e));
	assert_non_null(strstr(buf_text(&args), "--instance=drill1\n"));
	assert_non_null(strstr(buf_text(&args), "--instance=drill2\n"));
	assert_non_null(strstr(buf_text(&args), "--listen=127.0.0.1:0\n"));
	assert_non_null(strstr(buf_text(&args), "--role=ops\n"));
	assert_non_null(strstr(buf_text(&args), "/.teectl/demo/drill/pki\n"));
	assert_null(strstr(buf_text(&args), "tls"));
	assert_null(strstr(buf_text(&args), "4711"));
	assert_null(strstr(buf_text(&args), "tee1"));
	assert_null(strstr(buf_text(&args), "left"));
}

static void one_whose_time_is_up_begins_nothing(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_birth(&g);
	g.options.timeout_ms = 0;
	assert_ok(practise(&g, &e));
	assert_string_equal(g.rows, CHECKED ENDED);
	assert_int_equal(g.report.failure.code, ERR_TRY_AGAIN);
	assert_string_equal(g.report.failure.text, "the time is up");
	assert_false(is_there(&g, "args"));
}

/* Of all that fails the share is what the drill was for. */
static void a_wrong_share_is_told_whatever_fails_behind_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(buf) struct buf other = BUF_INIT(256);
	uint8_t bytes[SHARE_LEN] = { 9 };
	struct err e;

	(void)state;
	stage_birth(&g);
	g.options.timeout_ms = 0;
	AUTO(secret) struct secret plain = secret_of(VIEW_OF(bytes));

	assert_ok(envelope_seal(key_set_public(birth_people.keys[1]), &plain, &entropy_system,
	                        &other, &e));
	put(&g, ".teectl/demo/shares/user2.share", buf_view(&other), 0600);
	put(&g, ".teectl/demo/shares/user3.share", view_text("none"), 0600);
	assert_ok(practise(&g, &e));
	assert_string_equal(g.rows,
	                    "check user1 done\ncheck user2 failed\ncheck user3 failed\n" ENDED);
	assert_string_equal(buf_text(&g.report.outcome), "failed");
	assert_non_null(strstr(note_of(&g, 1), "holds another share than the attested one"));
	assert_int_equal(g.report.failure.code, ERR_SHARE);
	assert_non_null(strstr(g.report.failure.text, "the share of user2: "));
}

static void a_key_that_others_can_read_opens_nothing(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_birth(&g);
	g.options.timeout_ms = 0;
	snprintf(path, sizeof(path), "%s/user1.secret", g.folder);
	assert_int_equal(chmod(path, 0644), 0);
	assert_ok(practise(&g, &e));
	assert_non_null(strstr(g.rows, "check user1 failed\ncheck user2 done\n"));
	assert_int_equal(g.report.failure.code, ERR_DATA);
	assert_non_null(strstr(g.report.failure.text, "the share of user1: "));
}

/* Where the quorum was born elsewhere a share opens, and that is all that is said. */
static void of_a_quorum_from_elsewhere_less_is_known(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(state) struct state s = { .lock = -1 };
	struct err e;

	(void)state;
	stage_fill(&g);
	g.options.timeout_ms = 0;
	state_to_change(&g, &s);
	assert_ok(state_import(&s, &g.birth.envelope, &e));
	assert_ok(state_make_folder(&s, "shares", &e));
	state_drop(&s);
	for (size_t i = 0; i < MEMBERS; i++) {
		AUTO(buf) struct buf sealed = BUF_INIT(256);
		struct hash512 hash;
		char name[64];

		seal_share(i, &sealed, &hash);
		snprintf(name, sizeof(name), ".teectl/demo/shares/%s.share", aliases[i]);
		put(&g, name, buf_view(&sealed), 0600);
	}
	assert_ok(practise(&g, &e));
	assert_string_equal(g.rows, CHECKED ENDED);
	assert_string_equal(note_of(&g, 0),
	                    "the share opens; no genesis here says whether it is the one");
}

static void a_file_of_another_quorum_is_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_birth(&g);
	memcpy(g.cluster.quorum.members.items[2].name, "user9", sizeof("user9"));
	assert_refused(practise(&g, &e), ERR_CONFIG, "the genesis was for no member 'user9'");
}

static void without_an_image_there_is_nothing_to_launch(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_birth(&g);
	text_drop(&g.cluster.enclave.image);
	assert_refused(practise(&g, &e), ERR_CONFIG, "the file names no enclave.image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_genesis_there_is_nothing_to_practise),
		cmocka_unit_test(it_waits_for_as_many_keys_as_a_recovery_needs),
		cmocka_unit_test(it_waits_for_approvers_too),
		cmocka_unit_test(what_fails_is_told_and_nothing_is_left),
		cmocka_unit_test(one_whose_time_is_up_begins_nothing),
		cmocka_unit_test(a_wrong_share_is_told_whatever_fails_behind_it),
		cmocka_unit_test(a_key_that_others_can_read_opens_nothing),
		cmocka_unit_test(of_a_quorum_from_elsewhere_less_is_known),
		cmocka_unit_test(a_file_of_another_quorum_is_refused),
		cmocka_unit_test(without_an_image_there_is_nothing_to_launch),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

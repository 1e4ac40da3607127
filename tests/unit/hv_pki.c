/* The folder of the simulated PKI. */
/* link: enclave-stub/hv/pki.c */
#include "hv/pki.h"

#include "hv_support.h"

#include "attest/chain.h"
#include "base/file.h"
#include "base/text.h"

#include <sys/stat.h>
#include <fcntl.h>
#include <sys/wait.h>

#define NOW      INT64_C(1767225600) /* 2026-01-01 */
#define HOUR     INT64_C(3600)
#define FILE_MAX 4096

static struct identity certify(const char *folder, int64_t now)
{
	struct identity i = { 0 };
	struct err e;

	assert_ok(pki_certify(folder, "leaf", now, PKI_START_PATIENCE_MS, &i, &e));
	return i;
}

static int verify(const struct identity *i, int64_t at, struct err *e)
{
	AUTO(chain_key) struct chain_key *key = NULL;
	struct view platform = buf_view(&i->platform);

	return chain_verify(buf_view(&i->root), &platform, 1, signer_certificate(i->leaf), at, &key,
	                    e);
}

static char *path_in(const char *folder, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void a_leaf_verifies_for_its_three_hours(void **state)
{
	AUTO(identity) struct identity i = certify(*state, NOW);
	struct err e;

	assert_ok(verify(&i, NOW, &e));
	assert_ok(verify(&i, NOW - 60, &e));
	assert_ok(verify(&i, NOW + 3 * HOUR, &e));
	assert_refused(verify(&i, NOW - 61, &e), ERR_ATTESTATION, "");
	assert_memory_equal(e.reason, "chain:time", 10);
	assert_refused(verify(&i, NOW + 3 * HOUR + 1, &e), ERR_ATTESTATION, "");
	assert_string_equal(e.reason, "chain:time@2");
	assert_int_equal(signer_not_after_unix(i.leaf), NOW + 3 * HOUR);
}

static bool contains(const struct buf *b, const char *text)
{
	return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static void the_names_say_simulated(void **state)
{
	AUTO(identity) struct identity i = certify(*state, NOW);

	assert_true(contains(&i.root, "teectl SIMULATED root "));
	assert_true(contains(&i.platform, "teectl SIMULATED platform "));
}

static void a_leaf_is_due_in_its_last_hour_or_before_it_began(void **state)
{
	AUTO(identity) struct identity i = certify(*state, NOW);

	assert_false(identity_is_due(&i, NOW));
	assert_false(identity_is_due(&i, NOW + 2 * HOUR));
	assert_true(identity_is_due(&i, NOW + 2 * HOUR + 1));
	assert_true(identity_is_due(&i, NOW + 5 * HOUR));
	assert_true(identity_is_due(&i, NOW - 1));
}

static void the_files_are_private(void **state)
{
	static const char *const names[] = { "root.key", "platform.key", "lock" };
	AUTO(identity) struct identity i = certify(*state, NOW);
	struct stat st;

	(void)i;
	for (size_t n = 0; n < COUNT(names); n++) {
		assert_int_equal(stat(path_in(*state, names[n]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_true(file_is_there(path_in(*state, "root.der")));
	assert_true(file_is_there(path_in(*state, "platform.der")));
}

static void enclaves_of_one_folder_share_root_and_platform(void **state)
{
	AUTO(identity) struct identity a = certify(*state, NOW);
	AUTO(identity) struct identity b = certify(*state, NOW + 20 * HOUR);
	AUTO(identity) struct identity c = certify(*state, NOW + 20 * HOUR + 1);
	struct err e;

	assert_true(view_equal(buf_view(&a.root), buf_view(&b.root)));
	assert_true(view_equal(buf_view(&a.platform), buf_view(&b.platform)));
	assert_false(view_equal(signer_certificate(a.leaf), signer_certificate(b.leaf)));
	/* With less than four hours left the platform CA is made again, under the same root. */
	assert_true(view_equal(buf_view(&a.root), buf_view(&c.root)));
	assert_false(view_equal(buf_view(&a.platform), buf_view(&c.platform)));
	assert_ok(verify(&c, NOW + 20 * HOUR + 1, &e));
}

static void a_clock_set_back_makes_another_platform(void **state)
{
	AUTO(identity) struct identity a = certify(*state, NOW);
	AUTO(identity) struct identity b = certify(*state, NOW - 48 * HOUR);
	struct err e;

	assert_false(view_equal(buf_view(&a.platform), buf_view(&b.platform)));
	assert_ok(verify(&b, NOW - 48 * HOUR, &e));
}

static void overwrite(const char *path, const char *text)
{
	struct err e;

	assert_ok(file_write(path, view_text(text), 0600, &e));
}

static void a_damaged_platform_is_made_again(void **state)
{
	static const char *const names[] = { "platform.key", "platform.der" };
	AUTO(identity) struct identity before = certify(*state, NOW);

	for (size_t n = 0; n < COUNT(names); n++) {
		AUTO(identity) struct identity after = { 0 };

		overwrite(path_in(*state, names[n]), "nonsense");
		after = certify(*state, NOW);
		assert_true(view_equal(buf_view(&before.root), buf_view(&after.root)));
		assert_false(view_equal(buf_view(&before.platform), buf_view(&after.platform)));
	}
}

static void a_platform_of_another_root_is_made_again(void **state)
{
	AUTO(identity) struct identity before = certify(*state, NOW);
	AUTO(identity) struct identity after = { 0 };
	struct err e;

	assert_int_equal(unlink(path_in(*state, "root.der")), 0);
	after = certify(*state, NOW);
	assert_false(view_equal(buf_view(&before.root), buf_view(&after.root)));
	assert_false(view_equal(buf_view(&before.platform), buf_view(&after.platform)));
	assert_ok(verify(&after, NOW, &e));
}

static void a_damaged_root_is_never_replaced(void **state)
{
	AUTO(identity) struct identity before = certify(*state, NOW);
	struct identity after;
	struct err e;

	(void)before;
	overwrite(path_in(*state, "root.key"), "nonsense");
	assert_refused(pki_certify(*state, "leaf", NOW, PKI_START_PATIENCE_MS, &after, &e),
	               ERR_DATA, "simulated root");
	assert_int_equal(unlink(path_in(*state, "root.key")), 0);
	assert_refused(pki_certify(*state, "leaf", NOW, PKI_START_PATIENCE_MS, &after, &e),
	               ERR_DATA, "simulated root");
	assert_false(file_is_there(path_in(*state, "root.key")));
}

/* Its files are taken away, or another root is put there, after the folder was found. */
static void a_renewal_is_under_the_same_root_or_none(void **state)
{
	AUTO(identity) struct identity before = certify(*state, NOW);
	AUTO(identity) struct identity after = { 0 };
	AUTO(identity) struct identity other = { 0 };
	struct view root = buf_view(&before.root);
	struct err e;

	assert_ok(pki_renew(*state, root, "leaf", NOW, PKI_RENEW_PATIENCE_MS, &after, &e));
	assert_true(view_equal(root, buf_view(&after.root)));
	assert_int_equal(unlink(path_in(*state, "root.der")), 0);
	identity_drop(&after);
	assert_refused(pki_renew(*state, root, "leaf", NOW, PKI_RENEW_PATIENCE_MS, &after, &e),
	               ERR_NO_INPUT, "the root that it was started under is not in");
	assert_false(file_is_there(path_in(*state, "root.der")));
	other = certify(*state, NOW);
	assert_refused(pki_renew(*state, root, "leaf", NOW, PKI_RENEW_PATIENCE_MS, &after, &e),
	               ERR_NO_INPUT, "the root that it was started under is not in");
}

static void a_folder_that_others_may_look_into_is_refused(void **state)
{
	static const mode_t modes[] = { 0755, 0750, 0711, 0701, 0770 };
	struct identity i;
	struct err e;

	for (size_t n = 0; n < COUNT(modes); n++) {
		assert_int_equal(chmod(*state, modes[n]), 0);
		assert_refused(pki_certify(*state, "leaf", NOW, PKI_START_PATIENCE_MS, &i, &e),
		               ERR_DATA, "expected");
	}
	assert_int_equal(chmod(*state, 0700), 0);
	assert_false(file_is_there(path_in(*state, "root.der")));
}

static void a_missing_folder_is_made_private(void **state)
{
	AUTO(text) char *folder = NULL;
	AUTO(identity) struct identity i = { 0 };
	struct stat st;
	struct err e;

	assert_ok(path_join(*state, "a/b/pki", &folder, &e));
	assert_ok(pki_certify(folder, "leaf", NOW, PKI_START_PATIENCE_MS, &i, &e));
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static int certify_in_child(const char *folder, int report)
{
	AUTO(identity) struct identity i = { 0 };
	struct err e;

	if (pki_certify(folder, "leaf", NOW, PKI_START_PATIENCE_MS, &i, &e) < 0 ||
	    verify(&i, NOW, &e) < 0)
		return 1;
	return write(report, i.root.data, i.root.len) != (ssize_t)i.root.len;
}

/* Packets, so that each certificate stays whole. */
static void many_at_once_agree_on_the_root(void **state)
{
	enum { CHILDREN = 8 };
	AUTO(buf) struct buf root = BUF_INIT(FILE_MAX);
	struct err e;
	int both[2], status;

	if (!HAS_PIDFD)
		skip(); /* they wait for each other's locks */
	assert_int_equal(pipe2(both, O_DIRECT), 0);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(certify_in_child(*state, both[1]));
	}
	for (int i = 0; i < CHILDREN; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_ok(file_read(path_in(*state, "root.der"), &root, &e));
	for (int i = 0; i < CHILDREN; i++) {
		uint8_t got[FILE_MAX];
		ssize_t len = read(both[0], got, sizeof(got));

		assert_true(view_equal(view_new(got, (size_t)len), buf_view(&root)));
	}
	close(both[0]);
	close(both[1]);
}

static void default_is(const char *state_home, const char *home, const char *expected)
{
	AUTO(text) char *folder = NULL;
	struct err e;

	state_home ? setenv("XDG_STATE_HOME", state_home, 1) : unsetenv("XDG_STATE_HOME");
	home ? setenv("HOME", home, 1) : unsetenv("HOME");
	if (!expected) {
		assert_refused(pki_default_folder(&folder, &e), ERR_USAGE, "--pki");
		return;
	}
	assert_ok(pki_default_folder(&folder, &e));
	assert_string_equal(folder, expected);
}

static void the_default_folder_is_the_users_state(void **state)
{
	(void)state;
	default_is(NULL, "/home/me", "/home/me/.local/state/teectl/pki");
	default_is("/state", "/home/me", "/state/teectl/pki");
	default_is("relative", "/home/me", "/home/me/.local/state/teectl/pki");
	default_is("", "/home/me", "/home/me/.local/state/teectl/pki");
	default_is(NULL, NULL, NULL);
	default_is(NULL, "", NULL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_leaf_verifies_for_its_three_hours),
		IN_FOLDER(the_names_say_simulated),
		IN_FOLDER(a_leaf_is_due_in_its_last_hour_or_before_it_began),
		IN_FOLDER(the_files_are_private),
		IN_FOLDER(enclaves_of_one_folder_share_root_and_platform),
		IN_FOLDER(a_clock_set_back_makes_another_platform),
		IN_FOLDER(a_damaged_platform_is_made_again),
		IN_FOLDER(a_platform_of_another_root_is_made_again),
		IN_FOLDER(a_damaged_root_is_never_replaced),
		IN_FOLDER(a_renewal_is_under_the_same_root_or_none),
		IN_FOLDER(a_folder_that_others_may_look_into_is_refused),
		IN_FOLDER(a_missing_folder_is_made_private),
		IN_FOLDER(many_at_once_agree_on_the_root),
		cmocka_unit_test(the_default_folder_is_the_users_state),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

#include "cluster_support.h"

#include "cluster/seen.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[128], key_path[160], path[192];

static int make_folder(void **state)
{
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(key_path, sizeof(key_path), "%s/alice.secret", folder);
	snprintf(path, sizeof(path), "%s.seen", key_path);
	assert_ok(file_write(key_path, view_text("a key"), 0600, &e));
	return 0;
}

static int clear_folder(void **state)
{
	(void)state;
	folder_clear(folder);
	return 0;
}

static struct public_key key_of(const char *name)
{
	struct public_key key;
	char file[512];
	struct err e;

	snprintf(file, sizeof(file), "%s/qos/boot-e2e/%s", VECTORS, name);
	assert_ok(public_key_read(file, &key, &e));
	return key;
}

static struct seen read_seen(const char *name)
{
	struct seen seen;
	struct err e;

	assert_ok(seen_read(key_path, view_text(name), &seen, &e));
	return seen;
}

static void write_nonce(const char *name, int64_t nonce)
{
	const struct seen seen = { .has_nonce = true, .nonce = nonce };
	struct err e;

	assert_ok(seen_write(key_path, view_text(name), &seen, &e));
}

static void nothing_is_known_without_a_file(void **state)
{
	struct seen seen = read_seen("a/b");

	(void)state;
	assert_false(seen.has_nonce);
	assert_false(seen.has_quorum_key);
	assert_false(file_is_there(path));
}

static void what_is_written_is_read_by_namespace(void **state)
{
	struct seen key = { .has_quorum_key = true, .quorum_key = key_of("quorum_key.pub") };
	struct seen seen;
	struct stat st;
	struct err e;

	(void)state;
	write_nonce("a/b", 7);
	assert_ok(seen_write(key_path, view_text("a/b"), &key, &e));
	write_nonce("other", 2);
	write_nonce("a/b", 9);
	seen = read_seen("a/b");
	assert_true(seen.has_nonce);
	assert_int_equal(seen.nonce, 9);
	assert_true(seen.has_quorum_key);
	assert_true(public_key_equal(&seen.quorum_key, &key.quorum_key));
	seen = read_seen("other");
	assert_int_equal(seen.nonce, 2);
	assert_false(seen.has_quorum_key);
	assert_false(read_seen("a").has_nonce);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_lower_nonce_and_another_key_are_refused_and_change_nothing(void **state)
{
	struct seen now = { .has_nonce = true,
		            .nonce = 6,
		            .has_quorum_key = true,
		            .quorum_key = key_of("quorum_key.pub") };
	struct err e;

	(void)state;
	write_nonce("a/b", 7);
	assert_refused(seen_write(key_path, view_text("a/b"), &now, &e), ERR_REFUSED, "nonce");
	assert_false(read_seen("a/b").has_quorum_key);
	now.nonce = 7;
	assert_ok(seen_write(key_path, view_text("a/b"), &now, &e));
	now.quorum_key = key_of("user1.pub");
	now.nonce = 8;
	assert_refused(seen_write(key_path, view_text("a/b"), &now, &e), ERR_REFUSED, "quorum_key");
	assert_int_equal(read_seen("a/b").nonce, 7);
}

static void a_second_manifest_of_one_nonce_is_refused(void **state)
{
	struct seen first = {
		.has_nonce = true, .has_manifest = true, .nonce = 7, .manifest.bytes = { 1 }
	};
	struct seen second = first, seen;
	struct err e;

	(void)state;
	second.manifest.bytes[31] = 9;
	assert_ok(seen_write(key_path, view_text("a/b"), &first, &e));
	assert_ok(seen_write(key_path, view_text("a/b"), &first, &e));
	assert_refused(seen_write(key_path, view_text("a/b"), &second, &e), ERR_REFUSED,
	               "another manifest");
	assert_string_equal(e.reason, "nonce");
	seen = read_seen("a/b");
	assert_true(seen.has_manifest);
	assert_view_equal(VIEW_OF(seen.manifest.bytes), VIEW_OF(first.manifest.bytes));
	/* Another namespace's is its own, and so is the next nonce's. */
	assert_ok(seen_write(key_path, view_text("other"), &second, &e));
	second.nonce = 8;
	assert_ok(seen_write(key_path, view_text("a/b"), &second, &e));
	first.nonce = 8;
	assert_refused(seen_write(key_path, view_text("a/b"), &first, &e), ERR_REFUSED,
	               "another manifest");
}

static void a_hash_is_of_its_nonce_alone(void **state)
{
	struct seen seen = { .has_nonce = true, .has_manifest = true, .nonce = 7 };
	struct err e;

	(void)state;
	/* As an earlier teectl wrote it: the first hash of that nonce is taken. */
	assert_ok(file_write(path,
	                     view_text("{\"version\":1,\"namespaces\":[{\"name\":\"a/b\","
	                               "\"nonce\":7}]}\n"),
	                     0600, &e));
	assert_false(read_seen("a/b").has_manifest);
	assert_ok(seen_write(key_path, view_text("a/b"), &seen, &e));
	assert_true(read_seen("a/b").has_manifest);
	/* Who has none to say leaves it, and takes it away with a higher nonce. */
	write_nonce("a/b", 7);
	assert_true(read_seen("a/b").has_manifest);
	write_nonce("a/b", 8);
	assert_false(read_seen("a/b").has_manifest);
}

static void a_link_is_no_memory(void **state)
{
	const struct seen now = { .has_nonce = true, .nonce = 6 };
	char target[200];
	struct seen seen;
	struct stat st;
	struct err e;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", folder);
	assert_int_equal(symlink("target", path), 0);
	for (int is_there = 0; is_there < 2; is_there++) {
		assert_refused(seen_read(key_path, view_text("a/b"), &seen, &e), ERR_DATA,
		               "is a link");
		assert_refused(seen_write(key_path, view_text("a/b"), &now, &e), ERR_DATA,
		               "is a link");
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISLNK(st.st_mode));
		assert_ok(
		    file_write(target, view_text("{\"version\":1,\"namespaces\":[]}"), 0600, &e));
	}
}

static void a_link_to_a_key_has_that_keys_memory(void **state)
{
	const struct seen lower = { .has_nonce = true, .nonce = 6 };
	char other[200];
	struct seen seen;
	struct err e;

	(void)state;
	snprintf(other, sizeof(other), "%s/link.secret", folder);
	assert_int_equal(symlink("alice.secret", other), 0);
	write_nonce("a/b", 7);
	assert_ok(seen_read(other, view_text("a/b"), &seen, &e));
	assert_int_equal(seen.nonce, 7);
	assert_refused(seen_write(other, view_text("a/b"), &lower, &e), ERR_REFUSED, "nonce");
	snprintf(other, sizeof(other), "%s/none.secret", folder);
	assert_refused(seen_read(other, view_text("a/b"), &seen, &e), ERR_NO_INPUT, "none.secret");
}

static void spoilt_files_are_refused_and_kept(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "" },
		{ "{}", "missing" },
		{ "{\"version\":2,\"namespaces\":[]}", "version: an integer from 1 to 1" },
		{ "{\"version\":1,\"namespaces\":[{}]}", "namespaces[0].name" },
		{ "{\"version\":1,\"namespaces\":[{\"name\":\"a/b\",\"nonce\":-1}]}", "nonce" },
		{ "{\"version\":1,\"namespaces\":[{\"name\":\"a/b\",\"nonce\":4294967296}]}",
		  "nonce" },
		{ "{\"version\":1,\"namespaces\":[{\"name\":\"a/b\",\"quorumKey\":\"04\"}]}",
		  "quorumKey: 130 bytes" },
		{ "{\"version\":1,\"namespaces\":[{\"name\":\"a/b\",\"nonce\":1,\"manifest\":\"00"
		  "\"}]}",
		  "manifest" },
		{ "{\"version\":1,\"namespaces\":[{\"name\":\"a/b\",\"nonce\":1},{\"name\":\"a/"
		  "b\",\"nonce\":9}]}",
		  "namespaces[1].name: there already" },
	};
	const struct seen now = { .has_nonce = true, .nonce = 6 };
	struct seen seen;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf content = BUF_INIT(4096);

		assert_ok(file_write(path, view_text(cases[i].text), 0600, &e));
		assert_refused(seen_read(key_path, view_text("a/b"), &seen, &e), ERR_DATA,
		               cases[i].words);
		assert_refused(seen_write(key_path, view_text("a/b"), &now, &e), ERR_DATA,
		               cases[i].words);
		assert_ok(file_read(path, &content, &e));
		assert_string_equal(buf_text(&content), cases[i].text);
	}
}

static void a_key_that_is_no_point_is_refused(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(4096);
	struct seen seen;
	struct err e;

	(void)state;
	assert_ok(buf_add_format(
	    &text, &e,
	    "{\"version\":1,\"namespaces\":[{\"name\":\"a/b\",\"quorumKey\":\"%0260d\"}]}", 4));
	assert_ok(file_write(path, buf_view(&text), 0600, &e));
	assert_refused(seen_read(key_path, view_text("a/b"), &seen, &e), ERR_DATA,
	               "alice.secret.seen");
}

/* Each of several processes adds a namespace of its own; none is lost. */
static void writers_side_by_side_lose_nothing(void **state)
{
	enum { WRITERS = 8 };
	struct err e;

	(void)state;
	if (!HAS_PIDFD)
		skip(); /* they wait for each other's locks */
	for (int i = 0; i < WRITERS; i++) {
		pid_t child = fork();
		char name[16];

		assert_true(child >= 0);
		if (child == 0) {
			const struct seen seen = { .has_nonce = true, .nonce = i };

			snprintf(name, sizeof(name), "n%d", i);
			_exit(seen_write(key_path, view_text(name), &seen, &e) < 0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(read_seen(name).nonce, i);
		assert_true(read_seen(name).has_nonce);
	}
}

static void there_is_an_end_to_namespaces(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(SEEN_FILE_MAX);
	const struct seen seen = { .has_nonce = true, .nonce = 1 };
	struct err e;

	(void)state;
	assert_ok(buf_add_text(&text, "{\"version\":1,\"namespaces\":[", &e));
	for (int i = 0; i < SEEN_NAMESPACES_MAX; i++)
		assert_ok(
		    buf_add_format(&text, &e, "%s{\"name\":\"n%d\",\"nonce\":1}", i ? "," : "", i));
	assert_ok(buf_add_text(&text, "]}", &e));
	assert_ok(file_write(path, buf_view(&text), 0600, &e));
	assert_ok(seen_write(key_path, view_text("n7"), &seen, &e));
	assert_refused(seen_write(key_path, view_text("one more"), &seen, &e), ERR_DATA,
	               "more than 1024 namespaces");
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, make_folder, clear_folder)
	const struct CMUnitTest tests[] = {
		FRESH(nothing_is_known_without_a_file),
		FRESH(what_is_written_is_read_by_namespace),
		FRESH(a_lower_nonce_and_another_key_are_refused_and_change_nothing),
		FRESH(a_second_manifest_of_one_nonce_is_refused),
		FRESH(a_hash_is_of_its_nonce_alone),
		FRESH(a_link_is_no_memory),
		FRESH(a_link_to_a_key_has_that_keys_memory),
		FRESH(spoilt_files_are_refused_and_kept),
		FRESH(a_key_that_is_no_point_is_refused),
		FRESH(writers_side_by_side_lose_nothing),
		FRESH(there_is_an_end_to_namespaces),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

#include "cluster_support.h"

#include "attest/document_sign.h"
#include "cluster/state.h"
#include "crypto/certificate.h"

#include <sys/stat.h>
#include <unistd.h>

#define NOW_UNIX 1767225600 /* 2026-01-01 */

/* A folder with a cluster file's place in it, and the state that belongs to that. */
struct place_here {
	char folder[128];
	struct cluster cluster;
};

static void place_here_drop(struct place_here *p)
{
	folder_clear(p->folder);
}

static struct place_here place_new(void)
{
	struct place_here p = { .cluster = { .name = "demo" } };

	folder_new(p.folder, sizeof(p.folder));
	return p;
}

static struct state opened(struct place_here *p)
{
	struct state s;
	struct err e;

	p->cluster.folder = p->folder;
	assert_ok(state_open(&p->cluster, NULL, /* to_change= */ true, "test", &s, &e));
	return s;
}

static void path_in(const struct state *s, const char *name, char path[static 256])
{
	snprintf(path, 256, "%s/%s", s->folder, name);
}

static struct buf content_of(const struct state *s, const char *name)
{
	struct buf b = BUF_INIT(WIRE_TEXT_MAX);
	char path[256];
	struct err e;

	path_in(s, name, path);
	assert_ok(file_read(path, &b, &e));
	return b;
}

static void put(const struct state *s, const char *name, struct view content)
{
	char path[256];
	struct err e;

	path_in(s, name, path);
	assert_ok(file_write(path, content, 0600, &e));
}

/* --- folder and lock */

static void the_state_is_beside_the_cluster_file_and_private(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	char expected[256];
	struct stat st;

	(void)state;
	snprintf(expected, sizeof(expected), "%s/.teectl/demo", p.folder);
	assert_string_equal(s.folder, expected);
	assert_int_equal(stat(s.folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void the_state_may_be_elsewhere(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = { .lock = -1 };
	char folder[256];
	struct err e;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/a/b", p.folder);
	assert_ok(state_open(&p.cluster, folder, true, "test", &s, &e));
	assert_string_equal(s.folder, folder);
	assert_true(file_is_there(folder));
}

static void one_run_changes_at_a_time_and_looking_is_free(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state first = opened(&p);
	AUTO(state) struct state second = { .lock = -1 };
	char holder[64];
	struct err e;

	(void)state;
	snprintf(holder, sizeof(holder), "another run (pid %d: test)", (int)getpid());
	assert_refused(state_open(&p.cluster, NULL, true, "genesis", &second, &e), ERR_TRY_AGAIN,
	               holder);
	assert_false(err_has_mark(&e, STATE_HEALING));
	assert_ok(state_open(&p.cluster, NULL, false, "status", &second, &e));
	state_drop(&second);
	state_drop(&first);
	assert_ok(state_open(&p.cluster, NULL, true, "watch", &second, &e));
	assert_refused(state_open(&p.cluster, NULL, true, "genesis", &first, &e), ERR_TRY_AGAIN,
	               "another run");
	assert_true(err_has_mark(&e, STATE_HEALING));
}

static void who_looks_makes_nothing(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = { .lock = -1 };
	AUTO(kept_genesis) struct kept_genesis g = { 0 };
	bool is_found = true;
	struct err e;

	(void)state;
	p.cluster.folder = p.folder;
	assert_ok(state_open(&p.cluster, NULL, false, "status", &s, &e));
	assert_false(file_is_there(s.folder));
	assert_ok(state_load_genesis(&s, &is_found, &g, &e));
	assert_false(is_found);
}

static void a_folder_that_others_may_write_to_is_refused(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	struct state s;
	struct err e;

	(void)state;
	assert_int_equal(chmod(p.folder, 0770), 0);
	for (int to_change = 0; to_change < 2; to_change++)
		assert_refused(state_open(&p.cluster, p.folder, to_change, "test", &s, &e),
		               ERR_DATA, "others may write to it");
}

/* --- genesis */

static struct buf attested(struct view output)
{
	const struct certificate_request request = {
		.common_name = "test",
		.not_before_unix = NOW_UNIX,
		.not_after_unix = NOW_UNIX + 60,
		.is_ca = true,
		.path_length = -1,
	};
	AUTO(signer) struct signer *signer = NULL;
	struct pcr_set pcrs = { 0 };
	struct buf document = BUF_INIT(DOCUMENT_MAX);
	struct hash256 hash;
	struct err e;

	assert_ok(sha256(output, &hash, &e));
	assert_ok(signer_issue(NULL, &request, &signer, &e));
	pcr_zero(&pcrs.values[0]);

	const struct document_content content = {
		.module_id = "i-test-enc1",
		.timestamp_ms = NOW_UNIX * 1000ll,
		.pcrs = &pcrs,
		.cabundle = { signer_certificate(signer) },
		.cabundle_count = 1,
		.user_data = { true, VIEW_OF(hash.bytes) },
	};

	assert_ok(document_sign(&content, signer, &document, &e));
	return document;
}

/* Of QOS's output, and a manifest for its key. */
static struct kept_genesis genesis_of(struct view output_bytes, const char *namespace_name)
{
	AUTO(buf) struct buf text = vector_file("qos/manifest/golden_manifest_v1.json");
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(manifest_file) struct manifest_file file = { 0 };
	struct kept_genesis g = { .output = BUF_INIT(GENESIS_OUTPUT_MAX) };
	struct err e;

	assert_ok(genesis_output_decode(output_bytes, &output, &e));
	assert_ok(manifest_file_parse(buf_view(&text), &file, &e));
	g.envelope = MOVE(file.envelope);
	assert_ok(
	    wire_set(&g.envelope.manifest.namespace.quorum_key, buf_view(&output.quorum_key), &e));
	assert_ok(wire_set_text(&g.envelope.manifest.namespace.name, namespace_name, &e));
	assert_ok(manifest_hash(&g.envelope.manifest, &g.manifest_hash, &e));
	assert_ok(public_key_parse(buf_view(&output.quorum_key), &g.quorum_key, &e));
	assert_ok(buf_add(&g.output, output_bytes, &e));
	g.document = attested(output_bytes);
	return g;
}

static struct kept_genesis some_genesis(const char *namespace_name)
{
	AUTO(buf) struct buf output = vector_file("qos/boot-e2e/genesis_output");

	return genesis_of(buf_view(&output), namespace_name);
}

static void a_genesis_is_kept_and_found_again(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	AUTO(buf) struct buf share = vector_file("qos/boot-e2e/user2.share");
	AUTO(text) char *path = NULL;
	bool is_found = false;
	struct stat st;
	struct err e;

	(void)state;
	assert_ok(state_keep_genesis(&s, &g, &e));
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_true(is_found);
	assert_memory_equal(&found.manifest_hash, &g.manifest_hash, sizeof(g.manifest_hash));
	assert_true(public_key_equal(&found.quorum_key, &g.quorum_key));
	assert_view_equal(buf_view(&found.output), buf_view(&g.output));
	assert_view_equal(buf_view(&found.document), buf_view(&g.document));
	assert_string_equal(buf_text(&found.envelope.manifest.namespace.name), "n");

	assert_ok(state_share_path(&s, "user2", &path, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	AUTO(buf) struct buf kept = content_of(&s, "shares/user2.share");

	assert_view_equal(buf_view(&kept), buf_view(&share));
	AUTO(buf) struct buf wrap = content_of(&s, "dr_wrapped_quorum_key");
	AUTO(buf) struct buf expected = vector_file("qos/boot-e2e/dr_wrapped_quorum_key");

	assert_view_equal(buf_view(&wrap), buf_view(&expected));
	/* The same again is the same. */
	assert_ok(state_keep_genesis(&s, &g, &e));
}

static void a_half_written_genesis_is_none(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	bool is_found = true;
	char path[256];
	struct err e;

	(void)state;
	/* The folder for the manifest can't be made: everything before it has been written. */
	put(&s, "manifests", view_text(""));
	assert_refused(state_keep_genesis(&s, &g, &e), ERR_DATA, "is not a folder");
	path_in(&s, "genesis_output", path);
	assert_true(file_is_there(path));
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_false(is_found);
}

static void an_altered_file_is_noticed(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	char manifest[96] = "manifests/";
	const char *const names[] = { "genesis_output", "genesis_attestation_doc", manifest,
		                      "manifest.current" };
	struct err e;

	(void)state;
	hex_write(VIEW_OF(g.manifest_hash.bytes), manifest + 10);
	strncat(manifest, ".json", sizeof(manifest) - strlen(manifest) - 1);
	assert_ok(state_keep_genesis(&s, &g, &e));
	for (size_t i = 0; i < COUNT(names); i++) {
		AUTO(buf) struct buf content = content_of(&s, names[i]);
		AUTO(kept_genesis) struct kept_genesis found = { 0 };
		bool is_found;

		content.data[content.len / 2] ^= 1;
		put(&s, names[i], buf_view(&content));
		assert_refused(state_load_genesis(&s, &is_found, &found, &e), ERR_DATA, "state '");
		content.data[content.len / 2] ^= 1;
		put(&s, names[i], buf_view(&content));
		assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	}
}

static void files_of_two_geneses_do_not_mix(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(kept_genesis) struct kept_genesis other = some_genesis("other");
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	bool is_found;
	struct err e;

	(void)state;
	assert_ok(state_keep_genesis(&s, &g, &e));
	assert_refused(state_keep_genesis(&s, &other, &e), ERR_DATA, "keeps another genesis");
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_memory_equal(&found.manifest_hash, &g.manifest_hash, sizeof(g.manifest_hash));
}

/* The vector's output with its first member's share and alias changed. */
static struct kept_genesis genesis_with(const char *alias, size_t share_len)
{
	AUTO(buf) struct buf bytes = vector_file("qos/boot-e2e/genesis_output");
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(buf) struct buf changed = BUF_INIT(GENESIS_OUTPUT_MAX);
	static const uint8_t share[256];
	struct encrypted_share *first;
	struct err e;

	assert_ok(genesis_output_decode(buf_view(&bytes), &output, &e));
	first = output.member_outputs.items;
	assert_ok(wire_set_text(&first->share_set_member.alias, alias, &e));
	assert_ok(wire_set(&first->encrypted_quorum_key_share, view_new(share, share_len), &e));
	assert_ok(genesis_output_encode(&output, &changed, &e));
	return genesis_of(buf_view(&changed), "n");
}

static void a_share_in_the_clear_is_never_kept(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = genesis_with("user1", 33);
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	bool is_found = true;
	char path[256];
	struct err e;

	(void)state;
	assert_refused(state_keep_genesis(&s, &g, &e), ERR_DATA, "'user1' is not encrypted");
	path_in(&s, "shares/user1.share", path);
	assert_false(file_is_there(path));
	/* Nor is the output, which has it too. */
	path_in(&s, "genesis_output", path);
	assert_false(file_is_there(path));
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_false(is_found);
}

static void a_share_stays_in_its_folder(void **state)
{
	static const char *const names[] = { "../user1", ".hidden", "a/b", "" };
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	char *path;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_refused(state_share_path(&s, names[i], &path, &e), ERR_DATA,
		               "is no member's name");
	AUTO(kept_genesis) struct kept_genesis g = genesis_with("../user1", 130);

	assert_refused(state_keep_genesis(&s, &g, &e), ERR_DATA, "is no member's name");
}

static void the_first_question_counts_until_it_is_forgotten(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	int64_t first = 1000, later = 2000, after = 3000, earlier = 500;
	bool is_asked;
	struct err e;

	(void)state;
	assert_ok(state_keep_asked(&s, &first, &e));
	assert_int_equal(first, 1000);
	assert_ok(state_keep_asked(&s, &later, &e));
	assert_int_equal(later, 1000);
	assert_ok(state_keep_asked(&s, &earlier, &e));
	assert_int_equal(earlier, 500);
	assert_ok(state_keep_genesis(&s, &g, &e));
	assert_ok(state_is_asked(&s, &is_asked, &e));
	assert_true(is_asked);
	state_forget_asked(&s);
	assert_ok(state_is_asked(&s, &is_asked, &e));
	assert_false(is_asked);
	assert_ok(state_keep_asked(&s, &after, &e));
	assert_int_equal(after, 3000);
	put(&s, "genesis.asked", view_text("soon"));
	assert_refused(state_keep_asked(&s, &after, &e), ERR_DATA, "genesis.asked must be");
}

static void the_simulated_root_is_there_after_up(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	char path[256];
	struct err e;

	(void)state;
	assert_refused(state_simulated_root(&s, &root, &e), ERR_NOT_DESIRED,
	               "there is no simulated root");
	path_in(&s, "pki", path);
	assert_ok(folder_make_private(path, &e));
	/* What can't be looked at is not called missing. */
	path_in(&s, "pki/root.der", path);
	assert_int_equal(symlink("root.der", path), 0);
	assert_refused(state_simulated_root(&s, &root, &e), ERR_NO_INPUT, "Too many levels");
	put(&s, "pki/root.der", view_text("root"));
	assert_ok(state_simulated_root(&s, &root, &e));
	assert_string_equal(buf_text(&root), "root");
}

static void a_genesis_that_cannot_be_looked_at_is_not_called_none(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = { 0 };
	char path[256];
	bool is_found = true;
	struct err e;

	(void)state;
	path_in(&s, "manifest.current", path);
	assert_int_equal(symlink("manifest.current", path), 0);
	assert_refused(state_load_genesis(&s, &is_found, &g, &e), ERR_NO_INPUT, "Too many levels");
	assert_true(is_found);
}

/* --- several manifests */

/* The same manifest with another nonce. */
static struct manifest_envelope with_nonce(const struct kept_genesis *g, int64_t nonce)
{
	struct manifest_envelope next = { 0 };
	struct err e;

	assert_ok(manifest_copy(&g->envelope, &next, &e));
	next.manifest.namespace.nonce = nonce;
	return next;
}

static void an_adopted_manifest_is_current_and_those_before_it_stay(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(manifest_envelope) struct manifest_envelope second = with_nonce(&g, 100);
	AUTO(manifest_envelope) struct manifest_envelope third = with_nonce(&g, 200);
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	AUTO(kept_manifests) struct kept_manifests older = { 0 };
	struct hash256 hash;
	bool is_found = false;
	struct err e;

	(void)state;
	assert_refused(state_adopt(&s, &second, &e), ERR_NOT_DESIRED, "keeps no genesis");
	assert_ok(state_keep_genesis(&s, &g, &e));
	assert_ok(state_load_older(&s, &g, &older, &e));
	assert_int_equal(older.count, 0);
	kept_manifests_drop(&older);
	assert_ok(state_adopt(&s, &second, &e));
	assert_ok(state_adopt(&s, &third, &e));
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_true(is_found);
	assert_ok(manifest_hash(&third.manifest, &hash, &e));
	assert_memory_equal(&found.manifest_hash, &hash, sizeof(hash));
	assert_view_equal(buf_view(&found.output), buf_view(&g.output));
	assert_ok(state_load_older(&s, &found, &older, &e));
	assert_int_equal(older.count, 2);
	for (size_t i = 0; i < older.count; i++) {
		assert_ok(manifest_hash(&older.items[i].envelope.manifest, &hash, &e));
		assert_memory_equal(&older.items[i].hash, &hash, sizeof(hash));
	}
	assert_refused(state_keep_genesis(&s, &g, &e), ERR_DATA, "keeps another genesis");
}

/* A run that died between the manifest and its becoming current has left a file: it is no older
 * one. Nor is what a crash left half written, or a stranger's. */
static void what_never_was_current_is_no_older_manifest(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(kept_genesis) struct kept_genesis stranger = some_genesis("other");
	AUTO(manifest_envelope) struct manifest_envelope next = with_nonce(&g, 100);
	AUTO(kept_manifests) struct kept_manifests older = { 0 };
	AUTO(buf) struct buf current = BUF_INIT(0);
	struct err e;

	(void)state;
	assert_ok(state_keep_genesis(&s, &g, &e));
	current = content_of(&s, "manifest.current");
	assert_ok(state_adopt(&s, &next, &e));
	put(&s, "manifest.current", buf_view(&current));
	put(&s, "manifests/half.json.Xa3x", view_text("{"));
	stranger.envelope.manifest.namespace.nonce = 0;
	{
		AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);
		char name[96] = "manifests/";

		assert_ok(manifest_hash(&stranger.envelope.manifest, &stranger.manifest_hash, &e));
		assert_ok(manifest_file_format(&stranger.envelope, &text, &e));
		hex_write(VIEW_OF(stranger.manifest_hash.bytes), name + 10);
		strncat(name, ".json", sizeof(name) - strlen(name) - 1);
		put(&s, name, buf_view(&text));
	}
	assert_ok(state_load_older(&s, &g, &older, &e));
	assert_int_equal(older.count, 0);
}

static void an_altered_older_manifest_is_noticed(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(manifest_envelope) struct manifest_envelope next = with_nonce(&g, 100);
	AUTO(manifest_envelope) struct manifest_envelope other = { 0 };
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	AUTO(buf) struct buf content = BUF_INIT(0);
	struct kept_manifests older = { 0 };
	char name[96] = "manifests/";
	bool is_found;
	struct err e;

	(void)state;
	hex_write(VIEW_OF(g.manifest_hash.bytes), name + 10);
	strncat(name, ".json", sizeof(name) - strlen(name) - 1);
	assert_ok(state_keep_genesis(&s, &g, &e));
	assert_ok(state_adopt(&s, &next, &e));
	content = content_of(&s, name);
	content.data[content.len / 2] ^= 1;
	put(&s, name, buf_view(&content));
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_refused(state_load_older(&s, &found, &older, &e), ERR_DATA, "state '");
	other = with_nonce(&g, 300);
	other.manifest.namespace.quorum_key.data[1] ^= 1;
	assert_refused(state_adopt(&s, &other, &e), ERR_DATA, "another quorum key");
}

static void a_quorum_that_was_born_elsewhere_has_no_genesis(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(manifest_envelope) struct manifest_envelope next = with_nonce(&g, 100);
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	AUTO(kept_manifests) struct kept_manifests older = { 0 };
	bool is_found = false;
	struct err e;

	(void)state;
	assert_ok(state_import(&s, &g.envelope, &e));
	assert_refused(state_import(&s, &g.envelope, &e), ERR_DATA, "keeps a manifest already");
	assert_refused(state_keep_genesis(&s, &(struct kept_genesis){ 0 }, &e), ERR_DATA,
	               "keeps another genesis");
	assert_ok(state_adopt(&s, &next, &e));
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_true(is_found && found.is_foreign);
	assert_int_equal(found.output.len + found.document.len, 0);
	assert_true(public_key_equal(&found.quorum_key, &g.quorum_key));
	assert_ok(state_load_older(&s, &found, &older, &e));
	assert_int_equal(older.count, 1);
	kept_genesis_drop(&found);
	put(&s, "manifest.current", view_text("0123"));
	assert_refused(state_load_genesis(&s, &is_found, &found, &e), ERR_DATA,
	               "has 4 bytes instead of");
}

/* Beside a genesis of ours none is taken in. */
static void a_genesis_is_not_replaced_by_one_from_elsewhere(void **state)
{
	AUTO(place_here) struct place_here p = place_new();
	AUTO(state) struct state s = opened(&p);
	AUTO(kept_genesis) struct kept_genesis g = some_genesis("n");
	AUTO(kept_genesis) struct kept_genesis found = { 0 };
	bool is_found;
	struct err e;

	(void)state;
	assert_ok(state_keep_genesis(&s, &g, &e));
	assert_refused(state_import(&s, &g.envelope, &e), ERR_DATA, "keeps a manifest already");
	assert_ok(state_load_genesis(&s, &is_found, &found, &e));
	assert_false(found.is_foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_is_beside_the_cluster_file_and_private),
		cmocka_unit_test(the_state_may_be_elsewhere),
		cmocka_unit_test(one_run_changes_at_a_time_and_looking_is_free),
		cmocka_unit_test(who_looks_makes_nothing),
		cmocka_unit_test(a_folder_that_others_may_write_to_is_refused),
		cmocka_unit_test(a_genesis_is_kept_and_found_again),
		cmocka_unit_test(a_half_written_genesis_is_none),
		cmocka_unit_test(an_altered_file_is_noticed),
		cmocka_unit_test(files_of_two_geneses_do_not_mix),
		cmocka_unit_test(a_share_in_the_clear_is_never_kept),
		cmocka_unit_test(a_share_stays_in_its_folder),
		cmocka_unit_test(the_first_question_counts_until_it_is_forgotten),
		cmocka_unit_test(the_simulated_root_is_there_after_up),
		cmocka_unit_test(a_genesis_that_cannot_be_looked_at_is_not_called_none),
		cmocka_unit_test(an_adopted_manifest_is_current_and_those_before_it_stay),
		cmocka_unit_test(what_never_was_current_is_no_older_manifest),
		cmocka_unit_test(an_altered_older_manifest_is_noticed),
		cmocka_unit_test(a_quorum_that_was_born_elsewhere_has_no_genesis),
		cmocka_unit_test(a_genesis_is_not_replaced_by_one_from_elsewhere),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

/* A member's share: whose it is, where it lies, that it is the attested one, and what is sealed of
 * it. The files are those of a genesis that QuorumOS's own tools made. */
#include "cluster_support.h"
#include "manifest_support.h"

#include "crypto/shamir.h"
#include "orchestrate/share.h"
#include "proto/statement.h"

#define FILE_OF(name) VECTORS "/qos/boot-e2e/" name

static struct people people;
static struct genesis_output genesis;

static int open_genesis(void **state)
{
	AUTO(buf) struct buf borsh = { 0 };
	struct err e;

	open_arena(state);
	people = people_new();
	borsh = vector_file("qos/boot-e2e/genesis_output");
	assert_ok(genesis_output_decode(buf_view(&borsh), &genesis, &e));
	return 0;
}

static int close_genesis(void **state)
{
	(void)state;
	people_drop(&people);
	genesis_output_drop(&genesis);
	return 0;
}

static const struct encrypted_share *attested_of(size_t i)
{
	const struct encrypted_share *found = share_find(&genesis, key_set_public(people.keys[i]));

	assert_non_null(found);
	return found;
}

static int open_as(size_t member, size_t key, const struct encrypted_share *attested,
                   const char *path, struct secret *ret, struct err *e)
{
	return share_open(&attested_of(member)->share_set_member, attested, "my.secret",
	                  people.keys[key], path, ret, e);
}

static void the_genesis_says_whose_share_is_whose(void **state)
{
	static const char *const paths[] = { FILE_OF("user1.share"), FILE_OF("user2.share"),
		                             FILE_OF("user3.share") };
	struct err e;

	(void)state;
	assert_null(share_find(&genesis, key_set_public(people.stranger)));
	for (size_t i = 0; i < MEMBERS; i++) {
		AUTO(secret) struct secret share = { 0 };

		assert_ok(open_as(i, i, attested_of(i), paths[i], &share, &e));
		assert_int_equal(share.len, SHARE_LEN);
	}
}

static void another_key_or_another_share_is_refused(void **state)
{
	AUTO(secret) struct secret share = { 0 };
	AUTO(buf) struct buf cut = vector_file("qos/boot-e2e/user1.share");
	char folder[128], path[256];
	struct err e;

	(void)state;
	assert_refused(open_as(0, 1, attested_of(0), FILE_OF("user1.share"), &share, &e), ERR_SHARE,
	               "'my.secret' is not the key that the share set names for ");
	/* It was sealed to another's key, and does not open. */
	assert_refused(open_as(0, 0, attested_of(0), FILE_OF("user2.share"), &share, &e), ERR_DATA,
	               FILE_OF("user2.share"));
	/* It opens, and the genesis attested another. */
	assert_refused(open_as(0, 0, attested_of(1), FILE_OF("user1.share"), &share, &e), ERR_SHARE,
	               "holds another share than the attested one");
	assert_refused(open_as(0, 0, attested_of(0), "/nonexistent/share", &share, &e),
	               ERR_NO_INPUT, "/nonexistent/share");
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/cut.share", folder);
	assert_ok(file_write(path, view_new(cut.data, cut.len - 1), 0600, &e));
	assert_refused(open_as(0, 0, attested_of(0), path, &share, &e), ERR_DATA, path);
	folder_clear(folder);
	assert_null(share.data);
}

/* Sealed to its member, as a genesis elsewhere would have. */
static void seal_to_first(const char *path, const uint8_t *bytes, size_t len)
{
	AUTO(secret) struct secret plain = secret_of(view_new(bytes, len));
	AUTO(buf) struct buf sealed = BUF_INIT(256);
	struct err e;

	assert_ok(
	    envelope_seal(key_set_public(people.keys[0]), &plain, &entropy_system, &sealed, &e));
	assert_ok(file_write(path, buf_view(&sealed), 0600, &e));
}

static void without_a_genesis_a_share_must_look_like_one(void **state)
{
	uint8_t bytes[SHARE_LEN] = { 1 };
	AUTO(secret) struct secret share = { 0 };
	char folder[128], path[256];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/user1.share", folder);
	seal_to_first(path, bytes, sizeof(bytes));
	assert_ok(open_as(0, 0, NULL, path, &share, &e));
	secret_drop(&share);
	/* The number 0 is where the key itself would be. */
	bytes[0] = 0;
	seal_to_first(path, bytes, sizeof(bytes));
	assert_refused(open_as(0, 0, NULL, path, &share, &e), ERR_SHARE, "holds no share");
	bytes[0] = 1;
	seal_to_first(path, bytes, sizeof(bytes) - 1);
	assert_refused(open_as(0, 0, NULL, path, &share, &e), ERR_SHARE, "holds no share");
	folder_clear(folder);
}

static void a_share_lies_in_the_state_or_beside_its_key(void **state)
{
	char folder[128], key[256], name[] = "user1", kept[256], beside[256];
	struct state s = { .folder = folder, .lock = -1 };
	struct cluster_member m = { .name = name, .key = key };
	AUTO(text) char *path = NULL;
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(kept, sizeof(kept), "%s/shares", folder);
	assert_ok(folder_make_private(kept, &e));
	snprintf(kept, sizeof(kept), "%s/shares/user1.share", folder);
	snprintf(key, sizeof(key), "%s/mine.secret", folder);
	snprintf(beside, sizeof(beside), "%s/mine.share", folder);
	/* Nowhere: where the state would have it. */
	assert_ok(share_path(&s, &m, &path, &e));
	assert_string_equal(path, kept);
	text_drop(&path);
	assert_ok(file_write(beside, view_text("x"), 0600, &e));
	assert_ok(share_path(&s, &m, &path, &e));
	assert_string_equal(path, beside);
	text_drop(&path);
	assert_ok(file_write(kept, view_text("x"), 0600, &e));
	assert_ok(share_path(&s, &m, &path, &e));
	assert_string_equal(path, kept);
	text_drop(&path);
	assert_int_equal(remove(kept), 0);
	/* A key file of any other name has none beside it. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const keys[] = { "mine.key", ".secret", "" };

		snprintf(key, sizeof(key), "%s", keys[i]);
		m.key = i == 2 ? NULL : key;
		assert_ok(share_path(&s, &m, &path, &e));
		assert_string_equal(path, kept);
		text_drop(&path);
	}
	folder_clear(folder);
}

static void what_is_sealed_opens_at_the_tee_alone_and_is_signed(void **state)
{
	const struct public_key *tee = key_set_public(people.stranger);
	static const struct hash256 manifest = { { 3 } };
	AUTO(secret) struct secret share = { 0 };
	AUTO(secret) struct secret opened = { 0 };
	struct sealed_share sealed = { 0 };
	uint8_t message[STATEMENT_LEN];
	struct hash256 hash;
	struct err e;

	(void)state;
	assert_ok(open_as(0, 0, attested_of(0), FILE_OF("user1.share"), &share, &e));
	assert_ok(share_seal(&share, people.keys[0], &manifest, tee, &sealed, &e));
	assert_ok(envelope_open(people.stranger, VIEW_OF(sealed.envelope), &opened, &e));
	assert_view_equal(secret_view(&opened), secret_view(&share));
	secret_drop(&opened);
	assert_refused(envelope_open(people.keys[0], VIEW_OF(sealed.envelope), &opened, &e),
	               ERR_DATA, "");
	/* For this manifest, this setup key, and these bytes. */
	assert_ok(sha256(VIEW_OF(sealed.envelope), &hash, &e));
	statement_format(STATEMENT_SHARE_SUBMIT, &manifest, sealed.setup_key.bytes, hash.bytes,
	                 message);
	assert_ok(public_key_verify(key_set_public(people.keys[0]), VIEW_OF(message),
	                            VIEW_OF(sealed.signature.bytes), &e));
	assert_ok(sha256(public_key_view(tee), &hash, &e));
	assert_memory_equal(&hash, &sealed.setup_key, sizeof(hash));
}

static void what_is_no_share_is_not_sealed(void **state)
{
	static const struct hash256 manifest = { { 3 } };
	AUTO(secret) struct secret seed = secret_of(view_text("not a share"));
	struct sealed_share sealed = { 0 };
	struct err e;

	(void)state;
	assert_refused(share_seal(&seed, people.keys[0], &manifest, key_set_public(people.stranger),
	                          &sealed, &e),
	               ERR_SHARE, "a share of 11 bytes");
	assert_true(view_is_zero(view_new(&sealed, sizeof(sealed))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_genesis_says_whose_share_is_whose),
		cmocka_unit_test(another_key_or_another_share_is_refused),
		cmocka_unit_test(without_a_genesis_a_share_must_look_like_one),
		cmocka_unit_test(a_share_lies_in_the_state_or_beside_its_key),
		cmocka_unit_test(what_is_sealed_opens_at_the_tee_alone_and_is_signed),
		cmocka_unit_test(what_is_no_share_is_not_sealed),
	};

	return cmocka_run_group_tests(tests, open_genesis, close_genesis);
}

#include "support.h"

#include "proto/genesis.h"

static struct genesis_output vector_output(void)
{
	AUTO(buf) struct buf borsh = vector_file("qos/boot-e2e/genesis_output");
	struct genesis_output g = { 0 };
	struct err e;

	assert_ok(genesis_output_decode(buf_view(&borsh), &g, &e));
	return g;
}

static void assert_hex(json_object *o, const char *key, struct view found)
{
	AUTO(buf) struct buf expected = json_hex(o, key);

	assert_view_equal(found, buf_view(&expected));
}

static void assert_member(json_object *o, const struct member *m)
{
	assert_string_equal(buf_text(&m->alias), json_text(o, "alias"));
	assert_hex(o, "pub_key", buf_view(&m->pub_key));
}

static void the_vector_decodes_as_its_json_says(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/genesis_output.json");
	AUTO(genesis_output) struct genesis_output g = vector_output();
	json_object *o = json_at(all, "decoded"), *set = json_at(o, "set");
	json_object *members = json_at(set, "members"), *outputs = json_at(o, "member_outputs");
	const struct member *member = g.set.members.items;
	const struct encrypted_share *share = g.member_outputs.items;

	(void)state;
	assert_int_equal(g.set.threshold, json_object_get_int(json_at(set, "threshold")));
	assert_int_equal(g.set.members.count, json_object_array_length(members));
	assert_int_equal(g.member_outputs.count, json_object_array_length(outputs));
	for (size_t i = 0; i < g.set.members.count; i++, member++, share++) {
		json_object *output = json_object_array_get_idx(outputs, i);

		assert_member(json_object_array_get_idx(members, i), member);
		assert_member(json_at(output, "share_set_member"), &share->share_set_member);
		assert_hex(output, "encrypted_quorum_key_share",
		           buf_view(&share->encrypted_quorum_key_share));
		assert_hex(output, "share_hash", VIEW_OF(share->share_hash));
	}
	assert_true(g.has_dr_key && g.has_dr_wrap);
	assert_hex(o, "dr_key", buf_view(&g.dr_key));
	assert_hex(o, "quorum_key", buf_view(&g.quorum_key));
	assert_hex(o, "dr_key_wrapped_quorum_key", buf_view(&g.dr_key_wrapped_quorum_key));
	assert_hex(o, "quorum_key_hash", VIEW_OF(g.quorum_key_hash));
	assert_hex(o, "test_message_ciphertext", buf_view(&g.test_message_ciphertext));
	assert_hex(o, "test_message_signature", buf_view(&g.test_message_signature));
	assert_string_equal(buf_text(&g.test_message), GENESIS_TEST_MESSAGE);
}

static void the_vector_encodes_to_itself_and_its_hash(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/genesis_output.json");
	AUTO(buf) struct buf borsh = vector_file("qos/boot-e2e/genesis_output");
	AUTO(buf) struct buf again = BUF_INIT(GENESIS_OUTPUT_MAX);
	AUTO(genesis_output) struct genesis_output g = vector_output();
	struct hash256 hash;
	struct err e;

	(void)state;
	assert_ok(genesis_output_encode(&g, &again, &e));
	assert_view_equal(buf_view(&again), buf_view(&borsh));
	assert_ok(sha256(buf_view(&again), &hash, &e));
	assert_hex(all, "qos_hash", VIEW_OF(hash.bytes));
}

static void an_output_without_a_recovery_key_comes_back(void **state)
{
	AUTO(genesis_output) struct genesis_output g = vector_output();
	AUTO(genesis_output) struct genesis_output back = { 0 };
	AUTO(buf) struct buf borsh = BUF_INIT(GENESIS_OUTPUT_MAX);
	struct err e;

	(void)state;
	g.has_dr_key = g.has_dr_wrap = false;
	assert_ok(genesis_output_encode(&g, &borsh, &e));
	assert_ok(genesis_output_decode(buf_view(&borsh), &back, &e));
	assert_false(back.has_dr_key || back.has_dr_wrap);
	assert_int_equal(back.dr_key.len, 0);
}

static void every_shorter_and_longer_output_is_refused(void **state)
{
	AUTO(buf) struct buf borsh = vector_file("qos/boot-e2e/genesis_output");
	struct genesis_output g = { 0 };
	struct err e;

	(void)state;
	for (size_t len = 0; len < borsh.len; len++)
		assert_refused(genesis_output_decode(view_new(borsh.data, len), &g, &e), ERR_DATA,
		               "genesis output: cut short");
	assert_ok(buf_add_u8(&borsh, 0, &e));
	assert_refused(genesis_output_decode(buf_view(&borsh), &g, &e), ERR_DATA,
	               "1 bytes left over");
	assert_null(g.set.members.items);
}

/* formats.md 4.1: quorum key, outputs, permutations, threshold, wrap, ... */
static void the_legacy_layout_is_refused(void **state)
{
	AUTO(genesis_output) struct genesis_output g = vector_output();
	AUTO(genesis_output) struct genesis_output back = { 0 };
	AUTO(buf) struct buf modern = BUF_INIT(GENESIS_OUTPUT_MAX);
	AUTO(buf) struct buf legacy = BUF_INIT(GENESIS_OUTPUT_MAX);
	size_t head = 0, middle, outputs;
	struct err e;

	(void)state;
	assert_ok(genesis_output_encode(&g, &modern, &e));
	head = 4 + 3 * (4 + 5 + 4 + PUBLIC_KEY_LEN) + 4 + 1 + 4 + PUBLIC_KEY_LEN;
	outputs = 4 + PUBLIC_KEY_LEN + 4 + 3 * (4 + 5 + 4 + PUBLIC_KEY_LEN + 4 + 130 + 64) + 4;
	middle = head + outputs;
	assert_ok(buf_add(&legacy, view_new(modern.data + head, outputs), &e));
	assert_ok(buf_add_le32(&legacy, 2, &e));
	assert_ok(buf_add(&legacy, view_new(modern.data + middle, modern.len - middle), &e));
	assert_refused(genesis_output_decode(buf_view(&legacy), &back, &e), ERR_DATA,
	               "genesis output");
}

static void recovery_permutations_are_refused(void **state)
{
	AUTO(buf) struct buf borsh = vector_file("qos/boot-e2e/genesis_output");
	AUTO(genesis_output) struct genesis_output g = vector_output();
	struct genesis_output back = { 0 };
	size_t tail = 5 + g.dr_key_wrapped_quorum_key.len + 64 + 12 +
	              g.test_message_ciphertext.len + g.test_message_signature.len +
	              g.test_message.len;
	struct err e;

	(void)state;
	borsh.data[borsh.len - tail - 4] = 1;
	assert_refused(genesis_output_decode(buf_view(&borsh), &back, &e), ERR_DATA,
	               "recovery permutations");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_decodes_as_its_json_says),
		cmocka_unit_test(the_vector_encodes_to_itself_and_its_hash),
		cmocka_unit_test(an_output_without_a_recovery_key_comes_back),
		cmocka_unit_test(every_shorter_and_longer_output_is_refused),
		cmocka_unit_test(the_legacy_layout_is_refused),
		cmocka_unit_test(recovery_permutations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

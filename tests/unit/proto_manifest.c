#include "manifest_support.h"

#include "proto/borsh.h"

static void a_good_manifest_is_well_formed(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct err e;

	(void)state;
	assert_ok(manifest_check(&m, false, &e));
	m.manifest.manifest_set.threshold = 1;
	m.manifest.share_set.threshold = 3;
	assert_ok(manifest_check(&m, false, &e));
}

static void thresholds_have_bounds(void **state)
{
	static const struct {
		int64_t manifest, share;
		const char *words;
	} cases[] = {
		{ 0, 2, "manifest_set.threshold is 0, 1 to 3 expected" },
		{ 4, 2, "manifest_set.threshold is 4, 1 to 3 expected" },
		{ 2, 0, "share_set.threshold is 0, 2 to 3 expected" },
		{ 2, 1, "share_set.threshold is 1, 2 to 3 expected" },
		{ 2, 4, "share_set.threshold is 4, 2 to 3 expected" },
		{ 2, UINT32_MAX, "share_set.threshold is 4294967295, 2 to 3 expected" },
		{ 2, -1, "share_set.threshold is -1, 2 to 3 expected" },
	};
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		m.manifest.manifest_set.threshold = cases[i].manifest;
		m.manifest.share_set.threshold = cases[i].share;
		assert_refused(manifest_check(&m, false, &e), ERR_THRESHOLD, cases[i].words);
	}
	m.manifest.share_set.threshold = 2;
	m.manifest.share_set.members.count = 1;
	assert_refused(manifest_check(&m, false, &e), ERR_THRESHOLD,
	               "share_set has 1 members, at least 2 expected");
	m.manifest.share_set.members.count = MEMBERS;
}

/* Each change makes a manifest ill-formed. */
static void repeat_alias(struct manifest *m)
{
	struct err e;

	assert_ok(wire_set_text(&member_at(&m->share_set, 2)->alias, "user1", &e));
}
static void repeat_encrypt_half(struct manifest *m)
{
	memcpy(member_at(&m->share_set, 2)->pub_key.data, member_at(&m->share_set, 0)->pub_key.data,
	       POINT_LEN);
}
static void repeat_sign_half(struct manifest *m)
{
	memcpy(member_at(&m->manifest_set, 2)->pub_key.data + POINT_LEN,
	       member_at(&m->manifest_set, 0)->pub_key.data + POINT_LEN, POINT_LEN);
}
static void spoil_point(struct manifest *m)
{
	member_at(&m->share_set, 1)->pub_key.data[POINT_LEN - 1] ^= 1;
}
static void shorten_key(struct manifest *m)
{
	member_at(&m->share_set, 1)->pub_key.len = 129;
}
static void empty_key(struct manifest *m)
{
	member_at(&m->share_set, 1)->pub_key.len = 0;
}
static void empty_alias(struct manifest *m)
{
	member_at(&m->manifest_set, 1)->alias.len = 0;
}
static void shorten_pcr(struct manifest *m)
{
	m->enclave.pcrs[2].len = 47;
}
static void spoil_quorum_key(struct manifest *m)
{
	m->namespace.quorum_key.data[POINT_LEN - 1] ^= 1;
}
static void give_quorum_key_to_member(struct manifest *m)
{
	memcpy(member_at(&m->share_set, 1)->pub_key.data + POINT_LEN,
	       m->namespace.quorum_key.data + POINT_LEN, POINT_LEN);
}
static void raise_nonce(struct manifest *m)
{
	m->namespace.nonce = UINT32_MAX;
}
static void empty_name(struct manifest *m)
{
	m->namespace.name.len = 0;
}
static void set_patch_threshold(struct manifest *m)
{
	m->patch_set.threshold = 1;
}
static void add_patch_member(struct manifest *m)
{
	struct patch_member *added;
	struct err e;

	assert_ok(wire_list_add(&m->patch_set.members, &patch_member_schema, &added, &e));
}
static void add_server_without_host(struct manifest *m)
{
	struct bridge *added;
	struct err e;

	assert_ok(wire_list_add(&m->pivot.bridge_config, &bridge_schema, &added, &e));
}

static void ill_formed_manifests_are_refused_by_field(void **state)
{
	static const struct {
		void (*spoil)(struct manifest *m);
		const char *words;
	} cases[] = {
		{ repeat_alias, "share_set: alias 'user1' twice" },
		{ repeat_encrypt_half, "share_set: 'user1' and 'user3' have the same encrypt key" },
		{ repeat_sign_half, "manifest_set: 'user1' and 'user3' have the same sign key" },
		{ spoil_point, "share_set.members[1].pub_key: " },
		{ shorten_key, "share_set.members[1].pub_key: " },
		{ empty_key, "share_set.members[1].pub_key: empty, which only a debug enclave" },
		{ empty_alias, "manifest_set.members[1].alias: 1 to 128 bytes" },
		{ shorten_pcr, "enclave.pcr2: 48 bytes expected, 47 found" },
		{ spoil_quorum_key, "namespace.quorum_key: " },
		{ give_quorum_key_to_member, "share_set: 'user2' has the quorum's own key" },
		{ raise_nonce, "namespace.nonce: 0 to 2^32 - 2 expected" },
		{ empty_name, "namespace.name: 1 to 128 bytes" },
		{ set_patch_threshold, "patch_set: must be empty" },
		{ add_patch_member, "patch_set: must be empty" },
		{ add_server_without_host, "pivot.bridge_config[0]: a server without a host" },
	};
	AUTO(people) struct people p = people_new();
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);

		cases[i].spoil(&m.manifest);
		assert_refused(manifest_check(&m, false, &e), ERR_MANIFEST, cases[i].words);
	}
}

static void share_set_approvals_are_refused(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct err e;

	(void)state;
	approve(&m, "user1", p.keys[0]);
	m.share_set_approvals = MOVE(m.manifest_set_approvals);
	assert_refused(manifest_check(&m, false, &e), ERR_MANIFEST, "share_set_approvals");
}

static void a_manifest_that_is_too_long_is_no_too_long_message(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	AUTO(buf) struct buf arg = BUF_INIT(PIVOT_ARG_MAX);
	struct text_item *item;
	struct hash256 hash;
	uint8_t *to;
	struct err e;

	(void)state;
	assert_ok(buf_reserve(&arg, PIVOT_ARG_MAX, &to, &e));
	memset(to, 'a', PIVOT_ARG_MAX);
	buf_commit(&arg, PIVOT_ARG_MAX);
	for (size_t i = 0; i < MANIFEST_MAX / PIVOT_ARG_MAX; i++) {
		assert_ok(wire_list_add(&m.manifest.pivot.args, &text_item_schema, &item, &e));
		assert_ok(wire_set(&item->text, buf_view(&arg), &e));
	}
	assert_refused(manifest_hash(&m.manifest, &hash, &e), ERR_MANIFEST, "more than 262144");
}

static void a_set_of_256_is_too_large(void **state)
{
	struct member_set set = { .threshold = 2 };
	struct member *m;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < MEMBERS_MAX + 1; i++)
		assert_ok(wire_list_add(&set.members, &member_schema, &m, &e));
	assert_refused(member_set_check(&set, "share_set", 2, true, &e), ERR_THRESHOLD,
	               "share_set has 256 members, at most 255");
	assert_false(member_set_equal(&set, &set));
	assert_refused(member_set_pin(&set, &(struct hash256){ 0 }, &e), ERR_MANIFEST,
	               "more than 255 members");
	member_set_drop(&set);
}

static void a_debug_enclave_allows_members_without_keys(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct err e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		buf_drop(&member_at(&m.manifest.share_set, i)->pub_key);
		buf_drop(&member_at(&m.manifest.manifest_set, i)->pub_key);
	}
	assert_refused(manifest_check(&m, false, &e), ERR_MANIFEST, "empty");
	assert_ok(manifest_check(&m, true, &e));
	repeat_alias(&m.manifest);
	assert_refused(manifest_check(&m, true, &e), ERR_MANIFEST, "alias 'user1' twice");
}

static void enough_good_approvals_pass(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	const struct member_set *set = &m.manifest.manifest_set;
	struct err e;

	(void)state;
	assert_ok(manifest_check_approvals(&m, set, 0, &e));
	approve(&m, "user3", p.keys[2]);
	assert_ok(manifest_check_approvals(&m, set, 1, &e));
	assert_refused(manifest_check_approvals(&m, set, 2, &e), ERR_APPROVAL, "1 of 2 approvals");
	approve(&m, "user1", p.keys[0]);
	assert_ok(manifest_check_approvals(&m, set, 2, &e));
	assert_refused(manifest_check_approvals(&m, set, 3, &e), ERR_APPROVAL, "approval:count");
}

static void one_bad_approval_spoils_the_others(void **state)
{
	AUTO(people) struct people p = people_new();
	struct err e;

	(void)state;
	for (unsigned how = 0; how < 5; how++) {
		AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
		const struct member_set *set = &m.manifest.manifest_set;
		const char *words = "approval:member";

		approve(&m, "user1", p.keys[0]);
		approve(&m, "user2", p.keys[1]);
		if (how == 0) {
			approve(&m, "stranger", p.stranger);
		} else if (how == 1) {
			approve(&m, "user3", p.stranger);
		} else if (how == 2) {
			approve(&m, "user3", p.keys[0]);
		} else if (how == 3) {
			approve(&m, "user1", p.keys[0]);
			words = "'user1' approves twice";
		} else {
			approve(&m, "user3", p.keys[2]);
			((struct approval *)m.manifest_set_approvals.items)[2].signature.data[5] ^=
			    1;
			words = "the approval of 'user3': ";
		}
		assert_refused(manifest_check_approvals(&m, set, 1, &e), ERR_APPROVAL, words);
	}
}

static void approvals_are_of_one_manifest(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct err e;

	(void)state;
	approve(&m, "user1", p.keys[0]);
	m.manifest.namespace.nonce++;
	assert_refused(manifest_check_approvals(&m, &m.manifest.manifest_set, 1, &e), ERR_APPROVAL,
	               "the approval of 'user1': ");
}

static void no_more_approvals_than_members(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct err e;

	(void)state;
	for (size_t i = 0; i < MEMBERS + 1; i++)
		approve(&m, "user1", p.keys[0]);
	assert_refused(manifest_check_approvals(&m, &m.manifest.manifest_set, 1, &e), ERR_APPROVAL,
	               "4 approvals by 3 members");
}

static void the_golden_approval_is_valid(void **state)
{
	AUTO(buf) struct buf content = vector_file("qos/manifest/golden_manifest_envelope_v1.json");
	AUTO(manifest_file) struct manifest_file f = { 0 };
	struct err e;

	(void)state;
	assert_ok(manifest_file_parse(buf_view(&content), &f, &e));
	assert_int_equal(f.envelope.manifest_set_approvals.count, 1);
	assert_ok(manifest_check_approvals(&f.envelope, &f.envelope.manifest.manifest_set, 1, &e));
}

static void swap_members(struct member_set *set, size_t i, size_t j)
{
	struct member kept = *member_at(set, i);

	*member_at(set, i) = *member_at(set, j);
	*member_at(set, j) = kept;
}

static void sets_are_equal_in_any_order(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct member_set *a = &m.manifest.share_set, *b = &m.manifest.manifest_set;
	struct hash256 pin, other;
	struct err e;

	(void)state;
	assert_ok(member_set_pin(a, &pin, &e));
	swap_members(b, 0, 2);
	assert_true(member_set_equal(a, b));
	assert_ok(member_set_pin(b, &other, &e));
	assert_view_equal(VIEW_OF(pin.bytes), VIEW_OF(other.bytes));
	member_at(b, 0)->pub_key.data[9] ^= 1;
	assert_false(member_set_equal(a, b));
	assert_ok(member_set_pin(b, &other, &e));
	assert_false(view_equal(VIEW_OF(pin.bytes), VIEW_OF(other.bytes)));
}

static void a_pin_is_the_hash_of_the_sorted_borsh(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	AUTO(buf) struct buf borsh = BUF_INIT(4096);
	struct hash256 pin, expected;
	struct err e;

	(void)state;
	assert_ok(buf_add_le32(&borsh, 2, &e));
	assert_ok(buf_add_le32(&borsh, MEMBERS, &e));
	for (size_t i = 0; i < MEMBERS; i++) {
		assert_ok(buf_add_vec(&borsh, view_text(aliases[i]), &e));
		assert_ok(buf_add_vec(&borsh, public_of(p.keys[i]), &e));
	}
	assert_ok(sha256(buf_view(&borsh), &expected, &e));
	swap_members(&m.manifest.share_set, 1, 2);
	assert_ok(member_set_pin(&m.manifest.share_set, &pin, &e));
	assert_view_equal(VIEW_OF(pin.bytes), VIEW_OF(expected.bytes));
}

static void members_are_found_by_alias(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);

	(void)state;
	assert_ptr_equal(member_set_find(&m.manifest.share_set, view_text("user2")),
	                 member_at(&m.manifest.share_set, 1));
	assert_null(member_set_find(&m.manifest.share_set, view_text("user")));
}

static void pcrs_and_quorum_key_come_out(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	struct public_key key;
	struct pcr_set pcrs;
	struct err e;

	(void)state;
	assert_ok(manifest_pcrs(&m.manifest, &pcrs, &e));
	assert_int_equal(pcrs.values[3].bytes[0], 0x13);
	assert_int_equal(pcrs.values[4].len, 0);
	assert_ok(manifest_quorum_key(&m.manifest, &key, &e));
	assert_view_equal(public_key_view(&key), buf_view(&m.manifest.namespace.quorum_key));
	spoil_quorum_key(&m.manifest);
	assert_refused(manifest_quorum_key(&m.manifest, &key, &e), ERR_DATA,
	               "manifest: quorum_key: ");
	shorten_pcr(&m.manifest);
	assert_refused(manifest_pcrs(&m.manifest, &pcrs, &e), ERR_DATA, "manifest: pcr2: ");
}

static void a_copy_and_the_contracts_json_keep_the_hash(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	AUTO(manifest_envelope) struct manifest_envelope copy = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope wire = { 0 };
	AUTO(buf) struct buf json = BUF_INIT(WIRE_TEXT_MAX);
	struct hash256 a, b, c;
	struct err e;

	(void)state;
	approve(&m, "user1", p.keys[0]);
	assert_ok(manifest_copy(&m, &copy, &e));
	assert_ok(wire_encode(&manifest_envelope_schema, &m, &json, &e));
	assert_ok(wire_decode(&manifest_envelope_schema, buf_view(&json), &wire, &e));
	assert_ok(manifest_hash(&m.manifest, &a, &e));
	assert_ok(manifest_hash(&copy.manifest, &b, &e));
	assert_ok(manifest_hash(&wire.manifest, &c, &e));
	assert_view_equal(VIEW_OF(a.bytes), VIEW_OF(b.bytes));
	assert_view_equal(VIEW_OF(a.bytes), VIEW_OF(c.bytes));
	assert_ok(manifest_check_approvals(&copy, &m.manifest.manifest_set, 1, &e));
	assert_ok(manifest_check_approvals(&wire, &m.manifest.manifest_set, 1, &e));
}

/* contract.md, "The manifest envelope": its shape to the letter. */
static void the_contracts_json_has_its_names(void **state)
{
	static const char *const parts[] = {
		"{\"manifest\":{\"namespace\":{\"name\":\"a/b\",\"nonce\":7,\"quorum_key\":[4,",
		"\"pivot\":{\"hash\":[0,0,",
		"\"restart\":\"Never\",\"bridge_config\":[],\"debug_mode\":false,\"args\":[]}",
		"\"manifest_set\":{\"threshold\":2,\"members\":[{\"alias\":\"user1\",\"pub_key\":[",
		"\"share_set\":{",
		"\"enclave\":{\"pcr0\":[16,",
		"\"pcr1\":[17,",
		"\"pcr2\":[18,",
		"\"pcr3\":[19,",
		"\"aws_root_certificate\":[],\"qos_commit\":\"\"}",
		"\"patch_set\":{\"threshold\":0,\"members\":[]}}",
		"\"manifest_set_approvals\":[{\"signature\":[",
		"\"member\":{\"alias\":\"user1\"",
		"\"share_set_approvals\":[]}",
	};
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	AUTO(buf) struct buf json = BUF_INIT(WIRE_TEXT_MAX);
	const char *at;
	struct err e;

	(void)state;
	approve(&m, "user1", p.keys[0]);
	assert_ok(wire_encode(&manifest_envelope_schema, &m, &json, &e));
	at = buf_text(&json);
	for (size_t i = 0; i < COUNT(parts); i++) {
		at = strstr(at, parts[i]);
		if (!at)
			fail_msg("no %s", parts[i]);
	}
}

static void every_shorter_and_longer_borsh_is_refused(void **state)
{
	AUTO(buf) struct buf borsh = vector_file("qos/manifest/golden_manifest_envelope_v1.borsh");
	struct manifest_envelope m = { 0 };
	struct err e;

	(void)state;
	for (size_t len = 0; len < borsh.len; len++)
		assert_refused(manifest_envelope_decode(view_new(borsh.data, len), &m, &e),
		               ERR_DATA, "cut short");
	assert_ok(buf_add_u8(&borsh, 0, &e));
	assert_refused(manifest_envelope_decode(buf_view(&borsh), &m, &e), ERR_DATA,
	               "1 bytes left over");
	assert_null(m.manifest.namespace.name.data);
}

/* The pivot of the small vectors, put where the stable manifest has its own. */
static void pivots_of_the_vectors_decode_and_encode(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/manifest/manifest_vectors.json");
	json_object *stable = json_at(all, "stable"), *expected = json_at(stable, "expected");
	struct err e;

	(void)state;
	for (int version = 0; version < 2; version++) {
		AUTO(buf)
		struct buf whole = json_hex(
		    json_at(expected, version ? "manifest_v1" : "manifest_v0"), "borsh_hex");
		AUTO(buf)
		struct buf pivot = json_hex(
		    json_at(stable, version ? "pivot_config_v1" : "pivot_config_v0"), "borsh_hex");
		AUTO(buf) struct buf spliced = BUF_INIT(4096);
		AUTO(buf) struct buf again = BUF_INIT(4096);
		AUTO(manifest) struct manifest m = { 0 };
		const struct bridge *bridge;
		size_t head = 4 + strlen("stable-namespace") + 4 + 4 + 33, old;

		old =
		    32 + 1 + (version ? 4 + 1 : 0) + 4 + 4 + strlen("--flag") + 4 + strlen("value");
		assert_ok(buf_add(&spliced, view_new(whole.data, head), &e));
		assert_ok(buf_add(&spliced, buf_view(&pivot), &e));
		assert_ok(buf_add(&spliced,
		                  view_new(whole.data + head + old, whole.len - head - old), &e));
		assert_ok(manifest_decode_as(buf_view(&spliced), version, &m, &e));
		assert_ok(manifest_encode_as(&m, version, &again, &e));
		assert_view_equal(buf_view(&again), buf_view(&spliced));
		bridge = m.pivot.bridge_config.items;
		assert_int_equal(m.pivot.bridge_config.count, version);
		if (version) {
			assert_string_equal(buf_text(&bridge->host), "127.0.0.1");
			assert_int_equal(bridge->port, 3000);
			assert_true(m.pivot.debug_mode);
		}
	}
}

static void a_client_bridge_may_lack_its_host(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	AUTO(manifest) struct manifest back = { 0 };
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	struct bridge *b;
	struct err e;

	(void)state;
	for (int has_host = 0; has_host < 2; has_host++) {
		assert_ok(wire_list_add(&m.manifest.pivot.bridge_config, &bridge_schema, &b, &e));
		b->type = BRIDGE_CLIENT;
		b->port = 65535;
		b->has_host = has_host;
	}
	assert_ok(wire_set_text(&b->host, "h", &e));
	assert_ok(manifest_check(&m, false, &e));
	assert_ok(manifest_encode(&m.manifest, &borsh, &e));
	assert_ok(manifest_decode_as(buf_view(&borsh), 1, &back, &e));
	b = back.pivot.bridge_config.items;
	assert_false(b[0].has_host);
	assert_string_equal(buf_text(&b[1].host), "h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_manifest_is_well_formed),
		cmocka_unit_test(thresholds_have_bounds),
		cmocka_unit_test(ill_formed_manifests_are_refused_by_field),
		cmocka_unit_test(share_set_approvals_are_refused),
		cmocka_unit_test(a_manifest_that_is_too_long_is_no_too_long_message),
		cmocka_unit_test(a_set_of_256_is_too_large),
		cmocka_unit_test(a_debug_enclave_allows_members_without_keys),
		cmocka_unit_test(enough_good_approvals_pass),
		cmocka_unit_test(one_bad_approval_spoils_the_others),
		cmocka_unit_test(approvals_are_of_one_manifest),
		cmocka_unit_test(no_more_approvals_than_members),
		cmocka_unit_test(the_golden_approval_is_valid),
		cmocka_unit_test(sets_are_equal_in_any_order),
		cmocka_unit_test(a_pin_is_the_hash_of_the_sorted_borsh),
		cmocka_unit_test(members_are_found_by_alias),
		cmocka_unit_test(pcrs_and_quorum_key_come_out),
		cmocka_unit_test(a_copy_and_the_contracts_json_keep_the_hash),
		cmocka_unit_test(the_contracts_json_has_its_names),
		cmocka_unit_test(every_shorter_and_longer_borsh_is_refused),
		cmocka_unit_test(pivots_of_the_vectors_decode_and_encode),
		cmocka_unit_test(a_client_bridge_may_lack_its_host),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

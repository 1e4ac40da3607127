#include "manifest_support.h"

#include "proto/share_bundle.h"

static struct share_request request_new(const struct people *p)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct share_request q = { .created_ms = 1764000000123, .expires_ms = 1764086400123 };
	struct request_target *target;
	struct err e;

	assert_ok(wire_set_text(&q.cluster, "prod", &e));
	q.manifest_envelope = envelope_new(p);
	q.has_genesis = true;
	assert_ok(wire_set(&q.genesis.output, VIEW_OF(bytes), &e));
	assert_ok(wire_set(&q.genesis.document, VIEW_OF(bytes), &e));
	assert_ok(wire_list_add(&q.targets, &request_target_schema, &target, &e));
	assert_ok(wire_set_text(&target->node, "tee1", &e));
	assert_ok(wire_set(&target->document, VIEW_OF(bytes), &e));
	return q;
}

static void a_request_is_read_as_it_was_written(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(share_request) struct share_request q = request_new(&p);
	AUTO(share_request) struct share_request again = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(REQUEST_FILE_MAX);
	struct hash256 hash, hash_again;
	struct err e;

	(void)state;
	approve(&q.manifest_envelope, "user1", p.keys[0]);
	assert_ok(request_format(&q, &text, &e));
	assert_int_equal(text.data[text.len - 1], '\n');
	assert_ok(request_parse(buf_view(&text), &again, &e));
	assert_int_equal(again.created_ms, q.created_ms);
	assert_int_equal(again.expires_ms, q.expires_ms);
	assert_true(again.has_genesis);
	assert_view_equal(buf_view(&again.genesis.output), buf_view(&q.genesis.output));
	assert_ok(manifest_hash(&q.manifest_envelope.manifest, &hash, &e));
	assert_ok(manifest_hash(&again.manifest_envelope.manifest, &hash_again, &e));
	assert_view_equal(VIEW_OF(hash.bytes), VIEW_OF(hash_again.bytes));
	assert_int_equal(again.manifest_envelope.manifest_set_approvals.count, 1);
	assert_int_equal(again.targets.count, 1);
}

/* The envelope in it is QuorumOS's own v1 JSON, byte for byte. */
static void the_envelope_is_the_one_of_manifest_files(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope envelope = envelope_new(&p);
	AUTO(buf) struct buf file = BUF_INIT(MANIFEST_FILE_MAX);
	AUTO(buf) struct buf part = BUF_INIT(MANIFEST_FILE_MAX);
	struct err e;

	(void)state;
	approve(&envelope, "user2", p.keys[1]);
	assert_ok(manifest_file_format(&envelope, &file, &e));
	assert_ok(wire_encode(&manifest_envelope_file_schema, &envelope, &part, &e));
	assert_view_equal(buf_view(&file), buf_view(&part));
}

static void a_request_without_a_genesis_is_one(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(share_request) struct share_request q = request_new(&p);
	AUTO(share_request) struct share_request again = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(REQUEST_FILE_MAX);
	struct err e;

	(void)state;
	q.has_genesis = false;
	assert_ok(request_format(&q, &text, &e));
	assert_ok(request_parse(buf_view(&text), &again, &e));
	assert_false(again.has_genesis);
}

static void as_many_tees_as_the_limit_and_no_more(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(share_request) struct share_request q = request_new(&p);
	AUTO(buf) struct buf text = BUF_INIT(REQUEST_FILE_MAX);
	AUTO(share_request) struct share_request again = { 0 };
	AUTO(share_request) struct share_request none = { 0 };
	uint8_t document[DOCUMENT_MAX] = { 0 };
	struct request_target *target;
	struct err e;

	(void)state;
	while (q.targets.count < REQUEST_TARGETS_MAX) {
		assert_ok(wire_list_add(&q.targets, &request_target_schema, &target, &e));
		assert_ok(wire_set_text(&target->node, "tee", &e));
		assert_ok(wire_set(&target->document, VIEW_OF(document), &e));
	}
	assert_ok(request_format(&q, &text, &e));
	assert_ok(request_parse(buf_view(&text), &again, &e));
	assert_ok(wire_list_add(&q.targets, &request_target_schema, &target, &e));
	assert_ok(wire_set_text(&target->node, "tee", &e));
	assert_ok(wire_set(&target->document, VIEW_OF(document), &e));
	buf_clear(&text);
	assert_ok(request_format(&q, &text, &e));
	assert_refused(request_parse(buf_view(&text), &none, &e), ERR_DATA, "targets");
}

static struct share_bundle bundle_new(const struct key_set *key)
{
	struct share_bundle b = { .expires_ms = 1764086400000 };
	uint8_t message[STATEMENT_LEN];
	struct bundle_item *item;
	struct signature signature;
	struct err e;

	memset(b.manifest_hash, 0x11, sizeof(b.manifest_hash));
	memset(b.request, 0x44, sizeof(b.request));
	assert_ok(wire_set_text(&b.cluster, "prod", &e));
	assert_ok(wire_set_text(&b.alias, "user1", &e));
	assert_ok(wire_list_add(&b.items, &bundle_item_schema, &item, &e));
	assert_ok(wire_set_text(&item->node, "tee1", &e));
	memset(item->setup_key, 0x22, sizeof(item->setup_key));
	memset(item->encrypted_share, 0x33, sizeof(item->encrypted_share));
	assert_ok(share_bundle_statement(&b, item, message, &e));
	assert_ok(key_set_sign(key, VIEW_OF(message), &signature, &e));
	memcpy(item->signature, signature.bytes, sizeof(item->signature));
	return b;
}

static void a_bundle_is_read_as_it_was_written_and_its_signature_holds(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(share_bundle) struct share_bundle b = bundle_new(p.keys[0]);
	AUTO(share_bundle) struct share_bundle again = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(BUNDLE_FILE_MAX);
	const struct public_key *key = key_set_public(p.keys[0]);
	uint8_t message[STATEMENT_LEN];
	struct bundle_item *item;
	struct err e;

	(void)state;
	assert_ok(share_bundle_format(&b, &text, &e));
	assert_ok(share_bundle_parse(buf_view(&text), &again, &e));
	assert_int_equal(again.expires_ms, b.expires_ms);
	item = again.items.items;
	assert_ok(share_bundle_statement(&again, item, message, &e));
	assert_ok(public_key_verify(key, VIEW_OF(message), VIEW_OF(item->signature), &e));
	/* Each of the three that it covers. */
	again.manifest_hash[0] ^= 1;
	assert_ok(share_bundle_statement(&again, item, message, &e));
	assert_refused(public_key_verify(key, VIEW_OF(message), VIEW_OF(item->signature), &e),
	               ERR_DATA, "");
	again.manifest_hash[0] ^= 1;
	item->setup_key[31] ^= 1;
	assert_ok(share_bundle_statement(&again, item, message, &e));
	assert_refused(public_key_verify(key, VIEW_OF(message), VIEW_OF(item->signature), &e),
	               ERR_DATA, "");
	item->setup_key[31] ^= 1;
	item->encrypted_share[129] ^= 1;
	assert_ok(share_bundle_statement(&again, item, message, &e));
	assert_refused(public_key_verify(key, VIEW_OF(message), VIEW_OF(item->signature), &e),
	               ERR_DATA, "");
}

static void what_is_no_bundle_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "" },
		{ "[]", "" },
		{ "{}", "kind" },
		{ "{\"kind\":\"teectl-share-request\"}", "kind" },
		{ "{\"kind\":\"teectl-share-bundle\",\"version\":2}", "version" },
		{ "{\"kind\":\"teectl-share-bundle\",\"version\":1,\"secret\":1}", "secret" },
	};
	struct share_bundle b = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(share_bundle_parse(view_text(rows[i].text), &b, &e), ERR_DATA,
		               rows[i].words);
	assert_int_equal(b.items.count, 0);
}

static void the_largest_bundle_fits_its_limit(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(share_bundle) struct share_bundle b = bundle_new(p.keys[0]);
	AUTO(share_bundle) struct share_bundle again = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(BUNDLE_FILE_MAX);
	char name[ALIAS_MAX + 1] = "";
	struct err e;

	(void)state;
	memset(name, 'n', ALIAS_MAX);
	while (b.items.count < REQUEST_TARGETS_MAX) {
		struct bundle_item *item;

		assert_ok(wire_list_add(&b.items, &bundle_item_schema, &item, &e));
		assert_ok(wire_set_text(&item->node, name, &e));
	}
	assert_ok(share_bundle_format(&b, &text, &e));
	assert_ok(share_bundle_parse(buf_view(&text), &again, &e));
	assert_int_equal(again.items.count, REQUEST_TARGETS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_as_it_was_written),
		cmocka_unit_test(the_envelope_is_the_one_of_manifest_files),
		cmocka_unit_test(a_request_without_a_genesis_is_one),
		cmocka_unit_test(as_many_tees_as_the_limit_and_no_more),
		cmocka_unit_test(a_bundle_is_read_as_it_was_written_and_its_signature_holds),
		cmocka_unit_test(what_is_no_bundle_is_refused_by_name),
		cmocka_unit_test(the_largest_bundle_fits_its_limit),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

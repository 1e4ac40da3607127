#include "support.h"

#include "proto/borsh.h"

#define FOLDER "qos/manifest/"

static void parse(struct view content, struct manifest_file *ret)
{
	struct err e;

	assert_ok(manifest_file_parse(content, ret, &e));
}

static struct manifest_file parse_file(const char *name)
{
	AUTO(buf) struct buf content = BUF_INIT(0);
	struct manifest_file f = { 0 };
	char path[128];

	snprintf(path, sizeof(path), FOLDER "%s", name);
	content = vector_file(path);
	parse(buf_view(&content), &f);
	return f;
}

static void assert_hash(const struct manifest_file *f, const char *hex)
{
	AUTO(buf) struct buf expected = bytes_of_hex(hex);

	assert_view_equal(VIEW_OF(f->hash.bytes), buf_view(&expected));
}

/* The same manifest and approvals, whatever they were read from. */
static void assert_same(const struct manifest_file *a, const struct manifest_file *b)
{
	AUTO(buf) struct buf x = BUF_INIT(MANIFEST_MAX);
	AUTO(buf) struct buf y = BUF_INIT(MANIFEST_MAX);
	struct err e;

	assert_int_equal(a->version, b->version);
	assert_int_equal(a->is_envelope, b->is_envelope);
	assert_view_equal(VIEW_OF(a->hash.bytes), VIEW_OF(b->hash.bytes));
	assert_ok(manifest_envelope_encode(&a->envelope, &x, &e));
	assert_ok(manifest_envelope_encode(&b->envelope, &y, &e));
	assert_view_equal(buf_view(&x), buf_view(&y));
}

static void encode_as_read(const struct manifest_file *f, struct buf *to)
{
	struct err e;

	if (f->is_envelope)
		assert_ok(manifest_envelope_encode(&f->envelope, to, &e));
	else
		assert_ok(manifest_encode_as(&f->envelope.manifest, f->version, to, &e));
}

static void check_stable(json_object *stable, const char *form, int version)
{
	AUTO(manifest_file) struct manifest_file json = { 0 };
	AUTO(manifest_file) struct manifest_file borsh = { 0 };
	AUTO(buf) struct buf again = BUF_INIT(MANIFEST_MAX);
	AUTO(buf) struct buf bytes = BUF_INIT(0);
	json_object *expected = json_at(stable, "expected");
	char key[80], name[64], manifest[64];

	snprintf(name, sizeof(name), "%s_v%d", form, version);
	snprintf(key, sizeof(key), "%s_json", name);
	snprintf(manifest, sizeof(manifest), "manifest_v%d", version);
	bytes = json_hex(json_at(expected, name), "borsh_hex");
	parse(view_text(json_object_to_json_string(json_at(stable, key))), &json);
	parse(buf_view(&bytes), &borsh);
	assert_int_equal(json.version, version);
	assert_int_equal(json.is_envelope, strcmp(form, "envelope") == 0);
	assert_hash(&json, json_text(json_at(expected, manifest), "sha256"));
	assert_same(&json, &borsh);
	if (version == 1 || !json.is_envelope) {
		encode_as_read(&json, &again);
		assert_view_equal(buf_view(&again), buf_view(&bytes));
	}
}

static void the_stable_vectors_hold(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "manifest_vectors.json");
	json_object *stable = json_at(all, "stable");

	(void)state;
	for (int version = 0; version < 2; version++) {
		check_stable(stable, "manifest", version);
		check_stable(stable, "envelope", version);
	}
}

static void the_golden_manifests_hold(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "manifest_vectors.json");
	AUTO(manifest_file) struct manifest_file json = parse_file("golden_manifest_v1.json");
	AUTO(manifest_file) struct manifest_file borsh = parse_file("golden_manifest_v1.borsh");

	(void)state;
	assert_int_equal(json.version, 1);
	assert_false(json.is_envelope);
	assert_same(&json, &borsh);
	assert_hash(&json, json_text(json_at(json_at(all, "golden"), "manifest_v1"), "sha256"));
}

static void the_golden_envelope_holds_and_is_written_byte_for_byte(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "manifest_vectors.json");
	AUTO(manifest_file)
	struct manifest_file json = parse_file("golden_manifest_envelope_v1.json");
	AUTO(manifest_file)
	struct manifest_file borsh = parse_file("golden_manifest_envelope_v1.borsh");
	AUTO(buf) struct buf file = vector_file(FOLDER "golden_manifest_envelope_v1.json");
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);
	struct err e;

	(void)state;
	assert_true(json.is_envelope);
	assert_same(&json, &borsh);
	assert_hash(&json, json_text(json_at(json_at(all, "golden"), "manifest_v1"), "sha256"));
	assert_ok(manifest_file_format(&json.envelope, &text, &e));
	assert_string_equal(buf_text(&text), buf_text(&file));
}

static void the_golden_v0_manifest_has_its_own_hash_and_that_of_its_upgrade(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "manifest_vectors.json");
	json_object *golden = json_at(json_at(all, "golden"), "manifest_v0");
	AUTO(manifest_file) struct manifest_file f = parse_file("golden_manifest_v0.json");
	AUTO(manifest_file) struct manifest_file borsh = parse_file("golden_manifest_v0.borsh");
	AUTO(buf) struct buf expected = json_hex(golden, "sha256_as_v1");
	struct hash256 upgraded;
	struct err e;

	(void)state;
	assert_int_equal(f.version, 0);
	assert_hash(&f, json_text(golden, "sha256_v0"));
	assert_same(&f, &borsh);
	assert_ok(manifest_hash(&f.envelope.manifest, &upgraded, &e));
	assert_view_equal(VIEW_OF(upgraded.bytes), buf_view(&expected));
}

static void the_old_manifest_is_v0_only(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "manifest_vectors.json");
	AUTO(manifest_file) struct manifest_file borsh = parse_file("old_manifest.v0.borsh");
	AUTO(manifest_file) struct manifest_file json = parse_file("old_manifest.v0.json");

	(void)state;
	assert_int_equal(borsh.version, 0);
	assert_hash(&borsh, json_text(json_at(all, "old_manifest"), "sha256"));
	assert_same(&borsh, &json);
}

static void the_golden_approval_is_written_byte_for_byte(void **state)
{
	AUTO(buf) struct buf file = vector_file(FOLDER "golden_approval.json");
	AUTO(manifest_file) struct manifest_file f = parse_file("golden_manifest_v1.json");
	AUTO(buf) struct buf text = BUF_INIT(4096);
	struct approval *a;
	struct wire_list approvals = { 0 };
	struct err e;

	(void)state;
	assert_ok(wire_list_add(&approvals, &approval_schema, &a, &e));
	assert_ok(wire_decode(&approval_file_schema, buf_view(&file), a, &e));
	assert_ok(approvals_check(&approvals, &f.hash, &f.envelope.manifest.manifest_set, 1, &e));
	assert_ok(wire_encode(&approval_file_schema, a, &text, &e));
	assert_string_equal(buf_text(&text), buf_text(&file));
	wire_list_release(&approval_schema, &approvals);
}

static const char *v2_text(json_object *all)
{
	return json_object_to_json_string(json_at(all, "manifest"));
}

static void the_v2_manifest_has_its_hash(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "v2_selfmade.json");
	AUTO(manifest_file) struct manifest_file plain = { 0 };
	AUTO(manifest_file) struct manifest_file canonical = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);
	struct err e;

	(void)state;
	parse(view_text(v2_text(all)), &plain);
	parse(view_text(json_text(all, "canonical")), &canonical);
	assert_int_equal(plain.version, 2);
	assert_hash(&plain, json_text(all, "manifest_hash"));
	assert_same(&plain, &canonical);
	assert_int_equal(plain.envelope.manifest.pivot.bridge_config.count, 1);
	assert_ok(wire_canonical(view_text(v2_text(all)), &text, &e));
	assert_string_equal(buf_text(&text), json_text(all, "canonical"));
}

static void the_v2_approval_is_over_the_v2_hash(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "v2_selfmade.json");
	AUTO(manifest_file) struct manifest_file f = { 0 };
	AUTO(buf) struct buf signature = json_hex(all, "approval_signature_by_client_primary");
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);
	const struct member *m;
	struct err e;

	(void)state;
	parse(view_text(v2_text(all)), &f);
	m = f.envelope.manifest.manifest_set.members.items;
	assert_ok(
	    buf_add_format(&text, &e, "{\"manifest\":%s,\"manifestSetApprovals\":[", v2_text(all)));
	assert_ok(buf_add_text(&text, "{\"member\":{\"alias\":\"dev\",\"pubKey\":\"", &e));
	assert_ok(hex_format(buf_view(&m->pub_key), &text, &e));
	assert_ok(buf_add_text(&text, "\"},\"signature\":\"", &e));
	assert_ok(hex_format(buf_view(&signature), &text, &e));
	assert_ok(buf_add_text(&text, "\"}],\"shareSetApprovals\":[]}", &e));
	manifest_file_drop(&f);
	parse(buf_view(&text), &f);
	assert_true(f.is_envelope);
	assert_ok(approvals_check(&f.envelope.manifest_set_approvals, &f.hash,
	                          &f.envelope.manifest.manifest_set, 1, &e));
}

static void v0_envelopes_have_names_of_their_own(void **state)
{
	AUTO(json) json_object *all = vector_json(FOLDER "manifest_vectors.json");
	json_object *old = json_at(json_at(all, "stable"), "envelope_v0_json");
	json_object *new = json_at(json_at(all, "stable"), "envelope_v1_json");
	AUTO(manifest_file) struct manifest_file a = { 0 };
	AUTO(manifest_file) struct manifest_file b = { 0 };
	struct err e;

	(void)state;
	parse(view_text(json_object_to_json_string(old)), &a);
	json_object_object_add(old, "manifest_set_approvals",
	                       json_object_get(json_at(old, "manifestSetApprovals")));
	json_object_object_del(old, "manifestSetApprovals");
	assert_refused(manifest_file_parse(view_text(json_object_to_json_string(old)), &b, &e),
	               ERR_DATA, "manifestSetApprovals and shareSetApprovals expected");
	json_object_object_add(old, "share_set_approvals",
	                       json_object_get(json_at(old, "shareSetApprovals")));
	json_object_object_del(old, "shareSetApprovals");
	parse(view_text(json_object_to_json_string(old)), &b);
	assert_same(&a, &b);
	json_object_object_add(old, "manifest", json_object_get(json_at(new, "manifest")));
	manifest_file_drop(&b);
	assert_refused(manifest_file_parse(view_text(json_object_to_json_string(old)), &b, &e),
	               ERR_DATA, "manifest_set_approvals belongs to v0");
}

/* What GET /enclave/manifest answers of the vectors' envelope, that envelope, and its manifest. */
static void the_contracts_form_is_read(void **state)
{
	static const char *const files[] = { "golden_manifest_envelope_v1.json",
		                             "golden_manifest_envelope_v1.json",
		                             "golden_manifest_v1.json" };
	AUTO(json) json_object *message = vector_json("teectl/manifest_message.json");
	json_object *envelope = json_at(message, "manifest_envelope");
	json_object *forms[] = { message, envelope, json_at(envelope, "manifest") };
	AUTO(manifest_file) struct manifest_file none = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		AUTO(manifest_file) struct manifest_file expected = parse_file(files[i]);
		AUTO(manifest_file) struct manifest_file f = { 0 };

		parse(view_text(json_object_to_json_string(forms[i])), &f);
		assert_same(&f, &expected);
	}
	json_object_object_add(json_at(forms[2], "namespace"), "name", json_object_new_int(1));
	for (size_t i = 0; i < COUNT(forms); i++)
		assert_refused(
		    manifest_file_parse(view_text(json_object_to_json_string(forms[i])), &none, &e),
		    ERR_DATA, "namespace.name: a string expected");
	json_object_object_add(message, "id", json_object_new_int(1));
	assert_refused(
	    manifest_file_parse(view_text(json_object_to_json_string(message)), &none, &e),
	    ERR_DATA, "id: unknown field");
}

/* set: into the pivot or the top of the v2 manifest; value NULL takes the field away. */
static void spoil_v2(const char *where, const char *key, const char *value, const char *words)
{
	AUTO(json) json_object *all = vector_json(FOLDER "v2_selfmade.json");
	json_object *manifest = json_at(all, "manifest");
	json_object *at = *where ? json_at(manifest, where) : manifest;
	struct manifest_file f = { 0 };
	struct err e;

	if (value)
		json_object_object_add(at, key, json_tokener_parse(value));
	else
		json_object_object_del(at, key);
	assert_refused(manifest_file_parse(view_text(v2_text(all)), &f, &e), ERR_DATA, words);
}

static void wrong_v2_manifests_are_refused(void **state)
{
	static const char patch[] = "{\"threshold\":0,\"members\":[]}";

	(void)state;
	spoil_v2("", "version", "\"v3\"", "version: only v2 is known");
	spoil_v2("", "version", "2", "version: a string expected");
	spoil_v2("", "version", NULL, "patchSet: missing");
	spoil_v2("", "patchSet", patch, "no patchSet");
	spoil_v2("", "foo", "1", "foo: unknown field");
	spoil_v2("pivot", "foo", "1", "pivot.foo: unknown field");
	spoil_v2("dns", "foo", "1", "dns.foo: unknown field");
	spoil_v2("pivot", "debugMode", NULL, "a v2 manifest has bridgeConfig, debugMode");
	spoil_v2("pivot", "bridgeConfig", NULL, "a v2 manifest has bridgeConfig, debugMode");
	spoil_v2("pivot", "env", "{\"1A\":{\"plain\":{\"value\":\"\"}}}", "not a name");
	spoil_v2("pivot", "env", "{\"A-B\":{\"plain\":{\"value\":\"\"}}}", "not a name");
	spoil_v2("pivot", "env", "{\"\":{\"plain\":{\"value\":\"\"}}}", "1 to 1024 bytes");
	spoil_v2("pivot", "env", "{\"A\":{\"secret\":{\"value\":\"\"}}}", "env.A.secret: unknown");
	spoil_v2("pivot", "env", "{\"A\":\"b\"}", "pivot.env.A: an object expected");
	spoil_v2("pivot", "hash", "\"00\"", "pivot.hash: 32 bytes expected, 1 found");
	spoil_v2("pivot", "hash", "\"0g\"", "pivot.hash: ");
	spoil_v2("pivot", "restart", "\"never\"", "pivot.restart: one of Never, Always");
	spoil_v2("dns", "resolvers", "[\"1.1.1\"]", "not an IP address");
	spoil_v2("dns", "resolvers", "[\"example.com\"]", "not an IP address");
	spoil_v2("dns", "resolvers", "[\"::1.2.3.4\"]", "IPv4-compatible");
	spoil_v2("namespace", "nonce", "\"031\"", "namespace.nonce: an integer expected");
	spoil_v2("namespace", "nonce", "\"-1\"", "namespace.nonce: an integer from 0");
	spoil_v2("namespace", "nonce", "\"1e3\"", "namespace.nonce: an integer expected");
	spoil_v2("namespace", "nonce", "\"\"", "namespace.nonce: an integer expected");
	spoil_v2("namespace", "nonce", "4294967296", "namespace.nonce: an integer from 0");
}

static void env_and_dns_are_part_of_the_v2_hash(void **state)
{
	static const struct {
		const char *where, *key, *value;
		bool is_same;
	} cases[] = {
		{ "pivot", "env", NULL, false },
		{ "", "dns", NULL, false },
		{ "", "dns", "{\"resolvers\":[\"1.1.1.1\"]}", false },
		{ "", "dns", "{\"resolvers\":[\"1.1.1.1\",\"2606:4700:4700:0:0:0:0:1111\"]}",
		  true },
		{ "", "dns", "{\"resolvers\":[\"1.1.1.1\",\"2606:4700:4700::1112\"]}", false },
		{ "namespace", "nonce", "\"31\"", true },
		{ "namespace", "nonce", "32", false },
	};
	struct manifest_file f = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(json) json_object *all = vector_json(FOLDER "v2_selfmade.json");
		AUTO(buf) struct buf expected = json_hex(all, "manifest_hash");
		json_object *manifest = json_at(all, "manifest");
		json_object *at = *cases[i].where ? json_at(manifest, cases[i].where) : manifest;

		json_object_object_del(at, cases[i].key);
		if (cases[i].value)
			json_object_object_add(at, cases[i].key,
			                       json_tokener_parse(cases[i].value));
		parse(view_text(v2_text(all)), &f);
		assert_int_equal(view_equal(VIEW_OF(f.hash.bytes), buf_view(&expected)),
		                 cases[i].is_same);
		manifest_file_drop(&f);
	}
}

static void spoil_v1(const char *where, const char *key, const char *value, const char *words)
{
	AUTO(json) json_object *all = vector_json(FOLDER "golden_manifest_v1.json");
	json_object *at = *where ? json_at(all, where) : all;
	struct manifest_file f = { 0 };
	struct err e;

	if (value)
		json_object_object_add(at, key, json_tokener_parse(value));
	else
		json_object_object_del(at, key);
	assert_refused(manifest_file_parse(view_text(json_object_to_json_string(all)), &f, &e),
	               ERR_DATA, words);
}

/* A v0 manifest with a field more: 5.2 ignores it there, unless it is another version's. */
static void v0_ignores_what_it_does_not_know(void **state)
{
	static const struct {
		const char *where, *key, *value, *words; /* NULL: ignored */
	} cases[] = {
		{ "", "foo", "{\"a\":[1]}", NULL },
		{ "namespace", "nonc", "1", NULL },
		{ "pivot", "bridgeConfi", "[]", NULL },
		{ "pivot", "debugMode", "false", "come together" },
		{ "", "version", "\"v0\"", "only v2 is known" },
		{ "", "dns", "{\"resolvers\":[]}", "belong to v2" },
	};
	AUTO(manifest_file) struct manifest_file plain = parse_file("golden_manifest_v0.json");
	struct err e;

	(void)state;
	assert_false(plain.has_unknown);
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(json) json_object *all = vector_json(FOLDER "golden_manifest_v0.json");
		AUTO(manifest_file) struct manifest_file f = { 0 };
		struct view text;

		json_object_object_add(*cases[i].where ? json_at(all, cases[i].where) : all,
		                       cases[i].key, json_tokener_parse(cases[i].value));
		text = view_text(json_object_to_json_string(all));
		if (cases[i].words) {
			assert_refused(manifest_file_parse(text, &f, &e), ERR_DATA, cases[i].words);
			continue;
		}
		parse(text, &f);
		assert_true(f.has_unknown);
		assert_same(&f, &plain);
	}
}

static void wrong_v1_manifests_are_refused(void **state)
{
	(void)state;
	spoil_v1("", "version", "\"v1\"", "version: only v2 is known");
	spoil_v1("", "patchSet", NULL, "patchSet: missing");
	spoil_v1("", "shareSet", NULL, "shareSet: missing");
	spoil_v1("pivot", "debugMode", NULL, "bridgeConfig and debugMode come together");
	spoil_v1("pivot", "bridgeConfig", NULL, "bridgeConfig and debugMode come together");
	spoil_v1("pivot", "env", "{\"A\":{\"plain\":{\"value\":\"\"}}}", "belong to v2");
	spoil_v1("", "dns", "{\"resolvers\":[]}", "belong to v2");
	spoil_v1("", "pivott", "1", "pivott: unknown field, did you mean 'pivot'?");
	spoil_v1("pivot", "debugMod", "true", "pivot.debugMod: unknown field");
	spoil_v1("pivot", "bridgeConfig", "[{\"type\":\"server\",\"port\":1}]",
	         "a server without a host");
	spoil_v1("pivot", "bridgeConfig", "[{\"type\":\"server\",\"port\":65536,\"host\":\"\"}]",
	         "pivot.bridgeConfig[0].port: an integer from 0 to 65535");
}

static void what_is_no_manifest_is_refused(void **state)
{
	static const char *const texts[] = { "", "{", "{}", "[]", "x", "7b", "{\"manifest\":{}}" };
	struct manifest_file f = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_refused(manifest_file_parse(view_text(texts[i]), &f, &e), ERR_DATA,
		               "manifest file: ");
	assert_null(f.envelope.manifest.namespace.name.data);
}

/* A namespace of 123 bytes makes a borsh file begin with '{'. */
static void borsh_that_begins_with_a_brace_is_borsh(void **state)
{
	AUTO(manifest_file) struct manifest_file f = parse_file("golden_manifest_v1.json");
	AUTO(manifest_file) struct manifest_file back = { 0 };
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	char name['{' + 1] = { 0 };
	struct err e;

	(void)state;
	memset(name, 'n', '{');
	assert_ok(wire_set_text(&f.envelope.manifest.namespace.name, name, &e));
	assert_ok(manifest_encode(&f.envelope.manifest, &borsh, &e));
	assert_int_equal(borsh.data[0], '{');
	parse(buf_view(&borsh), &back);
	assert_string_equal(buf_text(&back.envelope.manifest.namespace.name), name);
}

/* All zeroes but for one byte, which v0 reads as the length of PCR0 and v1 as part of a threshold;
 * v1 has the 5 bytes of PCR0 as bridges' debug_mode and argument count. */
static void borsh_of_two_readings_is_refused(void **state)
{
	uint8_t borsh[102] = { [49 + 16] = 5 };
	struct manifest_file f = { 0 };
	struct err e;

	(void)state;
	for (int version = 0; version < 2; version++) {
		AUTO(manifest) struct manifest m = { 0 };

		assert_ok(manifest_decode_as(VIEW_OF(borsh), version, &m, &e));
	}
	assert_refused(manifest_file_parse(VIEW_OF(borsh), &f, &e), ERR_DATA,
	               "borsh that can be read as several versions");
}

static void an_approval_file_is_read_and_named_as_qos_does(void **state)
{
	AUTO(buf) struct buf file = vector_file(FOLDER "golden_approval.json");
	AUTO(manifest_file) struct manifest_file f = parse_file("golden_manifest_v1.json");
	AUTO(approval) struct approval a = { 0 };
	AUTO(buf) struct buf name = BUF_INIT(256);
	struct err e;

	(void)state;
	assert_ok(approval_file_parse(buf_view(&file), &a, &e));
	assert_ok(approval_check(&a, &f.hash, &f.envelope.manifest.manifest_set, &e));
	assert_ok(approval_file_name(buf_view(&a.member.alias), &f.envelope.manifest.namespace,
	                             &name, &e));
	assert_string_equal(buf_text(&name), "dev-production-signer-31.approval");
}

/* The alias comes with the manifest: it leads out of no folder. */
static void an_alias_that_is_a_path_names_no_file(void **state)
{
	static const char *const aliases[] = { "", ".", "..", "../eve", "a/b", "/etc/eve" };
	AUTO(manifest_file) struct manifest_file f = parse_file("golden_manifest_v1.json");
	AUTO(buf) struct buf name = BUF_INIT(256);
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(aliases); i++)
		assert_refused(approval_file_name(view_text(aliases[i]),
		                                  &f.envelope.manifest.namespace, &name, &e),
		               ERR_DATA, "not fit for a file's name");
	assert_refused(
	    approval_file_name(view_new("a\0b", 3), &f.envelope.manifest.namespace, &name, &e),
	    ERR_DATA, "not fit for a file's name");
}

static void approval_files_that_are_none_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"{\"signature\":\"00\"}",
		"{\"signature\":1,\"member\":{}}",
		"{\"signature\":\"00\",\"member\":{\"alias\":\"a\"}}"
	};
	AUTO(approval) struct approval a = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_refused(approval_file_parse(view_text(texts[i]), &a, &e), ERR_DATA,
		               "approval file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stable_vectors_hold),
		cmocka_unit_test(the_golden_manifests_hold),
		cmocka_unit_test(the_golden_envelope_holds_and_is_written_byte_for_byte),
		cmocka_unit_test(the_golden_v0_manifest_has_its_own_hash_and_that_of_its_upgrade),
		cmocka_unit_test(the_old_manifest_is_v0_only),
		cmocka_unit_test(the_golden_approval_is_written_byte_for_byte),
		cmocka_unit_test(the_v2_manifest_has_its_hash),
		cmocka_unit_test(the_v2_approval_is_over_the_v2_hash),
		cmocka_unit_test(v0_envelopes_have_names_of_their_own),
		cmocka_unit_test(the_contracts_form_is_read),
		cmocka_unit_test(wrong_v2_manifests_are_refused),
		cmocka_unit_test(env_and_dns_are_part_of_the_v2_hash),
		cmocka_unit_test(wrong_v1_manifests_are_refused),
		cmocka_unit_test(v0_ignores_what_it_does_not_know),
		cmocka_unit_test(what_is_no_manifest_is_refused),
		cmocka_unit_test(borsh_that_begins_with_a_brace_is_borsh),
		cmocka_unit_test(an_approval_file_is_read_and_named_as_qos_does),
		cmocka_unit_test(an_alias_that_is_a_path_names_no_file),
		cmocka_unit_test(approval_files_that_are_none_are_refused),
		cmocka_unit_test(borsh_of_two_readings_is_refused),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

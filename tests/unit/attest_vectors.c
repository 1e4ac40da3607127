/* Documents that others made: every sidecar in tests/vectors/aws and qos/mock_nsm says what is to
 * become of its document. */
#include "support.h"

#include "attest/chain.h"
#include "attest/document.h"

#include <dirent.h>

static struct buf join(const char *folder, const char *name)
{
	struct buf b = BUF_INIT(4096);
	struct err e;

	assert_ok(buf_add_format(&b, &e, "%s/%s", folder, name));
	return b;
}

static struct buf root_of(const char *folder, json_object *sidecar)
{
	AUTO(buf) struct buf name = join(folder, json_text(sidecar, "root"));

	return vector_file(buf_text(&name));
}

static int check_at(struct view document, struct view root, int64_t time, struct attestation *ret,
                    struct err *e)
{
	const struct attestation_policy policy = { .root = root, .chain_time_unix = time };

	memset(e, 0, sizeof(*e));
	return attestation_check(document, &policy, ret, e);
}

static void expect_accepted(const char *name, struct view document, struct view root, int64_t time)
{
	AUTO(attestation) struct attestation a = { 0 };
	struct err e;

	if (check_at(document, root, time, &a, &e) < 0)
		fail_msg("%s at %lld: %s (%s)", name, (long long)time, e.text, e.reason);
}

static void expect_refused(const char *name, struct view document, struct view root, int64_t time,
                           const char *reason)
{
	AUTO(attestation) struct attestation a = { 0 };
	struct err e;

	if (check_at(document, root, time, &a, &e) == 0)
		fail_msg("%s at %lld: accepted", name, (long long)time);
	/* "chain:time@" is any certificate's */
	if (reason[strlen(reason) - 1] == '@')
		e.reason[strcspn(e.reason, "@") + 1] = 0;
	if (e.code != ERR_ATTESTATION || strcmp(e.reason, reason) != 0)
		fail_msg("%s at %lld: %s for '%s' (%s), expected '%s'", name, (long long)time,
		         err_info(e.code)->name, e.reason, e.text, reason);
	assert_true(view_is_zero(view_new(&a, sizeof(a))));
}

static void expect_field(json_object *sidecar, const char *key, const struct document_field *field)
{
	json_object *value;

	if (!json_object_object_get_ex(sidecar, key, &value))
		return;
	assert_int_equal(field->is_present, value != NULL);
	if (value) {
		AUTO(buf) struct buf bytes = bytes_of_hex(json_object_get_string(value));

		assert_view_equal(field->value, buf_view(&bytes));
	}
}

static void expect_pcrs(json_object *sidecar, const struct pcr_set *pcrs)
{
	json_object *value;
	int listed = 0;

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		char key[8];

		listed += pcrs->values[i].len != 0;
		snprintf(key, sizeof(key), "pcr%u", i);
		if (json_object_object_get_ex(sidecar, key, &value)) {
			AUTO(buf) struct buf bytes = bytes_of_hex(json_object_get_string(value));

			assert_view_equal(pcr_view(&pcrs->values[i]), buf_view(&bytes));
		}
	}
	if (json_object_object_get_ex(sidecar, "npcrs", &value))
		assert_int_equal(listed, json_object_get_int(value));
}

static void expect_claims(json_object *sidecar, struct view document)
{
	AUTO(attestation_claims) struct attestation_claims c = { 0 };
	json_object *value;
	struct err e;

	assert_ok(attestation_parse(document, &c, &e));
	expect_pcrs(sidecar, &c.pcrs);
	expect_field(sidecar, "user_data", &c.user_data);
	expect_field(sidecar, "nonce", &c.nonce);
	expect_field(sidecar, "public_key", &c.public_key);
	if (json_object_object_get_ex(sidecar, "timestamp_ms", &value))
		assert_int_equal(c.timestamp_ms, json_object_get_int64(value));
	if (json_object_object_get_ex(sidecar, "module_id", &value))
		assert_view_equal(c.module_id, view_text(json_object_get_string(value)));
	if (json_object_object_get_ex(sidecar, "cabundle_lens", &value))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			assert_int_equal(c.cabundle[i].len,
			                 json_object_get_int(json_object_array_get_idx(value, i)));
}

static void expect_window(const char *name, json_object *sidecar, struct view document,
                          struct view root)
{
	json_object *from, *until;

	if (!json_object_object_get_ex(sidecar, "accept_from", &from) ||
	    !json_object_object_get_ex(sidecar, "accept_until", &until))
		return;
	expect_accepted(name, document, root, json_object_get_int64(from));
	expect_accepted(name, document, root, json_object_get_int64(until));
	expect_refused(name, document, root, json_object_get_int64(from) - 1, "chain:time@");
	expect_refused(name, document, root, json_object_get_int64(until) + 1, "chain:time@");
}

static void check_sidecar(const char *folder, const char *name)
{
	AUTO(buf) struct buf document = { 0 };
	AUTO(buf) struct buf root = { 0 };
	AUTO(json) json_object *sidecar = NULL;
	AUTO(buf) struct buf path = join(folder, name);
	int64_t time;

	sidecar = vector_json(buf_text(&path));
	memcpy(path.data + path.len - strlen("json"), "cose", strlen("cose"));
	document = vector_file(buf_text(&path));
	root = root_of(folder, sidecar);
	time = json_object_get_int64(json_at(sidecar, "verify_at"));
	if (strcmp(json_text(sidecar, "expected"), "accept") != 0) {
		expect_refused(name, buf_view(&document), buf_view(&root), time,
		               json_text(sidecar, "expected_reason_spec"));
		return;
	}
	expect_accepted(name, buf_view(&document), buf_view(&root), time);
	expect_claims(sidecar, buf_view(&document));
	expect_window(name, sidecar, buf_view(&document), buf_view(&root));
}

static unsigned check_folder(const char *folder)
{
	AUTO(buf) struct buf path = join(VECTORS, folder);
	struct dirent *entry;
	unsigned count = 0;
	DIR *d = opendir(buf_text(&path));

	assert_non_null(d);
	while ((entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".json") != 0)
			continue;
		check_sidecar(folder, entry->d_name);
		count++;
	}
	closedir(d);
	return count;
}

static void every_aws_document_meets_its_fate(void **state)
{
	(void)state;
	assert_true(check_folder("aws") >= 20);
}

static void every_mock_nsm_document_meets_its_fate(void **state)
{
	(void)state;
	assert_true(check_folder("qos/mock_nsm") >= 1);
}

static void the_root_inside_is_the_root_in_the_vectors(void **state)
{
	AUTO(buf) struct buf root = vector_file("aws/aws_nitro_root_g1.der");
	AUTO(buf) struct buf other = vector_file("qos/mock_pki/root.der");
	struct hash256 hash;
	char hex[65];
	struct err e;

	(void)state;
	assert_view_equal(chain_aws_root, buf_view(&root));
	assert_ok(sha256(chain_aws_root, &hash, &e));
	hex_write(VIEW_OF(hash.bytes), hex);
	assert_string_equal(hex,
	                    "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
	assert_true(chain_root_is_aws(buf_view(&root)));
	assert_false(chain_root_is_aws(buf_view(&other)));
}

static void the_setup_document_holds_what_its_manifest_wants(void **state)
{
	AUTO(json) json_object *sidecar = vector_json("qos/mock_nsm/setup_doc.json");
	AUTO(buf) struct buf document = vector_file("qos/mock_nsm/setup_doc.cose");
	AUTO(buf) struct buf root = vector_file("qos/mock_pki/root.der");
	AUTO(buf) struct buf key = json_hex(sidecar, "public_key");
	AUTO(attestation) struct attestation a = { 0 };
	struct attestation_policy policy = { .root = buf_view(&root), .chain_at_document = true };
	struct hash256 hash;
	struct err e;

	(void)state;
	assert_ok(hex_parse_exact(view_text(json_text(sidecar, "manifest_hash")), hash.bytes,
	                          sizeof(hash.bytes), &e));
	policy.committed_manifest = &hash;
	policy.nonce.rule = FIELD_ABSENT;
	policy.refuse_debug = true;
	assert_ok(attestation_check(buf_view(&document), &policy, &a, &e));
	assert_true(a.has_public_key);
	assert_false(a.is_debug);
	assert_view_equal(public_key_view(&a.public_key), buf_view(&key));
	assert_view_equal(buf_view(&a.user_data), VIEW_OF(hash.bytes));
	assert_view_equal(buf_view(&a.root), buf_view(&root));

	hash.bytes[31] ^= 1;
	assert_refused(attestation_check(buf_view(&document), &policy, &a, &e), ERR_ATTESTATION,
	               "user_data");
	policy.root = chain_aws_root;
	assert_refused(attestation_check(buf_view(&document), &policy, &a, &e), ERR_ATTESTATION,
	               "chain:issuer@1");
}

static void certificates_say_who_they_are(void **state)
{
	AUTO(buf) struct buf mock = vector_file("qos/mock_pki/root.der");
	struct certificate_facts facts;
	char hex[65];
	struct err e;

	(void)state;
	assert_ok(chain_describe(chain_aws_root, &facts, &e));
	assert_string_equal(facts.subject, "CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US");
	assert_int_equal(facts.not_before_unix, 1572269285); /* formats.md 7.3 */
	assert_int_equal(facts.not_after_unix, 2519044085);
	hex_write(VIEW_OF(facts.fingerprint.bytes), hex);
	assert_string_equal(hex,
	                    "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
	assert_int_equal(chain_root_maker(chain_aws_root), PCR_NITRO);
	assert_int_equal(chain_root_maker(buf_view(&mock)), PCR_NITRO);
	assert_int_equal(chain_root_maker(view_text("no certificate")), PCR_NITRO);
	assert_refused(chain_describe(view_text("no certificate"), &facts, &e), ERR_DATA,
	               "not an X.509 certificate");
	assert_refused(
	    chain_describe(view_new(chain_aws_root.data, chain_aws_root.len - 1), &facts, &e),
	    ERR_DATA, "not an X.509 certificate");
	assert_string_equal(facts.subject, "CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US");
	assert_ok(buf_add_u8(&mock, 0, &e));
	assert_refused(chain_describe(buf_view(&mock), &facts, &e), ERR_DATA,
	               "not an X.509 certificate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_aws_document_meets_its_fate),
		cmocka_unit_test(every_mock_nsm_document_meets_its_fate),
		cmocka_unit_test(the_root_inside_is_the_root_in_the_vectors),
		cmocka_unit_test(certificates_say_who_they_are),
		cmocka_unit_test(the_setup_document_holds_what_its_manifest_wants),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

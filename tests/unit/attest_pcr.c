#include "support.h"

#include "attest/pcr.h"

/* One case of pcr_vectors.json's commitments. */
static void expect_commitment(json_object *row)
{
	AUTO(buf) struct buf key = json_hex(row, "ephemeral_public_key");
	AUTO(buf) struct buf commitment = json_hex(row, "commitment");
	AUTO(buf) struct buf expected = json_hex(row, "pcr");
	struct hash256 manifest_hash;
	struct hash384 found;
	struct pcr pcr;
	struct err e;

	assert_ok(hex_parse_exact(view_text(json_text(row, "manifest_hash")), manifest_hash.bytes,
	                          sizeof(manifest_hash.bytes), &e));
	assert_ok(pcr_commitment_in(json_text(row, "domain"), buf_view(&key), &manifest_hash,
	                            &found, &e));
	assert_view_equal(VIEW_OF(found.bytes), buf_view(&commitment));
	pcr_zero(&pcr);
	assert_ok(pcr_extend(&pcr, VIEW_OF(found.bytes), &e));
	assert_view_equal(pcr_view(&pcr), buf_view(&expected));
}

static void commitments_are_those_of_qos(void **state)
{
	AUTO(json) json_object *vectors = vector_json("qos/pcr_vectors.json");

	(void)state;
	json_object_object_foreach(json_at(vectors, "commitments"), name, row)
	{
		(void)name;
		expect_commitment(row);
	}
	assert_string_equal(json_text(json_at(json_at(vectors, "commitments"), "setup"), "domain"),
	                    PCR_SETUP_DOMAIN);
}

static void the_setup_commitment_is_in_the_setup_document(void **state)
{
	AUTO(json) json_object *sidecar = vector_json("qos/mock_nsm/setup_doc.json");
	AUTO(buf) struct buf expected = json_hex(sidecar, "pcr16");
	AUTO(buf) struct buf bytes = json_hex(sidecar, "public_key");
	struct hash256 manifest_hash;
	struct hash384 commitment;
	struct public_key key;
	struct pcr pcr;
	struct err e;

	(void)state;
	assert_ok(public_key_parse(buf_view(&bytes), &key, &e));
	assert_ok(hex_parse_exact(view_text(json_text(sidecar, "manifest_hash")),
	                          manifest_hash.bytes, sizeof(manifest_hash.bytes), &e));
	assert_ok(pcr_committed(&key, &manifest_hash, &pcr, &e));
	assert_view_equal(pcr_view(&pcr), buf_view(&expected));
	assert_ok(pcr_commitment(&key, &manifest_hash, &commitment, &e));
	pcr_zero(&pcr);
	assert_ok(pcr_extend(&pcr, VIEW_OF(commitment.bytes), &e));
	assert_view_equal(pcr_view(&pcr), buf_view(&expected));
}

static void a_role_is_measured_as_aws_does(void **state)
{
	AUTO(json) json_object *vectors = vector_json("qos/pcr_vectors.json");
	json_object *row = json_at(vectors, "pcr3");
	AUTO(buf) struct buf expected = json_hex(row, "pcr3");
	struct pcr pcr;
	struct err e;

	(void)state;
	assert_ok(pcr_measure_name(json_text(row, "role_arn"), &pcr, &e));
	assert_view_equal(pcr_view(&pcr), buf_view(&expected));
	assert_ok(pcr_measure_name("", &pcr, &e));
	assert_true(pcr_is_zero(&pcr));
	assert_int_equal(pcr.len, PCR_LEN);
}

static void no_content_is_measured_as_nitro_does(void **state)
{
	AUTO(buf) struct buf expected = bytes_of_hex("21b9efbc18480766");
	struct pcr pcr;
	struct err e;

	(void)state;
	assert_ok(pcr_measure((struct view){ 0 }, &pcr, &e));
	assert_view_equal(view_new(pcr.bytes, expected.len), buf_view(&expected));
}

static void a_pcr_that_is_not_there_is_neither_zero_nor_extended(void **state)
{
	struct pcr absent = { 0 }, zero, shorter = { .len = 32 };
	struct err e;

	(void)state;
	pcr_zero(&zero);
	assert_false(pcr_is_zero(&absent));
	assert_true(pcr_is_zero(&zero));
	assert_false(pcr_equal(&absent, &zero));
	assert_false(pcr_equal(&shorter, &zero));
	assert_refused(pcr_extend(&absent, view_text("x"), &e), ERR_INTERNAL, "0 bytes");
	assert_refused(pcr_extend(&shorter, view_text("x"), &e), ERR_INTERNAL, "32 bytes");
}

static void a_pcr_has_48_bytes(void **state)
{
	const uint8_t bytes[PCR_LEN + 1] = { 1 };
	struct pcr pcr;
	struct err e;

	(void)state;
	assert_ok(pcr_parse(view_new(bytes, PCR_LEN), &pcr, &e));
	assert_view_equal(pcr_view(&pcr), view_new(bytes, PCR_LEN));
	assert_refused(pcr_parse(view_new(bytes, PCR_LEN - 1), &pcr, &e), ERR_DATA, "not 47");
	assert_refused(pcr_parse(view_new(bytes, PCR_LEN + 1), &pcr, &e), ERR_DATA, "not 49");
}

static void debug_is_all_three_zero(void **state)
{
	struct pcr_set set = { 0 };

	(void)state;
	assert_false(pcr_set_is_debug(&set));
	pcr_zero(&set.values[PCR_IMAGE]);
	pcr_zero(&set.values[PCR_RUNTIME]);
	assert_false(pcr_set_is_debug(&set));
	pcr_zero(&set.values[PCR_OPTIONS]);
	assert_true(pcr_set_is_debug(&set));
	set.values[PCR_RUNTIME].bytes[47] = 1;
	assert_false(pcr_set_is_debug(&set));
}

static void every_pcr_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PCR_COUNT; i++)
		assert_true(strlen(pcr_name(i)) > 0);
	assert_string_equal(pcr_name(PCR_OPTIONS), "launch options");
}

static void the_reasons_of_what_is_pinned_are_known(void **state)
{
	char reason[ERR_REASON_MAX];

	(void)state;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		pcr_reason(i, reason);
		assert_int_equal(pcr_is_policy_reason(reason), i < PCR_POLICY_COUNT);
	}
	assert_false(pcr_is_policy_reason("pcr"));
	assert_false(pcr_is_policy_reason("pcrs"));
	assert_false(pcr_is_policy_reason(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reasons_of_what_is_pinned_are_known),
		cmocka_unit_test(commitments_are_those_of_qos),
		cmocka_unit_test(the_setup_commitment_is_in_the_setup_document),
		cmocka_unit_test(a_role_is_measured_as_aws_does),
		cmocka_unit_test(no_content_is_measured_as_nitro_does),
		cmocka_unit_test(a_pcr_that_is_not_there_is_neither_zero_nor_extended),
		cmocka_unit_test(a_pcr_has_48_bytes),
		cmocka_unit_test(debug_is_all_three_zero),
		cmocka_unit_test(every_pcr_has_a_name),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

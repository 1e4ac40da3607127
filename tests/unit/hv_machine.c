/* The simulated Nitro Security Module: requests in, answers out. */
/* link: enclave-stub/hv/machine.c */
/* link: enclave-stub/hv/pki.c */
#include "hv/machine.h"

#include "hv_support.h"

#include "base/file.h"

#define NOW_UNIX INT64_C(1767225600) /* 2026-01-01 */
#define NOW_MS   (NOW_UNIX * 1000 + 123)
#define MODULE   "i-teectlsim0011223344556677-enc8899aabbccddeeff"

static struct measurement measured(bool is_debug)
{
	struct measurement m = { .is_debug = is_debug };
	struct err e;

	assert_ok(pcr_measure(view_text("image"), &m.image, &e));
	assert_ok(pcr_measure(view_text("runtime"), &m.runtime, &e));
	assert_ok(pcr_measure(view_text("options"), &m.options, &e));
	assert_ok(pcr_measure_name("role", &m.role, &e));
	assert_ok(pcr_measure_name("instance", &m.instance, &e));
	return m;
}

/* A machine that can sign, under a PKI of its own. */
static struct machine machine_new(const char *folder, bool is_debug)
{
	struct measurement m = measured(is_debug);
	struct identity identity;
	struct machine machine;
	struct err e;

	machine_init(&machine, &m, MODULE, &entropy_system);
	assert_ok(pki_certify(folder, MODULE, NOW_UNIX, PKI_START_PATIENCE_MS, &identity, &e));
	machine_take_identity(&machine, &identity);
	return machine;
}

/* One that never signs: no keys are made. */
static struct machine machine_unsigned(bool is_debug)
{
	struct measurement m = measured(is_debug);
	struct machine machine;

	machine_init(&machine, &m, MODULE, &entropy_system);
	return machine;
}

static void answer_bytes(struct machine *m, struct view request, struct buf *memory,
                         enum nsm_operation operation, struct nsm_response *ret)
{
	struct err e;

	buf_clear(memory);
	assert_ok(machine_answer(m, request, NOW_MS, memory, &e));
	assert_ok(nsm_response_decode(buf_view(memory), operation, ret, &e));
}

static struct nsm_response ask(struct machine *m, const struct nsm_request *q, struct buf *memory)
{
	AUTO(buf) struct buf request = BUF_INIT(2 * NSM_REQUEST_MAX);
	struct nsm_response r = { 0 };
	struct err e;

	assert_ok(nsm_request_encode(q, &request, &e));
	answer_bytes(m, buf_view(&request), memory, q->operation, &r);
	return r;
}

static void assert_error(struct machine *m, const struct nsm_request *q, enum nsm_error expected)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r = ask(m, q, &memory);

	assert_string_equal(nsm_error_name(r.error), nsm_error_name(expected));
}

#define ASK(...) (&(struct nsm_request){ __VA_ARGS__ })

static void describe_nsm_tells_what_it_is(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);
	struct nsm_response r = ask(&m, ASK(.operation = NSM_DESCRIBE_NSM), &memory);

	(void)state;
	assert_true(view_equal(r.module_id, view_text(MODULE)));
	assert_true(view_equal(r.digest, view_text("SHA384")));
	assert_int_equal(r.max_pcrs, 32);
	assert_int_equal(r.locked_pcrs, 0xffff);
	assert_int_equal(r.version_major, 1);
}

static void get_random_gives_256_other_bytes_each_time(void **state)
{
	AUTO(buf) struct buf first = BUF_INIT(NSM_RESPONSE_MAX);
	AUTO(buf) struct buf second = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);
	struct nsm_response a = ask(&m, ASK(.operation = NSM_GET_RANDOM), &first);
	struct nsm_response b = ask(&m, ASK(.operation = NSM_GET_RANDOM), &second);

	(void)state;
	assert_int_equal(a.data.len, NSM_RANDOM_LEN);
	assert_int_equal(b.data.len, NSM_RANDOM_LEN);
	assert_false(view_equal(a.data, b.data));
}

static int no_entropy(void *context, const char *purpose, size_t len, struct secret *ret,
                      struct err *e)
{
	(void)context, (void)len, (void)ret;
	return err_set(e, ERR_INTERNAL, "no entropy for %s", purpose);
}

static void get_random_without_entropy_is_an_internal_error(void **state)
{
	static const struct entropy none = { no_entropy, NULL };
	struct machine m = machine_unsigned(false);

	(void)state;
	m.entropy = &none;
	assert_error(&m, ASK(.operation = NSM_GET_RANDOM), NSM_ERROR_InternalError);
}

static void pcr_is(struct machine *m, uint16_t index, bool is_locked, const struct pcr *expected)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct nsm_response r = ask(m, ASK(.operation = NSM_DESCRIBE_PCR, .index = index), &memory);

	assert_int_equal(r.error, NSM_ERROR_Success);
	assert_int_equal(r.is_locked, is_locked);
	assert_true(view_equal(r.data, pcr_view(expected)));
}

static void the_first_16_are_locked_and_measured_the_rest_open_and_zero(void **state)
{
	struct machine m = machine_unsigned(false);
	struct measurement expected = measured(false);
	struct pcr zero;

	(void)state;
	pcr_zero(&zero);
	pcr_is(&m, 0, true, &expected.image);
	pcr_is(&m, 1, true, &expected.runtime);
	pcr_is(&m, 2, true, &expected.options);
	pcr_is(&m, 3, true, &expected.role);
	pcr_is(&m, 4, true, &expected.instance);
	for (uint16_t i = 5; i < PCR_COUNT; i++)
		pcr_is(&m, i, i < 16, &zero);
}

static void debug_reads_zero_in_0_1_2_alone(void **state)
{
	struct machine m = machine_unsigned(true);
	struct measurement expected = measured(true);
	struct pcr zero;

	(void)state;
	pcr_zero(&zero);
	for (uint16_t i = 0; i < 3; i++)
		pcr_is(&m, i, true, &zero);
	pcr_is(&m, 3, true, &expected.role);
	pcr_is(&m, 4, true, &expected.instance);
	assert_true(pcr_set_is_debug(&m.pcrs));
}

static void extend_hashes_the_old_value_and_the_data(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);
	struct nsm_response r;
	struct pcr expected;
	struct err e;

	(void)state;
	pcr_zero(&expected);
	for (int i = 0; i < 2; i++) {
		assert_ok(pcr_extend(&expected, view_text("commitment"), &e));
		r = ask(
		    &m,
		    ASK(.operation = NSM_EXTEND_PCR, .index = 16, .data = view_text("commitment")),
		    &memory);
		assert_true(view_equal(r.data, pcr_view(&expected)));
	}
	pcr_is(&m, 16, false, &expected);
}

static void extend_refuses_locked_missing_and_empty(void **state)
{
	struct machine m = machine_unsigned(false);
	struct pcr_set before = m.pcrs;
	struct view data = view_text("x");

	(void)state;
	for (uint16_t i = 0; i < 16; i++)
		assert_error(&m, ASK(.operation = NSM_EXTEND_PCR, .index = i, .data = data),
		             NSM_ERROR_ReadOnlyIndex);
	assert_error(&m, ASK(.operation = NSM_EXTEND_PCR, .index = 32, .data = data),
	             NSM_ERROR_InvalidIndex);
	assert_error(&m, ASK(.operation = NSM_EXTEND_PCR, .index = 0xffff, .data = data),
	             NSM_ERROR_InvalidIndex);
	assert_error(&m, ASK(.operation = NSM_EXTEND_PCR, .index = 16), NSM_ERROR_InvalidArgument);
	assert_memory_equal(&m.pcrs, &before, sizeof(before));
}

static void lock_is_once_and_for_ever(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);
	struct nsm_response r = ask(&m, ASK(.operation = NSM_LOCK_PCR, .index = 16), &memory);

	(void)state;
	assert_int_equal(r.error, NSM_ERROR_Success);
	assert_int_equal(m.locked, 0x1ffff);
	assert_error(&m, ASK(.operation = NSM_LOCK_PCR, .index = 16), NSM_ERROR_ReadOnlyIndex);
	assert_error(&m, ASK(.operation = NSM_LOCK_PCR, .index = 0), NSM_ERROR_ReadOnlyIndex);
	assert_error(&m, ASK(.operation = NSM_LOCK_PCR, .index = 32), NSM_ERROR_InvalidIndex);
	assert_error(&m, ASK(.operation = NSM_EXTEND_PCR, .index = 16, .data = view_text("x")),
	             NSM_ERROR_ReadOnlyIndex);
}

static void lock_of_a_range_takes_locked_ones_in_its_stride(void **state)
{
	static const struct {
		uint16_t range;
		uint32_t locked;
	} cases[] = { { 0, 0xffff },
		      { 1, 0xffff },
		      { 18, 0x3ffff },
		      { 32, 0xffffffff },
		      { 32, 0xffffffff } };
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nsm_response r =
		    ask(&m, ASK(.operation = NSM_LOCK_PCRS, .index = cases[i].range), &memory);

		assert_int_equal(r.error, NSM_ERROR_Success);
		assert_int_equal(m.locked, cases[i].locked);
	}
	assert_error(&m, ASK(.operation = NSM_LOCK_PCRS, .index = 33), NSM_ERROR_InvalidIndex);
}

static void describe_pcr_refuses_one_that_there_is_not(void **state)
{
	struct machine m = machine_unsigned(false);

	(void)state;
	assert_error(&m, ASK(.operation = NSM_DESCRIBE_PCR, .index = 32), NSM_ERROR_InvalidIndex);
}

static void what_is_no_request_is_an_invalid_operation(void **state)
{
	static const char *const requests[] = {
		"",
		"\xff",
		"\x64"
		"Nope",
		"\xa0",
		"\xa1\x67"
		"LockPCR\xa0",
		"\x69"
		"GetRandom\x00",
		"\xa1\x67"
		"LockPCR\xa1\x65"
		"index\x20",
		"\xa1\x67"
		"LockPCR\xa1\x65"
		"index\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x9a\x10\x00\x00\x00",
	};
	static const size_t lens[] = { 0, 1, 5, 1, 10, 11, 17, 25, 5 };
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);
	struct nsm_response r;

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		answer_bytes(&m, view_new(requests[i], lens[i]), &memory, NSM_LOCK_PCR, &r);
		assert_string_equal(nsm_error_name(r.error), "InvalidOperation");
	}
}

static void a_request_above_the_limit_is_too_large(void **state)
{
	static uint8_t bytes[NSM_REQUEST_MAX + 1];
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	struct machine m = machine_unsigned(false);
	struct nsm_response r;

	(void)state;
	answer_bytes(&m, VIEW_OF(bytes), &memory, NSM_LOCK_PCR, &r);
	assert_string_equal(nsm_error_name(r.error), "InputTooLarge");
	answer_bytes(&m, view_new(bytes, NSM_REQUEST_MAX), &memory, NSM_LOCK_PCR, &r);
	assert_string_equal(nsm_error_name(r.error), "InvalidOperation");
}

static struct document_field field(struct view v)
{
	return (struct document_field){ true, v };
}

static void attestation_refuses_what_no_document_carries(void **state)
{
	static uint8_t bytes[1025];
	struct machine m = machine_unsigned(false);

	(void)state;
	assert_error(&m,
	             ASK(.operation = NSM_ATTESTATION, .user_data = field(view_new(bytes, 513))),
	             NSM_ERROR_InvalidArgument);
	assert_error(&m, ASK(.operation = NSM_ATTESTATION, .nonce = field(view_new(bytes, 513))),
	             NSM_ERROR_InvalidArgument);
	assert_error(&m,
	             ASK(.operation = NSM_ATTESTATION, .public_key = field(view_new(bytes, 1025))),
	             NSM_ERROR_InvalidArgument);
	assert_error(&m, ASK(.operation = NSM_ATTESTATION, .public_key = field(view_new(bytes, 0))),
	             NSM_ERROR_InvalidArgument);
}

/* Verifies it as anyone would, under the machine's root. */
static void document_is(const struct machine *m, struct view document, bool is_committed,
                        struct attestation_claims *claims)
{
	AUTO(attestation) struct attestation a = { 0 };
	struct attestation_policy policy = {
		.root = buf_view(&m->identity.root),
		.chain_time_unix = NOW_UNIX,
		.now_ms = NOW_MS,
		.max_age_ms = 1,
		.max_ahead_ms = 1,
		.uncommitted = !is_committed,
	};
	struct err e;

	assert_ok(attestation_parse(document, claims, &e));
	assert_ok(attestation_verify(claims, &policy, &a, &e));
	assert_true(view_equal(claims->module_id, view_text(MODULE)));
	assert_int_equal(claims->timestamp_ms, NOW_MS);
	assert_int_equal(claims->cabundle_count, 2);
}

static void a_document_lists_locked_pcrs_only(void **state)
{
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	AUTO(attestation_claims) struct attestation_claims before = { 0 };
	AUTO(attestation_claims) struct attestation_claims after = { 0 };
	struct machine m = machine_new(*state, false);
	struct nsm_response r = ask(&m, ASK(.operation = NSM_ATTESTATION), &memory);

	document_is(&m, r.data, false, &before);
	assert_false(before.user_data.is_present || before.nonce.is_present ||
	             before.public_key.is_present);
	for (size_t i = 0; i < PCR_COUNT; i++)
		assert_int_equal(before.pcrs.values[i].len, i < 16 ? PCR_LEN : 0);
	ask(&m, ASK(.operation = NSM_EXTEND_PCR, .index = 16, .data = view_text("x")), &memory);
	ask(&m, ASK(.operation = NSM_LOCK_PCRS, .index = 32), &memory);
	r = ask(&m, ASK(.operation = NSM_ATTESTATION), &memory);
	document_is(&m, r.data, true, &after);
	for (size_t i = 0; i < PCR_COUNT; i++)
		assert_true(pcr_equal(&after.pcrs.values[i], &m.pcrs.values[i]));
	machine_drop(&m);
}

static void a_document_carries_what_was_asked_for(void **state)
{
	static uint8_t bytes[1024] = { 1, 2, 3 };
	AUTO(buf) struct buf memory = BUF_INIT(NSM_RESPONSE_MAX);
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct machine m = machine_new(*state, true);
	struct nsm_response r =
	    ask(&m,
	        ASK(.operation = NSM_ATTESTATION, .user_data = field(view_new(bytes, 512)),
	            .nonce = field(view_new(bytes, 0)), .public_key = field(view_new(bytes, 1024))),
	        &memory);

	document_is(&m, r.data, true, &claims);
	assert_true(view_equal(claims.user_data.value, view_new(bytes, 512)));
	assert_true(view_equal(claims.public_key.value, view_new(bytes, 1024)));
	assert_true(claims.nonce.is_present);
	assert_int_equal(claims.nonce.value.len, 0);
	assert_true(pcr_set_is_debug(&claims.pcrs));
	machine_drop(&m);
}

static void module_ids_are_unlike_each_other(void **state)
{
	char a[MODULE_ID_LEN], b[MODULE_ID_LEN];
	struct err e;

	(void)state;
	assert_ok(module_id_new(a, &e));
	assert_ok(module_id_new(b, &e));
	assert_memory_equal(a, "i-teectlsim", 11);
	assert_memory_equal(a + 27, "-enc", 4);
	assert_int_equal(strlen(a), 47);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describe_nsm_tells_what_it_is),
		cmocka_unit_test(get_random_gives_256_other_bytes_each_time),
		cmocka_unit_test(get_random_without_entropy_is_an_internal_error),
		cmocka_unit_test(the_first_16_are_locked_and_measured_the_rest_open_and_zero),
		cmocka_unit_test(debug_reads_zero_in_0_1_2_alone),
		cmocka_unit_test(extend_hashes_the_old_value_and_the_data),
		cmocka_unit_test(extend_refuses_locked_missing_and_empty),
		cmocka_unit_test(lock_is_once_and_for_ever),
		cmocka_unit_test(lock_of_a_range_takes_locked_ones_in_its_stride),
		cmocka_unit_test(describe_pcr_refuses_one_that_there_is_not),
		cmocka_unit_test(what_is_no_request_is_an_invalid_operation),
		cmocka_unit_test(a_request_above_the_limit_is_too_large),
		cmocka_unit_test(attestation_refuses_what_no_document_carries),
		cmocka_unit_test_setup_teardown(a_document_lists_locked_pcrs_only, folder_make,
		                                folder_remove),
		cmocka_unit_test_setup_teardown(a_document_carries_what_was_asked_for, folder_make,
		                                folder_remove),
		cmocka_unit_test(module_ids_are_unlike_each_other),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

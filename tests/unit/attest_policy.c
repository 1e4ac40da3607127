/* What a policy wants of a document, which is signed here as the hypervisor signs. */
#include "support.h"

#include "attest/chain.h"
#include "attest/cose.h"
#include "attest/document_sign.h"

#define NOW_UNIX 1767225600 /* 2026-01-01 */
#define NOW_MS   (NOW_UNIX * 1000ll)

static struct signer *root, *platform, *leaf;
static struct key_set *setup;
static struct hash256 manifest_hash = { { 7 } };

static struct signer *issue(const struct signer *issuer, const char *name, bool is_ca, int path)
{
	const struct certificate_request request = {
		.common_name = name,
		.not_before_unix = NOW_UNIX - 60,
		.not_after_unix = NOW_UNIX + 3 * 3600,
		.is_ca = is_ca,
		.path_length = path,
	};
	struct signer *s = NULL;
	struct err e;

	assert_ok(signer_issue(issuer, &request, &s, &e));
	return s;
}

static int make_pki(void **state)
{
	struct err e;

	open_arena(state);
	root = issue(NULL, "teectl SIMULATED root test", true, -1);
	platform = issue(root, "teectl SIMULATED platform", true, 0);
	leaf = issue(platform, "teectl SIMULATED leaf", false, -1);
	assert_ok(key_set_generate(&entropy_system, "test", &setup, &e));
	return 0;
}

static int drop_pki(void **state)
{
	(void)state;
	signer_drop(&root);
	signer_drop(&platform);
	signer_drop(&leaf);
	key_set_drop(&setup);
	return 0;
}

/* All 32 PCRs, PCRn being n + 1 throughout. */
static struct pcr_set some_pcrs(void)
{
	struct pcr_set set = { 0 };

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		set.values[i].len = PCR_LEN;
		memset(set.values[i].bytes, (int)i + 1, PCR_LEN);
	}
	return set;
}

static struct document_content content_of(const struct pcr_set *pcrs)
{
	return (struct document_content){
		.module_id = "i-test-enc1",
		.timestamp_ms = NOW_MS,
		.pcrs = pcrs,
		.cabundle = { signer_certificate(root), signer_certificate(platform) },
		.cabundle_count = 2,
	};
}

static struct buf signed_document(const struct document_content *content)
{
	struct buf b = BUF_INIT(DOCUMENT_MAX);
	struct err e;

	assert_ok(document_sign(content, leaf, &b, &e));
	return b;
}

static struct attestation_policy usual_policy(void)
{
	return (struct attestation_policy){
		.root = signer_certificate(root),
		.chain_time_unix = NOW_UNIX,
	};
}

/* reason NULL: accepted; else that, and words in the text */
static void expect(const struct document_content *content, const struct attestation_policy *policy,
                   const char *reason, const char *words)
{
	AUTO(buf) struct buf document = signed_document(content);
	AUTO(attestation) struct attestation a = { 0 };
	struct err e = { 0 };
	int outcome = attestation_check(buf_view(&document), policy, &a, &e);

	if (!reason) {
		if (outcome < 0)
			fail_msg("%s (%s)", e.text, e.reason);
		return;
	}
	assert_int_equal(outcome, -1);
	assert_int_equal(e.code, ERR_ATTESTATION);
	assert_string_equal(e.reason, reason);
	if (!strstr(e.text, words))
		fail_msg("'%s' lacks '%s'", e.text, words);
	assert_true(view_is_zero(view_new(&a, sizeof(a))));
}

static void a_signed_document_says_what_was_signed(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();
	AUTO(buf) struct buf document = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	struct hash256 hash;
	struct err e;

	(void)state;
	content.user_data = (struct document_field){ true, view_text("data") };
	content.public_key =
	    (struct document_field){ true, public_key_view(key_set_public(setup)) };
	document = signed_document(&content);
	assert_ok(attestation_check(buf_view(&document), &policy, &a, &e));
	assert_ok(sha256(buf_view(&document), &hash, &e));
	assert_memory_equal(&a.document_hash, &hash, sizeof(hash));
	assert_memory_equal(&a.pcrs, &pcrs, sizeof(pcrs));
	assert_string_equal(buf_text(&a.module_id), "i-test-enc1");
	assert_string_equal(buf_text(&a.user_data), "data");
	assert_int_equal(a.timestamp_ms, NOW_MS);
	assert_true(a.has_public_key);
	assert_true(public_key_equal(&a.public_key, key_set_public(setup)));
	assert_view_equal(buf_view(&a.root), signer_certificate(root));
}

static void a_document_is_laid_out_as_real_ones_are(void **state)
{
	static const char *const keys[] = { "module_id",  "digest",      "timestamp",
		                            "pcrs",       "certificate", "cabundle",
		                            "public_key", "user_data",   "nonce" };
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	AUTO(buf) struct buf document = signed_document(&content);
	AUTO(attestation_claims) struct attestation_claims c = { 0 };
	const uint8_t *at;
	struct err e;

	(void)state;
	assert_memory_equal(document.data, "\x84\x44\xa1\x01\x38\x22\xa0\x59", 8);
	assert_ok(attestation_parse(buf_view(&document), &c, &e));
	assert_int_equal(c.payload.data[0], 0xa9);
	at = c.payload.data;
	for (size_t i = 0; i < COUNT(keys); i++) {
		const uint8_t *next = memmem(at, c.payload.len - (size_t)(at - c.payload.data),
		                             keys[i], strlen(keys[i]));

		assert_non_null(next);
		at = next + strlen(keys[i]);
	}
	assert_memory_equal(at, "\xf6", 1);
}

static void what_no_one_would_read_is_not_signed(void **state)
{
	static const uint8_t bytes[DOCUMENT_NONCE_MAX + 1];
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	struct err e;

	(void)state;
	content.nonce = (struct document_field){ true, VIEW_OF(bytes) };
	assert_refused(document_sign(&content, leaf, &document, &e), ERR_DATA, "513 bytes");
	content = content_of(&pcrs);
	content.cabundle_count = DOCUMENT_CHAIN_MAX + 1;
	assert_refused(document_sign(&content, leaf, &document, &e), ERR_DATA, "9 certificates");
	content = content_of(&pcrs);
	content.timestamp_ms = 0;
	assert_refused(document_sign(&content, leaf, &document, &e), ERR_DATA, "timestamp");
	assert_int_equal(document.len, 0);
}

static void the_root_is_the_policys(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	content.cabundle[0] = chain_aws_root;
	expect(&content, &policy, NULL, NULL);
	policy.root = chain_aws_root;
	expect(&content, &policy, "chain:issuer@1", "issuer");
	policy.root = (struct view){ 0 };
	expect(&content, &policy, "chain:parse@0", "certificate 0");
}

static void a_bundle_of_the_root_alone_is_enough(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();
	AUTO(signer) struct signer *direct = issue(root, "leaf under the root", false, -1);
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(attestation) struct attestation a = { 0 };
	struct err e;

	(void)state;
	content.cabundle_count = 1;
	assert_ok(document_sign(&content, direct, &document, &e));
	assert_ok(attestation_check(buf_view(&document), &policy, &a, &e));
	expect(&content, &policy, "chain:issuer@1", "issuer");
}

static void no_bit_of_a_payload_may_change(void **state)
{
	AUTO(buf) struct buf document = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();
	uint8_t *at;
	struct err e;

	(void)state;
	document = signed_document(&content);
	at = memmem(document.data, document.len, "i-test-enc1", 11);
	assert_non_null(at);
	at[3] ^= 1;
	assert_refused(attestation_check(buf_view(&document), &policy, &a, &e), ERR_ATTESTATION,
	               "cose:signature");
	at[3] ^= 1;
	memset(document.data + document.len - 96, 0, 96);
	assert_refused(attestation_check(buf_view(&document), &policy, &a, &e), ERR_ATTESTATION,
	               "cose:signature");
	memset(document.data + document.len - 96, 0xff, 96);
	assert_refused(attestation_check(buf_view(&document), &policy, &a, &e), ERR_ATTESTATION,
	               "cose:signature");
}

static void stored_documents_are_judged_at_their_own_time(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	policy.chain_time_unix = NOW_UNIX + 86400;
	expect(&content, &policy, "chain:time@1", "no longer valid");
	policy.chain_at_document = true;
	expect(&content, &policy, NULL, NULL);
	content.timestamp_ms = NOW_MS - 61000;
	expect(&content, &policy, "chain:time@1", "not valid yet");
}

static void freshness_has_two_sides(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	policy.now_ms = NOW_MS + 300000;
	policy.max_age_ms = 300000;
	policy.max_ahead_ms = 30000;
	expect(&content, &policy, NULL, NULL);
	policy.now_ms++;
	expect(&content, &policy, "freshness", "300001 ms old");
	policy.now_ms = NOW_MS - 30000;
	expect(&content, &policy, NULL, NULL);
	policy.now_ms--;
	expect(&content, &policy, "freshness", "30001 ms ahead");
	content.timestamp_ms = INT64_MAX;
	expect(&content, &policy, "freshness", "ahead");
	policy.now_ms = 0;
	expect(&content, &policy, NULL, NULL);
}

static void debug_is_refused_where_it_is_not_wanted(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	policy.refuse_debug = true;
	expect(&content, &policy, NULL, NULL);
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		pcr_zero(&pcrs.values[i]);
	expect(&content, &policy, "debug", "debug");
	policy.refuse_debug = false;
	expect(&content, &policy, NULL, NULL);
}

static void each_pcr_of_the_policy_must_be_equal(void **state)
{
	struct pcr_set pcrs = some_pcrs(), listed = some_pcrs();
	struct document_content content = content_of(&listed);
	struct attestation_policy policy = usual_policy();

	(void)state;
	policy.pcrs = pcrs;
	expect(&content, &policy, NULL, NULL);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		char reason[8];

		snprintf(reason, sizeof(reason), "pcr%u", i);
		listed.values[i].bytes[47] ^= 1;
		expect(&content, &policy, reason, pcr_name(i));
		expect(&content, &policy, reason, "expected ");
		listed.values[i].len = 32;
		expect(&content, &policy, reason, "expected ");
		listed.values[i].len = 0;
		expect(&content, &policy, reason, "not in the document");
		listed.values[i] = pcrs.values[i];
	}
	listed.values[PCR_ROLE].bytes[0] ^= 1;
	policy.pcrs.values[PCR_ROLE].len = 0;
	expect(&content, &policy, NULL, NULL);
}

/* One rule of the policy and the field of the document that it is about. */
static void check_rule(struct document_content *content, struct document_field *field,
                       struct attestation_policy *policy, struct field_policy *rule,
                       const char *name)
{
	rule->rule = FIELD_EQUAL;
	rule->value = view_text("expected");
	expect(content, policy, name, "missing");
	*field = (struct document_field){ true, view_text("expecteD") };
	expect(content, policy, name, "not the expected");
	*field = (struct document_field){ true, view_text("expected!") };
	expect(content, policy, name, "not the expected");
	*field = (struct document_field){ true, view_text("expected") };
	expect(content, policy, NULL, NULL);
	rule->rule = FIELD_ABSENT;
	expect(content, policy, name, "expected none");
	*field = (struct document_field){ 0 };
	expect(content, policy, NULL, NULL);
	rule->rule = FIELD_ANY;
	expect(content, policy, NULL, NULL);
}

static void each_field_follows_its_rule(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	check_rule(&content, &content.nonce, &policy, &policy.nonce, "nonce");
	check_rule(&content, &content.user_data, &policy, &policy.user_data, "user_data");
	check_rule(&content, &content.public_key, &policy, &policy.public_key, "public_key");
}

static void commit(struct document_content *content, struct pcr_set *pcrs)
{
	struct err e;

	content->user_data = (struct document_field){ true, VIEW_OF(manifest_hash.bytes) };
	content->public_key =
	    (struct document_field){ true, public_key_view(key_set_public(setup)) };
	assert_ok(pcr_committed(key_set_public(setup), &manifest_hash,
	                        &pcrs->values[PCR_COMMITMENT], &e));
}

static void a_manifest_is_committed_to_with_the_setup_key(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();
	struct hash256 other = { { 8 } };

	(void)state;
	policy.committed_manifest = &manifest_hash;
	expect(&content, &policy, "user_data", "no user_data");
	commit(&content, &pcrs);
	expect(&content, &policy, NULL, NULL);
	policy.committed_manifest = &other;
	expect(&content, &policy, "user_data", "manifest hash");
	policy.committed_manifest = &manifest_hash;
	pcrs.values[PCR_COMMITMENT].bytes[0] ^= 1;
	expect(&content, &policy, "pcr16", "commitment");
	pcr_zero(&pcrs.values[PCR_COMMITMENT]);
	expect(&content, &policy, "pcr16", "commitment");
	commit(&content, &pcrs);
	pcrs.values[31].len = 0;
	expect(&content, &policy, "pcrs", "PCR31");
	content.public_key = (struct document_field){ true, view_text("not a key") };
	expect(&content, &policy, "public_key", "not a QOS public key");
	content.public_key = (struct document_field){ 0 };
	expect(&content, &policy, "public_key", "missing");
}

static void a_wiped_setup_key_leaves_its_commitment(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	policy.committed_manifest = &manifest_hash;
	policy.committed_key_wiped = true;
	commit(&content, &pcrs);
	expect(&content, &policy, "public_key", "expected none");
	content.public_key = (struct document_field){ 0 };
	expect(&content, &policy, NULL, NULL);
	pcr_zero(&pcrs.values[PCR_COMMITMENT]);
	expect(&content, &policy, "pcr16", "is zero");
	pcrs.values[PCR_COMMITMENT].len = 0;
	expect(&content, &policy, "pcrs", "PCR16");
}

static void before_a_manifest_nothing_is_committed_to(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	policy.uncommitted = true;
	expect(&content, &policy, "pcr16", "is not zero");
	pcr_zero(&pcrs.values[PCR_COMMITMENT]);
	expect(&content, &policy, NULL, NULL);
	pcrs.values[PCR_COMMITMENT].len = 0;
	expect(&content, &policy, NULL, NULL);
	content.public_key = (struct document_field){ true, view_text("k") };
	expect(&content, &policy, "public_key", "expected none");
}

/* Everything is wrong, and is put right from the first check to the last. */
static void checks_come_in_their_order(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();

	(void)state;
	for (unsigned i = 0; i < PCR_COUNT; i++)
		pcr_zero(&pcrs.values[i]);
	pcrs.values[20].len = 0;
	policy.chain_time_unix = 0;
	policy.now_ms = NOW_MS + 1;
	policy.refuse_debug = true;
	policy.pcrs.values[PCR_ROLE] = some_pcrs().values[PCR_ROLE];
	policy.nonce = (struct field_policy){ FIELD_EQUAL, view_text("n") };
	policy.committed_manifest = &manifest_hash;
	expect(&content, &policy, "chain:time@1", "");
	policy.chain_time_unix = NOW_UNIX;
	expect(&content, &policy, "freshness", "");
	policy.now_ms = 0;
	expect(&content, &policy, "user_data", "");
	content.user_data = (struct document_field){ true, VIEW_OF(manifest_hash.bytes) };
	expect(&content, &policy, "debug", "");
	pcrs.values[PCR_IMAGE].bytes[0] = 1;
	expect(&content, &policy, "pcr3", "role");
	pcrs.values[PCR_ROLE] = policy.pcrs.values[PCR_ROLE];
	expect(&content, &policy, "nonce", "");
	content.nonce = (struct document_field){ true, view_text("n") };
	expect(&content, &policy, "public_key", "");
	content.public_key =
	    (struct document_field){ true, public_key_view(key_set_public(setup)) };
	expect(&content, &policy, "pcrs", "PCR20");
	pcr_zero(&pcrs.values[20]);
	expect(&content, &policy, "pcr16", "");
	commit(&content, &pcrs);
	expect(&content, &policy, NULL, NULL);
}

/* "check outcome" of each line, after those of the form and the chain. */
static void expect_trace(const struct trace *t, const char *const *lines)
{
	size_t i = 0;

	assert_string_equal(t->lines[0].check, "structure");
	while (i < t->count && strncmp(t->lines[i].check, "certificate", 11) != 0)
		i++;
	while (i < t->count && strncmp(t->lines[i].check, "certificate", 11) == 0)
		i++;
	for (; *lines; i++, lines++) {
		char line[128];

		assert_true(i < t->count);
		snprintf(line, sizeof(line), "%s %s", t->lines[i].check,
		         trace_outcome_names[t->lines[i].outcome]);
		assert_string_equal(line, *lines);
	}
	assert_int_equal(i, t->count);
}

static void trace_of(const struct document_content *content, struct attestation_policy *policy,
                     const char *reason, struct trace *ret)
{
	*ret = (struct trace){ 0 };
	policy->trace = ret;
	expect(content, policy, reason, "");
}

static void a_trace_has_each_check_that_was_made_and_those_that_were_not(void **state)
{
	static const char *const unasked[] = { "signature done",       "freshness not asked",
		                               "debug not asked",      "pcrs not asked",
		                               "nonce not asked",      "user_data not asked",
		                               "public_key not asked", NULL };
	static const char *const moved[] = { "signature done",
		                             "freshness done",
		                             "debug done",
		                             "pcr0 done",
		                             "pcr1 not asked",
		                             "pcr2 failed",
		                             "pcr3 failed",
		                             "nonce not reached",
		                             "user_data not asked",
		                             "public_key not reached",
		                             "commitment not reached",
		                             NULL };
	static const char *const early[] = { "signature not reached",
		                             "freshness not reached",
		                             "debug not reached",
		                             "pcr0 not reached",
		                             "pcr2 not reached",
		                             "pcr3 not reached",
		                             "nonce not reached",
		                             "user_data not asked",
		                             "public_key not reached",
		                             "commitment not reached",
		                             NULL };
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();
	struct trace t;

	(void)state;
	trace_of(&content, &policy, NULL, &t);
	expect_trace(&t, unasked);
	assert_string_equal(t.lines[3].check, "certificates");
	assert_string_equal(t.lines[4].check, "certificate 0");
	assert_non_null(strstr(t.lines[6].text, "leaf, CN=teectl SIMULATED leaf"));
	assert_non_null(strstr(t.lines[6].text, "valid from 2025-12-31T23:59:00Z"));

	policy.refuse_debug = policy.uncommitted = true;
	policy.now_ms = NOW_MS;
	policy.pcrs.values[0] = pcrs.values[0];
	policy.pcrs.values[2] = policy.pcrs.values[3] = pcrs.values[5];
	policy.nonce.rule = FIELD_ABSENT;
	trace_of(&content, &policy, "pcr2", &t);
	expect_trace(&t, moved);
	policy.chain_time_unix = 0;
	trace_of(&content, &policy, "chain:time@1", &t);
	expect_trace(&t, early);
	assert_int_equal(t.lines[5].outcome, TRACE_FAILED);
	assert_int_equal(t.lines[6].outcome, TRACE_NOT_REACHED);
}

static void every_pcr_and_the_longest_chain_fit_a_trace(void **state)
{
	struct pcr_set pcrs = some_pcrs();
	struct document_content content = content_of(&pcrs);
	struct attestation_policy policy = usual_policy();
	struct trace t;

	(void)state;
	policy.pcrs = pcrs;
	policy.committed_manifest = &manifest_hash;
	policy.chain_time_unix = 0;
	trace_of(&content, &policy, "chain:time@1", &t);
	/* This chain has three certificates, the longest one nine. */
	assert_true(t.count + 6 <= TRACE_MAX);
	for (unsigned i = 0; i < 2 * TRACE_MAX; i++)
		trace_add(&t, "one too many", TRACE_DONE, "-");
	assert_int_equal(t.count, TRACE_MAX);
}

static void a_form_that_is_refused_has_all_else_behind_it(void **state)
{
	struct attestation_policy policy = usual_policy();
	AUTO(attestation) struct attestation a = { 0 };
	struct trace t = { 0 };
	struct err e;

	(void)state;
	policy.trace = &t;
	assert_refused(attestation_check(view_text("x"), &policy, &a, &e), ERR_ATTESTATION,
	               "cose:structure");
	assert_string_equal(t.lines[0].check, "structure");
	assert_int_equal(t.lines[0].outcome, TRACE_FAILED);
	assert_string_equal(t.lines[0].text, e.text);
	assert_string_equal(t.lines[1].check, "algorithm");
	assert_string_equal(t.lines[2].check, "fields");
	assert_string_equal(t.lines[3].check, "certificates");
	assert_string_equal(t.lines[4].check, "signature");
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(t.lines[i].outcome, TRACE_NOT_REACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_document_says_what_was_signed),
		cmocka_unit_test(a_document_is_laid_out_as_real_ones_are),
		cmocka_unit_test(what_no_one_would_read_is_not_signed),
		cmocka_unit_test(the_root_is_the_policys),
		cmocka_unit_test(a_bundle_of_the_root_alone_is_enough),
		cmocka_unit_test(no_bit_of_a_payload_may_change),
		cmocka_unit_test(stored_documents_are_judged_at_their_own_time),
		cmocka_unit_test(freshness_has_two_sides),
		cmocka_unit_test(debug_is_refused_where_it_is_not_wanted),
		cmocka_unit_test(each_pcr_of_the_policy_must_be_equal),
		cmocka_unit_test(each_field_follows_its_rule),
		cmocka_unit_test(a_manifest_is_committed_to_with_the_setup_key),
		cmocka_unit_test(a_wiped_setup_key_leaves_its_commitment),
		cmocka_unit_test(before_a_manifest_nothing_is_committed_to),
		cmocka_unit_test(checks_come_in_their_order),
		cmocka_unit_test(a_trace_has_each_check_that_was_made_and_those_that_were_not),
		cmocka_unit_test(every_pcr_and_the_longest_chain_fit_a_trace),
		cmocka_unit_test(a_form_that_is_refused_has_all_else_behind_it),
	};

	return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

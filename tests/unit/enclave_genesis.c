/* genesis-boot, share-manifest, and what an enclave says of itself before and after them. */
#include "fake_enclave.h"

#include "proto/genesis.h"

static void copy_to(struct buf *b, struct view v)
{
	struct err e;

	assert_ok(wire_set(b, v, &e));
}

static void parse(struct view document, struct attestation_claims *ret)
{
	struct err e;

	assert_ok(attestation_parse(document, ret, &e));
}

static struct member *member_of(struct wire_list *list, unsigned i)
{
	return (struct member *)list->items + i;
}

static void an_enclave_starts_waiting_and_knows_its_measurements(void **state)
{
	struct world_options o = { .role = "some role" };
	struct world *w = world_open(&o);
	AUTO(status_reply) struct status_reply status = { 0 };
	struct pcr role;
	struct err e;

	(void)state;
	assert_ok(pcr_measure_name("some role", &role, &e));
	assert_true(pcr_equal(&w->enclave->pcrs.values[PCR_ROLE], &role));
	assert_answered(ask(w, API_STATUS, NULL, &status));
	assert_int_equal(status.phase, PHASE_WAITING_FOR_BOOT);
	assert_int_equal(status.status, PHASE_WAITING_FOR_BOOT);
	assert_false(status.debug || status.has_manifest_hash || status.has_threshold ||
	             status.has_members || status.has_namespace || status.has_quorum_public_key ||
	             status.quorum_key_available);
	assert_int_equal(status.shares_missing.count, 0);
	world_drop(&w);
}

static void each_start_has_an_instance_of_its_own(void **state)
{
	struct world_options o = { 0 };
	struct world *a = world_open(&o), *b = world_open(&o);

	(void)state;
	assert_string_not_equal(a->enclave->instance_id, b->enclave->instance_id);
	world_drop(&a);
	world_drop(&b);
}

static void an_enclave_that_is_half_debug_does_not_start(void **state)
{
	struct world_options o = { .is_half_debug = true };
	struct err e;

	(void)state;
	assert_null(world_try(&o, &e));
	assert_int_equal(e.code, ERR_ENCLAVE);
	assert_non_null(strstr(e.text, "PCR0..2"));
}

static void before_a_manifest_documents_carry_the_nonce_alone(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct attestation_reply reply = { 0 };

	(void)state;
	copy_to(&q.nonce, view_text("nonce"));
	assert_answered(ask(w, API_LIVE_ATTESTATION, &q, &reply));
	parse(buf_view(&reply.attestation_doc), &claims);
	assert_view_equal(claims.nonce.value, view_text("nonce"));
	assert_false(claims.user_data.is_present || claims.public_key.is_present);
	assert_string_equal(buf_text(&reply.id), "test");
	attestation_reply_drop(&reply);
	world_drop(&w);
}

static void a_genesis_is_what_its_document_says(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(genesis_output) struct genesis_output out = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	struct attestation_policy policy = { .chain_at_document = true, .uncommitted = true };
	struct hash256 hash;
	struct err e;

	(void)state;
	world_genesis(w, 3, 2, true, &g);
	assert_int_equal(g.waiting_state, PHASE_GENESIS_BOOTED);
	assert_ok(sha256(buf_view(&g.genesis_output), &hash, &e));
	policy.root = buf_view(&w->enclave->anchor);
	policy.user_data = (struct field_policy){ FIELD_EQUAL, VIEW_OF(hash.bytes) };
	policy.nonce.rule = policy.public_key.rule = FIELD_ABSENT;
	policy.pcrs = w->enclave->pcrs;
	assert_ok(attestation_check(buf_view(&g.genesis_attestation_doc), &policy, &a, &e));
	assert_ok(genesis_output_decode(buf_view(&g.genesis_output), &out, &e));
	assert_int_equal(out.set.threshold, 2);
	assert_int_equal(out.set.members.count, 3);
	assert_int_equal(out.member_outputs.count, 3);
	assert_false(out.has_dr_key || out.has_dr_wrap || g.has_dr_wrap);
	assert_view_equal(buf_view(&out.quorum_key), VIEW_OF(g.quorum_public_key));
	assert_view_equal(buf_view(&out.test_message), view_text("qos-test-message"));
	world_drop(&w);
}

static void the_manifest_of_a_genesis_is_what_was_asked_and_measured(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(manifest_message) struct manifest_message held = { 0 };
	const struct manifest *m = &g.manifest_envelope.manifest;
	struct hash256 hash, held_hash;
	struct err e;

	(void)state;
	world_genesis(w, 3, 2, true, &g);
	assert_ok(manifest_check(&g.manifest_envelope, false, &e));
	assert_string_equal(buf_text(&m->namespace.name), "test/space");
	assert_int_equal(m->namespace.nonce, 7);
	assert_view_equal(buf_view(&m->namespace.quorum_key), VIEW_OF(g.quorum_public_key));
	assert_view_equal(buf_view(&m->enclave.aws_root_certificate),
	                  buf_view(&w->enclave->anchor));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		assert_view_equal(buf_view(&m->enclave.pcrs[i]),
		                  pcr_view(&w->enclave->pcrs.values[i]));
	assert_int_equal(m->pivot.restart, MANIFEST_RESTART_NEVER);
	assert_int_equal(m->pivot.args.count, 1);
	assert_int_equal(g.manifest_envelope.manifest_set_approvals.count, 0);
	assert_answered(ask(w, API_MANIFEST, NULL, &held));
	assert_ok(manifest_hash(m, &hash, &e));
	assert_ok(manifest_hash(&held.manifest_envelope.manifest, &held_hash, &e));
	assert_view_equal(VIEW_OF(hash.bytes), VIEW_OF(held_hash.bytes));
	world_drop(&w);
}

static void after_genesis_documents_commit_to_manifest_and_setup_key(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	struct attestation_policy policy = { .chain_at_document = true };
	struct attestation_reply reply = { 0 };
	struct err e;

	(void)state;
	world_genesis(w, 3, 2, true, &g);
	copy_to(&q.nonce, view_text("n"));
	assert_answered(ask(w, API_LIVE_ATTESTATION, &q, &reply));
	policy.root = buf_view(&w->enclave->anchor);
	policy.committed_manifest = &w->enclave->state.manifest_hash;
	policy.nonce = (struct field_policy){ FIELD_EQUAL, view_text("n") };
	assert_ok(attestation_check(buf_view(&reply.attestation_doc), &policy, &a, &e));
	assert_view_equal(VIEW_OF(a.public_key.bytes), VIEW_OF(g.ephemeral_key));
	attestation_reply_drop(&reply);
	world_drop(&w);
}

static void a_recovery_key_gets_the_seed(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *key = NULL;
	struct err e;

	(void)state;
	q.has_dr_key = true;
	memcpy(q.dr_key, key_set_public(person(5))->bytes, sizeof(q.dr_key));
	assert_answered(ask(w, API_GENESIS_BOOT, &q, &g));
	assert_true(g.has_dr_wrap);
	assert_ok(envelope_open(person(5), buf_view(&g.dr_key_wrapped_quorum_key), &seed, &e));
	assert_ok(key_set_derive(&seed, &key, &e));
	assert_memory_equal(key_set_public(key)->bytes, g.quorum_public_key, PUBLIC_KEY_LEN);
	world_drop(&w);
}

/* Nothing is changed: the state, the NSM's PCRs, and a proper request still works. */
static void assert_untouched(struct world *w)
{
	AUTO(genesis_request) struct genesis_request good = genesis_of(3, 2, true);

	assert_int_equal(w->enclave->state.phase, PHASE_WAITING_FOR_BOOT);
	assert_false(w->enclave->state.has_manifest);
	assert_true(pcr_is_zero(&w->machine.pcrs.values[PCR_COMMITMENT]));
	assert_answered(ask(w, API_GENESIS_BOOT, &good, NULL));
}

/* Sends a request that spoil() has spoilt. */
static void refuse_genesis(void (*spoil)(struct genesis_request *), int code, const char *words)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);

	spoil(&q);
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), code, words);
	assert_untouched(w);
	world_drop(&w);
}

static void threshold_one(struct genesis_request *q)
{
	q->share_threshold = 1;
}
static void threshold_above(struct genesis_request *q)
{
	q->share_threshold = 4;
}
static void manifest_threshold_zero(struct genesis_request *q)
{
	q->manifest_threshold = 0;
}
static void alias_twice(struct genesis_request *q)
{
	copy_to(&member_of(&q->share_members, 1)->alias, view_text("member1"));
}
static void key_twice(struct genesis_request *q)
{
	copy_to(&member_of(&q->share_members, 1)->pub_key,
	        public_key_view(key_set_public(person(0))));
}
static void no_key(struct genesis_request *q)
{
	buf_drop(&member_of(&q->share_members, 1)->pub_key);
}
static void key_off_curve(struct genesis_request *q)
{
	member_of(&q->share_members, 1)->pub_key.data[3] ^= 1;
}
static void last_nonce(struct genesis_request *q)
{
	q->namespace_nonce = UINT32_MAX;
}
static void bad_name(struct genesis_request *q)
{
	copy_to(&q->namespace_name, view_text("a b"));
}
static void bad_dr_key(struct genesis_request *q)
{
	q->has_dr_key = true;
}

static void a_genesis_that_is_not_well_formed_is_refused(void **state)
{
	(void)state;
	refuse_genesis(threshold_one, 1002, "Invalid threshold");
	refuse_genesis(threshold_above, 1002, "Invalid threshold");
	refuse_genesis(manifest_threshold_zero, 1002, "Invalid threshold");
	refuse_genesis(alias_twice, 1002, "member1");
	refuse_genesis(key_twice, 1002, "Invalid manifest");
	refuse_genesis(no_key, 1002, "Invalid manifest");
	refuse_genesis(key_off_curve, 1002, "Invalid manifest");
	refuse_genesis(last_nonce, 1002, "Invalid manifest");
	refuse_genesis(bad_name, 1000, "namespace_name");
	refuse_genesis(bad_dr_key, 1000, "dr_key");
}

/* An argument of len bytes more; it must not be escaped. */
static void add_argument(struct genesis_request *q, size_t len)
{
	static char text[PIVOT_ARG_MAX];
	struct text_item *argument;
	struct err e;

	memset(text, 'x', sizeof(text));
	assert_true(len <= sizeof(text));
	assert_ok(wire_list_add(&q->pivot_args, &text_item_schema, &argument, &e));
	copy_to(&argument->text, view_new(text, len));
}

/* The last one anew. */
static void set_argument(struct genesis_request *q, size_t len)
{
	struct text_item *items = q->pivot_args.items;

	buf_drop(&items[--q->pivot_args.count].text);
	add_argument(q, len);
}

/* What the bound says, and what export-key's request really is: approved by all, with the widest
 * document and key. */
static size_t forward_len(const struct manifest_envelope *envelope)
{
	AUTO(export_key_request) struct export_key_request q = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(REPLY_MAX);
	static uint8_t wide[DOCUMENT_MAX];
	struct approval *approval;
	struct err e;

	memset(wide, 255, sizeof(wide));
	assert_ok(manifest_copy(envelope, &q.manifest_envelope, &e));
	copy_to(&q.manifest_envelope.manifest.namespace.quorum_key, view_new(wide, PUBLIC_KEY_LEN));
	for (unsigned i = 0; i < envelope->manifest.manifest_set.members.count; i++) {
		const struct member *m = envelope->manifest.manifest_set.members.items;

		assert_ok(wire_list_add(&q.manifest_envelope.manifest_set_approvals,
		                        &approval_schema, &approval, &e));
		copy_to(&approval->signature, view_new(wide, SIGNATURE_LEN));
		copy_to(&approval->member.alias, buf_view(&m[i].alias));
		copy_to(&approval->member.pub_key, buf_view(&m[i].pub_key));
	}
	copy_to(&q.attestation_doc, view_new(wide, sizeof(wide)));
	assert_ok(wire_encode(&export_key_request_schema, &q, &text, &e));
	return text.len;
}

static void a_genesis_makes_no_manifest_that_can_t_be_forwarded(void **state)
{
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	size_t bare;
	unsigned asked;

	(void)state;
	/* How long it is with an argument of no bytes is told by a genesis elsewhere. */
	add_argument(&q, 0);
	assert_answered(ask(w, API_GENESIS_BOOT, &q, &g));
	bare = forward_len(&g.manifest_envelope);
	world_drop(&w);
	w = world_open(&o);
	w->enclave->max_body = bare + 99;
	set_argument(&q, 100);
	asked = asked_in_all(w);
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1002, "Invalid manifest: approved");
	assert_int_equal(asked_in_all(w), asked);
	set_argument(&q, 99);
	assert_answered(ask(w, API_GENESIS_BOOT, &q, NULL));
	world_drop(&w);
}

/* Three approvals take 3 * 219 bytes: an envelope without them would fit MANIFEST_MAX. */
static void a_manifest_has_room_for_its_approvals(void **state)
{
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	const size_t approvals =
	    3 * (4 + SIGNATURE_LEN + 4 + strlen("member1") + 4 + PUBLIC_KEY_LEN);
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	size_t room;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 63; i++)
		add_argument(&q, PIVOT_ARG_MAX);
	add_argument(&q, 0);
	assert_answered(ask(w, API_GENESIS_BOOT, &q, &g));
	world_drop(&w);
	w = world_open(&o);
	assert_ok(manifest_envelope_encode(&g.manifest_envelope, &borsh, &e));
	room = MANIFEST_MAX - borsh.len - approvals;
	set_argument(&q, room + 1);
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1002, "with all approvals");
	set_argument(&q, room);
	assert_answered(ask(w, API_GENESIS_BOOT, &q, NULL));
	world_drop(&w);
}

static void only_a_debug_enclave_takes_members_without_a_key(void **state)
{
	struct world_options o = { .is_debug = true };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(status_reply) struct status_reply status = { 0 };
	const struct encrypted_share *share;

	(void)state;
	world_genesis(w, 3, 2, false, &g);
	share = g.encrypted_shares.items;
	assert_int_equal(share->encrypted_quorum_key_share.len, 33);
	assert_answered(ask(w, API_STATUS, NULL, &status));
	assert_true(status.debug);
	world_drop(&w);
}

static void pins_refuse_other_sets(void **state)
{
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);
	struct member_set set = { q.share_threshold, q.share_members };
	char digits[65], *argv[] = { "--pin-manifest-set", digits, NULL };
	struct world_options o = { .argv = argv };
	struct hash256 pin;
	struct world *w;
	struct err e;

	(void)state;
	assert_ok(member_set_pin(&set, &pin, &e));
	hex_write(VIEW_OF(pin.bytes), digits);
	for (unsigned i = 0; i < 2; i++) {
		w = world_open(&o);
		assert_answered(ask(w, API_GENESIS_BOOT, &q, NULL));
		world_drop(&w);
		argv[0] = "--pin-share-set";
	}
	q.share_threshold = q.manifest_threshold = 3;
	w = world_open(&o);
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1008, "share set");
	world_drop(&w);
	argv[0] = "--pin-manifest-set";
	w = world_open(&o);
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1008, "manifest set");
	world_drop(&w);
}

static void a_fault_of_the_nsm_before_extend_changes_nothing(void **state)
{
	const int before[] = { NSM_GET_RANDOM, NSM_ATTESTATION, NSM_DESCRIBE_NSM,
		               NSM_DESCRIBE_PCR };
	struct world_options o = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(before); i++) {
		struct world *w = world_open(&o);
		AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);

		w->fault = before[i];
		assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1010, "Internal error");
		w->fault = -1;
		assert_untouched(w);
		world_drop(&w);
	}
}

static void a_fault_of_the_nsm_from_extend_on_is_the_end(void **state)
{
	const struct {
		int operation, skip;
	} after[] = { { NSM_EXTEND_PCR, 0 },
		      { NSM_LOCK_PCRS, 0 },
		      { NSM_DESCRIBE_NSM, 1 },
		      { NSM_DESCRIBE_PCR, 1 } };
	struct world_options o = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(after); i++) {
		struct world *w = world_open(&o);
		AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);

		w->fault = after[i].operation;
		w->fault_skip = after[i].skip;
		assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1010, "Internal error");
		assert_int_equal(w->enclave->state.phase, PHASE_UNRECOVERABLE);
		assert_null(w->enclave->state.setup_key);
		w->fault = -1;
		assert_denied(ask(w, API_HEALTH, NULL, NULL), 503, "UnrecoverableError");
		world_drop(&w);
	}
}

static struct buf raw_genesis(struct world *w, const struct genesis_request *q, int *ret_status)
{
	AUTO(buf) struct buf text = BUF_INIT(REPLY_MAX);
	struct buf body = { 0 };
	struct outcome out;
	struct err e;

	assert_ok(wire_encode(&genesis_request_schema, q, &text, &e));
	out = ask_text(w, API_GENESIS_BOOT, buf_text(&text), &body);
	*ret_status = out.status;
	return body;
}

static void the_same_genesis_again_gives_the_same_answer_and_asks_nobody(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);
	AUTO(buf) struct buf first = { 0 };
	AUTO(buf) struct buf again = { 0 };
	unsigned asked;
	int status;

	(void)state;
	first = raw_genesis(w, &q, &status);
	assert_int_equal(status, 200);
	asked = asked_in_all(w);
	again = raw_genesis(w, &q, &status);
	assert_int_equal(status, 200);
	assert_view_equal(buf_view(&first), buf_view(&again));
	assert_int_equal(asked_in_all(w), asked);
	q.namespace_nonce++;
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1006, "genesis-boot");
	world_drop(&w);
}

static void a_genesis_is_not_answered_again_once_a_share_has_come_back(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_request) struct genesis_request q = genesis_of(3, 2, true);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(inject_shares_request) struct inject_shares_request shares = { 0 };

	(void)state;
	assert_answered(ask(w, API_GENESIS_BOOT, &q, &g));
	shares = shares_of(&g, 1);
	assert_answered(ask(w, API_INJECT_SHARES, &shares, NULL));
	assert_denied(ask(w, API_GENESIS_BOOT, &q, NULL), 1006, "genesis-boot");
	assert_int_equal(w->enclave->state.phase, PHASE_WAITING_FOR_SHARES);
	assert_int_equal(w->enclave->state.genesis_reply.encrypted_shares.count, 0);
	world_drop(&w);
}

static void generate_attestation_never_repeats_a_claim(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(generate_attestation_request) struct generate_attestation_request q = { 0 };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct attestation_reply reply = { 0 };
	struct pcr_item *pcr;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		assert_ok(wire_list_add(&q.pcr_values, &pcr_item_schema, &pcr, &e));
	assert_denied(ask(w, API_GENERATE_ATTESTATION, &q, NULL), 1001,
	              "Manifest envelope not found");
	world_genesis(w, 3, 2, true, &g);
	assert_answered(ask(w, API_GENERATE_ATTESTATION, &q, &reply));
	parse(buf_view(&reply.attestation_doc), &claims);
	assert_false(claims.nonce.is_present);
	assert_view_equal(claims.user_data.value, VIEW_OF(w->enclave->state.manifest_hash.bytes));
	q.manifest_hash[0] = 1;
	assert_denied(ask(w, API_GENERATE_ATTESTATION, &q, NULL), 1005, "manifest hash");
	memcpy(q.manifest_hash, w->enclave->state.manifest_hash.bytes, sizeof(q.manifest_hash));
	pcr = q.pcr_values.items;
	copy_to(&pcr[3].value, pcr_view(&w->enclave->pcrs.values[3]));
	assert_answered(ask(w, API_GENERATE_ATTESTATION, &q, NULL));
	copy_to(&pcr[2].value, pcr_view(&w->enclave->pcrs.values[3]));
	assert_denied(ask(w, API_GENERATE_ATTESTATION, &q, NULL), 1005, "PCR2");
	copy_to(&pcr[2].value, view_text("short"));
	assert_denied(ask(w, API_GENERATE_ATTESTATION, &q, NULL), 1000, "pcr_values[2]");
	attestation_reply_drop(&reply);
	world_drop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_enclave_starts_waiting_and_knows_its_measurements),
		cmocka_unit_test(each_start_has_an_instance_of_its_own),
		cmocka_unit_test(an_enclave_that_is_half_debug_does_not_start),
		cmocka_unit_test(before_a_manifest_documents_carry_the_nonce_alone),
		cmocka_unit_test(a_genesis_is_what_its_document_says),
		cmocka_unit_test(the_manifest_of_a_genesis_is_what_was_asked_and_measured),
		cmocka_unit_test(after_genesis_documents_commit_to_manifest_and_setup_key),
		cmocka_unit_test(a_recovery_key_gets_the_seed),
		cmocka_unit_test(a_genesis_that_is_not_well_formed_is_refused),
		cmocka_unit_test(a_genesis_makes_no_manifest_that_can_t_be_forwarded),
		cmocka_unit_test(a_manifest_has_room_for_its_approvals),
		cmocka_unit_test(only_a_debug_enclave_takes_members_without_a_key),
		cmocka_unit_test(pins_refuse_other_sets),
		cmocka_unit_test(a_fault_of_the_nsm_before_extend_changes_nothing),
		cmocka_unit_test(a_fault_of_the_nsm_from_extend_on_is_the_end),
		cmocka_unit_test(the_same_genesis_again_gives_the_same_answer_and_asks_nobody),
		cmocka_unit_test(a_genesis_is_not_answered_again_once_a_share_has_come_back),
		cmocka_unit_test(generate_attestation_never_repeats_a_claim),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

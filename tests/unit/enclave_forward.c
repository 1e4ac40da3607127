/* share-manifest, export-key, inject-key, prove-key: the key's way, and what stands in it. */
#include "fake_enclave.h"

static void copy_to(struct buf *b, struct view v)
{
	struct err e;

	assert_ok(wire_set(b, v, &e));
}

/* A source that is ready, and a target that waits for the key. */
struct pair {
	struct world *source, *target;
	struct genesis_reply g;
};

static void pair_drop(struct pair *p)
{
	genesis_reply_drop(&p->g);
	world_drop(&p->source);
	world_drop(&p->target);
}

static struct pair pair_open(void)
{
	struct world_options o = { 0 };
	struct pair p = { .source = world_open(&o), .target = world_open(&o) };

	world_ready(p.source, true, &p.g);
	world_wait_for_key(p.target, &p.g.manifest_envelope);
	return p;
}

static void attest(struct world *w, struct buf *ret)
{
	AUTO(generate_attestation_request) struct generate_attestation_request q = { 0 };
	struct attestation_reply reply = { 0 };
	struct pcr_item *pcr;
	struct err e;

	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		assert_ok(wire_list_add(&q.pcr_values, &pcr_item_schema, &pcr, &e));
	assert_answered(ask(w, API_GENERATE_ATTESTATION, &q, &reply));
	*ret = MOVE(reply.attestation_doc);
	attestation_reply_drop(&reply);
}

static struct export_key_request export_of(const struct manifest_envelope *envelope,
                                           struct world *target)
{
	struct export_key_request q = { 0 };
	struct err e;

	assert_ok(manifest_copy(envelope, &q.manifest_envelope, &e));
	attest(target, &q.attestation_doc);
	return q;
}

/* Asks the source for the target, and turns the answer into the request for inject-key. */
static struct outcome export_key(struct pair *p, struct inject_key_request *ret)
{
	AUTO(export_key_request)
	struct export_key_request q = export_of(&p->g.manifest_envelope, p->target);
	AUTO(export_key_reply) struct export_key_reply reply = { 0 };
	struct outcome out = ask(p->source, API_EXPORT_KEY, &q, &reply);

	if (out.status == 200)
		assert_true(reply.has_receipt);
	memcpy(ret->encrypted_quorum_key, reply.encrypted_quorum_key,
	       sizeof(ret->encrypted_quorum_key));
	memcpy(ret->signature, reply.signature, sizeof(ret->signature));
	return out;
}

static void a_key_is_forwarded_and_forwarded_again(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	struct world_options o = { 0 };
	struct inject_key_request q = { 0 };

	(void)state;
	for (unsigned hop = 0; hop < 3; hop++) {
		assert_answered(export_key(&p, &q));
		assert_answered(ask(p.target, API_INJECT_KEY, &q, NULL));
		assert_int_equal(p.target->enclave->state.phase, PHASE_READY);
		assert_null(p.target->enclave->state.setup_key);
		assert_true(
		    secret_equal(secret_view(key_set_seed(p.source->enclave->state.quorum_key)),
		                 secret_view(key_set_seed(p.target->enclave->state.quorum_key))));
		world_drop(&p.source);
		p.source = p.target;
		p.target = world_open(&o);
		world_wait_for_key(p.target, &p.g.manifest_envelope);
	}
}

static void once_provisioned_documents_carry_no_public_key(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	AUTO(buf) struct buf document = { 0 };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct err e;

	(void)state;
	attest(p.source, &document);
	assert_ok(attestation_parse(buf_view(&document), &claims, &e));
	assert_false(claims.public_key.is_present);
	assert_true(claims.user_data.is_present);
}

static void the_same_key_again_changes_nothing(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	struct inject_key_request q = { 0 }, other = { 0 };
	struct success_reply first = { 0 }, again = { 0 };
	unsigned asked;

	(void)state;
	assert_answered(export_key(&p, &other));
	assert_answered(export_key(&p, &q));
	assert_answered(ask(p.target, API_INJECT_KEY, &q, &first));
	asked = asked_in_all(p.target);
	assert_answered(ask(p.target, API_INJECT_KEY, &q, &again));
	assert_int_equal(asked_in_all(p.target), asked);
	assert_memory_equal(&first.receipt, &again.receipt, sizeof(first.receipt));
	assert_int_equal(p.target->enclave->receipts.count, 1);
	success_reply_drop(&first);
	success_reply_drop(&again);
	assert_denied(ask(p.target, API_INJECT_KEY, &other, NULL), 1006, "inject-key");
}

static void the_same_manifest_again_changes_nothing(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	AUTO(manifest_message) struct manifest_message q = { 0 };
	unsigned asked;
	struct err e;

	(void)state;
	assert_ok(manifest_copy(&p.g.manifest_envelope, &q.manifest_envelope, &e));
	asked = asked_in_all(p.target);
	assert_answered(ask(p.target, API_SHARE_MANIFEST, &q, NULL));
	assert_int_equal(asked_in_all(p.target), asked);
	q.manifest_envelope.manifest.namespace.nonce++;
	assert_denied(ask(p.target, API_SHARE_MANIFEST, &q, NULL), 1006, "share-manifest");
	q.manifest_envelope.manifest.namespace.nonce--;
	/* Who made the manifest was never told one. */
	assert_denied(ask(p.source, API_SHARE_MANIFEST, &q, NULL), 1006, "share-manifest");
}

static void refuse_key(struct pair *p, const struct inject_key_request *q, const char *words)
{
	assert_denied(ask(p->target, API_INJECT_KEY, q, NULL), 1007, words);
	assert_int_equal(p->target->enclave->state.phase, PHASE_WAITING_FOR_KEY);
	assert_int_equal(p->target->enclave->receipts.count, 0);
}

/* What a wrong source would send: another seed, sealed and signed by `by`. */
static struct inject_key_request forged(struct pair *p, const struct key_set *inside,
                                        const struct key_set *by)
{
	AUTO(buf)
	struct buf sealed =
	    BUF_INIT(sizeof(((struct inject_key_request *)0)->encrypted_quorum_key));
	struct inject_key_request q;
	struct signature signature;
	struct err e;

	assert_ok(envelope_seal(&p->target->enclave->state.setup_public, key_set_seed(inside),
	                        &entropy_system, &sealed, &e));
	assert_ok(key_set_sign(by, buf_view(&sealed), &signature, &e));
	memcpy(q.encrypted_quorum_key, sealed.data, sealed.len);
	memcpy(q.signature, signature.bytes, sizeof(q.signature));
	return q;
}

static void a_key_that_is_not_the_manifests_is_refused(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	const struct key_set *quorum = p.source->enclave->state.quorum_key;
	struct inject_key_request good = { 0 }, bad;

	(void)state;
	assert_answered(export_key(&p, &good));
	bad = good;
	bad.signature[10] ^= 1;
	refuse_key(&p, &bad, "Key injection failed");
	bad = good;
	bad.encrypted_quorum_key[128] ^= 1; /* the signature is verified first */
	refuse_key(&p, &bad, "signature");
	bad = forged(&p, quorum, person(1));
	refuse_key(&p, &bad, "signature");
	bad = forged(&p, person(1), quorum);
	refuse_key(&p, &bad, "not the manifest's");
	assert_answered(ask(p.target, API_INJECT_KEY, &good, NULL));
}

static void a_key_sealed_to_another_target_is_refused(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	struct world_options o = { 0 };
	struct world *other = world_open(&o), *target = p.target;
	struct inject_key_request q = { 0 };

	(void)state;
	world_wait_for_key(other, &p.g.manifest_envelope);
	p.target = other;
	assert_answered(export_key(&p, &q));
	p.target = target;
	refuse_key(&p, &q, "Key injection failed");
	world_drop(&other);
}

static struct outcome export_document(struct pair *p, struct view document)
{
	AUTO(export_key_request) struct export_key_request q = { 0 };
	struct err e;

	assert_ok(manifest_copy(&p->g.manifest_envelope, &q.manifest_envelope, &e));
	copy_to(&q.attestation_doc, document);
	return ask(p->source, API_EXPORT_KEY, &q, NULL);
}

/* A document that the target's NSM signs, with these contents. */
static void sign(struct world *w, struct view user_data, struct view public_key, int64_t age_ms,
                 struct buf *ret)
{
	struct err e;

	buf_drop(ret);
	*ret = BUF_INIT(DOCUMENT_MAX);
	w->clock_ahead_ms = -age_ms;
	assert_ok(enclave_attest(w->enclave, user_data, public_key, (struct view){ 0 }, ret, &e));
	w->clock_ahead_ms = 0;
}

static void a_document_is_refused_for_the_check_that_it_fails(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	const struct enclave_state *t = &p.target->enclave->state;
	struct view hash = VIEW_OF(t->manifest_hash.bytes), none = { 0 };
	struct view setup = public_key_view(&t->setup_public);
	AUTO(buf) struct buf d = { 0 };
	uint8_t other[32] = { 1 };

	(void)state;
	assert_denied(export_document(&p, view_text("no document")), 1005,
	              "Attestation document verification failed");
	sign(p.target, hash, setup, 0, &d);
	assert_answered(export_document(&p, buf_view(&d)));
	d.data[d.len - 1] ^= 1;
	assert_denied(export_document(&p, buf_view(&d)), 1005, "signature");
	sign(p.target, VIEW_OF(other), setup, 0, &d);
	assert_denied(export_document(&p, buf_view(&d)), 1005, "user_data");
	sign(p.target, hash, none, 0, &d);
	assert_denied(export_document(&p, buf_view(&d)), 1005, "public_key");
	sign(p.target, hash, public_key_view(key_set_public(person(0))), 0, &d);
	assert_denied(export_document(&p, buf_view(&d)), 1005, "PCR16");
	sign(p.target, hash, setup, 310 * 1000, &d);
	assert_denied(export_document(&p, buf_view(&d)), 1005, "old");
	sign(p.target, hash, setup, -40 * 1000, &d);
	assert_denied(export_document(&p, buf_view(&d)), 1005, "ahead");
	sign(p.target, hash, setup, 290 * 1000, &d);
	assert_answered(export_document(&p, buf_view(&d)));
	assert_int_equal(p.source->enclave->state.phase, PHASE_READY);
}

/* Another enclave that claims the source's manifest: how it got there does not matter. */
static void refuse_target(const struct world_options *o, const char *words)
{
	AUTO(pair) struct pair p = pair_open();
	struct world *other = world_open(o);
	AUTO(buf) struct buf d = { 0 };
	struct view hash = VIEW_OF(p.source->enclave->state.manifest_hash.bytes);
	struct view key = public_key_view(key_set_public(person(0)));

	other->machine.locked = UINT32_MAX;
	sign(other, hash, key, 0, &d);
	assert_denied(export_document(&p, buf_view(&d)), 1005, words);
	world_drop(&other);
}

static void an_enclave_that_is_not_as_the_manifest_says_gets_no_key(void **state)
{
	struct world_options debug = { .is_debug = true }, role = { .role = "another" };
	struct world_options elsewhere = { .is_elsewhere = true };

	(void)state;
	refuse_target(&debug, "debug");
	refuse_target(&role, "PCR3");
	refuse_target(&elsewhere, "chain");
}

static void approve(struct manifest_envelope *envelope, unsigned i)
{
	const struct member *members = envelope->manifest.manifest_set.members.items;
	struct approval *approval;
	struct signature signature;
	struct hash256 hash;
	struct err e;

	assert_ok(manifest_hash(&envelope->manifest, &hash, &e));
	assert_ok(key_set_sign(person(i), VIEW_OF(hash.bytes), &signature, &e));
	assert_ok(
	    wire_list_add(&envelope->manifest_set_approvals, &approval_schema, &approval, &e));
	copy_to(&approval->signature, VIEW_OF(signature.bytes));
	copy_to(&approval->member.alias, buf_view(&members[i].alias));
	copy_to(&approval->member.pub_key, buf_view(&members[i].pub_key));
}

static void a_lawful_successor_gets_the_key_and_no_other(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	AUTO(manifest_envelope) struct manifest_envelope next = { 0 };
	AUTO(export_key_request) struct export_key_request q = { 0 };
	struct world_options o = { 0 };
	struct world *target = world_open(&o);
	struct err e;

	(void)state;
	assert_ok(manifest_copy(&p.g.manifest_envelope, &next, &e));
	next.manifest.namespace.nonce++;
	approve(&next, 0);
	world_wait_for_key(target, &next);
	q = export_of(&next, target);
	assert_denied(ask(p.source, API_EXPORT_KEY, &q, NULL), 1008, "Manifest not approved");
	approve(&q.manifest_envelope, 2);
	assert_answered(ask(p.source, API_EXPORT_KEY, &q, NULL));
	q.manifest_envelope.manifest.namespace.nonce -= 2; /* lower than the source's */
	assert_denied(ask(p.source, API_EXPORT_KEY, &q, NULL), 1008, "Manifest not approved");
	q.manifest_envelope.manifest.enclave.aws_root_certificate.data[0] ^= 1;
	assert_denied(ask(p.source, API_EXPORT_KEY, &q, NULL), 1008, "aws_root_certificate");
	q.manifest_envelope.manifest.share_set.threshold = 1;
	assert_denied(ask(p.source, API_EXPORT_KEY, &q, NULL), 1002, "Invalid threshold");
	world_drop(&target);
}

static void refuse_manifest(const struct world_options *o,
                            void (*spoil)(struct manifest_envelope *), int code, const char *words)
{
	AUTO(pair) struct pair p = pair_open();
	struct world *w = world_open(o);
	AUTO(manifest_message) struct manifest_message q = { 0 };
	struct err e;

	assert_ok(manifest_copy(&p.g.manifest_envelope, &q.manifest_envelope, &e));
	if (spoil)
		spoil(&q.manifest_envelope);
	assert_denied(ask(w, API_SHARE_MANIFEST, &q, NULL), code, words);
	assert_int_equal(w->enclave->state.phase, PHASE_WAITING_FOR_BOOT);
	assert_true(pcr_is_zero(&w->machine.pcrs.values[PCR_COMMITMENT]));
	world_drop(&w);
}

static void other_pcr(struct manifest_envelope *m)
{
	m->manifest.enclave.pcrs[1].data[0] ^= 1;
}
static void other_root(struct manifest_envelope *m)
{
	m->manifest.enclave.aws_root_certificate.data[9] ^= 1;
}
static void bad_threshold(struct manifest_envelope *m)
{
	m->manifest.share_set.threshold = 9;
}
static void bad_approval(struct manifest_envelope *m)
{
	approve(m, 0);
	((struct approval *)m->manifest_set_approvals.items)->signature.data[0] ^= 1;
}
static void approved_twice(struct manifest_envelope *m)
{
	approve(m, 0);
	approve(m, 0);
}

static void a_manifest_that_is_not_for_this_enclave_is_refused(void **state)
{
	struct world_options o = { 0 }, role = { .role = "another" };
	char *argv[] = { "--pin-share-set",
		         "0000000000000000000000000000000000000000000000000000000000000001", NULL };
	struct world_options pinned = { .argv = argv };

	(void)state;
	refuse_manifest(&o, other_pcr, 1005, "pcr1");
	refuse_manifest(&role, NULL, 1005, "pcr3");
	refuse_manifest(&o, other_root, 1008, "aws_root_certificate");
	refuse_manifest(&o, bad_threshold, 1002, "Invalid threshold");
	refuse_manifest(&o, bad_approval, 1008, "member1");
	refuse_manifest(&o, approved_twice, 1008, "member1");
	refuse_manifest(&pinned, NULL, 1008, "share set");
}

static void prove_key_signs_a_document_of_its_own(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	struct prove_key_request q = { { 7, 7 } };
	AUTO(prove_key_reply) struct prove_key_reply reply = { 0 };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	uint8_t message[STATEMENT_LEN];
	struct hash256 hash;
	struct err e;

	(void)state;
	assert_answered(ask(p.source, API_PROVE_KEY, &q, &reply));
	assert_ok(attestation_parse(buf_view(&reply.attestation_doc), &claims, &e));
	assert_view_equal(claims.nonce.value, VIEW_OF(q.challenge));
	assert_view_equal(claims.user_data.value,
	                  VIEW_OF(p.source->enclave->state.manifest_hash.bytes));
	assert_ok(sha256(buf_view(&reply.attestation_doc), &hash, &e));
	statement_format(STATEMENT_PROVE_KEY, &p.source->enclave->state.manifest_hash, q.challenge,
	                 hash.bytes, message);
	assert_ok(public_key_verify(&p.source->enclave->state.quorum_public, VIEW_OF(message),
	                            VIEW_OF(reply.signature), &e));
	assert_memory_equal(reply.quorum_public_key, p.g.quorum_public_key, PUBLIC_KEY_LEN);
}

static void receipts_are_a_signed_chain(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	const struct enclave_state *s = &p.source->enclave->state;
	struct inject_key_request key = { 0 };
	AUTO(receipts_reply) struct receipts_reply reply = { 0 };
	const struct receipt_item *items;
	struct hash256 body, previous = { { 0 } };
	uint8_t message[STATEMENT_LEN];
	struct receipt r;
	struct err e;

	(void)state;
	assert_answered(export_key(&p, &key));
	assert_answered(export_key(&p, &key));
	assert_answered(ask(p.source, API_RECEIPTS, NULL, &reply));
	assert_int_equal(reply.receipts.count, 3);
	items = reply.receipts.items;
	for (unsigned i = 0; i < 3; i++) {
		assert_ok(receipt_parse(VIEW_OF(items[i].body), &r, &e));
		assert_int_equal(r.sequence, i);
		assert_int_equal(r.kind, i ? RECEIPT_EXPORT : RECEIPT_SHARES_COMPLETED);
		assert_ok(sha256(VIEW_OF(items[i].body), &body, &e));
		statement_format(STATEMENT_RECEIPT, &s->manifest_hash, body.bytes, previous.bytes,
		                 message);
		assert_ok(public_key_verify(&s->quorum_public, VIEW_OF(message),
		                            VIEW_OF(items[i].signature), &e));
		assert_ok(sha256(VIEW_OF(message), &previous, &e));
	}
}

static void seeds_are_the_same_on_both_and_others_elsewhere(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	struct inject_key_request key = { 0 };
	AUTO(generate_seed_request)
	struct generate_seed_request q = { .has_type = true, .has_data = true };
	AUTO(generate_seed_reply) struct generate_seed_reply a = { 0 };
	AUTO(generate_seed_reply) struct generate_seed_reply b = { 0 };
	AUTO(generate_seed_reply) struct generate_seed_reply fresh = { 0 };
	AUTO(validate_seed_request) struct validate_seed_request phrase = { 0 };
	struct validate_seed_reply valid = { 0 };
	struct generate_seed_request none = { 0 }, half = { .has_type = true };

	(void)state;
	assert_answered(export_key(&p, &key));
	assert_answered(ask(p.target, API_INJECT_KEY, &key, NULL));
	copy_to(&q.seed_type, view_text("type"));
	copy_to(&q.seed_data, view_text("data"));
	assert_answered(ask(p.source, API_GENERATE_SEED, &q, &a));
	assert_answered(ask(p.target, API_GENERATE_SEED, &q, &b));
	assert_string_equal(buf_text(&a.seed_phrase), buf_text(&b.seed_phrase));
	assert_int_equal(a.word_count, 24);
	assert_int_equal(a.strength, 256);
	assert_int_equal(a.entropy.len, 64);
	assert_answered(ask(p.source, API_GENERATE_SEED, &none, &fresh));
	assert_string_not_equal(buf_text(&a.seed_phrase), buf_text(&fresh.seed_phrase));
	copy_to(&phrase.seed_phrase, buf_view(&a.seed_phrase));
	assert_answered(ask(p.target, API_VALIDATE_SEED, &phrase, &valid));
	assert_true(valid.valid);
	half.seed_type = q.seed_type;
	assert_denied(ask(p.source, API_GENERATE_SEED, &half, NULL), 1000, "seed_data");
	none.has_strength = true;
	none.strength = 130;
	assert_denied(ask(p.source, API_GENERATE_SEED, &none, NULL), 1000, "strength");
}

static void many_requests_at_once_meet_the_rate(void **state)
{
	AUTO(pair) struct pair p = pair_open();
	struct prove_key_request q = { { 1 } };
	unsigned refused = 0;
	struct outcome out;

	(void)state;
	p.source->enclave->rate.per_second = 2;
	memset(p.source->enclave->rate.buckets, 0, sizeof(p.source->enclave->rate.buckets));
	for (unsigned i = 0; i < 4; i++) {
		out = ask(p.source, API_PROVE_KEY, &q, NULL);
		if (out.status != 200) {
			assert_int_equal(out.code, 1009);
			assert_int_equal(out.status, 429);
			refused++;
		}
	}
	assert_true(refused >= 1);
	assert_answered(ask(p.source, API_STATUS, NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_forwarded_and_forwarded_again),
		cmocka_unit_test(once_provisioned_documents_carry_no_public_key),
		cmocka_unit_test(the_same_key_again_changes_nothing),
		cmocka_unit_test(the_same_manifest_again_changes_nothing),
		cmocka_unit_test(a_key_that_is_not_the_manifests_is_refused),
		cmocka_unit_test(a_key_sealed_to_another_target_is_refused),
		cmocka_unit_test(a_document_is_refused_for_the_check_that_it_fails),
		cmocka_unit_test(an_enclave_that_is_not_as_the_manifest_says_gets_no_key),
		cmocka_unit_test(a_lawful_successor_gets_the_key_and_no_other),
		cmocka_unit_test(a_manifest_that_is_not_for_this_enclave_is_refused),
		cmocka_unit_test(prove_key_signs_a_document_of_its_own),
		cmocka_unit_test(receipts_are_a_signed_chain),
		cmocka_unit_test(seeds_are_the_same_on_both_and_others_elsewhere),
		cmocka_unit_test(many_requests_at_once_meet_the_rate),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

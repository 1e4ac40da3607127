/* boot-standard, the shares that follow it, and retire. */
#include "fake_enclave.h"

#include "attest/document.h"
#include "crypto/shamir.h"

#define ALL 0xffffu

static void copy_to(struct buf *b, struct view v)
{
	struct err e;

	assert_ok(wire_set(b, v, &e));
}

static void approve(struct manifest_envelope *envelope, const struct key_set *key,
                    const struct member *as)
{
	struct approval *a;
	struct signature signature;
	struct hash256 hash;
	struct err e;

	assert_ok(manifest_hash(&envelope->manifest, &hash, &e));
	assert_ok(key_set_sign(key, VIEW_OF(hash.bytes), &signature, &e));
	assert_ok(wire_list_add(&envelope->manifest_set_approvals, &approval_schema, &a, &e));
	copy_to(&a->signature, VIEW_OF(signature.bytes));
	copy_to(&a->member.alias, buf_view(&as->alias));
	copy_to(&a->member.pub_key, buf_view(&as->pub_key));
}

/* By those members of the manifest set whose bits are set. */
static void approve_all(struct manifest_envelope *envelope, unsigned bits)
{
	const struct member *members = envelope->manifest.manifest_set.members.items;

	for (unsigned i = 0; i < envelope->manifest.manifest_set.members.count && i < 16; i++)
		if (bits >> i & 1)
			approve(envelope, person(i), &members[i]);
}

/* A quorum of which no TEE is left, and a fresh one. */
struct lost {
	struct genesis_reply g;
	struct world *w;
	struct manifest_message q; /* approved by all unless a test changes that */
	struct hash256 hash;
	struct public_key setup;           /* of a boot */
	const struct key_set *const *keys; /* of the share set; NULL: person(i) */
};

static void lost_drop(struct lost *l)
{
	genesis_reply_drop(&l->g);
	manifest_message_drop(&l->q);
	world_drop(&l->w);
}

static struct lost lost_of(const struct world_options *o, struct genesis_request *q)
{
	struct lost l = { 0 };
	struct world *first = world_open(o);
	struct err e;

	assert_answered(ask(first, API_GENESIS_BOOT, q, &l.g));
	world_drop(&first);
	l.w = world_open(o);
	assert_ok(manifest_copy(&l.g.manifest_envelope, &l.q.manifest_envelope, &e));
	assert_ok(manifest_hash(&l.q.manifest_envelope.manifest, &l.hash, &e));
	return l;
}

static struct lost lost_open(unsigned members, unsigned threshold)
{
	AUTO(genesis_request) struct genesis_request q = genesis_of(members, threshold, true);
	struct lost l = lost_of(&(struct world_options){ 0 }, &q);

	approve_all(&l.q.manifest_envelope, ALL);
	return l;
}

static void assert_phase(const struct lost *l, enum phase phase)
{
	assert_string_equal(phase_name(l->w->enclave->state.phase), phase_name(phase));
}

/* The document of a boot commits to manifest and setup key. */
static void boot(struct lost *l)
{
	AUTO(attestation) struct attestation seen = { 0 };
	struct attestation_reply reply = { 0 };
	struct attestation_policy policy = { .chain_at_document = true,
		                             .nonce = { .rule = FIELD_ABSENT },
		                             .committed_manifest = &l->hash };
	struct err e;

	assert_answered(ask(l->w, API_BOOT_STANDARD, &l->q, &reply));
	policy.root = buf_view(&l->w->enclave->anchor);
	assert_ok(attestation_check(buf_view(&reply.attestation_doc), &policy, &seen, &e));
	l->setup = seen.public_key;
	attestation_reply_drop(&reply);
	assert_phase(l, PHASE_WAITING_FOR_SHARES);
}

static const struct key_set *key_of(const struct lost *l, unsigned i)
{
	return l->keys ? l->keys[i] : person(i);
}

static void sign_submission(const struct lost *l, const struct key_set *key,
                            struct submitted_share *s)
{
	uint8_t message[STATEMENT_LEN];
	struct hash256 setup, sealed;
	struct signature signature;
	struct err e;

	assert_ok(sha256(public_key_view(&l->setup), &setup, &e));
	assert_ok(sha256(buf_view(&s->encrypted_share), &sealed, &e));
	statement_format(STATEMENT_SHARE_SUBMIT, &l->hash, setup.bytes, sealed.bytes, message);
	assert_ok(key_set_sign(key, VIEW_OF(message), &signature, &e));
	s->has_signature = true;
	copy_to(&s->signature, VIEW_OF(signature.bytes));
}

/* These bytes as the share of member i, sealed and signed as he does it. */
static void add_share(const struct lost *l, struct inject_shares_request *q, unsigned i,
                      struct view plain)
{
	const struct member *members = l->q.manifest_envelope.manifest.share_set.members.items;
	AUTO(secret) struct secret share = { 0 };
	struct submitted_share *s;
	struct err e;

	assert_ok(wire_list_add(&q->shares, &submitted_share_schema, &s, &e));
	copy_to(&s->member_alias, buf_view(&members[i].alias));
	s->has_encrypted = true;
	s->encrypted_share.max = SHARE_LEN + ENVELOPE_OVERHEAD;
	assert_ok(secret_copy(plain, &share, &e));
	assert_ok(envelope_seal(&l->setup, &share, &entropy_system, &s->encrypted_share, &e));
	sign_submission(l, key_of(l, i), s);
}

static struct inject_shares_request request_of(const struct lost *l)
{
	const struct manifest_namespace *ns = &l->q.manifest_envelope.manifest.namespace;
	struct inject_shares_request q = { .namespace_nonce = ns->nonce };

	copy_to(&q.namespace_name, buf_view(&ns->name));
	return q;
}

static void add_good(const struct lost *l, struct inject_shares_request *q, unsigned bits)
{
	const struct encrypted_share *given = l->g.encrypted_shares.items;

	for (unsigned i = 0; i < l->g.encrypted_shares.count; i++) {
		AUTO(secret) struct secret share = { 0 };
		struct err e;

		if (!(bits >> i & 1))
			continue;
		assert_ok(envelope_open(person(i), buf_view(&given[i].encrypted_quorum_key_share),
		                        &share, &e));
		add_share(l, q, i, secret_view(&share));
	}
}

/* A share of number x that is none. */
static void add_junk(const struct lost *l, struct inject_shares_request *q, unsigned i, uint8_t x)
{
	uint8_t junk[SHARE_LEN];
	struct err e;

	assert_ok(random_public(junk, sizeof(junk), &e));
	junk[0] = x;
	add_share(l, q, i, VIEW_OF(junk));
}

static struct submitted_share *share_at(struct inject_shares_request *q, unsigned i)
{
	return (struct submitted_share *)q->shares.items + i;
}

static struct outcome inject(struct lost *l, unsigned bits, struct inject_shares_reply *reply)
{
	AUTO(inject_shares_request) struct inject_shares_request q = request_of(l);

	add_good(l, &q, bits);
	return ask(l->w, API_INJECT_SHARES, &q, reply);
}

static void assert_aliases(const struct wire_list *list, const char *expected)
{
	AUTO(buf) struct buf found = BUF_INIT(1024);
	const struct alias_item *items = list->items;
	struct err e;

	for (size_t i = 0; i < list->count; i++)
		assert_ok(
		    buf_add_format(&found, &e, "%s%s", i ? " " : "", buf_text(&items[i].alias)));
	assert_string_equal(buf_text(&found), expected);
}

/* --- boot-standard */

static void any_threshold_of_shares_brings_the_key_back(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 16; bits++) {
		AUTO(lost) struct lost l = { 0 };
		struct inject_shares_reply reply = { 0 };

		if (__builtin_popcount(bits) != 2 && bits != 15)
			continue;
		l = lost_open(4, 2);
		boot(&l);
		assert_answered(inject(&l, bits, &reply));
		assert_view_equal(buf_view(&reply.reconstructed_quorum_key),
		                  VIEW_OF(l.g.quorum_public_key));
		assert_true(reply.has_receipt && !reply.unresolved);
		assert_int_equal(reply.rejected.count, 0);
		inject_shares_reply_drop(&reply);
		assert_phase(&l, PHASE_READY);
		assert_null(l.w->enclave->state.setup_key);
	}
}

static void refuse_boot(struct lost *l, int code, const char *words)
{
	unsigned extended = l->w->asked[NSM_EXTEND_PCR];

	assert_denied(ask(l->w, API_BOOT_STANDARD, &l->q, NULL), code, words);
	assert_phase(l, PHASE_WAITING_FOR_BOOT);
	assert_false(l->w->enclave->state.has_manifest);
	assert_int_equal(l->w->asked[NSM_EXTEND_PCR], extended);
}

static void drop_approvals(struct lost *l)
{
	wire_list_release(&approval_schema, &l->q.manifest_envelope.manifest_set_approvals);
}

static void approvals_of_the_threshold_are_needed_and_none_may_be_bad(void **state)
{
	AUTO(lost) struct lost l = lost_open(4, 3);
	struct approval *items;

	(void)state;
	drop_approvals(&l);
	refuse_boot(&l, 1008, "0 of 3 approvals");
	approve_all(&l.q.manifest_envelope, 5);
	refuse_boot(&l, 1008, "2 of 3 approvals");
	/* Enough, and one more that is no signature. */
	drop_approvals(&l);
	approve_all(&l.q.manifest_envelope, 15);
	items = l.q.manifest_envelope.manifest_set_approvals.items;
	items[3].signature.data[9] ^= 1;
	refuse_boot(&l, 1008, "'member4'");
	/* Twice the same, or another's name. */
	drop_approvals(&l);
	approve_all(&l.q.manifest_envelope, 3);
	approve_all(&l.q.manifest_envelope, 1);
	refuse_boot(&l, 1008, "approves twice");
	items = l.q.manifest_envelope.manifest_set_approvals.items;
	copy_to(&items[2].member.alias, view_text("member9"));
	refuse_boot(&l, 1008, "no member of the manifest set");
	drop_approvals(&l);
	approve_all(&l.q.manifest_envelope, 7);
	boot(&l);
}

static void a_manifest_of_another_enclave_is_refused(void **state)
{
	AUTO(lost) struct lost l = lost_open(2, 2);
	struct manifest *m = &l.q.manifest_envelope.manifest;

	(void)state;
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		char words[16];

		m->enclave.pcrs[i].data[0] ^= 1;
		snprintf(words, sizeof(words), "pcr%u", i);
		refuse_boot(&l, 1005, words);
		m->enclave.pcrs[i].data[0] ^= 1;
	}
	m->enclave.aws_root_certificate.data[40] ^= 1;
	refuse_boot(&l, 1008, "aws_root_certificate");
	m->enclave.aws_root_certificate.data[40] ^= 1;
	m->share_set.threshold = 1;
	refuse_boot(&l, 1002, "Invalid threshold");
	m->share_set.threshold = 2;
	/* What was approved is another manifest now. */
	m->namespace.nonce++;
	refuse_boot(&l, 1008, "the approval of 'member1'");
}

static void pins_hold_at_boot_standard(void **state)
{
	char *argv[] = { "--pin-share-set="
		         "0000000000000000000000000000000000000000000000000000000000000000",
		         NULL };
	AUTO(lost) struct lost l = lost_open(2, 2);

	(void)state;
	world_drop(&l.w);
	l.w = world_open(&(struct world_options){ .argv = argv });
	refuse_boot(&l, 1008, "share set");
}

static void the_same_manifest_again_is_answered_as_before(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	struct attestation_reply first = { 0 }, again = { 0 };
	unsigned asked;

	(void)state;
	assert_answered(ask(l.w, API_BOOT_STANDARD, &l.q, &first));
	asked = asked_in_all(l.w);
	/* Other approvals are the same manifest, whether they are good or not. */
	drop_approvals(&l);
	assert_answered(ask(l.w, API_BOOT_STANDARD, &l.q, &again));
	assert_view_equal(buf_view(&again.attestation_doc), buf_view(&first.attestation_doc));
	attestation_reply_drop(&again);
	assert_int_equal(asked_in_all(l.w), asked);
	/* Not by another operation, and no other manifest. */
	assert_denied(ask(l.w, API_SHARE_MANIFEST, &l.q, NULL), 1006, "share-manifest");
	l.q.manifest_envelope.manifest.namespace.nonce++;
	assert_denied(ask(l.w, API_BOOT_STANDARD, &l.q, NULL), 1006, "boot-standard");
	l.q.manifest_envelope.manifest.namespace.nonce--;
	l.setup = l.w->enclave->state.setup_public;
	assert_answered(inject(&l, 3, NULL));
	assert_phase(&l, PHASE_READY);
	assert_answered(ask(l.w, API_BOOT_STANDARD, &l.q, &again));
	assert_view_equal(buf_view(&again.attestation_doc), buf_view(&first.attestation_doc));
	attestation_reply_drop(&again);
	attestation_reply_drop(&first);
}

static void a_fault_after_extend_pcr_is_the_end(void **state)
{
	static const struct {
		enum nsm_operation operation;
		int skip;
		enum phase phase;
	} faults[] = {
		{ NSM_DESCRIBE_PCR, 0, PHASE_WAITING_FOR_BOOT },
		{ NSM_EXTEND_PCR, 0, PHASE_UNRECOVERABLE },
		{ NSM_LOCK_PCRS, 0, PHASE_UNRECOVERABLE },
		{ NSM_ATTESTATION, 0, PHASE_UNRECOVERABLE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		AUTO(lost) struct lost l = lost_open(2, 2);

		l.w->fault = (int)faults[i].operation;
		l.w->fault_skip = faults[i].skip;
		assert_denied(ask(l.w, API_BOOT_STANDARD, &l.q, NULL), 1010, "Internal error");
		assert_phase(&l, faults[i].phase);
		assert_null(l.w->enclave->state.setup_key);
		l.w->fault = -1;
		if (faults[i].phase == PHASE_WAITING_FOR_BOOT)
			boot(&l);
		else
			assert_denied(ask(l.w, API_BOOT_STANDARD, &l.q, NULL), 1006,
			              "UnrecoverableError");
	}
}

/* --- shares without known hashes */

static void status_is(struct lost *l, int64_t received, const char *missing)
{
	struct status_reply status = { 0 };

	assert_answered(ask(l->w, API_STATUS, NULL, &status));
	assert_int_equal(status.shares_received, received);
	assert_aliases(&status.shares_missing, missing);
	status_reply_drop(&status);
}

static void shares_come_one_by_one(void **state)
{
	AUTO(lost) struct lost l = lost_open(5, 3);
	struct inject_shares_reply reply = { 0 };

	(void)state;
	boot(&l);
	status_is(&l, 0, "member1 member2 member3 member4 member5");
	assert_answered(inject(&l, 1 << 4, &reply));
	assert_true(reply.success && !reply.unresolved && !reply.has_receipt);
	assert_int_equal(reply.reconstructed_quorum_key.len, 0);
	inject_shares_reply_drop(&reply);
	assert_answered(inject(&l, 1, NULL));
	status_is(&l, 2, "member2 member3 member4");
	assert_phase(&l, PHASE_WAITING_FOR_SHARES);
	assert_answered(inject(&l, 1 << 2, NULL));
	assert_phase(&l, PHASE_READY);
	status_is(&l, 3, "");
	assert_int_equal(l.w->enclave->receipts.count, 1);
}

static void refuse_share(struct lost *l, struct inject_shares_request *q, const char *words)
{
	assert_denied(ask(l->w, API_INJECT_SHARES, q, NULL), 1003, words);
	assert_phase(l, PHASE_WAITING_FOR_SHARES);
	for (size_t i = 0; i < l->w->enclave->state.slot_count; i++)
		assert_false(l->w->enclave->state.slots[i].is_accepted);
}

static void a_share_must_be_signed_by_its_member(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	AUTO(inject_shares_request) struct inject_shares_request other = { 0 };
	struct submitted_share *s;

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_good(&l, &q, 1);
	s = share_at(&q, 0);
	s->has_signature = false;
	refuse_share(&l, &q, "'member1': its signature is missing");
	s->has_signature = true;
	s->signature.data[10] ^= 1;
	refuse_share(&l, &q, "'member1': its signature is not its member's");
	/* Another member's signature, and another member's name. */
	sign_submission(&l, person(1), s);
	refuse_share(&l, &q, "'member1': its signature is not its member's");
	copy_to(&s->member_alias, view_text("member2"));
	sign_submission(&l, person(0), s);
	refuse_share(&l, &q, "'member2': its signature is not its member's");
	s->has_encrypted = false;
	refuse_share(&l, &q, "'member2': its encrypted_share is missing");
	s->has_encrypted = true;
	copy_to(&s->member_alias, view_text("member7"));
	refuse_share(&l, &q, "'member7': is not in the share set");
	/* For another boot of this quorum. */
	l.setup = *key_set_public(person(5));
	other = request_of(&l);
	add_good(&l, &other, 1);
	refuse_share(&l, &other, "'member1': its signature is not its member's");
}

static void the_signature_is_checked_before_anything_is_opened(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	struct submitted_share *s;

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_good(&l, &q, 1);
	s = share_at(&q, 0);
	s->encrypted_share.data[120] ^= 1; /* opens no more, and is not what was signed */
	refuse_share(&l, &q, "'member1': its signature is not its member's");
	sign_submission(&l, person(0), s);
	refuse_share(&l, &q, "'member1': envelope");
}

static void number_zero_is_no_share(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_junk(&l, &q, 0, 0);
	refuse_share(&l, &q, "'member1': its share is none");
}

static void a_hostile_share_names_its_member_and_stops_nobody(void **state)
{
	AUTO(lost) struct lost l = lost_open(5, 3);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	struct inject_shares_reply reply = { 0 };

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_junk(&l, &q, 0, 1);
	add_junk(&l, &q, 1, 4); /* the number of an honest one */
	assert_answered(ask(l.w, API_INJECT_SHARES, &q, &reply));
	assert_false(reply.unresolved);
	inject_shares_reply_drop(&reply);
	assert_answered(inject(&l, 1 << 2, &reply));
	assert_true(reply.unresolved && reply.success);
	assert_int_equal(reply.shares_received, 3);
	assert_int_equal(reply.rejected.count + reply.reconstructed_quorum_key.len, 0);
	inject_shares_reply_drop(&reply);
	assert_answered(inject(&l, 1 << 3, &reply));
	assert_true(reply.unresolved);
	inject_shares_reply_drop(&reply);
	assert_phase(&l, PHASE_WAITING_FOR_SHARES);
	assert_non_null(l.w->enclave->state.setup_key);
	assert_answered(inject(&l, 1 << 4, &reply));
	assert_view_equal(buf_view(&reply.reconstructed_quorum_key),
	                  VIEW_OF(l.g.quorum_public_key));
	assert_aliases(&reply.rejected, "member1 member2");
	assert_int_equal(reply.shares_received, 3);
	inject_shares_reply_drop(&reply);
	assert_phase(&l, PHASE_READY);
	/* A replay of the hostile ones is told the same. */
	assert_answered(ask(l.w, API_INJECT_SHARES, &q, &reply));
	assert_aliases(&reply.rejected, "member1 member2");
	assert_int_equal(reply.shares_received, 3);
	inject_shares_reply_drop(&reply);
}

static void refuse_beyond(struct lost *l)
{
	AUTO(inject_shares_request) struct inject_shares_request q = request_of(l);

	add_good(l, &q, 1);
	assert_denied(ask(l->w, API_INJECT_SHARES, &q, NULL), 1003, "is here already");
}

static void a_later_share_of_a_member_replaces_his_earlier(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request wrong = { 0 };
	struct inject_shares_reply reply = { 0 };

	(void)state;
	boot(&l);
	wrong = request_of(&l);
	add_junk(&l, &wrong, 0, 1);
	assert_answered(ask(l.w, API_INJECT_SHARES, &wrong, NULL));
	assert_answered(inject(&l, 1, &reply));
	assert_int_equal(reply.shares_received, 1);
	inject_shares_reply_drop(&reply);
	/* Who saw the wrong one pass can't put it back. */
	assert_answered(ask(l.w, API_INJECT_SHARES, &wrong, &reply));
	assert_int_equal(reply.shares_received, 1);
	inject_shares_reply_drop(&reply);
	add_junk(&l, &wrong, 2, 9);
	assert_answered(ask(l.w, API_INJECT_SHARES, &wrong, &reply));
	assert_aliases(&reply.rejected, "member1");
	assert_true(reply.unresolved);
	inject_shares_reply_drop(&reply);
	assert_answered(inject(&l, 2, &reply));
	assert_aliases(&reply.rejected, "member3");
	inject_shares_reply_drop(&reply);
	assert_phase(&l, PHASE_READY);
}

static void none_of_a_members_submissions_is_ever_forgotten(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request first = { 0 };
	AUTO(inject_shares_request) struct inject_shares_request beyond = { 0 };
	struct inject_shares_reply reply = { 0 };

	(void)state;
	boot(&l);
	first = request_of(&l);
	add_junk(&l, &first, 0, 1);
	assert_answered(ask(l.w, API_INJECT_SHARES, &first, NULL));
	for (unsigned i = 1; i < SUBMISSIONS_MAX; i++)
		assert_answered(inject(&l, 1, NULL));
	refuse_beyond(&l);
	beyond = request_of(&l);
	add_junk(&l, &beyond, 0, 1);
	assert_denied(ask(l.w, API_INJECT_SHARES, &beyond, NULL), 1003,
	              "can't be replaced any more");
	/* The first is a replay still, and does not come back beside another member's share. */
	assert_answered(ask(l.w, API_INJECT_SHARES, &first, NULL));
	add_good(&l, &first, 2);
	assert_answered(ask(l.w, API_INJECT_SHARES, &first, &reply));
	assert_aliases(&reply.rejected, "member1");
	assert_true(reply.has_receipt);
	inject_shares_reply_drop(&reply);
	assert_phase(&l, PHASE_READY);
	first.shares.count = 1;
	assert_answered(ask(l.w, API_INJECT_SHARES, &first, NULL));
	first.shares.count = 2;
	assert_denied(ask(l.w, API_INJECT_SHARES, &beyond, NULL), 1006, "inject-shares");
}

static void signed_shares_are_charged_to_the_address(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	struct rate *rate;

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_good(&l, &q, 7);
	for (unsigned i = 0; i < 3; i++)
		share_at(&q, i)->signature.data[0] ^= 1;
	rate = &l.w->enclave->rate;
	rate_drop(rate);
	rate_init(rate, 7);
	refuse_share(&l, &q, "its signature is not its member's");
	assert_true(rate->buckets[0].tokens == 4);
	rate->buckets[0].tokens = 2;
	rate->buckets[0].filled_us += INT64_C(3600) * 1000000; /* the next token is far away */
	assert_denied(ask(l.w, API_INJECT_SHARES, &q, NULL), 1009, "one address");
}

static void a_replayed_share_is_not_searched_again(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	struct inject_shares_reply reply = { 0 };
	uint64_t arrivals;

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_junk(&l, &q, 0, 1);
	add_junk(&l, &q, 1, 2);
	assert_answered(ask(l.w, API_INJECT_SHARES, &q, &reply));
	assert_true(reply.unresolved);
	inject_shares_reply_drop(&reply);
	arrivals = l.w->enclave->state.arrivals;
	assert_answered(ask(l.w, API_INJECT_SHARES, &q, &reply));
	assert_true(reply.unresolved);
	assert_int_equal(l.w->enclave->state.arrivals, arrivals);
	inject_shares_reply_drop(&reply);
}

static void bad_shares_beside_good_ones_are_rejected_at_once(void **state)
{
	AUTO(lost) struct lost l = lost_open(5, 3);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	struct inject_shares_reply reply = { 0 };

	(void)state;
	boot(&l);
	q = request_of(&l);
	add_junk(&l, &q, 0, 1);
	add_good(&l, &q, 2 | 4 | 8);
	add_good(&l, &q, 2); /* twice */
	add_good(&l, &q, 16);
	share_at(&q, 5)->signature.data[3] ^= 1;
	assert_answered(ask(l.w, API_INJECT_SHARES, &q, &reply));
	assert_aliases(&reply.rejected, "member2 member5 member1");
	assert_phase(&l, PHASE_READY);
	inject_shares_reply_drop(&reply);
}

/* Members without a key can sign nothing: a debug enclave takes their shares as they come. */
static struct lost keyless_open(unsigned members, unsigned threshold)
{
	AUTO(genesis_request) struct genesis_request q = genesis_of(members, threshold, false);
	AUTO(genesis_request) struct genesis_request keyed = genesis_of(2, 2, true);
	struct wire_list swapped = q.manifest_members;
	struct lost l;

	q.manifest_members = keyed.manifest_members;
	q.manifest_threshold = 2;
	keyed.manifest_members = swapped;
	l = lost_of(&(struct world_options){ .is_debug = true }, &q);
	approve_all(&l.q.manifest_envelope, ALL);
	boot(&l);
	return l;
}

static void add_plain(const struct lost *l, struct inject_shares_request *q, unsigned i,
                      bool is_junk)
{
	const struct encrypted_share *given = l->g.encrypted_shares.items;
	struct submitted_share *s;
	struct err e;

	assert_ok(wire_list_add(&q->shares, &submitted_share_schema, &s, &e));
	copy_to(&s->member_alias, buf_view(&given[i].share_set_member.alias));
	copy_to(&s->decrypted_share, buf_view(&given[i].encrypted_quorum_key_share));
	s->has_decrypted = true;
	if (is_junk)
		assert_ok(random_public(s->decrypted_share.data + 1, SHARE_LEN - 1, &e));
}

static void keyless_members_of_a_debug_enclave_sign_nothing(void **state)
{
	AUTO(lost) struct lost l = keyless_open(3, 2);
	AUTO(lost) struct lost real = lost_open(3, 2);
	AUTO(inject_shares_request) struct inject_shares_request q = request_of(&l);

	(void)state;
	add_plain(&l, &q, 0, false);
	add_plain(&l, &q, 2, false);
	boot(&real);
	assert_denied(ask(real.w, API_INJECT_SHARES, &q, NULL), 1011, "debug");
	assert_answered(ask(l.w, API_INJECT_SHARES, &q, NULL));
	assert_phase(&l, PHASE_READY);
}

static void a_debug_member_with_a_key_signs_too(void **state)
{
	AUTO(genesis_request) struct genesis_request g = genesis_of(3, 2, true);
	AUTO(lost) struct lost l = lost_of(&(struct world_options){ .is_debug = true }, &g);
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	uint8_t share[SHARE_LEN] = { 1 };

	(void)state;
	approve_all(&l.q.manifest_envelope, ALL);
	boot(&l);
	q = request_of(&l);
	add_good(&l, &q, 1);
	share_at(&q, 0)->has_encrypted = false;
	share_at(&q, 0)->has_decrypted = true;
	copy_to(&share_at(&q, 0)->decrypted_share, VIEW_OF(share));
	refuse_share(&l, &q, "'member1': its encrypted_share is missing");
}

/* 255 candidates, and as many more that replace them, lie in locked memory at one time. */
static void the_largest_set_fits_the_arena(void **state)
{
	AUTO(lost) struct lost l = keyless_open(255, 2);
	AUTO(inject_shares_request) struct inject_shares_request junk = request_of(&l);
	AUTO(inject_shares_request) struct inject_shares_request good = request_of(&l);
	struct inject_shares_reply reply = { 0 };

	(void)state;
	for (unsigned i = 0; i < 255; i++) {
		add_plain(&l, &junk, i, true);
		add_plain(&l, &good, i, false);
	}
	assert_answered(ask(l.w, API_INJECT_SHARES, &junk, &reply));
	assert_true(reply.unresolved);
	assert_int_equal(reply.shares_received, 255);
	inject_shares_reply_drop(&reply);
	assert_answered(ask(l.w, API_INJECT_SHARES, &good, &reply));
	assert_int_equal(reply.rejected.count, 0);
	inject_shares_reply_drop(&reply);
	assert_phase(&l, PHASE_READY);
}

/* --- QuorumOS's own */

static void read_member(unsigned i, struct key_set **key, struct member *ret)
{
	struct public_key public;
	char path[512], alias[8];
	struct err e;

	snprintf(path, sizeof(path), "%s/qos/boot-e2e/user%u.secret", VECTORS, i);
	assert_ok(key_set_read(path, NULL, key, &e));
	snprintf(path, sizeof(path), "%s/qos/boot-e2e/user%u.pub", VECTORS, i);
	assert_ok(public_key_read(path, &public, &e));
	assert_true(public_key_equal(&public, key_set_public(*key)));
	snprintf(alias, sizeof(alias), "user%u", i);
	copy_to(&ret->alias, view_text(alias));
	copy_to(&ret->pub_key, public_key_view(&public));
}

/* A manifest of QOS's sets and key, for the enclave that is there. */
static void write_manifest(struct lost *l, struct key_set **keys)
{
	struct manifest *m = &l->q.manifest_envelope.manifest;
	struct public_key quorum;
	struct member *member;
	struct err e;

	assert_ok(public_key_read(VECTORS "/qos/boot-e2e/quorum_key.pub", &quorum, &e));
	copy_to(&m->namespace.name, view_text("quit-coding-to-vape"));
	copy_to(&m->namespace.quorum_key, public_key_view(&quorum));
	m->namespace.nonce = 3;
	m->manifest_set.threshold = m->share_set.threshold = 2;
	for (unsigned i = 0; i < 3; i++) {
		assert_ok(wire_list_add(&m->share_set.members, &member_schema, &member, &e));
		read_member(i + 1, &keys[i], member);
		assert_ok(wire_list_add(&m->manifest_set.members, &member_schema, &member, &e));
		key_set_drop(&keys[i]);
		read_member(i + 1, &keys[i], member);
	}
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		copy_to(&m->enclave.pcrs[i], pcr_view(&l->w->enclave->pcrs.values[i]));
	copy_to(&m->enclave.aws_root_certificate, buf_view(&l->w->enclave->anchor));
	for (unsigned i = 1; i < 3; i++)
		approve(&l->q.manifest_envelope, keys[i],
		        (const struct member *)m->manifest_set.members.items + i);
	assert_ok(manifest_hash(m, &l->hash, &e));
}

static void prove(struct lost *l)
{
	struct prove_key_request q = { .challenge = { 42 } };
	AUTO(prove_key_reply) struct prove_key_reply reply = { 0 };
	uint8_t message[STATEMENT_LEN];
	struct public_key quorum;
	struct hash256 document;
	struct err e;

	assert_ok(public_key_read(VECTORS "/qos/boot-e2e/quorum_key.pub", &quorum, &e));
	assert_answered(ask(l->w, API_PROVE_KEY, &q, &reply));
	assert_ok(sha256(buf_view(&reply.attestation_doc), &document, &e));
	statement_format(STATEMENT_PROVE_KEY, &l->hash, q.challenge, document.bytes, message);
	assert_ok(public_key_verify(&quorum, VIEW_OF(message), VIEW_OF(reply.signature), &e));
}

static void the_shares_of_a_qos_genesis_bring_its_quorum_key_back(void **state)
{
	(void)state;
	for (unsigned left_out = 0; left_out < 3; left_out++) {
		struct key_set *keys[3] = { NULL };
		AUTO(lost)
		struct lost l = { .w = world_open(&(struct world_options){ 0 }),
			          .keys = (const struct key_set *const *)keys };
		AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
		AUTO(inject_shares_reply) struct inject_shares_reply reply = { 0 };
		char name[64];
		struct err e;

		write_manifest(&l, keys);
		boot(&l);
		q = request_of(&l);
		for (unsigned i = 0; i < 3; i++) {
			AUTO(secret) struct secret share = { 0 };
			AUTO(buf) struct buf sealed = { 0 };

			if (i == left_out)
				continue;
			snprintf(name, sizeof(name), "qos/boot-e2e/user%u.share", i + 1);
			sealed = vector_file(name);
			assert_ok(envelope_open(keys[i], buf_view(&sealed), &share, &e));
			add_share(&l, &q, i, secret_view(&share));
		}
		assert_answered(ask(l.w, API_INJECT_SHARES, &q, &reply));
		assert_view_equal(buf_view(&reply.reconstructed_quorum_key),
		                  buf_view(&l.q.manifest_envelope.manifest.namespace.quorum_key));
		prove(&l);
		for (unsigned i = 0; i < 3; i++)
			key_set_drop(&keys[i]);
	}
}

/* --- retire */

static struct outcome retire(struct world *w, const uint8_t *hash, struct success_reply *reply)
{
	struct retire_request q;

	memcpy(q.manifest_hash, hash, sizeof(q.manifest_hash));
	return ask(w, API_RETIRE, &q, reply);
}

static void retire_wipes_and_leaves_a_receipt(void **state)
{
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	struct world *w = world_open(&(struct world_options){ 0 });
	const struct enclave_state *s = &w->enclave->state;
	struct success_reply reply = { 0 }, again = { 0 };
	AUTO(receipts_reply) struct receipts_reply list = { 0 };
	const struct receipt_item *items;
	uint8_t message[STATEMENT_LEN];
	struct hash256 body, previous, zero = { { 0 } };
	struct receipt receipt;
	struct err e;

	(void)state;
	world_ready(w, true, &g);
	assert_answered(retire(w, s->manifest_hash.bytes, &reply));
	assert_true(reply.success && reply.has_receipt);
	assert_int_equal(s->phase, PHASE_UNRECOVERABLE);
	assert_null(s->quorum_key);
	assert_null(s->setup_key);
	assert_ok(receipt_parse(VIEW_OF(reply.receipt.body), &receipt, &e));
	assert_int_equal(receipt.kind, RECEIPT_RETIRE);
	assert_int_equal(receipt.sequence, 1);
	/* Chained to the one before, and signed by the key that is gone. */
	assert_answered(ask(w, API_RECEIPTS, NULL, &list));
	items = list.receipts.items;
	assert_int_equal(list.receipts.count, 2);
	assert_memory_equal(&items[1], &reply.receipt, sizeof(reply.receipt));
	assert_ok(sha256(VIEW_OF(items[0].body), &body, &e));
	statement_format(STATEMENT_RECEIPT, &s->manifest_hash, body.bytes, zero.bytes, message);
	assert_ok(sha256(VIEW_OF(message), &previous, &e));
	assert_ok(sha256(VIEW_OF(items[1].body), &body, &e));
	statement_format(STATEMENT_RECEIPT, &s->manifest_hash, body.bytes, previous.bytes, message);
	assert_ok(public_key_verify(&s->quorum_public, VIEW_OF(message),
	                            VIEW_OF(items[1].signature), &e));
	/* Again it is the same; another manifest's is not. */
	assert_answered(retire(w, s->manifest_hash.bytes, &again));
	assert_memory_equal(&again.receipt, &reply.receipt, sizeof(reply.receipt));
	assert_int_equal(w->enclave->receipts.count, 2);
	assert_denied(retire(w, zero.bytes, NULL), 1006, "retire");
	success_reply_drop(&reply);
	success_reply_drop(&again);
	world_drop(&w);
}

static void retire_needs_the_hash_of_the_manifest_that_is_held(void **state)
{
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	struct world *w = world_open(&(struct world_options){ 0 });
	uint8_t other[32] = { 0 };

	(void)state;
	assert_denied(retire(w, other, NULL), 1006,
	              "retire needs a manifest, and phase WaitingForBootInstruction has none");
	world_ready(w, true, &g);
	assert_denied(retire(w, other, NULL), 1006, "retire names manifest 00000000");
	assert_int_equal(w->enclave->state.phase, PHASE_READY);
	assert_non_null(w->enclave->state.quorum_key);
	world_drop(&w);
}

static void retire_before_there_is_a_key_leaves_no_receipt(void **state)
{
	AUTO(lost) struct lost l = lost_open(3, 2);
	struct success_reply reply = { 0 };

	(void)state;
	boot(&l);
	assert_answered(inject(&l, 1, NULL));
	assert_answered(retire(l.w, l.hash.bytes, &reply));
	assert_true(reply.success && !reply.has_receipt);
	success_reply_drop(&reply);
	assert_phase(&l, PHASE_UNRECOVERABLE);
	assert_null(l.w->enclave->state.setup_key);
	for (size_t i = 0; i < 3; i++)
		assert_null(l.w->enclave->state.slots[i].share.data);
	assert_denied(inject(&l, 2, NULL), 1006, "UnrecoverableError");
}

static void retire_without_the_nsms_time_changes_nothing(void **state)
{
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	struct world *w = world_open(&(struct world_options){ 0 });

	(void)state;
	world_ready(w, true, &g);
	w->enclave->time.is_known = false;
	w->fault = NSM_ATTESTATION;
	assert_denied(retire(w, w->enclave->state.manifest_hash.bytes, NULL), 1010,
	              "Internal error");
	assert_int_equal(w->enclave->state.phase, PHASE_READY);
	w->fault = -1;
	assert_answered(retire(w, w->enclave->state.manifest_hash.bytes, NULL));
	world_drop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_threshold_of_shares_brings_the_key_back),
		cmocka_unit_test(approvals_of_the_threshold_are_needed_and_none_may_be_bad),
		cmocka_unit_test(a_manifest_of_another_enclave_is_refused),
		cmocka_unit_test(pins_hold_at_boot_standard),
		cmocka_unit_test(the_same_manifest_again_is_answered_as_before),
		cmocka_unit_test(a_fault_after_extend_pcr_is_the_end),
		cmocka_unit_test(shares_come_one_by_one),
		cmocka_unit_test(a_share_must_be_signed_by_its_member),
		cmocka_unit_test(the_signature_is_checked_before_anything_is_opened),
		cmocka_unit_test(number_zero_is_no_share),
		cmocka_unit_test(a_hostile_share_names_its_member_and_stops_nobody),
		cmocka_unit_test(a_later_share_of_a_member_replaces_his_earlier),
		cmocka_unit_test(none_of_a_members_submissions_is_ever_forgotten),
		cmocka_unit_test(signed_shares_are_charged_to_the_address),
		cmocka_unit_test(a_replayed_share_is_not_searched_again),
		cmocka_unit_test(bad_shares_beside_good_ones_are_rejected_at_once),
		cmocka_unit_test(keyless_members_of_a_debug_enclave_sign_nothing),
		cmocka_unit_test(a_debug_member_with_a_key_signs_too),
		cmocka_unit_test(the_largest_set_fits_the_arena),
		cmocka_unit_test(the_shares_of_a_qos_genesis_bring_its_quorum_key_back),
		cmocka_unit_test(retire_wipes_and_leaves_a_receipt),
		cmocka_unit_test(retire_needs_the_hash_of_the_manifest_that_is_held),
		cmocka_unit_test(retire_before_there_is_a_key_leaves_no_receipt),
		cmocka_unit_test(retire_without_the_nsms_time_changes_nothing),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

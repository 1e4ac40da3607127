/* inject-shares after genesis: each share is judged by itself, replays change nothing. */
#include "fake_enclave.h"

#include "base/log.h"

#include <sys/mman.h>
#include <unistd.h>

static struct submitted_share *share_at(struct inject_shares_request *q, unsigned i)
{
	return (struct submitted_share *)q->shares.items + i;
}

static void copy_to(struct buf *b, struct view v)
{
	struct err e;

	assert_ok(wire_set(b, v, &e));
}

/* A world with a genesis of five, threshold 3. */
struct five {
	struct world *w;
	struct genesis_reply g;
};

static struct five five_open(bool is_debug, bool has_keys)
{
	struct world_options o = { .is_debug = is_debug };
	struct five f = { .w = world_open(&o) };

	world_genesis(f.w, 5, 3, has_keys, &f.g);
	return f;
}

static void five_drop(struct five *f)
{
	genesis_reply_drop(&f->g);
	world_drop(&f->w);
}

static struct outcome inject(struct five *f, unsigned bits, struct inject_shares_reply *reply)
{
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f->g, bits);

	return ask(f->w, API_INJECT_SHARES, &q, reply);
}

static void assert_phase(const struct five *f, enum phase phase)
{
	assert_string_equal(phase_name(f->w->enclave->state.phase), phase_name(phase));
}

static void shares_one_by_one_complete_the_key(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	struct inject_shares_reply reply = { 0 };

	(void)state;
	assert_answered(inject(&f, 1, &reply));
	assert_true(reply.success && !reply.unresolved && !reply.has_receipt);
	assert_int_equal(reply.shares_received, 1);
	assert_int_equal(reply.threshold, 3);
	assert_int_equal(reply.reconstructed_quorum_key.len, 0);
	assert_phase(&f, PHASE_WAITING_FOR_SHARES);
	inject_shares_reply_drop(&reply);
	assert_answered(inject(&f, 1u << 4, &reply));
	assert_int_equal(reply.shares_received, 2);
	inject_shares_reply_drop(&reply);
	assert_answered(inject(&f, 1u << 2, &reply));
	assert_int_equal(reply.shares_received, 3);
	assert_view_equal(buf_view(&reply.reconstructed_quorum_key),
	                  VIEW_OF(f.g.quorum_public_key));
	assert_true(reply.has_receipt);
	inject_shares_reply_drop(&reply);
	assert_phase(&f, PHASE_READY);
	assert_null(f.w->enclave->state.setup_key);
	for (unsigned i = 0; i < 5; i++)
		assert_null(f.w->enclave->state.slots[i].share.data);
}

static void any_subset_of_the_threshold_gives_the_key(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		AUTO(five) struct five f = { 0 };

		if (__builtin_popcount(bits) < 3)
			continue;
		f = five_open(false, true);
		assert_answered(inject(&f, bits, NULL));
		assert_phase(&f, PHASE_READY);
		assert_memory_equal(key_set_public(f.w->enclave->state.quorum_key)->bytes,
		                    f.g.quorum_public_key, PUBLIC_KEY_LEN);
	}
}

static void shares_in_the_clear_serve_a_debug_enclave_alone(void **state)
{
	AUTO(five) struct five debug = five_open(true, false);
	AUTO(five) struct five real = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&real.g, 1);
	uint8_t share[33] = { 1 };

	(void)state;
	assert_answered(inject(&debug, 7, NULL));
	assert_phase(&debug, PHASE_READY);
	share_at(&q, 0)->has_encrypted = false;
	share_at(&q, 0)->has_decrypted = true;
	copy_to(&share_at(&q, 0)->decrypted_share, VIEW_OF(share));
	/* Mode is judged before content: another namespace makes no difference. */
	q.namespace_nonce++;
	assert_denied(ask(real.w, API_INJECT_SHARES, &q, NULL), 1011, "inject-shares");
	assert_phase(&real, PHASE_GENESIS_BOOTED);
}

static void a_wrong_share_names_its_member_and_the_good_ones_count(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 7);
	AUTO(inject_shares_reply) struct inject_shares_reply reply = { 0 };
	const struct alias_item *rejected;

	(void)state;
	share_at(&q, 1)->encrypted_share.data[120] ^= 1;
	assert_answered(ask(f.w, API_INJECT_SHARES, &q, &reply));
	assert_int_equal(reply.shares_received, 2);
	assert_int_equal(reply.rejected.count, 1);
	rejected = reply.rejected.items;
	assert_string_equal(buf_text(&rejected->alias), "member2");
	assert_phase(&f, PHASE_WAITING_FOR_SHARES);
	assert_answered(inject(&f, 2, NULL));
	assert_phase(&f, PHASE_READY);
}

static void refuse_all(struct five *f, struct inject_shares_request *q, const char *words)
{
	assert_denied(ask(f->w, API_INJECT_SHARES, q, NULL), 1003, words);
	assert_phase(f, PHASE_GENESIS_BOOTED);
	for (unsigned i = 0; i < 5; i++)
		assert_false(f->w->enclave->state.slots[i].is_accepted);
}

static void a_request_without_any_good_share_is_refused_and_changes_nothing(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(five) struct five other = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 3);
	AUTO(inject_shares_request) struct inject_shares_request foreign = shares_of(&other.g, 1);

	(void)state;
	refuse_all(&f, &foreign, "member1"); /* sealed to another enclave */
	q.shares.count = 1;
	copy_to(&share_at(&q, 0)->member_alias, view_text("member9"));
	refuse_all(&f, &q, "'member9': is not in the share set");
	copy_to(&share_at(&q, 0)->member_alias, view_text("member2"));
	refuse_all(&f, &q, "'member2': its share is not the one that genesis made");
	share_at(&q, 0)->has_encrypted = false;
	refuse_all(&f, &q, "'member2': its share is missing");
	q.shares.count = 2;
}

static void a_request_of_wrong_shares_does_not_flood_the_log(void **state)
{
	AUTO(five) struct five f = { .w = world_open(&(struct world_options){ 0 }) };
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	AUTO(buf) struct buf log = BUF_INIT(1u << 20);
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct submitted_share *s;
	size_t lines = 0;
	struct err e;

	(void)state;
	world_genesis(f.w, PEOPLE_MAX, 3, true, &f.g);
	q = shares_of(&f.g, 1);
	copy_to(&share_at(&q, 0)->member_alias, view_text("nobody"));
	while (q.shares.count < 2 * PEOPLE_MAX) {
		assert_ok(wire_list_add(&q.shares, &submitted_share_schema, &s, &e));
		copy_to(&s->member_alias, view_text("nobody"));
	}
	log_set_fd(fd);
	assert_denied(ask(f.w, API_INJECT_SHARES, &q, NULL), 1003, "'nobody'");
	log_set_fd(STDERR_FILENO);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_ok(fd_read(fd, "log", &log, &e));
	close(fd);
	for (size_t i = 0; i < log.len; i++)
		lines += log.data[i] == '\n';
	assert_in_range(lines, 2, 20);
	assert_non_null(strstr(buf_text(&log), "count=8"));
}

/* Ten shares for five members, of which none can be opened, are judged; with one more not even the
 * good one is. */
static void more_than_two_shares_a_member_are_refused_before_any_is_opened(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 1);
	AUTO(inject_shares_reply) struct inject_shares_reply reply = { 0 };
	struct submitted_share *s;
	struct err e;

	(void)state;
	while (q.shares.count < 11) {
		assert_ok(wire_list_add(&q.shares, &submitted_share_schema, &s, &e));
		copy_to(&s->member_alias, view_text("member2"));
		copy_to(&s->encrypted_share, buf_view(&share_at(&q, 0)->encrypted_share));
		s->encrypted_share.data[100] ^= 1;
		s->has_encrypted = true;
	}
	refuse_all(&f, &q, "Share rejected: 11 shares for 5 members");
	wire_release(&submitted_share_schema, share_at(&q, (unsigned)--q.shares.count));
	assert_answered(ask(f.w, API_INJECT_SHARES, &q, &reply));
	assert_int_equal(reply.shares_received, 1);
	assert_int_equal(reply.rejected.count, 9);
}

static void shares_to_open_are_charged_to_the_address(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request wrong = shares_of(&f.g, 31);
	struct rate *rate = &f.w->enclave->rate;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		share_at(&wrong, i)->encrypted_share.data[100] ^= 1;
	rate_drop(rate);
	rate_init(rate, 10);
	assert_denied(ask(f.w, API_INJECT_SHARES, &wrong, NULL), 1003, "member1");
	assert_true(rate->buckets[0].tokens == 5);
	rate->buckets[0].filled_us += INT64_C(3600) * 1000000; /* the next token is far away */
	assert_denied(ask(f.w, API_INJECT_SHARES, &wrong, NULL), 1009, "one address");
	assert_phase(&f, PHASE_GENESIS_BOOTED);
}

static void a_share_twice_in_one_request_counts_once(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 3);
	AUTO(inject_shares_reply) struct inject_shares_reply reply = { 0 };

	(void)state;
	copy_to(&share_at(&q, 1)->member_alias, view_text("member1"));
	copy_to(&share_at(&q, 1)->encrypted_share, buf_view(&share_at(&q, 0)->encrypted_share));
	assert_answered(ask(f.w, API_INJECT_SHARES, &q, &reply));
	assert_int_equal(reply.shares_received, 1);
	assert_int_equal(reply.rejected.count, 1);
}

static void another_namespace_is_refused(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 7);

	(void)state;
	q.namespace_nonce++;
	assert_denied(ask(f.w, API_INJECT_SHARES, &q, NULL), 1001, "Invalid namespace");
	q.namespace_nonce--;
	copy_to(&q.namespace_name, view_text("other"));
	assert_denied(ask(f.w, API_INJECT_SHARES, &q, NULL), 1001, "Invalid namespace");
	assert_phase(&f, PHASE_GENESIS_BOOTED);
}

static void both_forms_of_a_share_are_one_too_many(void **state)
{
	AUTO(five) struct five f = five_open(true, false);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 1);
	uint8_t sealed[130] = { 0 };

	(void)state;
	share_at(&q, 0)->has_encrypted = true;
	copy_to(&share_at(&q, 0)->encrypted_share, VIEW_OF(sealed));
	assert_denied(ask(f.w, API_INJECT_SHARES, &q, NULL), 1000, "shares[0]");
}

static void the_same_share_again_changes_nothing_in_any_phase(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request first = shares_of(&f.g, 1);
	AUTO(inject_shares_request) struct inject_shares_request rest = shares_of(&f.g, 6);
	AUTO(inject_shares_request) struct inject_shares_request resealed = shares_of(&f.g, 1);
	struct inject_shares_reply reply = { 0 };
	struct receipt_item receipt;
	unsigned asked;

	(void)state;
	assert_answered(ask(f.w, API_INJECT_SHARES, &first, NULL));
	assert_answered(ask(f.w, API_INJECT_SHARES, &first, &reply));
	assert_int_equal(reply.shares_received, 1);
	assert_phase(&f, PHASE_WAITING_FOR_SHARES);
	inject_shares_reply_drop(&reply);
	assert_answered(ask(f.w, API_INJECT_SHARES, &rest, &reply));
	receipt = reply.receipt;
	inject_shares_reply_drop(&reply);
	asked = asked_in_all(f.w);
	assert_answered(ask(f.w, API_INJECT_SHARES, &first, &reply));
	assert_int_equal(reply.shares_received, 3);
	assert_memory_equal(&reply.receipt, &receipt, sizeof(receipt));
	assert_int_equal(asked_in_all(f.w), asked);
	assert_int_equal(f.w->enclave->receipts.count, 1);
	inject_shares_reply_drop(&reply);
	/* Sealed anew it is other content: judged by stored hashes alone, it is not known. */
	assert_denied(ask(f.w, API_INJECT_SHARES, &resealed, NULL), 1006, "inject-shares");
}

static void a_share_sealed_anew_leaves_each_sealing_a_replay(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request first = shares_of(&f.g, 1);
	AUTO(inject_shares_request) struct inject_shares_request last = { 0 };
	AUTO(inject_shares_request) struct inject_shares_request beyond = shares_of(&f.g, 1);

	(void)state;
	assert_answered(ask(f.w, API_INJECT_SHARES, &first, NULL));
	for (unsigned i = 1; i < SUBMISSIONS_MAX; i++) {
		inject_shares_request_drop(&last);
		last = shares_of(&f.g, 1);
		assert_answered(ask(f.w, API_INJECT_SHARES, &last, NULL));
	}
	assert_denied(ask(f.w, API_INJECT_SHARES, &beyond, NULL), 1003, "is here already");
	assert_answered(ask(f.w, API_INJECT_SHARES, &first, NULL));
	assert_answered(inject(&f, 6, NULL));
	assert_phase(&f, PHASE_READY);
	assert_answered(ask(f.w, API_INJECT_SHARES, &first, NULL));
	assert_answered(ask(f.w, API_INJECT_SHARES, &last, NULL));
	assert_denied(ask(f.w, API_INJECT_SHARES, &beyond, NULL), 1006, "inject-shares");
}

/* An earlier sealing beside another member's new share is no replay, and no harm. */
static void an_earlier_sealing_beside_a_new_share_counts(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	AUTO(inject_shares_request) struct inject_shares_request q = shares_of(&f.g, 3);
	AUTO(inject_shares_reply) struct inject_shares_reply reply = { 0 };

	(void)state;
	q.shares.count = 1; /* the first member's alone */
	assert_answered(ask(f.w, API_INJECT_SHARES, &q, NULL));
	assert_answered(inject(&f, 1, NULL));
	q.shares.count = 2;
	assert_answered(ask(f.w, API_INJECT_SHARES, &q, &reply));
	assert_int_equal(reply.shares_received, 2);
	assert_int_equal(reply.rejected.count, 0);
	assert_int_equal(f.w->enclave->state.slots[0].submission_count, 2);
}

static void a_debug_share_again_is_a_replay_too(void **state)
{
	AUTO(five) struct five f = five_open(true, false);

	(void)state;
	assert_answered(inject(&f, 7, NULL));
	assert_answered(inject(&f, 7, NULL));
	assert_denied(inject(&f, 15, NULL), 1006, "inject-shares");
}

static void status_tells_who_is_missing(void **state)
{
	AUTO(five) struct five f = five_open(false, true);
	struct status_reply status = { 0 };
	const struct alias_item *missing;

	(void)state;
	assert_answered(inject(&f, 1 | 8, NULL));
	assert_answered(ask(f.w, API_STATUS, NULL, &status));
	assert_int_equal(status.shares_received, 2);
	assert_int_equal(status.shares_missing.count, 3);
	missing = status.shares_missing.items;
	assert_string_equal(buf_text(&missing[1].alias), "member3");
	assert_false(status.quorum_key_available);
	status_reply_drop(&status);
	assert_answered(inject(&f, 2, NULL));
	assert_answered(ask(f.w, API_STATUS, NULL, &status));
	assert_int_equal(status.shares_missing.count, 0);
	assert_true(status.quorum_key_available && status.has_quorum_public_key);
	status_reply_drop(&status);
}

static void a_fault_of_the_nsm_at_the_last_share_changes_nothing(void **state)
{
	AUTO(five) struct five f = five_open(false, true);

	(void)state;
	f.w->enclave->time.is_known = false; /* so that the time is asked for */
	f.w->fault = NSM_ATTESTATION;
	assert_denied(inject(&f, 7, NULL), 1010, "Internal error");
	assert_phase(&f, PHASE_GENESIS_BOOTED);
	f.w->fault = -1;
	assert_answered(inject(&f, 7, NULL));
	assert_phase(&f, PHASE_READY);
}

static void a_rebuilt_key_that_is_not_the_manifests_is_the_end(void **state)
{
	AUTO(five) struct five f = five_open(false, true);

	(void)state;
	/* Memory gone wrong: no request could bring this about. */
	f.w->enclave->state.quorum_public = *key_set_public(person(0));
	assert_denied(inject(&f, 7, NULL), 1010, "Internal error");
	assert_phase(&f, PHASE_UNRECOVERABLE);
	assert_null(f.w->enclave->state.setup_key);
}

static bool has_bytes(struct view log, struct view needle)
{
	return memmem(log.data, log.len, needle.data, needle.len) != NULL;
}

static void no_log_line_holds_secret_bytes(void **state)
{
	AUTO(five) struct five f = five_open(true, false);
	const struct encrypted_share *share = f.g.encrypted_shares.items;
	AUTO(buf) struct buf log = BUF_INIT(16u << 20);
	char share_hex[2 * 33 + 1], seed_hex[2 * SEED_LEN + 1];
	struct err e;
	int fd;

	(void)state;
	assert_answered(inject(&f, 7, NULL));
	fd = dup(log_capture());
	lseek(fd, 0, SEEK_SET);
	assert_ok(fd_read(fd, "log", &log, &e));
	close(fd);
	assert_true(has_bytes(buf_view(&log), view_text("inject-shares")));
	hex_write(buf_view(&share->encrypted_quorum_key_share), share_hex);
	hex_write(secret_view(key_set_seed(f.w->enclave->state.quorum_key)), seed_hex);
	assert_false(has_bytes(buf_view(&log), buf_view(&share->encrypted_quorum_key_share)));
	assert_false(has_bytes(buf_view(&log), view_new(share_hex, 32)));
	assert_false(has_bytes(buf_view(&log), view_new(seed_hex, 32)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_one_by_one_complete_the_key),
		cmocka_unit_test(any_subset_of_the_threshold_gives_the_key),
		cmocka_unit_test(shares_in_the_clear_serve_a_debug_enclave_alone),
		cmocka_unit_test(a_wrong_share_names_its_member_and_the_good_ones_count),
		cmocka_unit_test(a_request_without_any_good_share_is_refused_and_changes_nothing),
		cmocka_unit_test(a_request_of_wrong_shares_does_not_flood_the_log),
		cmocka_unit_test(more_than_two_shares_a_member_are_refused_before_any_is_opened),
		cmocka_unit_test(shares_to_open_are_charged_to_the_address),
		cmocka_unit_test(a_share_twice_in_one_request_counts_once),
		cmocka_unit_test(another_namespace_is_refused),
		cmocka_unit_test(both_forms_of_a_share_are_one_too_many),
		cmocka_unit_test(the_same_share_again_changes_nothing_in_any_phase),
		cmocka_unit_test(a_share_sealed_anew_leaves_each_sealing_a_replay),
		cmocka_unit_test(an_earlier_sealing_beside_a_new_share_counts),
		cmocka_unit_test(a_debug_share_again_is_a_replay_too),
		cmocka_unit_test(status_tells_who_is_missing),
		cmocka_unit_test(a_fault_of_the_nsm_at_the_last_share_changes_nothing),
		cmocka_unit_test(a_rebuilt_key_that_is_not_the_manifests_is_the_end),
		cmocka_unit_test(no_log_line_holds_secret_bytes),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

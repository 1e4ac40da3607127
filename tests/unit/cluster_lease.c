/* The lease's state machine and what becomes of shared state, as tables. */
#include "client_support.h"

#include "base/clock.h"
#include "cluster/lease.h"
#include "cluster/shared.h"

#include <sys/syscall.h>
#include <time.h>

/* In place of libc's: how long the machine has been suspended, which the monotonic clock has not
 * noticed. */
static _Atomic int64_t suspended_s = 3600;

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int result = (int)syscall(SYS_clock_gettime, id, ret);

	if (id == CLOCK_BOOTTIME)
		ret->tv_sec += suspended_s;
	return result;
}

static void what_is_due_follows_from_the_clock(void **state)
{
	static const struct {
		int64_t revision, until, due, now;
		enum lease_move move;
		bool leads;
	} rows[] = {
		/* It follows: it tries when its time has come. */
		{ 0, 0, 0, 0, LEASE_CAMPAIGN, false },
		{ 0, 0, 100, 99, LEASE_REST, false },
		{ 0, 0, 100, 100, LEASE_CAMPAIGN, false },
		/* It led once: that it did is of no use. */
		{ 0, 1000, 100, 50, LEASE_REST, false },
		/* It leads. */
		{ 7, 1000, 400, 399, LEASE_REST, true },
		{ 7, 1000, 400, 400, LEASE_RENEW, true },
		{ 7, 1000, 400, 999, LEASE_RENEW, true },
		/* Its time is up, whether or not something is due. */
		{ 7, 1000, 400, 1000, LEASE_EXPIRE, false },
		{ 7, 1000, 5000, 1000, LEASE_EXPIRE, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct lease l = { .revision = rows[i].revision,
			                 .until_ms = rows[i].until,
			                 .due_ms = rows[i].due };

		assert_int_equal(lease_next(&l, rows[i].now), rows[i].move);
		assert_int_equal(lease_leads(&l, rows[i].now), rows[i].leads);
	}
}

static void who_leads_no_more_asks_nobody(void **state)
{
	struct lease l = { .key = (char *)"k", .revision = 7, .until_ms = 1 };
	struct err e;

	(void)state;
	assert_int_equal(lease_check(&l, &e), -1);
	assert_int_equal(e.code, ERR_TRY_AGAIN);
	assert_string_equal(e.reason, LEASE_LOST);
	assert_int_equal(l.revision, 0);
}

static struct etcd *etcd_of(char *const *url)
{
	const struct etcd_options options = { .urls = url, .count = 1, .timeout_ms = 20000 };
	struct etcd *etcd = NULL;
	struct err e;

	assert_ok(etcd_new(&options, &etcd, &e));
	return etcd;
}

/* The answer says yes, and is older than the lease. */
static void a_yes_that_comes_when_the_lease_has_ended_is_none(void **state)
{
	const char *yes = http("200 OK", "", "{\"header\":{},\"succeeded\":true}");
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_LATE, yes }, { ANSWER, yes }));
	char *const url = s->url;
	AUTO(etcd) struct etcd *etcd = etcd_of(&url);
	struct lease l = { .etcd = etcd, .key = (char *)"k", .revision = 7, .ttl_ms = 60000 };
	struct err e;

	(void)state;
	l.until_ms = clock_since_boot_ms() + LATE_MS / 2;
	assert_refused(lease_check(&l, &e), ERR_TRY_AGAIN, LEASE_LOST);
	assert_int_equal(s->request_count, 1);
	assert_int_equal(l.revision, 0);
	l.revision = 7;
	l.until_ms = clock_since_boot_ms() + 60000;
	assert_ok(lease_check(&l, &e));
}

/* What it has left is counted on while the machine is suspended: another leads by then. */
static void who_slept_longer_than_the_lease_leads_no_more(void **state)
{
	const char *yes = http("200 OK", "", "{\"header\":{},\"succeeded\":true}");
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, yes }));
	char *const url = s->url;
	AUTO(etcd) struct etcd *etcd = etcd_of(&url);
	struct lease l = { .etcd = etcd, .key = (char *)"k", .revision = 7, .ttl_ms = 60000 };
	struct err e;

	(void)state;
	l.until_ms = clock_since_boot_ms() + 60000;
	assert_ok(lease_check(&l, &e));
	suspended_s += 61;
	assert_refused(lease_check(&l, &e), ERR_TRY_AGAIN, LEASE_LOST);
	assert_int_equal(s->request_count, 1);
}

/* One that hangs does not keep who asks until its own time is up. */
static void a_turn_takes_no_longer_than_until_the_next(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	char *const url = s->url;
	AUTO(etcd) struct etcd *etcd = etcd_of(&url);
	struct lease l = { 0 };
	int64_t before_ms = clock_monotonic_ms();
	struct err e;

	(void)state;
	assert_ok(lease_open(etcd, "k", "me", 300, -1, &l, &e));
	assert_refused(lease_turn(&l, &e), ERR_TRY_AGAIN, "the time is up");
	l.revision = 7;
	l.until_ms = clock_since_boot_ms() + 60000;
	assert_refused(lease_check(&l, &e), ERR_TRY_AGAIN, "the time is up");
	assert_true(clock_monotonic_ms() - before_ms < 10000);
	lease_drop(&l);
}

static void who_leads_is_named_whole_or_not_at_all(void **state)
{
	char name[LEASE_HOLDER_MAX + 1];
	struct lease l = { 0 };
	struct err e;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[LEASE_HOLDER_MAX] = 0;
	assert_refused(lease_open(NULL, "k", name, 2000, -1, &l, &e), ERR_DATA, "at most 319");
	name[LEASE_HOLDER_MAX - 1] = 0;
	assert_ok(lease_open(NULL, "k", name, 2000, -1, &l, &e));
	assert_string_equal(l.own, name);
	lease_drop(&l);
}

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* "ab:b": manifests a and b, b is the current one. */
static void fill(struct wire_list *list, const char *letters)
{
	struct etcd_item *item;
	struct err e;
	char name[100];

	for (; *letters && *letters != ':'; letters++) {
		snprintf(name, sizeof(name), "manifests/%s.json",
		         *letters == 'a' ? HASH_A : HASH_B);
		assert_int_equal(wire_list_add(list, &etcd_item_schema, &item, &e), 0);
		assert_int_equal(wire_set_text(&item->key, name, &e), 0);
	}
	if (!*letters)
		return;
	assert_int_equal(wire_list_add(list, &etcd_item_schema, &item, &e), 0);
	assert_int_equal(wire_set_text(&item->key, "manifest.current", &e), 0);
	assert_int_equal(
	    wire_set_text(&item->value, letters[1] == 'a' ? HASH_A "\n" : HASH_B "\n", &e), 0);
}

static void who_has_gone_on_from_the_other_is_right(void **state)
{
	static const struct {
		const char *local, *remote;
		enum shared_move move;
	} rows[] = {
		{ "", "", SHARED_NOTHING },        { "a:a", "", SHARED_PUSH },
		{ "", "a:a", SHARED_PULL },        { "a:a", "a:a", SHARED_NOTHING },
		{ "ab:b", "a:a", SHARED_PUSH },    { "a:a", "ab:b", SHARED_PULL },
		{ "a:a", "b:b", SHARED_CONFLICT }, { "a", "", SHARED_NOTHING },
		{ "a", "a:a", SHARED_PULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wire_list local = { 0 }, remote = { 0 };

		fill(&local, rows[i].local);
		fill(&remote, rows[i].remote);
		assert_int_equal(shared_decide(&local, &remote), rows[i].move);
		wire_list_release(&etcd_item_schema, &local);
		wire_list_release(&etcd_item_schema, &remote);
	}
}

static void only_files_of_the_state_are_taken_from_etcd(void **state)
{
	static const char *const good[] = { "manifest.current", "genesis_output",
		                            "manifests/" HASH_A ".json", "shares/m 1.share" };
	static const char *const bad[] = { "",
		                           "lock",
		                           "pki/root.der",
		                           "journal",
		                           "manifests/.json",
		                           "manifests/z1.json",
		                           "manifests/" HASH_A "0.json",
		                           "shares/../x.share",
		                           "shares/a/b.share",
		                           "shares/.x.share",
		                           "shares/m.secret",
		                           "../manifest.current",
		                           "manifest.current/" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(shared_is_name(view_text(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(shared_is_name(view_text(bad[i])));
	assert_false(shared_is_name(view_new("shares/a\0b.share", 16)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_due_follows_from_the_clock),
		cmocka_unit_test(who_leads_no_more_asks_nobody),
		cmocka_unit_test(a_yes_that_comes_when_the_lease_has_ended_is_none),
		cmocka_unit_test(who_slept_longer_than_the_lease_leads_no_more),
		cmocka_unit_test(a_turn_takes_no_longer_than_until_the_next),
		cmocka_unit_test(who_leads_is_named_whole_or_not_at_all),
		cmocka_unit_test(who_has_gone_on_from_the_other_is_right),
		cmocka_unit_test(only_files_of_the_state_are_taken_from_etcd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

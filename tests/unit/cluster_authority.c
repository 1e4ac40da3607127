/* The small CA: what it makes, keeps and refuses. What is in the certificates is seen by openssl in
 * tests/cmd_pki_*.bats. */
#include "cluster_support.h"

#include "base/file.h"
#include "cluster/authority.h"
#include "crypto/bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#define NOW_UNIX INT64_C(1767225600) /* 2026-01-01 */
#define DAY_S    INT64_C(86400)

struct desk {
	char folder[128], ca[160];
};

static void desk_drop(struct desk *d)
{
	folder_clear(d->folder);
}

static struct desk desk_new(void)
{
	struct desk d;
	AUTO(issued) struct issued made = { 0 };
	struct err e;

	folder_new(d.folder, sizeof(d.folder));
	snprintf(d.ca, sizeof(d.ca), "%s/ca", d.folder);
	assert_ok(authority_init(d.ca, NULL, 100, NOW_UNIX, &made, &e));
	assert_false(made.is_kept);
	assert_int_equal(made.not_after_unix, NOW_UNIX + 100 * DAY_S);
	return d;
}

static struct issue_request client(const struct desk *d, int64_t days)
{
	return (struct issue_request){ .folder = d->ca,
		                       .name = "alice",
		                       .use = CERTIFICATE_CLIENT,
		                       .names = { { CERTIFICATE_URI, "urn:teectl:role:app" } },
		                       .name_count = 1,
		                       .days = days };
}

static void what_init_makes_is_a_client_ca(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(bundle) struct bundle b = { 0 };
	AUTO(issued) struct issued kept = { 0 };
	struct hash256 hash;
	char path[200];
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/ca.pem", d.ca);
	assert_ok(bundle_read(path, &b, &e));
	assert_int_equal(b.count, 1);
	assert_ok(sha256(buf_view(&b.certificates[0]), &hash, &e));
	assert_ok(authority_init(d.ca, "another", 5, NOW_UNIX, &kept, &e));
	assert_true(kept.is_kept);
	assert_memory_equal(kept.fingerprint.bytes, hash.bytes, sizeof(hash.bytes));
	assert_int_equal(kept.not_after_unix, NOW_UNIX + 100 * DAY_S);
}

static void what_it_issues_is_no_client_ca_and_does_not_outlive_it(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	struct issue_request q = client(&d, 100), longer = client(&d, 101);
	AUTO(issued) struct issued made = { 0 };
	AUTO(issued) struct issued none = { 0 };
	AUTO(bundle) struct bundle b = { 0 };
	struct err e;

	(void)state;
	assert_refused(authority_issue(&longer, NOW_UNIX, &none, &e), ERR_USAGE,
	               "the CA itself ends at 2026-04-11T00:00:00Z, in 100 days");
	assert_ok(authority_issue(&q, NOW_UNIX, &made, &e));
	assert_refused(bundle_read(made.certificate, &b, &e), ERR_DATA, "it is not a CA's");
	assert_refused(authority_issue(&q, NOW_UNIX, &none, &e), ERR_DATA, "is there already");
	assert_null(none.certificate);
}

static void an_authority_that_is_over_issues_nothing(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	struct issue_request q = client(&d, 1);
	AUTO(issued) struct issued none = { 0 };
	struct err e;

	(void)state;
	assert_refused(authority_issue(&q, NOW_UNIX + 200 * DAY_S, &none, &e), ERR_USAGE,
	               "in 0 days");
}

static void without_an_authority_nothing_is_issued(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	struct issue_request q = client(&d, 1);
	AUTO(issued) struct issued none = { 0 };
	char path[200];
	struct err e;

	(void)state;
	q.folder = d.folder;
	assert_refused(authority_issue(&q, NOW_UNIX, &none, &e), ERR_NO_INPUT, "there is no CA: ");
	/* What can't be looked at is not called missing. */
	snprintf(path, sizeof(path), "%s/ca.pem", q.folder);
	assert_int_equal(symlink("ca.pem", path), 0);
	assert_refused(authority_issue(&q, NOW_UNIX, &none, &e), ERR_NO_INPUT, "Too many levels");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_init_makes_is_a_client_ca),
		cmocka_unit_test(what_it_issues_is_no_client_ca_and_does_not_outlive_it),
		cmocka_unit_test(an_authority_that_is_over_issues_nothing),
		cmocka_unit_test(without_an_authority_nothing_is_issued),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

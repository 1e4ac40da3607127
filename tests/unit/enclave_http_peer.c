/* What is made of a client's certificate: who signed it, what for, for how long, and which roles it
 * names. That GnuTLS hands over what the client sent, and certificates of openssl's:
 * tests/access.bats. */
#include "cluster_support.h"

#include "crypto/certificate.h"
#include "enclave/http_peer.h"

#define NOW_UNIX INT64_C(1767225600) /* 2026-01-01 */
#define HOUR_S   INT64_C(3600)
#define ROLE(x)  "urn:teectl:role:" x
#define ALIAS(x) "urn:teectl:member:" x

/* --- what the client sent: of GnuTLS's functions, the one that asks a session */

static gnutls_datum_t sent[8];
static unsigned sent_count;

const gnutls_datum_t *gnutls_certificate_get_peers(gnutls_session_t session, unsigned *count)
{
	(void)session;
	*count = sent_count;
	return sent_count ? sent : NULL;
}

static void send_bytes(struct view der)
{
	sent[sent_count++] = (gnutls_datum_t){ (unsigned char *)der.data, (unsigned)der.len };
}

/* --- certificates */

static struct signer *root, *stranger;
static struct client_ca *ca;
static char folder[128];

struct wish {
	const char *name; /* NULL: "alice" */
	enum certificate_use use;
	bool is_ca;
	int path_length;
	int64_t from, until; /* around NOW_UNIX; 0: an hour */
	const char *uris[3], *host;
};

static struct signer *issue(const struct signer *issuer, const struct wish *w)
{
	struct certificate_name names[4];
	struct certificate_request q = { .common_name = w->name ? w->name : "alice",
		                         .not_before_unix =
		                             NOW_UNIX + (w->from ? w->from : -HOUR_S),
		                         .not_after_unix =
		                             NOW_UNIX + (w->until ? w->until : HOUR_S),
		                         .is_ca = w->is_ca,
		                         .path_length = w->path_length,
		                         .use = w->use,
		                         .names = names };
	struct signer *s = NULL;
	struct err e;

	for (size_t i = 0; i < COUNT(w->uris) && w->uris[i]; i++)
		names[q.name_count++] = (struct certificate_name){ CERTIFICATE_URI, w->uris[i] };
	if (w->host)
		names[q.name_count++] = (struct certificate_name){ CERTIFICATE_DNS, w->host };
	assert_ok(signer_issue(issuer, &q, &s, &e));
	return s;
}

static const char *pem_of(const struct signer *s, const char *name)
{
	static char path[256];
	char key[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	snprintf(key, sizeof(key), "%s/%s.key", folder, name);
	assert_ok(signer_create_pem(s, path, key, &e));
	return path;
}

static int make_cas(void **state)
{
	static const struct wish any = { .name = "a CA",
		                         .is_ca = true,
		                         .path_length = -1,
		                         .from = -24 * HOUR_S,
		                         .until = 24 * HOUR_S };
	struct err e;

	open_arena(state);
	folder_new(folder, sizeof(folder));
	root = issue(NULL, &any);
	stranger = issue(NULL, &any);
	assert_ok(client_ca_open(pem_of(root, "root"), &ca, &e));
	return 0;
}

static int drop_cas(void **state)
{
	(void)state;
	client_ca_drop(&ca);
	signer_drop(&root);
	signer_drop(&stranger);
	folder_clear(folder);
	return 0;
}

/* What was sent, judged now. */
static struct peer judged(void)
{
	struct peer p = { 0 };

	peer_read(&p, ca, NULL);
	peer_judge(&p, NOW_UNIX);
	return p;
}

static void assert_nobody(const struct peer *p, const char *words)
{
	if (!strstr(p->caller.why.text, words))
		fail_msg("'%s', expected '%s'", p->caller.why.text, words);
	assert_int_equal(p->caller.why.code, ERR_ACCESS);
	assert_int_equal(p->caller.set.roles, 0);
	assert_false(peer_has_roles(p));
}

/* --- the tests */

static void roles_are_the_uris_of_a_clients_certificate(void **state)
{
	static const struct {
		struct wish wish;
		unsigned roles; /* 0: none, by words */
		const char *words;
	} rows[] = {
		{ { .use = CERTIFICATE_CLIENT, .uris = { ROLE("operator") } },
		  ROLE_OPERATOR,
		  NULL },
		{ { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app"), ROLE("peer"), "urn:other" } },
		  ROLE_APP | ROLE_PEER,
		  NULL },
		{ { .use = CERTIFICATE_CLIENT, .uris = { ROLE("member"), ALIAS("m1") } },
		  ROLE_MEMBER,
		  NULL },
		{ { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") }, .host = "a.example" },
		  ROLE_APP,
		  NULL },
		/* no name but a URI says anything */
		{ { .use = CERTIFICATE_CLIENT }, 0, "its certificate names no role" },
		{ { .use = CERTIFICATE_CLIENT, .name = ROLE("operator") }, 0, "names no role" },
		{ { .use = CERTIFICATE_CLIENT, .host = ROLE("operator") }, 0, "names no role" },
		{ { .use = CERTIFICATE_CLIENT, .uris = { ROLE("root") } }, 0, "names no role" },
		{ { .use = CERTIFICATE_CLIENT, .uris = { "x" ROLE("app") } }, 0, "names no role" },
		{ { .use = CERTIFICATE_CLIENT, .uris = { ALIAS("m1") } }, 0, "names no role" },
		/* what was not made for a client */
		{ { .use = CERTIFICATE_SERVER, .uris = { ROLE("operator") } },
		  0,
		  "its certificate is not for client use (clientAuth)" },
		{ { .use = CERTIFICATE_ANY_USE, .uris = { ROLE("operator") } },
		  0,
		  "its certificate is not for client use (clientAuth)" },
		{ { .use = CERTIFICATE_CLIENT,
		    .is_ca = true,
		    .path_length = -1,
		    .uris = { ROLE("operator") } },
		  0,
		  "its certificate is a CA's, not a client's" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(signer) struct signer *s = issue(root, &rows[i].wish);
		struct peer p;

		sent_count = 0;
		send_bytes(signer_certificate(s));
		p = judged();
		assert_int_equal(strlen(p.caller.fingerprint), CALLER_FINGERPRINT_LEN - 1);
		if (rows[i].words)
			assert_nobody(&p, rows[i].words);
		else
			assert_int_equal(p.caller.set.roles, rows[i].roles);
		assert_int_equal(p.caller.set.member_count, rows[i].roles == ROLE_MEMBER);
	}
}

static void who_is_known_by_his_certificates_hash(void **state)
{
	static const struct wish wish = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	AUTO(signer) struct signer *s = issue(root, &wish);
	char hex[2 * 32 + 1];
	struct hash256 hash;
	struct peer p;
	struct err e;

	(void)state;
	sent_count = 0;
	send_bytes(signer_certificate(s));
	p = judged();
	assert_ok(sha256(signer_certificate(s), &hash, &e));
	hex_write(VIEW_OF(hash.bytes), hex);
	hex[CALLER_FINGERPRINT_LEN - 1] = 0;
	assert_string_equal(p.caller.fingerprint, hex);
	/* Who gave none is nobody, and has none. */
	sent_count = 0;
	p = judged();
	assert_nobody(&p, "it gave no certificate");
	assert_string_equal(p.caller.fingerprint, "");
}

static void what_the_client_ca_has_not_signed_is_nobodys(void **state)
{
	static const struct wish wish = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	static const char *const words = "its certificate is not signed by the client CA";
	AUTO(signer) struct signer *other = issue(stranger, &wish);
	AUTO(signer) struct signer *own = issue(NULL, &wish);
	struct peer p;

	(void)state;
	sent_count = 0;
	send_bytes(signer_certificate(other));
	p = judged();
	assert_nobody(&p, words);
	/* A CA that the client brings along makes no difference. */
	send_bytes(signer_certificate(stranger));
	p = judged();
	assert_nobody(&p, words);
	sent_count = 0;
	send_bytes(signer_certificate(own));
	p = judged();
	assert_nobody(&p, "");
	/* Nor is the client CA's own certificate a client's. */
	sent_count = 0;
	send_bytes(signer_certificate(root));
	p = judged();
	assert_nobody(&p, "its certificate is not for client use (clientAuth)");
}

static void a_chain_may_lead_there(void **state)
{
	static const struct wish leaf = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	static const struct wish wishes[] = {
		{ .name = "between", .is_ca = true, .path_length = -1 },
		{ .name = "the last", .is_ca = true, .path_length = 0 },
		{ .name = "no CA", .use = CERTIFICATE_CLIENT },
	};
	AUTO(signer) struct signer *between = issue(root, &wishes[0]);
	AUTO(signer) struct signer *last = issue(between, &wishes[1]);
	AUTO(signer) struct signer *beyond = issue(last, &wishes[0]);
	AUTO(signer) struct signer *no_ca = issue(root, &wishes[2]);
	AUTO(signer) struct signer *by_last = issue(last, &leaf);
	AUTO(signer) struct signer *by_beyond = issue(beyond, &leaf);
	AUTO(signer) struct signer *by_no_ca = issue(no_ca, &leaf);
	const struct {
		const struct signer *chain[4];
		const char *words; /* NULL: it holds */
	} rows[] = {
		{ { by_last, last, between }, NULL },
		{ { by_last, last, between, root }, NULL },
		{ { by_last, between }, "is not signed by the client CA" },
		{ { by_last }, "is not signed by the client CA" },
		{ { by_beyond, beyond, last, between },
		  "a CA above its certificate may not sign it" },
		{ { by_no_ca, no_ca }, "its certificate" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct peer p;

		sent_count = 0;
		for (size_t k = 0; k < COUNT(rows[i].chain) && rows[i].chain[k]; k++)
			send_bytes(signer_certificate(rows[i].chain[k]));
		p = judged();
		if (rows[i].words)
			assert_nobody(&p, rows[i].words);
		else
			assert_int_equal(p.caller.set.roles, ROLE_APP);
	}
}

static void what_is_malformed_or_too_much_is_not_looked_at(void **state)
{
	static const struct wish wish = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	AUTO(signer) struct signer *s = issue(root, &wish);
	struct view der = signer_certificate(s);
	struct peer p;

	(void)state;
	sent_count = 0;
	send_bytes(view_new(der.data, der.len - 1));
	p = judged();
	assert_nobody(&p, "its certificate is malformed");
	sent_count = 0;
	send_bytes(der);
	send_bytes(view_text("no certificate"));
	p = judged();
	assert_nobody(&p, "a certificate that it sent is malformed");
	sent_count = 1;
	for (unsigned i = 0; i < 4; i++)
		send_bytes(signer_certificate(root));
	p = judged();
	assert_nobody(&p, "it sent 5 certificates, at most 4 are looked at");
}

#define MANY 65

static void so_many_names_and_no_more(void **state)
{
	static char texts[MANY][40];
	static const struct {
		size_t names, members;
		const char *words;
	} rows[] = {
		{ 64, 16, NULL },
		{ 65, 16, "its certificate has more than 64 names" },
		{ 64, 17, "more than 16" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct certificate_name names[MANY];
		const struct certificate_request q = { .common_name = "alice",
			                               .not_before_unix = NOW_UNIX - HOUR_S,
			                               .not_after_unix = NOW_UNIX + HOUR_S,
			                               .path_length = -1,
			                               .use = CERTIFICATE_CLIENT,
			                               .names = names,
			                               .name_count = rows[i].names };
		AUTO(signer) struct signer *s = NULL;
		struct peer p;
		struct err e;

		for (size_t k = 0; k < rows[i].names; k++) {
			if (k == 0)
				snprintf(texts[k], sizeof(texts[k]), ROLE("member"));
			else if (k <= rows[i].members)
				snprintf(texts[k], sizeof(texts[k]), ALIAS("m%zu"), k);
			else
				snprintf(texts[k], sizeof(texts[k]), "urn:other:%zu", k);
			names[k] = (struct certificate_name){ CERTIFICATE_URI, texts[k] };
		}
		assert_ok(signer_issue(root, &q, &s, &e));
		sent_count = 0;
		send_bytes(signer_certificate(s));
		p = judged();
		if (rows[i].words) {
			assert_nobody(&p, rows[i].words);
			continue;
		}
		assert_int_equal(p.caller.set.roles, ROLE_MEMBER);
		assert_int_equal(p.caller.set.member_count, 16);
		assert_string_equal(p.caller.set.members[15], "m16");
	}
}

/* The connection lives on while time does. */
static void a_certificate_counts_from_its_first_second_to_its_last(void **state)
{
	static const struct {
		int64_t leaf_from, leaf_until, above_from, above_until; /* around NOW_UNIX */
		int64_t at;
		const char *words; /* NULL: it counts */
	} rows[] = {
		{ -10, 10, -20, 20, -10, NULL },
		{ -10, 10, -20, 20, 10, NULL },
		{ -10, 10, -20, 20, -11,
		  "its certificate is not valid before 2025-12-31T23:59:50Z" },
		{ -10, 10, -20, 20, 11, "its certificate expired at 2026-01-01T00:00:10Z" },
		{ -20, 20, -10, 10, -10, NULL },
		{ -20, 20, -10, 10, 10, NULL },
		{ -20, 20, -10, 10, -11,
		  "a CA above its certificate is not valid before 2025-12-31T23:59:50Z" },
		{ -20, 20, -10, 10, 11,
		  "a CA above its certificate expired at 2026-01-01T00:00:10Z" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct wish above = { .name = "between",
			                    .is_ca = true,
			                    .path_length = -1,
			                    .from = rows[i].above_from,
			                    .until = rows[i].above_until };
		const struct wish wish = { .use = CERTIFICATE_CLIENT,
			                   .uris = { ROLE("app") },
			                   .from = rows[i].leaf_from,
			                   .until = rows[i].leaf_until };
		AUTO(signer) struct signer *between = issue(root, &above);
		AUTO(signer) struct signer *s = issue(between, &wish);
		struct peer p = { 0 };

		sent_count = 0;
		send_bytes(signer_certificate(s));
		send_bytes(signer_certificate(between));
		peer_read(&p, ca, NULL);
		assert_true(peer_has_roles(&p)); /* at some time */
		assert_int_equal(p.caller.set.roles, 0);
		peer_judge(&p, NOW_UNIX + rows[i].at);
		if (rows[i].words) {
			assert_int_equal(p.caller.set.roles, 0);
			assert_int_equal(p.caller.why.code, ERR_ACCESS);
			assert_string_equal(p.caller.why.text, rows[i].words);
		}
		assert_int_equal(p.caller.set.roles, rows[i].words ? 0 : ROLE_APP);
		peer_judge(&p, NOW_UNIX);
		assert_int_equal(p.caller.set.roles, ROLE_APP);
		peer_judge(&p, NOW_UNIX + rows[i].at);
		assert_int_equal(p.caller.set.roles, rows[i].words ? 0 : ROLE_APP);
	}
}

static void one_is_read_once(void **state)
{
	static const struct wish app = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	static const struct wish more = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("operator") } };
	AUTO(signer) struct signer *first = issue(root, &app);
	AUTO(signer) struct signer *second = issue(root, &more);
	struct peer p = { 0 };

	(void)state;
	sent_count = 0;
	send_bytes(signer_certificate(first));
	peer_read(&p, ca, NULL);
	sent_count = 0;
	send_bytes(signer_certificate(second));
	peer_read(&p, ca, NULL);
	peer_judge(&p, NOW_UNIX);
	assert_int_equal(p.caller.set.roles, ROLE_APP);
}

static void while_the_time_is_not_known_nobody_has_a_role(void **state)
{
	static const struct wish wish = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	AUTO(signer) struct signer *s = issue(root, &wish);
	const struct err why = { .code = ERR_UNAVAILABLE, .text = "the NSM is silent" };
	struct peer p;

	(void)state;
	sent_count = 0;
	send_bytes(signer_certificate(s));
	p = judged();
	peer_doubt(&p, &why);
	assert_int_equal(p.caller.set.roles, 0);
	assert_int_equal(p.caller.why.code, ERR_UNAVAILABLE);
	assert_string_equal(p.caller.why.text, "the NSM is silent");
	peer_judge(&p, NOW_UNIX);
	assert_int_equal(p.caller.set.roles, ROLE_APP);
	/* Who has none at any time hears why he has none. */
	sent_count = 0;
	p = judged();
	peer_doubt(&p, &why);
	assert_nobody(&p, "it gave no certificate");
}

static void a_client_ca_is_one_or_several_cas(void **state)
{
	static const struct wish wish = { .use = CERTIFICATE_CLIENT, .uris = { ROLE("app") } };
	AUTO(buf) struct buf both = BUF_INIT(65536);
	AUTO(client_ca) struct client_ca *two = NULL;
	AUTO(signer) struct signer *leaf = issue(stranger, &wish);
	char path[256];
	struct peer p = { 0 };
	struct err e;

	(void)state;
	assert_refused(client_ca_open("/nonexistent/ca.pem", &two, &e), ERR_NO_INPUT,
	               "--client-ca: ");
	assert_refused(client_ca_open(pem_of(leaf, "leaf"), &two, &e), ERR_DATA, "--client-ca: ");
	assert_null(two);
	snprintf(path, sizeof(path), "%s/root.pem", folder);
	assert_ok(file_read(path, &both, &e));
	AUTO(buf) struct buf other = BUF_INIT(65536);

	assert_ok(file_read(pem_of(stranger, "stranger"), &other, &e));
	assert_ok(buf_add(&both, buf_view(&other), &e));
	/* One that is there twice does no harm. */
	assert_ok(buf_add(&both, buf_view(&other), &e));
	snprintf(path, sizeof(path), "%s/both.pem", folder);
	assert_ok(file_write(path, buf_view(&both), 0644, &e));
	assert_ok(client_ca_open(path, &two, &e));
	sent_count = 0;
	send_bytes(signer_certificate(leaf));
	peer_read(&p, two, NULL);
	peer_judge(&p, NOW_UNIX);
	assert_int_equal(p.caller.set.roles, ROLE_APP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_are_the_uris_of_a_clients_certificate),
		cmocka_unit_test(who_is_known_by_his_certificates_hash),
		cmocka_unit_test(what_the_client_ca_has_not_signed_is_nobodys),
		cmocka_unit_test(a_chain_may_lead_there),
		cmocka_unit_test(what_is_malformed_or_too_much_is_not_looked_at),
		cmocka_unit_test(so_many_names_and_no_more),
		cmocka_unit_test(a_certificate_counts_from_its_first_second_to_its_last),
		cmocka_unit_test(one_is_read_once),
		cmocka_unit_test(while_the_time_is_not_known_nobody_has_a_role),
		cmocka_unit_test(a_client_ca_is_one_or_several_cas),
	};

	return cmocka_run_group_tests(tests, make_cas, drop_cas);
}

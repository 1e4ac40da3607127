/* What may be asked of the small CA, and what is said of what it made. The certificates are
 * cluster_authority.c's, and openssl's in tests/cmd_pki_*.bats. */
#include "cmd_support.h"

#include "cluster_support.h"

#include "cmd/parse.h"
#include "cmd/pki.h"

#include <sys/stat.h>

static char printed[PRINTED_MAX];

struct desk {
	char folder[128], ca[160];
	struct context c;
};

static void desk_drop(struct desk *d)
{
	context_drop(&d->c);
	folder_clear(d->folder);
}

static void desk_fill(struct desk *d)
{
	*d = (struct desk){ .c = context_as(OUTPUT_TABLE) };
	folder_new(d->folder, sizeof(d->folder));
	snprintf(d->ca, sizeof(d->ca), "--dir=%s/ca", d->folder);
}

#define WORDS_MAX 48

/* `teectl pki WORDS --dir …`, the words NULL-terminated. */
static int type_words(struct desk *d, const char *const *words, struct err *e)
{
	AUTO(command_line) struct command_line line = { 0 };
	char *argv[WORDS_MAX + 4] = { (char *)"teectl", (char *)"pki" };
	const struct cmd *cmd;
	size_t count = 2;
	int result;

	while (*words && count < WORDS_MAX)
		argv[count++] = (char *)*words++;
	argv[count++] = d->ca;
	TRY(command_line_parse(cmd_table, argv, &line, &cmd, e));
	d->c.cmd = line.cmd;
	d->c.global = line.global;
	d->c.hint[0] = 0;
	PRINTED(STDOUT_FILENO, printed, result = line.cmd->run(&d->c, line.args, e));
	return result;
}

#define type(d, ...) type_words(d, (const char *const[]){ __VA_ARGS__, NULL }, &e)

static bool is_there(const struct desk *d, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	return file_is_there(path);
}

static void the_document_says_what_was_made(void **state)
{
	char certificate[] = "pki/a.pem", key[] = "pki/a.key";
	struct issued made = { .certificate = certificate,
		               .key = key,
		               .fingerprint = { { 0xab, [31] = 0x01 } },
		               .not_after_unix = 1767225600 };
	struct err e;

	(void)state;
	for (int is_kept = 0; is_kept < 2; is_kept++) {
		AUTO(issued_document) struct issued_document d = { 0 };
		AUTO(buf) struct buf json = BUF_INIT(4096);

		made.is_kept = is_kept;
		assert_ok(issued_document_make(&made, &d, &e));
		assert_ok(wire_encode(&issued_document_schema, &d, &json, &e));
		assert_non_null(strstr(buf_text(&json), "\"certificate\":\"pki/a.pem\""));
		assert_non_null(strstr(buf_text(&json), "\"key\":\"pki/a.key\""));
		assert_non_null(strstr(buf_text(&json), "\"fingerprint\":\"ab00"));
		assert_non_null(strstr(buf_text(&json), "2026-01-01T00:00:00"));
		assert_non_null(
		    strstr(buf_text(&json), is_kept ? "\"kept\":true" : "\"kept\":false"));
	}
}

#define N64 "0123456789012345678901234567890123456789012345678901234567890123"

/* It stands on screens: 64 bytes of UTF-8 that can be printed. */
static void a_cas_name_can_be_shown(void **state)
{
	static const struct {
		const char *name, *words; /* NULL: it is taken */
	} rows[] = {
		{ "--name=" N64 "4", "--name: more than 64 bytes" },
		{ "--name=\xff", "not UTF-8" },
		{ "--name=a\xc0\xaf", "not UTF-8" },
		{ "--name=a\nb", "--name: it has a control character" },
		{ "--name=a\x1b[31mb", "--name: it has a control character" },
		{ "--name=a\x7f", "--name: it has a control character" },
		{ "--name=a\xc2\x9b", "--name: it has a control character" },
		{ "--name=" N64, NULL },
		{ "--name=caf\xc3\xa9 CA", NULL },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(desk) struct desk d = { 0 };

		desk_fill(&d);
		if (rows[i].words)
			assert_refused(type(&d, "init", rows[i].name), ERR_USAGE, rows[i].words);
		else
			assert_ok(type(&d, "init", rows[i].name));
		assert_int_equal(is_there(&d, "ca/ca.pem"), !rows[i].words);
	}
}

static void a_ca_that_is_there_is_kept_and_said_to_be(void **state)
{
	AUTO(desk) struct desk d = { 0 };
	struct err e;

	(void)state;
	desk_fill(&d);
	assert_ok(type(&d, "init"));
	assert_null(strstr(printed, "kept"));
	assert_non_null(strstr(printed, "ca/ca.pem and "));
	assert_non_null(strstr(printed, "valid until 20"));
	assert_ok(type(&d, "init"));
	assert_non_null(strstr(printed, " (kept: there already)\n"));
	assert_non_null(strstr(printed, "nothing to do: the CA is there already\n"));
}

#define MEMBER "--role=member"

static void what_makes_no_sense_is_refused_before_anything_is_made(void **state)
{
	static const struct {
		const char *words[5], *text;
	} rows[] = {
		{ { "a" }, "--role ROLE is required, or --server for an enclave's server" },
		{ { "a", "--role=oprator" }, "'oprator' is not known; did you mean 'operator'?" },
		{ { "a", "--role=zzzzzzzz" },
		  "'zzzzzzzz' is not one of observer, member, operator, peer, app" },
		{ { "a", "--role=app,peer,app" }, "--role app is given twice" },
		{ { "a", MEMBER }, "--role member needs --member ALIAS" },
		{ { "a", "--role=app", "--member=m" }, "--member counts with --role member alone" },
		{ { "a", MEMBER, "--member=m x" }, "--member 'm x': expected 1 to 128 of" },
		{ { "a", MEMBER, "--member=m/x" }, "--member 'm/x': expected" },
		{ { "a", MEMBER, "--member=-x" }, "neither . nor - to begin with" },
		{ { ".a", "--role=app" }, "NAME '.a': expected 1 to 64 of" },
		{ { "a/b", "--role=app" }, "NAME 'a/b': expected" },
		{ { N64 "4", "--role=app" }, "NAME '" N64 "': expected" },
		{ { "a", "--role=app", "--host=h" }, "--host is for servers: --server" },
		{ { "a", "--server" }, "--server needs --host HOST" },
		{ { "a", "--server", "--host=h", "--role=app" }, "--server excludes --role" },
		{ { "a", "--server", "--host=h", "--member=m" }, "--server excludes --role" },
		{ { "a", "--server", "--host=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17" },
		  "--host: more than 16" },
	};
	AUTO(desk) struct desk d = { 0 };
	struct err e;

	(void)state;
	desk_fill(&d);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *words[8] = { "issue" };

		memcpy(words + 1, rows[i].words, sizeof(rows[i].words));
		assert_refused(type_words(&d, words, &e), ERR_USAGE, rows[i].text);
		assert_string_equal(printed, "");
		/* There is no CA, and nobody came so far as to see it. */
		assert_string_equal(d.c.hint, "");
	}
	assert_refused(type(&d, "issue", "a", "--role=app"), ERR_NO_INPUT, "there is no CA");
	assert_non_null(strstr(d.c.hint, "teectl pki init makes one"));
	assert_false(is_there(&d, "ca"));
}

#define L63 "a12345678901234567890123456789012345678901234567890123456789012"
#define L61 "a123456789012345678901234567890123456789012345678901234567890"

static void a_server_is_reached_by_a_name_or_an_address(void **state)
{
	static const struct {
		const char *host;
		bool is_good;
	} rows[] = {
		{ "tee1", true },
		{ "tee-1.example", true },
		{ "3com.example", true },
		{ "10.0.0.5", true },
		{ "::1", true },
		{ "::ffff:10.0.0.5", true },
		{ L63 ".x", true },
		{ L63 "." L63 "." L63 "." L61, true }, /* 253 */
		{ L63 "." L63 "." L63 "." L61 "b", false },
		{ L63 "3.x", false },
		{ "", false },
		{ ".", false },
		{ "a..b", false },
		{ ".a", false },
		{ "a.", false },
		{ "-a", false },
		{ "a-.b", false },
		{ "a_b", false },
		{ "*.example", false },
		{ "a b", false },
		{ "300.1.1.1", false },
		{ "1.2.3", false },
		{ "7", false },
		{ "::g", false },
		{ "[::1]", false },
	};
	AUTO(desk) struct desk d = { 0 };
	struct err e;

	(void)state;
	desk_fill(&d);
	assert_ok(type(&d, "init"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		char host[300], name[16], file[32], line[300];

		snprintf(host, sizeof(host), "--host=%s", rows[i].host);
		snprintf(name, sizeof(name), "tee%zu", i);
		snprintf(file, sizeof(file), "ca/%s.pem", name);
		snprintf(line, sizeof(line), "\n  %s\n", rows[i].host);
		if (rows[i].is_good) {
			assert_ok(type(&d, "issue", name, "--server", host));
			assert_non_null(strstr(printed, line));
		} else if (!rows[i].host[0]) {
			continue; /* cmd_parse.c's: no value is empty */
		} else {
			assert_refused(type(&d, "issue", name, "--server", host), ERR_USAGE,
			               "neither the name of a host nor an IPv4 or IPv6 address");
		}
		assert_int_equal(is_there(&d, file), rows[i].is_good);
	}
}

static void what_a_client_may_is_said_as_it_stands_in_its_certificate(void **state)
{
	AUTO(desk) struct desk d = { 0 };
	char many[256] = "--member=", more[300];
	struct err e;

	(void)state;
	desk_fill(&d);
	assert_ok(type(&d, "init"));
	assert_ok(type(&d, "issue", "bob", "--role=observer,member", "--member=m1,m2"));
	assert_non_null(strstr(printed, "ca/bob.key\n  urn:teectl:role:observer\n"
	                                "  urn:teectl:role:member\n  urn:teectl:member:m1\n"
	                                "  urn:teectl:member:m2\nvalid until 20"));
	/* As many members as an enclave takes, beside every role. */
	for (int i = 1; i <= ROLE_MEMBERS_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "%sm%d",
		         i > 1 ? "," : "", i);
	assert_ok(type(&d, "issue", "all", "--role=observer,member,operator,peer,app", many));
	assert_non_null(strstr(printed, "  urn:teectl:member:m16\n"));
	snprintf(more, sizeof(more), "%s,m17", many);
	assert_refused(type(&d, "issue", "more", MEMBER, more), ERR_USAGE,
	               "--member: more than 16");
	/* Another time, it is in the way: no hint about a CA. */
	assert_refused(type(&d, "issue", "bob", "--role=app"), ERR_DATA, "is there already");
	assert_string_equal(d.c.hint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_says_what_was_made),
		cmocka_unit_test(a_cas_name_can_be_shown),
		cmocka_unit_test(a_ca_that_is_there_is_kept_and_said_to_be),
		cmocka_unit_test(what_makes_no_sense_is_refused_before_anything_is_made),
		cmocka_unit_test(a_server_is_reached_by_a_name_or_an_address),
		cmocka_unit_test(what_a_client_may_is_said_as_it_stands_in_its_certificate),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

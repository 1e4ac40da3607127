/* Which roles and members a URI names, and what may follow from them. */
#include "support.h"

#include "proto/access.h"

static struct role_set set_of(const char *const *uris)
{
	struct role_set set = { 0 };
	struct err e;

	for (; *uris; uris++)
		assert_ok(role_set_add(&set, view_text(*uris), &e));
	return set;
}

#define SET(...) set_of((const char *const[]){ __VA_ARGS__, NULL })

static void each_role_has_its_uri(void **state)
{
	static const struct {
		const char *word, *uri;
		unsigned role;
	} roles[] = {
		{ "observer", "urn:teectl:role:observer", ROLE_OBSERVER },
		{ "member", "urn:teectl:role:member", ROLE_MEMBER },
		{ "operator", "urn:teectl:role:operator", ROLE_OPERATOR },
		{ "peer", "urn:teectl:role:peer", ROLE_PEER },
		{ "app", "urn:teectl:role:app", ROLE_APP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(roles); i++) {
		AUTO(buf) struct buf uri = BUF_INIT(ROLE_URI_MAX);
		struct err e;

		assert_int_equal(SET(roles[i].uri).roles, roles[i].role);
		assert_int_equal(role_find(roles[i].word), roles[i].role);
		assert_string_equal(role_words[i], roles[i].word);
		assert_ok(role_uri_format(roles[i].role, &uri, &e));
		assert_string_equal(buf_text(&uri), roles[i].uri);
	}
	assert_null(role_words[COUNT(roles)]);
	assert_int_equal(role_find("none"), 0);
}

static void lookalikes_name_nothing(void **state)
{
	static const char *const uris[] = {
		"",
		"urn:teectl:role:",
		"urn:teectl:role:Operator",
		"URN:teectl:role:operator",
		"urn:teectl:role:operator ",
		" urn:teectl:role:operator",
		"urn:teectl:role:operato",
		"urn:teectl:role:operators",
		"urn:teectl:role:none",
		"urn:teectl:roles:operator",
		"urn:teectl:member",
		"urn:teectl:member:",
	};
	struct role_set set = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++)
		assert_ok(role_set_add(&set, view_text(uris[i]), &e));
	assert_ok(role_set_add(&set, view_new("urn:teectl:role:operator\0", 25), &e));
	assert_ok(role_set_add(&set, view_new("urn:teectl:role:operator\0x", 26), &e));
	assert_ok(role_set_add(&set, view_new("urn:teectl:member:a\0b", 21), &e));
	assert_int_equal(set.roles, 0);
	assert_int_equal(set.member_count, 0);
}

static void a_member_may_send_the_shares_of_its_aliases(void **state)
{
	struct role_set member =
	    SET("urn:teectl:role:member", "urn:teectl:member:a", "urn:teectl:member:b");
	struct role_set alone = SET("urn:teectl:role:observer", "urn:teectl:member:a");
	struct role_set none = SET("urn:teectl:role:member");
	struct role_set anyone = SET("urn:teectl:role:operator");

	(void)state;
	assert_true(role_set_may_submit(&member, view_text("a")));
	assert_true(role_set_may_submit(&member, view_text("b")));
	assert_false(role_set_may_submit(&member, view_text("A")));
	assert_false(role_set_may_submit(&member, view_text("ab")));
	assert_false(role_set_may_submit(&member, view_text("")));
	assert_false(role_set_may_submit(&alone, view_text("a")));
	assert_false(role_set_may_submit(&none, view_text("a")));
	assert_true(role_set_may_submit(&anyone, view_text("who")));
}

static void members_have_a_limit_and_repeats_do_not_count(void **state)
{
	char uri[ROLE_URI_MAX + 2];
	struct role_set set = { 0 };
	struct err e;

	(void)state;
	for (unsigned i = 0; i < ROLE_MEMBERS_MAX; i++) {
		snprintf(uri, sizeof(uri), "urn:teectl:member:m%u", i);
		assert_ok(role_set_add(&set, view_text(uri), &e));
	}
	assert_ok(role_set_add(&set, view_text("urn:teectl:member:m3"), &e));
	assert_int_equal(set.member_count, ROLE_MEMBERS_MAX);
	assert_refused(role_set_add(&set, view_text("urn:teectl:member:more"), &e), ERR_ACCESS,
	               "more than 16 members");
	assert_int_equal(set.member_count, ROLE_MEMBERS_MAX);

	set = (struct role_set){ 0 };
	memset(uri, 'x', sizeof(uri) - 1);
	memcpy(uri, MEMBER_URI_PREFIX, strlen(MEMBER_URI_PREFIX));
	uri[ROLE_URI_MAX + 1] = '\0';
	assert_ok(role_set_add(&set, view_text(uri), &e));
	assert_int_equal(set.member_count, 0);
	uri[ROLE_URI_MAX] = '\0';
	assert_ok(role_set_add(&set, view_text(uri), &e));
	assert_int_equal(set.member_count, 1);
	assert_int_equal(strlen(set.members[0]), ALIAS_MAX);
}

static void roles_are_put_into_words(void **state)
{
	char text[ROLES_TEXT_MAX];

	(void)state;
	roles_format(0, " or ", text);
	assert_string_equal(text, "none");
	roles_format(ROLE_PEER, " or ", text);
	assert_string_equal(text, "peer");
	roles_format(ROLE_PEER | ROLE_OBSERVER | ROLE_NONE, " or ", text);
	assert_string_equal(text, "observer or peer");
	roles_format(~0u, " or ", text);
	assert_string_equal(text, "observer, member, operator, peer or app");
	roles_format(~0u, ",", text);
	assert_string_equal(text, "observer, member, operator, peer,app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_has_its_uri),
		cmocka_unit_test(lookalikes_name_nothing),
		cmocka_unit_test(a_member_may_send_the_shares_of_its_aliases),
		cmocka_unit_test(members_have_a_limit_and_repeats_do_not_count),
		cmocka_unit_test(roles_are_put_into_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

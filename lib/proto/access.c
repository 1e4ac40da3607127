#include "proto/access.h"

#include <stdio.h>
#include <string.h>

#define ROLE_URI_PREFIX "urn:teectl:role:"

const char *const role_words[] = { "observer", "member", "operator", "peer", "app", NULL };
/* As role_words. */
static const unsigned role_bits[] = { ROLE_OBSERVER, ROLE_MEMBER, ROLE_OPERATOR, ROLE_PEER,
	                              ROLE_APP };

static unsigned find(struct view word)
{
	for (size_t i = 0; i < COUNT(role_bits); i++)
		if (view_equal(word, view_text(role_words[i])))
			return role_bits[i];
	return 0;
}

unsigned role_find(const char *word)
{
	return find(view_text(word));
}

int role_uri_format(unsigned role, struct buf *to, struct err *e)
{
	for (size_t i = 0; i < COUNT(role_bits); i++)
		if (role_bits[i] == role)
			return buf_add_format(to, e, ROLE_URI_PREFIX "%s", role_words[i]);
	return err_set(e, ERR_INTERNAL, "%u is not one role", role);
}

int member_uri_format(const char *alias, struct buf *to, struct err *e)
{
	return buf_add_format(to, e, MEMBER_URI_PREFIX "%s", alias);
}

/* What stands behind the prefix. */
static bool after_prefix(struct view uri, const char *prefix, struct view *ret)
{
	size_t len = strlen(prefix);

	if (uri.len < len || memcmp(uri.data, prefix, len) != 0)
		return false;
	*ret = view_new(uri.data + len, uri.len - len);
	return true;
}

static bool has_member(const struct role_set *set, struct view alias)
{
	for (size_t i = 0; i < set->member_count; i++)
		if (view_equal(view_text(set->members[i]), alias))
			return true;
	return false;
}

static int add_member(struct role_set *set, struct view alias, struct err *e)
{
	/* No share set has such a member. */
	if (alias.len == 0 || alias.len > ALIAS_MAX || memchr(alias.data, 0, alias.len) ||
	    has_member(set, alias))
		return 0;
	if (set->member_count == ROLE_MEMBERS_MAX)
		return err_set(e, ERR_ACCESS, "it names more than %d members", ROLE_MEMBERS_MAX);
	memcpy(set->members[set->member_count], alias.data, alias.len);
	set->members[set->member_count++][alias.len] = '\0';
	return 0;
}

int role_set_add(struct role_set *set, struct view uri, struct err *e)
{
	struct view rest;

	if (after_prefix(uri, ROLE_URI_PREFIX, &rest))
		set->roles |= find(rest);
	else if (after_prefix(uri, MEMBER_URI_PREFIX, &rest))
		return add_member(set, rest, e);
	return 0;
}

bool role_set_may_submit(const struct role_set *set, struct view alias)
{
	return (set->roles & ROLE_OPERATOR) ||
	       ((set->roles & ROLE_MEMBER) && has_member(set, alias));
}

void roles_format(unsigned roles, const char *last, char to[static ROLES_TEXT_MAX])
{
	size_t len = 0, left = 0;

	snprintf(to, ROLES_TEXT_MAX, "none");
	for (size_t i = 0; i < COUNT(role_bits); i++)
		left += (roles & role_bits[i]) != 0;
	for (size_t i = 0; i < COUNT(role_bits); i++) {
		if (!(roles & role_bits[i]))
			continue;
		len += (size_t)snprintf(to + len, ROLES_TEXT_MAX - len, "%s%s",
		                        len == 0    ? ""
		                        : left == 1 ? last
		                                    : ", ",
		                        role_words[i]);
		left--;
	}
}

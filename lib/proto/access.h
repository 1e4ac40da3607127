/* Who may do what, as contract.md's "Access" has it: roles and members as a client's certificate
 * names them, in URIs that are compared exactly. What is written in them here, by `pki issue`, is
 * what the enclave reads there. */
#ifndef TEECTL_PROTO_ACCESS_H
#define TEECTL_PROTO_ACCESS_H

#include "proto/api.h"
#include "proto/manifest.h"

/* One certificate speaks for a person, or for a machine that collects for a few. */
#define ROLE_MEMBERS_MAX 16

/* A role's URI or a member's, without the NUL. What is longer is neither. */
#define MEMBER_URI_PREFIX "urn:teectl:member:"
#define ROLE_URI_MAX      (sizeof(MEMBER_URI_PREFIX) - 1 + ALIAS_MAX)

struct role_set {
	unsigned roles; /* bits of enum role, without ROLE_NONE; 0: none */
	char members[ROLE_MEMBERS_MAX][ALIAS_MAX + 1];
	size_t member_count;
};

/* "observer", "member", "operator", "peer", "app", NULL. */
extern const char *const role_words[];
/* The role of that word, or 0. */
unsigned role_find(const char *word);
/* role: one bit. */
MUST_CHECK int role_uri_format(unsigned role, struct buf *to, struct err *e);
MUST_CHECK int member_uri_format(const char *alias, struct buf *to, struct err *e);

/* Adds what the URI names, if it names a role or a member; of any other nothing.
 * fails  ERR_ACCESS: more than ROLE_MEMBERS_MAX members */
MUST_CHECK int role_set_add(struct role_set *set, struct view uri, struct err *e);
/* May a client of these roles send the share of that member? */
bool role_set_may_submit(const struct role_set *set, struct view alias);

/* "none", "operator", "observer, member or operator"; last, " or " here, stands before the last. */
#define ROLES_TEXT_MAX 64
void roles_format(unsigned roles, const char *last, char to[static ROLES_TEXT_MAX]);

#endif

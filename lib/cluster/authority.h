/* A small CA for a team that has none: a folder with ca.pem and ca.key, and certificates under it
 * for the enclaves' servers and for clients, whose roles are names in them (proto/access.h). */
#ifndef TEECTL_CLUSTER_AUTHORITY_H
#define TEECTL_CLUSTER_AUTHORITY_H

#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "proto/access.h"

#define AUTHORITY_CERTIFICATE "ca.pem"
#define AUTHORITY_KEY         "ca.key"
#define AUTHORITY_NAME_MAX    64 /* a common name (RFC 5280, ub-common-name) */

/* The CA's certificate stands in PCR2 and in every cluster file, so it lives long; what it issues
 * can't be revoked but by another CA, so that is renewed each quarter. */
#define AUTHORITY_DAYS     3653
#define AUTHORITY_DAYS_MAX 7305
#define ISSUED_DAYS        90
#define ISSUED_DAYS_MAX    825 /* as browsers once took at most */
/* An enclave's clock is its NSM's, which may be somewhat behind. */
#define ISSUED_BACKDATE_S 300
/* All roles, and as many members as an enclave takes. */
#define ISSUED_NAMES_MAX (5 + ROLE_MEMBERS_MAX)

/* What was made, or was there. */
struct issued {
	char *certificate, *key; /* paths */
	struct hash256 fingerprint;
	int64_t not_after_unix;
	bool is_kept; /* it was there already */
};
void issued_drop(struct issued *i);

/* name  of its subject; NULL: "teectl CA" and a random number
 * fails  ERR_DATA: one file is there without the other, or they do not serve */
MUST_CHECK int authority_init(const char *folder, const char *name, int64_t days, int64_t now_unix,
                              struct issued *ret, struct err *e);

struct issue_request {
	const char *folder;
	const char *name;   /* of its subject, which decides nothing */
	const char *prefix; /* PREFIX.pem and PREFIX.key; NULL: the name, in the folder */
	enum certificate_use use;
	struct certificate_name names[ISSUED_NAMES_MAX];
	size_t name_count;
	int64_t days;
};

/* fails  ERR_NO_INPUT: there is no CA; ERR_DATA: its files do not serve, a file is there already;
 *        ERR_USAGE: it would outlive its CA */
MUST_CHECK int authority_issue(const struct issue_request *q, int64_t now_unix, struct issued *ret,
                               struct err *e);

#endif

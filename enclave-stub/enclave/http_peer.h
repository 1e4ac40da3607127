/* The certificates of clients: http.c's other door to GnuTLS. libmicrohttpd and GnuTLS see to it
 * that a client holds the key of the certificate it shows, and to nothing else: who signed it, what
 * for, for how long and which roles it names is judged here. */
#ifndef TEECTL_ENCLAVE_HTTP_PEER_H
#define TEECTL_ENCLAVE_HTTP_PEER_H

#include "enclave/caller.h"

#include <gnutls/gnutls.h>

struct client_ca;

/* spec: what --client-ca names */
MUST_CHECK int client_ca_open(const char *spec, struct client_ca **ret, struct err *e);
void client_ca_drop(struct client_ca **ca);

/* Who is at the other end of a connection. Signatures are verified once, since with TLS 1.3, no
 * tickets and no post-handshake authentication neither end can change; time goes on. */
struct peer {
	bool is_read;
	struct role_set set;             /* as its certificate says, while it is valid */
	int64_t from_unix, until_unix;   /* of the certificate; both ends included */
	int64_t above_from, above_until; /* of all that it stands on */
	bool is_constrained;             /* one of those may not sign URIs like ours */
	struct caller caller;            /* what became of it */
};

/* In NOTIFY_CONNECTION: asks the client for its certificate, and bounds what it may send. */
void peer_request(gnutls_session_t session);
/* After the handshake: reads and verifies, if that was not done yet. */
void peer_read(struct peer *p, const struct client_ca *ca, gnutls_session_t session);
/* Would it have a role at some time? Else p->caller.why says why not. */
bool peer_has_roles(const struct peer *p);
/* Fills p->caller as of that time. */
void peer_judge(struct peer *p, int64_t now_unix);
/* The time is not known: nobody has a role. */
void peer_doubt(struct peer *p, const struct err *why);

#endif

#include "enclave/http_peer.h"

#include "base/text.h"
#include "crypto/bundle.h"
#include "crypto/hash.h"

#include <gnutls/x509.h>
#include <gnutls/x509-ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A client's certificate and the CAs between it and the client CA; each is parsed before anyone
 * knows who sent it. */
#define PEER_CHAIN_MAX 4
/* All of it in one handshake message: four of the size that certificates have, and room. */
#define HANDSHAKE_MAX (32u << 10)
/* Roles, members and what else a CA adds. */
#define PEER_NAMES_MAX 64
#define SAN_OID        "2.5.29.17"
/* RSA below 2048 bits, SHA-1 and MD5 are refused (112 bits, NIST SP 800-57 part 1, 5.6.3). Who
 * shows the very certificate of a CA is no client of it. Time is judged against the NSM's, below;
 * GnuTLS would take the host's. There are no revocation lists. */
#define VERIFY_FLAGS                                                                               \
	(GNUTLS_VERIFY_DO_NOT_ALLOW_SAME | GNUTLS_VERIFY_DO_NOT_ALLOW_X509_V1_CA_CRT |             \
	 GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |           \
	 GNUTLS_VERIFY_DISABLE_CRL_CHECKS | GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM))

struct client_ca {
	gnutls_x509_trust_list_t list;
};

static void certificate_drop(gnutls_x509_crt_t *c)
{
	if (*c)
		gnutls_x509_crt_deinit(*c);
	*c = NULL;
}

void client_ca_drop(struct client_ca **ca)
{
	if (*ca && (*ca)->list)
		gnutls_x509_trust_list_deinit((*ca)->list, /* all= */ 1);
	free(*ca);
	*ca = NULL;
}

static int certificate_parse(struct view der, gnutls_x509_crt_t *ret)
{
	const gnutls_datum_t datum = { (unsigned char *)der.data, (unsigned)der.len };
	AUTO(certificate) gnutls_x509_crt_t c = NULL;
	int failed = gnutls_x509_crt_init(&c);

	if (failed < 0)
		return failed;
	failed = gnutls_x509_crt_import(c, &datum, GNUTLS_X509_FMT_DER);
	if (failed == 0)
		*ret = MOVE(c);
	return failed;
}

static int add_anchor(struct client_ca *ca, struct view der, struct err *e)
{
	AUTO(certificate) gnutls_x509_crt_t c = NULL;
	int failed = certificate_parse(der, &c);

	if (failed == 0 &&
	    gnutls_x509_trust_list_add_cas(ca->list, &c, 1, GNUTLS_TL_NO_DUPLICATES) != 1)
		failed = GNUTLS_E_MEMORY_ERROR;
	if (failed < 0)
		return err_set(e, ERR_DATA, "--client-ca: %s", gnutls_strerror(failed));
	/* The list's from here on, also where it is a repeat. */
	c = NULL;
	return 0;
}

int client_ca_open(const char *spec, struct client_ca **ret, struct err *e)
{
	AUTO(client_ca) struct client_ca *ca = calloc(1, sizeof(*ca));
	AUTO(bundle) struct bundle b = { 0 };

	if (bundle_read(spec, &b, e) < 0)
		return err_wrap(e, "--client-ca");
	if (!ca || gnutls_x509_trust_list_init(&ca->list, 0) < 0)
		return err_set(e, ERR_INTERNAL, "no memory for the client CA");
	for (size_t i = 0; i < b.count; i++)
		TRY(add_anchor(ca, buf_view(&b.certificates[i]), e));
	*ret = MOVE(ca);
	return 0;
}

void peer_request(gnutls_session_t session)
{
	gnutls_handshake_set_max_packet_length(session, HANDSHAKE_MAX);
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
}

/* --- the chain */

struct chain {
	gnutls_x509_crt_t items[PEER_CHAIN_MAX]; /* the client's own first */
	unsigned count;
};

static void chain_drop(struct chain *c)
{
	while (c->count)
		certificate_drop(&c->items[--c->count]);
}

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_ACCESS, "%s", why);
}

static int chain_parse(const gnutls_datum_t *sent, unsigned count, struct chain *ret, struct err *e)
{
	if (count > PEER_CHAIN_MAX)
		return err_set(e, ERR_ACCESS, "it sent %u certificates, at most %d are looked at",
		               count, PEER_CHAIN_MAX);
	for (unsigned i = 0; i < count; i++) {
		if (certificate_parse(view_new(sent[i].data, sent[i].size), &ret->items[i]) < 0)
			return refuse(e, i ? "a certificate that it sent is malformed"
			                   : "its certificate is malformed");
		ret->count++;
	}
	return 0;
}

static int read_fingerprint(const gnutls_datum_t *sent, struct caller *ret, struct err *e)
{
	struct hash256 hash;

	TRY(sha256(view_new(sent->data, sent->size), &hash, e));
	hex_write(view_new(hash.bytes, (CALLER_FINGERPRINT_LEN - 1) / 2), ret->fingerprint);
	return 0;
}

/* --- verification */

/* GnuTLS gives its callback no context, and calls it in the thread that verifies. */
static _Thread_local struct peer *verified;

static void narrow(struct peer *p, gnutls_x509_crt_t c)
{
	time_t from = gnutls_x509_crt_get_activation_time(c);
	time_t until = gnutls_x509_crt_get_expiration_time(c);

	/* What can't be read is never valid. */
	if (from == (time_t)-1 || until == (time_t)-1)
		p->above_until = INT64_MIN;
	if (from > p->above_from)
		p->above_from = from;
	if (until < p->above_until)
		p->above_until = until;
}

static void constraints_drop(gnutls_x509_name_constraints_t *nc)
{
	if (*nc)
		gnutls_x509_name_constraints_deinit(*nc);
	*nc = NULL;
}

typedef int constraint_get(gnutls_x509_name_constraints_t, unsigned, unsigned *, gnutls_datum_t *);

static bool has_uri(gnutls_x509_name_constraints_t nc, constraint_get *get)
{
	gnutls_datum_t name;
	unsigned type;

	for (unsigned i = 0; get(nc, i, &type, &name) >= 0; i++)
		if (type == GNUTLS_SAN_URI)
			return true;
	return false;
}

/* Constraints of URIs are about hosts, and where one applies a URI without a host has to be refused
 * (RFC 5280 4.2.1.10). Ours have none; GnuTLS looks at other kinds of names only. */
static bool constrains_uris(gnutls_x509_crt_t c)
{
	AUTO(constraints) gnutls_x509_name_constraints_t nc = NULL;
	unsigned critical;
	int failed = gnutls_x509_name_constraints_init(&nc);

	if (failed == 0)
		failed = gnutls_x509_crt_get_name_constraints(c, nc, 0, &critical);
	if (failed == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return false;
	return failed < 0 || has_uri(nc, gnutls_x509_name_constraints_get_permitted) ||
	       has_uri(nc, gnutls_x509_name_constraints_get_excluded);
}

/* Told of each certificate on the way, and of its issuer up to the client CA. */
static int on_verified(gnutls_x509_crt_t c, gnutls_x509_crt_t issuer, gnutls_x509_crl_t crl,
                       unsigned result)
{
	(void)c;
	(void)crl;
	(void)result;
	if (!issuer)
		return 0;
	narrow(verified, issuer);
	verified->is_constrained = verified->is_constrained || constrains_uris(issuer);
	return 0;
}

static int judge_status(unsigned status, struct err *e)
{
	static const struct {
		unsigned bit;
		const char *why;
	} reasons[] = {
		{ GNUTLS_CERT_INSECURE_ALGORITHM,
		  "its certificate, or one above it, is signed by an algorithm or a key that is too "
		  "weak" },
		{ GNUTLS_CERT_SIGNER_NOT_FOUND, "its certificate is not signed by the client CA" },
		{ GNUTLS_CERT_SIGNATURE_FAILURE, "its certificate is not signed by the client CA" },
		{ GNUTLS_CERT_SIGNER_NOT_CA, "its certificate is signed by one that is not a CA" },
		{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
		  "a CA above its certificate may not sign it" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH,
		  "its certificate is not for client use (clientAuth)" },
		{ GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS,
		  "its certificate, or one above it, has an unknown critical extension" },
	};

	for (size_t i = 0; i < COUNT(reasons); i++)
		if (status & reasons[i].bit)
			return refuse(e, reasons[i].why);
	return status ? refuse(e, "its certificate can't be verified") : 0;
}

static int chain_verify(struct peer *p, const struct client_ca *ca, struct chain *c, struct err *e)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                          .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned status = 0;
	int failed;

	p->above_from = INT64_MIN;
	p->above_until = INT64_MAX;
	verified = p;
	failed = gnutls_x509_trust_list_verify_crt2(ca->list, c->items, c->count, &purpose, 1,
	                                            VERIFY_FLAGS, &status, on_verified);
	verified = NULL;
	if (failed < 0)
		return err_set(e, ERR_ACCESS, "its certificate can't be verified: %s",
		               gnutls_strerror(failed));
	TRY(judge_status(status, e));
	return p->is_constrained ? refuse(e, "a CA above its certificate may not sign it") : 0;
}

/* GnuTLS takes a certificate without extended key usage, or with "any", for every use. A
 * certificate with a role of ours was made for clients, and says so. */
static bool is_for_clients(gnutls_x509_crt_t c)
{
	char oid[64];

	for (unsigned i = 0;; i++) {
		size_t len = sizeof(oid);
		int failed = gnutls_x509_crt_get_key_purpose_oid(c, i, oid, &len, NULL);

		if (failed == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue; /* longer than the one that is looked for */
		if (failed < 0)
			return false;
		if (strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			return true;
	}
}

static int judge_leaf(struct peer *p, gnutls_x509_crt_t c, struct err *e)
{
	if (!is_for_clients(c))
		return refuse(e, "its certificate is not for client use (clientAuth)");
	if (gnutls_x509_crt_get_ca_status(c, NULL) > 0)
		return refuse(e, "its certificate is a CA's, not a client's");
	p->from_unix = gnutls_x509_crt_get_activation_time(c);
	p->until_unix = gnutls_x509_crt_get_expiration_time(c);
	if (p->from_unix == -1 || p->until_unix == -1)
		return refuse(e, "the validity of its certificate is malformed");
	return 0;
}

/* --- roles */

static void names_drop(gnutls_subject_alt_names_t *names)
{
	if (*names)
		gnutls_subject_alt_names_deinit(*names);
	*names = NULL;
}

static void datum_drop(gnutls_datum_t *d)
{
	gnutls_free(d->data);
	d->data = NULL;
}

static int add_names(gnutls_subject_alt_names_t names, struct role_set *set, struct err *e)
{
	for (unsigned i = 0; i <= PEER_NAMES_MAX; i++) {
		gnutls_datum_t name;
		unsigned type;
		int failed = gnutls_subject_alt_names_get(names, i, &type, &name, NULL);

		if (failed == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return 0;
		if (failed < 0)
			return refuse(e, "the names in its certificate are malformed");
		if (type == GNUTLS_SAN_URI)
			TRY(role_set_add(set, view_new(name.data, name.size), e));
	}
	return err_set(e, ERR_ACCESS, "its certificate has more than %d names", PEER_NAMES_MAX);
}

/* Its subject says nothing here, nor does any name but a URI. */
static int read_roles(gnutls_x509_crt_t c, struct role_set *ret, struct err *e)
{
	AUTO(names) gnutls_subject_alt_names_t names = NULL;
	AUTO(datum) gnutls_datum_t extension = { NULL, 0 };
	struct role_set set = { 0 };

	if (gnutls_x509_crt_get_extension_by_oid2(c, SAN_OID, 0, &extension, NULL) < 0)
		return refuse(e, "its certificate names no role");
	if (gnutls_subject_alt_names_init(&names) < 0 ||
	    gnutls_x509_ext_import_subject_alt_names(&extension, names, 0) < 0)
		return refuse(e, "the names in its certificate are malformed");
	TRY(add_names(names, &set, e));
	if (!set.roles)
		return refuse(e, "its certificate names no role");
	*ret = set;
	return 0;
}

static int read_peer(struct peer *p, const struct client_ca *ca, gnutls_session_t session,
                     struct err *e)
{
	AUTO(chain) struct chain chain = { 0 };
	unsigned count = 0;
	const gnutls_datum_t *sent = gnutls_certificate_get_peers(session, &count);

	if (!sent || !count)
		return refuse(e, "it gave no certificate");
	TRY(read_fingerprint(sent, &p->caller, e));
	TRY(chain_parse(sent, count, &chain, e));
	TRY(chain_verify(p, ca, &chain, e));
	TRY(judge_leaf(p, chain.items[0], e));
	return read_roles(chain.items[0], &p->set, e);
}

void peer_read(struct peer *p, const struct client_ca *ca, gnutls_session_t session)
{
	struct err why;

	if (p->is_read)
		return;
	p->is_read = true;
	if (read_peer(p, ca, session, &why) < 0) {
		p->set = (struct role_set){ 0 };
		p->caller.why = why;
	}
}

/* --- time */

static int judge_window(const char *what, int64_t from_unix, int64_t until_unix, int64_t now_unix,
                        struct err *e)
{
	char at[TIME_TEXT_LEN];

	if (now_unix > until_unix) {
		time_format(until_unix < 0 ? 0 : until_unix * 1000, at);
		return err_set(e, ERR_ACCESS, "%s expired at %.19sZ", what, at);
	}
	if (now_unix < from_unix) {
		time_format(from_unix * 1000, at);
		return err_set(e, ERR_ACCESS, "%s is not valid before %.19sZ", what, at);
	}
	return 0;
}

bool peer_has_roles(const struct peer *p)
{
	return p->set.roles != 0;
}

void peer_judge(struct peer *p, int64_t now_unix)
{
	struct err why;

	p->caller.set = (struct role_set){ 0 };
	if (!p->set.roles)
		return; /* caller.why says why */
	if (judge_window("its certificate", p->from_unix, p->until_unix, now_unix, &why) < 0 ||
	    judge_window("a CA above its certificate", p->above_from, p->above_until, now_unix,
	                 &why) < 0)
		p->caller.why = why;
	else
		p->caller.set = p->set;
}

void peer_doubt(struct peer *p, const struct err *why)
{
	p->caller.set = (struct role_set){ 0 };
	if (p->set.roles)
		p->caller.why = *why;
}

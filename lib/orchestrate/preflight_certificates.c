/* Preflight: certificates, the attestation root included. */
#include "orchestrate/preflight_internal.h"

#include "base/text.h"
#include "cluster/match.h"

#include <stdio.h>
#include <string.h>

#define DAY_S      86400
#define NEAR_END_S (30 * DAY_S) /* a month, for who renews certificates by hand */

int preflight_dates(const struct certificate_dates *d, int64_t now_unix, bool is_bundle,
                    struct preflight_warning *ret_warning, struct err *e)
{
	size_t bad = d->expired + d->early;
	char end[TIME_TEXT_LEN];

	if (bad == d->count || (bad && !is_bundle))
		return err_set(e, ERR_DATA, "%zu of %zu certificates %s %s", bad, d->count,
		               bad == 1 ? "is" : "are", d->expired ? "expired" : "not valid yet");
	if (bad) {
		snprintf(ret_warning->text, sizeof(ret_warning->text),
		         "%zu of %zu certificates are not valid now", bad, d->count);
	} else if (d->not_after_unix - now_unix < NEAR_END_S) {
		time_format_seconds(d->not_after_unix, end);
		snprintf(ret_warning->text, sizeof(ret_warning->text), "ends in %lld days, on %s",
		         (long long)(d->not_after_unix - now_unix) / DAY_S, end);
	}
	return 0;
}

static int add_dates(struct preflight *p, const char *subject, const struct certificate_dates *d,
                     bool is_bundle, const char *next, struct err *e)
{
	struct preflight_warning warning = { "" };
	char end[TIME_TEXT_LEN];
	struct err why;

	if (preflight_dates(d, p->now_unix, is_bundle, &warning, &why) < 0)
		return preflight_add_failed(p, "certificates", subject, &why, next, e);
	if (warning.text[0])
		return preflight_add(p, "certificates", subject, PREFLIGHT_WARNING, warning.text,
		                     next, e);
	time_format_seconds(d->not_after_unix, end);
	return preflight_add_ok(p, "certificates", subject, e, "valid until %s", end);
}

#define ISSUE_AGAIN "teectl pki issue makes a certificate and its key"

static int check_certificate(struct preflight *p, const char *subject, const char *path,
                             const char *key_path, bool is_bundle, struct err *e)
{
	struct certificate_dates dates;
	struct err why;

	if (!path)
		return 0;
	if (certificate_file_dates(path, p->now_unix, &dates, &why) < 0 ||
	    (key_path && certificate_file_check_key(path, key_path, &why) < 0))
		return preflight_add_failed(p, "certificates", subject, &why, ISSUE_AGAIN, e);
	return add_dates(p, subject, &dates, is_bundle, ISSUE_AGAIN, e);
}

static int check_root(struct preflight *p, struct err *e)
{
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	struct certificate_dates dates;
	struct err why;

	if (!p->state.folder)
		return 0;
	if (cluster_root(p->c, &p->state, &root, &why) < 0) {
		/* The first launch makes it. */
		if (strcmp(why.reason, STATE_NO_ROOT) == 0 && p->local)
			return preflight_add_ok(p, "certificates", "attestation.root", e,
			                        "made by the first launch");
		return preflight_add_failed(
		    p, "certificates", "attestation.root", &why,
		    "have who launched the nodes hand over his state folder", e);
	}
	TRY(certificate_dates(buf_view(&root), p->now_unix, &dates, e));
	return add_dates(p, "attestation.root", &dates, /* is_bundle= */ false,
	                 "correct attestation.root of the cluster file", e);
}

int preflight_check_certificates(struct preflight *p, struct err *e)
{
	const struct cluster *c = p->c;

	TRY(check_root(p, e));
	TRY(check_certificate(p, "tls.ca", c->tls.ca, NULL, /* is_bundle= */ true, e));
	TRY(check_certificate(p, "tls.cert", c->tls.cert, c->tls.key, /* is_bundle= */ false, e));
	TRY(check_certificate(p, "tls.server.cert", c->tls.server_cert, c->tls.server_key,
	                      /* is_bundle= */ false, e));
	return check_certificate(p, "tls.server.clientCa", c->tls.client_ca, NULL,
	                         /* is_bundle= */ true, e);
}

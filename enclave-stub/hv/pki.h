/* The simulated PKI: root -> platform CA -> leaf, kept in a private folder that many hypervisors
 * may use at once, so that the enclaves on one machine trust each other (contract.md, "The
 * programs").
 *
 * root.der, root.key       made once, 10 years, no path length
 * platform.der, .key       24 hours, path length 0, made again when less than 4 hours are left
 * lock                     held exclusively while any of them is read or written
 *
 * The keys of the CAs are in memory only while a certificate is being signed. */
#ifndef TEECTL_HV_PKI_H
#define TEECTL_HV_PKI_H

#include "base/buf.h"
#include "crypto/certificate.h"

#define PKI_ROOT_S     (INT64_C(3653) * 86400)
#define PKI_PLATFORM_S (INT64_C(24) * 3600)
#define PKI_PLATFORM_LEFT_S                                                                        \
	(INT64_C(4) * 3600) /* more than a leaf lives: it never outlives its CA */
#define PKI_LEAF_S          (INT64_C(3) * 3600)
#define PKI_LEAF_LEFT_S     (INT64_C(3600)) /* renewed when less is left: an hour for retries */
#define PKI_BACKDATE_S      60              /* a verifier's clock may be a little behind */
#define PKI_CERTIFICATE_MAX 1024            /* bound of a cabundle entry (formats.md 7.2) */

/* Who signs documents: the leaf's key, and the bundle that vouches for it. */
struct identity {
	struct signer *leaf;
	struct buf root, platform; /* DER */
};

void identity_drop(struct identity *i);

/* $XDG_STATE_HOME/teectl/pki, or ~/.local/state/teectl/pki. ERR_USAGE without either variable. */
MUST_CHECK int pki_default_folder(char **ret, struct err *e);
/* How long the lock is waited for. Who holds it signs for some milliseconds; at a start there may
 * be hundreds at once. At a renewal the NSM stands still meanwhile, and gives up before those who
 * ask it (nsm_channel.c); it is tried again. */
#define PKI_START_PATIENCE_MS 10000
#define PKI_RENEW_PATIENCE_MS 1000

/* A new leaf of that name, and the CAs above it, which are made where they are missing.
 *
 * fails  ERR_DATA: the folder is not 0700 and ours, or its root is damaged (it is never replaced:
 *        whoever pinned it would be locked out); ERR_TRY_AGAIN: its lock is held */
MUST_CHECK int pki_certify(const char *folder, const char *name, int64_t now_unix,
                           int64_t patience_ms, struct identity *ret, struct err *e);
/* The folder, and an open descriptor of it, which goes where it goes. */
struct pki_place {
	const char *path;
	int fd; /* -1: none */
};
/* Where the folder is now in which that root is kept, as a path.
 *
 * root   DER
 * fails  ERR_NO_INPUT: it is neither at path nor where the folder went. No other root is made
 *        beside what pins this one */
MUST_CHECK int pki_find(const struct pki_place *place, struct view root, char **ret, struct err *e);
/* The same under that root alone: the folder may have been emptied, or another put in its place,
 * since it was found.
 *
 * fails  as pki_certify; ERR_NO_INPUT: that root is not in it */
MUST_CHECK int pki_renew(const char *folder, struct view root, const char *name, int64_t now_unix,
                         int64_t patience_ms, struct identity *ret, struct err *e);
/* Is it time for another leaf? Also when the clock was set back to before this one. */
bool identity_is_due(const struct identity *i, int64_t now_unix);

#endif

/* Certificates in a PEM file, of any algorithm, as TLS programs will read them: how long they are
 * valid, and whether a key is theirs. Whom they were issued by is judged where they are used. */
#ifndef TEECTL_CRYPTO_CERTIFICATE_FILE_H
#define TEECTL_CRYPTO_CERTIFICATE_FILE_H

#include "base/buf.h"

#define CERTIFICATE_BUNDLE_MAX (1u << 20) /* a system's CAs are a quarter of it */

/* Of all in the file. */
struct certificate_dates {
	size_t count;
	size_t expired, early;  /* of them, at the time that was asked for */
	int64_t not_after_unix; /* the earliest end of those that are valid; INT64_MAX: none is */
};

/* fails  ERR_NO_INPUT; ERR_DATA: no certificate in PEM */
MUST_CHECK int certificate_file_dates(const char *path, int64_t now_unix,
                                      struct certificate_dates *ret, struct err *e);
/* Of one certificate in DER. */
MUST_CHECK int certificate_dates(struct view der, int64_t now_unix, struct certificate_dates *ret,
                                 struct err *e);
/* Is the key in key_path that of the first certificate of the file?
 * fails  ERR_NO_INPUT; ERR_DATA: others may read the key, it is none, or another's */
MUST_CHECK int certificate_file_check_key(const char *path, const char *key_path, struct err *e);

#endif

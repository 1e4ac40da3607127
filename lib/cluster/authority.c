#include "cluster/authority.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/entropy.h"

#include <stdio.h>

#define DAY_S       86400
#define NAME_RANDOM 4

void issued_drop(struct issued *i)
{
	text_drop(&i->certificate);
	text_drop(&i->key);
}

static int describe(const struct signer *s, struct issued *ret, struct err *e)
{
	TRY(sha256(signer_certificate(s), &ret->fingerprint, e));
	ret->not_after_unix = signer_not_after_unix(s);
	return 0;
}

static int find_files(const char *folder, struct issued *ret, struct err *e)
{
	AUTO(issued) struct issued i = { 0 };

	TRY(path_join(folder, AUTHORITY_CERTIFICATE, &i.certificate, e));
	TRY(path_join(folder, AUTHORITY_KEY, &i.key, e));
	*ret = MOVE(i);
	return 0;
}

/* Neither half is made up for, nor overwritten: certificates may stand on it. */
static int check_pair(const struct issued *files, struct err *e)
{
	bool has_certificate, has_key;

	TRY(file_look(files->certificate, &has_certificate, e));
	TRY(file_look(files->key, &has_key, e));
	if (has_certificate == has_key)
		return 0;
	return err_set(e, ERR_DATA, "'%s' is there without '%s'; a CA is never overwritten",
	               has_key ? files->key : files->certificate,
	               has_key ? files->certificate : files->key);
}

/* The CA's key is in memory until the signer is dropped, and no longer. */
static int read_authority(const struct issued *files, struct signer **ret, struct err *e)
{
	TRY(check_pair(files, e));
	if (!file_is_there(files->certificate))
		return err_reason(e, ERR_NO_INPUT, "no-ca", "there is no CA: '%s' is missing",
		                  files->certificate);
	return signer_read_pem(files->certificate, files->key, ret, e);
}

static int make_authority(const char *name, int64_t days, int64_t now_unix, struct signer **ret,
                          struct err *e)
{
	char own[AUTHORITY_NAME_MAX];
	uint8_t random[NAME_RANDOM];

	/* Two CAs of one name would be a riddle to whoever reads a refusal. */
	TRY(random_public(random, sizeof(random), e));
	snprintf(own, sizeof(own), "teectl CA %02x%02x%02x%02x", random[0], random[1], random[2],
	         random[3]);
	return signer_issue(/* issuer= */ NULL,
	                    &(struct certificate_request){
	                        .common_name = name ? name : own,
	                        .not_before_unix = now_unix - ISSUED_BACKDATE_S,
	                        .not_after_unix = now_unix + days * DAY_S,
	                        .is_ca = true,
	                        .path_length = 0, /* it signs clients and servers, no CAs */
	                    },
	                    ret, e);
}

int authority_init(const char *folder, const char *name, int64_t days, int64_t now_unix,
                   struct issued *ret, struct err *e)
{
	AUTO(issued) struct issued made = { 0 };
	AUTO(signer) struct signer *ca = NULL;

	TRY(find_files(folder, &made, e));
	TRY(check_pair(&made, e));
	made.is_kept = file_is_there(made.certificate);
	if (made.is_kept) {
		TRY(signer_read_pem(made.certificate, made.key, &ca, e));
	} else {
		TRY(folder_make_private(folder, e));
		TRY(make_authority(name, days, now_unix, &ca, e));
		TRY(signer_create_pem(ca, made.certificate, made.key, e));
	}
	TRY(describe(ca, &made, e));
	*ret = MOVE(made);
	return 0;
}

static int name_files(const struct issue_request *q, struct issued *ret, struct err *e)
{
	AUTO(text) char *prefix = NULL;
	AUTO(issued) struct issued i = { 0 };

	if (q->prefix)
		TRY(text_dup(q->prefix, &prefix, e));
	else
		TRY(path_join(q->folder, q->name, &prefix, e));
	if (asprintf(&i.certificate, "%s.pem", prefix) < 0) {
		i.certificate = NULL;
		return err_set(e, ERR_INTERNAL, "no memory for a file name");
	}
	if (asprintf(&i.key, "%s.key", prefix) < 0) {
		i.key = NULL;
		return err_set(e, ERR_INTERNAL, "no memory for a file name");
	}
	*ret = MOVE(i);
	return 0;
}

/* Before the CA's key is read. */
static int check_free(const struct issued *files, struct err *e)
{
	const char *const paths[] = { files->certificate, files->key };

	for (size_t i = 0; i < COUNT(paths); i++)
		if (file_is_there(paths[i]))
			return err_set(e, ERR_DATA,
			               "'%s' is there already, and nothing is overwritten: move it "
			               "away, or name another --out",
			               paths[i]);
	return 0;
}

static int check_lifetime(const struct signer *ca, const struct issue_request *q, int64_t now_unix,
                          struct err *e)
{
	char at[TIME_TEXT_LEN];
	int64_t left = signer_not_after_unix(ca) - now_unix;

	if (q->days * DAY_S <= left)
		return 0;
	time_format(signer_not_after_unix(ca) * 1000, at);
	return err_set(e, ERR_USAGE,
	               "--days %lld: the CA itself ends at %.19sZ, in %lld days; give fewer, or "
	               "make another CA",
	               (long long)q->days, at, (long long)(left < 0 ? 0 : left / DAY_S));
}

int authority_issue(const struct issue_request *q, int64_t now_unix, struct issued *ret,
                    struct err *e)
{
	AUTO(issued) struct issued files = { 0 };
	AUTO(issued) struct issued made = { 0 };
	AUTO(signer) struct signer *ca = NULL;
	AUTO(signer) struct signer *leaf = NULL;
	const struct certificate_request request = {
		.common_name = q->name,
		.not_before_unix = now_unix - ISSUED_BACKDATE_S,
		.not_after_unix = now_unix + q->days * DAY_S,
		.path_length = -1,
		.use = q->use,
		.names = q->names,
		.name_count = q->name_count,
	};

	TRY(find_files(q->folder, &files, e));
	TRY(name_files(q, &made, e));
	TRY(check_free(&made, e));
	TRY(read_authority(&files, &ca, e));
	TRY(check_lifetime(ca, q, now_unix, e));
	TRY(signer_issue(ca, &request, &leaf, e));
	signer_drop(&ca);
	TRY(signer_create_pem(leaf, made.certificate, made.key, e));
	TRY(describe(leaf, &made, e));
	*ret = MOVE(made);
	return 0;
}

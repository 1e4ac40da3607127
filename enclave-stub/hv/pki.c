#include "hv/pki.h"

#include "attest/chain.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/entropy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NAME_MAX_LEN 64 /* upper bound of a common name (RFC 5280, ub-common-name) */
#define NAME_RANDOM  4

struct ca_files {
	char *certificate, *key;
};

static void ca_files_drop(struct ca_files *f)
{
	text_drop(&f->certificate);
	text_drop(&f->key);
}

void identity_drop(struct identity *i)
{
	signer_drop(&i->leaf);
	buf_drop(&i->root);
	buf_drop(&i->platform);
}

bool identity_is_due(const struct identity *i, int64_t now_unix)
{
	int64_t left = signer_not_after_unix(i->leaf) - now_unix;

	return left < PKI_LEAF_LEFT_S || left > PKI_LEAF_S;
}

int pki_default_folder(char **ret, struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	/* The XDG base directory specification has relative paths ignored. */
	if (state && state[0] == '/')
		return path_join(state, "teectl/pki", ret, e);
	if (home && home[0] == '/')
		return path_join(home, ".local/state/teectl/pki", ret, e);
	return err_set(e, ERR_USAGE, "no home folder (HOME): give --pki DIR");
}

static int open_folder(const char *folder, struct err *e)
{
	struct stat st;

	TRY(folder_make_private(folder, e));
	if (stat(folder, &st) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", folder);
	if (st.st_mode & 077)
		return err_set(e, ERR_DATA, "'%s' has mode %04o: expected 0700", folder,
		               st.st_mode & 07777);
	return 0;
}

static int ca_paths(const char *folder, const char *certificate, const char *key,
                    struct ca_files *ret, struct err *e)
{
	AUTO(ca_files) struct ca_files f = { 0 };

	TRY(path_join(folder, certificate, &f.certificate, e));
	TRY(path_join(folder, key, &f.key, e));
	*ret = MOVE(f);
	return 0;
}

static int issue_ca(const struct signer *issuer, const char *what, int64_t now_unix,
                    int64_t lifetime_s, int path_length, const struct ca_files *files,
                    struct signer **ret, struct err *e)
{
	AUTO(signer) struct signer *ca = NULL;
	uint8_t random[NAME_RANDOM];
	char name[NAME_MAX_LEN];

	TRY(random_public(random, sizeof(random), e));
	snprintf(name, sizeof(name), "teectl SIMULATED %s %02x%02x%02x%02x", what, random[0],
	         random[1], random[2], random[3]);
	TRY(signer_issue(issuer,
	                 &(struct certificate_request){
	                     .common_name = name,
	                     .not_before_unix = now_unix - PKI_BACKDATE_S,
	                     .not_after_unix = now_unix + lifetime_s,
	                     .is_ca = true,
	                     .path_length = path_length,
	                 },
	                 &ca, e));
	TRY(signer_write(ca, files->certificate, files->key, e));
	*ret = MOVE(ca);
	return 0;
}

/* A root whose certificate was ever there is never replaced. A key alone is what a start that was
 * cut short left behind: nobody can have seen its certificate. */
static int take_root(const char *folder, int64_t now_unix, struct signer **ret, struct err *e)
{
	AUTO(ca_files) struct ca_files files = { 0 };

	TRY(ca_paths(folder, "root.der", "root.key", &files, e));
	if (!file_is_there(files.certificate))
		return issue_ca(/* issuer= */ NULL, "root", now_unix, PKI_ROOT_S,
		                /* path_length= */ -1, &files, ret, e);
	if (signer_read(files.certificate, files.key, ret, e) < 0) {
		e->code = ERR_DATA;
		return err_wrap(e,
		                "the simulated root in '%s' can't be used (remove the folder for "
		                "a new one)",
		                folder);
	}
	return 0;
}

/* Is there a platform CA that can sign for the whole life of a leaf? One that can't be read, is
 * about to end, or is dated in the future (the clock was set back) can't. */
static bool read_platform(const struct ca_files *files, int64_t now_unix, struct signer **ret)
{
	AUTO(signer) struct signer *platform = NULL;
	struct err unreadable;
	int64_t left;

	if (signer_read(files->certificate, files->key, &platform, &unreadable) < 0)
		return false;
	left = signer_not_after_unix(platform) - now_unix;
	if (left < PKI_PLATFORM_LEFT_S || left > PKI_PLATFORM_S)
		return false;
	*ret = MOVE(platform);
	return true;
}

/* Signs a leaf, and looks at the chain as a verifier will: a platform CA of another root fails. */
static int sign_leaf(const struct signer *root, const struct signer *platform, const char *name,
                     int64_t now_unix, struct identity *ret, struct err *e)
{
	AUTO(identity)
	struct identity i = {
		.root = BUF_INIT(PKI_CERTIFICATE_MAX),
		.platform = BUF_INIT(PKI_CERTIFICATE_MAX),
	};
	AUTO(chain_key) struct chain_key *verified = NULL;
	struct view ca = signer_certificate(platform);

	TRY(signer_issue(platform,
	                 &(struct certificate_request){
	                     .common_name = name,
	                     .not_before_unix = now_unix - PKI_BACKDATE_S,
	                     .not_after_unix = now_unix + PKI_LEAF_S,
	                 },
	                 &i.leaf, e));
	TRY(chain_verify(signer_certificate(root), &ca, 1, signer_certificate(i.leaf), now_unix,
	                 &verified, e));
	TRY(buf_set(&i.root, signer_certificate(root), e));
	TRY(buf_set(&i.platform, ca, e));
	*ret = MOVE(i);
	return 0;
}

/* Nobody pins a platform CA: one that does not serve is made again. */
static int certify_under(const char *folder, const struct signer *root, const char *name,
                         int64_t now_unix, struct identity *ret, struct err *e)
{
	AUTO(ca_files) struct ca_files files = { 0 };
	AUTO(signer) struct signer *kept = NULL;
	AUTO(signer) struct signer *made = NULL;
	struct err unfit;

	TRY(ca_paths(folder, "platform.der", "platform.key", &files, e));
	if (read_platform(&files, now_unix, &kept) &&
	    sign_leaf(root, kept, name, now_unix, ret, &unfit) == 0)
		return 0;
	TRY(issue_ca(root, "platform", now_unix, PKI_PLATFORM_S, /* path_length= */ 0, &files,
	             &made, e));
	return sign_leaf(root, made, name, now_unix, ret, e);
}

static int lock_folder(const char *folder, int64_t patience_ms, int *ret_lock, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(path_join(folder, "lock", &path, e));
	return file_lock(path, patience_ms, ret_lock, e);
}

int pki_certify(const char *folder, const char *name, int64_t now_unix, int64_t patience_ms,
                struct identity *ret, struct err *e)
{
	AUTO(signer) struct signer *root = NULL;
	AUTO(fd) int lock = -1;

	TRY(open_folder(folder, e));
	TRY(lock_folder(folder, patience_ms, &lock, e));
	TRY(take_root(folder, now_unix, &root, e));
	return certify_under(folder, root, name, now_unix, ret, e);
}

static bool has_root(const char *folder, struct view root)
{
	AUTO(buf) struct buf found = BUF_INIT(PKI_CERTIFICATE_MAX);
	AUTO(text) char *path = NULL;
	struct err ignored;

	return path_join(folder, "root.der", &path, &ignored) == 0 &&
	       file_read_regular(path, &found, &ignored) == 0 && view_equal(buf_view(&found), root);
}

static int refuse_root(const char *folder, struct err *e)
{
	return err_set(e, ERR_NO_INPUT,
	               "the root that it was started under is not in '%s' any more", folder);
}

int pki_renew(const char *folder, struct view known, const char *name, int64_t now_unix,
              int64_t patience_ms, struct identity *ret, struct err *e)
{
	AUTO(signer) struct signer *root = NULL;
	AUTO(fd) int lock = -1;

	TRY(open_folder(folder, e));
	TRY(lock_folder(folder, patience_ms, &lock, e));
	/* Nobody makes another now; what is read is looked at all the same. */
	if (!has_root(folder, known))
		return refuse_root(folder, e);
	TRY(take_root(folder, now_unix, &root, e));
	if (!view_equal(signer_certificate(root), known))
		return refuse_root(folder, e);
	return certify_under(folder, root, name, now_unix, ret, e);
}

int pki_find(const struct pki_place *place, struct view root, char **ret, struct err *e)
{
	char held[sizeof("/proc/self/fd/-2147483648")];

	snprintf(held, sizeof(held), "/proc/self/fd/%d", place->fd);
	if (has_root(place->path, root))
		return text_dup(place->path, ret, e);
	if (place->fd >= 0 && has_root(held, root))
		return text_dup(held, ret, e);
	return refuse_root(place->path, e);
}

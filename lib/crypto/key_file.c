#include "base/file.h"
#include "base/text.h"
#include "crypto/key_set.h"
#include "crypto/protected_key.h"

#include <string.h>

/* The digits, a prefix of 0x and white space around, as an editor or echo leaves it; or the line of
 * a protected one. */
#define PUBLIC_FILE_MAX (2 * PUBLIC_KEY_LEN + 64)

_Static_assert(PROTECTED_KEY_MAX <= PUBLIC_FILE_MAX, "a key file may be any of the three");

/* The name of a file says nothing. What a key file holds instead of a seed, told by its content:
 * the public half is no secret, so it may go through an ordinary buffer. */
static bool is_public(struct view text)
{
	AUTO(buf) struct buf bytes = BUF_INIT(PUBLIC_FILE_MAX);
	struct public_key key;
	struct err e;

	/* What is shorter may be a seed, and does not go into that buffer. */
	if (text_trim(text).len < 2 * PUBLIC_KEY_LEN)
		return false;
	return hex_parse(text, &bytes, &e) == 0 &&
	       public_key_parse(buf_view(&bytes), &key, &e) == 0;
}

/* 64 digits are a seed's. */
static bool is_seed(struct view text)
{
	AUTO(secret) struct secret seed = { 0 };
	struct err e;

	return hex_parse_secret(text, SEED_LEN, &seed, &e) == 0;
}

static int open_protected(struct view text, const char *path, const struct passphrase_source *from,
                          struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret passphrase = { 0 };
	struct protected_key key;

	TRY(protected_key_parse(text, &key, e));
	if (!from)
		return err_reason(e, ERR_DATA, KEY_PROTECTED,
		                  "it is protected, and nobody is there to ask for the passphrase");
	TRY(from->ask(from->context, path, &passphrase, e));
	if (protected_key_open(&key, &passphrase, ret, e) == 0)
		return 0;
	if (from->forget)
		from->forget(from->context, path);
	return -1;
}

/* Nobody there to ask; a signal at the question; or what is read from has ended. */
bool key_is_unasked(const struct err *failure)
{
	return failure->code == ERR_USAGE || failure->code == ERR_INTERRUPTED ||
	       strcmp(failure->reason, KEY_NO_PASSPHRASE) == 0;
}

int key_set_parse(struct view content, const char *path, const struct passphrase_source *from,
                  struct key_set **ret, struct err *e)
{
	AUTO(secret) struct secret seed = { 0 };
	struct view text = text_trim(content);

	if (protected_key_is(text))
		TRY(open_protected(text, path, from, &seed, e));
	else
		TRY(hex_parse_secret(text, SEED_LEN, &seed, e));
	return key_set_derive(&seed, ret, e);
}

int key_set_read(const char *path, const struct passphrase_source *from, struct key_set **ret,
                 struct err *e)
{
	AUTO(secret) struct secret text = { 0 };

	TRY(file_read_secret(path, PUBLIC_FILE_MAX, &text, e));
	if (is_public(secret_view(&text)))
		return err_set(
		    e, ERR_DATA,
		    "key file '%s' holds a member's public key; the secret half is meant, "
		    "the PREFIX.secret that member keygen wrote beside it",
		    path);
	if (key_set_parse(secret_view(&text), path, from, ret, e) < 0)
		return e->code == ERR_DATA ? err_wrap(e, "key file '%s'", path) : -1;
	return 0;
}

/* What is no secret key at all is called that, whoever may read it. */
int key_set_read_own(const char *path, const struct passphrase_source *from, struct key_set **ret,
                     struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	struct err why;

	TRY(key_set_read(path, from, &key, e));
	if (file_check_private(path, &why) < 0)
		return err_reason(e, why.code, KEY_OPEN, "%s", why.text);
	*ret = MOVE(key);
	return 0;
}

int key_file_is_protected(const char *path, bool *ret, struct err *e)
{
	AUTO(secret) struct secret text = { 0 };

	TRY(file_read_secret(path, PUBLIC_FILE_MAX, &text, e));
	*ret = protected_key_is(text_trim(secret_view(&text)));
	return 0;
}

static int format(const struct key_set *key, const struct secret *passphrase, struct secret *ret,
                  struct err *e)
{
	AUTO(buf) struct buf line = BUF_INIT(PROTECTED_KEY_MAX);

	if (!passphrase)
		return hex_format_secret(secret_view(key_set_seed(key)), ret, e);
	TRY(protected_key_seal(key_set_seed(key), passphrase, &kdf_cost_default, &entropy_system,
	                       &line, e));
	return secret_copy(buf_view(&line), ret, e);
}

int key_set_write(const char *path, const struct key_set *key, const struct secret *passphrase,
                  struct err *e)
{
	AUTO(secret) struct secret text = { 0 };

	TRY(format(key, passphrase, &text, e));
	return file_create_secret(path, &text, e);
}

int key_set_rewrite(const char *path, const struct key_set *key, const struct secret *passphrase,
                    struct err *e)
{
	AUTO(secret) struct secret text = { 0 };
	AUTO(text) char *real = NULL;

	/* By the name that a link leads to: the key must be replaced in one step, and there. */
	TRY(format(key, passphrase, &text, e));
	TRY(path_real(path, &real, e));
	return file_write(real, secret_view(&text), 0600, e);
}

int public_key_read(const char *path, struct public_key *ret, struct err *e)
{
	AUTO(secret) struct secret text = { 0 };
	AUTO(buf) struct buf bytes = BUF_INIT(PUBLIC_FILE_MAX);

	/* It may be the wrong half that was named. */
	TRY(file_read_secret(path, PUBLIC_FILE_MAX, &text, e));
	if (is_seed(secret_view(&text)))
		return err_set(
		    e, ERR_DATA,
		    "public key file '%s' holds a member's secret key; the public half is "
		    "meant, the PREFIX.pub that member keygen wrote beside it",
		    path);
	if (hex_parse(secret_view(&text), &bytes, e) < 0 ||
	    public_key_parse(buf_view(&bytes), ret, e) < 0)
		return err_wrap(e, "public key file '%s'", path);
	return 0;
}

int public_key_write(const char *path, const struct public_key *key, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(2 * PUBLIC_KEY_LEN);

	TRY(hex_format(public_key_view(key), &text, e));
	return file_write(path, buf_view(&text), 0644, e);
}

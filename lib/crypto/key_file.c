#include "base/file.h"
#include "base/text.h"
#include "crypto/key_set.h"

/* The digits, a prefix of 0x and white space around, as an editor or echo leaves it. */
#define SECRET_FILE_MAX (2 * SEED_LEN + 64)
#define PUBLIC_FILE_MAX (2 * PUBLIC_KEY_LEN + 64)

int key_set_read(const char *path, struct key_set **ret, struct err *e)
{
	AUTO(secret) struct secret text = { 0 };
	AUTO(secret) struct secret seed = { 0 };

	TRY(file_read_secret(path, SECRET_FILE_MAX, &text, e));
	if (hex_parse_secret(secret_view(&text), SEED_LEN, &seed, e) < 0 ||
	    key_set_derive(&seed, ret, e) < 0)
		return err_wrap(e, "key file '%s'", path);
	return 0;
}

int key_set_write(const char *path, const struct key_set *key, struct err *e)
{
	AUTO(secret) struct secret text = { 0 };

	TRY(hex_format_secret(secret_view(key_set_seed(key)), &text, e));
	return file_create_secret(path, &text, e);
}

int public_key_read(const char *path, struct public_key *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PUBLIC_FILE_MAX);
	AUTO(buf) struct buf bytes = BUF_INIT(PUBLIC_FILE_MAX);

	TRY(file_read_regular(path, &text, e));
	if (hex_parse(buf_view(&text), &bytes, e) < 0 ||
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

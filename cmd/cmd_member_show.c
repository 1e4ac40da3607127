#include "cmd.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"

#include <string.h>

#define PATH_LEN_MAX   4096               /* Linux's PATH_MAX */
#define KEY_FILE_MAX   1024               /* 260 digits, a prefix, white space */
#define SECRET_LEN_MAX (2 * SEED_LEN + 2) /* with 0x; a public key has more digits */

struct show_args {
	const char *file;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct show_args, file),
	  .doc = "a member's .secret or .pub, or the PREFIX of both; - is standard input" },
};

struct shown_key {
	bool secret;
	uint8_t fingerprint[32], public_key[PUBLIC_KEY_LEN];
};
static const struct wire_field shown_key_fields[] = {
	JSON_BOOL(shown_key, secret),
	JSON_HEX_FIXED(shown_key, fingerprint),
	JSON_HEX_FIXED(shown_key, public_key),
};
static const struct wire_schema shown_key_schema = JSON_SCHEMA(shown_key, shown_key_fields);

static int from_secret(struct view text, struct public_key *ret, struct err *e)
{
	AUTO(secret) struct secret seed = { 0 };
	AUTO(key_set) struct key_set *key = NULL;

	TRY(hex_parse_secret(text, SEED_LEN, &seed, e));
	TRY(key_set_derive(&seed, &key, e));
	*ret = *key_set_public(key);
	return 0;
}

static int from_public(struct view text, struct public_key *ret, struct err *e)
{
	uint8_t bytes[PUBLIC_KEY_LEN];

	TRY(hex_parse_exact(text, bytes, sizeof(bytes), e));
	return public_key_parse(VIEW_OF(bytes), ret, e);
}

/* Whichever of the two it is: until that is known it is read as a secret. */
static int read_key(const char *path, struct public_key *ret, bool *ret_secret, struct err *e)
{
	AUTO(secret) struct secret content = { 0 };
	struct view text;
	bool is_secret;

	TRY(file_read_secret(path, KEY_FILE_MAX, &content, e));
	text = text_trim(secret_view(&content));
	is_secret = text.len <= SECRET_LEN_MAX;
	if ((is_secret ? from_secret(text, ret, e) : from_public(text, ret, e)) < 0)
		return err_wrap(e, "'%s'", path);
	*ret_secret = is_secret;
	return 0;
}

/* Where there is no FILE, but a FILE.pub, as member keygen has made it of that prefix. */
static int find_file(const char *file, char **ret, struct err *e)
{
	AUTO(buf) struct buf pub = BUF_INIT(PATH_LEN_MAX);

	TRY(buf_add_format(&pub, e, "%s.pub", file));
	return text_dup(
	    !file_is_there(file) && file_is_there(buf_text(&pub)) ? buf_text(&pub) : file, ret, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct show_args *args = arguments;
	AUTO(text) char *file = NULL;
	struct shown_key shown = { 0 };
	char hex[2 * PUBLIC_KEY_LEN + 1];
	struct hash256 fingerprint;
	struct public_key key;

	TRY(find_file(args->file, &file, e));
	TRY(read_key(file, &key, &shown.secret, e));
	TRY(sha256(public_key_view(&key), &fingerprint, e));
	memcpy(shown.fingerprint, fingerprint.bytes, sizeof(shown.fingerprint));
	memcpy(shown.public_key, key.bytes, sizeof(shown.public_key));
	print_line(c, "file         %s (%s)", file,
	           shown.secret ? "secret half; what follows is public" : "public half");
	hex_write(VIEW_OF(fingerprint.bytes), hex);
	print_line(c, "fingerprint  %s", hex);
	hex_write(public_key_view(&key), hex);
	print_line(c, "public key   %s", hex);
	return print_json(c, &shown_key_schema, &shown, e);
}

const struct cmd cmd_member_show = {
	.name = "member show",
	.summary = "show the public half of a member's key",
	.details =
	    "Reads a .secret or a .pub and prints the public key and its fingerprint, which is "
	    "the SHA-256 of its 130 bytes. Two people who read the same fingerprint to each other "
	    "hold the same public key. The secret half is never shown.",
	.examples = { { "teectl member show alice.pub", "compare fingerprints with alice" },
	              { "teectl member show alice.secret -o json | jq -r .public_key > alice.pub",
	                "make a lost .pub anew" } },
	.exits = { 65, 66 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct show_args),
	.run = run,
};

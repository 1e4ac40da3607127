#include "cmd.h"
#include "passphrase.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/key_set.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_LEN_MAX 4096 /* Linux's PATH_MAX */

struct keygen_args {
	struct text_list prefixes;
	bool passphrase;
	int64_t passphrase_fd;
};

static const struct opt opts[] = {
	{ .name = "passphrase",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct keygen_args, passphrase),
	  .doc = "protect each key with one; asked for twice" },
	PASSPHRASE_FD_OPT(keygen_args, passphrase_fd),
	{ .kind = OPT_FILE,
	  .metavar = "PREFIX",
	  .is_list = true,
	  .is_required = true,
	  .offset = offsetof(struct keygen_args, prefixes),
	  .doc = "where to write: PREFIX.secret and PREFIX.pub" },
};

struct made_key {
	struct buf secret, pub;
	uint8_t public_key[PUBLIC_KEY_LEN];
	bool kept; /* it was there already */
};
static const struct wire_field made_key_fields[] = {
	JSON_TEXT(made_key, secret),
	JSON_TEXT(made_key, pub),
	JSON_HEX_FIXED(made_key, public_key),
	JSON_BOOL(made_key, kept),
};
static const struct wire_schema made_key_schema = JSON_SCHEMA(made_key, made_key_fields);

struct keygen_reply {
	struct wire_list keys;
};
static const struct wire_field keygen_reply_fields[] = {
	JSON_LIST(keygen_reply, keys, made_key_schema),
};
static const struct wire_schema keygen_reply_schema =
    JSON_SCHEMA(keygen_reply, keygen_reply_fields);
WIRE_DROP(keygen_reply);

static const char *const suffixes[] = { ".secret", ".pub" };

static void file_name(const char *prefix, const char *suffix, char to[static PATH_LEN_MAX])
{
	snprintf(to, PATH_LEN_MAX, "%s%s", prefix, suffix);
}

/* Is the pair there already? One half without the other is not made up for: the secret half might
 * not be this one's. */
static int look(const char *prefix, bool *ret_is_there, struct err *e)
{
	bool is_there[COUNT(suffixes)];
	char name[PATH_LEN_MAX];

	if (strlen(prefix) > PATH_LEN_MAX - sizeof(".secret"))
		return err_set(e, ERR_USAGE, "PREFIX has more than %zu bytes",
		               PATH_LEN_MAX - sizeof(".secret"));
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		file_name(prefix, suffixes[i], name);
		is_there[i] = file_is_there(name);
	}
	*ret_is_there = is_there[0] && is_there[1];
	if (is_there[0] == is_there[1])
		return 0;
	return err_set(e, ERR_DATA, "'%s%s' is there without its '%s'; a key is never overwritten",
	               prefix, suffixes[is_there[0] ? 0 : 1], suffixes[is_there[0] ? 1 : 0]);
}

/* Before the first key is made: what can't be done as a whole is not begun. */
static int check_all(const struct text_list *prefixes, struct err *e)
{
	bool ignored;

	for (size_t i = 0; i < prefixes->count; i++)
		TRY(look(prefixes->items[i], &ignored, e));
	return 0;
}

static int make_folder(const char *prefix, struct err *e)
{
	AUTO(text) char *folder = NULL;
	struct stat found;

	TRY(path_folder(prefix, &folder, e));
	if (stat(folder, &found) < 0)
		return folder_make_private(folder, e);
	if (!S_ISDIR(found.st_mode))
		return err_set(e, ERR_DATA, "'%s' is not a folder", folder);
	return 0;
}

/* The secret is written first: a public half without its secret would be worth nothing. */
static int make_key(const char *prefix, struct passphrases *p, struct made_key *ret, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(secret) struct secret passphrase = { 0 };
	char secret[PATH_LEN_MAX], pub[PATH_LEN_MAX];

	file_name(prefix, suffixes[0], secret);
	file_name(prefix, suffixes[1], pub);
	TRY(make_folder(prefix, e));
	if (p)
		TRY(passphrase_new(p, secret, &passphrase, e));
	TRY(key_set_generate(&entropy_system, "member", &key, e));
	TRY(key_set_write(secret, key, p ? &passphrase : NULL, e));
	TRY(public_key_write(pub, key_set_public(key), e));
	TRY(wire_set_text(&ret->secret, secret, e));
	TRY(wire_set_text(&ret->pub, pub, e));
	memcpy(ret->public_key, key_set_public(key)->bytes, PUBLIC_KEY_LEN);
	return 0;
}

static int keep_key(const char *prefix, struct made_key *ret, struct err *e)
{
	char secret[PATH_LEN_MAX], pub[PATH_LEN_MAX];
	struct public_key key;

	file_name(prefix, suffixes[0], secret);
	file_name(prefix, suffixes[1], pub);
	TRY(public_key_read(pub, &key, e));
	TRY(wire_set_text(&ret->secret, secret, e));
	TRY(wire_set_text(&ret->pub, pub, e));
	memcpy(ret->public_key, key.bytes, PUBLIC_KEY_LEN);
	ret->kept = true;
	return 0;
}

/* Whoever has the cluster file here goes on with it; a member elsewhere hands the public half over.
 */
static void say_next(struct context *c, const struct keygen_reply *reply)
{
	const struct made_key *first = reply->keys.items;
	AUTO(buf) struct buf next = BUF_INIT(FILE_OPTION_MAX);
	struct err e;

	if (file_is_there(c->global.file))
		print_next(c, "teectl validate");
	else if (buf_add_text(&next, "teectl member show ", &e) == 0 &&
	         text_add_shell_word(buf_text(&first->pub), &next, &e) == 0 &&
	         buf_add_text(&next, "; the .pub goes to whoever writes the cluster file", &e) == 0)
		print_next(c, buf_text(&next));
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(keygen_reply) struct keygen_reply reply = { 0 };
	const struct keygen_args *args = arguments;
	bool is_protected = args->passphrase || args->passphrase_fd >= 0;
	AUTO(passphrases) struct passphrases p = { 0 };
	size_t made = 0;

	(void)passphrases_begin(&p, c, args->passphrase_fd);
	TRY(check_all(&args->prefixes, e));
	for (size_t i = 0; i < args->prefixes.count; i++) {
		const char *prefix = args->prefixes.items[i];
		bool is_there = false;
		struct made_key *key;

		TRY(wire_list_add(&reply.keys, &made_key_schema, &key, e));
		TRY(look(prefix, &is_there, e));
		TRY(is_there ? keep_key(prefix, key, e)
		             : make_key(prefix, is_protected ? &p : NULL, key, e));
		made += !is_there;
		print_line(c, "%s and %s%s", buf_text(&key->secret), buf_text(&key->pub),
		           is_there ? " (kept: there already)" : "");
	}
	if (made == 0)
		print_line(c, "nothing to do: every key is there already");
	if (made && c->global.output == OUTPUT_TABLE)
		context_say(
		    c,
		    "keep %s with its member alone, and a copy of it and of the share in a safe "
		    "place: a lost key is one share less, for good",
		    made == 1 ? "the .secret" : "each .secret");
	say_next(c, &reply);
	return print_json(c, &keygen_reply_schema, &reply, e);
}

const struct cmd cmd_member_keygen = {
	.name = "member keygen",
	.summary = "make a member's key pair",
	.details =
	    "Writes PREFIX.secret, readable by its owner alone, and PREFIX.pub, in the format of "
	    "QuorumOS: hex of the 32-byte master seed, and of the 130-byte public key. A key "
	    "that is there already is kept and named, never overwritten. A folder that is missing is made.\n\n"
	    "PREFIX.pub goes to whoever writes the cluster file. PREFIX.secret never leaves the "
	    "member: it opens the share that genesis gives him, and it approves manifests in his "
	    "name. Keep it on a machine without network if there is one, with --passphrase, and a "
	    "copy of it, as well as of the share, on a medium in a safe place: a member whose key "
	    "is lost is one share less, for good. Copies are kept apart from those of other "
	    "members; as many as the threshold in one place are the quorum key. `teectl share "
	    "check` shows from time to time that key and share are still good. "
	    "teectl-member-protect(1) gives the layout of a key with a passphrase.",
	.examples = { { "teectl member keygen alice", "make alice.secret and alice.pub" },
	              { "teectl member keygen --passphrase alice", "and ask for a passphrase" },
	              { "teectl member keygen members/member1 members/member2 members/member3",
	                "make the keys of a cluster on a laptop" } },
	.exits = { 65, 66, 130 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct keygen_args),
	.run = run,
};

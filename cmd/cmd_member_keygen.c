#include "cmd.h"
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
};

static const struct opt opts[] = {
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
};
static const struct wire_field made_key_fields[] = {
	JSON_TEXT(made_key, secret),
	JSON_TEXT(made_key, pub),
	JSON_HEX_FIXED(made_key, public_key),
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

/* Before the first key is made: a run that stops in the middle could not be repeated. */
static int check_free(const struct text_list *prefixes, struct err *e)
{
	char name[PATH_LEN_MAX];

	for (size_t i = 0; i < prefixes->count * COUNT(suffixes); i++) {
		const char *prefix = prefixes->items[i / COUNT(suffixes)];

		if (strlen(prefix) > PATH_LEN_MAX - sizeof(".secret"))
			return err_set(e, ERR_USAGE, "PREFIX has more than %zu bytes",
			               PATH_LEN_MAX - sizeof(".secret"));
		file_name(prefix, suffixes[i % COUNT(suffixes)], name);
		if (file_is_there(name))
			return err_set(e, ERR_DATA,
			               "'%s' is there already; a key is never overwritten", name);
	}
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
static int make_key(const char *prefix, struct made_key *ret, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	char secret[PATH_LEN_MAX], pub[PATH_LEN_MAX];

	file_name(prefix, suffixes[0], secret);
	file_name(prefix, suffixes[1], pub);
	TRY(make_folder(prefix, e));
	TRY(key_set_generate(&entropy_system, "member", &key, e));
	TRY(key_set_write(secret, key, e));
	TRY(public_key_write(pub, key_set_public(key), e));
	TRY(wire_set_text(&ret->secret, secret, e));
	TRY(wire_set_text(&ret->pub, pub, e));
	memcpy(ret->public_key, key_set_public(key)->bytes, PUBLIC_KEY_LEN);
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(keygen_reply) struct keygen_reply reply = { 0 };
	const struct keygen_args *args = arguments;

	TRY(check_free(&args->prefixes, e));
	for (size_t i = 0; i < args->prefixes.count; i++) {
		struct made_key *made;

		TRY(wire_list_add(&reply.keys, &made_key_schema, &made, e));
		TRY(make_key(args->prefixes.items[i], made, e));
		print_line(c, "%s and %s", buf_text(&made->secret), buf_text(&made->pub));
	}
	return print_json(c, &keygen_reply_schema, &reply, e);
}

const struct cmd cmd_member_keygen = {
	.name = "member keygen",
	.summary = "make a member's key pair",
	.details =
	    "Writes PREFIX.secret, readable by its owner alone, and PREFIX.pub, in the format of "
	    "QuorumOS: hex of the 32-byte master seed, and of the 130-byte public key. Files that "
	    "are there already are never overwritten. A folder that is missing is made.\n\n"
	    "The member keeps PREFIX.secret where nobody else reads it; it opens the share that "
	    "genesis gives the member. PREFIX.pub goes to whoever writes the cluster file.",
	.examples = { { "teectl member keygen alice", "make alice.secret and alice.pub" },
	              { "teectl member keygen members/member1 members/member2 members/member3",
	                "make the keys of a cluster on a laptop" } },
	.exits = { 65, 66 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct keygen_args),
	.run = run,
};

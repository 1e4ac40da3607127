#include "cmd.h"
#include "passphrase.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/key_set_folder.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"
#include "crypto/protected_key.h"

#include <string.h>
#include <sys/stat.h>

#define PATH_LEN_MAX   4096               /* Linux's PATH_MAX */
#define KEY_FILE_MAX   1024               /* 260 digits, a prefix, white space */
#define SECRET_LEN_MAX (2 * SEED_LEN + 2) /* with 0x; a public key has more digits */

struct show_args {
	const char *file;
	int64_t passphrase_fd;
};

static const struct opt opts[] = {
	PASSPHRASE_FD_OPT(show_args, passphrase_fd),
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct show_args, file),
	  .doc =
	      "a member's .secret or .pub, the PREFIX of both, or a key-set folder; - is standard "
	      "input" },
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

struct shown_member {
	struct buf alias;
	uint8_t fingerprint[32], public_key[PUBLIC_KEY_LEN];
};
static const struct wire_field shown_member_fields[] = {
	JSON_TEXT(shown_member, alias),
	JSON_HEX_FIXED(shown_member, fingerprint),
	JSON_HEX_FIXED(shown_member, public_key),
};
static const struct wire_schema shown_member_schema =
    JSON_SCHEMA(shown_member, shown_member_fields);

struct shown_set {
	int64_t threshold;
	struct wire_list members;
};
static const struct wire_field shown_set_fields[] = {
	JSON_NUMBER(shown_set, threshold),
	JSON_LIST(shown_set, members, shown_member_schema),
};
static const struct wire_schema shown_set_schema = JSON_SCHEMA(shown_set, shown_set_fields);
WIRE_DROP(shown_set);

static void members_drop(struct cluster_member_list *list)
{
	cluster_member_list_drop(list);
}

static int show_member(const struct cluster_member *m, struct shown_set *set, struct table *t,
                       struct err *e)
{
	struct shown_member *shown;
	struct hash256 fingerprint;
	struct public_key key;
	char hex[65];

	TRY(public_key_read(m->pub, &key, e));
	TRY(sha256(public_key_view(&key), &fingerprint, e));
	TRY(wire_list_add(&set->members, &shown_member_schema, &shown, e));
	TRY(wire_set_text(&shown->alias, m->name, e));
	memcpy(shown->fingerprint, fingerprint.bytes, sizeof(shown->fingerprint));
	memcpy(shown->public_key, key.bytes, sizeof(shown->public_key));
	hex_write(VIEW_OF(fingerprint.bytes), hex);
	TRY(table_cell(t, TONE_PLAIN, e, "%s", m->name));
	return table_cell(t, TONE_PLAIN, e, "%s", hex);
}

static int show_folder(struct context *c, const char *path, struct err *e)
{
	AUTO(members) struct cluster_member_list list = { 0 };
	AUTO(shown_set) struct shown_set set = { 0 };
	AUTO(table) struct table t = TABLE_INIT("MEMBER", "FINGERPRINT");

	t.keeps_last = true;
	TRY(key_set_folder_read(path, /* min_threshold= */ 1, &list, e));
	set.threshold = list.threshold;
	for (size_t i = 0; i < list.count; i++)
		TRY(show_member(&list.items[i], &set, &t, e));
	print_line(c, "%s: %lld of %zu", path, (long long)list.threshold, list.count);
	table_print(c, &t);
	return print_json(c, &shown_set_schema, &set, e);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int from_secret(struct view text, const char *path, const struct passphrase_source *from,
                       struct public_key *ret, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;

	TRY(key_set_parse(text, path, from, &key, e));
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
static int read_key(const char *path, const struct passphrase_source *from, struct public_key *ret,
                    bool *ret_secret, struct err *e)
{
	AUTO(secret) struct secret content = { 0 };
	struct view text;
	bool is_secret;

	TRY(file_read_secret(path, KEY_FILE_MAX, &content, e));
	text = text_trim(secret_view(&content));
	is_secret = text.len <= SECRET_LEN_MAX || protected_key_is(text);
	if ((is_secret ? from_secret(text, path, from, ret, e) : from_public(text, ret, e)) < 0)
		return e->code == ERR_DATA ? err_wrap(e, "'%s'", path) : -1;
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

static int show_file(struct context *c, const struct show_args *args, struct err *e)
{
	AUTO(text) char *file = NULL;
	struct shown_key shown = { 0 };
	char hex[2 * PUBLIC_KEY_LEN + 1];
	struct hash256 fingerprint;
	AUTO(passphrases) struct passphrases p = { 0 };
	struct public_key key;

	TRY(find_file(args->file, &file, e));
	TRY(read_key(file, passphrases_begin(&p, c, args->passphrase_fd), &key, &shown.secret, e));
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

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct show_args *args = arguments;

	return is_folder(args->file) ? show_folder(c, args->file, e) : show_file(c, args, e);
}

const struct cmd cmd_member_show = {
	.name = "member show",
	.summary = "show the public half of a member's key",
	.details =
	    "Reads a .secret or a .pub and prints the public key and its fingerprint, which is "
	    "the SHA-256 of its 130 bytes. Two people who read the same fingerprint to each other "
	    "hold the same public key. The secret half is never shown.\n\n"
	    "Of a key-set folder of QuorumOS's (NAME.pub files and quorum_threshold, as `keySet:` of "
	    "the cluster file names one) it lists every member, and the threshold.",
	.examples = { { "teectl member show alice.pub", "compare fingerprints with alice" },
	              { "teectl member show share-set/", "who is in a key set" },
	              { "teectl member show alice.secret -o json | jq -r .public_key > alice.pub",
	                "make a lost .pub anew" } },
	.exits = { 65, 66, 130 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct show_args),
	.run = run,
};

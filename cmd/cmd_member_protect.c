#include "cmd.h"
#include "passphrase.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"

struct protect_args {
	const char *file;
	bool remove;
	int64_t passphrase_fd;
};

static const struct opt opts[] = {
	{ .name = "remove",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct protect_args, remove),
	  .doc = "take the passphrase away again" },
	PASSPHRASE_FD_OPT(protect_args, passphrase_fd),
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct protect_args, file),
	  .doc = "the member's .secret" },
};

struct protected_file {
	struct buf file;
	bool was, is;
};
static const struct wire_field fields[] = {
	JSON_TEXT(protected_file, file),
	{ .name = "was_protected",
	  .kind = WIRE_BOOL,
	  .offset = WIRE_OFFSET(struct protected_file, was, bool),
	  .presence = SIZE_MAX },
	{ .name = "is_protected",
	  .kind = WIRE_BOOL,
	  .offset = WIRE_OFFSET(struct protected_file, is, bool),
	  .presence = SIZE_MAX },
};
static const struct wire_schema protected_file_schema = JSON_SCHEMA(protected_file, fields);
WIRE_DROP(protected_file);

static int change(const struct protect_args *args, struct passphrases *p, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(secret) struct secret passphrase = { 0 };

	TRY(key_set_read(args->file, &p->source, &key, e));
	if (!args->remove)
		TRY(passphrase_new(p, args->file, &passphrase, e));
	return key_set_rewrite(args->file, key, args->remove ? NULL : &passphrase, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(protected_file) struct protected_file r = { 0 };
	const struct protect_args *args = arguments;
	AUTO(passphrases) struct passphrases p = { 0 };

	(void)passphrases_begin(&p, c, args->passphrase_fd);
	TRY(key_file_is_protected(args->file, &r.was, e));
	r.is = !args->remove;
	TRY(wire_set_text(&r.file, args->file, e));
	if (r.was || r.is)
		TRY(change(args, &p, e));
	print_line(c, "%s: %s", args->file,
	           r.is    ? r.was ? "has another passphrase now" : "is protected now"
	           : r.was ? "is no longer protected"
	                   : "nothing to do: it has no passphrase");
	return print_json(c, &protected_file_schema, &r, e);
}

const struct cmd cmd_member_protect = {
	.name = "member protect",
	.summary = "protect a member's key with a passphrase",
	.details =
	    "Writes the key file anew, sealed with a key that scrypt derives from a passphrase; a "
	    "file that has one gets another. Every verb that reads a key asks for its passphrase "
	    "on the terminal, or reads it from --passphrase-fd, one line a key in the order in which "
	    "they are asked for, and once however often it uses the key; here the old one first, "
	    "then the new. A lost passphrase is a lost key: nobody "
	    "can reset it.\n\n"
	    "The file is one line: teectl-key-v1:scrypt:LN:R:P:SALT:NONCE:SEALED. scrypt (RFC "
	    "7914) with N = 2^LN, block size R and parallelism P (17, 8, 1; read up to 256 MiB of "
	    "memory and 2^22 steps) makes 32 bytes of the passphrase and the 16-byte SALT; under "
	    "these and the 12-byte NONCE, AES-256-GCM seals the 32-byte master seed, and "
	    "authenticates the line up to its last colon. SALT, NONCE and SEALED are hex; SEALED "
	    "ends with the tag. Without its passphrase it opens with nothing else; QuorumOS's own "
	    "tools read the file only after --remove.",
	.examples = { { "teectl member protect alice.secret", "asked for on the terminal, twice" },
	              { "teectl member protect --remove alice.secret",
	                "back to QuorumOS's plain form" },
	              { "teectl member protect alice.secret --passphrase-fd 0 <passphrase",
	                "for a script" } },
	.exits = { 65, 66, 130 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct protect_args),
	.run = run,
};

/* Asking for the passphrase of a key: on the terminal, or for scripts from a descriptor. */
#ifndef TEECTL_CMD_PASSPHRASE_H
#define TEECTL_CMD_PASSPHRASE_H

#include "cmd.h"
#include "crypto/key_set.h"

#define PASSPHRASE_MAX 1024    /* bytes; a sentence, not a file given by mistake */
#define DESCRIPTOR_MAX 1048576 /* Linux's fs.nr_open */
/* Of all that are kept, a quarter of the arena of secrets: the rest is for keys and shares. What
 * finds no room is asked for again. */
#define PASSPHRASES_KEPT_MAX 16384

/* The row of an option whose value is at member (int64_t) of the verb's struct. */
#define PASSPHRASE_FD_OPT(of, member)                                                              \
	{                                                                                          \
		.name = "passphrase-fd", .kind = OPT_NUMBER, .metavar = "N",                       \
		.offset = offsetof(struct of, member), .min = 0, .max = DESCRIPTOR_MAX,            \
		.doc = "read passphrases from descriptor N, one line a key, in the order in which" \
		       " they are asked for; else they are asked for on the terminal",             \
	}

/* Each key's passphrase is asked for once: what opened it is kept until the drop. */
struct kept_passphrase;
struct passphrases {
	struct context *c;
	int64_t fd; /* -1: the terminal */
	struct passphrase_source source;
	struct kept_passphrase *kept; /* a list */
	size_t kept_bytes;
};

void passphrases_drop(struct passphrases *p);
/* p: borrowed by its own source, so it stays where it is; passphrases_drop when the verb ends.
 * Returns &p->source. */
const struct passphrase_source *passphrases_begin(struct passphrases *p, struct context *c,
                                                  int64_t fd);
/* A new one for the key at path: on the terminal twice.
 * fails  ERR_DATA: empty, too long, or the two differ; ERR_USAGE: nobody is there to ask;
 *        ERR_INTERRUPTED: by a signal. The terminal is as it was in every case. */
MUST_CHECK int passphrase_new(struct passphrases *p, const char *path, struct secret *ret,
                              struct err *e);

#endif

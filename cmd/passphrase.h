/* Asking for the passphrase of a key: on the terminal, or for scripts from a descriptor. */
#ifndef TEECTL_CMD_PASSPHRASE_H
#define TEECTL_CMD_PASSPHRASE_H

#include "cmd.h"
#include "crypto/key_set.h"

#define PASSPHRASE_MAX 1024    /* bytes; a sentence, not a file given by mistake */
#define DESCRIPTOR_MAX 1048576 /* Linux's fs.nr_open */

/* The row of an option whose value is at member (int64_t) of the verb's struct. */
#define PASSPHRASE_FD_OPT(of, member)                                                              \
	{                                                                                          \
		.name = "passphrase-fd", .kind = OPT_NUMBER, .metavar = "N",                       \
		.offset = offsetof(struct of, member), .min = 0, .max = DESCRIPTOR_MAX,            \
		.doc = "read passphrases from descriptor N, one a line; else they are asked for"   \
		       " on the terminal",                                                         \
	}

struct passphrases {
	struct context *c;
	int64_t fd; /* -1: the terminal */
	struct passphrase_source source;
};

/* p: borrowed by its own source, so it stays where it is. Returns &p->source. */
const struct passphrase_source *passphrases_begin(struct passphrases *p, struct context *c,
                                                  int64_t fd);
/* A new one for the key at path: on the terminal twice.
 * fails  ERR_DATA: empty, too long, or the two differ; ERR_USAGE: nobody is there to ask;
 *        ERR_INTERRUPTED: by a signal. The terminal is as it was in every case. */
MUST_CHECK int passphrase_new(struct passphrases *p, const char *path, struct secret *ret,
                              struct err *e);

#endif

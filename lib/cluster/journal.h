/* The evidence journal: what an auditor needs to replay every check without network, one line of
 * compact JSON a fact, only ever appended to. Each line has the SHA-256 of the one before it (its
 * bytes without the newline; zeroes in the first), so that no line can be changed, dropped,
 * repeated or moved without the rest being written anew; whoever has noted a head finds that too.
 *
 * A line is whole when its newline is there. What a crash has cut short stays in its place, and the
 * next line says how many bytes that were, with their SHA-256 (kind "mended").
 *
 * Never a secret: what is sealed to a TEE is there as its SHA-256 alone. Of the genesis output,
 * which its document attests as a whole, the shares are part, each sealed to its member. */
#ifndef TEECTL_CLUSTER_JOURNAL_H
#define TEECTL_CLUSTER_JOURNAL_H

#include "crypto/hash.h"
#include "proto/wire.h"

#define JOURNAL_FILE "journal" /* in the state folder */
/* A genesis of 255 members: 90 KiB of output, 70 KiB of manifest, a third more as base64. */
#define JOURNAL_LINE_MAX WIRE_TEXT_MAX
/* A million forwards or so; it is mapped, not copied. */
#define JOURNAL_MAX ((size_t)16 << 30) /* on a machine of 64 bits */
_Static_assert(sizeof(size_t) >= 8, "a journal is mapped whole");
/* From a pipe, which can't be mapped. */
#define JOURNAL_READ_MAX ((size_t)256 << 20)

/* The payload: a member of struct journal_line that must, or may, be there. */
enum {
	JOURNAL_HAS_STEP = 1 << 0,
	JOURNAL_HAS_OUTCOME = 1 << 1,
	JOURNAL_HAS_DOCUMENT = 1 << 2,
	JOURNAL_HAS_NONCE = 1 << 3,
	JOURNAL_HAS_MAX_AGE = 1 << 4,
	JOURNAL_HAS_OUTPUT = 1 << 5,
	JOURNAL_HAS_ENVELOPE = 1 << 6,
	JOURNAL_HAS_ASKED = 1 << 7,
	JOURNAL_HAS_PEER = 1 << 8,
	JOURNAL_HAS_SEALED = 1 << 9,
	JOURNAL_HAS_SIGNATURE = 1 << 10,
	JOURNAL_HAS_CHALLENGE = 1 << 11,
	JOURNAL_HAS_BODY = 1 << 12,
	JOURNAL_HAS_PREVIOUS = 1 << 13,
	JOURNAL_HAS_MANIFEST = 1 << 14,
	JOURNAL_HAS_MEMBER = 1 << 15,
	JOURNAL_HAS_SETUP_KEY = 1 << 16,
	JOURNAL_HAS_TORN = 1 << 17,
	JOURNAL_HAS_TORN_LEN = 1 << 18,
};

/* id, name, what must be there, what may be there besides, what it says */
#define JOURNAL_KIND_LIST(X)                                                                       \
	X(JOURNAL_MENDED, "mended", JOURNAL_HAS_TORN | JOURNAL_HAS_TORN_LEN, 0,                    \
	  "lines above were cut short by a crash")                                                 \
	X(JOURNAL_STEP, "step", JOURNAL_HAS_STEP | JOURNAL_HAS_OUTCOME, 0,                         \
	  "a step of teectl's: begin, done, or why it failed")                                     \
	X(JOURNAL_DOCUMENT, "document",                                                            \
	  JOURNAL_HAS_DOCUMENT | JOURNAL_HAS_NONCE | JOURNAL_HAS_MAX_AGE, 0,                       \
	  "a live attestation document of the node, verified")                                     \
	X(JOURNAL_GENESIS, "genesis",                                                              \
	  JOURNAL_HAS_OUTPUT | JOURNAL_HAS_DOCUMENT | JOURNAL_HAS_ENVELOPE | JOURNAL_HAS_ASKED, 0, \
	  "the quorum key was born in the node")                                                   \
	X(JOURNAL_MANIFEST, "manifest", JOURNAL_HAS_ENVELOPE, 0,                                   \
	  "a manifest with its approvals, given to the node; nobody's: adopted by the cluster")    \
	X(JOURNAL_SHARE, "share",                                                                  \
	  JOURNAL_HAS_MEMBER | JOURNAL_HAS_SETUP_KEY | JOURNAL_HAS_SEALED |                        \
	      JOURNAL_HAS_SIGNATURE | JOURNAL_HAS_MANIFEST,                                        \
	  0, "a member's signed share, sent to the node")                                          \
	X(JOURNAL_EXPORT, "export", JOURNAL_HAS_PEER | JOURNAL_HAS_SEALED | JOURNAL_HAS_SIGNATURE, \
	  0, "the node sealed the quorum key to the TEE of the document peer")                     \
	X(JOURNAL_RECEIPT, "receipt",                                                              \
	  JOURNAL_HAS_BODY | JOURNAL_HAS_SIGNATURE | JOURNAL_HAS_MANIFEST, JOURNAL_HAS_PREVIOUS,   \
	  "the node's receipt of what it did with the quorum key")                                 \
	X(JOURNAL_PROOF, "proof",                                                                  \
	  JOURNAL_HAS_CHALLENGE | JOURNAL_HAS_DOCUMENT | JOURNAL_HAS_SIGNATURE |                   \
	      JOURNAL_HAS_MAX_AGE,                                                                 \
	  0, "the node proved that it holds the quorum key")

enum journal_kind {
#define X(id, name, required, optional, doc) id,
	JOURNAL_KIND_LIST(X)
#undef X
	    JOURNAL_KIND_COUNT
};
extern const char *const journal_kind_names[]; /* NULL-terminated */

struct journal_kind_row {
	unsigned required, optional;
	const char *doc;
};
extern const struct journal_kind_row journal_kinds[]; /* by enum journal_kind; for the manual */
/* The JSON keys of bits, one a call; *at: 0 at first. NULL: no more. */
const char *journal_next_key(unsigned bits, size_t *at);

struct journal_line {
	int64_t sequence; /* from 1 */
	struct buf time;  /* RFC 3339: when it was written */
	int kind;         /* enum journal_kind */
	struct buf node;  /* whose it is, by the cluster file's name; empty: nobody's */
	uint8_t prev[32];

	struct buf step, outcome;
	struct buf document; /* COSE_Sign1: here alone; elsewhere by its SHA-256 */
	struct buf nonce;    /* that teectl had asked with */
	struct buf output;   /* borsh of GenesisOutput */
	struct buf envelope; /* borsh of the manifest envelope, approvals included */
	struct buf peer;     /* SHA-256 of a document */
	struct buf sealed;   /* SHA-256 of an envelope: of the quorum key, or of a share */
	struct buf signature;
	struct buf challenge;
	struct buf body;     /* of a receipt */
	struct buf previous; /* SHA-256 of the message of the receipt before; zeroes in the first.
	                        Absent: it was not known, so the receipt is not verified */
	struct buf manifest; /* the hash that a signed statement has */
	struct buf member;
	struct buf setup_key; /* SHA-256 of it */
	struct buf torn;      /* SHA-256 of what was cut short, without its last newline */
	bool has_max_age, has_asked, has_torn_len;
	int64_t max_age_ms, asked_ms, torn_len;
};
extern const struct wire_schema journal_line_schema;
WIRE_DROP(journal_line);

/* Outcomes of a step; any other is why it failed. */
#define JOURNAL_BEGIN "begin"
#define JOURNAL_DONE  "done"

/* --- appending */

struct journal {
	char *path;
	int fd;
	int64_t size;        /* of the file when it was last looked at; -1: never */
	int64_t sequence;    /* of the last line */
	struct hash256 head; /* SHA-256 of the last line */
	bool is_unsynced;    /* written, and lost if the machine stops now */
};

#define JOURNAL_INIT ((struct journal){ .fd = -1, .size = -1 })

/* Opens it, or makes it: mode 0600. Reads nothing yet. */
MUST_CHECK int journal_open(const char *path, struct journal *ret, struct err *e);
void journal_drop(struct journal *j);
/* Fills in sequence, time and prev, and writes: it outlives this process, and once journal_sync has
 * returned, the machine. Others may append at the same time: each holds the file's lock meanwhile.
 * What a crash has left is mended first.
 *
 * fails  ERR_DATA: the file is no journal; ERR_INTERNAL: it can't be written, or the line is not
 *        what its kind needs */
MUST_CHECK int journal_append(struct journal *j, struct journal_line *line, struct err *e);
/* All lines since the last time at once: a sync costs as much as a signature, or much more. Does
 * nothing when nothing was written. ERR_INTERNAL. */
MUST_CHECK int journal_sync(struct journal *j, struct err *e);

/* --- reading */

struct journal_entry {
	size_t number; /* of the line in the file, from 1 */
	struct journal_line line;
	int64_t time_ms;
	struct hash256 hash; /* of its bytes: what the next line has as prev */
};
void journal_entry_drop(struct journal_entry *entry);

struct journal_reader {
	struct view rest;
	size_t number;
	int64_t sequence;
	struct hash256 head;
	size_t torn_len; /* at the end: bytes of a last line that was cut short */
};
struct journal_reader journal_reader_new(struct view text);

/* The next line, if there is one: *ret_found. The entry is the caller's to drop.
 *
 * fails  ERR_REFUSED, "line N: …"; reason: format (not a line of a journal), sequence, prev, mended
 *        ERR_DATA: there is no line of a journal in it at all */
MUST_CHECK int journal_next(struct journal_reader *r, struct journal_entry *ret, bool *ret_found,
                            struct err *e);

#endif

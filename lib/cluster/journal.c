#include "cluster/journal.h"

#include "attest/document.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "proto/message.h"
#include "proto/row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 512 /* of a node, a step */
#define OUTCOME_MAX  2048
#define ENVELOPE_MAX (MANIFEST_MAX + MEMBERS_MAX * 512) /* and an approval a member */
#define TAIL_LEN     (64 * 1024)                        /* most last lines; else TAIL_MAX is read */
#define TAIL_MAX     (4 * JOURNAL_LINE_MAX)
#define HASH_LEN     ((int)sizeof(struct hash256))

const char *const journal_kind_names[] = {
#define X(id, name, required, optional, doc) [id] = name,
	JOURNAL_KIND_LIST(X)
#undef X
	    NULL,
};

/* clang-format off */
#define THIS journal_line
#define SHA256(key, member, doc) HEX(key, member, HASH_LEN, HASH_LEN, doc, IF_ANY)
SCHEMA(journal_line,
	NUMBER("seq", sequence, 1, INT64_MAX, "counts the lines", REQUIRED),
	TEXT("time", time, 1, TIME_TEXT_LEN, "RFC 3339", REQUIRED),
	WORD("kind", kind, journal_kind_names, "what it says", REQUIRED),
	TEXT("node", node, 0, NAME_MAX_LEN, "whose it is", REQUIRED),
	FIXED_HEX("prev", prev, "SHA-256 of the line before", REQUIRED),
	TEXT("step", step, 1, NAME_MAX_LEN, "of the plan", IF_ANY),
	TEXT("outcome", outcome, 1, OUTCOME_MAX, "begin, done, or why it failed", IF_ANY),
	BASE64("document", document, 1, DOCUMENT_MAX, "COSE_Sign1", IF_ANY),
	HEX("nonce", nonce, 1, DOCUMENT_NONCE_MAX, "that was asked with", IF_ANY),
	NUMBER("max_age_ms", max_age_ms, 0, INT64_MAX, "the policy's maxAge", OPTIONAL(has_max_age)),
	BASE64("output", output, 1, GENESIS_OUTPUT_MAX, "borsh of GenesisOutput", IF_ANY),
	BASE64("envelope", envelope, 1, ENVELOPE_MAX, "borsh of the manifest envelope", IF_ANY),
	NUMBER("asked_ms", asked_ms, 0, INT64_MAX, "the enclave's time before genesis was asked for", OPTIONAL(has_asked)),
	SHA256("peer", peer, "SHA-256 of the target's document"),
	SHA256("sealed", sealed, "SHA-256 of the envelope"),
	HEX("signature", signature, SIGNATURE_LEN, SIGNATURE_LEN, "by the quorum key, or the member", IF_ANY),
	HEX("challenge", challenge, 32, 32, "of the key proof", IF_ANY),
	HEX("body", body, RECEIPT_BODY_LEN, RECEIPT_BODY_LEN, "of the receipt", IF_ANY),
	SHA256("previous", previous, "SHA-256 of the message of the receipt before"),
	SHA256("manifest", manifest, "the manifest's hash"),
	TEXT("member", member, 1, ALIAS_MAX, "whose share it is", IF_ANY),
	SHA256("setup_key", setup_key, "SHA-256 of the setup public key"),
	NUMBER("torn_bytes", torn_len, 0, JOURNAL_MAX, "how many were cut short", OPTIONAL(has_torn_len)),
	SHA256("torn", torn, "SHA-256 of those"));
#undef SHA256
#undef THIS
/* clang-format on */

const struct journal_kind_row journal_kinds[] = {
#define X(id, name, required, optional, doc) [id] = { required, optional, doc },
	JOURNAL_KIND_LIST(X)
#undef X
};

/* The payload's members: a buf that is there when it is not empty, or a number with its flag. */
static const struct payload {
	unsigned bit;
	const char *key; /* of the schema's row */
	size_t offset;   /* of the buf, or of the flag */
	bool is_flag;
} payloads[] = {
#define BUF(bit, member)                                                                           \
	{                                                                                          \
		bit, #member, WIRE_OFFSET(struct journal_line, member, struct buf), false          \
	}
#define FLAG(bit, key, member)                                                                     \
	{                                                                                          \
		bit, key, WIRE_OFFSET(struct journal_line, member, bool), true                     \
	}
	BUF(JOURNAL_HAS_STEP, step),
	BUF(JOURNAL_HAS_OUTCOME, outcome),
	BUF(JOURNAL_HAS_DOCUMENT, document),
	BUF(JOURNAL_HAS_NONCE, nonce),
	FLAG(JOURNAL_HAS_MAX_AGE, "max_age_ms", has_max_age),
	BUF(JOURNAL_HAS_OUTPUT, output),
	BUF(JOURNAL_HAS_ENVELOPE, envelope),
	FLAG(JOURNAL_HAS_ASKED, "asked_ms", has_asked),
	BUF(JOURNAL_HAS_PEER, peer),
	BUF(JOURNAL_HAS_SEALED, sealed),
	BUF(JOURNAL_HAS_SIGNATURE, signature),
	BUF(JOURNAL_HAS_CHALLENGE, challenge),
	BUF(JOURNAL_HAS_BODY, body),
	BUF(JOURNAL_HAS_PREVIOUS, previous),
	BUF(JOURNAL_HAS_MANIFEST, manifest),
	BUF(JOURNAL_HAS_MEMBER, member),
	BUF(JOURNAL_HAS_SETUP_KEY, setup_key),
	BUF(JOURNAL_HAS_TORN, torn),
	FLAG(JOURNAL_HAS_TORN_LEN, "torn_bytes", has_torn_len),
#undef BUF
#undef FLAG
};

static bool has_payload(const struct journal_line *line, const struct payload *p)
{
	const uint8_t *member = (const uint8_t *)line + p->offset;

	if (p->is_flag)
		return *(const bool *)member;
	return ((const struct buf *)(const void *)member)->len > 0;
}

static unsigned payload_of(const struct journal_line *line)
{
	unsigned bits = 0;

	for (size_t i = 0; i < COUNT(payloads); i++)
		bits |= has_payload(line, &payloads[i]) ? payloads[i].bit : 0;
	return bits;
}

const char *journal_next_key(unsigned bits, size_t *at)
{
	while (*at < COUNT(payloads)) {
		const struct payload *p = &payloads[(*at)++];

		if (bits & p->bit)
			return p->key;
	}
	return NULL;
}

static int check_payload(const struct journal_line *line, enum err_code code, struct err *e)
{
	unsigned has = payload_of(line);

	if ((has & journal_kinds[line->kind].required) == journal_kinds[line->kind].required &&
	    !(has & ~(journal_kinds[line->kind].required | journal_kinds[line->kind].optional)))
		return 0;
	return err_set(e, code, "a line of kind %s with other fields than it needs",
	               journal_kind_names[line->kind]);
}

/* One line without its newline. */
static int decode(struct view text, struct journal_line *ret, int64_t *ret_time_ms, struct err *e)
{
	AUTO(journal_line) struct journal_line line = { 0 };
	int64_t time_ms;

	TRY(wire_decode(&journal_line_schema, text, &line, e));
	TRY(check_payload(&line, ERR_DATA, e));
	TRY(time_parse(buf_text(&line.time), &time_ms, e));
	*ret = MOVE(line);
	*ret_time_ms = time_ms;
	return 0;
}

/* --- appending */

void journal_drop(struct journal *j)
{
	text_drop(&j->path);
	fd_drop(&j->fd);
}

int journal_open(const char *path, struct journal *ret, struct err *e)
{
	AUTO(journal) struct journal j = JOURNAL_INIT;

	TRY(text_dup(path, &j.path, e));
	j.fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j.fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	*ret = j;
	j = JOURNAL_INIT;
	return 0;
}

/* What stands at the end of the file. */
struct tail {
	bool has_line; /* the last whole line: its sequence and hash, */
	int64_t sequence;
	struct hash256 hash;
	struct view torn; /* and what comes after it, */
	bool ends;        /* with a newline at the end of all */
};

/* From the last line back to one that is a journal's. text begins with a line's first byte, or
 * somewhere within one unless is_whole. */
static int find_tail(struct view text, bool is_whole, struct tail *ret, bool *ret_found,
                     struct err *e)
{
	size_t end = text.len, torn = text.len;

	*ret = (struct tail){ .ends = text.len && text.data[text.len - 1] == '\n' };
	while (end) {
		AUTO(journal_line) struct journal_line line = { 0 };
		size_t stop = text.data[end - 1] == '\n' ? end - 1 : end;
		const uint8_t *before = stop ? memrchr(text.data, '\n', stop) : NULL;
		size_t start = before ? (size_t)(before - text.data) + 1 : 0;
		struct view bytes = view_new(text.data + start, stop - start);
		int64_t time_ms;
		struct err why;

		if (!before && !is_whole)
			break;
		if (decode(bytes, &line, &time_ms, &why) == 0) {
			TRY(sha256(bytes, &ret->hash, e));
			ret->sequence = line.sequence;
			ret->has_line = true;
			break;
		}
		end = torn = start;
	}
	ret->torn = view_new(text.data + torn, text.len - torn);
	*ret_found = ret->has_line || is_whole;
	return 0;
}

static int read_end(const struct journal *j, int64_t size, size_t len, struct buf *to,
                    struct err *e)
{
	uint8_t *at;
	ssize_t got;

	buf_clear(to);
	TRY(buf_reserve(to, len, &at, e));
	got = pread(j->fd, at, len, size - (int64_t)len);
	if (got < 0)
		return err_sys(e, ERR_INTERNAL, errno, "reading '%s'", j->path);
	if ((size_t)got < len)
		return err_set(e, ERR_INTERNAL, "'%s' got shorter while it was read", j->path);
	buf_commit(to, len);
	return 0;
}

static int write_text(struct journal *j, struct view text, struct err *e)
{
	j->size = -1; /* whatever comes of it, unless it succeeds */
	j->is_unsynced = true;
	return fd_write(j->fd, j->path, text, e);
}

int journal_sync(struct journal *j, struct err *e)
{
	if (!j->is_unsynced)
		return 0;
	if (fdatasync(j->fd) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "syncing '%s'", j->path);
	j->is_unsynced = false;
	return 0;
}

static int stamp(const struct journal *j, struct journal_line *line, struct err *e)
{
	char now[TIME_TEXT_LEN];

	time_format(clock_unix_ms(), now);
	TRY(wire_set_text(&line->time, now, e));
	line->sequence = j->sequence + 1;
	memcpy(line->prev, j->head.bytes, sizeof(line->prev));
	return check_payload(line, ERR_INTERNAL, e);
}

/* before: a newline for a line that lacks it, or nothing */
static int write_line(struct journal *j, const char *before, struct journal_line *line,
                      struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_LINE_MAX);
	struct hash256 hash;
	struct stat st;
	size_t start = strlen(before);

	TRY(stamp(j, line, e));
	TRY(buf_add_text(&text, before, e));
	TRY(wire_encode(&journal_line_schema, line, &text, e));
	TRY(sha256(view_new(text.data + start, text.len - start), &hash, e));
	TRY(buf_add_u8(&text, '\n', e));
	TRY(write_text(j, buf_view(&text), e));
	if (fstat(j->fd, &st) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", j->path);
	j->size = st.st_size;
	j->sequence = line->sequence;
	j->head = hash;
	return 0;
}

/* What a crash has left is named, and stays. A whole line that lacks its newline alone is a line.
 */
static int mend(struct journal *j, const struct tail *tail, struct err *e)
{
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_MENDED };
	struct view torn = tail->torn;
	struct hash256 hash;

	if (torn.len == 0)
		return tail->ends || !tail->has_line ? 0 : write_text(j, view_text("\n"), e);
	if (tail->ends)
		torn.len--;
	TRY(sha256(torn, &hash, e));
	TRY(wire_set(&line.torn, VIEW_OF(hash.bytes), e));
	line.torn_len = (int64_t)torn.len;
	line.has_torn_len = true;
	return write_line(j, tail->ends ? "" : "\n", &line, e);
}

/* Finds the last line, if the file is not as this left it. */
static int settle(struct journal *j, struct err *e)
{
	static const size_t lengths[] = { TAIL_LEN, TAIL_MAX };
	AUTO(buf) struct buf text = BUF_INIT(TAIL_MAX);
	struct tail tail;
	bool is_found = false;
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", j->path);
	if (st.st_size == j->size)
		return 0;
	for (size_t i = 0; !is_found && i < COUNT(lengths); i++) {
		bool is_whole = st.st_size <= (int64_t)lengths[i];

		TRY(read_end(j, st.st_size, is_whole ? (size_t)st.st_size : lengths[i], &text, e));
		TRY(find_tail(buf_view(&text), is_whole, &tail, &is_found, e));
	}
	if (!is_found)
		return err_set(e, ERR_DATA, "'%s' is no journal: no line at its end is one's",
		               j->path);
	j->sequence = tail.sequence;
	j->head = tail.hash;
	return mend(j, &tail, e);
}

static int append(struct journal *j, struct journal_line *line, struct err *e)
{
	TRY(settle(j, e));
	return write_line(j, "", line, e);
}

int journal_append(struct journal *j, struct journal_line *line, struct err *e)
{
	int result;

	while (flock(j->fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "locking '%s'", j->path);
	result = append(j, line, e);
	flock(j->fd, LOCK_UN);
	return result;
}

/* --- reading */

void journal_entry_drop(struct journal_entry *entry)
{
	journal_line_drop(&entry->line);
}

struct journal_reader journal_reader_new(struct view text)
{
	return (struct journal_reader){ .rest = text };
}

PRINTF_LIKE(4, 5)
static int refuse(struct err *e, size_t number, const char *reason, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_reason(e, ERR_REFUSED, reason, "line %zu: %s", number, text);
}

static bool has_line(struct view rest)
{
	return rest.len && memchr(rest.data, '\n', rest.len);
}

static bool take_line(struct view *rest, struct view *ret)
{
	const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

	if (!end)
		return false;
	*ret = view_new(rest->data, (size_t)(end - rest->data));
	rest->len -= ret->len + 1;
	rest->data = end + 1;
	return true;
}

/* Lines that are none: all right if the next one says so. */
struct gap {
	size_t number; /* of the first; 0: there is none */
	const uint8_t *start;
	struct err why;
};

static int check_mended(const struct gap *gap, struct view bytes, const struct journal_entry *entry,
                        struct err *e)
{
	struct view torn = view_new(gap->start, 0);
	struct hash256 hash;

	if (entry->line.kind != JOURNAL_MENDED) {
		if (gap->number == 0)
			return 0;
		return refuse(e, gap->number, "format", "not a line of a journal: %s",
		              gap->why.text);
	}
	if (gap->number == 0)
		return refuse(e, entry->number, "mended",
		              "it says that a line was cut short, and there is none");
	torn.len = (size_t)(bytes.data - gap->start) - 1;
	TRY(sha256(torn, &hash, e));
	if (torn.len == (size_t)entry->line.torn_len &&
	    view_equal(VIEW_OF(hash.bytes), buf_view(&entry->line.torn)))
		return 0;
	return refuse(e, gap->number, "mended",
	              "what was cut short is not what line %zu says of it", entry->number);
}

static int check_place(const struct journal_reader *r, const struct journal_entry *entry,
                       struct err *e)
{
	char expected[2 * HASH_LEN + 1], found[2 * HASH_LEN + 1];

	if (entry->line.sequence != r->sequence + 1)
		return refuse(e, entry->number, "sequence", "sequence %lld, expected %lld",
		              (long long)entry->line.sequence, (long long)r->sequence + 1);
	if (view_equal(VIEW_OF(entry->line.prev), VIEW_OF(r->head.bytes)))
		return 0;
	hex_write(VIEW_OF(r->head.bytes), expected);
	hex_write(VIEW_OF(entry->line.prev), found);
	return refuse(e, entry->number, "prev", "the line before it has SHA-256 %s, and it says %s",
	              expected, found);
}

/* At the end of the text: what is left over is a line that was cut short. */
static int finish(struct journal_reader *r, const struct gap *gap, struct err *e)
{
	r->torn_len = r->rest.len;
	if (r->sequence == 0)
		return err_set(e, ERR_DATA, "not a journal: no line of it is one's");
	if (gap->number)
		return refuse(e, gap->number, "format", "not a line of a journal: %s",
		              gap->why.text);
	return 0;
}

/* Of a copy: what is mapped is still its writer's, and one text is judged and hashed. */
static int decode_copy(struct view bytes, struct buf *copy, struct journal_entry *ret,
                       struct err *e)
{
	buf_clear(copy);
	TRY(buf_add(copy, bytes, e));
	return decode(buf_view(copy), &ret->line, &ret->time_ms, e);
}

/* A line is bound by the hash in the next; the last one by its form alone: as it was written, byte
 * for byte. */
static int check_form(const struct journal_entry *entry, struct view text, struct err *e)
{
	AUTO(buf) struct buf again = BUF_INIT(JOURNAL_LINE_MAX);

	TRY(wire_encode(&journal_line_schema, &entry->line, &again, e));
	if (view_equal(buf_view(&again), text))
		return 0;
	return err_reason(e, ERR_REFUSED, "form",
	                  "line %zu: it says what a line says, and is not written as one: somebody "
	                  "has edited it",
	                  entry->number);
}

int journal_next(struct journal_reader *r, struct journal_entry *ret, bool *ret_found,
                 struct err *e)
{
	AUTO(journal_entry) struct journal_entry entry = { 0 };
	AUTO(buf) struct buf copy = BUF_INIT(JOURNAL_LINE_MAX);
	struct gap gap = { 0 };
	struct view bytes;

	for (;;) {
		if (!take_line(&r->rest, &bytes)) {
			TRY(finish(r, &gap, e));
			*ret_found = false;
			return 0;
		}
		entry.number = ++r->number;
		if (gap.number == 0)
			gap.start = bytes.data;
		if (decode_copy(bytes, &copy, &entry, gap.number ? &(struct err){ 0 } : &gap.why) ==
		    0)
			break;
		gap.number = gap.number ? gap.number : r->number;
	}
	TRY(check_mended(&gap, bytes, &entry, e));
	TRY(check_place(r, &entry, e));
	/* Bytes behind it that make no line bind nothing. */
	if (!has_line(r->rest))
		TRY(check_form(&entry, buf_view(&copy), e));
	TRY(sha256(buf_view(&copy), &entry.hash, e));
	r->sequence = entry.line.sequence;
	r->head = entry.hash;
	*ret = MOVE(entry);
	*ret_found = true;
	return 0;
}

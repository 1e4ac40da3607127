/* Bytes: a view borrows them, a buf owns and grows them up to a stated limit, a reader takes them
 * apart. Layouts are borsh's (formats.md section 0): little endian, le32 length before a Vec. */
#ifndef TEECTL_BASE_BUF_H
#define TEECTL_BASE_BUF_H

#include "base/err.h"

struct view {
	const uint8_t *data;
	size_t len;
};

/* The view of a whole array, and of a string without its NUL. */
#define VIEW_OF(array) ((struct view){ (const uint8_t *)(array), sizeof(array) })
struct view view_text(const char *text);
struct view view_new(const void *data, size_t len);
bool view_equal(struct view a, struct view b); /* not for secrets: secret_equal */
bool view_is_zero(struct view v);

/* data[len] is always a NUL that len does not count, once anything was added: a buf that holds text
 * is a C string. Contents are wiped when they are moved or freed. */
struct buf {
	uint8_t *data;
	size_t len, cap;
	size_t max; /* bytes it may ever hold; 0: none */
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })

void buf_drop(struct buf *b);  /* frees; an empty buf of the same max stays */
void buf_clear(struct buf *b); /* forgets the contents, keeps the memory */
struct view buf_view(const struct buf *b);
const char *buf_text(const struct buf *b); /* "" when empty */

/* All fail with ERR_TOO_LARGE past max, ERR_INTERNAL without memory; b is then unchanged. What is
 * added must not lie in b, which may move; buf_set may be given a part of b. */
MUST_CHECK int buf_add(struct buf *b, struct view v, struct err *e);
MUST_CHECK int buf_add_text(struct buf *b, const char *text, struct err *e);
MUST_CHECK int buf_add_u8(struct buf *b, uint8_t value, struct err *e);
MUST_CHECK int buf_add_le16(struct buf *b, uint16_t value, struct err *e);
MUST_CHECK int buf_add_le32(struct buf *b, uint32_t value, struct err *e);
MUST_CHECK int buf_add_vec(struct buf *b, struct view v, struct err *e); /* le32 length, bytes */
MUST_CHECK int buf_add_format(struct buf *b, struct err *e, const char *format, ...)
    PRINTF_LIKE(3, 4);
MUST_CHECK int buf_set(struct buf *b, struct view v, struct err *e); /* replaces the contents */
/* Makes room for len more bytes and returns where they go in *ret; buf_commit counts them. */
MUST_CHECK int buf_reserve(struct buf *b, size_t len, uint8_t **ret, struct err *e);
void buf_commit(struct buf *b, size_t len);

/* Reads a layout straight down; the first read past the end makes all later ones yield zeroes, and
 * reader_done reports it, or bytes left over. */
struct reader {
	struct view rest;
	bool failed;
};

struct reader reader_new(struct view v);
struct view reader_bytes(struct reader *r, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_le16(struct reader *r);
uint32_t reader_le32(struct reader *r);
uint64_t reader_le64(struct reader *r);
struct view reader_vec(struct reader *r); /* le32 length, bytes */
/* le32 count of elements that take at least min_size (>= 1) bytes each: fails where they can't fit
 * in what is left, so that a count from outside never sizes an allocation by itself. */
uint32_t reader_count(struct reader *r, size_t min_size);
void reader_copy(struct reader *r, void *to, size_t len);
MUST_CHECK int reader_done(const struct reader *r, enum err_code code, const char *what,
                           struct err *e);

#endif

/* Text: hex, numbers, durations, times, UTF-8, and the nearest word to a wrong one. */
#ifndef TEECTL_BASE_TEXT_H
#define TEECTL_BASE_TEXT_H

#include "base/buf.h"
#include "base/secret.h"

#define NAMED_MAX 8 /* of what one line names: a person reads no more */

/* Lower case, no prefix (formats.md section 0). */
MUST_CHECK int hex_format(struct view bytes, struct buf *to, struct err *e);
/* Writes 2 * bytes.len characters and a NUL. */
void hex_write(struct view bytes, char *to);
/* The first bytes of a hash: enough for a person to tell two apart at a glance. */
#define SHORT_LEN      4
#define SHORT_TEXT_LEN (2 * SHORT_LEN + 1)
void hash_short(const uint8_t hash[static SHORT_LEN], char to[static SHORT_TEXT_LEN]);
/* The same of a public key, whose byte 0 merely says that it is a point. */
void key_short(const uint8_t key[static 1 + SHORT_LEN], char to[static SHORT_TEXT_LEN]);
/* Takes either case, an optional 0x, an even number of digits, white space at both ends; appends.
 * Fails with ERR_DATA and says where; never repeats the text, which may be a secret. */
MUST_CHECK int hex_parse(struct view text, struct buf *to, struct err *e);
/* Exactly len bytes. */
MUST_CHECK int hex_parse_exact(struct view text, uint8_t *to, size_t len, struct err *e);
/* The digits of a secret, read and written in time that does not depend on their values. */
MUST_CHECK int hex_parse_secret(struct view text, size_t len, struct secret *ret, struct err *e);
MUST_CHECK int hex_format_secret(struct view bytes, struct secret *ret, struct err *e);

/* Decimal digits only, the whole text, within min..max, else ERR_USAGE: "%s must be …". */
MUST_CHECK int number_parse(const char *text, const char *what, uint64_t min, uint64_t max,
                            uint64_t *ret, struct err *e);
/* 250ms, 5s, 3m, 2h, 1d: a whole number and its unit. */
MUST_CHECK int duration_parse(const char *text, int64_t *ret_ms, struct err *e);
MUST_CHECK int duration_format(int64_t ms, struct buf *to, struct err *e);

#define TIME_TEXT_LEN 25 /* 2026-01-02T03:04:05.678Z and a NUL */
/* RFC 3339, UTC; what is not between 1970 and 9999 is written as 1970. */
void time_format(int64_t unix_ms, char to[static TIME_TEXT_LEN]);
/* The same in whole seconds: 2026-01-02T03:04:05Z. */
void time_format_seconds(int64_t unix_s, char to[static TIME_TEXT_LEN]);
/* RFC 3339 or Unix seconds, from 1970 on, else ERR_USAGE. */
MUST_CHECK int time_parse(const char *text, int64_t *ret_unix_ms, struct err *e);

bool utf8_is_valid(struct view text);
/* How many bytes stand before a character that the end of the text cuts in two; all, if none is. */
size_t text_whole(const char *text);
/* How many bytes at the start of text are a character that moves what a terminal shows: a C0 or C1
 * control, or one of Unicode's that turn the direction or begin a line. 0: none is. */
size_t text_control(const char *text);
/* How many bytes the character at the start of text, which is not empty, has; *ret_is_tame false:
 * it is such a control, or a byte that is not UTF-8, which old terminals take for one. */
size_t text_take(const char *text, bool *ret_is_tame);
/* Puts a question mark in the place of each byte of what is not tame. */
void text_tame(char *text);
struct view text_trim(struct view text); /* ASCII white space at both ends */

/* A line with a command in it that has two paths of Linux's PATH_MAX, each all quotes. */
#define COMMAND_LINE_MAX 33280

/* Appends text as one word of a shell's command line: as it is, or in quotes where a shell would
 * read something else. */
MUST_CHECK int text_add_shell_word(const char *text, struct buf *to, struct err *e);

/* The word of words (NULL-terminated) that is at most two edits away, and at most one for each
 * three letters of the longer of the two; or NULL. */
const char *text_nearest(const char *word, const char *const *words);

/* strdup with the one error idiom. */
MUST_CHECK int text_dup(const char *text, char **ret, struct err *e);
void text_drop(char **text);

#endif

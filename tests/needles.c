/* Looks in files for what nobody may find there: the members' seeds and plaintext shares, the
 * quorum's master seed, and every key derived from them, in each form in which they might have been
 * written.
 *
 *   needles KEY.secret=SHARE... -- FILE...    says what it finds where; status 1 when it finds
 * anything needles KEY.secret=SHARE... --spell       writes all that it looks for, for a test of
 * itself
 *
 * SHARE is the file of a share that is sealed to that key. All that are named are combined. */
#include "base/file.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"
#include "crypto/shamir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMBERS_MOST 16
#define NEEDLES_MAX  (8 * MEMBERS_MOST)
#define FORM_MAX     256
#define HALF         16 /* of 32 bytes: what a part that was left behind would still have */

struct needle {
	char name[64];
	uint8_t bytes[SEED_LEN];
};

struct haystack {
	struct needle needles[NEEDLES_MAX];
	size_t count;
};

static int add(struct haystack *h, const char *who, const char *what, struct view bytes,
               struct err *e)
{
	struct needle *n = &h->needles[h->count];

	if (h->count == NEEDLES_MAX || bytes.len != sizeof(n->bytes))
		return err_set(e, ERR_DATA, "%s of %s: %zu bytes", what, who, bytes.len);
	snprintf(n->name, sizeof(n->name), "%.40s %.20s", who, what);
	memcpy(n->bytes, bytes.data, bytes.len);
	h->count++;
	return 0;
}

/* The seed, and what formats.md 1 derives from it. */
static int add_seed(struct haystack *h, const char *who, const struct secret *seed, struct err *e)
{
	static const char *const salts[] = { "qos_p256_encrypt", "qos_p256_sign",
		                             "qos_aes_gcm_encrypt" };

	TRY(add(h, who, "seed", secret_view(seed), e));
	for (size_t i = 0; i < COUNT(salts); i++) {
		AUTO(secret) struct secret derived = { 0 };

		TRY(hkdf_sha512(view_text(salts[i]), secret_view(seed), (struct view){ 0 },
		                SEED_LEN, &derived, e));
		TRY(add(h, who, salts[i], secret_view(&derived), e));
	}
	return 0;
}

static int add_member(struct haystack *h, char *word, struct secret *ret_share, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(buf) struct buf sealed = BUF_INIT(FORM_MAX);
	char *share = strchr(word, '=');
	struct view plain;

	if (!share)
		return err_set(e, ERR_USAGE, "'%s' is not KEY=SHARE", word);
	*share++ = '\0';
	TRY(key_set_read(word, NULL, &key, e));
	TRY(file_read(share, &sealed, e));
	TRY(envelope_open(key, buf_view(&sealed), ret_share, e));
	plain = secret_view(ret_share);
	TRY(add_seed(h, word, key_set_seed(key), e));
	/* Without x, which is no secret. */
	return add(h, word, "share", view_new(plain.data + 1, plain.len - 1), e);
}

/* --- forms */

typedef void (*form_writer)(struct view part, struct buf *to);

static void put(struct buf *to, struct view v)
{
	struct err e;

	if (buf_add(to, v, &e) < 0)
		abort();
}

static void put_text(struct buf *to, const char *text)
{
	put(to, view_text(text));
}

static void raw(struct view part, struct buf *to)
{
	put(to, part);
}

/* As a big number lies in memory, least significant byte first. */
static void reversed(struct view part, struct buf *to)
{
	for (size_t i = part.len; i-- > 0;)
		put(to, view_new(part.data + i, 1));
}

static void hex_as(struct view part, const char *alphabet, struct buf *to)
{
	for (size_t i = 0; i < part.len; i++) {
		put(to, view_new(&alphabet[part.data[i] >> 4], 1));
		put(to, view_new(&alphabet[part.data[i] & 15], 1));
	}
}

static void hex_lower(struct view part, struct buf *to)
{
	hex_as(part, "0123456789abcdef", to);
}

static void hex_upper(struct view part, struct buf *to)
{
	hex_as(part, "0123456789ABCDEF", to);
}

static void decimal_as(struct view part, const char *separator, struct buf *to)
{
	char number[4];

	for (size_t i = 0; i < part.len; i++) {
		snprintf(number, sizeof(number), "%u", part.data[i]);
		if (i)
			put_text(to, separator);
		put_text(to, number);
	}
}

static void decimal(struct view part, struct buf *to)
{
	decimal_as(part, ",", to);
}

static void decimal_spaced(struct view part, struct buf *to)
{
	decimal_as(part, ", ", to);
}

/* The characters that the part alone decides, when it begins skip bits into one. */
static void base64_from(struct view part, unsigned skip, struct buf *to)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < part.len; i++) {
		bits = (bits << 8 | part.data[i]) & 0xffff;
		have += 8;
		if (i == 0)
			have -= skip;
		for (; have >= 6; have -= 6)
			put(to, view_new(&alphabet[bits >> (have - 6) & 63], 1));
	}
}

static void base64_0(struct view part, struct buf *to)
{
	base64_from(part, 0, to);
}

static void base64_1(struct view part, struct buf *to)
{
	base64_from(part, 4, to);
}

static void base64_2(struct view part, struct buf *to)
{
	base64_from(part, 2, to);
}

static const struct {
	const char *name;
	form_writer write;
} forms[] = {
	{ "raw", raw },         { "reversed", reversed },   { "hex", hex_lower },
	{ "HEX", hex_upper },   { "decimal", decimal },     { "decimal, spaced", decimal_spaced },
	{ "base64", base64_0 }, { "base64 + 1", base64_1 }, { "base64 + 2", base64_2 },
};

/* --- looking */

#define SPELLINGS_MAX (NEEDLES_MAX * 2 * COUNT(forms))
#define BEGIN_LEN     3 /* of a spelling: what a place is first judged by */
#define BEGINNINGS    (1u << (8 * BEGIN_LEN))

struct spelling {
	struct buf text;
	size_t needle, half, form;
};

/* All spellings, and how they begin: so that a file is read once. */
struct index {
	struct spelling spellings[SPELLINGS_MAX];
	size_t count;
	uint8_t begins[BEGINNINGS / 8];
};

static uint32_t beginning(const uint8_t *at)
{
	return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

static void write_index(const struct haystack *h, struct index *ret)
{
	for (size_t i = 0; i < h->count; i++)
		for (size_t half = 0; half < SEED_LEN; half += HALF)
			for (size_t f = 0; f < COUNT(forms); f++) {
				struct spelling *s = &ret->spellings[ret->count++];
				uint32_t begin;

				*s = (struct spelling){ BUF_INIT(FORM_MAX), i, half, f };
				forms[f].write(view_new(h->needles[i].bytes + half, HALF),
				               &s->text);
				begin = beginning(s->text.data);
				ret->begins[begin / 8] |= (uint8_t)(1u << begin % 8);
			}
}

static void drop_index(struct index *index)
{
	for (size_t i = 0; i < index->count; i++)
		buf_drop(&index->spellings[i].text);
}

/* Says what begins at that place, each finding once a file. */
static bool look_at(const struct haystack *h, const struct index *index, struct view rest,
                    bool *told, const char *path)
{
	bool is_found = false;

	for (size_t i = 0; i < index->count; i++) {
		const struct spelling *s = &index->spellings[i];

		if (told[i] || s->text.len > rest.len ||
		    memcmp(s->text.data, rest.data, s->text.len) != 0)
			continue;
		printf("%s: %s, bytes %zu on, %s\n", path, h->needles[s->needle].name, s->half,
		       forms[s->form].name);
		told[i] = is_found = true;
	}
	return is_found;
}

static bool look(const struct haystack *h, const struct index *index, struct view in,
                 const char *path)
{
	bool told[SPELLINGS_MAX] = { false }, is_found = false;

	for (size_t at = 0; in.len >= BEGIN_LEN && at <= in.len - BEGIN_LEN; at++) {
		uint32_t begin = beginning(in.data + at);

		if (index->begins[begin / 8] >> begin % 8 & 1)
			is_found |=
			    look_at(h, index, view_new(in.data + at, in.len - at), told, path);
	}
	return is_found;
}

static int look_into(const struct haystack *h, const struct index *index, const char *path,
                     bool *found, struct err *e)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes = NULL;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, ERR_NO_INPUT, "'%s' can't be read", path);
	if (st.st_size)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_set(e, ERR_DATA, "'%s' can't be mapped", path);
	if (look(h, index, view_new(bytes, (size_t)st.st_size), path))
		*found = true;
	if (bytes)
		munmap(bytes, (size_t)st.st_size);
	return 0;
}

static void spell(const struct index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		fwrite(index->spellings[i].text.data, 1, index->spellings[i].text.len, stdout);
		putchar('\n');
	}
}

static int gather(char ***args, struct haystack *h, struct err *e)
{
	struct secret shares[MEMBERS_MOST] = { 0 };
	AUTO(secret) struct secret seed = { 0 };
	size_t count = 0;
	int result = 0;

	for (; result == 0 && **args && strncmp(**args, "--", 2) != 0; ++*args)
		result = count < MEMBERS_MOST
		             ? add_member(h, **args, &shares[count++], e)
		             : err_set(e, ERR_USAGE, "more than %d members", MEMBERS_MOST);
	if (result == 0)
		result = shamir_combine(shares, count, &seed, e);
	for (size_t i = 0; i < count; i++)
		secret_drop(&shares[i]);
	TRY(result);
	return add_seed(h, "quorum", &seed, e);
}

static int run(char **args, bool *found, struct err *e)
{
	static struct haystack h;
	static struct index index;
	bool is_locked;
	int result = 0;

	TRY(secret_arena_open(&is_locked, e));
	TRY(gather(&args, &h, e));
	if (!*args || (strcmp(*args, "--spell") != 0 && !args[1]))
		return err_set(e, ERR_USAGE, "no file to look into");
	write_index(&h, &index);
	if (strcmp(*args, "--spell") == 0)
		spell(&index);
	while (result == 0 && *++args)
		result = look_into(&h, &index, *args, found, e);
	drop_index(&index);
	return result;
}

int main(int argc, char **argv)
{
	bool found = false;
	struct err e;

	(void)argc;
	if (run(argv + 1, &found, &e) == 0)
		return found;
	fprintf(stderr, "needles: %s\n", e.text);
	return err_info(e.code)->exit_status;
}

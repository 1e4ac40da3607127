#include "crypto/bip39.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX    8
#define WORD_BITS   11
#define ENTROPY_MIN 16
#define ENTROPY_MAX 32
#define WORDS_MIN   12

/* Entropy of 4n bytes has n bits of checksum, and three words hold 33 bits. */
#define WORDS_OF(entropy_len) ((entropy_len) / 4 * 3)
#define ENTROPY_OF(words)     ((words) / 3 * 4)

/* Entropy, then its SHA-256's first byte, of which 4 to 8 bits count. */
static int add_checksum(uint8_t *bits, size_t entropy_len, struct err *e)
{
	struct hash256 digest;

	TRY(sha256(view_new(bits, entropy_len), &digest, e));
	bits[entropy_len] = digest.bytes[0];
	explicit_bzero(&digest, sizeof(digest));
	return 0;
}

static unsigned bits_read(const uint8_t *bits, size_t from)
{
	unsigned value = 0;

	for (size_t i = from; i < from + WORD_BITS; i++)
		value = value << 1 | (bits[i / 8] >> (7 - i % 8) & 1u);
	return value;
}

static void bits_write(uint8_t *bits, size_t from, unsigned value)
{
	for (size_t i = 0; i < WORD_BITS; i++)
		bits[(from + i) / 8] |=
		    (uint8_t)((value >> (WORD_BITS - 1 - i) & 1) << (7 - (from + i) % 8));
}

/* All ones if a == b, else 0; both below 2^63. */
static uint64_t mask_equal(uint64_t a, uint64_t b)
{
	return -(((a ^ b) - 1) >> 63);
}

static uint64_t pack(const char *word, size_t len)
{
	uint64_t packed = 0;

	for (size_t i = 0; i < len; i++)
		packed = packed << 7 | (word[i] & 0x7f);
	return packed;
}

/* The word of an index, packed; every word of the list is touched. */
static uint64_t word_at(unsigned index)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < BIP39_WORDS; i++)
		found |= pack(bip39_words[i], strlen(bip39_words[i])) & mask_equal(i, index);
	return found;
}

static size_t unpack(uint64_t packed, uint8_t *to)
{
	size_t len = 0;

	for (unsigned shift = 7 * WORD_MAX; shift > 0; shift -= 7) {
		uint8_t c = packed >> (shift - 7) & 0x7f;

		if (c)
			to[len++] = c;
	}
	return len;
}

int bip39_format(const struct secret *entropy, struct secret *ret_phrase, struct err *e)
{
	AUTO(secret) struct secret bits = { 0 };
	AUTO(secret) struct secret text = { 0 };
	size_t len = 0;

	if (entropy->len < ENTROPY_MIN || entropy->len > ENTROPY_MAX || entropy->len % 4)
		return err_set(e, ERR_REQUEST, "entropy of %zu bytes, not 16, 20, 24, 28 or 32",
		               entropy->len);
	TRY(secret_alloc(ENTROPY_MAX + 1, &bits, e));
	TRY(secret_alloc(BIP39_TEXT_MAX, &text, e));
	memcpy(bits.data, entropy->data, entropy->len);
	TRY(add_checksum(bits.data, entropy->len, e));
	for (size_t i = 0; i < WORDS_OF(entropy->len); i++) {
		if (i)
			text.data[len++] = ' ';
		len += unpack(word_at(bits_read(bits.data, i * WORD_BITS)), text.data + len);
	}
	return secret_copy(view_new(text.data, len), ret_phrase, e);
}

/* The index of a word, or BIP39_WORDS; every word of the list is compared. */
static unsigned word_find(struct view word)
{
	uint64_t wanted = pack((const char *)word.data, word.len), found = BIP39_WORDS;

	for (unsigned i = 0; i < BIP39_WORDS; i++) {
		uint64_t mask = mask_equal(pack(bip39_words[i], strlen(bip39_words[i])), wanted);

		found = (found & ~mask) | (i & mask);
	}
	return (unsigned)found;
}

/* Takes the first word and the space behind it from text. */
static struct view word_take(struct view *text)
{
	const uint8_t *space = text->len ? memchr(text->data, ' ', text->len) : NULL;
	size_t len = space ? (size_t)(space - text->data) : text->len;
	struct view word = view_new(text->data, len);
	size_t gone = space ? len + 1 : len;

	if (gone) {
		text->data += gone;
		text->len -= gone;
	}
	return word;
}

static unsigned words_count(struct view text)
{
	unsigned count = 0;

	while (text.len)
		count += word_take(&text).len > 0;
	return count;
}

static bool is_lower(struct view word)
{
	bool lower = true;

	for (size_t i = 0; i < word.len; i++)
		lower &= (uint8_t)(word.data[i] - 'a') < 26;
	return lower;
}

/* The bits of count > 0 words, if each is in the list. */
static bool words_read(struct view phrase, unsigned count, uint8_t *bits)
{
	bool valid = phrase.data[phrase.len - 1] != ' ';

	for (unsigned i = 0; i < count; i++) {
		struct view word = word_take(&phrase);
		unsigned index;

		if (word.len == 0 || word.len > WORD_MAX)
			return false;
		index = word_find(word);
		valid &= is_lower(word) && index < BIP39_WORDS;
		bits_write(bits, (size_t)i * WORD_BITS, index % BIP39_WORDS);
	}
	return valid && phrase.len == 0;
}

bool bip39_is_valid(struct view phrase, unsigned *ret_words)
{
	/* On the stack and wiped: the arena may be full, and this cannot fail. */
	uint8_t bits[ENTROPY_MAX + 1] = { 0 };
	unsigned count = words_count(phrase);
	struct hash256 digest;
	struct err e;
	bool valid;

	*ret_words = count;
	if (count < WORDS_MIN || count > BIP39_PHRASE_MAX || count % 3)
		return false;
	valid = words_read(phrase, count, bits) &&
	        sha256(view_new(bits, ENTROPY_OF(count)), &digest, &e) == 0 &&
	        (bits[ENTROPY_OF(count)] ^ digest.bytes[0]) >> (8 - count / 3) == 0;
	explicit_bzero(bits, sizeof(bits));
	explicit_bzero(&digest, sizeof(digest));
	return valid;
}

void bip39_check_phrase(const struct hash256 *digest, char ret[static BIP39_CHECK_TEXT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < BIP39_CHECK_WORDS; i++) {
		const char *word = bip39_words[bits_read(digest->bytes, i * WORD_BITS)];

		len += (size_t)snprintf(ret + len, BIP39_CHECK_TEXT_MAX - len, "%s%s", i ? " " : "",
		                        word);
	}
}

/* BIP-39 seed phrases, English words (github.com/bitcoin/bips, bip-0039). */
#ifndef TEECTL_CRYPTO_BIP39_H
#define TEECTL_CRYPTO_BIP39_H

#include "base/secret.h"
#include "crypto/hash.h"

#define BIP39_WORDS      2048
#define BIP39_PHRASE_MAX 24 /* words */
#define BIP39_TEXT_MAX   (BIP39_PHRASE_MAX * 9)

extern const char *const bip39_words[BIP39_WORDS];

/* entropy of 16, 20, 24, 28 or 32 bytes (else ERR_REQUEST) to 12..24 words, one space between. */
MUST_CHECK int bip39_format(const struct secret *entropy, struct secret *ret_phrase, struct err *e);
/* Are these 12, 15, 18, 21 or 24 words of the list, one space between, with the right checksum?
 * ret_words counts the words in any case. Time does not depend on which words they are beyond their
 * lengths and whether they are valid. */
bool bip39_is_valid(struct view phrase, unsigned *ret_words);

/* What two people read to each other to know that both see the same public bytes: six words, the
 * first 66 bits of their SHA-256. */
#define BIP39_CHECK_WORDS    6
#define BIP39_CHECK_TEXT_MAX (BIP39_CHECK_WORDS * 9)
void bip39_check_phrase(const struct hash256 *digest, char ret[static BIP39_CHECK_TEXT_MAX]);

#endif

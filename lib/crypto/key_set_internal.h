/* What key_set.c, envelope.c and key_file.c know of a key set together. */
#ifndef TEECTL_CRYPTO_KEY_SET_INTERNAL_H
#define TEECTL_CRYPTO_KEY_SET_INTERNAL_H

#include "crypto/ec.h"
#include "crypto/key_set.h"

struct key_set {
	struct secret seed;
	struct secret aes_key;
	EVP_PKEY *encrypt, *sign;
	struct public_key public;
};

#endif

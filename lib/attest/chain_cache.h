/* Certificates whose form, and whose signature by one issuer, have been verified in this process:
 * a node's chain is the same in each of its documents. Public data, and no judgement that can
 * change: names, extensions, their order and the time are looked at in every chain anew. */
#ifndef TEECTL_ATTEST_CHAIN_CACHE_H
#define TEECTL_ATTEST_CHAIN_CACHE_H

#include "crypto/hash.h"

#include <openssl/x509.h>

/* Each about 8 KB: half a megabyte at most. A node has a leaf of its own, and what is above it is
 * looked at each time, so it stays: the one that was longest not looked at makes room. */
#define CHAIN_CACHE_MAX 64

/* The certificate of this hash, if the one of the hash issuer has been seen to sign it; or NULL.
 * Another reference: free it. */
X509 *chain_cache_find(const struct hash256 *hash, const struct hash256 *issuer);
/* Only once the whole chain that it stands in has been accepted. */
void chain_cache_add(X509 *x, const struct hash256 *hash, const struct hash256 *issuer);

#endif

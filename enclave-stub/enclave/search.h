/* Which of the candidates are shares of one key: after boot-standard no share's hash is known, and
 * members may have sent anything (contract.md, inject-shares after boot-standard).
 *
 * The subsets are walked in colexicographic order of the places that the caller gives the shares:
 * all that can be made of the first j come before any with the one after. So whoever has put
 * `threshold` good shares into one request, which stand first, is served by the first subset,
 * whatever else lies here. */
#ifndef TEECTL_ENCLAVE_SEARCH_H
#define TEECTL_ENCLAVE_SEARCH_H

#include "crypto/key_set.h"
#include "proto/manifest.h"

/* Of subsets tried in one request. All there are of 13 shares, for whatever threshold; and it
 * bounds what one request costs (tests/unit/enclave_search.c measures). */
#define SUBSETS_MAX 2048

struct search {
	/* From the caller. */
	const struct secret *shares; /* borrowed; SHARE_LEN bytes each, those that are new first */
	size_t count, fresh; /* of them fresh are new: a subset without one was tried before */
	size_t threshold;
	const struct public_key *wanted;
	/* Filled in. */
	struct key_set *key;       /* NULL: no subset tried gives it */
	size_t picks[MEMBERS_MAX]; /* the places of those that do: threshold, ascending */
	unsigned tried;
	bool is_used[UINT8_MAX + 1]; /* the numbers x of those picked so far */
};

void search_drop(struct search *s);
/* fails  ERR_INTERNAL: memory; that nothing was found is no failure */
MUST_CHECK int search_run(struct search *s, struct err *e);

/* Does the share lie on the polynomial of those that were found? */
MUST_CHECK int search_fits(const struct search *s, const struct secret *share, bool *ret,
                           struct err *e);

#endif

/* An enclave without HTTP, before a simulated NSM in a thread of its own: requests go in as
 * structs, through the same schemas and dispatch as from the network. All worlds of a test trust
 * each other. */
#ifndef TEECTL_TESTS_FAKE_ENCLAVE_H
#define TEECTL_TESTS_FAKE_ENCLAVE_H

#include "support.h"

#include "enclave/route.h"
#include "hv/machine.h"

#include <pthread.h>

struct world_options {
	bool is_debug;
	const char *role;   /* PCR3 */
	char *const *argv;  /* NULL-terminated launch options, or NULL */
	bool is_elsewhere;  /* under another root */
	bool is_half_debug; /* PCR1 alone reads zero */
};

struct world {
	struct enclave *enclave;
	struct machine machine;
	/* Changed by tests while no request is under way. */
	int fault;      /* an enum nsm_operation that fails, or -1 */
	int fault_skip; /* how often it works before */
	unsigned asked[NSM_OPERATION_COUNT];
	int64_t clock_ahead_ms;
	int fd;
	pthread_t thread;
};

/* Where the log goes while there are worlds: a memory file, at debug level. */
int log_capture(void);
/* NULL, and *e, if the enclave does not start. */
struct world *world_try(const struct world_options *o, struct err *e);
struct world *world_open(const struct world_options *o);
void world_drop(struct world **w);

/* What came back. */
struct outcome {
	int status, code; /* code 0 and no words: success */
	char error[ERR_TEXT_MAX + 64];
};

/* request: of the row's schema, or NULL; reply: zeroed, of the row's schema, filled on success, or
 * NULL when it does not matter. */
struct outcome ask(struct world *w, enum api api, const void *request, void *reply);
/* The same, as JSON. */
struct outcome ask_text(struct world *w, enum api api, const char *text, struct buf *ret_body);
unsigned asked_in_all(const struct world *w);

#define assert_answered(call)                                                                      \
	do {                                                                                       \
		struct outcome o_ = (call);                                                        \
		if (o_.status != 200)                                                              \
			fail_msg("%s: %d %s", #call, o_.code, o_.error);                           \
	} while (0)

/* The error's code on the wire, and words that are in its text. */
#define assert_denied(call, expected, words)                                                       \
	do {                                                                                       \
		struct outcome o_ = (call);                                                        \
		if (o_.code != (expected) || !strstr(o_.error, (words)))                           \
			fail_msg("%s: %d %d '%s'", #call, o_.status, o_.code, o_.error);           \
	} while (0)

/* Members member1, member2, …; their keys, if any, are made once for all tests. */
#define PEOPLE_MAX 12
const struct key_set *person(unsigned i);
struct genesis_request genesis_of(unsigned members, unsigned threshold, bool has_keys);
/* What a request for inject-shares of these members' shares is, sealed to the setup key, or in the
 * clear where the member has no key. bits: which members. */
struct inject_shares_request shares_of(const struct genesis_reply *genesis, unsigned bits);

/* Worlds that have got somewhere. genesis: zeroed, filled with what genesis gave; the caller drops.
 */
void world_genesis(struct world *w, unsigned members, unsigned threshold, bool has_keys,
                   struct genesis_reply *genesis);
void world_ready(struct world *w, bool has_keys, struct genesis_reply *genesis);
void world_wait_for_key(struct world *w, const struct manifest_envelope *envelope);

#endif

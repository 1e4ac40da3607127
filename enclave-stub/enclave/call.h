/* One operation on its way through a handler. Handlers know no sockets and no JSON: they read the
 * decoded request, fill the reply, and change the state through enclave.h. */
#ifndef TEECTL_ENCLAVE_CALL_H
#define TEECTL_ENCLAVE_CALL_H

#include "enclave/caller.h"
#include "enclave/enclave.h"

struct call {
	struct enclave *enclave;
	const struct caller *caller; /* NULL: there is no client CA */
	const char *request_id;
	const void *request;         /* a struct of the operation's request schema */
	void *reply;                 /* a zeroed struct of its response schema */
	const void *stored;          /* instead of reply: one that the state keeps */
	struct buf *text;            /* of an operation whose answer is not JSON */
	struct hash256 request_hash; /* of the decoded request, where the route asks for it */
	uint64_t from;               /* receipts: ?from= */
	enum phase before;           /* when it was judged */
	struct trail trail;
};

/* A line of the debug log: how far the operation has come. Never what it works on. */
void call_step(const struct call *c, const char *step);

/* Handlers. Those that only look hold the lock shared, the others the operation (route.c). */
MUST_CHECK int serve_health(struct call *c, struct err *e);
MUST_CHECK int serve_status(struct call *c, struct err *e);
MUST_CHECK int serve_metrics(struct call *c, struct err *e);
MUST_CHECK int serve_manifest(struct call *c, struct err *e);
MUST_CHECK int serve_receipts(struct call *c, struct err *e);
MUST_CHECK int serve_live_attestation(struct call *c, struct err *e);
MUST_CHECK int serve_generate_attestation(struct call *c, struct err *e);
MUST_CHECK int serve_genesis_boot(struct call *c, struct err *e);
MUST_CHECK int serve_boot_standard(struct call *c, struct err *e);
MUST_CHECK int serve_share_manifest(struct call *c, struct err *e);
MUST_CHECK int serve_inject_shares(struct call *c, struct err *e);
MUST_CHECK int serve_export_key(struct call *c, struct err *e);
MUST_CHECK int serve_inject_key(struct call *c, struct err *e);
MUST_CHECK int serve_prove_key(struct call *c, struct err *e);
MUST_CHECK int serve_retire(struct call *c, struct err *e);
MUST_CHECK int serve_generate_seed(struct call *c, struct err *e);
MUST_CHECK int serve_validate_seed(struct call *c, struct err *e);

/* Is this request one that has been answered before? If so, fills the reply. By stored hashes
 * alone: no key is used, nothing is drawn, the NSM is not asked (contract.md, "Replays"). */
MUST_CHECK int replay_genesis_boot(struct call *c, bool *ret_is_replay, struct err *e);
MUST_CHECK int replay_boot_standard(struct call *c, bool *ret_is_replay, struct err *e);
MUST_CHECK int replay_share_manifest(struct call *c, bool *ret_is_replay, struct err *e);
MUST_CHECK int replay_inject_shares(struct call *c, bool *ret_is_replay, struct err *e);
MUST_CHECK int replay_inject_key(struct call *c, bool *ret_is_replay, struct err *e);
MUST_CHECK int replay_retire(struct call *c, bool *ret_is_replay, struct err *e);

/* What a schema's rows can't say; ERR_REQUEST. */
MUST_CHECK int check_generate_attestation(const void *request, struct err *e);
MUST_CHECK int check_inject_shares(const void *request, struct err *e);
MUST_CHECK int check_generate_seed(const void *request, struct err *e);

/* How much there is to open, before anything is known of who sends it. */
size_t work_inject_shares(const void *request);

/* Is the operation allowed in this mode (contract.md, "Access")? ERR_ACCESS. */
MUST_CHECK int mode_inject_shares(struct call *c, struct err *e);
/* The same of the client, by what the request names. */
MUST_CHECK int may_inject_shares(const struct call *c, struct err *e);

#endif

/* TEEs of the test's own process, asked as real ones are: each may lie in one thing at one
 * operation. Beside them a run that has settled all that it needs. */
#ifndef TEECTL_TESTS_TEE_SUPPORT_H
#define TEECTL_TESTS_TEE_SUPPORT_H

#include "birth_support.h"
#include "client_support.h"
#include "cluster_support.h"

#include "crypto/shamir.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"
#include "proto/statement.h"

/* setup: of tee2; the other is of tee1 */
static struct key_set *quorum, *setup, *other_setup, *third_setup;

static inline int open_all(void **state)
{
	struct err e;

	births_open(state);
	assert_ok(key_set_generate(&entropy_system, "test", &quorum, &e));
	assert_ok(key_set_generate(&entropy_system, "test", &setup, &e));
	assert_ok(key_set_generate(&entropy_system, "test", &other_setup, &e));
	assert_ok(key_set_generate(&entropy_system, "test", &third_setup, &e));
	return 0;
}

static inline int close_all(void **state)
{
	key_set_drop(&quorum);
	key_set_drop(&setup);
	key_set_drop(&other_setup);
	key_set_drop(&third_setup);
	return births_close(state);
}

/* What a TEE does otherwise than it should. */
enum lie {
	NO_LIE,
	OTHER_NONCE,    /* its document is of another question */
	OTHER_IMAGE,    /* and of another image */
	OTHER_MODULE,   /* the document is of tee1's NSM */
	OTHER_KEY,      /* it signs with a key of its own */
	OTHER_QUORUM,   /* and says that it is the quorum's */
	OTHER_ENVELOPE, /* the envelope is not the one that was signed */
	NO_RECEIPT,
	OTHER_RECEIPT, /* for another operation */
	OTHER_SUBJECT, /* of its receipt */
	OTHER_BOOT,    /* another setup key in it */
	OLD_RECEIPT,   /* of long ago */
	REJECTS_FIRST, /* of the shares that it is given */
	FORGETS,       /* of its receipts all but the last */
	KEEPS_BACK,    /* of its receipts the last */
	NO_ACCESS,     /* whoever asks may not */
	HTTP_500,
	HTTP_503,     /* it may be asked again */
	NOT_NOW,      /* it is in another phase */
	ANSWER_LOST,  /* it does what it was asked, and nobody hears of it */
	GIVES_NO_KEY, /* of as many shares as are needed */
	UNRESOLVED,   /* and says that they do not fit together */
	OTHER_SHARE,  /* beside the attested output: the first member's */
	NO_SETUP_KEY, /* in what it commits to from then on */
	HANGS,        /* it never answers */
};

/* And what it is refused for then. */
struct lie_row {
	enum lie lie;
	const char *reason;
};

/* In a document, whoever asks for it; and in the answer that says that it has the key now. */
static const struct lie_row document_lies[] = {
	{ OTHER_NONCE, "nonce" },
	{ OTHER_IMAGE, "pcr0" },
};
static const struct lie_row key_lies[] = {
	{ OTHER_QUORUM, "quorum_key" },
	{ NO_RECEIPT, "receipt" },
	{ OTHER_BOOT, "receipt" },
	{ OTHER_SUBJECT, "receipt" },
};

enum held { HELD_NOTHING, HELD_SETUP, HELD_KEY };

#define RECEIPTS_KEPT 8

struct tee {
	const struct stage *stage;
	const char *module;
	const struct key_set *setup;
	enum held held;
	enum lie lie;
	enum api lies_at; /* at this operation alone */
	enum phase says;  /* its status; PHASE_WAITING_FOR_SHARES: for all of them */
	struct server *server;
	struct hash256 message; /* of the last receipt */
	uint64_t receipts;
	struct receipt_item kept[RECEIPTS_KEPT]; /* and what it gives of them */
	unsigned good_shares; /* that it was given, of whom they say, for it and this manifest */
	unsigned all_shares;  /* and any */
	int64_t approvals;    /* that boot-standard gave it and that hold */
	bool is_ahead;        /* it was given shares before the journal had them for sure */
	int64_t shares_held;  /* before the next that it is given */
	char answer[65536];
};

#define TEES_MAX 4

struct stage {
	struct birth_stage birth;
	struct hash256 manifest; /* that the TEEs have, once they have one */
	struct kept_manifest older;
	char folder[128], told[1024];
	struct cluster_node nodes[TEES_MAX];
	struct node_seen seen[TEES_MAX];
	struct node_proof proofs[TEES_MAX];
	struct run run;
	struct tee tees[TEES_MAX];
};

/* --- a TEE */

static inline bool lies(const struct tee *t, enum api api, enum lie lie)
{
	return t->lie == lie && t->lies_at == api;
}

static inline int sign_document(struct tee *t, enum api api, struct view nonce, struct buf *to,
                                struct err *e)
{
	const struct birth_stage *b = &t->stage->birth;
	const struct hash256 *manifest = &t->stage->manifest;
	struct document_content content = b->content;
	struct pcr_set pcrs = b->shown;

	content.pcrs = &pcrs;
	content.module_id = lies(t, api, OTHER_MODULE) ? "i-1" : t->module;
	if (lies(t, api, OTHER_NONCE))
		nonce = view_text("another");
	content.nonce = (struct document_field){ nonce.len > 0, nonce };
	pcrs.values[PCR_IMAGE].bytes[0] ^= lies(t, api, OTHER_IMAGE);
	if (t->held != HELD_NOTHING) {
		content.user_data = (struct document_field){ true, VIEW_OF(manifest->bytes) };
		TRY(pcr_committed(key_set_public(t->setup), manifest, &pcrs.values[PCR_COMMITMENT],
		                  e));
	}
	if (t->held == HELD_SETUP)
		content.public_key = (struct document_field){ true, public_of(t->setup) };
	return document_sign(&content, birth_leaf, to, e);
}

static inline int sign_receipt(struct tee *t, enum api api, enum receipt_kind kind,
                               struct view subject, bool *has, struct receipt_item *ret,
                               struct err *e)
{
	struct receipt r = { .kind = lies(t, api, OTHER_RECEIPT) ? RECEIPT_SHARES_COMPLETED : kind,
		             .sequence = t->receipts++ };
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 hash;

	*has = !lies(t, api, NO_RECEIPT);
	TRY(sha256(public_of(t->setup), &r.setup_key, e));
	r.setup_key.bytes[1] ^= lies(t, api, OTHER_BOOT);
	r.nsm_ms = lies(t, api, OLD_RECEIPT) ? 1 : (uint64_t)clock_unix_ms();
	if (subject.len)
		TRY(sha256(subject, &r.subject, e));
	r.subject.bytes[0] ^= lies(t, api, OTHER_SUBJECT);
	receipt_format(&r, ret->body);
	TRY(sha256(VIEW_OF(ret->body), &hash, e));
	statement_format(STATEMENT_RECEIPT, &t->stage->manifest, hash.bytes, t->message.bytes,
	                 message);
	TRY(key_set_sign(quorum, VIEW_OF(message), &signature, e));
	memcpy(ret->signature, signature.bytes, sizeof(ret->signature));
	t->kept[r.sequence % RECEIPTS_KEPT] = *ret;
	return sha256(VIEW_OF(message), &t->message, e);
}

static inline int serve_receipts(const struct tee *t, struct buf *to, struct err *e)
{
	AUTO(receipts_reply) struct receipts_reply reply = { 0 };
	size_t from = lies(t, API_RECEIPTS, FORGETS) ? t->receipts - 1 : 0;
	size_t end = t->receipts - lies(t, API_RECEIPTS, KEEPS_BACK);

	for (size_t i = from; i < end && i < RECEIPTS_KEPT; i++) {
		struct receipt_item *item;

		TRY(wire_list_add(&reply.receipts, &receipt_item_schema, &item, e));
		*item = t->kept[i];
	}
	return wire_encode(&receipts_reply_schema, &reply, to, e);
}

static inline int serve_document(struct tee *t, enum api api, struct view nonce, struct buf *to,
                                 struct err *e)
{
	struct attestation_reply reply = { .attestation_doc = BUF_INIT(DOCUMENT_MAX) };
	int result;

	TRY(sign_document(t, api, nonce, &reply.attestation_doc, e));
	result = wire_set_text(&reply.id, "1", e) < 0 ||
	                 wire_encode(api_table[api].response, &reply, to, e) < 0
	             ? -1
	             : 0;
	wire_release(api_table[api].response, &reply);
	return result;
}

static inline int serve_proof(struct tee *t, const struct prove_key_request *q, struct buf *to,
                              struct err *e)
{
	AUTO(prove_key_reply)
	struct prove_key_reply reply = { .attestation_doc = BUF_INIT(DOCUMENT_MAX) };
	const struct key_set *key = lies(t, API_PROVE_KEY, OTHER_KEY) ? setup : quorum;
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 document;

	TRY(wire_set_text(&reply.id, "1", e));
	TRY(sign_document(t, API_PROVE_KEY, VIEW_OF(q->challenge), &reply.attestation_doc, e));
	TRY(sha256(buf_view(&reply.attestation_doc), &document, e));
	statement_format(STATEMENT_PROVE_KEY, &t->stage->manifest, q->challenge, document.bytes,
	                 message);
	TRY(key_set_sign(key, VIEW_OF(message), &signature, e));
	memcpy(reply.signature, signature.bytes, sizeof(reply.signature));
	memcpy(reply.quorum_public_key,
	       public_of(lies(t, API_PROVE_KEY, OTHER_QUORUM) ? setup : quorum).data,
	       PUBLIC_KEY_LEN);
	return wire_encode(&prove_key_reply_schema, &reply, to, e);
}

static inline int serve_export(struct tee *t, const struct export_key_request *q, struct buf *to,
                               struct err *e)
{
	AUTO(export_key_reply) struct export_key_reply reply = { 0 };
	const struct key_set *key = lies(t, API_EXPORT_KEY, OTHER_KEY) ? setup : quorum;
	struct signature signature;

	TRY(wire_set_text(&reply.id, "1", e));
	memset(reply.encrypted_quorum_key, 0x5a, sizeof(reply.encrypted_quorum_key));
	TRY(key_set_sign(key, VIEW_OF(reply.encrypted_quorum_key), &signature, e));
	memcpy(reply.signature, signature.bytes, sizeof(reply.signature));
	reply.encrypted_quorum_key[7] ^= lies(t, API_EXPORT_KEY, OTHER_ENVELOPE);
	TRY(sign_receipt(t, API_EXPORT_KEY, RECEIPT_EXPORT, buf_view(&q->attestation_doc),
	                 &reply.has_receipt, &reply.receipt, e));
	return wire_encode(&export_key_reply_schema, &reply, to, e);
}

static inline int serve_success(struct tee *t, enum api api, enum receipt_kind kind,
                                struct view subject, struct buf *to, struct err *e)
{
	struct success_reply reply = { .success = true };
	int result;

	TRY(wire_set_text(&reply.id, "1", e));
	if (kind)
		TRY(sign_receipt(t, api, kind, subject, &reply.has_receipt, &reply.receipt, e));
	result = wire_encode(api_table[api].response, &reply, to, e);
	wire_release(api_table[api].response, &reply);
	return result;
}

/* Sealed to this setup key, and signed by the member whose alias it has. */
static inline bool is_good_share(const struct tee *t, const struct submitted_share *share)
{
	AUTO(secret) struct secret plain = { 0 };
	uint8_t message[STATEMENT_LEN];
	struct hash256 setup_hash, sealed;
	struct err e;

	for (size_t i = 0; i < MEMBERS; i++) {
		if (!view_equal(buf_view(&share->member_alias),
		                view_text(t->stage->birth.members[i].name)))
			continue;
		if (envelope_open(t->setup, buf_view(&share->encrypted_share), &plain, &e) < 0 ||
		    sha256(public_of(t->setup), &setup_hash, &e) < 0 ||
		    sha256(buf_view(&share->encrypted_share), &sealed, &e) < 0)
			return false;
		statement_format(STATEMENT_SHARE_SUBMIT, &t->stage->manifest, setup_hash.bytes,
		                 sealed.bytes, message);
		return plain.len == SHARE_LEN && plain.data[0] == i + 1 &&
		       public_key_verify(key_set_public(birth_people.keys[i]), VIEW_OF(message),
		                         buf_view(&share->signature), &e) == 0;
	}
	return false;
}

/* How often the journal says so. */
static inline size_t said(const struct stage *g, const char *words)
{
	AUTO(buf) struct buf content = BUF_INIT(1 << 20);
	AUTO(text) char *path = NULL;
	size_t count = 0;
	struct err e;

	assert_ok(state_path(&g->run.state, JOURNAL_FILE, &path, &e));
	if (file_read(path, &content, &e) < 0)
		return 0;
	for (const char *at = buf_text(&content); (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* Two are enough. */
static inline int serve_shares(struct tee *t, const struct inject_shares_request *q, struct buf *to,
                               struct err *e)
{
	AUTO(inject_shares_reply) struct inject_shares_reply reply = { .threshold = 2 };
	const struct submitted_share *shares = q->shares.items;
	struct alias_item *rejected;

	t->is_ahead |= t->stage->run.evidence.journal.is_unsynced ||
	               said(t->stage, "\"share\"") < q->shares.count;
	for (size_t i = 0; i < q->shares.count; i++) {
		t->all_shares++;
		t->good_shares += is_good_share(t, &shares[i]);
		if (i > 0 || !lies(t, API_INJECT_SHARES, REJECTS_FIRST))
			continue;
		TRY(wire_list_add(&reply.rejected, &alias_item_schema, &rejected, e));
		TRY(wire_set(&rejected->alias, buf_view(&shares[i].member_alias), e));
	}
	reply.shares_received = t->shares_held + (int64_t)(q->shares.count - reply.rejected.count);
	reply.unresolved = lies(t, API_INJECT_SHARES, UNRESOLVED);
	if (reply.shares_received >= 2 && !reply.unresolved &&
	    !lies(t, API_INJECT_SHARES, GIVES_NO_KEY)) {
		reply.success = true;
		TRY(wire_set(&reply.reconstructed_quorum_key,
		             public_of(lies(t, API_INJECT_SHARES, OTHER_QUORUM) ? setup : quorum),
		             e));
		TRY(sign_receipt(t, API_INJECT_SHARES, RECEIPT_SHARES_COMPLETED, (struct view){ 0 },
		                 &reply.has_receipt, &reply.receipt, e));
	}
	return wire_encode(&inject_shares_reply_schema, &reply, to, e);
}

static inline int serve_status(const struct tee *t, struct buf *to, struct err *e)
{
	AUTO(status_reply)
	struct status_reply reply = { .status = (int)t->says,
		                      .phase = (int)t->says,
		                      .has_manifest_hash = t->says != PHASE_WAITING_FOR_BOOT };
	struct alias_item *item;

	TRY(wire_set_text(&reply.timestamp, "2026-01-01T00:00:00Z", e));
	TRY(wire_set_text(&reply.version, "1", e));
	TRY(wire_set_text(&reply.instance_id, t->module, e));
	memcpy(reply.manifest_hash, t->stage->manifest.bytes, sizeof(reply.manifest_hash));
	for (size_t i = 0; t->says == PHASE_WAITING_FOR_SHARES && i < MEMBERS; i++) {
		TRY(wire_list_add(&reply.shares_missing, &alias_item_schema, &item, e));
		TRY(wire_set_text(&item->alias, t->stage->birth.members[i].name, e));
	}
	return wire_encode(&status_reply_schema, &reply, to, e);
}

static inline int serve_boot(struct tee *t, const struct manifest_message *q, struct buf *to,
                             struct err *e)
{
	const struct manifest_envelope *envelope = &q->manifest_envelope;

	TRY(manifest_check_approvals(envelope, &envelope->manifest.manifest_set, 2, e));
	t->approvals = (int64_t)envelope->manifest_set_approvals.count;
	t->held = lies(t, API_BOOT_STANDARD, NO_SETUP_KEY) ? HELD_KEY : HELD_SETUP;
	return serve_document(t, API_BOOT_STANDARD, (struct view){ 0 }, to, e);
}

static inline int copy_shares(const struct tee *t, struct wire_list *to, struct err *e)
{
	const struct encrypted_share *from = t->stage->birth.output.member_outputs.items;
	struct encrypted_share *share;

	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *member = &from[i].share_set_member;

		TRY(wire_list_add(to, &encrypted_share_schema, &share, e));
		TRY(wire_set(&share->share_set_member.alias, buf_view(&member->alias), e));
		TRY(wire_set(&share->share_set_member.pub_key, buf_view(&member->pub_key), e));
		TRY(wire_set(&share->encrypted_quorum_key_share,
		             buf_view(&from[i].encrypted_quorum_key_share), e));
		memcpy(share->share_hash, from[i].share_hash, sizeof(share->share_hash));
		share->share_hash[0] ^= i == 0 && lies(t, API_GENESIS_BOOT, OTHER_SHARE);
	}
	return 0;
}

/* Is it asked for what the cluster file says? */
static inline bool is_good_question(const struct tee *t, const struct genesis_request *q)
{
	const struct cluster *c = &t->stage->birth.cluster;

	return view_equal(buf_view(&q->namespace_name), view_text(c->manifest.namespace_name)) &&
	       q->namespace_nonce == c->manifest.nonce && q->share_threshold == 2 &&
	       q->manifest_threshold == 2 && q->share_members.count == MEMBERS &&
	       q->manifest_members.count == MEMBERS && !q->has_dr_key;
}

/* The birth that the test has prepared; asked again, it gives the same answer. */
static inline int serve_genesis(struct tee *t, const struct genesis_request *q, struct buf *to,
                                struct err *e)
{
	AUTO(genesis_reply) struct genesis_reply reply = { .waiting_state = PHASE_GENESIS_BOOTED };
	const struct birth_stage *b = &t->stage->birth;
	const struct key_set *key = lies(t, API_GENESIS_BOOT, OTHER_QUORUM) ? setup : quorum;

	if (!is_good_question(t, q))
		return err_set(e, ERR_DATA, "it is asked for another genesis");
	memcpy(reply.quorum_public_key, public_of(key).data, PUBLIC_KEY_LEN);
	memcpy(reply.ephemeral_key, public_of(t->setup).data, PUBLIC_KEY_LEN);
	TRY(manifest_copy(&b->envelope, &reply.manifest_envelope, e));
	TRY(copy_shares(t, &reply.encrypted_shares, e));
	TRY(wire_set(&reply.genesis_output, buf_view(&b->borsh), e));
	TRY(wire_set(&reply.genesis_attestation_doc, buf_view(&b->document), e));
	t->held = lies(t, API_GENESIS_BOOT, NO_SETUP_KEY) ? HELD_KEY : HELD_SETUP;
	t->module = lies(t, API_GENESIS_BOOT, OTHER_MODULE) ? "i-1" : t->module;
	return wire_encode(&genesis_reply_schema, &reply, to, e);
}

union request {
	struct genesis_request genesis;
	struct inject_shares_request shares;
	struct live_attestation_request live;
	struct generate_attestation_request generate;
	struct export_key_request export;
	struct inject_key_request inject;
	struct prove_key_request prove;
	struct retire_request retire;
	struct manifest_message manifest;
};

static inline int serve(struct tee *t, enum api api, const union request *q, struct buf *to,
                        struct err *e)
{
	switch (api) {
	case API_STATUS:
		return serve_status(t, to, e);
	case API_GENESIS_BOOT:
		return serve_genesis(t, &q->genesis, to, e);
	case API_BOOT_STANDARD:
		return serve_boot(t, &q->manifest, to, e);
	case API_LIVE_ATTESTATION:
		return serve_document(t, api, buf_view(&q->live.nonce), to, e);
	case API_SHARE_MANIFEST:
		if (t->held == HELD_NOTHING && !lies(t, api, NO_SETUP_KEY))
			t->held = HELD_SETUP;
		return serve_success(t, api, 0, (struct view){ 0 }, to, e);
	case API_GENERATE_ATTESTATION:
		return serve_document(t, api, buf_view(&q->generate.nonce), to, e);
	case API_EXPORT_KEY:
		return serve_export(t, &q->export, to, e);
	case API_INJECT_KEY:
		return serve_success(t, api, RECEIPT_INJECT,
		                     VIEW_OF(q->inject.encrypted_quorum_key), to, e);
	case API_INJECT_SHARES:
		return serve_shares(t, &q->shares, to, e);
	case API_PROVE_KEY:
		return serve_proof(t, &q->prove, to, e);
	case API_RECEIPTS:
		return serve_receipts(t, to, e);
	case API_RETIRE:
		return serve_success(t, api, RECEIPT_RETIRE, (struct view){ 0 }, to, e);
	default:
		return err_set(e, ERR_NOT_FOUND, "it does not do that");
	}
}

static inline enum api api_asked(const char *request)
{
	enum api found = API_COUNT;

	for (int api = 0; api < API_COUNT; api++) {
		const char *path = api_table[api].path, *at = strchr(request, ' ') + 1;

		if (strncmp(at, path, strlen(path)) == 0 && strchr(" ?", at[strlen(path)]))
			found = (enum api)api;
	}
	return found;
}

/* In the server's thread: nothing of a test may fail here. */
static inline void on_request(void *context)
{
	struct tee *t = context;
	const char *request = t->server->last;
	enum api api = api_asked(request);
	AUTO(buf) struct buf body = BUF_INIT(WIRE_TEXT_MAX);
	const struct wire_schema *schema = api < API_COUNT ? api_table[api].request : NULL;
	union request q = { 0 };
	const char *status = "200 OK";
	struct err e = { 0 };

	if (api == API_COUNT || lies(t, api, HTTP_500)) {
		status = "500 Internal Server Error";
	} else if (lies(t, api, HTTP_503)) {
		status = "503 Service Unavailable";
	} else if (lies(t, api, NO_ACCESS)) {
		status = "403 Forbidden";
		(void)!buf_add_text(&body,
		                    "{\"error\":\"not for this role\",\"code\":1011,"
		                    "\"request_id\":\"1\"}",
		                    &e);
	} else if (lies(t, api, NOT_NOW)) {
		status = "409 Conflict";
		(void)!buf_add_text(&body,
		                    "{\"error\":\"not in this phase\",\"code\":1006,"
		                    "\"request_id\":\"1\"}",
		                    &e);
	} else if ((schema &&
	            wire_decode(schema, view_text(strstr(request, "\r\n\r\n") + 4), &q, &e) < 0) ||
	           serve(t, api, &q, &body, &e) < 0) {
		status = "599 Test Is Wrong";
		buf_clear(&body);
		(void)!buf_add_text(&body, e.text, &e);
	} else if (lies(t, api, ANSWER_LOST)) {
		status = "500 Internal Server Error";
		buf_clear(&body);
	}
	if (schema)
		wire_release(schema, &q);
	snprintf(t->answer, sizeof(t->answer),
	         "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	         status, body.len, buf_text(&body));
	t->server->script[0] = (struct answer){ ANSWER, t->answer };
	if (api < API_COUNT && lies(t, api, HANGS))
		t->server->script[0] = (struct answer){ ANSWER_NEVER, NULL };
}

/* --- the run */

static inline void take_event(void *context, const struct event *event)
{
	struct stage *g = context;
	size_t len = strlen(g->told);

	if (event->kind == EVENT_STEP_DONE || event->kind == EVENT_NOTE)
		snprintf(g->told + len, sizeof(g->told) - len, "%s: %s\n", event->node,
		         event->text);
}

static inline void stage_drop(struct stage *g)
{
	client_drop(&g->run.client);
	for (size_t i = 0; i < g->birth.cluster.node_count; i++) {
		server_drop(&g->tees[i].server);
		status_reply_drop(&g->seen[i].status);
	}
	evidence_drop(&g->run.evidence);
	alias_list_drop(&g->run.missing);
	kept_genesis_drop(&g->run.seen.genesis);
	manifest_envelope_drop(&g->older.envelope);
	buf_drop(&g->run.root);
	birth_stage_drop(&g->birth);
	folder_clear(g->folder);
}

static inline void set(struct buf *member, struct view v)
{
	struct err e;

	assert_ok(wire_set(member, v, &e));
}

/* The i-th member's share is his number, and zeroes. */
static inline void fill_shares(struct genesis_output *output)
{
	struct encrypted_share *shares = output->member_outputs.items;
	struct err e;

	for (size_t i = 0; i < MEMBERS; i++) {
		const uint8_t bytes[SHARE_LEN] = { (uint8_t)(i + 1) };
		AUTO(secret) struct secret plain = secret_of(VIEW_OF(bytes));
		AUTO(buf) struct buf sealed = BUF_INIT(256);
		struct hash512 hash;

		assert_ok(sha512(VIEW_OF(bytes), &hash, &e));
		memcpy(shares[i].share_hash, hash.bytes, sizeof(shares[i].share_hash));
		assert_ok(envelope_seal(key_set_public(birth_people.keys[i]), &plain,
		                        &entropy_system, &sealed, &e));
		set(&shares[i].encrypted_quorum_key_share, buf_view(&sealed));
	}
}

static inline void add_tee(struct stage *g, enum held held)
{
	static char names[TEES_MAX][8] = { "tee1", "tee2", "tee3", "tee4" };
	static const char *const modules[TEES_MAX] = { "i-1", "i-2", "i-3", "i-4" };
	size_t i = g->birth.cluster.node_count++;
	struct tee *t = &g->tees[i];

	t->stage = g;
	t->module = modules[i];
	t->setup = i == 0 ? other_setup : i == 1 ? setup : third_setup;
	t->held = held;
	t->says = PHASE_WAITING_FOR_SHARES;
	t->server = server_start(SCRIPT({ ANSWER, "" }));
	t->server->context = t;
	t->server->on_request = on_request;
	g->nodes[i] = (struct cluster_node){ .name = names[i], .url = t->server->url };
	g->seen[i] = (struct node_seen){ .presence = NODE_PRESENT, .url = t->server->url };
	g->seen[i].status.phase = (int)(held == HELD_KEY     ? PHASE_READY
	                                : held == HELD_SETUP ? PHASE_WAITING_FOR_KEY
	                                                     : PHASE_WAITING_FOR_BOOT);
	g->seen[i].status.has_manifest_hash = held != HELD_NOTHING;
	memcpy(g->seen[i].status.manifest_hash, g->run.seen.genesis.manifest_hash.bytes, 32);
	g->run.seen.count = g->birth.cluster.node_count;
}

/* tee1 has the key, tee2 what is said; both were launched elsewhere. */
static inline void stage_fill(struct stage *g, enum held held)
{
	static const struct client_options options = { .connect_timeout_ms = 5000,
		                                       .request_timeout_ms = 5000,
		                                       .attempts = 1 };
	struct cluster *c = &g->birth.cluster;
	struct err e;

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	set(&g->birth.envelope.manifest.namespace.quorum_key, public_of(quorum));
	set(&g->birth.output.quorum_key, public_of(quorum));
	fill_shares(&g->birth.output);
	birth_attest(&g->birth);
	folder_new(g->folder, sizeof(g->folder));
	c->nodes = g->nodes;
	c->propagate.parallel = 1;
	g->run = RUN_INIT;
	g->run.cluster = c;
	g->run.state.folder = g->folder;
	g->run.proofs = g->proofs;
	g->run.options = (struct run_options){
		.to_change = true, .on_event = take_event, .event_context = g, .interrupt_fd = -1
	};
	g->run.deadline_ms = clock_monotonic_ms() + 20000;
	g->run.seen = (struct observation){ .nodes = g->seen, .has_genesis = true };
	g->run.seen.genesis = birth_kept(&g->birth);
	g->manifest = g->run.seen.genesis.manifest_hash;
	g->run.has_pcrs = g->run.has_policy = g->run.may_seal = true;
	g->run.pcrs = g->birth.pcrs;
	g->run.root.max = ROOT_CERTIFICATE_MAX;
	assert_ok(buf_set(&g->run.root, signer_certificate(birth_root), &e));
	assert_ok(client_new(&options, &g->run.client, &e));
	add_tee(g, HELD_KEY);
	add_tee(g, held);
}

/* tee2 waits for the shares of the members from the first-th on. */
static inline void waits_from(struct stage *g, size_t first)
{
	struct wire_list *missing = &g->seen[1].status.shares_missing;
	struct alias_item *item;
	struct err e;

	g->seen[1].status.phase = PHASE_WAITING_FOR_SHARES;
	alias_list_drop(missing);
	for (size_t i = first; i < MEMBERS; i++) {
		assert_ok(wire_list_add(missing, &alias_item_schema, &item, &e));
		assert_ok(wire_set_text(&item->alias, g->birth.members[i].name, &e));
	}
}

static inline void stage_wait(struct stage *g)
{
	stage_fill(g, HELD_SETUP);
	waits_from(g, 0);
}

static inline void missing_are(const struct stage *g, const char *expected)
{
	const struct alias_item *items = g->run.missing.items;
	char found[1024] = "";

	for (size_t i = 0; i < g->run.missing.count; i++) {
		strcat(found, i ? " " : "");
		strcat(found, buf_text(&items[i].alias));
	}
	assert_string_equal(found, expected);
}

/* The TEEs have a manifest that was this cluster's before. */
static inline void stage_age(struct stage *g)
{
	struct manifest_envelope *older = &g->older.envelope;
	struct err e;

	assert_ok(manifest_copy(&g->birth.envelope, older, &e));
	older->manifest.namespace.nonce--;
	assert_ok(manifest_hash(&older->manifest, &g->older.hash, &e));
	g->run.seen.older = (struct kept_manifests){ &g->older, 1 };
	g->manifest = g->older.hash;
}

/* As another run finds it: what the journal has, and nothing else. */
static inline void stage_forget(struct stage *g)
{
	evidence_drop(&g->run.evidence);
	memset(g->proofs, 0, sizeof(g->proofs));
}

static inline int do_step(struct stage *g, enum step_kind kind, size_t node, struct err *e)
{
	struct step step = { .kind = kind,
		             .node = node,
		             .source = SOURCE_NONE,
		             .needs = STEP_NONE,
		             .after = STEP_NONE };
	size_t order[TEES_MAX] = { 0, 1, 2, 3 };
	const struct plan plan = { .steps = &step,
		                   .count = 1,
		                   .way = { .topology = TOPOLOGY_STAR,
		                            .parallel = 1,
		                            .order = order,
		                            .order_count = g->birth.cluster.node_count } };

	return execute(&g->run, &plan, e);
}

/* The last TEE's node shows the same TEE as another, which is believed: then neither is. */
static inline void contest(struct stage *g, size_t node)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	size_t relay = g->birth.cluster.node_count - 1;
	const struct view nonce = view_text("nonce");
	struct node_proof proof;
	struct err e;

	g->tees[relay].module = g->tees[node].module;
	assert_ok(sign_document(&g->tees[relay], API_LIVE_ATTESTATION, nonce, &document, &e));
	assert_refused(policy_judge(&g->run, relay, buf_view(&document), nonce, &proof, &e),
	               ERR_ATTESTATION, "neither is believed");
	assert_true(g->proofs[node].is_refused && g->proofs[relay].is_refused);
}

/* That happens as the operation is answered, and before the answer is looked at; or as it is to be
 * tried again. */
struct plot {
	struct stage *stage;
	size_t node;
	enum api api;
	bool at_retry;
	void (*act)(struct stage *g, size_t node); /* NULL: contest */
};

static inline void contest_now(struct plot *p, const char *operation, bool is_retry)
{
	if (p->stage && p->at_retry == is_retry && strcmp(operation, api_table[p->api].name) == 0) {
		(p->act ? p->act : contest)(p->stage, p->node);
		p->stage = NULL; /* once */
	}
}

static inline void contest_at_answer(void *context, const char *node, const char *operation,
                                     int64_t started_us, int64_t elapsed_us,
                                     const struct err *failure)
{
	(void)node;
	(void)started_us;
	(void)elapsed_us;
	(void)failure;
	contest_now(context, operation, /* is_retry= */ false);
}

static inline void contest_at_retry(void *context, const char *node, const char *operation,
                                    unsigned attempt, int64_t wait_ms, const struct err *why)
{
	(void)node;
	(void)attempt;
	(void)wait_ms;
	(void)why;
	contest_now(context, operation, /* is_retry= */ true);
}

static inline void contest_at(struct plot *p)
{
	const struct client_options options = { .connect_timeout_ms = 5000,
		                                .request_timeout_ms = 5000,
		                                .attempts = 2,
		                                .backoff_base_ms = 1,
		                                .backoff_max_ms = 1,
		                                .on_retry = contest_at_retry,
		                                .on_retry_context = p,
		                                .on_exchange = contest_at_answer,
		                                .on_exchange_context = p };
	struct err e;

	client_drop(&p->stage->run.client);
	assert_ok(client_new(&options, &p->stage->run.client, &e));
}

/* Both TEEs have been seen with their setup keys, and then got the key: tee2 has a receipt of it.
 */
static inline void stage_known(struct stage *g)
{
	struct err e;

	stage_fill(g, HELD_SETUP);
	g->tees[0].held = HELD_SETUP;
	for (size_t i = 0; i < 2; i++) {
		g->seen[i].status.phase = PHASE_WAITING_FOR_KEY;
		assert_ok(do_step(g, STEP_VERIFY, i, &e));
		g->tees[i].held = HELD_KEY;
		g->seen[i].status.phase = PHASE_READY;
	}
	stage_forget(g);
	g->told[0] = 0;
}

static inline void lie(struct stage *g, size_t tee, enum api api, enum lie what)
{
	g->tees[tee].lie = what;
	g->tees[tee].lies_at = api;
}

#endif

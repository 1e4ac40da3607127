/* The steps that ask one TEE something and hold its answer to what it must be: verify, prove,
 * forward, retire. The TEEs are scripts of this process, each of which may lie in one thing. */
#include "birth_support.h"
#include "client_support.h"
#include "cluster_support.h"

#include "orchestrate/execute.h"
#include "proto/statement.h"

static struct key_set *quorum, *setup;

static int open_all(void **state)
{
	struct err e;

	births_open(state);
	assert_ok(key_set_generate(&entropy_system, "test", &quorum, &e));
	assert_ok(key_set_generate(&entropy_system, "test", &setup, &e));
	return 0;
}

static int close_all(void **state)
{
	key_set_drop(&quorum);
	key_set_drop(&setup);
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
	HTTP_500,
	NOT_NOW, /* it is in another phase */
};

enum held { HELD_NOTHING, HELD_SETUP, HELD_KEY };

struct tee {
	const struct stage *stage;
	const char *module;
	enum held held;
	enum lie lie;
	enum api lies_at; /* at this operation alone */
	struct server *server;
	struct hash256 message; /* of the last receipt */
	uint64_t receipts;
	char answer[65536];
};

struct stage {
	struct birth_stage birth;
	char folder[128], told[1024];
	struct cluster_node nodes[2];
	struct node_seen seen[2];
	struct node_proof proofs[2];
	struct run run;
	struct tee tees[2];
};

/* --- a TEE */

static bool lies(const struct tee *t, enum api api, enum lie lie)
{
	return t->lie == lie && t->lies_at == api;
}

static int sign_document(struct tee *t, enum api api, struct view nonce, struct buf *to,
                         struct err *e)
{
	const struct birth_stage *b = &t->stage->birth;
	const struct hash256 *manifest = &t->stage->run.seen.genesis.manifest_hash;
	struct document_content content = b->content;
	struct pcr_set pcrs = b->shown;

	content.pcrs = &pcrs;
	content.module_id = lies(t, api, OTHER_MODULE) ? "i-1" : t->module;
	content.nonce =
	    (struct document_field){ true,
		                     lies(t, api, OTHER_NONCE) ? view_text("another") : nonce };
	pcrs.values[PCR_IMAGE].bytes[0] ^= lies(t, api, OTHER_IMAGE);
	if (t->held != HELD_NOTHING) {
		content.user_data = (struct document_field){ true, VIEW_OF(manifest->bytes) };
		TRY(pcr_committed(key_set_public(setup), manifest, &pcrs.values[PCR_COMMITMENT],
		                  e));
	}
	if (t->held == HELD_SETUP)
		content.public_key = (struct document_field){ true, public_of(setup) };
	return document_sign(&content, birth_leaf, to, e);
}

static int sign_receipt(struct tee *t, enum api api, enum receipt_kind kind, struct view subject,
                        bool *has, struct receipt_item *ret, struct err *e)
{
	struct receipt r = { .kind = lies(t, api, OTHER_RECEIPT) ? RECEIPT_SHARES_COMPLETED : kind,
		             .sequence = t->receipts++ };
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 hash;

	*has = !lies(t, api, NO_RECEIPT);
	TRY(sha256(public_of(setup), &r.setup_key, e));
	r.setup_key.bytes[1] ^= lies(t, api, OTHER_BOOT);
	r.setup_key.bytes[0] ^=
	    t->held == HELD_KEY && kind == RECEIPT_EXPORT; /* a boot of its own */
	if (subject.len)
		TRY(sha256(subject, &r.subject, e));
	r.subject.bytes[0] ^= lies(t, api, OTHER_SUBJECT);
	receipt_format(&r, ret->body);
	TRY(sha256(VIEW_OF(ret->body), &hash, e));
	statement_format(STATEMENT_RECEIPT, &t->stage->run.seen.genesis.manifest_hash, hash.bytes,
	                 t->message.bytes, message);
	TRY(key_set_sign(quorum, VIEW_OF(message), &signature, e));
	memcpy(ret->signature, signature.bytes, sizeof(ret->signature));
	return sha256(VIEW_OF(message), &t->message, e);
}

static int serve_document(struct tee *t, enum api api, struct view nonce, struct buf *to,
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

static int serve_proof(struct tee *t, const struct prove_key_request *q, struct buf *to,
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
	statement_format(STATEMENT_PROVE_KEY, &t->stage->run.seen.genesis.manifest_hash,
	                 q->challenge, document.bytes, message);
	TRY(key_set_sign(key, VIEW_OF(message), &signature, e));
	memcpy(reply.signature, signature.bytes, sizeof(reply.signature));
	memcpy(reply.quorum_public_key,
	       public_of(lies(t, API_PROVE_KEY, OTHER_QUORUM) ? setup : quorum).data,
	       PUBLIC_KEY_LEN);
	return wire_encode(&prove_key_reply_schema, &reply, to, e);
}

static int serve_export(struct tee *t, const struct export_key_request *q, struct buf *to,
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

static int serve_success(struct tee *t, enum api api, enum receipt_kind kind, struct view subject,
                         struct buf *to, struct err *e)
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

union request {
	struct live_attestation_request live;
	struct generate_attestation_request generate;
	struct export_key_request export;
	struct inject_key_request inject;
	struct prove_key_request prove;
	struct retire_request retire;
	struct manifest_message manifest;
};

static int serve(struct tee *t, enum api api, const union request *q, struct buf *to, struct err *e)
{
	switch (api) {
	case API_LIVE_ATTESTATION:
		return serve_document(t, api, buf_view(&q->live.nonce), to, e);
	case API_SHARE_MANIFEST:
		t->held = t->held == HELD_NOTHING ? HELD_SETUP : t->held;
		return serve_success(t, api, 0, (struct view){ 0 }, to, e);
	case API_GENERATE_ATTESTATION:
		return serve_document(t, api, buf_view(&q->generate.nonce), to, e);
	case API_EXPORT_KEY:
		return serve_export(t, &q->export, to, e);
	case API_INJECT_KEY:
		return serve_success(t, api, RECEIPT_INJECT,
		                     VIEW_OF(q->inject.encrypted_quorum_key), to, e);
	case API_PROVE_KEY:
		return serve_proof(t, &q->prove, to, e);
	case API_RETIRE:
		return serve_success(t, api, RECEIPT_RETIRE, (struct view){ 0 }, to, e);
	default:
		return err_set(e, ERR_NOT_FOUND, "it does not do that");
	}
}

static enum api api_asked(const char *request)
{
	enum api found = API_COUNT;

	for (int api = 0; api < API_COUNT; api++) {
		const char *path = api_table[api].path, *at = strchr(request, ' ') + 1;

		if (strncmp(at, path, strlen(path)) == 0 && at[strlen(path)] == ' ')
			found = (enum api)api;
	}
	return found;
}

/* In the server's thread: nothing of a test may fail here. */
static void on_request(void *context)
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
	}
	if (schema)
		wire_release(schema, &q);
	snprintf(t->answer, sizeof(t->answer),
	         "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	         status, body.len, buf_text(&body));
	t->server->script[0].text = t->answer;
}

/* --- the run */

static void take_event(void *context, const struct event *event)
{
	struct stage *g = context;
	size_t len = strlen(g->told);

	if (event->kind == EVENT_STEP_DONE || event->kind == EVENT_NOTE)
		snprintf(g->told + len, sizeof(g->told) - len, "%s: %s\n", event->node,
		         event->text);
}

static void stage_drop(struct stage *g)
{
	client_drop(&g->run.client);
	for (size_t i = 0; i < 2; i++) {
		server_drop(&g->tees[i].server);
		status_reply_drop(&g->seen[i].status);
	}
	evidence_drop(&g->run.evidence);
	kept_genesis_drop(&g->run.seen.genesis);
	buf_drop(&g->run.root);
	birth_stage_drop(&g->birth);
	folder_clear(g->folder);
}

static void set(struct buf *member, struct view v)
{
	struct err e;

	assert_ok(wire_set(member, v, &e));
}

/* tee1 has the key, tee2 what is said; both were launched elsewhere. */
static void stage_fill(struct stage *g, enum held held)
{
	static char names[2][8] = { "tee1", "tee2" };
	static const struct client_options options = { .connect_timeout_ms = 5000,
		                                       .request_timeout_ms = 5000,
		                                       .attempts = 1 };
	struct cluster *c = &g->birth.cluster;
	struct err e;

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	set(&g->birth.envelope.manifest.namespace.quorum_key, public_of(quorum));
	set(&g->birth.output.quorum_key, public_of(quorum));
	birth_attest(&g->birth);
	folder_new(g->folder, sizeof(g->folder));
	c->nodes = g->nodes;
	c->node_count = 2;
	c->propagate.parallel = 1;
	g->run = RUN_INIT;
	g->run.cluster = c;
	g->run.state.folder = g->folder;
	g->run.proofs = g->proofs;
	g->run.options = (struct run_options){
		.to_change = true, .on_event = take_event, .event_context = g, .interrupt_fd = -1
	};
	g->run.deadline_ms = clock_monotonic_ms() + 20000;
	g->run.seen = (struct observation){ .nodes = g->seen, .count = 2, .has_genesis = true };
	g->run.seen.genesis = birth_kept(&g->birth);
	g->run.has_pcrs = g->run.has_policy = g->run.may_seal = true;
	g->run.pcrs = g->birth.pcrs;
	g->run.root.max = ROOT_CERTIFICATE_MAX;
	assert_ok(buf_set(&g->run.root, signer_certificate(birth_root), &e));
	assert_ok(client_new(&options, &g->run.client, &e));
	for (size_t i = 0; i < 2; i++) {
		struct tee *t = &g->tees[i];

		t->stage = g;
		t->module = i ? "i-2" : "i-1";
		t->held = i ? held : HELD_KEY;
		t->server = server_start(SCRIPT({ ANSWER, "" }));
		t->server->context = t;
		t->server->on_request = on_request;
		g->nodes[i] = (struct cluster_node){ .name = names[i], .url = t->server->url };
		g->seen[i] = (struct node_seen){ .presence = NODE_PRESENT, .url = t->server->url };
		g->seen[i].status.phase = (int)(t->held == HELD_KEY     ? PHASE_READY
		                                : t->held == HELD_SETUP ? PHASE_WAITING_FOR_KEY
		                                                        : PHASE_WAITING_FOR_BOOT);
		g->seen[i].status.has_manifest_hash = t->held != HELD_NOTHING;
		memcpy(g->seen[i].status.manifest_hash, g->run.seen.genesis.manifest_hash.bytes,
		       32);
	}
}

static int do_step(struct stage *g, enum step_kind kind, size_t node, struct err *e)
{
	struct step step = { .kind = kind,
		             .node = node,
		             .source = SOURCE_NONE,
		             .needs = STEP_NONE,
		             .after = STEP_NONE };
	size_t order[] = { 0, 1 };
	const struct plan plan = { .steps = &step,
		                   .count = 1,
		                   .way = { .topology = TOPOLOGY_STAR,
		                            .parallel = 1,
		                            .order = order,
		                            .order_count = 2 } };

	return execute(&g->run, &plan, e);
}

static void lie(struct stage *g, size_t tee, enum api api, enum lie what)
{
	g->tees[tee].lie = what;
	g->tees[tee].lies_at = api;
}

/* --- verify */

static void verify_shows_what_a_node_holds(void **state)
{
	static const struct {
		enum held held;
		enum holding holding;
		const char *told;
	} rows[] = {
		{ HELD_NOTHING, HOLDS_NOTHING, "tee2: no manifest yet\n" },
		{ HELD_SETUP, HOLDS_SETUP_KEY, "tee2: this cluster's manifest, no key yet\n" },
		{ HELD_KEY, HOLDS_KEY, "tee2: this cluster's manifest\n" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, rows[i].held);
		assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
		assert_int_equal(g.proofs[1].holding, rows[i].holding);
		assert_string_equal(g.told, rows[i].told);
	}
}

static void verify_takes_no_document_for_another(void **state)
{
	static const struct {
		enum lie lie;
		const char *reason;
	} rows[] = {
		{ OTHER_NONCE, "nonce" },
		{ OTHER_IMAGE, "pcr0" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_NOTHING);
		lie(&g, 1, API_LIVE_ATTESTATION, rows[i].lie);
		assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(strncmp(e.text, "tee2: ", 6), 0);
		assert_true(g.proofs[1].is_refused);
		assert_int_equal(g.proofs[1].holding, HOLDS_UNKNOWN);
		assert_int_equal(g.proofs[1].refusal.code, ERR_ATTESTATION);
	}
}

/* What the document shows is less than the node claims: of what it claims nothing is believed. */
static void verify_holds_a_node_to_its_claim(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.tees[1].held = HELD_SETUP;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "claim");
	assert_true(g.proofs[1].is_refused);
	/* More than it claims is no lie: it has gone on since it was asked. */
	g.seen[1].status.phase = PHASE_WAITING_FOR_KEY;
	g.tees[1].held = HELD_KEY;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_int_equal(g.proofs[1].holding, HOLDS_KEY);
}

static void verify_takes_one_tee_for_one_node(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	/* A relay at the other's address. */
	g.seen[1].url = g.tees[0].server->url;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "answers for tee1");
}

/* --- prove */

static void prove_is_by_the_quorum_key_over_this_challenge(void **state)
{
	static const struct {
		enum lie lie;
		const char *reason; /* NULL: it holds */
	} rows[] = {
		{ NO_LIE, NULL },
		{ OTHER_KEY, "key-proof" },
		{ OTHER_QUORUM, "quorum_key" },
		{ OTHER_NONCE, "nonce" },
		{ OTHER_IMAGE, "pcr0" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_KEY);
		lie(&g, 1, API_PROVE_KEY, rows[i].lie);
		if (!rows[i].reason) {
			assert_ok(do_step(&g, STEP_PROVE, 1, &e));
			assert_true(g.proofs[1].has_key_proof);
			continue;
		}
		assert_refused(do_step(&g, STEP_PROVE, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(strncmp(e.text, "tee2: prove-key: ", 17), 0);
		assert_true(g.proofs[1].is_refused);
		assert_false(g.proofs[1].has_key_proof);
	}
}

static void prove_is_no_proof_before_the_setup_key_is_gone(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	assert_refused(do_step(&g, STEP_PROVE, 1, &e), ERR_ATTESTATION, "user_data");
	/* One that has no key says so itself: then it is taken at its word. */
	lie(&g, 1, API_PROVE_KEY, NOT_NOW);
	g.proofs[1] = (struct node_proof){ .holding = HOLDS_KEY };
	assert_refused(do_step(&g, STEP_PROVE, 1, &e), ERR_PARTIAL, "not in this phase");
	assert_true(g.proofs[1].is_refused);
	assert_int_equal(g.proofs[1].refusal.code, ERR_PHASE);
	/* That it does not answer says nothing of what it was verified to hold. */
	lie(&g, 1, API_PROVE_KEY, HTTP_500);
	g.proofs[1] = (struct node_proof){ .holding = HOLDS_KEY };
	assert_int_equal(do_step(&g, STEP_PROVE, 1, &e), -1);
	assert_false(g.proofs[1].is_refused);
}

/* --- forward */

static void forward_brings_the_key_to_an_attested_setup_key(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_FORWARD, 1, &e));
	assert_string_equal(g.told, "tee2: from tee1\n");
	assert_int_equal(g.proofs[1].holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&g.proofs[1].setup_key, key_set_public(setup)));
}

static void forward_asks_nobody_for_a_key_that_is_there(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	g.tees[1].held = HELD_KEY; /* another has forwarded it meanwhile */
	assert_ok(do_step(&g, STEP_FORWARD, 1, &e));
	assert_string_equal(g.told, "tee2: had the key already\n");
	assert_int_equal(g.tees[0].server->request_count, 0);
}

static void forward_stops_at_the_first_thing_that_is_wrong(void **state)
{
	static const struct {
		size_t tee;
		enum api api;
		enum lie lie;
		const char *reason;
		size_t exports, injects; /* how often they were asked for */
	} rows[] = {
		/* before the source is asked for anything */
		{ 1, API_GENERATE_ATTESTATION, OTHER_NONCE, "nonce", 0, 0 },
		{ 1, API_GENERATE_ATTESTATION, OTHER_IMAGE, "pcr0", 0, 0 },
		/* before the target is given anything */
		{ 0, API_EXPORT_KEY, OTHER_KEY, "export-signature", 1, 0 },
		{ 0, API_EXPORT_KEY, OTHER_ENVELOPE, "export-signature", 1, 0 },
		{ 0, API_EXPORT_KEY, NO_RECEIPT, "receipt", 1, 0 },
		{ 0, API_EXPORT_KEY, OTHER_RECEIPT, "receipt", 1, 0 },
		{ 0, API_EXPORT_KEY, OTHER_SUBJECT, "receipt", 1, 0 },
		/* and what it was given it must have taken */
		{ 1, API_INJECT_KEY, NO_RECEIPT, "receipt", 1, 1 },
		{ 1, API_INJECT_KEY, OTHER_RECEIPT, "receipt", 1, 1 },
		{ 1, API_INJECT_KEY, OTHER_SUBJECT, "receipt", 1, 1 },
		{ 1, API_INJECT_KEY, OTHER_BOOT, "receipt", 1, 1 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_NOTHING);
		lie(&g, rows[i].tee, rows[i].api, rows[i].lie);
		assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(g.tees[0].server->request_count, rows[i].exports);
		assert_int_equal(g.tees[1].server->request_count, 2 + rows[i].injects);
		assert_null(strstr(g.told, "from tee1"));
	}
}

/* A relay would have the key sealed to a TEE that has it. */
static void forward_takes_one_tee_for_one_node(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	lie(&g, 1, API_GENERATE_ATTESTATION, OTHER_MODULE);
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION, "answers for tee1");
	assert_int_equal(g.tees[0].server->request_count, 1);
}

static void forward_names_a_source_that_does_not_answer(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	lie(&g, 0, API_EXPORT_KEY, HTTP_500);
	assert_int_equal(do_step(&g, STEP_FORWARD, 1, &e), -1);
	assert_non_null(strstr(e.text, "tee1: export-key: "));
	assert_int_equal(g.seen[0].presence, NODE_UNREACHABLE);
	assert_int_equal(g.tees[1].server->request_count, 2);
}

/* --- retire */

static void retire_is_believed_by_a_receipt_that_the_key_has_signed(void **state)
{
	static const struct {
		enum lie lie;
		enum err_code code;
		const char *reason;
	} rows[] = {
		{ NO_RECEIPT, ERR_ATTESTATION, "receipt" },
		{ OTHER_RECEIPT, ERR_ATTESTATION, "receipt" },
		{ HTTP_500, ERR_NOT_DESIRED, STEP_ELSEWHERE },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_KEY);
		lie(&g, 1, API_RETIRE, rows[i].lie);
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), rows[i].code, rows[i].reason);
		assert_int_equal(node_phase(&g.run.seen, 1), PHASE_READY);
	}
}

static void retire_forgets_what_was_known(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.proofs[1] = (struct node_proof){ .holding = HOLDS_KEY, .has_key_proof = true };
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
	assert_string_equal(g.told, "tee2: wiped\n");
	assert_int_equal(node_standing(&g.run.seen, 1), STANDS_BROKEN);
	assert_int_equal(g.proofs[1].holding, HOLDS_UNKNOWN);
	assert_false(g.proofs[1].has_key_proof);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_shows_what_a_node_holds),
		cmocka_unit_test(verify_takes_no_document_for_another),
		cmocka_unit_test(verify_holds_a_node_to_its_claim),
		cmocka_unit_test(verify_takes_one_tee_for_one_node),
		cmocka_unit_test(prove_is_by_the_quorum_key_over_this_challenge),
		cmocka_unit_test(prove_is_no_proof_before_the_setup_key_is_gone),
		cmocka_unit_test(forward_brings_the_key_to_an_attested_setup_key),
		cmocka_unit_test(forward_asks_nobody_for_a_key_that_is_there),
		cmocka_unit_test(forward_stops_at_the_first_thing_that_is_wrong),
		cmocka_unit_test(forward_takes_one_tee_for_one_node),
		cmocka_unit_test(forward_names_a_source_that_does_not_answer),
		cmocka_unit_test(retire_is_believed_by_a_receipt_that_the_key_has_signed),
		cmocka_unit_test(retire_forgets_what_was_known),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}

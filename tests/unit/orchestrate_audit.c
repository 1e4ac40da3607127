/* A journal's replay: each line is held against those before it, and a chain that was forged as a
 * whole forges nothing that is signed. The chain itself is cluster_journal.c's. */
#include "birth_support.h"
#include "cluster_support.h"

#include "cluster/journal.h"
#include "orchestrate/audit.h"
#include "proto/statement.h"

static struct key_set *quorum, *setup;
static const uint8_t question[NONCE_LEN] = { 9 };

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

struct stage {
	struct birth_stage birth;
	char folder[128], path[256];
	struct journal journal;
	struct hash256 manifest, message; /* message: of the last receipt */
	struct hash256 subject;           /* of the next receipts */
	int64_t asked_ms;                 /* of the genesis */
	uint64_t receipts;
	struct audit audit;
};

static void stage_drop(struct stage *g)
{
	audit_drop(&g->audit);
	journal_drop(&g->journal);
	birth_stage_drop(&g->birth);
	folder_clear(g->folder);
}

static void set(struct buf *member, struct view v)
{
	struct err e;

	assert_ok(wire_set(member, v, &e));
}

static void stage_fill(struct stage *g)
{
	struct err e;

	*g = (struct stage){ .journal = JOURNAL_INIT };
	birth_stage_fill(&g->birth);
	set(&g->birth.envelope.manifest.namespace.quorum_key, public_of(quorum));
	set(&g->birth.output.quorum_key, public_of(quorum));
	assert_ok(manifest_hash(&g->birth.envelope.manifest, &g->manifest, &e));
	g->asked_ms = g->birth.content.timestamp_ms;
	folder_new(g->folder, sizeof(g->folder));
	snprintf(g->path, sizeof(g->path), "%s/journal", g->folder);
	assert_ok(journal_open(g->path, &g->journal, &e));
}

/* --- its lines */

static void append(struct stage *g, struct journal_line *line)
{
	struct err e;

	if (!line->node.len)
		set(&line->node, view_text("tee1"));
	assert_ok(journal_append(&g->journal, line, &e));
}

struct shown {
	const char *module;
	bool is_committed, has_key;  /* to the manifest; has_key false: it has been wiped */
	const struct hash256 *other; /* NULL, or another manifest than the stage's */
	int64_t age_ms;
	const struct pcr_set *pcrs;
};

static void sign_document(struct stage *g, const struct shown *s)
{
	struct document_content content = g->birth.content;
	struct pcr_set pcrs = s->pcrs ? *s->pcrs : g->birth.shown;
	const struct hash256 *manifest = s->other ? s->other : &g->manifest;
	struct err e;

	content.module_id = s->module;
	content.pcrs = &pcrs;
	content.timestamp_ms -= s->age_ms;
	content.nonce = (struct document_field){ true, VIEW_OF(question) };
	if (s->is_committed) {
		content.user_data = (struct document_field){ true, VIEW_OF(manifest->bytes) };
		assert_ok(pcr_committed(key_set_public(setup), manifest,
		                        &pcrs.values[PCR_COMMITMENT], &e));
	}
	if (s->has_key)
		content.public_key = (struct document_field){ true, public_of(setup) };
	birth_sign(&content, &g->birth.document);
}

static void add_document(struct stage *g, const struct shown *s)
{
	AUTO(journal_line)
	struct journal_line line = { .kind = JOURNAL_DOCUMENT,
		                     .has_max_age = true,
		                     .max_age_ms = 60000 };

	sign_document(g, s);
	set(&line.document, buf_view(&g->birth.document));
	set(&line.nonce, VIEW_OF(question));
	append(g, &line);
}

static void add_proof(struct stage *g, const struct shown *s, const struct key_set *key)
{
	AUTO(journal_line)
	struct journal_line line = { .kind = JOURNAL_PROOF,
		                     .has_max_age = true,
		                     .max_age_ms = 60000 };
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 document;
	struct err e;

	sign_document(g, s);
	assert_ok(sha256(buf_view(&g->birth.document), &document, &e));
	statement_format(STATEMENT_PROVE_KEY, s->other ? s->other : &g->manifest, question,
	                 document.bytes, message);
	assert_ok(key_set_sign(key, VIEW_OF(message), &signature, &e));
	set(&line.document, buf_view(&g->birth.document));
	set(&line.challenge, VIEW_OF(question));
	set(&line.signature, VIEW_OF(signature.bytes));
	append(g, &line);
}

static void add_genesis(struct stage *g)
{
	AUTO(journal_line)
	struct journal_line line = { .kind = JOURNAL_GENESIS,
		                     .has_asked = true,
		                     .asked_ms = g->asked_ms };
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	struct err e;

	birth_attest(&g->birth);
	assert_ok(manifest_envelope_encode(&g->birth.envelope, &borsh, &e));
	set(&line.output, buf_view(&g->birth.borsh));
	set(&line.document, buf_view(&g->birth.document));
	set(&line.envelope, buf_view(&borsh));
	append(g, &line);
}

static void add_manifest(struct stage *g)
{
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_MANIFEST };
	AUTO(buf) struct buf borsh = BUF_INIT(MANIFEST_MAX);
	struct err e;

	assert_ok(manifest_envelope_encode(&g->birth.envelope, &borsh, &e));
	set(&line.envelope, buf_view(&borsh));
	append(g, &line);
}

static void add_share(struct stage *g, const char *member, const struct key_set *key)
{
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_SHARE };
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 setup_hash, sealed = { { 1 } };
	struct err e;

	assert_ok(sha256(public_of(setup), &setup_hash, &e));
	statement_format(STATEMENT_SHARE_SUBMIT, &g->manifest, setup_hash.bytes, sealed.bytes,
	                 message);
	assert_ok(key_set_sign(key, VIEW_OF(message), &signature, &e));
	set(&line.member, view_text(member));
	set(&line.setup_key, VIEW_OF(setup_hash.bytes));
	set(&line.sealed, VIEW_OF(sealed.bytes));
	set(&line.signature, VIEW_OF(signature.bytes));
	set(&line.manifest, VIEW_OF(g->manifest.bytes));
	append(g, &line);
}

/* To the TEE of the document that was signed last. */
static void add_export(struct stage *g, const struct key_set *key)
{
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_EXPORT };
	struct signature signature;
	struct hash256 peer, sealed;
	struct err e;

	assert_ok(sha256(buf_view(&g->birth.document), &peer, &e));
	assert_ok(sha256(view_text("sealed"), &sealed, &e));
	assert_ok(key_set_sign(key, view_text("sealed"), &signature, &e));
	set(&line.peer, VIEW_OF(peer.bytes));
	set(&line.sealed, VIEW_OF(sealed.bytes));
	set(&line.signature, VIEW_OF(signature.bytes));
	append(g, &line);
}

static void add_receipt(struct stage *g, enum receipt_kind kind, const struct key_set *key,
                        bool has_previous)
{
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_RECEIPT };
	struct receipt r = {
		.kind = kind, .sequence = g->receipts++, .nsm_ms = 1, .subject = g->subject
	};
	uint8_t body[RECEIPT_BODY_LEN], message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 hash;
	struct err e;

	assert_ok(sha256(public_of(setup), &r.setup_key, &e));
	receipt_format(&r, body);
	assert_ok(sha256(VIEW_OF(body), &hash, &e));
	statement_format(STATEMENT_RECEIPT, &g->manifest, hash.bytes, g->message.bytes, message);
	assert_ok(key_set_sign(key, VIEW_OF(message), &signature, &e));
	set(&line.body, VIEW_OF(body));
	set(&line.signature, VIEW_OF(signature.bytes));
	set(&line.manifest, VIEW_OF(g->manifest.bytes));
	if (has_previous)
		set(&line.previous, VIEW_OF(g->message.bytes));
	assert_ok(sha256(VIEW_OF(message), &g->message, &e));
	append(g, &line);
}

static void read_all(const struct stage *g, struct buf *to)
{
	struct err e;

	assert_ok(file_read(g->path, to, &e));
}

static int replay_with(struct stage *g, const struct audit_options *options, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_READ_MAX);

	audit_drop(&g->audit);
	read_all(g, &text);
	return audit_replay(buf_view(&text), options, &g->audit, e);
}

static int replay(struct stage *g, struct err *e)
{
	const struct audit_options options = { .root = signer_certificate(birth_root) };

	return replay_with(g, &options, e);
}

static const struct shown empty = { .module = "i-1" };
static const struct shown waiting = { .module = "i-1", .is_committed = true, .has_key = true };
static const struct shown ready = { .module = "i-1", .is_committed = true };

/* --- what holds */

static void a_whole_life_is_shown(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct audit_boot *boot;
	struct err e;

	(void)state;
	stage_fill(&g);
	add_document(&g, &empty);
	add_genesis(&g);
	add_document(&g, &waiting);
	add_share(&g, "user1", birth_people.keys[0]);
	add_receipt(&g, RECEIPT_SHARES_COMPLETED, quorum, true);
	add_proof(&g, &ready, quorum);
	add_receipt(&g, RECEIPT_RETIRE, quorum, true);
	assert_ok(replay(&g, &e));
	assert_int_equal(g.audit.sequence, 7);
	assert_int_equal(g.audit.boots.count, 1);
	boot = g.audit.boots.items;
	assert_string_equal(buf_text(&boot->node), "tee1");
	assert_string_equal(buf_text(&boot->module_id), "i-1");
	assert_int_equal(boot->receipt_count, 2);
	assert_int_equal(boot->proved_ms, g.birth.content.timestamp_ms);
	assert_int_equal(boot->number, 7);
	assert_int_equal(g.audit.counts.unborn, 0);
	assert_int_equal(g.audit.counts.unverified_receipts, 0);
	assert_int_equal(g.audit.counts.foreign, 0);
	assert_int_equal(g.audit.counts.kinds[JOURNAL_DOCUMENT], 2);
	assert_false(g.audit.has_dr_key);
}

/* --- what does not */

static void no_document_before(struct stage *g)
{
	add_genesis(g);
}

static void another_document_before(struct stage *g)
{
	struct shown s = empty;

	s.age_ms = 5000;
	add_document(g, &s);
	add_genesis(g);
}

static void a_genesis_of_before_the_question(struct stage *g)
{
	add_document(g, &empty);
	g->birth.content.timestamp_ms--;
	add_genesis(g);
}

static void shares_in_another_order(struct stage *g)
{
	struct encrypted_share *shares = g->birth.output.member_outputs.items;
	struct encrypted_share first = MOVE(shares[0]);

	shares[0] = MOVE(shares[1]);
	shares[1] = first;
	add_document(g, &empty);
	add_genesis(g);
}

static void a_receipt_of_another_past(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_receipt(g, RECEIPT_SHARES_COMPLETED, quorum, true);
	g->message.bytes[0] ^= 1;
	add_receipt(g, RECEIPT_RETIRE, quorum, true);
}

static void a_receipt_under_another_manifest(struct stage *g)
{
	struct err e;

	add_document(g, &empty);
	add_genesis(g);
	add_document(g, &waiting);
	g->birth.envelope.manifest.namespace.nonce++;
	approve(&g->birth.envelope, "user1", birth_people.keys[0]);
	approve(&g->birth.envelope, "user2", birth_people.keys[1]);
	add_manifest(g);
	assert_ok(manifest_hash(&g->birth.envelope.manifest, &g->manifest, &e));
	add_receipt(g, RECEIPT_SHARES_COMPLETED, quorum, true);
}

static void a_stale_document(struct stage *g)
{
	struct shown s = empty;

	s.age_ms = 61000;
	add_document(g, &s);
}

static void another_image(struct stage *g)
{
	struct pcr_set pcrs = g->birth.shown;
	struct shown s = waiting;

	add_document(g, &empty);
	add_genesis(g);
	pcrs.values[PCR_IMAGE].bytes[0] ^= 1;
	s.pcrs = &pcrs;
	add_document(g, &s);
}

static void two_of_one_setup_key(struct stage *g)
{
	struct shown s = waiting;

	add_document(g, &empty);
	add_genesis(g);
	add_document(g, &waiting);
	s.module = "i-2";
	add_document(g, &s);
}

static void a_proof_by_another_key(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_proof(g, &ready, setup);
}

static void a_proof_beside_a_setup_key(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_proof(g, &waiting, quorum);
}

static void a_proof_for_an_unknown_manifest(struct stage *g)
{
	static const struct hash256 other = { { 7 } };
	struct shown s = ready;

	add_document(g, &empty);
	add_genesis(g);
	s.other = &other;
	add_proof(g, &s, quorum);
}

static void an_approved_genesis(struct stage *g)
{
	add_document(g, &empty);
	approve(&g->birth.envelope, "user1", birth_people.keys[0]);
	add_genesis(g);
}

static void a_genesis_after_another_manifest(struct stage *g)
{
	add_document(g, &empty);
	approve(&g->birth.envelope, "user1", birth_people.keys[0]);
	approve(&g->birth.envelope, "user2", birth_people.keys[1]);
	add_manifest(g);
	wire_list_release(&approval_schema, &g->birth.envelope.manifest_set_approvals);
	g->birth.envelope.manifest.namespace.nonce++;
	add_genesis(g);
}

static void shares_of_another_set(struct stage *g)
{
	add_document(g, &empty);
	g->birth.output.set.threshold = 3;
	add_genesis(g);
}

static void a_quorum_key_of_its_own(struct stage *g)
{
	add_document(g, &empty);
	set(&g->birth.output.quorum_key, public_of(setup));
	add_genesis(g);
}

static void a_manifest_that_too_few_approve(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	g->birth.envelope.manifest.namespace.nonce++;
	approve(&g->birth.envelope, "user1", birth_people.keys[0]);
	add_manifest(g);
}

static void a_manifest_of_another_quorum(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	set(&g->birth.envelope.manifest.namespace.quorum_key, public_of(setup));
	add_manifest(g);
}

static void a_manifest_under_another_root(struct stage *g)
{
	set(&g->birth.envelope.manifest.enclave.aws_root_certificate, chain_aws_root);
	approve(&g->birth.envelope, "user1", birth_people.keys[0]);
	approve(&g->birth.envelope, "user2", birth_people.keys[1]);
	add_manifest(g);
}

static void a_share_for_nobody(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_share(g, "user1", birth_people.keys[0]);
}

static void a_share_that_another_signed(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_document(g, &waiting);
	add_share(g, "user1", birth_people.keys[1]);
}

static void a_share_of_a_stranger(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_document(g, &waiting);
	add_share(g, "stranger", birth_people.stranger);
}

static void an_export_to_nobody(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_export(g, quorum); /* the genesis's document attests no setup key */
}

static void an_export_that_another_signed(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_document(g, &waiting);
	add_export(g, setup);
}

static void a_receipt_that_another_signed(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_document(g, &waiting);
	add_receipt(g, RECEIPT_SHARES_COMPLETED, setup, true);
}

static void a_receipt_that_is_missing(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	g->receipts = 1;
	add_receipt(g, RECEIPT_SHARES_COMPLETED, quorum, true);
}

static void a_receipt_that_stands_twice(struct stage *g)
{
	add_document(g, &empty);
	add_genesis(g);
	add_receipt(g, RECEIPT_SHARES_COMPLETED, quorum, true);
	g->receipts = 0;
	g->message = (struct hash256){ 0 };
	add_receipt(g, RECEIPT_SHARES_COMPLETED, quorum, true);
}

static void what_does_not_hold_is_named_with_its_line(void **state)
{
	static const struct {
		void (*forge)(struct stage *g);
		const char *line, *reason;
	} rows[] = {
		{ no_document_before, "line 1 (genesis, tee1)", "freshness" },
		{ another_document_before, "line 2 (genesis, tee1)", "freshness" },
		{ a_genesis_of_before_the_question, "line 2 (genesis, tee1)", "freshness" },
		{ shares_in_another_order, "line 2 (genesis, tee1)", "share_set" },
		{ a_receipt_of_another_past, "line 4 (receipt, tee1)", "receipt" },
		{ a_receipt_under_another_manifest, "line 5 (receipt, tee1)", "receipt" },
		{ a_stale_document, "line 1 (document, tee1)", "freshness" },
		{ another_image, "line 3 (document, tee1)", "pcr0" },
		{ two_of_one_setup_key, "line 4 (document, tee1)", "setup_key" },
		{ a_proof_by_another_key, "line 3 (proof, tee1)", "key-proof" },
		{ a_proof_beside_a_setup_key, "line 3 (proof, tee1)", "public_key" },
		{ a_proof_for_an_unknown_manifest, "line 3 (proof, tee1)", "manifest" },
		{ an_approved_genesis, "line 2 (genesis, tee1)", "approvals" },
		{ a_genesis_after_another_manifest, "line 3 (genesis, tee1)", "genesis" },
		{ shares_of_another_set, "line 2 (genesis, tee1)", "share_set" },
		{ a_quorum_key_of_its_own, "line 2 (genesis, tee1)", "quorum_key" },
		{ a_manifest_that_too_few_approve, "line 3 (manifest, tee1)", "approval:count" },
		{ a_manifest_of_another_quorum, "line 3 (manifest, tee1)", "quorum_key" },
		{ a_manifest_under_another_root, "line 1 (manifest, tee1)", "root" },
		{ a_share_for_nobody, "line 3 (share, tee1)", "setup_key" },
		{ a_share_that_another_signed, "line 4 (share, tee1)", "share-submit" },
		{ a_share_of_a_stranger, "line 4 (share, tee1)", "member" },
		{ an_export_to_nobody, "line 3 (export, tee1)", "peer" },
		{ an_export_that_another_signed, "line 4 (export, tee1)", "export-signature" },
		{ a_receipt_that_another_signed, "line 4 (receipt, tee1)", "receipt" },
		{ a_receipt_that_is_missing, "line 3 (receipt, tee1)", "receipt" },
		{ a_receipt_that_stands_twice, "line 4 (receipt, tee1)", "receipt" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g);
		rows[i].forge(&g);
		assert_refused(replay(&g, &e), ERR_REFUSED, rows[i].line);
		assert_string_equal(e.reason, rows[i].reason);
		assert_true(view_is_zero(view_new(&g.audit, sizeof(g.audit))));
	}
}

/* --- what is only counted */

static void what_only_stands_there_is_counted(void **state)
{
	static const struct hash256 other = { { 7 } };
	AUTO(stage) struct stage g = { 0 };
	struct shown stranger = { .module = "i-9", .is_committed = true, .other = &other };
	struct err e;

	(void)state;
	stage_fill(&g);
	add_document(&g, &empty);
	add_genesis(&g);
	add_document(&g, &stranger);
	g.receipts = 5; /* those before it nobody had any more */
	add_receipt(&g, RECEIPT_EXPORT, quorum, false);
	add_receipt(&g, RECEIPT_INJECT, quorum, false);
	/* But what was exported here was taken from here. */
	add_document(&g, &waiting);
	add_export(&g, quorum);
	assert_ok(sha256(view_text("sealed"), &g.subject, &e));
	add_receipt(&g, RECEIPT_INJECT, quorum, false);
	assert_ok(replay(&g, &e));
	assert_int_equal(g.audit.counts.unknown_manifests, 1);
	assert_int_equal(g.audit.counts.unverified_receipts, 3);
	/* The subjects of two are nothing that is here: another client's operations. */
	assert_int_equal(g.audit.counts.foreign, 2);
	assert_int_equal(g.audit.counts.unjudged_pcrs, 0);
}

static void a_quorum_without_a_genesis_is_believed_by_its_sets_approvals(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	approve(&g.birth.envelope, "user1", birth_people.keys[0]);
	add_manifest(&g);
	assert_refused(replay(&g, &e), ERR_REFUSED, "line 1 (manifest, tee1)");
	approve(&g.birth.envelope, "user2", birth_people.keys[1]);
	g.journal.size = -1;
	assert_int_equal(remove(g.path), 0);
	journal_drop(&g.journal);
	assert_ok(journal_open(g.path, &g.journal, &e));
	add_manifest(&g);
	add_manifest(&g);
	assert_ok(replay(&g, &e));
	assert_int_equal(g.audit.counts.unborn, 1);
	assert_int_equal(g.audit.counts.repeated_manifests, 1);
}

static void without_a_root_the_journals_own_is_taken_and_said(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(audit_report) struct audit_report report = { 0 };
	const struct audit_options none = { 0 };
	const struct audit_options wrong = { .root = chain_aws_root };
	bool is_said = false;
	struct err e;

	(void)state;
	stage_fill(&g);
	add_document(&g, &empty);
	assert_refused(replay_with(&g, &none, &e), ERR_USAGE, "--root");
	add_genesis(&g);
	assert_ok(replay_with(&g, &none, &e));
	assert_false(g.audit.is_root_given);
	assert_ok(audit_report_make(&g.audit, &report, &e));
	assert_true(report.simulated);
	for (size_t i = 0; i < report.not_shown.count; i++)
		is_said |= strstr(buf_text(&((struct text_item *)report.not_shown.items)[i].text),
		                  "is to be trusted: --root") != NULL;
	assert_true(is_said);
	assert_refused(replay_with(&g, &wrong, &e), ERR_REFUSED, "line 1 (document, tee1)");
}

static void a_head_that_was_noted_must_be_met(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct audit_head head;
	struct audit_options options = { .root = signer_certificate(birth_root), .head = &head };
	struct err e;

	(void)state;
	stage_fill(&g);
	add_document(&g, &empty);
	head = (struct audit_head){ .sequence = 1, .hash = g.journal.head };
	add_genesis(&g);
	assert_ok(replay_with(&g, &options, &e));
	assert_true(g.audit.is_head_given);
	head.sequence = 0; /* wherever it is */
	assert_ok(replay_with(&g, &options, &e));
	head.sequence = 2;
	assert_refused(replay_with(&g, &options, &e), ERR_REFUSED,
	               "line 2: sequence 2 has SHA-256");
	head.sequence = 3;
	assert_refused(replay_with(&g, &options, &e), ERR_REFUSED, "ends at sequence 2");
	head.sequence = 0;
	head.hash.bytes[0] ^= 1;
	assert_refused(replay_with(&g, &options, &e), ERR_REFUSED, "head");
}

static void a_head_is_what_audit_head_prints(void **state)
{
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	static const struct {
		const char *text;
		int64_t sequence; /* -1: it is none */
	} rows[] = {
		{ HEX, 0 },
		{ "42:" HEX, 42 },
		{ "9223372036854775807:" HEX, INT64_MAX },
		{ "9223372036854775808:" HEX, -1 },
		{ "0:" HEX, -1 },
		{ ":" HEX, -1 },
		{ "-1:" HEX, -1 },
		{ "0000000000000000000000042:" HEX, -1 },
		{ "42:" HEX "00", -1 },
		{ "42:", -1 },
		{ "", -1 },
		{ "1:2:" HEX, -1 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct audit_head head = { 0 };

		if (rows[i].sequence < 0) {
			assert_refused(audit_head_parse(rows[i].text, &head, &e), ERR_USAGE,
			               "SEQUENCE:SHA-256");
			continue;
		}
		assert_ok(audit_head_parse(rows[i].text, &head, &e));
		assert_int_equal(head.sequence, rows[i].sequence);
		assert_int_equal(head.hash.bytes[1], 0x11);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_life_is_shown),
		cmocka_unit_test(what_does_not_hold_is_named_with_its_line),
		cmocka_unit_test(what_only_stands_there_is_counted),
		cmocka_unit_test(a_quorum_without_a_genesis_is_believed_by_its_sets_approvals),
		cmocka_unit_test(without_a_root_the_journals_own_is_taken_and_said),
		cmocka_unit_test(a_head_that_was_noted_must_be_met),
		cmocka_unit_test(a_head_is_what_audit_head_prints),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}

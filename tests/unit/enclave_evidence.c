/* A journal of genesis, inject, propagate and verify, of an upgrade, of total loss and recovery,
 * made with real enclaves, and what becomes of it when somebody lays hands on it: each line
 * dropped, repeated, moved, or changed in any of its fields and in each kind of byte, as it is and
 * with the chain written anew behind the change. */
#include "cluster_support.h"
#include "fake_enclave.h"

#include "attest/document.h"
#include "orchestrate/lineage.h"
#include "orchestrate/run.h"

#include <fcntl.h>
#include <unistd.h>

#define WORLDS     4
#define LINES_MAX  64
#define MAX_AGE_MS 300000

struct stage {
	char folder[128];
	struct cluster cluster;
	struct cluster_node nodes[WORLDS];
	struct run run;
	struct world *worlds[WORLDS];
	struct genesis_reply genesis;
	struct hash256 manifest_hash; /* the current one's */
	struct public_key quorum_key;
};

static void stage_drop(struct stage *s)
{
	evidence_drop(&s->run.evidence);
	genesis_reply_drop(&s->genesis);
	for (size_t i = 0; i < WORLDS; i++)
		world_drop(&s->worlds[i]);
	folder_clear(s->folder);
}

static struct view some_nonce(unsigned i)
{
	static uint8_t nonces[16][32];

	memset(nonces[i], (int)i + 1, sizeof(nonces[i]));
	return VIEW_OF(nonces[i]);
}

/* A live document of the node, written down. */
static int64_t live(struct stage *s, size_t node, unsigned nonce, struct buf *ret)
{
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };
	struct attestation_reply reply = { 0 };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct err e;

	assert_ok(wire_set(&q.nonce, some_nonce(nonce), &e));
	assert_answered(ask(s->worlds[node], API_LIVE_ATTESTATION, &q, &reply));
	evidence_document(&s->run, node, buf_view(&reply.attestation_doc), some_nonce(nonce));
	assert_ok(attestation_parse(buf_view(&reply.attestation_doc), &claims, &e));
	if (ret)
		*ret = MOVE(reply.attestation_doc);
	attestation_reply_drop(&reply);
	return claims.timestamp_ms;
}

static void keep_genesis(struct stage *s, int64_t asked_ms)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct err e;

	assert_ok(manifest_copy(&s->genesis.manifest_envelope, &kept.envelope, &e));
	assert_ok(wire_set(&kept.output, buf_view(&s->genesis.genesis_output), &e));
	assert_ok(wire_set(&kept.document, buf_view(&s->genesis.genesis_attestation_doc), &e));
	evidence_genesis(&s->run, 0, &kept, asked_ms);
	assert_ok(manifest_hash(&kept.envelope.manifest, &s->manifest_hash, &e));
	assert_ok(manifest_quorum_key(&kept.envelope.manifest, &s->quorum_key, &e));
}

static void on_receipt(void *context, const struct err *failure)
{
	*(bool *)context = true;
	if (failure)
		fail_msg("%s", failure->text);
}

static struct receipt_claim claim_of(struct stage *s, size_t node, enum receipt_kind kind,
                                     const struct receipt_item *item, struct view subject)
{
	return (struct receipt_claim){ .node = node,
		                       .kind = kind,
		                       .item = item,
		                       .setup_key = &s->worlds[node]->enclave->state.setup_public,
		                       .subject = subject,
		                       .manifest_hash = &s->manifest_hash,
		                       .quorum_key = &s->quorum_key };
}

static void keep_receipt(struct stage *s, const struct receipt_claim *claim)
{
	bool is_called = false;
	struct err e;

	assert_ok(evidence_receipt(&s->run, claim, on_receipt, &is_called, &e));
	assert_true(is_called);
}

static void sign_share(struct stage *s, size_t node, unsigned i, struct submitted_share *share)
{
	const struct public_key *setup = &s->worlds[node]->enclave->state.setup_public;
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 a, b;
	struct err e;

	assert_ok(sha256(public_key_view(setup), &a, &e));
	assert_ok(sha256(buf_view(&share->encrypted_share), &b, &e));
	statement_format(STATEMENT_SHARE_SUBMIT, &s->manifest_hash, a.bytes, b.bytes, message);
	assert_ok(key_set_sign(person(i), VIEW_OF(message), &signature, &e));
	assert_ok(wire_set(&share->signature, VIEW_OF(signature.bytes), &e));
	share->has_signature = true;
	evidence_share(&s->run, node, share, setup, &s->manifest_hash);
}

/* The shares of these two members, for the setup key and the manifest that the node has. */
static void inject_at(struct stage *s, size_t node, unsigned one, unsigned other)
{
	const struct enclave_state *at = &s->worlds[node]->enclave->state;
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };
	AUTO(inject_shares_reply) struct inject_shares_reply reply = { 0 };
	struct genesis_reply sealing = s->genesis; /* its bufs are the stage's */
	struct receipt_claim claim;

	memcpy(sealing.ephemeral_key, at->setup_public.bytes, sizeof(sealing.ephemeral_key));
	q = shares_of(&sealing, 1u << one | 1u << other);
	q.namespace_nonce = at->manifest.manifest_envelope.manifest.namespace.nonce;
	sign_share(s, node, one, (struct submitted_share *)q.shares.items);
	sign_share(s, node, other, (struct submitted_share *)q.shares.items + 1);
	assert_answered(ask(s->worlds[node], API_INJECT_SHARES, &q, &reply));
	claim = claim_of(s, node, RECEIPT_SHARES_COMPLETED, &reply.receipt, (struct view){ 0 });
	keep_receipt(s, &claim);
}

static void inject(struct stage *s)
{
	inject_at(s, 0, 0, 1);
}

static void prove(struct stage *s, size_t node)
{
	struct prove_key_request q = { { 7 } };
	AUTO(prove_key_reply) struct prove_key_reply reply = { 0 };

	assert_answered(ask(s->worlds[node], API_PROVE_KEY, &q, &reply));
	evidence_proof(&s->run, node, VIEW_OF(q.challenge), buf_view(&reply.attestation_doc),
	               VIEW_OF(reply.signature));
}

static void export_key(struct stage *s, const struct manifest_envelope *to,
                       const struct buf *document, struct export_key_reply *ret)
{
	AUTO(export_key_request) struct export_key_request q = { 0 };
	struct err e;

	assert_ok(manifest_copy(to, &q.manifest_envelope, &e));
	assert_ok(wire_set(&q.attestation_doc, buf_view(document), &e));
	assert_answered(ask(s->worlds[0], API_EXPORT_KEY, &q, ret));
}

/* From the first, which signs its receipt under the manifest that it has. */
static void forward_to(struct stage *s, size_t target, const struct manifest_envelope *to,
                       const struct hash256 *source_manifest)
{
	AUTO(buf) struct buf document = { 0 };
	AUTO(export_key_reply) struct export_key_reply reply = { 0 };
	struct success_reply injected = { 0 };
	struct inject_key_request q;
	struct receipt_claim claim;

	live(s, target, 5, NULL);
	world_wait_for_key(s->worlds[target], to);
	live(s, target, 6, &document);
	export_key(s, to, &document, &reply);
	evidence_export(&s->run, 0, buf_view(&document), VIEW_OF(reply.encrypted_quorum_key),
	                VIEW_OF(reply.signature));
	claim = claim_of(s, 0, RECEIPT_EXPORT, &reply.receipt, buf_view(&document));
	claim.manifest_hash = source_manifest;
	keep_receipt(s, &claim);
	memcpy(q.encrypted_quorum_key, reply.encrypted_quorum_key, sizeof(q.encrypted_quorum_key));
	memcpy(q.signature, reply.signature, sizeof(q.signature));
	assert_answered(ask(s->worlds[target], API_INJECT_KEY, &q, &injected));
	claim =
	    claim_of(s, target, RECEIPT_INJECT, &injected.receipt, VIEW_OF(q.encrypted_quorum_key));
	keep_receipt(s, &claim);
	success_reply_drop(&injected);
}

static void forward(struct stage *s)
{
	forward_to(s, 1, &s->genesis.manifest_envelope, &s->manifest_hash);
}

/* The folder's path must stay where it is: filled in place. */
static void stage_open(struct stage *s)
{
	const struct world_options o = { 0 };

	*s = (struct stage){ .nodes = { { .name = "tee1" },
		                        { .name = "tee2" },
		                        { .name = "tee3" },
		                        { .name = "tee4" } } };
	folder_new(s->folder, sizeof(s->folder));
	s->cluster = (struct cluster){ .nodes = s->nodes,
		                       .node_count = WORLDS,
		                       .attestation = { .max_age_ms = MAX_AGE_MS } };
	s->run = RUN_INIT;
	s->run.cluster = &s->cluster;
	s->run.options.to_change = true;
	s->run.state.folder = s->folder;
	for (size_t i = 0; i < WORLDS; i++) {
		s->worlds[i] = world_open(&o);
		snprintf(s->worlds[i]->machine.module_id, MODULE_ID_LEN, "i-test-enc%zu", i);
	}
}

static void born(struct stage *s)
{
	int64_t asked_ms;

	evidence_step(&s->run, 0, "genesis", false, "begin");
	asked_ms = live(s, 0, 1, NULL);
	world_genesis(s->worlds[0], 3, 2, /* has_keys= */ true, &s->genesis);
	keep_genesis(s, asked_ms);
	live(s, 0, 2, NULL);
	evidence_step(&s->run, 0, "genesis", false, "done");
}

/* The next manifest, approved by the first so many. */
static void approved_next(struct stage *s, unsigned approvals, bool is_flipped,
                          struct manifest_envelope *next)
{
	const struct member *members;
	struct hash256 hash;
	struct err e;

	assert_ok(manifest_copy(&s->genesis.manifest_envelope, next, &e));
	next->manifest.namespace.nonce++;
	assert_ok(manifest_hash(&next->manifest, &hash, &e));
	members = next->manifest.manifest_set.members.items;
	for (unsigned i = 0; i < approvals; i++) {
		struct signature signature;
		struct approval *a;

		assert_ok(wire_list_add(&next->manifest_set_approvals, &approval_schema, &a, &e));
		assert_ok(key_set_sign(person(i), VIEW_OF(hash.bytes), &signature, &e));
		signature.bytes[9] ^= is_flipped;
		assert_ok(wire_set(&a->signature, VIEW_OF(signature.bytes), &e));
		assert_ok(wire_set(&a->member.alias, buf_view(&members[i].alias), &e));
		assert_ok(wire_set(&a->member.pub_key, buf_view(&members[i].pub_key), &e));
	}
}

/* To the next manifest; then every TEE is lost, and two other members restart the quorum. */
static void upgraded_and_recovered(struct stage *s)
{
	AUTO(manifest_message) struct manifest_message q = { 0 };
	const struct hash256 before = s->manifest_hash;
	struct err e;

	approved_next(s, 2, false, &q.manifest_envelope);
	assert_ok(evidence_adopted(&s->run.state, &q.manifest_envelope, &e));
	assert_ok(manifest_hash(&q.manifest_envelope.manifest, &s->manifest_hash, &e));
	evidence_manifest(&s->run, 3, &q.manifest_envelope);
	forward_to(s, 3, &q.manifest_envelope, &before);
	prove(s, 3);
	live(s, 2, 8, NULL);
	evidence_manifest(&s->run, 2, &q.manifest_envelope);
	assert_answered(ask(s->worlds[2], API_BOOT_STANDARD, &q, NULL));
	live(s, 2, 9, NULL);
	inject_at(s, 2, 1, 2);
	prove(s, 2);
}

static void keep_genesis_twice(struct stage *s)
{
	int64_t asked_ms = live(s, 0, 1, NULL);

	world_genesis(s->worlds[0], 3, 2, /* has_keys= */ true, &s->genesis);
	keep_genesis(s, asked_ms);
	keep_genesis(s, asked_ms);
}

static void all_of_it(struct stage *s)
{
	born(s);
	inject(s);
	prove(s, 0);
	forward(s);
	prove(s, 1);
	evidence_step(&s->run, 1, "forward", true, "tee1: export-key: no answer");
	upgraded_and_recovered(s);
}

static struct buf journal_of(const struct stage *s)
{
	struct buf text = BUF_INIT(JOURNAL_READ_MAX);
	char path[160];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", s->folder, JOURNAL_FILE);
	assert_ok(file_read(path, &text, &e));
	return text;
}

/* --- texts as lines */

struct lines {
	struct buf items[LINES_MAX];
	size_t count;
};

static void lines_drop(struct lines *l)
{
	for (size_t i = 0; i < l->count; i++)
		buf_drop(&l->items[i]);
	l->count = 0;
}

static void add_line(struct lines *l, struct view line)
{
	struct err e;

	assert_true(l->count < LINES_MAX);
	l->items[l->count] = (struct buf){ 0 };
	assert_ok(wire_set(&l->items[l->count++], line, &e));
}

static void split(struct view text, struct lines *ret)
{
	const uint8_t *at = text.data, *end;

	for (; at < text.data + text.len; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text.data + text.len - at));
		add_line(ret, view_new(at, (size_t)(end - at)));
	}
}

/* Sequence and prev as they would have to be. */
static void chain_anew(struct buf *line, size_t sequence, const struct hash256 *head)
{
	AUTO(buf) struct buf text = BUF_INIT(2 * JOURNAL_LINE_MAX);
	char *time = strstr((char *)line->data, ",\"time\"");
	char *prev = strstr((char *)line->data, "\"prev\":\"");
	struct err e;

	if (!time || !prev)
		return;
	assert_ok(buf_add_format(&text, &e, "{\"seq\":%zu", sequence));
	assert_ok(buf_add(&text, view_new(time, (size_t)(prev - time)), &e));
	assert_ok(buf_add_text(&text, "\"prev\":\"", &e));
	assert_ok(hex_format(VIEW_OF(head->bytes), &text, &e));
	assert_ok(buf_add_text(&text, prev + strlen("\"prev\":\"") + 64, &e));
	assert_ok(wire_set(line, buf_view(&text), &e));
}

static struct buf joined(struct lines *l, bool is_chained_anew)
{
	struct buf text = BUF_INIT(JOURNAL_READ_MAX);
	struct hash256 head = { { 0 } };
	struct err e;

	for (size_t i = 0; i < l->count; i++) {
		if (is_chained_anew)
			chain_anew(&l->items[i], i + 1, &head);
		assert_ok(sha256(buf_view(&l->items[i]), &head, &e));
		assert_ok(buf_add(&text, buf_view(&l->items[i]), &e));
		assert_ok(buf_add_u8(&text, '\n', &e));
	}
	return text;
}

static int replay(struct view text, const struct audit_head *head, struct audit *ret, struct err *e)
{
	memset(e, 0, sizeof(*e));
	return audit_replay(text, &(struct audit_options){ .head = head }, ret, e);
}

static void assert_found(struct view text, const struct audit_head *head, const char *what,
                         size_t line, const char *field)
{
	AUTO(audit) struct audit audit = { 0 };
	struct err e;

	if (replay(text, head, &audit, &e) == 0)
		fail_msg("%s of line %zu (%s) was not found", what, line + 1, field);
	if (e.code != ERR_REFUSED || !e.reason[0])
		fail_msg("%s of line %zu (%s): %s: %s", what, line + 1, field,
		         err_info(e.code)->name, e.text);
}

static struct audit_head head_of(struct view text)
{
	struct journal_reader reader = journal_reader_new(text);
	bool is_found = true;
	struct err e;

	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		assert_ok(journal_next(&reader, &entry, &is_found, &e));
	}
	return (struct audit_head){ .sequence = reader.sequence, .hash = reader.head };
}

/* --- what holds */

static void an_untouched_journal_is_replayed(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(audit) struct audit audit = { 0 };
	AUTO(audit_report) struct audit_report report = { 0 };
	struct audit_head head;
	struct err e;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	head = head_of(buf_view(&text));
	assert_ok(replay(buf_view(&text), &head, &audit, &e));
	assert_int_equal(audit.counts.kinds[JOURNAL_DOCUMENT], 8);
	assert_int_equal(audit.counts.kinds[JOURNAL_MANIFEST], 3);
	assert_int_equal(audit.counts.kinds[JOURNAL_RECEIPT], 6);
	assert_int_equal(audit.counts.kinds[JOURNAL_PROOF], 4);
	assert_int_equal(audit.counts.kinds[JOURNAL_SHARE], 4);
	assert_int_equal(audit.counts.unknown_manifests, 0);
	assert_int_equal(audit.counts.unborn, 0);
	assert_int_equal(audit.counts.failed_steps, 1);
	assert_int_equal(audit.counts.unverified_receipts, 0);
	assert_int_equal(audit.counts.foreign, 0);
	assert_ok(audit_report_make(&audit, &report, &e));
	assert_true(report.simulated && report.has_quorum_key);
}

static void the_lineage_is_the_receipts(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(audit) struct audit audit = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	const struct lineage_tee *tees;
	struct err e;
	size_t tee;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	assert_ok(replay(buf_view(&text), NULL, &audit, &e));
	assert_ok(lineage_make(&audit, &l, &e));
	assert_int_equal(l.tees.count, 4);
	tees = l.tees.items;
	assert_int_equal(tees[0].way, KEY_SHARES);
	assert_int_equal(tees[1].way, KEY_FORWARDED);
	assert_string_equal(buf_text(&tees[1].source), "tee1");
	assert_true(tees[0].verified && tees[1].verified && tees[0].proved && tees[1].proved);
	assert_int_equal(tees[1].from, 0);
	assert_ok(lineage_find(&l, "tee2", &tee, &e));
	assert_true(lineage_descends(&l, tee, 0) && !lineage_descends(&l, 0, tee));
	assert_refused(lineage_find(&l, "tee5", &tee, &e), ERR_DATA, "'tee5' ever had the key");
	/* Across the upgrade from the old one; after the loss from the members alone. */
	assert_ok(lineage_find(&l, "tee4", &tee, &e));
	assert_true(lineage_descends(&l, tee, 0));
	assert_ok(lineage_find(&l, "tee3", &tee, &e));
	assert_int_equal(tees[tee].way, KEY_SHARES);
	assert_int_equal(tees[tee].from, LINEAGE_NONE);
	assert_refused(lineage_cut_to(&l, "tee5", &e), ERR_DATA, "'tee5' ever had the key");
	assert_ok(lineage_cut_from(&l, "tee2", &e));
	assert_int_equal(l.tees.count, 1);
	assert_int_equal(((struct lineage_tee *)l.tees.items)->from, LINEAGE_NONE);
}

/* --- what does not */

static void drop_repeat_swap(struct view text, const struct audit_head *head)
{
	AUTO(lines) struct lines all = { .count = 0 };

	split(text, &all);
	for (size_t i = 0; i < all.count; i++) {
		for (unsigned how = 0; how < 3; how++) {
			static const char *const names[] = { "dropping", "repeating", "moving" };
			AUTO(lines) struct lines changed = { .count = 0 };
			AUTO(buf) struct buf result = { 0 };

			for (size_t n = 0; n < all.count; n++) {
				size_t from = n;

				if (how == 2 && i + 1 < all.count && (n == i || n == i + 1))
					from = n == i ? i + 1 : i;
				if (how == 0 && n == i)
					continue;
				add_line(&changed, buf_view(&all.items[from]));
				if (how == 1 && n == i)
					add_line(&changed, buf_view(&all.items[n]));
			}
			if (how == 2 && i + 1 == all.count)
				continue;
			result = joined(&changed, false);
			assert_found(buf_view(&result), head, names[how], i, "whole");
		}
	}
}

static void any_line_dropped_repeated_or_moved_is_found(void **state)
{
	AUTO(stage) struct stage s;
	struct audit_head head;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	head = head_of(buf_view(&text));
	drop_repeat_swap(buf_view(&text), &head);
}

/* Where the value of the field stands in the line; 0: it has none. */
static size_t value_at(const struct buf *line, const char *field)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", field);
	at = strstr(buf_text(line), key);
	if (!at)
		return 0;
	at += strlen(key);
	return (size_t)(at - buf_text(line)) + (*at == '"');
}

/* Another character of the same class, so that the line is still one. */
static uint8_t another(uint8_t c)
{
	return c == '0' ? '1' : c == '1' ? '0' : c == 'a' ? 'b' : c >= '2' && c <= '9' ? '1' : 'a';
}

/* Of each line, one byte of every value that it has: which of them, the line and the value say. */
static void each_kind_of_byte(struct buf *text, size_t start, size_t len, size_t line,
                              const struct audit_head *head, size_t *tried)
{
	for (unsigned value = 0; value < 256; value++) {
		size_t count = 0, wanted;
		uint8_t *at = NULL;

		for (size_t i = 0; i < len; i++)
			count += text->data[start + i] == value;
		if (count == 0)
			continue;
		wanted = (line * 31 + value) % count;
		for (size_t i = 0; i < len && !at; i++)
			if (text->data[start + i] == value && wanted-- == 0)
				at = &text->data[start + i];
		*at = another((uint8_t)value);
		assert_found(buf_view(text), head, "a byte", line, "any");
		*at = (uint8_t)value;
		(*tried)++;
	}
}

static void any_kind_of_byte_changed_is_found(void **state)
{
	AUTO(stage) struct stage s;
	struct audit_head head;
	size_t start = 0, tried = 0;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);
	AUTO(lines) struct lines all = { .count = 0 };

	head = head_of(buf_view(&text));
	split(buf_view(&text), &all);
	for (size_t i = 0; i < all.count; i++) {
		each_kind_of_byte(&text, start, all.items[i].len + 1, i, &head, &tried);
		start += all.items[i].len + 1;
	}
	assert_true(tried > 40 * all.count);
}

/* Each byte, each beginning of a line, behind the last one. */
static void any_byte_added_at_the_end_is_found(void **state)
{
	AUTO(stage) struct stage s;
	struct audit_head head;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);
	AUTO(buf) struct buf longer = BUF_INIT(2 * text.len);
	struct err e;

	head = head_of(buf_view(&text));
	for (unsigned value = 0; value < 256; value++) {
		buf_clear(&longer);
		assert_ok(buf_add(&longer, buf_view(&text), &e));
		assert_ok(buf_add_u8(&longer, (uint8_t)value, &e));
		assert_found(buf_view(&longer), &head, "adding", value, "a byte");
	}
	for (size_t len = 1; len < text.len; len += text.len / 50) {
		buf_clear(&longer);
		assert_ok(buf_add(&longer, buf_view(&text), &e));
		assert_ok(buf_add(&longer, view_new(text.data, len), &e));
		assert_found(buf_view(&longer), &head, "adding", len, "of the first bytes");
	}
}

static const char *const fields[] = {
	"seq",      "time",     "kind",   "node",       "prev",      "step",
	"outcome",  "document", "nonce",  "max_age_ms", "output",    "envelope",
	"asked_ms", "peer",     "sealed", "signature",  "challenge", "body",
	"previous", "manifest", "member", "setup_key",
};

static void any_field_changed_is_found(void **state)
{
	AUTO(stage) struct stage s;
	struct audit_head head;
	size_t tried = 0;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);
	AUTO(lines) struct lines all = { .count = 0 };

	head = head_of(buf_view(&text));
	split(buf_view(&text), &all);
	for (size_t i = 0; i < all.count; i++) {
		size_t start = 0;

		for (size_t n = 0; n < i; n++)
			start += all.items[n].len + 1;
		for (size_t f = 0; f < COUNT(fields); f++) {
			size_t at = value_at(&all.items[i], fields[f]);

			if (!at)
				continue;
			for (unsigned how = 0; how < 4; how++) {
				/* A value, its name, a bracket, a newline. */
				size_t places[] = { start + at, start + at - 3, start,
					            start + all.items[i].len };
				uint8_t *byte = &text.data[places[how]], was = *byte;

				*byte = how == 0 ? another(was) : (uint8_t)(was ^ 1);
				assert_found(buf_view(&text), &head, "a change", i, fields[f]);
				*byte = was;
				tried++;
			}
		}
	}
	assert_true(tried > 400);
}

/* Whoever may write to the file writes the chain anew; what was signed he can't. */
static void what_is_signed_holds_in_a_forged_chain(void **state)
{
	static const char *const held[] = { "document",  "nonce",    "output",   "envelope",
		                            "asked_ms",  "peer",     "sealed",   "signature",
		                            "challenge", "body",     "previous", "manifest",
		                            "member",    "setup_key" };
	AUTO(stage) struct stage s;
	size_t tried = 0;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);
	AUTO(lines) struct lines all = { .count = 0 };

	split(buf_view(&text), &all);
	for (size_t i = 0; i < all.count; i++) {
		for (size_t f = 0; f < COUNT(held); f++) {
			AUTO(lines) struct lines changed = { .count = 0 };
			AUTO(buf) struct buf result = { 0 };
			size_t at = value_at(&all.items[i], held[f]), end = at;
			uint8_t *line;

			if (!at)
				continue;
			for (size_t n = 0; n < all.count; n++)
				add_line(&changed, buf_view(&all.items[n]));
			line = changed.items[i].data;
			while (line[end] != '"' && line[end] != ',' && line[end] != '}')
				end++;
			at += (end - at) / 2;
			line[at] = another(line[at]);
			result = joined(&changed, true);
			assert_found(buf_view(&result), NULL, "a forgery", i, held[f]);
			tried++;
		}
	}
	assert_true(tried > 40);
}

static void receipts_dropped_from_a_forged_chain_are_missed(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(lines) struct lines all = { .count = 0 };
	AUTO(lines) struct lines fewer = { .count = 0 };
	AUTO(buf) struct buf result = { 0 };
	AUTO(audit) struct audit audit = { 0 };
	bool is_dropped = false;
	struct err e;

	(void)state;
	stage_open(&s);
	all_of_it(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	split(buf_view(&text), &all);
	for (size_t i = 0; i < all.count; i++) {
		bool is_first =
		    !is_dropped && strstr(buf_text(&all.items[i]), "\"kind\":\"receipt\"");

		if (!is_first)
			add_line(&fewer, buf_view(&all.items[i]));
		is_dropped |= is_first;
	}
	result = joined(&fewer, true);
	assert_refused(replay(buf_view(&result), NULL, &audit, &e), ERR_REFUSED,
	               "one is missing, or stands twice");
}

/* --- manifests */

static void next_manifest(struct stage *s, unsigned approvals, bool is_flipped)
{
	AUTO(manifest_envelope) struct manifest_envelope next = { 0 };

	approved_next(s, approvals, is_flipped, &next);
	evidence_manifest(&s->run, 1, &next);
}

static void a_manifest_is_a_lawful_successor(void **state)
{
	static const struct {
		unsigned approvals;
		bool is_flipped;
		const char *words; /* NULL: it holds */
	} rows[] = {
		{ 2, false, NULL },
		{ 1, false, "1 of 2 approvals" },
		{ 0, false, "0 of 2 approvals" },
		{ 2, true, "the approval of 'member1'" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage s;
		AUTO(buf) struct buf text = { 0 };
		AUTO(audit) struct audit audit = { 0 };
		struct err e;

		stage_open(&s);
		born(&s);
		next_manifest(&s, rows[i].approvals, rows[i].is_flipped);
		text = journal_of(&s);
		if (rows[i].words)
			assert_refused(replay(buf_view(&text), NULL, &audit, &e), ERR_REFUSED,
			               rows[i].words);
		else
			assert_ok(replay(buf_view(&text), NULL, &audit, &e));
	}
}

static void a_genesis_that_was_answered_twice_is_one(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(audit) struct audit audit = { 0 };
	struct err e;

	(void)state;
	stage_open(&s);
	keep_genesis_twice(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	assert_ok(replay(buf_view(&text), NULL, &audit, &e));
	assert_int_equal(audit.counts.kinds[JOURNAL_GENESIS], 2);
	assert_int_equal(audit.manifests.count, 1);
}

/* --- receipts when they come */

static void assert_claim_refused(struct stage *s, const struct receipt_claim *claim,
                                 const char *words)
{
	bool is_called = false;
	struct err e;

	assert_refused(evidence_receipt(&s->run, claim, on_receipt, &is_called, &e),
	               ERR_ATTESTATION, words);
	assert_false(is_called);
}

static void a_receipt_that_lies_is_refused_when_it_comes(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(buf) struct buf document = { 0 };
	AUTO(export_key_reply) struct export_key_reply reply = { 0 };
	struct receipt_claim claim;
	struct receipt_item item;

	(void)state;
	stage_open(&s);
	born(&s);
	inject(&s);
	world_wait_for_key(s.worlds[1], &s.genesis.manifest_envelope);
	live(&s, 1, 6, &document);
	export_key(&s, &s.genesis.manifest_envelope, &document, &reply);
	claim = claim_of(&s, 0, RECEIPT_EXPORT, &reply.receipt, buf_view(&document));
	claim.kind = RECEIPT_INJECT;
	assert_claim_refused(&s, &claim, "for another operation");
	claim.kind = RECEIPT_EXPORT;
	claim.setup_key = &s.worlds[1]->enclave->state.setup_public;
	assert_claim_refused(&s, &claim, "another setup key than the attested one");
	claim.setup_key = NULL;
	claim.subject = view_text("x");
	assert_claim_refused(&s, &claim, "another subject than what was sent");
	claim.subject = buf_view(&document);
	claim.item = NULL;
	assert_claim_refused(&s, &claim, "no receipt");
	item = reply.receipt;
	item.signature[5] ^= 1;
	claim.item = &item;
	assert_claim_refused(&s, &claim, "not signed by the quorum key");
	item = reply.receipt;
	item.body[12] ^= 1; /* its time */
	assert_claim_refused(&s, &claim, "not signed by the quorum key");
	claim.item = &reply.receipt;
	keep_receipt(&s, &claim);
	keep_receipt(&s, &claim); /* a replay */
}

/* The chains are the journal's, in the next run. */
static void another_run_goes_on_with_the_chain(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(audit) struct audit audit = { 0 };
	struct err e;

	(void)state;
	stage_open(&s);
	born(&s);
	inject(&s);
	evidence_drop(&s.run.evidence);
	forward(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	assert_ok(replay(buf_view(&text), NULL, &audit, &e));
	assert_int_equal(audit.counts.kinds[JOURNAL_RECEIPT], 3);
}

/* A machine that stopped within a line: the audit passes over what the next run has named. */
static void a_journal_that_a_crash_has_cut_is_replayed(void **state)
{
	AUTO(stage) struct stage s;
	AUTO(audit) struct audit audit = { 0 };
	char path[160];
	FILE *f;
	struct err e;

	(void)state;
	stage_open(&s);
	born(&s);
	evidence_drop(&s.run.evidence);
	snprintf(path, sizeof(path), "%s/%s", s.folder, JOURNAL_FILE);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs("{\"seq\":9,\"ti", f);
	assert_int_equal(fclose(f), 0);
	inject(&s);

	AUTO(buf) struct buf text = journal_of(&s);

	assert_ok(replay(buf_view(&text), NULL, &audit, &e));
	assert_int_equal(audit.counts.kinds[JOURNAL_MENDED], 1);
	assert_int_equal(audit.counts.kinds[JOURNAL_GENESIS], 1);
}

/* It is said once, and the key goes its way; nothing is told of a sync of nothing. */
static void note(void *context, const struct event *event)
{
	unsigned *notes = context;

	assert_int_equal(event->kind, EVENT_NOTE);
	assert_non_null(strstr(event->text, "journal: "));
	(*notes)++;
}

static void a_journal_that_cannot_be_written_is_told_once(void **state)
{
	AUTO(stage) struct stage s;
	unsigned notes = 0;
	int fd;

	(void)state;
	stage_open(&s);
	s.run.options.on_event = note;
	s.run.options.event_context = &notes;
	evidence_sync(&s.run, SYNC_ALL);
	evidence_step(&s.run, 0, "forward", true, "begin");
	assert_false(s.run.evidence.is_urgent);
	evidence_sync(&s.run, SYNC_URGENT);
	evidence_sync(&s.run, SYNC_OLD);
	assert_true(s.run.evidence.journal.is_unsynced);
	s.run.evidence.synced_ms -= EVIDENCE_SYNC_MS;
	evidence_sync(&s.run, SYNC_OLD);
	assert_false(s.run.evidence.journal.is_unsynced);
	evidence_step(&s.run, 0, "genesis", false, "begin");
	assert_int_equal(notes, 0);
	assert_true(s.run.evidence.is_urgent);
	fd = s.run.evidence.journal.fd;
	s.run.evidence.journal.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	evidence_step(&s.run, 0, "verify", true, "done");
	evidence_step(&s.run, 0, "prove", true, "begin");
	assert_int_equal(notes, 1);
	close(s.run.evidence.journal.fd);
	s.run.evidence.journal.fd = fd;
	evidence_sync(&s.run, SYNC_URGENT);
	assert_false(s.run.evidence.is_urgent);
	assert_false(s.run.evidence.journal.is_unsynced);
}

static void who_only_looks_writes_nothing(void **state)
{
	AUTO(stage) struct stage s;
	char path[160];

	(void)state;
	stage_open(&s);
	s.run.options.to_change = false;
	evidence_step(&s.run, 0, "verify", true, "begin");
	live(&s, 0, 1, NULL);
	snprintf(path, sizeof(path), "%s/%s", s.folder, JOURNAL_FILE);
	assert_false(file_is_there(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_untouched_journal_is_replayed),
		cmocka_unit_test(the_lineage_is_the_receipts),
		cmocka_unit_test(a_journal_that_a_crash_has_cut_is_replayed),
		cmocka_unit_test(a_journal_that_cannot_be_written_is_told_once),
		cmocka_unit_test(any_line_dropped_repeated_or_moved_is_found),
		cmocka_unit_test(any_field_changed_is_found),
		cmocka_unit_test(any_kind_of_byte_changed_is_found),
		cmocka_unit_test(any_byte_added_at_the_end_is_found),
		cmocka_unit_test(what_is_signed_holds_in_a_forged_chain),
		cmocka_unit_test(receipts_dropped_from_a_forged_chain_are_missed),
		cmocka_unit_test(a_manifest_is_a_lawful_successor),
		cmocka_unit_test(a_genesis_that_was_answered_twice_is_one),
		cmocka_unit_test(a_receipt_that_lies_is_refused_when_it_comes),
		cmocka_unit_test(another_run_goes_on_with_the_chain),
		cmocka_unit_test(who_only_looks_writes_nothing),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

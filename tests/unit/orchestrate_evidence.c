/* Receipts: each in its place in the chain of its boot, by the quorum key and no other, and nothing
 * written down as verified that was not. The node is a script on a free port. */
#include "client_support.h"
#include "cluster_support.h"

#include "base/clock.h"
#include "cluster/journal.h"
#include "crypto/key_set.h"
#include "orchestrate/run.h"
#include "proto/statement.h"

#define CHAIN 4

static struct key_set *quorum, *stranger;
static const struct hash256 manifest = { { 5 } };

static int make_keys(void **state)
{
	struct err e;

	open_arena(state);
	assert_ok(key_set_generate(&entropy_system, "test", &quorum, &e));
	assert_ok(key_set_generate(&entropy_system, "test", &stranger, &e));
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	key_set_drop(&quorum);
	key_set_drop(&stranger);
	return 0;
}

struct stage {
	char folder[128], notes[1024];
	struct cluster_node node;
	struct cluster cluster;
	struct node_seen seen;
	struct run run;
	struct server *server;
	struct receipt_item chain[CHAIN]; /* of one boot, of a TEE with the setup key "setup" */
	struct hash256 setup_key;
	/* what on_done was told */
	size_t done;
	bool has_failed;
	struct err failure;
};

static void stage_drop(struct stage *g)
{
	client_drop(&g->run.client);
	if (g->server)
		server_drop(&g->server);
	evidence_drop(&g->run.evidence);
	folder_clear(g->folder);
}

static void take_note(void *context, const struct event *event)
{
	struct stage *g = context;
	size_t len = strlen(g->notes);

	snprintf(g->notes + len, sizeof(g->notes) - len, "%s\n", event->text);
}

static void on_done(void *context, const struct err *failure)
{
	struct stage *g = context;

	g->done++;
	g->has_failed = failure != NULL;
	if (failure)
		g->failure = *failure;
}

/* Returns the message's hash, which the next one follows. */
static struct hash256 sign_receipt(const struct receipt *receipt, const struct key_set *key,
                                   const struct hash256 *previous, struct receipt_item *ret)
{
	uint8_t message[STATEMENT_LEN];
	struct signature signature;
	struct hash256 hash;
	struct err e;

	receipt_format(receipt, ret->body);
	assert_ok(sha256(VIEW_OF(ret->body), &hash, &e));
	statement_format(STATEMENT_RECEIPT, &manifest, hash.bytes, previous->bytes, message);
	assert_ok(key_set_sign(key, VIEW_OF(message), &signature, &e));
	memcpy(ret->signature, signature.bytes, sizeof(ret->signature));
	assert_ok(sha256(VIEW_OF(message), &hash, &e));
	return hash;
}

static void make_chain(struct stage *g)
{
	struct hash256 previous = { { 0 } };
	struct receipt r = { .kind = RECEIPT_EXPORT };
	struct err e;

	assert_ok(sha256(public_key_view(key_set_public(stranger)), &g->setup_key, &e));
	r.setup_key = g->setup_key;
	assert_ok(sha256(view_text("document"), &r.subject, &e));
	for (size_t i = 0; i < CHAIN; i++) {
		r.sequence = i;
		previous = sign_receipt(&r, quorum, &previous, &g->chain[i]);
	}
}

/* has_server: the script of its first answer is the test's to set. */
static void stage_fill(struct stage *g, bool has_server)
{
	static char name[] = "tee1";

	*g = (struct stage){ 0 };
	folder_new(g->folder, sizeof(g->folder));
	g->node.name = name;
	g->cluster.nodes = &g->node;
	g->cluster.node_count = 1;
	g->run = RUN_INIT;
	g->run.cluster = &g->cluster;
	g->run.state.folder = g->folder;
	g->run.options = (struct run_options){
		.to_change = true, .on_event = take_note, .event_context = g, .interrupt_fd = -1
	};
	g->run.seen = (struct observation){ .nodes = &g->seen, .count = 1, .has_genesis = true };
	g->run.seen.genesis.manifest_hash = manifest;
	g->run.seen.genesis.quorum_key = *key_set_public(quorum);
	(void)err_set(&g->seen.why, ERR_UNREACHABLE, "tee1 is away");
	make_chain(g);
	if (has_server) {
		const struct client_options options = { .connect_timeout_ms = 5000,
			                                .request_timeout_ms = 5000,
			                                .attempts = 1 };
		struct err e;

		g->server = server_start(SCRIPT({ ANSWER, "" }));
		g->seen.url = g->server->url;
		assert_ok(client_new(&options, &g->run.client, &e));
	}
}

/* What the node gives of its receipts, from one to before another. */
static const char *listed(const struct receipt_item *chain, size_t from, size_t to)
{
	AUTO(receipts_reply) struct receipts_reply reply = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);
	static char answer[8192];
	struct receipt_item *item;
	struct err e;

	for (size_t i = from; i < to; i++) {
		assert_ok(wire_list_add(&reply.receipts, &receipt_item_schema, &item, &e));
		*item = chain[i];
	}
	assert_ok(wire_encode(&receipts_reply_schema, &reply, &text, &e));
	snprintf(answer, sizeof(answer),
	         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
	         "%s",
	         text.len, buf_text(&text));
	return answer;
}

static int give(struct stage *g, const struct receipt_item *item, struct err *e)
{
	const struct receipt_claim claim = { .kind = RECEIPT_EXPORT,
		                             .item = item,
		                             .setup_key = key_set_public(stranger),
		                             .subject = view_text("document"),
		                             .manifest_hash = &manifest,
		                             .quorum_key = key_set_public(quorum) };

	return evidence_receipt(&g->run, &claim, on_done, g, e);
}

static void run_client(struct stage *g)
{
	struct err e;

	assert_ok(client_run(g->run.client, clock_monotonic_ms() + 10000, -1, NULL, NULL, &e));
}

/* "v" a verified receipt, "u" one that is not, in the journal's order. */
static void journal_is(const struct stage *g, const char *expected)
{
	AUTO(buf) struct buf text = BUF_INIT(1u << 20);
	char path[256], found[16] = "";
	struct journal_reader reader;
	bool goes_on = true;
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, JOURNAL_FILE);
	if (file_is_there(path))
		assert_ok(file_read(path, &text, &e));
	reader = journal_reader_new(buf_view(&text));
	while (text.len && goes_on) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		assert_ok(journal_next(&reader, &entry, &goes_on, &e));
		if (goes_on && entry.line.kind == JOURNAL_RECEIPT)
			strcat(found, entry.line.previous.len ? "v" : "u");
	}
	assert_string_equal(found, expected);
}

static void a_chain_is_followed_and_written_down(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, false);
	for (size_t i = 0; i < CHAIN; i++)
		assert_ok(give(&g, &g.chain[i], &e));
	assert_int_equal(g.done, CHAIN);
	assert_false(g.has_failed);
	/* The same one again, as after an answer that was lost, is no new line. */
	assert_ok(give(&g, &g.chain[2], &e));
	journal_is(&g, "vvvv");
	assert_string_equal(g.notes, "");
}

static void a_receipt_says_what_was_done(void **state)
{
	static const char *const rows[] = {
		"its answer has no receipt",
		"its receipt can't be read",
		"its receipt is for another operation",
		"names another setup key than the attested one",
		"has another subject than what was sent",
	};
	AUTO(stage) struct stage g = { 0 };
	struct receipt r = { .kind = RECEIPT_EXPORT };
	struct hash256 none = { { 0 } };
	struct err e;

	(void)state;
	stage_fill(&g, false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct receipt_item item;

		r.kind = i == 2 ? RECEIPT_INJECT : RECEIPT_EXPORT;
		r.setup_key = g.setup_key;
		r.setup_key.bytes[31] ^= i == 3;
		assert_ok(sha256(view_text(i == 4 ? "another" : "document"), &r.subject, &e));
		(void)sign_receipt(&r, quorum, &none, &item);
		if (i == 1)
			memset(item.body, 0xff, sizeof(item.body));
		assert_refused(give(&g, i ? &item : NULL, &e), ERR_ATTESTATION, rows[i]);
		assert_string_equal(e.reason, "receipt");
		assert_int_equal(strncmp(e.text, "tee1: ", 6), 0);
	}
	assert_int_equal(g.done, 0);
	journal_is(&g, "");
}

static void no_other_key_signs_and_no_number_is_given_twice(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct receipt_item item, other;
	struct hash256 none = { { 0 } };
	struct receipt r;
	struct err e;

	(void)state;
	stage_fill(&g, false);
	assert_ok(receipt_parse(VIEW_OF(g.chain[0].body), &r, &e));
	(void)sign_receipt(&r, stranger, &none, &item);
	assert_refused(give(&g, &item, &e), ERR_ATTESTATION, "receipt");
	assert_ok(give(&g, &g.chain[0], &e));
	/* Another one of that number, well signed: two histories of one boot. */
	r.nsm_ms++;
	(void)sign_receipt(&r, quorum, &none, &other);
	assert_refused(give(&g, &other, &e), ERR_ATTESTATION,
	               "a second receipt of the same number");
	/* One in a place that is not its own. */
	item = g.chain[2];
	memcpy(item.body, g.chain[1].body, sizeof(item.body));
	assert_refused(give(&g, &item, &e), ERR_ATTESTATION, "receipt");
	journal_is(&g, "v");
}

static void those_before_it_are_fetched_first(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, true);
	g.server->script[0].text = listed(g.chain, 0, 3);
	assert_ok(give(&g, &g.chain[2], &e));
	assert_int_equal(g.done, 0); /* not before the others are here */
	run_client(&g);
	assert_int_equal(g.done, 1);
	assert_false(g.has_failed);
	journal_is(&g, "vvv");
	assert_non_null(strstr(g.server->requests[0], "from=0"));
}

static void what_can_not_be_bridged_is_told_and_not_called_verified(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, true);
	/* The node gives none before the third any more. */
	g.server->script[0].text = listed(g.chain, 2, 4);
	assert_ok(give(&g, &g.chain[3], &e));
	run_client(&g);
	assert_int_equal(g.done, 1);
	assert_false(g.has_failed);
	assert_non_null(strstr(g.notes, "receipt 3 is not verified, since the enclave no longer"));
	journal_is(&g, "u");
	/* Nor is it by a run that comes later. */
	g.notes[0] = 0;
	evidence_drop(&g.run.evidence);
	assert_ok(give(&g, &g.chain[0], &e));
	journal_is(&g, "uv");
	assert_string_equal(g.notes, "");
}

static void a_list_without_the_receipt_itself_is_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, true);
	g.server->script[0].text = listed(g.chain, 0, 2);
	assert_ok(give(&g, &g.chain[3], &e));
	run_client(&g);
	assert_true(g.has_failed);
	assert_int_equal(g.failure.code, ERR_ATTESTATION);
	assert_non_null(strstr(g.failure.text, "is not among those that it lists"));
	journal_is(&g, "vv");
}

static void who_may_not_fetch_goes_on_unverified(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, true);
	g.server->script[0].text =
	    http("403 Forbidden", "",
	         "{\"error\":\"Access denied\",\"code\":1011,\"request_id\":\"1\"}");
	assert_ok(give(&g, &g.chain[1], &e));
	run_client(&g);
	assert_int_equal(g.done, 1);
	if (g.has_failed)
		fail_msg("%s", g.failure.text);
	assert_non_null(strstr(g.notes, "this client may not fetch those before it"));
	journal_is(&g, "u");
}

static void the_next_run_goes_on_from_the_journal(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g, false);
	assert_ok(give(&g, &g.chain[0], &e));
	assert_ok(give(&g, &g.chain[1], &e));
	evidence_drop(&g.run.evidence);
	assert_ok(give(&g, &g.chain[2], &e));
	journal_is(&g, "vvv");
	assert_string_equal(g.notes, "");
	/* One that was altered is told, and its word is not taken. */
	evidence_drop(&g.run.evidence);
	snprintf(path, sizeof(path), "%s/%s", g.folder, JOURNAL_FILE);
	assert_ok(file_write(path, view_text("{}\n{}\n"), 0600, &e));
	assert_refused(give(&g, &g.chain[3], &e), ERR_UNREACHABLE, "tee1 is away");
	assert_non_null(strstr(g.notes, "teectl audit verify"));
}

static void whoever_only_looks_writes_nothing(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, false);
	g.run.options.to_change = false;
	assert_ok(give(&g, &g.chain[0], &e));
	assert_int_equal(g.done, 1);
	journal_is(&g, "");
	/* But a watch does, and may ask for that. */
	g.run.options.records = true;
	assert_ok(give(&g, &g.chain[1], &e));
	journal_is(&g, "v");
}

static void a_journal_that_can_not_be_written_is_told_once_and_stops_nobody(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	static char nowhere[] = "/nonexistent/state";
	struct err e;

	(void)state;
	stage_fill(&g, false);
	g.run.state.folder = nowhere;
	assert_ok(give(&g, &g.chain[0], &e));
	assert_ok(give(&g, &g.chain[1], &e));
	assert_int_equal(g.done, 2);
	assert_int_equal(strncmp(g.notes, "journal: ", 9), 0);
	assert_null(strstr(strchr(g.notes, '\n'), "journal: "));
}

static void of_all_nodes_who_is_away_is_told_and_who_retired_no_failure(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	size_t new = 9;
	struct err e;

	(void)state;
	stage_fill(&g, true);
	g.run.deadline_ms = clock_monotonic_ms() + 10000;
	g.run.seen.has_genesis = false;
	assert_refused(evidence_fetch_all(&g.run, &new, &e), ERR_NOT_DESIRED, "teectl genesis");
	g.run.seen.has_genesis = true;
	g.seen.presence = NODE_ABSENT;
	assert_refused(evidence_fetch_all(&g.run, &new, &e), ERR_UNREACHABLE, "tee1 is away");
	evidence_step(&g.run, 0, "retire", false, JOURNAL_BEGIN);
	evidence_step(&g.run, 0, "retire", false, JOURNAL_DONE);
	evidence_drop(&g.run.evidence);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_non_null(strstr(g.notes, "has retired"));
	assert_int_equal(new, 0);
	/* It was started again: then its receipts are missed. */
	evidence_step(&g.run, 0, "launch", false, JOURNAL_DONE);
	evidence_drop(&g.run.evidence);
	assert_refused(evidence_fetch_all(&g.run, &new, &e), ERR_UNREACHABLE, "tee1 is away");
	evidence_step(&g.run, 0, "retire", false, JOURNAL_DONE);
	/* A TEE that has wiped its key shows documents all the same; it proves no key any more. */
	evidence_document(&g.run, 0, view_text("document"), view_text("nonce"));
	evidence_step(&g.run, 0, "verify", false, JOURNAL_DONE);
	evidence_drop(&g.run.evidence);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	evidence_proof(&g.run, 0, view_text("challenge"), view_text("document"),
	               view_text("signature"));
	evidence_drop(&g.run.evidence);
	assert_refused(evidence_fetch_all(&g.run, &new, &e), ERR_UNREACHABLE, "tee1 is away");
	/* A stranger is not asked. */
	g.seen.presence = NODE_PRESENT;
	g.seen.status.has_manifest_hash = true;
	g.seen.status.manifest_hash[0] = 0xee;
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 0);
	assert_int_equal(g.server->request_count, 0);
}

/* More of it than stays in memory behind its reader. */
static void a_long_journal_is_read_to_its_end(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, false);
	for (int i = 0; i < 15000; i++)
		evidence_step(&g.run, 0, "forward", true, JOURNAL_DONE);
	evidence_drop(&g.run.evidence);
	evidence_look_for_lives(&g.run);
	assert_false(evidence_has_retired(&g.run, 0));
	evidence_step(&g.run, 0, "retire", false, JOURNAL_DONE);
	evidence_drop(&g.run.evidence);
	evidence_look_for_lives(&g.run);
	assert_true(evidence_has_retired(&g.run, 0));
	assert_string_equal(g.notes, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_followed_and_written_down),
		cmocka_unit_test(a_receipt_says_what_was_done),
		cmocka_unit_test(no_other_key_signs_and_no_number_is_given_twice),
		cmocka_unit_test(those_before_it_are_fetched_first),
		cmocka_unit_test(what_can_not_be_bridged_is_told_and_not_called_verified),
		cmocka_unit_test(a_list_without_the_receipt_itself_is_refused),
		cmocka_unit_test(who_may_not_fetch_goes_on_unverified),
		cmocka_unit_test(the_next_run_goes_on_from_the_journal),
		cmocka_unit_test(whoever_only_looks_writes_nothing),
		cmocka_unit_test(a_journal_that_can_not_be_written_is_told_once_and_stops_nobody),
		cmocka_unit_test(of_all_nodes_who_is_away_is_told_and_who_retired_no_failure),
		cmocka_unit_test(a_long_journal_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}

/* wait_judge as a table: what the nodes say, what was proved -> the verdict of each, and of all. */
#include "orchestrate/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES 4

/* One letter a node: a absent, u unreachable, d denies, c a certificate that is not accepted, e
 * empty, s waits for shares, w for the key, p provisioned, r says it is ready, R and has proved it,
 * v verified without a key, x refused, t refused for want of time, m by a manifest that is not
 * known, o occupied by a stray, b broken. Verdicts: + met, . not yet, ! never, - not asked for. */
struct world {
	struct cluster cluster;
	struct cluster_node nodes[NODES];
	struct node_seen seen[NODES];
	struct node_proof proofs[NODES];
	struct run run;
};

static const uint8_t own_hash[32] = { 1 };

static void set_phase(struct node_seen *seen, char letter)
{
	static const struct {
		const char *letters;
		enum phase phase;
	} phases[] = {
		{ "evxtmk", PHASE_WAITING_FOR_BOOT },
		{ "s", PHASE_WAITING_FOR_SHARES },
		{ "w", PHASE_WAITING_FOR_KEY },
		{ "p", PHASE_PROVISIONED },
		{ "rR", PHASE_READY },
		{ "b", PHASE_UNRECOVERABLE },
	};

	for (size_t i = 0; i < COUNT(phases); i++)
		if (strchr(phases[i].letters, letter))
			seen->status.phase = (int)phases[i].phase;
	seen->status.has_manifest_hash = strchr("swprR", letter) != NULL;
	memcpy(seen->status.manifest_hash, own_hash, sizeof(own_hash));
	seen->status.threshold = 2;
	seen->status.shares_received = 1;
}

static void set_presence(struct node_seen *seen, char letter)
{
	static const struct {
		char letter;
		enum presence presence;
		enum err_code code;
		const char *reason;
	} rows[] = {
		{ 'a', NODE_ABSENT, ERR_UNREACHABLE, "" },
		{ 'u', NODE_UNREACHABLE, ERR_UNREACHABLE, "" },
		{ 'l', NODE_UNREACHABLE, ERR_UNREACHABLE, "" }, /* launched here */
		{ 'd', NODE_UNREACHABLE, ERR_ACCESS, "" },
		{ 'c', NODE_UNREACHABLE, ERR_UNREACHABLE, CLIENT_TLS_SERVER },
		{ 'o', NODE_STRAY, ERR_REFUSED, "occupied" },
	};

	seen->presence = NODE_PRESENT;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].letter == letter) {
			seen->presence = rows[i].presence;
			(void)err_reason(&seen->why, rows[i].code, rows[i].reason, "letter %c",
			                 letter);
		}
}

static void set_proof(struct node_proof *proof, char letter)
{
	if (letter == 'R')
		*proof = (struct node_proof){ .holding = HOLDS_KEY, .has_key_proof = true };
	if (letter == 'v')
		proof->holding = HOLDS_NOTHING;
	proof->is_refused = strchr("xtmk", letter) != NULL;
	if (letter == 'x')
		(void)err_reason(&proof->refusal, ERR_ATTESTATION, "pcr0", "PCR0 differs");
	if (letter == 't')
		(void)err_set(&proof->refusal, ERR_TRY_AGAIN, "no answer in time");
	if (letter == 'm')
		(void)err_reason(&proof->refusal, ERR_ATTESTATION, "manifest", "unknown manifest");
	if (letter == 'k')
		(void)err_reason(&proof->refusal, ERR_ATTESTATION, "pcr16", "PCR16 is not zero");
}

static void make_world(struct world *w, const char *letters)
{
	static char listen[] = "127.0.0.1:0";

	memset(w, 0, sizeof(*w));
	w->cluster.nodes = w->nodes;
	w->cluster.node_count = w->run.seen.count = strlen(letters);
	w->run.cluster = &w->cluster;
	w->run.proofs = w->proofs;
	w->run.seen.nodes = w->seen;
	w->run.seen.has_genesis = true;
	memcpy(w->run.seen.genesis.manifest_hash.bytes, own_hash, sizeof(own_hash));
	for (size_t i = 0; letters[i]; i++) {
		w->nodes[i].listen = letters[i] == 'l' ? listen : NULL;
		set_presence(&w->seen[i], letters[i]);
		set_phase(&w->seen[i], letters[i]);
		set_proof(&w->proofs[i], letters[i]);
	}
}

struct row {
	enum wait_for what;
	const char *letters;
	bool is_any, is_changing;
	const char *verdicts;
	enum wait_verdict outcome;
	const char *words; /* of the first that is not met */
};

static const struct row rows[] = {
	{ WAIT_READY, "RR", false, false, "++", WAIT_MET, "" },
	{ WAIT_READY, "Rr", false, false, "+.", WAIT_NOT_YET, "it has not shown it by a document" },
	{ WAIT_READY, "Re", false, false, "+.", WAIT_NOT_YET,
	  "it has no manifest yet, and no key" },
	{ WAIT_READY, "Re", true, false, "+.", WAIT_MET, "" },
	{ WAIT_READY, "Ru", false, false, "+.", WAIT_NOT_YET, "letter u" },
	{ WAIT_READY, "Rw", false, false, "+.", WAIT_NOT_YET,
	  "it waits for the key to be forwarded" },
	{ WAIT_READY, "sw", false, false, "..", WAIT_NOT_YET,
	  "1 of 2 shares are in; waiting for: " },
	{ WAIT_READY, "ee", false, false, "!!", WAIT_NEVER,
	  "no TEE of the cluster file has the quorum" },
	{ WAIT_READY, "aw", false, false, "!!", WAIT_NEVER,
	  "no TEE of the cluster file has the quorum" },
	{ WAIT_READY, "ee", false, true, "..", WAIT_NOT_YET, "it has no manifest yet" },
	{ WAIT_READY, "eu", false, false, "..", WAIT_NOT_YET, "it has no manifest yet" },
	{ WAIT_READY, "Rx", false, false, "+!", WAIT_NEVER, "PCR0 differs" },
	{ WAIT_READY, "Rx", true, false, "+!", WAIT_MET, "" },
	{ WAIT_READY, "Rx", false, true, "+!", WAIT_NEVER, "PCR0 differs" },
	{ WAIT_READY, "Rt", false, false, "+.", WAIT_NOT_YET, "no answer in time" },
	{ WAIT_READY, "Rd", false, false, "+!", WAIT_NEVER, "letter d" },
	{ WAIT_READY, "Rb", false, false, "+!", WAIT_NEVER, "it is in UnrecoverableError" },
	{ WAIT_READY, "Rb", false, true, "+.", WAIT_NOT_YET, "it is in UnrecoverableError" },
	{ WAIT_READY, "Ro", false, false, "+!", WAIT_NEVER, "letter o" },
	{ WAIT_READY, "Ro", false, true, "+.", WAIT_NOT_YET, "letter o" },
	{ WAIT_VERIFIED, "vR", false, false, "++", WAIT_MET, "" },
	{ WAIT_VERIFIED, "va", false, false, "+.", WAIT_NOT_YET, "letter a" },
	{ WAIT_VERIFIED, "vm", false, false, "+!", WAIT_NEVER, "unknown manifest" },
	{ WAIT_VERIFIED, "vm", false, true, "+.", WAIT_NOT_YET, "unknown manifest" },
	{ WAIT_VERIFIED, "vk", false, false, "+!", WAIT_NEVER, "PCR16 is not zero" },
	{ WAIT_VERIFIED, "vk", false, true, "+.", WAIT_NOT_YET, "PCR16 is not zero" },
	{ WAIT_VERIFIED, "xe", true, false, "!.", WAIT_NOT_YET, "PCR0 differs" },
	{ WAIT_VERIFIED, "xx", true, false, "!!", WAIT_NEVER, "PCR0 differs" },
	{ WAIT_SHARES, "se", false, false, ".-", WAIT_NOT_YET,
	  "1 of 2 shares are in; waiting for: " },
	{ WAIT_SHARES, "pe", false, false, "+-", WAIT_MET, "" },
	{ WAIT_SHARES, "ru", false, false, "+-", WAIT_MET, "" },
	{ WAIT_SHARES, "ew", false, false, "!!", WAIT_NEVER, "it does not wait for shares" },
	{ WAIT_SHARES, "ew", false, true, "..", WAIT_NOT_YET, "it does not wait for shares" },
	{ WAIT_SHARES, "eu", false, false, "..", WAIT_NOT_YET, "it does not wait for shares" },
	{ WAIT_GONE, "au", false, false, "++", WAIT_MET, "" },
	/* Its process lives. */
	{ WAIT_GONE, "ul", false, false, "+.", WAIT_NOT_YET, "letter l" },
	{ WAIT_GONE, "ar", false, false, "+.", WAIT_NOT_YET,
	  "it answers, and is in ApplicationReady" },
	{ WAIT_GONE, "ar", true, false, "+.", WAIT_MET, "" },
	{ WAIT_GONE, "ad", false, false, "+.", WAIT_NOT_YET, "letter d" },
	{ WAIT_GONE, "ac", false, false, "+.", WAIT_NOT_YET, "letter c" },
	{ WAIT_GONE, "ao", false, false, "+.", WAIT_NOT_YET, "letter o" },
};

static void check(const struct row *row)
{
	AUTO(wait) struct wait w = { 0 };
	struct world world;
	char found[NODES + 1] = "";
	const char *why = "";
	struct err e;

	make_world(&world, row->letters);
	assert_int_equal(wait_new(&world.run, row->what, row->is_any, NULL, &w, &e), 0);
	w.is_changing = row->is_changing;
	w.looks = 1;
	wait_judge(&world.run, &w);
	for (size_t i = 0; row->letters[i]; i++) {
		found[i] = ".+!-"[w.nodes[i].verdict];
		w.nodes[i].shown = 1;
		if (w.nodes[i].verdict != WAIT_MET && w.nodes[i].verdict != WAIT_NOT_ASKED && !*why)
			why = w.nodes[i].why.text;
	}
	assert_string_equal(found, row->verdicts);
	assert_int_equal(wait_outcome(&world.run, &w), row->outcome);
	if (*row->words)
		assert_memory_equal(why, row->words, strlen(row->words));
}

static void wait_judges_each_node_and_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i]);
}

/* What was proved in an earlier look is proved again, so that all was so at one time. */
static void wait_is_not_met_by_an_earlier_look(void **state)
{
	AUTO(wait) struct wait w = { 0 };
	struct world world;
	struct err e;

	(void)state;
	make_world(&world, "RR");
	assert_int_equal(wait_new(&world.run, WAIT_READY, false, NULL, &w, &e), 0);
	w.looks = 2;
	wait_judge(&world.run, &w);
	w.nodes[0].shown = 1;
	w.nodes[1].shown = 2;
	assert_int_equal(wait_outcome(&world.run, &w), WAIT_NOT_YET);
	assert_int_equal(w.nodes[0].shown, 0);
	assert_int_equal(w.nodes[1].shown, 0);
	w.nodes[0].shown = w.nodes[1].shown = w.looks = 3;
	assert_int_equal(wait_outcome(&world.run, &w), WAIT_MET);
}

/* A look that the deadline cut says nothing new: what failed before is told. */
static void what_was_seen_before_the_time_was_up_is_told(void **state)
{
	static const enum wait_for whats[] = { WAIT_SHARES, WAIT_READY, WAIT_GONE };

	(void)state;
	for (size_t i = 0; i < COUNT(whats); i++) {
		AUTO(wait) struct wait w = { 0 };
		char before[ERR_TEXT_MAX];
		struct world world;
		struct err e;

		make_world(&world, "s");
		assert_int_equal(wait_new(&world.run, whats[i], false, NULL, &w, &e), 0);
		wait_judge(&world.run, &w);
		assert_int_equal(w.nodes[0].verdict, WAIT_NOT_YET);
		snprintf(before, sizeof(before), "%s", w.nodes[0].why.text);
		world.seen[0].presence = NODE_UNREACHABLE;
		(void)err_reason(&world.seen[0].why, ERR_TRY_AGAIN, OBSERVATION_LATE, "late");
		wait_judge(&world.run, &w);
		assert_int_equal(w.nodes[0].verdict, WAIT_NOT_YET);
		assert_string_equal(w.nodes[0].why.text, before);
	}
}

static void wait_is_about_the_chosen_alone(void **state)
{
	const bool chosen[] = { true, false };
	AUTO(wait) struct wait w = { 0 };
	struct world world;
	struct err e;

	(void)state;
	make_world(&world, "ax");
	assert_int_equal(wait_new(&world.run, WAIT_GONE, false, chosen, &w, &e), 0);
	wait_judge(&world.run, &w);
	assert_int_equal(wait_outcome(&world.run, &w), WAIT_MET);
	assert_int_equal(wait_count(&world.run, &w, WAIT_MET), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_judges_each_node_and_all),
		cmocka_unit_test(wait_is_not_met_by_an_earlier_look),
		cmocka_unit_test(what_was_seen_before_the_time_was_up_is_told),
		cmocka_unit_test(wait_is_about_the_chosen_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a run holds documents to: where PCR0..3 come from, and what a live document proves a node to
 * hold. What the checks of a document are, attest_policy.c tests. */
#include "birth_support.h"

#include "orchestrate/policy.h"

#define NODES 3

static const uint8_t question[NONCE_LEN] = { 9 };

struct stage {
	struct birth_stage birth;
	struct cluster_node nodes[NODES];
	struct node_proof proofs[NODES];
	struct kept_manifest older;
	struct run run;
	char note[512]; /* the last that was told */
};

static void stage_drop(struct stage *g)
{
	evidence_drop(&g->run.evidence);
	kept_genesis_drop(&g->run.seen.genesis);
	manifest_envelope_drop(&g->older.envelope);
	buf_drop(&g->run.root);
	birth_stage_drop(&g->birth);
}

static void take_note(void *context, const struct event *event)
{
	struct stage *g = context;

	assert_int_equal(event->kind, EVENT_NOTE);
	snprintf(g->note, sizeof(g->note), "%s", event->text);
}

/* A run of which all is known that policy_settle finds out, with a genesis that was kept. */
static void stage_fill(struct stage *g)
{
	static char names[NODES][8] = { "tee1", "tee2", "tee3" }, folder[] = "/state";
	struct err e;

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	birth_attest(&g->birth);
	for (size_t i = 0; i < NODES; i++)
		g->nodes[i].name = names[i];
	g->birth.cluster.nodes = g->nodes;
	g->birth.cluster.node_count = NODES;
	g->birth.cluster.attestation.root = ROOT_FILE;
	g->run = (struct run){ .cluster = &g->birth.cluster,
		               .state = { folder, -1 },
		               .evidence = EVIDENCE_INIT,
		               .root = BUF_INIT(ROOT_CERTIFICATE_MAX),
		               .pcrs = g->birth.pcrs,
		               .proofs = g->proofs,
		               .options = { .on_event = take_note, .event_context = g } };
	assert_ok(buf_set(&g->run.root, signer_certificate(birth_root), &e));
	g->run.seen.has_genesis = true;
	g->run.seen.genesis = birth_kept(&g->birth);
	g->run.seen.older = (struct kept_manifests){ &g->older, 1 };
	assert_ok(manifest_copy(&g->birth.envelope, &g->older.envelope, &e));
}

/* --- where PCR0..3 come from */

static void a_pin_and_the_manifest_must_agree(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct cluster *c = &g.birth.cluster;
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(policy_check_pins(c, &g.birth.pcrs, &e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		char reason[8];

		snprintf(reason, sizeof(reason), "pcr%u", i);
		c->enclave.pcrs.values[i] = g.birth.pcrs.values[i];
		assert_ok(policy_check_pins(c, &g.birth.pcrs, &e));
		c->enclave.pcrs.values[i].bytes[PCR_LEN - 1] ^= 1;
		assert_refused(policy_check_pins(c, &g.birth.pcrs, &e), ERR_ATTESTATION, reason);
		assert_non_null(strstr(e.text, "teectl manifest adopt"));
		assert_true(err_has_mark(&e, POLICY_NEXT_PINS));
		c->enclave.pcrs.values[i].len = 0;
	}
	/* Of what no manifest has nothing can be pinned. */
	memset(&c->enclave.pcrs.values[PCR_INSTANCE], 1, sizeof(struct pcr));
	assert_ok(policy_check_pins(c, &g.birth.pcrs, &e));
}

static void what_is_expected_must_be_found_and_nothing_else_is_asked(void **state)
{
	static const struct pcr_words words = {
		.code = ERR_REFUSED, .before = "wants", .between = " and has", .after = "; mend it"
	};
	struct pcr_set expected = { 0 }, found = { 0 };
	char text[ERR_TEXT_MAX], a[2 * PCR_LEN + 1], b[2 * PCR_LEN + 1];
	struct err e;

	(void)state;
	found.values[PCR_IMAGE].len = PCR_LEN;
	assert_ok(policy_compare(&expected, &found, &words, &e));
	expected.values[PCR_RUNTIME].len = PCR_LEN;
	/* What is not found at all is not what is expected. */
	assert_refused(policy_compare(&expected, &found, &words, &e), ERR_REFUSED, "pcr1");
	found.values[PCR_RUNTIME].len = PCR_LEN;
	assert_ok(policy_compare(&expected, &found, &words, &e));
	expected.values[PCR_ROLE] = found.values[PCR_ROLE] = found.values[PCR_IMAGE];
	memset(found.values[PCR_ROLE].bytes, 0xab, PCR_LEN);
	assert_refused(policy_compare(&expected, &found, &words, &e), ERR_REFUSED, "pcr3");
	hex_write(pcr_view(&expected.values[PCR_ROLE]), a);
	hex_write(pcr_view(&found.values[PCR_ROLE]), b);
	snprintf(text, sizeof(text), "PCR3 (%s): wants %s and has %s; mend it", pcr_name(PCR_ROLE),
	         a, b);
	assert_string_equal(e.text, text);
	/* Of what no manifest has nothing is compared. */
	found.values[PCR_ROLE] = expected.values[PCR_ROLE];
	expected.values[PCR_INSTANCE].len = PCR_LEN;
	assert_ok(policy_compare(&expected, &found, &words, &e));
}

static void once_there_is_a_manifest_it_says_what_is_measured(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	g.run.pcrs = (struct pcr_set){ 0 };
	assert_ok(policy_measure(&g.run, &e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		assert_true(pcr_equal(&g.run.pcrs.values[i], &g.birth.pcrs.values[i]));
	/* Once a run: a pin that comes later changes nothing. */
	g.birth.cluster.enclave.pcrs.values[0].len = PCR_LEN;
	assert_ok(policy_measure(&g.run, &e));
	g.run.has_pcrs = false;
	assert_refused(policy_measure(&g.run, &e), ERR_ATTESTATION, "pcr0");
	assert_false(g.run.has_pcrs);
}

static void before_there_is_a_manifest_there_are_pins_or_nothing(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	g.run.seen.has_genesis = false;
	assert_refused(policy_measure(&g.run, &e), ERR_CONFIG, "names no enclave.image");
	assert_false(g.run.has_pcrs);
	g.birth.cluster.enclave.pcrs = g.birth.pcrs;
	g.run.pcrs = (struct pcr_set){ 0 };
	assert_ok(policy_measure(&g.run, &e));
	assert_memory_equal(&g.run.pcrs, &g.birth.pcrs, sizeof(g.run.pcrs));
}

/* The root as a file, as `attestation.root` names it. */
static void name_root(struct stage *g, char path[static 256], struct view root)
{
	struct err e;

	folder_new(path, 200);
	strcat(path, "/root.der");
	assert_ok(file_write(path, root, 0600, &e));
	g->birth.cluster.attestation.root_path = path;
}

static void remove_root(char *path)
{
	assert_int_equal(remove(path), 0);
	*strrchr(path, '/') = 0;
	assert_int_equal(remove(path), 0);
}

static void a_genesis_that_is_not_of_this_file_ends_the_run(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g);
	name_root(&g, path, signer_certificate(birth_root));
	g.birth.cluster.manifest.nonce = 9;
	/* No enclave has refused anything: it is the folder that is of another file. */
	assert_refused(policy_settle(&g.run, &e), ERR_REFUSED, "namespace");
	assert_non_null(strstr(e.text, "the genesis kept in '/state': "));
	assert_true(err_has_mark(&e, POLICY_KEPT));
	assert_false(g.run.has_policy);
	g.birth.cluster.manifest.nonce = 7;
	assert_ok(policy_settle(&g.run, &e));
	assert_true(g.run.has_policy);
	assert_view_equal(buf_view(&g.run.root), signer_certificate(birth_root));
	remove_root(path);
}

static void under_another_root_nothing_that_was_kept_is_believed(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g);
	name_root(&g, path, chain_aws_root);
	assert_refused(policy_settle(&g.run, &e), ERR_REFUSED, "the genesis kept");
	assert_int_equal(strncmp(e.reason, "chain:", 6), 0);
	remove_root(path);
}

static void who_only_looks_is_told_what_would_not_be_sealed(void **state)
{
	static char elsewhere[] = "/nonexistent/user.pub";
	AUTO(stage) struct stage g = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g);
	name_root(&g, path, signer_certificate(birth_root));
	for (size_t i = 0; i < MEMBERS; i++)
		g.birth.members[i].pub = elsewhere;
	assert_ok(policy_settle(&g.run, &e));
	assert_non_null(strstr(g.note, "nothing would be sealed: no key of the share set"));
	/* Who is about to is refused. */
	assert_refused(policy_may_seal(&g.run, &e), ERR_REFUSED, "nothing is sealed: ");
	assert_string_equal(e.reason, "share_set");
	assert_false(g.run.may_seal);
	g.note[0] = 0;
	g.run.has_policy = false;
	g.run.options.to_change = true;
	assert_ok(policy_settle(&g.run, &e));
	assert_string_equal(g.note, "");
	remove_root(path);
}

static void nothing_is_sealed_for_another_role_than_the_files(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char path[256];
	struct err e;

	(void)state;
	stage_fill(&g);
	name_root(&g, path, signer_certificate(birth_root));
	/* Without an image there must be pins, but for the role. */
	g.birth.cluster.enclave.role = (char *)"ops";
	assert_refused(policy_may_seal(&g.run, &e), ERR_REFUSED,
	               "nothing here says what PCR0 (image) must be");
	assert_string_equal(e.reason, "pcr0");
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		g.birth.cluster.enclave.pcrs.values[i] = g.birth.pcrs.values[i];
	assert_refused(policy_may_seal(&g.run, &e), ERR_REFUSED, "pcr3");
	assert_non_null(strstr(e.text, "as the cluster file's image measures"));
	g.birth.cluster.enclave.pcrs.values[PCR_ROLE] = g.birth.pcrs.values[PCR_ROLE];
	assert_ok(policy_may_seal(&g.run, &e));
	assert_true(g.run.may_seal);
	remove_root(path);
}

/* --- what a document is held to */

static void a_live_document_is_fresh_and_of_this_question(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct basis basis;
	struct attestation_policy p;

	(void)state;
	stage_fill(&g);
	basis = policy_basis(&g.run);
	p = policy_live(&basis, VIEW_OF(question));
	assert_int_equal(p.nonce.rule, FIELD_EQUAL);
	assert_view_equal(p.nonce.value, VIEW_OF(question));
	assert_int_equal(p.max_age_ms, 300000);
	assert_int_equal(p.max_ahead_ms, DOCUMENT_AHEAD_MS);
	assert_false(p.chain_at_document);
	assert_true(p.refuse_debug);
	assert_true(p.now_ms > 0 && p.chain_time_unix == p.now_ms / 1000);
	assert_memory_equal(&p.pcrs, &g.birth.pcrs, sizeof(p.pcrs));
	/* A stored one is judged at its own time; from the future it may not be. */
	p = policy_stored(&basis, 5000);
	assert_true(p.chain_at_document);
	assert_int_equal(p.nonce.rule, FIELD_ANY);
	assert_int_equal(p.max_age_ms, 5000);
	assert_int_equal(p.max_ahead_ms, DOCUMENT_AHEAD_MS);
	assert_true(p.refuse_debug);
}

static void debug_is_allowed_where_the_file_says_so_and_all_three_are_zero(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct attestation_claims claims = { 0 };
	struct attestation_policy p;
	struct basis basis;

	(void)state;
	stage_fill(&g);
	basis = policy_basis(&g.run);
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		pcr_zero(&claims.pcrs.values[i]);
	p = policy_live(&basis, VIEW_OF(question));
	policy_allow_debug(&basis, &claims, &p);
	assert_memory_equal(&p.pcrs, &g.birth.pcrs, sizeof(p.pcrs));
	g.birth.cluster.attestation.allow_debug = true;
	p = policy_live(&basis, VIEW_OF(question));
	assert_false(p.refuse_debug);
	claims.pcrs.values[PCR_OPTIONS].bytes[0] = 1;
	policy_allow_debug(&basis, &claims, &p);
	assert_memory_equal(&p.pcrs, &g.birth.pcrs, sizeof(p.pcrs));
	claims.pcrs.values[PCR_OPTIONS].bytes[0] = 0;
	policy_allow_debug(&basis, &claims, &p);
	assert_true(pcr_set_is_debug(&p.pcrs));
	/* The role is shown by a debug enclave as well. */
	assert_true(pcr_equal(&p.pcrs.values[PCR_ROLE], &g.birth.pcrs.values[PCR_ROLE]));
}

/* --- what a node is proved to hold */

/* A document as of the node whose module this is; manifest NULL: it holds none; key NULL: no setup
 * key. */
struct shown {
	const char *module;
	const struct hash256 *manifest;
	const struct public_key *key;
	const struct pcr_set *pcrs; /* NULL: the cluster's */
	bool is_wiped;              /* PCR16 commits to a key that is not shown */
};

static void show(struct stage *g, const struct shown *s)
{
	struct document_content content = g->birth.content;
	struct pcr_set pcrs = s->pcrs ? *s->pcrs : g->birth.shown;
	struct err e;

	content.module_id = s->module;
	content.nonce = (struct document_field){ true, VIEW_OF(question) };
	content.pcrs = &pcrs;
	if (s->manifest)
		content.user_data = (struct document_field){ true, VIEW_OF(s->manifest->bytes) };
	if (s->key)
		content.public_key = (struct document_field){ true, public_key_view(s->key) };
	if (s->manifest && (s->key || s->is_wiped))
		assert_ok(pcr_committed(s->key ? s->key : key_set_public(birth_people.stranger),
		                        s->manifest, &pcrs.values[PCR_COMMITMENT], &e));
	birth_sign(&content, &g->birth.document);
}

static int judge(struct stage *g, size_t node, struct node_proof *ret, struct err *e)
{
	return policy_judge(&g->run, node, buf_view(&g->birth.document), VIEW_OF(question), ret, e);
}

static void a_node_holds_what_its_document_shows(void **state)
{
	const struct public_key *setup = key_set_public(birth_people.stranger);
	AUTO(stage) struct stage g = { 0 };
	const struct hash256 *current = &g.run.seen.genesis.manifest_hash;
	struct node_proof proof;
	struct err e;

	(void)state;
	stage_fill(&g);
	show(&g, &(struct shown){ .module = "i-1" });
	assert_ok(judge(&g, 0, &proof, &e));
	assert_int_equal(proof.holding, HOLDS_NOTHING);
	assert_false(proof.is_older);

	show(&g, &(struct shown){ .module = "i-1", .manifest = current, .key = setup });
	assert_ok(judge(&g, 0, &proof, &e));
	assert_int_equal(proof.holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&proof.setup_key, setup));
	assert_memory_equal(&proof.manifest_hash, current, sizeof(*current));

	show(&g, &(struct shown){ .module = "i-1", .manifest = current, .is_wiped = true });
	assert_ok(judge(&g, 0, &proof, &e));
	assert_int_equal(proof.holding, HOLDS_KEY);
	assert_false(proof.has_key_proof);
	/* To have wiped a key it must have had one. */
	show(&g, &(struct shown){ .module = "i-1", .manifest = current });
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "pcr16");
}

static void an_older_manifest_has_pcrs_of_its_own(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct node_proof proof;
	struct pcr_set pcrs;
	struct err e;

	(void)state;
	stage_fill(&g);
	g.older.envelope.manifest.enclave.pcrs[PCR_IMAGE].data[0] ^= 1;
	g.older.envelope.manifest.namespace.nonce = 6;
	assert_ok(manifest_hash(&g.older.envelope.manifest, &g.older.hash, &e));
	pcrs = g.birth.shown;
	pcrs.values[PCR_IMAGE].bytes[0] ^= 1;
	show(&g, &(struct shown){
	             .module = "i-1", .manifest = &g.older.hash, .pcrs = &pcrs, .is_wiped = true });
	assert_ok(judge(&g, 0, &proof, &e));
	assert_true(proof.is_older);
	assert_int_equal(proof.holding, HOLDS_KEY);
	/* The next image does not pass under the manifest of before, nor the other way round. */
	show(&g, &(struct shown){ .module = "i-1", .manifest = &g.older.hash, .is_wiped = true });
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "pcr0");
	show(&g, &(struct shown){ .module = "i-1",
	                          .manifest = &g.run.seen.genesis.manifest_hash,
	                          .pcrs = &pcrs,
	                          .is_wiped = true });
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "pcr0");
}

static void a_strangers_manifest_is_named_as_such(void **state)
{
	static const struct hash256 stranger = { { 0xab } };
	AUTO(stage) struct stage g = { 0 };
	struct pcr_set pcrs;
	struct node_proof proof;
	struct err e;

	(void)state;
	stage_fill(&g);
	show(&g, &(struct shown){ .module = "i-1", .manifest = &stranger, .is_wiped = true });
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "occupied by another cluster");
	assert_string_equal(e.reason, "manifest");
	assert_non_null(strstr(e.text, "found ab00"));
	/* But an image that is not ours comes first: a stranger's manifest is no news. */
	pcrs = g.birth.shown;
	pcrs.values[PCR_IMAGE].bytes[0] ^= 1;
	show(&g, &(struct shown){
	             .module = "i-1", .manifest = &stranger, .pcrs = &pcrs, .is_wiped = true });
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "pcr0");
	g.run.seen.has_genesis = false;
	show(&g, &(struct shown){ .module = "i-1", .manifest = &stranger, .is_wiped = true });
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "expected none");
}

static void one_tee_answers_for_one_node(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct node_proof proof;
	struct err e;

	(void)state;
	stage_fill(&g);
	show(&g, &(struct shown){ .module = "i-1" });
	assert_ok(judge(&g, 0, &g.proofs[0], &e));
	/* The same node may be judged again. */
	assert_ok(judge(&g, 0, &proof, &e));
	show(&g, &(struct shown){ .module = "i-2" });
	assert_ok(judge(&g, 1, &proof, &e));
	/* What was refused for something else, or not judged, has claimed no module. */
	show(&g, &(struct shown){ .module = "i-1" });
	g.proofs[0].is_refused = true;
	assert_ok(judge(&g, 1, &proof, &e));
	g.proofs[0].is_refused = false;
	g.proofs[0].holding = HOLDS_UNKNOWN;
	assert_ok(judge(&g, 1, &proof, &e));
}

/* Whoever came first is no better, and neither is one of them asked again. */
static void of_two_nodes_with_one_tee_neither_is_believed(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct node_proof proof;
	struct err e;

	(void)state;
	stage_fill(&g);
	show(&g, &(struct shown){ .module = "i-1" });
	assert_ok(judge(&g, 0, &g.proofs[0], &e));
	assert_refused(judge(&g, 1, &proof, &e), ERR_ATTESTATION, "answers for tee1");
	assert_string_equal(e.reason, "module_id");
	for (size_t i = 0; i < 2; i++) {
		assert_true(g.proofs[i].is_refused);
		assert_string_equal(g.proofs[i].refusal.reason, "module_id");
		assert_int_equal(g.proofs[i].holding, HOLDS_UNKNOWN);
	}
	assert_non_null(strstr(g.note, "answers for tee2"));
	assert_refused(judge(&g, 0, &proof, &e), ERR_ATTESTATION, "answers for tee2");
	assert_refused(judge(&g, 2, &proof, &e), ERR_ATTESTATION, "answers for tee1");
	/* With a TEE of its own it is heard again. */
	show(&g, &(struct shown){ .module = "i-2" });
	assert_ok(judge(&g, 1, &proof, &e));
}

/* A relay elsewhere that was quicker puts no TEE in the wrong that was launched here. */
static void of_two_nodes_the_one_that_was_launched_here_is_believed(void **state)
{
	static char listen[] = "127.0.0.1:1";
	struct err e;

	(void)state;
	for (size_t here = 0; here < 2; here++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g);
		g.nodes[here].listen = listen;
		show(&g, &(struct shown){ .module = "i-1" });
		assert_ok(judge(&g, 0, &g.proofs[0], &e));
		if (here == 0)
			assert_refused(judge(&g, 1, &g.proofs[1], &e), ERR_ATTESTATION,
			               "answers for tee1, which was launched here");
		else
			assert_ok(judge(&g, 1, &g.proofs[1], &e));
		assert_int_equal(g.proofs[here].holding, HOLDS_NOTHING);
		assert_false(g.proofs[here].is_refused);
		if (here == 1) {
			assert_true(g.proofs[0].is_refused);
			assert_non_null(
			    strstr(g.note, "answers for tee2, which was launched here"));
		}
		assert_ok(judge(&g, here, &g.proofs[here], &e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pin_and_the_manifest_must_agree),
		cmocka_unit_test(what_is_expected_must_be_found_and_nothing_else_is_asked),
		cmocka_unit_test(once_there_is_a_manifest_it_says_what_is_measured),
		cmocka_unit_test(before_there_is_a_manifest_there_are_pins_or_nothing),
		cmocka_unit_test(a_genesis_that_is_not_of_this_file_ends_the_run),
		cmocka_unit_test(under_another_root_nothing_that_was_kept_is_believed),
		cmocka_unit_test(who_only_looks_is_told_what_would_not_be_sealed),
		cmocka_unit_test(nothing_is_sealed_for_another_role_than_the_files),
		cmocka_unit_test(a_live_document_is_fresh_and_of_this_question),
		cmocka_unit_test(debug_is_allowed_where_the_file_says_so_and_all_three_are_zero),
		cmocka_unit_test(a_node_holds_what_its_document_shows),
		cmocka_unit_test(an_older_manifest_has_pcrs_of_its_own),
		cmocka_unit_test(a_strangers_manifest_is_named_as_such),
		cmocka_unit_test(one_tee_answers_for_one_node),
		cmocka_unit_test(of_two_nodes_with_one_tee_neither_is_believed),
		cmocka_unit_test(of_two_nodes_the_one_that_was_launched_here_is_believed),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

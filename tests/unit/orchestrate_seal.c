/* A member's half of a ceremony, held to QuorumOS's own keys, shares and genesis output, with
 * documents that are signed here as a hypervisor signs. What the verb prints:
 * tests/cmd_share_seal.bats. */
#include "cluster_support.h"
#include "manifest_support.h"

#include "attest/document_sign.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "orchestrate/seal.h"

#define DAY_MS INT64_C(86400000)

static struct signer *root, *leaf;

static struct signer *issue(const struct signer *issuer, const char *name, bool is_ca, int path)
{
	const struct certificate_request request = {
		.common_name = name,
		.not_before_unix = clock_unix_ms() / 1000 - 3 * 86400,
		.not_after_unix = clock_unix_ms() / 1000 + 3600,
		.is_ca = is_ca,
		.path_length = path,
	};
	struct signer *s = NULL;
	struct err e;

	assert_ok(signer_issue(issuer, &request, &s, &e));
	return s;
}

static int make_pki(void **state)
{
	open_arena(state);
	root = issue(NULL, "teectl SIMULATED root test", true, 0);
	leaf = issue(root, "teectl SIMULATED leaf", false, -1);
	return 0;
}

static int drop_pki(void **state)
{
	(void)state;
	signer_drop(&root);
	signer_drop(&leaf);
	return 0;
}

/* What a test changes before the request is made. */
struct plot {
	int64_t age_ms, expires_in_ms; /* of the TEE's document; of the request */
	bool without_genesis, foreign_genesis, without_dr_key, twice;
	uint8_t pcr0;                       /* of the TEE's document; 0: as the manifest's */
	const struct public_key *committed; /* PCR16 is of that key; NULL: of the document's */
	void (*change)(struct manifest *m); /* the TEE has it as well */
	size_t approvals, genesis_pcr0_of_another;
};

/* A member's machine: his folder, his file, and what he was sent. */
struct machine {
	char folder[256], key[320], file[320];
	struct people people;
	struct manifest_envelope envelope;
	struct key_set *setup;
	struct share_request request;
	struct buf text;
	struct cluster cluster;
	struct state state;
	struct public_key named;
	struct seal_input in;
	struct wire_list checks;
	struct sealing sealing;
};

static void machine_drop(struct machine *m)
{
	folder_clear(m->folder);
	people_drop(&m->people);
	manifest_envelope_drop(&m->envelope);
	key_set_drop(&m->setup);
	share_request_drop(&m->request);
	buf_drop(&m->text);
	cluster_drop(&m->cluster);
	match_rows_drop(&m->checks);
	sealing_drop(&m->sealing);
}

static void write_at(const char *folder, const char *name, struct view content)
{
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_ok(file_create(path, content, 0600, &e));
}

static void write_cluster(struct machine *m, const struct plot *p)
{
	AUTO(buf) struct buf text = BUF_INIT(8192);
	struct pcr_set pcrs;
	struct err e;

	assert_ok(manifest_pcrs(&m->envelope.manifest, &pcrs, &e));
	assert_ok(buf_add_format(&text, &e,
	                         "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: own }\n"
	                         "enclave: { "));
	assert_ok(pcr_pins_format(&pcrs, &text, &e));
	assert_ok(buf_add_format(&text, &e,
	                         " }\nattestation: { root: root.der }\n"
	                         "quorum:\n  threshold: 2\n"));
	if (!p->without_dr_key)
		assert_ok(buf_add_format(&text, &e, "  drKey: %s/qos/boot-e2e/mock_p256_dr.pub\n",
		                         VECTORS));
	assert_ok(buf_add_format(&text, &e, "  members:\n"));
	for (size_t i = 0; i < MEMBERS; i++)
		assert_ok(buf_add_format(&text, &e,
		                         "    - { name: %s, pub: %s/qos/boot-e2e/%s.pub }\n",
		                         aliases[i], VECTORS, aliases[i]));
	assert_ok(buf_add_format(&text, &e,
	                         "manifest: { namespace: a/b, nonce: 7 }\n"
	                         "nodes: [ { name: tee1, url: \"http://192.0.2.1:9000\" } ]\n"));
	write_at(m->folder, "cluster.yaml", buf_view(&text));
}

static void write_folder(struct machine *m, const struct plot *p)
{
	AUTO(buf) struct buf secret = vector_file("qos/boot-e2e/user1.secret");
	struct err e;

	folder_new(m->folder, sizeof(m->folder));
	write_at(m->folder, "user1.secret", buf_view(&secret));
	write_at(m->folder, "root.der", signer_certificate(root));
	write_cluster(m, p);
	snprintf(m->key, sizeof(m->key), "%s/user1.secret", m->folder);
	snprintf(m->file, sizeof(m->file), "%s/cluster.yaml", m->folder);
	assert_ok(cluster_read(m->file, &m->cluster, &e));
}

static void sign(const struct pcr_set *pcrs, int64_t at_ms, struct view user_data,
                 const struct key_set *setup, struct buf *to)
{
	const struct document_content content = {
		.module_id = "i-test-enc1",
		.timestamp_ms = at_ms,
		.pcrs = pcrs,
		.cabundle = { signer_certificate(root) },
		.cabundle_count = 1,
		.user_data = { true, user_data },
		.public_key = { setup != NULL, setup ? public_of(setup) : (struct view){ 0 } },
	};
	struct err e;

	*to = BUF_INIT(DOCUMENT_MAX);
	assert_ok(document_sign(&content, leaf, to, &e));
}

static void add_genesis(struct machine *m, const struct plot *p)
{
	AUTO(buf) struct buf output = vector_file("qos/boot-e2e/genesis_output");
	struct request_genesis *g = &m->request.genesis;
	struct pcr_set pcrs;
	struct hash256 hash;
	struct err e;

	if (p->foreign_genesis)
		output.data[output.len / 2] ^= 1;
	assert_ok(manifest_pcrs(&m->envelope.manifest, &pcrs, &e));
	pcrs.values[0].bytes[0] ^= p->genesis_pcr0_of_another != 0;
	assert_ok(sha256(buf_view(&output), &hash, &e));
	sign(&pcrs, clock_unix_ms() - 2 * DAY_MS, VIEW_OF(hash.bytes), NULL, &g->document);
	assert_ok(wire_set(&g->output, buf_view(&output), &e));
	m->request.has_genesis = true;
}

static void add_target(struct machine *m, const struct plot *p, const char *name)
{
	struct request_target *target;
	struct pcr_set pcrs;
	struct hash256 hash;
	struct err e;

	assert_ok(manifest_pcrs(&m->envelope.manifest, &pcrs, &e));
	assert_ok(manifest_hash(&m->envelope.manifest, &hash, &e));
	for (unsigned i = 0; i < PCR_COUNT; i++)
		pcrs.values[i].len = PCR_LEN;
	if (p->pcr0)
		memset(pcrs.values[0].bytes, p->pcr0, PCR_LEN);
	assert_ok(pcr_committed(p->committed ? p->committed : key_set_public(m->setup), &hash,
	                        &pcrs.values[PCR_COMMITMENT], &e));
	assert_ok(wire_list_add(&m->request.targets, &request_target_schema, &target, &e));
	assert_ok(wire_set_text(&target->node, name, &e));
	sign(&pcrs, clock_unix_ms() - p->age_ms, VIEW_OF(hash.bytes), m->setup, &target->document);
}

static void write_request(struct machine *m, const struct plot *p)
{
	struct err e;

	m->request.created_ms = clock_unix_ms();
	m->request.expires_ms = clock_unix_ms() + (p->expires_in_ms ? p->expires_in_ms : DAY_MS);
	assert_ok(wire_set_text(&m->request.cluster, "own", &e));
	if (p->change)
		p->change(&m->envelope.manifest);
	for (size_t i = 0; i < p->approvals; i++)
		approve(&m->envelope, aliases[i], m->people.keys[i]);
	assert_ok(manifest_copy(&m->envelope, &m->request.manifest_envelope, &e));
	if (!p->without_genesis)
		add_genesis(m, p);
	add_target(m, p, "tee1");
	if (p->twice)
		add_target(m, p, "tee2");
	m->text = BUF_INIT(REQUEST_FILE_MAX);
	assert_ok(request_format(&m->request, &m->text, &e));
}

static char share_path[512];

static struct machine machine_new(const struct plot *p)
{
	struct machine m = { .people = people_new(), .state = { .lock = -1 } };
	struct err e;

	m.envelope = envelope_new(&m.people);
	assert_ok(wire_set(&m.envelope.manifest.enclave.aws_root_certificate,
	                   signer_certificate(root), &e));
	assert_ok(key_set_generate(&entropy_system, "test", &m.setup, &e));
	write_folder(&m, p);
	write_request(&m, p);
	snprintf(share_path, sizeof(share_path), "%s/qos/boot-e2e/user1.share", VECTORS);
	return m;
}

/* The request judged, as the member with user1's key does. */
static int judge(struct machine *m, struct err *e)
{
	m->in = (struct seal_input){
		.cluster = &m->cluster,
		.state = &m->state,
		.request = buf_view(&m->text),
		.key_path = m->key,
		.share_path = share_path,
		.quorum_key = m->in.quorum_key,
	};
	match_rows_drop(&m->checks);
	sealing_drop(&m->sealing);
	return seal_judge(&m->in, &m->checks, &m->sealing, e);
}

static bool has_seen(const struct machine *m)
{
	char path[512];

	snprintf(path, sizeof(path), "%s.seen", m->key);
	return file_is_there(path);
}

static const struct match_row *last_check(const struct machine *m)
{
	assert_true(m->checks.count > 0);
	return (const struct match_row *)m->checks.items + m->checks.count - 1;
}

/* --- what is good */

static void a_share_is_sealed_to_the_tee_and_signed_by_its_member(void **state)
{
	AUTO(machine) struct machine m = machine_new(&(struct plot){ 0 });
	AUTO(share_bundle) struct share_bundle bundle = { 0 };
	AUTO(secret) struct secret share = { 0 };
	const struct bundle_item *item;
	uint8_t message[STATEMENT_LEN];
	struct hash256 hash;
	struct err e;

	(void)state;
	assert_ok(judge(&m, &e));
	assert_true(m.sealing.is_genesis);
	assert_false(has_seen(&m)); /* to look is not to seal */
	assert_ok(seal_open(&m.in, &m.checks, &m.sealing, &e));
	assert_string_equal(buf_text(&m.sealing.self->alias), "user1");
	assert_ok(seal_finish(&m.in, &m.sealing, &bundle, &e));
	assert_true(has_seen(&m));
	assert_int_equal(bundle.items.count, 1);
	assert_int_equal(bundle.expires_ms, m.sealing.request.expires_ms);
	item = bundle.items.items;
	assert_ok(sha256(public_of(m.setup), &hash, &e));
	assert_view_equal(VIEW_OF(item->setup_key), VIEW_OF(hash.bytes));
	assert_ok(envelope_open(m.setup, VIEW_OF(item->encrypted_share), &share, &e));
	assert_view_equal(secret_view(&share), secret_view(&m.sealing.share));
	assert_ok(share_bundle_statement(&bundle, item, message, &e));
	assert_ok(public_key_verify(key_set_public(m.people.keys[0]), VIEW_OF(message),
	                            VIEW_OF(item->signature), &e));
}

static void a_genesis_manifest_needs_no_approval_and_may_have_some(void **state)
{
	AUTO(machine) struct machine m = machine_new(&(struct plot){ .approvals = 1 });
	struct err e;

	(void)state;
	assert_ok(judge(&m, &e));
	assert_true(m.sealing.is_genesis);
}

static void next_nonce(struct manifest *m)
{
	m->namespace.nonce++;
}

static void a_later_manifest_needs_approvals_and_a_key_that_the_member_knows(void **state)
{
	AUTO(machine)
	struct machine few = machine_new(&(struct plot){ .change = next_nonce, .approvals = 1 });
	AUTO(machine)
	struct machine m = machine_new(
	    &(struct plot){ .change = next_nonce, .approvals = 2, .genesis_pcr0_of_another = 1 });
	struct err e;

	(void)state;
	assert_refused(judge(&few, &e), ERR_APPROVAL, "1 of 2 approvals");
	assert_refused(judge(&m, &e), ERR_NO_INPUT, "nothing to compare the quorum key with");
	assert_ok(manifest_quorum_key(&m.envelope.manifest, &m.named, &e));
	m.in.quorum_key = &m.named;
	assert_ok(judge(&m, &e));
	assert_false(m.sealing.is_genesis);
	assert_true(m.sealing.has_output);
	m.in.quorum_key = key_set_public(m.people.stranger);
	assert_refused(judge(&m, &e), ERR_REFUSED, "another than the one that you named");
}

static void what_a_key_has_sealed_to_it_never_goes_behind(void **state)
{
	AUTO(machine) struct machine m = machine_new(&(struct plot){ 0 });
	AUTO(share_bundle) struct share_bundle bundle = { 0 };
	struct seen later = { .has_nonce = true, .nonce = 8 };
	struct err e;

	(void)state;
	assert_ok(judge(&m, &e));
	assert_ok(seal_open(&m.in, &m.checks, &m.sealing, &e));
	assert_ok(seen_write(m.key, view_text("a/b"), &later, &e));
	/* Another run of the same key went ahead in between. */
	assert_refused(seal_finish(&m.in, &m.sealing, &bundle, &e), ERR_REFUSED, "nonce");
	assert_int_equal(bundle.items.count, 0);
	assert_refused(judge(&m, &e), ERR_REFUSED, "nonce");
}

static void what_a_key_has_sealed_to_is_its_nonces_only_manifest(void **state)
{
	AUTO(machine) struct machine m = machine_new(&(struct plot){ 0 });
	AUTO(share_bundle) struct share_bundle bundle = { 0 };
	struct seen other;
	struct err e;

	(void)state;
	assert_ok(judge(&m, &e));
	assert_true(m.sealing.seen.has_manifest);
	assert_view_equal(VIEW_OF(m.sealing.seen.manifest.bytes),
	                  VIEW_OF(m.sealing.manifest_hash.bytes));
	assert_ok(seal_open(&m.in, &m.checks, &m.sealing, &e));
	other = m.sealing.seen;
	other.manifest.bytes[0] ^= 1;
	assert_ok(seen_write(m.key, view_text("a/b"), &other, &e));
	assert_refused(seal_finish(&m.in, &m.sealing, &bundle, &e), ERR_REFUSED,
	               "another manifest");
	assert_int_equal(bundle.items.count, 0);
	assert_refused(judge(&m, &e), ERR_REFUSED, "another manifest");
	assert_string_equal(e.reason, "nonce");
}

/* --- what is refused */

static void other_threshold(struct manifest *m)
{
	m->share_set.threshold = 3;
}

static void other_pcr(struct manifest *m)
{
	m->enclave.pcrs[2].data[0] ^= 1;
}

static void other_name(struct manifest *m)
{
	m->namespace.name.data[0] = 'z';
}

static void other_pivot(struct manifest *m)
{
	m->pivot.hash[0] ^= 1;
}

/* Which no cluster file names; but genesis makes one alone. */
static void other_restart(struct manifest *m)
{
	m->pivot.restart = MANIFEST_RESTART_ALWAYS;
}

static const struct refusal {
	struct plot plot;
	enum err_code code;
	const char *words, *check;
} refusals[] = {
	{ { .expires_in_ms = -1000 }, ERR_DATA, "the request expired at", "expired" },
	{ { .age_ms = DAY_MS + 5000 }, ERR_ATTESTATION, "TEE 'tee1': freshness", "freshness" },
	{ { .pcr0 = 9 }, ERR_ATTESTATION, "TEE 'tee1': PCR0", "pcr0" },
	{ { .twice = true }, ERR_ATTESTATION, "it is the same TEE as 'tee1'", "public_key" },
	{ { .without_genesis = true }, ERR_ATTESTATION, "there is no genesis", "genesis" },
	{ { .without_dr_key = true }, ERR_ATTESTATION, "does not name", "dr_key" },
	{ { .foreign_genesis = true }, ERR_ATTESTATION, "genesis: ", NULL },
	{ { .genesis_pcr0_of_another = 1 }, ERR_ATTESTATION, "genesis: PCR0", "pcr0" },
	{ { .change = next_nonce }, ERR_ATTESTATION, "namespace", "namespace" },
	{ { .change = other_pivot }, ERR_REFUSED, "pivot: SHA-256", "pivot_mode" },
	{ { .change = other_restart }, ERR_REFUSED, "pivot_mode", "pivot_mode" },
	{ { .change = other_name }, ERR_REFUSED, "namespace: 'a/b' expected", "pivot_mode" },
	{ { .change = other_threshold }, ERR_REFUSED, "share_set", "pivot_mode" },
	{ { .change = other_pcr }, ERR_REFUSED, "pcr2", "pivot_mode" },
};

static void each_of_these_is_refused_by_name_and_nothing_is_remembered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const struct refusal *r = &refusals[i];
		AUTO(machine) struct machine m = machine_new(&r->plot);
		struct err e;

		assert_refused(judge(&m, &e), r->code, r->words);
		if (r->check)
			assert_string_equal(buf_text(&last_check(&m)->check), r->check);
		assert_false(has_seen(&m));
		assert_null(m.sealing.key);
		assert_int_equal(m.sealing.target_count, 0);
	}
}

static void a_setup_key_that_is_not_committed_to_is_refused(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(machine)
	struct machine m = machine_new(&(struct plot){ .committed = key_set_public(p.stranger) });
	struct err e;

	(void)state;
	assert_refused(judge(&m, &e), ERR_ATTESTATION, "PCR16");
}

static void another_members_share_and_a_strangers_key_are_refused(void **state)
{
	AUTO(machine) struct machine m = machine_new(&(struct plot){ 0 });
	AUTO(buf) struct buf secret = vector_file("qos/boot-e2e/mock_p256_dr.secret");
	char other[512];
	struct err e;

	(void)state;
	assert_ok(judge(&m, &e));
	snprintf(other, sizeof(other), "%s/qos/boot-e2e/user2.share", VECTORS);
	m.in.share_path = other;
	assert_refused(seal_open(&m.in, &m.checks, &m.sealing, &e), ERR_DATA, "user2.share");
	assert_ok(judge(&m, &e));
	write_at(m.folder, "other.secret", buf_view(&secret));
	snprintf(other, sizeof(other), "%s/other.secret", m.folder);
	m.in.key_path = other;
	assert_refused(seal_open(&m.in, &m.checks, &m.sealing, &e), ERR_SHARE, "no member");
}

static void the_genesis_alone_is_believed_however_old_the_request_is(void **state)
{
	AUTO(machine)
	struct machine m =
	    machine_new(&(struct plot){ .expires_in_ms = -1000, .age_ms = 2 * DAY_MS });
	AUTO(machine)
	struct machine without = machine_new(&(struct plot){ .without_genesis = true });
	AUTO(genesis_output) struct genesis_output output = { 0 };
	struct err e;

	(void)state;
	(void)!judge(&m, &e);
	assert_ok(seal_genesis(&m.in, &output, &e));
	assert_int_equal(output.member_outputs.count, MEMBERS);
	assert_false(has_seen(&m));
	(void)!judge(&without, &e);
	assert_refused(seal_genesis(&without.in, &output, &e), ERR_DATA, "has no genesis");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_is_sealed_to_the_tee_and_signed_by_its_member),
		cmocka_unit_test(a_genesis_manifest_needs_no_approval_and_may_have_some),
		cmocka_unit_test(a_later_manifest_needs_approvals_and_a_key_that_the_member_knows),
		cmocka_unit_test(what_a_key_has_sealed_to_it_never_goes_behind),
		cmocka_unit_test(what_a_key_has_sealed_to_is_its_nonces_only_manifest),
		cmocka_unit_test(each_of_these_is_refused_by_name_and_nothing_is_remembered),
		cmocka_unit_test(a_setup_key_that_is_not_committed_to_is_refused),
		cmocka_unit_test(another_members_share_and_a_strangers_key_are_refused),
		cmocka_unit_test(the_genesis_alone_is_believed_however_old_the_request_is),
	};

	return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

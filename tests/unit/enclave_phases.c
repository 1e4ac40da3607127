/* Every pair of phase and operation, against contract.md's table of what is allowed where. */
#include "fake_enclave.h"

#define ANYWHERE  (IN(PHASE_COUNT) - 1)
#define MANIFEST_ (ANYWHERE & ~IN(PHASE_WAITING_FOR_BOOT))

/* Written from the contract, not from api_table. PHASE_UNRECOVERABLE may or may not have a
 * manifest; here it has one. */
static const struct {
	enum api api;
	unsigned allowed;
	int otherwise; /* code */
} table[] = {
	{ API_HEALTH, ANYWHERE & ~IN(PHASE_UNRECOVERABLE), 503 },
	{ API_STATUS, ANYWHERE, 0 },
	{ API_METRICS, ANYWHERE, 0 },
	{ API_MANIFEST, MANIFEST_, 1001 },
	{ API_RECEIPTS, ANYWHERE, 0 },
	{ API_LIVE_ATTESTATION, ANYWHERE, 0 },
	{ API_VALIDATE_SEED, ANYWHERE, 0 },
	{ API_GENERATE_ATTESTATION, MANIFEST_, 1001 },
	{ API_GENESIS_BOOT, IN(PHASE_WAITING_FOR_BOOT), 1006 },
	{ API_BOOT_STANDARD, IN(PHASE_WAITING_FOR_BOOT), 1006 },
	{ API_SHARE_MANIFEST, IN(PHASE_WAITING_FOR_BOOT), 1006 },
	{ API_INJECT_SHARES, IN(PHASE_GENESIS_BOOTED) | IN(PHASE_WAITING_FOR_SHARES), 1006 },
	{ API_INJECT_KEY, IN(PHASE_WAITING_FOR_KEY), 1006 },
	{ API_EXPORT_KEY, IN(PHASE_READY), 1006 },
	{ API_PROVE_KEY, IN(PHASE_READY), 1006 },
	{ API_GENERATE_SEED, IN(PHASE_READY), 1006 },
	{ API_RETIRE, MANIFEST_, 1006 },
};

static void fill(struct buf *b, size_t len)
{
	uint8_t bytes[130] = { 0 };
	struct err e;

	assert_ok(wire_set(b, view_new(bytes, len), &e));
}

static struct manifest_envelope some_envelope(void)
{
	static struct genesis_reply genesis;
	struct manifest_envelope copy = { 0 };
	struct world_options o = { 0 };
	struct err e;

	if (!genesis.encrypted_shares.count) {
		struct world *w = world_open(&o);

		world_genesis(w, 2, 2, true, &genesis);
		world_drop(&w);
	}
	assert_ok(manifest_copy(&genesis.manifest_envelope, &copy, &e));
	return copy;
}

/* Of the right schema; whether its content is good does not matter here. */
static struct outcome knock(struct world *w, enum api api)
{
	AUTO(manifest_envelope) struct manifest_envelope envelope = some_envelope();
	struct manifest_message message = { envelope };
	AUTO(genesis_request) struct genesis_request genesis = genesis_of(1, 1, true);
	AUTO(live_attestation_request) struct live_attestation_request live = { 0 };
	AUTO(inject_shares_request) struct inject_shares_request shares = { 0 };
	AUTO(generate_attestation_request) struct generate_attestation_request attest = { 0 };
	struct export_key_request export = { envelope, { 0 } };
	struct inject_key_request inject = { 0 };
	struct prove_key_request prove = { 0 };
	struct retire_request retire = { 0 };
	struct generate_seed_request seed = { 0 };
	struct validate_seed_request phrase = { 0 };
	struct submitted_share *share;
	const void *requests[API_COUNT] = {
		[API_LIVE_ATTESTATION] = &live,       [API_GENESIS_BOOT] = &genesis,
		[API_BOOT_STANDARD] = &message,       [API_RETIRE] = &retire,
		[API_INJECT_SHARES] = &shares,        [API_SHARE_MANIFEST] = &message,
		[API_GENERATE_ATTESTATION] = &attest, [API_EXPORT_KEY] = &export,
		[API_INJECT_KEY] = &inject,           [API_PROVE_KEY] = &prove,
		[API_GENERATE_SEED] = &seed,          [API_VALIDATE_SEED] = &phrase,
	};
	struct pcr_item *pcr;
	struct outcome o;
	struct err e;

	/* Another manifest than the one that may be there: no replay. */
	envelope.manifest.namespace.nonce++;
	message.manifest_envelope = export.manifest_envelope = envelope;
	fill(&live.nonce, 1);
	fill(&shares.namespace_name, 1);
	assert_ok(wire_list_add(&shares.shares, &submitted_share_schema, &share, &e));
	fill(&share->member_alias, 1);
	share->member_alias.data[0] = shares.namespace_name.data[0] = 'x';
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		assert_ok(wire_list_add(&attest.pcr_values, &pcr_item_schema, &pcr, &e));
	fill(&export.attestation_doc, 3);
	/* Retire has no content that is wrong but the hash, whose code is that of a wrong phase. */
	memcpy(retire.manifest_hash, w->enclave->state.manifest_hash.bytes,
	       sizeof(retire.manifest_hash));
	o = api == API_METRICS ? ask_text(w, api, "", NULL) : ask(w, api, requests[api], NULL);
	buf_drop(&export.attestation_doc);
	return o;
}

static bool is_phase_refusal(struct outcome o)
{
	return o.code == 1006 || o.code == 503 ||
	       (o.code == 1001 && strstr(o.error, "Manifest envelope not found"));
}

static void enter(struct world *w, enum phase phase)
{
	AUTO(genesis_reply) struct genesis_reply genesis = { 0 };
	AUTO(inject_shares_request) struct inject_shares_request one = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct trail trail = { 0 };

	switch (phase) {
	case PHASE_WAITING_FOR_BOOT:
	case PHASE_COUNT:
		return;
	case PHASE_WAITING_FOR_KEY:
		envelope = some_envelope();
		world_wait_for_key(w, &envelope);
		return;
	case PHASE_GENESIS_BOOTED:
		world_genesis(w, 3, 2, true, &genesis);
		return;
	case PHASE_WAITING_FOR_SHARES:
		world_genesis(w, 3, 2, true, &genesis);
		one = shares_of(&genesis, 1);
		assert_answered(ask(w, API_INJECT_SHARES, &one, NULL));
		return;
	case PHASE_READY:
		world_ready(w, true, &genesis);
		return;
	case PHASE_PROVISIONED: /* nobody ever sees it: it is left at once */
		world_ready(w, true, &genesis);
		w->enclave->state.phase = PHASE_PROVISIONED;
		return;
	case PHASE_UNRECOVERABLE:
		world_genesis(w, 3, 2, true, &genesis);
		enclave_fail(w->enclave, &trail);
		return;
	}
}

static void each_pair_of_phase_and_route_is_as_the_contract_says(void **state)
{
	struct world_options o = { 0 };

	(void)state;
	for (size_t row = 0; row < COUNT(table); row++)
		for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
			struct world *w = world_open(&o);
			bool allowed = table[row].allowed & IN(phase);
			struct outcome out;

			enter(w, phase);
			assert_int_equal(w->enclave->state.phase, phase);
			out = knock(w, table[row].api);
			if (is_phase_refusal(out) == allowed ||
			    (!allowed && out.code != table[row].otherwise))
				fail_msg("%s in %s: %d %s", api_table[table[row].api].name,
				         phase_name(phase), out.code, out.error);
			if (!allowed)
				assert_int_equal(w->enclave->state.phase, phase);
			world_drop(&w);
		}
}

static void the_table_names_every_operation(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t row = 0; row < COUNT(table); row++)
		seen |= 1u << table[row].api;
	assert_int_equal(seen, (1u << API_COUNT) - 1);
}

static void a_refusal_names_phase_and_operation(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);

	(void)state;
	assert_denied(knock(w, API_EXPORT_KEY), 1006, "export-key");
	assert_denied(knock(w, API_EXPORT_KEY), 1006, "WaitingForBootInstruction");
	assert_denied(knock(w, API_EXPORT_KEY), 1006, "Invalid state transition");
	world_drop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair_of_phase_and_route_is_as_the_contract_says),
		cmocka_unit_test(the_table_names_every_operation),
		cmocka_unit_test(a_refusal_names_phase_and_operation),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

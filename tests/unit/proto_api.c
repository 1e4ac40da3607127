#include "support.h"

#include "proto/api.h"

/* contract.md, "Phases": its second table, once more by hand. */
static bool is_allowed(const char *name, enum phase phase)
{
	static const struct {
		const char *names;
		unsigned phases;
	} rows[] = {
		{ " health status metrics manifest receipts live-attestation validate-seed "
		  "generate-attestation retire ",
		  IN_ANY },
		{ " genesis-boot boot-standard share-manifest ", IN(PHASE_WAITING_FOR_BOOT) },
		{ " inject-shares ", IN(PHASE_GENESIS_BOOTED) | IN(PHASE_WAITING_FOR_SHARES) },
		{ " inject-key ", IN(PHASE_WAITING_FOR_KEY) },
		{ " export-key prove-key generate-seed ", IN(PHASE_READY) },
	};
	char word[64];

	snprintf(word, sizeof(word), " %s ", name);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strstr(rows[i].names, word))
			return rows[i].phases & IN(phase);
	fail_msg("%s is in no row", name);
	return false;
}

static void operations_are_allowed_in_their_phases_only(void **state)
{
	struct err e;

	(void)state;
	for (unsigned api = 0; api < API_COUNT; api++)
		for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
			const char *name = api_table[api].name;

			if (is_allowed(name, (enum phase)phase)) {
				assert_ok(
				    api_check_phase((enum api)api, (enum phase)phase, true, &e));
				continue;
			}
			assert_refused(api_check_phase((enum api)api, (enum phase)phase, true, &e),
			               ERR_PHASE, name);
			assert_non_null(strstr(e.text, phase_name((enum phase)phase)));
		}
}

static void three_operations_need_a_manifest(void **state)
{
	struct err e;

	(void)state;
	for (unsigned api = 0; api < API_COUNT; api++) {
		if (api == API_MANIFEST || api == API_GENERATE_ATTESTATION || api == API_RETIRE)
			assert_refused(
			    api_check_phase((enum api)api, PHASE_WAITING_FOR_BOOT, false, &e),
			    api == API_RETIRE ? ERR_PHASE : ERR_NO_MANIFEST,
			    "WaitingForBootInstruction");
		else
			assert_int_equal(api_table[api].no_manifest, 0);
	}
}

static void operations_are_found_by_method_and_path(void **state)
{
	const char *allow = NULL;
	enum api api = API_COUNT;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < API_COUNT; i++) {
		const struct api_row *row = &api_table[i];
		const char *other = strcmp(row->method, "GET") == 0 ? "POST" : "GET";

		assert_ok(api_find(row->method, row->path, &api, &allow, &e));
		assert_int_equal(api, i);
		assert_refused(api_find(other, row->path, &api, &allow, &e), ERR_METHOD, row->path);
		assert_string_equal(allow, row->method);
		assert_refused(api_find("HEAD", row->path, &api, &allow, &e), ERR_METHOD,
		               row->path);
	}
}

static void unknown_paths_are_not_found(void **state)
{
	static const char *const paths[] = {
		"", "/", "/healt", "/health/", "/HEALTH", "/enclave/boot", "/enclave/retired"
	};
	const char *allow = NULL;
	enum api api = API_COUNT;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++)
		assert_refused(api_find("GET", paths[i], &api, &allow, &e), ERR_NOT_FOUND,
		               paths[i]);
	assert_null(allow);
	assert_int_equal(api, API_COUNT);
}

/* contract.md, "Access". */
static void roles_are_those_of_the_contract(void **state)
{
	static const struct {
		enum api api;
		const char *roles; /* none, observer, member, operator, peer, app */
	} rows[] = {
		{ API_HEALTH, "xxxxxx" },         { API_STATUS, "-xxxxx" },
		{ API_MANIFEST, "-xxxxx" },       { API_LIVE_ATTESTATION, "-xxxxx" },
		{ API_PROVE_KEY, "-xxxxx" },      { API_METRICS, "-x-x--" },
		{ API_RECEIPTS, "-x-x--" },       { API_GENERATE_ATTESTATION, "--xxx-" },
		{ API_INJECT_SHARES, "--xx--" },  { API_GENESIS_BOOT, "---x--" },
		{ API_SHARE_MANIFEST, "---xx-" }, { API_EXPORT_KEY, "---xx-" },
		{ API_INJECT_KEY, "---xx-" },     { API_GENERATE_SEED, "-----x" },
		{ API_VALIDATE_SEED, "---x-x" },  { API_BOOT_STANDARD, "---x--" },
		{ API_RETIRE, "---x--" },
	};

	(void)state;
	assert_int_equal(COUNT(rows), API_COUNT);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned role = 0; role < 6; role++)
			assert_int_equal((api_table[rows[i].api].roles >> role & 1) != 0,
			                 rows[i].roles[role] == 'x');
}

static size_t longest(const struct wire_schema *schema);

/* The longest that a value can be in JSON, its texts without escapes. */
static size_t longest_value(const struct wire_field *f)
{
	size_t max = (size_t)f->max, word = 0;

	switch (f->kind) {
	case WIRE_BYTES:
	case WIRE_FIXED:
		return 2 + 4 * max;
	case WIRE_TEXT:
	case WIRE_NAME:
		return 2 + max;
	case WIRE_NUMBER:
	case WIRE_BOOL:
		return 20;
	case WIRE_WORD:
		for (size_t i = 0; f->words[i]; i++)
			word = strlen(f->words[i]) > word ? strlen(f->words[i]) : word;
		return 2 + word;
	case WIRE_OBJECT:
		return longest(f->schema);
	case WIRE_LIST:
		return 2 + max * (1 + longest(f->schema));
	default:
		fail_msg("%s: of no answer's kind", f->name);
		return 0;
	}
}

static size_t longest(const struct wire_schema *schema)
{
	size_t len = 2;

	if (schema->count == 1 && !schema->fields[0].name[0])
		return longest_value(&schema->fields[0]);
	for (size_t i = 0; i < schema->count; i++)
		len += strlen(schema->fields[i].name) + 4 + longest_value(&schema->fields[i]);
	return len;
}

/* Those with a manifest, whose lists would multiply to gigabytes, are bounded by what it came in
 * with; /metrics is no JSON. */
static void what_the_schema_lets_through_fits_the_limit_and_fills_a_part_of_it(void **state)
{
	(void)state;
	for (unsigned i = 0; i < API_COUNT; i++) {
		const struct api_row *row = &api_table[i];
		size_t most;

		if (i == API_METRICS || i == API_MANIFEST || i == API_GENESIS_BOOT)
			continue;
		most = longest(row->response);
		if (most > row->response_max)
			fail_msg("%s: %zu bytes, and %zu are let in", row->name, most,
			         row->response_max);
		/* No more than the next power of two. */
		if (row->response_max > API_ANSWER_MAX && 2 * most < row->response_max)
			fail_msg("%s: %zu bytes, and as many as %zu are let in", row->name, most,
			         row->response_max);
	}
	assert_true(longest(&error_reply_schema) <= API_ANSWER_MAX);
}

static void each_limit_is_the_one_that_its_answer_needs(void **state)
{
	static const struct {
		enum api api;
		size_t kib;
	} rows[] = {
		{ API_HEALTH, 64 },         { API_STATUS, 64 },
		{ API_METRICS, 256 },       { API_MANIFEST, 2048 },
		{ API_RECEIPTS, 1024 },     { API_LIVE_ATTESTATION, 128 },
		{ API_GENESIS_BOOT, 4096 }, { API_BOOT_STANDARD, 128 },
		{ API_INJECT_SHARES, 256 }, { API_SHARE_MANIFEST, 64 },
		{ API_EXPORT_KEY, 64 },     { API_GENERATE_ATTESTATION, 128 },
		{ API_INJECT_KEY, 64 },     { API_PROVE_KEY, 128 },
		{ API_RETIRE, 64 },         { API_GENERATE_SEED, 64 },
		{ API_VALIDATE_SEED, 64 },
	};

	(void)state;
	assert_int_equal(COUNT(rows), API_COUNT);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(api_table[rows[i].api].response_max, rows[i].kib << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_allowed_in_their_phases_only),
		cmocka_unit_test(three_operations_need_a_manifest),
		cmocka_unit_test(operations_are_found_by_method_and_path),
		cmocka_unit_test(unknown_paths_are_not_found),
		cmocka_unit_test(roles_are_those_of_the_contract),
		cmocka_unit_test(
		    what_the_schema_lets_through_fits_the_limit_and_fills_a_part_of_it),
		cmocka_unit_test(each_limit_is_the_one_that_its_answer_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

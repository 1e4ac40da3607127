/* Expected PCRs from what other tools print. */
#include "support.h"

#include "cluster/pcr_source.h"

#define ZERO_16 "00000000000000000000000000000000"
#define ZERO_48 ZERO_16 ZERO_16 ZERO_16
#define ONE_48  ZERO_16 ZERO_16 "00000000000000000000000000000001"

static void expect(const char *text, uint32_t listed)
{
	struct pcr_set set = { 0 };
	struct err e;

	assert_ok(pcr_source_parse("file", view_text(text), &set, &e));
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((set.values[i].len != 0) != (listed >> i & 1))
			fail_msg("%s: PCR%u", text, i);
}

static void expect_refused(const char *text, const char *words)
{
	struct pcr_set set = { 0 };
	struct err e;

	assert_refused(pcr_source_parse("file", view_text(text), &set, &e), ERR_DATA, words);
	assert_true(view_is_zero(view_new(&set, sizeof(set))));
}

static void a_list_has_a_pcr_a_line(void **state)
{
	(void)state;
	expect(ZERO_48 " PCR0\n" ONE_48 "\tpcr31\r\n", 1u << 31 | 1);
	expect("# a comment\n\n  " ZERO_48 " PCR2 # another\n", 1u << 2);
	expect(ZERO_16 ZERO_16 " PCR8\n" ZERO_48 ZERO_16 " PCR9", 3u << 8);
	expect(ZERO_48 " PCR0\n" ZERO_48 " PCR0\n", 1);
	expect_refused(ZERO_48 " PCR0\n" ONE_48 " PCR0\n", "twice, with two values");
	expect_refused("PCR0 " ZERO_48, "line 1: expected HEX PCRn");
	expect_refused(ZERO_48 " PCR0 PCR1", "line 1: expected HEX PCRn");
	expect_refused(ZERO_48 "\n", "line 1: expected HEX PCRn");
	expect_refused(ZERO_48 " PCR", "line 1: expected HEX PCRn");
	expect_refused(ZERO_48 " PCR32", "there is no PCR32");
	expect_refused(ZERO_48 " PCR4294967296", "there is no PCR4294967296");
	expect_refused(ZERO_48 " PCR1a", "there is no PCR1a");
	expect_refused(ZERO_16 " PCR0", "16 bytes");
	expect_refused("zz PCR0", "line 1: PCR0: not 32, 48 or 64 bytes in hex");
	expect_refused("", "'file' has no PCR");
	expect_refused("# nothing", "'file' has no PCR");
}

static void json_is_what_nitro_cli_prints(void **state)
{
	(void)state;
	expect("{\"Measurements\":{\"HashAlgorithm\":\"Sha384 { ... }\",\"PCR0\":\"" ZERO_48
	       "\",\"PCR1\": \"" ZERO_48 "\" ,\"PCR2\" : \"" ZERO_48 "\"}}",
	       7);
	expect("Start building the Enclave Image...\nEnclave Image successfully created.\n"
	       "{\n  \"Measurements\": {\n    \"PCR0\": \"" ZERO_48 "\"\n  }\n}\n",
	       1);
	expect("{\"EifVersion\":4,\"Measurements\":{\"PCR8\":\"" ZERO_48
	       "\"},\"IsSigned\":true,\"Metadata\":{\"PCR0\":\"" ONE_48 "\",\"a\":[{}]}}",
	       1u << 8);
	expect("[\n{\"Name\":\"e\",\"Measurements\":{\"PCR3\":\"" ZERO_48 "\"}}\n]", 1u << 3);
	expect("{\"PCR0\":\"" ZERO_48 "\",\"PCR1\":\"" ONE_48 "\"}", 3);
	expect("{\"a\":\"\\\"PCR5\\\":\\\"00\\\"\",\"PCR0\":\"" ZERO_48 "\"}", 1);
}

static void other_json_has_no_pcrs(void **state)
{
	(void)state;
	expect_refused("{}", "has no PCR");
	expect_refused("{\"Metadata\":{\"PCR0\":\"" ZERO_48 "\"}}", "has no PCR");
	expect_refused("{\"Measurements\":{\"a\":{\"PCR0\":\"" ZERO_48 "\"}}}", "has no PCR");
	expect_refused("{\"Measurements\":[{\"PCR0\":\"" ZERO_48 "\"}],\"x\":1}", "has no PCR");
	expect_refused("{\"Measurements\":{\"PCR0\":1}}", "has no PCR");
	expect_refused("{\"Measurements\":{\"PCR0\":\"00\"}}", "1 bytes");
	expect_refused("{\"Measurements\":{\"PCR0\":\"" ZERO_48 "\"},\"PCR0\":\"" ONE_48 "\"}",
	               "twice, with two values");
	expect_refused("{\"PCR0\":\"" ZERO_48 "\"", "'file': ");
	expect_refused("{\"PCR0\":\"" ZERO_48 "\"}{}", "'file': ");
}

static void a_cluster_file_has_those_that_it_pins(void **state)
{
	static const char begin[] =
	    "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: a }\n"
	    "quorum: { threshold: 2, members: [ { name: a, pub: a }, { name: b, pub: b } ] }\n"
	    "nodes: [ { name: n, url: \"http://127.0.0.1:1\" } ]\nenclave:\n  image: x\n";
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text), "%s  pcrs: { 0: %s, 3: %s }\n", begin, ZERO_48, ONE_48);
	expect(text, 9);
	expect_refused(begin, "has no PCR");
	snprintf(text, sizeof(text), "%s  pcr: 1\n", begin);
	expect_refused(text, "pcr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_a_pcr_a_line),
		cmocka_unit_test(json_is_what_nitro_cli_prints),
		cmocka_unit_test(other_json_has_no_pcrs),
		cmocka_unit_test(a_cluster_file_has_those_that_it_pins),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

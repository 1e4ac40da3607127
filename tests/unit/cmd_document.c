/* How the parts of a document are shown, and whose root it is. */
#include "cluster_support.h"
#include "cmd_support.h"

#include "cmd/document.h"

static char text[PRINTED_MAX];

static void ranges_sum_up_what_is_zero_and_what_is_absent(void **state)
{
	static const struct {
		const char
		    *pcrs; /* of the first: x a value, 0 zero, - absent; those behind are absent */
		const char *zero, *absent; /* NULL: no such line */
	} rows[] = {
		{ "xxxx", NULL, "PCR4 to PCR31" },
		{ "x0xx", "PCR1", "PCR4 to PCR31" },
		{ "x00x", "PCR1, PCR2", "PCR4 to PCR31" },
		{ "0000", "PCR0 to PCR3", "PCR4 to PCR31" },
		{ "x-x0-00", "PCR3, PCR5, PCR6", "PCR1, PCR4, PCR7 to PCR31" },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-", NULL, "PCR31" },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx00", "PCR30, PCR31", NULL },
		{ "", NULL, "PCR0 to PCR31" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct context c = context_as(OUTPUT_TABLE);
		struct pcr_set set = { 0 };
		char line[128];

		for (unsigned k = 0; rows[i].pcrs[k]; k++) {
			if (rows[i].pcrs[k] == '-')
				continue;
			pcr_zero(&set.values[k]);
			set.values[k].bytes[0] = rows[i].pcrs[k] == 'x';
		}
		PRINTED(STDOUT_FILENO, text, assert_ok(pcrs_print(&c, &set, PCR_SIMULATED, &e)));
		snprintf(line, sizeof(line), "zero        %s\n", rows[i].zero ? rows[i].zero : "");
		assert_int_equal(strstr(text, line) != NULL, rows[i].zero != NULL);
		snprintf(line, sizeof(line), "not listed  %s\n",
		         rows[i].absent ? rows[i].absent : "");
		assert_int_equal(strstr(text, line) != NULL, rows[i].absent != NULL);
		/* A table is of those with a value. */
		assert_int_equal(strstr(text, "MEASURES") != NULL,
		                 strchr(rows[i].pcrs, 'x') != NULL);
	}
}

static void for_machines_each_that_is_there_is_a_row(void **state)
{
	struct wire_list list = { 0 };
	const struct shown_pcr *rows;
	struct pcr_set set = { 0 };
	struct err e;

	(void)state;
	pcr_zero(&set.values[0]);
	pcr_zero(&set.values[31]);
	assert_ok(pcrs_describe(&set, PCR_NITRO, &list, &e));
	assert_int_equal(list.count, 2);
	rows = list.items;
	assert_int_equal(rows[1].index, 31);
	assert_int_equal(rows[1].value.len, PCR_LEN);
	assert_string_equal(buf_text(&rows[0].name), pcr_name_of(PCR_NITRO, 0));
	wire_list_release(&shown_pcr_schema, &list);
}

static void a_field_is_hex_and_text_where_it_can_be_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *expected;
	} rows[] = {
		{ "abc", 3, "nonce       3 bytes: 616263\n            as text: \"abc\"\n" },
		{ "a\nc", 3, "nonce       3 bytes: 610a63\n" },
		{ "a\0c", 3, "nonce       3 bytes: 610063\n" },
		{ "\xff", 1, "nonce       1 bytes: ff\n" },
		{ "a\x7f", 2, "nonce       2 bytes: 617f\n" },
		{ "", 0, "nonce       0 bytes\n" },
	};
	struct context c = context_as(OUTPUT_TABLE);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		PRINTED(STDOUT_FILENO, text,
		        field_print(&c, "nonce", true, view_new(rows[i].bytes, rows[i].len), NULL));
		assert_string_equal(text, rows[i].expected);
	}
	PRINTED(STDOUT_FILENO, text, field_print(&c, "nonce", false, view_text("abc"), NULL));
	assert_string_equal(text, "nonce       none\n");
	PRINTED(STDOUT_FILENO, text, field_print(&c, "key", true, view_text("\x01"), "opaque"));
	assert_string_equal(text, "key         opaque, 1 bytes: 01\n");
}

/* What no document can have fits what it is shown in. */
static void the_longest_field_is_shown_whole(void **state)
{
	static uint8_t bytes[DOCUMENT_PUBLIC_KEY_MAX];
	struct context c = context_as(OUTPUT_TABLE);

	(void)state;
	memset(bytes, 0xab, sizeof(bytes));
	PRINTED(STDOUT_FILENO, text, field_print(&c, "key", true, VIEW_OF(bytes), NULL));
	assert_int_equal(strlen(text), strlen("key         1024 bytes: \n") + 2 * sizeof(bytes));
}

static void a_key_is_what_it_looks_like(void **state)
{
	AUTO(buf) struct buf hex = vector_file("qos/boot-e2e/quorum_key.pub");
	AUTO(buf) struct buf key = bytes_of_hex(buf_text(&hex));

	(void)state;
	assert_string_equal(public_key_kind(buf_view(&key)), "a QuorumOS public key");
	key.data[1] ^= 1; /* not on the curve */
	assert_string_equal(public_key_kind(buf_view(&key)), "opaque");
	assert_string_equal(public_key_kind(view_text("-----BEGIN PUBLIC KEY-----\n")), "PEM text");
	assert_string_equal(public_key_kind(view_text("-----BEGIN ")), "opaque");
	assert_string_equal(public_key_kind((struct view){ 0 }), "opaque");
}

static void a_root_is_awss_or_a_files(void **state)
{
	AUTO(buf) struct buf der = BUF_INIT(16384);
	AUTO(shown_root) struct shown_root root = { 0 };
	char folder[128], path[256];
	struct err e;

	(void)state;
	assert_ok(root_read(ROOT_AWS_NAME, &der, &e));
	assert_view_equal(buf_view(&der), chain_aws_root);
	assert_ok(root_describe(buf_view(&der), &root, &e));
	assert_string_equal(buf_text(&root.name), ROOT_AWS_NAME);
	assert_non_null(strstr(buf_text(&root.subject), "aws.nitro-enclaves"));
	/* A failure leaves what was there. */
	assert_refused(root_read("/nonexistent/root.pem", &der, &e), ERR_NO_INPUT, "/nonexistent");
	assert_refused(root_read(VECTORS "/qos/boot-e2e/user1.pub", &der, &e), ERR_DATA,
	               "root '" VECTORS "/qos/boot-e2e/user1.pub'");
	assert_view_equal(buf_view(&der), chain_aws_root);
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/root.der", folder);
	assert_ok(file_write(path, chain_aws_root, 0600, &e));
	buf_clear(&der);
	assert_ok(root_read(path, &der, &e));
	assert_view_equal(buf_view(&der), chain_aws_root);
	folder_clear(folder);
	/* What is no certificate has a hash and no subject. */
	shown_root_drop(&root);
	assert_ok(root_describe(view_text("x"), &root, &e));
	assert_string_equal(buf_text(&root.name), "other");
	assert_int_equal(root.subject.len, 0);
}

static void what_is_longer_than_any_document_is_none(void **state)
{
	AUTO(buf) struct buf content = BUF_INIT(DOCUMENT_FILE_MAX + 1);
	AUTO(buf) struct buf ret = { 0 };
	char folder[128], path[256];
	uint8_t *room;
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/document", folder);
	assert_ok(buf_reserve(&content, DOCUMENT_FILE_MAX + 1, &room, &e));
	memset(room, 'a', DOCUMENT_FILE_MAX + 1);
	assert_ok(file_write(path, view_new(room, DOCUMENT_FILE_MAX + 1), 0600, &e));
	assert_refused(document_file_read(path, &ret, &e), ERR_ATTESTATION, "cose:structure");
	assert_ok(file_write(path, view_new(room, DOCUMENT_FILE_MAX), 0600, &e));
	assert_ok(document_file_read(path, &ret, &e));
	assert_int_equal(ret.len, DOCUMENT_FILE_MAX);
	assert_refused(document_file_read("/nonexistent/d", &ret, &e), ERR_NO_INPUT,
	               "/nonexistent");
	folder_clear(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_sum_up_what_is_zero_and_what_is_absent),
		cmocka_unit_test(for_machines_each_that_is_there_is_a_row),
		cmocka_unit_test(a_field_is_hex_and_text_where_it_can_be_read),
		cmocka_unit_test(the_longest_field_is_shown_whole),
		cmocka_unit_test(a_key_is_what_it_looks_like),
		cmocka_unit_test(a_root_is_awss_or_a_files),
		cmocka_unit_test(what_is_longer_than_any_document_is_none),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

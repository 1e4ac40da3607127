/* Each allocation of ours fails once: the call says so, gives back what it had, and leaves its
 * output alone. (json-c's own allocations are not ours to fail.) */
/* link: -Wl,--wrap=malloc */
/* link: -Wl,--wrap=calloc */
#include "support.h"

#include "proto/genesis.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);

static size_t until_failure; /* 0: none fails */

static bool is_time_to_fail(void)
{
	return until_failure && --until_failure == 0;
}

void *__wrap_malloc(size_t len)
{
	return is_time_to_fail() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t len)
{
	return is_time_to_fail() ? NULL : __real_calloc(count, len);
}

static int reread_message(struct view content, struct err *e)
{
	AUTO(genesis_reply) struct genesis_reply r = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(BODY_MAX);

	TRY(wire_decode(&genesis_reply_schema, content, &r, e));
	TRY(wire_encode(&genesis_reply_schema, &r, &text, e));
	return wire_encode_pretty(&genesis_reply_schema, &r, &text, e);
}

static int reread_manifest(struct view content, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope copy = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(BODY_MAX);

	TRY(manifest_file_parse(content, &f, e));
	TRY(manifest_copy(&f.envelope, &copy, e));
	return manifest_file_format(&copy, &text, e);
}

static int reread_output(struct view content, struct err *e)
{
	AUTO(genesis_output) struct genesis_output g = { 0 };
	AUTO(buf) struct buf borsh = BUF_INIT(GENESIS_OUTPUT_MAX);

	TRY(genesis_output_decode(content, &g, e));
	return genesis_output_encode(&g, &borsh, e);
}

static int make_canonical(struct view content, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(BODY_MAX);

	return wire_canonical(content, &text, e);
}

static void fail_each(int (*run)(struct view content, struct err *e), struct view content)
{
	struct err e;

	assert_ok(run(content, &e));
	for (size_t n = 1;; n++) {
		int result;

		memset(&e, 0, sizeof(e));
		until_failure = n;
		result = run(content, &e);
		if (until_failure) { /* there is no n-th allocation */
			until_failure = 0;
			assert_int_equal(result, 0);
			assert_true(n > 2);
			return;
		}
		assert_int_equal(result, -1);
		assert_int_equal(e.code, ERR_INTERNAL);
		assert_non_null(strstr(e.text, "no memory"));
	}
}

static void a_message_may_find_no_memory(void **state)
{
	AUTO(buf) struct buf text = vector_file("../fuzz/messages/genesis_reply.json");

	(void)state;
	fail_each(reread_message, buf_view(&text));
	fail_each(make_canonical, buf_view(&text));
}

static void a_manifest_may_find_no_memory(void **state)
{
	AUTO(buf) struct buf json = vector_file("qos/manifest/golden_manifest_envelope_v1.json");
	AUTO(buf) struct buf borsh = vector_file("qos/manifest/golden_manifest_envelope_v1.borsh");
	AUTO(json) json_object *v2 = vector_json("qos/manifest/v2_selfmade.json");

	(void)state;
	fail_each(reread_manifest, buf_view(&json));
	fail_each(reread_manifest, buf_view(&borsh));
	fail_each(reread_manifest, view_text(json_text(v2, "canonical")));
}

static void a_genesis_output_may_find_no_memory(void **state)
{
	AUTO(buf) struct buf borsh = vector_file("qos/boot-e2e/genesis_output");

	(void)state;
	fail_each(reread_output, buf_view(&borsh));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_may_find_no_memory),
		cmocka_unit_test(a_manifest_may_find_no_memory),
		cmocka_unit_test(a_genesis_output_may_find_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

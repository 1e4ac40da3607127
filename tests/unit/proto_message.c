/* Walks every schema of the operations: a text made from the rows is read and written again, and is
 * refused, by its path, with any one of its fields missing, null, or of another type. */
#include "support.h"

#include "proto/api.h"

enum spoil { KEEP, LEAVE_OUT, MAKE_NULL, MAKE_OTHER };

/* Counts the fields while it writes; the one with this number is spoilt. */
struct maker {
	struct buf *to;
	enum spoil how;
	int target, at;
	bool was_spoilt;
	char name[128];
};

static void make_fields(struct maker *m, const struct wire_schema *schema);

static void add(struct maker *m, const char *text)
{
	struct err e;

	assert_ok(buf_add_text(m->to, text, &e));
}

static void make_bytes(struct maker *m, int64_t count)
{
	add(m, "[");
	for (int64_t i = 0; i < count; i++)
		add(m, i ? ",255" : "255");
	add(m, "]");
}

static void make_text(struct maker *m, int64_t len)
{
	add(m, "\"");
	for (int64_t i = 0; i < len; i++)
		add(m, "a");
	add(m, "\"");
}

static void make_number(struct maker *m, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	add(m, text);
}

static void make_value(struct maker *m, const struct wire_field *f)
{
	switch (f->kind) {
	case WIRE_BYTES:
	case WIRE_FIXED:
		make_bytes(m, f->min);
		break;
	case WIRE_TEXT:
	case WIRE_NAME:
		make_text(m, f->min);
		break;
	case WIRE_NUMBER:
		make_number(m, f->max);
		break;
	case WIRE_BOOL:
		add(m, "true");
		break;
	case WIRE_WORD:
		add(m, "\"");
		add(m, f->words[1]);
		add(m, "\"");
		break;
	case WIRE_OBJECT:
		make_fields(m, f->schema);
		break;
	case WIRE_LIST:
		add(m, "[");
		for (int64_t i = 0; i < (f->min ? f->min : 1); i++) {
			add(m, i ? "," : "");
			if (*f->schema->fields[0].name)
				make_fields(m, f->schema);
			else
				make_value(m, &f->schema->fields[0]);
		}
		add(m, "]");
		break;
	default:
		fail_msg("%s: a kind that no message has", f->name);
	}
}

static void make_field(struct maker *m, const struct wire_field *f, bool *is_first)
{
	bool is_target = m->at++ == m->target;

	if (is_target) {
		m->was_spoilt = true;
		snprintf(m->name, sizeof(m->name), "%s", f->name);
	}
	if (is_target && m->how == LEAVE_OUT)
		return;
	add(m, *is_first ? "\"" : ",\"");
	*is_first = false;
	add(m, f->name);
	add(m, "\":");
	if (is_target && m->how == MAKE_NULL)
		add(m, "null");
	else if (is_target && m->how == MAKE_OTHER)
		add(m, f->kind == WIRE_OBJECT ? "[]" : "{}");
	else
		make_value(m, f);
}

static void make_fields(struct maker *m, const struct wire_schema *schema)
{
	bool is_first = true;

	add(m, "{");
	for (size_t i = 0; i < schema->count; i++)
		make_field(m, &schema->fields[i], &is_first);
	add(m, "}");
}

static bool make(const struct wire_schema *schema, enum spoil how, int target, struct buf *to,
                 char name[128])
{
	struct maker m = { .to = to, .how = how, .target = target };

	buf_clear(to);
	make_fields(&m, schema);
	snprintf(name, 128, "%s", m.name);
	return m.was_spoilt;
}

static int round_trip(const struct wire_schema *schema, struct view text, struct buf *again,
                      struct err *e)
{
	void *message = calloc(1, schema->size);
	int result;

	assert_non_null(message);
	buf_clear(again);
	result = wire_decode(schema, text, message, e);
	if (result == 0) {
		assert_int_equal(wire_encode(schema, message, again, e), 0);
		wire_release(schema, message);
		for (size_t i = 0; i < schema->size; i++)
			assert_int_equal(((uint8_t *)message)[i], 0);
	}
	free(message);
	return result;
}

/* A spoilt text is either refused by a text that names the field, or read. */
static unsigned spoil_all(const struct wire_schema *schema, enum spoil how, const char *words)
{
	AUTO(buf) struct buf text = BUF_INIT(BODY_MAX);
	AUTO(buf) struct buf again = BUF_INIT(BODY_MAX);
	unsigned read = 0;
	char name[128];
	struct err e;

	for (int i = 0; make(schema, how, i, &text, name); i++) {
		if (round_trip(schema, buf_view(&text), &again, &e) == 0) {
			read++;
			continue;
		}
		assert_int_equal(e.code, ERR_REQUEST);
		if (!strstr(e.text, name) || !strstr(e.text, words))
			fail_msg("%s: %s spoilt, but: %s", schema->name, name, e.text);
	}
	return read;
}

static unsigned count_rows(const struct wire_schema *schema, unsigned flags)
{
	unsigned count = 0;

	for (size_t i = 0; i < schema->count; i++) {
		const struct wire_field *f = &schema->fields[i];

		count += (f->flags & flags) != 0;
		if (f->schema && (f->kind != WIRE_LIST || *f->schema->fields[0].name))
			count += count_rows(f->schema, flags);
	}
	return count;
}

static void check_schema(const struct wire_schema *schema)
{
	AUTO(buf) struct buf text = BUF_INIT(BODY_MAX);
	AUTO(buf) struct buf again = BUF_INIT(BODY_MAX);
	char name[128];
	struct err e;

	make(schema, KEEP, -1, &text, name);
	assert_ok(round_trip(schema, buf_view(&text), &again, &e));
	assert_string_equal(buf_text(&again), buf_text(&text));
	assert_int_equal(spoil_all(schema, LEAVE_OUT, "missing"),
	                 count_rows(schema, WIRE_OPTIONAL));
	assert_int_equal(spoil_all(schema, MAKE_NULL, "expected, null found"),
	                 count_rows(schema, WIRE_NULLABLE));
	assert_int_equal(spoil_all(schema, MAKE_OTHER, "expected"), 0);
}

static void every_message_is_read_and_written_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < API_COUNT; i++) {
		if (api_table[i].request)
			check_schema(api_table[i].request);
		if (api_table[i].response)
			check_schema(api_table[i].response);
	}
	check_schema(&error_reply_schema);
}

static void check_documented(const struct wire_schema *schema)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct wire_field *f = &schema->fields[i];

		assert_true(f->min <= f->max);
		if (f->schema)
			check_documented(f->schema);
		if (f->kind != WIRE_OBJECT)
			assert_non_null(f->doc);
	}
}

static void every_field_is_documented(void **state)
{
	(void)state;
	for (unsigned i = 0; i < API_COUNT; i++) {
		if (api_table[i].request)
			check_documented(api_table[i].request);
		if (api_table[i].response)
			check_documented(api_table[i].response);
	}
}

static void fill_members(struct wire_list *list, struct view key)
{
	struct member *m;
	struct err e;

	for (unsigned i = 0; i < MEMBERS_MAX; i++) {
		assert_ok(wire_list_add(list, &member_schema, &m, &e));
		assert_ok(wire_set_text(&m->alias, "member", &e));
		assert_ok(wire_set(&m->pub_key, key, &e));
	}
}

static void assert_fits(const struct wire_schema *schema, const void *message, bool is_reply)
{
	AUTO(buf) struct buf text = BUF_INIT(WIRE_REPLY_TEXT_MAX);
	struct view object;
	struct err e;

	assert_ok(wire_encode(schema, message, &text, &e));
	assert_ok(json_scan(buf_view(&text), is_reply ? &scan_reply : &scan_request, &object, &e));
}

/* All bytes 255: the longest in JSON. */
static void a_manifest_of_255_members_fits_in_a_request(void **state)
{
	AUTO(manifest_message) struct manifest_message m = { 0 };
	uint8_t bytes[PUBLIC_KEY_LEN];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	fill_members(&m.manifest_envelope.manifest.manifest_set.members, VIEW_OF(bytes));
	fill_members(&m.manifest_envelope.manifest.share_set.members, VIEW_OF(bytes));
	assert_fits(&manifest_message_schema, &m, false);
}

static void a_genesis_of_255_members_fits_in_a_reply(void **state)
{
	AUTO(genesis_reply) struct genesis_reply r = { 0 };
	static uint8_t bytes[GENESIS_OUTPUT_MAX];
	struct encrypted_share *share;
	struct err e;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	fill_members(&r.manifest_envelope.manifest.manifest_set.members,
	             view_new(bytes, PUBLIC_KEY_LEN));
	fill_members(&r.manifest_envelope.manifest.share_set.members,
	             view_new(bytes, PUBLIC_KEY_LEN));
	for (unsigned i = 0; i < MEMBERS_MAX; i++) {
		assert_ok(wire_list_add(&r.encrypted_shares, &encrypted_share_schema, &share, &e));
		assert_ok(wire_set(&share->share_set_member.pub_key,
		                   view_new(bytes, PUBLIC_KEY_LEN), &e));
		assert_ok(wire_set(&share->encrypted_quorum_key_share, view_new(bytes, 130), &e));
		memset(share->share_hash, 0xff, sizeof(share->share_hash));
	}
	assert_ok(wire_set(&r.genesis_output, VIEW_OF(bytes), &e));
	assert_fits(&genesis_reply_schema, &r, true);
}

static void all_receipts_fit_in_a_reply(void **state)
{
	AUTO(receipts_reply) struct receipts_reply r = { 0 };
	struct receipt_item *item;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < RECEIPTS_MAX; i++) {
		assert_ok(wire_list_add(&r.receipts, &receipt_item_schema, &item, &e));
		memset(item, 0xff, sizeof(*item));
	}
	assert_fits(&receipts_reply_schema, &r, true);
}

static void fill_names(struct wire_list *list, const char *letters)
{
	for (size_t i = 0; letters[i]; i++) {
		struct alias_item *item;
		struct err e;

		assert_ok(wire_list_add(list, &alias_item_schema, &item, &e));
		assert_ok(wire_set(&item->alias, view_new(&letters[i], 1), &e));
	}
}

/* Of two nodes that miss other members each is named, and once. */
static void lists_of_names_are_merged(void **state)
{
	AUTO(alias_list) struct wire_list all = { 0 };
	AUTO(alias_list) struct wire_list first = { 0 };
	AUTO(alias_list) struct wire_list second = { 0 };
	struct err e;

	(void)state;
	fill_names(&first, "ab");
	fill_names(&second, "bc");
	assert_ok(alias_list_merge(&first, &all, &e));
	assert_ok(alias_list_merge(&second, &all, &e));
	assert_int_equal(all.count, 3);
	for (const char *letter = "abc"; *letter; letter++)
		assert_true(alias_list_has(&all, view_new(letter, 1)));
	assert_false(alias_list_has(&all, view_text("d")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_is_read_and_written_again),
		cmocka_unit_test(every_field_is_documented),
		cmocka_unit_test(a_manifest_of_255_members_fits_in_a_request),
		cmocka_unit_test(a_genesis_of_255_members_fits_in_a_reply),
		cmocka_unit_test(all_receipts_fit_in_a_reply),
		cmocka_unit_test(lists_of_names_are_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

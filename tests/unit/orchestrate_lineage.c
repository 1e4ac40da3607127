/* From whom each TEE has the key, out of what a replay has kept: whose receipt counts, what is only
 * claimed, and which part of it is asked for. */
#include "support.h"

#include "orchestrate/audit_internal.h"
#include "orchestrate/lineage.h"

static void set(struct buf *member, const char *text)
{
	struct err e;

	assert_ok(wire_set_text(member, text, &e));
}

static struct hash256 hash_of(uint8_t first, size_t number)
{
	return (struct hash256){ { first, (uint8_t)(number >> 8), (uint8_t)number } };
}

/* A TEE with a document that attests its setup key. */
static size_t add_boot(struct audit *a, const char *node)
{
	struct audit_boot *boot;
	struct audit_document *document;
	size_t number = a->boots.count;
	char module[24];
	struct err e;

	snprintf(module, sizeof(module), "i-%zu", number);
	assert_ok(wire_list_add(&a->boots, &audit_boot_schema, &boot, &e));
	set(&boot->node, node);
	set(&boot->module_id, module);
	boot->number = 10 + number;
	boot->has_setup_key = true;
	boot->setup_key = hash_of('k', number);
	assert_ok(wire_list_add(&a->documents, &audit_document_schema, &document, &e));
	*document = (struct audit_document){ .hash = hash_of('d', number),
		                             .has_boot = true,
		                             .boot = number };
	return number;
}

static struct audit_receipt *add_receipt(struct audit *a, size_t boot, enum receipt_kind kind)
{
	struct audit_receipt *r;
	struct err e;

	assert_ok(wire_list_add(&a->receipts, &audit_receipt_schema, &r, &e));
	*r = (struct audit_receipt){ .receipt = { .kind = kind, .nsm_ms = 1000 + boot },
		                     .boot = boot,
		                     .is_verified = true };
	return r;
}

/* The source's receipt names the target's document. */
static struct audit_receipt *add_export_receipt(struct audit *a, size_t from, size_t to)
{
	struct audit_receipt *r = add_receipt(a, from, RECEIPT_EXPORT);

	r->receipt.subject = hash_of('d', to);
	return r;
}

/* The target's names the envelope. */
static struct audit_receipt *add_inject_receipt(struct audit *a, size_t to)
{
	struct audit_receipt *r = add_receipt(a, to, RECEIPT_INJECT);

	r->receipt.subject = hash_of('s', to);
	return r;
}

/* What teectl has written of the forward. */
static void add_export(struct audit *a, const char *source, size_t to)
{
	struct audit_export *export;
	struct err e;

	assert_ok(wire_list_add(&a->exports, &audit_export_schema, &export, &e));
	set(&export->source, source);
	export->peer = hash_of('d', to);
	export->sealed = hash_of('s', to);
}

static void forward(struct audit *a, size_t from, size_t to)
{
	const struct audit_boot *boots = a->boots.items;

	add_export(a, buf_text(&boots[from].node), to);
	add_export_receipt(a, from, to);
	add_inject_receipt(a, to);
}

static void make(const struct audit *a, struct lineage *l)
{
	struct err e;

	lineage_drop(l);
	assert_ok(lineage_make(a, l, &e));
}

static const struct lineage_tee *at(const struct lineage *l, size_t i)
{
	assert_true(i < l->tees.count);
	return (const struct lineage_tee *)l->tees.items + i;
}

/* "tee1 shares! < , tee2 forwarded < tee1, …": ! verified */
static void lineage_is(const struct lineage *l, const char *expected)
{
	char found[512] = "";

	for (size_t i = 0; i < l->tees.count; i++) {
		const struct lineage_tee *t = at(l, i);
		size_t len = strlen(found);

		snprintf(found + len, sizeof(found) - len, "%s%s %s%s%s%s", i ? ", " : "",
		         buf_text(&t->node), key_way_names[t->way], t->verified ? "!" : "",
		         t->has_source ? " from " : "", t->has_source ? buf_text(&t->source) : "");
		assert_true(t->from == LINEAGE_NONE || t->from < i);
	}
	assert_string_equal(found, expected);
}

static void sources_come_before_those_that_have_the_key_from_them(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	size_t tee4 = add_boot(&a, "tee4"), tee3 = add_boot(&a, "tee3");
	size_t tee1 = add_boot(&a, "tee1"), tee2 = add_boot(&a, "tee2");

	(void)state;
	add_boot(&a, "never");
	add_receipt(&a, tee1, RECEIPT_SHARES_COMPLETED);
	forward(&a, tee1, tee2);
	forward(&a, tee2, tee3);
	forward(&a, tee1, tee4);
	make(&a, &l);
	/* Who never had the key is no part of it. */
	lineage_is(&l, "tee1 shares!, tee4 forwarded! from tee1, tee2 forwarded! from tee1, "
	               "tee3 forwarded! from tee2");
	assert_int_equal(at(&l, 3)->received_ms, 1000 + (int64_t)tee3);
	assert_string_equal(buf_text(&at(&l, 3)->source_module), "i-3");
}

/* Each way in which one of the two receipts is not what it should be. */
static void both_sides_must_have_signed_for_a_way_to_be_verified(void **state)
{
	static const struct {
		bool has_written, has_export, is_export_verified, has_inject, is_inject_verified;
		const char *expected;
	} rows[] = {
		{ 1, 1, 1, 1, 1, "tee1 shares!, tee2 forwarded! from tee1" },
		{ 1, 1, 0, 1, 1, "tee1 shares!, tee2 forwarded from tee1" },
		{ 1, 1, 1, 1, 0, "tee1 shares!, tee2 forwarded from tee1" },
		/* teectl's word alone */
		{ 1, 0, 0, 1, 1, "tee1 shares!, tee2 forwarded from tee1" },
		/* sealed to it, and never taken */
		{ 1, 1, 1, 0, 0, "tee1 shares!, tee2 not shown from tee1" },
		/* of another client's doing, both sides sign for it all the same */
		{ 0, 1, 1, 1, 1, "tee1 shares!, tee2 forwarded! from tee1" },
		{ 0, 0, 0, 1, 1, "tee1 shares!, tee2 forwarded" },
		{ 0, 0, 0, 0, 0, "tee1 shares!" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(audit) struct audit a = { 0 };
		AUTO(lineage) struct lineage l = { 0 };
		size_t tee1 = add_boot(&a, "tee1"), tee2 = add_boot(&a, "tee2");

		add_receipt(&a, tee1, RECEIPT_SHARES_COMPLETED);
		if (rows[i].has_written)
			add_export(&a, "tee1", tee2);
		if (rows[i].has_export)
			add_export_receipt(&a, tee1, tee2)->is_verified =
			    rows[i].is_export_verified;
		if (rows[i].has_inject)
			add_inject_receipt(&a, tee2)->is_verified = rows[i].is_inject_verified;
		make(&a, &l);
		lineage_is(&l, rows[i].expected);
	}
}

static void of_two_sources_it_is_teectls_word_which_it_was(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	size_t tee1 = add_boot(&a, "tee1"), tee2 = add_boot(&a, "tee2");
	size_t tee3 = add_boot(&a, "tee3");

	(void)state;
	add_receipt(&a, tee1, RECEIPT_SHARES_COMPLETED);
	forward(&a, tee1, tee2);
	add_export_receipt(&a, tee1, tee3); /* as one that was given up */
	forward(&a, tee2, tee3);
	make(&a, &l);
	lineage_is(&l, "tee1 shares!, tee2 forwarded! from tee1, tee3 forwarded from tee2");
	/* A second receipt of the same source is no other source. */
	audit_drop(&a);
	tee1 = add_boot(&a, "tee1");
	tee2 = add_boot(&a, "tee2");
	add_receipt(&a, tee1, RECEIPT_SHARES_COMPLETED);
	add_export_receipt(&a, tee1, tee2);
	forward(&a, tee1, tee2);
	make(&a, &l);
	lineage_is(&l, "tee1 shares!, tee2 forwarded! from tee1");
}

static void a_circle_of_claims_is_cut_and_ends(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	size_t tee1 = add_boot(&a, "tee1"), tee2 = add_boot(&a, "tee2");

	(void)state;
	forward(&a, tee1, tee2);
	forward(&a, tee2, tee1);
	forward(&a, tee1, tee1);
	make(&a, &l);
	assert_int_equal(l.tees.count, 2);
	assert_int_equal(at(&l, 0)->from, LINEAGE_NONE);
	assert_true(lineage_descends(&l, 1, 0));
	assert_false(lineage_descends(&l, 0, 1));
}

static void proof_and_retirement_are_of_the_tee_that_showed_them(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	size_t tee1 = add_boot(&a, "tee1"), tee2 = add_boot(&a, "tee2");
	struct audit_receipt *r;

	(void)state;
	((struct audit_boot *)a.boots.items)[tee1].proved_ms = 77;
	add_receipt(&a, tee2, RECEIPT_SHARES_COMPLETED);
	r = add_receipt(&a, tee2, RECEIPT_RETIRE);
	r->is_verified = false; /* then it says nothing */
	/* To TEEs of which there is no document. */
	add_receipt(&a, tee2, RECEIPT_EXPORT)->receipt.subject = hash_of('x', 1);
	add_receipt(&a, tee2, RECEIPT_EXPORT)->receipt.subject = hash_of('x', 2);
	make(&a, &l);
	lineage_is(&l, "tee1 not shown, tee2 shares!");
	assert_true(at(&l, 0)->proved);
	assert_int_equal(at(&l, 0)->proved_ms, 77);
	assert_false(at(&l, 1)->retired);
	assert_int_equal(at(&l, 1)->unknown_exports, 2);
	((struct audit_receipt *)a.receipts.items)[1].is_verified = true;
	make(&a, &l);
	assert_true(at(&l, 1)->retired);
}

/* tee1 (an earlier life) -> tee2 -> tee3, and tee1 (this life) from shares -> tee4. */
static void two_lives(struct audit *a)
{
	size_t first = add_boot(a, "tee1"), tee2 = add_boot(a, "tee2");
	size_t tee3 = add_boot(a, "tee3"), second = add_boot(a, "tee1");
	size_t tee4 = add_boot(a, "tee4");

	add_receipt(a, first, RECEIPT_SHARES_COMPLETED);
	add_receipt(a, second, RECEIPT_SHARES_COMPLETED);
	forward(a, first, tee2);
	forward(a, tee2, tee3);
	forward(a, second, tee4);
}

static void a_name_is_its_last_life_and_from_it_are_all(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	size_t found = 99;
	struct err e;

	(void)state;
	two_lives(&a);
	make(&a, &l);
	assert_int_equal(l.tees.count, 5);
	assert_ok(lineage_find(&l, "tee1", &found, &e));
	assert_false(at(&l, found)->earlier);
	assert_string_equal(buf_text(&at(&l, found)->module_id), "i-3");
	assert_refused(lineage_find(&l, "tee9", &found, &e), ERR_DATA, "'tee9' ever had the key");
	/* Who got it from an earlier life does not become another's. */
	assert_ok(lineage_cut_from(&l, "tee1", &e));
	assert_int_equal(l.tees.count, 5);
	assert_ok(lineage_cut_from(&l, "tee2", &e));
	lineage_is(&l, "tee2 forwarded! from tee1, tee3 forwarded! from tee2");
	assert_int_equal(at(&l, 0)->from, LINEAGE_NONE);
	assert_refused(lineage_cut_from(&l, "tee4", &e), ERR_DATA, "'tee4'");
	assert_int_equal(l.tees.count, 2);
}

static void the_way_to_a_tee_is_those_before_it(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };
	bool flags[5] = { 0 };
	struct err e;

	(void)state;
	two_lives(&a);
	make(&a, &l);
	assert_ok(lineage_cut_to(&l, "tee3", &e));
	lineage_is(&l, "tee1 shares!, tee2 forwarded! from tee1, tee3 forwarded! from tee2");
	make(&a, &l);
	assert_ok(lineage_cut_to(&l, "tee1", &e));
	lineage_is(&l, "tee1 shares!");
	assert_false(at(&l, 0)->earlier);
	make(&a, &l);
	for (size_t i = 0; i < 5; i++)
		flags[i] = strcmp(buf_text(&at(&l, i)->node), "tee2") == 0 ||
		           strcmp(buf_text(&at(&l, i)->node), "tee4") == 0;
	assert_ok(lineage_keep(&l, flags, &e));
	lineage_is(&l, "tee1 shares!, tee2 forwarded! from tee1, tee1 shares!, "
	               "tee4 forwarded! from tee1");
	assert_ok(lineage_keep(&l, (const bool[4]){ 0 }, &e));
	assert_int_equal(l.tees.count, 0);
}

static void a_journal_of_nothing_has_an_empty_lineage(void **state)
{
	AUTO(audit) struct audit a = { 0 };
	AUTO(lineage) struct lineage l = { 0 };

	(void)state;
	make(&a, &l);
	assert_int_equal(l.tees.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_come_before_those_that_have_the_key_from_them),
		cmocka_unit_test(both_sides_must_have_signed_for_a_way_to_be_verified),
		cmocka_unit_test(of_two_sources_it_is_teectls_word_which_it_was),
		cmocka_unit_test(a_circle_of_claims_is_cut_and_ends),
		cmocka_unit_test(proof_and_retirement_are_of_the_tee_that_showed_them),
		cmocka_unit_test(a_name_is_its_last_life_and_from_it_are_all),
		cmocka_unit_test(the_way_to_a_tee_is_those_before_it),
		cmocka_unit_test(a_journal_of_nothing_has_an_empty_lineage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

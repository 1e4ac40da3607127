#include "manifest_support.h"

#include "proto/manifest_diff.h"

static void a_lawful_successor_is_accepted(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope own = envelope_new(&p);
	AUTO(manifest_envelope) struct manifest_envelope next = envelope_new(&p);
	struct err e;

	(void)state;
	next.manifest.namespace.nonce++;
	next.manifest.enclave.pcrs[0].data[0] ^= 1; /* a new image is what successors are for */
	approve(&next, "user2", p.keys[1]);
	assert_refused(manifest_check_successor(&own.manifest, &next, &e), ERR_APPROVAL,
	               "1 of 2 approvals");
	approve(&next, "user3", p.keys[2]);
	assert_ok(manifest_check_successor(&own.manifest, &next, &e));
}

static void set_text(struct buf *text, const char *value)
{
	struct err e;

	assert_ok(wire_set_text(text, value, &e));
}

static void nothing(struct manifest *m)
{
	(void)m;
}
static void other_name(struct manifest *m)
{
	set_text(&m->namespace.name, "a/c");
}
static void same_nonce(struct manifest *m)
{
	m->namespace.nonce = 7;
}
static void lower_nonce(struct manifest *m)
{
	m->namespace.nonce = 6;
}
static void highest_nonce(struct manifest *m)
{
	m->namespace.nonce = UINT32_MAX - 1;
}
static void other_key(struct manifest *m)
{
	struct err e;

	assert_ok(wire_set(&m->namespace.quorum_key,
	                   buf_view(&member_at(&m->share_set, 0)->pub_key), &e));
}
static void other_pivot(struct manifest *m)
{
	m->pivot.hash[31] ^= 1;
}
static void other_restart(struct manifest *m)
{
	m->pivot.restart = MANIFEST_RESTART_ALWAYS;
}
static void another_bridge(struct manifest *m)
{
	struct bridge *b;
	struct err e;

	assert_ok(wire_list_add(&m->pivot.bridge_config, &bridge_schema, &b, &e));
	b->type = BRIDGE_CLIENT;
	b->port = 80;
}
static void other_debug(struct manifest *m)
{
	m->pivot.debug_mode = true;
}
static void another_argument(struct manifest *m)
{
	struct text_item *item;
	struct err e;

	assert_ok(wire_list_add(&m->pivot.args, &text_item_schema, &item, &e));
	set_text(&item->text, "--verbose");
}
static void other_manifest_threshold(struct manifest *m)
{
	m->manifest_set.threshold = 1;
}
static void other_manifest_key(struct manifest *m)
{
	member_at(&m->manifest_set, 1)->pub_key.data[100] ^= 1;
}
static void fewer_approvers(struct manifest *m)
{
	struct wire_list *members = &m->manifest_set.members;

	members->count--;
	wire_release(&member_schema, (struct member *)members->items + members->count);
}
static void other_share_alias(struct manifest *m)
{
	set_text(&member_at(&m->share_set, 1)->alias, "eve");
}
static void other_share_threshold(struct manifest *m)
{
	m->share_set.threshold = 3;
}
static void swap_members(struct manifest *m)
{
	struct member kept = *member_at(&m->share_set, 0);

	*member_at(&m->share_set, 0) = *member_at(&m->share_set, 2);
	*member_at(&m->share_set, 2) = kept;
}
static void other_image(struct manifest *m)
{
	m->enclave.pcrs[0].data[0] ^= 1;
}
static void other_runtime(struct manifest *m)
{
	m->enclave.pcrs[1].data[0] ^= 1;
}
static void other_options(struct manifest *m)
{
	m->enclave.pcrs[2].data[47] ^= 1;
}
static void other_role(struct manifest *m)
{
	m->enclave.pcrs[3].data[0] ^= 1;
}
static void other_anchor(struct manifest *m)
{
	set_text(&m->enclave.aws_root_certificate, "another root");
}
static void other_commit(struct manifest *m)
{
	set_text(&m->enclave.qos_commit, "3d96");
}
static void other_patch_set(struct manifest *m)
{
	m->patch_set.threshold = 1;
}

/* What each field's change comes to, the nonce having risen from 7 to 8 before it. */
static const struct change {
	void (*change)(struct manifest *m);
	const char *field; /* that differs beside the nonce */
	enum manifest_change need;
	const char *words; /* of the refusal; NULL: lawful */
} changes[] = {
	{ nothing, NULL, CHANGE_BY_APPROVAL, NULL },
	{ highest_nonce, NULL, CHANGE_BY_APPROVAL, NULL },
	{ same_nonce, NULL, CHANGE_NONE, "nonce 7 is not above 7" },
	{ lower_nonce, NULL, CHANGE_BY_DRAFT, "nonce 6 is not above 7" },
	{ other_name, "namespace.name", CHANGE_BY_CEREMONY, "another namespace name" },
	{ other_key, "namespace.quorumKey", CHANGE_BY_CEREMONY, "another quorum key" },
	{ other_pivot, "pivot.hash", CHANGE_BY_APPROVAL, NULL },
	{ other_restart, "pivot.restart", CHANGE_BY_APPROVAL, NULL },
	{ another_bridge, "pivot.bridgeConfig", CHANGE_BY_APPROVAL, NULL },
	{ other_debug, "pivot.debugMode", CHANGE_BY_APPROVAL, NULL },
	{ another_argument, "pivot.args", CHANGE_BY_APPROVAL, NULL },
	{ other_manifest_threshold, "manifestSet", CHANGE_BY_CEREMONY, "another manifest set" },
	{ other_manifest_key, "manifestSet", CHANGE_BY_CEREMONY, "another manifest set" },
	{ fewer_approvers, "manifestSet", CHANGE_BY_CEREMONY, "another manifest set" },
	{ other_share_alias, "shareSet", CHANGE_BY_CEREMONY, "another share set" },
	{ other_share_threshold, "shareSet", CHANGE_BY_CEREMONY, "another share set" },
	{ swap_members, "shareSet", CHANGE_BY_APPROVAL, NULL },
	{ other_image, "enclave.pcr0", CHANGE_BY_APPROVAL, NULL },
	{ other_runtime, "enclave.pcr1", CHANGE_BY_APPROVAL, NULL },
	{ other_options, "enclave.pcr2", CHANGE_BY_APPROVAL, NULL },
	{ other_role, "enclave.pcr3", CHANGE_BY_CEREMONY, "another pcr3" },
	{ other_anchor, "enclave.awsRootCertificate", CHANGE_BY_CEREMONY, "another anchor" },
	{ other_commit, "enclave.qosCommit", CHANGE_BY_APPROVAL, NULL },
	{ other_patch_set, "patchSet", CHANGE_BY_APPROVAL, NULL },
};

/* The field and the nonce differ, and nothing else. */
static void check_fields(const struct change *c, const struct manifest *next,
                         const struct manifest_diff *d)
{
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++) {
		const char *name = manifest_fields[i].name;
		bool is_nonce = strcmp(name, "namespace.nonce") == 0;
		bool is_expected = (c->field && strcmp(name, c->field) == 0) ||
		                   (is_nonce && next->namespace.nonce != 7);

		if (d->differs[i] != is_expected)
			fail_msg("%s: %s", c->field ? c->field : "nothing", name);
	}
}

static void every_change_is_found_and_judged(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope own = envelope_new(&p);
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		AUTO(manifest_envelope) struct manifest_envelope next = envelope_new(&p);
		struct manifest_diff d;

		next.manifest.namespace.nonce++;
		changes[i].change(&next.manifest);
		manifest_compare(&own.manifest, &next.manifest, &d);
		check_fields(&changes[i], &next.manifest, &d);
		assert_int_equal(d.need, changes[i].need);
		assert_int_equal(d.is_lawful, !changes[i].words || d.need == CHANGE_NONE);
		approve(&next, "user2", p.keys[1]);
		approve(&next, "user3", p.keys[2]);
		if (changes[i].words)
			assert_refused(manifest_check_successor(&own.manifest, &next, &e),
			               ERR_APPROVAL, changes[i].words);
		else
			assert_ok(manifest_check_successor(&own.manifest, &next, &e));
	}
}

/* A field without a case above would be one that nobody tested. */
static void every_field_has_its_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++) {
		bool is_found = strcmp(manifest_fields[i].name, "namespace.nonce") == 0;

		for (size_t j = 0; j < COUNT(changes); j++)
			is_found |= changes[j].field &&
			            strcmp(manifest_fields[i].name, changes[j].field) == 0;
		if (!is_found)
			fail_msg("no case for %s", manifest_fields[i].name);
		assert_int_equal(!manifest_fields[i].lawful, !manifest_fields[i].cure);
	}
}

static void a_refusal_names_every_rule_that_is_broken(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope own = envelope_new(&p);
	AUTO(manifest_envelope) struct manifest_envelope next = envelope_new(&p);
	struct err e;

	(void)state;
	lower_nonce(&next.manifest);
	other_key(&next.manifest);
	other_manifest_threshold(&next.manifest);
	other_share_alias(&next.manifest);
	other_role(&next.manifest);
	other_anchor(&next.manifest);
	other_name(&next.manifest);
	other_image(&next.manifest);
	assert_refused(manifest_check_lawful(&own.manifest, &next.manifest, &e), ERR_APPROVAL,
	               "no successor of this manifest: another namespace name, nonce 6 is not "
	               "above 7, another quorum key, another manifest set, another share set, "
	               "another pcr3, another anchor");
	assert_string_equal(e.reason, "namespace name");
}

static const struct manifest_field *field_of(const char *name)
{
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++)
		if (strcmp(manifest_fields[i].name, name) == 0)
			return &manifest_fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void assert_shown(const struct manifest *m, const char *field, const char *expected)
{
	AUTO(buf) struct buf text = BUF_INIT(MANIFEST_FIELD_TEXT_MAX);
	struct err e;

	assert_ok(field_of(field)->format(m, &text, &e));
	assert_string_equal(buf_text(&text), expected);
}

static void values_are_shown_in_one_line(void **state)
{
	AUTO(people) struct people p = people_new();
	AUTO(manifest_envelope) struct manifest_envelope m = envelope_new(&p);
	AUTO(buf) struct buf set = BUF_INIT(MANIFEST_FIELD_TEXT_MAX);
	struct hash256 print;
	char hex[17];
	struct err e;

	(void)state;
	another_argument(&m.manifest);
	another_argument(&m.manifest);
	another_bridge(&m.manifest);
	assert_shown(&m.manifest, "namespace.name", "a/b");
	assert_shown(&m.manifest, "namespace.nonce", "7");
	assert_shown(&m.manifest, "pivot.restart", "Never");
	assert_shown(&m.manifest, "pivot.bridgeConfig", "client *:80");
	assert_shown(&m.manifest, "pivot.debugMode", "false");
	assert_shown(&m.manifest, "pivot.args", "'--verbose' '--verbose'");
	assert_shown(&m.manifest, "patchSet", "0 of 0 keys");
	assert_ok(sha256(public_of(p.keys[2]), &print, &e));
	hex_write(view_new(print.bytes, 8), hex);
	assert_ok(member_set_format(&m.manifest.share_set, &set, &e));
	assert_int_equal(strncmp(buf_text(&set), "2 of user1 (", 12), 0);
	assert_non_null(strstr(buf_text(&set), "), user3 ("));
	assert_non_null(strstr(buf_text(&set), hex));
}

static void the_root_of_aws_is_named(void **state)
{
	AUTO(buf) struct buf file = vector_file("qos/manifest/golden_manifest_v1.json");
	AUTO(manifest_file) struct manifest_file f = { 0 };
	struct err e;

	(void)state;
	assert_ok(manifest_file_parse(buf_view(&file), &f, &e));
	assert_shown(&f.envelope.manifest, "enclave.awsRootCertificate",
	             "SHA-256 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b "
	             "(AWS Nitro Enclaves Root-G1)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lawful_successor_is_accepted),
		cmocka_unit_test(every_change_is_found_and_judged),
		cmocka_unit_test(every_field_has_its_case),
		cmocka_unit_test(a_refusal_names_every_rule_that_is_broken),
		cmocka_unit_test(values_are_shown_in_one_line),
		cmocka_unit_test(the_root_of_aws_is_named),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

#include "support.h"

#include "cluster/expect.h"
#include "proto/launch.h"

#define VECTOR(name) VECTORS "/qos/boot-e2e/" name

static char user1[] = "user1", user2[] = "user2", nobody[] = "nobody";
static char user1_pub[] = VECTOR("user1.pub"), user1_secret[] = VECTOR("user1.secret");
static char user2_pub[] = VECTOR("user2.pub"), user2_secret[] = VECTOR("user2.secret");
static char missing[] = "/nonexistent/x.pub", not_a_key[] = VECTOR("user1.share");

static struct member_set set_of(struct cluster_member *items, size_t count)
{
	const struct cluster_member_list list = { items, count, 2 };
	struct member_set set;
	struct err e;

	assert_ok(cluster_member_set(&list, &set, &e));
	return set;
}

static void a_set_is_the_same_from_public_and_secret_files(void **state)
{
	struct cluster_member pubs[] = { { .name = user1, .pub = user1_pub },
		                         { .name = user2, .pub = user2_pub } };
	struct cluster_member keys[] = { { .name = user1, .key = user1_secret },
		                         { .name = user2, .key = user2_secret } };
	AUTO(member_set) struct member_set a = set_of(pubs, 2);
	AUTO(member_set) struct member_set b = set_of(keys, 2);
	const struct member *first = a.members.items;

	(void)state;
	assert_int_equal(a.threshold, 2);
	assert_int_equal(a.members.count, 2);
	assert_string_equal(buf_text(&first->alias), "user1");
	assert_int_equal(first->pub_key.len, PUBLIC_KEY_LEN);
	assert_true(member_set_equal(&a, &b));
}

/* The operator may name a key file that only its member has. */
static void the_public_file_is_enough_where_the_key_is_elsewhere(void **state)
{
	struct cluster_member both = { .name = user1, .key = missing, .pub = user1_pub };
	AUTO(member_set) struct member_set set = set_of(&both, 1);

	(void)state;
	assert_int_equal(set.members.count, 1);
}

static void a_member_without_a_key_file_is_named(void **state)
{
	struct cluster_member items[] = { { .name = user1, .pub = user1_pub },
		                          { .name = nobody, .pub = missing } };
	const struct cluster_member_list list = { items, 2, 2 };
	struct member_set set;
	struct err e;

	(void)state;
	assert_refused(cluster_member_set(&list, &set, &e), ERR_NO_INPUT, "member 'nobody': ");
	assert_non_null(strstr(e.text, missing));
	items[1].pub = not_a_key;
	assert_refused(cluster_member_set(&list, &set, &e), ERR_DATA, "member 'nobody': ");
}

static struct cluster cluster_of(struct cluster_member *items, size_t count)
{
	return (struct cluster){ .path = nobody,
		                 .quorum.members = { items, count, 2 },
		                 .manifest_set = { items, count, 1 } };
}

static void the_options_pin_both_sets_and_name_what_is_open(void **state)
{
	struct cluster_member items[] = { { .name = user1, .pub = user1_pub },
		                          { .name = user2, .pub = user2_pub } };
	struct cluster c = cluster_of(items, 2);
	AUTO(cluster_options) char **options = NULL;
	AUTO(member_set) struct member_set set = set_of(items, 2);
	char cert[] = "c.pem", key[] = "k.pem", ca[] = "ca.pem", expected[96];
	struct hash256 pin;
	struct err e;

	(void)state;
	assert_ok(cluster_options(&c, &options, &e));
	memcpy(expected, "--pin-share-set=", 16);
	assert_ok(member_set_pin(&set, &pin, &e));
	hex_write(VIEW_OF(pin.bytes), expected + 16);
	assert_string_equal(options[1], expected);
	/* The threshold is part of a pin. */
	assert_int_equal(strncmp(options[0], "--pin-manifest-set=", 19), 0);
	assert_string_not_equal(options[0] + 19, expected + 16);
	assert_null(options[2]);

	cluster_options_drop(&options);
	c.enclave.insecure_open_seed = true;
	c.tls.server_cert = cert;
	c.tls.server_key = key;
	assert_ok(cluster_options(&c, &options, &e));
	assert_string_equal(options[2], "--insecure-open-seed");
	assert_string_equal(options[3], "--tls-cert=c.pem");
	assert_string_equal(options[4], "--tls-key=k.pem");
	assert_null(options[5]);

	cluster_options_drop(&options);
	c.enclave.insecure_open_seed = false;
	c.tls.client_ca = ca;
	assert_ok(cluster_options(&c, &options, &e));
	assert_string_equal(options[4], "--client-ca=ca.pem");
	assert_null(options[5]);
}

/* What `up` passes is what the enclave takes and what `measure` measures. */
static void the_options_are_the_enclaves(void **state)
{
	struct cluster_member items[] = { { .name = user1, .pub = user1_pub },
		                          { .name = user2, .pub = user2_pub } };
	struct cluster c = cluster_of(items, 2);
	AUTO(cluster_options) char **options = NULL;
	struct pcr closed, open;
	struct launch launch;
	struct err e;

	(void)state;
	assert_ok(cluster_options(&c, &options, &e));
	assert_ok(launch_parse(options, 2, &launch, &e));
	assert_ok(launch_measure(&launch, &closed, &e));
	cluster_options_drop(&options);
	c.enclave.insecure_open_seed = true;
	assert_ok(cluster_options(&c, &options, &e));
	assert_ok(launch_parse(options, 3, &launch, &e));
	assert_string_equal(launch.values[LAUNCH_INSECURE_OPEN_SEED], "1");
	assert_ok(launch_measure(&launch, &open, &e));
	assert_false(pcr_equal(&closed, &open));
}

static void what_is_pinned_is_not_measured(void **state)
{
	struct cluster c = { .path = nobody };
	struct pcr_set set;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		pcr_zero(&c.enclave.pcrs.values[i]);
	assert_ok(cluster_expect(&c, &set, &e));
	assert_true(pcr_equal(&set.values[3], &c.enclave.pcrs.values[3]));
	/* The role is known without an image. */
	c.enclave.pcrs.values[3].len = 0;
	assert_ok(cluster_expect(&c, &set, &e));
	assert_true(pcr_is_zero(&set.values[3]));
	c.enclave.role = nobody;
	assert_ok(cluster_expect(&c, &set, &e));
	assert_false(pcr_is_zero(&set.values[3]));
	c.enclave.pcrs.values[2].len = 0;
	assert_refused(cluster_expect(&c, &set, &e), ERR_CONFIG, "names no enclave.image");
	c.enclave.image = missing;
	assert_refused(cluster_expect(&c, &set, &e), ERR_NO_INPUT, missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_the_same_from_public_and_secret_files),
		cmocka_unit_test(the_public_file_is_enough_where_the_key_is_elsewhere),
		cmocka_unit_test(a_member_without_a_key_file_is_named),
		cmocka_unit_test(the_options_pin_both_sets_and_name_what_is_open),
		cmocka_unit_test(the_options_are_the_enclaves),
		cmocka_unit_test(what_is_pinned_is_not_measured),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

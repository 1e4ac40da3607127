/* What the cluster file's enclaves must measure: what is pinned stands, what is not is measured as
 * the hypervisor will, and what can't be told here is left open. cluster_members.c has what needs
 * no image. */
#include "cluster_support.h"

#include "attest/measure.h"
#include "cluster/expect.h"

#define VECTOR(name) VECTORS "/qos/boot-e2e/" name

static char user1[] = "user1", user2[] = "user2", role[] = "ops", path[] = "c.yaml";
static char user1_pub[] = VECTOR("user1.pub"), user2_pub[] = VECTOR("user2.pub");
static char image[] = "/bin/true", no_image[] = "/nonexistent/image", no_key[] = "/nonexistent/k";

struct stage {
	struct cluster_member members[2];
	struct cluster cluster;
};

static void stage_fill(struct stage *g)
{
	*g = (struct stage){ .members = { { .name = user1, .pub = user1_pub },
		                          { .name = user2, .pub = user2_pub } } };
	g->cluster.path = path;
	g->cluster.enclave.image = image;
	g->cluster.enclave.role = role;
	g->cluster.quorum.members = (struct cluster_member_list){ g->members, 2, 2 };
	g->cluster.manifest_set = (struct cluster_member_list){ g->members, 2, 1 };
}

static void everything_is_measured_as_the_hypervisor_will(void **state)
{
	AUTO(fd) int fd = -1;
	struct pcr_set set;
	struct pcr pcr;
	struct stage g;
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(cluster_measure(&g.cluster, &set, &e));
	assert_ok(measure_image(image, &fd, &pcr, &e));
	assert_true(pcr_equal(&set.values[PCR_IMAGE], &pcr));
	assert_ok(measure_runtime(fd, &pcr, &e));
	assert_true(pcr_equal(&set.values[PCR_RUNTIME], &pcr));
	assert_ok(pcr_measure_name(role, &pcr, &e));
	assert_true(pcr_equal(&set.values[PCR_ROLE], &pcr));
	assert_int_equal(set.values[PCR_OPTIONS].len, PCR_LEN);
	for (unsigned i = PCR_POLICY_COUNT; i < PCR_COUNT; i++)
		assert_int_equal(set.values[i].len, 0);
}

/* Two files that would start different enclaves measure differently. */
static void what_the_enclave_is_told_is_measured(void **state)
{
	struct pcr_set own, other;
	struct stage g;
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(cluster_measure(&g.cluster, &own, &e));
	g.cluster.quorum.members.threshold = 1;
	assert_ok(cluster_measure(&g.cluster, &other, &e));
	assert_false(pcr_equal(&own.values[PCR_OPTIONS], &other.values[PCR_OPTIONS]));
	stage_fill(&g);
	g.cluster.enclave.insecure_open_seed = true;
	assert_ok(cluster_measure(&g.cluster, &other, &e));
	assert_false(pcr_equal(&own.values[PCR_OPTIONS], &other.values[PCR_OPTIONS]));
	/* But not who else is in the set by another order. */
	stage_fill(&g);
	g.members[0] = (struct cluster_member){ .name = user2, .pub = user2_pub };
	g.members[1] = (struct cluster_member){ .name = user1, .pub = user1_pub };
	assert_ok(cluster_measure(&g.cluster, &other, &e));
	assert_true(pcr_equal(&own.values[PCR_OPTIONS], &other.values[PCR_OPTIONS]));
}

static void the_options_that_are_measured_are_the_ones_that_pin(void **state)
{
	AUTO(launch_values) struct launch_values values = { 0 };
	struct launch_values none = { 0 };
	struct stage g;
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(cluster_measured_options(&g.cluster, &values, &e));
	assert_true(values.values[LAUNCH_PIN_SHARE_SET].len > 0);
	g.members[1].pub = no_key;
	assert_refused(cluster_measured_options(&g.cluster, &none, &e), ERR_NO_INPUT,
	               "member 'user2'");
	assert_true(view_is_zero(view_new(&none, sizeof(none))));
}

static void a_pin_stands_and_the_rest_is_measured(void **state)
{
	struct pcr_set measured, set;
	struct stage g;
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(cluster_measure(&g.cluster, &measured, &e));
	for (unsigned pinned = 0; pinned < PCR_POLICY_COUNT; pinned++) {
		stage_fill(&g);
		pcr_zero(&g.cluster.enclave.pcrs.values[pinned]);
		assert_ok(cluster_expect(&g.cluster, &set, &e));
		for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
			assert_true(i == pinned ? pcr_is_zero(&set.values[i])
			                        : pcr_equal(&set.values[i], &measured.values[i]));
	}
}

static void what_can_not_be_told_here_is_left_open(void **state)
{
	struct pcr_set set;
	struct stage g;
	struct err e;

	(void)state;
	stage_fill(&g);
	/* Not every member's key need be here, which the options name. */
	g.members[0].pub = no_key;
	assert_ok(cluster_measure_here(&g.cluster, &set, &e));
	assert_int_equal(set.values[PCR_IMAGE].len, PCR_LEN);
	assert_int_equal(set.values[PCR_RUNTIME].len, PCR_LEN);
	assert_int_equal(set.values[PCR_OPTIONS].len, 0);
	assert_int_equal(set.values[PCR_ROLE].len, PCR_LEN);
	/* Nor the image, where others launch. */
	for (int i = 0; i < 2; i++) {
		g.cluster.enclave.image = i ? NULL : no_image;
		pcr_zero(&g.cluster.enclave.pcrs.values[PCR_RUNTIME]);
		assert_ok(cluster_measure_here(&g.cluster, &set, &e));
		assert_int_equal(set.values[PCR_IMAGE].len, 0);
		assert_int_equal(set.values[PCR_RUNTIME].len, 0);
		assert_int_equal(set.values[PCR_OPTIONS].len, 0);
		assert_int_equal(set.values[PCR_ROLE].len, PCR_LEN);
		cluster_lay_pins(&g.cluster, &set);
		assert_true(pcr_is_zero(&set.values[PCR_RUNTIME]));
		assert_int_equal(set.values[PCR_IMAGE].len, 0);
		assert_int_equal(set.values[PCR_ROLE].len, PCR_LEN);
	}
}

static void an_image_is_pinned_when_all_that_needs_it_is(void **state)
{
	struct stage g;

	(void)state;
	stage_fill(&g);
	assert_true(cluster_has_image(&g.cluster));
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++) {
		assert_false(cluster_pins_image(&g.cluster));
		pcr_zero(&g.cluster.enclave.pcrs.values[i]);
	}
	assert_true(cluster_pins_image(&g.cluster));
	g.cluster.enclave.image = no_image;
	assert_false(cluster_has_image(&g.cluster));
}

static void what_is_no_image_is_named(void **state)
{
	struct pcr_set set = { 0 };
	char folder[128], text[256];
	struct stage g;
	struct err e;

	(void)state;
	stage_fill(&g);
	folder_new(folder, sizeof(folder));
	snprintf(text, sizeof(text), "%s/image", folder);
	assert_ok(file_write(text, view_text("no program"), 0700, &e));
	g.cluster.enclave.image = text;
	assert_refused(cluster_measure(&g.cluster, &set, &e), ERR_DATA, text);
	assert_true(view_is_zero(view_new(&set, sizeof(set))));
	folder_clear(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_measured_as_the_hypervisor_will),
		cmocka_unit_test(what_the_enclave_is_told_is_measured),
		cmocka_unit_test(the_options_that_are_measured_are_the_ones_that_pin),
		cmocka_unit_test(a_pin_stands_and_the_rest_is_measured),
		cmocka_unit_test(what_can_not_be_told_here_is_left_open),
		cmocka_unit_test(an_image_is_pinned_when_all_that_needs_it_is),
		cmocka_unit_test(what_is_no_image_is_named),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

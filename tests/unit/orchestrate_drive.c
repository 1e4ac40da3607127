/* The loop of observe, plan and execute: what ends it before anything is begun. What comes of its
 * rounds is in every verb's bats. */
#include "birth_support.h"

#include "orchestrate/drive.h"

struct stage {
	struct birth_stage birth;
	struct cluster_node nodes[2];
	struct node_seen seen[2];
	struct node_proof proofs[2];
	struct kept_manifest older;
	struct run run;
	size_t planned;
};

static void stage_drop(struct stage *g)
{
	kept_genesis_drop(&g->run.seen.genesis);
	birth_stage_drop(&g->birth);
}

static void take_event(void *context, const struct event *event)
{
	struct stage *g = context;

	g->planned += event->kind == EVENT_PLANNED;
}

/* Both run here, have the key and this cluster's manifest. */
static void stage_fill(struct stage *g)
{
	static char names[2][8] = { "tee1", "tee2" }, listen[] = "127.0.0.1:0";
	static char path[] = CLUSTER_FILE_DEFAULT;

	*g = (struct stage){ 0 };
	birth_stage_fill(&g->birth);
	birth_attest(&g->birth);
	g->birth.cluster.path = path;
	g->birth.cluster.nodes = g->nodes;
	g->birth.cluster.node_count = 2;
	g->birth.cluster.propagate.parallel = g->birth.cluster.keep_ready = 1;
	g->older.hash.bytes[0] = 1;
	g->run = (struct run){
		.cluster = &g->birth.cluster,
		.proofs = g->proofs,
		.evidence = EVIDENCE_INIT,
		.options = { .on_event = take_event, .event_context = g, .interrupt_fd = -1 },
		.seen = { .nodes = g->seen,
		          .count = 2,
		          .has_genesis = true,
		          .genesis = birth_kept(&g->birth),
		          .older = { &g->older, 1 } },
	};
	for (size_t i = 0; i < 2; i++) {
		g->nodes[i] = (struct cluster_node){ .name = names[i], .listen = listen };
		g->seen[i] = (struct node_seen){ .presence = NODE_PRESENT,
			                         .status = { .phase = PHASE_READY,
			                                     .has_manifest_hash = true } };
		memcpy(g->seen[i].status.manifest_hash, g->run.seen.genesis.manifest_hash.bytes,
		       32);
	}
}

static int drive_to(struct stage *g, enum goal_kind kind, char nothing[static NOTHING_MAX],
                    struct err *e)
{
	const struct goal goal = { .kind = kind, .first = 1, .parallel = 1 };

	return drive(&g->run, &goal, nothing, e);
}

static void what_a_plan_refuses_ends_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct goal look = { .kind = GOAL_GENESIS };
	char nothing[NOTHING_MAX] = "before";
	struct err e;

	(void)state;
	stage_fill(&g);
	g.seen[0].presence = g.seen[1].presence = NODE_ABSENT;
	assert_int_equal(drive_to(&g, GOAL_INJECT, nothing, &e), -1);
	assert_true(e.code == ERR_NOT_DESIRED || e.code == ERR_UNREACHABLE);
	assert_string_equal(nothing, "before");
	assert_int_equal(g.planned, 0);
	/* To who only looks that is no failure of the look. */
	assert_ok(drive_look(&g.run, &look, &e));
	g.run.is_interrupted = true;
	assert_refused(drive_look(&g.run, &look, &e), ERR_INTERRUPTED, "goes on from there");
}

static void after_an_interrupt_no_round_begins(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char nothing[NOTHING_MAX];
	struct err e;

	(void)state;
	stage_fill(&g);
	g.run.is_interrupted = true;
	assert_refused(drive_to(&g, GOAL_UP, nothing, &e), ERR_INTERRUPTED,
	               "the same command goes on from there");
}

/* tee2 is to be replaced by what the file's image is: were that another than the manifest's, it
 * would be refused once the old one was stopped. */
static void nothing_is_stopped_for_an_image_that_would_be_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char nothing[NOTHING_MAX];
	struct err e;

	(void)state;
	stage_fill(&g);
	g.seen[1].status.manifest_hash[0] ^= 0xff;
	memcpy(g.older.hash.bytes, g.seen[1].status.manifest_hash, 32);
	assert_refused(drive_to(&g, GOAL_UPGRADE, nothing, &e), ERR_CONFIG,
	               "names no enclave.image");
	g.birth.cluster.enclave.image = (char *)"/bin/true";
	assert_refused(drive_to(&g, GOAL_UPGRADE, nothing, &e), ERR_REFUSED, "nothing was stopped");
	assert_string_equal(e.reason, "pcr0");
	assert_int_equal(g.planned, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_plan_refuses_ends_it),
		cmocka_unit_test(after_an_interrupt_no_round_begins),
		cmocka_unit_test(nothing_is_stopped_for_an_image_that_would_be_refused),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}

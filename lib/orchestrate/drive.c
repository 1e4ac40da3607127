#include "orchestrate/drive.h"

#include "orchestrate/ceremony.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"

#include <stdio.h>
#include <string.h>

/* Each round but a few brings a node on. */
#define ROUNDS_MORE 8

/* An image that is not the manifest's would be refused after the old one was stopped: so it is
 * measured before anything is. */
static int check_image(const struct run *r, struct err *e)
{
	return policy_check_launch(r->cluster, &r->seen.genesis.envelope.manifest,
	                           "; nothing was stopped (a manifest of it: teectl manifest new, "
	                           "approve, collect, adopt)",
	                           e);
}

static int check_launches(const struct run *r, const struct plan *plan, struct err *e)
{
	bool is_stopping = false, is_launching = false;

	for (size_t i = 0; i < plan->count; i++) {
		is_stopping |= plan->steps[i].kind == STEP_RETIRE;
		is_launching |= plan->steps[i].kind == STEP_LAUNCH;
	}
	return is_stopping && is_launching ? check_image(r, e) : 0;
}

/* The bundles that were for nobody are told whatever else came of it. */
static int submit(struct run *r, struct plan *plan, struct err *e)
{
	const struct submission *s = r->submission;
	int result = execute(r, plan, e);
	struct err why;

	if (result == 0 && !s->is_news && s->standing[0])
		snprintf(plan->nothing, sizeof(plan->nothing), "%s", s->standing);
	if (submission_settle(r->submission, &why) == 0 || result < 0)
		return result;
	*e = why;
	return -1;
}

/* A plan and what comes of it. */
static int go_round(struct run *r, const struct goal *goal, struct plan *ret, struct err *e)
{
	TRY(plan_make(r->cluster, &r->seen, goal, ret, e));
	TRY(check_launches(r, ret, e));
	if (goal->kind == GOAL_SUBMIT)
		return submit(r, ret, e);
	return ret->count ? execute(r, ret, e) : 0;
}

/* All is done, and the file names another image than the manifest's: who brings the cluster to what
 * the file says must hear that this is not it. */
static int check_desired(struct run *r, const struct goal *goal, struct err *e)
{
	if (goal->kind != GOAL_APPLY && goal->kind != GOAL_UPGRADE)
		return 0;
	return policy_check_image(r, e);
}

int drive(struct run *r, const struct goal *goal, char ret_nothing[static NOTHING_MAX],
          struct err *e)
{
	char nothing[NOTHING_MAX] = "";
	bool goes_on = true;

	for (size_t round = 0; goes_on; round++) {
		AUTO(plan) struct plan plan = { 0 };

		if (round >= r->cluster->node_count + ROUNDS_MORE)
			return err_set(e, ERR_INTERNAL,
			               "after %zu rounds more is to be done, as before", round);
		if (r->is_interrupted)
			return err_set(e, ERR_INTERRUPTED,
			               "interrupted; what was begun is finished: the same command "
			               "goes on from there");
		if (round > 0)
			TRY(run_look(r, e));
		TRY(go_round(r, goal, &plan, e));
		goes_on = plan.goes_on;
		if (round == 0)
			memcpy(nothing, plan.nothing, sizeof(nothing));
	}
	TRY(check_desired(r, goal, e));
	memcpy(ret_nothing, nothing, NOTHING_MAX);
	return 0;
}

int drive_look(struct run *r, const struct goal *goal, struct err *e)
{
	char nothing[NOTHING_MAX];
	struct err failure = { 0 };

	if (drive(r, goal, nothing, &failure) == 0 ||
	    (failure.code != ERR_INTERRUPTED && failure.code != ERR_INTERNAL))
		return 0;
	*e = failure;
	return -1;
}

#include "orchestrate/drive.h"

#include "orchestrate/execute.h"

#include <stdio.h>

int drive(struct run *r, const struct goal *goal, char ret_nothing[static NOTHING_MAX],
          struct err *e)
{
	AUTO(plan) struct plan plan = { 0 };

	TRY(plan_make(r->cluster, &r->seen, goal, &plan, e));
	if (plan.count)
		TRY(execute(r, &plan, e));
	snprintf(ret_nothing, NOTHING_MAX, "%s", plan.nothing);
	return 0;
}

#include "choose.h"

#include "orchestrate/report.h"

#include <stdlib.h>

/* select.h names the states that report.h judges. */
_Static_assert(NODE_READY == 0 && NODE_NOT_READY == 1 && NODE_WAITING == 2 && NODE_FAILED == 3 &&
                   NODE_GONE == 4 && NODE_OLD == 5,
               "select_states[] is in this order");

void choice_drop(struct choice *choice)
{
	selection_drop(&choice->selection);
	free(choice->flags);
	*choice = (struct choice){ 0 };
}

int choice_make(const struct context *c, const struct text_list *selectors, struct choice *ret,
                struct err *e)
{
	ret->count = c->cluster.node_count;
	if (selectors->count == 0)
		return 0;
	for (size_t i = 0; i < selectors->count; i++)
		TRY(selection_add(&ret->selection, selectors->items[i], e));
	TRY(selection_check(&ret->selection, &c->cluster, e));
	ret->flags = calloc(c->cluster.node_count, sizeof(*ret->flags));
	if (!ret->flags)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	ret->count = 0;
	for (size_t i = 0; i < c->cluster.node_count; i++) {
		ret->flags[i] =
		    selection_has(&ret->selection, &c->cluster.nodes[i], SELECT_STATE_UNKNOWN);
		ret->count += ret->flags[i];
	}
	return 0;
}

int choice_settle(struct run *r, struct choice *choice, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };
	/* Those that answer are verified; one that fails is in a state like the others. */
	const struct goal look = { .kind = GOAL_STATUS, .targets = choice->flags };
	const struct node_report *nodes;

	if (!choice->flags || !selection_has_states(&choice->selection))
		return 0;
	TRY(drive_look(r, &look, e));
	TRY(report_make(r, &report, e));
	nodes = report.nodes.items;
	choice->count = 0;
	for (size_t i = 0; i < report.nodes.count; i++) {
		size_t node = nodes[i].index;

		choice->flags[node] =
		    selection_has(&choice->selection, &r->cluster->nodes[node], nodes[i].state);
		choice->count += choice->flags[node];
	}
	return 0;
}

int choice_open(struct context *c, bool to_change, enum choice_scope scope,
                const struct text_list *selectors, struct choice *choice, struct run *r,
                struct err *e)
{
	struct run_options options = session_options(c, to_change, NULL);

	TRY(choice_make(c, selectors, choice, e));
	if (to_change && scope == CHOICE_OF_WHOLE)
		options.measures = RUN_MEASURES_TO_SEAL;
	else if (scope == CHOICE_DESIRED)
		options.measures = RUN_MEASURES_IMAGE;
	if (scope == CHOICE_ALONE && !selection_has_states(&choice->selection))
		options.chosen = choice->flags;
	TRY(run_open(&c->cluster, &options, r, e));
	TRY(choice_settle(r, choice, e));
	r->options.chosen = choice->flags;
	return 0;
}

int choice_open_whole(struct context *c, const struct text_list *selectors, struct choice *choice,
                      struct run *r, struct goal *goal, struct err *e)
{
	enum choice_scope scope = goal->kind == GOAL_UPGRADE ? CHOICE_DESIRED : CHOICE_OF_WHOLE;

	TRY(choice_open(c, /* to_change= */ true, scope, selectors, choice, r, e));
	goal->targets = choice->flags;
	/* Where nobody was chosen, the report says so. */
	if (choice->count)
		r->options.chosen = NULL;
	return 0;
}

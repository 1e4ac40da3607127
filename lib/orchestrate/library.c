/* The public functions of teectl.h, on top of the loop. */
#include "teectl.h"

#include "base/clock.h"
#include "orchestrate/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 300000
#define REPORT_MAX (32u << 20) /* 16384 nodes of up to 2 KiB */

struct teectl {
	struct cluster cluster;
	long long timeout_ms;
	void (*on_event)(void *context, const struct teectl_event *event);
	void *context;
};

static int refuse(struct teectl_error *error, const struct err *e)
{
	const struct err_info *info = err_info(e->code);

	error->status = info->exit_status;
	snprintf(error->name, sizeof(error->name), "%s", info->name);
	snprintf(error->reason, sizeof(error->reason), "%s", e->reason);
	snprintf(error->text, sizeof(error->text), "%s", e->text);
	return -1;
}

struct teectl *teectl_open(const char *cluster_file, struct teectl_error *error)
{
	struct teectl *t = calloc(1, sizeof(*t));
	bool is_locked;
	struct err e;

	if (!t) {
		(void)err_set(&e, ERR_INTERNAL, "no memory for a cluster");
		(void)refuse(error, &e);
		return NULL;
	}
	t->timeout_ms = TIMEOUT_MS;
	if (secret_arena_open(&is_locked, &e) < 0 ||
	    cluster_read(cluster_file, &t->cluster, &e) < 0) {
		free(t);
		(void)refuse(error, &e);
		return NULL;
	}
	return t;
}

void teectl_close(struct teectl *cluster)
{
	if (!cluster)
		return;
	cluster_drop(&cluster->cluster);
	free(cluster);
}

void teectl_set_timeout(struct teectl *cluster, long long timeout_ms)
{
	cluster->timeout_ms = timeout_ms;
}

void teectl_set_observer(struct teectl *cluster,
                         void (*on_event)(void *context, const struct teectl_event *event),
                         void *context)
{
	cluster->on_event = on_event;
	cluster->context = context;
}

static void pass_event(void *context, const struct event *event)
{
	static const enum teectl_event_kind kinds[] = {
		[EVENT_STEP_STARTED] = TEECTL_STARTED,
		[EVENT_STEP_DONE] = TEECTL_DONE,
		[EVENT_STEP_FAILED] = TEECTL_FAILED,
		[EVENT_RETRY] = TEECTL_RETRY,
		[EVENT_NOTE] = TEECTL_NOTE,
	};
	const struct teectl *t = context;

	/* A plan is none of the public kinds. */
	if (t->on_event && event->kind != EVENT_PLANNED)
		t->on_event(t->context, &(struct teectl_event){
		                            .kind = kinds[event->kind],
		                            .step = event->step,
		                            .node = event->node,
		                            .text = event->text,
		                            .elapsed_us = event->elapsed_us,
		                        });
}

static int open_run(struct teectl *t, const char *verb, bool to_change, struct run *ret,
                    struct err *e)
{
	const struct run_options options = {
		.verb = verb,
		.to_change = to_change,
		.timeout_ms = t->timeout_ms,
		.interrupt_fd = -1,
		.on_event = pass_event,
		.event_context = t,
	};

	return run_open(&t->cluster, &options, ret, e);
}

static int reach(struct teectl *t, const char *verb, const struct goal *goal,
                 struct teectl_error *error)
{
	AUTO(run) struct run r = RUN_INIT;
	char nothing[NOTHING_MAX];
	struct err e;

	if (open_run(t, verb, goal->kind != GOAL_VERIFY, &r, &e) < 0)
		return refuse(error, &e);
	r.options.records = true;
	if (drive(&r, goal, nothing, &e) < 0)
		return refuse(error, &e);
	return 0;
}

int teectl_up(struct teectl *cluster, struct teectl_error *error)
{
	return reach(cluster, "up", &(struct goal){ .kind = GOAL_UP }, error);
}

int teectl_genesis(struct teectl *cluster, struct teectl_error *error)
{
	return reach(cluster, "genesis", &(struct goal){ .kind = GOAL_GENESIS }, error);
}

int teectl_inject(struct teectl *cluster, struct teectl_error *error)
{
	return reach(cluster, "inject", &(struct goal){ .kind = GOAL_INJECT }, error);
}

int teectl_recover(struct teectl *cluster, struct teectl_error *error)
{
	return reach(cluster, "recover", &(struct goal){ .kind = GOAL_RECOVER }, error);
}

int teectl_propagate(struct teectl *cluster, struct teectl_error *error)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE,
		                   .topology = cluster->cluster.propagate.topology };

	return reach(cluster, "propagate", &goal, error);
}

int teectl_verify(struct teectl *cluster, struct teectl_error *error)
{
	return reach(cluster, "verify", &(struct goal){ .kind = GOAL_VERIFY }, error);
}

static int find_node(const struct teectl *t, const char *name, size_t *ret, struct err *e)
{
	const struct cluster_node *node = cluster_find_node(&t->cluster, name);

	if (!node)
		return err_set(e, ERR_USAGE, "there is no node '%s' in '%s'", name,
		               t->cluster.path);
	*ret = (size_t)(node - t->cluster.nodes);
	return 0;
}

int teectl_share_quorum_key(struct teectl *cluster, const char *source, const char *target,
                            struct teectl_error *error)
{
	bool *targets = calloc(cluster->cluster.node_count, sizeof(*targets));
	struct goal goal = { .kind = GOAL_PROPAGATE, .has_source = true, .targets = targets };
	size_t node = 0;
	struct err e;
	int result;

	if (!targets)
		(void)err_set(&e, ERR_INTERNAL, "no memory for a list of nodes");
	if (!targets || find_node(cluster, source, &goal.source, &e) < 0 ||
	    find_node(cluster, target, &node, &e) < 0) {
		free(targets);
		return refuse(error, &e);
	}
	targets[node] = true;
	result = reach(cluster, "propagate", &goal, error);
	free(targets);
	return result;
}

int teectl_down(struct teectl *cluster, struct teectl_error *error)
{
	AUTO(state) struct state state = { .lock = -1 };
	int64_t deadline_ms = clock_monotonic_ms() + cluster->timeout_ms;
	bool is_stopped;
	int result = 0;
	struct err e;

	if (state_open(&cluster->cluster, NULL, /* to_change= */ true, "down", &state, &e) < 0)
		return refuse(error, &e);
	/* One that does not end keeps no other alive. */
	for (size_t i = 0; i < cluster->cluster.node_count; i++)
		if (cluster->cluster.nodes[i].listen &&
		    launcher_stop(&state, &cluster->cluster.nodes[i], deadline_ms, &is_stopped,
		                  &e) < 0)
			result = refuse(error, &e);
	return result;
}

static int status_text(struct teectl *t, struct buf *ret, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(cluster_report) struct cluster_report report = { 0 };
	char nothing[NOTHING_MAX];

	TRY(open_run(t, "status", /* to_change= */ false, &r, e));
	if (drive(&r, &(struct goal){ .kind = GOAL_STATUS }, nothing, e) < 0 &&
	    e->code == ERR_INTERNAL)
		return -1; /* any other failure is a node's, and in the report */
	TRY(report_make(&r, &report, e));
	return wire_encode_pretty(&cluster_report_schema, &report, ret, e);
}

char *teectl_status(struct teectl *cluster, struct teectl_error *error)
{
	AUTO(buf) struct buf text = BUF_INIT(REPORT_MAX);
	struct err e;
	char *copy;

	if (status_text(cluster, &text, &e) < 0) {
		(void)refuse(error, &e);
		return NULL;
	}
	copy = strdup(buf_text(&text));
	if (!copy) {
		(void)err_set(&e, ERR_INTERNAL, "no memory for a report");
		(void)refuse(error, &e);
	}
	return copy;
}

const char *teectl_version(void)
{
	return TEECTL_VERSION;
}

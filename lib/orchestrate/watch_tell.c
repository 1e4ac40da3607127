/* What a watch tells: one line a change, and no change twice. */
#include "orchestrate/distance.h"
#include "orchestrate/watch.h"

#include <stdio.h>
#include <string.h>

#define LONG_TEXT 100 /* a measurement with both its values has three times as much */

/* Behind a node's state and its name: what many nodes may have in common. */
static const char *cause_of(const struct watch_event *event)
{
	const char *cause = event->text, *colon = strstr(cause, ": ");
	size_t len = strlen(event->node);

	if (event->kind == WATCH_NODE && colon)
		cause = colon + 2;
	if (strncmp(cause, event->node, len) == 0 && strncmp(cause + len, ": ", 2) == 0)
		cause += len + 2;
	return cause;
}

/* Of three hundred nodes with one fault a person reads it once. */
static void shorten(struct watch *w, struct watch_event *event, char to[static ERR_TEXT_MAX])
{
	const char *cause = cause_of(event);

	if (strlen(cause) < LONG_TEXT)
		return;
	if (w->cause_node && strcmp(cause, w->cause) == 0) {
		snprintf(to, ERR_TEXT_MAX, "%.*sthe same as told of %s", (int)(cause - event->text),
		         event->text, w->cause_node);
		event->brief = to;
		return;
	}
	snprintf(w->cause, sizeof(w->cause), "%s", cause);
	w->cause_node = cluster_find_node(w->cluster, event->node)->name;
}

void watch_tell_event(struct watch *w, const struct watch_event *event)
{
	struct watch_event own = *event;
	char brief[ERR_TEXT_MAX];

	own.report = &w->report;
	if (own.node)
		shorten(w, &own, brief);
	if (w->options.on_event)
		w->options.on_event(w->options.context, &own);
}

/* Who leads launches what has ended here, and needs nobody to be told how. */
static const char *note_of(const struct watch *w, const struct node_report *n)
{
	if (n->state == NODE_READY)
		return "";
	if (w->run.seen.nodes[n->index].presence != NODE_ABSENT)
		return buf_text(&n->note);
	return w->is_leader ? "it does not run, and is launched again" : "it does not run";
}

static void tell_node(struct watch *w, const struct node_report *n)
{
	const char *note = note_of(w, n);
	struct watch_node *known = &w->nodes[n->index];
	char text[ERR_TEXT_MAX];

	known->was_ready |= n->state == NODE_READY;
	if (known->is_told && known->state == n->state)
		return;
	/* The state that was there from the start is news only where it is not as it should be. */
	if (known->is_told || n->state != NODE_READY) {
		snprintf(text, sizeof(text), "%s%s%s", node_state_name((enum node_state)n->state),
		         *note ? ": " : "", note);
		watch_tell_event(w, &(struct watch_event){ .kind = WATCH_NODE,
		                                           .node = buf_text(&n->name),
		                                           .text = text });
	}
	known->is_told = true;
	known->state = n->state;
}

static void tell_cluster(struct watch *w)
{
	char text[ERR_TEXT_MAX], distance[ERR_TEXT_MAX / 2] = "there is no quorum key yet";

	if (w->report.has_distance)
		distance_format(&w->report, distance, sizeof(distance));
	snprintf(text, sizeof(text), "%lld of %lld ready, %lld verified; %s",
	         (long long)w->report.ready_count, (long long)w->report.node_count,
	         (long long)w->report.verified_count, distance);
	if (strcmp(text, w->told_cluster) == 0)
		return;
	memcpy(w->told_cluster, text, sizeof(text));
	watch_tell_event(w, &(struct watch_event){ .kind = distance_is_short(&w->report)
	                                                       ? WATCH_WARNING
	                                                       : WATCH_CLUSTER,
	                                           .text = text });
}

int watch_tell(struct watch *w, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };
	const struct node_report *nodes;

	TRY(report_make(&w->run, &report, e));
	cluster_report_drop(&w->report);
	w->report = MOVE(report);
	nodes = w->report.nodes.items;
	for (size_t i = 0; i < w->report.nodes.count; i++)
		tell_node(w, &nodes[i]);
	tell_cluster(w);
	return 0;
}

void watch_tell_people(struct watch *w)
{
	const char *missing = buf_text(&w->report.missing);

	if (strncmp(missing, w->told_people, sizeof(w->told_people) - 1) == 0)
		return;
	snprintf(w->told_people, sizeof(w->told_people), "%s", missing);
	watch_tell_event(w, w->report.missing.len
	                        ? &(struct watch_event){ .kind = WATCH_PEOPLE,
	                                                 .text = missing,
	                                                 .next = buf_text(&w->report.next) }
	                        : &(struct watch_event){ .kind = WATCH_NOBODY,
	                                                 .text = "nobody is needed any more" });
}

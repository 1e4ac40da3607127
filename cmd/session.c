#include "session.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/strays.h"
#include "nodes.h"
#include "print.h"
#include "report.h"
#include "orchestrate/distance.h"
#include "orchestrate/policy.h"
#include "orchestrate/sharing.h"
#include "proto/phase.h"

#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* text behind "PREFIX: ", or all of it. */
static const char *without_prefix(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2
	                                                                            : text;
}

/* An error's text begins with its node where it has come from one; the line says it once. */
const char *session_without_node(const char *text, const char *node)
{
	static const struct {
		const char *words;
		size_t skip;
	} verbs[] = { { " has ", 1 },
		      { " had ", 1 },
		      { " was ", 1 },
		      { " does not ", 1 },
		      { " is not ", 4 } };
	const char *rest = without_prefix(text, node);
	size_t len = strlen(node);

	if (rest != text || strncmp(text, node, len) != 0)
		return rest;
	/* "tee3 has no quorum key yet", "tee3 is not running" */
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strncmp(text + len, verbs[i].words, strlen(verbs[i].words)) == 0)
			return text + len + verbs[i].skip;
	return text;
}

/* People who are waited for are no failure, nor is what an interrupted run has left for the next,
 * nor what those have to do who launched a node elsewhere. */
static bool is_pause(const struct err *why)
{
	return why && (why->code == ERR_WAITING || why->code == ERR_INTERRUPTED ||
	               strcmp(why->reason, STEP_ELSEWHERE) == 0);
}

/* Several steps of a node that is gone fail with one sentence, which is told once. */
static void say_failed(struct context *c, const struct event *event)
{
	const char *text = session_without_node(event->text, event->node);
	char line[ERR_TEXT_MAX];

	snprintf(line, sizeof(line), "%s: %s", event->node, text);
	c->is_waiting_told |= event->failure && event->failure->code == ERR_WAITING;
	/* So it is of every TEE, and the verb ends with it. */
	if (c->is_reaching && event->failure && err_has_mark(event->failure, POLICY_NEXT_PINS))
		return;
	if (!context_tell_once(c, line) || event->is_repeat)
		return;
	if (is_pause(event->failure))
		context_say(c, "%s: %s", event->nodes, text);
	else
		context_say(c, "%s: %s failed: %s", event->nodes, event->step, text);
}

/* "tee1: status: attempt 1: WHY": WHY is told once; on a terminal each attempt shows in the last
 * line. */
static void say_retry(struct context *c, const struct event *event)
{
	const char *why =
	    without_prefix(session_without_node(event->failure->text, event->node), event->step);
	char key[2 * ERR_TEXT_MAX];

	snprintf(key, sizeof(key), "again: %s: %s: %s", event->node, event->step, why);
	if (context_tell_once(c, key))
		progress_say(&c->progress, "%s: %s: attempt %u: %s", event->node, event->step,
		             event->attempt, why);
	else
		progress_set(&c->progress, c->follow.ended, c->follow.total,
		             "%s: %s: attempt %u: %s", event->node, event->step, event->attempt,
		             why);
}

/* With -o ndjson events are data: a line each, before the report's. */
static void print_event(struct context *c, const struct event *event, const char *text)
{
	AUTO(event_line) struct event_line line = { 0 };
	struct err e;

	if (c->global.output != OUTPUT_NDJSON ||
	    event_line_make(&c->follow, event, text, clock_unix_ms(), &line, &e) < 0 ||
	    print_news(c, &event_line_schema, &line, &e) < 0)
		return; /* without memory it is not told here; standard error has it */
}

/* The rewritten line: how far it is. */
static void show_progress(struct context *c)
{
	char text[FOLLOW_TEXT_MAX];

	if (!c->progress.is_terminal)
		return;
	follow_describe(&c->follow, clock_monotonic_us(), text);
	progress_set(&c->progress, c->follow.ended, c->follow.total, "%s", text);
}

static void on_tick(void *context)
{
	struct context *c = context;
	int64_t now_us = clock_monotonic_us();
	char text[FOLLOW_TEXT_MAX], line[FOLLOW_TEXT_MAX + 64];

	if (c->progress.is_terminal && c->follow.total && follow_ticks(&c->follow, now_us)) {
		show_progress(c);
		progress_tick(&c->progress);
	} else if (!c->progress.is_terminal && follow_is_due(&c->follow, now_us)) {
		follow_describe(&c->follow, now_us, text);
		snprintf(line, sizeof(line), "still at it, %zu of %zu steps: %s", c->follow.ended,
		         c->follow.total, text);
		progress_say(&c->progress, "%s", line);
		print_event(c, NULL, line);
	}
}

static void on_exchange(void *context, const char *node, const char *operation, int64_t started_us,
                        int64_t elapsed_us, const struct err *failure)
{
	struct context *c = context;
	const struct cluster_node *found = cluster_find_node(&c->cluster, node);

	timing_add(&c->follow.timing, &(struct timing_event){
	                                  .process = TIMING_EXCHANGES,
	                                  .name = operation,
	                                  .node = node,
	                                  .row = found ? (size_t)(found - c->cluster.nodes) : 0,
	                                  .started_us = started_us,
	                                  .elapsed_us = elapsed_us,
	                                  .text = failure ? failure->text : "",
	                                  .is_failed = failure != NULL,
	                              });
}

int session_trace(struct context *c, const char *path, struct err *e)
{
	if (!path)
		return 0;
	if (file_check_named(path, e) < 0)
		return err_wrap(e, "--trace");
	c->follow.trace_path = path;
	c->follow.timing = TIMING_INIT;
	for (size_t i = 0; i < c->cluster.node_count; i++) {
		timing_name_row(&c->follow.timing, TIMING_STEPS, i, c->cluster.nodes[i].name);
		timing_name_row(&c->follow.timing, TIMING_EXCHANGES, i, c->cluster.nodes[i].name);
	}
	return 0;
}

static int write_trace(struct context *c, struct err *e)
{
	const char *path = c->follow.trace_path;

	if (!path)
		return 0;
	c->follow.trace_path = NULL;
	TRY(timing_write(&c->follow.timing, path, e));
	if (c->follow.timing.lost)
		context_say(c, "%s: %zu events had no room", path, c->follow.timing.lost);
	return 0;
}

static void on_event(void *context, const struct event *event)
{
	static const char *const done_words[] = {
		[STEP_LAUNCH] = "launched",      [STEP_VERIFY] = "verified",
		[STEP_GENESIS] = "genesis done", [STEP_BOOT] = "restarted",
		[STEP_INJECT] = "shares in",     [STEP_REQUEST] = "attested",
		[STEP_SUBMIT] = "shares in",     [STEP_FORWARD] = "key forwarded",
		[STEP_PROVE] = "key proved",     [STEP_RETIRE] = "retired",
	};
	struct context *c = context;

	follow_take(&c->follow, event, clock_monotonic_us());
	print_event(c, event, "");
	switch (event->kind) {
	case EVENT_PLANNED:
		break;
	case EVENT_STEP_STARTED:
		show_progress(c);
		break;
	case EVENT_STEP_DONE:
		progress_say(&c->progress, "%s: %s%s%s (%lld ms)", event->node,
		             done_words[event->step_kind], event->text[0] ? ", " : "", event->text,
		             (long long)(event->elapsed_us + 500) / 1000);
		break;
	case EVENT_STEP_FAILED:
		say_failed(c, event);
		break;
	case EVENT_RETRY:
		say_retry(c, event);
		break;
	case EVENT_NOTE:
		context_say(c, "%s%s%s", event->node ? event->node : "", event->node ? ": " : "",
		            event->text);
		break;
	}
}

static bool on_interrupt(void *context)
{
	struct context *c = context;
	struct signalfd_siginfo info;

	while (read(c->interrupt_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		progress_say(&c->progress,
		             "interrupted: what is under way is finished; again: it is given up");
	return false; /* the run itself counts */
}

struct run_options session_options(struct context *c, bool to_change, const size_t *only)
{
	return (struct run_options){
		.state_folder = c->global.state,
		.verb = c->cmd->name,
		.to_change = to_change,
		.only = only,
		.timeout_ms = context_timeout_ms(c),
		.interrupt_fd = c->interrupt_fd,
		.on_interrupt = on_interrupt,
		.interrupt_context = c,
		.on_event = on_event,
		.event_context = c,
		.follow_context = c,
		.passphrases = c->passphrases,
		.on_tick = on_tick,
		.tick_ms = (c->progress.is_terminal ? FOLLOW_TICK_US : FOLLOW_HEARTBEAT_US) / 1000,
		.on_exchange = c->follow.trace_path ? on_exchange : NULL,
	};
}

int session_open(struct context *c, bool to_change, const size_t *only, struct run *r,
                 struct err *e)
{
	const struct run_options options = session_options(c, to_change, only);

	return run_open(&c->cluster, &options, r, e);
}

static void print_waiting(struct context *c, const struct cluster_report *report)
{
	const struct alias_item *names = report->waiting_for.items;
	char head[NEEDED_TEXT_MAX];

	report_say_needed(report->waiting_need, report->waiting_for.count, head);
	for (size_t i = 0; i < report->waiting_for.count; i++)
		print_line(c, "%*s%s", (int)strlen(head), i ? "" : head, buf_text(&names[i].alias));
}

static void print_distance(struct context *c, const struct cluster_report *report)
{
	char text[PROGRESS_TEXT_MAX];

	if (!report->has_distance)
		return;
	distance_format(report, text, sizeof(text));
	print_line(c, "%s%s", distance_is_short(report) ? "warning: " : "", text);
}

/* Nothing is said to be safe to stop: it may be the one that has the key. */
static void tell_orphans(struct context *c, const struct cluster_report *report)
{
	const struct orphan_report *orphans = report->orphans.items;

	for (size_t i = 0; i < report->orphans.count && i < NOTES_SHOWN_MAX; i++)
		context_say(
		    c,
		    "warning: %s runs here (pid %lld), and the cluster file does not launch "
		    "it: put its line back, or stop it: teectl down --orphans",
		    buf_text(&orphans[i].name), (long long)orphans[i].pid);
	if (report->orphans.count > NOTES_SHOWN_MAX)
		context_say(c, "warning: and %zu more", report->orphans.count - NOTES_SHOWN_MAX);
}

/* What may hold a key is told before another one is made. */
static void tell_strays(struct context *c, const struct run *r)
{
	char pids[STRAYS_MAX * 16] = "";
	struct strays strays;

	if (r->seen.has_genesis)
		return;
	strays_find(r->cluster, &r->state, &strays);
	for (size_t i = 0; i < strays.count && i < STRAYS_MAX; i++)
		snprintf(pids + strlen(pids), sizeof(pids) - strlen(pids), "%s%d", i ? ", " : "",
		         strays.pids[i]);
	if (strays.count)
		context_say(c,
		            "warning: %zu enclave%s here (pid %s%s), launched with the state "
		            "folder '%s', which knows nothing of %s: it was lost or replaced. "
		            "Whether %s the quorum key can't be seen without it, and teectl "
		            "genesis makes another key: put the folder back from a backup first",
		            strays.count, strays.count == 1 ? " runs" : "s run", pids,
		            strays.count > STRAYS_MAX ? ", ..." : "", r->state.folder,
		            strays.count == 1 ? "it" : "them",
		            strays.count == 1 ? "it holds" : "they hold");
}

static bool shows_table(const struct goal *goal)
{
	return goal->kind == GOAL_STATUS || goal->kind == GOAL_VERIFY;
}

static int print_report(struct context *c, const struct goal *goal,
                        const struct cluster_report *report, const char *nothing, struct err *e)
{
	TRY(print_json(c, &cluster_report_schema, report, e));
	if (nothing[0])
		print_line(c, "nothing to do: %s", nothing);
	if (shows_table(goal))
		TRY(nodes_table(c, report, e));
	else if (!nothing[0] && !report->has_error && goal->kind == GOAL_UP)
		print_line(c, "%lld of %lld TEEs %s verified", (long long)report->verified_count,
		           (long long)report->node_count,
		           report->verified_count == 1 ? "is" : "are");
	else if (!nothing[0] && !report->has_error)
		print_line(c, "%lld of %lld TEEs %s the quorum key", (long long)report->ready_count,
		           (long long)report->node_count,
		           report->ready_count == 1 ? "has" : "have");
	if (goal->kind == GOAL_STATUS) {
		print_distance(c, report);
		print_waiting(c, report);
	}
	if ((shows_table(goal) || report->is_lost) && report->missing.len)
		print_line(c, "missing: %s", buf_text(&report->missing));
	tell_orphans(c, report);
	if (!report->has_error && report->next.len)
		print_next(c, buf_text(&report->next));
	return 0;
}

/* The library suggests verbs; what is printed are commands. */
static int complete_notes(const struct context *c, struct cluster_report *report, struct err *e)
{
	struct node_report *nodes = report->nodes.items;

	for (size_t i = 0; i < report->nodes.count; i++)
		TRY(report_commands(c, &nodes[i].note, e));
	return report_commands(c, &report->missing, e);
}

/* What has become of a node by the time of the interruption. */
enum fate { FATE_VERIFIED, FATE_RUNNING, FATE_SILENT, FATE_ABSENT, FATE_COUNT };

static enum fate fate_of(const struct run *r, size_t node)
{
	switch (r->seen.nodes[node].presence) {
	case NODE_ABSENT:
		return FATE_ABSENT;
	case NODE_UNREACHABLE:
	case NODE_STRAY:
		return FATE_SILENT;
	case NODE_PRESENT:
		break;
	}
	return r->proofs[node].holding != HOLDS_UNKNOWN && !r->proofs[node].is_refused
	           ? FATE_VERIFIED
	           : FATE_RUNNING;
}

/* "; verified: tee1, tee2, and 40 more" */
static int add_fate(const struct run *r, enum fate fate, const char *words, struct buf *to,
                    struct err *e)
{
	size_t count = 0;

	for (size_t i = 0; i < r->seen.count; i++) {
		if (fate_of(r, i) != fate || count++ >= NAMED_MAX)
			continue;
		if (count == 1)
			TRY(buf_add_format(to, e, "; %s: ", words));
		TRY(buf_add_format(to, e, "%s%s", count == 1 ? "" : ", ",
		                   r->cluster->nodes[i].name));
	}
	if (count > NAMED_MAX)
		TRY(buf_add_format(to, e, " and %zu more", count - NAMED_MAX));
	return 0;
}

/* Who interrupts `up` has to know what it leaves behind. */
static int tell_interrupted(struct context *c, const struct run *r, struct err *failure,
                            struct err *e)
{
	static const char *const words[] = {
		[FATE_VERIFIED] = "running and verified",
		[FATE_RUNNING] = "left running, not verified",
		[FATE_SILENT] = "running, did not answer",
		[FATE_ABSENT] = "not running",
	};
	AUTO(buf) struct buf text = BUF_INIT(PROGRESS_LINE_MAX);

	for (int fate = 0; fate < FATE_COUNT; fate++)
		TRY(add_fate(r, (enum fate)fate, words[fate], &text, e));
	context_hint(c, "teectl up goes on from there; teectl down stops those that run here");
	return err_set(failure, ERR_INTERRUPTED, "interrupted%s", buf_text(&text));
}

/* A selector asked for a state, and no node is in it: whatever was to be done with those is done.
 */
static bool is_nobody(const struct run *r)
{
	for (size_t i = 0; r->options.chosen && i < r->cluster->node_count; i++)
		if (r->options.chosen[i])
			return false;
	return r->options.chosen != NULL;
}

static int reach(struct run *r, const struct goal *goal, char ret_nothing[static NOTHING_MAX],
                 struct err *e)
{
	if (!is_nobody(r))
		return drive(r, goal, ret_nothing, e);
	snprintf(ret_nothing, NOTHING_MAX, "no node is in the state that was asked for");
	return 0;
}

int session_share(struct context *c, const struct state *state, bool *ret_failed,
                  struct buf *ret_why, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PROGRESS_LINE_MAX);
	AUTO(buf) struct buf warning = BUF_INIT(PROGRESS_LINE_MAX);
	struct err why;

	if (sharing_push(&c->cluster, state, c->interrupt_fd, &why) == 0)
		return 0;
	*ret_failed = true;
	TRY(wire_set_text(ret_why, why.text, e));
	TRY(buf_add_format(&text, e,
	                   "warning: etcd was not given what this has changed: %s; teectl watch "
	                   "--once does it",
	                   why.text));
	TRY(context_commands(c, buf_text(&text), &warning, e));
	context_say(c, "%s", buf_text(&warning));
	return 0;
}

/* Those apply leaves as they are: the file's image is reached by upgrade alone. */
static bool has_older(const struct cluster_report *report)
{
	const struct node_report *nodes = report->nodes.items;

	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].state == NODE_OLD)
			return true;
	return false;
}

/* Who is to give up the key is not to be started or given it again. */
static void hint_retire(struct context *c, const struct err *failure, struct cluster_report *report)
{
	if (strcmp(failure->reason, STEP_ELSEWHERE) != 0)
		return;
	buf_clear(&report->next);
	context_hint(c, "once it is stopped, out of the cluster file with it: no answer at its "
	                "address does not show that it is gone");
}

/* failure: NULL: there is none */
static int fill_outcome(struct context *c, const struct goal *goal, const char *nothing,
                        const struct err *failure, struct cluster_report *report, struct err *e)
{
	TRY(report_outcome(report,
	                   !failure                       ? nothing[0] ? "nothing to do" : "done"
	                   : failure->code == ERR_WAITING ? "waiting"
	                                                  : "failed",
	                   failure, e));
	if (!failure)
		return 0;
	if (goal->kind == GOAL_RETIRE)
		hint_retire(c, failure, report);
	return report_complete(c, failure, buf_text(&report->next), &report->error, e);
}

int session_reach(struct context *c, struct run *r, const struct goal *goal, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };
	AUTO(buf) struct buf not_shared = { 0 };
	bool is_not_shared = false;
	char nothing[NOTHING_MAX] = "";
	struct err failure = { 0 };
	bool failed;

	if (goal->kind == GOAL_GENESIS || goal->kind == GOAL_APPLY)
		tell_strays(c, r);
	c->is_reaching = true;
	failed = reach(r, goal, nothing, &failure) < 0;
	progress_clear(&c->progress);
	if (write_trace(c, e) < 0 && !failed) {
		failed = true;
		failure = *e;
	}
	if (r->has_shared_news)
		TRY(session_share(c, &r->state, &is_not_shared, &not_shared, e));
	/* Who interrupts is not kept waiting for another look. */
	if (failed && failure.code == ERR_INTERRUPTED) {
		if (goal->kind == GOAL_UP)
			(void)tell_interrupted(c, r, &failure, e);
		*e = failure;
		return -1;
	}
	/* Who only looked has seen it all. */
	if (r->options.to_change)
		TRY(run_look(r, e));
	TRY(report_make(r, &report, e));
	report.has_not_shared = is_not_shared;
	report.not_shared = MOVE(not_shared);
	TRY(complete_notes(c, &report, e));
	if (!failed &&
	    (goal->kind == GOAL_STATUS || (goal->kind == GOAL_APPLY && has_older(&report))))
		failed = report_judge(&report, &failure) < 0;
	TRY(fill_outcome(c, goal, nothing, failed ? &failure : NULL, &report, e));
	if (goal->kind == GOAL_UP || goal->kind == GOAL_STATUS)
		tell_strays(c, r);
	TRY(print_report(c, goal, &report, nothing, e));
	if (failed)
		*e = failure;
	return failed ? -1 : 0;
}

enum topology session_topology(const struct context *c, int topology)
{
	return topology < 0 ? c->cluster.propagate.topology : (enum topology)topology;
}

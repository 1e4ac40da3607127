#include "session.h"

#include "base/text.h"
#include "print.h"
#include "report.h"
#include "proto/phase.h"

#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SHORT_HASH_LEN 4 /* bytes shown of a hash: enough to tell two apart at a glance */

/* An error's text begins with its node where it has come from one; the line says it once. */
static const char *without_node(const char *text, const char *node)
{
	size_t len = strlen(node);

	if (strncmp(text, node, len) != 0)
		return text;
	if (strncmp(text + len, ": ", 2) == 0)
		return text + len + 2;
	/* "tee3 is not running" */
	return strncmp(text + len, " is not ", 8) == 0 ? text + len + 4 : text;
}

/* People who are waited for are no failure, nor is what an interrupted run has left for the next.
 */
static bool is_pause(const struct err *why)
{
	return why && (why->code == ERR_WAITING || why->code == ERR_INTERRUPTED);
}

/* Several steps of a node that is gone fail with one sentence, which is told once. */
static void say_failed(struct context *c, const struct event *event)
{
	const char *text = without_node(event->text, event->node);
	char line[ERR_TEXT_MAX];

	snprintf(line, sizeof(line), "%s: %s", event->node, text);
	if (!context_tell_once(c, line))
		return;
	if (is_pause(event->failure))
		progress_say(&c->progress, "%s", line);
	else
		progress_say(&c->progress, "%s: %s failed: %s", event->node, event->step, text);
	c->is_waiting_told |= event->failure && event->failure->code == ERR_WAITING;
}

/* "attempt 1: tee1: status: WHY; again in 80 ms": WHY is told once; on a terminal each attempt
 * shows in the last line. */
static void say_retry(struct context *c, const struct event *event)
{
	const char *why = strstr(event->text, ": "), *end = strstr(event->text, "; again in ");
	char line[2 * ERR_TEXT_MAX], key[ERR_TEXT_MAX];
	size_t step = strlen(event->step);

	if (!why || !end || end < why)
		why = event->text, end = why + strlen(why);
	else
		why = without_node(why + 2, event->node);
	if (strncmp(why, event->step, step) == 0 && strncmp(why + step, ": ", 2) == 0)
		why += step + 2;
	snprintf(key, sizeof(key), "again: %s: %s: %.*s", event->node, event->step,
	         (int)(end - why), why);
	snprintf(line, sizeof(line), "%s: %s: %.*s%s", event->node, event->step,
	         (int)strcspn(event->text, ":") + 2, event->text, why);
	if (context_tell_once(c, key))
		progress_say(&c->progress, "%s", line);
	else
		progress_set(&c->progress, 0, 0, "%s", line);
}

static void on_event(void *context, const struct event *event)
{
	static const char *const done_words[] = { "launched",  "verified",      "genesis done",
		                                  "shares in", "key forwarded", "key proved" };
	static const char *const steps[] = { "launch", "verify",  "genesis",
		                             "inject", "forward", "prove" };
	struct context *c = context;
	const char *done = event->step;

	for (size_t i = 0; event->step && i < COUNT(steps); i++)
		if (strcmp(event->step, steps[i]) == 0)
			done = done_words[i];
	switch (event->kind) {
	case EVENT_STEP_STARTED:
		if (c->progress.is_terminal)
			progress_set(&c->progress, 0, 0, "%s: %s", event->node, event->step);
		break;
	case EVENT_STEP_DONE:
		progress_say(&c->progress, "%s: %s%s%s (%lld ms)", event->node, done,
		             event->text[0] ? ", " : "", event->text,
		             (long long)(event->elapsed_us + 500) / 1000);
		break;
	case EVENT_STEP_FAILED:
		say_failed(c, event);
		break;
	case EVENT_RETRY:
		say_retry(c, event);
		break;
	case EVENT_NOTE:
		progress_say(&c->progress, "%s: %s", event->node, event->text);
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

int session_open(struct context *c, bool to_change, const size_t *only, struct run *r,
                 struct err *e)
{
	const struct run_options options = {
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
	};

	return run_open(&c->cluster, &options, r, e);
}

static enum tone state_tone(int state)
{
	static const enum tone tones[] = { [NODE_READY] = TONE_GOOD,
		                           [NODE_NOT_READY] = TONE_PLAIN,
		                           [NODE_WAITING] = TONE_WAIT,
		                           [NODE_FAILED] = TONE_BAD,
		                           [NODE_GONE] = TONE_BAD };

	return tones[state];
}

static void short_hash(bool is_there, const uint8_t *bytes, char to[2 * SHORT_HASH_LEN + 1])
{
	to[0] = 0;
	if (is_there)
		hex_write(view_new(bytes, SHORT_HASH_LEN), to);
}

static int node_row(struct table *t, const struct node_report *n, struct err *e)
{
	char key[2 * SHORT_HASH_LEN + 1], manifest[2 * SHORT_HASH_LEN + 1];

	/* Byte 0 of a key says that it is a point; what tells keys apart comes after it. */
	short_hash(n->has_quorum_public_key, n->quorum_public_key + 1, key);
	short_hash(n->has_manifest_hash, n->manifest_hash, manifest);
	TRY(table_cell(t, TONE_PLAIN, e, "%s", buf_text(&n->name)));
	TRY(table_cell(t, state_tone(n->state), e, "%s",
	               n->has_phase ? phase_name((enum phase)n->phase) : "-"));
	TRY(table_cell(t, n->verified ? TONE_GOOD : TONE_BAD, e, "%s%s",
	               n->verified     ? "verified"
	               : n->reason.len ? buf_text(&n->reason)
	                               : "no",
	               n->debug ? " DEBUG" : ""));
	TRY(table_cell(t, TONE_PLAIN, e, "%s", manifest));
	TRY(table_cell(t, TONE_PLAIN, e, "%s%s", key, n->key_proved ? " proved" : ""));
	return table_cell(t, TONE_FAINT, e, "%s", node_state_name((enum node_state)n->state));
}

int session_table(struct context *c, const struct cluster_report *report, struct err *e)
{
	AUTO(table)
	struct table t = TABLE_INIT("NODE", "PHASE", "VERIFIED", "MANIFEST", "QUORUM KEY", "STATE");
	const struct node_report *nodes = report->nodes.items;

	print_line(c, "cluster %s: %lld of %lld ready, %lld verified, attestation %s",
	           buf_text(&report->cluster), (long long)report->ready_count,
	           (long long)report->node_count, (long long)report->verified_count,
	           buf_text(&report->trust));
	for (size_t i = 0; i < report->nodes.count; i++)
		TRY(node_row(&t, &nodes[i], e));
	t.keeps_last = true;
	table_print(c, &t);
	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].note.len)
			print_line(
			    c, "%s: %s", buf_text(&nodes[i].name),
			    without_node(buf_text(&nodes[i].note), buf_text(&nodes[i].name)));
	return 0;
}

static void print_waiting(struct context *c, const struct cluster_report *report)
{
	const struct alias_item *names = report->waiting_for.items;

	for (size_t i = 0; i < report->waiting_for.count; i++)
		print_line(c, "%s%s",
		           i ? "             " : "waiting for: ", buf_text(&names[i].alias));
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
		TRY(session_table(c, report, e));
	else if (!nothing[0] && !report->has_error && goal->kind == GOAL_UP)
		print_line(c, "%lld of %lld TEEs %s verified", (long long)report->verified_count,
		           (long long)report->node_count,
		           report->verified_count == 1 ? "is" : "are");
	else if (!nothing[0] && !report->has_error)
		print_line(c, "%lld of %lld TEEs %s the quorum key", (long long)report->ready_count,
		           (long long)report->node_count,
		           report->ready_count == 1 ? "has" : "have");
	if (goal->kind == GOAL_STATUS)
		print_waiting(c, report);
	if (shows_table(goal) && report->missing.len)
		print_line(c, "missing: %s", buf_text(&report->missing));
	if (!report->has_error && report->next.len)
		print_line(c, "next: %s", buf_text(&report->next));
	return 0;
}

int session_reach(struct context *c, struct run *r, const struct goal *goal, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };
	char nothing[NOTHING_MAX] = "";
	struct err failure = { 0 };
	bool failed = drive(r, goal, nothing, &failure) < 0;

	progress_clear(&c->progress);
	/* Who interrupts is not kept waiting for another look. */
	if (failed && failure.code == ERR_INTERRUPTED) {
		*e = failure;
		return -1;
	}
	/* Who only looked has seen it all. */
	if (r->options.to_change)
		TRY(run_look(r, e));
	TRY(report_make(r, &report, e));
	if (!failed && goal->kind == GOAL_STATUS)
		failed = report_judge(&report, &failure) < 0;
	TRY(report_outcome(&report,
	                   !failed                       ? nothing[0] ? "nothing to do" : "done"
	                   : failure.code == ERR_WAITING ? "waiting"
	                                                 : "failed",
	                   failed ? &failure : NULL, e));
	if (failed)
		TRY(report_complete(c, &failure, buf_text(&report.next), &report.error, e));
	TRY(print_report(c, goal, &report, nothing, e));
	if (failed)
		*e = failure;
	return failed ? -1 : 0;
}

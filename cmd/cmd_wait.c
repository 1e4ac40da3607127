#include "choose.h"
#include "manifests.h"
#include "nodes.h"
#include "print.h"
#include "report.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/wake.h"
#include "orchestrate/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_MS (FOLLOW_HEARTBEAT_US / 1000)
#define TICK_MS      (FOLLOW_TICK_US / 1000)

struct wait_args {
	int what;
	const char *manifest;
	bool any, all, wide;
	struct text_list nodes;
};

static const struct opt opts[] = {
	{ .name = "for",
	  .kind = OPT_WORD,
	  .metavar = "WHAT",
	  .is_required = true,
	  .offset = offsetof(struct wait_args, what),
	  .words = wait_names,
	  .doc = "what every node, or any, has to be" },
	{ .name = "any",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct wait_args, any),
	  .doc = "one node is enough" },
	{ .name = "all",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct wait_args, all),
	  .doc = "every node; the default" },
	{ .name = "manifest",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct wait_args, manifest),
	  .doc = "of approvals: the envelope that gets them; the state's current manifest unless "
	         "given" },
	OPT_WIDE(wait_args),
	{ .kind = OPT_SELECTOR,
	  .metavar = "SELECTOR",
	  .is_list = true,
	  .offset = offsetof(struct wait_args, nodes),
	  .doc = "only these nodes: names, labels, states; see SELECTORS in teectl(1)" },
};

static const char *const verdict_words[] = { "not yet", "met", "never", "not asked for", NULL };
static const char *const mode_words[] = { "all", "any", NULL };

struct waited_node {
	struct buf name;
	bool met;
	int verdict; /* enum wait_verdict */
	struct buf reason, why;
};
static const struct wire_field waited_node_fields[] = {
	JSON_TEXT(waited_node, name),
	JSON_BOOL(waited_node, met),
	JSON_WORD(waited_node, verdict, verdict_words),
	JSON_TEXT(waited_node, reason),
	JSON_TEXT(waited_node, why),
};
static const struct wire_schema waited_node_schema = JSON_SCHEMA(waited_node, waited_node_fields);

struct waited {
	int wanted; /* enum wait_for */
	int mode;
	bool met;
	struct buf outcome;
	int64_t elapsed_ms, node_count, met_count;
	bool has_count; /* of approvals */
	int64_t have, need;
	struct wire_list waiting_for; /* struct alias_item: members */
	struct wire_list nodes;       /* struct waited_node */
	bool has_error;
	struct error_report error;
};
static const struct wire_field waited_fields[] = {
	JSON_WORD(waited, wanted, wait_names),
	JSON_WORD(waited, mode, mode_words),
	JSON_BOOL(waited, met),
	JSON_TEXT(waited, outcome),
	JSON_NUMBER(waited, elapsed_ms),
	JSON_NUMBER(waited, node_count),
	JSON_NUMBER(waited, met_count),
	JSON_MAYBE(waited, have, int64_t, has_count, .kind = WIRE_NUMBER, .max = MEMBERS_MAX),
	JSON_MAYBE(waited, need, int64_t, has_count, .kind = WIRE_NUMBER, .max = MEMBERS_MAX),
	JSON_LIST(waited, waiting_for, alias_item_schema),
	JSON_LIST(waited, nodes, waited_node_schema),
	JSON_MAYBE(waited, error, struct error_report, has_error, .kind = WIRE_OBJECT,
	           .schema = &error_report_schema),
};
static const struct wire_schema waited_schema = JSON_SCHEMA(waited, waited_fields);
WIRE_DROP(waited);

/* --- time between looks */

struct pace {
	int64_t started_ms, heartbeat_ms;
	unsigned attempt; /* looks since something changed */
	struct wake wake; /* what is told of itself needs no clock */
	bool is_told;     /* all of it is: looks by the clock are few */
};

static void pace_drop(struct pace *p)
{
	wake_drop(&p->wake);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Sleeps on the signals until until_ms, or until there is something to look at: *ret_woken. */
static int pause_until(struct context *c, struct wake *wake, int64_t until_ms, bool *ret_woken,
                       struct err *e)
{
	struct pollfd fds[] = { { .fd = c->interrupt_fd, .events = POLLIN },
		                { .fd = wake->fd, .events = POLLIN } };
	int64_t left;

	*ret_woken = false;
	while (!*ret_woken && (left = until_ms - clock_monotonic_ms()) > 0) {
		int ready = poll(fds, COUNT(fds),
		                 (int)(c->progress.is_terminal ? earlier(left, TICK_MS) : left));

		if (ready < 0 && errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "waiting");
		if (ready > 0 && fds[0].revents)
			return err_set(e, ERR_INTERRUPTED, "interrupted; nothing was changed");
		*ret_woken = ready > 0;
		progress_tick(&c->progress);
	}
	if (*ret_woken)
		wake_take(wake);
	return 0;
}

/* Until the next look. *ret_late: the time is up. say_state tells that it still waits. */
static int pause_between(struct context *c, struct pace *p, const char *state, bool *ret_late,
                         struct err *e)
{
	int64_t now = clock_monotonic_ms();
	int64_t wait_ms =
	    client_backoff_ms(c->cluster.retry_base_ms, c->cluster.retry_max_ms, ++p->attempt);
	int64_t look_ms = earlier(now + (p->is_told ? HEARTBEAT_MS : wait_ms), c->deadline_ms);
	bool is_woken = false;

	while (!is_woken && now < look_ms) {
		TRY(pause_until(c, &p->wake, earlier(look_ms, p->heartbeat_ms), &is_woken, e));
		now = clock_monotonic_ms();
		if (now < p->heartbeat_ms)
			continue;
		p->heartbeat_ms = now + HEARTBEAT_MS;
		if (!c->progress.is_terminal)
			progress_say(&c->progress, "still waiting, %lld s: %s",
			             (long long)(now - p->started_ms) / 1000, state);
	}
	*ret_late = now >= c->deadline_ms;
	return 0;
}

static struct pace pace_start(void)
{
	int64_t now = clock_monotonic_ms();

	return (struct pace){ .started_ms = now,
		              .heartbeat_ms = now + HEARTBEAT_MS,
		              .wake = WAKE_INIT };
}

/* --- how it ended */

enum ending { ENDED_MET, ENDED_LATE, ENDED_NEVER };

static const char *const outcome_words[] = {
	[ENDED_MET] = "met",
	[ENDED_LATE] = "timed out",
	[ENDED_NEVER] = "cannot become so",
};

/* Prints the document, with the failure where there is one, and gives it to main. next: the command
 * that brings it on. */
static int finish(struct context *c, struct waited *d, enum ending ending, const struct pace *p,
                  const struct err *failure, const char *next, struct err *e)
{
	d->met = ending == ENDED_MET;
	d->elapsed_ms = clock_monotonic_ms() - p->started_ms;
	TRY(wire_set_text(&d->outcome, outcome_words[ending], e));
	if (!d->met) {
		d->has_error = true;
		TRY(error_report_make(failure, &d->error, e));
		TRY(report_complete(c, failure, next, &d->error, e));
	}
	TRY(print_json(c, &waited_schema, d, e));
	if (d->met)
		return 0;
	*e = *failure;
	return -1;
}

/* --- approvals: of a manifest, not of nodes */

static int read_manifest(struct context *c, const char *path, struct manifest_file *ret,
                         struct err *e)
{
	AUTO(state) struct state state = { .lock = -1 };

	if (path)
		return manifest_read_v1(path, ret, e);
	TRY(state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name, &state,
	               e));
	return manifest_read_current(c, &state, ret, e);
}

/* Has the wait woken by the folder of the envelope, or those of the state that have the current
 * one. */
static int watch_manifest(struct context *c, const char *path, struct wake *wake, struct err *e)
{
	AUTO(state) struct state state = { .lock = -1 };
	AUTO(text) char *folder = NULL;

	TRY(wake_open(wake, e));
	if (path) {
		TRY(path_folder(path, &folder, e));
		return wake_on_folder(wake, folder, e);
	}
	TRY(state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name, &state,
	               e));
	TRY(state_path(&state, STATE_MANIFESTS, &folder, e));
	TRY(wake_on_folder(wake, state.folder, e));
	return wake_on_folder(wake, folder, e);
}

/* fails  ERR_WAITING: there are too few; else they can't become enough */
static int count_approvals(struct context *c, const char *path, struct waited *d, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	AUTO(alias_list) struct wire_list approved = { 0 };
	AUTO(alias_list) struct wire_list missing = { 0 };

	TRY(read_manifest(c, path, &f, e));
	TRY(approvals_count(&f, &approved, &missing, e));
	alias_list_drop(&d->waiting_for);
	d->has_count = true;
	d->have = (int64_t)approved.count;
	d->need = f.envelope.manifest.manifest_set.threshold;
	if (d->have < d->need)
		d->waiting_for = MOVE(missing);
	return approvals_wait(c, &f, &approved, &d->waiting_for, e);
}

static int wait_for_approvals(struct context *c, const struct wait_args *args, struct err *e)
{
	AUTO(waited) struct waited d = { .wanted = WAIT_APPROVALS, .mode = args->any };
	AUTO(pace) struct pace pace = pace_start();
	struct err missing = { 0 }, failure, ignored;
	bool is_late = false;

	if (args->nodes.count)
		return err_set(e, ERR_USAGE,
		               "approvals are of a manifest, not of nodes: no SELECTOR goes with "
		               "--for approvals");
	/* Where a folder can't be watched the clock says when to look. */
	pace.is_told = watch_manifest(c, args->manifest, &pace.wake, &ignored) == 0;
	if (!pace.is_told)
		wake_drop(&pace.wake);
	while (count_approvals(c, args->manifest, &d, e) < 0) {
		if (e->code != ERR_WAITING) {
			failure = *e;
			return finish(c, &d, ENDED_NEVER, &pace, &failure, NULL, e);
		}
		if (strcmp(missing.text, e->text) != 0) {
			missing = *e;
			pace.attempt = 0;
			progress_say(&c->progress, "%s", e->text);
		}
		progress_set(&c->progress, (size_t)d.have, (size_t)d.need, "%s", e->text);
		TRY(pause_between(c, &pace, missing.text, &is_late, e));
		if (!is_late)
			continue;
		(void)err_reason(&failure, ERR_TRY_AGAIN, OBSERVATION_LATE, "the time is up: %s",
		                 missing.text);
		return finish(c, &d, ENDED_LATE, &pace, &failure, NULL, e);
	}
	c->hint[0] = 0;
	print_line(c, "%lld of %lld approvals", (long long)d.have, (long long)d.need);
	return finish(c, &d, ENDED_MET, &pace, NULL, NULL, e);
}

/* --- nodes */

struct waiting {
	struct context *c;
	struct run *run;
	struct wait wait;
	char (*told)[ERR_TEXT_MAX]; /* one a node: the last thing that was said of it */
	struct pace pace;
};

static void waiting_drop(struct waiting *w)
{
	wait_drop(&w->wait);
	pace_drop(&w->pace);
	free(w->told);
	w->told = NULL;
}

static const char *name_of(const struct waiting *w, size_t node)
{
	return w->run->cluster->nodes[node].name;
}

/* "ready", or why not */
static const char *words_of(const struct waiting *w, size_t node)
{
	static const char *const met[] = {
		[WAIT_READY] = "ready",
		[WAIT_VERIFIED] = "verified",
		[WAIT_SHARES] = "the shares are in",
		[WAIT_GONE] = "gone",
	};
	const struct wait_node *n = &w->wait.nodes[node];

	return n->verdict == WAIT_MET ? met[w->wait.what]
	                              : session_without_node(n->why.text, name_of(w, node));
}

/* Behind "0 of 1 ": it is nodes that are counted. */
static const char *count_words(enum wait_for what)
{
	return what == WAIT_SHARES ? "TEEs have their shares" : wait_names[what];
}

/* "1 of 3 ready; tee2: WHY; tee3: WHY; and 2 more". never: only those that can't become so. */
static int describe(const struct waiting *w, bool never, struct buf *to, struct err *e)
{
	size_t left = wait_count(w->run, &w->wait, WAIT_NEVER), named = 0;

	if (!never)
		left += wait_count(w->run, &w->wait, WAIT_NOT_YET);
	TRY(buf_add_format(to, e, "%zu of %zu %s", wait_count(w->run, &w->wait, WAIT_MET),
	                   wait_count(w->run, &w->wait, WAIT_MET) +
	                       wait_count(w->run, &w->wait, WAIT_NEVER) +
	                       wait_count(w->run, &w->wait, WAIT_NOT_YET),
	                   count_words(w->wait.what)));
	for (size_t i = 0; i < w->run->cluster->node_count && named < NAMED_MAX; i++) {
		enum wait_verdict v = w->wait.nodes[i].verdict;

		if (!wait_is_about(&w->wait, i) ||
		    (v != WAIT_NEVER && (never || v != WAIT_NOT_YET)))
			continue;
		named++;
		TRY(buf_add_format(to, e, "; %s: %s", name_of(w, i), words_of(w, i)));
	}
	if (named < left)
		TRY(buf_add_format(to, e, "; and %zu more", left - named));
	return 0;
}

#define STATE_TEXT_MAX ((NAMED_MAX + 1) * (ERR_TEXT_MAX + CLUSTER_NAME_MAX + 4))

/* A line for each node that has changed; of more than a few, one for all. */
static int say_changes(struct waiting *w, struct err *e)
{
	AUTO(buf) struct buf state = BUF_INIT(STATE_TEXT_MAX);
	size_t changed[NAMED_MAX], count = 0;

	for (size_t i = 0; i < w->run->cluster->node_count; i++) {
		if (!wait_is_about(&w->wait, i) || strcmp(w->told[i], words_of(w, i)) == 0)
			continue;
		snprintf(w->told[i], sizeof(w->told[i]), "%s", words_of(w, i));
		if (count < NAMED_MAX)
			changed[count] = i;
		count++;
	}
	if (count)
		w->pace.attempt = 0;
	for (size_t i = 0; count <= NAMED_MAX && i < count; i++)
		context_say(w->c, "%s: %s", name_of(w, changed[i]), words_of(w, changed[i]));
	TRY(describe(w, /* never= */ false, &state, e));
	if (count > NAMED_MAX)
		context_say(w->c, "%s", buf_text(&state));
	progress_set(&w->c->progress, wait_count(w->run, &w->wait, WAIT_MET),
	             w->run->cluster->node_count, "%s", buf_text(&state));
	return 0;
}

static int wait_until(struct waiting *w, enum ending *ret, struct err *e)
{
	bool is_late = false;

	while (!is_late) {
		AUTO(buf) struct buf state = BUF_INIT(STATE_TEXT_MAX);
		enum wait_verdict verdict;

		TRY(wait_look(w->run, &w->wait, w->c->deadline_ms, e));
		TRY(say_changes(w, e));
		verdict = wait_outcome(w->run, &w->wait);
		if (verdict != WAIT_NOT_YET) {
			*ret = verdict == WAIT_MET ? ENDED_MET : ENDED_NEVER;
			return 0;
		}
		TRY(describe(w, /* never= */ false, &state, e));
		TRY(pause_between(w->c, &w->pace, buf_text(&state), &is_late, e));
	}
	*ret = ENDED_LATE;
	return 0;
}

/* The worst of those that can't become so; or that the time was up. */
static int fail(const struct waiting *w, enum ending ending, struct err *failure, struct err *e)
{
	AUTO(buf) struct buf state = BUF_INIT(STATE_TEXT_MAX);
	const struct err *worst = NULL;

	TRY(describe(w, ending == ENDED_NEVER, &state, e));
	for (size_t i = 0; ending == ENDED_NEVER && i < w->run->cluster->node_count; i++) {
		const struct wait_node *n = &w->wait.nodes[i];

		if (wait_is_about(&w->wait, i) && n->verdict == WAIT_NEVER &&
		    (!worst || err_worse(worst->code, n->why.code) != worst->code))
			worst = &n->why;
	}
	(void)err_reason(failure, worst ? worst->code : ERR_TRY_AGAIN,
	                 worst ? worst->reason : OBSERVATION_LATE, "%s%s",
	                 worst ? "" : "the time is up: ", buf_text(&state));
	return 0;
}

static int fill_node(const struct waiting *w, size_t node, struct waited *d, struct err *e)
{
	const struct wait_node *n = &w->wait.nodes[node];
	bool is_met = n->verdict == WAIT_MET;
	AUTO(buf) struct buf why = BUF_INIT(PROGRESS_LINE_MAX);
	struct waited_node *row;

	TRY(wire_list_add(&d->nodes, &waited_node_schema, &row, e));
	row->met = is_met;
	row->verdict = (int)n->verdict;
	TRY(context_commands(w->c, is_met ? "" : words_of(w, node), &why, e));
	TRY(wire_set_text(&row->name, name_of(w, node), e));
	TRY(wire_set_text(&row->reason, is_met ? "" : n->why.reason, e));
	return wire_set(&row->why, buf_view(&why), e);
}

static int fill(const struct waiting *w, struct waited *d, struct err *e)
{
	d->wanted = (int)w->wait.what;
	d->mode = w->wait.is_any;
	for (size_t i = 0; i < w->run->cluster->node_count; i++) {
		const struct wait_node *n = &w->wait.nodes[i];

		if (!wait_is_about(&w->wait, i))
			continue;
		TRY(fill_node(w, i, d, e));
		d->node_count++;
		d->met_count += n->verdict == WAIT_MET;
		if (n->verdict == WAIT_NOT_YET && n->why.code == ERR_WAITING)
			TRY(alias_list_merge(&w->run->seen.nodes[i].status.shares_missing,
			                     &d->waiting_for, e));
	}
	return 0;
}

/* Of many nodes those are shown that are not as they should be. */
static int print_nodes(struct context *c, const struct waited *d, struct err *e)
{
	static const enum tone tones[] = { TONE_WAIT, TONE_GOOD, TONE_BAD, TONE_FAINT };
	AUTO(table) struct table t = TABLE_INIT("NODE", "MET", "WHY");
	const struct waited_node *nodes = d->nodes.items;
	bool is_cut = !c->is_wide && d->nodes.count > NODES_SHOWN_MAX;
	size_t shown = 0;

	print_line(c, "%s: %lld of %lld%s%s", wait_names[d->wanted], (long long)d->met_count,
	           (long long)d->node_count, d->wanted == WAIT_SHARES ? " TEEs" : "",
	           d->mode ? ", one is enough" : "");
	t.keeps_last = true;
	for (size_t i = 0; i < d->nodes.count; i++) {
		if (is_cut && (nodes[i].met || shown >= NODES_SHOWN_MAX))
			continue;
		shown++;
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&nodes[i].name)));
		TRY(table_cell(&t, tones[nodes[i].verdict], e, "%s",
		               verdict_words[nodes[i].verdict]));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&nodes[i].why)));
	}
	if (shown)
		table_print(c, &t);
	nodes_print_left(c, d->nodes.count - shown);
	return 0;
}

/* What status would say comes next. */
static int find_next(struct run *r, const bool *chosen, struct buf *ret, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };

	r->options.chosen = chosen;
	TRY(report_make(r, &report, e));
	return wire_set(ret, buf_view(&report.next), e);
}

static bool is_any_absent(const struct waiting *w)
{
	for (size_t i = 0; i < w->run->cluster->node_count; i++)
		if (wait_is_about(&w->wait, i) && w->wait.nodes[i].verdict == WAIT_NOT_YET &&
		    w->run->seen.nodes[i].presence == NODE_ABSENT)
			return true;
	return false;
}

static int end(struct waiting *w, enum ending ending, struct err *e)
{
	AUTO(waited) struct waited d = { 0 };
	AUTO(buf) struct buf next = BUF_INIT(0);
	struct err failure = { 0 };

	progress_clear(&w->c->progress);
	TRY(fill(w, &d, e));
	TRY(print_nodes(w->c, &d, e));
	if (ending != ENDED_MET) {
		TRY(fail(w, ending, &failure, e));
		if (w->wait.what != WAIT_GONE)
			TRY(find_next(w->run, w->wait.chosen, &next, e));
		/* More time alone starts nothing. */
		if (ending == ENDED_LATE && next.len && is_any_absent(w))
			context_hint(w->c, "%s", buf_text(&next));
	}
	return finish(w->c, &d, ending, &w->pace, &failure, buf_text(&next), e);
}

/* Has the wait woken by the end of those that run here. The others, and any that can't be watched,
 * are asked by the clock. */
static int watch_processes(struct waiting *w, struct err *e)
{
	const struct run *r = w->run;

	TRY(wake_open(&w->pace.wake, e));
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		int fd = -1;

		if (!r->cluster->nodes[i].listen || !wait_is_about(&w->wait, i))
			continue;
		TRY(launcher_process(&r->state, &r->cluster->nodes[i], &fd, e));
		if (fd >= 0)
			TRY(wake_on_process(&w->pace.wake, fd, e));
	}
	return 0;
}

static int wait_for_nodes(struct context *c, const struct wait_args *args, struct err *e)
{
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	AUTO(waiting) struct waiting w = { .c = c, .run = &r, .pace = pace_start() };
	/* Whether a key can come depends on the others too. */
	enum choice_scope scope = args->what == WAIT_READY ? CHOICE_OF_WHOLE : CHOICE_ALONE;
	enum ending ending;
	struct err ignored;

	TRY(choice_open(c, /* to_change= */ false, scope, &args->nodes, &choice, &r, e));
	if (scope == CHOICE_OF_WHOLE)
		r.options.chosen = NULL;
	TRY(wait_new(&r, (enum wait_for)args->what, args->any, choice.flags, &w.wait, e));
	w.told = calloc(c->cluster.node_count, sizeof(*w.told));
	if (!w.told)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", c->cluster.node_count);
	if (args->what == WAIT_GONE && watch_processes(&w, &ignored) < 0)
		wake_drop(&w.pace.wake);
	TRY(wait_until(&w, &ending, e));
	return end(&w, ending, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct wait_args *args = arguments;

	if (args->any && args->all)
		return err_set(e, ERR_USAGE, "--any and --all: one of the two");
	if (args->manifest && args->what != WAIT_APPROVALS)
		return err_set(e, ERR_USAGE, "--manifest goes with --for approvals alone");
	c->is_wide = args->wide;
	return args->what == WAIT_APPROVALS ? wait_for_approvals(c, args, e)
	                                    : wait_for_nodes(c, args, e);
}

const struct cmd cmd_wait = {
	.name = "wait",
	.summary = "block until nodes are ready or gone, or people have acted",
	.details =
	    "Looks again and again, in growing and random distances, until every node that is "
	    "chosen is as asked for, or one with --any. ready: a live attestation and a key proof "
	    "show it; verified: a live attestation does; both for all nodes in one look. shares: the "
	    "members' shares are in, as the TEE that waits for them says. approvals: enough of the "
	    "manifest set have signed the manifest (with --manifest the envelope that manifest "
	    "collect adds them to). gone: the node does not run, or, where others "
	    "launched it, does not answer.\n\n"
	    "Ends at once where waiting does not help: an attestation is refused (status 5), this "
	    "client may not look (77), no TEE has the key or waits for shares (2). While another "
	    "run of teectl works on this state folder, what it may still bring about is waited "
	    "for. A node of this machine that is not running is waited for as well, since a person "
	    "or a watch may start it at any time: what does is said at once. At the end of --timeout (status 75) it names for each node the last thing that "
	    "failed.\n\n"
	    "Standard error has a line when something changes, and one every ten seconds where it "
	    "is no terminal.",
	.examples = { { "teectl wait --for ready", "status 0: every TEE has shown the key" },
	              { "teectl wait --for verified --any region=eu", "one of a region" },
	              { "teectl wait --for shares --timeout 1h", "while members submit theirs" },
	              { "teectl wait --for approvals --manifest next.json", "while they sign" } },
	.exits = { 2, 5, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 600000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct wait_args),
	.run = run,
};

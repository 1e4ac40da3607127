#include "orchestrate/watch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "cluster/watcher.h"
#include "orchestrate/policy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* One that takes the question and never answers holds the others up no longer than that. */
#define ATTEST_MS      10000
#define ATTEST_NODE_MS 20 /* each more: its chain is verified here */
/* Descriptors that are no pidfd's nor a node's connection: launches, etcd, metrics, the state. */
#define FILES_OF_OURS 160

const char *const watch_event_names[] = {
#define X(id, name) name,
	WATCH_EVENT_LIST(X)
#undef X
	    NULL,
};

int64_t watch_crash_wait_ms(unsigned launches)
{
	int64_t wait = CRASH_WAIT_FIRST_MS;

	if (launches < 2)
		return 0;
	for (unsigned i = 2; i < launches && wait < CRASH_WAIT_MAX_MS; i++)
		wait *= 2;
	return wait < CRASH_WAIT_MAX_MS ? wait : CRASH_WAIT_MAX_MS;
}

void watch_count_forward(struct watch_stats *stats, int64_t elapsed_us)
{
	static const int64_t bounds_ms[FORWARD_BOUND_COUNT] = FORWARD_BOUNDS_MS;

	stats->forwards++;
	stats->forward_us += elapsed_us;
	for (size_t i = 0; i < FORWARD_BOUND_COUNT; i++)
		stats->forwards_up_to[i] += elapsed_us <= bounds_ms[i] * 1000;
}

static bool is_busy(const struct watch *w)
{
	bool is_locked;
	struct err ignored;

	/* A lock that can't be looked at is told by the heal that needs it. */
	return state_is_locked(&w->run.state, &is_locked, &ignored) == 0 && is_locked;
}

static bool is_another_at_work(const struct watch *w)
{
	return w->was_busy || is_busy(w);
}

/* Of a document, and not that it could not be had. */
static bool is_refusal(const struct err *failure)
{
	return failure->code == ERR_ATTESTATION || failure->code == ERR_REFUSED;
}

bool watch_is_changed(const struct watch_node *known, const struct node_seen *seen)
{
	const struct status_reply *status = &seen->status;

	if (seen->presence != NODE_PRESENT)
		return false;
	return !known->is_attested || known->phase != status->phase ||
	       known->has_manifest != status->has_manifest_hash ||
	       memcmp(known->manifest, status->manifest_hash, sizeof(known->manifest)) != 0 ||
	       strncmp(known->instance, buf_text(&status->instance_id), INSTANCE_MAX) != 0;
}

static void remember(struct watch_node *known, const struct status_reply *status)
{
	known->is_attested = true;
	known->phase = status->phase;
	known->has_manifest = status->has_manifest_hash;
	memcpy(known->manifest, status->manifest_hash, sizeof(known->manifest));
	snprintf(known->instance, sizeof(known->instance), "%s", buf_text(&status->instance_id));
	known->attested_unix_ms = clock_unix_ms();
}

int watch_judge(const struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;

	if (report_judge(report, e) == 0)
		return 0;
	if (e->code != ERR_NOT_DESIRED)
		return -1;
	/* As apply ends where they are not here: a watch has no share. */
	if (report->is_lost)
		return err_reason(e, ERR_WAITING, OBSERVATION_KEY_LOST,
		                  "no TEE has the quorum key, and a watch opens no share: it waits "
		                  "for members to bring the key back");
	/* Those of an older manifest hold the key, and are not what the file wants. */
	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].state == NODE_READY && nodes[i].verified)
			e->code = ERR_PARTIAL;
		else if (nodes[i].state == NODE_WAITING && e->code != ERR_PARTIAL)
			e->code = ERR_WAITING;
	return -1;
}

/* --- attesting */

/* The first one is no news. */
static void tell_manifest(struct watch *w)
{
	const struct hash256 none = { 0 };
	const struct manifest *m = &w->run.seen.genesis.envelope.manifest;
	char hex[65], text[ERR_TEXT_MAX];

	if (!w->run.seen.has_genesis ||
	    view_equal(VIEW_OF(w->manifest_hash.bytes), VIEW_OF(none.bytes)))
		return;
	hex_write(VIEW_OF(w->run.seen.genesis.manifest_hash.bytes), hex);
	snprintf(text, sizeof(text),
	         "another manifest is the current one, %.8s (nonce %lld): it goes by that from now "
	         "on; TEEs of the one before are judged by theirs",
	         hex, (long long)m->namespace.nonce);
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_FILE, .text = text });
}

/* The policy was settled for a manifest: another one that has become current has its own PCRs. */
static void forget_policy(struct watch *w)
{
	struct run *r = &w->run;

	if (memcmp(w->manifest_hash.bytes, r->seen.genesis.manifest_hash.bytes,
	           sizeof(w->manifest_hash.bytes)) == 0)
		return;
	tell_manifest(w);
	w->manifest_hash = r->seen.genesis.manifest_hash;
	policy_forget(r);
	for (size_t i = 0; i < w->cluster->node_count; i++)
		w->nodes[i].is_attested = false;
}

/* What was shown by another start of it, or before it went, shows nothing now. */
static size_t choose_targets(struct watch *w)
{
	bool is_due = clock_monotonic_ms() >= w->attest_due_ms, at_work = is_another_at_work(w);
	size_t count = 0;

	for (size_t i = 0; i < w->cluster->node_count; i++) {
		struct watch_node *known = &w->nodes[i];
		const struct node_seen *seen = &w->run.seen.nodes[i];

		if (seen->presence != NODE_PRESENT || watch_is_changed(known, seen)) {
			known->is_attested = false;
			w->run.proofs[i] = (struct node_proof){ 0 };
		}
		/* One that goes and comes while the same run is at work gains no time by it. */
		if (seen->presence == NODE_ABSENT && !at_work)
			known->settling_ms = 0;
		w->targets[i] = seen->presence == NODE_PRESENT &&
		                (is_due || !known->is_attested || known->is_quarantined);
		count += w->targets[i];
	}
	if (is_due)
		w->attest_due_ms = clock_monotonic_ms() + w->cluster->watch.reattest_ms;
	return count;
}

static void quarantine(struct watch *w, size_t node)
{
	struct watch_node *known = &w->nodes[node];

	w->stats.reattest_failures++;
	if (known->is_quarantined)
		return;
	known->is_quarantined = true;
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_QUARANTINED,
	                                           .node = w->cluster->nodes[node].name,
	                                           .text = w->run.proofs[node].refusal.text });
}

/* In the middle of another run's work: nothing is taken from it, and nobody is called for it. Not
 * for longer than between two attestations: whoever answers slowly makes a run last. */
static bool is_settling(const struct watch *w, struct watch_node *known, const struct err *refusal)
{
	int64_t now = clock_monotonic_ms();

	if (!policy_may_settle(refusal) || !is_another_at_work(w))
		return false;
	if (!known->settling_ms)
		known->settling_ms = now;
	return now - known->settling_ms < w->cluster->watch.reattest_ms;
}

static void take_proof(struct watch *w, size_t node)
{
	struct watch_node *known = &w->nodes[node];
	const struct node_proof *proof = &w->run.proofs[node];

	known->is_attested = false;
	if (proof->is_refused && is_refusal(&proof->refusal) &&
	    !is_settling(w, known, &proof->refusal)) {
		quarantine(w, node);
		return;
	}
	if (proof->is_refused || proof->holding == HOLDS_UNKNOWN)
		return; /* it could not be had: the next round asks again */
	/* That its setup key is gone a retired one shows as well: it says that it has the key, and
	 * the proof of that did not come. */
	if (node_has_key(&w->run.seen, node) && !proof->has_key_proof)
		return;
	remember(known, &w->run.seen.nodes[node].status);
	known->settling_ms = 0;
	if (!known->is_quarantined)
		return;
	known->is_quarantined = false;
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_RELEASED,
	                                           .node = w->cluster->nodes[node].name,
	                                           .text = "its document verifies again" });
}

/* What fails here shows in the proofs; only the user's wish ends it. */
static int attest(struct watch *w, struct err *e)
{
	const struct goal goal = { .kind = GOAL_WATCH, .targets = w->targets };
	AUTO(plan) struct plan plan = { 0 };
	size_t count;
	struct err shown;

	forget_policy(w);
	count = choose_targets(w);
	if (count == 0)
		return 0;
	w->run.deadline_ms = clock_monotonic_ms() + ATTEST_MS + (int64_t)(count * ATTEST_NODE_MS);
	TRY(plan_make(w->cluster, &w->run.seen, &goal, &plan, e));
	(void)!execute(&w->run, &plan, &shown);
	if (w->run.is_interrupted) {
		w->is_stopping = true;
		return 0;
	}
	for (size_t i = 0; i < w->cluster->node_count; i++)
		if (w->targets[i])
			take_proof(w, i);
	return 0;
}

/* --- healing */

static void tell_loop(struct watch *w, size_t node, int64_t wait_ms)
{
	struct watch_node *known = &w->nodes[node];
	char text[ERR_TEXT_MAX];

	if (known->is_loop_told || !known->launched)
		return; /* one that did not come up was told as failed */
	known->is_loop_told = true;
	snprintf(text, sizeof(text),
	         "launched %u times in a row and gone again; the next launch is in %lld ms",
	         known->launched, (long long)wait_ms);
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_CRASH_LOOP,
	                                           .node = w->cluster->nodes[node].name,
	                                           .text = text });
}

/* What is left until the node may be launched again; 0: now. */
static int64_t rest_ms(const struct watch_node *known)
{
	int64_t until = known->ended_ms + watch_crash_wait_ms(known->launches);
	int64_t now = clock_monotonic_ms();

	return until > now ? until - now : 0;
}

/* One that has run for long enough is in no loop, also if it was gone before this was seen. */
static void note_end(struct watch_node *known, bool is_gone)
{
	int64_t now = clock_monotonic_ms();

	if (known->launches && !known->ended_ms && now - known->launched_ms >= CRASH_CALM_MS)
		known->launches = known->launched = 0;
	if (!is_gone)
		known->ended_ms = 0;
	else if (!known->ended_ms)
		known->ended_ms = now;
}

/* By a verb: whoever stops a process forgets its pid. One that came up and was ready has shown that
 * it can run; one that never was may have been given up by its launch. */
static bool was_stopped(const struct watch *w, size_t node)
{
	struct local_node local;
	struct err ignored;

	return w->nodes[node].was_ready && w->cluster->nodes[node].listen &&
	       launcher_look(&w->run.state, &w->cluster->nodes[node], &local, &ignored) == 0 &&
	       !local.pid;
}

static void flag_nodes(struct watch *w)
{
	for (size_t i = 0; i < w->cluster->node_count; i++) {
		struct watch_node *known = &w->nodes[i];
		bool is_gone = w->run.seen.nodes[i].presence == NODE_ABSENT ||
		               node_standing(&w->run.seen, i) == STANDS_BROKEN;

		if (is_gone && !known->ended_ms && was_stopped(w, i))
			known->launches = known->launched = 0;
		note_end(known, is_gone);
		/* Whoever claims the key and has not shown it gives none. */
		w->barred[i] =
		    known->is_quarantined || (node_has_key(&w->run.seen, i) && !known->is_attested);
		w->resting[i] = is_gone && rest_ms(known) > 0;
		if (w->resting[i] && w->cluster->nodes[i].listen)
			tell_loop(w, i, rest_ms(known));
	}
}

static bool is_of_step(const struct event *event)
{
	return event->kind == EVENT_STEP_STARTED || event->kind == EVENT_STEP_DONE ||
	       event->kind == EVENT_STEP_FAILED;
}

static void count_step(struct watch *w, const struct event *event)
{
	struct watch_node *known = &w->nodes[event->node_index];

	if (event->kind == EVENT_STEP_STARTED && event->step_kind == STEP_LAUNCH) {
		known->launches++;
		known->ended_ms = 0;
		known->launched_ms = clock_monotonic_ms();
		known->is_loop_told = known->was_ready = false;
	}
	known->launched += event->kind == EVENT_STEP_DONE && event->step_kind == STEP_LAUNCH;
	if (event->kind == EVENT_STEP_DONE && event->step_kind == STEP_FORWARD)
		watch_count_forward(&w->stats, event->elapsed_us);
	w->stats.heals_done += event->kind == EVENT_STEP_DONE && event->step_kind == STEP_PROVE;
	w->stats.heals_failed += event->kind == EVENT_STEP_FAILED;
}

/* A node that can't be healed is tried in each round, and told once. */
static bool is_news(struct watch *w, const struct event *event)
{
	struct watch_node *known = &w->nodes[event->node_index];

	if (event->kind == EVENT_STEP_DONE) {
		known->failure[0] = 0;
		return event->step_kind != STEP_VERIFY;
	}
	if (event->kind != EVENT_STEP_FAILED || strcmp(known->failure, event->text) == 0)
		return false;
	snprintf(known->failure, sizeof(known->failure), "%s", event->text);
	return true;
}

static void on_heal_event(void *context, const struct event *event)
{
	struct watch *w = context;

	if (!event->node)
		return; /* of the plan, or of them all */
	if (is_of_step(event))
		count_step(w, event);
	if (event->kind == EVENT_NOTE || (is_of_step(event) && is_news(w, event)))
		watch_tell_event(w, &(struct watch_event){ .kind = event->kind == EVENT_STEP_FAILED
		                                                       ? WATCH_FAILED
		                                                       : WATCH_DONE,
		                                           .node = event->node,
		                                           .step = event->step,
		                                           .text = event->text,
		                                           .elapsed_us = event->elapsed_us });
}

/* Between the two looks one that was attested may have been replaced. */
static void bar_replaced(struct watch *w, const struct run *heal)
{
	for (size_t i = 0; i < w->cluster->node_count; i++)
		if (node_has_key(&heal->seen, i) &&
		    watch_is_changed(&w->nodes[i], &heal->seen.nodes[i]))
			w->barred[i] = true;
}

static int make_plan(const struct watch *w, const struct observation *seen, struct plan *ret,
                     struct err *e)
{
	const struct goal goal = { .kind = GOAL_HEAL,
		                   .topology = w->options.topology,
		                   .barred = w->barred,
		                   .resting = w->resting };

	return plan_make(w->cluster, seen, &goal, ret, e);
}

/* Under the lock, of what is there then. */
static int heal_locked(struct watch *w, struct run *r, struct err *e)
{
	AUTO(plan) struct plan plan = { 0 };
	struct err shown;

	memcpy(r->proofs, w->run.proofs, w->cluster->node_count * sizeof(*r->proofs));
	bar_replaced(w, r);
	TRY(make_plan(w, &r->seen, &plan, e));
	if (plan.count)
		(void)!execute(r, &plan, &shown);
	w->is_stopping |= r->is_interrupted;
	return 0;
}

static void tell_busy(struct watch *w, const struct err *why)
{
	if (strcmp(w->told_busy, why->text) == 0)
		return;
	memcpy(w->told_busy, why->text, sizeof(w->told_busy));
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_BUSY, .text = why->text });
}

static void tell_unopened(struct watch *w, const struct err *why)
{
	if (why->code == ERR_INTERRUPTED) {
		w->is_stopping = true;
		return;
	}
	if (strcmp(why->reason, STATE_LOCKED) == 0) {
		w->was_busy = true;
		tell_busy(w, why);
	} else if (!w->unopened.text[0] || w->unopened.code != why->code) {
		watch_tell_event(w,
		                 &(struct watch_event){ .kind = WATCH_FAILED, .text = why->text });
	}
	w->unopened = *why;
}

/* *ret_tried: something was to be done, and was tried. */
static int heal(struct watch *w, bool *ret_tried, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(plan) struct plan plan = { 0 };
	struct run_options options = w->options.run;
	struct err why;

	*ret_tried = false;
	flag_nodes(w);
	TRY(make_plan(w, &w->run.seen, &plan, e));
	if (plan.count == 0) {
		w->unopened = (struct err){ 0 };
		return 0;
	}
	options.to_change = true;
	options.lender = &w->run;
	options.on_event = on_heal_event;
	options.event_context = w;
	if (w->etcd) {
		options.may = watch_lead_may;
		options.on_turn = watch_lead_on_turn;
		options.turn_ms = w->cluster->shared.lease_ms / LEASE_PARTS;
		options.may_context = w;
	}
	if (run_open(w->cluster, &options, &r, &why) < 0) {
		tell_unopened(w, &why);
		return 0;
	}
	w->unopened = (struct err){ 0 };
	*ret_tried = true;
	return heal_locked(w, &r, e);
}

/* --- calling for people */

/* Does the next heal what is missing? What it has failed at may need somebody. */
static int find_own_work(struct watch *w, bool *ret, struct err *e)
{
	AUTO(plan) struct plan plan = { 0 };

	flag_nodes(w);
	TRY(make_plan(w, &w->run.seen, &plan, e));
	*ret = false;
	for (size_t i = 0; i < plan.count; i++)
		*ret |= !plan.steps[i].refusal && !w->nodes[plan.steps[i].node].failure[0];
	return 0;
}

/* All that is missing waits for its next launch, which was told. */
static bool is_resting(const struct watch *w)
{
	const struct node_report *nodes = w->report.nodes.items;
	bool is_any = false;

	for (size_t i = 0; i < w->report.nodes.count; i++) {
		size_t node = nodes[i].index;

		if (nodes[i].state == NODE_READY)
			continue;
		if (!w->resting[node] || w->nodes[node].failure[0])
			return false;
		is_any = true;
	}
	return is_any && !w->report.is_lost;
}

/* At two rounds in a row: a TEE that is just ending does not answer, and is gone at the next. */
static bool is_lasting(struct watch *w)
{
	bool was_needed = w->was_needed;

	w->was_needed = w->report.missing.len > 0;
	return was_needed || !w->was_needed || w->options.is_once;
}

/* What another run is about, and what this watch does itself, is nobody's to do. */
static int call_people(struct watch *w, struct err *e)
{
	bool is_own = false, lasts = is_lasting(w);
	struct err holder;

	if (is_another_at_work(w)) {
		if (w->report.missing.len && is_busy(w)) {
			state_name_holder(&w->run.state, &holder);
			tell_busy(w, &holder);
		}
		return 0;
	}
	w->told_busy[0] = 0;
	/* A heal that can't begin was told, and leaves it to people. */
	if (w->report.missing.len && !w->options.is_once && !w->unopened.text[0])
		TRY(find_own_work(w, &is_own, e));
	if (!is_own && lasts && (w->options.is_once || !is_resting(w)))
		watch_tell_people(w);
	return 0;
}

/* --- the loop */

/* A file of the state that was altered, or one of TLS that is being replaced, is mended while it
 * watches: what can't be looked at is told, and looked at again. *ret_seen: it was. */
static int look(struct watch *w, bool *ret_seen, struct err *e)
{
	*ret_seen = run_look(&w->run, e) == 0;
	if (*ret_seen) {
		w->told_look[0] = 0;
		return 0;
	}
	if (e->code == ERR_INTERRUPTED) {
		w->is_stopping = true;
		return 0;
	}
	if (w->options.is_once || e->code == ERR_INTERNAL)
		return -1;
	if (strcmp(w->told_look, e->text) != 0)
		watch_tell_event(w, &(struct watch_event){ .kind = WATCH_FAILED, .text = e->text });
	memcpy(w->told_look, e->text, sizeof(w->told_look));
	return 0;
}

/* Looks, attests and tells. */
static int survey(struct watch *w, bool *ret_seen, struct err *e)
{
	w->was_busy = is_busy(w);
	TRY(look(w, ret_seen, e));
	if (!*ret_seen)
		return 0;
	TRY(watch_file_check(w, e));
	*ret_seen = watch_file_fits(w);
	if (w->is_stopping || !*ret_seen)
		return 0;
	TRY(attest(w, e));
	return w->is_stopping ? 0 : watch_tell(w, e);
}

/* Without etcd two on one state heal by turns, as the lock falls: whoever meets the other's doings
 * has to know that it is there. */
static void tell_other(struct watch *w)
{
	int pid = w->mark < 0 ? watcher_pid(&w->run.state) : 0;
	char text[ERR_TEXT_MAX];

	if (pid > 0 && pid != w->told_other && !w->etcd) {
		snprintf(
		    text, sizeof(text),
		    "is not alone on '%s': another watch (pid %d) heals as well, one at a time",
		    w->run.state.folder, pid);
		watch_tell_event(w, &(struct watch_event){ .kind = WATCH_LEADER, .text = text });
	}
	if (pid >= 0)
		w->told_other = pid;
}

static int do_round(struct watch *w, struct err *e)
{
	bool is_tried = false, is_seen;

	w->looks++;
	if (!w->options.is_once) {
		watcher_hold(&w->run.state, &w->mark);
		tell_other(w);
	}
	watch_lead_turn(w);
	watch_lead_sync(w);
	TRY(survey(w, &is_seen, e));
	watch_lead_turn(w);
	if (!w->is_stopping && is_seen && w->is_leader)
		TRY(heal(w, &is_tried, e));
	if (!w->is_stopping && is_tried)
		TRY(survey(w, &is_seen, e));
	if (w->is_stopping || !is_seen)
		return 0;
	if (w->is_leader)
		TRY(call_people(w, e));
	w->stats.rounds++;
	w->stats.last_round_ms = clock_unix_ms();
	if (w->options.on_round)
		w->options.on_round(w->options.context, w);
	return 0;
}

/* As many as the limit on open files leaves beside the client's connections. */
static size_t processes_max(const struct watch *w)
{
	size_t most = w->cluster->node_count,
	       taken =
	           FILES_OF_OURS + (most < CLIENT_CONNECTIONS_MAX ? most : CLIENT_CONNECTIONS_MAX);
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur <= taken)
		return 0;
	return files.rlim_cur - taken < most ? files.rlim_cur - taken : most;
}

/* One that ends is seen at once. More than the limit are seen at the next look. */
static void follow_processes(struct watch *w)
{
	size_t count = 0, most = processes_max(w);
	struct err ignored;

	for (size_t i = 0; i < w->cluster->node_count; i++)
		count += w->nodes[i].process >= 0;
	for (size_t i = 0; i < w->cluster->node_count && count < most; i++) {
		struct watch_node *known = &w->nodes[i];

		if (known->process >= 0)
			continue;
		if (w->cluster->nodes[i].listen && w->run.seen.nodes[i].presence == NODE_PRESENT &&
		    launcher_process(&w->run.state, &w->cluster->nodes[i], &known->process,
		                     &ignored) < 0)
			known->process = -1;
		count += known->process >= 0;
	}
}

/* What is waited for: those nodes' processes, and behind them the user. poll refuses more than the
 * limit on open files, also where most of them are none. */
struct waited {
	struct pollfd *fds;
	size_t *nodes, count;
};

static void waited_drop(struct waited *f)
{
	free(f->fds);
	free(f->nodes);
}

static int waited_fill(const struct watch *w, struct waited *ret, struct err *e)
{
	size_t most = w->cluster->node_count;

	ret->fds = calloc(most + 1, sizeof(*ret->fds));
	ret->nodes = calloc(most, sizeof(*ret->nodes));
	if (!ret->fds || !ret->nodes)
		return err_set(e, ERR_INTERNAL, "no memory to wait for %zu nodes", most);
	for (size_t i = 0; i < most; i++) {
		if (w->nodes[i].process < 0)
			continue;
		ret->nodes[ret->count] = i;
		ret->fds[ret->count++] =
		    (struct pollfd){ .fd = w->nodes[i].process, .events = POLLIN };
	}
	ret->fds[ret->count] =
	    (struct pollfd){ .fd = w->options.run.interrupt_fd, .events = POLLIN };
	return 0;
}

/* A process that watch itself launched must not stay a zombie. */
static void end_process(struct watch_node *known)
{
	siginfo_t info;

	(void)waitid(P_PIDFD, (id_t)known->process, &info, WEXITED | WNOHANG);
	close(known->process);
	known->process = -1;
}

static int64_t wait_ms(const struct watch *w)
{
	int64_t wait = w->cluster->watch.interval_ms, lead = watch_lead_wait_ms(w);

	wait = lead < wait ? lead : wait;
	for (size_t i = 0; i < w->cluster->node_count; i++)
		if (w->resting[i] && rest_ms(&w->nodes[i]) < wait)
			wait = rest_ms(&w->nodes[i]);
	return wait;
}

static int wait_for_event(struct watch *w, struct err *e)
{
	AUTO(waited) struct waited f = { 0 };

	follow_processes(w);
	TRY(waited_fill(w, &f, e));
	if (poll(f.fds, f.count + 1, (int)wait_ms(w)) < 0 && errno != EINTR)
		return err_sys(e, ERR_INTERNAL, errno, "waiting for an event");
	for (size_t i = 0; i < f.count; i++)
		if (f.fds[i].revents)
			end_process(&w->nodes[f.nodes[i]]);
	if (f.fds[f.count].revents) {
		if (w->options.run.on_interrupt)
			(void)w->options.run.on_interrupt(w->options.run.interrupt_context);
		w->is_stopping = true;
	}
	return 0;
}

static void watch_drop(struct watch *w)
{
	for (size_t i = 0; w->nodes && i < w->cluster->node_count; i++)
		if (w->nodes[i].process >= 0)
			close(w->nodes[i].process);
	run_drop(&w->run);
	fd_drop(&w->mark);
	watch_lead_drop(w);
	free(w->nodes);
	free(w->targets);
	free(w->barred);
	free(w->resting);
	cluster_report_drop(&w->report);
	watch_file_drop(w);
}

static int set_up(struct watch *w, struct err *e)
{
	size_t count = w->cluster->node_count;
	struct run_options options = w->options.run;

	w->nodes = calloc(count, sizeof(*w->nodes));
	w->targets = calloc(count, sizeof(*w->targets));
	w->barred = calloc(count, sizeof(*w->barred));
	w->resting = calloc(count, sizeof(*w->resting));
	if (!w->nodes || !w->targets || !w->barred || !w->resting)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", count);
	for (size_t i = 0; i < count; i++)
		w->nodes[i].process = -1;
	options.to_change = false;
	options.on_event = NULL;
	TRY(watch_lead_open(w, e));
	if (w->etcd) {
		options.on_turn = watch_lead_on_turn;
		options.turn_ms = w->cluster->shared.lease_ms / LEASE_PARTS;
		options.may_context = w;
	}
	options.is_watch = true;
	watch_lead_sync(w);
	if (run_open(w->cluster, &options, &w->run, e) == 0)
		return 0;
	w->is_stopping = e->code == ERR_INTERRUPTED;
	return w->is_stopping ? 0 : -1;
}

static int judge_once(const struct watch *w, struct err *e)
{
	TRY(watch_lead_judge(w, e));
	if (w->unfit.text[0]) {
		*e = w->unfit;
		return -1;
	}
	if (!w->unopened.text[0])
		return watch_judge(&w->report, e);
	if (strcmp(w->unopened.reason, STATE_LOCKED) == 0)
		return err_reason(
		    e, ERR_TRY_AGAIN, STATE_LOCKED,
		    "what is missing was not healed, since another run holds the state");
	*e = w->unopened;
	return err_wrap(e, "what is missing was not healed");
}

int watch_run(const struct cluster *cluster, const struct watch_options *options, struct err *e)
{
	AUTO(watch)
	struct watch w = { .cluster = cluster, .options = *options, .run = RUN_INIT, .mark = -1 };

	TRY(set_up(&w, e));
	while (!w.is_stopping) {
		TRY(do_round(&w, e));
		if (options->is_once && !w.is_stopping)
			return judge_once(&w, e);
		if (!w.is_stopping)
			TRY(wait_for_event(&w, e));
	}
	return 0;
}

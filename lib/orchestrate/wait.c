#include "orchestrate/wait.h"

#include "base/clock.h"
#include "base/text.h"
#include "orchestrate/drive.h"
#include "orchestrate/policy.h"
#include "orchestrate/report.h"

#include <stdlib.h>
#include <string.h>

const char *const wait_names[] = { "ready", "verified", "shares", "approvals", "gone", NULL };

#define ROUND_MS 10000 /* of all attestations of one look: what hangs is asked again */
/* No answer for so long is a TEE that hangs, and not one that is slow, however short the looks. */
#define SILENCE_MS 1000
#define NAMES_TEXT 320 /* members' names in one error's text */

void wait_drop(struct wait *w)
{
	free(w->nodes);
	*w = (struct wait){ 0 };
}

int wait_new(const struct run *r, enum wait_for what, bool is_any, const bool *chosen,
             struct wait *ret, struct err *e)
{
	struct wait_node *nodes = calloc(r->cluster->node_count, sizeof(*nodes));

	if (!nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", r->cluster->node_count);
	*ret = (struct wait){ .what = what, .is_any = is_any, .chosen = chosen, .nodes = nodes };
	return 0;
}

bool wait_is_about(const struct wait *w, size_t node)
{
	return !w->chosen || w->chosen[node];
}

size_t wait_count(const struct run *r, const struct wait *w, enum wait_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < r->cluster->node_count; i++)
		count += wait_is_about(w, i) && w->nodes[i].verdict == verdict;
	return count;
}

/* --- judging */

/* "2 of 3 shares are in; waiting for one of: alice, bob" */
static void say_shares(const struct status_reply *status, struct err *why)
{
	AUTO(buf) struct buf names = BUF_INIT(NAMES_TEXT);
	const struct alias_item *missing = status->shares_missing.items;
	int64_t needed = status->threshold - status->shares_received;
	char some[NEEDED_TEXT_MAX];
	struct err full;

	for (size_t i = 0; i < status->shares_missing.count; i++)
		if (buf_add_format(&names, &full, "%s%s", i ? ", " : "",
		                   buf_text(&missing[i].alias)) < 0)
			break;
	report_say_needed(needed, status->shares_missing.count, some);
	if (needed <= 0)
		(void)err_set(why, ERR_WAITING,
		              "%lld of %lld shares are in, and do not give the quorum key",
		              (long long)status->shares_received, (long long)status->threshold);
	else
		(void)err_set(why, ERR_WAITING, "%lld of %lld shares are in; %s%s",
		              (long long)status->shares_received, (long long)status->threshold,
		              some, buf_text(&names));
}

static void set_by(struct wait_node *n, const struct wait *w, const struct err *why)
{
	n->why = *why;
	n->verdict = err_info(why->code)->is_final && !(w->is_changing && policy_may_settle(why))
	                 ? WAIT_NEVER
	                 : WAIT_NOT_YET;
}

static bool is_hung(const struct wait *w, size_t node)
{
	const struct wait_node *n = &w->nodes[node];

	return n->silent_ms && w->judged_ms - n->silent_ms >= SILENCE_MS;
}

/* The time alone, and not how long ago: it is said once. */
static void say_silent(struct wait_node *n)
{
	char since[TIME_TEXT_LEN];

	time_format(n->silent_unix_ms, since);
	(void)err_reason(&n->why, n->why.code, n->why.reason, "no answer since %s", since);
}

static void judge_apart(const struct run *r, const struct wait *w, size_t node)
{
	struct wait_node *n = &w->nodes[node];
	const struct node_seen *seen = &r->seen.nodes[node];

	/* What is told is what failed before the time was up. */
	if (node_is_late(&r->seen, node) && !is_hung(w, node) && n->why.text[0])
		return;
	set_by(n, w, &seen->why);
	if (n->silent_ms)
		say_silent(n);
	if (seen->presence == NODE_STRAY && w->is_changing)
		n->verdict = WAIT_NOT_YET;
}

/* What stands between it and the key, as it says itself. */
static void say_standing(const struct run *r, const struct wait *w, size_t node)
{
	struct wait_node *n = &w->nodes[node];

	n->verdict = WAIT_NOT_YET;
	switch (node_standing(&r->seen, node)) {
	case STANDS_BROKEN:
		(void)err_set(&n->why, ERR_NOT_DESIRED,
		              "it is in UnrecoverableError, and has to be started anew");
		n->verdict = w->is_changing ? WAIT_NOT_YET : WAIT_NEVER;
		break;
	case STANDS_EMPTY:
		(void)err_set(&n->why, ERR_NOT_DESIRED, "it has no manifest yet, and no key");
		break;
	case STANDS_OLD:
		(void)err_set(&n->why, ERR_NOT_DESIRED,
		              "it holds an older manifest of this cluster");
		break;
	case STANDS_WAITING:
		if (node_waits_for_shares(&r->seen, node))
			say_shares(&r->seen.nodes[node].status, &n->why);
		else
			(void)err_set(&n->why, ERR_NOT_DESIRED,
			              "it waits for the key to be forwarded");
		break;
	case STANDS_READY:
	case STANDS_APART:
	case STANDS_OCCUPIED:
		(void)err_set(&n->why, ERR_NOT_DESIRED, "it has not shown it by a document");
		break;
	}
}

static void judge_shown(const struct run *r, const struct wait *w, size_t node)
{
	struct wait_node *n = &w->nodes[node];
	const struct node_proof *proof = &r->proofs[node];
	bool is_verified = !proof->is_refused && proof->holding != HOLDS_UNKNOWN;
	bool is_shown = w->what == WAIT_VERIFIED
	                    ? is_verified
	                    : is_verified && proof->has_key_proof && !proof->is_older;

	if (is_shown) {
		n->verdict = WAIT_MET;
		n->why.text[0] = 0;
	} else if (r->seen.nodes[node].presence != NODE_PRESENT) {
		judge_apart(r, w, node);
	} else if (proof->is_refused) {
		set_by(n, w, &proof->refusal);
	} else {
		say_standing(r, w, node);
		if (n->has_failure &&
		    (w->what == WAIT_VERIFIED || node_standing(&r->seen, node) == STANDS_READY))
			set_by(n, w, &n->failure);
	}
}

static void judge_shares(const struct run *r, const struct wait *w, size_t node)
{
	struct wait_node *n = &w->nodes[node];

	/* As it was before the time was up (judge_apart). */
	if (node_is_late(&r->seen, node) && n->why.text[0])
		return;
	n->verdict = WAIT_NOT_ASKED;
	if (r->seen.nodes[node].presence != NODE_PRESENT) {
		n->why = r->seen.nodes[node].why;
	} else if (node_has_key(&r->seen, node) ||
	           (node_standing(&r->seen, node) == STANDS_WAITING &&
	            node_phase(&r->seen, node) == PHASE_PROVISIONED)) {
		n->verdict = WAIT_MET;
		n->why.text[0] = 0;
	} else if (node_waits_for_shares(&r->seen, node)) {
		say_shares(&r->seen.nodes[node].status, &n->why);
		n->verdict = WAIT_NOT_YET;
	} else {
		(void)err_set(&n->why, ERR_NOT_DESIRED, "it does not wait for shares");
	}
}

/* What refuses this client, or has a certificate that is not accepted, is there. */
static bool is_gone(const struct node_seen *seen)
{
	return seen->presence == NODE_ABSENT ||
	       (seen->presence == NODE_UNREACHABLE && seen->why.code == ERR_UNREACHABLE &&
	        seen->why.reason[0] == 0);
}

/* One of this machine is asked where its process lives, and else absent: it may be stopped, or too
 * busy to answer, and has all that it had. */
static bool lives_here(const struct run *r, size_t node)
{
	return r->cluster->nodes[node].listen && r->seen.nodes[node].presence == NODE_UNREACHABLE;
}

static void judge_gone(const struct run *r, const struct wait *w, size_t node)
{
	struct wait_node *n = &w->nodes[node];
	const struct node_seen *seen = &r->seen.nodes[node];

	n->verdict = WAIT_NOT_YET;
	if (!lives_here(r, node) && (is_gone(seen) || is_hung(w, node))) {
		n->verdict = WAIT_MET;
		n->why.text[0] = 0;
	} else if (seen->presence == NODE_PRESENT) {
		(void)err_set(&n->why, ERR_NOT_DESIRED, "it answers, and is in %s",
		              phase_name(node_phase(&r->seen, node)));
	} else if (!node_is_late(&r->seen, node) || !n->why.text[0]) {
		n->why = seen->why;
		if (n->silent_ms)
			say_silent(n);
	}
}

/* Where there is no key and nobody is about to make one, it comes to nobody. */
static void judge_hope(const struct run *r, struct wait *w)
{
	struct err why;

	if (w->what != WAIT_READY || w->is_changing || observation_may_have_key(&r->seen))
		return;
	(void)err_reason(&why, ERR_NOT_DESIRED, r->seen.has_genesis ? OBSERVATION_KEY_LOST : "",
	                 "no TEE of the cluster file has the quorum key, and none waits for "
	                 "shares: it can't become ready by waiting");
	for (size_t i = 0; i < r->cluster->node_count; i++)
		if (w->nodes[i].verdict == WAIT_NOT_YET) {
			w->nodes[i].verdict = WAIT_NEVER;
			w->nodes[i].why = why;
		}
}

/* Shares go to a node that waits for them: with none, and no run that would bring one about, they
 * go nowhere. */
static void judge_turns(const struct run *r, struct wait *w)
{
	bool may_come = w->is_changing;

	if (w->what != WAIT_SHARES || wait_count(r, w, WAIT_NOT_ASKED) == 0 ||
	    wait_count(r, w, WAIT_MET) + wait_count(r, w, WAIT_NOT_YET) > 0)
		return;
	for (size_t i = 0; i < r->cluster->node_count; i++)
		may_come |= wait_is_about(w, i) && r->seen.nodes[i].presence == NODE_UNREACHABLE;
	for (size_t i = 0; i < r->cluster->node_count; i++)
		w->nodes[i].verdict = may_come ? WAIT_NOT_YET : WAIT_NEVER;
}

void wait_judge(const struct run *r, struct wait *w)
{
	static void (*const judges[])(const struct run *, const struct wait *, size_t) = {
		[WAIT_READY] = judge_shown,
		[WAIT_VERIFIED] = judge_shown,
		[WAIT_SHARES] = judge_shares,
		[WAIT_GONE] = judge_gone,
	};

	for (size_t i = 0; i < r->cluster->node_count; i++)
		if (wait_is_about(w, i))
			judges[w->what](r, w, i);
	judge_hope(r, w);
	judge_turns(r, w);
}

static bool is_proof(const struct wait *w)
{
	return w->what == WAIT_READY || w->what == WAIT_VERIFIED;
}

/* Counts those that are met as this look has shown, and has the others that were met before prove
 * it again: in between it may have changed. */
static size_t count_shown(const struct run *r, struct wait *w, size_t *ret_stale)
{
	size_t count = 0;

	*ret_stale = 0;
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		struct wait_node *n = &w->nodes[i];

		if (!wait_is_about(w, i) || n->verdict != WAIT_MET)
			continue;
		if (!is_proof(w) || n->shown == w->looks)
			count++;
		else
			++*ret_stale;
	}
	return count;
}

enum wait_verdict wait_outcome(const struct run *r, struct wait *w)
{
	size_t never = wait_count(r, w, WAIT_NEVER), not_yet = wait_count(r, w, WAIT_NOT_YET);
	size_t stale, shown = count_shown(r, w, &stale);

	if (w->is_any && shown)
		return WAIT_MET;
	if (w->is_any ? !not_yet && !stale && never : never > 0)
		return WAIT_NEVER;
	if (not_yet && !(w->is_any && stale))
		return WAIT_NOT_YET;
	for (size_t i = 0; stale && i < r->cluster->node_count; i++)
		w->nodes[i].shown = 0;
	return stale ? WAIT_NOT_YET : WAIT_MET;
}

/* --- looking */

struct look {
	struct run *run;
	struct wait *wait;
	bool *targets; /* one flag a node */
	struct observation before;
	bool was_changing;
};

static void look_drop(struct look *l)
{
	free(l->targets);
	observation_drop(&l->before);
	*l = (struct look){ 0 };
}

static void on_event(void *context, const struct event *event)
{
	const struct look *l = context;

	if (event->kind != EVENT_STEP_FAILED)
		return;
	l->wait->nodes[event->node_index].failure = *event->failure;
	l->wait->nodes[event->node_index].has_failure = true;
}

static bool is_same_start(const struct observation *before, const struct observation *now,
                          size_t node)
{
	return before->nodes[node].presence == NODE_PRESENT &&
	       now->nodes[node].presence == NODE_PRESENT &&
	       view_equal(buf_view(&before->nodes[node].status.instance_id),
	                  buf_view(&now->nodes[node].status.instance_id));
}

/* What was proved of another start of a node, or by another manifest, is forgotten; and so is what
 * did not come to a judgement. */
static void forget(struct look *l)
{
	struct run *r = l->run;
	bool is_same = l->before.has_genesis == r->seen.has_genesis &&
	               view_equal(VIEW_OF(l->before.genesis.manifest_hash.bytes),
	                          VIEW_OF(r->seen.genesis.manifest_hash.bytes));

	if (!is_same)
		policy_forget(r);
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		struct wait_node *n = &l->wait->nodes[i];

		n->has_failure = false;
		if (is_same && (n->shown || n->is_verified) &&
		    is_same_start(&l->before, &r->seen, i))
			continue;
		n->shown = 0;
		n->is_verified = false;
		r->proofs[i] = (struct node_proof){ 0 };
	}
}

static int look_again(struct look *l, int64_t end_ms, struct err *e)
{
	struct run *r = l->run;
	int64_t left = end_ms - clock_monotonic_ms();

	l->before = MOVE(r->seen);
	if (left < r->look_ms)
		r->look_ms = left > 1 ? left : 1;
	if (run_look(r, e) < 0) {
		r->seen = MOVE(l->before);
		return -1;
	}
	forget(l);
	return 0;
}

/* Those whose proof is wanted and not there. A node that says that it is ready proves the key too.
 */
static size_t choose_targets(struct look *l, bool with_key)
{
	const struct run *r = l->run;
	size_t count = 0;

	for (size_t i = 0; i < r->cluster->node_count; i++) {
		const struct wait_node *n = &l->wait->nodes[i];
		bool wants_key = l->wait->what == WAIT_READY;
		bool is_ready = wants_key && node_standing(&r->seen, i) == STANDS_READY;
		bool is_proved = wants_key && !with_key ? n->is_verified : n->shown > 0;

		l->targets[i] = wait_is_about(l->wait, i) && !is_proved &&
		                r->seen.nodes[i].presence == NODE_PRESENT && is_ready == with_key;
		count += l->targets[i];
	}
	return count;
}

/* That one fails is no failure of the look. */
static int prove(struct look *l, bool with_key, struct err *e)
{
	const struct goal goal = { .kind = with_key ? GOAL_VERIFY : GOAL_STATUS,
		                   .targets = l->targets };

	if (choose_targets(l, with_key) == 0)
		return 0;
	TRY(drive_look(l->run, &goal, e));
	for (size_t i = 0; i < l->run->cluster->node_count; i++) {
		const struct node_proof *proof = &l->run->proofs[i];
		struct wait_node *n = &l->wait->nodes[i];

		if (!l->targets[i] || proof->is_refused || proof->holding == HOLDS_UNKNOWN)
			continue;
		n->is_verified = true;
		if (with_key ? proof->has_key_proof : l->wait->what == WAIT_VERIFIED)
			n->shown = l->wait->looks;
	}
	return 0;
}

static int prove_all(struct look *l, int64_t end_ms, struct err *e)
{
	int64_t round_ms = clock_monotonic_ms() + ROUND_MS;
	struct run *r = l->run;

	l->targets = calloc(r->cluster->node_count, sizeof(*l->targets));
	if (!l->targets)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	r->deadline_ms = round_ms < end_ms ? round_ms : end_ms;
	r->options.on_event = on_event;
	r->options.event_context = l;
	TRY(prove(l, /* with_key= */ false, e));
	return prove(l, /* with_key= */ true, e);
}

/* Since when each gives no answer: the start of the first look that it did not answer. */
static void count_silence(const struct run *r, struct wait *w)
{
	w->judged_ms = clock_monotonic_ms();
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		struct wait_node *n = &w->nodes[i];

		if (!r->seen.nodes[i].is_silent) {
			n->silent_ms = 0;
		} else if (!n->silent_ms) {
			n->silent_ms = r->seen.asked_ms;
			n->silent_unix_ms = clock_unix_ms() - (w->judged_ms - n->silent_ms);
		}
	}
}

int wait_look(struct run *r, struct wait *w, int64_t end_ms, struct err *e)
{
	AUTO(look) struct look l = { .run = r, .wait = w };
	bool is_changing;
	int failed;

	TRY(state_is_locked(&r->state, &l.was_changing, e));
	if (w->looks++ > 0)
		TRY(look_again(&l, end_ms, e));
	r->options.on_event = NULL;
	failed = is_proof(w) ? prove_all(&l, end_ms, e) : 0;
	r->options.on_event = NULL;
	TRY(failed);
	TRY(state_is_locked(&r->state, &is_changing, e));
	w->is_changing = l.was_changing || is_changing;
	count_silence(r, w);
	wait_judge(r, w);
	return 0;
}

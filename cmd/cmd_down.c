#include "choose.h"
#include "print.h"

#include "attest/pcr.h"
#include "base/clock.h"
#include "base/text.h"
#include "cluster/expect.h"
#include "cluster/orphans.h"
#include "cluster/watcher.h"
#include "orchestrate/drive.h"
#include "orchestrate/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_TIMEOUT_MS 15000 /* an enclave leaves within a second; a busy machine is slower */
#define PROOF_MS        5000  /* of that, for those that stay to prove the key */

enum outcome { OUTCOME_STOPPED, OUTCOME_NOT_RUNNING, OUTCOME_ELSEWHERE, OUTCOME_FAILED };
static const char *const outcome_names[] = { "stopped", "not running", "elsewhere", "failed",
	                                     NULL };
static const enum tone outcome_tones[] = { TONE_GOOD, TONE_FAINT, TONE_FAINT, TONE_BAD };

struct down_args {
	bool lose_key, orphans;
	struct text_list nodes;
};

static const struct opt opts[] = {
	{ .name = "lose-key",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct down_args, lose_key),
	  .doc = "also where fewer than keepReady, or none, would have the quorum key" },
	{ .name = "orphans",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct down_args, orphans),
	  .doc = "only those that the cluster file no longer has" },
	{ .kind = OPT_SELECTOR,
	  .metavar = "SELECTOR",
	  .is_list = true,
	  .offset = offsetof(struct down_args, nodes),
	  .doc = "only these nodes: names, labels, states; all unless given" },
};

struct down_node {
	struct buf name, note;
	int outcome;
};
static const struct wire_field down_node_fields[] = {
	JSON_TEXT(down_node, name),
	JSON_WORD(down_node, outcome, outcome_names),
	JSON_TEXT(down_node, note),
};
static const struct wire_schema down_node_schema = JSON_SCHEMA(down_node, down_node_fields);

struct down_reply {
	struct wire_list nodes;
};
static const struct wire_field down_reply_fields[] = {
	JSON_LIST(down_reply, nodes, down_node_schema),
};
static const struct wire_schema down_reply_schema = JSON_SCHEMA(down_reply, down_reply_fields);
WIRE_DROP(down_reply);

/* What the cluster file no longer has has no near name there: that would be another, that lives. */
static int refuse_orphan(struct context *c, const struct selection *s, struct err *e)
{
	AUTO(orphans) struct orphans orphans = { 0 };
	struct err ignored;

	if (orphans_find(&c->cluster, &c->state, &orphans, &ignored) < 0)
		return -1;
	for (size_t i = 0; i < s->count; i++) {
		for (size_t o = 0; o < orphans.count; o++) {
			if (!selector_names(&s->items[i], orphans.items[o].name))
				continue;
			context_hint(c, "teectl down --orphans stops it, and all others that the "
			                "file no longer has");
			return err_set(e, ERR_USAGE,
			               "'%s' no longer launches '%s', which runs here (pid %d); "
			               "nothing was stopped",
			               c->cluster.path, orphans.items[o].name,
			               orphans.items[o].pid);
		}
	}
	return -1;
}

static int choose(struct context *c, const struct text_list *nodes, struct choice *ret,
                  struct err *e)
{
	if (choice_make(c, nodes, ret, e) == 0)
		return 0;
	return e->code == ERR_USAGE ? refuse_orphan(c, &ret->selection, e) : -1;
}

/* The nodes to stop, and a flag for each of the cluster. */
struct targets {
	size_t *nodes, count;
	struct orphans orphans;
	bool *leaving;
	bool is_named; /* they were chosen: not simply all */
};

/* Behind the stop: a watch that began meanwhile counts as well. */
static int note_watch(const struct context *c, struct down_node *ret, struct err *e)
{
	if (ret->outcome != OUTCOME_STOPPED || !watcher_pid(&c->state))
		return 0;
	return wire_set_text(&ret->note, "a watch launches it again", e);
}

static int stop(struct context *c, const struct cluster_node *node, struct down_node *ret,
                struct err *e)
{
	struct err failure;
	bool stopped = false;

	TRY(wire_set_text(&ret->name, node->name, e));
	if (!node->listen) {
		ret->outcome = OUTCOME_ELSEWHERE;
		return wire_set_text(&ret->note, "who launched it stops it", e);
	}
	progress_set(&c->progress, 0, 0, "stopping %s", node->name);
	if (launcher_stop(&c->state, node, c->deadline_ms, &stopped, &failure) < 0) {
		ret->outcome = OUTCOME_FAILED;
		return wire_set_text(&ret->note, failure.text, e);
	}
	ret->outcome = stopped ? OUTCOME_STOPPED : OUTCOME_NOT_RUNNING;
	return 0;
}

static void targets_drop(struct targets *t)
{
	free(t->nodes);
	free(t->leaving);
	orphans_drop(&t->orphans);
}

/* Which nodes are meant; one that others launched is not stopped by us. */
static int find_targets(const struct context *c, const struct choice *choice, bool only_orphans,
                        struct targets *t, struct err *e)
{
	if (!choice->flags)
		TRY(orphans_find(&c->cluster, &c->state, &t->orphans, e));
	t->nodes = calloc(c->cluster.node_count, sizeof(*t->nodes));
	t->leaving = calloc(c->cluster.node_count, sizeof(*t->leaving));
	if (!t->nodes || !t->leaving)
		return err_set(e, ERR_INTERNAL, "no memory for the nodes");
	t->is_named = choice->flags != NULL;
	for (size_t i = 0; i < c->cluster.node_count; i++) {
		if (only_orphans || (choice->flags && !choice->flags[i]))
			continue;
		t->nodes[t->count++] = i;
		t->leaving[i] = c->cluster.nodes[i].listen != NULL;
	}
	return 0;
}

static int stop_all(struct context *c, const struct targets *t, const struct run *r,
                    struct down_reply *ret, struct err *e)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct node_seen *seen = r->seen.count ? &r->seen.nodes[t->nodes[i]] : NULL;
		struct down_node *node;

		TRY(wire_list_add(&ret->nodes, &down_node_schema, &node, e));
		TRY(stop(c, &c->cluster.nodes[t->nodes[i]], node, e));
		TRY(note_watch(c, node, e));
		if (node->outcome == OUTCOME_NOT_RUNNING && seen && seen->presence == NODE_STRAY)
			TRY(wire_set_text(&node->note, seen->why.text, e));
	}
	for (size_t i = 0; i < t->orphans.count; i++) {
		const struct cluster_node orphan = { .name = t->orphans.items[i].name,
			                             .listen = "" };
		struct down_node *node;

		TRY(wire_list_add(&ret->nodes, &down_node_schema, &node, e));
		TRY(stop(c, &orphan, node, e));
		if (node->outcome == OUTCOME_STOPPED)
			TRY(wire_set_text(&node->note, "not in the cluster file", e));
	}
	return 0;
}

static int print(struct context *c, const struct down_reply *reply, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("NODE", "OUTCOME", "NOTE");
	const struct down_node *nodes = reply->nodes.items;

	for (size_t i = 0; i < reply->nodes.count; i++) {
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&nodes[i].name)));
		TRY(table_cell(&t, outcome_tones[nodes[i].outcome], e, "%s",
		               outcome_names[nodes[i].outcome]));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&nodes[i].note)));
	}
	table_print(c, &t);
	return print_json(c, &down_reply_schema, reply, e);
}

/* Who holds the key is asked before anything is stopped. Where it can't be found out, since the
 * state is damaged say, all may be stopped, and some with --lose-key: any of them may be the last.
 */
static int look(struct context *c, struct choice *choice, bool is_some, bool lose_key,
                struct run *r, struct err *e)
{
	struct err why;

	if (session_open(c, /* to_change= */ false, NULL, r, &why) == 0)
		return choice_settle(r, choice, e);
	if (selection_has_states(&choice->selection)) {
		*e = why;
		return -1;
	}
	if (is_some && !lose_key) {
		context_hint(c, "correct what is named; or --lose-key stops it all the same");
		return err_reason(
		    e, ERR_NOT_DESIRED, "last-holder",
		    "who holds the quorum key could not be seen, so any may be the last "
		    "that has it; nothing was stopped: %s",
		    why.text);
	}
	context_say(c, "who holds the quorum key could not be seen: %s", why.text);
	return 0;
}

/* Beside those that were named a silent one may go on; beside all of this machine, one that
 * answers. */
static bool is_any_left(const struct run *r, const struct targets *t)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (!t->leaving[i] && (r->seen.nodes[i].presence == NODE_PRESENT ||
		                       (t->is_named && r->seen.nodes[i].presence != NODE_ABSENT)))
			return true;
	return false;
}

static bool is_silent_left(const struct run *r, const struct targets *t)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (!t->leaving[i] && r->seen.nodes[i].presence == NODE_UNREACHABLE)
			return true;
	return false;
}

/* To stop the one that has the key, and leave others without, is more likely a mistake. */
static int refuse_last(struct context *c, const struct run *r, const struct targets *t,
                       struct err *e)
{
	char key[SHORT_TEXT_LEN];
	bool is_silent = false;

	for (size_t i = 0; i < t->count; i++)
		is_silent |= r->seen.nodes[t->nodes[i]].presence == NODE_UNREACHABLE;
	key_short(r->seen.genesis.quorum_key.bytes, key);
	context_hint(c, is_silent
	                    ? "teectl logs says why it is silent; --lose-key stops it all the same"
	                    : "teectl propagate first; --lose-key stops it all the same");
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  is_silent ? "no TEE that answers has quorum key %s…: one that is silent "
	                              "may be the last that has it; nothing was stopped"
	                            : "quorum key %s… would be gone, and the TEEs that go on have "
	                              "none; nothing was stopped",
	                  key);
}

static int refuse_fewer(struct context *c, const struct run *r, const struct targets *t,
                        struct err *e)
{
	size_t stay = 0;

	for (size_t i = 0; i < r->seen.count; i++)
		stay += !t->leaving[i] && node_has_key(&r->seen, i);
	context_hint(c,
	             "teectl apply first, or a lower keepReady; --lose-key stops it all the same");
	return err_reason(e, ERR_NOT_DESIRED, "keep-ready",
	                  "%zu TEE%s would be left with the quorum key, and the cluster file wants "
	                  "%lld at any time (keepReady); nothing was stopped",
	                  stay, stay == 1 ? "" : "s", (long long)c->cluster.keep_ready);
}

/* One after the other, until none is left: whoever names nodes has not said that it is all. */
static int refuse_last_named(struct context *c, const struct run *r, struct err *e)
{
	char key[SHORT_TEXT_LEN];

	key_short(r->seen.genesis.quorum_key.bytes, key);
	context_hint(c, "teectl up first, then teectl propagate; teectl down without names, or "
	                "--lose-key, stops it all the same");
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "quorum key %s… would be gone: no other TEE has it now; nothing was "
	                  "stopped",
	                  key);
}

/* It has the key, or may have it. */
static bool is_holder_leaving(const struct run *r, const struct targets *t, size_t node)
{
	return t->leaving[node] &&
	       (node_has_key(&r->seen, node) || r->seen.nodes[node].presence == NODE_UNREACHABLE);
}

static bool is_any_holder_leaving(const struct run *r, const struct targets *t)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (is_holder_leaving(r, t, i))
			return true;
	return false;
}

static int refuse_unproved(struct context *c, size_t proved, struct err *e)
{
	context_hint(c, "teectl verify says why they did not; --lose-key stops it all the same");
	return err_reason(
	    e, ERR_NOT_DESIRED, "last-holder",
	    "of those that go on and say that they have the quorum key %zu proved it, "
	    "and the cluster file wants %lld at any time (keepReady); nothing was "
	    "stopped",
	    proved, (long long)c->cluster.keep_ready);
}

/* One that goes, has the key or may have it, and has shown no document now or before: where others
 * are launched elsewhere, one of their addresses may lead to it. SIZE_MAX: there is none */
static size_t find_unknown(const struct run *r, const struct targets *t)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (is_holder_leaving(r, t, i) && r->proofs[i].holding == HOLDS_UNKNOWN &&
		    !evidence_tee_before(&r->evidence, i))
			return i;
	return SIZE_MAX;
}

static int refuse_unknown(struct context *c, const char *name, struct err *e)
{
	context_hint(c, "teectl logs says why it shows none; --lose-key stops it all the same");
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "%s shows no document, and none is in the journal: those that go on "
	                  "elsewhere and proved the key may lead to it; nothing was stopped",
	                  name);
}

/* By the journal it may be an orphan, at an address that leads to it: it goes as well then. */
static bool is_orphan(const struct run *r, const struct targets *t, size_t node)
{
	return t->orphans.count && !r->cluster->nodes[node].listen &&
	       evidence_was(&r->evidence, &r->proofs[node].module, SIZE_MAX);
}

/* Those that have the key by their own word prove it, those that go as well: one that stays and is
 * a relay to one of them is seen to be no other. */
static int prove(struct run *r, bool *holders, struct err *e)
{
	const struct goal goal = { .kind = GOAL_VERIFY, .targets = holders };
	int64_t deadline_ms = r->deadline_ms, until_ms = clock_monotonic_ms() + PROOF_MS;
	int outcome;

	for (size_t i = 0; i < r->seen.count; i++)
		holders[i] = node_has_key(&r->seen, i);
	r->deadline_ms = until_ms < deadline_ms ? until_ms : deadline_ms;
	outcome = drive_look(r, &goal, e);
	r->deadline_ms = deadline_ms;
	return outcome;
}

/* Of those that go on, how many have proved the key. */
struct stayers {
	size_t proved;
	size_t proved_here; /* of them, those that are launched here */
};

static struct stayers count_stayers(const struct run *r, const struct targets *t,
                                    const bool *holders)
{
	struct stayers s = { 0 };

	for (size_t i = 0; i < r->seen.count; i++) {
		bool is_proved = holders[i] && !t->leaving[i] && r->proofs[i].has_key_proof &&
		                 !is_orphan(r, t, i);

		s.proved += is_proved;
		s.proved_here += is_proved && r->cluster->nodes[i].listen;
	}
	return s;
}

static int check_stayers(struct context *c, struct run *r, const struct targets *t, struct err *e)
{
	AUTO(flags) bool *holders = calloc(r->seen.count + 1, sizeof(*holders));
	size_t claimed = 0, wanted = (size_t)c->cluster.keep_ready, unknown;
	struct stayers stayers;

	if (!holders)
		return err_set(e, ERR_INTERNAL, "no memory for the nodes");
	for (size_t i = 0; i < r->seen.count; i++)
		claimed += !t->leaving[i] && node_has_key(&r->seen, i);
	if (!claimed || (t->orphans.count == 0 && !is_any_holder_leaving(r, t)))
		return 0;
	TRY(prove(r, holders, e));
	stayers = count_stayers(r, t, holders);
	if (stayers.proved < wanted)
		return refuse_unproved(c, stayers.proved, e);
	unknown = find_unknown(r, t);
	if (unknown != SIZE_MAX && stayers.proved_here < wanted)
		return refuse_unknown(c, c->cluster.nodes[unknown].name, e);
	return 0;
}

/* What an orphan holds nobody asks: it may be what keeps the key. */
static int guard_orphans(struct context *c, struct run *r, const struct targets *t, struct err *e)
{
	size_t stay = 0;

	for (size_t i = 0; i < r->seen.count; i++)
		stay += !t->leaving[i] && node_has_key(&r->seen, i);
	if (t->orphans.count == 0 || !r->seen.has_genesis)
		return 0;
	if (stay >= (size_t)c->cluster.keep_ready)
		return check_stayers(c, r, t, e);
	context_hint(c, "put it back into the cluster file, then teectl apply; --lose-key stops it "
	                "all the same");
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "%s may hold the quorum key, and of the cluster file's TEEs %zu do; "
	                  "nothing was stopped",
	                  t->orphans.items[0].name, stay);
}

/* To stop everything is to mean it. */
static int guard(struct context *c, struct run *r, const struct targets *t, bool goes,
                 struct err *e)
{
	size_t leaving = 0;

	for (size_t i = 0; i < r->seen.count; i++)
		leaving += t->leaving[i];
	if (!is_any_left(r, t))
		return goes && t->is_named && leaving < r->seen.count ? refuse_last_named(c, r, e)
		                                                      : 0;
	if (goes)
		return refuse_last(c, r, t, e);
	if (!plan_may_leave(&r->seen, t->leaving, (size_t)c->cluster.keep_ready))
		return refuse_fewer(c, r, t, e);
	return t->orphans.count ? guard_orphans(c, r, t, e) : check_stayers(c, r, t, e);
}

/* The key dies with the last TEE that has it. That was asked for, but may not have been meant. */
static void tell_lost_key(struct context *c, const struct run *r, const struct targets *t)
{
	char key[SHORT_TEXT_LEN];

	key_short(r->seen.genesis.quorum_key.bytes, key);
	if (is_silent_left(r, t)) {
		context_say(c,
		            "no TEE that answers holds quorum key %s… any more; those that do not "
		            "answer may have it: teectl status",
		            key);
		return;
	}
	context_say(
	    c,
	    "no TEE holds quorum key %s… any more; teectl up and teectl recover bring it back "
	    "from the members' shares (keep %s and their keys)",
	    key, c->state.folder);
}

/* The shares that a TEE has taken and that give no key yet are nowhere else in the clear. */
static void tell_lost_shares(struct context *c, const struct run *r, const struct targets *t,
                             const struct down_reply *reply)
{
	const struct down_node *nodes = reply->nodes.items;

	for (size_t i = 0; r->seen.count && i < t->count; i++) {
		const struct status_reply *status = &r->seen.nodes[t->nodes[i]].status;

		if (nodes[i].outcome != OUTCOME_STOPPED ||
		    !node_waits_for_shares(&r->seen, t->nodes[i]) || status->shares_received <= 0)
			continue;
		context_say(c,
		            "%s had %lld of %lld shares: %s lost with it, and whoever gave %s "
		            "has to give %s again",
		            buf_text(&nodes[i].name), (long long)status->shares_received,
		            (long long)status->threshold,
		            status->shares_received == 1 ? "that one is" : "those are",
		            status->shares_received == 1 ? "it" : "one",
		            status->shares_received == 1 ? "it" : "his");
	}
}

/* What up would launch now is refused then, and the TEE that was right is gone. */
static void tell_other_image(struct context *c, struct run *r)
{
	const char *image = c->cluster.enclave.image;
	bool is_here = cluster_has_image(&c->cluster);
	struct err why;

	if (!r->seen.count || !image || (is_here && policy_check_image(r, &why) == 0))
		return;
	if (!is_here)
		context_say(c,
		            "warning: what was stopped can't be started again: there is no '%s' "
		            "(enclave.image)",
		            image);
	else if (pcr_is_policy_reason(why.reason))
		context_say(c,
		            "warning: what was stopped can't come back as it was: the cluster "
		            "file's image is not the one that %s (%s): teectl measure",
		            r->seen.has_genesis ? "the current manifest names" : "is pinned",
		            why.reason);
	else
		context_say(c, "warning: what was stopped can't be started again: %s", why.text);
}

/* What was asked for does not last then. */
static void tell_watch(struct context *c)
{
	int pid = watcher_pid(&c->state);
	char name[48] = "";

	if (!pid)
		return;
	if (pid > 0)
		snprintf(name, sizeof(name), " (pid %d)", pid);
	context_say(c,
	            "a watch runs on this state%s: it launches again what its cluster file has; to "
	            "stop them for good end the watch first, or take them out of the cluster file",
	            name);
}

static size_t count_outcome(const struct down_reply *reply, enum outcome outcome)
{
	const struct down_node *nodes = reply->nodes.items;
	size_t count = 0;

	for (size_t i = 0; i < reply->nodes.count; i++)
		count += nodes[i].outcome == (int)outcome;
	return count;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(down_reply) struct down_reply reply = { 0 };
	AUTO(targets) struct targets targets = { 0 };
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	const struct down_args *args = arguments;
	bool goes;

	if (args->orphans && args->nodes.count)
		return err_set(e, ERR_USAGE,
		               "--orphans takes no nodes: they are in no cluster file");
	TRY(choose(c, &args->nodes, &choice, e));
	TRY(look(c, &choice, choice.flags || args->orphans, args->lose_key, &r, e));
	TRY(find_targets(c, &choice, args->orphans, &targets, e));
	goes = observation_goes_with(&r.seen, targets.leaving);
	if (!args->lose_key && args->orphans)
		TRY(guard_orphans(c, &r, &targets, e));
	else if (!args->lose_key)
		TRY(guard(c, &r, &targets, goes, e));
	TRY(stop_all(c, &targets, &r, &reply, e));
	TRY(print(c, &reply, e));
	if (goes && count_outcome(&reply, OUTCOME_STOPPED))
		tell_lost_key(c, &r, &targets);
	tell_lost_shares(c, &r, &targets, &reply);
	if (targets.count && count_outcome(&reply, OUTCOME_STOPPED)) {
		tell_other_image(c, &r);
		tell_watch(c);
	}
	if (count_outcome(&reply, OUTCOME_FAILED))
		return err_set(e, ERR_PARTIAL, "%zu of %zu nodes could not be stopped",
		               count_outcome(&reply, OUTCOME_FAILED), reply.nodes.count);
	if (!count_outcome(&reply, OUTCOME_STOPPED))
		print_line(c, "nothing to do: none of them runs here");
	return 0;
}

const struct cmd cmd_down = {
	.name = "down",
	.summary = "stop the enclaves that run here",
	.details =
	    "Stops the enclaves that `up` has launched from this cluster file, all or those "
	    "named: first they are asked to finish what is in flight, and at the deadline "
	    "they are killed. Their keys are gone with them; what is in the state "
	    "directory stays. Nodes that others launched are left alone. Where nothing "
	    "runs, there is nothing to do. One that the cluster file no longer has is "
	    "stopped with all, or by --orphans alone. A watch that runs on the state directory "
	    "launches again what its cluster file has, and that is told: end it first, or "
	    "take the nodes out of the file.\n\n"
	    "When the last that has the quorum key stops, that is told: then the members' "
	    "shares must bring it back (teectl recover). It is told as well of one that waits "
	    "for shares and has some: they are lost with it. Without names, all are stopped. Of "
	    "nodes that are named the last that has the key is not while others would go on "
	    "without it, nor is any where fewer than the cluster file's keepReady would have it: "
	    "before one that has it is stopped, those that go on prove that they have it, and where "
	    "too few do nothing is stopped (status 2). With --lose-key none of that is asked.",
	.examples = { { "teectl down", "stop all" },
	              { "teectl down tee2 tee3", "stop two" },
	              { "teectl down --orphans", "stop what was taken out of the cluster file" },
	              { "teectl down region=eu,@failed", "stop those of a region that failed" } },
	.exits = { 2, 4 },
	.needs = NEEDS_CLUSTER | NEEDS_CHANGE,
	.timeout_ms = STOP_TIMEOUT_MS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct down_args),
	.run = run,
};

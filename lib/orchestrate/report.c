#include "orchestrate/report.h"

#include "attest/chain.h"
#include "attest/pcr.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/orphans.h"
#include "cluster/select.h"
#include "orchestrate/believe.h"
#include "orchestrate/ceremony.h"
#include "orchestrate/distance.h"
#include "orchestrate/policy.h"
#include "proto/genesis.h"
#include "proto/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UP_NAMED_MAX 8 /* nodes that a hint names; a person reads no more */
#define NOT_JUDGED_TEXT                                                                            \
	"not judged: the cluster file pins another image than the current manifest has"

/* clang-format off */

#define THIS node_report
SCHEMA(node_report,
	TEXT("name", name, 0, COMMAND_LINE_MAX, "as in the cluster file", REQUIRED),
	WORD("state", state, select_state_words, "what it is, in a word", REQUIRED),
	WORD("phase", phase, phase_names, "what it says of itself", NULLABLE(has_phase)),
	BOOL("verified", verified, "by a live attestation", REQUIRED),
	BOOL("key_proved", key_proved, "by prove-key", REQUIRED),
	BOOL("debug", debug, "whether it is a debug enclave", REQUIRED),
	TEXT("reason", reason, 0, COMMAND_LINE_MAX, "why it is not verified, for machines", REQUIRED),
	TEXT("note", note, 0, COMMAND_LINE_MAX, "and for people", REQUIRED),
	FIXED_HEX("manifest_hash", manifest_hash, "that it says it holds", NULLABLE(has_manifest_hash)),
	FIXED_HEX("quorum_public_key", quorum_public_key, "that it says it holds", NULLABLE(has_quorum_public_key)),
	TEXT("url", url, 0, COMMAND_LINE_MAX, "where it was asked", REQUIRED),
	TEXT("instance_id", instance_id, 0, COMMAND_LINE_MAX, "of this start of it", REQUIRED),
	NUMBER("pid", pid, 1, INT32_MAX, "of its hypervisor, where it was launched here and runs", NULLABLE(has_pid)),
	LIST("labels", labels, 0, CLUSTER_LABELS_MAX, alias_item, "NAME=VALUE, as in the cluster file", REQUIRED));
#undef THIS

#define THIS error_report
SCHEMA(error_report,
	TEXT("name", name, 0, COMMAND_LINE_MAX, "which error, a word that stays", REQUIRED),
	NUMBER("code", code, 0, INT32_MAX, "of the enclave's refusal", NULLABLE(has_code)),
	NUMBER("exit_status", exit_status, 0, UINT8_MAX, "of the verb", REQUIRED),
	TEXT("verb", verb, 0, COMMAND_LINE_MAX, "that failed", REQUIRED),
	TEXT("reason", reason, 0, COMMAND_LINE_MAX, "which check, for machines", NULLABLE(has_reason)),
	TEXT("text", text, 0, COMMAND_LINE_MAX, "for people", REQUIRED),
	TEXT("cause", cause, 0, COMMAND_LINE_MAX, "for people", NULLABLE(has_cause)),
	TEXT("hint", hint, 0, COMMAND_LINE_MAX, "what to do next", NULLABLE(has_hint)));
#undef THIS

#define THIS region_report
SCHEMA(region_report,
	TEXT("name", name, 0, COMMAND_LINE_MAX, "the label's value", REQUIRED),
	NUMBER("node_count", node_count, 0, CLUSTER_NODES_MAX, "of the region", REQUIRED),
	NUMBER("ready_count", holder_count, 0, CLUSTER_NODES_MAX, "that hold the proven key", REQUIRED),
	NUMBER("distance_to_ceremony", distance, -1, CLUSTER_NODES_MAX, "losses until none in it holds the key", REQUIRED));
#undef THIS

#define THIS orphan_report
SCHEMA(orphan_report,
	TEXT("name", name, 0, COMMAND_LINE_MAX, "that it had in the cluster file", REQUIRED),
	NUMBER("pid", pid, 1, INT32_MAX, "of its hypervisor", REQUIRED));
#undef THIS

#define THIS cluster_report
SCHEMA(cluster_report,
	TEXT("cluster", cluster, 0, COMMAND_LINE_MAX, "its name", REQUIRED),
	TEXT("outcome", outcome, 0, COMMAND_LINE_MAX, "what the verb came to", REQUIRED),
	OBJECT("error", error, error_report, "why it failed", NULLABLE(has_error)),
	TEXT("trust", trust, 0, COMMAND_LINE_MAX, "whose documents are believed", REQUIRED),
	TEXT("basis", basis, 0, COMMAND_LINE_MAX, "what vouches for the quorum key", REQUIRED),
	NUMBER("node_count", node_count, 0, CLUSTER_NODES_MAX, "of the cluster file, or chosen", REQUIRED),
	NUMBER("ready_count", ready_count, 0, CLUSTER_NODES_MAX, "that have the key", REQUIRED),
	NUMBER("verified_count", verified_count, 0, CLUSTER_NODES_MAX, "by a live attestation", REQUIRED),
	NUMBER("distance_to_ceremony", distance, -1, CLUSTER_NODES_MAX, "losses left until people are needed", NULLABLE(has_distance)),
	NUMBER("keep_ready", keep_ready, 0, CLUSTER_NODES_MAX, "TEEs that must hold the key", REQUIRED),
	LIST("regions", regions, 0, CLUSTER_NODES_MAX, region_report, "where nodes have that label", REQUIRED),
	FIXED_HEX("manifest_hash", manifest_hash, "of the cluster", NULLABLE(has_manifest_hash)),
	FIXED_HEX("quorum_public_key", quorum_public_key, "of the cluster", NULLABLE(has_quorum_public_key)),
	FIXED_HEX("dr_key_sha256", dr_key, "SHA-256 of the disaster-recovery key that it was wrapped to", NULLABLE(has_dr_key)),
	LIST("waiting_for", waiting_for, 0, MEMBERS_MAX, alias_item, "members whose shares are missing", REQUIRED),
	LIST("nodes", nodes, 0, CLUSTER_NODES_MAX, node_report, "in the cluster file's order", REQUIRED),
	LIST("orphans", orphans, 0, CLUSTER_NODES_MAX, orphan_report, "launched from here, in no line of the cluster file now", REQUIRED),
	TEXT("not_shared", not_shared, 0, COMMAND_LINE_MAX, "why etcd was not given what the verb changed", NULLABLE(has_not_shared)),
	TEXT("missing", missing, 0, COMMAND_LINE_MAX, "one sentence; empty: nothing", REQUIRED),
	TEXT("next", next, 0, COMMAND_LINE_MAX, "what to type next; empty: nothing", REQUIRED));
#undef THIS

/* clang-format on */

const char *node_state_name(enum node_state state)
{
	return select_state_words[state];
}

/* Whoever says that it has the key. */
static bool has_shown_key(const struct run *r, size_t node)
{
	const struct node_proof *proof = &r->proofs[node];

	return proof->holding == HOLDS_KEY && (proof->has_key_proof || !r->options.is_watch);
}

/* It says how it is, and nothing came when it was to be verified: its hypervisor hangs, say, or no
 * time was left. What it has nobody knows. */
static bool is_unanswered(const struct run *r, size_t node)
{
	return r->seen.nodes[node].presence == NODE_PRESENT && r->proofs[node].is_refused &&
	       r->proofs[node].refusal.code == ERR_TRY_AGAIN;
}

static enum node_state judge_state(const struct run *r, size_t node)
{
	/* Where the time was up before it was verified, it has not failed. */
	if (r->proofs[node].is_refused && !is_unanswered(r, node) &&
	    r->seen.nodes[node].presence == NODE_PRESENT)
		return NODE_FAILED;
	switch (node_standing(&r->seen, node)) {
	case STANDS_APART:
		return NODE_GONE;
	case STANDS_OCCUPIED:
	case STANDS_BROKEN:
		return NODE_FAILED;
	case STANDS_READY:
		/* Its word alone is none. */
		return has_shown_key(r, node) ? NODE_READY : NODE_NOT_READY;
	case STANDS_OLD:
		return NODE_OLD;
	case STANDS_EMPTY:
	case STANDS_WAITING:
		break;
	}
	return node_phase(&r->seen, node) == PHASE_GENESIS_BOOTED ||
	               node_phase(&r->seen, node) == PHASE_WAITING_FOR_SHARES
	           ? NODE_WAITING
	           : NODE_NOT_READY;
}

/* Why it is not as it should be. What is so of all of them, the verb's own error says in full. */
static const char *note_of(const struct run *r, size_t node)
{
	if (r->seen.nodes[node].presence != NODE_PRESENT)
		return r->seen.nodes[node].why.text;
	/* A watch has each node's word alone. */
	if (r->proofs[node].is_refused && !r->options.is_watch &&
	    err_has_mark(&r->proofs[node].refusal, POLICY_NEXT_PINS))
		return NOT_JUDGED_TEXT;
	if (r->proofs[node].is_refused)
		return r->proofs[node].refusal.text;
	if (node_standing(&r->seen, node) == STANDS_OCCUPIED)
		return "occupied: another manifest or quorum key";
	if (node_standing(&r->seen, node) == STANDS_BROKEN)
		return "retired or broken: it says that it has no key any more";
	if (node_standing(&r->seen, node) == STANDS_READY && !has_shown_key(r, node))
		return "says that it has the key, and has not shown it in this run";
	if (node_standing(&r->seen, node) == STANDS_OLD)
		return node_has_key(&r->seen, node)
		           ? "an older manifest of this cluster; the key can be forwarded from it"
		           : "an older manifest of this cluster, and no key";
	return "";
}

/* "tee2: does not answer (live-attestation: timed out)" */
static int fill_note(const struct run *r, size_t node, struct buf *to, struct err *e)
{
	const char *note = note_of(r, node), *name = r->cluster->nodes[node].name;
	char text[2 * ERR_TEXT_MAX];
	size_t len = strlen(name);

	if (!is_unanswered(r, node))
		return wire_set_text(to, note, e);
	if (strncmp(note, name, len) == 0 && strncmp(note + len, ": ", 2) == 0)
		note += len + 2;
	snprintf(text, sizeof(text), "%s does not answer (%s)", name, note);
	return wire_set_text(to, text, e);
}

static int fill_labels(const struct cluster_node *node, struct wire_list *to, struct err *e)
{
	char text[2 * CLUSTER_LABEL_MAX + 2];

	for (size_t i = 0; i < node->label_count; i++) {
		struct alias_item *item;

		snprintf(text, sizeof(text), "%s=%s", node->labels[i].name, node->labels[i].value);
		TRY(wire_list_add(to, &alias_item_schema, &item, e));
		TRY(wire_set_text(&item->alias, text, e));
	}
	return 0;
}

static bool is_chosen(const struct run *r, size_t node)
{
	return !r->options.chosen || r->options.chosen[node];
}

static bool is_claiming_key(const struct status_reply *status)
{
	return status->phase == PHASE_PROVISIONED || status->phase == PHASE_READY;
}

/* Its enclave ends with it. */
static void fill_pid(const struct run *r, size_t node, struct node_report *n)
{
	struct local_node local;
	struct err unknown;

	n->has_pid = r->cluster->nodes[node].listen &&
	             launcher_look(&r->state, &r->cluster->nodes[node], &local, &unknown) == 0 &&
	             local.is_running;
	if (n->has_pid)
		n->pid = local.pid;
}

static int fill_node(const struct run *r, size_t node, struct node_report *n, struct err *e)
{
	const struct node_seen *seen = &r->seen.nodes[node];
	const struct node_proof *proof = &r->proofs[node];
	const struct status_reply *status = &seen->status;

	n->index = node;
	n->state = (int)judge_state(r, node);
	n->verified = !proof->is_refused && proof->holding != HOLDS_UNKNOWN;
	n->key_proved = proof->has_key_proof;
	n->debug = proof->is_debug || status->debug;
	n->has_phase = seen->presence == NODE_PRESENT;
	n->is_denied = seen->presence == NODE_UNREACHABLE && seen->why.code == ERR_ACCESS;
	n->is_late = node_is_late(&r->seen, node);
	fill_pid(r, node, n);
	n->phase = status->phase;
	n->has_manifest_hash = status->has_manifest_hash;
	memcpy(n->manifest_hash, status->manifest_hash, sizeof(n->manifest_hash));
	/* It names the manifest's also while it waits for it. */
	n->has_quorum_public_key =
	    status->has_quorum_public_key && (proof->has_key_proof || is_claiming_key(status));
	memcpy(n->quorum_public_key, status->quorum_public_key, sizeof(n->quorum_public_key));
	TRY(wire_set_text(&n->name, r->cluster->nodes[node].name, e));
	TRY(fill_labels(&r->cluster->nodes[node], &n->labels, e));
	TRY(wire_set_text(&n->url, seen->url ? seen->url : "", e));
	TRY(wire_set(&n->instance_id, buf_view(&status->instance_id), e));
	TRY(wire_set_text(&n->reason,
	                  proof->is_refused ? proof->refusal.reason
	                  : n->is_denied    ? "access"
	                  : seen->presence == NODE_STRAY || seen->presence == NODE_UNREACHABLE
	                      ? seen->why.reason
	                      : "",
	                  e));
	return fill_note(r, node, &n->note, e);
}

static bool is_key_back(const struct run *r)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (node_has_key(&r->seen, i) && has_shown_key(r, i))
			return true;
	return false;
}

/* Of those that wait for shares; NULL: none does, or nobody has to be called for it. */
static const struct status_reply *first_waiting(const struct run *r)
{
	for (size_t i = 0; !is_key_back(r) && i < r->seen.count; i++)
		if (is_chosen(r, i) && judge_state(r, i) == NODE_WAITING)
			return &r->seen.nodes[i].status;
	return NULL;
}

void report_say_needed(int64_t needed, size_t named, char to[static NEEDED_TEXT_MAX])
{
	if (needed <= 0 || (uint64_t)needed >= named)
		snprintf(to, NEEDED_TEXT_MAX, "waiting for: ");
	else if (needed == 1)
		snprintf(to, NEEDED_TEXT_MAX, "waiting for one of: ");
	else
		snprintf(to, NEEDED_TEXT_MAX, "waiting for %lld of: ", (long long)needed);
}

static int fill_waiting(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct status_reply *waiting = first_waiting(r);
	/* Before anyone has tried to inject, those whom the waiting TEE names. */
	const struct wire_list *from =
	    r->missing.count || !waiting ? &r->missing : &waiting->shares_missing;

	if (waiting)
		report->waiting_need = waiting->threshold - waiting->shares_received;
	for (size_t i = 0; i < from->count; i++) {
		const struct alias_item *name = (const struct alias_item *)from->items + i;
		struct alias_item *item;

		TRY(wire_list_add(&report->waiting_for, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, buf_view(&name->alias), e));
	}
	return 0;
}

static size_t count_state(const struct cluster_report *report, enum node_state state)
{
	const struct node_report *nodes = report->nodes.items;
	size_t count = 0;

	for (size_t i = 0; i < report->nodes.count; i++)
		count += nodes[i].state == (int)state;
	return count;
}

static const char *are(size_t count)
{
	return count == 1 ? "is" : "are";
}

/* "teectl -f prod.yaml logs tee2", with what the person had to say to get here. node may be NULL.
 */
static int add_command(const struct run *r, struct buf *to, const char *verb, const char *node,
                       struct err *e)
{
	const char *file = r->cluster->path, *state = r->options.state_folder;

	TRY(buf_add_text(to, "teectl", e));
	if (strcmp(file, CLUSTER_FILE_DEFAULT) != 0) {
		TRY(buf_add_text(to, " -f ", e));
		TRY(text_add_shell_word(file, to, e));
	}
	if (state) {
		TRY(buf_add_text(to, " --state ", e));
		TRY(text_add_shell_word(state, to, e));
	}
	return buf_add_format(to, e, " %s%s%s", verb, node ? " " : "", node ? node : "");
}

/* It is to be stopped and started, where the key does not go with it. */
static int next_of_hung(const struct run *r, size_t node, struct cluster_report *report,
                        struct err *e)
{
	AUTO(flags) bool *leaving = calloc(r->seen.count, sizeof(*leaving));
	const char *name = r->cluster->nodes[node].name;

	if (!leaving)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", r->seen.count);
	leaving[node] = true;
	/* Once it runs again up verifies it. */
	if (!r->cluster->nodes[node].listen) {
		TRY(buf_add_text(&report->missing,
		                 "; launched elsewhere: whoever did starts it again", e));
		return add_command(r, &report->next, "up", NULL, e);
	}
	if (observation_goes_with(&r->seen, leaving)) {
		TRY(buf_add_text(&report->missing,
		                 ", and may be the last that holds the quorum key: with it the key "
		                 "is gone; find out why before it is stopped",
		                 e));
		return add_command(r, &report->next, "logs", name, e);
	}
	TRY(add_command(r, &report->next, "down", name, e));
	TRY(buf_add_text(&report->next, ", then ", e));
	/* Another has the key: it is forwarded. */
	return add_command(r, &report->next, r->seen.has_genesis ? "apply" : "up", NULL, e);
}

/* Not what it is made of, but what it runs on has failed. */
static bool is_hung(const struct run *r, size_t node)
{
	enum err_code code = r->proofs[node].refusal.code;

	return r->proofs[node].is_refused && (code == ERR_ENCLAVE || code == ERR_UNAVAILABLE);
}

static int next_of_failed(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;
	size_t failed = count_state(report, NODE_FAILED);
	const struct node_report *n = nodes;

	while (n->state != NODE_FAILED)
		n++;
	/* A watch has told why, of each. */
	if (failed == 1)
		TRY(buf_add_format(&report->missing, e, "%s failed%s", buf_text(&n->name),
		                   r->options.is_watch ? "" : ": see its note"));
	else
		TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs failed%s", failed,
		                   report->nodes.count,
		                   r->options.is_watch ? "" : ": see their notes"));
	/* What it measures is seen by measuring; anything else, if at all, in its log. */
	if (pcr_is_policy_reason(buf_text(&n->reason)))
		return add_command(r, &report->next, "measure", NULL, e);
	/* It is the cluster file that differs. */
	if (believe_is_of_file(buf_text(&n->reason)))
		return 0;
	if (is_hung(r, n->index))
		return next_of_hung(r, n->index, report, e);
	/* Of this state or not: that of another is refused. */
	if (n->index == r->cluster->propagate.source && node_is_in_genesis(&r->seen, n->index))
		return add_command(r, &report->next, "genesis", NULL, e);
	if (r->cluster->nodes[n->index].listen && n->has_phase)
		return add_command(r, &report->next, "logs", buf_text(&n->name), e);
	return 0;
}

/* "tee1 does not answer", and how many more do not. */
static int add_silent(const struct run *r, const char *name, struct cluster_report *report,
                      struct err *e)
{
	size_t others = 0;

	for (size_t i = 0; i < r->seen.count; i++)
		others += is_chosen(r, i) &&
		          (r->seen.nodes[i].presence == NODE_UNREACHABLE || is_unanswered(r, i));
	TRY(buf_add_format(&report->missing, e, "%s does not answer", name));
	if (others-- > 1)
		return buf_add_format(&report->missing, e, ", nor %s %zu other%s",
		                      others == 1 ? "does" : "do", others, others == 1 ? "" : "s");
	return 0;
}

static int next_of_late(const struct run *r, const char *name, struct cluster_report *report,
                        struct err *e)
{
	TRY(buf_add_format(&report->missing, e, "%s was not given the time to answer: --timeout",
	                   name));
	return add_command(r, &report->next, "status", NULL, e);
}

/* Its status alone came: whatever it says that it has, what it is nobody has seen. */
static int next_of_unanswered(const struct run *r, size_t node, struct cluster_report *report,
                              struct err *e)
{
	const char *name = r->cluster->nodes[node].name;

	if (strcmp(r->proofs[node].refusal.reason, CLIENT_NO_TIME) == 0)
		return next_of_late(r, name, report, e);
	TRY(add_silent(r, name, report, e));
	return next_of_hung(r, node, report, e);
}

/* A running one that does not answer. What is wrong on this side is mended here; where it may be
 * the last that holds the key, nobody is told to stop it. */
static int next_of_unreachable(const struct run *r, size_t node, struct cluster_report *report,
                               struct err *e)
{
	const char *name = r->cluster->nodes[node].name, *reason = r->seen.nodes[node].why.reason;

	if (node_is_late(&r->seen, node))
		return next_of_late(r, name, report, e);
	if (r->seen.nodes[node].why.code == ERR_ACCESS)
		return buf_add_format(&report->missing, e, "%s does not let this client look",
		                      name);
	if (strcmp(reason, CLIENT_TLS_SERVER) == 0)
		TRY(buf_add_format(&report->missing, e, "the certificate of %s is not accepted",
		                   name));
	else
		TRY(add_silent(r, name, report, e));
	if (strcmp(reason, CLIENT_TLS_SERVER) == 0 || strcmp(reason, CLIENT_TLS_FILE) == 0 ||
	    strcmp(reason, CLIENT_ADDRESS) == 0) {
		TRY(buf_add_format(&report->missing, e,
		                   ", as it seems for a fault on this side: "
		                   "see `tls:` and `nodes:` of the cluster file"));
		return add_command(r, &report->next, "validate", NULL, e);
	}
	return next_of_hung(r, node, report, e);
}

/* Those that have not retired, or all, where their names are too many for a command line. */
static int add_up(const struct run *r, size_t idle, struct cluster_report *report, struct err *e)
{
	const char *before = " --only ";

	TRY(add_command(r, &report->next, "up", NULL, e));
	for (size_t i = 0; idle <= UP_NAMED_MAX && i < r->seen.count; i++) {
		if (!is_chosen(r, i) || judge_state(r, i) != NODE_GONE ||
		    evidence_has_retired(r, i))
			continue;
		TRY(buf_add_format(&report->next, e, "%s%s", before, r->cluster->nodes[i].name));
		before = ",";
	}
	return 0;
}

/* Who has retired was ended on purpose, and is not to be started again unless somebody says so. */
static int next_of_retired(const struct run *r, size_t gone, size_t retired,
                           struct cluster_report *report, struct err *e)
{
	if (gone > retired) {
		TRY(buf_add_format(&report->missing, e,
		                   "%zu of %zu TEEs %s not running, and %zu %s retired",
		                   gone - retired, report->nodes.count, are(gone - retired),
		                   retired, retired == 1 ? "has" : "have"));
		return add_up(r, gone - retired, report, e);
	}
	return buf_add_format(&report->missing, e,
	                      "%zu of %zu TEEs %s retired: out of the cluster file with %s, or "
	                      "teectl up starts %s anew",
	                      retired, report->nodes.count, retired == 1 ? "has" : "have",
	                      retired == 1 ? "it" : "them", retired == 1 ? "it" : "them");
}

/* One that runs and does not answer is not started again by up: it is looked at first. */
static int next_of_gone(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t gone = count_state(report, NODE_GONE), retired = 0;

	for (size_t i = 0; i < r->seen.count; i++) {
		if (is_chosen(r, i) && r->seen.nodes[i].presence == NODE_UNREACHABLE)
			return next_of_unreachable(r, i, report, e);
		retired += is_chosen(r, i) && r->seen.nodes[i].presence == NODE_ABSENT &&
		           evidence_has_retired(r, i);
	}
	if (retired)
		return next_of_retired(r, gone, retired, report, e);
	TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs %s not running", gone,
	                   report->nodes.count, are(gone)));
	return add_command(r, &report->next, "up", NULL, e);
}

/* Where each member's key is on his own machine, the shares come as bundles. */
static bool has_key_here(const struct cluster *c)
{
	const struct cluster_member_list *members = &c->quorum.members;

	for (size_t i = 0; i < members->count; i++)
		if (members->items[i].key && file_is_there(members->items[i].key))
			return true;
	return false;
}

/* Of several that a recovery was begun on one has the key by now. No share goes to the others, and
 * none of them takes a forward. */
static int next_of_left(const struct run *r, size_t node, struct cluster_report *report,
                        struct err *e)
{
	bool is_here = r->cluster->nodes[node].listen != NULL;

	TRY(buf_add_format(&report->missing, e,
	                   "%s waits for shares, and the key is back: it takes the key once it is "
	                   "started anew%s",
	                   r->cluster->nodes[node].name,
	                   is_here ? "" : ", which is for whoever launched it"));
	if (!is_here)
		return add_command(r, &report->next, "propagate", NULL, e);
	TRY(add_command(r, &report->next, "down", r->cluster->nodes[node].name, e));
	TRY(buf_add_text(&report->next, ", then ", e));
	return add_command(r, &report->next, "apply", NULL, e);
}

/* Is a request out already? Those who are still to answer it need no other one. */
static bool has_request_out(const struct run *r, int64_t received)
{
	if (r->submission && submission_is_used(r->submission))
		return true;
	return received > 0 && !has_key_here(r->cluster);
}

static int next_of_waiting(const struct run *r, struct cluster_report *report, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(FILE_FREE_NAME_MAX);
	int64_t received = 0;

	for (size_t i = 0; i < r->seen.count; i++) {
		const struct status_reply *status = &r->seen.nodes[i].status;

		if (!is_chosen(r, i) || judge_state(r, i) != NODE_WAITING)
			continue;
		if (is_key_back(r))
			return next_of_left(r, i, report, e);
		TRY(buf_add_format(&report->missing, e, "%s waits for shares: %lld of %lld are in",
		                   r->cluster->nodes[i].name, (long long)status->shares_received,
		                   (long long)status->threshold));
		received = status->shares_received;
		break;
	}
	if (has_request_out(r, received)) {
		TRY(add_command(r, &report->next, "share submit", "BUNDLE...", e));
		TRY(buf_add_text(&report->next, " of those waited for, then ", e));
		return add_command(r, &report->next, "wait", "--for shares", e);
	}
	if (has_key_here(r->cluster))
		return add_command(r, &report->next, "inject", NULL, e);
	/* A request of before may be there: it is kept. */
	TRY(file_free_name("request.json", &name, e));
	return add_command(r, &report->next, "share request --out", buf_text(&name), e);
}

/* A quorum is restarted on a fresh TEE; one that waits for the key to be forwarded is started anew.
 */
static int next_of_lost(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t waiting = r->seen.count;

	TRY(buf_add_format(&report->missing, e, OBSERVATION_LOST_TEXT, r->cluster->name));
	for (size_t i = 0; i < r->seen.count; i++) {
		if (node_standing(&r->seen, i) == STANDS_EMPTY)
			return add_command(r, &report->next, "recover", NULL, e);
		if (node_standing(&r->seen, i) == STANDS_WAITING && r->cluster->nodes[i].listen)
			waiting = i;
	}
	if (waiting < r->seen.count) {
		TRY(add_command(r, &report->next, "down", r->cluster->nodes[waiting].name, e));
		TRY(buf_add_text(&report->next, ", then ", e));
	}
	TRY(add_command(r, &report->next, "up", NULL, e));
	TRY(buf_add_text(&report->next, ", then ", e));
	return add_command(r, &report->next, "recover", NULL, e);
}

/* The upgrade itself sees to it that what an old one has is not the only key there is. */
static int next_of_old(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t old = count_state(report, NODE_OLD);

	TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs %s an older manifest", old,
	                   report->nodes.count, old == 1 ? "holds" : "hold"));
	/* The only one can't be replaced: another has to take the key from it first. */
	if (r->cluster->node_count == 1)
		return buf_add_text(&report->missing,
		                    "; add a node to the cluster file, which takes the key from it",
		                    e);
	return add_command(r, &report->next, "upgrade", NULL, e);
}

static int next_of_pins(const struct run *r, struct cluster_report *report, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(FILE_FREE_NAME_MAX);

	TRY(buf_add_text(&report->missing,
	                 "the image that the cluster file pins is not the current manifest's: its "
	                 "own has to be drafted, approved, collected and adopted",
	                 e));
	TRY(file_free_name("next.json", &name, e));
	return add_command(r, &report->next, "manifest new --out", buf_text(&name), e);
}

/* Whatever comes before, their turn is still to come. */
static int add_older(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;
	size_t old = count_state(report, NODE_OLD), named = 0;

	if (!old)
		return 0;
	TRY(buf_add_text(&report->missing, "; ", e));
	for (size_t i = 0; old <= UP_NAMED_MAX && i < report->nodes.count; i++)
		if (nodes[i].state == NODE_OLD)
			TRY(buf_add_format(&report->missing, e, "%s%s", named++ ? ", " : "",
			                   r->cluster->nodes[nodes[i].index].name));
	if (!named)
		TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs", old,
		                   report->nodes.count));
	return buf_add_format(&report->missing, e, " %s an older manifest",
	                      old == 1 ? "holds" : "hold");
}

/* Of nodes that were not asked it is known whether they run here: those that do not have no key. */
static bool is_lost(const struct run *r)
{
	if (!r->options.chosen || !r->seen.has_genesis)
		return observation_is_lost(&r->seen);
	for (size_t i = 0; i < r->seen.count; i++)
		if (is_chosen(r, i) ? node_may_have_key(&r->seen, i)
		                    : !launcher_is_stopped(&r->state, &r->cluster->nodes[i]))
			return false;
	return true;
}

static size_t first_unanswered(const struct run *r)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (is_chosen(r, i) && is_unanswered(r, i))
			return i;
	return r->seen.count;
}

/* The one thing that stands in the way first, and the command that deals with it. */
static int fill_first(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t not_ready = count_state(report, NODE_NOT_READY), unanswered = first_unanswered(r);

	if (report->has_next_pins)
		return next_of_pins(r, report, e);
	if (count_state(report, NODE_FAILED))
		return next_of_failed(r, report, e);
	if (report->is_lost)
		return next_of_lost(r, report, e);
	if (count_state(report, NODE_GONE))
		return next_of_gone(r, report, e);
	if (unanswered < r->seen.count)
		return next_of_unanswered(r, unanswered, report, e);
	if (!r->seen.has_genesis && r->cluster->quorum.public_key) {
		TRY(buf_add_text(&report->missing,
		                 "the manifest of the quorum key that the cluster file names", e));
		return add_command(r, &report->next, "manifest adopt", "FILE", e);
	}
	if (!r->seen.has_genesis) {
		TRY(buf_add_text(&report->missing, "there is no quorum key yet", e));
		return add_command(r, &report->next, "genesis", NULL, e);
	}
	if (count_state(report, NODE_WAITING))
		return next_of_waiting(r, report, e);
	if (!not_ready)
		return count_state(report, NODE_OLD) ? next_of_old(r, report, e) : 0;
	TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs %s no key", not_ready,
	                   report->nodes.count, not_ready == 1 ? "has" : "have"));
	return add_command(r, &report->next, "propagate", NULL, e);
}

static int fill_next(const struct run *r, struct cluster_report *report, struct err *e)
{
	report->missing.max = report->next.max = COMMAND_LINE_MAX;
	if (report->nodes.count == 0)
		return 0;
	TRY(fill_first(r, report, e));
	/* Where it is what comes first it is named. */
	if (count_state(report, NODE_FAILED) + count_state(report, NODE_GONE) +
	        count_state(report, NODE_WAITING) + count_state(report, NODE_NOT_READY) ==
	    0)
		return 0;
	return add_older(r, report, e);
}

/* A watch tells what it sees in its own time: it has gone on with the file that fits. */
static bool has_next_pins(const struct run *r)
{
	struct pcr_set pcrs;
	struct err why;

	return r->seen.has_genesis && !r->options.is_watch &&
	       manifest_pcrs(&r->seen.genesis.envelope.manifest, &pcrs, &why) == 0 &&
	       policy_check_pins(r->cluster, &pcrs, &why) < 0;
}

/* Any anchor but AWS's is somebody's own, who can sign what they like: it is called simulated. */
static bool is_real(const struct run *r)
{
	return r->cluster->attestation.root == ROOT_AWS ||
	       (r->has_policy && chain_root_is_aws(buf_view(&r->root)));
}

static int fill_dr_key(const struct run *r, struct cluster_report *report, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	struct hash256 hash;

	if (!r->seen.has_genesis || r->seen.genesis.is_foreign)
		return 0;
	TRY(genesis_output_decode(buf_view(&r->seen.genesis.output), &output, e));
	if (!output.has_dr_wrap)
		return 0;
	TRY(sha256(buf_view(&output.dr_key), &hash, e));
	memcpy(report->dr_key, hash.bytes, sizeof(report->dr_key));
	report->has_dr_key = true;
	return 0;
}

static int fill_orphans(const struct run *r, struct cluster_report *report, struct err *e)
{
	AUTO(orphans) struct orphans found = { 0 };

	TRY(orphans_find(r->cluster, &r->state, &found, e));
	for (size_t i = 0; i < found.count; i++) {
		struct orphan_report *o;

		TRY(wire_list_add(&report->orphans, &orphan_report_schema, &o, e));
		TRY(wire_set_text(&o->name, found.items[i].name, e));
		o->pid = found.items[i].pid;
	}
	return 0;
}

static bool all_denied(const struct cluster_report *report)
{
	const struct node_report *nodes = report->nodes.items;

	for (size_t i = 0; i < report->nodes.count; i++)
		if (!nodes[i].is_denied)
			return false;
	return report->nodes.count > 0;
}

/* The state's genesis is not the cluster file's: whoever holds the key was not judged. */
static bool is_of_other_file(const struct run *r)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (r->proofs[i].is_refused && err_has_mark(&r->proofs[i].refusal, POLICY_KEPT))
			return true;
	return false;
}

int report_make(const struct run *r, struct cluster_report *ret, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };

	TRY(wire_set_text(&report.cluster, r->cluster->name, e));
	TRY(wire_set_text(&report.trust, is_real(r) ? ROOT_AWS_NAME : ROOT_SIMULATED_NAME, e));
	TRY(wire_set_text(&report.basis,
	                  !r->seen.has_genesis         ? ""
	                  : r->seen.genesis.is_foreign ? "cluster-file"
	                                               : "genesis",
	                  e));
	report.has_manifest_hash = report.has_quorum_public_key = r->seen.has_genesis;
	memcpy(report.manifest_hash, r->seen.genesis.manifest_hash.bytes,
	       sizeof(report.manifest_hash));
	memcpy(report.quorum_public_key, r->seen.genesis.quorum_key.bytes, PUBLIC_KEY_LEN);
	TRY(fill_dr_key(r, &report, e));
	report.is_lost = is_lost(r);
	report.has_next_pins = has_next_pins(r);
	for (size_t i = 0; i < r->seen.count; i++) {
		struct node_report *n;

		if (!is_chosen(r, i))
			continue;
		report.node_count++;
		TRY(wire_list_add(&report.nodes, &node_report_schema, &n, e));
		TRY(fill_node(r, i, n, e));
		report.ready_count += n->state == NODE_READY;
		report.verified_count += n->verified;
	}
	TRY(distance_fill(r, &report, e));
	/* Whom they do not let look, or who has judged none, has seen nothing to be alarmed by. */
	report.has_distance &=
	    !all_denied(&report) && !report.has_next_pins && !is_of_other_file(r);
	TRY(fill_waiting(r, &report, e));
	TRY(fill_orphans(r, &report, e));
	TRY(fill_next(r, &report, e));
	*ret = MOVE(report);
	return 0;
}

int error_report_make(const struct err *failure, struct error_report *ret, struct err *e)
{
	const struct err_info *info = err_info(failure->code);

	ret->has_code = info->wire != 0;
	ret->code = info->wire;
	ret->exit_status = info->exit_status;
	TRY(wire_set_text(&ret->name, info->name, e));
	ret->has_reason = failure->reason[0] != 0;
	if (ret->has_reason)
		TRY(wire_set_text(&ret->reason, failure->reason, e));
	return wire_set_text(&ret->text, failure->text, e);
}

int report_outcome(struct cluster_report *report, const char *outcome, const struct err *failure,
                   struct err *e)
{
	TRY(wire_set_text(&report->outcome, outcome, e));
	if (!failure)
		return 0;
	report->has_error = true;
	return error_report_make(failure, &report->error, e);
}

int report_judge(const struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;

	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].state == NODE_FAILED && nodes[i].reason.len)
			return err_reason(e, ERR_REFUSED, buf_text(&nodes[i].reason), "%s",
			                  buf_text(&nodes[i].note));
	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].is_denied)
			return err_set(e, ERR_ACCESS, "%s", buf_text(&nodes[i].note));
	for (size_t i = 0; i < report->nodes.count; i++)
		if (nodes[i].is_late)
			return err_reason(e, ERR_TRY_AGAIN, OBSERVATION_LATE, "%s",
			                  buf_text(&nodes[i].note));
	if (report->nodes.count && count_state(report, NODE_GONE) == report->nodes.count)
		return err_reason(e, ERR_UNREACHABLE, buf_text(&nodes[0].reason),
		                  "none of %lld TEEs answers", (long long)report->node_count);
	if (report->ready_count < report->node_count || report->verified_count < report->node_count)
		return err_reason(e, ERR_NOT_DESIRED, report->is_lost ? OBSERVATION_KEY_LOST : "",
		                  "%lld of %lld TEEs %s ready, %lld verified",
		                  (long long)report->ready_count, (long long)report->node_count,
		                  report->ready_count == 1 ? "is" : "are",
		                  (long long)report->verified_count);
	return 0;
}

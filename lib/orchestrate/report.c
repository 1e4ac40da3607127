#include "orchestrate/report_internal.h"

#include "attest/chain.h"
#include "base/text.h"
#include "cluster/orphans.h"
#include "cluster/select.h"
#include "orchestrate/distance.h"
#include "orchestrate/policy.h"
#include "proto/genesis.h"
#include "proto/row.h"

#include <stdio.h>
#include <string.h>

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

bool report_is_unanswered(const struct run *r, size_t node)
{
	return r->seen.nodes[node].presence == NODE_PRESENT && r->proofs[node].is_refused &&
	       r->proofs[node].refusal.code == ERR_TRY_AGAIN;
}

enum node_state report_state_of(const struct run *r, size_t node)
{
	/* Where the time was up before it was verified, it has not failed. */
	if (r->proofs[node].is_refused && !report_is_unanswered(r, node) &&
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

	if (!report_is_unanswered(r, node))
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

bool report_is_chosen(const struct run *r, size_t node)
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
	n->state = (int)report_state_of(r, node);
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

bool report_is_key_back(const struct run *r)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (node_has_key(&r->seen, i) && has_shown_key(r, i))
			return true;
	return false;
}

/* Of those that wait for shares; NULL: none does, or nobody has to be called for it. */
static const struct status_reply *first_waiting(const struct run *r)
{
	for (size_t i = 0; !report_is_key_back(r) && i < r->seen.count; i++)
		if (report_is_chosen(r, i) && report_state_of(r, i) == NODE_WAITING)
			return &r->seen.nodes[i].status;
	return NULL;
}

size_t report_count(const struct cluster_report *report, enum node_state state)
{
	const struct node_report *nodes = report->nodes.items;
	size_t count = 0;

	for (size_t i = 0; i < report->nodes.count; i++)
		count += nodes[i].state == (int)state;
	return count;
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

/* Of nodes that were not asked it is known whether they run here: those that do not have no key. */
static bool is_lost(const struct run *r)
{
	if (!r->options.chosen || !r->seen.has_genesis)
		return observation_is_lost(&r->seen);
	for (size_t i = 0; i < r->seen.count; i++)
		if (report_is_chosen(r, i) ? node_may_have_key(&r->seen, i)
		                           : !launcher_is_stopped(&r->state, &r->cluster->nodes[i]))
			return false;
	return true;
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

		if (!report_is_chosen(r, i))
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
	TRY(report_fill_next(r, &report, e));
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
	if (report->nodes.count && report_count(report, NODE_GONE) == report->nodes.count)
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

#include "orchestrate/report.h"

#include "attest/chain.h"
#include "proto/row.h"

#include <string.h>

#define REPORT_TEXT_MAX 8704 /* a command with two paths of Linux's PATH_MAX */

static const char *const state_words[] = { "ready",  "not ready", "waiting for people",
	                                   "failed", "gone",      NULL };

/* clang-format off */

#define THIS node_report
INNER(node_report,
	TEXT("name", name, 0, REPORT_TEXT_MAX, "as in the cluster file", REQUIRED),
	WORD("state", state, state_words, "what it is, in a word", REQUIRED),
	WORD("phase", phase, phase_names, "what it says of itself", NULLABLE(has_phase)),
	BOOL("verified", verified, "by a live attestation", REQUIRED),
	BOOL("key_proved", key_proved, "by prove-key", REQUIRED),
	BOOL("debug", debug, "whether it is a debug enclave", REQUIRED),
	TEXT("reason", reason, 0, REPORT_TEXT_MAX, "why it is not verified, for machines", REQUIRED),
	TEXT("note", note, 0, REPORT_TEXT_MAX, "and for people", REQUIRED),
	FIXED_HEX("manifest_hash", manifest_hash, "that it says it holds", NULLABLE(has_manifest_hash)),
	FIXED_HEX("quorum_public_key", quorum_public_key, "that it says it holds", NULLABLE(has_quorum_public_key)),
	TEXT("url", url, 0, REPORT_TEXT_MAX, "where it was asked", REQUIRED),
	TEXT("instance_id", instance_id, 0, REPORT_TEXT_MAX, "of this start of it", REQUIRED));
#undef THIS

#define THIS error_report
SCHEMA(error_report,
	TEXT("name", name, 0, REPORT_TEXT_MAX, "which error, a word that stays", REQUIRED),
	NUMBER("code", code, 0, INT32_MAX, "of the enclave's refusal", NULLABLE(has_code)),
	NUMBER("exit_status", exit_status, 0, UINT8_MAX, "of the verb", REQUIRED),
	TEXT("verb", verb, 0, REPORT_TEXT_MAX, "that failed", REQUIRED),
	TEXT("reason", reason, 0, REPORT_TEXT_MAX, "which check, for machines", NULLABLE(has_reason)),
	TEXT("text", text, 0, REPORT_TEXT_MAX, "for people", REQUIRED),
	TEXT("cause", cause, 0, REPORT_TEXT_MAX, "for people", NULLABLE(has_cause)),
	TEXT("hint", hint, 0, REPORT_TEXT_MAX, "what to do next", NULLABLE(has_hint)));
#undef THIS

#define THIS cluster_report
SCHEMA(cluster_report,
	TEXT("cluster", cluster, 0, REPORT_TEXT_MAX, "its name", REQUIRED),
	TEXT("outcome", outcome, 0, REPORT_TEXT_MAX, "what the verb came to", REQUIRED),
	OBJECT("error", error, error_report, "why it failed", NULLABLE(has_error)),
	TEXT("trust", trust, 0, REPORT_TEXT_MAX, "whose documents are believed", REQUIRED),
	NUMBER("node_count", node_count, 0, CLUSTER_NODES_MAX, "of the cluster file", REQUIRED),
	NUMBER("ready_count", ready_count, 0, CLUSTER_NODES_MAX, "that have the key", REQUIRED),
	NUMBER("verified_count", verified_count, 0, CLUSTER_NODES_MAX, "by a live attestation", REQUIRED),
	FIXED_HEX("manifest_hash", manifest_hash, "of the cluster", NULLABLE(has_manifest_hash)),
	FIXED_HEX("quorum_public_key", quorum_public_key, "of the cluster", NULLABLE(has_quorum_public_key)),
	LIST("waiting_for", waiting_for, 0, MEMBERS_MAX, alias_item, "members whose shares are missing", REQUIRED),
	LIST("nodes", nodes, 0, CLUSTER_NODES_MAX, node_report, "in the cluster file's order", REQUIRED),
	TEXT("missing", missing, 0, REPORT_TEXT_MAX, "one sentence; empty: nothing", REQUIRED),
	TEXT("next", next, 0, REPORT_TEXT_MAX, "what to type next; empty: nothing", REQUIRED));
#undef THIS

/* clang-format on */

const char *node_state_name(enum node_state state)
{
	return state_words[state];
}

static enum node_state judge_state(const struct run *r, size_t node)
{
	if (r->proofs[node].is_refused && r->seen.nodes[node].presence == NODE_PRESENT)
		return NODE_FAILED;
	switch (node_standing(&r->seen, node)) {
	case STANDS_APART:
		return NODE_GONE;
	case STANDS_OCCUPIED:
	case STANDS_BROKEN:
		return NODE_FAILED;
	case STANDS_READY:
		return NODE_READY;
	case STANDS_EMPTY:
	case STANDS_WAITING:
		break;
	}
	return node_phase(&r->seen, node) == PHASE_GENESIS_BOOTED ||
	               node_phase(&r->seen, node) == PHASE_WAITING_FOR_SHARES
	           ? NODE_WAITING
	           : NODE_NOT_READY;
}

/* Why it is not as it should be. */
static const char *note_of(const struct run *r, size_t node)
{
	if (r->seen.nodes[node].presence != NODE_PRESENT)
		return r->seen.nodes[node].why.text;
	if (r->proofs[node].is_refused)
		return r->proofs[node].refusal.text;
	if (node_standing(&r->seen, node) == STANDS_OCCUPIED)
		return "occupied: another manifest or quorum key";
	return "";
}

static int fill_node(const struct run *r, size_t node, struct node_report *n, struct err *e)
{
	const struct node_seen *seen = &r->seen.nodes[node];
	const struct node_proof *proof = &r->proofs[node];
	const struct status_reply *status = &seen->status;

	n->state = (int)judge_state(r, node);
	n->verified = !proof->is_refused && proof->holding != HOLDS_UNKNOWN;
	n->key_proved = proof->has_key_proof;
	n->debug = proof->is_debug || status->debug;
	n->has_phase = seen->presence == NODE_PRESENT;
	n->phase = status->phase;
	n->has_manifest_hash = status->has_manifest_hash;
	memcpy(n->manifest_hash, status->manifest_hash, sizeof(n->manifest_hash));
	n->has_quorum_public_key = status->has_quorum_public_key;
	memcpy(n->quorum_public_key, status->quorum_public_key, sizeof(n->quorum_public_key));
	TRY(wire_set_text(&n->name, r->cluster->nodes[node].name, e));
	TRY(wire_set_text(&n->url, seen->url ? seen->url : "", e));
	TRY(wire_set(&n->instance_id, buf_view(&status->instance_id), e));
	TRY(wire_set_text(&n->reason,
	                  proof->is_refused              ? proof->refusal.reason
	                  : seen->presence == NODE_STRAY ? seen->why.reason
	                                                 : "",
	                  e));
	return wire_set_text(&n->note, note_of(r, node), e);
}

static int fill_waiting(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct wire_list *from = &r->missing;

	/* Before anyone has tried to inject, those whom the waiting TEE names. */
	for (size_t i = 0; from->count == 0 && i < r->seen.count; i++)
		if (judge_state(r, i) == NODE_WAITING)
			from = &r->seen.nodes[i].status.shares_missing;
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
	bool is_default = strcmp(file, CLUSTER_FILE_DEFAULT) == 0;

	return buf_add_format(to, e, "teectl%s%s%s%s %s%s%s", is_default ? "" : " -f ",
	                      is_default ? "" : file, state ? " --state " : "", state ? state : "",
	                      verb, node ? " " : "", node ? node : "");
}

static int next_of_failed(const struct run *r, struct cluster_report *report, struct err *e)
{
	const struct node_report *nodes = report->nodes.items;
	const struct node_report *n = nodes;

	while (n->state != NODE_FAILED)
		n++;
	TRY(buf_add_format(&report->missing, e, "%s failed: see its note", buf_text(&n->name)));
	/* What it measures is seen by measuring; anything else, if at all, in its log. */
	if (strncmp(buf_text(&n->reason), "pcr", 3) == 0)
		return add_command(r, &report->next, "measure", NULL, e);
	if (r->cluster->nodes[n - nodes].listen && n->has_phase)
		return add_command(r, &report->next, "logs", buf_text(&n->name), e);
	return 0;
}

/* One that runs and does not answer is not started again by up: it is stopped first. */
static int next_of_gone(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t gone = count_state(report, NODE_GONE);

	for (size_t i = 0; i < r->seen.count; i++) {
		const struct cluster_node *node = &r->cluster->nodes[i];

		if (r->seen.nodes[i].presence != NODE_UNREACHABLE)
			continue;
		TRY(buf_add_format(&report->missing, e, "%s does not answer", node->name));
		/* Who launched it elsewhere starts it again; then up verifies it. */
		if (!node->listen)
			return add_command(r, &report->next, "up", NULL, e);
		TRY(add_command(r, &report->next, "down", node->name, e));
		TRY(buf_add_text(&report->next, ", then ", e));
		return add_command(r, &report->next, "up", NULL, e);
	}
	TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs %s not running", gone,
	                   report->nodes.count, are(gone)));
	return add_command(r, &report->next, "up", NULL, e);
}

static int next_of_waiting(const struct run *r, struct cluster_report *report, struct err *e)
{
	for (size_t i = 0; i < r->seen.count; i++) {
		const struct status_reply *status = &r->seen.nodes[i].status;

		if (judge_state(r, i) != NODE_WAITING)
			continue;
		TRY(buf_add_format(&report->missing, e, "%s waits for shares: %lld of %lld are in",
		                   r->cluster->nodes[i].name, (long long)status->shares_received,
		                   (long long)status->threshold));
		break;
	}
	return add_command(r, &report->next, "inject", NULL, e);
}

/* The one thing that stands in the way first, and the command that deals with it. */
static int fill_next(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t not_ready = count_state(report, NODE_NOT_READY);

	report->missing.max = report->next.max = REPORT_TEXT_MAX;
	if (count_state(report, NODE_FAILED))
		return next_of_failed(r, report, e);
	if (observation_is_lost(&r->seen))
		return buf_add_format(&report->missing, e, OBSERVATION_LOST_TEXT, r->cluster->name);
	if (count_state(report, NODE_GONE))
		return next_of_gone(r, report, e);
	if (!r->seen.has_genesis) {
		TRY(buf_add_text(&report->missing, "there is no quorum key yet", e));
		return add_command(r, &report->next, "genesis", NULL, e);
	}
	if (count_state(report, NODE_WAITING))
		return next_of_waiting(r, report, e);
	if (!not_ready)
		return 0;
	TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs %s no key", not_ready,
	                   report->nodes.count, not_ready == 1 ? "has" : "have"));
	return add_command(r, &report->next, "propagate", NULL, e);
}

/* Any anchor but AWS's is somebody's own, who can sign what they like: it is called simulated. */
static bool is_real(const struct run *r)
{
	return r->cluster->attestation.root == ROOT_AWS ||
	       (r->has_policy && chain_root_is_aws(buf_view(&r->root)));
}

int report_make(const struct run *r, struct cluster_report *ret, struct err *e)
{
	AUTO(cluster_report) struct cluster_report report = { 0 };

	TRY(wire_set_text(&report.cluster, r->cluster->name, e));
	TRY(wire_set_text(&report.trust, is_real(r) ? "aws-nitro" : "simulated", e));
	report.has_manifest_hash = report.has_quorum_public_key = r->seen.has_genesis;
	memcpy(report.manifest_hash, r->seen.genesis.manifest_hash.bytes,
	       sizeof(report.manifest_hash));
	memcpy(report.quorum_public_key, r->seen.genesis.quorum_key.bytes, PUBLIC_KEY_LEN);
	report.is_lost = observation_is_lost(&r->seen);
	report.node_count = (int64_t)r->seen.count;
	for (size_t i = 0; i < r->seen.count; i++) {
		struct node_report *n;

		TRY(wire_list_add(&report.nodes, &node_report_schema, &n, e));
		TRY(fill_node(r, i, n, e));
		report.ready_count += n->state == NODE_READY;
		report.verified_count += n->verified;
	}
	TRY(fill_waiting(r, &report, e));
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
	if (count_state(report, NODE_GONE) == report->nodes.count)
		return err_set(e, ERR_UNREACHABLE, "none of %lld TEEs answers",
		               (long long)report->node_count);
	if (report->ready_count < report->node_count || report->verified_count < report->node_count)
		return err_reason(e, ERR_NOT_DESIRED, report->is_lost ? "key-lost" : "",
		                  "%lld of %lld TEEs %s ready, %lld verified",
		                  (long long)report->ready_count, (long long)report->node_count,
		                  report->ready_count == 1 ? "is" : "are",
		                  (long long)report->verified_count);
	return 0;
}

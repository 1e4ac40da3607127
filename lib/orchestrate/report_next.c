#include "orchestrate/report_internal.h"

#include "attest/pcr.h"
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "orchestrate/believe.h"
#include "orchestrate/ceremony.h"

#include <stdlib.h>
#include <string.h>

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
	size_t failed = report_count(report, NODE_FAILED);
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
		others +=
		    report_is_chosen(r, i) &&
		    (r->seen.nodes[i].presence == NODE_UNREACHABLE || report_is_unanswered(r, i));
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
	for (size_t i = 0; idle <= NAMED_MAX && i < r->seen.count; i++) {
		if (!report_is_chosen(r, i) || report_state_of(r, i) != NODE_GONE ||
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
	size_t gone = report_count(report, NODE_GONE), retired = 0;

	for (size_t i = 0; i < r->seen.count; i++) {
		if (report_is_chosen(r, i) && r->seen.nodes[i].presence == NODE_UNREACHABLE)
			return next_of_unreachable(r, i, report, e);
		retired += report_is_chosen(r, i) && r->seen.nodes[i].presence == NODE_ABSENT &&
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

		if (!report_is_chosen(r, i) || report_state_of(r, i) != NODE_WAITING)
			continue;
		if (report_is_key_back(r))
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
	size_t old = report_count(report, NODE_OLD);

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
	size_t old = report_count(report, NODE_OLD), named = 0;

	if (!old)
		return 0;
	TRY(buf_add_text(&report->missing, "; ", e));
	for (size_t i = 0; old <= NAMED_MAX && i < report->nodes.count; i++)
		if (nodes[i].state == NODE_OLD)
			TRY(buf_add_format(&report->missing, e, "%s%s", named++ ? ", " : "",
			                   r->cluster->nodes[nodes[i].index].name));
	if (!named)
		TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs", old,
		                   report->nodes.count));
	return buf_add_format(&report->missing, e, " %s an older manifest",
	                      old == 1 ? "holds" : "hold");
}

static size_t first_unanswered(const struct run *r)
{
	for (size_t i = 0; i < r->seen.count; i++)
		if (report_is_chosen(r, i) && report_is_unanswered(r, i))
			return i;
	return r->seen.count;
}

/* The one thing that stands in the way first, and the command that deals with it. */
static int fill_first(const struct run *r, struct cluster_report *report, struct err *e)
{
	size_t not_ready = report_count(report, NODE_NOT_READY), unanswered = first_unanswered(r);

	if (report->has_next_pins)
		return next_of_pins(r, report, e);
	if (report_count(report, NODE_FAILED))
		return next_of_failed(r, report, e);
	if (report->is_lost)
		return next_of_lost(r, report, e);
	if (report_count(report, NODE_GONE))
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
	if (report_count(report, NODE_WAITING))
		return next_of_waiting(r, report, e);
	if (!not_ready)
		return report_count(report, NODE_OLD) ? next_of_old(r, report, e) : 0;
	TRY(buf_add_format(&report->missing, e, "%zu of %zu TEEs %s no key", not_ready,
	                   report->nodes.count, not_ready == 1 ? "has" : "have"));
	return add_command(r, &report->next, "propagate", NULL, e);
}

int report_fill_next(const struct run *r, struct cluster_report *report, struct err *e)
{
	report->missing.max = report->next.max = COMMAND_LINE_MAX;
	if (report->nodes.count == 0)
		return 0;
	TRY(fill_first(r, report, e));
	/* Where it is what comes first it is named. */
	if (report_count(report, NODE_FAILED) + report_count(report, NODE_GONE) +
	        report_count(report, NODE_WAITING) + report_count(report, NODE_NOT_READY) ==
	    0)
		return 0;
	return add_older(r, report, e);
}

/* Preflight: nodes that others launched, and etcd. */
#include "orchestrate/preflight_internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "orchestrate/policy.h"
#include "orchestrate/sharing.h"

#include <stdio.h>
#include <stdlib.h>

#define SKEW_NOTED_MS 10000 /* a look takes up to three seconds: that is not skew */

int preflight_skew(int64_t skew_ms, int64_t max_age_ms, struct preflight_warning *ret_warning,
                   struct err *e)
{
	if (skew_ms > DOCUMENT_AHEAD_MS || skew_ms < -max_age_ms)
		return err_reason(
		    e, ERR_NOT_DESIRED, "freshness",
		    "its clock is %lld s %s this machine's: its documents will be refused",
		    (long long)(skew_ms < 0 ? -skew_ms : skew_ms) / 1000,
		    skew_ms < 0 ? "behind" : "ahead of");
	if (skew_ms > SKEW_NOTED_MS || skew_ms < -SKEW_NOTED_MS)
		snprintf(ret_warning->text, sizeof(ret_warning->text),
		         "its clock is %lld s %s this machine's",
		         (long long)(skew_ms < 0 ? -skew_ms : skew_ms) / 1000,
		         skew_ms < 0 ? "behind" : "ahead of");
	return 0;
}

static int check_clock(struct preflight *p, const struct run *r, size_t node, bool *ret_ok,
                       struct err *e)
{
	const char *name = p->c->nodes[node].name;
	struct preflight_warning warning = { "" };
	static const char next[] = "set both clocks by NTP";
	int64_t time_ms;
	struct err why;

	*ret_ok = false;
	if (time_parse(buf_text(&r->seen.nodes[node].status.timestamp), &time_ms, &why) < 0 ||
	    preflight_skew(time_ms - clock_unix_ms(), p->c->attestation.max_age_ms, &warning,
	                   &why) < 0)
		return preflight_add_failed(p, "clock", name, &why, next, e);
	if (warning.text[0])
		return preflight_add(p, "clock", name, PREFLIGHT_WARNING, warning.text, next, e);
	*ret_ok = true;
	return 0;
}

static int check_answers(struct preflight *p, const struct run *r, const bool *asked,
                         size_t asked_count, struct err *e)
{
	size_t answers = 0, right = 0;

	for (size_t i = 0; i < p->c->node_count; i++) {
		const struct node_seen *seen = &r->seen.nodes[i];
		bool is_right;

		if (!asked[i])
			continue;
		if (seen->presence != NODE_PRESENT) {
			TRY(preflight_add_failed(
			    p, "reach", p->c->nodes[i].name, &seen->why,
			    "have who launched it look, or correct the node's `url` or `tls`", e));
			continue;
		}
		answers++;
		TRY(check_clock(p, r, i, &is_right, e));
		right += is_right;
	}
	if (answers)
		TRY(preflight_add_ok(p, "reach", "nodes elsewhere", e, "%zu of %zu answer", answers,
		                     asked_count));
	return right ? preflight_add_ok(p, "clock", "nodes elsewhere", e,
	                                "%zu of %zu go with this machine's", right, answers)
	             : 0;
}

int preflight_check_reach(struct preflight *p, struct err *e)
{
	AUTO(flags) bool *asked = calloc(p->c->node_count, sizeof(*asked));
	AUTO(run) struct run r = RUN_INIT;
	struct run_options options = *p->options;
	size_t count = 0;
	struct err why;

	if (!asked)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	for (size_t i = 0; i < p->c->node_count; i++) {
		asked[i] = p->c->nodes[i].url && preflight_is_chosen(p, i);
		count += asked[i];
	}
	options.chosen = asked;
	if (!count || !p->state.folder)
		return 0;
	if (run_open(p->c, &options, &r, &why) == 0)
		return check_answers(p, &r, asked, count, e);
	if (why.code == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	return preflight_add_failed(p, "reach", "nodes elsewhere", &why, "correct what is named",
	                            e);
}

int preflight_check_etcd(struct preflight *p, struct err *e)
{
	for (size_t i = 0; i < p->c->shared.etcd_count; i++) {
		struct err why;
		int result = sharing_ask(p->c, i, p->options->interrupt_fd, &why);

		if (result < 0 && why.code == ERR_INTERRUPTED) {
			*e = why;
			return -1;
		}
		TRY(preflight_add_result(
		    p, "etcd", p->c->shared.etcd[i], result, &why, "it answers",
		    "start it, or correct `state.etcd` of the cluster file", e));
	}
	return 0;
}

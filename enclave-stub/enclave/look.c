/* The operations that only look: health, status, metrics, manifest, receipts. */
#include "base/clock.h"
#include "base/text.h"
#include "enclave/call.h"

#include <string.h>

static int set_now(struct buf *to, struct err *e)
{
	char now[TIME_TEXT_LEN];

	time_format(clock_unix_ms(), now);
	return wire_set_text(to, now, e);
}

int serve_health(struct call *c, struct err *e)
{
	struct health_reply *reply = c->reply;

	if (c->enclave->state.phase == PHASE_UNRECOVERABLE)
		return err_set(e, ERR_UNAVAILABLE, "the enclave is in phase %s",
		               phase_name(PHASE_UNRECOVERABLE));
	TRY(wire_set_text(&reply->status, "healthy", e));
	TRY(set_now(&reply->timestamp, e));
	return wire_set_text(&reply->version, TEECTL_VERSION, e);
}

/* Shares are missing only while shares are waited for. After boot-standard those that are here are
 * candidates: once the key is complete, those that were no shares of it count no more. */
static int add_shares(const struct enclave_state *state, struct status_reply *reply, struct err *e)
{
	const struct member *members =
	    state->manifest.manifest_envelope.manifest.share_set.members.items;
	struct alias_item *item;

	for (size_t i = 0; i < state->slot_count; i++) {
		if (state->slots[i].is_accepted && !state->slots[i].is_off) {
			reply->shares_received++;
			continue;
		}
		if (!state->setup_key)
			continue;
		TRY(wire_list_add(&reply->shares_missing, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, buf_view(&members[i].alias), e));
	}
	return 0;
}

static int add_manifest(const struct enclave_state *state, struct status_reply *reply,
                        struct err *e)
{
	const struct manifest *m = &state->manifest.manifest_envelope.manifest;

	if (!state->has_manifest)
		return 0;
	reply->has_threshold = reply->has_members = true;
	reply->threshold = m->share_set.threshold;
	reply->members = (int64_t)m->share_set.members.count;
	reply->has_manifest_hash = true;
	memcpy(reply->manifest_hash, state->manifest_hash.bytes, sizeof(reply->manifest_hash));
	reply->has_quorum_public_key = true;
	memcpy(reply->quorum_public_key, state->quorum_public.bytes,
	       sizeof(reply->quorum_public_key));
	reply->has_namespace = true;
	reply->namespace.nonce = m->namespace.nonce;
	TRY(wire_set(&reply->namespace.name, buf_view(&m->namespace.name), e));
	return add_shares(state, reply, e);
}

int serve_status(struct call *c, struct err *e)
{
	struct enclave *en = c->enclave;
	struct status_reply *reply = c->reply;

	reply->status = reply->phase = (int)en->state.phase;
	TRY(set_now(&reply->timestamp, e));
	TRY(wire_set_text(&reply->version, TEECTL_VERSION, e));
	reply->uptime_ms = clock_monotonic_ms() - en->started_ms;
	reply->quorum_key_available = en->state.quorum_key != NULL;
	reply->debug = en->is_debug;
	TRY(wire_set_text(&reply->instance_id, en->instance_id, e));
	return add_manifest(&en->state, reply, e);
}

int serve_metrics(struct call *c, struct err *e)
{
	return metrics_format(&c->enclave->metrics, c->enclave->state.phase, c->text, e);
}

int serve_manifest(struct call *c, struct err *e)
{
	(void)e;
	c->stored = &c->enclave->state.manifest;
	return 0;
}

int serve_receipts(struct call *c, struct err *e)
{
	struct receipts_reply *reply = c->reply;

	return receipts_list(&c->enclave->receipts, c->from, &reply->receipts, e);
}

/* inject: the members' shares that are here, each opened with its member's key, compared with the
 * attested hash, sealed to the verified and committed setup key, and signed by the member. A share
 * is in the clear only between opening and sealing, in locked memory.
 *
 * After boot-standard the enclave knows no hash, and what is in may be no share of the key. Where
 * enough are in and give no key, all that are here are sent anew: shares of one request are tried
 * before any that came earlier. */
#include "base/file.h"
#include "base/text.h"
#include "orchestrate/ceremony.h"
#include "orchestrate/execute.h"
#include "orchestrate/policy.h"
#include "orchestrate/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum share_status {
	SHARE_IN,      /* the enclave has it */
	SHARE_HERE,    /* key and share are here */
	SHARE_SENT,    /* sealed and signed, in the request */
	SHARE_WRONG,   /* refused, here or by the enclave */
	SHARE_MISSING, /* its key is not here: its member is waited for */
	SHARE_NO_FILE, /* its key is here, and the share's file is gone */
};

struct share_slot {
	enum share_status status;
	const struct cluster_member *member;
	const struct member *holder;            /* the same, as the share set has him */
	const struct encrypted_share *attested; /* NULL: the quorum was born elsewhere */
};

struct inject {
	struct execution *x;
	size_t step, node;
	uint8_t nonce[NONCE_LEN];
	struct public_key setup_key; /* attested: what shares are sealed to */
	struct genesis_output output;
	struct inject_shares_request request;
	struct share_slot *slots;
	size_t count;
	int64_t threshold;
	int64_t received, needed; /* shares that the enclave has, and still needs */
	bool is_unresolved;       /* enough are in, and no subset of them gives the key */
};

static void inject_drop(struct inject **j)
{
	struct inject *gone = *j;

	if (!gone)
		return;
	genesis_output_drop(&gone->output);
	inject_shares_request_drop(&gone->request);
	free(gone->slots);
	free(gone);
	*j = NULL;
}

static void fail(struct inject *j, const struct err *why)
{
	execution_failed(j->x, j->step, why);
	inject_drop(&j);
}

static int judge_slot(const struct inject *j, struct share_slot *slot, struct err *e)
{
	const struct run *r = j->x->run;
	AUTO(text) char *path = NULL;

	TRY(share_path(&j->x->run->state, slot->member, &path, e));
	if (!j->is_unresolved && !ceremony_lists(&r->seen.nodes[j->node].status.shares_missing,
	                                         view_text(slot->member->name)))
		slot->status = SHARE_IN;
	else if (!slot->member->key || !file_is_there(slot->member->key))
		slot->status = SHARE_MISSING;
	else
		slot->status = file_is_there(path) ? SHARE_HERE : SHARE_NO_FILE;
	return 0;
}

/* What is in counts, unless it gives no key. */
static int judge_slots(struct inject *j, int64_t received, struct err *e)
{
	j->received = received;
	j->is_unresolved = received >= j->threshold;
	j->needed = j->is_unresolved ? (int64_t)j->count : j->threshold - received;
	for (size_t i = 0; i < j->count; i++)
		if (j->slots[i].status != SHARE_WRONG)
			TRY(judge_slot(j, &j->slots[i], e));
	return 0;
}

/* Whose share it is, and what of it is attested; believe.c has held both to the cluster file. */
static int fill_slot(const struct inject *j, size_t i, struct share_slot *slot, struct err *e)
{
	const struct run *r = j->x->run;
	const struct encrypted_share *attested = j->output.member_outputs.items;

	slot->member = &r->cluster->quorum.members.items[i];
	slot->holder = member_set_find(&r->seen.genesis.envelope.manifest.share_set,
	                               view_text(slot->member->name));
	if (!r->seen.genesis.is_foreign)
		slot->attested = &attested[i];
	if (slot->holder &&
	    (!slot->attested || view_equal(buf_view(&attested[i].share_set_member.alias),
	                                   view_text(slot->member->name))))
		return 0;
	return err_set(e, ERR_CONFIG,
	               "member %zu, '%s', of the cluster file is another in the genesis", i + 1,
	               slot->member->name);
}

/* The members in the cluster file's order, which is the attested one. */
static int list_slots(struct inject *j, struct err *e)
{
	const struct run *r = j->x->run;
	const struct member_set *set = &r->seen.genesis.envelope.manifest.share_set;
	const struct cluster_member_list *members = &r->cluster->quorum.members;

	if (!r->seen.genesis.is_foreign)
		TRY(genesis_output_decode(buf_view(&r->seen.genesis.output), &j->output, e));
	j->count = set->members.count;
	j->threshold = set->threshold;
	if (j->count != members->count ||
	    (!r->seen.genesis.is_foreign && j->count != j->output.member_outputs.count))
		return err_set(e, ERR_CONFIG,
		               "the cluster file names %zu members, the share set has %zu",
		               members->count, j->count);
	j->slots = calloc(j->count, sizeof(*j->slots));
	if (!j->slots)
		return err_set(e, ERR_INTERNAL, "no memory for %zu shares", j->count);
	for (size_t i = 0; i < j->count; i++)
		TRY(fill_slot(j, i, &j->slots[i], e));
	return judge_slots(j, r->seen.nodes[j->node].status.shares_received, e);
}

/* From the member's key and the file to a sealed and signed share. */
static int seal_share(const struct inject *j, const struct share_slot *slot,
                      struct submitted_share *ret, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(secret) struct secret share = { 0 };
	AUTO(text) char *path = NULL;
	struct run *r = j->x->run;
	struct sealed_share sealed;

	TRY(share_path(&r->state, slot->member, &path, e));
	TRY(key_set_read_own(slot->member->key, r->options.passphrases, &key, e));
	TRY(share_open(slot->holder, slot->attested, slot->member->key, key, path, &share, e));
	TRY(share_seal(&share, key, &r->seen.genesis.manifest_hash, &j->setup_key, &sealed, e));
	TRY(wire_set(&ret->encrypted_share, VIEW_OF(sealed.envelope), e));
	ret->has_encrypted = true;
	TRY(wire_set(&ret->signature, VIEW_OF(sealed.signature.bytes), e));
	ret->has_signature = true;
	return wire_set_text(&ret->member_alias, slot->member->name, e);
}

static void submitted_share_drop(struct submitted_share *s)
{
	wire_release(&submitted_share_schema, s);
}

/* Seals as many as are needed; a wrong one names its member and the next takes its place. */
static int fill_shares(struct inject *j, struct err *e)
{
	int64_t sent = 0;

	for (size_t i = 0; i < j->count && sent < j->needed; i++) {
		AUTO(submitted_share) struct submitted_share sealed = { 0 };
		struct submitted_share *item;
		struct err why;

		if (j->slots[i].status != SHARE_HERE)
			continue;
		if (seal_share(j, &j->slots[i], &sealed, &why) < 0) {
			/* No passphrase to be had, or a key that lies open: no word on the share.
			 */
			if (key_is_unasked(&why) || strcmp(why.reason, KEY_OPEN) == 0) {
				*e = why;
				return -1;
			}
			j->slots[i].status = SHARE_WRONG;
			run_note(j->x->run, j->node, "the share of %s is wrong: %s",
			         j->slots[i].member->name, why.text);
			continue;
		}
		TRY(wire_list_add(&j->request.shares, &submitted_share_schema, &item, e));
		*item = MOVE(sealed);
		j->slots[i].status = SHARE_SENT;
		sent++;
	}
	return 0;
}

/* A key that lies beside the public half that the file names is no share that comes. */
static void name_key_beside(const struct inject *j, const struct cluster_member *m)
{
	size_t len = m->pub ? strlen(m->pub) : 0, suffix = strlen(".pub");
	char secret[ERR_TEXT_MAX];

	if (m->key || len <= suffix || strcmp(m->pub + len - suffix, ".pub") != 0)
		return;
	snprintf(secret, sizeof(secret), "%.*s.secret", (int)(len - suffix), m->pub);
	if (file_is_there(secret))
		run_note(j->x->run, j->node, "%s is here, the file says pub: (key: has it opened)",
		         secret);
}

/* ERR_WAITING, with the names of those whose shares would complete it. */
static int refuse_waiting(struct inject *j, int64_t received, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
	bool is_cut = false;
	struct err full;

	for (size_t i = 0; i < j->count; i++) {
		const struct share_slot *slot = &j->slots[i];
		struct alias_item *item;

		if (slot->status == SHARE_IN || slot->status == SHARE_SENT)
			continue;
		TRY(wire_list_add(&j->x->run->missing, &alias_item_schema, &item, e));
		TRY(wire_set_text(&item->alias, slot->member->name, e));
		name_key_beside(j, slot->member);
		/* A list too long for one line is cut; the JSON has them all. */
		is_cut = is_cut ||
		         buf_add_format(&names, &full, "%s%s%s", names.len ? ", " : "",
		                        slot->member->name,
		                        slot->status == SHARE_WRONG     ? " (wrong share)"
		                        : slot->status == SHARE_NO_FILE ? " (share file missing)"
		                                                        : "") < 0;
	}
	if (j->is_unresolved)
		return err_set(
		    e, ERR_WAITING,
		    "%lld shares are in, and no %lld of them give the key: one is wrong; waiting for "
		    "a good one of: %s%s",
		    (long long)received, (long long)j->threshold, buf_text(&names),
		    is_cut ? ", …" : "");
	return err_set(e, ERR_WAITING, "%lld of %lld shares are in; waiting for %s%s%s",
	               (long long)received, (long long)j->threshold,
	               j->threshold - received > 1 ? "more of: " : "one of: ", buf_text(&names),
	               is_cut ? ", …" : "");
}

static int submit(struct inject *j, struct err *e);

static void name_rejected(struct inject *j, const struct inject_shares_reply *reply)
{
	const struct alias_item *rejected = reply->rejected.items;

	for (size_t i = 0; i < reply->rejected.count; i++) {
		run_note(j->x->run, j->node, "the enclave rejected the share of %s",
		         buf_text(&rejected[i].alias));
		for (size_t s = 0; s < j->count; s++)
			if (view_equal(buf_view(&rejected[i].alias),
			               view_text(j->slots[s].member->name)))
				j->slots[s].status = SHARE_WRONG;
	}
}

/* Also again, where they were not answered. */
static int may_send(void *context, struct err *e)
{
	const struct inject *j = context;

	return policy_check_refused(j->x->run, j->node, "no share is sent to it", e);
}

static void on_leave(void *context)
{
	const struct inject *j = context;

	ceremony_record_shares(j->x->run, j->node, &j->setup_key, &j->request);
}

/* Shares that gave no key together with those that were in before: all that are here, anew. */
static int send_again(struct inject *j, int64_t received, struct err *e)
{
	/* Before any is sealed, for which members may have to be asked. */
	TRY(may_send(j, e));
	run_note(j->x->run, j->node,
	         "a share that came in before is wrong: all that are here are sent in one request");
	TRY(judge_slots(j, received, e));
	return submit(j, e);
}

static void on_receipt(void *context, const struct err *failure)
{
	struct inject *j = context;
	struct err e;

	if (failure) {
		fail(j, failure);
		return;
	}
	if (policy_check_refused(j->x->run, j->node,
	                         "it is not believed, though the shares gave it the key", &e) < 0) {
		fail(j, &e);
		return;
	}
	execution_done(j->x, j->step, "%lld of %lld shares", (long long)j->received,
	               (long long)j->threshold);
	inject_drop(&j);
}

static int take_key(struct inject *j, const struct inject_shares_reply *reply, struct err *e)
{
	if (reply->reconstructed_quorum_key.len == 0)
		return refuse_waiting(j, reply->shares_received, e);
	j->received = reply->shares_received;
	return ceremony_take_key(j->x->run, j->node, &j->setup_key, reply, on_receipt, j, e);
}

static void on_submitted(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct inject *j = context;
	const struct inject_shares_reply *answer = reply;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		fail(j, failure);
		return;
	}
	name_rejected(j, answer);
	if (answer->unresolved && !j->is_unresolved) {
		if (send_again(j, answer->shares_received, &e) < 0)
			fail(j, &e);
		return;
	}
	if (take_key(j, answer, &e) < 0)
		fail(j, &e);
}

static int submit(struct inject *j, struct err *e)
{
	struct inject_shares_request *q = &j->request;
	struct run *r = j->x->run;
	const struct manifest *m = &r->seen.genesis.envelope.manifest;

	inject_shares_request_drop(q); /* of those before, where it is sent anew */
	TRY(wire_set(&q->namespace_name, buf_view(&m->namespace.name), e));
	q->namespace_nonce = m->namespace.nonce;
	TRY(fill_shares(j, e));
	if (q->shares.count == 0)
		return refuse_waiting(j, j->received, e);
	return run_exchange_as(r, j->node,
	                       &(const struct client_exchange){
	                           .api = API_INJECT_SHARES,
	                           .request = q,
	                           .may = may_send,
	                           .on_leave = on_leave,
	                           .on_done = on_submitted,
	                           .context = j,
	                       },
	                       e);
}

static int take_document(struct inject *j, const struct attestation_reply *answer, struct err *e)
{
	struct run *r = j->x->run;
	struct node_proof *proof = &r->proofs[j->node];

	TRY(policy_judge(r, j->node, buf_view(&answer->attestation_doc), VIEW_OF(j->nonce), proof,
	                 e));
	/* An older manifest may be of an image that was given up for a reason. */
	if (proof->is_older)
		return err_reason(
		    e, ERR_ATTESTATION, "manifest",
		    "its document carries an older manifest: nothing is sealed to it");
	if (proof->holding != HOLDS_SETUP_KEY)
		return err_reason(e, ERR_ATTESTATION, "public_key",
		                  "its document commits to no setup key: nothing is sealed to it");
	policy_note_seen(r, j->node, &proof->module, buf_view(&answer->attestation_doc),
	                 VIEW_OF(j->nonce));
	j->setup_key = proof->setup_key;
	return submit(j, e);
}

static void on_document(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct inject *j = context;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		fail(j, failure);
	} else if (take_document(j, reply, &e) < 0) {
		(void)err_wrap(&e, "%s", j->x->run->cluster->nodes[j->node].name);
		fail(j, &e);
	}
}

static int begin(struct inject *j, struct err *e)
{
	TRY(policy_may_seal(j->x->run, e));
	TRY(list_slots(j, e));
	return run_ask_document(j->x->run, j->node, j->nonce, on_document, j, e);
}

int step_inject_start(struct execution *x, size_t step, struct err *e)
{
	AUTO(inject) struct inject *j = calloc(1, sizeof(*j));

	if (!j)
		return err_set(e, ERR_INTERNAL, "no memory to inject shares");
	*j = (struct inject){ .x = x, .step = step, .node = x->plan->steps[step].node };
	TRY(begin(j, e));
	j = NULL; /* its callbacks' now */
	return 0;
}

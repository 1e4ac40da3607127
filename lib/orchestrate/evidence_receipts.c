/* The receipts of the boots that a run meets, each chain followed from its first, and written down
 * once it is verified. */
#include "orchestrate/evidence.h"

#include "base/file.h"
#include "base/text.h"
#include "orchestrate/policy.h"
#include "orchestrate/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FROM_MAX 32 /* "from=" and a number */

/* --- chains of receipts */

static int refuse(struct err *e, const struct run *r, size_t node, const char *what)
{
	return err_reason(e, ERR_ATTESTATION, "receipt", "%s: %s", r->cluster->nodes[node].name,
	                  what);
}

static struct receipt_chain *find_chain(const struct evidence *v, const struct hash256 *setup_key)
{
	for (size_t i = 0; i < v->count; i++)
		if (view_equal(VIEW_OF(v->chains[i].setup_key.bytes), VIEW_OF(setup_key->bytes)))
			return &v->chains[i];
	return NULL;
}

static size_t chain_length(const struct receipt_chain *chain)
{
	return chain ? chain->count : 0;
}

/* Of a boot whose first receipt has been verified: no other's word makes a chain somebody's. */
static int add_chain(struct evidence *v, const struct hash256 *setup_key, size_t node,
                     struct receipt_chain **ret, struct err *e)
{
	struct receipt_chain *chains = reallocarray(v->chains, v->count + 1, sizeof(*chains));
	const struct hash256 *module = evidence_tee_of(v, node);

	if (!chains)
		return err_set(e, ERR_INTERNAL, "no memory for %zu chains", v->count + 1);
	v->chains = chains;
	chains[v->count] =
	    (struct receipt_chain){ .setup_key = *setup_key, .node = module ? node : SIZE_MAX };
	if (module)
		chains[v->count].module = *module;
	*ret = &chains[v->count++];
	return 0;
}

/* Whose boot it is, if not this node's: by documents, which a liar does not have; where they do not
 * say, by who brought its receipts first, until that node is another TEE. That can have been a
 * relay, so that it holds for this run alone, but for what nothing else shows. SIZE_MAX: nobody's
 */
static size_t other_owner(const struct run *r, size_t node, const struct hash256 *setup_key,
                          const struct receipt_chain *chain, bool is_proof)
{
	const struct evidence *v = &r->evidence;

	if (evidence_has_boot(v, setup_key, node))
		return SIZE_MAX;
	for (size_t i = 0; i < r->cluster->node_count; i++)
		if (evidence_has_boot(v, setup_key, i))
			return i;
	return chain && (is_proof || !chain->is_before) && chain->node != node &&
	               chain->node != SIZE_MAX && evidence_is_now(v, &chain->module, chain->node)
	           ? chain->node
	           : SIZE_MAX;
}

/* A TEE is one node: the receipts of another, which whoever may read them can repeat, say nothing
 * of this one. */
static int check_whose(const struct run *r, size_t node, const struct hash256 *setup_key,
                       const struct receipt_chain *chain, bool is_proof, struct err *e)
{
	size_t owner = other_owner(r, node, setup_key, chain, is_proof);

	if (owner == SIZE_MAX)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "receipt",
	                  "%s: its receipt is of the TEE that is %s, by the journal",
	                  r->cluster->nodes[node].name, r->cluster->nodes[owner].name);
}

/* The documents of the journal have shown the setup key of a boot, and a live one shows which boot
 * answers here: PCR16 commits to that setup key. */
static enum boot_match match_boot(const struct run *r, const struct hash256 *setup_key,
                                  const struct node_proof *proof)
{
	struct hash256 shown;
	struct err ignored;

	if (proof->holding != HOLDS_SETUP_KEY)
		return evidence_match_boot(&r->evidence, setup_key, &proof->commitment);
	return sha256(public_key_view(&proof->setup_key), &shown, &ignored) == 0 &&
	               view_equal(VIEW_OF(shown.bytes), VIEW_OF(setup_key->bytes))
	           ? BOOT_OWN
	           : BOOT_OTHER;
}

static int refuse_boot(const struct run *r, size_t node, struct err *e)
{
	return refuse(e, r, node,
	              "its receipt is of another TEE than the one that answers here, by its setup "
	              "key");
}

static int chain_add(struct receipt_chain *chain, const struct hash256 *message, struct err *e)
{
	struct hash256 *messages =
	    reallocarray(chain->messages, chain->count + 1, sizeof(*messages));

	if (!messages)
		return err_set(e, ERR_INTERNAL, "no memory for %zu receipts", chain->count + 1);
	messages[chain->count++] = *message;
	chain->messages = messages;
	return 0;
}

/* Of a line that was verified when it was written. */
static int load_receipt(struct run *r, const struct journal_line *line, struct err *e)
{
	const struct cluster_node *node = cluster_find_node(r->cluster, buf_text(&line->node));
	struct receipt_chain *chain;
	struct receipt receipt;
	struct hash256 body, message;
	uint8_t text[STATEMENT_LEN];
	struct hash256 manifest;

	if (line->kind != JOURNAL_RECEIPT || line->previous.len == 0)
		return 0;
	TRY(receipt_parse(buf_view(&line->body), &receipt, e));
	TRY(sha256(buf_view(&line->body), &body, e));
	memcpy(manifest.bytes, line->manifest.data, sizeof(manifest.bytes));
	statement_format(STATEMENT_RECEIPT, &manifest, body.bytes, line->previous.data, text);
	TRY(sha256(VIEW_OF(text), &message, e));
	chain = find_chain(&r->evidence, &receipt.setup_key);
	/* The same once more, of two runs at once: audit verify tells, and nothing hangs on it. */
	if (receipt.sequence < chain_length(chain) &&
	    view_equal(VIEW_OF(message.bytes), VIEW_OF(chain->messages[receipt.sequence].bytes)))
		return 0;
	if (receipt.sequence != chain_length(chain))
		return err_set(e, ERR_DATA, "receipts of a boot are missing");
	if (!chain)
		TRY(add_chain(&r->evidence, &receipt.setup_key,
		              node ? (size_t)(node - r->cluster->nodes) : SIZE_MAX, &chain, e));
	chain->is_before = true;
	return chain_add(chain, &message, e);
}

/* One that can't be read is the journal's to answer for: it says nothing of its node. */
static void load_tee(struct run *r, const struct journal_line *line)
{
	const struct cluster_node *node = cluster_find_node(r->cluster, buf_text(&line->node));
	struct err ignored;

	if (line->kind == JOURNAL_DOCUMENT || line->kind == JOURNAL_PROOF)
		(void)!evidence_take_tee(
		    &r->evidence, node ? (size_t)(node - r->cluster->nodes) : SIZE_MAX,
		    buf_view(&line->document), /* is_before= */ true, &ignored);
}

static int on_line(void *context, const struct journal_entry *entry, struct err *e)
{
	load_tee(context, &entry->line);
	TRY(evidence_take_life_line(context, &entry->line, e));
	return load_receipt(context, &entry->line, e);
}

/* A journal that was altered is told; its receipts are then fetched anew as far as they are there.
 */
void evidence_load(struct run *r, size_t node)
{
	struct evidence *v = &r->evidence;
	struct err e;

	if (v->is_loaded)
		return;
	v->is_loaded = true;
	(void)evidence_expect_lives(r);
	if (evidence_walk(&r->state, on_line, r, &e) == 0)
		return;
	v->tee_count = 0;
	v->is_damaged = true;
	evidence_forget_lives(v);
	run_note(r, node, "journal: %s: teectl audit verify", e.text);
}

/* Whose receipts they are. */
struct signer_of {
	size_t node;
	const struct hash256 *manifest_hash;
	const struct public_key *quorum_key;
};

/* The place of a receipt in its boot's chain, whose earlier ones are known: a new one is added and
 * written down, one that is known is compared. chain: of setup_key; NULL: there is none yet */
static int place_receipt(struct run *r, const struct signer_of *by, struct receipt_chain *chain,
                         const struct receipt_item *item, const struct receipt *placed,
                         struct err *e)
{
	struct hash256 previous = { { 0 } }, message;
	uint64_t sequence = placed->sequence;
	struct receipt receipt;

	if (sequence > 0)
		previous = chain->messages[sequence - 1];
	if (receipt_verify(VIEW_OF(item->body), VIEW_OF(item->signature), by->manifest_hash,
	                   &previous, by->quorum_key, &receipt, &message, e) < 0)
		return err_wrap(e, "%s", r->cluster->nodes[by->node].name);
	if (sequence < chain_length(chain)) {
		if (view_equal(VIEW_OF(message.bytes), VIEW_OF(chain->messages[sequence].bytes)))
			return 0;
		return refuse(e, r, by->node,
		              "a second receipt of the same number as one that it gave before");
	}
	if (!chain)
		TRY(add_chain(&r->evidence, &placed->setup_key, by->node, &chain, e));
	TRY(chain_add(chain, &message, e));
	evidence_record_receipt(r, by->node, item, by->manifest_hash, &previous);
	return 0;
}

/* --- a receipt of an answer */

struct fetch {
	struct run *run;
	struct receipt_claim claim; /* item: &item, or NULL: all receipts are what is wanted */
	struct receipt_item item;
	struct hash256 setup_key, manifest_hash;
	struct public_key quorum_key;
	uint8_t nonce[NONCE_LEN];
	struct node_proof proof; /* of who answers, where all receipts are wanted */
	bool has_setup_key;
	bool is_said_empty; /* by its status, of what this cluster's TEEs hold */
	evidence_done *on_done;
	void *context;
};

static void fetch_drop(struct fetch **f)
{
	free(*f);
	*f = NULL;
}

/* Those that nobody gives any more leave a gap, which can't be bridged. */
static int pass_unverified(struct fetch *f, uint64_t sequence, const char *why, struct err *e)
{
	struct run *r = f->run;

	if (f->claim.is_proof)
		return err_reason(e, ERR_ATTESTATION, "receipt",
		                  "%s: its receipt %llu can't be verified, since %s, and nothing "
		                  "else shows what it says",
		                  r->cluster->nodes[f->claim.node].name,
		                  (unsigned long long)sequence, why);
	run_note(r, f->claim.node, "receipt %llu is not verified, since %s",
	         (unsigned long long)sequence, why);
	if (f->claim.item)
		evidence_record_receipt(r, f->claim.node, f->claim.item, f->claim.manifest_hash,
		                        NULL);
	return 0;
}

/* Of the receipts that were fetched for one, that one was compared. */
static int check_boot(const struct fetch *f, const struct hash256 *setup_key, struct err *e)
{
	if (f->claim.item)
		return 0;
	switch (match_boot(f->run, setup_key, &f->proof)) {
	case BOOT_OWN:
		return 0;
	case BOOT_OTHER:
		return refuse_boot(f->run, f->claim.node, e);
	case BOOT_UNKNOWN:
		break;
	}
	return refuse(e, f->run, f->claim.node,
	              "no document in the journal shows the setup key that its receipts name, so "
	              "nothing says that they are of the TEE that answers here");
}

static int take_fetched(struct fetch *f, const struct receipt_item *item, bool *ret_is_gap,
                        struct err *e)
{
	const struct signer_of by = { f->claim.node, f->claim.manifest_hash, f->claim.quorum_key };
	struct receipt_chain *chain;
	struct receipt receipt;

	if (receipt_parse(VIEW_OF(item->body), &receipt, e) < 0)
		return refuse(e, f->run, f->claim.node, "a receipt can't be read");
	if (f->has_setup_key &&
	    !view_equal(VIEW_OF(receipt.setup_key.bytes), VIEW_OF(f->setup_key.bytes)))
		return refuse(e, f->run, f->claim.node,
		              "its receipts name more than one setup key");
	if (!f->has_setup_key)
		TRY(check_boot(f, &receipt.setup_key, e));
	f->has_setup_key = true;
	f->setup_key = receipt.setup_key;
	chain = find_chain(&f->run->evidence, &receipt.setup_key);
	TRY(check_whose(f->run, f->claim.node, &receipt.setup_key, chain, f->claim.is_proof, e));
	*ret_is_gap = receipt.sequence > chain_length(chain);
	return *ret_is_gap ? 0 : place_receipt(f->run, &by, chain, item, &receipt, e);
}

/* The receipt that was fetched for, now that those before it are known. */
static int take_own(struct fetch *f, bool is_gap, struct err *e)
{
	struct receipt receipt;

	TRY(receipt_parse(VIEW_OF(f->item.body), &receipt, e));
	if (is_gap)
		return pass_unverified(f, receipt.sequence,
		                       "the enclave no longer has those before it", e);
	TRY(take_fetched(f, &f->item, &is_gap, e));
	if (is_gap)
		return refuse(e, f->run, f->claim.node,
		              "its receipt is not among those that it lists");
	return 0;
}

/* The TEE that has given a receipt has it still: a list that ends before is cut. */
static int check_all_there(const struct fetch *f, const struct receipts_reply *reply, struct err *e)
{
	const struct receipt_item *items = reply->receipts.items;
	const struct evidence *v = &f->run->evidence;
	struct receipt last = { 0 };
	uint64_t count = 0;

	if (reply->receipts.count > 0) {
		TRY(receipt_parse(VIEW_OF(items[reply->receipts.count - 1].body), &last, e));
		count = last.sequence + 1;
	}
	for (size_t i = 0; i < v->count; i++)
		if (v->chains[i].count > count &&
		    match_boot(f->run, &v->chains[i].setup_key, &f->proof) == BOOT_OWN)
			return err_reason(e, ERR_ATTESTATION, "receipt",
			                  "%s: its receipts end before number %zu, which it gave "
			                  "before: some are kept back",
			                  f->run->cluster->nodes[f->claim.node].name,
			                  v->chains[i].count - 1);
	return 0;
}

/* An enclave forgets none before it has given RECEIPTS_MAX: a shorter list without those before it
 * is one that somebody has made. */
static int check_gap(const struct fetch *f, const struct receipts_reply *reply, bool is_gap,
                     struct err *e)
{
	if (!is_gap || reply->receipts.count >= RECEIPTS_MAX)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "receipt",
	                  "%s: it lists %zu receipts and lacks those before them, which it would "
	                  "forget only beyond %d",
	                  f->run->cluster->nodes[f->claim.node].name, reply->receipts.count,
	                  RECEIPTS_MAX);
}

static int take_all(struct fetch *f, const struct receipts_reply *reply, struct err *e)
{
	const struct receipt_item *items = reply->receipts.items;
	bool is_gap = false;

	for (size_t i = 0; i < reply->receipts.count && !is_gap; i++)
		TRY(take_fetched(f, &items[i], &is_gap, e));
	if (f->claim.item)
		return take_own(f, is_gap, e);
	TRY(check_gap(f, reply, is_gap, e));
	TRY(check_all_there(f, reply, e));
	if (is_gap)
		run_note(f->run, f->claim.node,
		         "receipts are not verified, since the enclave no longer has those before "
		         "them");
	return 0;
}

/* For who may not fetch those before it, it stands for itself. */
static int take_refusal(struct fetch *f, const struct err *failure, struct err *e)
{
	struct receipt receipt;

	if (failure->code != ERR_ACCESS || !f->claim.item ||
	    receipt_parse(VIEW_OF(f->item.body), &receipt, e) < 0) {
		*e = *failure;
		return -1;
	}
	return pass_unverified(f, receipt.sequence, "this client may not fetch those before it", e);
}

static void on_receipts(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	AUTO(fetch) struct fetch *f = context;
	struct err e;
	int result = failure ? take_refusal(f, failure, &e) : take_all(f, reply, &e);

	(void)elapsed_us;
	f->on_done(f->context, result < 0 ? &e : NULL);
}

static int fetch_new(struct run *r, const struct receipt_claim *claim, evidence_done *on_done,
                     void *context, struct fetch **ret, struct err *e)
{
	struct fetch *f = calloc(1, sizeof(*f));
	struct receipt receipt;

	if (!f)
		return err_set(e, ERR_INTERNAL, "no memory to fetch receipts");
	*f = (struct fetch){ .run = r, .claim = *claim, .on_done = on_done, .context = context };
	f->manifest_hash = *claim->manifest_hash;
	f->quorum_key = *claim->quorum_key;
	f->claim.manifest_hash = &f->manifest_hash;
	f->claim.quorum_key = &f->quorum_key;
	f->claim.setup_key = NULL; /* has been compared, as the subject has */
	f->claim.proof = NULL;
	f->claim.subject = (struct view){ 0 };
	if (claim->item) {
		f->item = *claim->item;
		f->claim.item = &f->item;
		/* Those before it are of its boot, or of nobody here. */
		if (receipt_parse(VIEW_OF(f->item.body), &receipt, e) < 0) {
			free(f);
			return -1;
		}
		f->setup_key = receipt.setup_key;
		f->has_setup_key = true;
	}
	*ret = f;
	return 0;
}

static int ask_receipts(struct fetch *f, uint64_t from, struct err *e)
{
	char query[FROM_MAX];

	snprintf(query, sizeof(query), "from=%llu", (unsigned long long)from);
	return run_query(f->run, f->claim.node, API_RECEIPTS, query, on_receipts, f, e);
}

static int fetch_from(struct run *r, const struct receipt_claim *claim, uint64_t from,
                      evidence_done *on_done, void *context, struct err *e)
{
	AUTO(fetch) struct fetch *f = NULL;

	TRY(fetch_new(r, claim, on_done, context, &f, e));
	TRY(ask_receipts(f, from, e));
	f = NULL; /* its callback's now */
	return 0;
}

/* What it says is what was done. */
static int check_claim(const struct run *r, const struct receipt_claim *claim, struct receipt *ret,
                       struct err *e)
{
	struct hash256 setup_key, subject = { { 0 } };

	if (!claim->item)
		return refuse(e, r, claim->node, "its answer has no receipt");
	if (receipt_parse(VIEW_OF(claim->item->body), ret, e) < 0)
		return refuse(e, r, claim->node, "its receipt can't be read");
	if (ret->kind != claim->kind)
		return refuse(e, r, claim->node, "its receipt is for another operation");
	if (claim->setup_key) {
		TRY(sha256(public_key_view(claim->setup_key), &setup_key, e));
		if (!view_equal(VIEW_OF(setup_key.bytes), VIEW_OF(ret->setup_key.bytes)))
			return refuse(e, r, claim->node,
			              "its receipt names another setup key than the attested one");
	}
	if (claim->subject.len)
		TRY(sha256(claim->subject, &subject, e));
	if (!view_equal(VIEW_OF(subject.bytes), VIEW_OF(ret->subject.bytes)))
		return refuse(e, r, claim->node,
		              "its receipt has another subject than what was sent");
	return 0;
}

/* It is of the TEE that showed the document. Of one that others have set up, with documents that
 * are not here, it is at least not older than that. */
static int check_proof(const struct run *r, const struct receipt_claim *claim,
                       const struct receipt *receipt, struct err *e)
{
	const struct node_proof *proof = claim->proof;
	enum boot_match match;

	if (!proof || (proof->holding == HOLDS_UNKNOWN && !claim->is_proof))
		return 0;
	match = match_boot(r, &receipt->setup_key, proof);
	if (match == BOOT_OTHER)
		return refuse_boot(r, claim->node, e);
	if (match == BOOT_UNKNOWN && claim->is_proof)
		return refuse(e, r, claim->node,
		              "no document in the journal shows the setup key that its receipt "
		              "names, so nothing says that it is of the TEE that answers here; "
		              "whoever launched it has to stop it");
	if (match == BOOT_UNKNOWN &&
	    (int64_t)(receipt->nsm_ms & INT64_MAX) + DOCUMENT_AHEAD_MS < proof->timestamp_ms)
		return refuse(e, r, claim->node,
		              "its receipt is older than its document, and no document in the "
		              "journal shows that it is of this TEE");
	return 0;
}

int evidence_receipt(struct run *r, const struct receipt_claim *claim, evidence_done *on_done,
                     void *context, struct err *e)
{
	const struct signer_of by = { claim->node, claim->manifest_hash, claim->quorum_key };
	struct receipt_chain *chain;
	struct receipt receipt;

	TRY(check_claim(r, claim, &receipt, e));
	evidence_load(r, claim->node);
	TRY(check_proof(r, claim, &receipt, e));
	chain = find_chain(&r->evidence, &receipt.setup_key);
	TRY(check_whose(r, claim->node, &receipt.setup_key, chain, claim->is_proof, e));
	if (receipt.sequence > chain_length(chain))
		return fetch_from(r, claim, chain_length(chain), on_done, context, e);
	TRY(place_receipt(r, &by, chain, claim->item, &receipt, e));
	on_done(context, NULL);
	return 0;
}

/* The TEE that answers here may have answered for another node as well. That this one is silent now
 * says nothing: a relay can be the one that is left. */
static int check_rivals(const struct fetch *f, struct err *e)
{
	const struct run *r = f->run;
	const struct cluster *c = r->cluster;

	for (size_t i = 0; i < c->node_count; i++)
		if (i != f->claim.node && evidence_is_now(&r->evidence, &f->proof.module, i))
			return err_reason(
			    e, ERR_ATTESTATION, "receipt",
			    "%s: the journal has its TEE as that of %s as well, so nothing says "
			    "whose its receipts are, until %s has shown another TEE (teectl "
			    "verify) or is taken out of the cluster file",
			    c->nodes[f->claim.node].name, c->nodes[i].name, c->nodes[i].name);
	return 0;
}

/* By the journal the node was another TEE: this one's receipts are then whosever it was. */
static int check_last(const struct fetch *f, struct err *e)
{
	const struct run *r = f->run;

	if (!evidence_was_another(&r->evidence, &f->proof.module, f->claim.node))
		return 0;
	return refuse(e, r, f->claim.node,
	              "another TEE answers than the last one seen here, so nothing says whose its "
	              "receipts are, until teectl verify has taken note of it");
}

/* What it holds is none of this cluster's, as it says itself: it is told. */
static void pass_empty(const struct run *r, size_t node)
{
	run_note(r, node, "%s",
	         r->seen.nodes[node].status.has_manifest_hash
	             ? "says that it holds a manifest that is none of this cluster's: it is not "
	               "asked for receipts"
	             : "holds no manifest, so that it has no receipts; those of the TEE before it "
	               "are the journal's");
}

/* *ret_is_over: there is nothing to ask for */
static int take_identity(struct fetch *f, struct view document, bool *ret_is_over, struct err *e)
{
	struct run *r = f->run;

	*ret_is_over = false;

	if (policy_judge(r, f->claim.node, document, VIEW_OF(f->nonce), &f->proof, e) < 0)
		return err_wrap(e, "%s", r->cluster->nodes[f->claim.node].name);
	r->proofs[f->claim.node] = f->proof; /* it is nobody else's TEE */
	TRY(check_rivals(f, e));
	*ret_is_over = f->is_said_empty && f->proof.holding != HOLDS_KEY &&
	               f->proof.holding != HOLDS_SETUP_KEY;
	if (*ret_is_over) {
		policy_tell_of_another(r, f->claim.node, &f->proof.module);
		return 0;
	}
	if (f->proof.holding == HOLDS_NOTHING)
		return refuse(
		    e, r, f->claim.node,
		    "its document shows that it holds no manifest, so that there can be no "
		    "receipts");
	TRY(check_last(f, e));
	f->manifest_hash = f->proof.manifest_hash;
	return ask_receipts(f, 0, e);
}

static void on_identity(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	AUTO(fetch) struct fetch *f = context;
	const struct attestation_reply *answer = reply;
	bool is_over;
	struct err e;

	(void)elapsed_us;
	if (failure) {
		f->on_done(f->context, failure);
	} else if (take_identity(f, buf_view(&answer->attestation_doc), &is_over, &e) < 0) {
		f->on_done(f->context, &e);
	} else if (is_over) {
		pass_empty(f->run, f->claim.node);
		f->on_done(f->context, NULL);
	} else {
		f = NULL; /* on_receipts' now */
	}
}

static int ask_identity(struct fetch *f, struct err *e)
{
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };

	TRY(policy_settle(f->run, e));
	TRY(random_public(f->nonce, sizeof(f->nonce), e));
	TRY(wire_set(&q.nonce, VIEW_OF(f->nonce), e));
	return run_exchange(f->run, f->claim.node, API_LIVE_ATTESTATION, &q, on_identity, f, e);
}

static bool is_said_empty(const struct run *r, size_t node)
{
	const struct status_reply *status = &r->seen.nodes[node].status;
	const struct hash256 manifest = node_manifest(&r->seen, node);

	return !status->has_manifest_hash ||
	       !view_equal(VIEW_OF(status->manifest_hash), VIEW_OF(manifest.bytes));
}

int evidence_fetch(struct run *r, size_t node, const struct hash256 *manifest_hash,
                   const struct public_key *quorum_key, evidence_done *on_done, void *context,
                   struct err *e)
{
	const struct receipt_claim claim = { .node = node,
		                             .manifest_hash = manifest_hash,
		                             .quorum_key = quorum_key };
	AUTO(fetch) struct fetch *f = NULL;

	evidence_load(r, node);
	TRY(fetch_new(r, &claim, on_done, context, &f, e));
	f->is_said_empty = is_said_empty(r, node);
	TRY(ask_identity(f, e));
	f = NULL; /* its callbacks' now */
	return 0;
}

/* --- of all nodes */

struct fetch_all {
	struct run *run;
	bool has_failed, has_fetched;
	struct err worst;
};

static void on_fetched(void *context, const struct err *failure)
{
	struct fetch_all *all = context;

	all->has_fetched |= !failure;
	if (!failure)
		return;
	if (!all->has_failed || err_worse(all->worst.code, failure->code) != all->worst.code)
		all->worst = *failure;
	all->has_failed = true;
}

static bool on_interrupt(void *context)
{
	struct fetch_all *all = context;
	const struct run_options *options = &all->run->options;

	if (options->on_interrupt)
		(void)options->on_interrupt(options->interrupt_context);
	return true; /* it can be done again */
}

static size_t known_receipts(const struct evidence *v)
{
	size_t count = 0;

	for (size_t i = 0; i < v->count; i++)
		count += v->chains[i].count;
	return count;
}

/* Also of one that holds an older manifest, or has wiped the key: who had it when is what counts.
 * What the journal knows of it more than it says itself, its document has to deny as well. */
static int fetch_one(struct run *r, size_t node, struct fetch_all *all, struct err *e)
{
	const struct hash256 manifest = node_manifest(&r->seen, node);

	if (is_said_empty(r, node) && !evidence_tee_of(&r->evidence, node)) {
		if (r->seen.nodes[node].status.has_manifest_hash)
			pass_empty(r, node);
		return 0;
	}
	return evidence_fetch(r, node, &manifest, &r->seen.genesis.quorum_key, on_fetched, all, e);
}

/* It can't be asked; whether that has to be so the journal knows. */
static void pass_absent(struct run *r, size_t node, struct fetch_all *all)
{
	const struct node_seen *seen = &r->seen.nodes[node];
	bool is_gone = seen->presence == NODE_ABSENT ||
	               (seen->presence == NODE_UNREACHABLE && seen->why.code == ERR_UNREACHABLE);

	if (is_gone && evidence_has_retired(r, node))
		run_note(r, node, "has retired: its receipts are those in the journal");
	else
		on_fetched(all, &seen->why);
}

static int end_fetch(const struct fetch_all *all, struct err *e)
{
	if (!all->has_failed)
		return 0;
	*e = all->worst;
	if (all->has_fetched && e->code != ERR_INTERRUPTED &&
	    err_worse(ERR_PARTIAL, e->code) == ERR_PARTIAL)
		e->code = ERR_PARTIAL;
	return -1;
}

int evidence_fetch_all(struct run *r, size_t *ret_new, struct err *e)
{
	struct fetch_all all = { .run = r };
	size_t known;

	if (!r->seen.has_genesis)
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "there has been no genesis, so there are no receipts: teectl genesis");
	evidence_load(r, 0);
	evidence_look_for_lives(r);
	known = known_receipts(&r->evidence);
	for (size_t i = 0; i < r->cluster->node_count; i++) {
		struct err why;

		if (r->options.chosen && !r->options.chosen[i])
			continue;
		if (r->seen.nodes[i].presence != NODE_PRESENT)
			pass_absent(r, i, &all);
		else if (fetch_one(r, i, &all, &why) < 0)
			on_fetched(&all, &why);
	}
	TRY(client_run(r->client, r->deadline_ms, r->options.interrupt_fd, on_interrupt, &all, e));
	*ret_new = known_receipts(&r->evidence) - known;
	return end_fetch(&all, e);
}

#include "orchestrate/evidence.h"

#include "base/clock.h"
#include "base/text.h"
#include "orchestrate/run.h"

#include <stdlib.h>

void evidence_drop(struct evidence *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->chains[i].messages);
	free(v->chains);
	free(v->tees);
	free(v->is_retired);
	free(v->sent);
	journal_drop(&v->journal);
	*v = EVIDENCE_INIT;
}

/* A field of a line: the bytes, or of what is too much or not for everybody the SHA-256. */
struct part {
	size_t offset; /* of its buf in struct journal_line */
	struct view value;
	bool is_hashed;
};

#define PART(field, of)                                                                            \
	{                                                                                          \
		.offset = offsetof(struct journal_line, field), .value = (of)                      \
	}
#define HASH(field, of)                                                                            \
	{                                                                                          \
		.offset = offsetof(struct journal_line, field), .value = (of), .is_hashed = true   \
	}

static int set_part(struct journal_line *line, const struct part *part, struct err *e)
{
	struct buf *field = (struct buf *)((char *)line + part->offset);
	struct hash256 hash;

	if (!part->is_hashed)
		return wire_set(field, part->value, e);
	TRY(sha256(part->value, &hash, e));
	return wire_set(field, VIEW_OF(hash.bytes), e);
}

/* numbers: the kind, and what a line has beside its bufs. A part without bytes is left out. */
static int append(const struct state *s, struct journal *journal, const char *node,
                  const struct journal_line *numbers, const struct part *parts, size_t count,
                  struct err *e)
{
	AUTO(journal_line) struct journal_line line = *numbers;
	AUTO(text) char *path = NULL;

	if (journal->fd < 0) {
		TRY(state_path(s, JOURNAL_FILE, &path, e));
		TRY(journal_open(path, journal, e));
	}
	for (size_t i = 0; i < count; i++)
		if (parts[i].value.data)
			TRY(set_part(&line, &parts[i], e));
	TRY(wire_set_text(&line.node, node, e));
	return journal_append(journal, &line, e);
}

static void tell(struct run *r, size_t node, const struct err *why)
{
	if (!r->evidence.is_told)
		run_note(r, node, "journal: %s", why->text);
	r->evidence.is_told = true;
}

void evidence_sync(struct run *r, enum evidence_sync which)
{
	int64_t now = clock_monotonic_ms();
	struct err e;

	if (!r->evidence.is_urgent &&
	    (which == SYNC_URGENT ||
	     (which == SYNC_OLD && now - r->evidence.synced_ms < EVIDENCE_SYNC_MS)))
		return;
	r->evidence.is_urgent = false;
	r->evidence.synced_ms = now;
	if (journal_sync(&r->evidence.journal, &e) < 0)
		tell(r, /* node= */ 0, &e); /* no node's in particular */
}

/* A step's own lines tell for themselves (evidence_step). */
static bool is_urgent(const struct journal_line *line)
{
	return line->kind == JOURNAL_GENESIS || line->kind == JOURNAL_MANIFEST ||
	       line->kind == JOURNAL_SHARE;
}

static void record(struct run *r, size_t node, const struct journal_line *numbers,
                   const struct part *parts, size_t count)
{
	struct err e;

	if (!r->options.to_change && !r->options.records)
		return;
	if (append(&r->state, &r->evidence.journal, r->cluster->nodes[node].name, numbers, parts,
	           count, &e) < 0)
		tell(r, node, &e);
	else
		r->evidence.is_urgent = r->evidence.is_urgent || is_urgent(numbers);
}

#define RECORD(r, node, numbers, ...)                                                              \
	record(r, node, numbers, (const struct part[]){ __VA_ARGS__ },                             \
	       COUNT(((const struct part[]){ __VA_ARGS__ })))
#define ONLY(journal_kind) (&(const struct journal_line){ .kind = (journal_kind) })

/* Of a document that was judged live, under what maxAge. */
static struct journal_line with_age(const struct run *r, enum journal_kind kind)
{
	return (struct journal_line){ .kind = (int)kind,
		                      .has_max_age = true,
		                      .max_age_ms = r->cluster->attestation.max_age_ms };
}

void evidence_step(struct run *r, size_t node, const char *step, bool is_repeatable,
                   const char *outcome)
{
	RECORD(r, node, ONLY(JOURNAL_STEP), PART(step, view_text(step)),
	       PART(outcome, view_text(outcome)));
	if (!is_repeatable && r->evidence.journal.is_unsynced)
		r->evidence.is_urgent = true;
	evidence_take_life(&r->evidence, node, step, outcome);
}

static void take_tee(struct run *r, size_t node, struct view document)
{
	struct err e;

	if (evidence_take_tee(&r->evidence, node, document, /* is_before= */ false, &e) < 0)
		tell(r, node, &e);
}

void evidence_document(struct run *r, size_t node, struct view document, struct view nonce)
{
	const struct journal_line line = with_age(r, JOURNAL_DOCUMENT);

	RECORD(r, node, &line, PART(document, document), PART(nonce, nonce));
	take_tee(r, node, document);
}

void evidence_genesis(struct run *r, size_t node, const struct kept_genesis *g, int64_t asked_ms)
{
	const struct journal_line line = { .kind = JOURNAL_GENESIS,
		                           .has_asked = true,
		                           .asked_ms = asked_ms };
	AUTO(buf) struct buf borsh = BUF_INIT(JOURNAL_LINE_MAX);
	struct err e;

	if (manifest_envelope_encode(&g->envelope, &borsh, &e) < 0) {
		tell(r, node, &e);
		return;
	}
	RECORD(r, node, &line, PART(output, buf_view(&g->output)),
	       PART(document, buf_view(&g->document)), PART(envelope, buf_view(&borsh)));
}

void evidence_genesis_ended(struct run *r)
{
	evidence_sync(r, SYNC_URGENT);
	/* Where a line of this run may be lost, the next one looks whether this one is there. */
	if (!r->evidence.is_told)
		state_forget_asked(&r->state);
}

int evidence_record_end(struct run *r, const char *node, const char *step, struct err *e)
{
	r->evidence.is_urgent = true;
	return append(&r->state, &r->evidence.journal, node, ONLY(JOURNAL_STEP),
	              (const struct part[]){
	                  PART(step, view_text(step)),
	                  PART(outcome, view_text(JOURNAL_DONE)),
	              },
	              2, e);
}

void evidence_manifest(struct run *r, size_t node, const struct manifest_envelope *envelope)
{
	AUTO(buf) struct buf borsh = BUF_INIT(JOURNAL_LINE_MAX);
	struct err e;

	if (manifest_envelope_encode(envelope, &borsh, &e) < 0) {
		tell(r, node, &e);
		return;
	}
	RECORD(r, node, ONLY(JOURNAL_MANIFEST), PART(envelope, buf_view(&borsh)));
}

int evidence_adopted(const struct state *s, const struct manifest_envelope *envelope, struct err *e)
{
	AUTO(buf) struct buf borsh = BUF_INIT(JOURNAL_LINE_MAX);
	AUTO(journal) struct journal journal = JOURNAL_INIT;

	TRY(manifest_envelope_encode(envelope, &borsh, e));
	TRY(append(s, &journal, /* node= */ "", ONLY(JOURNAL_MANIFEST),
	           &(const struct part)PART(envelope, buf_view(&borsh)), 1, e));
	return journal_sync(&journal, e);
}

/* --- which shares were sent */

/* Neither name has a NUL in it. */
static int name_share(struct view node, struct view alias, struct view setup_key,
                      struct hash256 *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_LINE_MAX);

	TRY(buf_add(&text, node, e));
	TRY(buf_add_u8(&text, 0, e));
	TRY(buf_add(&text, alias, e));
	TRY(buf_add_u8(&text, 0, e));
	TRY(buf_add(&text, setup_key, e));
	return sha256(buf_view(&text), ret, e);
}

static int add_sent(struct evidence *v, struct view node, struct view alias, struct view setup_key,
                    struct err *e)
{
	struct hash256 *sent = reallocarray(v->sent, v->sent_count + 1, sizeof(*sent));

	if (!sent)
		return err_set(e, ERR_INTERNAL, "no memory for %zu shares", v->sent_count + 1);
	v->sent = sent;
	TRY(name_share(node, alias, setup_key, &sent[v->sent_count], e));
	v->sent_count++;
	return 0;
}

static int take_share(void *context, const struct journal_entry *entry, struct err *e)
{
	const struct journal_line *line = &entry->line;

	if (line->kind != JOURNAL_SHARE)
		return 0;
	return add_sent(context, buf_view(&line->node), buf_view(&line->member),
	                buf_view(&line->setup_key), e);
}

/* Once a run: it holds the state's lock, and knows what it sends itself. */
static void settle_sent(struct run *r)
{
	struct evidence *v = &r->evidence;
	struct err e;

	/* Of a journal that was altered no word is taken. */
	if (!v->has_sent && evidence_walk(&r->state, take_share, v, &e) < 0)
		v->sent_count = 0;
	v->has_sent = true;
}

bool evidence_has_share(struct run *r, size_t node, struct view alias,
                        const struct hash256 *setup_key)
{
	const struct evidence *v = &r->evidence;
	struct hash256 name;
	struct err e;

	settle_sent(r);
	if (name_share(view_text(r->cluster->nodes[node].name), alias, VIEW_OF(setup_key->bytes),
	               &name, &e) < 0)
		return false;
	for (size_t i = 0; i < v->sent_count; i++)
		if (view_equal(VIEW_OF(v->sent[i].bytes), VIEW_OF(name.bytes)))
			return true;
	return false;
}

void evidence_share(struct run *r, size_t node, const struct submitted_share *share,
                    const struct public_key *setup_key, const struct hash256 *manifest_hash)
{
	struct hash256 hash;
	struct err e;

	RECORD(r, node, ONLY(JOURNAL_SHARE), PART(member, buf_view(&share->member_alias)),
	       HASH(setup_key, public_key_view(setup_key)),
	       HASH(sealed, buf_view(&share->encrypted_share)),
	       PART(signature, buf_view(&share->signature)),
	       PART(manifest, VIEW_OF(manifest_hash->bytes)));
	/* One that could not be added is sent as news the next time. */
	if (r->evidence.has_sent && sha256(public_key_view(setup_key), &hash, &e) == 0)
		(void)!add_sent(&r->evidence, view_text(r->cluster->nodes[node].name),
		                buf_view(&share->member_alias), VIEW_OF(hash.bytes), &e);
}

void evidence_export(struct run *r, size_t source, struct view peer_document, struct view sealed,
                     struct view signature)
{
	RECORD(r, source, ONLY(JOURNAL_EXPORT), HASH(peer, peer_document), HASH(sealed, sealed),
	       PART(signature, signature));
}

void evidence_proof(struct run *r, size_t node, struct view challenge, struct view document,
                    struct view signature)
{
	const struct journal_line line = with_age(r, JOURNAL_PROOF);

	RECORD(r, node, &line, PART(challenge, challenge), PART(document, document),
	       PART(signature, signature));
	take_tee(r, node, document);
}

void evidence_record_receipt(struct run *r, size_t node, const struct receipt_item *item,
                             const struct hash256 *manifest_hash, const struct hash256 *previous)
{
	RECORD(r, node, ONLY(JOURNAL_RECEIPT), PART(body, VIEW_OF(item->body)),
	       PART(signature, VIEW_OF(item->signature)),
	       PART(manifest, VIEW_OF(manifest_hash->bytes)),
	       PART(previous, previous ? VIEW_OF(previous->bytes) : (struct view){ 0 }));
}

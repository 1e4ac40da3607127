/* What the journal says of the lives of nodes: who has retired, and whose genesis has no end yet.
 */
#include "base/file.h"
#include "base/text.h"
#include "orchestrate/evidence.h"
#include "orchestrate/run.h"

#include <stdlib.h>
#include <sys/stat.h>

#define WALKED_STEP (1u << 20) /* bytes of the journal that stay in memory behind its reader */

static void let_go(const struct file_content *text, const uint8_t **gone, const uint8_t *read)
{
	if (!text->mapping.data || read - *gone < (ptrdiff_t)WALKED_STEP)
		return;
	mapped_let_go(view_new(*gone, (size_t)(read - *gone)));
	*gone = read;
}

int evidence_walk(const struct state *s,
                  int (*take)(void *context, const struct journal_entry *entry, struct err *e),
                  void *context, struct err *e)
{
	AUTO(file_content) struct file_content text = { 0 };
	AUTO(text) char *path = NULL;
	struct journal_reader reader;
	const uint8_t *gone;
	bool is_found;

	TRY(state_path(s, JOURNAL_FILE, &path, e));
	if (!file_is_there(path))
		return 0;
	TRY(file_content_open(path, JOURNAL_MAX, /* read_max= */ 0, &text, e));
	reader = journal_reader_new(file_content_view(&text));
	is_found = file_content_view(&text).len > 0;
	gone = reader.rest.data;
	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		let_go(&text, &gone, reader.rest.data);
		TRY(journal_next(&reader, &entry, &is_found, e));
		if (is_found)
			TRY(take(context, &entry, e));
	}
	return 0;
}

/* --- who has retired */

/* What a step says of its node: that it has retired, or that it lives. One that failed at it says
 * neither, and no look at it: a TEE that was told to wipe goes on showing documents. */
static void take_step(bool *is_retired, struct view step, struct view outcome)
{
	if (view_equal(step, view_text(step_name(STEP_VERIFY))))
		return;
	if (view_equal(outcome, view_text(JOURNAL_DONE)))
		*is_retired = view_equal(step, view_text(step_name(STEP_RETIRE)));
	else if (view_equal(step, view_text(step_name(STEP_LAUNCH))))
		*is_retired = false;
}

void evidence_take_life(struct evidence *v, size_t node, const char *step, const char *outcome)
{
	if (v->is_retired)
		take_step(&v->is_retired[node], view_text(step), view_text(outcome));
}

/* Any receipt but that of its end may be fetched long after, and documents are shown after it. */
int evidence_take_life_line(struct run *r, const struct journal_line *line, struct err *e)
{
	const struct cluster_node *node = cluster_find_node(r->cluster, buf_text(&line->node));
	bool *is_retired;
	struct receipt receipt;

	if (!node || !r->evidence.is_retired)
		return 0;
	is_retired = &r->evidence.is_retired[node - r->cluster->nodes];
	if (line->kind == JOURNAL_STEP) {
		take_step(is_retired, buf_view(&line->step), buf_view(&line->outcome));
	} else if (line->kind != JOURNAL_RECEIPT) {
		*is_retired &= line->kind == JOURNAL_DOCUMENT;
	} else if (line->previous.len) {
		TRY(receipt_parse(buf_view(&line->body), &receipt, e));
		*is_retired |= receipt.kind == RECEIPT_RETIRE;
	}
	return 0;
}

static int take_life(void *context, const struct journal_entry *entry, struct err *e)
{
	return evidence_take_life_line(context, &entry->line, e);
}

/* -1: there is none */
static int64_t journal_size(const struct state *s)
{
	AUTO(text) char *path = NULL;
	struct stat st;
	struct err e;

	if (state_path(s, JOURNAL_FILE, &path, &e) < 0 || stat(path, &st) < 0)
		return -1;
	return st.st_size;
}

void evidence_forget_lives(struct evidence *v)
{
	free(v->is_retired);
	v->is_retired = NULL;
}

bool evidence_expect_lives(struct run *r)
{
	struct evidence *v = &r->evidence;
	int64_t size = journal_size(&r->state);

	/* Whoever holds the state's lock knows what has come since. */
	if (size < 0 || size == v->lives_size || (r->options.to_change && v->is_retired))
		return false;
	v->lives_size = size;
	evidence_forget_lives(v);
	v->is_retired = calloc(r->cluster->node_count + 1, sizeof(*v->is_retired));
	return v->is_retired != NULL;
}

void evidence_look_for_lives(struct run *r)
{
	struct err e;

	/* The first walk takes all that the journal has. */
	if (!r->evidence.is_loaded)
		evidence_load(r, /* node= */ 0);
	else if (evidence_expect_lives(r) && evidence_walk(&r->state, take_life, r, &e) < 0)
		evidence_forget_lives(&r->evidence);
}

bool evidence_has_retired(const struct run *r, size_t node)
{
	return r->evidence.is_retired && r->evidence.is_retired[node];
}

/* --- a genesis that has no end yet */

struct birth {
	struct buf node;
	bool is_born, is_ended;
};

static void birth_drop(struct birth *b)
{
	buf_drop(&b->node);
}

static int take_birth(void *context, const struct journal_entry *entry, struct err *e)
{
	const struct journal_line *line = &entry->line;
	struct birth *b = context;

	if (line->kind == JOURNAL_GENESIS) {
		b->is_born = true;
		b->is_ended = false;
		return wire_set(&b->node, buf_view(&line->node), e);
	}
	b->is_ended |= line->kind == JOURNAL_STEP &&
	               view_equal(buf_view(&line->step), view_text(step_name(STEP_GENESIS))) &&
	               view_equal(buf_view(&line->outcome), view_text(JOURNAL_DONE)) &&
	               view_equal(buf_view(&line->node), buf_view(&b->node));
	return 0;
}

static int end_genesis(struct run *r, struct err *e)
{
	AUTO(birth) struct birth birth = { 0 };

	TRY(evidence_walk(&r->state, take_birth, &birth, e));
	if (!birth.is_born || birth.is_ended)
		return 0;
	return evidence_record_end(r, buf_text(&birth.node), step_name(STEP_GENESIS), e);
}

void evidence_end_genesis(struct run *r)
{
	bool is_asked;
	struct err e;

	if (!r->options.to_change || !r->seen.has_genesis ||
	    state_is_asked(&r->state, &is_asked, &e) < 0 || !is_asked)
		return;
	if (end_genesis(r, &e) < 0)
		run_note(r, /* node= */ 0, "journal: %s", e.text);
	else
		evidence_genesis_ended(r);
}

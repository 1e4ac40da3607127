#include "cluster/select.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GLOB_CHARACTERS              "*?"
#define LOCAL_WORD                   "local"
#define QUOTED_MAX                   64 /* of a selector in an error: enough to know it by */

#define SELECTOR_OF(selector, words) selector,
#define WORDS_OF(selector, words)    words,
const char *const select_states[] = { SELECT_STATE_LIST(SELECTOR_OF) NULL };
const char *const select_state_words[] = { SELECT_STATE_LIST(WORDS_OF) NULL };

static void term_drop(struct select_term *t)
{
	text_drop(&t->name);
	text_drop(&t->value);
}

void selection_drop(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t k = 0; k < s->items[i].count; k++)
			term_drop(&s->items[i].terms[k]);
		free(s->items[i].terms);
		text_drop(&s->items[i].text);
	}
	free(s->items);
	*s = (struct selection){ 0 };
}

/* --- reading --- */

/* One selector while it is read. */
struct reading {
	const char *text, *at;
	size_t len; /* of the term at `at` */
};

/* at: where in the selector. what: "expected …, found …" */
static int refuse(const struct reading *r, const char *at, const char *what, struct err *e)
{
	bool is_long = strlen(r->text) > QUOTED_MAX;

	return err_set(e, ERR_USAGE, "selector '%.*s%s', character %zu: %s", QUOTED_MAX, r->text,
	               is_long ? "…" : "", (size_t)(at - r->text) + 1, what);
}

/* len bytes at `at`, of those characters alone; what: "a node's name" */
static int take_word(const struct reading *r, const char *at, size_t len, const char *characters,
                     const char *what, char **ret, struct err *e)
{
	size_t good = strspn(at, characters);
	char expected[128];

	snprintf(expected, sizeof(expected), "expected %s, found %s", what,
	         len == 0 ? "nothing"
	         : good < len && strchr("[]", at[good])
	             ? "a bracket; wildcards here are * and ? (teectl(1), SELECTORS)"
	             : "another character");
	if (len == 0)
		return refuse(r, at, expected, e);
	if (good < len)
		return refuse(r, at + good, expected, e);
	*ret = strndup(at, len);
	return *ret ? 0 : err_set(e, ERR_INTERNAL, "no memory for a selector");
}

static int take_state(const struct reading *r, struct select_term *t, struct err *e)
{
	static const char *const words[] = { SELECT_STATE_LIST(SELECTOR_OF) LOCAL_WORD, NULL };
	AUTO(text) char *word = NULL;
	const char *nearest;
	char what[160];

	TRY(take_word(r, r->at + 1, r->len - 1, NAME_CHARACTERS, "a state", &word, e));
	for (t->state = 0; words[t->state]; t->state++) {
		if (strcmp(words[t->state], word) != 0)
			continue;
		t->kind = strcmp(word, LOCAL_WORD) == 0 ? SELECT_LOCAL : SELECT_STATE;
		return 0;
	}
	nearest = text_nearest(word, words);
	if (nearest)
		snprintf(what, sizeof(what), "no state is called that; did you mean '@%s'?",
		         nearest);
	else
		snprintf(what, sizeof(what), "expected one of %s, @%s, found another word",
		         SELECT_STATES_TEXT, LOCAL_WORD);
	return refuse(r, r->at, what, e);
}

/* "region=eu", "region!=eu" */
static int take_label(const struct reading *r, const char *equals, struct select_term *t,
                      struct err *e)
{
	const char *value = equals + 1;
	size_t name_len = (size_t)(equals - r->at);

	t->kind = SELECT_LABEL;
	t->is_not = name_len && equals[-1] == '!';
	TRY(take_word(r, r->at, name_len - t->is_not, NAME_CHARACTERS, "a label's name", &t->name,
	              e));
	return take_word(r, value, r->len - name_len - 1, NAME_CHARACTERS GLOB_CHARACTERS,
	                 "a label's value", &t->value, e);
}

static int take_term(const struct reading *r, struct select_term *t, struct err *e)
{
	const char *equals = memchr(r->at, '=', r->len);

	if (r->len && *r->at == '@')
		return take_state(r, t, e);
	if (equals)
		return take_label(r, equals, t, e);
	t->kind = SELECT_NAME;
	return take_word(r, r->at, r->len, NAME_CHARACTERS GLOB_CHARACTERS,
	                 "a node's name, a label, or a state", &t->name, e);
}

static size_t count_terms(const char *text)
{
	size_t count = 1;

	for (; *text; text++)
		count += *text == ',';
	return count;
}

static int read_terms(struct selector *s, struct err *e)
{
	struct reading r = { .text = s->text, .at = s->text };

	for (;; r.at += r.len + 1) {
		r.len = strcspn(r.at, ",");
		TRY(take_term(&r, &s->terms[s->count++], e));
		if (!r.at[r.len])
			return 0;
	}
}

int selection_add(struct selection *s, const char *text, struct err *e)
{
	struct selector *items;
	size_t terms = count_terms(text);

	if (terms > SELECTOR_TERMS_MAX || strlen(text) > SELECTOR_MAX)
		return err_set(e, ERR_USAGE, "a selector of more than %d terms or %u bytes",
		               SELECTOR_TERMS_MAX, SELECTOR_MAX);
	items = reallocarray(s->items, s->count + 1, sizeof(*items));
	if (!items)
		return err_set(e, ERR_INTERNAL, "no memory for a selector");
	s->items = items;
	items[s->count] = (struct selector){ .terms = calloc(terms, sizeof(*items->terms)) };
	if (!items[s->count++].terms)
		return err_set(e, ERR_INTERNAL, "no memory for a selector");
	TRY(text_dup(text, &items[s->count - 1].text, e));
	return read_terms(&items[s->count - 1], e);
}

/* --- choosing --- */

/* A star that fails is tried again one character on; an earlier one need not be (each star takes as
 * little as it can), so this is at most glob times name. */
bool select_glob(const char *glob, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			resume = name;
		} else if (*glob && (*glob == '?' || *glob == *name)) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == 0;
}

static bool is_glob(const char *text)
{
	return strpbrk(text, GLOB_CHARACTERS) != NULL;
}

static bool label_holds(const struct select_term *t, const struct cluster_node *node)
{
	const char *value = cluster_node_label(node, t->name);

	return (value && select_glob(t->value, value)) != t->is_not;
}

static bool selector_has(const struct selector *s, const struct cluster_node *node, int state)
{
	bool asks_name = false, asks_state = false, is_named = false, is_in_state = false;

	for (size_t i = 0; i < s->count; i++) {
		const struct select_term *t = &s->terms[i];

		switch (t->kind) {
		case SELECT_NAME:
			asks_name = true;
			is_named = is_named || select_glob(t->name, node->name);
			break;
		case SELECT_STATE:
			asks_state = true;
			is_in_state |= state == SELECT_STATE_UNKNOWN || state == t->state;
			break;
		case SELECT_LABEL:
			if (!label_holds(t, node))
				return false;
			break;
		case SELECT_LOCAL:
			if (!node->listen)
				return false;
			break;
		}
	}
	return (is_named || !asks_name) && (is_in_state || !asks_state);
}

bool selection_has(const struct selection *s, const struct cluster_node *node, int state)
{
	for (size_t i = 0; i < s->count; i++)
		if (selector_has(&s->items[i], node, state))
			return true;
	return s->count == 0;
}

bool selector_names(const struct selector *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->terms[i].kind == SELECT_NAME && strcmp(s->terms[i].name, name) == 0)
			return true;
	return false;
}

bool selection_has_states(const struct selection *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->items[i].count; k++)
			if (s->items[i].terms[k].kind == SELECT_STATE)
				return true;
	return false;
}

/* --- held against the file --- */

static int check_name(const struct select_term *t, const struct cluster *c, struct err *e)
{
	const char *nearest;

	if (!is_glob(t->name) && cluster_find_node(c, t->name))
		return 0;
	for (size_t i = 0; is_glob(t->name) && i < c->node_count; i++)
		if (select_glob(t->name, c->nodes[i].name))
			return 0;
	nearest = cluster_nearest_node(c, t->name);
	return err_reason(e, ERR_USAGE, SELECT_NO_NODE, "'%s' has no node '%s'%s%s%s", c->path,
	                  t->name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
	                  nearest ? "'?" : "");
}

/* Words to look for the nearest one in: labels' names, or the values of one label. They are
 * borrowed. */
struct words {
	const char **items;
	size_t count;
};

static void words_drop(struct words *w)
{
	free(w->items);
}

static int words_make(const struct cluster *c, const char *label_or_null, struct words *ret,
                      struct err *e)
{
	size_t room = c->node_count * (label_or_null ? 1 : CLUSTER_LABELS_MAX) + 1;

	ret->items = calloc(room, sizeof(*ret->items));
	if (!ret->items)
		return err_set(e, ERR_INTERNAL, "no memory for the nodes' labels");
	for (size_t i = 0; i < c->node_count; i++) {
		const struct cluster_node *n = &c->nodes[i];

		for (size_t k = 0; k < n->label_count; k++) {
			if (!label_or_null)
				ret->items[ret->count++] = n->labels[k].name;
			else if (strcmp(label_or_null, n->labels[k].name) == 0)
				ret->items[ret->count++] = n->labels[k].value;
		}
	}
	return 0;
}

static int check_value(const struct select_term *t, const struct cluster *c, struct err *e)
{
	AUTO(words) struct words values = { 0 };
	const char *nearest;

	TRY(words_make(c, t->name, &values, e));
	for (size_t i = 0; i < values.count; i++)
		if (select_glob(t->value, values.items[i]))
			return 0;
	nearest = text_nearest(t->value, values.items);
	if (nearest)
		return err_set(e, ERR_USAGE, "no node of '%s' has %s=%s; did you mean %s=%s?",
		               c->path, t->name, t->value, t->name, nearest);
	return err_set(e, ERR_USAGE, "no node of '%s' has %s=%s; one has %s=%s", c->path, t->name,
	               t->value, t->name, values.items[0]);
}

static int check_label(const struct select_term *t, const struct cluster *c, struct err *e)
{
	AUTO(words) struct words names = { 0 };
	const char *nearest;

	/* That nobody has a value that is ruled out may well be. */
	for (size_t i = 0; i < c->node_count; i++)
		if (cluster_node_label(&c->nodes[i], t->name))
			return t->is_not ? 0 : check_value(t, c, e);
	TRY(words_make(c, NULL, &names, e));
	nearest = text_nearest(t->name, names.items);
	return err_set(e, ERR_USAGE, "no node of '%s' has a label '%s'%s%s%s", c->path, t->name,
	               nearest ? "; did you mean '" : "", nearest ? nearest : "",
	               nearest ? "'?" : "");
}

static int check_selector(const struct selector *s, const struct cluster *c, struct err *e)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->terms[i].kind == SELECT_NAME)
			TRY(check_name(&s->terms[i], c, e));
		if (s->terms[i].kind == SELECT_LABEL)
			TRY(check_label(&s->terms[i], c, e));
	}
	for (size_t i = 0; i < c->node_count; i++)
		if (selector_has(s, &c->nodes[i], SELECT_STATE_UNKNOWN))
			return 0;
	return err_set(e, ERR_USAGE, "no node of '%s' matches '%s'", c->path, s->text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that stands twice is a slip of the hand: another one was meant. */
static int check_twice(const struct selection *s, struct err *e)
{
	AUTO(words) struct words names = { 0 };
	size_t room = 1;

	for (size_t i = 0; i < s->count; i++)
		room += s->items[i].count;
	names.items = calloc(room, sizeof(*names.items));
	if (!names.items)
		return err_set(e, ERR_INTERNAL, "no memory for the names of a selector");
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->items[i].count; k++)
			if (s->items[i].terms[k].kind == SELECT_NAME &&
			    !is_glob(s->items[i].terms[k].name))
				names.items[names.count++] = s->items[i].terms[k].name;
	qsort(names.items, names.count, sizeof(*names.items), compare);
	for (size_t i = 1; i < names.count; i++)
		if (strcmp(names.items[i - 1], names.items[i]) == 0)
			return err_set(e, ERR_USAGE, "node '%s' is named twice", names.items[i]);
	return 0;
}

int selection_check(const struct selection *s, const struct cluster *c, struct err *e)
{
	for (size_t i = 0; i < s->count; i++)
		TRY(check_selector(&s->items[i], c, e));
	return check_twice(s, e);
}

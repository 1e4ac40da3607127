/* Selectors: which nodes a verb is about. A selector is terms between commas:
 *
 *	tee1, eu-*            a node's name; * is any characters, ? any one
 *	region=eu, role!=db   what a label has to be; region=* is any value, region!=* none
 *	@failed, @gone, ..    how the node stands when the verb looks
 *	@local                it is launched here
 *
 * Names are alternatives, and so are states; labels and @local must all hold. A node is chosen if
 * it meets each kind that the selector has. Of several selectors one must choose it. */
#ifndef TEECTL_CLUSTER_SELECT_H
#define TEECTL_CLUSTER_SELECT_H

#include "cluster/config.h"

#define SELECTOR_TERMS_MAX 4096       /* of one selector: a script's list of names */
#define SELECTOR_MAX       (1u << 17) /* Linux's limit of one argument (MAX_ARG_STRLEN) */

/* As enum node_state of orchestrate/report.h, which judges it: as a selector has it, and as a
 * report says it. */
#define SELECT_STATE_LIST(X)                                                                       \
	X("ready", "ready")                                                                        \
	X("not-ready", "not ready")                                                                \
	X("waiting", "waiting for people")                                                         \
	X("failed", "failed")                                                                      \
	X("gone", "gone")                                                                          \
	X("old", "old manifest")
extern const char *const select_states[];      /* "ready", "not-ready", …; NULL-terminated */
extern const char *const select_state_words[]; /* "ready", "not ready", …; NULL-terminated */
/* "@ready, @not-ready, …" */
#define SELECT_STATE_AT(selector, words) ", @" selector
#define SELECT_STATES_TEXT               (&SELECT_STATE_LIST(SELECT_STATE_AT)[2])
#define SELECT_NO_NODE                   "no-node" /* the reason where a name is no node's */
#define SELECT_STATE_UNKNOWN             (-1)      /* it may be any */

enum select_kind { SELECT_NAME, SELECT_LABEL, SELECT_STATE, SELECT_LOCAL };

struct select_term {
	enum select_kind kind;
	char *name;  /* of a node, or a label's */
	char *value; /* of a label */
	bool is_not;
	int state;
};

struct selector {
	char *text;
	struct select_term *terms;
	size_t count;
};

/* None: all nodes. */
struct selection {
	struct selector *items;
	size_t count;
};
void selection_drop(struct selection *s);

/* Adds one selector. fails  ERR_USAGE, with the place in it */
MUST_CHECK int selection_add(struct selection *s, const char *text, struct err *e);
/* Is that very name one of its terms? */
bool selector_names(const struct selector *s, const char *name);
/* Does any of them ask how a node stands? */
bool selection_has_states(const struct selection *s);
/* Is the node chosen? state: how it stands, or SELECT_STATE_UNKNOWN */
bool selection_has(const struct selection *s, const struct cluster_node *node, int state);
/* Holds what does not depend on states against the file: every name, label and value is some
 * node's, and each selector can choose one. fails  ERR_USAGE, with the nearest word */
MUST_CHECK int selection_check(const struct selection *s, const struct cluster *c, struct err *e);

/* Does the name match? * is any characters, ? any one, and everything else itself. */
bool select_glob(const char *glob, const char *name);

#endif

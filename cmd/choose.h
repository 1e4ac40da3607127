/* The nodes that a verb is about, as its selectors choose them (cluster/select.h). */
#ifndef TEECTL_CMD_CHOOSE_H
#define TEECTL_CMD_CHOOSE_H

#include "cluster/select.h"
#include "session.h"

struct choice {
	struct selection selection;
	bool *flags;  /* one a node; NULL: no selector was given, and all are meant */
	size_t count; /* of nodes chosen */
};
void choice_drop(struct choice *choice);

/* Holds the selectors against the cluster file. Where one asks for a state, every node that may be
 * in it counts as chosen, until choice_settle. fails  ERR_USAGE */
MUST_CHECK int choice_make(const struct context *c, const struct text_list *selectors,
                           struct choice *ret, struct err *e);
/* Asks how the nodes stand, if a selector wants to know; then none may be left. */
MUST_CHECK int choice_settle(struct run *r, struct choice *choice, struct err *e);

enum choice_scope {
	CHOICE_ALONE,    /* the others are not asked, unless a state is asked for */
	CHOICE_OF_WHOLE, /* all are asked: one of the others may be the source */
	CHOICE_DESIRED,  /* and the image is held to the one that runs */
};

/* Opens a run about those nodes. What is mistyped is refused before anything is asked. choice:
 * zeroed; it must outlive r. */
MUST_CHECK int choice_open(struct context *c, bool to_change, enum choice_scope scope,
                           const struct text_list *selectors, struct choice *choice, struct run *r,
                           struct err *e);

/* The same of a verb that changes those, and whose plan and report are of all nodes: goal's targets
 * are set. */
MUST_CHECK int choice_open_whole(struct context *c, const struct text_list *selectors,
                                 struct choice *choice, struct run *r, struct goal *goal,
                                 struct err *e);

/* The row of the verbs that show or change nodes and name none as operands. */
#define OPT_ONLY(args)                                                                             \
	{                                                                                          \
		.name = "only", .letter = 'l', .kind = OPT_SELECTOR, .metavar = "SELECTOR",        \
		.is_list = true, .offset = offsetof(struct args, only),                            \
		.doc = "only these nodes: names, labels, states; see SELECTORS in teectl(1)"       \
	}

#define OPT_WIDE(args)                                                                             \
	{                                                                                          \
		.name = "wide", .letter = 'W', .kind = OPT_FLAG,                                   \
		.offset = offsetof(struct args, wide),                                             \
		.doc = "a row for every node, also of more than forty"                             \
	}

#endif

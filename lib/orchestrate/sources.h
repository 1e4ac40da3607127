/* Who gives the key to whom (design.md, "Topology"): of the TEEs that have it each gives it to so
 * many others at once. Pure: no I/O and no clock; plan.c foretells the key's way with it, execute.c
 * walks it, whatever fails on the way.
 *
 * chain   from each node to the next one along the order; where one fails, from the one before it
 * star    all from the root; where that fails, from another that has the key
 * tree    from every one that has the key. With regions the key enters each once, and spreads
 * inside */
#ifndef TEECTL_ORCHESTRATE_SOURCES_H
#define TEECTL_ORCHESTRATE_SOURCES_H

#include "base/err.h"
#include "cluster/config.h"

#define SOURCE_NONE SIZE_MAX
/* A target that so many have failed to give the key to is what is wrong. */
#define SOURCES_TRIED_MAX 8

struct sources;

struct sources_options {
	enum topology topology; /* not TOPOLOGY_AUTO */
	size_t count;           /* of nodes */
	size_t parallel;        /* targets of one source at once, >= 1 */
	const size_t *order;    /* of a chain; root first; borrowed */
	size_t order_count;
	const uint16_t
	    *regions; /* one a node, each below region_count; NULL: all in one; borrowed */
	size_t region_count;
};

MUST_CHECK int sources_new(const struct sources_options *options, struct sources **ret,
                           struct err *e);
void sources_drop(struct sources **s);

/* node has the key from now on. */
void sources_add(struct sources *s, size_t node);
/* node is asked no more. */
void sources_lose(struct sources *s, size_t node);
/* node is to get the key. */
void sources_want(struct sources *s, size_t node);
/* The next target and the source that it gets the key from, which is then busy with it until one of
 * the two below. false: nobody waits, or each waits for a source to be free. */
bool sources_next(struct sources *s, size_t *ret_target, size_t *ret_source);
/* It is over: the target has the key, or will not get it. */
void sources_done(struct sources *s, size_t target, size_t source, bool has_key);
/* The source did not give it: the target is wanted again, from another source. false: enough have
 * tried; it is not wanted any more. */
bool sources_again(struct sources *s, size_t target, size_t source);
/* Does any node have the key? */
bool sources_any(const struct sources *s);
/* How many forwards are under way. */
size_t sources_busy(const struct sources *s);
/* Takes one of those that wait out of the queue, when no source can come any more. SOURCE_NONE:
 * none waits. */
size_t sources_give_up(struct sources *s);

#endif

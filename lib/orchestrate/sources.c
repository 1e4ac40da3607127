#include "orchestrate/sources.h"

#include <stdlib.h>

#define NOBODY UINT32_MAX

/* A node, as target and as source. Both lists are chained through the nodes themselves: nothing
 * here is allocated after the start, and every step takes constant time. */
struct party {
	uint32_t next_waiting, next_free;
	uint32_t place;  /* in the chain */
	uint32_t failed; /* the source that failed it last */
	uint16_t region;
	uint8_t busy; /* targets that it is busy with */
	uint8_t tried;
	bool has_key, is_lost, is_waiting, is_free; /* is_free: in its region's list */
};

struct list {
	uint32_t first, last;
};

struct region {
	struct list waiting, free;
	size_t waits, holders;
	bool is_entered; /* the key is on its way to the first of it */
};

struct sources {
	enum topology topology;
	size_t parallel, count, region_count, busy, waiting;
	const size_t *order;
	size_t order_count;
	struct party *parties;
	struct region *regions;
	size_t root;
};

void sources_drop(struct sources **s)
{
	if (*s) {
		free((*s)->parties);
		free((*s)->regions);
	}
	free(*s);
	*s = NULL;
}

static void set_up(struct sources *s, const struct sources_options *o)
{
	for (size_t i = 0; i < s->count; i++)
		s->parties[i] = (struct party){ .next_waiting = NOBODY,
			                        .next_free = NOBODY,
			                        .place = NOBODY,
			                        .failed = NOBODY,
			                        .region = o->regions ? o->regions[i] : 0 };
	for (size_t i = 0; i < s->order_count; i++)
		s->parties[s->order[i]].place = (uint32_t)i;
	for (size_t i = 0; i < s->region_count; i++)
		s->regions[i] =
		    (struct region){ .waiting = { NOBODY, NOBODY }, .free = { NOBODY, NOBODY } };
	s->root = s->order_count ? s->order[0] : SOURCE_NONE;
}

int sources_new(const struct sources_options *o, struct sources **ret, struct err *e)
{
	AUTO(sources) struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_INTERNAL, "no memory for the key's way");
	*s = (struct sources){
		.topology = o->topology,
		.parallel = o->parallel,
		.count = o->count,
		/* Only a tree goes by regions. */
		.region_count = o->regions && o->topology == TOPOLOGY_TREE ? o->region_count : 1,
		.order = o->order,
		.order_count = o->order_count,
	};
	s->parties = calloc(s->count ? s->count : 1, sizeof(*s->parties));
	s->regions = calloc(s->region_count, sizeof(*s->regions));
	if (!s->parties || !s->regions || s->count >= NOBODY)
		return err_set(e, ERR_INTERNAL, "no memory for the key's way");
	set_up(s, o);
	if (s->region_count == 1)
		for (size_t i = 0; i < s->count; i++)
			s->parties[i].region = 0;
	*ret = MOVE(s);
	return 0;
}

/* --- who has it --- */

static bool is_usable(const struct party *p)
{
	return p->has_key && !p->is_lost;
}

/* At the end of its region's list: sources take turns. */
static void offer(struct sources *s, size_t node)
{
	struct party *p = &s->parties[node];
	struct list *list = &s->regions[p->region].free;

	if (p->is_free || !is_usable(p) || p->busy >= s->parallel)
		return;
	p->is_free = true;
	p->next_free = NOBODY;
	if (list->last == NOBODY)
		list->first = (uint32_t)node;
	else
		s->parties[list->last].next_free = (uint32_t)node;
	list->last = (uint32_t)node;
}

static size_t take_free(struct sources *s, struct region *region)
{
	while (region->free.first != NOBODY) {
		size_t node = region->free.first;
		struct party *p = &s->parties[node];

		region->free.first = p->next_free;
		if (region->free.first == NOBODY)
			region->free.last = NOBODY;
		p->is_free = false;
		if (is_usable(p) && p->busy < s->parallel)
			return node;
	}
	return SOURCE_NONE;
}

void sources_add(struct sources *s, size_t node)
{
	struct party *p = &s->parties[node];

	if (p->has_key)
		return;
	p->has_key = true;
	if (p->is_lost)
		return;
	s->regions[p->region].holders++;
	offer(s, node);
}

void sources_lose(struct sources *s, size_t node)
{
	struct party *p = &s->parties[node];

	if (is_usable(p))
		s->regions[p->region].holders--;
	p->is_lost = true;
}

/* --- who wants it --- */

void sources_want(struct sources *s, size_t node)
{
	struct party *p = &s->parties[node];
	struct region *region = &s->regions[p->region];

	if (p->is_waiting)
		return;
	p->is_waiting = true;
	p->next_waiting = NOBODY;
	if (region->waiting.last == NOBODY)
		region->waiting.first = (uint32_t)node;
	else
		s->parties[region->waiting.last].next_waiting = (uint32_t)node;
	region->waiting.last = (uint32_t)node;
	region->waits++;
	s->waiting++;
}

static size_t take_waiting(struct sources *s, struct region *region)
{
	size_t node = region->waiting.first;
	struct party *p;

	if (region->waiting.first == NOBODY)
		return SOURCE_NONE;
	p = &s->parties[node];
	region->waiting.first = p->next_waiting;
	if (region->waiting.first == NOBODY)
		region->waiting.last = NOBODY;
	p->is_waiting = false;
	region->waits--;
	s->waiting--;
	return node;
}

/* --- who gives it to whom --- */

static size_t last_between(const struct sources *s, size_t first, size_t end)
{
	while (end-- > first)
		if (is_usable(&s->parties[s->order[end]]))
			return s->order[end];
	return SOURCE_NONE;
}

/* The last one before the target, or before the one that failed it, that has the key; where none
 * does, one behind the target that had it before. */
static size_t along_chain(const struct sources *s, size_t target)
{
	const struct party *t = &s->parties[target];
	size_t place = t->failed == NOBODY ? t->place : s->parties[t->failed].place, node;

	if (!s->regions[0].holders)
		return SOURCE_NONE; /* of many it would take long to find out */
	/* One that failed it from behind is followed by those before that, down to the target. */
	if (place > t->place)
		return last_between(s, t->place + 1, place);
	node = last_between(s, 0, place);
	return node == SOURCE_NONE ? last_between(s, t->place + 1, s->order_count) : node;
}

/* A free one of the region that did not fail the target. */
static size_t from_region(struct sources *s, struct region *region, size_t target)
{
	size_t failed = s->parties[target].failed;
	size_t node = take_free(s, region), passed = SOURCE_NONE;

	if (node != SOURCE_NONE && node == failed) {
		passed = node;
		node = take_free(s, region);
	}
	if (passed != SOURCE_NONE)
		offer(s, passed);
	return node;
}

/* The root, and where that is lost another in its place; where it failed this target, whoever is
 * free. */
static size_t from_root(struct sources *s, size_t target)
{
	struct region *all = &s->regions[0];
	size_t node;

	if (s->parties[target].failed != NOBODY)
		return from_region(s, all, target);
	if (!is_usable(&s->parties[s->root])) {
		node = take_free(s, all);
		if (node == SOURCE_NONE)
			return SOURCE_NONE;
		s->root = node;
		offer(s, node);
	}
	return s->parties[s->root].busy < s->parallel ? s->root : SOURCE_NONE;
}

/* Its own region has nobody else, or has failed it more than once. */
static bool is_let_down(const struct sources *s, const struct region *own, const struct party *t)
{
	return t->failed != NOBODY &&
	       (t->tried > 1 || (own->holders == 1 && is_usable(&s->parties[t->failed]) &&
	                         s->parties[t->failed].region == t->region));
}

/* Into a region without the key it goes once; the others there wait for it. */
static size_t from_tree(struct sources *s, struct region *own, size_t target)
{
	const struct party *t = &s->parties[target];
	size_t first = t->failed == NOBODY ? 0 : s->parties[t->failed].region + 1u;
	size_t node = SOURCE_NONE;

	if (own->holders > 0 && !is_let_down(s, own, t))
		return from_region(s, own, target);
	if (own->holders == 0 && own->is_entered)
		return SOURCE_NONE;
	for (size_t i = 0; node == SOURCE_NONE && i < s->region_count; i++)
		node = from_region(s, &s->regions[(first + i) % s->region_count], target);
	return node;
}

static size_t find_source(struct sources *s, struct region *region, size_t target)
{
	switch (s->topology) {
	case TOPOLOGY_CHAIN:
		return along_chain(s, target);
	case TOPOLOGY_STAR:
		return from_root(s, target);
	default:
		return from_tree(s, region, target);
	}
}

static void engage(struct sources *s, size_t target, size_t source)
{
	struct region *region = &s->regions[s->parties[target].region];

	s->busy++;
	s->parties[source].busy++;
	offer(s, source);
	if (region->holders == 0)
		region->is_entered = true;
}

static bool is_any_free(const struct sources *s)
{
	for (size_t i = 0; i < s->region_count; i++)
		if (s->regions[i].free.first != NOBODY)
			return true;
	return false;
}

/* One that failed the first that waits may serve the next: each is looked at once. */
static bool next_of(struct sources *s, struct region *region, size_t *ret_target,
                    size_t *ret_source)
{
	for (size_t left = region->waits; left > 0; left--) {
		size_t target = region->waiting.first;
		size_t source = find_source(s, region, target);

		if (source != SOURCE_NONE) {
			(void)take_waiting(s, region);
			engage(s, target, source);
			*ret_target = target;
			*ret_source = source;
			return true;
		}
		/* Then nobody is free for any other either. */
		if (s->parties[target].failed == NOBODY || !is_any_free(s))
			return false;
		(void)take_waiting(s, region);
		sources_want(s, target);
	}
	return false;
}

bool sources_next(struct sources *s, size_t *ret_target, size_t *ret_source)
{
	for (size_t i = 0; s->waiting && i < s->region_count; i++)
		if (next_of(s, &s->regions[i], ret_target, ret_source))
			return true;
	return false;
}

static void disengage(struct sources *s, size_t target, size_t source)
{
	s->busy--;
	s->parties[source].busy--;
	offer(s, source);
	s->regions[s->parties[target].region].is_entered = false;
}

void sources_done(struct sources *s, size_t target, size_t source, bool has_key)
{
	disengage(s, target, source);
	if (has_key)
		sources_add(s, target);
}

bool sources_again(struct sources *s, size_t target, size_t source)
{
	disengage(s, target, source);
	s->parties[target].failed = (uint32_t)source;
	if (++s->parties[target].tried >= SOURCES_TRIED_MAX)
		return false;
	sources_want(s, target);
	return true;
}

bool sources_any(const struct sources *s)
{
	for (size_t i = 0; i < s->region_count; i++)
		if (s->regions[i].holders)
			return true;
	return false;
}

size_t sources_busy(const struct sources *s)
{
	return s->busy;
}

size_t sources_give_up(struct sources *s)
{
	for (size_t i = 0; i < s->region_count; i++)
		if (s->regions[i].waits)
			return take_waiting(s, &s->regions[i]);
	return SOURCE_NONE;
}

#include "orchestrate/timeline.h"

#include <stdlib.h>

int timeline_open(struct timeline *t, size_t room, struct err *e)
{
	*t = (struct timeline){ .heap = calloc(room ? room : 1, sizeof(*t->heap)) };
	if (!t->heap)
		return err_set(e, ERR_INTERNAL, "no memory for %zu events", room);
	return 0;
}

void timeline_drop(struct timeline *t)
{
	free(t->heap);
	*t = (struct timeline){ 0 };
}

static bool is_earlier(const struct timeline_entry *a, const struct timeline_entry *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : (int32_t)(a->order - b->order) < 0;
}

void timeline_add(struct timeline *t, int64_t at_us, uint32_t what)
{
	const struct timeline_entry entry = { at_us, t->added++, what };
	size_t i = t->count++;

	for (; i > 0 && is_earlier(&entry, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		t->heap[i] = t->heap[(i - 1) / 2];
	t->heap[i] = entry;
}

/* entry goes to the top, and down from there. */
static void sink(struct timeline *t, struct timeline_entry entry)
{
	size_t i = 0;

	for (size_t child = 1; child < t->count; child = 2 * i + 1) {
		if (child + 1 < t->count && is_earlier(&t->heap[child + 1], &t->heap[child]))
			child++;
		if (!is_earlier(&t->heap[child], &entry))
			break;
		t->heap[i] = t->heap[child];
		i = child;
	}
	t->heap[i] = entry;
}

bool timeline_next(struct timeline *t, int64_t *ret_at_us, uint32_t *ret_what)
{
	if (!t->count)
		return false;
	*ret_at_us = t->heap[0].at_us;
	*ret_what = t->heap[0].what;
	t->count--;
	if (t->count)
		sink(t, t->heap[t->count]);
	return true;
}

void timeline_clear(struct timeline *t)
{
	t->count = 0;
}

#include "cluster/key_set_folder.h"

#include "base/file.h"
#include "base/file_guard.h"
#include "base/text.h"
#include "cluster/config_internal.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX        4096 /* a folder of keys, not one that somebody works in */
#define THRESHOLD_FILE_MAX 256  /* a number, and perhaps a remark below it */
#define THRESHOLD_NAME     "quorum_threshold"

/* What is being read. */
struct key_folder {
	const char *path;
	struct cluster_member_list list;
	size_t room, entries;
	char *threshold; /* path of the one file of it */
};

static void key_folder_drop(struct key_folder *f)
{
	cluster_member_list_drop(&f->list);
	text_drop(&f->threshold);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len >= tail && strcmp(name + len - tail, suffix) == 0;
}

static int add_member(struct key_folder *f, const char *name, const char *alias, struct err *e)
{
	struct cluster_member *items = f->list.items, *item;

	if (!config_is_name(alias))
		return err_set(e, ERR_DATA, "'%s': no name for a member", name);
	if (f->list.count == MEMBERS_MAX)
		return err_set(e, ERR_DATA, "more than %d members", MEMBERS_MAX);
	if (f->list.count == f->room) {
		size_t room = f->room ? 2 * f->room : 8;

		items = reallocarray(items, room, sizeof(*items));
		if (!items)
			return err_set(e, ERR_INTERNAL, "no memory for %zu members", room);
		f->list.items = items;
		f->room = room;
	}
	item = &items[f->list.count];
	*item = (struct cluster_member){ 0 };
	f->list.count++;
	TRY(text_dup(alias, &item->name, e));
	return path_join(f->path, name, &item->pub, e);
}

static int take_entry(void *context, const char *name, struct err *e)
{
	struct key_folder *f = context;
	AUTO(text) char *alias = NULL;

	if (f->entries++ == ENTRIES_MAX)
		return err_set(e, ERR_DATA, "more than %d files", ENTRIES_MAX);
	if (strncmp(name, "._", 2) == 0)
		return 0;
	TRY(text_dup(name, &alias, e));
	alias[strcspn(alias, ".")] = 0;
	if (strcmp(alias, THRESHOLD_NAME) == 0) {
		if (f->threshold)
			return err_set(e, ERR_DATA, "two files of a " THRESHOLD_NAME);
		return path_join(f->path, name, &f->threshold, e);
	}
	return has_suffix(name, ".pub") ? add_member(f, name, alias, e) : 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct cluster_member *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int check_names(const struct cluster_member_list *list, struct err *e)
{
	for (size_t i = 1; i < list->count; i++)
		if (strcmp(list->items[i - 1].name, list->items[i].name) == 0)
			return err_set(e, ERR_DATA, "two keys of '%s'", list->items[i].name);
	return 0;
}

static int read_threshold(struct key_folder *f, int64_t min, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(THRESHOLD_FILE_MAX);
	AUTO(buf) struct buf number = BUF_INIT(THRESHOLD_FILE_MAX);
	const uint8_t *end;
	uint64_t value;

	if (!f->threshold)
		return err_set(e, ERR_DATA, "no " THRESHOLD_NAME);
	TRY(file_read_guarded(f->threshold, /* may_be_pipe= */ false, &content, e));
	end = content.len ? memchr(content.data, '\n', content.len) : NULL;
	TRY(buf_set(
	    &number,
	    text_trim(view_new(content.data, end ? (size_t)(end - content.data) : content.len)),
	    e));
	if (number_parse(buf_text(&number), THRESHOLD_NAME, (uint64_t)min, f->list.count, &value,
	                 e) < 0) {
		e->code = ERR_DATA;
		return -1;
	}
	f->list.threshold = (int64_t)value;
	return 0;
}

static int read_folder(struct key_folder *f, int64_t min_threshold, struct err *e)
{
	TRY(folder_check_guarded(f->path, "key set", e));
	TRY(folder_each(f->path, "key set", /* may_lack= */ false, take_entry, f, e));
	if (f->list.count == 0)
		return err_set(e, ERR_DATA, "no NAME.pub");
	qsort(f->list.items, f->list.count, sizeof(*f->list.items), compare_names);
	TRY(check_names(&f->list, e));
	return read_threshold(f, min_threshold, e);
}

int key_set_folder_read(const char *path, int64_t min_threshold, struct cluster_member_list *ret,
                        struct err *e)
{
	AUTO(key_folder) struct key_folder f = { .path = path };

	if (read_folder(&f, min_threshold, e) < 0)
		return err_wrap(e, "'%s'", path);
	*ret = MOVE(f.list);
	return 0;
}

#include "cluster/shared.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define CURRENT       "manifest.current" /* written last, here and there */
#define MANIFESTS     "manifests"
#define STAGE         "etcd.pulled" /* in the state: what is judged there */
#define HASH_TEXT_LEN 64
#define SYNC_MS       10000 /* the next one goes on where it ends */
#define NAME_LEN_MAX  320   /* a folder, a member's name and a suffix */

static const char *const single_files[] = { "genesis_output", "genesis_attestation_doc",
	                                    "dr_wrapped_quorum_key", "quorum_key.pub", CURRENT };
static const struct {
	const char *name, *suffix;
} folders[] = { { MANIFESTS, ".json" }, { "shares", ".share" } };

static const struct etcd_item *find(const struct wire_list *items, struct view name)
{
	const struct etcd_item *all = items->items;

	for (size_t i = 0; i < items->count; i++)
		if (view_equal(buf_view(&all[i].key), name))
			return &all[i];
	return NULL;
}

/* --- which files */

static bool is_in(struct view name, const char *folder, const char *suffix)
{
	size_t head = strlen(folder) + 1, tail = strlen(suffix);
	const uint8_t *inner = name.data + head;

	if (name.len <= head + tail || name.len > NAME_LEN_MAX ||
	    memcmp(name.data, folder, head - 1) != 0 || name.data[head - 1] != '/' ||
	    memcmp(name.data + name.len - tail, suffix, tail) != 0 || *inner == '.')
		return false;
	return !memchr(inner, '/', name.len - head) && !memchr(inner, 0, name.len - head);
}

/* Those are named by their hash, and a run reads no others. */
static bool is_manifest(struct view name)
{
	size_t head = strlen(MANIFESTS "/");
	uint8_t hash[HASH_TEXT_LEN / 2];
	struct err e;

	return is_in(name, MANIFESTS, ".json") &&
	       name.len == head + HASH_TEXT_LEN + strlen(".json") &&
	       hex_parse_exact(view_new(name.data + head, HASH_TEXT_LEN), hash, sizeof(hash), &e) ==
	           0;
}

bool shared_is_name(struct view name)
{
	for (size_t i = 0; i < COUNT(single_files); i++)
		if (view_equal(name, view_text(single_files[i])))
			return true;
	return is_manifest(name) || is_in(name, "shares", ".share");
}

static int add_file(const struct state *s, const char *name, struct wire_list *to, struct err *e)
{
	AUTO(text) char *path = NULL;
	AUTO(buf) struct buf content = BUF_INIT(ETCD_VALUE_MAX);
	struct etcd_item *item;

	TRY(state_path(s, name, &path, e));
	if (!file_is_there(path))
		return 0;
	TRY(file_read_regular(path, &content, e));
	TRY(wire_list_add(to, &etcd_item_schema, &item, e));
	TRY(wire_set_text(&item->key, name, e));
	return wire_set(&item->value, buf_view(&content), e);
}

/* What is read from a folder, and into what. */
struct reading {
	const struct state *state;
	const char *folder;
	struct wire_list *to;
};

static int take_entry(void *context, const char *entry, struct err *e)
{
	const struct reading *r = context;
	char name[NAME_LEN_MAX + 1];

	snprintf(name, sizeof(name), "%s/%s", r->folder, entry);
	return shared_is_name(view_text(name)) ? add_file(r->state, name, r->to, e) : 0;
}

static int add_folder(const struct state *s, size_t which, struct wire_list *to, struct err *e)
{
	struct reading reading = { s, folders[which].name, to };
	AUTO(text) char *path = NULL;

	TRY(state_path(s, reading.folder, &path, e));
	return folder_each(path, path, /* may_lack= */ true, take_entry, &reading, e);
}

static int read_local(const struct state *s, struct wire_list *ret, struct err *e)
{
	AUTO(etcd_list) struct wire_list items = { 0 };

	for (size_t i = 0; i < COUNT(folders); i++)
		TRY(add_folder(s, i, &items, e));
	for (size_t i = 0; i < COUNT(single_files); i++)
		TRY(add_file(s, single_files[i], &items, e));
	*ret = MOVE(items);
	return 0;
}

/* The keys without their prefix, and of those the ones that are files of ours. */
static int read_remote(struct etcd *etcd, const char *prefix, struct wire_list *ret, struct err *e)
{
	AUTO(etcd_list) struct wire_list items = { 0 };
	AUTO(etcd_list) struct wire_list kept = { 0 };
	struct etcd_item *all, *item;
	size_t len = strlen(prefix);

	TRY(etcd_get(etcd, prefix, /* is_prefix= */ true, &items, e));
	all = items.items;
	for (size_t i = 0; i < items.count; i++) {
		struct view name;

		if (all[i].key.len < len)
			continue;
		name = view_new(all[i].key.data + len, all[i].key.len - len);

		if (!shared_is_name(name))
			continue;
		TRY(wire_list_add(&kept, &etcd_item_schema, &item, e));
		TRY(wire_set(&item->key, name, e));
		item->value = MOVE(all[i].value);
		item->mod_revision = all[i].mod_revision;
	}
	*ret = MOVE(kept);
	return 0;
}

/* --- who has gone on from whom */

/* Does it keep the manifest that is the other's current one? */
static bool knows(const struct wire_list *items, const struct etcd_item *current)
{
	char name[HASH_TEXT_LEN + 16];

	if (current->value.len < HASH_TEXT_LEN)
		return false;
	snprintf(name, sizeof(name), "manifests/%.*s.json", HASH_TEXT_LEN,
	         buf_text(&current->value));
	return find(items, view_text(name)) != NULL;
}

enum shared_move shared_decide(const struct wire_list *local, const struct wire_list *remote)
{
	const struct etcd_item *here = find(local, view_text(CURRENT));
	const struct etcd_item *there = find(remote, view_text(CURRENT));

	if (!here && !there)
		return SHARED_NOTHING;
	if (!here)
		return SHARED_PULL;
	if (!there)
		return SHARED_PUSH;
	if (view_equal(buf_view(&here->value), buf_view(&there->value)))
		return SHARED_NOTHING;
	if (knows(local, there))
		return SHARED_PUSH;
	return knows(remote, here) ? SHARED_PULL : SHARED_CONFLICT;
}

/* --- the moves */

/* One file, if nobody has written it since it was read. */
static int push_file(struct etcd *etcd, const char *prefix, const struct etcd_item *item,
                     const struct etcd_item *there, struct err *e)
{
	AUTO(buf) struct buf key = BUF_INIT(ETCD_KEY_MAX);
	struct etcd_condition unchanged = { .which = ETCD_CHANGED,
		                            .revision = there ? there->mod_revision : 0 };
	struct etcd_put put = { .value = buf_view(&item->value) };
	bool is_done = false;

	TRY(buf_add_format(&key, e, "%s%s", prefix, buf_text(&item->key)));
	unchanged.key = put.key = buf_text(&key);
	TRY(etcd_put_if(etcd, &unchanged, 1, &put, 1, &is_done, e));
	if (is_done)
		return 0;
	return err_set(e, ERR_TRY_AGAIN, "etcd: '%s' is being written by another", put.key);
}

/* Nothing that was read may have changed while it was judged. */
static int check_unchanged(const struct state *s, const struct wire_list *before, struct err *e)
{
	AUTO(etcd_list) struct wire_list now = { 0 };
	const struct etcd_item *items;
	bool is_same;

	TRY(read_local(s, &now, e));
	items = now.items;
	is_same = now.count == before->count;
	for (size_t i = 0; i < now.count && is_same; i++) {
		const struct etcd_item *was = find(before, buf_view(&items[i].key));

		is_same = was && view_equal(buf_view(&was->value), buf_view(&items[i].value));
	}
	if (is_same)
		return 0;
	return err_set(e, ERR_TRY_AGAIN, "etcd: the state '%s' was changed while it was judged",
	               s->folder);
}

/* The current manifest's name is the last of the list: until it is there, nothing is. */
static int push(const struct shared_place *p, const struct state *s, const struct wire_list *local,
                const struct wire_list *remote, struct err *e)
{
	const struct etcd_item *items = local->items;

	/* Read without the lock: a run has made another the current one since the manifests were
	 * read, and what names it would be there without it. */
	if (!knows(local, find(local, view_text(CURRENT))))
		return err_set(e, ERR_TRY_AGAIN,
		               "etcd: the state names a manifest that it does not keep, or is "
		               "being written");
	if (p->judge.judge(p->judge.context, s, s, e) < 0)
		return err_wrap(e, "etcd is not given what the state keeps");
	TRY(check_unchanged(s, local, e));
	for (size_t i = 0; i < local->count; i++) {
		const struct etcd_item *there = find(remote, buf_view(&items[i].key));

		if (!there || !view_equal(buf_view(&there->value), buf_view(&items[i].value)))
			TRY(push_file(p->etcd, p->prefix, &items[i], there, e));
	}
	return 0;
}

static int conflict(const char *prefix, const struct state *s, struct err *e)
{
	return err_reason(
	    e, ERR_DATA, "conflict",
	    "etcd keeps a manifest under '%s' that the state '%s' does not know, nor "
	    "the other way round: they are of two quorums, or of two lines of manifests",
	    prefix, s->folder);
}

static int write_item(const struct state *s, const struct etcd_item *item, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, buf_text(&item->key), &path, e));
	return file_write(path, buf_view(&item->value), 0600, e);
}

static int make_folders(const struct state *s, struct err *e)
{
	for (size_t i = 0; i < COUNT(folders); i++)
		TRY(state_make_folder(s, folders[i].name, e));
	return 0;
}

/* What was decided without the lock may be so no more: a run has had its genesis meanwhile. */
static int check_still_behind(const struct state *s, const struct wire_list *local,
                              const struct wire_list *remote, struct err *e)
{
	if (shared_decide(local, remote) == SHARED_PULL)
		return 0;
	return err_set(e, ERR_TRY_AGAIN,
	               "etcd: the state '%s' was changed by another run while it was compared",
	               s->folder);
}

static bool is_current(const struct etcd_item *item)
{
	return view_equal(buf_view(&item->key), view_text(CURRENT));
}

/* Genesis, key and shares are born once: others in their place are another quorum's, or nobody's.
 * A manifest has its name for its content, and may have other approvals: ours stay. */
static int check_same(const struct shared_place *p, const struct state *s,
                      const struct wire_list *local, const struct wire_list *remote, struct err *e)
{
	const struct etcd_item *items = remote->items;

	for (size_t i = 0; i < remote->count; i++) {
		const struct etcd_item *here = find(local, buf_view(&items[i].key));

		if (!here || is_current(here) || is_manifest(buf_view(&here->key)) ||
		    view_equal(buf_view(&here->value), buf_view(&items[i].value)))
			continue;
		return err_reason(e, ERR_DATA, "conflict",
		                  "etcd keeps another '%s' under '%s' than the state '%s': it is "
		                  "of another quorum, or was altered; nothing here is overwritten",
		                  buf_text(&items[i].key), p->prefix, s->folder);
	}
	return 0;
}

/* Those of etcd that are not here; what names the current one is written last. */
static int write_new(const struct state *to, const struct wire_list *local,
                     const struct wire_list *remote, struct err *e)
{
	const struct etcd_item *items = remote->items;

	for (size_t i = 0; i < remote->count; i++)
		if (!is_current(&items[i]) && !find(local, buf_view(&items[i].key)))
			TRY(write_item(to, &items[i], e));
	return write_item(to, find(remote, view_text(CURRENT)), e);
}

/* The state as it would be. */
static int judge_staged(const struct shared_place *p, const struct state *s,
                        const struct wire_list *local, const struct wire_list *remote,
                        const struct state *stage, struct err *e)
{
	const struct etcd_item *items = local->items;

	TRY(make_folders(stage, e));
	for (size_t i = 0; i < local->count; i++)
		TRY(write_item(stage, &items[i], e));
	TRY(write_new(stage, local, remote, e));
	if (p->judge.judge(p->judge.context, stage, s, e) < 0)
		return err_wrap(e, "etcd: what it keeps under '%s' is not taken over", p->prefix);
	return 0;
}

/* One that a killed run left is of no use to anybody. */
static int judge_pulled(const struct shared_place *p, const struct state *s,
                        const struct wire_list *local, const struct wire_list *remote,
                        struct err *e)
{
	AUTO(state) struct state stage = { .lock = -1 };
	struct err removal;
	int result;

	TRY(state_path(s, STAGE, &stage.folder, e));
	TRY(folder_remove_all(stage.folder, e));
	TRY(state_make_folder(s, STAGE, e));
	result = judge_staged(p, s, local, remote, &stage, e);
	if (folder_remove_all(stage.folder, &removal) < 0 && result == 0) {
		*e = removal;
		return -1;
	}
	return result;
}

static int pull(const struct shared_place *p, const struct cluster *c, const char *folder,
                const struct wire_list *remote, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };
	AUTO(etcd_list) struct wire_list local = { 0 };

	TRY(state_open(c, folder, /* to_change= */ true, "watch", &s, e));
	TRY(read_local(&s, &local, e));
	TRY(check_still_behind(&s, &local, remote, e));
	TRY(check_same(p, &s, &local, remote, e));
	TRY(judge_pulled(p, &s, &local, remote, e));
	TRY(make_folders(&s, e));
	return write_new(&s, &local, remote, e);
}

/* Both sides, and what is due between them. */
static int compare(const struct shared_place *p, const struct state *s, struct wire_list *ret_local,
                   struct wire_list *ret_remote, enum shared_move *ret, struct err *e)
{
	AUTO(etcd_list) struct wire_list local = { 0 };

	TRY(read_local(s, &local, e));
	etcd_limit(p->etcd, clock_monotonic_ms() + SYNC_MS, p->interrupt_fd);
	TRY(read_remote(p->etcd, p->prefix, ret_remote, e));
	*ret_local = MOVE(local);
	*ret = shared_decide(ret_local, ret_remote);
	return 0;
}

int shared_sync(const struct shared_place *place, const struct cluster *c,
                const char *folder_or_null, enum shared_move *ret_done, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };
	AUTO(etcd_list) struct wire_list local = { 0 };
	AUTO(etcd_list) struct wire_list remote = { 0 };

	TRY(state_open(c, folder_or_null, /* to_change= */ false, "watch", &s, e));
	TRY(compare(place, &s, &local, &remote, ret_done, e));
	switch (*ret_done) {
	case SHARED_NOTHING:
		return 0;
	case SHARED_PUSH:
		return push(place, &s, &local, &remote, e);
	case SHARED_PULL:
		return pull(place, c, folder_or_null, &remote, e);
	case SHARED_CONFLICT:
		break;
	}
	return conflict(place->prefix, &s, e);
}

int shared_push(const struct shared_place *place, const struct state *s, struct err *e)
{
	AUTO(etcd_list) struct wire_list local = { 0 };
	AUTO(etcd_list) struct wire_list remote = { 0 };
	enum shared_move move;

	TRY(compare(place, s, &local, &remote, &move, e));
	if (move == SHARED_CONFLICT)
		return conflict(place->prefix, s, e);
	if (move == SHARED_PULL)
		return err_set(e, ERR_NOT_DESIRED,
		               "etcd keeps a later manifest under '%s' than the state '%s'",
		               place->prefix, s->folder);
	/* Of one current manifest, what is here now is what this run has made of it. */
	if (!find(&local, view_text(CURRENT)))
		return 0;
	return push(place, s, &local, &remote, e);
}

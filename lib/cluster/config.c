#include "cluster/config.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/config_internal.h"
#include "cluster/key_set_folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define EVENTS_MAX 500000 /* 16384 nodes, each written out with eight labels, are 410000 */
#define KEYS_MAX   32     /* of one map; the largest has fewer */

/* One pass over the file's events: each value is judged where it stands. */
struct pass {
	yaml_parser_t yaml;
	yaml_event_t event; /* the current one */
	size_t events;
	struct config_places places;
	struct node_index index;
	struct cluster *c;
};

static void pass_drop(struct pass *p)
{
	yaml_event_delete(&p->event);
	yaml_parser_delete(&p->yaml);
	node_index_drop(&p->index);
}

static struct mark mark_of(yaml_mark_t mark)
{
	return (struct mark){ .line = (unsigned)mark.line + 1,
		              .column = (unsigned)mark.column + 1 };
}

static struct mark here(const struct pass *p)
{
	return mark_of(p->event.start_mark);
}

int config_refuse(struct err *e, const struct config_places *p, struct mark at, const char *format,
                  ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(e, ERR_CONFIG, "%s", text);
	return err_wrap(e, "%s:%u:%u", p->file, at.line, at.column);
}

static size_t row_index(const struct config_row *row)
{
	return (size_t)(row - config_rows);
}

const struct config_row *config_find(const char *path)
{
	for (size_t i = 0; i < config_row_count; i++)
		if (strcmp(config_rows[i].path, path) == 0)
			return &config_rows[i];
	return NULL;
}

struct mark config_place_of(const struct config_places *p, const char *path)
{
	const struct config_row *row = config_find(path);

	return row ? p->of[row_index(row)] : (struct mark){ 1, 1 };
}

/* The key that the row is in the map that prefix names ("", "quorum", "nodes[]"), or NULL. */
static const char *key_in(const char *prefix, const struct config_row *row)
{
	size_t len = strlen(prefix);
	const char *key = row->path;

	if (len) {
		if (strncmp(key, prefix, len) != 0 || key[len] != '.')
			return NULL;
		key += len + 1;
	}
	return strpbrk(key, ".[") ? NULL : key;
}

/* "nodes[].url" as "nodes[2].url". */
static void row_name(const struct pass *p, const char *path, char *ret, size_t size)
{
	const char *bracket = strchr(path, ']');

	if (bracket)
		snprintf(ret, size, "%.*s%zu%s", (int)(bracket - path), path, p->places.item,
		         bracket);
	else
		snprintf(ret, size, "%s", *path ? path : "the file");
}

#define ROW_NAME_MAX 64

static int refuse_value(const struct pass *p, const char *path, struct mark at,
                        const char *expected, const char *found, struct err *e)
{
	char name[ROW_NAME_MAX];

	row_name(p, path, name, sizeof(name));
	return config_refuse(e, &p->places, at, "%s, expected %s, found %s", name, expected, found);
}

/* --- events --- */

/* A key without its colon and quotes that do not end are noticed on a later line: what is to be
 * mended is where they begin. */
static struct mark yaml_mark(const yaml_parser_t *y)
{
	static const char *const begun[] = { "while scanning a simple key",
		                             "while scanning a quoted scalar" };

	if (y->error == YAML_READER_ERROR)
		return mark_of(y->mark);
	for (size_t i = 0; y->context && i < COUNT(begun); i++)
		if (strcmp(y->context, begun[i]) == 0)
			return mark_of(y->context_mark);
	return mark_of(y->problem_mark);
}

static int refuse_yaml(const struct pass *p, struct err *e)
{
	const yaml_parser_t *y = &p->yaml;
	struct mark at = yaml_mark(y);

	if (y->error == YAML_MEMORY_ERROR)
		return err_set(e, ERR_INTERNAL, "no memory to read '%s'", p->places.file);
	if (y->error == YAML_SCANNER_ERROR && y->buffer.pointer < y->buffer.last &&
	    *y->buffer.pointer == '\t')
		return config_refuse(e, &p->places, at, "YAML, found a tab; indent with spaces");
	return config_refuse(e, &p->places, at, "YAML, expected it well formed, found: %s",
	                     y->problem ? y->problem : "an error");
}

/* An alias makes a small file large, and a tag another type; the file needs neither. */
static int check_plain(const struct pass *p, struct err *e)
{
	const yaml_event_t *v = &p->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (v->type == YAML_SCALAR_EVENT) {
		anchor = v->data.scalar.anchor;
		tag = v->data.scalar.tag;
	} else if (v->type == YAML_MAPPING_START_EVENT) {
		anchor = v->data.mapping_start.anchor;
		tag = v->data.mapping_start.tag;
	} else if (v->type == YAML_SEQUENCE_START_EVENT) {
		anchor = v->data.sequence_start.anchor;
		tag = v->data.sequence_start.tag;
	}
	if (v->type == YAML_ALIAS_EVENT || anchor)
		return config_refuse(e, &p->places, here(p),
		                     "a value, expected it written out, found an anchor or alias");
	if (tag)
		return config_refuse(e, &p->places, here(p),
		                     "a value, expected it without a tag, found one");
	return 0;
}

/* Moves to the next event. */
static int next(struct pass *p, struct err *e)
{
	yaml_event_delete(&p->event);
	if (!yaml_parser_parse(&p->yaml, &p->event))
		return refuse_yaml(p, e);
	if (++p->events > EVENTS_MAX)
		return config_refuse(e, &p->places, here(p),
		                     "the file, expected at most %d keys and values, found more",
		                     EVENTS_MAX);
	return check_plain(p, e);
}

static const char *event_name(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.length ? "a text" : "nothing";
	case YAML_MAPPING_START_EVENT:
		return "a map";
	case YAML_SEQUENCE_START_EVENT:
		return "a list";
	default:
		return "nothing";
	}
}

static bool is_at(const struct pass *p, yaml_event_type_t type)
{
	return p->event.type == type;
}

static int expect(const struct pass *p, yaml_event_type_t type, const char *path,
                  const char *expected, struct err *e)
{
	if (is_at(p, type))
		return 0;
	return refuse_value(p, path, here(p), expected, event_name(&p->event), e);
}

/* The current scalar as a C string. */
static int scalar_text(const struct pass *p, const char *path, struct scalar *ret, struct err *e)
{
	const char *text = (const char *)p->event.data.scalar.value;

	if (strlen(text) != p->event.data.scalar.length)
		return refuse_value(p, path, here(p), "text", "a NUL in it", e);
	*ret = (struct scalar){ text, p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE };
	return 0;
}

/* --- values --- */

static int take_value(struct pass *p, const struct config_row *row, void *base, struct err *e);

static int refuse_key(const struct pass *p, const char *prefix, const char *key, struct err *e)
{
	AUTO(buf) struct buf expected = BUF_INIT(ERR_TEXT_MAX);
	const char *keys[KEYS_MAX + 1] = { NULL }, *nearest;
	char name[ROW_NAME_MAX], found[FOUND_LEN + 8];
	size_t count = 0;

	config_quote(key, found);
	for (size_t i = 0; i < config_row_count && count < KEYS_MAX; i++)
		if (key_in(prefix, &config_rows[i]))
			keys[count++] = key_in(prefix, &config_rows[i]);
	for (size_t i = 0; i < count; i++)
		TRY(buf_add_format(&expected, e, "%s%s", i ? ", " : "", keys[i]));
	nearest = text_nearest(key, keys);
	row_name(p, prefix, name, sizeof(name));
	return config_refuse(e, &p->places, here(p), "%s, expected one of %s; found %s%s%s%s", name,
	                     buf_text(&expected), found, nearest ? ": did you mean '" : "",
	                     nearest ? nearest : "", nearest ? "'?" : "");
}

/* The row of the current key. */
static int find_key(struct pass *p, const char *prefix, const struct config_row **ret,
                    struct err *e)
{
	struct scalar key;
	struct mark first;

	TRY(expect(p, YAML_SCALAR_EVENT, prefix, "a key", e));
	TRY(scalar_text(p, prefix, &key, e));
	for (size_t i = 0; i < config_row_count; i++) {
		const char *name = key_in(prefix, &config_rows[i]);

		if (!name || strcmp(name, key.text) != 0)
			continue;
		first = p->places.of[i];
		if (first.line)
			return config_refuse(e, &p->places, here(p),
			                     "%s, expected once, found again (first on line %u)",
			                     config_rows[i].path, first.line);
		*ret = &config_rows[i];
		return 0;
	}
	return refuse_key(p, prefix, key.text, e);
}

static int take_fallback(struct pass *p, const struct config_row *row, void *base, struct err *e)
{
	/* A default that is empty is a text as if in quotes: plain, it would be null. */
	struct scalar value = { row->fallback, *row->fallback != 0 };

	return config_take(row, &value, base, p->c->folder, e);
}

/* What a map that ended at `at` leaves out: an error if required, else the default. A map that is
 * not there at all (is_absent) requires nothing. */
static int complete(struct pass *p, const char *prefix, void *base, bool is_absent, struct mark at,
                    struct err *e)
{
	for (size_t i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		char name[ROW_NAME_MAX];

		if (!key_in(prefix, row) || p->places.of[i].line)
			continue;
		row_name(p, prefix, name, sizeof(name));
		if (row->is_required && !is_absent)
			return config_refuse(e, &p->places, at,
			                     "%s, expected '%s' (%s), found none", name,
			                     key_in(prefix, row), row->doc);
		if (row->kind == CONFIG_MAP)
			TRY(complete(p, row->path, base, /* is_absent= */ true, at, e));
		if (row->fallback)
			TRY(take_fallback(p, row, base, e));
	}
	return 0;
}

/* The same rows serve each item of a list. */
static void forget_places(struct pass *p, const char *prefix)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; i < config_row_count; i++)
		if (strncmp(config_rows[i].path, prefix, len) == 0 &&
		    config_rows[i].path[len] == '.')
			p->places.of[i] = (struct mark){ 0 };
}

static int take_map(struct pass *p, const char *prefix, void *base, struct err *e)
{
	struct mark start = here(p);

	TRY(expect(p, YAML_MAPPING_START_EVENT, prefix, "a map", e));
	for (;;) {
		const struct config_row *row = NULL;

		TRY(next(p, e));
		if (is_at(p, YAML_MAPPING_END_EVENT))
			return complete(p, prefix, base, /* is_absent= */ false, start, e);
		TRY(find_key(p, prefix, &row, e));
		TRY(next(p, e));
		p->places.of[row_index(row)] = here(p);
		TRY(take_value(p, row, base, e));
	}
}

int config_add_item(const struct config_row *row, void *base, void *ret_item, struct err *e)
{
	char **items = (char **)((char *)base + row->offset);
	size_t *count = (size_t *)((char *)base + row->count_offset), size = row->item_size;
	/* Full at 0 and each power of two. */
	bool is_full = (*count & (*count - 1)) == 0;
	size_t room = *count ? 2 * *count : 1;
	char *grown = is_full ? reallocarray(*items, room, size) : *items;

	if (!grown)
		return err_set(e, ERR_INTERNAL, "no memory for %zu items", room);
	*items = grown;
	memset(grown + *count * size, 0, size);
	*(char **)ret_item = grown + (*count)++ * size;
	return 0;
}

static int check_item(struct pass *p, const struct config_row *row, struct mark at, void *base,
                      struct err *e)
{
	if (row->offset == offsetof(struct cluster, nodes))
		return config_expand_node(base, &p->places, at, &p->index, e);
	return config_check_member(row->offset == offsetof(struct cluster, quorum.members.items)
	                               ? &p->c->quorum.members
	                               : &p->c->manifest_set,
	                           row, &p->places, at, e);
}

static int take_item(struct pass *p, const struct config_row *row, void *base, struct err *e)
{
	char prefix[ROW_NAME_MAX];
	struct mark at = here(p);
	struct scalar text;
	void *item = NULL;

	TRY(config_add_item(row, base, &item, e));
	if (row->kind == CONFIG_TEXTS) {
		static const struct config_row entry = { .kind = CONFIG_TEXT };

		TRY(expect(p, YAML_SCALAR_EVENT, row->path, "a text", e));
		TRY(scalar_text(p, row->path, &text, e));
		if (config_take(&entry, &text, item, p->c->folder, e) < 0)
			return config_refuse(e, &p->places, at, "%s, %s", row->path, e->text);
		return 0;
	}
	snprintf(prefix, sizeof(prefix), "%s[]", row->path);
	forget_places(p, prefix);
	TRY(take_map(p, prefix, item, e));
	return check_item(p, row, at, base, e);
}

static int take_list(struct pass *p, const struct config_row *row, void *base, struct err *e)
{
	struct mark start = here(p);
	size_t count;

	TRY(expect(p, YAML_SEQUENCE_START_EVENT, row->path, "a list", e));
	for (count = 0;; count++) {
		TRY(next(p, e));
		if (is_at(p, YAML_SEQUENCE_END_EVENT))
			break;
		if ((int64_t)count == row->max)
			return config_refuse(e, &p->places, here(p),
			                     "%s, expected at most %lld, found more", row->path,
			                     (long long)row->max);
		p->places.item = count;
		TRY(take_item(p, row, base, e));
	}
	if (count == 0 && row->kind == CONFIG_LIST)
		return config_refuse(e, &p->places, start, "%s, expected at least one, found none",
		                     row->path);
	return 0;
}

static int take_scalar(struct pass *p, const struct config_row *row, void *base, struct err *e)
{
	char name[ROW_NAME_MAX];
	struct scalar value;

	TRY(expect(p, YAML_SCALAR_EVENT, row->path, config_type(row->kind), e));
	TRY(scalar_text(p, row->path, &value, e));
	if (config_take(row, &value, base, p->c->folder, e) == 0)
		return 0;
	if (e->code != ERR_CONFIG)
		return -1;
	row_name(p, row->path, name, sizeof(name));
	return config_refuse(e, &p->places, here(p), "%s, %s", name, e->text);
}

/* A label's name, or its value. */
static int take_label(struct pass *p, const struct config_row *row, char **to, struct err *e)
{
	const struct config_row label = { .path = row->path, .kind = CONFIG_LABEL };

	return take_scalar(p, &label, to, e);
}

_Static_assert(CLUSTER_LABELS_MAX == 16, "an error says so");

static int add_label(struct pass *p, const struct config_row *row, struct cluster_node *node,
                     struct cluster_label **ret, struct err *e)
{
	struct cluster_label *grown;

	if (node->label_count == CLUSTER_LABELS_MAX)
		return refuse_value(p, row->path, here(p), "at most 16 labels", "more", e);
	grown = reallocarray(node->labels, node->label_count + 1, sizeof(*grown));
	if (!grown)
		return err_set(e, ERR_INTERNAL, "no memory for labels");
	node->labels = grown;
	grown[node->label_count] = (struct cluster_label){ 0 };
	*ret = &grown[node->label_count++];
	return 0;
}

static int take_labels(struct pass *p, const struct config_row *row, struct cluster_node *node,
                       struct err *e)
{
	TRY(expect(p, YAML_MAPPING_START_EVENT, row->path, "a map", e));
	for (;;) {
		struct cluster_label *label = NULL;

		TRY(next(p, e));
		if (is_at(p, YAML_MAPPING_END_EVENT))
			return 0;
		TRY(add_label(p, row, node, &label, e));
		TRY(take_label(p, row, &label->name, e));
		for (size_t i = 0; i + 1 < node->label_count; i++)
			if (strcmp(node->labels[i].name, label->name) == 0)
				return refuse_value(p, row->path, here(p), "each label once",
				                    label->name, e);
		TRY(next(p, e));
		TRY(take_label(p, row, &label->value, e));
	}
}

static int take_value(struct pass *p, const struct config_row *row, void *base, struct err *e)
{
	switch (row->kind) {
	case CONFIG_LABELS:
		return take_labels(p, row, base, e);
	case CONFIG_MAP:
		return take_map(p, row->path, base, e);
	case CONFIG_LIST:
	case CONFIG_TEXTS:
		return take_list(p, row, base, e);
	default:
		return take_scalar(p, row, base, e);
	}
}

/* --- the file --- */

static int take_document(struct pass *p, struct err *e)
{
	TRY(next(p, e)); /* the stream begins */
	TRY(next(p, e));
	if (!is_at(p, YAML_DOCUMENT_START_EVENT))
		return refuse_value(p, "", here(p), "a map", "nothing", e);
	TRY(next(p, e));
	TRY(take_map(p, "", p->c, e));
	TRY(next(p, e)); /* the document ends */
	TRY(next(p, e));
	if (!is_at(p, YAML_STREAM_END_EVENT))
		return refuse_value(p, "", here(p), "one document", "another", e);
	return config_check(p->c, &p->places, e);
}

/* libyaml's own refusal has no column. */
static int check_text(const char *path, struct view text, struct err *e)
{
	struct config_places places = { .file = path };
	struct mark at = { 1, 1 };

	if (text.len > CLUSTER_FILE_MAX)
		return config_refuse(e, &places, at,
		                     "the file, expected at most %u bytes, found more",
		                     CLUSTER_FILE_MAX);
	if (utf8_is_valid(text))
		return 0;
	for (size_t line = 0, end = 0; end < text.len; end++) {
		if (text.data[end] != '\n')
			continue;
		if (!utf8_is_valid(view_new(text.data + line, end - line)))
			break;
		line = end + 1;
		at.line++;
	}
	return config_refuse(e, &places, at, "the line, expected UTF-8, found other bytes");
}

static int pass_begin(struct pass *p, const char *path, struct view text, struct err *e)
{
	TRY(check_text(path, text, e));
	if (!yaml_parser_initialize(&p->yaml))
		return err_set(e, ERR_INTERNAL, "no memory to read '%s'", path);
	yaml_parser_set_encoding(&p->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p->yaml, text.data, text.len);
	p->places.file = path;
	return 0;
}

int cluster_parse(const char *path, struct view text, struct cluster *ret, struct err *e)
{
	AUTO(cluster) struct cluster c = { 0 };
	AUTO(pass) struct pass p = { .c = &c };

	TRY(text_dup(path, &c.path, e));
	TRY(path_folder(path, &c.folder, e));
	TRY(pass_begin(&p, path, text, e));
	TRY(take_document(&p, e));
	TRY(sha256(text, &c.file_hash, e));
	*ret = MOVE(c);
	return 0;
}

static int load_key_sets(struct cluster *c, struct err *e)
{
	if (c->quorum.key_set)
		TRY(key_set_folder_read(c->quorum.key_set, /* min_threshold= */ 2,
		                        &c->quorum.members, e));
	if (c->manifest_key_set)
		return key_set_folder_read(c->manifest_key_set, /* min_threshold= */ 1,
		                           &c->manifest_set, e);
	if (c->manifest_set.count)
		return 0;
	return config_copy_members(&c->quorum.members, &c->manifest_set, e);
}

int cluster_read(const char *path, struct cluster *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX + 1);

	if (file_read_guarded(path, /* may_be_pipe= */ true, &text, e) < 0)
		return err_wrap(e, "cluster file");
	return cluster_read_text(path, buf_view(&text), ret, e);
}

int cluster_read_text(const char *path, struct view text, struct cluster *ret, struct err *e)
{
	AUTO(cluster) struct cluster c = { 0 };

	TRY(cluster_parse(path, text, &c, e));
	TRY(load_key_sets(&c, e));
	*ret = MOVE(c);
	return 0;
}

/* --- where something stands --- */

/* libyaml counts characters. */
static size_t byte_offset(struct view text, size_t characters)
{
	size_t i = 0;

	for (; i < text.len && characters > 0; characters--)
		for (i++; i < text.len && (text.data[i] & 0xc0) == 0x80; i++)
			;
	return i;
}

/* Passes the current value; *ret_end is where its last character was. The end of a block collection
 * has no character of its own. */
static int skip_value(struct pass *p, size_t *ret_end, struct err *e)
{
	size_t depth = 0;

	for (;;) {
		if (is_at(p, YAML_MAPPING_START_EVENT) || is_at(p, YAML_SEQUENCE_START_EVENT))
			depth++;
		if (is_at(p, YAML_MAPPING_END_EVENT) || is_at(p, YAML_SEQUENCE_END_EVENT))
			depth--;
		if (is_at(p, YAML_SCALAR_EVENT) ||
		    p->event.end_mark.index > p->event.start_mark.index)
			*ret_end = p->event.end_mark.index;
		if (depth == 0)
			return 0;
		TRY(next(p, e));
	}
}

/* To the value of a key of the current map; *ret_key is where the key begins. At the map's end: not
 * found, and *ret_end is where its last value ended. */
static int seek_key(struct pass *p, const char *key, bool *ret_found, yaml_mark_t *ret_key,
                    size_t *ret_end, struct err *e)
{
	*ret_end = p->event.end_mark.index;
	for (;;) {
		TRY(next(p, e));
		*ret_found = is_at(p, YAML_SCALAR_EVENT) &&
		             strcmp((const char *)p->event.data.scalar.value, key) == 0;
		if (is_at(p, YAML_MAPPING_END_EVENT))
			return 0;
		*ret_key = p->event.start_mark;
		TRY(next(p, e));
		if (*ret_found)
			return 0;
		TRY(skip_value(p, ret_end, e));
	}
}

int config_locate_pcrs(const char *path, struct view text, struct config_spot *ret, struct err *e)
{
	AUTO(pass) struct pass p = { 0 };
	yaml_mark_t key = { 0 };
	bool is_found = false;
	size_t start, end = 0;

	TRY(pass_begin(&p, path, text, e));
	while (!is_at(&p, YAML_MAPPING_START_EVENT))
		TRY(next(&p, e));
	TRY(seek_key(&p, "enclave", &is_found, &key, &end, e));
	if (!is_found || !is_at(&p, YAML_MAPPING_START_EVENT))
		return config_refuse(e, &p.places, here(&p),
		                     "the file, expected 'enclave' to write pcrs into, found none");
	ret->is_flow = p.event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	start = p.event.end_mark.index;
	TRY(seek_key(&p, "pcrs", &ret->has_pcrs, &key, &end, e));
	if (ret->has_pcrs)
		TRY(skip_value(&p, &end, e));
	ret->is_empty = end == start;
	ret->column = key.column;
	ret->start = byte_offset(text, key.index);
	ret->end = byte_offset(text, end);
	return 0;
}

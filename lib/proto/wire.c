#include "proto/wire.h"
#include "base/base64.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "proto/emit.h"
#include "proto/pack.h"

#define SCHEMA_FIELDS_MAX 32 /* the largest has 18 */
#define WORDS_TEXT_MAX    200

typedef json_object *json;
typedef json_tokener *tokener;

static void json_drop(json *o)
{
	json_object_put(*o);
	*o = NULL;
}

static void tokener_drop(tokener *t)
{
	if (*t)
		json_tokener_free(*t);
	*t = NULL;
}

/* A struct of a schema that is still being filled. */
struct draft {
	const struct wire_schema *schema;
	void *data;
};

static void draft_drop(struct draft *d)
{
	if (d->data)
		wire_release(d->schema, d->data);
	free(d->data);
	d->data = NULL;
}

static int decode_value(const struct wire_field *f, json_object *o, const struct place *here,
                        void *base, struct err *e);

static int parse_scanned(struct view object, json *ret, struct err *e)
{
	/* One more: json-c counts the values inside the innermost container as a level. */
	AUTO(tokener) tokener t = json_tokener_new_ex(WIRE_DEPTH_MAX + 1);
	AUTO(json) json root = NULL;

	if (!t)
		return err_set(e, ERR_INTERNAL, "no memory for a JSON parser");
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(t, (const char *)object.data, (int)object.len);
	if (json_tokener_get_error(t) != json_tokener_success ||
	    json_tokener_get_parse_end(t) != object.len ||
	    !json_object_is_type(root, json_type_object))
		return err_set(e, ERR_REQUEST, "not JSON: %s",
		               json_tokener_error_desc(json_tokener_get_error(t)));
	*ret = MOVE(root);
	return 0;
}

static int parse(struct view text, const struct scan_limits *limits, json *ret, struct err *e)
{
	struct view object;

	TRY(json_scan(text, limits, &object, e));
	return parse_scanned(object, ret, e);
}

static int parse_packed(struct view text, const struct scan_limits *limits, json *ret,
                        struct err *e)
{
	AUTO(buf) struct buf packed = { 0 };
	struct view object;

	TRY(json_scan(text, limits, &object, e));
	packed.max = object.len + PACK_SPARE;
	TRY(json_pack(object, &packed, e));
	return parse_scanned(buf_view(&packed), ret, e);
}

static struct view string_view(json_object *o)
{
	return view_new(json_object_get_string(o), (size_t)json_object_get_string_len(o));
}

/* An array of bytes that json_pack has made a string. */
static bool is_packed(json_object *o)
{
	return json_object_is_type(o, json_type_string) && pack_is(string_view(o));
}

static bool is_string(json_object *o)
{
	return json_object_is_type(o, json_type_string) && !is_packed(o);
}

static const char *found(json_object *o)
{
	if (is_packed(o))
		return "an array";
	switch (json_object_get_type(o)) {
	case json_type_null:
		return "null";
	case json_type_boolean:
		return "a boolean";
	case json_type_int:
		return "a number";
	case json_type_string:
		return "a string";
	case json_type_array:
		return "an array";
	case json_type_object:
		return "an object";
	default:
		return "something else";
	}
}

static int wrong_type(const struct place *here, const char *expected, json_object *o, struct err *e)
{
	return place_fail(here, e, "%s expected, %s found", expected, found(o));
}

static int check_count(const struct wire_field *f, size_t count, const char *what,
                       const struct place *here, struct err *e)
{
	if (count >= (size_t)f->min && count <= (size_t)f->max)
		return 0;
	if (f->min == f->max)
		return place_fail(here, e, "%zu %s expected, %zu found", (size_t)f->max, what,
		                  count);
	return place_fail(here, e, "%zu to %zu %s expected, %zu found", (size_t)f->min,
	                  (size_t)f->max, what, count);
}

static bool is_array(json_object *o)
{
	return json_object_is_type(o, json_type_array) || is_packed(o);
}

static size_t array_len(json_object *array)
{
	return is_packed(array) ? pack_len(string_view(array)) : json_object_array_length(array);
}

/* to has room for the whole array. */
static int read_bytes(json_object *array, const struct place *here, uint8_t *to, struct err *e)
{
	size_t len = array_len(array);

	if (is_packed(array)) {
		pack_read(string_view(array), to);
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		json_object *item = json_object_array_get_idx(array, i);
		int64_t value =
		    json_object_is_type(item, json_type_int) ? json_object_get_int64(item) : -1;

		if (value < 0 || value > 255)
			return place_fail(&(struct place){ .up = here, .index = i }, e,
			                  "an integer from 0 to 255 expected");
		to[i] = (uint8_t)value;
	}
	return 0;
}

static int decode_bytes(const struct wire_field *f, json_object *o, const struct place *here,
                        struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = { 0 };
	uint8_t *to;

	if (!is_array(o))
		return wrong_type(here, "an array of bytes", o, e);
	TRY(check_count(f, array_len(o), "bytes", here, e));
	bytes.max = array_len(o);
	TRY(buf_reserve(&bytes, bytes.max, &to, e));
	TRY(read_bytes(o, here, to, e));
	buf_commit(&bytes, bytes.max);
	*ret = MOVE(bytes);
	return 0;
}

static int decode_fixed(const struct wire_field *f, json_object *o, const struct place *here,
                        uint8_t *ret, struct err *e)
{
	if (!is_array(o))
		return wrong_type(here, "an array of bytes", o, e);
	TRY(check_count(f, array_len(o), "bytes", here, e));
	return read_bytes(o, here, ret, e);
}

static int decode_hex(const struct wire_field *f, json_object *o, const struct place *here,
                      struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = { 0 };
	struct view digits;
	struct err inner;

	if (!is_string(o))
		return wrong_type(here, "hex text", o, e);
	digits = string_view(o);
	bytes.max = digits.len / 2;
	/* hex_parse trims; white space inside JSON is nobody's hex. */
	if (text_trim(digits).len != digits.len)
		return place_fail(here, e, "white space around hex digits");
	if (hex_parse(digits, &bytes, &inner) < 0)
		return inner.code == ERR_INTERNAL ? err_set(e, ERR_INTERNAL, "%s", inner.text)
		                                  : place_fail(here, e, "%s", inner.text);
	TRY(check_count(f, bytes.len, "bytes", here, e));
	bytes.max = bytes.len;
	*ret = MOVE(bytes);
	return 0;
}

static int decode_base64(const struct wire_field *f, json_object *o, const struct place *here,
                         struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = { 0 };
	struct err inner;

	if (!is_string(o))
		return wrong_type(here, "base64 text", o, e);
	bytes.max = string_view(o).len / 4 * 3;
	if (base64_parse_canonical(string_view(o), &bytes, &inner) < 0)
		return inner.code == ERR_INTERNAL ? err_set(e, ERR_INTERNAL, "%s", inner.text)
		                                  : place_fail(here, e, "%s", inner.text);
	TRY(check_count(f, bytes.len, "bytes", here, e));
	bytes.max = bytes.len;
	*ret = MOVE(bytes);
	return 0;
}

static int decode_fixed_hex(const struct wire_field *f, json_object *o, const struct place *here,
                            uint8_t *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = { 0 };

	TRY(decode_hex(f, o, here, &bytes, e));
	memcpy(ret, bytes.data, bytes.len);
	return 0;
}

static bool is_name(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '/' || c == '-'))
			return false;
	}
	return true;
}

static int set_text(const struct wire_field *f, struct view text, const struct place *here,
                    struct buf *ret, struct err *e)
{
	TRY(check_count(f, text.len, "bytes of text", here, e));
	if (f->kind == WIRE_NAME && !is_name(text))
		return place_fail(here, e, "only letters, digits and ._/- expected");
	return wire_set(ret, text, e);
}

static int decode_text(const struct wire_field *f, json_object *o, const struct place *here,
                       struct buf *ret, struct err *e)
{
	if (!is_string(o))
		return wrong_type(here, "a string", o, e);
	return set_text(f, string_view(o), here, ret, e);
}

/* "42" or "-7", as QOS's canonical JSON and etcd's gateway have integers; at most INT64_MAX either
 * way. */
static bool is_decimal(struct view text)
{
	static const char most[] = "9223372036854775807";
	size_t sign = text.len && text.data[0] == '-', digits = text.len - sign;

	if (digits == 0 || digits >= sizeof(most) || (text.data[sign] == '0' && text.len > 1))
		return false;
	for (size_t i = sign; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return digits < sizeof(most) - 1 || memcmp(text.data + sign, most, digits) <= 0;
}

static int decode_number(const struct wire_field *f, json_object *o, const struct place *here,
                         int64_t *ret, struct err *e)
{
	int64_t value;

	if (!json_object_is_type(o, json_type_int) &&
	    !(f->flags & WIRE_DECIMAL && is_string(o) && is_decimal(string_view(o))))
		return wrong_type(here, "an integer", o, e);
	value = json_object_get_int64(o);
	/* get_int64 gives the nearest that it can. */
	if (value < f->min || value > f->max ||
	    (value == INT64_MAX && json_object_get_uint64(o) > INT64_MAX))
		return place_fail(here, e, "an integer from %lld to %lld expected",
		                  (long long)f->min, (long long)f->max);
	*ret = value;
	return 0;
}

static int decode_bool(json_object *o, const struct place *here, bool *ret, struct err *e)
{
	if (!json_object_is_type(o, json_type_boolean))
		return wrong_type(here, "true or false", o, e);
	*ret = json_object_get_boolean(o);
	return 0;
}

static int decode_word(const struct wire_field *f, json_object *o, const struct place *here,
                       int *ret, struct err *e)
{
	AUTO(buf) struct buf words = BUF_INIT(WORDS_TEXT_MAX);

	if (!is_string(o))
		return wrong_type(here, "a string", o, e);
	for (int i = 0; f->words[i]; i++) {
		if (view_equal(string_view(o), view_text(f->words[i]))) {
			*ret = i;
			return 0;
		}
		TRY(buf_add_format(&words, e, "%s%s", i ? ", " : "", f->words[i]));
	}
	return place_fail(here, e, "one of %s expected", buf_text(&words));
}

static bool is_bare(const struct wire_schema *schema)
{
	return schema->count == 1 && !*schema->fields[0].name;
}

static const struct wire_field *find_field(const struct wire_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->count; i++)
		if (*name && strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	return NULL;
}

static bool leaves_out(const struct place *here)
{
	while (here->up)
		here = here->up;
	return here->leaves_out;
}

static int unknown_field(const struct wire_schema *schema, const struct place *here, struct err *e)
{
	const char *names[SCHEMA_FIELDS_MAX + 1] = { 0 };
	const char *near;

	for (size_t i = 0; i < schema->count && i < SCHEMA_FIELDS_MAX; i++)
		names[i] = schema->fields[i].name;
	near = text_nearest((const char *)here->name.data, names);
	if (near && *near)
		return place_fail(here, e, "unknown field, did you mean '%s'?", near);
	return place_fail(here, e, "unknown field");
}

static int decode_field(const struct wire_field *f, json_object *parent, const struct place *up,
                        void *base, struct err *e)
{
	struct place here = { .up = up, .name = view_text(f->name) };
	json_object *o = NULL;
	bool is_there = json_object_object_get_ex(parent, f->name, &o);

	if (!is_there && !(f->flags & WIRE_OPTIONAL))
		return place_fail(&here, e, "missing");
	if (!is_there || (!o && f->flags & WIRE_NULLABLE))
		return 0;
	TRY(decode_value(f, o, &here, (uint8_t *)base + f->offset, e));
	if (f->presence != SIZE_MAX)
		*(bool *)((uint8_t *)base + f->presence) = true;
	return 0;
}

static int decode_fields(const struct wire_schema *schema, json_object *o, const struct place *here,
                         void *base, struct err *e)
{
	if (!json_object_is_type(o, json_type_object))
		return wrong_type(here, "an object", o, e);
	json_object_object_foreach(o, name, ignored)
	{
		(void)ignored;
		if (!find_field(schema, name) && !leaves_out(here))
			return unknown_field(
			    schema, &(struct place){ .up = here, .name = view_text(name) }, e);
	}
	for (size_t i = 0; i < schema->count; i++)
		if (*schema->fields[i].name)
			TRY(decode_field(&schema->fields[i], o, here, base, e));
	return 0;
}

static int decode_item(const struct wire_schema *schema, json_object *o, const struct place *here,
                       void *item, struct err *e)
{
	const struct wire_field *bare = &schema->fields[0];

	if (is_bare(schema))
		return decode_value(bare, o, here, (uint8_t *)item + bare->offset, e);
	return decode_fields(schema, o, here, item, e);
}

/* A list has room for the next power of two of its items: wire_list_add counts on it. */
static size_t list_room(size_t count)
{
	size_t room = 1;

	while (room < count)
		room *= 2;
	return room;
}

/* count zeroed structs; what the list holds is released with the message. */
static int list_alloc(struct wire_list *list, const struct wire_schema *item, size_t count,
                      struct err *e)
{
	if (count == 0)
		return 0;
	list->items = calloc(list_room(count), item->size);
	if (!list->items)
		return err_set(e, ERR_INTERNAL, "no memory for a list of %zu", count);
	list->count = count;
	return 0;
}

/* Numbers where items of another kind are meant: what is wrong is said of each number. */
static int unpack(json_object *packed, json *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = { .max = array_len(packed) };
	AUTO(json) json array = json_object_new_array();
	uint8_t *to;

	TRY(buf_reserve(&bytes, bytes.max, &to, e));
	pack_read(string_view(packed), to);
	for (size_t i = 0; array && i < bytes.max; i++)
		if (json_object_array_add(array, json_object_new_int(to[i])) < 0)
			json_drop(&array);
	if (!array)
		return err_set(e, ERR_INTERNAL, "no memory for a list");
	*ret = MOVE(array);
	return 0;
}

static int decode_list(const struct wire_field *f, json_object *o, const struct place *here,
                       struct wire_list *ret, struct err *e)
{
	struct place item = { .up = here };
	AUTO(json) json unpacked = NULL;

	if (!is_array(o))
		return wrong_type(here, "an array", o, e);
	TRY(check_count(f, array_len(o), "items", here, e));
	TRY(list_alloc(ret, f->schema, array_len(o), e));
	if (is_packed(o)) {
		TRY(unpack(o, &unpacked, e));
		o = unpacked;
	}
	for (; item.index < ret->count; item.index++)
		TRY(decode_item(f->schema, json_object_array_get_idx(o, item.index), &item,
		                (uint8_t *)ret->items + item.index * f->schema->size, e));
	return 0;
}

static int decode_map(const struct wire_field *f, json_object *o, const struct place *here,
                      struct wire_list *ret, struct err *e)
{
	const struct wire_field *key = &f->schema->fields[0];
	uint8_t *item;

	if (!json_object_is_type(o, json_type_object))
		return wrong_type(here, "an object", o, e);
	TRY(check_count(f, (size_t)json_object_object_length(o), "items", here, e));
	TRY(list_alloc(ret, f->schema, (size_t)json_object_object_length(o), e));
	item = ret->items;
	json_object_object_foreach(o, name, value)
	{
		struct place inside = { .up = here, .name = view_text(name) };

		TRY(set_text(key, view_text(name), &inside,
		             (struct buf *)(void *)(item + key->offset), e));
		TRY(decode_fields(f->schema, value, &inside, item, e));
		item += f->schema->size;
	}
	return 0;
}

/* to: the member itself. */
static int decode_value(const struct wire_field *f, json_object *o, const struct place *here,
                        void *to, struct err *e)
{
	switch (f->kind) {
	case WIRE_BYTES:
		return decode_bytes(f, o, here, to, e);
	case WIRE_HEX:
		return decode_hex(f, o, here, to, e);
	case WIRE_BASE64:
		return decode_base64(f, o, here, to, e);
	case WIRE_FIXED:
		return decode_fixed(f, o, here, to, e);
	case WIRE_FIXED_HEX:
		return decode_fixed_hex(f, o, here, to, e);
	case WIRE_TEXT:
	case WIRE_NAME:
		return decode_text(f, o, here, to, e);
	case WIRE_NUMBER:
		return decode_number(f, o, here, to, e);
	case WIRE_BOOL:
		return decode_bool(o, here, to, e);
	case WIRE_WORD:
		return decode_word(f, o, here, to, e);
	case WIRE_OBJECT:
		return decode_fields(f->schema, o, here, to, e);
	case WIRE_LIST:
		return decode_list(f, o, here, to, e);
	case WIRE_MAP:
		return decode_map(f, o, here, to, e);
	}
	return err_set(e, ERR_INTERNAL, "a schema row of no kind");
}

static int decode(const struct wire_schema *schema, struct view text,
                  const struct scan_limits *limits, const struct place *root_place, void *message,
                  struct err *e)
{
	AUTO(json) json root = NULL;
	AUTO(draft) struct draft draft = { schema, NULL };

	TRY(parse_packed(text, limits, &root, e));
	draft.data = calloc(1, schema->size);
	if (!draft.data)
		return err_set(e, ERR_INTERNAL, "no memory for a message");
	TRY(decode_fields(schema, root, root_place, draft.data, e));
	memcpy(message, draft.data, schema->size);
	explicit_bzero(draft.data, schema->size); /* moved */
	return 0;
}

int wire_decode(const struct wire_schema *schema, struct view text, void *message, struct err *e)
{
	return decode(schema, text, &scan_request, &(struct place){ 0 }, message, e);
}

int wire_decode_known(const struct wire_schema *schema, struct view text, void *message,
                      struct err *e)
{
	return decode(schema, text, &scan_request, &(struct place){ .leaves_out = true }, message,
	              e);
}

int wire_decode_reply(const struct wire_schema *schema, struct view text, void *message,
                      struct err *e)
{
	return decode(schema, text, &scan_reply, &(struct place){ 0 }, message, e);
}

int wire_decode_file(const struct wire_schema *schema, struct view text, size_t text_max,
                     void *message, struct err *e)
{
	struct scan_limits limits = scan_reply;

	limits.text = text_max;
	return decode(schema, text, &limits, &(struct place){ 0 }, message, e);
}

int wire_has_key(struct view text, const char *key, bool *ret, struct err *e)
{
	AUTO(json) json root = NULL;
	const char *dot = strchr(key, '.');
	json_object *at;
	char outer[64];

	TRY(parse(text, &scan_request, &root, e));
	at = root;
	if (dot) {
		snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
		key = dot + 1;
		if (!json_object_object_get_ex(root, outer, &at))
			at = NULL;
	}
	*ret = json_object_object_get_ex(at, key, NULL);
	return 0;
}

static void release_fields(const struct wire_schema *schema, uint8_t *base);

void wire_list_release(const struct wire_schema *item, struct wire_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		release_fields(item, (uint8_t *)list->items + i * item->size);
	if (list->items)
		explicit_bzero(list->items, list->count * item->size);
	free(list->items);
	*list = (struct wire_list){ 0 };
}

static void release_fields(const struct wire_schema *schema, uint8_t *base)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct wire_field *f = &schema->fields[i];
		void *member = base + f->offset;

		switch (f->kind) {
		case WIRE_BYTES:
		case WIRE_HEX:
		case WIRE_BASE64:
		case WIRE_TEXT:
		case WIRE_NAME:
			buf_drop(member);
			break;
		case WIRE_OBJECT:
			release_fields(f->schema, member);
			break;
		case WIRE_LIST:
		case WIRE_MAP:
			wire_list_release(f->schema, member);
			break;
		default:
			break;
		}
	}
}

void wire_release(const struct wire_schema *schema, void *message)
{
	release_fields(schema, message);
	explicit_bzero(message, schema->size);
}

int wire_set(struct buf *member, struct view v, struct err *e)
{
	AUTO(buf) struct buf fresh = BUF_INIT(v.len);

	TRY(buf_add(&fresh, v, e));
	buf_drop(member);
	*member = MOVE(fresh);
	return 0;
}

int wire_set_text(struct buf *member, const char *text, struct err *e)
{
	return wire_set(member, view_text(text), e);
}

int wire_list_add(struct wire_list *list, const struct wire_schema *item, void *ret, struct err *e)
{
	bool is_full = list->count == 0 || list_room(list->count) == list->count;
	size_t room = list_room(list->count + 1);
	uint8_t *items = list->items;

	if (is_full) {
		items = calloc(room, item->size);
		if (!items)
			return err_set(e, ERR_INTERNAL, "no memory for a list of %zu", room);
		if (list->count) {
			memcpy(items, list->items, list->count * item->size);
			explicit_bzero(list->items, list->count * item->size);
		}
		free(list->items);
		list->items = items;
	}
	items += list->count++ * item->size;
	memset(items, 0, item->size);
	memcpy(ret, &items, sizeof(items));
	return 0;
}

struct member_of {
	const char *name;
	json_object *value;
};

/* Orders UTF-8 by UTF-16 code units: like bytes, but that U+E000..U+FFFF (lead bytes ee, ef) come
 * after what lies beyond (f0..f4), which UTF-16 writes with surrogates. */
static int utf16_rank(uint8_t c)
{
	return c == 0xee || c == 0xef ? c + 0x100 : c;
}

static int compare_names(const void *a, const void *b)
{
	const uint8_t *x = (const uint8_t *)((const struct member_of *)a)->name;
	const uint8_t *y = (const uint8_t *)((const struct member_of *)b)->name;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return utf16_rank(*x) - utf16_rank(*y);
}

static int canonical_value(json_object *o, struct buf *to, struct err *e);

static void members_drop(struct member_of **members)
{
	free(*members);
}

static int canonical_object(json_object *o, struct buf *to, struct err *e)
{
	size_t most = (size_t)json_object_object_length(o), count = 0;
	AUTO(members) struct member_of *members = calloc(most + 1, sizeof(*members));

	if (!members)
		return err_set(e, ERR_INTERNAL, "no memory for %zu keys", most);
	json_object_object_foreach(o, name, value)
	{
		if (value)
			members[count++] = (struct member_of){ name, value };
	}
	qsort(members, count, sizeof(*members), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (i)
			TRY(buf_add_u8(to, ',', e));
		TRY(emit_text(view_text(members[i].name), to, e));
		TRY(buf_add_u8(to, ':', e));
		TRY(canonical_value(members[i].value, to, e));
	}
	return 0;
}

static int canonical_array(json_object *o, struct buf *to, struct err *e)
{
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		if (i)
			TRY(buf_add_u8(to, ',', e));
		TRY(canonical_value(json_object_array_get_idx(o, i), to, e));
	}
	return 0;
}

static int canonical_integer(json_object *o, struct buf *to, struct err *e)
{
	int64_t value = json_object_get_int64(o);

	if (value < 0)
		return buf_add_format(to, e, "\"%lld\"", (long long)value);
	return buf_add_format(to, e, "\"%llu\"", (unsigned long long)json_object_get_uint64(o));
}

static int canonical_value(json_object *o, struct buf *to, struct err *e)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		return buf_add_text(to, "null", e);
	case json_type_boolean:
		return buf_add_text(to, json_object_get_boolean(o) ? "true" : "false", e);
	case json_type_int:
		return canonical_integer(o, to, e);
	case json_type_string:
		return emit_text(string_view(o), to, e);
	case json_type_array:
		TRY(buf_add_u8(to, '[', e));
		TRY(canonical_array(o, to, e));
		return buf_add_u8(to, ']', e);
	case json_type_object:
		TRY(buf_add_u8(to, '{', e));
		TRY(canonical_object(o, to, e));
		return buf_add_u8(to, '}', e);
	default:
		return err_set(e, ERR_REQUEST, "a number that is no integer");
	}
}

int wire_canonical(struct view text, struct buf *to, struct err *e)
{
	AUTO(json) json root = NULL;

	TRY(parse(text, &scan_request, &root, e));
	return canonical_value(root, to, e);
}

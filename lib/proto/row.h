/* How the rows of a schema are written. THIS is defined as the struct's name around them; each
 * macro checks that the member has the C type of its kind. The last argument is REQUIRED,
 * OPTIONAL(has_x), NULLABLE(has_x), MAY_BE_NULL(has_x) (both), IF_ANY (left out when empty), or
 * DECIMAL. */
#ifndef TEECTL_PROTO_ROW_H
#define TEECTL_PROTO_ROW_H

#include "proto/wire.h"

#define MEMBER_OF(member)    (((struct THIS *)0)->member)
#define ROW_AT(member, type) WIRE_OFFSET(struct THIS, member, type)

#define REQUIRED             .presence = SIZE_MAX
#define OPTIONAL(has)        .flags = WIRE_OPTIONAL, .presence = ROW_AT(has, bool)
#define NULLABLE(has)        .flags = WIRE_NULLABLE, .presence = ROW_AT(has, bool)
#define MAY_BE_NULL(has)     .flags = WIRE_OPTIONAL | WIRE_NULLABLE, .presence = ROW_AT(has, bool)
#define IF_ANY               .flags = WIRE_OPTIONAL, .presence = SIZE_MAX
#define DECIMAL              .flags = WIRE_DECIMAL, .presence = SIZE_MAX

/* The rest of the arguments: presence first. */
#define ROW(key, row_kind, member, type, doc_, ...)                                                \
	{                                                                                          \
		.name = key, .kind = row_kind, .offset = ROW_AT(member, type), .doc = doc_,        \
		__VA_ARGS__                                                                        \
	}
#define BYTES(key, member, least, most, doc, ...)                                                  \
	ROW(key, WIRE_BYTES, member, struct buf, doc, __VA_ARGS__, .min = least, .max = most)
#define HEX(key, member, least, most, doc, ...)                                                    \
	ROW(key, WIRE_HEX, member, struct buf, doc, __VA_ARGS__, .min = least, .max = most)
#define BASE64(key, member, least, most, doc, ...)                                                 \
	ROW(key, WIRE_BASE64, member, struct buf, doc, __VA_ARGS__, .min = least, .max = most)
#define FIXED_OF(key, kind, member, doc, ...)                                                      \
	ROW(key, kind, member, uint8_t[sizeof(MEMBER_OF(member))], doc, __VA_ARGS__,               \
	    .min = sizeof(MEMBER_OF(member)), .max = sizeof(MEMBER_OF(member)))
#define FIXED(key, member, doc, ...)     FIXED_OF(key, WIRE_FIXED, member, doc, __VA_ARGS__)
#define FIXED_HEX(key, member, doc, ...) FIXED_OF(key, WIRE_FIXED_HEX, member, doc, __VA_ARGS__)
#define TEXT(key, member, least, most, doc, ...)                                                   \
	ROW(key, WIRE_TEXT, member, struct buf, doc, __VA_ARGS__, .min = least, .max = most)
#define NAME(key, member, least, most, doc, ...)                                                   \
	ROW(key, WIRE_NAME, member, struct buf, doc, __VA_ARGS__, .min = least, .max = most)
#define NUMBER(key, member, least, most, doc, ...)                                                 \
	ROW(key, WIRE_NUMBER, member, int64_t, doc, __VA_ARGS__, .min = least, .max = most)
#define BOOL(key, member, doc, ...) ROW(key, WIRE_BOOL, member, bool, doc, __VA_ARGS__)
#define WORD(key, member, words_, doc, ...)                                                        \
	ROW(key, WIRE_WORD, member, int, doc, __VA_ARGS__, .words = words_)
#define OBJECT_AS(key, member, type, nested, doc, ...)                                             \
	ROW(key, WIRE_OBJECT, member, type, doc, __VA_ARGS__, .schema = &nested##_schema)
#define OBJECT(key, member, nested, doc, ...)                                                      \
	OBJECT_AS(key, member, struct nested, nested, doc, __VA_ARGS__)
#define LIST(key, member, least, most, item, doc, ...)                                             \
	ROW(key, WIRE_LIST, member, struct wire_list, doc, __VA_ARGS__, .min = least, .max = most, \
	    .schema = &item##_schema)
#define MAP(key, member, most, item, doc, ...)                                                     \
	ROW(key, WIRE_MAP, member, struct wire_list, doc, __VA_ARGS__, .max = most,                \
	    .schema = &item##_schema)
/* An object of JSON that has no struct of its own: its rows fill this same struct. */
#define WRAPPER(key, nested, ...)                                                                  \
	{                                                                                          \
		.name = key, .kind = WIRE_OBJECT, .schema = &nested##_schema, __VA_ARGS__          \
	}

/* SCHEMA(foo, rows...) is foo_schema, of struct THIS. */
#define SCHEMA(schema_, ...)                                                                       \
	static const struct wire_field schema_##_rows[] = { __VA_ARGS__ };                         \
	const struct wire_schema schema_##_schema = { #schema_, sizeof(struct THIS),               \
		                                      schema_##_rows, COUNT(schema_##_rows) }
/* The same, known in its file alone. */
#define INNER(schema_, ...)                                                                        \
	static const struct wire_field schema_##_rows[] = { __VA_ARGS__ };                         \
	static const struct wire_schema schema_##_schema = { #schema_, sizeof(struct THIS),        \
		                                             schema_##_rows,                       \
		                                             COUNT(schema_##_rows) }

#endif

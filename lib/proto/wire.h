/* JSON messages by table: one row a field serves decoding, encoding, releasing, and the error that
 * names the place. The only door to json-c.
 *
 * Decoding is strict (contract.md, "Ground rules"): a scan before any tree is built refuses what
 * JSON does not have, bad UTF-8, repeated keys, depth and cost above the limits, and bytes after
 * the value; then unknown and missing fields, types, lengths and ranges. Errors are ERR_REQUEST and
 * begin with the JSON path: "shares[2].signature: 64 bytes expected, 63 found". They never repeat a
 * value.
 *
 * Messages are flat structs; a decoded one owns what it points to, until wire_release. */
#ifndef TEECTL_PROTO_WIRE_H
#define TEECTL_PROTO_WIRE_H

#include "base/buf.h"
#include "proto/scan.h"

enum wire_kind {
	WIRE_BYTES,     /* struct buf     array of 0..255, min..max of them */
	WIRE_HEX,       /* struct buf     the same as hex text: QOS's files, and -o json */
	WIRE_FIXED,     /* uint8_t[max]   array of exactly max */
	WIRE_FIXED_HEX, /* uint8_t[max] as hex text */
	WIRE_BASE64,    /* struct buf     the same as base64 text: the evidence journal */
	WIRE_TEXT,      /* struct buf     string of min..max bytes */
	WIRE_NAME,      /* struct buf     the same, of [A-Za-z0-9._/-] only */
	WIRE_NUMBER,    /* int64_t        integer min..max */
	WIRE_BOOL,      /* bool */
	WIRE_WORD,      /* int            one of words[] (NULL-terminated), as its index */
	WIRE_OBJECT,    /* the struct of .schema, in place */
	WIRE_LIST, /* struct wire_list of structs of .schema, min..max of them; a schema whose only
	            * field has an empty name stands for a bare value: list of strings, of arrays */
	WIRE_MAP, /* struct wire_list of structs of .schema, whose first field has an empty name and
	           * holds the key: {"<key>": {the other fields}, ..} */
};

enum {
	WIRE_OPTIONAL = 1, /* may be absent, and is then not encoded */
	WIRE_NULLABLE = 2, /* may be null; encoded as null when absent, unless WIRE_OPTIONAL too */
	WIRE_DECIMAL = 4,  /* a WIRE_NUMBER that is also read from text: QOS's canonical JSON */
};

struct wire_list {
	void *items; /* count structs of the row's schema, each item->size bytes */
	size_t count;
};

struct wire_field {
	const char *name; /* JSON key; rows of one schema name different members */
	enum wire_kind kind;
	unsigned flags;
	size_t offset;   /* of the member in the struct */
	size_t presence; /* offset of a bool, for fields that may be absent; else SIZE_MAX. A list
	                  * or bytes without one are absent when empty */
	int64_t min, max;
	const struct wire_schema *schema;
	const char *const *words;
	const char *doc; /* one line for the manual */
};

struct wire_schema {
	const char *name;
	size_t size; /* of the struct; a nested schema at offset 0 may fill the same struct */
	const struct wire_field *fields;
	size_t count;
};

/* The offset of a member for a row, where the member has the type of the row's kind. Where it has
 * another, an array of -1 elements, which does not compile. */
#define WIRE_OFFSET(whole, member, type)                                                           \
	(offsetof(whole, member) +                                                                 \
	 0 * sizeof(                                                                               \
	         char[__builtin_types_compatible_p(__typeof__(((whole *)0)->member), type) ? 1     \
	                                                                                   : -1]))

/* The value of a member that a caller fills: text or bytes into a buf member whose max is unset. */
MUST_CHECK int wire_set(struct buf *member, struct view v, struct err *e);
MUST_CHECK int wire_set_text(struct buf *member, const char *text, struct err *e);
/* Appends a zeroed item to the list and returns it in *ret. */
MUST_CHECK int wire_list_add(struct wire_list *list, const struct wire_schema *item, void *ret,
                             struct err *e);

/* message: a zeroed struct of the schema; untouched on failure. */
MUST_CHECK int wire_decode(const struct wire_schema *schema, struct view text, void *message,
                           struct err *e);
/* The same for an answer, which may be longer (WIRE_REPLY_TEXT_MAX). */
MUST_CHECK int wire_decode_reply(const struct wire_schema *schema, struct view text, void *message,
                                 struct err *e);
/* The same for a file of this machine's, of text_max bytes. */
MUST_CHECK int wire_decode_file(const struct wire_schema *schema, struct view text, size_t text_max,
                                void *message, struct err *e);
/* As wire_decode, but what no row knows is left out, at any depth. */
MUST_CHECK int wire_decode_known(const struct wire_schema *schema, struct view text, void *message,
                                 struct err *e);
/* Appends compact JSON in the rows' order. What is not UTF-8 in a text (an error that was cut)
 * becomes U+FFFD. */
MUST_CHECK int wire_encode(const struct wire_schema *schema, const void *message, struct buf *to,
                           struct err *e);
/* Indented, for people. */
MUST_CHECK int wire_encode_pretty(const struct wire_schema *schema, const void *message,
                                  struct buf *to, struct err *e);
/* Frees and wipes all that the message owns and zeroes it. */
void wire_release(const struct wire_schema *schema, void *message);
void wire_list_release(const struct wire_schema *item, struct wire_list *list);

/* QOS canonical JSON (formats.md 5.3) of any JSON object. */
MUST_CHECK int wire_canonical(struct view text, struct buf *to, struct err *e);
/* Whether the object has that key at its top; "a.b": whether the object at its key a has b. */
MUST_CHECK int wire_has_key(struct view text, const char *key, bool *ret, struct err *e);

/* struct foo and foo_schema get foo_drop, so that AUTO(foo) works. */
#define WIRE_DROP(type)                                                                            \
	static inline void type##_drop(struct type *m)                                             \
	{                                                                                          \
		wire_release(&type##_schema, m);                                                   \
	}                                                                                          \
	_Static_assert(sizeof(struct type) > 0, "")

#endif

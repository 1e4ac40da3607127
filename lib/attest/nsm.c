#include "attest/nsm.h"

#include "attest/cbor.h"

/* Names as serde writes them: the variants of the NSM's request and response (formats.md 7.7). */
static const char *const operation_names[NSM_OPERATION_COUNT] = {
	[NSM_DESCRIBE_NSM] = "DescribeNSM", [NSM_GET_RANDOM] = "GetRandom",
	[NSM_DESCRIBE_PCR] = "DescribePCR", [NSM_EXTEND_PCR] = "ExtendPCR",
	[NSM_LOCK_PCR] = "LockPCR",         [NSM_LOCK_PCRS] = "LockPCRs",
	[NSM_ATTESTATION] = "Attestation",
};

static const char *const error_names[] = {
#define X(name) [NSM_ERROR_##name] = #name,
	NSM_ERROR_LIST(X)
#undef X
};

enum field_kind {
	FIELD_NUMBER,   /* uint16_t */
	FIELD_BYTES,    /* struct view */
	FIELD_OPTIONAL, /* struct document_field; null or left out: none */
	FIELD_TEXT,     /* struct view */
	FIELD_BOOL,     /* bool */
	FIELD_PCRS,     /* uint32_t, bit n for PCRn; an array of their numbers */
};

struct field {
	enum nsm_operation operation;
	const char *key;
	enum field_kind kind;
	size_t offset;
};

/* In the order in which they are written. A message without fields is its bare name. */
#define ROW(message, operation, key, kind, member)                                                 \
	{                                                                                          \
		NSM_##operation, key, FIELD_##kind, offsetof(struct nsm_##message, member)         \
	}
static const struct field request_fields[] = {
	ROW(request, DESCRIBE_PCR, "index", NUMBER, index),
	ROW(request, EXTEND_PCR, "index", NUMBER, index),
	ROW(request, EXTEND_PCR, "data", BYTES, data),
	ROW(request, LOCK_PCR, "index", NUMBER, index),
	ROW(request, LOCK_PCRS, "range", NUMBER, index),
	ROW(request, ATTESTATION, "user_data", OPTIONAL, user_data),
	ROW(request, ATTESTATION, "nonce", OPTIONAL, nonce),
	ROW(request, ATTESTATION, "public_key", OPTIONAL, public_key),
};

static const struct field response_fields[] = {
	ROW(response, DESCRIBE_NSM, "version_major", NUMBER, version_major),
	ROW(response, DESCRIBE_NSM, "version_minor", NUMBER, version_minor),
	ROW(response, DESCRIBE_NSM, "version_patch", NUMBER, version_patch),
	ROW(response, DESCRIBE_NSM, "module_id", TEXT, module_id),
	ROW(response, DESCRIBE_NSM, "max_pcrs", NUMBER, max_pcrs),
	ROW(response, DESCRIBE_NSM, "locked_pcrs", PCRS, locked_pcrs),
	ROW(response, DESCRIBE_NSM, "digest", TEXT, digest),
	ROW(response, GET_RANDOM, "random", BYTES, data),
	ROW(response, DESCRIBE_PCR, "lock", BOOL, is_locked),
	ROW(response, DESCRIBE_PCR, "data", BYTES, data),
	ROW(response, EXTEND_PCR, "data", BYTES, data),
	ROW(response, ATTESTATION, "document", BYTES, data),
};
#undef ROW

/* One direction: its rows. */
struct schema {
	const struct field *fields;
	size_t count;
};

static const struct schema requests = { request_fields, COUNT(request_fields) };
static const struct schema responses = { response_fields, COUNT(response_fields) };

const char *nsm_operation_name(enum nsm_operation operation)
{
	return operation_names[operation];
}

const char *nsm_error_name(enum nsm_error error)
{
	return error_names[error];
}

static size_t count_fields(const struct schema *s, enum nsm_operation operation)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++)
		count += s->fields[i].operation == operation;
	return count;
}

static int add_pcrs(struct buf *to, uint32_t bits, struct err *e)
{
	TRY(cbor_add_array(to, (size_t)__builtin_popcount(bits), e));
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (bits >> i & 1)
			TRY(cbor_add_uint(to, i, e));
	return 0;
}

static int add_field(const struct field *f, const void *message, struct buf *to, struct err *e)
{
	const void *at = (const char *)message + f->offset;
	const struct document_field *optional = at;

	TRY(cbor_add_key(to, f->key, e));
	switch (f->kind) {
	case FIELD_NUMBER:
		return cbor_add_uint(to, *(const uint16_t *)at, e);
	case FIELD_BYTES:
		return cbor_add_bytes(to, *(const struct view *)at, e);
	case FIELD_OPTIONAL:
		return optional->is_present ? cbor_add_bytes(to, optional->value, e)
		                            : cbor_add_null(to, e);
	case FIELD_TEXT:
		return cbor_add_text(to, *(const struct view *)at, e);
	case FIELD_BOOL:
		return cbor_add_bool(to, *(const bool *)at, e);
	case FIELD_PCRS:
		return add_pcrs(to, *(const uint32_t *)at, e);
	}
	return err_set(e, ERR_INTERNAL, "no such kind of field");
}

static int encode(const struct schema *s, enum nsm_operation operation, const void *message,
                  struct buf *to, struct err *e)
{
	size_t count = count_fields(s, operation);

	if (count == 0)
		return cbor_add_key(to, operation_names[operation], e);
	TRY(cbor_add_map(to, 1, e));
	TRY(cbor_add_key(to, operation_names[operation], e));
	TRY(cbor_add_map(to, count, e));
	for (size_t i = 0; i < s->count; i++)
		if (s->fields[i].operation == operation)
			TRY(add_field(&s->fields[i], message, to, e));
	return 0;
}

static int take_pcrs(const struct cbor_item *array, uint32_t *ret, struct err *e)
{
	const struct cbor_item *at = cbor_first(array);
	uint32_t bits = 0;

	for (uint64_t i = 0; i < array->number; i++, at = cbor_after(at)) {
		if (at->kind != CBOR_UINT || at->number >= PCR_COUNT)
			return err_set(e, ERR_DATA, "NSM message: a PCR that there is not");
		bits |= (uint32_t)1 << at->number;
	}
	*ret = bits;
	return 0;
}

static int take_field(const struct field *f, const struct cbor_item *value, void *message,
                      struct err *e)
{
	static const enum cbor_kind cbor_kinds[] = {
		[FIELD_NUMBER] = CBOR_UINT,    [FIELD_BYTES] = CBOR_BYTES,
		[FIELD_OPTIONAL] = CBOR_BYTES, [FIELD_TEXT] = CBOR_TEXT,
		[FIELD_BOOL] = CBOR_BOOL,      [FIELD_PCRS] = CBOR_ARRAY,
	};
	void *at = (char *)message + f->offset;

	if (f->kind == FIELD_OPTIONAL && (!value || value->kind == CBOR_NULL))
		return 0;
	if (!value || value->kind != cbor_kinds[f->kind])
		return err_set(e, ERR_DATA, "NSM message: %s is %s", f->key,
		               value ? "of another type" : "missing");
	switch (f->kind) {
	case FIELD_NUMBER:
		if (value->number > UINT16_MAX)
			return err_set(e, ERR_DATA, "NSM message: %s is too large", f->key);
		*(uint16_t *)at = (uint16_t)value->number;
		return 0;
	case FIELD_BYTES:
	case FIELD_TEXT:
		*(struct view *)at = value->bytes;
		return 0;
	case FIELD_OPTIONAL:
		*(struct document_field *)at = (struct document_field){ true, value->bytes };
		return 0;
	case FIELD_BOOL:
		*(bool *)at = value->number != 0;
		return 0;
	case FIELD_PCRS:
		return take_pcrs(value, at, e);
	}
	return err_set(e, ERR_INTERNAL, "no such kind of field");
}

/* A bare name, or a map of one name to a map (*ret_fields) or to a text. */
static int parse_message(struct view bytes, struct cbor *c, const struct cbor_item **ret_name,
                         const struct cbor_item **ret_fields, struct err *e)
{
	const struct cbor_item *name = c->items, *fields = NULL;

	if (cbor_parse(bytes, c, e) < 0)
		return err_wrap(e, "NSM message");
	if (c->rest.len)
		return err_set(e, ERR_DATA, "NSM message: %zu bytes left over", c->rest.len);
	if (name->kind == CBOR_MAP && name->number == 1) {
		name = cbor_first(c->items);
		fields = cbor_after(name);
	}
	if (name->kind != CBOR_TEXT)
		return err_set(e, ERR_DATA, "NSM message: neither a name nor a map of one");
	*ret_name = name;
	*ret_fields = fields;
	return 0;
}

static int find_operation(const struct cbor_item *name, enum nsm_operation *ret, struct err *e)
{
	for (unsigned i = 0; i < NSM_OPERATION_COUNT; i++)
		if (cbor_is_text(name, operation_names[i])) {
			*ret = i;
			return 0;
		}
	return err_set(e, ERR_DATA, "NSM message: unknown operation");
}

static int decode_fields(const struct schema *s, enum nsm_operation operation,
                         const struct cbor_item *fields, void *message, struct err *e)
{
	bool has_fields = count_fields(s, operation) != 0;
	bool is_map = fields && fields->kind == CBOR_MAP;

	if (has_fields ? !is_map : fields != NULL)
		return err_set(e, ERR_DATA, "NSM message: %s %s fields", operation_names[operation],
		               has_fields ? "lacks its" : "has no");
	for (size_t i = 0; i < s->count; i++)
		if (s->fields[i].operation == operation)
			TRY(take_field(&s->fields[i], cbor_find(fields, s->fields[i].key), message,
			               e));
	return 0;
}

int nsm_request_encode(const struct nsm_request *q, struct buf *to, struct err *e)
{
	return encode(&requests, q->operation, q, to, e);
}

int nsm_request_decode(struct view bytes, struct nsm_request *ret, struct err *e)
{
	const struct cbor_item *name, *fields;
	struct nsm_request q = { 0 };
	struct cbor c;

	TRY(parse_message(bytes, &c, &name, &fields, e));
	TRY(find_operation(name, &q.operation, e));
	TRY(decode_fields(&requests, q.operation, fields, &q, e));
	*ret = q;
	return 0;
}

int nsm_response_encode(const struct nsm_response *r, struct buf *to, struct err *e)
{
	if (r->error == NSM_ERROR_Success)
		return encode(&responses, r->operation, r, to, e);
	TRY(cbor_add_map(to, 1, e));
	TRY(cbor_add_key(to, "Error", e));
	return cbor_add_key(to, nsm_error_name(r->error), e);
}

/* An error named Success is one that nobody can act on: refused like an unknown name. */
static int take_error(const struct cbor_item *value, enum nsm_error *ret, struct err *e)
{
	for (unsigned i = NSM_ERROR_Success + 1; i < COUNT(error_names); i++)
		if (value && cbor_is_text(value, error_names[i])) {
			*ret = i;
			return 0;
		}
	return err_set(e, ERR_DATA, "NSM message: unknown error");
}

int nsm_response_decode(struct view bytes, enum nsm_operation asked, struct nsm_response *ret,
                        struct err *e)
{
	const struct cbor_item *name, *fields;
	struct nsm_response r = { 0 };
	struct cbor c;

	TRY(parse_message(bytes, &c, &name, &fields, e));
	if (cbor_is_text(name, "Error")) {
		r.operation = asked;
		TRY(take_error(fields, &r.error, e));
		*ret = r;
		return 0;
	}
	TRY(find_operation(name, &r.operation, e));
	if (r.operation != asked)
		return err_set(e, ERR_DATA, "NSM message: %s answered with %s",
		               operation_names[asked], operation_names[r.operation]);
	TRY(decode_fields(&responses, r.operation, fields, &r, e));
	*ret = r;
	return 0;
}

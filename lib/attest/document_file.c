#include "attest/document_file.h"

#include "base/base64.h"
#include "base/text.h"

#include <string.h>

const char *const document_form_names[] = {
	[DOCUMENT_RAW] = "raw",
	[DOCUMENT_BASE64] = "base64",
	[DOCUMENT_HEX] = "hex",
	[DOCUMENT_ARRAY] = "array",
	NULL,
};

static int refuse(struct err *e, const char *what)
{
	return err_reason(e, ERR_ATTESTATION, "cose:structure", "attestation document: %s", what);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_text(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_space(v.data[i]) && (v.data[i] < ' ' || v.data[i] > '~'))
			return false;
	return true;
}

static bool has_prefix(struct view v, const char *prefix)
{
	struct view wanted = view_text(prefix);

	return v.len >= wanted.len && view_equal(view_new(v.data, wanted.len), wanted);
}

/* Takes the first line off, without its end. */
static struct view take_line(struct view *rest)
{
	const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	struct view line = text_trim(view_new(rest->data, len));

	*rest = view_new(rest->data + len + (end != NULL), rest->len - len - (end != NULL));
	return line;
}

#define PEM_BEGIN "-----BEGIN "
#define PEM_END   "-----END "

/* RFC 7468: one block, whose two labels are the same. */
static int unwrap_pem(struct view *text, struct err *e)
{
	struct view rest = *text, begin = take_line(&rest), line, inner = rest, label, wanted;

	wanted = view_new(begin.data + strlen(PEM_BEGIN), begin.len - strlen(PEM_BEGIN));
	while (rest.len) {
		line = take_line(&rest);
		if (!has_prefix(line, PEM_END))
			continue;
		label = view_new(line.data + strlen(PEM_END), line.len - strlen(PEM_END));
		if (rest.len || !view_equal(label, wanted))
			return refuse(e, "its PEM block does not end as it begins, or not there");
		*text = view_new(inner.data, (size_t)(line.data - inner.data));
		return 0;
	}
	return refuse(e, "its PEM block has no end");
}

/* What the text says without white space, and inside quotes without JSON's escapes of such and of
 * the slash; other escapes are none of any form's characters. */
static int squeeze(struct view text, bool is_quoted, struct buf *ret, struct err *e)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (is_quoted && c == '\\' && i + 1 < text.len) {
			c = text.data[++i];
			if (c == 'n' || c == 'r' || c == 't')
				continue;
			if (c != '/')
				return refuse(e, "an escape in it stands for nothing here");
		}
		if (!is_space(c))
			TRY(buf_add_u8(ret, c, e));
	}
	return 0;
}

static bool is_hex(struct view text)
{
	size_t from = has_prefix(text, "0x") ? 2 : 0;

	for (size_t i = from; i < text.len; i++)
		if (!text.data[i] || !strchr("0123456789abcdefABCDEF", text.data[i]))
			return false;
	return text.len > from;
}

/* [132,68,…]: numbers 0 to 255, white space being gone. */
static int array_parse(struct view text, struct buf *ret, struct err *e)
{
	unsigned value = 0;
	size_t digits = 0;

	for (size_t i = 1; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool is_digit = c >= '0' && c <= '9', is_last = i == text.len - 1;

		if (is_digit && !is_last && (digits == 0 || value)) {
			value = 10 * value + (c - '0');
			digits++;
		} else if (digits && c == (is_last ? ']' : ',')) {
			TRY(buf_add_u8(ret, (uint8_t)value, e));
			value = 0;
			digits = 0;
		} else {
			return refuse(e, "not a JSON array of bytes");
		}
		if (value > UINT8_MAX)
			return refuse(e, "not a JSON array of bytes: a number above 255");
	}
	return 0;
}

static int text_decode(struct view text, struct buf *ret, enum document_form *ret_form,
                       struct err *e)
{
	struct err why;

	if (text.len == 0)
		return refuse(e, "it is empty");
	if (text.data[0] == '[') {
		*ret_form = DOCUMENT_ARRAY;
		return array_parse(text, ret, e);
	}
	*ret_form = is_hex(text) ? DOCUMENT_HEX : DOCUMENT_BASE64;
	if ((*ret_form == DOCUMENT_HEX ? hex_parse(text, ret, &why)
	                               : base64_parse(text, ret, &why)) == 0)
		return 0;
	return err_reason(e, ERR_ATTESTATION, "cose:structure",
	                  "attestation document: neither raw nor text that stands for one: %s",
	                  why.text);
}

static int decode(struct view file, struct buf *ret, enum document_form *ret_form, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_FILE_MAX);
	struct view inner = text_trim(file);
	bool is_quoted;

	if (!is_text(file)) {
		*ret_form = DOCUMENT_RAW;
		return buf_add(ret, file, e);
	}
	if (has_prefix(inner, PEM_BEGIN))
		TRY(unwrap_pem(&inner, e));
	is_quoted = inner.len >= 2 && inner.data[0] == '"' && inner.data[inner.len - 1] == '"';
	if (is_quoted)
		inner = view_new(inner.data + 1, inner.len - 2);
	TRY(squeeze(inner, is_quoted, &text, e));
	return text_decode(buf_view(&text), ret, ret_form, e);
}

int document_decode(struct view file, struct buf *ret, enum document_form *ret_form, struct err *e)
{
	AUTO(buf) struct buf document = BUF_INIT(ret->max);
	enum document_form form;

	if (decode(file, &document, &form, e) < 0) {
		if (e->code != ERR_TOO_LARGE)
			return -1;
		return refuse(e, "longer than any");
	}
	TRY(buf_set(ret, buf_view(&document), e));
	*ret_form = form;
	return 0;
}

#include "base/err.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_info table[ERR_COUNT] = {
#define X(id, name, wire, http, exit_status, is_final, words)                                      \
	[id] = { name, wire, http, exit_status, is_final, words },
	ERR_LIST(X)
#undef X
};

/* What came from outside may stand in a text: it must not move a terminal's cursor, and
 * it may have to go into JSON. A character that the limit (max bytes and a NUL) cut in two is
 * dropped; any other byte that is not UTF-8 becomes a question mark, and what follows it stays. */
static void make_printable(char *text, size_t max)
{
	size_t len = strlen(text);

	if (len == max)
		text[text_whole(text)] = 0;
	text_tame(text);
}

PRINTF_LIKE(4, 0)
static void set(struct err *e, enum err_code code, const char *reason, const char *format,
                va_list args)
{
	e->code = code;
	e->mark = NULL;
	snprintf(e->reason, sizeof(e->reason), "%s", reason);
	vsnprintf(e->text, sizeof(e->text), format, args);
	make_printable(e->text, sizeof(e->text) - 1);
}

int err_set(struct err *e, enum err_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(e, code, "", format, args);
	va_end(args);
	return -1;
}

int err_reason(struct err *e, enum err_code code, const char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(e, code, reason, format, args);
	va_end(args);
	return -1;
}

static const char *reason_of(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERMISSION;
	case ENOSPC:
	case EDQUOT:
		return ERR_SPACE;
	default:
		return "";
	}
}

int err_sys(struct err *e, enum err_code code, int errnum, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	set(e, code, reason_of(errnum), format, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(errnum));
	make_printable(e->text, sizeof(e->text) - 1);
	return -1;
}

int err_wrap(struct err *e, const char *format, ...)
{
	size_t inner = strlen(e->text), room = sizeof(e->text) - 1 - inner, len;
	char outer[ERR_TEXT_MAX];
	va_list args;

	/* The cause is what a person needs: when it does not fit, the context is cut. */
	if (room <= 2)
		return -1;
	va_start(args, format);
	vsnprintf(outer, room - 1, format, args);
	va_end(args);
	make_printable(outer, room - 2);
	len = strlen(outer);
	memmove(e->text + len + 2, e->text, inner + 1);
	memcpy(e->text, outer, len);
	memcpy(e->text + len, ": ", 2);
	return -1;
}

int err_mark(const char *mark, struct err *e)
{
	e->mark = mark;
	return -1;
}

bool err_has_mark(const struct err *failure, const char *mark)
{
	return failure->mark && strcmp(failure->mark, mark) == 0;
}

const struct err_info *err_info(enum err_code code)
{
	return &table[(unsigned)code < ERR_COUNT ? code : ERR_INTERNAL];
}

enum err_code err_from_wire(int wire, const char *text)
{
	enum err_code first = ERR_UNREACHABLE;

	for (int i = ERR_COUNT - 1; i >= 0; i--) {
		if (wire == 0 || table[i].wire != wire)
			continue;
		if (strncmp(text, table[i].words, strlen(table[i].words)) == 0)
			return (enum err_code)i;
		first = (enum err_code)i;
	}
	return first;
}

enum err_code err_worse(enum err_code a, enum err_code b)
{
	static const int order[] = { 5, 77, 3, 4, 75 };

	for (size_t i = 0; i < COUNT(order); i++) {
		if (table[a].exit_status == order[i])
			return a;
		if (table[b].exit_status == order[i])
			return b;
	}
	return a;
}

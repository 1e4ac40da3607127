#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { LOG_LEVEL_NAMES, NULL };
static _Atomic int threshold = LOG_INFO;
static _Atomic int out = STDERR_FILENO;

int log_level_parse(const char *text, enum log_level *ret, struct err *e)
{
	for (size_t i = 0; names[i]; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "log level must be error, warn, info or debug, not '%s'",
	               text);
}

void log_set_level(enum log_level level)
{
	threshold = (int)level;
}

void log_set_fd(int fd)
{
	out = fd;
}

bool log_is_on(enum log_level level)
{
	return (int)level <= threshold;
}

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

static void add(struct line *l, char c)
{
	if (l->len < sizeof(l->text) - 1) /* room for the newline */
		l->text[l->len++] = c;
}

static void add_text(struct line *l, const char *text)
{
	while (*text)
		add(l, *text++);
}

/* Quoted where white space, a quote or an equals sign would make it ambiguous. */
static void add_value(struct line *l, const char *text)
{
	bool quote = !*text || strpbrk(text, " \t\"=\\") != NULL;

	if (quote)
		add(l, '"');
	while (*text) {
		bool is_tame;
		size_t len = text_take(text, &is_tame);

		if (*text == '"' || *text == '\\')
			add(l, '\\');
		if (!is_tame)
			add(l, '?');
		for (size_t i = 0; is_tame && i < len; i++)
			add(l, text[i]);
		text += len;
	}
	if (quote)
		add(l, '"');
}

void log_line(enum log_level level, const char *event, ...)
{
	struct line l = { .len = 0 };
	char now[TIME_TEXT_LEN];
	const char *key;
	va_list args;

	if (!log_is_on(level))
		return;
	time_format(clock_unix_ms(), now);
	add_text(&l, now);
	add(&l, ' ');
	add_text(&l, names[level]);
	add(&l, ' ');
	add_value(&l, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *))) {
		const char *value = va_arg(args, const char *);

		if (!value)
			continue;
		add(&l, ' ');
		add_text(&l, key);
		add(&l, '=');
		add_value(&l, value);
	}
	va_end(args);
	l.text[l.len++] = '\n';
	/* One write, so that lines of several threads do not mix; a full pipe loses the line. */
	if (write(out, l.text, l.len) < 0)
		return;
}

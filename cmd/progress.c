#include "progress.h"

#include "terminal.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH  20
#define BESIDE_MAX 3 /* the spinner, a space, and the last column, where a character would wrap */

static const char *const frames[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };

struct progress progress_new(void)
{
	return (struct progress){ .is_terminal = terminal_is(STDERR_FILENO) };
}

void progress_clear(struct progress *p)
{
	if (p->is_shown)
		fputs("\r\033[K", stderr);
	p->is_shown = false;
	fflush(stderr);
}

static void bar_write(const struct progress *p, char to[static BAR_WIDTH + 32])
{
	size_t full = p->done >= p->total ? BAR_WIDTH : BAR_WIDTH * p->done / p->total;
	char bar[BAR_WIDTH + 1];

	memset(bar, '-', BAR_WIDTH);
	memset(bar, '=', full);
	bar[BAR_WIDTH] = 0;
	snprintf(to, BAR_WIDTH + 32, "[%s] %u/%u ", bar, (unsigned)p->done, (unsigned)p->total);
}

static void draw(struct progress *p)
{
	char bar[BAR_WIDTH + 32] = "";
	size_t width = terminal_width(STDERR_FILENO), used;

	if (p->total)
		bar_write(p, bar);
	/* What has wrapped could not be taken away again. */
	if (strlen(bar) + BESIDE_MAX > width)
		bar[0] = 0;
	used = strlen(bar) + BESIDE_MAX;
	width = width > used ? width - used : 0;
	fprintf(stderr, "\r\033[K%s %s%.*s", frames[p->frame % COUNT(frames)], bar,
	        (int)text_prefix(p->text, width), p->text);
	fflush(stderr);
	p->is_shown = true;
}

void progress_say(struct progress *p, const char *format, ...)
{
	char text[PROGRESS_LINE_MAX];
	bool was_shown = p->is_shown;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_tame(text);
	/* Where both go to one place, data that was printed before comes before. */
	fflush(stdout);
	progress_clear(p);
	fprintf(stderr, "%s\n", text);
	fflush(stderr);
	if (was_shown)
		draw(p);
}

void progress_set(struct progress *p, size_t done, size_t total, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->text, sizeof(p->text), format, args);
	va_end(args);
	text_tame(p->text);
	p->done = done;
	p->total = total;
	if (p->is_terminal)
		draw(p);
}

void progress_tick(struct progress *p)
{
	p->frame++;
	if (p->is_terminal && p->text[0])
		draw(p);
}

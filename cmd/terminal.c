#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MIN      20 /* narrower than any table could be cut to */
#define WIDTH_FALLBACK 80 /* of a terminal that doesn't say, such as a serial line */

bool terminal_is(int fd)
{
	return isatty(fd) == 1;
}

bool terminal_has_colour(int fd)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	return terminal_is(fd) && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
}

size_t terminal_width(int fd)
{
	struct winsize size = { 0 };

	if (!terminal_is(fd))
		return SIZE_MAX;
	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_FALLBACK;
	return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += !is_continuation(*text);
	return width;
}

size_t text_prefix(const char *text, size_t width)
{
	size_t len = 0;

	while (text[len] && width > 0) {
		len++;
		while (is_continuation(text[len]))
			len++;
		width--;
	}
	return len;
}

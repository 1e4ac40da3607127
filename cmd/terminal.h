/* What the terminal can show. */
#ifndef TEECTL_CMD_TERMINAL_H
#define TEECTL_CMD_TERMINAL_H

#include "base/base.h"

bool terminal_is(int fd);
/* A terminal, NO_COLOR (no-color.org) is unset or empty, and TERM is not "dumb". */
bool terminal_has_colour(int fd);
/* Its width, at least 20; SIZE_MAX where fd is not a terminal. */
size_t terminal_width(int fd);

/* Characters that a person counts in UTF-8 text: code points. Bytes that are no UTF-8 count one. */
size_t text_width(const char *text);
/* Bytes of the first `width` characters of text. */
size_t text_prefix(const char *text, size_t width);

#endif

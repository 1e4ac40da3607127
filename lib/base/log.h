/* Log lines of the servers: time, level, and key=value pairs, one write to a descriptor each.
 *
 * A library function never logs. Values are escaped so that a line stays a line; there is no way to
 * pass a struct secret. */
#ifndef TEECTL_BASE_LOG_H
#define TEECTL_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
#define LOG_LEVEL_NAMES "error", "warn", "info", "debug"

MUST_CHECK int log_level_parse(const char *text, enum log_level *ret, struct err *e);
void log_set_level(enum log_level level);
void log_set_fd(int fd); /* standard error unless told otherwise */
bool log_is_on(enum log_level level);

/* log_line(LOG_INFO, "serving", "address", "127.0.0.1:9000", NULL): pairs, then NULL. A NULL value
 * leaves its pair out. At most LOG_LINE_MAX bytes; what is longer is cut. */
#define LOG_LINE_MAX 1024
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif

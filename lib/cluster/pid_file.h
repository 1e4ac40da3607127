/* What the state remembers of a process that it started, "PID START ADDRESS\n", and what /proc says
 * of one: whether the two are the same. */
#ifndef TEECTL_CLUSTER_PID_FILE_H
#define TEECTL_CLUSTER_PID_FILE_H

#include "base/buf.h"

#define PID_FILE_ADDRESS_MAX 80 /* "[v6 address]:port" and room */

struct pid_file {
	int pid;
	uint64_t start; /* in ticks since boot */
	char address[PID_FILE_ADDRESS_MAX];
};

/* false: it is none of ours. */
bool pid_file_parse(const char *text, struct pid_file *ret);
MUST_CHECK int pid_file_format(const struct pid_file *p, struct buf *to, struct err *e);
/* When a process started, of the text of its /proc/PID/stat. false: it is a zombie, or that is no
 * such text. */
bool stat_parse_start(const char *text, uint64_t *ret);
/* The same of a zombie alone. */
bool stat_parse_zombie(const char *text, uint64_t *ret);

#endif

/* Wake: one descriptor to poll for what is worth another look: a file that was written or renamed
 * to its name, a process that has ended. */
#ifndef TEECTL_BASE_WAKE_H
#define TEECTL_BASE_WAKE_H

#include "base/err.h"

#define WAKE_PROCESSES_MAX 256 /* more are looked at by the clock: descriptors are few */

struct wake {
	int fd;      /* to be polled for POLLIN; -1: not open */
	int folders; /* of inotify */
	int processes[WAKE_PROCESSES_MAX];
	size_t process_count;
};
#define WAKE_INIT ((struct wake){ .fd = -1, .folders = -1 })

/* w: WAKE_INIT; dropped by the caller either way. Nothing is watched yet.
 * fails  ERR_INTERNAL: no more of them are to be had */
MUST_CHECK int wake_open(struct wake *w, struct err *e);
void wake_drop(struct wake *w);
/* Files in the folder, not below it. fails  ERR_NO_INPUT: there is none; ERR_INTERNAL */
MUST_CHECK int wake_on_folder(struct wake *w, const char *path, struct err *e);
/* Takes the pidfd over, also where it fails. fails  ERR_INTERNAL */
MUST_CHECK int wake_on_process(struct wake *w, int pidfd, struct err *e);
/* What has happened until now counts as told. */
void wake_take(struct wake *w);

#endif

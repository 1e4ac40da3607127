/* Files: read with a limit, written whole or not at all. */
#ifndef TEECTL_BASE_FILE_H
#define TEECTL_BASE_FILE_H

#include "base/buf.h"
#include "base/secret.h"

void fd_drop(int *fd); /* for AUTO(fd) int fd = -1 */
/* An inherited descriptor as options name it: "fd:N" gives N, any other text -1.
 * fails  ERR_USAGE: N is no number of a descriptor; what: of the message */
MUST_CHECK int fd_parse(const char *text, const char *what, int *ret, struct err *e);

/* Appends the whole file; ERR_NO_INPUT if there is none, ERR_DATA if it is more than to->max lets
 * in: then as much as was read stays in to. "-" is standard input. A pipe, such as <(..) of a
 * shell, is read to its end; a device is ERR_NO_INPUT. */
MUST_CHECK int file_read(const char *path, struct buf *to, struct err *e);
/* The same for files that another file names: a pipe could keep whoever reads them waiting for
 * ever. */
MUST_CHECK int file_read_regular(const char *path, struct buf *to, struct err *e);
MUST_CHECK int fd_read(int fd, const char *what, struct buf *to, struct err *e);
/* A secret's file, at most max bytes, regular or standard input. No copy stays in ordinary memory.
 */
MUST_CHECK int file_read_secret(const char *path, size_t max, struct secret *ret, struct err *e);

/* To a temporary name in the same folder, synced, renamed. mode is the file's, whatever the umask.
 */
MUST_CHECK int file_write(const char *path, struct view content, unsigned mode, struct err *e);
/* The same, but ERR_DATA when there is a file of that name already; mode 0600. */
MUST_CHECK int file_create_secret(const char *path, const struct secret *content, struct err *e);
MUST_CHECK int fd_write(int fd, const char *what, struct view content, struct err *e);

/* A file in memory alone, for a copy that nobody can change.
 *
 * least       the lowest number that the descriptor may have
 * is_program  it may be executed, even where memory files by default may not */
MUST_CHECK int memory_file_new(const char *name, int least, bool is_program, int *ret,
                               struct err *e);
/* Copies the file open at from, from its first byte, and seals the copy: write, grow, shrink, seal.
 * The bytes stay in the kernel: a private key does not come into this process's memory.
 * fails  ERR_DATA: more than max bytes, or from can't be copied; what: of the message */
MUST_CHECK int memory_file_fill(int fd, int from, const char *what, size_t max, struct err *e);

bool file_is_there(const char *path);
/* Makes path and what is missing above it; those made have mode 0700. A folder that is there and
 * is not ours, or that others may write to, is refused. */
MUST_CHECK int folder_make_private(const char *path, struct err *e);
/* An exclusive lock on path, created 0600, held until the descriptor is closed. Waits if wait. Else
 * ERR_TRY_AGAIN when another holds it. */
MUST_CHECK int file_lock(const char *path, bool wait, int *ret_fd, struct err *e);

/* folder/name; name alone when it is absolute. */
MUST_CHECK int path_join(const char *folder, const char *name, char **ret, struct err *e);
/* The folder of path, "." when it has none. */
MUST_CHECK int path_folder(const char *path, char **ret, struct err *e);

#endif

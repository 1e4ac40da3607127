/* Files: read with a limit, written whole or not at all. */
#ifndef TEECTL_BASE_FILE_H
#define TEECTL_BASE_FILE_H

#include "base/buf.h"
#include "base/secret.h"

void fd_drop(int *fd); /* for AUTO(fd) int fd = -1 */
/* Waits until fd can be read, or clock_monotonic_ms() is end_ms: 1, 0; -1 with errno. */
MUST_CHECK int fd_await(int fd, int64_t end_ms);
/* An inherited descriptor as options name it: "fd:N" gives N, any other text -1.
 * fails  ERR_USAGE: N is no number of a descriptor; what: of the message */
MUST_CHECK int fd_parse(const char *text, const char *what, int *ret, struct err *e);

/* Whoever starts a program may have closed its standard descriptors. What is opened later must not
 * take their numbers: what is said would be written into it. They stay as good as closed. */
MUST_CHECK int file_hold_standard(struct err *e);

/* Appends the whole file; ERR_NO_INPUT if there is none, ERR_DATA if it is more than to->max lets
 * in: then as much as was read stays in to. "-" is standard input. A pipe, such as <(..) of a
 * shell, is read to its end; a device is ERR_NO_INPUT. */
MUST_CHECK int file_read(const char *path, struct buf *to, struct err *e);
/* The same for files that another file names: a pipe could keep whoever reads them waiting for
 * ever. */
MUST_CHECK int file_read_regular(const char *path, struct buf *to, struct err *e);
/* As file_read or file_read_regular, of one that is guarded (file_guard.h). */
MUST_CHECK int file_read_guarded(const char *path, bool may_be_pipe, struct buf *to, struct err *e);
/* A whole regular file in memory, as the kernel has it. Only for files that nobody cuts off:
 * whoever looks at what is gone then dies of it. */
struct mapping {
	void *data;
	size_t len;
};
void mapping_drop(struct mapping *m);
struct view mapping_view(const struct mapping *m);
/* fails  ERR_DATA: it is not a regular file of 1 to max bytes, ERR_NO_INPUT; what: of the message
 */
MUST_CHECK int fd_map(int fd, const char *what, size_t max, struct mapping *ret, struct err *e);
/* Of a mapping: its pages leave this process's memory for the kernel's cache, and are read from
 * there again where the slice is looked at once more. */
void mapped_let_go(struct view slice);

/* The bytes of a file that only grows and may be larger than what is kept in memory, as it stood
 * when it was opened: read, or mapped. */
struct file_content {
	struct mapping mapping;
	struct buf read;
};
void file_content_drop(struct file_content *f);
struct view file_content_view(const struct file_content *f);
/* As file_read, and fails as it does.
 *
 * map_max   bytes of a regular file
 * read_max  up to so many are read, from standard input or a pipe too; a regular file of more is
 *           mapped. 0: all of it is, and neither of those is taken */
MUST_CHECK int file_content_open(const char *path, size_t map_max, size_t read_max,
                                 struct file_content *ret, struct err *e);
MUST_CHECK int fd_read(int fd, const char *what, struct buf *to, struct err *e);
/* A secret's file, at most max bytes, opened as file_open_guarded does, or standard input. No copy
 * stays in ordinary memory. */
MUST_CHECK int file_read_secret(const char *path, size_t max, struct secret *ret, struct err *e);

/* To a temporary name in the same folder, synced, renamed. mode is the file's, whatever the umask.
 * For files of ours: a link of that name is replaced and never followed; a device, FIFO or socket
 * stays what it is. fails  ERR_DATA: there is one */
MUST_CHECK int file_write(const char *path, struct view content, unsigned mode, struct err *e);
/* The same for a file that the user names, as cp treats it: what is there and is no regular file is
 * opened and written into, a link followed to what it names, which is cut off, written in place and
 * keeps its mode; of a link to nothing no file is made. A FIFO that nobody reads is ERR_DATA.
 * fails  ERR_NO_INPUT: the path is none that can be written, say without its folder; also as
 *        path_check_written */
MUST_CHECK int file_write_named(const char *path, struct view content, unsigned mode,
                                struct err *e);
/* Could it be written? For who would learn it only after long work.
 * fails  as file_write_named */
MUST_CHECK int file_check_named(const char *path, struct err *e);
/* The same as file_write, but ERR_DATA when there is a file of that name already, and ERR_NO_INPUT
 * where there can be none, say without its folder; also as path_check_written. */
MUST_CHECK int file_create(const char *path, struct view content, unsigned mode, struct err *e);
/* That of a secret; mode 0600. */
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

/* ERR_NO_INPUT where it can't be told, say since a folder of the path is another's: that something
 * can't be seen must not be taken for its not being there. */
MUST_CHECK int file_look(const char *path, bool *ret_is_there, struct err *e);
/* false also where it can't be told: only for who then opens, makes or refuses it, and says why. */
bool file_is_there(const char *path);
#define FILE_FREE_NAME_MAX 4096
/* A name like wanted that nothing has yet, for a command that is suggested: "request.json", else
 * "request-2.json" and so on. Whoever makes the file refuses what has come there meanwhile. */
MUST_CHECK int file_free_name(const char *wanted, struct buf *to, struct err *e);
/* A private key's file that another program will read: ERR_NO_INPUT when it is not there, ERR_DATA
 * when others may read or change it. */
MUST_CHECK int file_check_private(const char *path, struct err *e);
/* Makes path and what is missing above it; those made have mode 0700. What is there then must pass
 * folder_check_private. */
MUST_CHECK int folder_make_private(const char *path, struct err *e);
/* The same of a folder inside one of ours, where a link would lead elsewhere. */
MUST_CHECK int folder_make_inner(const char *path, struct err *e);
/* Gives each name in a folder, but "." and "..", to take, in no order; where that fails, so does
 * this.
 *
 * what      of the message
 * may_lack  a folder that is not there has no names
 * fails     ERR_NO_INPUT: it can't be read */
MUST_CHECK int folder_each(const char *path, const char *what, bool may_lack,
                           int (*take)(void *context, const char *name, struct err *e),
                           void *context, struct err *e);
/* Opens a log to append to it, mode 0600: no link, and no FIFO or device, which would be waited
 * for. fails  ERR_DATA */
MUST_CHECK int file_open_log(const char *path, int *ret_fd, struct err *e);
/* Removes a folder and all that is in it; links are not followed. That there is none is no failure.
 */
MUST_CHECK int folder_remove_all(const char *path, struct err *e);
/* Removes what writers that were killed have left there: temporary files that nobody has open. */
void folder_sweep(const char *path);
/* An exclusive lock on path, created 0600, held until the descriptor is closed.
 * patience_ms  how long it is waited for; 0: not at all
 * fails        ERR_TRY_AGAIN: another holds it; as path_check_written */
MUST_CHECK int file_lock(const char *path, int64_t patience_ms, int *ret_fd, struct err *e);
/* Does a process hold it, this one or another? Asks without taking it, as who wanted it at that
 * moment would be refused; but where /proc may mean another file of the same number, of another
 * file system, or does not say. */
bool file_is_locked(const char *path);

/* The path of the file that a link leads to; of any other file path itself. ERR_NO_INPUT where
 * nothing is. */
MUST_CHECK int path_real(const char *path, char **ret, struct err *e);
/* folder/name; name alone when it is absolute. */
MUST_CHECK int path_join(const char *folder, const char *name, char **ret, struct err *e);
/* The folder of path, "." when it has none. */
MUST_CHECK int path_folder(const char *path, char **ret, struct err *e);

#endif

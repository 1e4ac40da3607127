/* Files that are going to be run or believed, or that are written: nobody else on this machine may
 * have put them there. Each folder and link is looked at by which a path leads to them; of one that
 * begins where one is, also the folders above. A group that may write there, and whoever owns a
 * folder on the way, is trusted. */
#ifndef TEECTL_BASE_FILE_GUARD_H
#define TEECTL_BASE_FILE_GUARD_H

#include "base/base.h"
#include "base/err.h"

/* Opens, to be read, a file that is going to be run with our rights, or whose word decides whom we
 * trust. Each folder and link on its path is looked at: nobody but a group or an owner may write to
 * it, or put another in its place. A pipe opens though nobody has written to it yet.
 *
 * what   of the message; "": the path alone
 * fails  ERR_DATA: everybody may; ERR_NO_INPUT, also: it is none that may be */
MUST_CHECK int file_open_guarded(const char *path, const char *what, bool may_be_pipe, int *ret,
                                 struct err *e);
/* The same of a folder in which such files are looked for: nor may everybody make one in it, also
 * in a sticky one, or make the folder itself where there is none. */
MUST_CHECK int folder_check_guarded(const char *path, const char *what, struct err *e);
/* The same of a path that is looked for, whether something is there or not. */
MUST_CHECK int path_check_guarded(const char *path, const char *what, struct err *e);
/* The same of a path that is going to be written: what is there, a link, a FIFO or a file, is
 * nobody else's. Whoever then makes what is not there refuses what has come there meanwhile.
 * fails  ERR_DATA: it is, or everybody may put another in its place; ERR_NO_INPUT */
MUST_CHECK int path_check_written(const char *path, struct err *e);
/* Opens what is there, cut off, to be written into: what path_check_written has looked at on the
 * way is opened, and nothing that has taken its place since. Without waiting: who looks for an
 * interrupt meanwhile? fails  as path_check_written; ERR_NO_INPUT: nothing is there; ERR_DATA: a
 * FIFO that nobody reads */
MUST_CHECK int file_open_written(const char *path, int *ret, struct err *e);
/* A folder of ours, to which nobody else writes, and in whose place nobody but a group or an owner
 * may put another: what was opened there by its path stays what it is.
 * fails  ERR_DATA, ERR_NO_INPUT */
MUST_CHECK int folder_check_private(const char *path, struct err *e);

#endif

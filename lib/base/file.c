#include "base/file.h"
#include "base/clock.h"
#include "base/file_guard.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP    65536
#define FOLDERS_OPEN 8 /* while a tree is removed: a deeper one is walked all the same */

#ifndef MFD_EXEC
#define MFD_EXEC 0x10 /* Linux 6.3; older headers lack it */
#endif

void fd_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_await(int fd, int64_t end_ms)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	int ready;

	do {
		int64_t left = end_ms - clock_monotonic_ms();

		ready = poll(&readable, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
	} while (ready < 0 && errno == EINTR);
	return ready;
}

int fd_parse(const char *text, const char *what, int *ret, struct err *e)
{
	static const char prefix[] = "fd:";
	size_t len = strlen(prefix);
	uint64_t number;

	if (strncmp(text, prefix, len) != 0) {
		*ret = -1;
		return 0;
	}
	TRY(number_parse(text + len, what, 0, INT_MAX, &number, e));
	*ret = (int)number;
	return 0;
}

/* Opened without waiting: a FIFO that nobody writes to reads as empty, and a device is refused
 * before it is read. */
static int open_file(const char *path, bool may_be_pipe, int *ret, struct err *e)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	if (S_ISDIR(st.st_mode))
		return err_sys(e, ERR_NO_INPUT, EISDIR, "'%s'", path);
	if (!S_ISREG(st.st_mode) && !(may_be_pipe && S_ISFIFO(st.st_mode)))
		return err_set(e, ERR_NO_INPUT, "'%s' is not a regular file; - is standard input",
		               path);
	/* Who says nothing could hold up whoever reads it, past every deadline. */
	if (S_ISFIFO(st.st_mode) && st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(e, ERR_NO_INPUT, "'%s' is another user's pipe; - is standard input",
		               path);
	if (fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	*ret = MOVE_FD(fd);
	return 0;
}

static bool is_standard_input(const char *path)
{
	return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0;
}

static int dup_standard_input(const char *path, int *ret, struct err *e)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	*ret = fd;
	return 0;
}

static int open_to_read(const char *path, bool may_be_pipe, int *ret, struct err *e)
{
	if (is_standard_input(path))
		return dup_standard_input(path, ret, e);
	return open_file(path, may_be_pipe, ret, e);
}

static int open_to_believe(const char *path, bool may_be_pipe, int *ret, struct err *e)
{
	AUTO(fd) int fd = -1;

	if (is_standard_input(path))
		return dup_standard_input(path, ret, e);
	TRY(file_open_guarded(path, "", may_be_pipe, &fd, e));
	if (fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	*ret = MOVE_FD(fd);
	return 0;
}

int fd_read(int fd, const char *what, struct buf *to, struct err *e)
{
	for (;;) {
		size_t room = to->max - to->len;
		uint8_t *at;
		ssize_t got;

		/* One byte more than fits tells a full file from one that is too large. */
		if (room == 0) {
			uint8_t extra;

			got = read(fd, &extra, 1);
			if (got > 0)
				return err_set(e, ERR_DATA, "'%s' has more than %zu bytes", what,
				               to->max);
		} else {
			room = room < READ_STEP ? room : READ_STEP;
			TRY(buf_reserve(to, room, &at, e));
			got = read(fd, at, room);
			if (got > 0)
				buf_commit(to, (size_t)got);
		}
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return err_sys(e, ERR_NO_INPUT, errno, "reading '%s'", what);
	}
}

int file_hold_standard(struct err *e)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return err_sys(e, ERR_INTERNAL, errno, "opening /dev/null");
	return 0;
}

int file_read(const char *path, struct buf *to, struct err *e)
{
	AUTO(fd) int fd = -1;

	TRY(open_to_read(path, /* may_be_pipe= */ true, &fd, e));
	return fd_read(fd, path, to, e);
}

int file_read_guarded(const char *path, bool may_be_pipe, struct buf *to, struct err *e)
{
	AUTO(fd) int fd = -1;

	TRY(open_to_believe(path, may_be_pipe, &fd, e));
	return fd_read(fd, path, to, e);
}

int file_read_regular(const char *path, struct buf *to, struct err *e)
{
	AUTO(fd) int fd = -1;

	TRY(open_to_read(path, /* may_be_pipe= */ false, &fd, e));
	return fd_read(fd, path, to, e);
}

void mapping_drop(struct mapping *m)
{
	if (m->data)
		munmap(m->data, m->len);
	*m = (struct mapping){ 0 };
}

struct view mapping_view(const struct mapping *m)
{
	return view_new(m->data, m->len);
}

int fd_map(int fd, const char *what, size_t max, struct mapping *ret, struct err *e)
{
	struct stat st;
	void *data;

	if (fstat(fd, &st) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", what);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uintmax_t)st.st_size > max)
		return err_set(e, ERR_DATA, "'%s' is not a file of 1 to %zu bytes", what, max);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", what);
	*ret = (struct mapping){ data, (size_t)st.st_size };
	return 0;
}

/* Whole pages of it: what shares one with the slice may still be looked at. */
void mapped_let_go(struct view slice)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
	          start = (uintptr_t)slice.data & ~(page - 1);

	madvise((void *)start, ((uintptr_t)slice.data + slice.len - start) & ~(page - 1),
	        MADV_DONTNEED);
}

void file_content_drop(struct file_content *f)
{
	mapping_drop(&f->mapping);
	buf_drop(&f->read);
}

struct view file_content_view(const struct file_content *f)
{
	return f->mapping.data ? mapping_view(&f->mapping) : buf_view(&f->read);
}

/* Standard input may stand behind the first byte of its file; an empty one can't be mapped. */
static bool is_mapped(int fd, size_t read_max)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uintmax_t)st.st_size > read_max &&
	       lseek(fd, 0, SEEK_CUR) == 0;
}

int file_content_open(const char *path, size_t map_max, size_t read_max, struct file_content *ret,
                      struct err *e)
{
	AUTO(file_content) struct file_content f = { .read = BUF_INIT(read_max) };
	AUTO(fd) int fd = -1;

	TRY(open_to_read(path, /* may_be_pipe= */ read_max > 0, &fd, e));
	if (is_mapped(fd, read_max))
		TRY(fd_map(fd, path, map_max, &f.mapping, e));
	else
		TRY(fd_read(fd, path, &f.read, e));
	*ret = f;
	f = (struct file_content){ 0 };
	return 0;
}

int file_read_secret(const char *path, size_t max, struct secret *ret, struct err *e)
{
	AUTO(fd) int fd = -1;
	AUTO(secret) struct secret s = { 0 };
	size_t len = 0;

	TRY(open_to_believe(path, /* may_be_pipe= */ false, &fd, e));
	TRY(secret_alloc(max + 1, &s, e));
	while (len < s.len) {
		ssize_t got = read(fd, s.data + len, s.len - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, ERR_NO_INPUT, errno, "reading '%s'", path);
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len > max)
		return err_set(e, ERR_DATA, "'%s' has more than %zu bytes", path, max);
	return secret_copy(view_new(s.data, len), ret, e);
}

int fd_write(int fd, const char *what, struct view content, struct err *e)
{
	while (content.len) {
		ssize_t put = write(fd, content.data, content.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, ERR_INTERNAL, errno, "writing '%s'", what);
		content.data += put;
		content.len -= (size_t)put;
	}
	return 0;
}

static int sync_folder(const char *path, struct err *e)
{
	AUTO(text) char *folder = NULL;
	AUTO(fd) int fd = -1;

	TRY(path_folder(path, &folder, e));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "syncing '%s'", folder);
	return 0;
}

static int fill(int fd, const char *temporary, struct view content, unsigned mode, struct err *e)
{
	if (fchmod(fd, (mode_t)mode) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "chmod '%s'", temporary);
	TRY(fd_write(fd, temporary, content, e));
	if (fsync(fd) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "syncing '%s'", temporary);
	return 0;
}

/* Is the path at fault, and not the machine? */
static bool is_of_path(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EACCES:
	case EPERM:
	case EROFS:
	case ELOOP:
	case ENAMETOOLONG:
		return true;
	default:
		return false;
	}
}

/* "~": no name of a node, a member or a manifest has one; and no editor's copy ends so. */
#define TEMPORARY_MARK ".teectl~"
#define TEMPORARY_END  ".XXXXXX" TEMPORARY_MARK

/* As long as it is written it is locked, so that folder_sweep knows it from those of the dead. One
 * that a sweep took in between has no name any more, and another is made. */
static int open_temporary(char *name)
{
	size_t end = strlen(name) - strlen(TEMPORARY_END);
	struct stat st = { 0 };

	while (st.st_nlink == 0) {
		AUTO(fd) int fd = -1;

		memcpy(name + end, TEMPORARY_END, strlen(TEMPORARY_END));
		fd = mkostemps(name, (int)strlen(TEMPORARY_MARK), O_CLOEXEC);
		if (fd < 0)
			return -1;
		(void)flock(fd, LOCK_EX); /* where there are no locks nothing is swept */
		if (fstat(fd, &st) < 0 || st.st_nlink)
			return MOVE_FD(fd);
	}
	return -1;
}

static bool is_temporary(const char *name)
{
	size_t len = strlen(name), end = strlen(TEMPORARY_END), mark = strlen(TEMPORARY_MARK);

	return len > end && name[len - end] == '.' &&
	       strcmp(name + len - mark, TEMPORARY_MARK) == 0;
}

static int sweep_one(void *context, const char *name, struct err *e)
{
	AUTO(text) char *path = NULL;
	AUTO(fd) int fd = -1;

	if (!is_temporary(name))
		return 0;
	TRY(path_join(context, name, &path, e));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlink(path);
	return 0;
}

void folder_sweep(const char *path)
{
	struct err ignored; /* what stays is in nobody's way */

	(void)!folder_each(path, "folder", /* may_lack= */ true, sweep_one, (void *)path, &ignored);
}

/* Fills a temporary file beside path and gives it that name, if may_replace or none has it. */
static int write_whole(const char *path, struct view content, unsigned mode, bool may_replace,
                       struct err *e)
{
	AUTO(text) char *temporary = NULL;
	AUTO(fd) int fd = -1;
	int failed;

	if (asprintf(&temporary, "%s" TEMPORARY_END, path) < 0) {
		temporary = NULL; /* asprintf leaves it undefined */
		return err_set(e, ERR_INTERNAL, "no memory for a file name");
	}
	fd = open_temporary(temporary);
	if (fd < 0)
		return err_sys(e, !may_replace && is_of_path(errno) ? ERR_NO_INPUT : ERR_INTERNAL,
		               errno, "creating '%s'", path);
	if (fill(fd, temporary, content, mode, e) < 0) {
		unlink(temporary);
		return -1;
	}
	/* link refuses an existing name, rename replaces it: both in one step. */
	failed = may_replace ? rename(temporary, path) : link(temporary, path);
	if (failed) {
		int saved = errno;

		unlink(temporary);
		return err_sys(e, saved == EEXIST ? ERR_DATA : ERR_INTERNAL, saved, "'%s'", path);
	}
	if (!may_replace)
		unlink(temporary);
	return sync_folder(path, e);
}

/* What a name that is to be written stands for. */
enum kind { KIND_NONE, KIND_REGULAR, KIND_LINK, KIND_OTHER };

static int look_at(const char *path, enum kind *ret, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		*ret = S_ISREG(st.st_mode)   ? KIND_REGULAR
		       : S_ISDIR(st.st_mode) ? KIND_REGULAR /* rename refuses it */
		       : S_ISLNK(st.st_mode) ? KIND_LINK
		                             : KIND_OTHER;
	else if (errno == ENOENT)
		*ret = KIND_NONE;
	else
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	return 0;
}

int file_write(const char *path, struct view content, unsigned mode, struct err *e)
{
	enum kind kind;

	TRY(look_at(path, &kind, e));
	if (kind == KIND_OTHER)
		return err_set(e, ERR_DATA, "'%s' is there, is not a regular file, and stays",
		               path);
	return write_whole(path, content, mode, /* may_replace= */ true, e);
}

static int write_into(const char *path, struct view content, struct err *e)
{
	AUTO(fd) int fd = -1;

	TRY(file_open_written(path, &fd, e));
	TRY(fd_write(fd, path, content, e));
	/* What is no file on a disk can't be synced. */
	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		return err_sys(e, ERR_INTERNAL, errno, "syncing '%s'", path);
	return 0;
}

/* 0, or the error number of why not. A regular file is not opened: the new one is made beside it.
 */
static int why_not_written(const char *path, const char *folder)
{
	struct stat st;
	bool is_there = lstat(path, &st) == 0;

	if (!is_there && errno != ENOENT)
		return errno;
	if (access(is_there && !S_ISREG(st.st_mode) ? path : folder, W_OK) < 0)
		return errno;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? EISDIR : 0;
}

int file_check_named(const char *path, struct err *e)
{
	AUTO(text) char *folder = NULL;
	int errnum;

	TRY(path_folder(path, &folder, e));
	errnum = why_not_written(path, folder);
	if (!errnum)
		return path_check_written(path, e);
	return err_sys(e, is_of_path(errnum) ? ERR_NO_INPUT : ERR_INTERNAL, errnum,
	               "'%s' can't be written", path);
}

int file_write_named(const char *path, struct view content, unsigned mode, struct err *e)
{
	enum kind kind;

	TRY(file_check_named(path, e));
	TRY(look_at(path, &kind, e));
	if (kind == KIND_LINK || kind == KIND_OTHER)
		return write_into(path, content, e);
	return write_whole(path, content, mode, /* may_replace= */ true, e);
}

int file_create(const char *path, struct view content, unsigned mode, struct err *e)
{
	TRY(path_check_written(path, e));
	return write_whole(path, content, mode, /* may_replace= */ false, e);
}

int file_create_secret(const char *path, const struct secret *content, struct err *e)
{
	return file_create(path, secret_view(content), 0600, e);
}

int memory_file_new(const char *name, int least, bool is_program, int *ret, struct err *e)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	AUTO(fd) int made = memfd_create(name, flags | (is_program ? MFD_EXEC : 0));
	int fd;

	/* An older kernel does not know MFD_EXEC, which is then the default. */
	if (made < 0 && errno == EINVAL && is_program)
		made = memfd_create(name, flags);
	fd = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, least);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "making the memory file '%s'", name);
	*ret = fd;
	return 0;
}

/* Counts what was put: a device's offset need not move. */
static int copy_all(int from, int to, const char *what, size_t max, struct err *e)
{
	off_t offset = 0;
	size_t len = 0;

	while (len <= max) {
		ssize_t put = sendfile(to, from, &offset, max + 1 - len);

		if (put == 0)
			return 0;
		if (put < 0 && errno != EINTR)
			return err_sys(e, ERR_DATA, errno, "copying %s", what);
		if (put > 0)
			len += (size_t)put;
	}
	return err_set(e, ERR_DATA, "%s has more than %zu bytes", what, max);
}

int memory_file_fill(int fd, int from, const char *what, size_t max, struct err *e)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "%s", what);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DATA, "%s is not a regular file", what);
	TRY(copy_all(from, fd, what, max, e));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "sealing the copy of %s", what);
	return 0;
}

int file_look(const char *path, bool *ret_is_there, struct err *e)
{
	bool is_there = access(path, F_OK) == 0;

	if (!is_there && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	*ret_is_there = is_there;
	return 0;
}

bool file_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

int file_free_name(const char *wanted, struct buf *to, struct err *e)
{
	const char *slash = strrchr(wanted, '/'), *dot = strrchr(slash ? slash : wanted, '.');
	size_t stem = dot ? (size_t)(dot - wanted) : strlen(wanted);

	TRY(buf_add_text(to, wanted, e));
	for (unsigned i = 2; file_is_there(buf_text(to)); i++) {
		buf_clear(to);
		TRY(buf_add_format(to, e, "%.*s-%u%s", (int)stem, wanted, i, dot ? dot : ""));
	}
	return 0;
}

int file_check_private(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	if (S_ISREG(st.st_mode) && st.st_mode & 077)
		return err_set(e, ERR_DATA,
		               "'%s' is a private key, and its mode %04o lets others at it: "
		               "expected 0600 (chmod 600)",
		               path, st.st_mode & 07777);
	return 0;
}

int folder_make_inner(const char *path, struct err *e)
{
	struct stat st;

	TRY(folder_make_private(path, e));
	if (lstat(path, &st) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_DATA, "'%s' is a link: expected a folder", path);
	return 0;
}

static void folder_drop(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int folder_each(const char *path, const char *what, bool may_lack,
                int (*take)(void *context, const char *name, struct err *e), void *context,
                struct err *e)
{
	AUTO(folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder && errno == ENOENT && may_lack)
		return 0;
	if (!folder)
		return err_sys(e, ERR_NO_INPUT, errno, "%s", what);
	for (;;) {
		errno = 0;
		entry = readdir(folder);
		if (!entry && errno)
			return err_sys(e, ERR_NO_INPUT, errno, "%s", what);
		if (!entry)
			return 0;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			TRY(take(context, entry->d_name, e));
	}
}

int file_open_log(const char *path, int *ret_fd, struct err *e)
{
	AUTO(fd)
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	    0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno == ELOOP || errno == ENXIO ? ERR_DATA : ERR_INTERNAL, errno,
		               "'%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DATA, "'%s' is not a regular file", path);
	if (fcntl(fd, F_SETFL, O_APPEND) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	*ret_fd = MOVE_FD(fd);
	return 0;
}

int folder_make_private(const char *path, struct err *e)
{
	AUTO(text) char *above = NULL;

	TRY(path_folder(path, &above, e));
	if (!file_is_there(above)) /* or can't be seen: then that can't be made */
		TRY(folder_make_private(above, e));
	/* Where others might replace it, nothing is made. */
	TRY(path_check_written(path, e));
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, ERR_INTERNAL, errno, "making folder '%s'", path);
	return folder_check_private(path, e);
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

int folder_remove_all(const char *path, struct err *e)
{
	if (nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, ERR_INTERNAL, errno, "removing '%s'", path);
}

int path_real(const char *path, char **ret, struct err *e)
{
	struct stat st;
	char *real;

	if (lstat(path, &st) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	if (!S_ISLNK(st.st_mode))
		return text_dup(path, ret, e);
	real = realpath(path, NULL);
	if (!real)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	*ret = real;
	return 0;
}

int path_join(const char *folder, const char *name, char **ret, struct err *e)
{
	char *joined;

	if (name[0] == '/' || strcmp(folder, ".") == 0)
		return text_dup(name, ret, e);
	if (asprintf(&joined, "%s/%s", folder, name) < 0)
		return err_set(e, ERR_INTERNAL, "no memory for a file name");
	*ret = joined;
	return 0;
}

int path_folder(const char *path, char **ret, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (!slash)
		return text_dup(".", ret, e);
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!folder)
		return err_set(e, ERR_INTERNAL, "no memory for a file name");
	*ret = folder;
	return 0;
}

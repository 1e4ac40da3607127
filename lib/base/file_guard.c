#include "base/file_guard.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's */

/* What the path leads to may not be there: then */
enum lack {
	LACK_REFUSED,
	LACK_LOOKED_FOR, /* nobody else may make it later, */
	LACK_MADE,       /* or it is made here, and by nobody at the same time */
};

struct walk {
	const char *what, *path; /* what: "" for the path alone */
	int folder, at;          /* open for their place alone */
	struct stat above;       /* of the folder */
	char rest[PATH_MAX];     /* that leads on from it */
	int links;
	enum lack may_lack;
};

static void walk_drop(struct walk *w)
{
	fd_drop(&w->folder);
	fd_drop(&w->at);
}

static const char *space(const struct walk *w)
{
	return w->what[0] ? " " : "";
}

static int fail(const struct walk *w, int number, struct err *e)
{
	bool is_of_machine = number == EMFILE || number == ENFILE || number == ENOMEM;

	return err_sys(e, is_of_machine ? ERR_INTERNAL : ERR_NO_INPUT, number, "%s%s'%s'", w->what,
	               space(w), w->path);
}

static int refuse_folder(const struct walk *w, const char *how, struct err *e)
{
	char link[32], name[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", w->folder);
	len = readlink(link, name, sizeof(name) - 1);
	name[len < 0 ? 0 : len] = 0;
	return err_set(e, ERR_DATA, "%s%s'%s': its folder '%.160s' has mode %04o: %s", w->what,
	               space(w), w->path, name, w->above.st_mode & 07777, how);
}

static int check_folder(struct walk *w, struct err *e)
{
	if (fstat(w->folder, &w->above) < 0)
		return fail(w, errno, e);
	/* What is no folder leads on to nothing. */
	if (S_ISDIR(w->above.st_mode) && w->above.st_mode & S_IWOTH &&
	    !(w->above.st_mode & S_ISVTX))
		return refuse_folder(
		    w, "whoever is on this machine may put another in its place (chmod o-w)", e);
	return 0;
}

/* Such a file system says of its files' owners what the user who has mounted it will. */
static bool is_of_fuse(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) < 0 || st.f_type == FUSE_SUPER_MAGIC;
}

/* Whoever has no number in this user namespace: that two are, says nothing. */
#define UID_UNKNOWN 65534

/* Where everybody makes files, and nobody takes another's away, it matters who has made it. */
static int check_maker(const struct walk *w, const struct stat *made, struct err *e)
{
	bool is_trusted = made->st_uid == 0 || made->st_uid == geteuid() ||
	                  (made->st_uid == w->above.st_uid && made->st_uid != UID_UNKNOWN);

	if (!S_ISDIR(w->above.st_mode) || !(w->above.st_mode & S_IWOTH))
		return 0;
	if (is_trusted && (made->st_dev == w->above.st_dev || !is_of_fuse(w->at)))
		return 0;
	return refuse_folder(w, "what is there is another user's", e);
}

/* One folder up: w->at is looked at as a name in the next w->folder. *ret_is_last: it is the root,
 * or one that we may not search: then no path of ours leads here, and what is above can't be seen.
 */
static int check_one_above(struct walk *w, bool *ret_is_last, struct err *e)
{
	struct stat st;

	if (fstat(w->at, &st) < 0)
		return fail(w, errno, e);
	w->folder = openat(w->at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*ret_is_last = w->folder < 0 && errno == EACCES;
	if (*ret_is_last)
		return 0;
	if (w->folder < 0)
		return fail(w, errno, e);
	TRY(check_folder(w, e));
	*ret_is_last = w->above.st_dev == st.st_dev && w->above.st_ino == st.st_ino;
	return *ret_is_last ? 0 : check_maker(w, &st, e);
}

/* A path that begins in a folder one is in, or one that the kernel leads to, names none of those
 * above, by which one has come there, and comes there the next time. */
static int check_above(const struct walk *w, int folder, struct err *e)
{
	AUTO(walk) struct walk up = { .what = w->what, .path = w->path, .folder = -1, .at = -1 };
	bool is_last = false;

	up.at = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (up.at < 0)
		return fail(w, errno, e);
	while (!is_last) {
		TRY(check_one_above(&up, &is_last, e));
		fd_drop(&up.at);
		up.at = MOVE_FD(up.folder);
	}
	return 0;
}

static int start_at(struct walk *w, const char *folder, struct err *e)
{
	fd_drop(&w->folder);
	w->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->folder < 0)
		return fail(w, errno, e);
	return folder[0] == '/' ? 0 : check_above(w, w->folder, e); /* nothing is above that */
}

/* The kernel's own links, such as /proc/self/fd/3, are no text. */
static bool is_of_kernel(int folder)
{
	struct statfs st;

	return fstatfs(folder, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

static int take_link(struct walk *w, struct err *e)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlinkat(w->at, "", target, sizeof(target) - 1);
	int written;

	if (len <= 0 || ++w->links > LINKS_MAX)
		return fail(w, len < 0 ? errno : ELOOP, e);
	target[len] = 0;
	written = snprintf(rest, sizeof(rest), "%s%s", target, w->rest);
	if (written < 0 || (size_t)written >= sizeof(rest))
		return fail(w, ENAMETOOLONG, e);
	memcpy(w->rest, rest, (size_t)written + 1);
	return target[0] == '/' ? start_at(w, "/", e) : 0;
}

/* A slash behind it stays: what follows must be a folder then. */
static int take_name(struct walk *w, char name[static NAME_MAX + 1], struct err *e)
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(start, "/");

	if (len > NAME_MAX)
		return fail(w, ENAMETOOLONG, e);
	memcpy(name, start, len);
	name[len] = 0;
	start += len;
	memmove(w->rest, start, strlen(start) + 1);
	return 0;
}

/* Nobody but a group or an owner may make what is not there. */
static int check_lack(const struct walk *w, int number, struct err *e)
{
	/* Of what is made the folder must be there: others could make one meanwhile. */
	if (w->may_lack == LACK_REFUSED || (w->may_lack == LACK_MADE && w->rest[0]) ||
	    (number != ENOENT && number != ENOTDIR && number != EACCES))
		return fail(w, number, e);
	if (w->may_lack == LACK_LOOKED_FOR && w->above.st_mode & S_IWOTH)
		return refuse_folder(
		    w, "whoever is on this machine may make there what is looked for", e);
	return 0;
}

/* To where a link of the kernel's leads: a folder or a file, of which no path is known. */
static int follow_kernel(struct walk *w, const char *name, struct err *e)
{
	struct stat st;

	fd_drop(&w->at);
	w->at = openat(w->folder, name, O_PATH | O_CLOEXEC);
	if (w->at < 0 || fstat(w->at, &st) < 0)
		return fail(w, errno, e);
	return S_ISDIR(st.st_mode) ? check_above(w, w->at, e) : 0;
}

/* Where nothing is mounted yet, which to walk on in does not change: to look into it by a path
 * does.
 */
static int mount_if_due(struct walk *w, const char *name, struct err *e)
{
	char inside[NAME_MAX + 3];
	struct statfs fs;

	if (fstatfs(w->at, &fs) < 0 || fs.f_type != AUTOFS_SUPER_MAGIC)
		return 0;
	snprintf(inside, sizeof(inside), "%s/.", name);
	fd_drop(&w->at);
	w->at = openat(w->folder, inside, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return w->at < 0 ? fail(w, errno, e) : 0;
}

/* One name on; *ret_is_end: w->at is what the path leads to. */
static int go_on(struct walk *w, bool *ret_is_end, struct err *e)
{
	char name[NAME_MAX + 1];
	struct stat st;

	TRY(check_folder(w, e));
	TRY(take_name(w, name, e));
	fd_drop(&w->at);
	w->at = openat(w->folder, name[0] ? name : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	*ret_is_end = w->at < 0;
	if (w->at < 0)
		return check_lack(w, errno, e);
	if (fstat(w->at, &st) < 0)
		return fail(w, errno, e);
	TRY(check_maker(w, &st, e));
	if (S_ISLNK(st.st_mode) && !is_of_kernel(w->folder))
		return take_link(w, e);
	if (S_ISLNK(st.st_mode))
		TRY(follow_kernel(w, name, e));
	else if (S_ISDIR(st.st_mode) && name[0])
		TRY(mount_if_due(w, name, e));
	*ret_is_end = !w->rest[0];
	if (!*ret_is_end) {
		fd_drop(&w->folder);
		w->folder = MOVE_FD(w->at);
	}
	return 0;
}

static int check_writers(const struct walk *w, const struct stat *st, struct err *e)
{
	if (!(st->st_mode & S_IWOTH) || !st->st_nlink) /* in memory */
		return 0;
	return err_set(e, ERR_DATA,
	               "%s%s'%s' has mode %04o: whoever is on this machine may write to it "
	               "(chmod o-w)",
	               w->what, space(w), w->path, st->st_mode & 07777);
}

/* The very one that was looked at, whatever the path leads to by now. -1: errno says why not. */
static int open_found(const struct walk *w, int flags)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", w->at);
	return open(link, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static int open_end(const struct walk *w, bool may_be_pipe, int *ret, struct err *e)
{
	AUTO(fd) int fd = -1;
	struct stat st;

	if (fstat(w->at, &st) < 0)
		return fail(w, errno, e);
	if (S_ISDIR(st.st_mode))
		return fail(w, EISDIR, e);
	if (!S_ISREG(st.st_mode) && !(may_be_pipe && S_ISFIFO(st.st_mode)))
		return err_set(e, ERR_NO_INPUT, "%s%s'%s' is not a regular file", w->what, space(w),
		               w->path);
	TRY(check_writers(w, &st, e));
	fd = open_found(w, O_RDONLY);
	if (fd < 0)
		return fail(w, errno, e);
	*ret = MOVE_FD(fd);
	return 0;
}

/* To the end of the path; w->at -1: there is none, which it may lack. */
static int go(struct walk *w, struct err *e)
{
	bool is_end = false;

	if (!w->path[0] || strlen(w->path) >= sizeof(w->rest))
		return fail(w, w->path[0] ? ENAMETOOLONG : ENOENT, e);
	memcpy(w->rest, w->path, strlen(w->path) + 1);
	TRY(start_at(w, w->path[0] == '/' ? "/" : ".", e));
	while (!is_end)
		TRY(go_on(w, &is_end, e));
	return 0;
}

int file_open_guarded(const char *path, const char *what, bool may_be_pipe, int *ret, struct err *e)
{
	AUTO(walk) struct walk w = { .what = what, .path = path, .folder = -1, .at = -1 };

	TRY(go(&w, e));
	return open_end(&w, may_be_pipe, ret, e);
}

/* ret: all zero where nothing is there */
static int look_for(struct walk *w, struct stat *ret, struct err *e)
{
	*ret = (struct stat){ 0 };
	w->may_lack = LACK_LOOKED_FOR;
	TRY(go(w, e));
	if (w->at >= 0 && fstat(w->at, ret) < 0)
		return fail(w, errno, e);
	return 0;
}

int path_check_guarded(const char *path, const char *what, struct err *e)
{
	AUTO(walk) struct walk w = { .what = what, .path = path, .folder = -1, .at = -1 };
	struct stat st;

	TRY(look_for(&w, &st, e));
	return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) ? check_writers(&w, &st, e) : 0;
}

int path_check_written(const char *path, struct err *e)
{
	AUTO(walk)
	struct walk w = { .what = "", .path = path, .folder = -1, .at = -1, .may_lack = LACK_MADE };

	return go(&w, e);
}

int file_open_written(const char *path, int *ret, struct err *e)
{
	AUTO(walk) struct walk w = { .what = "", .path = path, .folder = -1, .at = -1 };
	AUTO(fd) int fd = -1;

	TRY(go(&w, e));
	fd = open_found(&w, O_WRONLY | O_TRUNC);
	if (fd < 0 && errno == ENXIO)
		return err_set(e, ERR_DATA, "'%s': nobody reads from it", path);
	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "writing into '%s'", path);
	*ret = MOVE_FD(fd);
	return 0;
}

int folder_check_private(const char *path, struct err *e)
{
	AUTO(walk) struct walk w = { .what = "folder", .path = path, .folder = -1, .at = -1 };
	struct stat st;

	TRY(go(&w, e));
	if (fstat(w.at, &st) < 0)
		return fail(&w, errno, e);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_DATA, "'%s' is not a folder", path);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(
		    e, ERR_DATA,
		    "'%s' belongs to another user or others may write to it (mode %04o): "
		    "expected your own, mode 0700",
		    path, st.st_mode & 07777);
	return 0;
}

int folder_check_guarded(const char *path, const char *what, struct err *e)
{
	AUTO(walk) struct walk w = { .what = what, .path = path, .folder = -1, .at = -1 };
	struct stat st;

	TRY(look_for(&w, &st, e));
	if (S_ISDIR(st.st_mode) && st.st_mode & S_IWOTH)
		return err_set(e, ERR_DATA,
		               "%s%s'%s' has mode %04o: whoever is on this machine may make files "
		               "there (chmod o-w)",
		               what, space(&w), path, st.st_mode & 07777);
	return 0;
}

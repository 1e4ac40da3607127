#include "attest/measure.h"

#include "attest/elf.h"
#include "attest/listing.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Above what a child gets as its own: a launcher moves its descriptors about below this. */
#define FD_LOW 10

/* Executable and not readable: whoever runs it and is not root starts undumpable (libraries.md 1).
 */
#define MODE_SEALED   0111
#define MODE_READABLE 0500

static int mapping_hash(const struct mapping *m, struct hash384 *ret, struct err *e)
{
	return sha384_sliced(mapping_view(m), mapped_let_go, ret, e);
}

int measure_image(const char *path, int *ret_fd, struct pcr *ret, struct err *e)
{
	AUTO(buf) struct buf what = BUF_INIT(PATH_MAX + 16);
	AUTO(mapping) struct mapping image = { 0 };
	AUTO(fd) int from = -1;
	AUTO(fd) int fd = -1;
	struct hash384 hash;
	struct pcr pcr;

	/* What is measured is run, by its loader or as the enclave, with the rights of whoever does
	 * it; and a simulated root's key is one of his files. */
	TRY(file_open_guarded(path, "image", &from, e));
	TRY(buf_add_format(&what, e, "image '%s'", path));
	TRY(memory_file_new("enclave", FD_LOW, /* is_program= */ true, &fd, e));
	TRY(memory_file_fill(fd, from, buf_text(&what), IMAGE_MAX, e));
	/* Hashed after it is sealed: nobody can have changed it in between. */
	TRY(fd_map(fd, path, IMAGE_MAX, &image, e));
	TRY(mapping_hash(&image, &hash, e));
	TRY(pcr_measure_hash(&hash, &pcr, e));
	if (fchmod(fd, MODE_SEALED) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "protecting '%s'", path);
	*ret = pcr;
	*ret_fd = MOVE_FD(fd);
	return 0;
}

/* What the loader says: a line a library. Ours has 14. */
#define LISTING_MAX   (64u << 10)
#define LIBRARIES_MAX 256 /* of any program that could be an enclave */

struct library {
	const char *name;
	struct hash384 hash;
};

struct runtime {
	struct buf listing; /* names point into it */
	char loader[PATH_MAX];
	struct library libraries[LIBRARIES_MAX];
	size_t count;
};

static void runtime_drop(struct runtime *r)
{
	buf_drop(&r->listing);
	r->count = 0;
}

#define LISTED_FD 3 /* the image, in the child that lists */

/* A listing takes some milliseconds; an image may name an audit library that never ends. */
#define LOADER_MS 10000

/* In the child, where only what a signal handler may do is safe. LOADER --list /proc/self/fd/3 with
 * an empty environment, so that no LD_… of ours counts, with no way to more rights than it has, no
 * descriptor of ours (libcurl's connections lack CLOEXEC), and not beyond the end of who waits for
 * it. */
static _Noreturn void become_loader(const char *loader, int image_fd, int out_fd, pid_t parent)
{
	static const char words[] = "it can't be started";
	char *const arguments[] = { (char *)loader, "--list", "/proc/self/fd/3", NULL };
	char *const environment[] = { NULL };
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (none >= 0 && dup2(none, STDIN_FILENO) >= 0 && dup2(out_fd, STDOUT_FILENO) >= 0 &&
	    dup2(out_fd, STDERR_FILENO) >= 0 && dup2(image_fd, LISTED_FD) >= 0 &&
	    close_range(LISTED_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	    getppid() == parent)
		execve(loader, arguments, environment);
	if (write(out_fd, words, sizeof(words) - 1) < 0)
		_exit(126);
	_exit(127);
}

/* Waits until fd can be read; false when the time is over. */
static bool is_readable(int fd, int64_t end_ms)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	int ready;

	do {
		int64_t left = end_ms - clock_monotonic_ms();

		ready = poll(&readable, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}

static int read_listing(int in, int64_t end_ms, struct buf *to, struct err *e)
{
	for (;;) {
		uint8_t bytes[4096];
		ssize_t got;

		if (!is_readable(in, end_ms))
			return err_set(e, ERR_DATA, "the image's loader has not ended within %d s",
			               LOADER_MS / 1000);
		got = read(in, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, ERR_INTERNAL, errno, "reading the loader's list");
		if (got == 0)
			return 0;
		TRY(buf_add(to, view_new(bytes, (size_t)got), e));
	}
}

/* Not waited for before its end has been seen, so that pid is nobody else's when it is killed. */
static int wait_for_loader(pid_t pid, int64_t end_ms, const struct runtime *r, struct err *e)
{
	AUTO(fd) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status;

	if (pidfd < 0 || !is_readable(pidfd, end_ms))
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "waiting for the loader");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_DATA, "'%s' can't list the image's libraries: %.200s",
		               r->loader, buf_text(&r->listing));
	return 0;
}

static int list_libraries(int image_fd, struct runtime *r, struct err *e)
{
	AUTO(fd) int high = fcntl(image_fd, F_DUPFD_CLOEXEC, FD_LOW);
	AUTO(fd) int in = -1;
	AUTO(fd) int out = -1;
	int64_t end_ms = clock_monotonic_ms() + LOADER_MS;
	struct err read_error;
	int pipes[2], read_outcome;
	pid_t parent = getpid(), pid;

	if (high < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "a pipe to the loader");
	in = pipes[0];
	/* Above those that the child makes its own. */
	out = fcntl(pipes[1], F_DUPFD_CLOEXEC, FD_LOW);
	close(pipes[1]);
	pid = out < 0 ? -1 : fork();
	if (pid < 0)
		return err_sys(e, ERR_INTERNAL, errno, "starting the loader");
	if (pid == 0)
		become_loader(r->loader, high, out, parent);
	fd_drop(&out);
	read_outcome = read_listing(in, end_ms, &r->listing, &read_error);
	fd_drop(&in);
	if (read_outcome < 0) {
		kill(pid, SIGKILL);
		*e = read_error;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return -1;
	}
	return wait_for_loader(pid, end_ms, r, e);
}

/* It is opened again by its path, when the enclave is started: nobody may have changed it then. */
static int open_run(const char *path, const char *what, int *ret, struct err *e)
{
	if (file_open_guarded(path, what, ret, e) == 0)
		return 0;
	e->code = ERR_DATA;
	return -1;
}

#define SEARCH_MAX (64u << 10)
#define ORIGIN     "$ORIGIN"
#define ORIGIN_2   "${ORIGIN}"

/* The loader looks in each folder before it comes to where it found a library: nobody else may make
 * one there before the enclave is started.
 * origin  the folder of what names it; NULL: the image, which has none when it is run */
static int check_search(const char *folder, const char *origin, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(2 * PATH_MAX);
	size_t skipped = strncmp(folder, ORIGIN, strlen(ORIGIN)) == 0       ? strlen(ORIGIN)
	                 : strncmp(folder, ORIGIN_2, strlen(ORIGIN_2)) == 0 ? strlen(ORIGIN_2)
	                                                                    : 0;
	char *variable;

	if ((skipped && !origin) || (!skipped && folder[0] != '/'))
		return err_set(e, ERR_DATA,
		               "it has libraries looked for in '%.200s', which is another folder "
		               "when it is run (DT_RPATH, DT_RUNPATH)",
		               folder);
	if (skipped)
		TRY(buf_add_text(&path, origin, e));
	TRY(buf_add_text(&path, folder + skipped, e));
	/* $LIB, $PLATFORM: up to the folder in which it names one. */
	variable = strchr((char *)path.data, '$');
	while (variable && *variable != '/')
		*variable-- = 0;
	return folder_check_guarded(buf_text(&path), "its search folder", e);
}

static int check_searches(struct view file, const char *origin, struct err *e)
{
	AUTO(buf) struct buf folders = BUF_INIT(SEARCH_MAX);
	char *rest, *folder;

	TRY(elf_search_folders(file, &folders, e));
	if (!folders.len)
		return 0;
	TRY(buf_add_u8(&folders, 0, e));
	/* Behind each list. */
	folders.data[folders.len - 2] = 0;
	rest = (char *)folders.data;
	while ((folder = strsep(&rest, ":")))
		TRY(check_search(folder, origin, e));
	return 0;
}

static int check_library(struct view file, const char *path, struct err *e)
{
	AUTO(text) char *folder = NULL;

	TRY(elf_check_names(file, e));
	TRY(path_folder(path, &folder, e));
	return check_searches(file, folder, e);
}

static int add_library(struct runtime *r, const char *name, const char *path, struct err *e)
{
	AUTO(mapping) struct mapping file = { 0 };
	AUTO(fd) int fd = -1;
	struct library *library;

	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->libraries[i].name, name) == 0)
			return err_set(e, ERR_DATA, "the image has two libraries '%s'", name);
	if (r->count == LIBRARIES_MAX)
		return err_set(e, ERR_DATA, "the image has more than %d libraries", LIBRARIES_MAX);
	TRY(open_run(path, "the image's library", &fd, e));
	TRY(fd_map(fd, path, IMAGE_MAX, &file, e));
	if (check_library(mapping_view(&file), path, e) < 0)
		return err_wrap(e, "the image's library '%s'", path);
	library = &r->libraries[r->count];
	TRY(mapping_hash(&file, &library->hash, e));
	library->name = name;
	r->count++;
	return 0;
}

/* The very file that is measured as the loader: another one of that name is a library, which then
 * has the name twice. */
static int is_loader(const struct runtime *r, const char *name, const char *path, bool *ret,
                     struct err *e)
{
	AUTO(fd) int fd = -1;
	struct stat loader, file;

	*ret = false;
	if (strcmp(name, path_base(r->loader)) != 0)
		return 0;
	/* Another path to it may lead elsewhere by the time the enclave is started. */
	TRY(open_run(path, "the image's library", &fd, e));
	if (stat(r->loader, &loader) < 0 || fstat(fd, &file) < 0)
		return err_sys(e, ERR_DATA, errno, "the image's library '%s'", path);
	*ret = loader.st_dev == file.st_dev && loader.st_ino == file.st_ino;
	return 0;
}

static int take_listing(struct runtime *r, struct err *e)
{
	char *rest = (char *)r->listing.data;
	const char *name, *path;
	bool is_listed_loader;

	if (r->listing.len && memchr(rest, 0, r->listing.len))
		return err_set(e, ERR_DATA, "the loader's list of the image holds a NUL");
	for (;;) {
		TRY(listing_next(&rest, &name, &path, e));
		if (!path)
			return 0;
		/* Listed or not, by whichever path: the loader is added by itself. */
		TRY(is_loader(r, name, path, &is_listed_loader, e));
		if (!is_listed_loader)
			TRY(add_library(r, name, path, e));
	}
}

static int compare_libraries(const void *a, const void *b)
{
	return strcmp(((const struct library *)a)->name, ((const struct library *)b)->name);
}

static int runtime_measure(struct runtime *r, struct pcr *ret, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(LISTING_MAX);

	qsort(r->libraries, r->count, sizeof(r->libraries[0]), compare_libraries);
	TRY(buf_add_le32(&content, (uint32_t)r->count, e));
	for (size_t i = 0; i < r->count; i++) {
		TRY(buf_add_vec(&content, view_text(r->libraries[i].name), e));
		TRY(buf_add(&content, VIEW_OF(r->libraries[i].hash.bytes), e));
	}
	return pcr_measure(buf_view(&content), ret, e);
}

/* The loader is run, with the rights of whoever measures: it must be one that the system has put
 * there, not one that the image brings along. */
static bool is_system_loader(const char *path)
{
	static const char *const folders[] = { "/lib", "/usr/lib", "/nix/store/", "/gnu/store/" };
	bool is_inside = false;

	for (size_t i = 0; i < COUNT(folders); i++)
		is_inside = is_inside || strncmp(path, folders[i], strlen(folders[i])) == 0;
	return is_inside && !strstr(path, "/../") && strncmp(path_base(path), "ld", 2) == 0;
}

static int find_loader(int image_fd, char ret[static PATH_MAX], struct err *e)
{
	AUTO(mapping) struct mapping image = { 0 };
	AUTO(fd) int loader = -1;
	struct view path;

	TRY(fd_map(image_fd, "image", IMAGE_MAX, &image, e));
	if (elf_interpreter(mapping_view(&image), &path, e) < 0 ||
	    (path.len && (elf_check_names(mapping_view(&image), e) < 0 ||
	                  check_searches(mapping_view(&image), /* origin= */ NULL, e) < 0)))
		return err_wrap(e, "image");
	if (path.len >= PATH_MAX)
		return err_set(e, ERR_DATA, "image: its interpreter's path has %zu bytes",
		               path.len);
	if (path.len)
		memcpy(ret, path.data, path.len);
	ret[path.len] = 0;
	if (path.len && !is_system_loader(ret))
		return err_set(e, ERR_DATA, "the image's loader '%s' is none of the system's", ret);
	return path.len ? open_run(ret, "the image's loader", &loader, e) : 0;
}

/* The loader opens the image by a path, which an ordinary user can't with a mode of 0111. */
static int list_readable(int image_fd, struct runtime *r, struct err *e)
{
	struct err why;
	struct stat st;
	int outcome;

	if (fstat(image_fd, &st) < 0 || fchmod(image_fd, MODE_READABLE) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "image");
	outcome = list_libraries(image_fd, r, &why);
	if (fchmod(image_fd, st.st_mode & 07777) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "image");
	if (outcome < 0)
		*e = why;
	return outcome;
}

int measure_runtime(int image_fd, struct pcr *ret, struct err *e)
{
	AUTO(runtime) struct runtime r = { .listing = BUF_INIT(LISTING_MAX) };

	TRY(find_loader(image_fd, r.loader, e));
	if (!r.loader[0])
		return pcr_measure((struct view){ 0 }, ret, e);
	TRY(list_readable(image_fd, &r, e));
	TRY(take_listing(&r, e));
	TRY(add_library(&r, path_base(r.loader), r.loader, e));
	return runtime_measure(&r, ret, e);
}

static int compare_options(const void *a, const void *b)
{
	const struct measured_option *x = *(const struct measured_option *const *)a;
	const struct measured_option *y = *(const struct measured_option *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->value, y->value);
}

/* Names and values of a command line. */
#define OPTIONS_MAX      256
#define OPTIONS_TEXT_MAX (1u << 20)

int measure_options(const struct measured_option *options, size_t count, struct pcr *ret,
                    struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(OPTIONS_TEXT_MAX);
	const struct measured_option *sorted[OPTIONS_MAX];

	if (count > OPTIONS_MAX)
		return err_set(e, ERR_DATA, "%zu options, at most %d", count, OPTIONS_MAX);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &options[i];
	qsort(sorted, count, sizeof(sorted[0]), compare_options);
	TRY(buf_add_le32(&content, (uint32_t)count, e));
	for (size_t i = 0; i < count; i++) {
		TRY(buf_add_vec(&content, view_text(sorted[i]->name), e));
		TRY(buf_add_vec(&content, view_text(sorted[i]->value), e));
	}
	return pcr_measure(buf_view(&content), ret, e);
}

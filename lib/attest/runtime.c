/* PCR1: loader and libraries of an image, as they would be loaded now and nobody else can change
 * any more (contract.md, "The programs"). */
#include "attest/elf.h"
#include "attest/listing.h"
#include "attest/loader.h"
#include "attest/measure.h"
#include "attest/search.h"
#include "base/file.h"
#include "base/file_guard.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MODE_READABLE 0500 /* of an image, while it is listed */

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
	bool has_searches; /* folders of its own where libraries are looked for */
	bool tells;        /* where they are looked for */
};

static void runtime_drop(struct runtime *r)
{
	buf_drop(&r->listing);
	r->count = 0;
}

/* It is opened again by its path, when the enclave is started: nobody may have changed it then. */
static int open_run(const char *path, const char *what, int *ret, struct err *e)
{
	if (file_open_guarded(path, what, /* may_be_pipe= */ false, ret, e) == 0)
		return 0;
	if (e->code == ERR_NO_INPUT)
		e->code = ERR_DATA; /* the image names the path, and not the user */
	return -1;
}

static int check_library(struct runtime *r, struct view file, const char *path, struct err *e)
{
	AUTO(text) char *folder = NULL;

	TRY(elf_check_names(file, e));
	TRY(path_folder(path, &folder, e));
	return search_check_file(file, folder, &r->has_searches, e);
}

static int map_hash(const struct mapping *m, struct hash384 *ret, struct err *e)
{
	return sha384_sliced(mapping_view(m), mapped_let_go, ret, e);
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
	if (check_library(r, mapping_view(&file), path, e) < 0)
		return err_wrap(e, "the image's library '%s'", path);
	library = &r->libraries[r->count];
	TRY(map_hash(&file, &library->hash, e));
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

static int take_library(struct runtime *r, const struct listed *library, struct err *e)
{
	bool is_listed_loader;

	/* Listed or not, by whichever path: the loader is added by itself. */
	TRY(is_loader(r, library->name, library->path, &is_listed_loader, e));
	return is_listed_loader ? 0 : add_library(r, library->name, library->path, e);
}

static int take_listed(struct runtime *r, const struct listed *item, struct err *e)
{
	switch (item->kind) {
	case LISTED_LIBRARY:
		return take_library(r, item, e);
	case LISTED_TRIED:
		r->tells = true;
		return search_check_tried(item->path, e);
	case LISTED_SEARCHED:
		return search_check_folders(item->path, e);
	case LISTED_END:
		break;
	}
	return 0;
}

static int take_listing(struct runtime *r, struct err *e)
{
	char *rest = (char *)r->listing.data;
	struct listed item;

	if (r->listing.len && memchr(rest, 0, r->listing.len))
		return err_set(e, ERR_DATA, "the loader's list of the image holds a NUL");
	do {
		TRY(listing_next(&rest, &item, e));
		TRY(take_listed(r, &item, e));
	} while (item.kind != LISTED_END);
	if (r->has_searches && !r->tells)
		return err_set(e, ERR_DATA,
		               "the image has libraries looked for in folders of its own "
		               "(DT_RPATH, DT_RUNPATH), and its loader '%s' does not say which "
		               "files it looks for there, as glibc's does",
		               r->loader);
	return 0;
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

static int check_image(struct runtime *r, struct view image, struct err *e)
{
	TRY(elf_check_names(image, e));
	return search_check_file(image, /* origin= */ NULL, &r->has_searches, e);
}

static int find_loader(int image_fd, struct runtime *r, struct err *e)
{
	AUTO(mapping) struct mapping image = { 0 };
	AUTO(fd) int loader = -1;
	struct view path;

	TRY(fd_map(image_fd, "image", IMAGE_MAX, &image, e));
	if (elf_interpreter(mapping_view(&image), &path, e) < 0 ||
	    (path.len && check_image(r, mapping_view(&image), e) < 0))
		return err_wrap(e, "image");
	if (path.len >= sizeof(r->loader))
		return err_set(e, ERR_DATA, "image: its interpreter's path has %zu bytes",
		               path.len);
	if (path.len)
		memcpy(r->loader, path.data, path.len);
	r->loader[path.len] = 0;
	if (path.len && !is_system_loader(r->loader))
		return err_set(e, ERR_DATA, "the image's loader '%s' is none of the system's",
		               r->loader);
	return path.len ? open_run(r->loader, "the image's loader", &loader, e) : 0;
}

/* The loader opens the image by a path, which an ordinary user can't with a mode of 0111. */
static int list_readable(int image_fd, struct runtime *r, struct err *e)
{
	struct err why;
	struct stat st;
	int outcome;

	if (fstat(image_fd, &st) < 0 || fchmod(image_fd, MODE_READABLE) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "image");
	outcome = loader_list(r->loader, image_fd, &r->listing, &why);
	if (fchmod(image_fd, st.st_mode & 07777) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "image");
	if (outcome < 0)
		*e = why;
	return outcome;
}

int measure_runtime(int image_fd, struct pcr *ret, struct err *e)
{
	AUTO(runtime) struct runtime r = { .listing = BUF_INIT(LISTING_MAX) };

	TRY(find_loader(image_fd, &r, e));
	if (!r.loader[0])
		return pcr_measure((struct view){ 0 }, ret, e);
	TRY(list_readable(image_fd, &r, e));
	TRY(take_listing(&r, e));
	TRY(add_library(&r, path_base(r.loader), r.loader, e));
	return runtime_measure(&r, ret, e);
}

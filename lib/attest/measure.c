#include "attest/measure.h"

#include "base/file.h"
#include "base/file_guard.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Above what a child gets as its own: a launcher moves its descriptors about below this. */
#define FD_LOW 10

/* Executable and not readable: whoever runs it and is not root starts undumpable (libraries.md 1).
 */
#define MODE_SEALED 0111

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
	TRY(file_open_guarded(path, "image", /* may_be_pipe= */ false, &from, e));
	TRY(buf_add_format(&what, e, "image '%s'", path));
	TRY(memory_file_new("enclave", FD_LOW, /* is_program= */ true, &fd, e));
	TRY(memory_file_fill(fd, from, buf_text(&what), IMAGE_MAX, e));
	/* Hashed after it is sealed: nobody can have changed it in between. */
	TRY(fd_map(fd, path, IMAGE_MAX, &image, e));
	TRY(sha384_sliced(mapping_view(&image), mapped_let_go, &hash, e));
	TRY(pcr_measure_hash(&hash, &pcr, e));
	if (fchmod(fd, MODE_SEALED) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "protecting '%s'", path);
	*ret = pcr;
	*ret_fd = MOVE_FD(fd);
	return 0;
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

#include "cluster/watcher.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <unistd.h>

#define WATCHER     "watch"
#define WATCHER_MAX 32 /* a pid, and room */

static int write_pid(int fd, const char *path, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(WATCHER_MAX);

	TRY(buf_add_format(&text, e, "%d", (int)getpid()));
	if (ftruncate(fd, 0) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	return fd_write(fd, path, buf_view(&text), e);
}

void watcher_hold(const struct state *s, int *fd)
{
	AUTO(text) char *path = NULL;
	AUTO(fd) int held = -1;
	struct err ignored;

	if (*fd < 0 && state_path(s, WATCHER, &path, &ignored) == 0 &&
	    file_lock(path, /* patience_ms= */ 0, &held, &ignored) == 0 &&
	    write_pid(held, path, &ignored) == 0)
		*fd = MOVE_FD(held);
}

int watcher_pid(const struct state *s)
{
	AUTO(buf) struct buf text = BUF_INIT(WATCHER_MAX);
	AUTO(text) char *path = NULL;
	struct err ignored;
	uint64_t pid;

	if (state_path(s, WATCHER, &path, &ignored) < 0 || !file_is_locked(path))
		return 0;
	if (file_read_regular(path, &text, &ignored) < 0 ||
	    number_parse(buf_text(&text), "a pid", 1, INT32_MAX, &pid, &ignored) < 0)
		return -1;
	return (int)pid;
}

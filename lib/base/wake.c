#include "base/wake.h"

#include "base/file.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16
/* A file is whole when whoever wrote it has closed it, or renamed it from another name. */
#define FILE_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

static int add(const struct wake *w, int fd, uint32_t events, struct err *e)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &event) < 0
	           ? err_sys(e, ERR_INTERNAL, errno, "epoll")
	           : 0;
}

int wake_open(struct wake *w, struct err *e)
{
	w->fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "epoll");
	w->folders = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->folders < 0)
		return err_sys(e, ERR_INTERNAL, errno, "inotify");
	return add(w, w->folders, EPOLLIN, e);
}

void wake_drop(struct wake *w)
{
	for (size_t i = 0; i < w->process_count; i++)
		fd_drop(&w->processes[i]);
	fd_drop(&w->folders);
	fd_drop(&w->fd);
	*w = WAKE_INIT;
}

int wake_on_folder(struct wake *w, const char *path, struct err *e)
{
	if (inotify_add_watch(w->folders, path, FILE_EVENTS | IN_ONLYDIR) < 0)
		return err_sys(e, errno == ENOENT ? ERR_NO_INPUT : ERR_INTERNAL, errno,
		               "watching '%s'", path);
	return 0;
}

int wake_on_process(struct wake *w, int pidfd, struct err *e)
{
	AUTO(fd) int fd = pidfd;

	if (w->process_count == WAKE_PROCESSES_MAX)
		return 0;
	/* Once: a pidfd stays readable. */
	TRY(add(w, fd, EPOLLIN | EPOLLONESHOT, e));
	w->processes[w->process_count++] = MOVE_FD(fd);
	return 0;
}

void wake_take(struct wake *w)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	char files[4096]; /* what is in them is not looked at */

	while (read(w->folders, files, sizeof(files)) > 0)
		;
	while (epoll_wait(w->fd, events, EVENTS_AT_ONCE, 0) == EVENTS_AT_ONCE)
		;
}

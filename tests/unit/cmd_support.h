/* What the tests of teectl's parts share: a context, what was printed, and a terminal. */
#ifndef TEECTL_TESTS_CMD_SUPPORT_H
#define TEECTL_TESTS_CMD_SUPPORT_H

#include "support.h"

#include "cmd/cmd.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#define PRINTED_MAX 65536

/* A descriptor of this process that leads elsewhere for a while. */
struct diversion {
	int fd, before, to;
};

/* to: the caller's to close. */
static inline struct diversion divert(int fd, int to)
{
	struct diversion d = { fd, dup(fd), to };

	fflush(stdout);
	fflush(stderr);
	assert_true(d.before >= 0);
	assert_int_equal(dup2(to, fd), fd);
	return d;
}

static inline void divert_back(const struct diversion *d)
{
	fflush(stdout);
	fflush(stderr);
	assert_int_equal(dup2(d->before, d->fd), d->fd);
	close(d->before);
}

/* What call prints on fd; fd is one of unistd.h's names, so that one may stand in another. */
#define PRINTED(fd, text, call)                                                                    \
	do {                                                                                       \
		struct diversion PRINTED_##fd = divert(fd, memfd_create("printed", MFD_CLOEXEC));  \
		call;                                                                              \
		divert_back(&PRINTED_##fd);                                                        \
		printed_read(PRINTED_##fd.to, text);                                               \
	} while (0)

static inline void printed_read(int fd, char text[static PRINTED_MAX])
{
	ssize_t got = pread(fd, text, PRINTED_MAX - 1, 0);

	assert_true(got >= 0);
	text[got] = 0;
	close(fd);
}

/* Both ends of a terminal that is so wide. What a program writes comes as it is: no newline is
 * made two bytes, and nothing is shown of what is typed. */
struct tty {
	int master, slave;
};

static inline struct tty tty_open(unsigned short width)
{
	struct tty t = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };
	const struct winsize size = { .ws_row = 24, .ws_col = width };
	struct termios raw;

	assert_true(t.master >= 0);
	assert_int_equal(grantpt(t.master), 0);
	assert_int_equal(unlockpt(t.master), 0);
	t.slave = open(ptsname(t.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t.slave >= 0);
	assert_int_equal(ioctl(t.slave, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(t.slave, &raw), 0);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_lflag &= ~(tcflag_t)ECHO;
	assert_int_equal(tcsetattr(t.slave, TCSANOW, &raw), 0);
	return t;
}

static inline void tty_close(struct tty *t)
{
	close(t->master);
	close(t->slave);
}

#define TTY_END '\001' /* no program prints it */

/* What has been shown since the last time. The kernel brings it over when it likes: a mark that
 * follows tells that it is all. */
static inline void tty_read(const struct tty *t, char text[static PRINTED_MAX])
{
	const char end = TTY_END;
	size_t len = 0;

	assert_int_equal(write(t->slave, &end, 1), 1);
	do {
		ssize_t got = read(t->master, text + len, PRINTED_MAX - 1 - len);

		assert_true(got > 0);
		len += (size_t)got;
	} while (text[len - 1] != TTY_END);
	text[len - 1] = 0;
}

/* What a verb runs in, before anything of it is loaded. */
static inline struct context context_as(enum output output)
{
	return (struct context){
		.global = { .file = CLUSTER_FILE_DEFAULT, .output = (int)output, .timeout_ms = -1 },
		.state = { .lock = -1 },
		.interrupt_fd = -1
	};
}

#endif

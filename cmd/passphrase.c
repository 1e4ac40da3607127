#include "passphrase.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* What is read is judged, and of its room as much kept as it fills. */
static int take_line(struct secret *room, size_t len, struct secret *ret, struct err *e)
{
	if (len > PASSPHRASE_MAX)
		return err_set(e, ERR_DATA, "the passphrase has more than %d bytes",
		               PASSPHRASE_MAX);
	if (len == 0)
		return err_set(e, ERR_DATA, "the passphrase is empty");
	return secret_copy(view_new(room->data, len), ret, e);
}

/* Byte by byte: what follows the line is another's. */
static int read_descriptor(int fd, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret room = { 0 };
	size_t len = 0;
	ssize_t got;

	TRY(secret_alloc(PASSPHRASE_MAX + 1, &room, e));
	for (;;) {
		do
			got = read(fd, room.data + len, 1);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return err_sys(e, ERR_NO_INPUT, errno, "--passphrase-fd %d", fd);
		if (got == 0 && len == 0)
			return err_reason(e, ERR_DATA, KEY_NO_PASSPHRASE,
			                  "no passphrase is left on descriptor %d", fd);
		if (got == 0 || room.data[len] == '\n')
			return take_line(&room, len, ret, e);
		if (++len > PASSPHRASE_MAX)
			return take_line(&room, len, ret, e);
	}
}

/* A terminal that does not show what is typed. */
struct quiet {
	int tty, signals;
	struct termios before;
	sigset_t mask;
	bool is_masked, is_quiet;
};

static void quiet_drop(struct quiet *q)
{
	/* Also what was typed ahead: it is no command. */
	if (q->is_quiet)
		(void)tcsetattr(q->tty, TCSAFLUSH, &q->before);
	if (q->signals >= 0)
		close(q->signals);
	if (q->tty >= 0)
		close(q->tty);
	if (q->is_masked)
		(void)sigprocmask(SIG_SETMASK, &q->mask, NULL);
	*q = (struct quiet){ .tty = -1, .signals = -1 };
}

/* While the terminal is quiet no signal ends or stops the process before it is put right again. */
static int hold_signals(struct quiet *q, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	q->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGTSTP); /* waits until the question is over */
	if (q->signals < 0 || sigprocmask(SIG_BLOCK, &set, &q->mask) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "holding signals");
	q->is_masked = true;
	return 0;
}

static int quiet_begin(struct quiet *q, struct err *e)
{
	struct termios silent;

	q->tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (q->tty < 0 || tcgetattr(q->tty, &q->before) < 0)
		return err_set(e, ERR_USAGE,
		               "nobody is there to ask for a passphrase: --passphrase-fd reads it "
		               "from a descriptor");
	TRY(hold_signals(q, e));
	silent = q->before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ICANON | ISIG | ECHONL;
	silent.c_iflag |= ICRNL;
	if (tcsetattr(q->tty, TCSAFLUSH, &silent) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "the terminal can't be silenced");
	q->is_quiet = true;
	return 0;
}

static int await(const struct quiet *q, struct err *e)
{
	struct pollfd fds[] = { { q->tty, POLLIN, 0 }, { q->signals, POLLIN, 0 } };

	while (poll(fds, COUNT(fds), -1) < 0)
		if (errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "waiting for the terminal");
	if (fds[1].revents)
		return err_set(e, ERR_INTERRUPTED, "interrupted at the question for a passphrase");
	return 0;
}

static int read_terminal(struct context *c, const char *question, struct secret *ret, struct err *e)
{
	AUTO(quiet) struct quiet q = { .tty = -1, .signals = -1 };
	AUTO(secret) struct secret room = { 0 };
	ssize_t len;

	TRY(secret_alloc(PASSPHRASE_MAX + 2, &room, e)); /* a byte too many, and the newline */
	fflush(stdout);
	progress_clear(&c->progress);
	TRY(quiet_begin(&q, e));
	TRY(fd_write(q.tty, "the terminal", view_text(question), e));
	TRY(await(&q, e));
	len = read(q.tty, room.data, room.len);
	if (len < 0)
		return err_sys(e, ERR_INTERNAL, errno, "reading the terminal");
	if (len > 0 && room.data[len - 1] == '\n')
		len--;
	return take_line(&room, (size_t)len, ret, e);
}

#define QUESTION_MAX 4352 /* a path of Linux's PATH_MAX, and words */

static int ask(const struct passphrases *p, const char *format, const char *path,
               struct secret *ret, struct err *e)
{
	AUTO(buf) struct buf question = BUF_INIT(QUESTION_MAX);
	char shown[QUESTION_MAX];

	if (p->fd >= 0)
		return read_descriptor((int)p->fd, ret, e);
	TRY(buf_add_format(&question, e, "%s '%s': ", format, path));
	snprintf(shown, sizeof(shown), "%s", buf_text(&question));
	text_tame(shown);
	return read_terminal(p->c, shown, ret, e);
}

/* --- what was given before, by the key's path */

struct kept_passphrase {
	struct kept_passphrase *next;
	char *path;
	struct secret passphrase;
};

static void kept_drop(struct kept_passphrase **kept)
{
	if (!*kept)
		return;
	secret_drop(&(*kept)->passphrase);
	free((*kept)->path);
	free(*kept);
	*kept = NULL;
}

/* The place of the key's in the list, or that of its end. */
static struct kept_passphrase **find(struct passphrases *p, const char *path)
{
	struct kept_passphrase **at = &p->kept;

	while (*at && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	return at;
}

static void on_forget(void *context, const char *path)
{
	struct passphrases *p = context;
	struct kept_passphrase **at = find(p, path), *gone = *at;

	if (!gone)
		return;
	*at = gone->next;
	p->kept_bytes -= gone->passphrase.len;
	kept_drop(&gone);
}

/* Where there is no room for it, it is asked for again. */
static void keep(struct passphrases *p, const char *path, const struct secret *passphrase)
{
	AUTO(kept) struct kept_passphrase *kept = NULL;
	struct err ignored;

	if (passphrase->len > PASSPHRASES_KEPT_MAX - p->kept_bytes)
		return;
	kept = calloc(1, sizeof(*kept));
	if (!kept || text_dup(path, &kept->path, &ignored) < 0 ||
	    secret_copy(secret_view(passphrase), &kept->passphrase, &ignored) < 0)
		return;
	p->kept_bytes += passphrase->len;
	kept->next = p->kept;
	p->kept = MOVE(kept);
}

static int on_ask(void *context, const char *path, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret given = { 0 };
	struct passphrases *p = context;
	const struct kept_passphrase *kept = *find(p, path);

	if (kept)
		return secret_copy(secret_view(&kept->passphrase), ret, e);
	TRY(ask(p, "Passphrase of", path, &given, e));
	keep(p, path, &given);
	*ret = MOVE(given);
	return 0;
}

const struct passphrase_source *passphrases_begin(struct passphrases *p, struct context *c,
                                                  int64_t fd)
{
	*p = (struct passphrases){ .c = c,
		                   .fd = fd,
		                   .source = { .ask = on_ask, .forget = on_forget, .context = p } };
	return &p->source;
}

void passphrases_drop(struct passphrases *p)
{
	while (p->kept) {
		struct kept_passphrase *first = p->kept;

		p->kept = first->next;
		kept_drop(&first);
	}
	p->kept_bytes = 0;
}

int passphrase_new(struct passphrases *p, const char *path, struct secret *ret, struct err *e)
{
	AUTO(secret) struct secret first = { 0 };
	AUTO(secret) struct secret again = { 0 };

	TRY(ask(p, "New passphrase of", path, &first, e));
	if (p->fd < 0) {
		TRY(ask(p, "The same again, of", path, &again, e));
		if (!secret_equal(secret_view(&first), secret_view(&again)))
			return err_set(e, ERR_DATA,
			               "the two passphrases differ: nothing was written");
	}
	*ret = MOVE(first);
	return 0;
}

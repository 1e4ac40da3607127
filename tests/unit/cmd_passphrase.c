/* Passphrases: a line of a descriptor and no byte more, or typed without being shown, and the
 * terminal as it was in every case. */
#include "cmd_support.h"

#include "cmd/passphrase.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

/* --- from a descriptor */

/* Read from a pipe that holds this; ret_rest: what is left in it. */
static int read_of(const char *piped, size_t len, struct secret *ret, char rest[static 64],
                   struct err *e)
{
	struct context c = context_as(OUTPUT_TABLE);
	AUTO(passphrases) struct passphrases p = { 0 };
	const struct passphrase_source *source;
	int fds[2], result;
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], piped, len), len);
	close(fds[1]);
	source = passphrases_begin(&p, &c, fds[0]);
	result = source->ask(source->context, "my.secret", ret, e);
	got = read(fds[0], rest, 63);
	rest[got < 0 ? 0 : got] = 0;
	close(fds[0]);
	return result;
}

static void a_line_is_read_and_what_follows_is_anothers(void **state)
{
	static const struct {
		const char *piped, *read, *rest;
	} rows[] = {
		{ "secret\nnext\n", "secret", "next\n" },
		{ "secret", "secret", "" },     /* the end ends it as well */
		{ " a b \r\n", " a b \r", "" }, /* as it is */
		{ "\xff\n", "\xff", "" },
	};
	char rest[64];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(secret) struct secret s = { 0 };

		assert_ok(read_of(rows[i].piped, strlen(rows[i].piped), &s, rest, &e));
		assert_view_equal(secret_view(&s), view_text(rows[i].read));
		assert_string_equal(rest, rows[i].rest);
	}
}

static void what_is_no_passphrase_is_refused(void **state)
{
	static char text[PASSPHRASE_MAX + 2];
	AUTO(secret) struct secret s = { 0 };
	char rest[64];
	struct err e;

	(void)state;
	assert_refused(read_of("\n", 1, &s, rest, &e), ERR_DATA, "the passphrase is empty");
	memset(text, 'a', sizeof(text));
	assert_refused(read_of(text, PASSPHRASE_MAX + 1, &s, rest, &e), ERR_DATA,
	               "more than 1024 bytes");
	assert_null(s.data);
	text[PASSPHRASE_MAX] = '\n';
	assert_ok(read_of(text, PASSPHRASE_MAX + 1, &s, rest, &e));
	assert_int_equal(s.len, PASSPHRASE_MAX);
}

/* Nobody gave one: that says nothing of a key. */
static void the_end_of_a_descriptor_is_no_passphrase(void **state)
{
	AUTO(secret) struct secret s = { 0 };
	char rest[64];
	struct err e;

	(void)state;
	assert_refused(read_of("", 0, &s, rest, &e), ERR_DATA,
	               "no passphrase is left on descriptor");
	assert_string_equal(e.reason, KEY_NO_PASSPHRASE);
	assert_true(key_is_unasked(&e));
	assert_refused(read_of("\n", 1, &s, rest, &e), ERR_DATA, "the passphrase is empty");
	assert_false(key_is_unasked(&e));
}

static void gives(const struct passphrase_source *from, const char *path, const char *expected)
{
	AUTO(secret) struct secret s = { 0 };
	struct err e;

	assert_ok(from->ask(from->context, path, &s, &e));
	assert_view_equal(secret_view(&s), view_text(expected));
}

static void a_key_is_asked_for_once_and_again_after_one_that_did_not_open_it(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);
	AUTO(passphrases) struct passphrases p = { 0 };
	AUTO(secret) struct secret s = { 0 };
	const struct passphrase_source *from;
	struct err e;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "a\nb\nc\n", 6), 6);
	close(fds[1]);
	from = passphrases_begin(&p, &c, fds[0]);
	gives(from, "alice.secret", "a");
	gives(from, "bob.secret", "b");
	gives(from, "alice.secret", "a");
	from->forget(from->context, "alice.secret");
	from->forget(from->context, "nobody.secret");
	gives(from, "alice.secret", "c");
	gives(from, "bob.secret", "b");
	gives(from, "alice.secret", "c");
	assert_refused(from->ask(from->context, "carol.secret", &s, &e), ERR_DATA,
	               "no passphrase is left");
	assert_int_equal(p.kept_bytes, 2);
	passphrases_drop(&p);
	assert_refused(from->ask(from->context, "bob.secret", &s, &e), ERR_DATA,
	               "no passphrase is left");
	close(fds[0]);
}

/* The arena has to hold keys and shares too. */
static void no_more_are_kept_than_there_is_room_for(void **state)
{
	static char line[PASSPHRASE_MAX + 1];
	struct context c = context_as(OUTPUT_TABLE);
	AUTO(passphrases) struct passphrases p = { 0 };
	const struct passphrase_source *from;
	char path[32];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	memset(line, 'a', PASSPHRASE_MAX);
	line[PASSPHRASE_MAX] = '\n';
	from = passphrases_begin(&p, &c, fds[0]);
	for (int i = 0; i <= PASSPHRASES_KEPT_MAX / PASSPHRASE_MAX; i++) {
		AUTO(secret) struct secret s = { 0 };
		struct err e;

		snprintf(path, sizeof(path), "%d.secret", i);
		assert_int_equal(write(fds[1], line, sizeof(line)), sizeof(line));
		assert_ok(from->ask(from->context, path, &s, &e));
	}
	assert_int_equal(p.kept_bytes, PASSPHRASES_KEPT_MAX);
	assert_int_equal(write(fds[1], "again\n", 6), 6);
	gives(from, path, "again");
	close(fds[0]);
	close(fds[1]);
}

static void a_descriptor_that_can_not_be_read_is_named(void **state)
{
	struct context c = context_as(OUTPUT_TABLE);
	AUTO(secret) struct secret s = { 0 };
	AUTO(passphrases) struct passphrases p = { 0 };
	struct err e;

	(void)state;
	(void)passphrases_begin(&p, &c, DESCRIPTOR_MAX);
	assert_refused(passphrase_new(&p, "my.secret", &s, &e), ERR_NO_INPUT,
	               "--passphrase-fd 1048576");
}

/* --- on a terminal, of which a process of its own is the session's */

enum { DONE, FAILED };

struct asked {
	int pid, result; /* result: of a pipe with what came of it */
	struct tty tty;
};

/* The child says "CODE TEXT", or the passphrase behind "ok "; then, whether the terminal shows what
 * is typed. */
static void answer(int to, int outcome, const struct secret *s, const struct err *e)
{
	struct termios now;
	char text[600];

	assert_int_equal(tcgetattr(STDIN_FILENO, &now), 0);
	if (outcome == DONE)
		snprintf(text, sizeof(text), "ok %.*s", (int)s->len, (const char *)s->data);
	else
		snprintf(text, sizeof(text), "%s: %s", err_info(e->code)->name, e->text);
	strcat(text, now.c_lflag & ECHO ? ", shown" : ", hidden");
	assert_int_equal(write(to, text, strlen(text)), strlen(text));
}

/* holds_signals: as main() does for verbs that see to them by themselves. */
static void child_asks(int terminal, int to, bool holds_signals)
{
	struct context c = context_as(OUTPUT_TABLE);
	AUTO(secret) struct secret s = { 0 };
	AUTO(passphrases) struct passphrases p = { 0 };
	struct err e;
	sigset_t all;
	int outcome;

	sigfillset(&all);
	if (holds_signals)
		sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	if (ioctl(terminal, TIOCSCTTY, 0) < 0 || dup2(terminal, STDIN_FILENO) < 0)
		_exit(1);
	(void)passphrases_begin(&p, &c, -1);
	outcome = passphrase_new(&p, "my\033.secret", &s, &e) < 0 ? FAILED : DONE;
	answer(to, outcome, &s, &e);
	_exit(0);
}

static struct asked begin(bool holds_signals)
{
	struct asked a = { .tty = tty_open(80) };
	struct termios shown;
	int fds[2];

	assert_int_equal(tcgetattr(a.tty.slave, &shown), 0);
	shown.c_lflag |= ECHO;
	assert_int_equal(tcsetattr(a.tty.slave, TCSANOW, &shown), 0);
	assert_int_equal(pipe(fds), 0);
	fflush(stdout);
	a.pid = fork();
	if (a.pid == 0)
		child_asks(a.tty.slave, fds[1], holds_signals);
	close(fds[1]);
	a.result = fds[0];
	return a;
}

/* Waits for the question, and says whether the terminal hides what is typed now. */
static bool await_question(const struct asked *a, const char *question)
{
	char seen[512] = "";
	struct termios now;

	while (!strstr(seen, question)) {
		size_t len = strlen(seen);
		struct pollfd ready = { a->tty.master, POLLIN, 0 };
		ssize_t got;

		if (poll(&ready, 1, 10000) != 1)
			fail_msg("asked '%s'", seen);
		got = read(a->tty.master, seen + len, sizeof(seen) - 1 - len);
		assert_true(got > 0);
		seen[len + (size_t)got] = 0;
	}
	assert_null(strchr(seen, '\033'));
	assert_int_equal(tcgetattr(a->tty.slave, &now), 0);
	return !(now.c_lflag & ECHO);
}

static void type(const struct asked *a, const char *what)
{
	assert_int_equal(write(a->tty.master, what, strlen(what)), strlen(what));
}

static void ended_with(struct asked *a, const char *expected)
{
	char text[600] = "";
	int status;
	size_t len = 0;
	ssize_t got;

	while ((got = read(a->result, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	close(a->result);
	tty_close(&a->tty);
	assert_string_equal(text, expected);
}

#define FIRST  "New passphrase of 'my?.secret': "
#define SECOND "The same again, of 'my?.secret': "

static void a_new_one_is_typed_twice_and_not_shown(void **state)
{
	struct asked a = begin(false);

	(void)state;
	assert_true(await_question(&a, FIRST));
	type(&a, "a secret\n");
	assert_true(await_question(&a, SECOND));
	type(&a, "a secret\n");
	ended_with(&a, "ok a secret, shown");
}

static void two_that_differ_are_none(void **state)
{
	struct asked a = begin(false);

	(void)state;
	(void)await_question(&a, FIRST);
	type(&a, "a secret\n");
	(void)await_question(&a, SECOND);
	type(&a, "a secreT\n");
	ended_with(&a, "data: the two passphrases differ: nothing was written, shown");
}

static void the_terminal_is_as_it_was_whatever_ends_the_question(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct termios now;
	struct asked a;
	int status;

	(void)state;
	for (size_t i = 0; i < COUNT(signals); i++) {
		a = begin(true);
		(void)await_question(&a, FIRST);
		assert_int_equal(kill(a.pid, signals[i]), 0);
		ended_with(&a, "interrupted: interrupted at the question for a passphrase, shown");
	}
	/* Whom it would have ended it ends, once all is put right. */
	a = begin(false);
	(void)await_question(&a, FIRST);
	assert_int_equal(kill(a.pid, SIGTERM), 0);
	assert_int_equal(waitpid(a.pid, &status, 0), a.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(tcgetattr(a.tty.slave, &now), 0);
	assert_true(now.c_lflag & ECHO);
	close(a.result);
	tty_close(&a.tty);
	a = begin(false);
	(void)await_question(&a, FIRST);
	type(&a, "\n");
	ended_with(&a, "data: the passphrase is empty, shown");
}

/* Without a session's terminal nobody is there. */
static void where_nobody_is_there_nobody_is_asked(void **state)
{
	int pid, status;

	(void)state;
	pid = fork();
	if (pid == 0) {
		struct context c = context_as(OUTPUT_TABLE);
		AUTO(secret) struct secret s = { 0 };
		AUTO(passphrases) struct passphrases p = { 0 };
		struct err e = { 0 };

		setsid();
		(void)passphrases_begin(&p, &c, -1);
		_exit(passphrase_new(&p, "my.secret", &s, &e) < 0 && e.code == ERR_USAGE &&
		              strstr(e.text, "--passphrase-fd")
		          ? 0
		          : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_and_what_follows_is_anothers),
		cmocka_unit_test(what_is_no_passphrase_is_refused),
		cmocka_unit_test(the_end_of_a_descriptor_is_no_passphrase),
		cmocka_unit_test(a_key_is_asked_for_once_and_again_after_one_that_did_not_open_it),
		cmocka_unit_test(no_more_are_kept_than_there_is_room_for),
		cmocka_unit_test(a_descriptor_that_can_not_be_read_is_named),
		cmocka_unit_test(a_new_one_is_typed_twice_and_not_shown),
		cmocka_unit_test(two_that_differ_are_none),
		cmocka_unit_test(the_terminal_is_as_it_was_whatever_ends_the_question),
		cmocka_unit_test(where_nobody_is_there_nobody_is_asked),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}

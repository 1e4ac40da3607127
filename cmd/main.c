#include "help.h"
#include "parse.h"
#include "print.h"
#include "report.h"

#include "base/file.h"
#include "base/secret.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int run(struct context *c, const struct command_line *line, struct err *e)
{
	bool is_locked = true;
	struct err why;
	int emptied;

	TRY(secret_arena_open(&is_locked, e));
	emptied = secret_empty_cores(&why);
	if (line->global.help)
		return help_print(c, line->cmd, e);
	if (line->global.version)
		return cmd_find("version")->run(c, NULL, e);
	if (!is_locked && line->cmd->needs & NEEDS_SECRETS)
		fputs("teectl: warning: the memory for secrets could not be locked and may be "
		      "swapped (ulimit -l)\n",
		      stderr);
	if (emptied < 0 && line->cmd->needs & NEEDS_SECRETS)
		fprintf(stderr,
		        "teectl: warning: %s; a core file could hold secrets (ulimit -c 0)\n",
		        why.text);
	TRY(context_open(c, e));
	return line->cmd->run(c, line->args, e);
}

/* Whoever read the pipe has seen enough; that is no fault of the verb. */
static bool is_reader_gone(void)
{
	struct pollfd out = { STDOUT_FILENO, 0, 0 };

	return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

int main(int argc, char **argv)
{
	AUTO(command_line) struct command_line line = { 0 };
	AUTO(context) struct context c = { .interrupt_fd = -1 };
	enum err_code code = ERR_COUNT; /* none */
	struct err e;

	(void)argc;
	/* Write errors are told by print_close, with their reason. */
	signal(SIGPIPE, SIG_IGN);
	/* Whoever starts it may ignore it, and then no child could be waited for. */
	signal(SIGCHLD, SIG_DFL);
	/* libcurl would write the keys of every TLS connection to the file that it names. */
	unsetenv("SSLKEYLOGFILE");
	if (file_hold_standard(&e) < 0) {
		fprintf(stderr, "teectl: %s\n", e.text);
		return err_info(e.code)->exit_status;
	}
	if (command_line_parse(cmd_table, argv, &line, &c.cmd, &e) < 0) {
		c.global.output = (int)command_line_output(argv);
		report_error(&c, &e);
		code = e.code;
	} else {
		c.cmd = line.cmd;
		c.global = line.global;
		if (run(&c, &line, &e) < 0) {
			report_error(&c, &e);
			code = e.code;
		}
	}
	progress_clear(&c.progress);
	if (print_close(&e) < 0 && !is_reader_gone()) {
		fprintf(stderr, "teectl: %s\n", e.text);
		return err_info(e.code)->exit_status;
	}
	return code == ERR_COUNT ? 0 : err_info(code)->exit_status;
}

/* The command line, read by the tables of cmd.h. */
#ifndef TEECTL_CMD_PARSE_H
#define TEECTL_CMD_PARSE_H

#include "cmd.h"

struct command_line {
	const struct cmd *cmd; /* NULL: no verb, only with --help or --version */
	struct globals global;
	void *args; /* the verb's struct */
};

/* Long options as --name VALUE or --name=VALUE, letters as -f VALUE, -fVALUE or joined flags; "--"
 * ends the options. Values are borrowed from argv and the environment.
 *
 * table  NULL-terminated
 * argv   with the program's name first, NULL-terminated
 * fails  ERR_USAGE; with *ret_cmd set, where the verb was understood, for the hint */
MUST_CHECK int command_line_parse(const struct cmd *const *table, char *const *argv,
                                  struct command_line *ret, const struct cmd **ret_cmd,
                                  struct err *e);
void command_line_drop(struct command_line *line);

/* The -o of a command line that could not be parsed, as far as one can be made out. */
enum output command_line_output(char *const *argv);

/* "TEECTL_FROM" of --from. */
#define VARIABLE_MAX 64
void opt_variable(const struct opt *opt, char to[static VARIABLE_MAX]);

#endif

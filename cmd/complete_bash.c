#include "complete.h"
#include "help.h"

#include <stdio.h>
#include <string.h>

/* The line that fills COMPREPLY with values of that row. */
static int bash_value(struct buf *to, const struct opt *opt, struct err *e)
{
	switch (opt->kind) {
	case OPT_FILE:
		return buf_add_text(to, "_teectl_reply -o filenames -f\n", e);
	case OPT_FOLDER:
		return buf_add_text(to, "_teectl_reply -o filenames -d\n", e);
	case OPT_NODE:
		return buf_add_text(to, "_teectl_reply -o default -W \"$(_teectl_nodes)\"\n", e);
	case OPT_SELECTOR:
		return buf_add_text(to, "_teectl_selectors\n", e);
	case OPT_VERB:
		return buf_add_text(to, "_teectl_verb_words\n", e);
	case OPT_WORD:
		TRY(buf_add_text(to, "_teectl_reply -o default -W '", e));
		TRY(complete_words(to, opt->words, e));
		return buf_add_text(to, "'\n", e);
	default:
		return buf_add_text(to, ":\n", e);
	}
}

static int bash_option_values(struct buf *to, const char *verb, const struct opt *opts,
                              size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct opt *opt = &opts[i];

		if (!opt->name || opt->kind == OPT_FLAG)
			continue;
		TRY(buf_add_format(to, e, "\t%s:--%s", verb, opt->name));
		if (opt->letter)
			TRY(buf_add_format(to, e, " | %s:-%c", verb, opt->letter));
		TRY(buf_add_text(to, ")\n\t\t", e));
		TRY(bash_value(to, opt, e));
		TRY(buf_add_text(to, "\t\treturn ;;\n", e));
	}
	return 0;
}

static int add_option_names(struct buf *to, const struct opt *opts, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (opts[i].name)
			TRY(buf_add_format(to, e, " --%s", opts[i].name));
	return 0;
}

static const struct opt *operand_of(const struct cmd *cmd)
{
	for (size_t i = 0; i < cmd->opt_count; i++)
		if (!cmd->opts[i].name)
			return &cmd->opts[i];
	return NULL;
}

static int bash_verb(struct buf *to, const struct cmd *cmd, struct err *e)
{
	const struct opt *operand = operand_of(cmd);

	TRY(buf_add_format(to, e, "\t'%s')\n\t\toptions=\"$globals", cmd->name));
	TRY(add_option_names(to, cmd->opts, cmd->opt_count, e));
	TRY(buf_add_text(to,
	                 "\"\n"
	                 "\t\tif [[ $word == -* ]]; then\n"
	                 "\t\t\t_teectl_reply -o default -W \"$options\"\n"
	                 "\t\telse\n"
	                 "\t\t\t",
	                 e));
	if (operand)
		TRY(bash_value(to, operand, e));
	else
		TRY(buf_add_text(to, "_teectl_reply -o default -W \"$options\"\n", e));
	return buf_add_text(to, "\t\tfi ;;\n", e);
}

static int bash_group(struct buf *to, const char *group, struct err *e)
{
	TRY(buf_add_format(to, e, "\t'%s')\n\t\t_teectl_reply -o default -W '", group));
	TRY(complete_group_words(to, group, e));
	return buf_add_text(to, "' ;;\n", e);
}

/* Words of a verb's name as an operand: the second after a first that has one. */
static int bash_verb_words(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to, "_teectl_verb_words() {\n\tcase $before in\n", e));
	for (size_t i = 0; cmd_table[i]; i++) {
		if (!complete_starts_group(cmd_table[i], group))
			continue;
		TRY(buf_add_format(to, e, "\t%s) _teectl_reply -o default -W '", group));
		TRY(complete_group_words(to, group, e));
		TRY(buf_add_text(to, "' ;;\n", e));
	}
	TRY(buf_add_text(to, "\t*) _teectl_reply -o default -W '", e));
	TRY(complete_first_words(to, e));
	return buf_add_text(to, "' ;;\n\tesac\n}\n\n", e);
}

static const char bash_start[] =
    "# bash completion of teectl, written by `make docs` from its table of verbs.\n\n"
    "# _teectl_reply -o OPTION COMPGEN-ARGUMENTS...\n"
    "_teectl_reply() {\n"
    "\tcompopt \"$1\" \"$2\"\n"
    "\tshift 2\n"
    "\tmapfile -t COMPREPLY < <(compgen \"$@\" -- \"$word\")\n"
    "}\n\n"
    "# The nodes of the cluster file that the line names.\n"
    "_teectl_nodes() {\n"
    "\t\"${COMP_WORDS[0]}\" ${file:+-f \"$file\"} completion --nodes -o table 2>/dev/null\n"
    "}\n\n"
    "# Names, labels and states; of a label that was begun, its values: \"=\" is a word of its own.\n"
    "_teectl_selectors() {\n"
    "\tlocal words\n"
    "\twords=$(\"${COMP_WORDS[0]}\" ${file:+-f \"$file\"} completion --selectors -o table 2>/dev/null)\n"
    "\t[[ -z $label ]] || words=$(grep -F \"$label=\" <<<\"$words\" | cut -d= -f2)\n"
    "\t_teectl_reply -o default -W \"$words\"\n"
    "}\n\n";

static const char bash_main[] =
    "_teectl() {\n"
    "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "\tlocal verb='' file='' label='' options i\n";

/* Finds the verb, and the word that a value belongs to: "=" is a word of its own in bash, behind an
 * option and behind a selector's label. */
static const char bash_scan[] = "\n"
                                "\tCOMPREPLY=()\n"
                                "\ti=$((COMP_CWORD - 1))\n"
                                "\tif [[ $word == = || $before == = ]]; then\n"
                                "\t\t[[ $word != = ]] && ((--i)) || word=''\n"
                                "\t\tbefore=${COMP_WORDS[i]}\n"
                                "\t\tif [[ $before != -* ]]; then\n"
                                "\t\t\tlabel=${before##*,} before=${COMP_WORDS[i - 1]}\n"
                                "\t\t\t[[ $before != = ]] || before=${COMP_WORDS[i - 2]}\n"
                                "\t\tfi\n"
                                "\tfi\n"
                                "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
                                "\t\tcase ${COMP_WORDS[i]} in\n";

static const char bash_words[] = "\t\t=) ((++i)) ;;\n"
                                 "\t\t-*) ;;\n"
                                 "\t\t*)\n"
                                 "\t\t\tcase $verb in\n";

/* How the scan steps over the globals that take a value; the cluster file's is kept. */
static int bash_globals(struct buf *to, struct err *e)
{
	for (size_t i = 0; i < global_opt_count; i++) {
		const struct opt *opt = &global_opts[i];
		bool is_file = strcmp(opt->name, "file") == 0;

		if (opt->kind == OPT_FLAG)
			continue;
		TRY(buf_add_format(to, e, "\t\t--%s", opt->name));
		if (opt->letter)
			TRY(buf_add_format(to, e, " | -%c", opt->letter));
		TRY(buf_add_format(to, e,
		                   ")\n"
		                   "\t\t\t[[ ${COMP_WORDS[i + 1]} == = ]] && ((++i))\n"
		                   "\t\t\t%s ;;\n",
		                   is_file ? "file=${COMP_WORDS[++i]}" : "((++i))"));
	}
	return 0;
}

int complete_bash(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to, bash_start, e));
	TRY(bash_verb_words(to, e));
	TRY(buf_add_text(to, bash_main, e));
	TRY(buf_add_text(to, "\tlocal globals='", e));
	for (size_t i = 0; i < global_opt_count; i++)
		TRY(buf_add_format(to, e, "%s--%s", i ? " " : "", global_opts[i].name));
	TRY(buf_add_text(to, "'\n", e));
	TRY(buf_add_text(to, bash_scan, e));
	TRY(bash_globals(to, e));
	TRY(buf_add_text(to, bash_words, e));
	TRY(buf_add_text(to, "\t\t\t'') verb=${COMP_WORDS[i]} ;;\n", e));
	for (size_t i = 0; cmd_table[i]; i++)
		if (complete_starts_group(cmd_table[i], group))
			TRY(buf_add_format(to, e, "\t\t\t%s) verb+=\" ${COMP_WORDS[i]}\" ;;\n",
			                   group));
	TRY(buf_add_text(to, "\t\t\tesac ;;\n\t\tesac\n\tdone\n\tcase $verb:$before in\n", e));
	TRY(bash_option_values(to, "*", global_opts, global_opt_count, e));
	for (size_t i = 0; cmd_table[i]; i++) {
		char quoted[WORD_MAX + 2];

		snprintf(quoted, sizeof(quoted), "'%s'", cmd_table[i]->name);
		TRY(bash_option_values(to, quoted, cmd_table[i]->opts, cmd_table[i]->opt_count, e));
	}
	TRY(buf_add_text(to, "\tesac\n\tcase $verb in\n", e));
	for (size_t i = 0; cmd_table[i]; i++) {
		if (complete_starts_group(cmd_table[i], group))
			TRY(bash_group(to, group, e));
		TRY(bash_verb(to, cmd_table[i], e));
	}
	TRY(buf_add_text(to, "\t'')\n\t\t_teectl_reply -o default -W \"$globals ", e));
	TRY(complete_first_words(to, e));
	return buf_add_text(to, "\" ;;\n\tesac\n}\n\ncomplete -F _teectl teectl\n", e);
}

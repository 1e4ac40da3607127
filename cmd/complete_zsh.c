#include "complete.h"
#include "help.h"

#include <stdio.h>
#include <string.h>

static int zsh_value(struct buf *to, const struct opt *opt, struct err *e)
{
	switch (opt->kind) {
	case OPT_FILE:
		return buf_add_text(to, "_files", e);
	case OPT_FOLDER:
		return buf_add_text(to, "_files -/", e);
	case OPT_NODE:
		return buf_add_text(to, "_teectl_nodes", e);
	case OPT_SELECTOR:
		return buf_add_text(to, "_teectl_selectors", e);
	case OPT_VERB:
		return buf_add_text(to, "_teectl_verb_words", e);
	case OPT_WORD:
		TRY(buf_add_text(to, "(", e));
		TRY(complete_words(to, opt->words, e));
		return buf_add_text(to, ")", e);
	default:
		return buf_add_text(to, " ", e);
	}
}

/* One specification of _arguments. */
static int zsh_option(struct buf *to, const struct opt *opt, const char *indent, struct err *e)
{
	TRY(buf_add_text(to, indent, e));
	if (opt->name && opt->letter)
		TRY(buf_add_format(to, e, "'(-%c --%s)'{-%c%s,--%s%s}'", opt->letter, opt->name,
		                   opt->letter, opt->kind == OPT_FLAG ? "" : "+", opt->name,
		                   opt->kind == OPT_FLAG ? "" : "="));
	else if (opt->name)
		TRY(buf_add_format(to, e, "'%s--%s%s", opt->is_list ? "*" : "", opt->name,
		                   opt->kind == OPT_FLAG ? "" : "="));
	else
		TRY(buf_add_text(to, opt->is_list ? "'*" : "'", e));
	if (opt->name) {
		TRY(buf_add_text(to, "[", e));
		TRY(complete_quoted(to, opt->doc, "[]:\\", e));
		TRY(buf_add_text(to, "]", e));
	}
	if (opt->kind == OPT_FLAG)
		return buf_add_text(to, "'\n", e);
	TRY(buf_add_format(to, e, ":%s:", opt->metavar));
	TRY(zsh_value(to, opt, e));
	return buf_add_text(to, "'\n", e);
}

static int zsh_verb(struct buf *to, const struct cmd *cmd, const char *word, struct err *e)
{
	TRY(buf_add_format(to, e, "\t%s)\n\t\targuments=(\n", word));
	for (size_t i = 0; i < cmd->opt_count; i++)
		TRY(zsh_option(to, &cmd->opts[i], "\t\t\t", e));
	return buf_add_text(to, "\t\t) ;;\n", e);
}

static int zsh_group(struct buf *to, const char *group, struct err *e)
{
	size_t len = strlen(group);

	TRY(buf_add_format(to, e, "_teectl_%s() {\n\tlocal -a verbs=(\n", group));
	for (size_t i = 0; cmd_table[i]; i++) {
		if (strncmp(cmd_table[i]->name, group, len) != 0 || cmd_table[i]->name[len] != ' ')
			continue;
		TRY(buf_add_format(to, e, "\t\t'%s:", cmd_table[i]->name + len + 1));
		TRY(complete_quoted(to, cmd_table[i]->summary, ":\\", e));
		TRY(buf_add_text(to, "'\n", e));
	}
	return buf_add_text(to, "\t)\n\t_describe verb verbs\n}\n\n", e);
}

static int zsh_verbs(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to, "_teectl_verbs() {\n\tlocal -a verbs=(\n", e));
	for (size_t i = 0; cmd_table[i]; i++) {
		const char *name = cmd_table[i]->name;

		if (complete_starts_group(cmd_table[i], group)) {
			TRY(buf_add_format(to, e, "\t\t'%s:", group));
			TRY(complete_group_words(to, group, e));
			TRY(buf_add_text(to, "'\n", e));
		} else if (!strchr(name, ' ')) {
			TRY(buf_add_format(to, e, "\t\t'%s:", name));
			TRY(complete_quoted(to, cmd_table[i]->summary, ":\\", e));
			TRY(buf_add_text(to, "'\n", e));
		}
	}
	return buf_add_text(to, "\t)\n\t_describe verb verbs\n}\n\n", e);
}

static const char zsh_start[] =
    "#compdef teectl\n"
    "# zsh completion of teectl, written by `make docs` from its table of verbs.\n\n"
    "# The nodes of the cluster file that the line names.\n"
    "_teectl_nodes() {\n"
    "\tlocal -a nodes=(${(f)\"$(teectl ${teectl_file:+-f} $teectl_file completion --nodes -o table "
    "2>/dev/null)\"})\n"
    "\tcompadd -a nodes\n"
    "}\n\n"
    "# Names, labels and states of them.\n"
    "_teectl_selectors() {\n"
    "\tlocal -a words=(${(f)\"$(teectl ${teectl_file:+-f} $teectl_file completion --selectors "
    "2>/dev/null)\"})\n"
    "\tcompadd -a words\n"
    "}\n\n";

static int zsh_groups(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	for (size_t i = 0; cmd_table[i]; i++) {
		if (!complete_starts_group(cmd_table[i], group))
			continue;
		TRY(buf_add_format(to, e,
		                   "\t%s)\n"
		                   "\t\t_arguments -C $globals '1: :_teectl_%s' '*:: :->rest'\n"
		                   "\t\t[[ $state == rest ]] || return\n"
		                   "\t\tverb+=\" $words[1]\" ;;\n",
		                   group, group));
	}
	return 0;
}

/* Words of a verb's name as an operand: the second after a first that has one. */
static int zsh_verb_words(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to, "_teectl_verb_words() {\n\tcase $words[CURRENT-1] in\n", e));
	for (size_t i = 0; cmd_table[i]; i++)
		if (complete_starts_group(cmd_table[i], group))
			TRY(buf_add_format(to, e, "\t%s) _teectl_%s ;;\n", group, group));
	return buf_add_text(to, "\t*) _teectl_verbs ;;\n\tesac\n}\n\n", e);
}

int complete_zsh(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to, zsh_start, e));
	TRY(zsh_verbs(to, e));
	for (size_t i = 0; cmd_table[i]; i++)
		if (complete_starts_group(cmd_table[i], group))
			TRY(zsh_group(to, group, e));
	TRY(zsh_verb_words(to, e));
	TRY(buf_add_text(to,
	                 "_teectl() {\n"
	                 "\tlocal state verb teectl_file curcontext=$curcontext\n"
	                 "\tlocal -A opt_args\n"
	                 "\tlocal -a line arguments\n"
	                 "\tlocal -a globals=(\n",
	                 e));
	for (size_t i = 0; i < global_opt_count; i++)
		TRY(zsh_option(to, &global_opts[i], "\t\t", e));
	TRY(buf_add_text(to,
	                 "\t)\n\n"
	                 "\t_arguments -C $globals '1: :_teectl_verbs' '*:: :->rest'\n"
	                 "\t[[ $state == rest ]] || return\n"
	                 "\tteectl_file=${opt_args[-f]:-$opt_args[--file]}\n"
	                 "\tverb=$words[1]\n"
	                 "\tstate=\n"
	                 "\tcase $verb in\n",
	                 e));
	TRY(zsh_groups(to, e));
	TRY(buf_add_text(to, "\tesac\n\tcase $verb in\n", e));
	for (size_t i = 0; cmd_table[i]; i++) {
		char word[WORD_MAX + 2];

		snprintf(word, sizeof(word), "'%s'", cmd_table[i]->name);
		TRY(zsh_verb(to, cmd_table[i], word, e));
	}
	return buf_add_text(to, "\tesac\n\t_arguments $globals $arguments\n}\n\n_teectl \"$@\"\n",
	                    e);
}

#include "complete.h"
#include "help.h"

#include <stdio.h>
#include <string.h>

static int fish_value(struct buf *to, const struct opt *opt, struct err *e)
{
	switch (opt->kind) {
	case OPT_FLAG:
		return 0;
	case OPT_FILE:
		return buf_add_text(to, " -r -F", e);
	case OPT_FOLDER:
		return buf_add_text(to, " -x -a '(__fish_complete_directories)'", e);
	case OPT_NODE:
		return buf_add_text(to, " -x -a '(__teectl_nodes)'", e);
	case OPT_SELECTOR:
		return buf_add_text(to, " -x -a '(__teectl_nodes --selectors)'", e);
	case OPT_VERB:
		return buf_add_text(to, " -x -a '(__teectl_verb_words)'", e);
	case OPT_WORD:
		TRY(buf_add_text(to, " -x -a '", e));
		TRY(complete_words(to, opt->words, e));
		return buf_add_text(to, "'", e);
	default:
		return buf_add_text(to, " -x", e);
	}
}

/* condition: "" or " -n '...'" */
static int fish_option(struct buf *to, const struct opt *opt, const char *condition, struct err *e)
{
	/* fish would take an operand that needs no completion for one that has files. */
	if (!opt->name && opt->kind != OPT_FILE && opt->kind != OPT_FOLDER &&
	    opt->kind != OPT_NODE && opt->kind != OPT_SELECTOR && opt->kind != OPT_VERB &&
	    opt->kind != OPT_WORD)
		return 0;
	TRY(buf_add_format(to, e, "complete -c teectl%s", condition));
	if (opt->name && opt->letter)
		TRY(buf_add_format(to, e, " -s %c", opt->letter));
	if (opt->name)
		TRY(buf_add_format(to, e, " -l %s", opt->name));
	TRY(fish_value(to, opt, e));
	TRY(buf_add_text(to, " -d '", e));
	TRY(complete_quoted(to, opt->doc, "\\", e));
	return buf_add_text(to, "'\n", e);
}

static int fish_verb(struct buf *to, const struct cmd *cmd, struct err *e)
{
	char condition[4 * WORD_MAX];

	snprintf(condition, sizeof(condition), " -n '__teectl_is \"%s\"'", cmd->name);
	for (size_t i = 0; i < cmd->opt_count; i++)
		TRY(fish_option(to, &cmd->opts[i], condition, e));
	return 0;
}

/* The word that leads to a verb, after `before` ("" or its group). */
static int fish_word(struct buf *to, const char *before, const char *word, const char *doc,
                     struct err *e)
{
	TRY(buf_add_format(to, e, "complete -c teectl -n '__teectl_is \"%s\"' -a '%s' -d '", before,
	                   word));
	TRY(complete_quoted(to, doc, "\\", e));
	return buf_add_text(to, "'\n", e);
}

static const char fish_start[] =
    "# fish completion of teectl, written by `make docs` from its table of verbs.\n\n"
    "# The words of the verb so far, without options and their values.\n"
    "function __teectl_words\n"
    "    set -l skip 0\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "        else if contains -- $word $__teectl_valued\n"
    "            set skip 1\n"
    "        else if not string match -q -- '-*' $word\n"
    "            echo $word\n"
    "        end\n"
    "    end\n"
    "end\n\n";

/* A verb of two words is looked for before its operands: "member keygen x" is "member keygen". */
static const char fish_is[] =
    "function __teectl_is\n"
    "    set -l words (__teectl_words)\n"
    "    set -l verb $words[1]\n"
    "    contains -- \"$verb\" $__teectl_groups; and set verb $words[1..2]\n"
    "    test \"$verb\" = \"$argv[1]\"\n"
    "end\n\n"
    "# The nodes of the cluster file that the line names, or what selectors are made of.\n"
    "function __teectl_nodes\n"
    "    set -l what $argv --nodes\n"
    "    set -l file\n"
    "    set -l before\n"
    "    for word in (commandline -opc)\n"
    "        if contains -- \"$before\" -f --file\n"
    "            set file -f $word\n"
    "        else if string match -q -- '--file=*' $word\n"
    "            set file $word\n"
    "        end\n"
    "        set before $word\n"
    "    end\n"
    "    teectl $file completion $what[1] -o table 2>/dev/null\n"
    "end\n"
    "\n"
    "complete -c teectl -f\n";

/* Words of a verb's name as an operand: the second after a first that has one. */
static int fish_verb_words(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to,
	                 "\nfunction __teectl_verb_words\n"
	                 "    switch (commandline -opc)[-1]\n",
	                 e));
	for (size_t i = 0; cmd_table[i]; i++) {
		if (!complete_starts_group(cmd_table[i], group))
			continue;
		TRY(buf_add_format(to, e, "        case %s\n            string split ' ' '",
		                   group));
		TRY(complete_group_words(to, group, e));
		TRY(buf_add_text(to, "'\n", e));
	}
	TRY(buf_add_text(to, "        case '*'\n            string split ' ' '", e));
	TRY(complete_first_words(to, e));
	return buf_add_text(to, "'\n    end\nend\n\n", e);
}

int complete_fish(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	TRY(buf_add_text(to, fish_start, e));
	TRY(buf_add_text(to, "# Options before the verb that take a value.\nset -g __teectl_valued",
	                 e));
	for (size_t i = 0; i < global_opt_count; i++) {
		if (global_opts[i].kind == OPT_FLAG)
			continue;
		TRY(buf_add_format(to, e, " --%s", global_opts[i].name));
		if (global_opts[i].letter)
			TRY(buf_add_format(to, e, " -%c", global_opts[i].letter));
	}
	TRY(buf_add_text(to, "\nset -g __teectl_groups", e));
	for (size_t i = 0; cmd_table[i]; i++)
		if (complete_starts_group(cmd_table[i], group))
			TRY(buf_add_format(to, e, " %s", group));
	TRY(buf_add_text(to, "\n", e));
	TRY(buf_add_text(to, fish_is, e));
	TRY(fish_verb_words(to, e));
	for (size_t i = 0; i < global_opt_count; i++)
		TRY(fish_option(to, &global_opts[i], "", e));
	for (size_t i = 0; cmd_table[i]; i++) {
		const char *name = cmd_table[i]->name, *space = strchr(name, ' ');
		char first[WORD_MAX];

		snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, " "), name);
		if (complete_starts_group(cmd_table[i], group))
			TRY(fish_word(to, "", group, "several verbs", e));
		if (space)
			TRY(fish_word(to, first, space + 1, cmd_table[i]->summary, e));
		else
			TRY(fish_word(to, "", name, cmd_table[i]->summary, e));
		TRY(fish_verb(to, cmd_table[i], e));
	}
	return 0;
}

#include "complete.h"

#include <stdio.h>
#include <string.h>

/* In single quotes for any of the three shells; extra: characters that get a backslash too. */
int complete_quoted(struct buf *to, const char *text, const char *extra, struct err *e)
{
	for (; *text; text++) {
		if (*text == '\'')
			TRY(buf_add_text(to, "'\\''", e));
		else if (strchr(extra, *text))
			TRY(buf_add_format(to, e, "\\%c", *text));
		else
			TRY(buf_add_u8(to, (uint8_t)*text, e));
	}
	return 0;
}

static bool is_before(const struct cmd *cmd, const char *group)
{
	for (size_t i = 0; cmd_table[i] != cmd; i++)
		if (strncmp(cmd_table[i]->name, group, strlen(group)) == 0 &&
		    cmd_table[i]->name[strlen(group)] == ' ')
			return true;
	return false;
}

/* First word of a verb of two words, the first time that the table has it. */
bool complete_starts_group(const struct cmd *cmd, char group[static WORD_MAX])
{
	const char *space = strchr(cmd->name, ' ');

	if (!space)
		return false;
	snprintf(group, WORD_MAX, "%.*s", (int)(space - cmd->name), cmd->name);
	return !is_before(cmd, group);
}

/* Second words of a group, with spaces between. */
int complete_group_words(struct buf *to, const char *group, struct err *e)
{
	size_t len = strlen(group);
	bool is_first = true;

	for (size_t i = 0; cmd_table[i]; i++) {
		const char *name = cmd_table[i]->name;

		if (strncmp(name, group, len) != 0 || name[len] != ' ')
			continue;
		TRY(buf_add_format(to, e, "%s%s", is_first ? "" : " ", name + len + 1));
		is_first = false;
	}
	return 0;
}

int complete_first_words(struct buf *to, struct err *e)
{
	char group[WORD_MAX];

	for (size_t i = 0; cmd_table[i]; i++) {
		const char *space = i ? " " : "";

		if (complete_starts_group(cmd_table[i], group))
			TRY(buf_add_format(to, e, "%s%s", space, group));
		else if (!strchr(cmd_table[i]->name, ' '))
			TRY(buf_add_format(to, e, "%s%s", space, cmd_table[i]->name));
	}
	return 0;
}

int complete_words(struct buf *to, const char *const *words, struct err *e)
{
	for (size_t i = 0; words[i]; i++)
		TRY(buf_add_format(to, e, "%s%s", i ? " " : "", words[i]));
	return 0;
}

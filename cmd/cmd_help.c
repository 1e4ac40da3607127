#include "cmd.h"
#include "help.h"
#include "print.h"

#include "base/text.h"

#include <string.h>

struct help_args {
	const char *man;
	bool pages;
	struct text_list verb;
};

static const struct opt opts[] = {
	{ .name = "man",
	  .kind = OPT_TEXT,
	  .metavar = "PAGE",
	  .offset = offsetof(struct help_args, man),
	  .doc = "print the source of a manual page, such as teectl.1" },
	{ .name = "pages",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct help_args, pages),
	  .doc = "print the names of all manual pages" },
	{ .kind = OPT_VERB,
	  .is_list = true,
	  .metavar = "VERB",
	  .offset = offsetof(struct help_args, verb),
	  .doc = "the verb to explain; without one, all are listed" },
};

/* -o json of --pages and --man. */
struct help_pages {
	struct wire_list pages;
};
static const struct wire_field help_pages_fields[] = {
	JSON_LIST(help_pages, pages, printed_line_schema),
};
static const struct wire_schema help_pages_schema = JSON_SCHEMA(help_pages, help_pages_fields);
WIRE_DROP(help_pages);

struct help_page {
	struct buf page, text;
};
static const struct wire_field help_page_fields[] = {
	JSON_TEXT(help_page, page),
	JSON_TEXT(help_page, text),
};
static const struct wire_schema help_page_schema = JSON_SCHEMA(help_page, help_page_fields);
WIRE_DROP(help_page);

static int print_pages(struct context *c, struct err *e)
{
	AUTO(help_pages) struct help_pages reply = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);

	TRY(man_pages(&text, e));
	if (c->global.output == OUTPUT_TABLE)
		print_raw(buf_view(&text));
	TRY(printed_lines(buf_text(&text), &reply.pages, e));
	return print_json(c, &help_pages_schema, &reply, e);
}

static int print_page(struct context *c, const char *name, struct err *e)
{
	AUTO(help_page) struct help_page reply = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);

	TRY(man_page(name, &text, e));
	if (c->global.output == OUTPUT_TABLE)
		print_raw(buf_view(&text));
	TRY(wire_set_text(&reply.page, name, e));
	TRY(wire_set_text(&reply.text, buf_text(&text), e));
	return print_json(c, &help_page_schema, &reply, e);
}

/* "recover drill": the verb of whose own words the last one is. */
static const struct cmd *find_by_word(const char *name)
{
	for (size_t i = 0; cmd_table[i]; i++) {
		const struct cmd *cmd = cmd_table[i];
		size_t len = strlen(cmd->name);

		if (strncmp(name, cmd->name, len) != 0 || name[len] != ' ')
			continue;
		for (size_t j = 0; j < cmd->opt_count; j++)
			for (const char *const *word = cmd->opts[j].words;
			     !cmd->opts[j].name && word && *word; word++)
				if (strcmp(name + len + 1, *word) == 0)
					return cmd;
	}
	return NULL;
}

/* The verb of those words. */
static int find_verb(struct context *c, const struct text_list *words, const struct cmd **ret,
                     struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(DOCUMENT_TEXT_MAX);
	const char *names[CMD_COUNT_MAX + 1], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < words->count; i++)
		TRY(buf_add_format(&name, e, "%s%s", i ? " " : "", words->items[i]));
	*ret = cmd_find(buf_text(&name));
	if (!*ret)
		*ret = find_by_word(buf_text(&name));
	if (*ret)
		return 0;
	context_hint(c, "teectl help lists the verbs");
	for (; cmd_table[count] && count < CMD_COUNT_MAX; count++)
		names[count] = cmd_table[count]->name;
	names[count] = NULL;
	nearest = text_nearest(buf_text(&name), names);
	if (nearest)
		return err_set(e, ERR_USAGE, "no verb '%s'; did you mean '%s'?", buf_text(&name),
		               nearest);
	return err_set(e, ERR_USAGE, "no verb '%s'", buf_text(&name));
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct help_args *args = arguments;
	const struct cmd *cmd = NULL;
	bool is_group = false;

	if (args->man)
		return print_page(c, args->man, e);
	if (args->pages)
		return print_pages(c, e);
	if (args->verb.count == 1) {
		TRY(help_print_group(c, args->verb.items[0], &is_group, e));
		if (is_group)
			return 0;
	}
	if (args->verb.count)
		TRY(find_verb(c, &args->verb, &cmd, e));
	return help_print(c, cmd, e);
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "list the verbs, or explain one",
	.details =
	    "Prints what teectl can do, or what one verb does, its options and its exit statuses. "
	    "`teectl VERB --help` is the same. With -o json it is an object with the tables: verbs, "
	    "their options, examples and exit statuses.\n\n"
	    "The manual pages hold the same text. --man prints the source of one, in mdoc(7); "
	    "with `man -l -` or mandoc(1) it can be read where they are not installed.",
	.examples = { { "teectl help", "list the verbs" },
	              { "teectl help member keygen", "explain one" },
	              { "teectl help --man teectl-cluster.5 | man -l -",
	                "read a manual page that is not installed" },
	              { "teectl help -o json", "all verbs and options for a script" } },
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct help_args),
	.run = run,
};

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

struct help_option {
	struct buf name, letter, metavar, doc, fallback;
	bool has_name, has_letter, has_metavar, has_fallback, required, list;
};
static const struct wire_field help_option_fields[] = {
	JSON_MAYBE(help_option, name, struct buf, has_name, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
	JSON_MAYBE(help_option, letter, struct buf, has_letter, .kind = WIRE_TEXT, .max = 1),
	JSON_MAYBE(help_option, metavar, struct buf, has_metavar, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
	JSON_BOOL(help_option, required),
	JSON_BOOL(help_option, list),
	JSON_MAYBE(help_option, fallback, struct buf, has_fallback, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
	JSON_TEXT(help_option, doc),
};
static const struct wire_schema help_option_schema = JSON_SCHEMA(help_option, help_option_fields);

struct help_exit {
	int64_t status;
	struct buf words;
};
static const struct wire_field help_exit_fields[] = {
	JSON_NUMBER(help_exit, status),
	JSON_TEXT(help_exit, words),
};
static const struct wire_schema help_exit_schema = JSON_SCHEMA(help_exit, help_exit_fields);

struct help_verb {
	struct buf name, summary;
	struct wire_list options, exit_statuses;
};
static const struct wire_field help_verb_fields[] = {
	JSON_TEXT(help_verb, name),
	JSON_TEXT(help_verb, summary),
	JSON_LIST(help_verb, options, help_option_schema),
	JSON_LIST(help_verb, exit_statuses, help_exit_schema),
};
static const struct wire_schema help_verb_schema = JSON_SCHEMA(help_verb, help_verb_fields);

struct help_reply {
	struct wire_list verbs;
};
static const struct wire_field help_reply_fields[] = {
	JSON_LIST(help_reply, verbs, help_verb_schema),
};
static const struct wire_schema help_reply_schema = JSON_SCHEMA(help_reply, help_reply_fields);
WIRE_DROP(help_reply);

static int set_maybe(struct buf *to, bool *has, const char *text, struct err *e)
{
	*has = text != NULL;
	return text ? wire_set_text(to, text, e) : 0;
}

static int add_option(struct help_verb *verb, const struct opt *opt, struct err *e)
{
	const char letter[] = { opt->letter, 0 };
	struct help_option *o;

	TRY(wire_list_add(&verb->options, &help_option_schema, &o, e));
	TRY(set_maybe(&o->name, &o->has_name, opt->name, e));
	TRY(set_maybe(&o->letter, &o->has_letter, opt->letter ? letter : NULL, e));
	TRY(set_maybe(&o->metavar, &o->has_metavar, opt->metavar, e));
	TRY(set_maybe(&o->fallback, &o->has_fallback, opt->fallback, e));
	o->required = opt->is_required;
	o->list = opt->is_list;
	return wire_set_text(&o->doc, opt->doc, e);
}

static int add_verb(struct help_reply *reply, const struct cmd *cmd, struct err *e)
{
	struct help_verb *verb;
	struct help_exit *status;

	TRY(wire_list_add(&reply->verbs, &help_verb_schema, &verb, e));
	TRY(wire_set_text(&verb->name, cmd->name, e));
	TRY(wire_set_text(&verb->summary, cmd->summary, e));
	for (size_t i = 0; i < cmd->opt_count; i++)
		TRY(add_option(verb, &cmd->opts[i], e));
	for (size_t i = 0; i < global_opt_count; i++)
		if (help_lists_global(cmd, &global_opts[i]))
			TRY(add_option(verb, &global_opts[i], e));
	for (const struct exit_row *row = exit_rows; row->words; row++) {
		if (!cmd_may_exit(cmd, row->status))
			continue;
		TRY(wire_list_add(&verb->exit_statuses, &help_exit_schema, &status, e));
		status->status = row->status;
		TRY(wire_set_text(&status->words, row->words, e));
	}
	return 0;
}

static int print_reply(struct context *c, const struct cmd *cmd, struct err *e)
{
	AUTO(help_reply) struct help_reply reply = { 0 };

	for (size_t i = 0; cmd_table[i]; i++)
		if (!cmd || cmd == cmd_table[i])
			TRY(add_verb(&reply, cmd_table[i], e));
	return print_json(c, &help_reply_schema, &reply, e);
}

/* The verb of those words; a group's first word alone lists nothing: its verbs are in the overview.
 */
static int find_verb(struct context *c, const struct text_list *words, const struct cmd **ret,
                     struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(DOCUMENT_TEXT_MAX);
	const char *names[CMD_COUNT_MAX + 1], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < words->count; i++)
		TRY(buf_add_format(&name, e, "%s%s", i ? " " : "", words->items[i]));
	*ret = cmd_find(buf_text(&name));
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
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);
	const struct help_args *args = arguments;
	const struct cmd *cmd = NULL;
	bool is_group = false;

	if (args->man)
		TRY(man_page(args->man, &text, e));
	else if (args->pages)
		TRY(man_pages(&text, e));
	if (args->man || args->pages) {
		print_raw(buf_view(&text));
		return 0;
	}
	if (args->verb.count == 1 && c->global.output == OUTPUT_TABLE) {
		TRY(help_print_group(args->verb.items[0], &is_group, e));
		if (is_group)
			return 0;
	}
	if (args->verb.count)
		TRY(find_verb(c, &args->verb, &cmd, e));
	if (c->global.output != OUTPUT_TABLE)
		return print_reply(c, cmd, e);
	return help_print(cmd, e);
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "list the verbs, or explain one",
	.details =
	    "Prints what teectl can do, or what one verb does, its options and its exit statuses. "
	    "`teectl VERB --help` is the same.\n\n"
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

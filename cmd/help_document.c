/* Help as a document: what -o json has of the verbs, from the same rows. */
#include "help.h"
#include "print.h"

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

struct help_example {
	struct buf command, doc;
};
static const struct wire_field help_example_fields[] = {
	JSON_TEXT(help_example, command),
	JSON_TEXT(help_example, doc),
};
static const struct wire_schema help_example_schema =
    JSON_SCHEMA(help_example, help_example_fields);

struct help_verb {
	struct buf name, summary, synopsis, details;
	struct wire_list options, examples, exit_statuses;
};
static const struct wire_field help_verb_fields[] = {
	JSON_TEXT(help_verb, name),
	JSON_TEXT(help_verb, summary),
	JSON_TEXT(help_verb, synopsis),
	JSON_TEXT(help_verb, details),
	JSON_LIST(help_verb, options, help_option_schema),
	JSON_LIST(help_verb, examples, help_example_schema),
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

static int add_texts(struct help_verb *verb, const struct cmd *cmd, struct err *e)
{
	AUTO(buf) struct buf rest = BUF_INIT(DOCUMENT_TEXT_MAX);
	AUTO(buf) struct buf synopsis = BUF_INIT(DOCUMENT_TEXT_MAX);

	TRY(help_synopsis(cmd, &rest, e));
	TRY(buf_add_format(&synopsis, e, "teectl %s%s", cmd->name, buf_text(&rest)));
	TRY(wire_set_text(&verb->name, cmd->name, e));
	TRY(wire_set_text(&verb->summary, cmd->summary, e));
	TRY(wire_set_text(&verb->synopsis, buf_text(&synopsis), e));
	return wire_set_text(&verb->details, cmd->details, e);
}

static int add_options(struct help_verb *verb, const struct cmd *cmd, struct err *e)
{
	for (size_t i = 0; i < cmd->opt_count; i++)
		TRY(add_option(verb, &cmd->opts[i], e));
	for (size_t i = 0; i < global_opt_count; i++)
		if (help_lists_global(cmd, &global_opts[i]))
			TRY(add_option(verb, &global_opts[i], e));
	return 0;
}

static int add_examples(struct help_verb *verb, const struct cmd *cmd, struct err *e)
{
	for (size_t i = 0; i < CMD_EXAMPLES_MAX && cmd->examples[i].command; i++) {
		struct help_example *example;

		TRY(wire_list_add(&verb->examples, &help_example_schema, &example, e));
		TRY(wire_set_text(&example->command, cmd->examples[i].command, e));
		TRY(wire_set_text(&example->doc, cmd->examples[i].doc, e));
	}
	return 0;
}

static int add_exits(struct help_verb *verb, const struct cmd *cmd, struct err *e)
{
	for (const struct exit_row *row = exit_rows; row->words; row++) {
		struct help_exit *status;

		if (!cmd_may_exit(cmd, row->status))
			continue;
		TRY(wire_list_add(&verb->exit_statuses, &help_exit_schema, &status, e));
		status->status = row->status;
		TRY(wire_set_text(&status->words, row->words, e));
	}
	return 0;
}

static int add_verb(struct help_reply *reply, const struct cmd *cmd, struct err *e)
{
	struct help_verb *verb;

	TRY(wire_list_add(&reply->verbs, &help_verb_schema, &verb, e));
	TRY(add_texts(verb, cmd, e));
	TRY(add_options(verb, cmd, e));
	TRY(add_examples(verb, cmd, e));
	return add_exits(verb, cmd, e);
}

int help_document(struct context *c, const struct cmd *const *verbs, size_t count, struct err *e)
{
	AUTO(help_reply) struct help_reply reply = { 0 };

	for (size_t i = 0; i < count; i++)
		TRY(add_verb(&reply, verbs[i], e));
	return print_json(c, &help_reply_schema, &reply, e);
}

#include "help.h"

#include "parse.h"
#include "print.h"
#include "terminal.h"

#include <stdio.h>
#include <string.h>

#define TEXT_WIDTH 80  /* help is wrapped there, on any terminal: it is read more than measured */
#define LEFT_WIDTH 26  /* of the column with options; what is longer has a line of its own */
#define LEFT_MAX   128 /* "-o, --output FORM" */

const char help_purpose[] =
    "teectl drives a cluster of trusted execution environments that share one quorum key: it "
    "launches and verifies enclaves, has the key born in one of them, injects the members' "
    "shares, and forwards the key from enclave to enclave. It reads one YAML file that says what "
    "the cluster should be, and never holds the key itself.";

/* Words of one paragraph (up to len bytes) from column `indent` on; `at` is where the line stands.
 */
static int wrap_paragraph(struct buf *to, const char *text, size_t len, size_t indent, size_t at,
                          struct err *e)
{
	bool is_first = true;

	while (len > 0) {
		size_t word = strcspn(text, " \n");

		word = word < len ? word : len;
		if (word > 0 && !is_first && at + 1 + word > TEXT_WIDTH) {
			TRY(buf_add_format(to, e, "\n%*s", (int)indent, ""));
			at = indent;
		} else if (word > 0 && !is_first) {
			TRY(buf_add_text(to, " ", e));
			at++;
		}
		TRY(buf_add(to, view_new(text, word), e));
		at += word;
		is_first = is_first && word == 0;
		text += word + (word < len);
		len -= word + (word < len);
	}
	return buf_add_text(to, "\n", e);
}

/* Paragraphs, with the empty lines between them. */
static int wrap(struct buf *to, const char *text, size_t indent, struct err *e)
{
	for (;;) {
		const char *end = strstr(text, "\n\n");

		TRY(buf_add_format(to, e, "%*s", (int)indent, ""));
		TRY(wrap_paragraph(to, text, end ? (size_t)(end - text) : strlen(text), indent,
		                   indent, e));
		if (!end)
			return 0;
		TRY(buf_add_text(to, "\n", e));
		text = end + 2;
	}
}

/* "  left        right, wrapped" */
static int add_row(struct buf *to, const char *left, const char *right, struct err *e)
{
	size_t len = text_width(left);

	TRY(buf_add_format(to, e, "  %s", left));
	if (len + 2 > LEFT_WIDTH - 2)
		TRY(buf_add_format(to, e, "\n%*s", LEFT_WIDTH, ""));
	else
		TRY(buf_add_format(to, e, "%*s", (int)(LEFT_WIDTH - 2 - len), ""));
	return wrap_paragraph(to, right, strlen(right), LEFT_WIDTH, LEFT_WIDTH, e);
}

bool help_lists_global(const struct cmd *cmd, const struct opt *opt)
{
	unsigned state = NEEDS_STATE | NEEDS_CHANGE | NEEDS_RUN;

	if (strcmp(opt->name, "file") == 0)
		return cmd->needs & (NEEDS_CLUSTER | NEEDS_FILE | state);
	if (strcmp(opt->name, "state") == 0)
		return cmd->needs & state;
	if (strcmp(opt->name, "timeout") == 0)
		return cmd->timeout_ms || cmd->needs & (NEEDS_DEADLINE | NEEDS_RUN);
	return strcmp(opt->name, "version") != 0;
}

int help_synopsis(const struct cmd *cmd, struct buf *to, struct err *e)
{
	for (size_t i = 0; i < cmd->opt_count; i++) {
		const struct opt *opt = &cmd->opts[i];
		const char *dots = opt->is_list ? opt->name ? "[,...]" : " ..." : "";
		const char *open = opt->is_required ? "" : "[",
		           *close = opt->is_required ? "" : "]";

		if (opt->kind == OPT_FLAG)
			TRY(buf_add_format(to, e, " [--%s]", opt->name));
		else if (opt->name)
			TRY(buf_add_format(to, e, " %s--%s %s%s%s", open, opt->name, opt->metavar,
			                   dots, close));
		else
			TRY(buf_add_format(to, e, " %s%s%s%s", open, opt->metavar, dots, close));
	}
	return 0;
}

int help_doc(const struct opt *opt, struct buf *to, struct err *e)
{
	char variable[VARIABLE_MAX];

	TRY(buf_add_text(to, opt->doc, e));
	if (opt->kind == OPT_WORD && opt->words != output_names) {
		for (size_t i = 0; opt->words[i]; i++)
			TRY(buf_add_format(to, e, "%s%s", i ? ", " : ": ", opt->words[i]));
	}
	if (opt->fallback)
		TRY(buf_add_format(to, e, "; default %s", opt->fallback));
	if (!opt->name || opt->kind == OPT_FLAG)
		return 0;
	opt_variable(opt, variable);
	return buf_add_format(to, e, " (%s)", variable);
}

static int add_option(struct buf *to, const struct opt *opt, struct err *e)
{
	AUTO(buf) struct buf doc = BUF_INIT(DOCUMENT_TEXT_MAX);
	char left[LEFT_MAX], letter[] = "-x, ";

	TRY(help_doc(opt, &doc, e));
	letter[1] = opt->letter;
	if (!opt->name)
		snprintf(left, sizeof(left), "%s", opt->metavar);
	else
		snprintf(left, sizeof(left), "%s--%s%s%s", opt->letter ? letter : "    ", opt->name,
		         opt->metavar ? " " : "", opt->metavar ? opt->metavar : "");
	return add_row(to, left, buf_text(&doc), e);
}

static int add_options(struct buf *to, const struct cmd *cmd, struct err *e)
{
	TRY(buf_add_text(to, "\nOptions:\n", e));
	for (size_t i = 0; i < cmd->opt_count; i++)
		TRY(add_option(to, &cmd->opts[i], e));
	for (size_t i = 0; i < global_opt_count; i++)
		if (help_lists_global(cmd, &global_opts[i]))
			TRY(add_option(to, &global_opts[i], e));
	if (cmd->timeout_ms)
		TRY(buf_add_format(to, e, "\nWithout --timeout the deadline is %lld s.\n",
		                   (long long)(cmd->timeout_ms / 1000)));
	return 0;
}

static int add_examples(struct buf *to, const struct cmd *cmd, struct err *e)
{
	if (!cmd->examples[0].command)
		return 0;
	TRY(buf_add_text(to, "\nExamples:\n", e));
	for (size_t i = 0; i < CMD_EXAMPLES_MAX && cmd->examples[i].command; i++)
		TRY(buf_add_format(to, e, "  %s\n      %s\n", cmd->examples[i].command,
		                   cmd->examples[i].doc));
	return 0;
}

static int add_exits(struct buf *to, const struct cmd *cmd, struct err *e)
{
	TRY(buf_add_text(to, "\nExit status:\n", e));
	for (const struct exit_row *row = exit_rows; row->words; row++)
		if (cmd_may_exit(cmd, row->status))
			TRY(buf_add_format(to, e, "  %-3u  %s\n", row->status, row->words));
	return 0;
}

/* The length of what is not parted: "[--to NODE]", "--key KEY", "PREFIX ..." */
static size_t synopsis_item(const char *text)
{
	size_t depth = 0, len = 0;

	for (; text[len]; len++) {
		depth += text[len] == '[';
		depth -= text[len] == ']' && depth > 0;
		if (text[len] == ' ' && depth == 0 &&
		    (*text == '[' || text[len + 1] == '[' || text[len + 1] == '-'))
			break;
	}
	return len;
}

static int add_synopsis(struct buf *to, const char *verb, const char *text, struct err *e)
{
	size_t indent = strlen("usage: teectl ") + strlen(verb), at = indent;

	TRY(buf_add_format(to, e, "usage: teectl %s", verb));
	while (*(text += strspn(text, " "))) {
		size_t len = synopsis_item(text);

		if (at > indent && at + 1 + len > TEXT_WIDTH) {
			TRY(buf_add_format(to, e, "\n%*s", (int)indent, ""));
			at = indent;
		}
		TRY(buf_add_text(to, " ", e));
		TRY(buf_add(to, view_new(text, len), e));
		at += 1 + len;
		text += len;
	}
	return 0;
}

static int add_verb(struct buf *to, const struct cmd *cmd, struct err *e)
{
	AUTO(buf) struct buf synopsis = BUF_INIT(DOCUMENT_TEXT_MAX);

	TRY(help_synopsis(cmd, &synopsis, e));
	TRY(add_synopsis(to, cmd->name, buf_text(&synopsis), e));
	TRY(buf_add_format(to, e, "\n\n%s\n\n", cmd->summary));
	TRY(wrap(to, cmd->details, 0, e));
	TRY(add_options(to, cmd, e));
	TRY(add_examples(to, cmd, e));
	return add_exits(to, cmd, e);
}

static int add_overview(struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, "usage: teectl [OPTIONS] VERB [ARGUMENTS]\n\n", e));
	TRY(wrap(to, help_purpose, 0, e));
	TRY(buf_add_text(to, "\nVerbs:\n", e));
	for (size_t i = 0; cmd_table[i]; i++)
		TRY(add_row(to, cmd_table[i]->name, cmd_table[i]->summary, e));
	TRY(buf_add_text(to, "\nOptions, before or after the verb:\n", e));
	for (size_t i = 0; i < global_opt_count; i++)
		TRY(add_option(to, &global_opts[i], e));
	return buf_add_text(to, "\n`teectl help VERB` says more; so do the manual pages.\n", e);
}

static size_t verb_count(void)
{
	size_t count = 0;

	while (cmd_table[count])
		count++;
	return count;
}

int help_print(struct context *c, const struct cmd *cmd, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);

	if (c->global.output != OUTPUT_TABLE)
		return cmd ? help_document(c, &cmd, 1, e)
		           : help_document(c, cmd_table, verb_count(), e);
	if (cmd)
		TRY(add_verb(&text, cmd, e));
	else
		TRY(add_overview(&text, e));
	print_raw(buf_view(&text));
	return 0;
}

int help_print_group(struct context *c, const char *word, bool *ret_found, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_TEXT_MAX);
	const struct cmd *verbs[CMD_COUNT_MAX];
	size_t len = strlen(word), count = 0;

	for (size_t i = 0; cmd_table[i] && count < CMD_COUNT_MAX; i++) {
		if (strncmp(cmd_table[i]->name, word, len) != 0 || cmd_table[i]->name[len] != ' ')
			continue;
		verbs[count++] = cmd_table[i];
		TRY(add_row(&text, cmd_table[i]->name, cmd_table[i]->summary, e));
	}
	*ret_found = count > 0;
	if (count == 0)
		return 0;
	if (c->global.output == OUTPUT_TABLE)
		print_raw(buf_view(&text));
	return help_document(c, verbs, count, e);
}

int help_page_name(const struct cmd *cmd, struct buf *to, struct err *e)
{
	size_t from = to->len;

	TRY(buf_add_format(to, e, "teectl-%s", cmd->name));
	for (size_t i = from; i < to->len; i++)
		if (to->data[i] == ' ')
			to->data[i] = '-';
	return 0;
}

#include "help.h"

#include "parse.h"
#include "report.h"

#include "base/text.h"
#include "cluster/config.h"
#include "cluster/journal.h"
#include "cluster/select.h"
#include "proto/launch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_NAME_MAX 64

/* When the prose of the manual last changed. */
#define MAN_DATE "November 23, 2026"

/* Text into mdoc: a backslash, a leading period or apostrophe mean something to it, and an option's
 * hyphen must stay one that can be pasted. Where the text ends no line, is_line_start says so. */
static int add_escaped(struct buf *to, const char *text, size_t len, bool is_line_start,
                       struct err *e)
{
	char before = is_line_start ? '\n' : 'x';

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool is_word_before = isalnum((unsigned char)before);

		if (before == '\n' && (c == '.' || c == '\''))
			TRY(buf_add_text(to, "\\&", e));
		if (c == '\\')
			TRY(buf_add_text(to, "\\e", e));
		else if (c == '-' && !is_word_before)
			TRY(buf_add_text(to, "\\-", e));
		else
			TRY(buf_add_u8(to, (uint8_t)c, e));
		before = c;
	}
	return 0;
}

/* Sentences each on a line of their own, as mdoc wants them, paragraphs with .Pp between. */
static int add_prose(struct buf *to, const char *text, struct err *e)
{
	while (*text) {
		const char *end = text;
		bool is_paragraph = false;

		while (*end && strncmp(end, ". ", 2) != 0 && strncmp(end, "\n\n", 2) != 0)
			end++;
		is_paragraph = *end == '\n';
		end += *end == '.';
		TRY(add_escaped(to, text, (size_t)(end - text), true, e));
		TRY(buf_add_text(to, is_paragraph ? "\n.Pp\n" : "\n", e));
		text = end + strspn(end, " \n");
	}
	return 0;
}

/* An argument of a macro line, in quotes so that no word of it is taken for a macro. */
static int add_quoted(struct buf *to, const char *text, struct err *e)
{
	TRY(buf_add_text(to, "\"", e));
	for (;;) {
		size_t len = strcspn(text, "\"");

		TRY(add_escaped(to, text, len, false, e));
		text += len;
		if (!*text)
			return buf_add_text(to, "\"", e);
		TRY(buf_add_text(to, "\\(dq", e));
		text++;
	}
}

static int add_header(struct buf *to, const char *name, const char *section, const char *summary,
                      struct err *e)
{
	char upper[PAGE_NAME_MAX];
	size_t i = 0;

	for (; name[i] && i < sizeof(upper) - 1; i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	upper[i] = 0;
	TRY(buf_add_format(to, e,
	                   ".\\\" Written by `make docs` from the tables of the program.\n"
	                   ".Dd %s\n"
	                   ".Dt %s %s\n"
	                   ".Os teectl %s\n"
	                   ".Sh NAME\n"
	                   ".Nm %s\n"
	                   ".Nd ",
	                   MAN_DATE, upper, section, TEECTL_VERSION, name));
	TRY(add_escaped(to, summary, strlen(summary), false, e));
	return buf_add_text(to, "\n", e);
}

/* ".Op Fl -lines Ar NUMBER" and the like. */
static int add_synopsis_row(struct buf *to, const struct opt *opt, struct err *e)
{
	TRY(buf_add_text(to, opt->is_required ? "." : ".Op ", e));
	if (opt->name && opt->letter)
		TRY(buf_add_format(to, e, "Fl %c%s", opt->letter, opt->metavar ? " " : ""));
	else if (opt->name)
		TRY(buf_add_format(to, e, "Fl \\-%s%s", opt->name, opt->metavar ? " " : ""));
	if (opt->metavar)
		TRY(buf_add_format(to, e, "Ar %s", opt->metavar));
	return buf_add_text(to, opt->is_list ? " ...\n" : "\n", e);
}

static int add_synopsis(struct buf *to, const struct cmd *cmd, struct err *e)
{
	TRY(buf_add_format(to, e, ".Sh SYNOPSIS\n.Nm teectl %s\n", cmd->name));
	for (size_t i = 0; i < global_opt_count; i++)
		if (help_lists_global(cmd, &global_opts[i]) && global_opts[i].kind != OPT_FLAG)
			TRY(add_synopsis_row(to, &global_opts[i], e));
	for (size_t i = 0; i < cmd->opt_count; i++)
		TRY(add_synopsis_row(to, &cmd->opts[i], e));
	return 0;
}

static int add_option(struct buf *to, const struct opt *opt, struct err *e)
{
	AUTO(buf) struct buf doc = BUF_INIT(DOCUMENT_TEXT_MAX);

	TRY(buf_add_text(to, ".It ", e));
	if (opt->letter)
		TRY(buf_add_format(to, e, "Fl %c , ", opt->letter));
	if (opt->name)
		TRY(buf_add_format(to, e, "Fl \\-%s%s", opt->name, opt->metavar ? " " : ""));
	if (opt->metavar)
		TRY(buf_add_format(to, e, "Ar %s", opt->metavar));
	TRY(buf_add_text(to, "\n", e));
	TRY(help_doc(opt, &doc, e));
	TRY(add_escaped(to, buf_text(&doc), doc.len, true, e));
	return buf_add_text(to, "\n", e);
}

/* cmd NULL: the globals alone */
static int add_options(struct buf *to, const struct cmd *cmd, struct err *e)
{
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; cmd && i < cmd->opt_count; i++)
		TRY(add_option(to, &cmd->opts[i], e));
	for (size_t i = 0; i < global_opt_count; i++)
		if (!cmd || help_lists_global(cmd, &global_opts[i]))
			TRY(add_option(to, &global_opts[i], e));
	TRY(buf_add_text(to, ".El\n", e));
	if (cmd && cmd->timeout_ms)
		TRY(buf_add_format(to, e, ".Pp\nWithout\n.Fl \\-timeout\nthe deadline is %lld s.\n",
		                   (long long)(cmd->timeout_ms / 1000)));
	return 0;
}

/* cmd NULL: all of them */
static int add_exits(struct buf *to, const struct cmd *cmd, struct err *e)
{
	TRY(buf_add_text(to, ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n", e));
	for (const struct exit_row *row = exit_rows; row->words; row++)
		if (!cmd || cmd_may_exit(cmd, row->status))
			TRY(buf_add_format(to, e, ".It %u\n%s\n", row->status, row->words));
	return buf_add_text(to, ".El\n", e);
}

static int add_example(struct buf *to, const char *command, const char *doc, struct err *e)
{
	TRY(add_escaped(to, doc, strlen(doc), true, e));
	TRY(buf_add_text(to, ":\n.Dl ", e));
	TRY(add_quoted(to, command, e));
	return buf_add_text(to, "\n.Pp\n", e);
}

/* The .Pp after the last example, before a section. */
static void drop_last_paragraph(struct buf *to)
{
	to->len -= strlen(".Pp\n");
	to->data[to->len] = 0;
}

static int add_examples(struct buf *to, const struct cmd *cmd, struct err *e)
{
	if (!cmd->examples[0].command)
		return 0;
	TRY(buf_add_text(to, ".Sh EXAMPLES\n", e));
	for (size_t i = 0; i < CMD_EXAMPLES_MAX && cmd->examples[i].command; i++)
		TRY(add_example(to, cmd->examples[i].command, cmd->examples[i].doc, e));
	drop_last_paragraph(to);
	return 0;
}

static int page_verb(const struct cmd *cmd, const char *name, struct buf *to, struct err *e)
{
	TRY(add_header(to, name, "1", cmd->summary, e));
	TRY(add_synopsis(to, cmd, e));
	TRY(buf_add_text(to, ".Sh DESCRIPTION\n", e));
	TRY(add_prose(to, cmd->details, e));
	TRY(buf_add_text(to, ".Pp\nThe options are:\n", e));
	TRY(add_options(to, cmd, e));
	TRY(add_exits(to, cmd, e));
	TRY(add_examples(to, cmd, e));
	return buf_add_text(to, ".Sh SEE ALSO\n.Xr teectl 1 ,\n.Xr teectl\\-cluster 5\n", e);
}

static int add_verbs(struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; cmd_table[i]; i++) {
		TRY(buf_add_format(to, e, ".It Cm %s\n", cmd_table[i]->name));
		TRY(add_escaped(to, cmd_table[i]->summary, strlen(cmd_table[i]->summary), true, e));
		TRY(buf_add_text(to, "\n", e));
	}
	return buf_add_text(to, ".El\n", e);
}

static int add_advice(struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, ".Sh DIAGNOSTICS\n", e));
	TRY(add_prose(
	    to,
	    "What an enclave refuses is told with its cause and its cure. The texts begin with "
	    "these words:",
	    e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; i < advice_count; i++) {
		const struct advice *row = &advice_table[i];

		if (!row->cause)
			continue;
		TRY(buf_add_format(to, e, ".It Em \"%s\" Pq %d\n", err_info(row->code)->words,
		                   err_info(row->code)->wire));
		TRY(buf_add_text(to, "Cause: ", e));
		TRY(add_escaped(to, row->cause, strlen(row->cause), false, e));
		TRY(buf_add_text(to, ".\n.br\nCure: ", e));
		TRY(add_escaped(to, row->cure, strlen(row->cure), false, e));
		TRY(buf_add_text(to, ".\n", e));
	}
	return buf_add_text(to, ".El\n", e);
}

static int compare_names(const void *a, const void *b)
{
	const struct cmd *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int add_see_also(struct buf *to, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(PAGE_NAME_MAX);
	const struct cmd *sorted[CMD_COUNT_MAX];
	size_t count = 0;

	for (; cmd_table[count] && count < CMD_COUNT_MAX; count++)
		sorted[count] = cmd_table[count];
	qsort(sorted, count, sizeof(sorted[0]), compare_names);
	TRY(buf_add_text(to, ".Sh SEE ALSO\n", e));
	for (size_t i = 0; i < count; i++) {
		buf_clear(&name);
		TRY(help_page_name(sorted[i], &name, e));
		TRY(buf_add_format(to, e, ".Xr %s 1 ,\n", buf_text(&name)));
	}
	return buf_add_text(
	    to,
	    ".Xr teectl-cluster 5 ,\n.Xr teectl-journal 5 ,\n.Xr teectl-enclave 8 ,\n.Xr teectl-hv 8\n",
	    e);
}

static int add_term(struct buf *to, const char *term, const char *doc, struct err *e)
{
	TRY(buf_add_text(to, ".It Ic ", e));
	TRY(add_quoted(to, term, e));
	TRY(buf_add_text(to, "\n", e));
	TRY(add_escaped(to, doc, strlen(doc), true, e));
	return buf_add_text(to, "\n", e);
}

static int add_selectors(struct buf *to, struct err *e)
{
	static const struct {
		const char *term, *doc;
	} terms[] = {
		{ "tee1, eu-*", "nodes by name; * is any characters, ? any one" },
		{ "region=eu", "nodes with that label; the value may have * and ?, and region=* is "
		               "any value" },
		{ "region!=eu", "nodes that have another value of it, or none" },
		{ SELECT_STATES_TEXT,
		  "nodes by their state, as teectl status shows it; it is found out by asking them" },
		{ "@local", "nodes that are launched on this machine" },
	};

	TRY(buf_add_text(to, ".Sh SELECTORS\n", e));
	TRY(add_prose(
	    to,
	    "Where a verb takes a SELECTOR it is about the nodes of the cluster file that "
	    "the selector chooses. A selector is one or more of these, with commas "
	    "between:",
	    e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; i < COUNT(terms); i++)
		TRY(add_term(to, terms[i].term, terms[i].doc, e));
	TRY(buf_add_text(to, ".El\n.Pp\n", e));
	return add_prose(
	    to,
	    "Names are alternatives, and so are states; labels and @local must all hold; a node is "
	    "chosen that meets each kind which is there. So tee1,tee2 is both, region=eu,role!=canary "
	    "those of the region that are no canaries, and eu-*,@failed,@gone those by that name "
	    "that failed or are gone. Of several selectors, as operands or by an option that is "
	    "repeated, one is enough.\n\n"
	    "A name, label or value that no node has is an error (status 64), as is a selector that "
	    "can choose none. Where no node is in the state that is asked for, there is nothing to "
	    "do (status 0). Where one node is wanted, the selector must choose exactly one, and not "
	    "by its state.",
	    e);
}

static int page_teectl(const char *name, struct buf *to, struct err *e)
{
	TRY(add_header(to, name, "1", "provision a cluster of enclaves with one quorum key", e));
	TRY(buf_add_text(to,
	                 ".Sh SYNOPSIS\n"
	                 ".Nm\n"
	                 ".Op Ar OPTIONS\n"
	                 ".Ar VERB\n"
	                 ".Op Ar ARGUMENTS\n"
	                 ".Sh DESCRIPTION\n",
	                 e));
	TRY(add_prose(to, help_purpose, e));
	TRY(buf_add_text(to, ".Pp\nThe verbs are:\n", e));
	TRY(add_verbs(to, e));
	TRY(buf_add_text(to, ".Pp\nThese options stand before or after the verb:\n", e));
	TRY(add_options(to, NULL, e));
	TRY(buf_add_text(to, ".Pp\n", e));
	TRY(add_prose(
	    to,
	    "Data goes to standard output, messages and progress to standard error. With -o json "
	    "a verb prints one document, also when it fails: then it has the key `error` with "
	    "name, code, exit_status, verb, reason, text, cause and hint, unless the document of "
	    "the verb itself says what failed. With -o ndjson each document is a line.\n\n"
	    "Colours, spinner and progress bar appear only on a terminal.",
	    e));
	TRY(add_selectors(to, e));
	TRY(buf_add_text(to, ".Sh ENVIRONMENT\n", e));
	TRY(add_prose(
	    to,
	    "An option that takes a value is also read from a variable: --from is TEECTL_FROM. "
	    "The order is: command line, environment, cluster file, default. Secrets come from "
	    "files, never from the command line or the environment.",
	    e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n.It Ev NO_COLOR\nno colours, if not empty\n.El\n",
	                 e));
	TRY(buf_add_text(to,
	                 ".Sh FILES\n"
	                 ".Bl -tag -width Ds\n"
	                 ".It Pa ./cluster.yaml\n"
	                 "the cluster file, unless\n"
	                 ".Fl f\n"
	                 "names another\n"
	                 ".It Pa .teectl/NAME\n"
	                 "the state directory, beside the cluster file\n"
	                 ".El\n",
	                 e));
	TRY(add_exits(to, NULL, e));
	TRY(add_advice(to, e));
	return add_see_also(to, e);
}

static int add_config_row(struct buf *to, const struct config_row *row, struct err *e)
{
	TRY(buf_add_text(to, ".It Ic ", e));
	TRY(add_quoted(to, row->path, e));
	TRY(buf_add_format(to, e, " Pq %s\n", config_type(row->kind)));
	TRY(add_escaped(to, row->doc, strlen(row->doc), true, e));
	/* A doc that explains the words has named them. */
	for (size_t i = 0; row->words && !strstr(row->doc, row->words[0]) && row->words[i]; i++)
		TRY(buf_add_format(to, e, "%s%s", i ? ", " : ": ", row->words[i]));
	if (row->is_required)
		TRY(buf_add_text(to, "; required", e));
	if (row->fallback && *row->fallback) {
		TRY(buf_add_text(to, "; default ", e));
		TRY(add_escaped(to, row->fallback, strlen(row->fallback), false, e));
	}
	return buf_add_text(to, "\n", e);
}

/* A whole file, without what has a default. No line begins with a period. */
static const char cluster_example[] = "apiVersion: teectl/v1\n"
                                      "kind: Cluster\n"
                                      "metadata: { name: payments }\n"
                                      "enclave:\n"
                                      "  image: /usr/local/bin/teectl\\-enclave\n"
                                      "  role: payments\\-operators\n"
                                      "attestation: { root: simulated }\n"
                                      "quorum:\n"
                                      "  threshold: 3\n"
                                      "  members:\n"
                                      "    \\- { name: alice, key: members/alice.secret }\n"
                                      "    \\- { name: bob, pub: members/bob.pub }\n"
                                      "    \\- { name: carol, pub: members/carol.pub }\n"
                                      "    \\- { name: dave, pub: members/dave.pub }\n"
                                      "    \\- { name: erin, pub: members/erin.pub }\n"
                                      "nodes:\n"
                                      "  \\- { name: tee1, listen: \"127.0.0.1:9000\" }\n"
                                      "  \\- { name: tee2, listen: \"127.0.0.1:9001\" }\n"
                                      "  \\- { name: tee3, url: \"https://tee3.example:8443\" }\n"
                                      "propagate: { topology: chain, source: tee1 }\n";

static int page_cluster(const char *name, struct buf *to, struct err *e)
{
	TRY(add_header(to, name, "5", "the cluster file of teectl", e));
	TRY(buf_add_text(to, ".Sh DESCRIPTION\n", e));
	TRY(add_prose(
	    to,
	    "The cluster file says what a cluster should be: which image its enclaves run, who "
	    "the members are and how many of them bring the key back, where the nodes are. It is "
	    "YAML. Unknown and repeated keys, wrong types and names that lead nowhere are errors "
	    "with line and column. Paths are relative to the file. Durations carry their unit: "
	    "250ms, 5s, 3m, 2h, 1d. The file never holds a secret value.\n\n"
	    "teectl init writes one, with comments, and teectl validate checks it.\n\n"
	    "The keys are:",
	    e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; i < config_row_count; i++)
		TRY(add_config_row(to, &config_rows[i], e));
	TRY(buf_add_text(to, ".El\n.Sh PATTERNS\n", e));
	TRY(add_prose(
	    to,
	    "An entry of nodes may stand for many: what is between brackets in name, hosts, listen "
	    "and url are alternatives with commas between, each a word or a range of numbers. "
	    "[1-250] counts without zeroes in front, [01-12] with them, [a,b,7-9] are five. Several "
	    "brackets multiply, and the last one turns fastest. A bracket with a colon in it is an "
	    "IPv6 address and stands for itself.\n\n"
	    "Names and addresses go in step, so there must be as many of both. Where each node takes "
	    "a free port, as with listen: 127.0.0.1:0, the name alone has brackets. With hosts, "
	    "{host} in url or listen is the host, and the name is the host unless one is given, "
	    "which may hold {host} too. The labels of an entry are those of each of its nodes. A "
	    "file has at most 16384 nodes. In a map in braces a value with brackets stands in "
	    "quotes:",
	    e));
	TRY(buf_add_text(
	    to,
	    ".Bd -unfilled -offset indent\n"
	    "nodes:\n"
	    "  \\- hosts: 10.0.[1\\-4].[1\\-250]\n"
	    "    url: https://{host}:8443\n"
	    "    labels: { region: us }\n"
	    "  \\- { name: \"eu\\-[01\\-40]\", url: \"https://10.1.0.[1\\-40]:8443\",\n"
	    "      labels: { region: eu, role: canary } }\n"
	    ".Ed\n",
	    e));
	TRY(buf_add_text(
	    to, ".Sh EXAMPLES\nTwo enclaves on this machine and one elsewhere, and five people:\n",
	    e));
	TRY(buf_add_format(to, e, ".Bd -literal -offset indent\n%s.Ed\n", cluster_example));
	return buf_add_text(to,
	                    ".Sh SEE ALSO\n"
	                    ".Xr teectl 1 ,\n"
	                    ".Xr teectl-init 1 ,\n"
	                    ".Xr teectl-validate 1\n",
	                    e);
}

static int add_journal_field(struct buf *to, const struct wire_field *f, struct err *e)
{
	static const char *const kinds[] = {
		[WIRE_HEX] = "hex",   [WIRE_FIXED_HEX] = "hex", [WIRE_BASE64] = "base64",
		[WIRE_TEXT] = "text", [WIRE_NUMBER] = "number", [WIRE_WORD] = "word"
	};

	TRY(buf_add_format(to, e, ".It Ic %s\n", f->name));
	TRY(add_escaped(to, f->doc, strlen(f->doc), true, e));
	return buf_add_format(to, e, "; %s\n", kinds[f->kind]);
}

static int add_journal_kind(struct buf *to, size_t kind, struct err *e)
{
	const struct journal_kind_row *row = &journal_kinds[kind];
	const char *key, *before = ":";
	size_t at = 0;

	TRY(buf_add_format(to, e, ".It Em %s\n", journal_kind_names[kind]));
	TRY(add_escaped(to, row->doc, strlen(row->doc), true, e));
	while ((key = journal_next_key(row->required, &at))) {
		TRY(buf_add_format(to, e, "%s %s", before, key));
		before = ",";
	}
	at = 0;
	while ((key = journal_next_key(row->optional, &at)))
		TRY(buf_add_format(to, e, ", maybe %s", key));
	return buf_add_text(to, "\n", e);
}

static int page_journal(const char *name, struct buf *to, struct err *e)
{
	TRY(add_header(to, name, "5", "the evidence journal", e));
	TRY(buf_add_text(to, ".Sh DESCRIPTION\n", e));
	TRY(add_prose(
	    to,
	    "The file journal in the state folder has what an auditor needs to make every check "
	    "again without network (teectl audit verify). It is only ever appended to, one line of "
	    "compact JSON a fact. Before a request leaves that can't be made again (a genesis, a "
	    "boot, a share), it is synced; after one that can, within a fifth of a second.\n\n"
	    "Each line has in prev the SHA-256 of the line before it: of its bytes, without the "
	    "newline; the first has zeroes. The last line, whose hash no other has, is refused "
	    "where it is not written as teectl writes it, byte for byte. A line that a crash has cut short stays in its place, "
	    "and the next one, of kind mended, has the number of those bytes and their SHA-256.\n\n"
	    "There is no secret in it. What is sealed to a TEE is there as its SHA-256 alone, over "
	    "which its signature can be verified all the same. The genesis output, which its "
	    "document attests as a whole, has the shares, each sealed to its member.\n\n"
	    "The kinds of lines, and what each has beside seq, time, kind, node and prev:",
	    e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; i < JOURNAL_KIND_COUNT; i++)
		TRY(add_journal_kind(to, i, e));
	TRY(buf_add_text(to, ".El\n.Pp\nThe fields:\n.Bl -tag -width Ds\n", e));
	for (size_t i = 0; i < journal_line_schema.count; i++)
		TRY(add_journal_field(to, &journal_line_schema.fields[i], e));
	return buf_add_text(
	    to,
	    ".El\n.Sh SEE ALSO\n.Xr teectl-audit-head 1 ,\n.Xr teectl-audit-verify 1 ,\n.Xr "
	    "teectl-lineage 1\n",
	    e);
}

static int add_launch_option(struct buf *to, const struct launch_option *opt, struct err *e)
{
	TRY(buf_add_format(to, e, ".It Fl \\-%s", opt->name));
	if (opt->metavar)
		TRY(buf_add_format(to, e, " Ar %s", opt->metavar));
	TRY(buf_add_text(to, "\n", e));
	TRY(add_escaped(to, opt->doc, strlen(opt->doc), true, e));
	if (opt->fallback)
		TRY(buf_add_format(to, e, "; default %s", opt->fallback));
	if (opt->may_repeat)
		TRY(buf_add_text(to, "; may be given several times", e));
	if (opt->is_measured)
		TRY(buf_add_text(to, "; part of PCR2", e));
	return buf_add_text(to, "\n", e);
}

static int add_own_options(struct buf *to, const struct hv_option *options, size_t count,
                           struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct hv_option *opt = &options[i];

		TRY(buf_add_format(to, e, ".It Fl \\-%s%s%s\n", opt->name,
		                   opt->metavar ? " Ar " : "", opt->metavar ? opt->metavar : ""));
		TRY(add_escaped(to, opt->doc, strlen(opt->doc), true, e));
		TRY(buf_add_text(to, "\n", e));
	}
	return 0;
}

static int page_enclave(const char *name, struct buf *to, struct err *e)
{
	TRY(add_header(to, name, "8", "the program inside the enclave", e));
	TRY(buf_add_text(to, ".Sh SYNOPSIS\n.Nm\n.Ar OPTIONS\n.Sh DESCRIPTION\n", e));
	TRY(add_prose(
	    to,
	    "teectl-enclave serves the HTTP contract by which a quorum key is born, brought back "
	    "from its shares, and forwarded from enclave to enclave. It gets its Nitro Security "
	    "Module from outside, by --nsm, and can sign no attestation document itself. A person "
	    "starts it by teectl-hv, which stands where the Nitro hypervisor stands.\n\n"
	    "Options that change who may do what are measured: they are part of PCR2, so that "
	    "every attestation document tells of them. Unknown options are refused.\n\n"
	    "The options are:",
	    e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	for (size_t i = 0; i < LAUNCH_COUNT; i++)
		TRY(add_launch_option(to, &launch_options[i], e));
	TRY(add_own_options(to, launch_asides, LAUNCH_ASIDE_COUNT, e));
	return buf_add_text(to, ".El\n.Sh SEE ALSO\n.Xr teectl 1 ,\n.Xr teectl-hv 8\n", e);
}

static int page_hv(const char *name, struct buf *to, struct err *e)
{
	TRY(add_header(to, name, "8", "the simulated hypervisor of one enclave", e));
	TRY(buf_add_text(to,
	                 ".Sh SYNOPSIS\n"
	                 ".Nm\n"
	                 ".Fl \\-image Ar FILE\n"
	                 ".Op Ar OPTIONS\n"
	                 ".Op Ar ENCLAVE-OPTIONS\n"
	                 ".Sh DESCRIPTION\n",
	                 e));
	TRY(add_prose(to,
	              "teectl-hv stands where the Nitro hypervisor stands. It reads the image "
	              "once into a sealed memory file, measures those bytes, executes those "
	              "bytes, and is the security module of what it has started: it answers in "
	              "the real device's CBOR and signs attestation documents under a root of its "
	              "own. The enclave can neither sign documents nor choose its PCRs. When one "
	              "of the two processes ends, the other goes too.\n\n"
	              "It prints `listening on HOST:PORT` when the enclave serves. Options that "
	              "it does not know are the enclave's, see teectl-enclave(8). The enclave's "
	              "environment is empty; TEECTL_LOG becomes its --log-level.\n\n"
	              "It is a simulation: whoever reads the root key below --pki owns every "
	              "cluster under it, and root on this machine reads every simulated "
	              "enclave.\n\n"
	              "The options are:",
	              e));
	TRY(buf_add_text(to, ".Bl -tag -width Ds\n", e));
	TRY(add_own_options(to, hv_option_table, HV_OPTION_COUNT, e));
	TRY(buf_add_text(to, ".El\n.Sh EXAMPLES\n", e));
	TRY(add_example(to, "teectl-hv --image build/teectl-enclave --listen 127.0.0.1:9000",
	                "an enclave for a person with curl", e));
	TRY(add_example(to,
	                "teectl-hv --image build/teectl-enclave --listen 127.0.0.1:9000 --debug",
	                "one in debug mode, which takes shares in the clear", e));
	drop_last_paragraph(to);
	return buf_add_text(to, ".Sh SEE ALSO\n.Xr teectl 1 ,\n.Xr teectl-enclave 8\n", e);
}

/* Pages that are not a verb's. */
static const struct {
	const char *name;
	int (*write)(const char *name, struct buf *to, struct err *e);
} pages[] = {
	{ "teectl.1", page_teectl },          { "teectl-cluster.5", page_cluster },
	{ "teectl-journal.5", page_journal }, { "teectl-enclave.8", page_enclave },
	{ "teectl-hv.8", page_hv },
};

int man_page(const char *name, struct buf *to, struct err *e)
{
	char stem[PAGE_NAME_MAX];
	size_t len = strlen(name);

	snprintf(stem, sizeof(stem), "%.*s", (int)(len > 2 ? len - 2 : 0), name);
	for (size_t i = 0; i < COUNT(pages); i++)
		if (strcmp(pages[i].name, name) == 0)
			return pages[i].write(stem, to, e);
	for (size_t i = 0; cmd_table[i]; i++) {
		AUTO(buf) struct buf own = BUF_INIT(PAGE_NAME_MAX);

		TRY(help_page_name(cmd_table[i], &own, e));
		if (strcmp(buf_text(&own), stem) == 0 && strcmp(name + own.len, ".1") == 0)
			return page_verb(cmd_table[i], stem, to, e);
	}
	return err_set(e, ERR_USAGE, "no manual page '%s'; --pages lists them", name);
}

int man_pages(struct buf *to, struct err *e)
{
	for (size_t i = 0; i < COUNT(pages); i++)
		TRY(buf_add_format(to, e, "%s\n", pages[i].name));
	for (size_t i = 0; cmd_table[i]; i++) {
		TRY(help_page_name(cmd_table[i], to, e));
		TRY(buf_add_text(to, ".1\n", e));
	}
	return 0;
}

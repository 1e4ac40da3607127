#include "parse.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTS_MAX                                                                                   \
	32 /* rows that one verb sees: its own and the globals; for the set of those seen */
#define LIST_MAX          CLUSTER_NODES_MAX /* items of one list: as many as a cluster has nodes */
#define VERB_NAME_MAX     64                /* of "member keygen" */
#define LETTER_PREFIX_LEN 2

const char *const output_names[] = { "table", "json", "ndjson", NULL };

const struct opt global_opts[] = {
	{ .name = "file",
	  .letter = 'f',
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct globals, file),
	  .fallback = CLUSTER_FILE_DEFAULT,
	  .doc = "the cluster file" },
	{ .name = "state",
	  .kind = OPT_FOLDER,
	  .metavar = "DIR",
	  .offset = offsetof(struct globals, state),
	  .doc = "the state directory; .teectl/NAME beside the cluster file unless given" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPT_WORD,
	  .metavar = "FORM",
	  .offset = offsetof(struct globals, output),
	  .fallback = "table",
	  .words = output_names,
	  .doc = "how data is printed: table, json, or ndjson (a document a line)" },
	{ .name = "timeout",
	  .kind = OPT_DURATION,
	  .metavar = "DURATION",
	  .offset = offsetof(struct globals, timeout_ms),
	  .doc = "one deadline for the whole command: 500ms, 30s, 2m" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct globals, help),
	  .doc = "show what the verb does and its options" },
	{ .name = "version",
	  .letter = 'V',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct globals, version),
	  .doc = "show the version" },
};
const size_t global_opt_count = COUNT(global_opts);

/* Rows and the struct that they write to, and which of them the command line has given. */
struct scope {
	const struct opt *opts;
	size_t count;
	void *to;
	bool is_given[OPTS_MAX];
};

struct parser {
	const struct cmd *const *table;
	char *const *at; /* the next argument */
	const struct cmd *cmd;
	struct scope own, global;
	size_t operand; /* row of own that the next operand goes to */
	bool no_more_options;
};

static struct text_list *list_of(const struct scope *s, const struct opt *opt)
{
	return (struct text_list *)((char *)s->to + opt->offset);
}

static int list_add(struct text_list *list, const char *text, size_t len, const char *what,
                    struct err *e)
{
	char **items;

	if (len == 0)
		return err_set(e, ERR_USAGE, "%s: an empty name in the list", what);
	if (list->count == LIST_MAX)
		return err_set(e, ERR_USAGE, "%s: more than %d values", what, LIST_MAX);
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return err_set(e, ERR_INTERNAL, "no memory for the command line");
	list->items = items;
	items[list->count] = strndup(text, len);
	if (!items[list->count])
		return err_set(e, ERR_INTERNAL, "no memory for the command line");
	list->count++;
	return 0;
}

static int list_add_all(struct text_list *list, const char *value, const char *what, struct err *e)
{
	for (;;) {
		size_t len = strcspn(value, ",");

		TRY(list_add(list, value, len, what, e));
		if (!value[len])
			return 0;
		value += len + 1;
	}
}

static int take_word(const struct opt *opt, const char *value, const char *what, int *ret,
                     struct err *e)
{
	const char *nearest = text_nearest(value, opt->words);
	char words[128] = "";

	for (int i = 0; opt->words[i]; i++)
		if (strcmp(opt->words[i], value) == 0) {
			*ret = i;
			return 0;
		}
	/* Of numbers the nearest spelling is no help. */
	if (nearest && !(*value >= '0' && *value <= '9'))
		return err_set(e, ERR_USAGE, "%s: '%s' is not known; did you mean '%s'?", what,
		               value, nearest);
	if (!opt->words[1])
		return err_set(e, ERR_USAGE, "'%s' is not known; the only word here is '%s'", value,
		               opt->words[0]);
	for (int i = 0; opt->words[i]; i++) {
		size_t len = strlen(words);

		snprintf(words + len, sizeof(words) - len, "%s%s", i ? ", " : "", opt->words[i]);
	}
	return err_set(e, ERR_USAGE, "%s: '%s' is not one of %s", what, value, words);
}

/* Words that go into messages and JSON; paths are bytes, as the system has them. */
static int check_text(const struct opt *opt, const char *value, const char *what, struct err *e)
{
	if (opt->kind != OPT_TEXT && opt->kind != OPT_NODE && opt->kind != OPT_SELECTOR &&
	    opt->kind != OPT_VERB)
		return 0;
	if (!utf8_is_valid(view_text(value)))
		return err_set(e, ERR_USAGE, "%s: '%s' is not UTF-8", what, value);
	return 0;
}

/* One value into the member of its row. what: "--from", "TEECTL_FROM", "NODE" */
static int take_value(const struct scope *s, const struct opt *opt, const char *what,
                      const char *value, struct err *e)
{
	char *to = (char *)s->to + opt->offset;
	uint64_t number;

	TRY(check_text(opt, value, what, e));
	if (opt->is_list && opt->kind == OPT_SELECTOR)
		return list_add(list_of(s, opt), value, strlen(value), what, e);
	if (opt->is_list)
		return list_add_all(list_of(s, opt), value, what, e);
	switch (opt->kind) {
	case OPT_FLAG:
		*(bool *)to = true;
		return 0;
	case OPT_NUMBER:
		TRY(number_parse(value, what, opt->min, opt->max, &number, e));
		*(int64_t *)to = (int64_t)number;
		return 0;
	case OPT_DURATION:
		if (duration_parse(value, (int64_t *)to, e) < 0)
			return err_wrap(e, "%s", what);
		return 0;
	case OPT_WORD:
		return take_word(opt, value, what, (int *)to, e);
	case OPT_TEXT:
	case OPT_FILE:
	case OPT_FOLDER:
	case OPT_NODE:
	case OPT_SELECTOR:
	case OPT_VERB:
		if (!*value && !opt->may_be_empty)
			return err_set(e, ERR_USAGE, "%s: empty", what);
		*(const char **)to = value;
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "%s: an option of no kind", what);
}

/* The row of that name (len bytes of it) or letter. */
static const struct opt *find(const struct scope *s, const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct opt *opt = &s->opts[i];

		if (!opt->name)
			continue;
		if (name ? strlen(opt->name) == len && memcmp(opt->name, name, len) == 0
		         : opt->letter == letter)
			return opt;
	}
	return NULL;
}

static struct scope *scope_of(struct parser *p, const struct opt *opt)
{
	return p->own.opts && opt >= p->own.opts && opt < p->own.opts + p->own.count ? &p->own
	                                                                             : &p->global;
}

static int unknown_option(const struct parser *p, const char *name, size_t len, struct err *e)
{
	const char *names[2 * OPTS_MAX + 1];
	const struct scope *scopes[] = { &p->own, &p->global };
	char word[VERB_NAME_MAX];
	const char *nearest;
	size_t count = 0;

	for (size_t s = 0; s < COUNT(scopes); s++)
		for (size_t i = 0; i < scopes[s]->count; i++)
			if (scopes[s]->opts[i].name)
				names[count++] = scopes[s]->opts[i].name;
	names[count] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	nearest = text_nearest(word, names);
	if (nearest)
		return err_set(e, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", word,
		               nearest);
	/* --json, as other programs have it. */
	nearest = len > 2 ? text_nearest(word, output_names) : NULL;
	if (nearest)
		return err_set(e, ERR_USAGE, "unknown option '--%s'; did you mean '-o %s'?", word,
		               nearest);
	if (!p->cmd)
		return err_set(e, ERR_USAGE,
		               "unknown option '--%s'; a verb's own options stand after it", word);
	return err_set(e, ERR_USAGE, "unknown option '--%s'", word);
}

static bool output_named(const char *name, enum output *ret)
{
	for (int i = 0; name && output_names[i]; i++)
		if (strcmp(name, output_names[i]) == 0) {
			*ret = (enum output)i;
			return true;
		}
	return false;
}

/* Of a verb that writes a file, -o FILE is --out FILE, as other tools have it: where it is none of
 * the forms of output, nor nearly one. NULL: it is not meant so. */
static const struct opt *meant_file(const struct parser *p, const struct opt *opt, const char *what,
                                    const char *value)
{
	enum output form;

	if (strcmp(what, "-o") != 0 || scope_of((struct parser *)p, opt) != &p->global ||
	    output_named(value, &form) || text_nearest(value, output_names))
		return NULL;
	return find(&p->own, "out", strlen("out"), 0);
}

/* value: what stood behind "=" or the letter, NULL: nothing did */
static int take_option(struct parser *p, const struct opt *opt, const char *what, const char *value,
                       struct err *e)
{
	struct scope *s = scope_of(p, opt);
	bool *is_given = &s->is_given[opt - s->opts];
	const struct opt *file;

	if (*is_given && !opt->is_list)
		return err_set(e, ERR_USAGE, "%s is given twice", what);
	if (opt->kind == OPT_FLAG && value)
		return err_set(e, ERR_USAGE, "%s takes no value", what);
	if (opt->kind != OPT_FLAG && !value) {
		if (!*p->at)
			return err_set(e, ERR_USAGE, "%s needs a value: %s %s", what, what,
			               opt->metavar);
		value = *p->at++;
	}
	file = meant_file(p, opt, what, value);
	if (file)
		return take_option(p, file, "--out", value, e);
	*is_given = true;
	return take_value(s, opt, what, value, e);
}

static int take_long(struct parser *p, const char *argument, struct err *e)
{
	const char *name = argument + 2;
	size_t len = strcspn(name, "=");
	const struct opt *opt = find(&p->own, name, len, 0);
	char what[VERB_NAME_MAX];

	if (!opt)
		opt = find(&p->global, name, len, 0);
	if (!opt)
		return unknown_option(p, name, len, e);
	snprintf(what, sizeof(what), "--%s", opt->name);
	return take_option(p, opt, what, name[len] ? name + len + 1 : NULL, e);
}

/* -abVALUE: flags, then at most one option that takes a value. */
static int take_letters(struct parser *p, const char *argument, struct err *e)
{
	for (const char *at = argument + 1; *at; at++) {
		const struct opt *opt = find(&p->own, NULL, 0, *at);
		char what[LETTER_PREFIX_LEN + 1] = { '-', *at, 0 };

		if (!opt)
			opt = find(&p->global, NULL, 0, *at);
		if (!opt)
			return err_set(e, ERR_USAGE, "unknown option '-%c'", *at);
		if (opt->kind != OPT_FLAG)
			return take_option(p, opt, what, at[1] ? at + 1 : NULL, e);
		TRY(take_option(p, opt, what, NULL, e));
	}
	return 0;
}

/* A folder of verbs: "member" where there is "member keygen". */
static bool is_group(const struct cmd *const *table, const char *word)
{
	size_t len = strlen(word);

	for (; *table; table++)
		if (strncmp((*table)->name, word, len) == 0 && (*table)->name[len] == ' ')
			return true;
	return false;
}

static const struct cmd *find_cmd(const struct cmd *const *table, const char *name)
{
	for (; *table; table++)
		if (strcmp((*table)->name, name) == 0)
			return *table;
	return NULL;
}

/* group: only its verbs, by their second word; NULL: first words */
static size_t verb_words(const struct cmd *const *table, const char *group,
                         char words[CMD_COUNT_MAX][VERB_NAME_MAX])
{
	size_t count = 0, skip = group ? strlen(group) + 1 : 0;

	for (; *table && count < CMD_COUNT_MAX; table++) {
		const char *name = (*table)->name;

		if (group && (strncmp(name, group, skip - 1) != 0 || name[skip - 1] != ' '))
			continue;
		snprintf(words[count], VERB_NAME_MAX, "%.*s",
		         group ? VERB_NAME_MAX : (int)strcspn(name, " "), name + skip);
		/* Verbs of a group stand beside each other. */
		if (count == 0 || strcmp(words[count], words[count - 1]) != 0)
			count++;
	}
	return count;
}

static int unknown_verb(const struct cmd *const *table, const char *group, const char *word,
                        struct err *e)
{
	char words[CMD_COUNT_MAX][VERB_NAME_MAX], list[ERR_TEXT_MAX / 2] = "";
	const char *pointers[CMD_COUNT_MAX + 1];
	size_t count = verb_words(table, group, words);
	const char *nearest, *space = group ? " " : "";

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(list);

		pointers[i] = words[i];
		snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", words[i]);
	}
	pointers[count] = NULL;
	group = group ? group : "";
	if (!word && !*group)
		return err_set(e, ERR_USAGE, "which verb? none is given");
	if (!word)
		return err_set(e, ERR_USAGE, "'%s' needs one of: %s", group, list);
	nearest = text_nearest(word, pointers);
	if (nearest)
		return err_set(e, ERR_USAGE, "unknown verb '%s%s%s'; did you mean '%s%s%s'?", group,
		               space, word, group, space, nearest);
	/* keygen, for member keygen. */
	for (size_t i = 0; table[i]; i++) {
		const char *last = strrchr(table[i]->name, ' ');

		if (last && !*group && strcmp(last + 1, word) == 0)
			return err_set(e, ERR_USAGE, "unknown verb '%s'; did you mean '%s'?", word,
			               table[i]->name);
	}
	return err_set(e, ERR_USAGE, "unknown verb '%s%s%s'", group, space, word);
}

static int enter_verb(struct parser *p, const struct cmd *cmd, struct err *e)
{
	p->cmd = cmd;
	p->own.opts = cmd->opts;
	p->own.count = cmd->opt_count;
	while (p->operand < cmd->opt_count && cmd->opts[p->operand].name)
		p->operand++;
	if (cmd->opt_count > OPTS_MAX)
		return err_set(e, ERR_INTERNAL, "%s: too many options", cmd->name);
	p->own.to = calloc(1, cmd->args_size + 1);
	if (!p->own.to)
		return err_set(e, ERR_INTERNAL, "no memory for the command line");
	return 0;
}

static int take_verb(struct parser *p, const char *word, struct err *e)
{
	const struct cmd *cmd = find_cmd(p->table, word);
	char name[VERB_NAME_MAX];

	if (cmd)
		return enter_verb(p, cmd, e);
	if (!is_group(p->table, word))
		return unknown_verb(p->table, NULL, word, e);
	if (!*p->at || **p->at == '-')
		return unknown_verb(p->table, word, NULL, e);
	snprintf(name, sizeof(name), "%s %s", word, *p->at);
	cmd = find_cmd(p->table, name);
	if (!cmd)
		return unknown_verb(p->table, word, *p->at, e);
	p->at++;
	return enter_verb(p, cmd, e);
}

/* Who names nodes behind a verb that takes them by an option is told which. */
static int refuse_operand(const struct parser *p, const char *word, struct err *e)
{
	for (size_t i = 0; i < p->own.count; i++)
		if (p->own.opts[i].kind == OPT_SELECTOR && p->own.opts[i].name)
			return err_set(e, ERR_USAGE,
			               "'%s' is one argument too many; nodes are chosen by --%s "
			               "SELECTOR",
			               word, p->own.opts[i].name);
	return err_set(e, ERR_USAGE, "'%s' is one argument too many", word);
}

static int take_operand(struct parser *p, const char *word, struct err *e)
{
	const struct opt *opt;

	if (p->operand >= p->own.count)
		return refuse_operand(p, word, e);
	opt = &p->own.opts[p->operand];
	p->own.is_given[p->operand] = true;
	if (!opt->is_list)
		p->operand++;
	return take_value(&p->own, opt, opt->metavar, word, e);
}

static int take(struct parser *p, const char *argument, struct err *e)
{
	if (!p->no_more_options && strcmp(argument, "--") == 0) {
		p->no_more_options = true;
		return 0;
	}
	if (!p->no_more_options && strncmp(argument, "--", 2) == 0)
		return take_long(p, argument, e);
	/* "-" alone is standard input. */
	if (!p->no_more_options && argument[0] == '-' && argument[1])
		return take_letters(p, argument, e);
	if (!p->cmd)
		return take_verb(p, argument, e);
	return take_operand(p, argument, e);
}

void opt_variable(const struct opt *opt, char to[static VARIABLE_MAX])
{
	snprintf(to, VARIABLE_MAX, "TEECTL_%s", opt->name);
	for (char *at = to; *at; at++)
		*at = (char)(*at == '-' ? '_' : *at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
}

/* The environment, then the default, for what the command line has not given. */
static int fill_rest(struct scope *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct opt *opt = &s->opts[i];
		char variable[VARIABLE_MAX] = "";
		const char *value = NULL;

		if (s->is_given[i] || opt->kind == OPT_FLAG)
			continue;
		if (opt->name) {
			opt_variable(opt, variable);
			value = getenv(variable);
		}
		/* An empty variable is one that is not set. */
		if (value && *value) {
			s->is_given[i] = true;
			TRY(take_value(s, opt, variable, value, e));
		} else if (opt->fallback) {
			TRY(take_value(s, opt, opt->name ? opt->name : opt->metavar, opt->fallback,
			               e));
		} else if (opt->kind == OPT_NUMBER || opt->kind == OPT_DURATION) {
			*(int64_t *)((char *)s->to + opt->offset) = -1;
		} else if (opt->kind == OPT_WORD) {
			*(int *)((char *)s->to + opt->offset) = -1;
		}
	}
	return 0;
}

static int check_required(const struct scope *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct opt *opt = &s->opts[i];

		if (!opt->is_required || opt->is_refused_late || s->is_given[i])
			continue;
		if (opt->name)
			return err_set(e, ERR_USAGE, "--%s %s is required", opt->name,
			               opt->metavar);
		return err_set(e, ERR_USAGE, "%s is required", opt->metavar);
	}
	return 0;
}

static int parse(struct parser *p, struct err *e)
{
	const struct globals *global = p->global.to;

	while (*p->at) {
		const char *argument = *p->at++;

		TRY(take(p, argument, e));
	}
	if (!p->cmd && !global->help && !global->version)
		return unknown_verb(p->table, NULL, NULL, e);
	TRY(fill_rest(&p->global, e));
	if (!p->cmd || global->help || global->version)
		return 0;
	TRY(fill_rest(&p->own, e));
	return check_required(&p->own, e);
}

int command_line_parse(const struct cmd *const *table, char *const *argv, struct command_line *ret,
                       const struct cmd **ret_cmd, struct err *e)
{
	AUTO(command_line) struct command_line line = { 0 };
	struct parser p = { .table = table, .at = argv[0] ? argv + 1 : argv };
	int failed;

	p.global = (struct scope){ global_opts, COUNT(global_opts), &line.global, { false } };
	failed = parse(&p, e);
	line.cmd = p.cmd;
	line.args = p.own.to;
	*ret_cmd = p.cmd;
	if (failed < 0)
		return -1;
	*ret = MOVE(line);
	return 0;
}

enum output command_line_output(char *const *argv)
{
	static const char *const spellings[] = { "--output=", "--output", "-o" };
	enum output found = OUTPUT_TABLE;

	for (size_t i = 0; argv[i]; i++)
		for (size_t s = 0; s < COUNT(spellings); s++) {
			size_t len = strlen(spellings[s]);
			const char *value = argv[i] + len;

			if (strncmp(argv[i], spellings[s], len) == 0 &&
			    output_named(*value ? value : argv[i + 1], &found))
				return found;
		}
	output_named(getenv("TEECTL_OUTPUT"), &found);
	return found;
}

void command_line_drop(struct command_line *line)
{
	for (size_t i = 0; line->cmd && line->args && i < line->cmd->opt_count; i++) {
		const struct opt *opt = &line->cmd->opts[i];
		struct text_list *list = (struct text_list *)((char *)line->args + opt->offset);

		if (!opt->is_list)
			continue;
		for (size_t item = 0; item < list->count; item++)
			free(list->items[item]);
		free(list->items);
	}
	free(line->args);
	*line = (struct command_line){ 0 };
}

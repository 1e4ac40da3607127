/* The frame of teectl: how a verb is written. One table of verbs serves dispatch, --help, the
 * completions and the manual pages.
 *
 * A verb is one file, cmd_NAME.c, and one line in cmd_table.c:
 *
 *	struct down_args { struct text_list nodes; };
 *
 *	static const struct opt opts[] = {
 *		{ .kind = OPT_SELECTOR, .is_list = true, .metavar = "SELECTOR",
 *		  .offset = offsetof(struct down_args, nodes), .doc = "only these nodes" },
 *	};
 *
 *	static int run(struct context *c, const void *arguments, struct err *e)
 *	{
 *		const struct down_args *args = arguments;
 *		...
 *	}
 *
 *	const struct cmd cmd_down = {
 *		.name = "down", .summary = "stop the enclaves that run here",
 *		.details = "...", .examples = { { "teectl down tee2", "stop one" } }, .exits = { 4
 *}, .needs = NEEDS_CLUSTER | NEEDS_CHANGE, .timeout_ms = 60000, .opts = opts, .opt_count =
 *COUNT(opts), .args_size = sizeof(struct down_args), .run = run,
 *	};
 *
 * Before run, main() has parsed the command line into the verb's own struct and loaded what `needs`
 * says into the context. Afterwards it prints the error with what to do next, takes the exit status
 * from the error's code, and tells when standard output could not be written. A verb prints only
 * through print.h (data, standard output) and progress.h (what is happening, standard error), and
 * returns -1 with ERR_NOT_DESIRED, ERR_WAITING, ERR_PARTIAL, … when it ends neither in success nor
 * in a fault. */
#ifndef TEECTL_CMD_CMD_H
#define TEECTL_CMD_CMD_H

#include "base/base.h"
#include "base/err.h"
#include "cluster/config.h"
#include "cluster/state.h"
#include "follow.h"
#include "progress.h"

/* What a value is, and the member of the verb's struct that takes it. */
enum opt_kind {
	OPT_FLAG,     /* bool; takes no value */
	OPT_TEXT,     /* const char * */
	OPT_FILE,     /* const char *: a path; completed as a file */
	OPT_FOLDER,   /* const char * */
	OPT_NODE,     /* const char *: one node, by name or selector; not checked here */
	OPT_SELECTOR, /* const char *: cluster/select.h; of a list each value is one, commas and all
	               */
	OPT_VERB,     /* const char *: a word of a verb's name */
	OPT_NUMBER,   /* int64_t min..max; -1 when not given and without fallback */
	OPT_DURATION, /* int64_t milliseconds; -1 when not given and without fallback */
	OPT_WORD,     /* int: index into words; -1 when not given and without fallback */
};

/* Values of a row that may be given several times, or as A,B,C. */
struct text_list {
	char **items;
	size_t count;
};

/* An option; or, where name is NULL, an operand (all operands stand after the options' rows; a list
 * comes last). A named option that takes a value is also read from TEECTL_NAME in the
 * environment (--from: TEECTL_FROM) when it is not on the command line; flags and operands are not.
 */
struct opt {
	const char *name; /* without dashes */
	char letter;      /* 0: none. A letter means the same in every verb. */
	enum opt_kind kind;
	const char *metavar;
	size_t offset; /* in the verb's struct: of the kind's type, or of a struct text_list */
	bool is_required;
	bool
	    is_refused_late; /* the verb itself refuses that it is missing, since it can say more */
	bool may_be_empty;   /* of OPT_TEXT: "" is a value like another */
	bool is_list;        /* of the kinds that are const char * */
	const char *fallback;     /* as it would be typed; NULL: none */
	uint64_t min, max;        /* OPT_NUMBER */
	const char *const *words; /* OPT_WORD, NULL-terminated */
	const char *doc;          /* one line, lower case, no full stop */
};

enum needs {
	NEEDS_CLUSTER = 1,   /* context.cluster, from -f */
	NEEDS_STATE = 2,     /* context.state, to look */
	NEEDS_CHANGE = 4,    /* context.state with its lock */
	NEEDS_SIGNALS = 8,   /* context.interrupt_fd: SIGINT and SIGTERM arrive there alone */
	NEEDS_DEADLINE = 16, /* --timeout is listed; implied by timeout_ms */
	NEEDS_SECRETS = 32,  /* a warning where the memory for secrets could not be locked */
	NEEDS_FILE = 64,     /* uses global.file by itself: -f is listed */
	/* For verbs that go through orchestrate/run.h, which opens the state by itself: the cluster
	 * and the signals are loaded, --state and --timeout are listed. */
	NEEDS_RUN = 128,
};

#define CMD_EXAMPLES_MAX 6
#define CMD_EXITS_MAX    12

struct context;

struct cmd {
	const char *name;    /* "status", "member keygen" */
	const char *summary; /* at most 60 characters, no full stop */
	const char *details; /* paragraphs with an empty line between; wrapped when shown */
	struct {
		const char *command, *doc;
	} examples[CMD_EXAMPLES_MAX];
	/* Exit statuses it can give beside those that follow from `needs` and 0, 1, 64. */
	unsigned char exits[CMD_EXITS_MAX];
	unsigned needs;
	bool is_members;    /* for a member's own machine, where no cluster is to be looked at */
	int64_t timeout_ms; /* default of --timeout; 0: no deadline */
	const struct opt *opts;
	size_t opt_count;
	size_t args_size;
	/* arguments: the verb's struct; owned by the caller. */
	int (*run)(struct context *c, const void *arguments, struct err *e);
};

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON };
extern const char *const output_names[]; /* NULL-terminated */

/* Options that every verb takes, before or after its name. */
struct globals {
	const char *file;   /* -f; ./cluster.yaml */
	const char *state;  /* NULL: beside the cluster file */
	int output;         /* enum output */
	int64_t timeout_ms; /* -1: the verb's own */
	bool help, version;
};
extern const struct opt global_opts[];
extern const size_t global_opt_count;

#define HINT_MAX COMMAND_LINE_MAX

/* What a verb runs in. */
struct context {
	const struct cmd *cmd;
	struct globals global;
	struct cluster cluster;
	struct state state;
	int64_t deadline_ms; /* monotonic (clock_monotonic_ms); INT64_MAX: none */
	bool is_reaching;    /* a goal: what fails all of it is told at its end */
	int interrupt_fd;    /* a signalfd, -1 without NEEDS_SIGNALS */
	struct progress progress;
	const struct passphrase_source *passphrases; /* session_open passes it on */
	struct follow follow;
	struct text_list told; /* failures that were told already, "NODE: text" */
	bool is_waiting_told;  /* and that people are waited for */
	bool is_wide;          /* tables have every row */
	bool has_document;     /* print_json was called: in JSON no error object follows it */
	char hint[HINT_MAX]; /* what to do next; set by context_hint, else from the error's code */
};

/* Loads what cmd->needs says. c: zeroed but for cmd and global; dropped by the caller either way.
 */
MUST_CHECK int context_open(struct context *c, struct err *e);
void context_drop(struct context *c);

/* The hint that is printed below the error, instead of the one that its code has. */
void context_hint(struct context *c, const char *format, ...) PRINTF_LIKE(2, 3);
#define FILE_OPTION_MAX 16396 /* " -f FILE": Linux's PATH_MAX, all of it quotes */
/* Appends text, and makes each "teectl VERB" in it the command to be typed here: with the -f and
 * --state that were given, quoted, where the verb takes them. Everything that suggests a command
 * goes through here. */
MUST_CHECK int context_commands(const struct context *c, const char *text, struct buf *to,
                                struct err *e);
/* progress_say, with its commands made so. */
void context_say(struct context *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* False if this was told before; it counts as told from now on. */
bool context_tell_once(struct context *c, const char *text);
/* What a verb writes must not be there: ERR_DATA, with the hint's name that is free. option: as it
 * is typed before the path, "--out ". */
MUST_CHECK int context_check_new(struct context *c, const char *option, const char *path,
                                 struct err *e);
/* What is left until the deadline, for run_options.timeout_ms; the verb's own without --timeout. */
int64_t context_timeout_ms(const struct context *c);
/* The node of that name, or the only one that the selector chooses. fails ERR_USAGE, with the
 * nearest name */
MUST_CHECK int context_node(const struct context *c, const char *name, size_t *ret, struct err *e);
#define CMD_COUNT_MAX 64

/* The table, NULL-terminated, in the order in which help lists it. */
extern const struct cmd *const cmd_table[];
const struct cmd *cmd_find(const char *name); /* NULL: none */

/* Exit statuses and their sentence, for the manual; the last row has a NULL sentence. */
struct exit_row {
	unsigned char status;
	const char *words;
};
extern const struct exit_row exit_rows[];
/* May the verb end with that status? Its own row's, and those that follow from its needs. */
bool cmd_may_exit(const struct cmd *cmd, unsigned char status);

#endif
